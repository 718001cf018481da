//! Tests of `kerbox kdc`, `kerbox namenode` and `kerbox datanode`: what they need, and how they say
//! what is missing.

use kerbox_testing::{Place, Up};

/// Starts one of the processes and waits until it serves.
fn start(place: &Place, words: &[&str]) -> Up {
    Up::start(&mut place.kerbox(words))
}

/// Starts a KDC on any port, in the folder `k`.
fn kdc(place: &Place, more: &[&str]) -> Up {
    start(
        place,
        &[&["kdc", "--dir", "k", "--kdc-port", "0"], more].concat(),
    )
}

#[test]
fn a_namenode_says_what_it_needs() {
    let place = Place::new();
    place.run(&["namenode"]).refused(
        2,
        &["where are the NameNode's keys?", "--kdc-dir", "--keytabs"],
    );
    place.run(&["namenode", "--kdc-dir", "nowhere"]).refused(
        1,
        &["no sandbox serves from nowhere: there is no ready.json"],
    );
    place
        .run(&["namenode", "--namenode-port", "0", "--keytabs", "nowhere"])
        .refused(1, &["cannot read the keytabs in", "nowhere"]);
    std::fs::create_dir(place.path().join("empty")).expect("new");
    place
        .run(&["namenode", "--namenode-port", "0", "--keytabs", "empty"])
        .refused(1, &["has no usable key of nn/localhost@EXAMPLE.COM"]);
    place
        .run(&["namenode", "--simple", "--keytabs", "empty"])
        .refused(2, &["--simple"]);
    place
        .run(&["kdc", "--simple"])
        .refused(2, &["without Kerberos no KDC is needed"]);
    place.file("simple.toml", "[hdfs]\nsecurity = \"simple\"\n");
    place
        .run(&["namenode", "--config", "simple.toml", "--keytabs", "empty"])
        .refused(2, &["[hdfs] security is \"simple\", which needs no KDC"]);
}

#[test]
fn the_realm_of_the_kdc_is_that_of_the_others() {
    let place = Place::new();
    let kdc = kdc(&place, &[]);
    assert_eq!(kdc.ready["realm"], "EXAMPLE.COM");
    place.file("other.toml", "[realm]\nname = \"OTHER.TEST\"\n");
    for process in ["namenode", "datanode"] {
        let words = [
            process,
            "--config",
            "other.toml",
            "--kdc-dir",
            "k",
            "--namenode-port",
            "1",
        ];
        place
            .run(&words)
            .refused(3, &["has the realm EXAMPLE.COM, and this is OTHER.TEST"]);
    }
    kdc.stop();
}

#[test]
fn each_process_has_its_own_part_of_the_data() {
    let place = Place::new();
    place.file("kerbox.toml", "[data]\ndir = \"data\"\n");
    let kdc = kdc(&place, &[]);
    let words = [
        "namenode",
        "--kdc-dir",
        "k",
        "--dir",
        "n",
        "--namenode-port",
        "0",
    ];
    let namenode = start(&place, &words);
    let ready = &namenode.ready;
    assert_eq!(ready["realm"], "EXAMPLE.COM");
    let variable = |name: &str| ready["env"][name].as_str().unwrap_or_default().to_owned();
    assert!(variable("KRB5_CONFIG").ends_with("/k/krb5.conf"), "{ready}");
    assert!(
        variable("HADOOP_CONF_DIR").ends_with("/n/hadoop"),
        "{ready}"
    );
    let port = ready["endpoints"]["namenode"].as_str().expect("an address");
    let port = port.rsplit(':').next().expect("a port");
    let words = ["datanode", "--kdc-dir", "k", "--namenode-port", port];
    let datanode = start(&place, &words);
    let data = place.path().join("data");
    for file in [
        "kdc/realm",
        "namenode/name/current/VERSION",
        "datanode/blocks/dn1",
    ] {
        assert!(data.join(file).exists(), "{file}");
    }
    // A second one needs a folder of its own.
    place.run(&words).refused(1, &["is in use by"]);
    let second = start(&place, &[&words[..], &["--data-dir", "second"]].concat());
    assert!(place.path().join("second/blocks/dn1").exists());
    for up in [second, datanode, namenode, kdc] {
        up.stop();
    }
}

#[test]
fn blocks_of_another_namespace_are_left_alone() {
    let place = Place::new();
    let namenode = |dir: &str| {
        let words = [
            "namenode",
            "--simple",
            "--namenode-port",
            "0",
            "--data-dir",
            dir,
        ];
        start(&place, &words)
    };
    let datanode = |namenode: &Up| {
        let address = namenode.ready["endpoints"]["namenode"]
            .as_str()
            .expect("an address");
        let port = address.rsplit(':').next().expect("a port").to_owned();
        ["datanode", "--simple", "--data-dir", "d", "--namenode-port"]
            .map(str::to_owned)
            .into_iter()
            .chain([port])
            .collect::<Vec<_>>()
    };
    let first = namenode("one");
    let words = datanode(&first);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    start(&place, &words).stop();
    first.stop();
    let other = namenode("two");
    let words = datanode(&other);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    place.run(&words).refused(
        1,
        &[
            "it holds the blocks of BP-",
            "start that NameNode, or name another folder",
        ],
    );
    other.stop();
}
