//! Tests of `--data-dir`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use kerbox_testing::{Place, Up};
use rustix::process::Signal;

/// The KDC alone, on any port: the fastest sandbox.
const KDC: [&str; 3] = ["--kdc-only", "--kdc-port", "0"];

fn up(place: &Place) -> Up {
    place.up(&[&KDC[..], &["--data-dir", "data"]].concat())
}

#[test]
fn principals_and_the_clock_are_there_after_a_kill() {
    let place = Place::new();
    let first = up(&place);
    let said = |arguments: &[&str]| place.run(arguments).succeeded().to_owned();
    said(&["principal", "add", "carol", "--password", "pw"]);
    said(&["principal", "change", "alice", "--random-key"]);
    said(&["principal", "remove", "bob"]);
    said(&["clock", "freeze"]);
    said(&["clock", "jump", "2031-01-01T00:00:00Z"]);
    let alice = said(&["principal", "show", "alice"]);
    assert!(alice.contains("2 aes256"), "{alice}");
    first.signal(Signal::KILL);
    first.end();

    let second = up(&place);
    assert_eq!(said(&["principal", "show", "alice"]), alice);
    let names = said(&["principal", "list"]);
    assert!(
        names.contains("carol@") && !names.contains("bob@"),
        "{names}"
    );
    assert_eq!(said(&["clock", "show"]), "2031-01-01T00:00:00Z (frozen)\n");
    second.stop();
    for file in ["realm", "fixture"] {
        let mode = fs::metadata(place.path().join("data").join(file)).expect("there");
        assert_eq!(mode.permissions().mode() & 0o777, 0o600, "{file}");
    }
}

#[test]
fn the_folder_may_be_named_by_a_variable_or_beside_the_configuration() {
    let place = Place::new();
    Up::start(
        place
            .kerbox(&[&["up"], &KDC[..]].concat())
            .env("KERBOX_DATA_DIR", "by-variable"),
    )
    .stop();
    assert!(place.path().join("by-variable/realm").exists());
    fs::create_dir(place.path().join("conf")).expect("new");
    place.file("conf/k.toml", "[data]\ndir = \"kept\"\n");
    place
        .up(&[&KDC[..], &["--config", "conf/k.toml"]].concat())
        .stop();
    assert!(place.path().join("conf/kept/realm").exists());
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_with_what_to_do() {
    let place = Place::new();
    let first = up(&place);
    let again = [&["up"], &KDC[..], &["--data-dir", "data"]].concat();
    place.run(&again).refused(
        1,
        &[
            "data/in_use.lock is in use by process",
            "stop it, or name another directory",
        ],
    );
    first.stop();
    place.file("k.toml", "[realm]\nname = \"OTHER.TEST\"\n");
    place
        .run(&[&again[..], &["--config", "k.toml"]].concat())
        .refused(3, &["keeps the realm EXAMPLE.COM", "name that one"]);
    let realm = place.path().join("data/realm");
    fs::write(&realm, "a letter\n").expect("writable");
    place.run(&again).refused(
        1,
        &["data/realm cannot be used: at byte 0: it is not a realm of Kerbox's"],
    );
    assert_eq!(fs::read_to_string(&realm).expect("there"), "a letter\n");
}
