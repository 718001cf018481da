//! Tests of `kerbox env`.

use std::process::Command;

use kerbox_testing::{Place, Up};
use serde_json::Value;

const ANY_PORTS: [&str; 3] = ["--kdc-only", "--kdc-port", "0"];

/// Returns the variables without the one that the ready line leaves to its reader.
fn without_java(mut variables: Value) -> Value {
    let option = variables
        .as_object_mut()
        .expect("an object")
        .remove("JAVA_TOOL_OPTIONS")
        .expect("every JVM needs it");
    assert!(option.as_str().expect("a text").contains("/krb5.conf"));
    variables
}

#[test]
fn the_only_sandbox_that_runs_needs_no_name_and_several_do() {
    let place = Place::new();
    place
        .run(&["env"])
        .refused(1, &["no sandbox is running", "kerbox up"]);
    let first = place.up(&ANY_PORTS);
    let json: Value =
        serde_json::from_str(place.run(&["env", "--shell", "json"]).succeeded()).expect("JSON");
    assert_eq!(without_java(json), first.ready["env"]);
    let second = place.up(&ANY_PORTS);
    let dir = second.dir();
    place
        .run(&["env"])
        .refused(1, &["several", &format!("--dir {}", dir.display())]);
    let named = place.run(&[
        "env",
        "--shell",
        "json",
        "--dir",
        dir.to_str().expect("UTF-8"),
    ]);
    let named = serde_json::from_str(named.succeeded()).expect("JSON");
    assert_eq!(without_java(named), second.ready["env"]);
    second.stop();
    first.stop();
}

#[test]
fn a_shell_that_reads_it_has_the_variables() {
    let place = Place::new();
    let up = place.up(&[&ANY_PORTS[..], &["--dir", "it's here"]].concat());
    let dir = up.dir();
    let shown = |script: &str| {
        let output = Command::new("sh")
            .arg("-c")
            .arg(script)
            .current_dir(place.path())
            .output()
            .expect("there is a shell");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let expected = format!(
        "{} {}\n",
        dir.join("krb5.conf").display(),
        up.ready["env"]["KEYTABS"].as_str().expect("a text")
    );
    let kerbox = env!("CARGO_BIN_EXE_kerbox");
    let both = "echo \"$KRB5_CONFIG $KEYTABS\"";
    assert_eq!(
        shown(&format!(
            "eval \"$({kerbox} env --dir \"it's here\")\"; {both}"
        )),
        expected
    );
    assert_eq!(
        shown(&format!(". \"./it's here/env.sh\"; {both}")),
        expected
    );
    up.stop();
}

#[test]
fn what_the_user_gave_to_jvms_stays_and_is_extended_once() {
    let place = Place::new();
    let up = place.up(&ANY_PORTS);
    let kerbox = env!("CARGO_BIN_EXE_kerbox");
    let option = format!("-Djava.security.krb5.conf={}/krb5.conf", up.dir().display());
    for read in [
        format!("eval \"$({kerbox} env)\""),
        format!(". {}/env.sh", up.dir().display()),
    ] {
        let script =
            format!("{read}; {read}; printf '%s\\n' \"$JAVA_TOOL_OPTIONS\" \"$HADOOP_OPTS\"");
        let output = Command::new("sh")
            .args(["-c", &script])
            .env("TMPDIR", place.path())
            .env("JAVA_TOOL_OPTIONS", "-Xmx1g -Dmine='a b'")
            .env_remove("HADOOP_OPTS")
            .output()
            .expect("there is a shell");
        let said = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(
            said,
            format!("-Xmx1g -Dmine='a b' {option}\n{option}\n"),
            "{read}"
        );
    }
    up.stop();
}

#[test]
fn a_sandbox_in_a_folder_that_was_named_is_found() {
    let place = Place::new();
    let up = place.up(&[&ANY_PORTS[..], &["--dir", "of/mine"]].concat());
    assert!(
        place
            .run(&["env"])
            .succeeded()
            .contains("/of/mine/krb5.conf")
    );
    up.stop();
    let up = place.up(&[&ANY_PORTS[..], &["--dir", "of/mine"]].concat());
    up.signal(rustix::process::Signal::KILL);
    up.end();
    place.run(&["env"]).refused(1, &["no sandbox is running"]);
}

#[test]
fn a_variable_of_a_sandbox_that_is_gone_harms_nobody() {
    let place = Place::new();
    let gone = place.up(&ANY_PORTS);
    let stale = gone.dir();
    gone.stop();
    let with_stale = |arguments: &[&str]| {
        let mut command = place.kerbox(arguments);
        command.env("KERBOX_DIR", &stale);
        command
    };
    let ran = |arguments: &[&str]| {
        let output = with_stale(arguments).output().expect("it starts");
        kerbox_testing::Ran::of(output)
    };
    ran(&["env"]).refused(1, &["KERBOX_DIR=", "no sandbox is running"]);
    let first = Up::start(with_stale(&["up"]).args(ANY_PORTS));
    assert_ne!(first.dir(), stale);
    assert!(
        ran(&["env"])
            .succeeded()
            .contains(first.dir().to_str().expect("UTF-8"))
    );
    let listed = ran(&["principal", "list"]);
    assert!(listed.succeeded().contains("alice@EXAMPLE.COM"));
    assert!(listed.stderr.contains("KERBOX_DIR"), "{listed:#?}");

    // Start a second sandbox in a shell of the first.
    let mut second = place.kerbox(&["up"]);
    let second = Up::start(second.args(ANY_PORTS).env("KERBOX_DIR", first.dir()));
    assert_ne!(second.dir(), first.dir());
    let output = place
        .kerbox(&["env"])
        .env("KERBOX_DIR", first.dir())
        .output()
        .expect("it starts");
    let of_first = kerbox_testing::Ran::of(output);
    assert!(
        of_first
            .succeeded()
            .contains(first.dir().to_str().expect("UTF-8"))
    );
    second.stop();
    first.stop();
}

#[test]
fn a_folder_without_a_sandbox_is_a_failure() {
    let place = Place::new();
    place
        .run(&["env", "--dir", "nowhere"])
        .refused(1, &["nowhere", "ready.json"]);
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn programs_are_put_under_the_clock_if_asked() {
    let place = Place::new();
    let up = place.up(&ANY_PORTS);
    let plain: Value =
        serde_json::from_str(place.run(&["env", "--shell", "json"]).succeeded()).expect("JSON");
    let ran = place.run(&["env", "--clock", "--shell", "json"]);
    let clocked: Value = serde_json::from_str(ran.succeeded()).expect("JSON");
    for (name, file) in [
        ("KERBOX_CLOCK_PAGE", "clock/page"),
        ("LD_PRELOAD", "clock/libkerbox_clock.so"),
        ("KRB5_CONFIG", "clock/krb5.conf"),
    ] {
        let path = up.dir().join(file);
        assert_eq!(clocked[name], path.to_str().expect("UTF-8"));
        assert!(path.is_file());
        assert_ne!(plain[name], clocked[name]);
    }
    assert_eq!(plain["KRB5CCNAME"], clocked["KRB5CCNAME"]);
    up.stop();
}
