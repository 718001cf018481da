//! One tree on disk, served by Kerbox and by Hadoop in turn.
//!
//! `KERBOX_TREE` sets the number of generated entries: some hundred in an ordinary run, a hundred
//! thousand in `.ci/long`.

use std::path::{Path, PathBuf};
use std::process::Command;

use kerbox::Cluster;

use super::{Error, hadoop, hadoop_of, shown};
use crate::support::{TestResult, run};

/// The number of generated entries.
const TREE: &str = "KERBOX_TREE";

/// Starts Kerbox on the files of a NameNode, runs commands of Hadoop's client, and returns the
/// output of the last.
pub(crate) fn served(
    folder: &Path,
    commands: &[&[&str]],
    datanodes: usize,
) -> Result<String, Error> {
    // A listing must not change what it shows.
    let precision = if datanodes == 0 { "0" } else { "1" };
    let cluster = Cluster::simple()
        .persistent(folder)
        .datanodes(datanodes)
        .set("dfs.namenode.fs-limits.min-block-size", "512")
        .set("dfs.namenode.accesstime.precision", precision)
        .set("dfs.namenode.delegation.token.always-use", "true")
        .start_blocking()?;
    let url = cluster.url();
    let with_url = |command: &&[&str]| {
        let (name, rest) = command.split_first().unwrap_or((&"", &[]));
        let words = [*name, &*url].into_iter().chain(rest.iter().copied());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    let commands: Vec<Vec<String>> = commands.iter().map(with_url).collect();
    let words: Vec<Vec<&str>> = commands
        .iter()
        .map(|command| command.iter().map(String::as_str).collect())
        .collect();
    let words: Vec<&[&str]> = words.iter().map(Vec::as_slice).collect();
    let mut outputs = hadoop(&words)?;
    Ok(outputs.pop().unwrap_or_default())
}

pub(crate) fn tree(folder: &Path) -> Result<String, Error> {
    served(folder, &[&["tree"]], 0)
}

pub(crate) fn assert_same(ours: &str, hadoops: &str) -> TestResult {
    let differs = ours
        .lines()
        .zip(hadoops.lines())
        .find(|(one, other)| one != other);
    match differs {
        None if ours.lines().count() == hadoops.lines().count() => Ok(()),
        _ => {
            let counts = (ours.lines().count(), hadoops.lines().count());
            Err(format!("lines {counts:?}, and of Kerbox and Hadoop {differs:#?}").into())
        }
    }
}

/// Returns the newest image in a folder.
pub(crate) fn newest_image(folder: &Path) -> Result<PathBuf, Error> {
    let current = folder.join("name/current");
    let mut images = Vec::new();
    for entry in std::fs::read_dir(current)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with("fsimage_") && !name.ends_with(".md5")) {
            images.push(path);
        }
    }
    images.sort();
    images.pop().ok_or_else(|| "there is no image".into())
}

/// Returns the number of generated entries.
fn grown() -> String {
    std::env::var(TREE).unwrap_or_else(|_| "300".to_owned())
}

/// Returns what Hadoop's viewer shows of an image, but for what two equal namespaces may have
/// different: transactions, the order of inodes, keys that a start makes.
fn comparable(xml: &str) -> String {
    let section = |name: &str| {
        let start = xml.find(&format!("<{name}>")).unwrap_or(xml.len());
        let end = xml.find(&format!("</{name}>")).unwrap_or(xml.len());
        xml[start..end].replace("><", ">\n<")
    };
    let mut entries: Vec<String> = Vec::new();
    for (name, separator) in [
        ("INodeSection", "<inode>"),
        ("INodeDirectorySection", "<directory>"),
        ("FileUnderConstructionSection", "<inode>"),
        ("CacheManagerSection", "<pool>"),
    ] {
        let section = section(name);
        let mut parts: Vec<String> = section
            .split(separator)
            .map(|part| format!("{name}: {}", part.replace('\n', "")))
            .collect();
        parts.sort();
        entries.extend(parts);
    }
    let tokens = section("SecretManagerSection");
    let tokens = tokens.split("<token>").skip(1);
    entries.extend(tokens.map(|token| format!("token: {}", token.replace('\n', ""))));
    entries.join("\n")
}

/// Hadoop's client makes files, lists, attributes and quotas on Kerbox. Hadoop's NameNode then
/// serves the same tree from Kerbox's edits; its viewers show them.
pub(super) fn hadoop_serves_our_folder() -> TestResult {
    let folder = tempfile::tempdir()?;
    served(folder.path(), &[&["script"]], 1)?;
    let ours = tree(folder.path())?;
    assert!(ours.lines().count() > 10, "{ours}");
    let image = newest_image(folder.path())?;
    let hadoops = hadoop(&[&["oiv", shown(&image)?], &["list", shown(folder.path())?]])?;
    assert!(
        hadoops[0].contains("<lastInodeId>16385</lastInodeId>"),
        "{}",
        hadoops[0]
    );
    assert_same(&ours, &hadoops[1])
}

/// Kerbox saves an image of all that it serves. Hadoop's viewers read it, Hadoop's NameNode serves
/// the same tree from it, and its own image of that shows the same. Kerbox then serves that one.
pub(super) fn hadoop_serves_our_image() -> TestResult {
    let folder = tempfile::tempdir()?;
    let count = grown();
    let commands: [&[&str]; 3] = [&["script"], &["grow", &count], &["save"]];
    served(folder.path(), &commands, 1)?;
    let path = shown(folder.path())?;
    let ours = tree(folder.path())?;
    let image = newest_image(folder.path())?;
    let viewed = hadoop(&[
        &["oiv", shown(&image)?],
        &["sizes", shown(&image)?],
        &["list", path],
        &["checkpoint", path],
    ])?;
    assert!(viewed[1].contains("totalFiles = "), "{}", viewed[1]);
    assert_same(&ours, &viewed[2])?;
    let hadoops_image = newest_image(folder.path())?;
    assert_ne!(image, hadoops_image);
    let hadoops = hadoop(&[&["oiv", shown(&hadoops_image)?]])?;
    assert_same(&comparable(&viewed[0]), &comparable(&hadoops[0]))?;
    assert_same(&tree(folder.path())?, &ours)
}

