//! Tests of `kerbox up`: its ready line, its files, its end.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use kerbox_krb5::client::{AsExchange, InitialRequest, Secret};
use kerbox_krb5::messages::frame;
use kerbox_krb5::{Clock, Principal};
use kerbox_testing::Place;
use rand::SeedableRng;
use rustix::process::Signal;
use serde_json::Value;

/// Lets tests run in parallel with each other and with other programs.
pub(crate) const ANY_PORTS: [&str; 4] = ["--kdc-port", "0", "--namenode-port", "0"];

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

fn can_connect(address: &Value) -> bool {
    let address = address.as_str().expect("a text");
    TcpStream::connect(address.strip_prefix("hdfs://").unwrap_or(address)).is_ok()
}

#[test]
fn the_ready_line_has_exactly_the_documented_keys_and_its_endpoints_serve() {
    let place = Place::new();
    let up = place.up(&ANY_PORTS);
    let ready = &up.ready;
    assert_eq!(
        keys(ready),
        [
            "dir",
            "endpoints",
            "env",
            "pid",
            "ready",
            "realm",
            "version"
        ]
    );
    assert_eq!(
        keys(&ready["endpoints"]),
        ["console", "datanodes", "kdc", "namenode", "webhdfs"]
    );
    assert_eq!(
        keys(&ready["env"]),
        [
            "HADOOP_CONF_DIR",
            "HADOOP_OPTS",
            "KERBOX_DIR",
            "KEYTABS",
            "KRB5CCNAME",
            "KRB5_CONFIG",
            "NAMENODE",
            "WEBHDFS"
        ]
    );
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["realm"], "EXAMPLE.COM");
    assert_eq!(ready["env"]["NAMENODE"], ready["endpoints"]["namenode"]);
    assert_eq!(ready["env"]["WEBHDFS"], ready["endpoints"]["webhdfs"]);
    assert_eq!(
        ready["endpoints"]["datanodes"]
            .as_array()
            .expect("a list")
            .len(),
        3
    );
    assert!(can_connect(&ready["endpoints"]["kdc"]));
    assert!(can_connect(&ready["endpoints"]["namenode"]));
    for datanode in ready["endpoints"]["datanodes"].as_array().expect("a list") {
        assert!(can_connect(datanode), "{datanode}");
    }
    up.stop();
}

#[test]
fn the_folder_holds_the_documented_files_and_only_the_owner_can_read_keys() {
    let place = Place::new();
    let up = place.up(&ANY_PORTS);
    let dir = up.dir();
    let mode = |name: &str| {
        fs::metadata(dir.join(name))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(""), 0o700);
    for name in [
        "nn.service",
        "dn.service",
        "sn.service",
        "spnego.service",
        "host",
        "hdfs",
        "alice",
        "bob",
        "jupyter",
    ] {
        assert_eq!(mode(&format!("keytabs/{name}.keytab")), 0o600, "{name}");
    }
    for name in [
        "krb5.conf",
        "hadoop/core-site.xml",
        "hadoop/hdfs-site.xml",
        "ccache",
        "env.sh",
        "blocks/dn1",
        "blocks/dn3",
    ] {
        mode(name);
    }
    let written: Value =
        serde_json::from_slice(&fs::read(dir.join("ready.json")).expect("it is there"))
            .expect("JSON");
    assert_eq!(written, up.ready);
    assert_eq!(written["dir"], dir.to_str().expect("UTF-8"));
    up.stop();
}

#[test]
fn an_https_port_is_an_endpoint() {
    let place = Place::new();
    let up = place.up(&[&ANY_PORTS[..], &["-D", "dfs.http.policy=HTTP_AND_HTTPS"]].concat());
    let https = up.ready["endpoints"]["swebhdfs"].as_str();
    let https = https.and_then(|url| url.strip_prefix("https://"));
    assert!(can_connect(&Value::from(https)), "{}", up.ready);
    assert!(up.dir().join("ca.pem").exists());
    up.stop();
}

#[test]
fn sigterm_and_sigint_end_it_with_success_and_its_files_are_gone() {
    for signal in [Signal::TERM, Signal::INT] {
        let place = Place::new();
        let up = place.up(&ANY_PORTS);
        let dir = up.dir();
        assert!(dir.exists());
        up.signal(signal);
        let (status, ..) = up.end();
        assert_eq!(status.code(), Some(0));
        assert!(!dir.exists());
        assert!(place.left_over().is_empty());
    }
}

