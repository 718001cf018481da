//! Databases that move between MIT's own programs and the drop-in tools, in MIT's dump files.

use std::fs;
use std::io::{BufRead, BufReader};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::process::{Command, Stdio};

use kerbox_testing::MitRealm;
use libtest_mimic::Trial;

use crate::mit_clients::{Daemon, input};
use crate::peers::{self, trial};
use kerbox_testing::Ran;

pub(crate) fn trials() -> Vec<Trial> {
    let needs = [
        ("MIT kinit", peers::on_path("kinit")),
        ("MIT krb5kdc", Path::new("/usr/sbin/krb5kdc").is_file()),
        ("MIT kdb5_util", Path::new("/usr/sbin/kdb5_util").is_file()),
    ];
    vec![
        trial(
            "mit_databases::a_realm_of_mits_moves_to_the_drop_in_tools_and_back",
            &needs,
            a_realm_of_mits_moves_to_the_drop_in_tools_and_back,
        ),
        trial(
            "mit_databases::a_realm_of_ours_moves_to_mits_tools",
            &needs,
            a_realm_of_ours_moves_to_mits_tools,
        ),
        trial(
            "mit_databases::master_keys_are_rolled_over_by_either",
            &needs,
            master_keys_are_rolled_over_by_either,
        ),
    ]
}

/// MIT's own programs beside a realm of the drop-in tools, with a database of their own.
struct Mit<'a> {
    ours: &'a MitRealm,
}

impl<'a> Mit<'a> {
    fn beside(ours: &'a MitRealm) -> Self {
        fs::create_dir(ours.path("mit")).expect("a new folder");
        let mit = Self { ours };
        mit.configure("");
        mit
    }

    fn configure(&self, more: &str) {
        let folder = self.ours.path("mit");
        let folder = folder.display();
        self.ours.place.file(
            "mit/kdc.conf",
            &format!(
                "[realms]\n KRBTEST.COM = {{\n  database_name = {folder}/db\n  \
                 key_stash_file = {folder}/stash\n  max_renewable_life = 7d\n{more}\n }}\n\
                 [logging]\n kdc = FILE:{folder}/kdc.log\n"
            ),
        );
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(Path::new("/usr/sbin").join(program));
        command
            .args(arguments)
            .current_dir(self.ours.path("mit"))
            .env("LC_ALL", "C")
            .env("KRB5_CONFIG", self.ours.path("krb5.conf"))
            .env("KRB5_KDC_PROFILE", self.ours.path("mit/kdc.conf"))
            .stdin(Stdio::null());
        command
    }

    #[track_caller]
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program, arguments).output();
        let ran = Ran::of(output.expect("it starts"));
        ran.succeeded().to_owned()
    }

    #[track_caller]
    fn kadmin(&self, query: &[&str]) -> String {
        self.run("kadmin.local", query)
    }
}

/// Returns the keys of a principal as the programs of `kadmin` write them into a keytab.
fn keys(kadmin: &mut Command, realm: &MitRealm, name: &str) -> Vec<u8> {
    let keytab = realm.path("compared.keytab");
    let _ = fs::remove_file(&keytab);
    let path = keytab.display().to_string();
    let ran = kadmin
        .args(["ktadd", "-norandkey", "-k", &path, name])
        .output();
    Ran::of(ran.expect("it starts")).succeeded();
    let listed = Command::new("klist").args(["-eKk", &path]).output();
    let listed = listed.expect("it starts").stdout;
    assert!(listed.windows(3).any(|part| part == b"(0x"), "no keys");
    listed
}

#[track_caller]
fn kinit(realm: &MitRealm, address: &str, name: &str, password: &str) -> Ran {
    realm.place.file(
        "client.conf",
        &format!(
            "[libdefaults]\n default_realm = KRBTEST.COM\n dns_lookup_kdc = false\n\
             [realms]\n KRBTEST.COM = {{\n  kdc = {address}\n }}\n"
        ),
    );
    let mut kinit = Command::new("kinit");
    kinit
        .arg(name)
        .env("KRB5_CONFIG", realm.path("client.conf"))
        .env("KRB5CCNAME", realm.path("cc"));
    input(&mut kinit, &format!("{password}\n"))
}

