use std::os::unix::fs::symlink;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o7777
}

#[test]
fn a_temporary_directory_is_private_and_goes_with_its_fixture() {
    let directory = Directory::temporary().expect("a directory");
    let path = directory.path().to_owned();
    assert_eq!(mode(&path), 0o700);
    directory.write("a/b", b"").expect("ours");
    drop(directory);
    assert!(!path.exists());
    let again = Directory::again(&path).expect("free");
    assert_eq!(mode(&path), 0o700);
    drop(again);
    assert!(!path.exists());
    // Another process is faster.
    fs::create_dir(&path).expect("free");
    assert!(Directory::again(&path).is_err());
    fs::remove_dir(&path).expect("still there, and empty");
}

#[test]
fn a_named_directory_has_one_owner_and_stays() {
    let parent = tempfile::tempdir().expect("a directory");
    let path = parent.path().join("a/b");
    let first = Directory::at(&path).expect("it is free");
    let Err(Error::DirectoryInUse { owner, .. }) = Directory::at(&path) else {
        panic!("two owners");
    };
    assert!(owner.contains(&std::process::id().to_string()), "{owner}");
    assert!(holder_of(&path).is_some());
    drop(first);
    assert_eq!(holder_of(&path), None);
    Directory::at(&path).expect("it is free again");
}

#[test]
fn a_directory_that_is_not_ours_is_left_as_it_is() {
    let parent = tempfile::tempdir().expect("a directory");
    let path = parent.path().join("work");
    fs::create_dir(&path).expect("new");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("ours");
    fs::write(path.join("krb5.conf"), "mine").expect("writable");
    let Err(error @ Error::DirectoryNotOurs { .. }) = Directory::at(&path) else {
        panic!("it is not ours");
    };
    let told = error.to_string();
    assert!(
        told.contains("krb5.conf") && told.contains("empty or a new"),
        "{told}"
    );
    assert_eq!(fs::read(path.join("krb5.conf")).expect("there"), b"mine");
    assert_eq!(
        (mode(&path), fs::read_dir(&path).expect("there").count()),
        (0o755, 1)
    );

    fs::remove_file(path.join("krb5.conf")).expect("ours");
    drop(Directory::at(&path).expect("empty, so that it can be used"));
    assert_eq!(mode(&path), 0o755);

    fs::set_permissions(parent.path(), fs::Permissions::from_mode(0o777)).expect("ours");
    let open = parent.path().join("open");
    fs::create_dir(&open).expect("new");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).expect("ours");
    assert!(matches!(
        Directory::at(&open),
        Err(Error::DirectoryNotOurs { .. })
    ));
}

#[test]
fn of_an_earlier_run_only_what_the_marker_names_goes() {
    let parent = tempfile::tempdir().expect("a directory");
    let (path, outside) = (parent.path().join("d"), parent.path().join("outside"));
    let directory = Directory::at(&path).expect("free");
    for name in ["krb5.conf", "keytabs/a.keytab", "hadoop/core-site.xml"] {
        directory.write(name, b"ours").expect("free");
    }
    let node = directory.expect_blocks("blocks/dn1").expect("free");
    fs::create_dir_all(node.join("current")).expect("ours");
    let mine = ["notes", "blk_mine", "blk_1.txt", "blk_1.meta", "blk_1_2"];
    for name in mine.into_iter().chain(["blk_1", "blk_1_1001.meta"]) {
        let name = format!("current/{name}");
        fs::write(node.join(name), "").expect("writable");
    }
    drop(directory);
    for name in ["env.sh", "keytabs/mine.keytab"] {
        fs::write(path.join(name), "mine").expect("writable");
    }
    // A link in place of one of our folders leads to a file of the same name.
    fs::rename(path.join("hadoop"), &outside).expect("ours");
    symlink(&outside, path.join("hadoop")).expect("free");

    let directory = Directory::at(&path).expect("ours");
    let exists = |name: &str| path.join(name).exists();
    assert!(!exists("krb5.conf") && !exists("keytabs/a.keytab"));
    for name in ["blk_1", "blk_1_1001.meta"] {
        assert!(!node.join("current").join(name).exists(), "{name}");
    }
    for name in mine {
        assert!(node.join("current").join(name).exists(), "{name}");
    }
    assert!(exists("keytabs/mine.keytab") && exists("hadoop/core-site.xml"));
    directory.write("krb5.conf", b"new").expect("free again");
    directory.write("krb5.conf", b"newer").expect("ours");
    for name in [
        "env.sh",
        "keytabs/mine.keytab",
        "hadoop/core-site.xml",
        "../x",
    ] {
        assert!(directory.write(name, b"ours").is_err(), "{name}");
    }
    assert_eq!(fs::read(path.join("env.sh")).expect("there"), b"mine");
    assert_eq!(
        fs::read(outside.join("core-site.xml")).expect("there"),
        b"ours"
    );
}

#[test]
fn a_directory_that_was_replaced_is_not_removed() {
    let directory = Directory::temporary().expect("a directory");
    let path = directory.path().to_owned();
    let moved = path.with_extension("moved");
    fs::rename(&path, &moved).expect("ours");
    fs::create_dir(&path).expect("free");
    fs::write(path.join("precious"), "").expect("writable");
    drop(directory);
    assert!(path.join("precious").exists() && moved.exists());
    fs::remove_dir_all(&path).expect("made here");
    fs::remove_dir_all(&moved).expect("made here");
}

