//! The folders of `kerbox up`: the user's own files stay unchanged.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use kerbox_testing::{Place, Up};
use rustix::process::Signal;

const KDC: [&str; 3] = ["--kdc-only", "--kdc-port", "0"];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

fn in_folder(dir: &str) -> Vec<&str> {
    [&KDC[..], &["--dir", dir]].concat()
}

#[test]
fn a_folder_that_is_not_empty_and_not_ours_is_refused() {
    let place = Place::new();
    let work = place.path().join("work");
    for folder in ["hadoop", "blocks", "keytabs", "ccache"] {
        fs::create_dir_all(work.join(folder)).expect("new");
    }
    fs::set_permissions(&work, Permissions::from_mode(0o755)).expect("ours");
    let files = ["hadoop/core-site.xml", "krb5.conf", "env.sh"];
    for name in files {
        fs::write(work.join(name), "mine").expect("writable");
    }
    let up = [&["up"], &in_folder("work")[..]].concat();
    place.run(&up).refused(
        1,
        &["--dir", "/work", "not empty", "name an empty or a new"],
    );
    let by_variable = place
        .kerbox(&["up"])
        .args(KDC)
        .env("KERBOX_DIR", &work)
        .output();
    assert_eq!(by_variable.expect("it starts").status.code(), Some(1));
    for name in files {
        assert_eq!(fs::read(work.join(name)).expect("there"), b"mine", "{name}");
    }
    for folder in ["blocks", "keytabs", "ccache"] {
        assert!(work.join(folder).is_dir());
    }
    assert_eq!(mode(&work), 0o755);
}

#[test]
fn an_empty_folder_is_used_as_it_is_and_what_is_put_into_it_stays() {
    let place = Place::new();
    let work = place.path().join("work");
    fs::create_dir(&work).expect("new");
    fs::set_permissions(&work, Permissions::from_mode(0o755)).expect("ours");
    place.up(&in_folder("work")).stop();
    assert_eq!(mode(&work), 0o755);
    let first = fs::read(work.join("keytabs/alice.keytab")).expect("there");
    for name in ["notes", "keytabs/mine.keytab", "ccache/mine"] {
        fs::write(work.join(name), "mine").expect("writable");
    }
    let up = place.up(&in_folder("work"));
    assert_ne!(
        fs::read(work.join("keytabs/alice.keytab")).expect("there"),
        first
    );
    up.stop();
    for name in ["notes", "keytabs/mine.keytab", "ccache/mine"] {
        assert_eq!(fs::read(work.join(name)).expect("there"), b"mine", "{name}");
    }

    // One of the user's files has the name of one of ours.
    fs::remove_file(work.join("env.sh")).expect("ours");
    let marker = fs::read_to_string(work.join(".kerbox")).expect("there");
    let marker: String = marker
        .lines()
        .filter(|line| *line != "file env.sh")
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(work.join(".kerbox"), marker).expect("writable");
    fs::write(work.join("env.sh"), "mine").expect("writable");
    place
        .run(&[&["up"], &in_folder("work")[..]].concat())
        .refused(1, &["env.sh", "did not write it"]);
    assert_eq!(fs::read(work.join("env.sh")).expect("there"), b"mine");
}

#[test]
fn a_folder_of_folders_that_another_may_have_made_is_refused() {
    let home = format!("kerbox.{}", rustix::process::geteuid().as_raw());
    let place = Place::new();
    let target = place.path().join("target");
    fs::create_dir(&target).expect("new");
    fs::set_permissions(&target, Permissions::from_mode(0o755)).expect("ours");
    symlink(&target, place.path().join(&home)).expect("new");
    let up = [&["up"], &KDC[..]].concat();
    place.run(&up).refused(1, &["a symbolic link", "TMPDIR"]);
    place.run(&["env"]).refused(1, &["a symbolic link"]);
    assert_eq!(mode(&target), 0o755);
    assert_eq!(fs::read_dir(&target).expect("there").count(), 0);

    fs::remove_file(place.path().join(&home)).expect("ours");
    fs::create_dir(place.path().join(&home)).expect("free");
    fs::set_permissions(place.path().join(&home), Permissions::from_mode(0o755)).expect("ours");
    place
        .run(&up)
        .refused(1, &["its mode is 755 instead of 700"]);
    assert_eq!(mode(&place.path().join(&home)), 0o755);
}

#[test]
fn what_is_no_dead_sandbox_of_ours_is_not_removed() {
    let place = Place::new();
    let up = place.up(&KDC);
    let home = up.dir().parent().expect("it has one").to_owned();
    up.stop();
    fs::create_dir(home.join("up-1")).expect("new");
    fs::write(home.join("up-1/mine"), "").expect("writable");
    place.up(&KDC).stop();
    assert!(home.join("up-1/mine").exists());
}

#[test]
fn a_second_signal_leaves_nothing_behind() {
    for _ in 0..5 {
        let place = Place::new();
        let up = place.up(&["--kdc-port", "0", "--namenode-port", "0"]);
        // Signals that come before the first was noticed count as one: these come until the end.
        for _ in 0..20_000 {
            up.signal(Signal::TERM);
            std::thread::yield_now();
        }
        let (status, _, stderr) = up.end();
        assert_eq!(status.code(), Some(0), "{stderr}");
        assert!(place.left_over().is_empty(), "{stderr}");
    }
}

#[test]
fn a_variable_that_there_is_not_is_told() {
    let place = Place::new();
    let mut command = place.kerbox(&["up"]);
    let up = Up::start(
        command
            .args(KDC)
            .envs([("KERBOX_DATANODE", "1"), ("RUST_LOG", "debug")]),
    );
    let told = up.stop();
    for text in [
        "KERBOX_DATANODE;",
        "did you mean KERBOX_DATANODES?",
        "RUST_LOG",
    ] {
        assert!(told.contains(text), "{text:?} is missing in {told}");
    }
}

#[test]
fn a_realm_may_have_no_principals_of_ours() {
    let place = Place::new();
    place.file(
        "k.toml",
        "[realm]\nprincipals = \"none\"\n[[principal]]\nname = \"carol\"\n",
    );
    place
        .run(&["up", "--config", "k.toml"])
        .refused(3, &["nn/localhost", "principals = \"none\""]);
    let up = place.up(&[&KDC[..], &["--config", "k.toml"]].concat());
    let listed = place.run(&["principal", "list"]);
    let mut names: Vec<&str> = listed.succeeded().lines().collect();
    names.retain(|name| !name.starts_with("K/") && !name.starts_with("k"));
    assert_eq!(names, ["carol@EXAMPLE.COM"]);
    up.stop();
}
