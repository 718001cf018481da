//! The settings of the drop-in tools: each is obeyed, refused, or causes a warning.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpStream, UdpSocket};
use std::process::Stdio;
use std::time::Duration;

use kerbox_testing::MitRealm;

const NAMED: &str = "[realms]\n KRBTEST.COM = {\n  database_module = db\n }\n";

/// Returns a realm with this kdc.conf; `{dir}` stands for its folder.
fn with(kdc_conf: &str) -> MitRealm {
    let realm = MitRealm::new("");
    let dir = realm.place.path().display().to_string();
    realm
        .place
        .file("kdc.conf", &kdc_conf.replace("{dir}", &dir));
    realm
}

/// Runs a program that must fail, and returns its message.
fn fails(realm: &MitRealm, program: &str, arguments: &[&str]) -> String {
    let ran = realm.run(program, arguments);
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    ran.stderr
}

#[test]
fn the_database_is_the_one_that_dbmodules_names() {
    let realm = with(&format!(
        "{NAMED}[dbmodules]\n db = {{\n  database_name = {{dir}}/mine\n }}\n"
    ));
    let realm = realm.created();
    assert!(realm.path("mine").is_file());
    realm.query("addprinc -randkey host/h");
    let kept = fs::read_to_string(realm.path("mine")).expect("a file");
    assert!(kept.contains("host/h@KRBTEST.COM"), "{kept}");
    let destroyed = realm.run("kdb5_util", &["destroy", "-f"]);
    let expected = format!(
        "** Database '{}' destroyed.\n",
        realm.path("mine").display()
    );
    assert_eq!(destroyed.succeeded(), expected);
    let left = fs::read_dir(realm.place.path()).expect("a folder");
    let left: Vec<_> = left
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    let ours = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("mine");
    assert!(!left.iter().any(ours), "{left:?}");
}

#[test]
fn without_a_name_there_is_no_database_and_the_machines_own_is_refused() {
    let realm = with(NAMED);
    for program in ["kdb5_util", "kadmin.local"] {
        let said = fails(&realm, program, &["-r", "KRBTEST.COM", "create"]);
        assert!(
            said.contains("No database is named for realm KRBTEST.COM"),
            "{said}"
        );
        let said = fails(
            &realm,
            program,
            &["-d", "/var/lib/krb5kdc/principal", "create"],
        );
        assert!(
            said.contains("where this machine's own KDC keeps its"),
            "{said}"
        );
    }
    let ldap = with(&format!(
        "{NAMED}[dbmodules]\n db = {{\n  db_library = kldap\n }}\n"
    ));
    let said = fails(&ldap, "krb5kdc", &["-n"]);
    assert!(said.contains("db_library = kldap"), "{said}");
}

#[test]
fn what_is_not_ours_is_neither_overwritten_nor_destroyed() {
    let realm = MitRealm::new("");
    realm.place.file("db", "{\"principals\": {}}");
    realm.place.file("db.new", "somebody's");
    let said = fails(&realm, "kdb5_util", &["create", "-s", "-P", "x"]);
    assert!(said.contains("File exists while creating"), "{said}");
    let said = fails(&realm, "kdb5_util", &["destroy", "-f"]);
    assert!(said.contains("Not a database of Kerbox"), "{said}");
    fs::remove_file(realm.path("db")).expect("it is there");
    let realm = realm.created();
    realm.query("addprinc -randkey host/h");
    let kept = fs::read_to_string(realm.path("db.new")).expect("still there");
    assert_eq!(kept, "somebody's");
    let asked = fails(&realm, "kdb5_util", &["destroy"]);
    assert!(
        asked.contains("is not deleted") && realm.path("db").is_file(),
        "{asked}"
    );
}

