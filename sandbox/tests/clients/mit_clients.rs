//! MIT's clients and k5test against the drop-in tools.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use kerbox_testing::MitRealm;
use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};

use crate::peers::{self, trial};
use kerbox_testing::Ran;

pub(crate) fn trials() -> Vec<Trial> {
    let kinit = [("MIT kinit", peers::on_path("kinit"))];
    let kpasswd = [
        ("MIT kinit", peers::on_path("kinit")),
        ("MIT kpasswd", peers::on_path("kpasswd")),
    ];
    let k5test = [
        ("MIT kinit", peers::on_path("kinit")),
        ("k5test", peers::folder().join("venv/bin/python").is_file()),
    ];
    vec![
        trial(
            "mit_clients::kpasswd_changes_what_is_in_the_database",
            &kpasswd,
            kpasswd_changes_what_is_in_the_database,
        ),
        trial(
            "mit_clients::kinit_sees_what_kadmin_changes",
            &kinit,
            kinit_sees_what_kadmin_changes,
        ),
        trial(
            "mit_clients::both_realms_of_the_command_line_are_served",
            &kinit,
            both_realms_of_the_command_line_are_served,
        ),
        trial(
            "mit_clients::k5test_runs_on_top_of_the_drop_in_tools",
            &k5test,
            k5test_runs_on_top_of_the_drop_in_tools,
        ),
    ]
}

/// A server of the realm on a free port, killed at the end if it was not stopped.
pub(crate) struct Daemon {
    process: Child,
    pub(crate) address: String,
}

impl Daemon {
    pub(crate) fn start(realm: &MitRealm, program: &str, foreground: &str) -> Self {
        Self::start_with(realm, program, &[foreground])
    }

    fn start_with(realm: &MitRealm, program: &str, arguments: &[&str]) -> Self {
        let mut process = realm
            .command(program, arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("piped"))
            .read_line(&mut line)
            .expect("readable");
        let address = line
            .trim_end()
            .strip_prefix(&format!("{program}: starting... "));
        Self {
            process,
            address: address.expect("it tells the port").to_owned(),
        }
    }

    /// Sends SIGTERM and expects a clean end.
    pub(crate) fn stop(mut self) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).expect("it lives");
        assert_eq!(self.process.wait().expect("ours").code(), Some(0));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Already ended, unless the test has failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a command with this input.
pub(crate) fn input(command: &mut Command, text: &str) -> Ran {
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = command.spawn().expect("it starts");
    // A program that reads nothing may have ended.
    let _ = process
        .stdin
        .take()
        .expect("piped")
        .write_all(text.as_bytes());
    Ran::of(process.wait_with_output().expect("it ends"))
}

fn kpasswd_changes_what_is_in_the_database() {
    let listen = "  kdc_listen = 127.0.0.1:0\n  kpasswd_listen = 127.0.0.1:0\n  supported_enctypes = aes128-cts:normal";
    let realm = MitRealm::new(listen).created();
    realm.query("addpol -minlength 6 pol");
    realm.query("addprinc -pw first1 -policy pol +needchange alice");
    let kdc = Daemon::start(&realm, "krb5kdc", "-n");
    let kadmind = Daemon::start(&realm, "kadmind", "-nofork");
    let servers = format!(
        "kdc = {}\n  kpasswd_server = {}",
        kdc.address, kadmind.address
    );
    let conf = format!(
        "[libdefaults]\n default_realm = KRBTEST.COM\n dns_lookup_kdc = false\n[realms]\n KRBTEST.COM = {{\n  {servers}\n }}\n"
    );
    realm.place.file("krb5.conf", &conf);
    let client = |program: &str, input: &str| {
        let mut client = Command::new(program);
        client
            .arg("alice")
            .env("KRB5_CONFIG", realm.path("krb5.conf"))
            .env("KRB5CCNAME", realm.path("cc"));
        let client = client
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut client = client.spawn().expect("it starts");
        client
            .stdin
            .take()
            .expect("piped")
            .write_all(input.as_bytes())
            .expect("it reads");
        Ran::of(client.wait_with_output().expect("it ends"))
    };
    let short = client("kpasswd", "first1\nshort\nshort\n");
    assert_eq!(short.code, Some(2));
    assert!(
        short.stdout.contains("at least 6 characters long"),
        "{short:#?}"
    );
    client("kpasswd", "first1\nsecond2\nsecond2\n").succeeded();
    client("kinit", "second2\n").succeeded();
    let (printed, _) = realm.query("getprinc alice");
    assert!(
        printed.contains("Key: vno 2, aes128-cts-hmac-sha1-96\n"),
        "{printed}"
    );
    assert!(
        printed.contains("Attributes:\n"),
        "nothing more to change: {printed}"
    );
    kdc.stop();
    kadmind.stop();
}

