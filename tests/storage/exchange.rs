//! One tree on disk, served by Kerbox and by Hadoop in turn.

use std::path::Path;

use kerbox::Cluster;

use super::{Error, hadoop, shown};
use crate::support::TestResult;

/// Starts Kerbox without DataNodes on the files of a NameNode, and returns the tree that Hadoop's
/// client sees, or makes.
fn served(folder: &Path, command: &str, datanodes: usize) -> Result<String, Error> {
    // A listing must not change what it shows.
    let precision = if command == "tree" { "0" } else { "1" };
    let cluster = Cluster::simple()
        .persistent(folder)
        .datanodes(datanodes)
        .set("dfs.namenode.fs-limits.min-block-size", "512")
        .set("dfs.namenode.accesstime.precision", precision)
        .set("dfs.namenode.delegation.token.always-use", "true")
        .start_blocking()?;
    let mut outputs = hadoop(&[&[command, &cluster.url()]])?;
    Ok(outputs.remove(0))
}

fn assert_same(ours: &str, hadoops: &str) -> TestResult {
    let differs = ours
        .lines()
        .zip(hadoops.lines())
        .find(|(one, other)| one != other);
    match differs {
        None if ours.lines().count() == hadoops.lines().count() => Ok(()),
        _ => Err(format!("{differs:#?}\nKerbox:\n{ours}\nHadoop:\n{hadoops}").into()),
    }
}

/// Hadoop's client makes files, lists, attributes and quotas on Kerbox. Hadoop's NameNode then
/// serves the same tree from Kerbox's files; its viewers show them.
pub(super) fn hadoop_serves_our_folder() -> TestResult {
    let folder = tempfile::tempdir()?;
    served(folder.path(), "script", 1)?;
    let ours = served(folder.path(), "tree", 0)?;
    assert!(ours.lines().count() > 10, "{ours}");
    let current = folder.path().join("name/current");
    let image = current.join("fsimage_0000000000000000000");
    let hadoops = hadoop(&[&["oiv", shown(&image)?], &["list", shown(folder.path())?]])?;
    assert!(
        hadoops[0].contains("<lastInodeId>16385</lastInodeId>"),
        "{}",
        hadoops[0]
    );
    assert_same(&ours, &hadoops[1])
}

/// Hadoop formats a folder and makes the same tree. Kerbox serves it from Hadoop's edits, goes on
/// writing them, and serves it from the image that Hadoop makes of all of them.
pub(super) fn we_serve_hadoops_folder() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = shown(folder.path())?;
    let hadoops = hadoop(&[&["write", path], &["list", path]])?;
    assert_same(&served(folder.path(), "tree", 0)?, &hadoops[1])?;
    let again = hadoop(&[&["checkpoint", path], &["list", path]])?;
    assert_same(&again[1], &hadoops[1])?;
    assert_same(&served(folder.path(), "tree", 0)?, &hadoops[1])
}
