//! The drop-in tools: what MIT's print was recorded from krb5 1.20.1.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Place, Ran};

/// A folder with the four programs and the two files of configuration.
struct Realm {
    place: Place,
}

impl Realm {
    fn new(kdc_conf: &str) -> Self {
        let place = Place::new();
        for name in ["krb5kdc", "kadmind", "kadmin.local", "kdb5_util"] {
            symlink(env!("CARGO_BIN_EXE_kerbox"), place.path().join(name)).expect("a new link");
        }
        place.file("krb5.conf", "[libdefaults]\n default_realm = KRBTEST.COM\n");
        let database = place.path().join("db");
        place.file(
            "kdc.conf",
            &format!(
                "[realms]\n KRBTEST.COM = {{\n  database_name = {}\n  max_renewable_life = 7d\n{kdc_conf}\n }}\n",
                database.display()
            ),
        );
        Self { place }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path(program));
        command
            .args(arguments)
            .current_dir(self.place.path())
            .env("KRB5_CONFIG", self.path("krb5.conf"))
            .env("KRB5_KDC_PROFILE", self.path("kdc.conf"))
            .env("KRB5_KTNAME", self.path("keytab"))
            .stdin(Stdio::null());
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Ran {
        Ran::of(self.command(program, arguments).output().expect("it starts"))
    }

    fn created(self) -> Self {
        self.run("kdb5_util", &["create", "-W", "-s", "-P", "master"]).succeeded();
        self
    }

    /// What a query prints after the line on who asks.
    fn query(&self, query: &str) -> (String, String) {
        let ran = self.run("kadmin.local", &["-q", query]);
        let greeting = "Authenticating as principal root/admin@KRBTEST.COM with password.\n";
        let printed = ran.succeeded().strip_prefix(greeting).expect("it greets").to_owned();
        (printed, ran.stderr)
    }
}

#[test]
fn queries_answer_in_mits_words() {
    let realm = Realm::new("").created();
    for (query, stdout, stderr) in [
        (
            "addprinc -randkey nfs/h",
            "Principal \"nfs/h@KRBTEST.COM\" created.\n",
            "No policy specified for nfs/h@KRBTEST.COM; defaulting to no policy\n",
        ),
        (
            "addprinc -randkey nfs/h",
            "",
            "No policy specified for nfs/h@KRBTEST.COM; defaulting to no policy\nadd_principal: Principal or policy already exists while creating \"nfs/h@KRBTEST.COM\".\n",
        ),
        (
            "modprinc -maxlife 30s +ok_as_delegate nfs/h",
            "Principal \"nfs/h@KRBTEST.COM\" modified.\n",
            "",
        ),
        ("cpw -randkey nfs/h", "Key for \"nfs/h@KRBTEST.COM\" randomized.\n", ""),
        (
            "listprincs",
            "kadmin/admin@KRBTEST.COM\nkadmin/changepw@KRBTEST.COM\nkrbtgt/KRBTEST.COM@KRBTEST.COM\nnfs/h@KRBTEST.COM\n",
            "",
        ),
        ("listprincs n*", "nfs/h@KRBTEST.COM\n", ""),
        ("setstr nfs/h a b", "Attribute set for principal \"nfs/h@KRBTEST.COM\".\n", ""),
        ("getstrs nfs/h", "a: b\n", ""),
        ("purgekeys nfs/h", "Old keys for principal \"nfs/h@KRBTEST.COM\" purged.\n", ""),
        (
            "renprinc -force nfs/h nfs/i",
            "Principal \"nfs/h@KRBTEST.COM\" renamed to \"nfs/i@KRBTEST.COM\".\nMake sure that you have removed the old principal from all ACLs before reusing.\n",
            "",
        ),
        (
            "delprinc -force nfs/i",
            "Principal \"nfs/i@KRBTEST.COM\" deleted.\nMake sure that you have removed this principal from all ACLs before reusing.\n",
            "",
        ),
        (
            "getprinc nfs/i",
            "",
            "get_principal: Principal does not exist while retrieving \"nfs/i@KRBTEST.COM\".\n",
        ),
        ("ktadd nobody", "", "kadmin.local: Principal nobody does not exist.\n"),
    ] {
        assert_eq!(realm.query(query), (stdout.to_owned(), stderr.to_owned()), "{query}");
    }
    let unknown = realm.run("kadmin.local", &["-q", "frobnicate"]);
    assert_eq!(
        (unknown.code, unknown.stderr.as_str()),
        (Some(1), "kadmin.local: Command not found frobnicate\n")
    );
}