#[test]
fn files_are_included_and_what_is_no_profile_is_refused() {
    let realm = with("include {dir}/more\nincludedir {dir}/parts\n");
    let folder = realm.path("parts");
    fs::create_dir(&folder).expect("a new folder");
    let database = realm.path("db");
    realm
        .place
        .file("more", "[realms]\n KRBTEST.COM = {\n  max_life = 2h\n }\n");
    let part = format!(
        "[realms]\n KRBTEST.COM = {{\n  database_name = {}\n }}\n",
        database.display()
    );
    fs::write(folder.join("realm.conf"), part).expect("writable");
    fs::write(folder.join("realm.conf~"), "an editor's").expect("writable");
    let realm = realm.created();
    realm.query("addprinc -randkey host/h");
    let (printed, _) = realm.query("getprinc host/h");
    assert!(
        printed.contains("Maximum ticket life: 0 days 02:00:00\n"),
        "{printed}"
    );
    realm
        .place
        .file("kdc.conf", "[realms]\n KRBTEST.COM = {\n  max_life\n }\n");
    let said = fails(&realm, "krb5kdc", &["-n"]);
    assert!(
        said.contains("Improper format of Kerberos configuration file")
            && said.contains("kdc.conf:3"),
        "{said}"
    );
}

#[test]
fn a_new_principal_has_mits_two_keys_or_those_that_are_listed_with_their_salts() {
    let realm = MitRealm::new("").created();
    realm.query("addprinc -pw x alice");
    realm.query(
        "addprinc -pw x -e aes256-cts:special,rc4-hmac:onlyrealm,aes128-cts:norealm,aes256-cts:normal bob",
    );
    let keys = |realm: &MitRealm, name: &str| {
        let (printed, _) = realm.query(&format!("getprinc {name}"));
        let keys = printed
            .lines()
            .filter_map(|line| line.strip_prefix("Key: vno 1, "));
        keys.map(str::to_owned).collect::<Vec<_>>()
    };
    let two = ["aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96"];
    assert_eq!(keys(&realm, "alice"), two);
    assert_eq!(
        keys(&realm, "bob"),
        [
            "aes256-cts-hmac-sha1-96:special",
            "DEPRECATED:arcfour-hmac:onlyrealm",
            "aes128-cts-hmac-sha1-96:norealm",
            "aes256-cts-hmac-sha1-96",
        ]
    );
    let (printed, said) = realm.query("addprinc -pw x -e aes256-cts:v4 carol");
    assert!(
        printed.is_empty() && said.contains("there is no salt type \"v4\""),
        "{said}"
    );
    let realm = MitRealm::new("  supported_enctypes = des-cbc-crc:normal aes128-sha2").created();
    let (printed, said) = realm.query("addprinc -pw x alice");
    assert!(
        printed.contains("created") && said.contains("des-cbc-crc:normal is left out"),
        "{said}"
    );
    assert_eq!(keys(&realm, "alice"), ["aes128-cts-hmac-sha256-128"]);
}

#[test]
fn what_kadmin_does_not_obey_it_refuses_by_name() {
    let realm = MitRealm::new("").created();
    realm.query("addprinc -pw x alice");
    for (query, said) in [
        (
            "setstr alice require_auth strong",
            "there are no authentication indicators",
        ),
        ("setstr alice otp []", "one-time passwords are not offered"),
        ("setstr alice session_enctypes des", "des is not known here"),
        ("modprinc -pw y alice", "unrecognized option -pw"),
        ("cpw -expire never alice", "unrecognized option -expire"),
        (
            "addprinc -x dn=x -pw y bob",
            "the database takes no arguments",
        ),
        ("modprinc +preath alice", "preath"),
        (
            "modprinc -expire soon alice",
            "Invalid date specification \"soon\".",
        ),
        (
            "modprinc -maxlife yesterday alice",
            "\"yesterday\" is in the past.",
        ),
        ("purgekeys -al alice", "usage: purgekeys"),
        (
            "ktadd -norandkey -e aes256-cts alice",
            "cannot specify keysaltlist",
        ),
        ("ktadd -k", "Usage: ktadd"),
        ("ktadd -frob alice", "-frob is no option of ktadd"),
        ("getprinc -brief alice", "usage: get_principal"),
        ("listprincs a b", "usage: get_principals"),
        (
            "addpol -minclasses 6 p",
            "Illegal number of password classes",
        ),
    ] {
        let (printed, stderr) = realm.query(query);
        assert!(
            printed.is_empty() && stderr.contains(said),
            "{query}: {printed}{stderr}"
        );
    }
    let ran = realm.run("kadmin.local", &["-z"]);
    assert!(
        ran.code == Some(1) && ran.stderr.contains("-z is not an option"),
        "{ran:#?}"
    );
}

