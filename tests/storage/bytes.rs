//! Trees with their bytes: the folders of a NameNode and its DataNode, served by Kerbox and by
//! Hadoop in turn.

use std::path::Path;

use kerbox::{Cluster, ClusterBuilder};

use super::exchange::assert_same;
use super::shown;
use super::upgrade::folders;
use crate::support::TestResult;

pub(super) fn hadoop_3_4_serves_our_bytes_and_we_its() -> TestResult {
    exchange("reference")
}

pub(super) fn hadoop_3_5_serves_our_bytes_and_we_its() -> TestResult {
    exchange("reference-3.5")
}

/// Kerbox and a release of Hadoop each write a tree, with a NameNode and a DataNode. Each serves
/// the other's folders, adds a file, and is served by the other again.
fn exchange(peer: &str) -> TestResult {
    let (ours, theirs) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (our_path, their_path) = (shown(ours.path())?, shown(theirs.path())?);
    let written = served(ours.path(), &[&["make", "/ours"], &["tree"]])?;
    let hadoops = folders(
        peer,
        &[
            &["serve", our_path],
            &["add", our_path, "/added"],
            &["write", their_path],
        ],
    )?;
    assert_same(&written, &hadoops[0])?;
    let from_theirs = served(theirs.path(), &[&["tree"]])?;
    assert_same(&from_theirs, &hadoops[2])?;
    let tree: &[&[&str]] = &[&["put", "/image/added"], &["append", "/image/g"], &["tree"]];
    let from_theirs = served(theirs.path(), tree)?;
    let from_ours = served(ours.path(), &[&["append", "/added"], &["tree"]])?;
    let hadoops = folders(peer, &[&["serve", their_path], &["serve", our_path]])?;
    assert_same(&from_theirs, &hadoops[0])?;
    assert_same(&from_ours, &hadoops[1])
}

/// Starts Kerbox on these folders, runs commands of a client, and returns the output of the last.
fn served(folder: &Path, commands: &[&[&str]]) -> Result<String, super::Error> {
    let kerbox = cluster(folder).start_blocking()?;
    let url = &*kerbox.url();
    let mut words = Vec::new();
    for command in commands {
        let mut all = vec![command[0], url];
        all.extend(&command[1..]);
        words.push(all);
    }
    let words: Vec<&[&str]> = words.iter().map(Vec::as_slice).collect();
    let outputs = folders("reference", &words)?;
    Ok(outputs.into_iter().next_back().unwrap_or_default())
}

/// Returns the builder of a cluster on the folders of `peers/Folders.java`.
pub(super) fn cluster(folder: &Path) -> ClusterBuilder {
    Cluster::simple()
        .persistent(folder)
        .datanodes(1)
        .set("dfs.namenode.fs-limits.min-block-size", "512")
        .set("dfs.namenode.accesstime.precision", "0")
        .set("dfs.namenode.delegation.token.always-use", "true")
}