#[test]
fn a_folder_that_was_named_stays_without_its_ready_file_and_can_be_used_again() {
    let place = Place::new();
    let arguments = [&ANY_PORTS[..], &["--dir", "sandbox/of/mine"]].concat();
    for _ in 0..2 {
        let up = place.up(&arguments);
        let dir = up.dir();
        assert_eq!(
            dir,
            place
                .path()
                .canonicalize()
                .expect("it is there")
                .join("sandbox/of/mine")
        );
        assert!(dir.join("ready.json").exists());
        up.stop();
        assert!(dir.join("krb5.conf").exists());
        assert!(!dir.join("ready.json").exists());
    }
}

#[test]
fn after_a_kill_the_same_folder_serves_again_and_nothing_stale_is_believed() {
    let place = Place::new();
    let arguments = [&ANY_PORTS[..], &["--dir", "d"]].concat();
    let killed = place.up(&arguments);
    let dir = killed.dir();
    fs::write(dir.join("ccache/krb5cc"), "a ticket of a key that is gone").expect("writable");
    killed.signal(Signal::KILL);
    killed.end();
    assert!(dir.join("ready.json").exists(), "it could not clean up");
    place.run(&["env", "--dir", "d"]).refused(
        1,
        &["no sandbox serves from d", "is gone", "kerbox up --dir d"],
    );

    let again = place.up(&arguments);
    assert!(!dir.join("ccache/krb5cc").exists());
    assert!(
        place
            .run(&["env", "--dir", "d"])
            .succeeded()
            .contains("KRB5_CONFIG")
    );
    again.stop();
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next() {
    let place = Place::new();
    let killed = place.up(&ANY_PORTS);
    let dir = killed.dir();
    killed.signal(Signal::KILL);
    killed.end();
    assert!(dir.exists());
    let alive = place.up(&ANY_PORTS);
    let next = place.up(&ANY_PORTS);
    assert!(!dir.exists());
    assert!(alive.dir().exists(), "only the dead are removed");
    next.stop();
    alive.stop();
}

#[test]
fn two_cannot_serve_from_one_folder() {
    let place = Place::new();
    let arguments = [&ANY_PORTS[..], &["--dir", "d"]].concat();
    let first = place.up(&arguments);
    let pid = format!("pid {}", first.ready["pid"]);
    place
        .run(&[&["up"], &arguments[..]].concat())
        .refused(1, &["another kerbox", &pid, "--dir"]);
    assert!(first.dir().join("ready.json").exists());
    first.stop();
}

#[test]
fn a_closed_standard_input_ends_it_only_if_asked_for() {
    let place = Place::new();
    let mut asked = place.up(&[&ANY_PORTS[..], &["--exit-on-stdin-eof"]].concat());
    let mut other = place.up(&ANY_PORTS);
    other.close_stdin();
    asked.close_stdin();
    let dir = asked.dir();
    let (status, ..) = asked.end();
    assert_eq!(status.code(), Some(0));
    assert!(!dir.exists());
    assert!(can_connect(&other.ready["endpoints"]["namenode"]));
    other.stop();
}

#[test]
fn the_ready_descriptor_gets_the_same_line_and_is_closed() {
    let place = Place::new();
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    // Clear close-on-exec, as a shell does for a descriptor that it passes on.
    rustix::io::fcntl_setfd(&writer, rustix::io::FdFlags::empty()).expect("it is open");
    let number = writer.as_raw_fd().to_string();
    let up = place.up(&[&ANY_PORTS[..], &["--ready-fd", &number]].concat());
    drop(writer);
    let mut line = String::new();
    reader
        .read_to_string(&mut line)
        .expect("it ends, since the command closed it");
    assert_eq!(
        serde_json::from_str::<Value>(&line).expect("JSON"),
        up.ready
    );
    assert!(line.ends_with("}\n") && line.lines().count() == 1);
    up.stop();
}

#[test]
fn a_descriptor_that_is_not_open_or_a_standard_one_is_a_usage_error() {
    let place = Place::new();
    place
        .run(&["up", "--ready-fd", "77"])
        .refused(2, &["--ready-fd 77", "no such descriptor"]);
    place
        .run(&["up", "--ready-fd", "1"])
        .refused(2, &["--ready-fd"]);
}

#[test]
fn simple_security_serves_without_a_realm() {
    let place = Place::new();
    let up = place.up(&[&ANY_PORTS[..], &["--simple", "--datanodes", "1"]].concat());
    assert_eq!(up.ready["realm"], Value::Null);
    assert_eq!(up.ready["endpoints"]["kdc"], Value::Null);
    assert_eq!(
        keys(&up.ready["env"]),
        ["HADOOP_CONF_DIR", "KERBOX_DIR", "NAMENODE", "WEBHDFS"]
    );
    assert!(can_connect(&up.ready["endpoints"]["namenode"]));
    up.stop();
}

#[test]
fn the_kdc_alone_serves_without_hdfs() {
    let place = Place::new();
    let up = place.up(&["--kdc-only", "--kdc-port", "0"]);
    assert_eq!(up.ready["endpoints"]["namenode"], Value::Null);
    assert_eq!(up.ready["endpoints"]["datanodes"], Value::Array(Vec::new()));
    assert_eq!(
        keys(&up.ready["env"]),
        [
            "HADOOP_OPTS",
            "KERBOX_DIR",
            "KEYTABS",
            "KRB5CCNAME",
            "KRB5_CONFIG"
        ]
    );
    assert!(can_connect(&up.ready["endpoints"]["kdc"]));
    let console = up.ready["endpoints"]["console"].as_str();
    let console = console.and_then(|url| url.strip_prefix("http://"));
    assert!(can_connect(&Value::from(console)), "{}", up.ready);
    up.stop();
}

#[test]
fn a_kdc_alone_may_do_without_a_console_or_have_it_elsewhere() {
    let place = Place::new();
    place.file("without.toml", "[console]\nenabled = false\n");
    let up = place.up(&["--kdc-only", "--config", "without.toml"]);
    assert_eq!(up.ready["endpoints"]["console"], Value::Null);
    up.stop();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let asked = ["--kdc-only", "--kdc-port", "0", "--console-port", &port];
    place.run(&[&["up"][..], &asked[..]].concat()).refused(
        4,
        &[
            "the console cannot listen on 127.0.0.1:",
            "--console-port",
            "[console] listen",
            "is taken",
        ],
    );
    drop(taken);
    let up = place.up(&asked);
    assert_eq!(
        up.ready["endpoints"]["console"],
        format!("http://localhost:{port}")
    );
    up.stop();
    place
        .run(&["up", "--console-port", &port])
        .refused(2, &["for a KDC alone", "dfs.namenode.http-address"]);
    assert!(place.left_over().is_empty());
}

#[test]
fn on_a_terminal_a_person_is_told_what_to_type_next_and_control_c_ends_it() {
    let place = Place::new();
    let terminal =
        rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY)
            .expect("a terminal");
    rustix::pty::grantpt(&terminal).expect("ours");
    rustix::pty::unlockpt(&terminal).expect("ours");
    let name = rustix::pty::ptsname(&terminal, Vec::new()).expect("it has a name");
    let user_end = || {
        File::options()
            .read(true)
            .write(true)
            .open(name.to_str().expect("UTF-8"))
            .expect("it opens")
    };
    let mut command = place.kerbox(&["up"]);
    command
        .args(ANY_PORTS)
        .stdin(user_end())
        .stdout(user_end())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    // Otherwise our copies of the user's end would keep the terminal open after the command has
    // ended.
    drop(command);

    let mut terminal = File::from(terminal);
    let mut shown = String::new();
    let mut buffer = [0; 4096];
    while !shown.contains("Ctrl-C") {
        let count = terminal.read(&mut buffer).expect("it is shown");
        shown.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    for text in [
        "hdfs://127.0.0.1:",
        "EXAMPLE.COM",
        "alice bob jupyter",
        "/env.sh && kinit alice && hdfs dfs -ls /",
        "Ready in ",
    ] {
        assert!(shown.contains(text), "{text:?} is missing in\n{shown}");
    }
    assert!(!shown.contains("\"ready\""), "{shown}");
    terminal.flush().expect("open");
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).expect("a process");
    rustix::process::kill_process(pid, Signal::INT).expect("it lives");
    assert_eq!(child.wait().expect("ours").code(), Some(0));
    assert!(place.left_over().is_empty());
}

#[test]
fn what_the_servers_see_is_told_on_standard_error_if_asked_for() {
    let place = Place::new();
    let mut up = place.up(&["--kdc-only", "--kdc-port", "0", "--verbose"]);
    let alice = Principal::new("EXAMPLE.COM", ["alice"]);
    let mut rng = rand::rngs::StdRng::seed_from_u64(1);
    let (_, request) = AsExchange::new(
        InitialRequest::new(alice),
        Secret::Keys(Vec::new()),
        Clock::system().now(),
        &mut rng,
    )
    .expect("a request");
    let mut connection = TcpStream::connect(up.ready["endpoints"]["kdc"].as_str().expect("a text"))
        .expect("it serves");
    connection.write_all(&frame(&request)).expect("open");
    let told = up.stderr_line_with("alice@EXAMPLE.COM");
    assert!(
        told.contains("krbtgt/EXAMPLE.COM") && told.contains("KDC_ERR_PREAUTH_REQUIRED"),
        "{told}"
    );
    up.stop();
}
