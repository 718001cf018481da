//! Folders of Hadoop 2.10 and 3.3, which nothing but an upgrade opens.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::bytes::cluster;
use super::exchange::assert_same;
use super::{Error, program_of, shown};
use crate::support::{TestResult, run};

pub(super) fn a_folder_of_hadoop_2_10_needs_an_upgrade() -> TestResult {
    opens_by_an_upgrade("hadoop-old/2.10", -63)
}

pub(super) fn a_folder_of_hadoop_3_3_needs_an_upgrade() -> TestResult {
    opens_by_an_upgrade("hadoop-old/3.3", -66)
}

/// Runs commands of `peers/Folders.java` in one JVM with a release of Hadoop.
pub(crate) fn folders(peer: &str, commands: &[&[&str]]) -> Result<Vec<String>, Error> {
    program_of(peer, "Folders.java", commands)
}

/// A release of Hadoop writes a tree, of which a half is in edits. Kerbox refuses its folders and
/// leaves them as they are, upgrades them when it is told to, and serves what Hadoop 3.4 serves
/// after its own upgrade of a copy. Hadoop 3.4 then serves Kerbox's. At the end, Kerbox finalizes.
fn opens_by_an_upgrade(peer: &str, layout_version: i32) -> TestResult {
    let place = tempfile::tempdir()?;
    let path = shown(place.path())?;
    folders(peer, &[&["write", path]])?;
    let theirs = copy(place.path())?;
    let upgraded = folders("reference", &[&["upgrade", shown(theirs.path())?]])?;
    let expected = upgraded[0].strip_suffix("finalized false\n");
    let expected = expected.ok_or_else(|| format!("{} is finalized", upgraded[0]))?;

    let before = files(place.path())?;
    let refused = cluster(place.path()).start_blocking();
    let refused = refused.expect_err("an old folder").to_string();
    let reason = format!(
        "File system image contains an old layout version {layout_version}. An upgrade to version \
         -67 is required. Please restart NameNode with the \"-rollingUpgrade started\" option if \
         a rolling upgrade is already started; or restart NameNode with the \"-upgrade\" option"
    );
    assert!(refused.contains(&reason), "{refused}");
    assert!(refused.contains("the flag `--upgrade`"), "{refused}");
    assert_eq!(files(place.path())?, before);

    let kerbox = cluster(place.path()).upgrade().start_blocking()?;
    let url = &*kerbox.url();
    let ours = folders(
        "reference",
        &[
            &["tree", url],
            &["admin", url, "-upgrade", "query"],
            &["put", url, "/new"],
            &["append", url, "/new"],
            &["append", url, "/image/g"],
            &["tree", url],
        ],
    )?;
    assert_same(&ours[0], expected)?;
    assert_eq!(ours[1], "Upgrade not finalized\n");
    drop(kerbox);
    let kept = previous(place.path());
    assert_eq!(kept.len(), 2, "{kept:?}");
    let again = cluster(place.path()).upgrade().start_blocking();
    let again = again.expect_err("not finalized").to_string();
    assert!(
        again.contains("previous fs state should not exist during upgrade."),
        "{again}"
    );
    finalize(place.path(), &ours[5], &before)
}

/// Hadoop 3.4 serves folders that Kerbox has upgraded, with the same tree. Kerbox then finalizes
/// the upgrade, which leaves the old files alone until then.
fn finalize(place: &Path, tree: &str, before: &[(PathBuf, Vec<u8>)]) -> TestResult {
    let hadoops = folders("reference", &[&["serve", shown(place)?]])?;
    assert_same(tree, &hadoops[0])?;
    let mut kept = 0;
    for (path, bytes) in before {
        let path = shown(path)?;
        let folder = ["name/current/", "/current/finalized/"];
        if folder.iter().any(|folder| path.contains(folder)) {
            // The last `current` is that of the namespace, or of the block pool.
            let (above, below) = path.rsplit_once("current/").ok_or("a file of current")?;
            let found = fs::read(place.join(above).join("previous").join(below))?;
            assert_eq!(found, *bytes, "{path}");
            kept += 1;
        }
    }
    assert!(kept > 20, "{kept}");
    let kerbox = cluster(place).start_blocking()?;
    let url = &*kerbox.url();
    let ours = folders(
        "reference",
        &[
            &["tree", url],
            &["admin", url, "-finalizeUpgrade"],
            &["admin", url, "-upgrade", "query"],
        ],
    )?;
    assert_same(tree, &ours[0])?;
    assert_eq!(ours[2], "Upgrade finalized\n");
    // The DataNode learns of it by a heartbeat.
    kerbox.advance_blocking(Duration::from_secs(10))?;
    assert_eq!(previous(place), Vec::<PathBuf>::new());
    Ok(())
}

/// Copies the folders of a NameNode and a DataNode.
pub(crate) fn copy(folder: &Path) -> Result<tempfile::TempDir, Error> {
    let copy = tempfile::tempdir()?;
    let mut command = Command::new("cp");
    command
        .arg("-a")
        .args([folder.join("name"), folder.join("blocks")]);
    run(command.arg(copy.path()), "")?.ok()?;
    Ok(copy)
}

/// Returns Hadoop's files below a folder, by their names in it, but not the locks.
pub(crate) fn files(folder: &Path) -> Result<Vec<(PathBuf, Vec<u8>)>, Error> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            let name = path.strip_prefix(folder)?.to_owned();
            let last = path.file_name().unwrap_or_default().to_string_lossy();
            let is_ours = ["fixture", "realm", "in_use.lock"].contains(&&*last);
            if path.is_dir() {
                waiting.push(path);
            } else if !is_ours {
                found.push((name, fs::read(path)?));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the folders with what was before an upgrade: the NameNode's and the block pool's.
pub(crate) fn previous(folder: &Path) -> Vec<PathBuf> {
    let pools = fs::read_dir(folder.join("blocks/dn1/current"));
    let pools = pools.into_iter().flatten().filter_map(Result::ok);
    let pools = pools.map(|entry| entry.path().join("previous"));
    let all = pools.chain([folder.join("name/previous")]);
    all.filter(|path| path.join("VERSION").exists()).collect()
}