#[test]
fn policies_are_kept_and_enforced_in_mits_words() {
    let realm = Realm::new("").created();
    let too_short = "add_principal: Password is too short while creating \"carol@KRBTEST.COM\".\n";
    let too_plain =
        "change_password: Password does not contain enough character classes while changing password for \"carol@KRBTEST.COM\".\n";
    let reused = "change_password: Cannot reuse password while changing password for \"carol@KRBTEST.COM\".\n";
    for (query, stdout, stderr) in [
        ("addpol -minlength 6 -minclasses 2 pol", "", ""),
        (
            "addpol -minlength 6 pol",
            "",
            "add_policy: Principal or policy already exists while creating policy \"pol\".\n",
        ),
        ("modpol -maxlife 1day pol", "", ""),
        ("getpol -terse pol", "\"pol\"\t86400\t0\t6\t2\t1\t0\t0\t0\t0\t-\n", ""),
        ("listpols", "pol\n", ""),
        ("addprinc -pw sh0rt -policy pol carol", "", too_short),
        (
            "addprinc -pw l0nger-one -policy pol carol",
            "Principal \"carol@KRBTEST.COM\" created.\n",
            "",
        ),
        ("cpw -pw shortonly carol", "", too_plain),
        ("cpw -pw l0nger-one carol", "", reused),
        ("cpw -pw an0ther-one carol", "Password for \"carol@KRBTEST.COM\" changed.\n", ""),
        ("delpol -force pol", "", ""),
        (
            "delpol -force pol",
            "",
            "delete_policy:: Policy does not exist while deleting policy \"pol\"\n",
        ),
        (
            "getpol pol",
            "",
            "get_policy: Policy does not exist while retrieving policy \"pol\".\n",
        ),
        (
            "modprinc -policy other carol",
            "Principal \"carol@KRBTEST.COM\" modified.\n",
            "WARNING: policy \"other\" does not exist\n",
        ),
    ] {
        assert_eq!(realm.query(query), (stdout.to_owned(), stderr.to_owned()), "{query}");
    }
    let (printed, _) = realm.query("getprinc carol");
    assert!(printed.ends_with("Policy: other [does not exist]\n"), "{printed}");
    let (_, said) = realm.query("addpol -minlife 1day strict");
    assert!(said.contains("-minlife") && realm.query("listpols").0.is_empty(), "{said}");
}

#[test]
fn getprinc_prints_every_line_that_mits_does() {
    let realm = Realm::new("  default_principal_flags = +preauth").created();
    realm.query("addprinc -randkey -e aes256-cts:normal,aes128-cts:normal -expire 2030-01-01 -maxlife 30s -allow_renewable host/h");
    realm.query("renprinc -force host/h host/i");
    let (printed, _) = realm.query("getprinc host/i");
    let lines: Vec<&str> = printed.lines().filter(|line| !line.starts_with("Last ")).collect();
    assert_eq!(
        lines,
        [
            "Principal: host/i@KRBTEST.COM",
            "Expiration date: Tue Jan 01 00:00:00 UTC 2030",
            "Password expiration date: [never]",
            "Maximum ticket life: 0 days 00:00:30",
            "Maximum renewable life: 7 days 00:00:00",
            "Failed password attempts: 0",
            "Number of keys: 2",
            "Key: vno 1, aes256-cts-hmac-sha1-96:special",
            "Key: vno 1, aes128-cts-hmac-sha1-96:special",
            "MKey: vno 1",
            "Attributes: REQUIRES_PRE_AUTH DISALLOW_RENEWABLE",
            "Policy: [none]",
        ]
    );
}

#[test]
fn ktadd_writes_the_keys_and_changes_them_unless_told_not_to() {
    let realm = Realm::new("  supported_enctypes = aes128-sha2:normal").created();
    realm.query("addprinc -randkey host/h");
    let keytab = realm.path("other.keytab");
    let file = keytab.display();
    for (options, kvno) in [("-norandkey", 1), ("", 2)] {
        let expected = format!(
            "Entry for principal host/h with kvno {kvno}, encryption type aes128-cts-hmac-sha256-128 added to keytab WRFILE:{file}.\n"
        );
        assert_eq!(realm.query(&format!("ktadd -k {file} {options} host/h")).0, expected);
    }
    let written = kerbox_krb5::keytab::Keytab::parse(&fs::read(&keytab).expect("it is there")).expect("a keytab");
    assert_eq!(written.entries().map(|entry| entry.kvno()).collect::<Vec<_>>(), [1, 2]);
    let removed = realm.query(&format!("ktrem -k {file} host/h 1")).0;
    assert_eq!(
        removed,
        format!("Entry for principal host/h with kvno 1 removed from keytab WRFILE:{file}.\n")
    );
}

#[test]
fn a_database_is_made_once_and_needed() {
    let realm = Realm::new("");
    let ran = realm.run("kadmin.local", &["-q", "listprincs"]);
    assert!(ran.stderr.contains("No such file"), "{ran:#?}");
    let realm = realm.created();
    let again = realm.run("kdb5_util", &["create", "-s", "-P", "x"]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("File exists"), "{again:#?}");
}

