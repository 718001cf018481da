//! Tests of `kerbox config` and of errors in configuration files.

use kerbox_testing::{Place, Ran};

/// Each file is refused with all of these texts.
const BAD: [(&str, &[&str]); 50] = [
    (
        "[console]\nlisten = \"localhost\"\n",
        &["bad.toml:2:", "[console] listen", "\"127.0.0.1:0\""],
    ),
    (
        "[console]\nadministrator = [\"alice\"]\n",
        &["bad.toml:2:", "did you mean \"administrators\"?"],
    ),
    (
        "[console]\nenabled = \"yes\"\n",
        &["bad.toml:2:", "[console] enabled"],
    ),
    (
        "[hadoop]\ndfs.replication = \"many\"\n",
        &["bad.toml:2:", "dfs.replication has \"many\""],
    ),
    (
        "[hadoop]\n\n\"hadoop.rpc.protection\" = \"secret\"\n",
        &["bad.toml:3:", "authentication, integrity or privacy"],
    ),
    ("[realm\n", &["bad.toml:1:"]),
    ("[realm]\nname = EXAMPLE\n", &["bad.toml:2:"]),
    (
        "name = \"X\"\n",
        &["bad.toml:1:", "\"name\" stands in no table"],
    ),
    (
        "[relm]\n",
        &[
            "bad.toml:1:",
            "there is no table [relm]",
            "did you mean \"realm\"?",
        ],
    ),
    (
        "[[principals]]\nname = \"a\"\n",
        &["bad.toml:1:", "did you mean \"principal\"?"],
    ),
    (
        "[colours]\n",
        &[
            "known are realm, further_realm, principal, trust, capaths",
            "domain_realm, hdfs, hadoop",
        ],
    ),
    (
        "[realm]\n\nmax_lief = \"10h\"\n",
        &[
            "bad.toml:3:",
            "[realm] has no key \"max_lief\"",
            "did you mean \"max_life\"?",
        ],
    ),
    (
        "[realm]\nmax_life = \"10 hours\"\n",
        &[
            "bad.toml:2:",
            "[realm] max_life",
            "\"10 hours\" is not a duration",
            "\"10h\"",
        ],
    ),
    (
        "[realm]\nmax_life = 36000\n",
        &["bad.toml:2:", "36000 is not a text", "quotes"],
    ),
    ("[realm]\nmax_life = \"0s\"\n", &["max_life is zero"]),
    (
        "[realm]\nname = \"A B\"\n",
        &["\"A B\" is not a realm's name"],
    ),
    (
        "[realm]\nlisten = \"localhost\"\n",
        &["[realm] listen", "\"127.0.0.1:0\""],
    ),
    (
        "[realm]\nenctypes = [\"aes256-cts-hmac-sha1-69\"]\n",
        &["did you mean \"aes256-cts-hmac-sha1-96\"?"],
    ),
    ("[realm]\nenctypes = []\n", &["enctypes is empty"]),
    ("[realm]\nenctypes = \"aes256-cts\"\n", &["is not a list"]),
    (
        "[realm]\nattributes = [\"requires_preauth\"]\n",
        &["\"+requires_preauth\" or \"-requires_preauth\""],
    ),
    (
        "[realm]\nattributes = [\"+require_preauth\"]\n",
        &["did you mean \"requires_preauth\"?"],
    ),
    (
        "[realm]\npac = \"yes\"\n",
        &["bad.toml:2:", "\"none\", \"minimal\" or \"full\""],
    ),
    (
        "[realm]\ndomain_sid = \"S-1-5\"\n",
        &["bad.toml:2:", "\"S-1-5\" is no SID"],
    ),
    (
        "[realm]\nnetbios_name = \"A.B\"\n",
        &["\"A.B\" is not a NetBIOS name"],
    ),
    (
        "[[principal]]\nname = \"a\"\ngroups = [513, -1]\n",
        &["bad.toml:3:", "-1 is not a whole number from 1 upward"],
    ),
    ("[realm]\nlibdefaults = 3\n", &["write [realm.libdefaults]"]),
    (
        "[realm.libdefaults]\nx = [1]\n",
        &["bad.toml:2:", "a list cannot be a value"],
    ),
    ("principal = \"alice\"\n", &["[[principal]]"]),
    (
        "[[principal]]\npassword = \"x\"\n",
        &["bad.toml:1:", "it needs a name"],
    ),
    (
        "[[principal]]\nname = \"a@b@c\"\n",
        &["bad.toml:2:", "[[principal]] name", "a@b@c"],
    ),
    (
        "[[principal]]\nname = \"a\"\n[[principal]]\nname = \"a@EXAMPLE.COM\"\n",
        &["bad.toml:3:", "twice"],
    ),
    (
        "[[principal]]\nname = \"a\"\nkeytab = \"../a\"\n",
        &["bad.toml:3:", "without a folder"],
    ),
    (
        "[[principal]]\nname = \"a\"\nkvno = 0\n",
        &["bad.toml:3:", "0 is not a whole number from 1 upward"],
    ),
    (
        "[[principal]]\nname = \"a\"\nmax_life = \"48h\"\n",
        &["raise [realm] max_life"],
    ),
    (
        "[[principal]]\nname = \"a\"\nexpires = 2020-01-01\n",
        &["bad.toml:3:", "2020-01-01T00:00:00Z"],
    ),
    (
        "[hdfs]\nsecurity = \"kerberized\"\n",
        &["neither \"kerberos\" nor \"simple\""],
    ),
    ("[hdfs]\ndatanodes = -1\n", &["-1 is not a whole number"]),
    ("[hdfs]\ndatanode = 3\n", &["did you mean \"datanodes\"?"]),
    (
        "[[hdfs.directory]]\npath = \"user\"\nmode = \"rwx\"\n",
        &["bad.toml:2:", "from the root", "bad.toml:3:", "octal"],
    ),
    (
        "[clock]\nstart = 1969-12-31T00:00:00Z\n",
        &["bad.toml:2:", "[clock] start", "cannot be had"],
    ),
    (
        "[clock]\nbegin = 2030-01-01T00:00:00Z\n",
        &["bad.toml:2:", "[clock] has no key \"begin\""],
    ),
    (
        "[[fault]]\naction = \"lose-reply\"\nserver = \"datanode1\"\nprobability = 2\n",
        &["bad.toml:1:", "not by datanode1"],
    ),
    (
        "[[fault]]\ncode = \"KDC_ERR_POLICY\"\n",
        &["bad.toml:1:", "[[fault]]: it needs an action"],
    ),
    (
        "[[fault]]\naction = \"silent\"\n",
        &["bad.toml:2:", "did you mean \"silence\"?"],
    ),
    (
        "[[fault]]\naction = \"delay\"\nserver = \"kdc\"\n",
        &["bad.toml:1:", "delay needs by"],
    ),
    (
        "[hdfs]\ndatanodes = 2\n[[fault]]\naction = \"corrupt\"\ndatanode = 3\n",
        &["bad.toml:3:", "no DataNode 3", "datanodes is 2"],
    ),
    (
        "[hdfs]\nsecurity = \"simple\"\n[[fault]]\naction = \"silence\"\nserver = \"kdc\"\n",
        &["bad.toml:3:", "there is no KDC"],
    ),
    (
        "[[fault]]\naction = \"krb-error\"\ncode = \"KDC_ERR_NONE_SUCH\"\n",
        &["bad.toml:1:", "KDC_ERR_NONE_SUCH", "KDC_ERR_POLICY"],
    ),
    (
        "[hdfs.groups]\ng = \"alice\"\n",
        &["bad.toml:2:", "is not a list"],
    ),
];

