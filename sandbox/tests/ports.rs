//! The choice of ports, and the behaviour when they are not available.

use std::net::TcpListener;

use kerbox_testing::Place;

/// Returns a port that is held by this process.
fn taken() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port().to_string();
    (listener, port)
}

#[test]
fn a_taken_port_that_was_asked_for_is_code_4_and_names_flag_port_and_holder() {
    let place = Place::new();
    let (_held, port) = taken();
    let holder = format!("pid {}", std::process::id());
    for (flag, other) in [
        ("--namenode-port", "--kdc-port"),
        ("--kdc-port", "--namenode-port"),
    ] {
        let mut expected = vec![flag, &port, "taken"];
        if cfg!(target_os = "linux") {
            expected.push(&holder);
        }
        place
            .run(&["up", flag, &port, other, "0"])
            .refused(4, &expected);
        place
            .run(&["exec", flag, &port, other, "0", "--", "true"])
            .refused(4, &expected);
    }
    assert!(place.left_over().is_empty());
}

#[test]
fn a_taken_port_of_the_configuration_is_code_4_and_names_its_key() {
    let place = Place::new();
    let (_held, port) = taken();
    place.file(
        "k.toml",
        &format!("[hdfs]\nlisten = \"127.0.0.1:{port}\"\n"),
    );
    place
        .run(&["up", "--config", "k.toml"])
        .refused(4, &["[hdfs] listen", &port]);
}

#[test]
fn an_address_that_is_not_of_this_machine_is_code_4() {
    let place = Place::new();
    // TEST-NET-1 (RFC 5737).
    place
        .run(&["up", "--bind", "192.0.2.1"])
        .refused(4, &["192.0.2.1", "--bind"]);
}

#[test]
fn strict_ports_wants_the_stable_ones_and_else_others_are_taken_and_told() {
    let place = Place::new();
    // These ports are taken now, by this test or by another process.
    let _kdc = TcpListener::bind("127.0.0.1:10088");
    let _namenode = TcpListener::bind("127.0.0.1:9000");
    place
        .run(&["up", "--strict-ports"])
        .refused(4, &["--strict-ports", "10088"]);
    place
        .run(&["up", "--strict-ports", "--kdc-port", "0"])
        .refused(4, &["--strict-ports", "9000"]);

    let up = place.up(&[]);
    let endpoint = |name: &str| {
        up.ready["endpoints"][name]
            .as_str()
            .expect("a text")
            .to_owned()
    };
    let (kdc, namenode) = (endpoint("kdc"), endpoint("namenode"));
    assert!(kdc.starts_with("127.0.0.1:") && !kdc.ends_with(":10088"));
    assert!(!namenode.ends_with(":9000"));
    let said = up.stop();
    let port = |address: &str| address.rsplit_once(':').expect("a port").1.to_owned();
    for text in ["10088", "9000", &port(&kdc), &port(&namenode)] {
        assert!(said.contains(text), "{text:?} is missing in\n{said}");
    }
}

#[test]
fn a_port_that_was_asked_for_is_taken_when_it_is_free() {
    let place = Place::new();
    let (held, port) = taken();
    drop(held);
    let up = place.up(&["--namenode-port", &port, "--kdc-port", "0"]);
    assert_eq!(
        up.ready["endpoints"]["namenode"],
        format!("hdfs://127.0.0.1:{port}")
    );
    up.stop();
}

#[test]
fn other_addresses_than_loopback_are_served_with_a_warning() {
    let place = Place::new();
    let up = place.up(&[
        "--bind",
        "0.0.0.0",
        "--kdc-port",
        "0",
        "--namenode-port",
        "0",
    ]);
    // Clients cannot connect to a wildcard address, so they are given the loopback one.
    let directory = std::path::PathBuf::from(up.ready["dir"].as_str().expect("a path"));
    for file in [
        "krb5.conf",
        "hadoop/core-site.xml",
        "hadoop/hdfs-site.xml",
        "env.sh",
        "ready.json",
    ] {
        let text = std::fs::read_to_string(directory.join(file)).expect("written");
        assert!(!text.contains("0.0.0.0"), "{file}: {text}");
    }
    let namenode = up.ready["endpoints"]["namenode"]
        .as_str()
        .expect("text")
        .to_owned();
    std::net::TcpStream::connect(namenode.trim_start_matches("hdfs://")).expect("it listens there");
    let said = up.stop();
    assert!(
        said.contains("warning") && said.contains("0.0.0.0"),
        "{said}"
    );
}
