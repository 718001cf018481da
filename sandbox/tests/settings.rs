//! Settings of `kerbox up` by flags, variables and kerbox.toml.

use std::fs;

use kerbox_testing::{Place, Up};

use crate::up::ANY_PORTS;

#[test]
fn the_variable_stands_in_for_the_flag_and_the_flag_overrides_it() {
    let place = Place::new();
    for (flags, dir, datanodes) in [
        (&[][..], "from-variable", 1),
        (&["--dir", "from-flag", "--datanodes", "2"], "from-flag", 2),
    ] {
        let up = Up::start(
            place
                .kerbox(&["up"])
                .args(flags)
                .args(ANY_PORTS)
                .envs([("KERBOX_DIR", "from-variable"), ("KERBOX_DATANODES", "1")]),
        );
        assert!(up.dir().ends_with(dir));
        let listed = up.ready["endpoints"]["datanodes"].as_array();
        assert_eq!(listed.expect("a list").len(), datanodes);
        up.stop();
    }
}

#[test]
fn usage_errors_have_code_2() {
    let place = Place::new();
    for arguments in [
        &["up", "--nonsense"][..],
        &["up", "--simple", "--secure"],
        &["up", "--datanodes", "many"],
        &["up", "--datanodes", "32768"],
        &["up", "--protection", "none"],
        &["up", "--simple", "--protection", "privacy"],
        &["up", "-D", "novalue"],
        &["up", "--bind", "localhost"],
        &["exec"],
        &["env", "--shell", "tcsh"],
        &["config"],
        &["config", "check"],
        &["nonsense"],
        &[],
    ] {
        let ran = place.run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {ran:#?}");
        assert!(!ran.stderr.is_empty());
    }
    assert!(
        place
            .run(&["--help"])
            .succeeded()
            .contains("kerbox exec -- pytest -q")
    );
    assert!(place.run(&["--version"]).succeeded().starts_with("kerbox "));
}

#[test]
fn the_same_seed_makes_the_same_keys_and_none_makes_others() {
    let place = Place::new();
    let keytab = |arguments: &[&str]| {
        let up = place.up(&[&["--kdc-only", "--kdc-port", "0"], arguments].concat());
        let bytes = fs::read(up.dir().join("keytabs/host.keytab")).expect("it is there");
        up.stop();
        let keytab = kerbox_krb5::keytab::Keytab::parse(&bytes).expect("a keytab");
        keytab
            .entries()
            .filter_map(|entry| Some(entry.key()?.as_bytes().to_vec()))
            .collect::<Vec<_>>()
    };
    assert_eq!(keytab(&["--seed", "7"]), keytab(&["--seed", "7"]));
    assert_ne!(keytab(&[]), keytab(&[]));
}

#[test]
fn hadoops_keys_reach_the_clients_files() {
    let place = Place::new();
    let up = place.up(&[
        &ANY_PORTS[..],
        &[
            "--protection",
            "privacy",
            "-D",
            "dfs.replication=2",
            "--datanodes",
            "2",
        ],
    ]
    .concat());
    for file in ["hadoop/core-site.xml", "hadoop/hdfs-site.xml"] {
        let xml = fs::read_to_string(up.dir().join(file)).expect("it is there");
        for (key, value) in [
            ("hadoop.rpc.protection", "privacy"),
            ("dfs.data.transfer.protection", "privacy"),
            ("dfs.replication", "2"),
            (
                "fs.defaultFS",
                up.ready["env"]["NAMENODE"].as_str().expect("a text"),
            ),
        ] {
            let property = format!("<name>{key}</name><value>{value}</value>");
            assert!(
                xml.contains(&property),
                "{property} is missing in {file}:\n{xml}"
            );
        }
    }
    up.stop();
}

#[test]
fn the_configuration_reaches_the_realm() {
    let place = Place::new();
    place.file(
        "k.toml",
        "[realm]\nname = \"TEST.LOCAL\"\nattributes = [\"-allow_postdated\"]\n[realm.libdefaults]\nticket_lifetime = \"3h\"\n[[principal]]\nname = \"kafka/broker\"\nkeytab = \"kafka.keytab\"\nkvno = 7\n[[principal]]\nname = \"zookeeper/broker\"\nkeytab = \"kafka.keytab\"\n",
    );
    let up = place.up(&["--config", "k.toml", "--kdc-only"]);
    assert_eq!(up.ready["realm"], "TEST.LOCAL");
    let conf = fs::read_to_string(up.dir().join("krb5.conf")).expect("it is there");
    for line in [
        "default_realm = TEST.LOCAL",
        "ticket_lifetime = 3h",
        "forwardable = true",
    ] {
        assert!(
            conf.lines().any(|written| written.trim() == line),
            "{line:?} is missing in\n{conf}"
        );
    }
    let keytab = kerbox_krb5::keytab::Keytab::read(&up.dir().join("keytabs/kafka.keytab"))
        .expect("a keytab");
    let mut keys: Vec<String> = keytab
        .entries()
        .map(|entry| format!("{} {}", entry.principal(), entry.kvno()))
        .collect();
    keys.dedup();
    assert_eq!(
        keys,
        ["kafka/broker@TEST.LOCAL 7", "zookeeper/broker@TEST.LOCAL 1"]
    );
    let shown = place.run(&["principal", "show", "kafka/broker"]);
    assert!(
        shown
            .succeeded()
            .lines()
            .any(|line| line == "attributes: -allow_postdated"),
        "{shown:#?}"
    );
    up.stop();
}