#[test]
fn each_bad_file_is_told_by_line_with_its_value_and_the_mend() {
    let place = Place::new();
    for (text, expected) in BAD {
        place.file("bad.toml", text);
        let checked = place.run(&["config", "check", "bad.toml"]);
        checked.refused(3, expected);
        // Starting with the file gives the same message.
        assert_eq!(
            place.run(&["up", "--config", "bad.toml"]).stderr,
            checked.stderr,
            "{text}"
        );
    }
    for command in [
        &["exec", "--config", "bad.toml", "--", "true"][..],
        &["config", "show", "--config", "bad.toml"],
    ] {
        place.run(command).refused(3, &["bad.toml:2:"]);
    }
    assert!(place.left_over().is_empty());
}

#[test]
fn a_fault_at_a_server_that_the_flags_leave_out_is_refused() {
    let place = Place::new();
    for (fault, flag, why) in [
        (
            "action = \"silence\"\nserver = \"namenode\"",
            "--kdc-only",
            "neither a NameNode",
        ),
        (
            "action = \"corrupt\"\ndatanode = 1",
            "--kdc-only",
            "neither a NameNode",
        ),
        (
            "action = \"krb-error\"\ncode = \"KDC_ERR_POLICY\"",
            "--simple",
            "there is no KDC",
        ),
        (
            "action = \"disk-error\"\ndatanode = 1",
            "--datanodes=0",
            "there is no DataNode 1",
        ),
    ] {
        place.file("faults.toml", &format!("[[fault]]\n{fault}\n"));
        place
            .run(&["up", "--config", "faults.toml", flag])
            .refused(3, &["[[fault]]: ", why]);
    }
    assert!(place.left_over().is_empty());
}

#[test]
fn every_problem_of_a_file_is_told_at_once() {
    let place = Place::new();
    place.file(
        "bad.toml",
        "[realm]\nmax_lief = \"1h\"\nclock_skew = \"x\"\n[hdfs]\ndatanodes = \"3\"\n",
    );
    let ran = place.run(&["config", "check", "bad.toml"]);
    ran.refused(3, &["bad.toml:2:", "bad.toml:3:", "bad.toml:5:"]);
    assert_eq!(ran.stderr.lines().count(), 3, "{ran:#?}");
}

