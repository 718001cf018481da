//! `kerbox env`.

use std::process::Command;

use serde_json::Value;

use crate::support::Place;

const ANY_PORTS: [&str; 3] = ["--kdc-only", "--kdc-port", "0"];

#[test]
fn the_only_sandbox_that_runs_needs_no_name_and_several_do() {
    let place = Place::new();
    place
        .run(&["env"])
        .refused(1, &["no sandbox is running", "kerbox up"]);
    let first = place.up(&ANY_PORTS);
    let json: Value =
        serde_json::from_str(place.run(&["env", "--shell", "json"]).succeeded()).expect("JSON");
    assert_eq!(json, first.ready["env"]);
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
    assert_eq!(
        serde_json::from_str::<Value>(named.succeeded()).expect("JSON"),
        second.ready["env"]
    );
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
fn a_folder_without_a_sandbox_is_a_failure() {
    let place = Place::new();
    place
        .run(&["env", "--dir", "nowhere"])
        .refused(1, &["nowhere", "ready.json"]);
}