#[test]
fn a_copy_of_a_directory_is_not_removed() {
    let directory = Directory::temporary().expect("a directory");
    let path = directory.path().to_owned();
    let moved = path.with_extension("moved");
    fs::rename(&path, &moved).expect("ours");
    fs::create_dir(&path).expect("free");
    fs::copy(moved.join(marker::NAME), path.join(marker::NAME)).expect("readable");
    fs::write(path.join("precious"), "").expect("writable");
    drop(directory);
    assert!(path.join("precious").exists());
    fs::remove_dir_all(&path).expect("made here");
    fs::remove_dir_all(&moved).expect("made here");
}

#[test]
fn a_directory_inside_another_stays_with_the_folders_above_it() {
    let parent = tempfile::tempdir().expect("a directory");
    let outer = Directory::new_in(parent.path(), PREFIX, Keep::Never).expect("writable");
    let path = outer.path().to_owned();
    outer.write("other/file", b"").expect("ours");
    let inner = Directory::at(&path.join("a/inner")).expect("new");
    let precious = inner.write("precious", b"").expect("ours");
    drop(outer);
    assert!(precious.exists() && path.join(marker::NAME).exists());
    assert!(!path.join("other").exists());
    drop(inner);
    fs::remove_dir_all(path.join("a")).expect("made here");
    reap(parent.path(), PREFIX);
    assert!(!path.exists());
}

#[test]
fn evidence_is_marked_at_once_and_never_taken_over() {
    let parent = tempfile::tempdir().expect("a directory");
    let kept = Directory::new_in(parent.path(), PREFIX, Keep::Always).expect("writable");
    let path = kept.path().to_owned();
    let marker = || fs::read_to_string(path.join(marker::NAME)).expect("there");
    // As a kill would leave it.
    assert!(marker().contains("\nkept\n"));
    kept.write("log", b"").expect("ours");
    drop(kept);
    let before = marker();
    let Err(error @ Error::DirectoryNotOurs { .. }) = Directory::at(&path) else {
        panic!("it was taken over");
    };
    assert!(
        error
            .to_string()
            .contains("made for one fixture; name another"),
        "{error}"
    );
    assert!(path.join("log").exists() && marker() == before);
}

#[test]
fn folders_of_replicas_that_are_gone_are_forgotten() {
    let parent = tempfile::tempdir().expect("a directory");
    let directory = Directory::at(parent.path()).expect("free");
    directory.expect_blocks("dn1").expect("free");
    drop(directory);
    drop(Directory::at(parent.path()).expect("ours"));
    fs::create_dir(parent.path().join("dn1")).expect("gone");
    fs::write(parent.path().join("dn1/blk_1"), "mine").expect("writable");
    let directory = Directory::at(parent.path()).expect("ours");
    assert!(parent.path().join("dn1/blk_1").exists());
    assert!(directory.expect_blocks("dn1").is_err());
}

#[test]
fn a_users_file_under_the_name_of_ours_is_kept_and_refused() {
    let parent = tempfile::tempdir().expect("a directory");
    let path = parent.path();
    let directory = Directory::at(path).expect("free");
    for name in ["krb5.conf", "keytabs/a.keytab"] {
        directory.write(name, b"ours").expect("free");
    }
    directory.expect("ccache/a").expect("free");
    drop(directory);
    for name in ["krb5.conf", "keytabs/a.keytab"] {
        fs::remove_file(path.join(name)).expect("ours");
        fs::write(path.join(name), "mine").expect("writable");
    }
    symlink(path.join("krb5.conf"), path.join("ccache/a")).expect("free");

    let directory = Directory::at(path).expect("ours");
    for name in ["krb5.conf", "keytabs/a.keytab"] {
        assert_eq!(fs::read(path.join(name)).expect("there"), b"mine");
        assert!(directory.write(name, b"ours").is_err(), "{name}");
    }
    assert!(directory.expect("ccache/a").is_err());
    assert!(path.join("ccache/a").is_symlink());

    // While the fixture lives, too.
    directory.write("env.sh", b"ours").expect("free");
    directory.write("env.sh", b"newer").expect("ours");
    fs::write(path.join("env.sh"), "mine, and longer").expect("writable");
    assert!(directory.write("env.sh", b"ours").is_err());
    directory.remove("env.sh").expect("nothing to do");
    assert!(path.join("env.sh").exists());
}

#[test]
fn a_file_that_could_not_be_written_is_not_recorded() {
    let directory = Directory::temporary().expect("a directory");
    let name = "x".repeat(256);
    assert!(directory.write(&name, b"").is_err(), "the name is too long");
    let marker = directory.marker();
    assert!(
        marker
            .as_ref()
            .is_some_and(|marker| marker.files.is_empty())
    );
}

#[test]
fn evidence_outlives_a_second_use_of_its_path() {
    let parent = tempfile::tempdir().expect("a directory");
    let kept = Directory::new_in(parent.path(), PREFIX, Keep::Always).expect("writable");
    let path = kept.path().to_owned();
    kept.write("log", b"").expect("ours");
    drop(kept);
    drop(Directory::again(&path).expect("free"));
    assert!(path.join("log").exists());
}

#[test]
fn a_directory_that_keeps_what_is_in_it_is_never_cleared() {
    let place = tempfile::tempdir().expect("a folder");
    let path = place.path().join("kept");
    let replica = path.join("dn1/blk_1");
    let kept = Directory::keeping(&path).expect("new");
    let blocks = kept.expect_blocks("dn1").expect("new");
    fs::create_dir(blocks).expect("made");
    fs::write(&replica, "bytes").expect("written");
    drop(kept);
    let error = Directory::at(&path).expect_err("kept").to_string();
    assert!(
        error.contains("a persistent fixture keeps its blocks in it"),
        "{error}"
    );
    drop(Directory::keeping(&path).expect("again"));
    assert_eq!(fs::read(&replica).expect("still there"), b"bytes");
}