#[test]
fn a_missing_file_and_one_that_is_not_text_are_bad_configuration() {
    let place = Place::new();
    place
        .run(&["config", "check", "no.toml"])
        .refused(3, &["no.toml", "no such file"]);
    place
        .run(&["up", "--config", "no.toml"])
        .refused(3, &["no.toml"]);
    std::fs::write(place.path().join("bytes.toml"), [0xff, 0xfe]).expect("writable");
    place
        .run(&["config", "check", "bytes.toml"])
        .refused(3, &["not UTF-8"]);
}

#[test]
fn the_documented_file_is_well_and_what_show_prints_is_again_a_file() {
    let place = Place::new();
    place.file("kerbox.toml", place.run(&["config", "example"]).succeeded());
    let checked = place.run(&["config", "check", "kerbox.toml"]);
    assert!(checked.succeeded().contains("kerbox.toml"));
    let shown = place.run(&["config", "show", "--config", "kerbox.toml"]);
    place.file("again.toml", shown.succeeded());
    let without_origin = |ran: &Ran| {
        ran.succeeded()
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let again = place.run(&["config", "show", "--config", "again.toml"]);
    assert_eq!(without_origin(&again), without_origin(&shown));
}

#[test]
fn a_fault_at_a_server_that_only_the_flags_bring_is_accepted() {
    let place = Place::new();
    let krb_error = "[[fault]]\naction = \"krb-error\"\ncode = \"KDC_ERR_POLICY\"\n";
    for (hdfs, fault, flag) in [
        (
            "datanodes = 2",
            "[[fault]]\naction = \"corrupt\"\ndatanode = 3\n",
            "--datanodes=3",
        ),
        ("security = \"simple\"", krb_error, "--secure"),
        ("security = \"simple\"", krb_error, "--kdc-only"),
    ] {
        place.file("faults.toml", &format!("[hdfs]\n{hdfs}\n{fault}"));
        let show = ["config", "show", "--config", "faults.toml"];
        place.run(&show).refused(3, &["faults.toml:3: [[fault]]: "]);
        let shown = place.run(&[&show[..], &[flag]].concat());
        assert!(shown.succeeded().contains("[[fault]]"), "{flag}");
    }
}

#[test]
fn flags_override_variables_and_these_the_file_and_that_the_defaults() {
    let place = Place::new();
    let shown = |arguments: &[&str], variables: &[(&str, &str)]| {
        let output = place
            .kerbox(&[&["config", "show"], arguments].concat())
            .envs(variables.iter().copied())
            .output();
        let ran = Ran::of(output.expect("it starts"));
        let find = |line: &&str| line.starts_with("datanodes") || line.starts_with("security");
        ran.succeeded()
            .lines()
            .filter(find)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(shown(&[], &[]), "security = \"kerberos\" datanodes = 3");
    // A kerbox.toml in the working directory is read without being named.
    place.file(
        "kerbox.toml",
        "[hdfs]\ndatanodes = 4\nsecurity = \"simple\"\n",
    );
    assert_eq!(shown(&[], &[]), "security = \"simple\" datanodes = 4");
    let variables = [("KERBOX_DATANODES", "5"), ("KERBOX_SECURITY", "kerberos")];
    assert_eq!(
        shown(&[], &variables),
        "security = \"kerberos\" datanodes = 5"
    );
    assert_eq!(
        shown(&["--datanodes", "6", "--simple"], &variables),
        "security = \"simple\" datanodes = 6"
    );
    place.file("other.toml", "[hdfs]\ndatanodes = 7\n");
    assert_eq!(
        shown(&[], &[("KERBOX_CONFIG", "other.toml")]),
        "security = \"kerberos\" datanodes = 7"
    );
}

#[test]
fn the_protection_flag_and_d_reach_the_hadoop_keys() {
    let place = Place::new();
    let ran = place.run(&[
        "config",
        "show",
        "--protection",
        "privacy",
        "-D",
        "dfs.replication=1",
        "-D",
        "hadoop.rpc.protection=integrity",
    ]);
    for line in [
        "\"dfs.data.transfer.protection\" = \"privacy\"",
        "\"dfs.replication\" = \"1\"",
        "\"hadoop.rpc.protection\" = \"integrity\"",
    ] {
        assert!(ran.succeeded().contains(line), "{ran:#?}");
    }
}

#[test]
fn a_key_of_hadoop_that_nothing_obeys_is_a_warning_and_a_bad_value_is_bad_configuration() {
    let place = Place::new();
    let ran = place.run(&["config", "show", "-D", "dfs.replicaton=1"]);
    ran.succeeded();
    assert!(
        ran.stderr.contains("warning") && ran.stderr.contains("did you mean dfs.replication?"),
        "{ran:#?}"
    );
    let refused = ["-D", "dfs.replication has \"x\""];
    place
        .run(&["up", "-D", "dfs.replication=x"])
        .refused(3, &refused);
    place
        .run(&["exec", "-D", "dfs.replication=x", "--", "true"])
        .refused(3, &refused);
}