fn kinit_sees_what_kadmin_changes() {
    let realm =
        MitRealm::new("  kdc_listen = 127.0.0.1:0\n  supported_enctypes = aes128-cts:normal")
            .created();
    realm.query("addprinc -pw first -requires_preauth alice");
    let kdc = Daemon::start(&realm, "krb5kdc", "-n");
    let conf = format!(
        "[libdefaults]\n default_realm = KRBTEST.COM\n dns_lookup_kdc = false\n[realms]\n KRBTEST.COM = {{\n  kdc = {}\n }}\n",
        kdc.address
    );
    realm.place.file("krb5.conf", &conf);
    let kinit = |password: &str| {
        let mut kinit = Command::new("kinit");
        kinit
            .arg("alice")
            .env("KRB5_CONFIG", realm.path("krb5.conf"))
            .env("KRB5CCNAME", realm.path("cc"));
        let mut kinit = kinit
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        writeln!(kinit.stdin.take().expect("piped"), "{password}").expect("it reads");
        let output = kinit.wait_with_output().expect("it ends");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    assert_eq!(kinit("first"), (true, String::new()));
    realm.query("cpw -pw second alice");
    assert_eq!(kinit("second"), (true, String::new()));
    let (success, said) = kinit("first");
    assert!(!success && said.contains("Password incorrect"), "{said}");
    realm.query("modprinc -allow_tix alice");
    let (success, said) = kinit("second");
    assert!(!success && said.contains("revoked"), "{said}");
    kdc.stop();
}

fn both_realms_of_the_command_line_are_served() {
    let realm = MitRealm::new("  kdc_listen = 127.0.0.1:0").created();
    let log = realm.path("kdc.log");
    let server = std::fs::read_to_string(realm.path("kdc.conf")).expect("readable");
    let other = realm.path("other");
    let other = format!(
        "{server} OTHER.COM = {{\n  database_name = {}\n }}\n[logging]\n kdc = FILE:{}\n",
        other.display(),
        log.display()
    );
    realm.place.file("kdc.conf", &other);
    realm
        .run("kdb5_util", &["-r", "OTHER.COM", "create", "-s", "-P", "x"])
        .succeeded();
    for name in ["KRBTEST.COM", "OTHER.COM"] {
        let trust = "addprinc -pw trust krbtgt/OTHER.COM@KRBTEST.COM";
        realm
            .run("kadmin.local", &["-r", name, "-q", trust])
            .succeeded();
    }
    realm.query("addprinc -pw secret alice");
    let service = "addprinc -randkey HTTP/h.other.com";
    realm
        .run("kadmin.local", &["-r", "OTHER.COM", "-q", service])
        .succeeded();
    let bob = "addprinc -pw secret bob";
    realm
        .run("kadmin.local", &["-r", "OTHER.COM", "-q", bob])
        .succeeded();
    let arguments = ["-n", "-r", "KRBTEST.COM", "-r", "OTHER.COM"];
    let kdc = Daemon::start_with(&realm, "krb5kdc", &arguments);
    let address = &kdc.address;
    let conf = format!(
        "[libdefaults]\n default_realm = KRBTEST.COM\n dns_lookup_kdc = false\n\
         [realms]\n KRBTEST.COM = {{\n  kdc = {address}\n }}\n OTHER.COM = {{\n  kdc = {address}\n }}\n"
    );
    realm.place.file("krb5.conf", &conf);
    let client = |program: &str, arguments: &[&str]| {
        let mut client = Command::new(program);
        client
            .args(arguments)
            .env("KRB5_CONFIG", realm.path("krb5.conf"))
            .env("KRB5CCNAME", realm.path("cc"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut client = client.spawn().expect("it starts");
        // kvno does not read its input and may have ended.
        let _ = client.stdin.take().expect("piped").write_all(b"secret\n");
        Ran::of(client.wait_with_output().expect("it ends"))
    };
    client("kinit", &["bob@OTHER.COM"]).succeeded();
    client("kinit", &["alice"]).succeeded();
    client("kvno", &["HTTP/h.other.com@OTHER.COM"]).succeeded();
    let logged = std::fs::read_to_string(log).expect("a log");
    for line in [
        "AS bob@OTHER.COM for krbtgt/OTHER.COM@OTHER.COM: ok",
        "TGS TICKET alice@KRBTEST.COM for HTTP/h.other.com@OTHER.COM: ok",
    ] {
        assert!(logged.contains(line), "{line:?} is missing in {logged}");
    }
    kdc.stop();
}

fn k5test_runs_on_top_of_the_drop_in_tools() {
    let python = peers::folder().join("venv/bin/python");
    let realm = MitRealm::new("");
    let path = format!(
        "{}:{}",
        realm.place.path().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let script = "import k5test, os\nr = k5test.K5Realm(portbase=61000 + os.getpid() % 400 * 10)\nr.addprinc('late', 'pw')\nr.kinit('late', 'pw')\nr.run(['kvno', r.host_princ])\nr.stop()\nprint('well')";
    let output = Command::new(python)
        .args(["-c", script])
        .env("PATH", path)
        .current_dir(realm.place.path())
        .output();
    let ran = Ran::of(output.expect("it starts"));
    assert_eq!(ran.succeeded(), "well\n", "{ran:#?}");
}