/// Runs MIT's KDC while `with` uses it.
fn with_mits_kdc(mit: &Mit<'_>, with: impl FnOnce(&str)) {
    // Another program may take the port before the KDC does.
    let started = (0..10).find_map(|_| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound").to_string();
        let datagrams = std::net::UdpSocket::bind(&address).ok()?;
        drop((listener, datagrams));
        mit.configure(&format!(
            "  kdc_listen = {address}\n  kdc_tcp_listen = {address}"
        ));
        let mut kdc = mit.command("krb5kdc", &["-n"]);
        let mut kdc = kdc.stderr(Stdio::piped()).spawn().expect("it starts");
        let said = BufReader::new(kdc.stderr.take().expect("piped")).lines();
        let mut said = said.map_while(Result::ok);
        let serves = said.any(|line| line.contains("starting..."));
        if !serves {
            kdc.wait().expect("it has ended");
        }
        serves.then_some((kdc, address))
    });
    let (mut kdc, address) = started.unwrap_or_else(|| {
        let log = fs::read_to_string(mit.ours.path("mit/kdc.log"));
        panic!("MIT's KDC does not start: {log:?}")
    });
    let done = std::panic::catch_unwind(AssertUnwindSafe(|| with(&address)));
    kdc.kill().expect("it lives");
    kdc.wait().expect("ours");
    done.unwrap_or_else(|panic| resume_unwind(panic));
}

fn dump(realm: &MitRealm, name: &str, options: &[&str]) -> String {
    let path = realm.path(name).display().to_string();
    let mut arguments = vec!["dump"];
    arguments.extend(options);
    arguments.push(&path);
    realm.run("kdb5_util", &arguments).succeeded();
    fs::read_to_string(path).expect("a dump")
}

fn a_realm_of_mits_moves_to_the_drop_in_tools_and_back() {
    let realm = MitRealm::new("  kdc_listen = 127.0.0.1:0\n  key_stash_file = mit/stash");
    let mit = Mit::beside(&realm);
    mit.run("kdb5_util", &["create", "-W", "-s", "-P", "master"]);
    for query in [
        &["addpol", "-history", "3", "-minlength", "3", "pol"][..],
        &["addprinc", "-pw", "first", "-policy", "pol", "alice"],
        &["cpw", "-pw", "second", "alice"],
        &["cpw", "-pw", "third", "alice"],
        &[
            "addprinc",
            "-pw",
            "secret",
            "-e",
            "aes128-cts:special",
            "bob",
        ],
        &["renprinc", "bob", "robert"],
        &[
            "addprinc",
            "-randkey",
            "-maxlife",
            "1h",
            "+ok_as_delegate",
            "-allow_renewable",
            "+requires_preauth",
            "+support_desmd5",
            "HTTP/h",
        ],
        &["cpw", "-randkey", "-keepold", "HTTP/h"],
        &["setstr", "HTTP/h", "mine", "value"],
        &[
            "addprinc",
            "-nokey",
            "-expire",
            "2035-01-01",
            "+0x400",
            "nobody",
        ],
    ] {
        mit.kadmin(query);
    }
    let path = realm.path("mits.dump").display().to_string();
    mit.run("kdb5_util", &["dump", &path]);
    let theirs = fs::read_to_string(&path).expect("a dump");
    let ran = realm.run("kdb5_util", &["load", "-verbose", &path]);
    ran.succeeded();
    assert!(ran.stderr.contains("robert@KRBTEST.COM\n"), "{ran:#?}");

    // The same principals, settings and keys.
    for query in [
        &["listprincs"][..],
        &["getprinc", "-terse", "alice"],
        &["getprinc", "robert"],
        &["getprinc", "HTTP/h"],
        &["getprinc", "nobody"],
        &["getpol", "-terse", "pol"],
        &["getstrs", "HTTP/h"],
    ] {
        let own = realm.run("kadmin.local", query);
        assert_eq!(own.succeeded(), mit.kadmin(query), "{query:?}");
    }
    for name in ["alice", "robert", "HTTP/h", "krbtgt/KRBTEST.COM"] {
        let own = keys(&mut realm.command("kadmin.local", &[]), &realm, name);
        let their = keys(&mut mit.command("kadmin.local", &[]), &realm, name);
        assert_eq!(
            String::from_utf8_lossy(&own),
            String::from_utf8_lossy(&their)
        );
    }
    for table in [
        "keydata",
        "keyinfo",
        "princ_flags",
        "princ_lockout",
        "princ_meta",
        "princ_stringattrs",
        "princ_tktpolicy",
    ] {
        for options in ["-H", "-c", "-ce", "-n", "-He"] {
            let arguments = ["tabdump", options, table];
            let own = realm.run("kdb5_util", &arguments);
            let their = mit.run("kdb5_util", &arguments);
            assert_eq!(own.succeeded(), their, "{arguments:?}");
        }
    }
    let kdc = Daemon::start(&realm, "krb5kdc", "-n");
    for (name, password) in [("alice", "third"), ("robert", "secret")] {
        kinit(&realm, &kdc.address, name, password).succeeded();
    }
    kdc.stop();
    // The former passwords are remembered.
    for password in ["first", "second", "third"] {
        let (_, said) = realm.query(&format!("cpw -pw {password} alice"));
        assert!(said.contains("Cannot reuse password"), "{password}: {said}");
    }

    // Nothing is lost on the way back.
    assert_eq!(dump(&realm, "ours.dump", &[]), theirs);
    for option in ["-b7", "-r13", "-r18"] {
        mit.run("kdb5_util", &["dump", option, &path]);
        let theirs = fs::read_to_string(&path).expect("a dump");
        assert_eq!(dump(&realm, "ours.dump", &[option]), theirs, "{option}");
    }
    let (printed, _) = realm.query("cpw -pw fourth alice");
    assert!(printed.contains("changed"), "{printed}");
    dump(&realm, "ours.dump", &[]);
    let path = realm.path("ours.dump").display().to_string();
    mit.run("kdb5_util", &["load", &path]);
    for password in ["second", "third", "fourth"] {
        let query = ["cpw", "-pw", password, "alice"];
        let said = Ran::of(
            mit.command("kadmin.local", &query)
                .output()
                .expect("it starts"),
        );
        let refused = said.stderr.contains("Cannot reuse password");
        assert!(refused, "{password}: {said:#?}");
    }
}

