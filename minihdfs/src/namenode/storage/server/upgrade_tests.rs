//! Upgrades of name directories.

use std::fs;
use std::path::Path;

use super::tests::{START, make, start, start_how, sync};
use super::*;
use crate::namenode::NameNode;
use crate::namenode::storage::OLDEST_LAYOUT_VERSION;

/// Makes a directory with files of this layout version: with an image of which nothing but the
/// number is old, and edits which are old as a whole if they are those of a formatted directory.
fn old(layout_version: i32) -> tempfile::TempDir {
    let place = tempfile::tempdir().expect("a folder");
    let node = start(place.path()).expect("formatted");
    make(&node, "/a/b");
    drop(node);
    let current = place.path().join("current");
    for entry in fs::read_dir(&current).expect("a folder") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("named").display().to_string();
        let mut bytes = fs::read(&path).expect("read");
        if name == "VERSION" {
            let text = String::from_utf8(bytes).expect("text");
            bytes = text.replace("-67", &layout_version.to_string()).into();
        } else if name.starts_with("edits") {
            bytes[..4].copy_from_slice(&layout_version.to_be_bytes());
        }
        fs::write(&path, bytes).expect("written");
    }
    place
}

fn upgraded(path: &Path) -> Result<NameNode, NameDirectoryError> {
    start_how(path, &[], |directory| directory.upgrading(true))
}

/// Returns every file below a folder, but not the lock, with its contents.
fn files(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).expect("a folder") {
        let entry = entry.expect("one").path();
        if entry.is_dir() {
            found.extend(files(&entry));
        } else if !entry.ends_with("in_use.lock") {
            found.push((entry.display().to_string(), fs::read(&entry).expect("read")));
        }
    }
    found.sort();
    found
}

#[test]
fn an_old_directory_is_refused_unless_it_is_to_be_upgraded() {
    for version in [OLDEST_LAYOUT_VERSION, -66] {
        let place = old(version);
        let before = files(place.path());
        let error = start(place.path()).expect_err("old").to_string();
        let hadoops = format!(
            "File system image contains an old layout version {version}. An upgrade to version \
             -67 is required. Please restart NameNode with the \"-rollingUpgrade started\" option \
             if a rolling upgrade is already started; or restart NameNode with the \"-upgrade\" \
             option to start a new upgrade. "
        );
        assert!(
            error.contains(&hadoops) && error.contains("`--upgrade`"),
            "{error}"
        );
        assert_eq!(files(place.path()), before);
    }
    let place = old(-62);
    let error = upgraded(place.path()).expect_err("too old").to_string();
    assert!(error.contains("start Hadoop 2.10 with -upgrade"), "{error}");
    let empty = tempfile::tempdir().expect("a folder");
    let error = upgraded(empty.path()).expect_err("empty").to_string();
    assert!(error.contains("NameNode is not formatted."), "{error}");
}

#[test]
fn an_upgrade_keeps_the_old_files_until_it_is_finalized() {
    let place = old(-66);
    let before = fs::read(place.path().join("current/VERSION")).expect("read");
    let node = upgraded(place.path()).expect("upgraded");
    assert_eq!(node.has("/a/b"), Ok(true));
    assert!(!node.is_upgrade_finalized());
    make(&node, "/c");
    sync(&node);
    drop(node);
    let previous = place.path().join("previous");
    assert_eq!(fs::read(previous.join("VERSION")).expect("kept"), before);
    let text = fs::read_to_string(place.path().join("current/VERSION")).expect("read");
    let later = START.as_millis() + 1;
    assert!(text.contains("layoutVersion=-67\n") && text.contains(&format!("cTime={later}\n")));
    let error = upgraded(place.path())
        .expect_err("not finalized")
        .to_string();
    assert!(
        error.contains("previous fs state should not exist during upgrade."),
        "{error}"
    );
    let node = start(place.path()).expect("as any other");
    assert_eq!((node.has("/a/b"), node.has("/c")), (Ok(true), Ok(true)));
    assert!(!node.is_upgrade_finalized());
    let storage = node.storage().expect("on disk");
    storage.finalize_upgrade().expect("finalized");
    assert!(node.is_upgrade_finalized() && !previous.exists());
    storage.finalize_upgrade().expect("nothing to do");
}

#[test]
fn an_interrupted_upgrade_is_taken_back() {
    let place = old(-66);
    let before = files(place.path());
    fs::rename(
        place.path().join("current"),
        place.path().join("previous.tmp"),
    )
    .expect("renamed");
    start(place.path()).expect_err("still old");
    assert_eq!(files(place.path()), before);
    let node = upgraded(place.path()).expect("upgraded");
    assert_eq!(node.has("/a/b"), Ok(true));
}