/// Whether a client is here; if not the test says so and passes, or fails where `KERBOX_PEERS=required`.
fn is_there(client: &str, found: bool) -> bool {
    if !found {
        assert_ne!(
            std::env::var("KERBOX_PEERS").as_deref(),
            Ok("required"),
            "{client} is not installed"
        );
        eprintln!("ignored: {client} is not installed");
    }
    found
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A server of the realm on a free port, and its address.
fn daemon(realm: &Realm, program: &str, foreground: &str) -> (Child, String) {
    let mut child = realm
        .command(program, &[foreground])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped"))
        .read_line(&mut line)
        .expect("readable");
    let address = line.trim_end().strip_prefix(&format!("{program}: starting... "));
    (child, address.expect("it tells the port").to_owned())
}

#[test]
fn a_password_that_a_user_changes_at_kadmind_is_kept_in_the_database() {
    if !is_there("MIT kpasswd", on_path("kpasswd")) {
        return;
    }
    let listen = "  kdc_listen = 127.0.0.1:0\n  kpasswd_listen = 127.0.0.1:0\n  supported_enctypes = aes128-cts:normal";
    let realm = Realm::new(listen).created();
    realm.query("addpol -minlength 6 pol");
    realm.query("addprinc -pw first1 -policy pol +needchange alice");
    let (mut kdc, address) = daemon(&realm, "krb5kdc", "-n");
    let (mut kadmind, passwords) = daemon(&realm, "kadmind", "-nofork");
    let servers = format!("kdc = {address}\n  kpasswd_server = {passwords}");
    let conf =
        format!("[libdefaults]\n default_realm = KRBTEST.COM\n dns_lookup_kdc = false\n[realms]\n KRBTEST.COM = {{\n  {servers}\n }}\n");
    realm.place.file("krb5.conf", &conf);
    let client = |program: &str, input: &str| {
        let mut client = Command::new(program);
        client
            .arg("alice")
            .env("KRB5_CONFIG", realm.path("krb5.conf"))
            .env("KRB5CCNAME", realm.path("cc"));
        let client = client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut client = client.spawn().expect("it starts");
        client.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
        Ran::of(client.wait_with_output().expect("it ends"))
    };
    let short = client("kpasswd", "first1\nshort\nshort\n");
    assert_eq!(short.code, Some(2));
    assert!(short.stdout.contains("at least 6 characters long"), "{short:#?}");
    client("kpasswd", "first1\nsecond2\nsecond2\n").succeeded();
    client("kinit", "second2\n").succeeded();
    let (printed, _) = realm.query("getprinc alice");
    assert!(printed.contains("Key: vno 2, aes128-cts-hmac-sha1-96\n"), "{printed}");
    assert!(printed.contains("Attributes: \n"), "nothing more to change: {printed}");
    for server in [&mut kdc, &mut kadmind] {
        kill_process(Pid::from_raw(server.id().cast_signed()).expect("a process"), Signal::TERM).expect("it lives");
        assert_eq!(server.wait().expect("ours").code(), Some(0));
    }
}

#[test]
fn krb5kdc_serves_mits_kinit_and_sees_what_kadmin_changes() {
    if !is_there("MIT kinit", on_path("kinit")) {
        return;
    }
    let realm = Realm::new("  kdc_listen = 127.0.0.1:0\n  supported_enctypes = aes128-cts:normal").created();
    realm.query("addprinc -pw first -requires_preauth alice");
    let (mut kdc, address) = daemon(&realm, "krb5kdc", "-n");
    let conf = format!(
        "[libdefaults]\n default_realm = KRBTEST.COM\n dns_lookup_kdc = false\n[realms]\n KRBTEST.COM = {{\n  kdc = {address}\n }}\n"
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
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(kinit("first"), (true, String::new()));
    realm.query("cpw -pw second alice");
    assert_eq!(kinit("second"), (true, String::new()));
    let (success, said) = kinit("first");
    assert!(!success && said.contains("Password incorrect"), "{said}");
    realm.query("modprinc -allow_tix alice");
    let (success, said) = kinit("second");
    assert!(!success && said.contains("revoked"), "{said}");
    kill_process(Pid::from_raw(kdc.id().cast_signed()).expect("a process"), Signal::TERM).expect("it lives");
    assert_eq!(kdc.wait().expect("ours").code(), Some(0));
}

#[test]
fn k5test_runs_on_top_of_the_drop_in_tools() {
    let home = std::env::var_os("HOME").unwrap_or_default();
    let peers = std::env::var_os("KERBOX_PEERS_DIR").map_or_else(|| PathBuf::from(home).join(".cache/kerbox-peers"), PathBuf::from);
    let python = peers.join("venv/bin/python");
    if !is_there("k5test", python.is_file()) || !is_there("MIT kinit", on_path("kinit")) {
        return;
    }
    let realm = Realm::new("");
    let path = format!("{}:{}", realm.place.path().display(), std::env::var("PATH").unwrap_or_default());
    let script = "import k5test, os\nr = k5test.K5Realm(portbase=61000 + os.getpid() % 400 * 10)\nr.addprinc('late', 'pw')\nr.kinit('late', 'pw')\nr.run(['kvno', r.host_princ])\nr.stop()\nprint('well')";
    let output = Command::new(python)
        .args(["-c", script])
        .env("PATH", path)
        .current_dir(realm.place.path())
        .output();
    let ran = Ran::of(output.expect("it starts"));
    assert_eq!(ran.succeeded(), "well\n", "{ran:#?}");
}