fn a_realm_of_ours_moves_to_mits_tools() {
    let realm = MitRealm::new("  kdc_listen = 127.0.0.1:0\n  key_stash_file = stash").created();
    let mit = Mit::beside(&realm);
    for query in [
        "addpol -minclasses 2 -maxlife 30days pol",
        "addprinc -pw Secret1 -policy pol alice",
        "addprinc -pw secret -e aes128-cts:onlyrealm,aes256-sha2:normal bob",
        "addprinc -randkey -maxrenewlife 1day HTTP/h",
        "setstr alice a b",
    ] {
        realm.query(query);
    }
    let chosen = dump(&realm, "some", &["-verbose"]);
    assert!(chosen.contains("\tbob@KRBTEST.COM\t"), "{chosen}");
    let path = realm.path("ours.dump").display().to_string();
    let ran = realm.run(
        "kdb5_util",
        &["dump", "-rev", &path, "bo.*", ".*/h@KRBTEST\\.COM"],
    );
    ran.succeeded();
    let chosen = fs::read_to_string(&path).expect("a dump");
    let names: Vec<&str> = chosen
        .lines()
        .filter_map(|line| line.split('\t').nth(6))
        .collect();
    assert_eq!(names, ["bob@KRBTEST.COM", "HTTP/h@KRBTEST.COM"]);

    for option in ["-r13", "-r18", ""] {
        let options: Vec<&str> = Some(option)
            .filter(|text| !text.is_empty())
            .into_iter()
            .collect();
        dump(&realm, "ours.dump", &options);
        mit.run("kdb5_util", &["load", &path]);
        assert!(realm.path("ours.dump.dump_ok").is_file());
    }
    // By the stash file that the drop-in tool made, and by the password.
    fs::copy(realm.path("stash"), realm.path("mit/stash")).expect("a copy");
    for query in [
        &["getprinc", "alice"][..],
        &["getprinc", "bob"],
        &["getpol", "pol"],
        &["getstrs", "alice"],
    ] {
        let own = realm.run("kadmin.local", query);
        assert_eq!(mit.kadmin(query), own.succeeded(), "{query:?}");
    }
    mit.run("kdb5_util", &["-P", "master", "stash", "-f", "other"]);
    for name in ["alice", "bob", "HTTP/h", "kadmin/changepw"] {
        let own = keys(&mut realm.command("kadmin.local", &[]), &realm, name);
        let their = keys(&mut mit.command("kadmin.local", &[]), &realm, name);
        assert_eq!(
            String::from_utf8_lossy(&own),
            String::from_utf8_lossy(&their)
        );
    }
    with_mits_kdc(&mit, |address| {
        kinit(&realm, address, "alice", "Secret1").succeeded();
        kinit(&realm, address, "bob", "secret").succeeded();
        assert_eq!(kinit(&realm, address, "bob", "wrong").code, Some(1));
    });

    // With another master key.
    let mut convert = realm.command("kdb5_util", &["dump", "-mkey_convert", &path]);
    input(&mut convert, "another\nanother\n").succeeded();
    mit.run("kdb5_util", &["load", &path]);
    mit.run("kdb5_util", &["-P", "another", "stash"]);
    let own = keys(&mut realm.command("kadmin.local", &[]), &realm, "alice");
    let their = keys(&mut mit.command("kadmin.local", &[]), &realm, "alice");
    assert_eq!(own, their);
}

