//! The drop-in tools. The expected output of MIT's programs was recorded from krb5 1.20.1.

use std::fs;

use kerbox_testing::MitRealm;

#[test]
fn queries_answer_in_mits_words() {
    let realm = MitRealm::new("").created();
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
        (
            "cpw -randkey nfs/h",
            "Key for \"nfs/h@KRBTEST.COM\" randomized.\n",
            "",
        ),
        (
            "listprincs",
            "K/M@KRBTEST.COM\nkadmin/admin@KRBTEST.COM\nkadmin/changepw@KRBTEST.COM\nkrbtgt/KRBTEST.COM@KRBTEST.COM\nnfs/h@KRBTEST.COM\n",
            "",
        ),
        ("listprincs n*", "nfs/h@KRBTEST.COM\n", ""),
        (
            "setstr nfs/h a b",
            "Attribute set for principal \"nfs/h@KRBTEST.COM\".\n",
            "",
        ),
        ("getstrs nfs/h", "a: b\n", ""),
        (
            "purgekeys nfs/h",
            "Old keys for principal \"nfs/h@KRBTEST.COM\" purged.\n",
            "",
        ),
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
        (
            "ktadd nobody",
            "",
            "kadmin.local: Principal nobody does not exist.\n",
        ),
    ] {
        assert_eq!(
            realm.query(query),
            (stdout.to_owned(), stderr.to_owned()),
            "{query}"
        );
    }
    let unknown = realm.run("kadmin.local", &["-q", "frobnicate"]);
    assert_eq!(
        (unknown.code, unknown.stderr.as_str()),
        (Some(1), "kadmin.local: Command not found frobnicate\n")
    );
}

#[test]
fn policies_are_kept_and_enforced_in_mits_words() {
    let realm = MitRealm::new("").created();
    let too_short = "add_principal: Password is too short while creating \"carol@KRBTEST.COM\".\n";
    let too_plain = "change_password: Password does not contain enough character classes while changing password for \"carol@KRBTEST.COM\".\n";
    let reused = "change_password: Cannot reuse password while changing password for \"carol@KRBTEST.COM\".\n";
    for (query, stdout, stderr) in [
        ("addpol -minlength 6 -minclasses 2 pol", "", ""),
        (
            "addpol -minlength 6 pol",
            "",
            "add_policy: Principal or policy already exists while creating policy \"pol\".\n",
        ),
        ("modpol -maxlife 1day pol", "", ""),
        (
            "getpol -terse pol",
            "\"pol\"\t86400\t0\t6\t2\t1\t0\t0\t0\t0\t-\n",
            "",
        ),
        ("listpols", "pol\n", ""),
        ("addprinc -pw sh0rt -policy pol carol", "", too_short),
        (
            "addprinc -pw l0nger-one -policy pol carol",
            "Principal \"carol@KRBTEST.COM\" created.\n",
            "",
        ),
        ("cpw -pw shortonly carol", "", too_plain),
        ("cpw -pw l0nger-one carol", "", reused),
        (
            "cpw -pw an0ther-one carol",
            "Password for \"carol@KRBTEST.COM\" changed.\n",
            "",
        ),
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
        assert_eq!(
            realm.query(query),
            (stdout.to_owned(), stderr.to_owned()),
            "{query}"
        );
    }
    let (printed, _) = realm.query("getprinc carol");
    assert!(
        printed.ends_with("Policy: other [does not exist]\n"),
        "{printed}"
    );
    let (_, said) = realm.query("addpol -minlife 1day -maxfailure 3 strict");
    assert_eq!(
        said,
        "WARNING: -minlife is kept, but kadmind lets users change at any time\n\
         WARNING: -maxfailure is kept, but the KDC locks no account\n"
    );
    let (printed, _) = realm.query("getpol strict");
    assert!(
        printed.contains("Minimum password life: 1 day 00:00:00\n")
            && printed.contains("before lockout: 3\n"),
        "{printed}"
    );
}

#[test]
fn getprinc_prints_every_line_that_mits_does() {
    let realm = MitRealm::new("  default_principal_flags = +preauth").created();
    realm.query("addprinc -randkey -e aes256-cts:normal,aes128-cts:normal -expire 2030-01-01 -maxlife 30s -allow_renewable host/h");
    realm.query("renprinc -force host/h host/i");
    let (printed, _) = realm.query("getprinc host/i");
    let lines: Vec<&str> = printed
        .lines()
        .filter(|line| !line.starts_with("Last "))
        .collect();
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
            "Attributes: DISALLOW_RENEWABLE REQUIRES_PRE_AUTH",
            "Policy: [none]",
        ]
    );
}

#[test]
fn ktadd_writes_the_keys_and_changes_them_unless_told_not_to() {
    let realm = MitRealm::new("  supported_enctypes = aes128-sha2:normal").created();
    realm.query("addprinc -randkey host/h");
    let keytab = realm.path("other.keytab");
    let file = keytab.display();
    for (options, kvno) in [("-norandkey", 1), ("", 2)] {
        let expected = format!(
            "Entry for principal host/h with kvno {kvno}, encryption type aes128-cts-hmac-sha256-128 added to keytab WRFILE:{file}.\n"
        );
        assert_eq!(
            realm.query(&format!("ktadd -k {file} {options} host/h")).0,
            expected
        );
    }
    let written = kerbox_krb5::keytab::Keytab::parse(&fs::read(&keytab).expect("it is there"))
        .expect("a keytab");
    assert_eq!(
        written
            .entries()
            .map(|entry| entry.kvno())
            .collect::<Vec<_>>(),
        [1, 2]
    );
    let removed = realm.query(&format!("ktrem -k {file} host/h 1")).0;
    assert_eq!(
        removed,
        format!("Entry for principal host/h with kvno 1 removed from keytab WRFILE:{file}.\n")
    );
}

#[test]
fn a_database_is_made_once_and_needed() {
    let realm = MitRealm::new("");
    let ran = realm.run("kadmin.local", &["-q", "listprincs"]);
    assert!(ran.stderr.contains("No such file"), "{ran:#?}");
    let realm = realm.created();
    let again = realm.run("kdb5_util", &["create", "-s", "-P", "x"]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("File exists"), "{again:#?}");
}