#[test]
fn what_kadmin_obeys_is_seen() {
    let realm = MitRealm::new("  default_principal_expiration = 20300101000000").created();
    realm.query("addpol -history 3 -allowedkeysalts aes128-cts default");
    let (_, said) = realm.query("addprinc -pw first alice");
    assert!(said.contains("assigning \"default\""), "{said}");
    realm.query(r#"modprinc +requires_pre_auth -maxlife "next hour" -pwexpire "3 days ago" alice"#);
    for password in ["second", "third"] {
        realm.query(&format!("cpw -pw {password} alice"));
    }
    let (_, said) = realm.query("cpw -pw first alice");
    assert!(said.contains("Cannot reuse password"), "{said}");
    let (_, said) = realm.query("cpw -pw fourth -e aes256-cts alice");
    assert!(said.contains("Invalid key/salt tuples"), "{said}");
    let (printed, _) = realm.query("getprinc alice");
    for line in [
        "Expiration date: Tue Jan 01 00:00:00 ",
        "Maximum ticket life: 0 days 02:00:00\n",
        "Number of keys: 1\nKey: vno 3, aes128-cts-hmac-sha1-96\n",
        "Attributes: REQUIRES_PRE_AUTH\n",
        "Policy: default\n",
    ] {
        assert!(printed.contains(line), "{line:?} is missing in {printed}");
    }
    // A script gets only the output that it asks for.
    let terse = realm.run("kadmin.local", &["-p", "me", "purgekeys", "-all", "alice"]);
    assert_eq!(terse.succeeded(), "");
    let terse = realm.run("kadmin.local", &["getprinc", "-terse", "alice"]);
    let terse = terse.succeeded();
    assert!(
        terse.starts_with("\"alice@KRBTEST.COM\"\t1893456000\t")
            && terse.contains("\t7200\t")
            && terse.ends_with("\t0\t0\t0\t0\n"),
        "{terse}"
    );
}

#[test]
fn ktremove_takes_the_newest_the_old_or_all() {
    let realm = MitRealm::new("  supported_enctypes = aes128-cts").created();
    realm.query("addprinc -randkey host/h");
    let fill = || {
        for _ in 0..3 {
            realm.query("ktadd -q -k kt host/h");
        }
    };
    let left = || {
        let bytes = fs::read(realm.path("kt")).expect("it is there");
        let keytab = kerbox_krb5::keytab::Keytab::parse(&bytes).expect("a keytab");
        keytab
            .entries()
            .map(|entry| entry.kvno())
            .collect::<Vec<_>>()
    };
    fill();
    assert_eq!(left(), [2, 3, 4]);
    realm.query("ktrem -k kt host/h");
    assert_eq!(left(), [2, 3]);
    realm.query("ktrem -k kt host/h old");
    assert_eq!(left(), [3]);
    let (_, said) = realm.query("ktrem -k kt host/h old");
    assert!(
        said.contains("There is only one entry for principal host/h"),
        "{said}"
    );
    let (_, said) = realm.query("ktrem -k kt host/h 9");
    assert!(
        said.contains("No entry for principal host/h with kvno 9 exists"),
        "{said}"
    );
    realm.query("ktrem -k kt host/h all");
    assert!(left().is_empty());
}

#[test]
fn the_machines_own_keytab_is_never_written_by_default() {
    let realm = MitRealm::new("").created();
    realm.query("addprinc -randkey host/h");
    let ktadd = |realm: &MitRealm| {
        let mut ktadd = realm.command("kadmin.local", &["-q", "ktadd host/h"]);
        let ran = ktadd.env_remove("KRB5_KTNAME").output().expect("it starts");
        let said = [ran.stdout, ran.stderr].concat();
        String::from_utf8(said).expect("UTF-8")
    };
    let said = ktadd(&realm);
    assert!(
        said.contains("no keytab is named") && !said.contains("added"),
        "{said}"
    );
    let named = realm.path("named").display().to_string();
    let conf = "[libdefaults]\n default_realm = KRBTEST.COM\n default_keytab_name = FILE:";
    realm.place.file("krb5.conf", &format!("{conf}{named}\n"));
    let said = ktadd(&realm);
    assert!(
        said.contains(&format!("added to keytab WRFILE:{named}.")),
        "{said}"
    );
    let (_, said) = realm.query("ktadd -k MEMORY:x host/h");
    assert!(said.contains("only files"), "{said}");
}

#[test]
fn servers_warn_of_what_has_no_effect_and_listen_on_the_loopback_if_nothing_is_said() {
    let realm = MitRealm::new("  pkinit_identity = FILE:x").created();
    let client = "[libdefaults]\n default_realm = KRBTEST.COM\n[logging]\n default = SYSLOG\n default = FILE:/nowhere/x\n";
    realm.place.file("krb5.conf", client);
    let said = fails(&realm, "krb5kdc", &["-n", "-w", "4"]);
    for text in [
        "krb5kdc: warning: -w has no effect: one process",
        "[realms] KRBTEST.COM pkinit_identity has no effect: PKINIT is not offered",
        "listening on 127.0.0.1:88 only: neither kdc_listen nor kdc_ports is set",
        "[logging] SYSLOG has no effect",
        "[logging] FILE:/nowhere/x: No such file",
    ] {
        assert!(said.contains(text), "{text:?} is missing in {said}");
    }
    let said = fails(&realm, "kadmind", &["-nofork"]);
    assert!(said.contains("listening on 127.0.0.1:464 only"), "{said}");
    let said = fails(&realm, "krb5kdc", &["-n", "--frobnicate"]);
    assert!(said.contains("--frobnicate is not an option"), "{said}");
}

#[test]
fn datagrams_and_connections_have_addresses_of_their_own_and_kdcdefaults_counts() {
    let realm = MitRealm::new("").created();
    let common = "[kdcdefaults]\n kdc_ports = 127.0.0.1:0\n kdc_tcp_ports = 127.0.0.2:0\n";
    let kdc_conf = fs::read_to_string(realm.path("kdc.conf")).expect("readable");
    realm.place.file("kdc.conf", &format!("{common}{kdc_conf}"));
    let mut server = realm.command("krb5kdc", &["-n"]);
    let mut server = server.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut line = String::new();
    let stdout = server.stdout.take().expect("piped");
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("readable");
    let addresses = line.trim_end().strip_prefix("krb5kdc: starting... ");
    let (udp, tcp) = addresses
        .and_then(|both| both.split_once(' '))
        .expect("two addresses");
    assert!(
        udp.starts_with("127.0.0.1:") && tcp.starts_with("127.0.0.2:"),
        "{line}"
    );
    assert!(TcpStream::connect(tcp).is_ok());
    assert!(TcpStream::connect(udp).is_err());
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.connect(udp).expect("an address");
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("it can be set");
    // The tag of an AS-REQ without content. The reply is a KRB-ERROR or missing; either way the
    // port is open.
    socket.send(&[0x6a, 0x00]).expect("somebody listens");
    server.kill().expect("ours");
    server.wait().expect("ours");
}