fn master_keys_are_rolled_over_by_either() {
    let realm = MitRealm::new("  kdc_listen = 127.0.0.1:0\n  key_stash_file = stash").created();
    let mit = Mit::beside(&realm);
    realm.query("addprinc -pw secret alice");
    let mut add = realm.command("kdb5_util", &["add_mkey", "-e", "aes128-cts"]);
    input(&mut add, "second\nsecond\n").succeeded();
    let far = realm.run("kdb5_util", &["use_mkey", "1", "now+1day"]);
    far.refused(1, &["there must be one master key currently active"]);
    let unknown = realm.run("kdb5_util", &["use_mkey", "3"]);
    unknown.refused(1, &["3 is an invalid KVNO value"]);
    realm
        .run("kdb5_util", &["use_mkey", "2", "now-1day"])
        .succeeded();
    realm.query("cpw -pw secret2 alice");
    realm.query("addprinc -pw secret bob");

    // The same, as MIT's programs see it; the first key in the stash file still opens all.
    fs::copy(realm.path("stash"), realm.path("mit/stash")).expect("a copy");
    let path = realm.path("ours.dump").display().to_string();
    dump(&realm, "ours.dump", &[]);
    mit.run("kdb5_util", &["load", &path]);
    let listed = realm.run("kdb5_util", &["list_mkeys"]);
    let listed = listed.succeeded();
    assert!(listed.contains("KVNO: 2, Enctype: aes128-cts-hmac-sha1-96, Active on: "));
    assert_eq!(mit.run("kdb5_util", &["list_mkeys"]), listed);
    for name in ["alice", "bob", "krbtgt/KRBTEST.COM"] {
        let query = ["getprinc", name];
        let own = realm.run("kadmin.local", &query);
        assert_eq!(mit.kadmin(&query), own.succeeded());
    }
    with_mits_kdc(&mit, |address| {
        kinit(&realm, address, "alice", "secret2").succeeded();
    });

    // MIT's program seals the rest with the new key, purges the old one, and adds a third.
    mit.run("kdb5_util", &["update_princ_encryption", "-f"]);
    mit.run("kdb5_util", &["stash"]);
    mit.run("kdb5_util", &["purge_mkeys", "-f"]);
    let mut add = mit.command("kdb5_util", &["add_mkey"]);
    input(&mut add, "third\nthird\n").succeeded();
    mit.run("kdb5_util", &["use_mkey", "3"]);
    mit.kadmin(&["cpw", "-pw", "secret3", "alice"]);
    mit.run("kdb5_util", &["dump", &path]);
    let outdated = realm.run("kdb5_util", &["load", &path]);
    outdated.succeeded();
    let refused = realm.run("kadmin.local", &["getprinc", "alice"]);
    refused.refused(1, &["Unable to decrypt latest master key"]);
    realm
        .run("kdb5_util", &["stash", "-P", "third"])
        .succeeded();
    let listed = realm.run("kdb5_util", &["list_mkeys"]);
    assert_eq!(listed.succeeded(), mit.run("kdb5_util", &["list_mkeys"]));
    let kdc = Daemon::start(&realm, "krb5kdc", "-n");
    kinit(&realm, &kdc.address, "alice", "secret3").succeeded();
    kinit(&realm, &kdc.address, "bob", "secret").succeeded();
    kdc.stop();
    let done = realm.run("kdb5_util", &["update_princ_encryption", "-f", "b*"]);
    let said = "1 principals processed: 1 updated, 0 already current\n";
    assert_eq!(done.succeeded(), said);
}
