//! `kerbox namenode --upgrade` and `kerbox datanode` on folders of Hadoop 2.10 and 3.3.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::process::Kerbox;
use crate::storage::exchange::assert_same;
use crate::storage::upgrade::{copy, files, folders, previous};
use crate::support::{Peer, TestResult, kerbox_program, run, trials};

trials! {
    [Peer::KerboxProgram, Peer::HadoopOld, Peer::Reference] =>
        a_namenode_process_upgrades_a_folder_of_hadoop_2_10,
        a_namenode_process_upgrades_a_folder_of_hadoop_3_3;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The most looks at a folder that changes by a heartbeat; each look takes a second.
const LOOKS: usize = 60;

/// The folders of the two processes.
struct Place {
    folder: tempfile::TempDir,
    namenode: String,
    datanode: String,
}

impl Place {
    /// Gives the files of a NameNode and its DataNode to two processes.
    fn of(theirs: &Path) -> Result<Self, Error> {
        let folder = tempfile::tempdir()?;
        let of = |name: &str| folder.path().join(name).display().to_string();
        let (namenode, datanode) = (of("namenode"), of("datanode"));
        for (process, files) in [(&namenode, "name"), (&datanode, "blocks")] {
            fs::create_dir(process)?;
            fs::rename(theirs.join(files), Path::new(process).join(files))?;
        }
        Ok(Self {
            folder,
            namenode,
            datanode,
        })
    }

    /// Returns the words that start a NameNode.
    fn words<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let words = ["namenode", "--simple", "--data-dir", &self.namenode];
        let any_port = ["--namenode-port", "0"];
        let keys = [
            "-D",
            "dfs.namenode.fs-limits.min-block-size=512",
            "-D",
            "dfs.namenode.accesstime.precision=0",
            "-D",
            "dfs.replication=1",
        ];
        [&words[..], &any_port, &keys, more].concat()
    }

    fn namenode(&self, more: &[&str]) -> Result<Kerbox, Error> {
        Kerbox::start(&self.words(more))
    }

    /// Returns why a NameNode does not start.
    fn refused(&self, more: &[&str]) -> Result<String, Error> {
        let mut command = Command::new(kerbox_program());
        run(command.args(self.words(more)), "")?.refused()
    }

    fn datanode(&self, namenode: &Kerbox) -> Result<Kerbox, Error> {
        let port = namenode.port("/endpoints/namenode")?;
        let words = ["datanode", "--simple", "--data-dir", &self.datanode];
        let keys = [
            "--namenode-port",
            port,
            "-D",
            "dfs.heartbeat.interval=1",
            "-D",
            "dfs.replication=1",
        ];
        Kerbox::start(&[&words[..], &keys].concat())
    }
}

fn a_namenode_process_upgrades_a_folder_of_hadoop_2_10() -> TestResult {
    is_upgraded("hadoop-old/2.10", -63)
}

fn a_namenode_process_upgrades_a_folder_of_hadoop_3_3() -> TestResult {
    is_upgraded("hadoop-old/3.3", -66)
}

/// Without the flag, the folder is refused with Hadoop's text and left as it is. With it, the two
/// processes serve what Hadoop 3.4 serves after its own upgrade of a copy; without it again, until
/// the upgrade is finalized and after that.
fn is_upgraded(peer: &str, layout_version: i32) -> TestResult {
    let written = tempfile::tempdir()?;
    let path = written.path().display().to_string();
    folders(peer, &[&["write", &path]])?;
    let theirs = copy(written.path())?;
    let upgraded = folders(
        "reference",
        &[&["upgrade", &theirs.path().display().to_string()]],
    )?;
    let expected = upgraded[0].strip_suffix("finalized false\n");
    let expected = expected.ok_or_else(|| format!("{} is finalized", upgraded[0]))?;

    let place = Place::of(written.path())?;
    let before = files(place.folder.path())?;
    let refused = place.refused(&[])?;
    let reason = format!(
        "File system image contains an old layout version {layout_version}. An upgrade to version \
         -67 is required."
    );
    assert!(refused.contains(&reason), "{refused}");
    assert!(refused.contains("the flag `--upgrade`"), "{refused}");
    assert_eq!(files(place.folder.path())?, before);

    let namenode = place.namenode(&["--upgrade"])?;
    let datanode = place.datanode(&namenode)?;
    let url = namenode.text("/endpoints/namenode")?;
    let ours = folders(
        "reference",
        &[
            &["tree", url],
            &["admin", url, "-upgrade", "query"],
            &["put", url, "/new"],
            &["append", url, "/image/g"],
            &["tree", url],
        ],
    )?;
    assert_same(&ours[0], expected)?;
    assert_eq!(ours[1], "Upgrade not finalized\n");
    drop((datanode, namenode));
    let again = place.refused(&["--upgrade"])?;
    let exists = "previous fs state should not exist during upgrade.";
    assert!(again.contains(exists), "{again}");
    is_finalized(&place, &ours[4])
}

/// The processes serve the upgraded folder as it is, and forget what was before when they are told
/// to.
fn is_finalized(place: &Place, tree: &str) -> TestResult {
    let kept = || {
        let kept = [&place.namenode, &place.datanode].map(|it| previous(Path::new(it)).len());
        kept.iter().sum::<usize>()
    };
    assert_eq!(kept(), 2);
    let namenode = place.namenode(&[])?;
    let datanode = place.datanode(&namenode)?;
    let url = namenode.text("/endpoints/namenode")?;
    let ours = folders(
        "reference",
        &[
            &["tree", url],
            &["admin", url, "-upgrade", "query"],
            &["admin", url, "-finalizeUpgrade"],
            &["admin", url, "-upgrade", "query"],
        ],
    )?;
    assert_same(tree, &ours[0])?;
    assert_eq!(ours[1], "Upgrade not finalized\n");
    assert_eq!(ours[3], "Upgrade finalized\n");
    // The DataNode learns of it by a heartbeat.
    for _ in 0..LOOKS {
        if kept() == 0 {
            break;
        }
        folders("reference", &[&["admin", url, "-upgrade", "query"]])?;
    }
    assert_eq!(kept(), 0);
    drop((datanode, namenode));
    let namenode = place.namenode(&[])?;
    let datanode = place.datanode(&namenode)?;
    let url = namenode.text("/endpoints/namenode")?;
    assert_same(tree, &folders("reference", &[&["tree", url]])?[0])?;
    drop((datanode, namenode));
    Ok(())
}