/// The namespace of an image without its blocks answers what the image knows, and nothing changes
/// it.
pub(super) fn an_image_is_shown_without_its_blocks() -> TestResult {
    let folder = tempfile::tempdir()?;
    served(folder.path(), &[&["script"], &["save"]], 1)?;
    let whole = tree(folder.path())?;
    let image = newest_image(folder.path())?;
    let before = std::fs::read(&image)?;
    let cluster = Cluster::simple()
        .fsimage(&image)
        .set("dfs.namenode.delegation.token.always-use", "true")
        .start_blocking()?;
    let url = &*cluster.url();
    let shown = hadoop(&[
        &["tree", url],
        &["read", url, "/a/p1"],
        &["mkdir", url, "/new"],
    ])?;
    assert_same(&shown[0], &whole)?;
    assert!(shown[1].contains("BlockMissingException"), "{}", shown[1]);
    assert!(
        shown[2].contains("Name node is in safe mode."),
        "{}",
        shown[2]
    );
    drop(cluster);
    assert_eq!(std::fs::read(&image)?, before);
    Ok(())
}

/// Snapshots, with what was renamed, removed and changed since, go through the images of both. Each
/// then deletes them one by one, with changes in between, and what is left is the same.
pub(super) fn snapshots_survive_an_exchange() -> TestResult {
    let (ours, theirs) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (our_path, their_path) = (shown(ours.path())?, shown(theirs.path())?);
    served(ours.path(), &[&["script"], &["vary", "7"], &["save"]], 1)?;
    let before = tree(ours.path())?;
    assert!(before.contains("\ndiff /snap/one "), "{before}");
    let from_ours = copy(ours.path())?;
    let image = newest_image(ours.path())?;
    let hadoops = hadoop(&[
        &["oiv", shown(&image)?],
        &["list", our_path],
        &["drop", our_path, "5"],
        &["checkpoint", our_path],
        &["list", our_path],
        &["write", their_path, "8"],
        &["checkpoint", their_path],
        &["list", their_path],
    ])?;
    assert!(
        hadoops[0].contains("<SnapshotDiffSection>"),
        "{}",
        hadoops[0]
    );
    assert_same(&before, &hadoops[1])?;
    let left = served(from_ours.path(), &[&["prune", "5"]], 0)?;
    assert_same(&left, &hadoops[2])?;
    assert_same(&tree(ours.path())?, &hadoops[4])?;
    assert_same(&tree(theirs.path())?, &hadoops[7])?;
    let from_theirs = copy(theirs.path())?;
    let left = hadoop(&[&["drop", their_path, "6"]])?;
    assert_same(
        &served(from_theirs.path(), &[&["prune", "6"]], 0)?,
        &left[0],
    )
}

/// Copies the files of a NameNode.
fn copy(folder: &Path) -> Result<tempfile::TempDir, Error> {
    let copy = tempfile::tempdir()?;
    let mut command = Command::new("cp");
    command.arg("-r").arg(folder.join("name")).arg(copy.path());
    run(&mut command, "")?.ok()?;
    Ok(copy)
}

/// Hadoop 3.5, whose layout version is the same, serves what we have written, and we serve what it
/// has. The tree has the entries that `KERBOX_TREE` asks for.
pub(super) fn hadoop_3_5_serves_our_folder_and_we_its() -> TestResult {
    let hadoop = |commands: &[&[&str]]| hadoop_of("reference-3.5", commands);
    let (ours, theirs) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (our_path, their_path) = (shown(ours.path())?, shown(theirs.path())?);
    let count = grown();
    let commands: [&[&str]; 4] = [&["script"], &["grow", &count], &["save"], &["vary", "9"]];
    served(ours.path(), &commands, 1)?;
    let before = tree(ours.path())?;
    let hadoops = hadoop(&[
        &["list", our_path],
        &["checkpoint", our_path],
        &["write", their_path, "3"],
        &["list", their_path],
    ])?;
    assert_same(&before, &hadoops[0])?;
    assert_same(&tree(ours.path())?, &before)?;
    assert_same(&tree(theirs.path())?, &hadoops[3])?;
    served(theirs.path(), &[&["save"]], 0)?;
    let last = hadoop(&[&["list", their_path]])?;
    assert_same(&last[0], &hadoops[3])
}

/// Hadoop formats a folder and makes the same tree. Kerbox serves it from Hadoop's edits, goes on
/// writing them, and serves it from the image that Hadoop makes of all of them. Hadoop then serves
/// the image that Kerbox makes.
pub(super) fn we_serve_hadoops_folder() -> TestResult {
    let folder = tempfile::tempdir()?;
    let path = shown(folder.path())?;
    let hadoops = hadoop(&[&["write", path], &["list", path]])?;
    assert_same(&tree(folder.path())?, &hadoops[1])?;
    let again = hadoop(&[&["checkpoint", path], &["list", path]])?;
    assert_same(&again[1], &hadoops[1])?;
    assert_same(&tree(folder.path())?, &hadoops[1])?;
    served(folder.path(), &[&["save"]], 0)?;
    let last = hadoop(&[&["list", path]])?;
    assert_same(&last[0], &hadoops[1])
}
