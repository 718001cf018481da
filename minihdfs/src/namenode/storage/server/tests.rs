//! Name directories on disk.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use kerbox_events::NoHook;
use kerbox_krb5::Timestamp;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::current::Current;
use super::segment_writer::SegmentWriter;
use super::*;
use crate::config::HdfsConfig;
use crate::namenode::storage::read_segment;
use crate::namenode::{Edit, EditSink, NameNode, NameNodeIdentity};
use crate::rpc::RpcService;

pub(super) const START: Timestamp = Timestamp::from_secs(1_700_000_000);

/// Starts a NameNode on a directory.
pub(super) fn start(path: &Path) -> Result<NameNode, NameDirectoryError> {
    start_with(path, &[])
}

pub(super) fn start_with(
    path: &Path,
    keys: &[(&str, &str)],
) -> Result<NameNode, NameDirectoryError> {
    start_how(path, keys, |directory| directory)
}

pub(super) fn start_how(
    path: &Path,
    keys: &[(&str, &str)],
    how: impl FnOnce(NameDirectory) -> NameDirectory,
) -> Result<NameNode, NameDirectoryError> {
    let config = HdfsConfig::from_pairs(keys.iter().copied());
    let (config, _) = config.expect("a good configuration");
    let identity = NameNodeIdentity {
        superuser: "hdfs".to_owned(),
        default_realm: String::new(),
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let mut rng = StdRng::seed_from_u64(1);
    let directory = how(NameDirectory::open(path)?);
    let (saved, sink) = directory.start(&config, &identity, START, &mut rng)?;
    let hook = Arc::new(NoHook);
    let sink = Box::new(sink);
    let node = NameNode::restarted(config, &identity, START, hook, &mut rng, sink, saved);
    Ok(node.expect("a good configuration"))
}

fn refused(path: &Path) -> String {
    start(path).expect_err("refused").to_string()
}

pub(super) fn make(node: &NameNode, path: &str) {
    node.make_directory(START, path, "alice", "staff", 0o750)
        .expect("made");
}

/// Waits until everything is on disk.
pub(super) fn sync(node: &NameNode) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    if let Some(durable) = node.durable() {
        runtime
            .expect("a runtime")
            .block_on(durable)
            .expect("written");
    }
}

/// Copies a directory, as it is when the process that writes it dies.
pub(super) fn killed(path: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    fs::create_dir(copy.path().join("current")).expect("made");
    for entry in fs::read_dir(path.join("current")).expect("a folder") {
        let entry = entry.expect("a file");
        let to = copy.path().join("current").join(entry.file_name());
        fs::copy(entry.path(), to).expect("copied");
    }
    copy
}

pub(super) fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path.join("current")).expect("a folder");
    let names = entries.map(|entry| entry.expect("a file").file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into()).collect();
    names.sort();
    names
}

#[test]
fn a_namespace_survives_its_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new/name");
    let node = start(&path).expect("formatted");
    make(&node, "/a/b");
    let pool = node.block_pool_id().to_owned();
    drop(node);
    assert_eq!(
        names(&path),
        [
            "VERSION",
            "edits_0000000000000000001-0000000000000000007",
            "fsimage_0000000000000000000",
            "fsimage_0000000000000000000.md5",
            "seen_txid",
        ]
    );
    let node = start(&path).expect("loaded");
    assert_eq!((node.has("/a/b"), node.has("/c")), (Ok(true), Ok(false)));
    assert_eq!(node.block_pool_id(), pool);
    make(&node, "/c");
    drop(node);
    let node = start(&path).expect("loaded again");
    assert_eq!((node.has("/a/b"), node.has("/c")), (Ok(true), Ok(true)));
}

#[test]
fn a_directory_in_use_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let _node = start(folder.path()).expect("formatted");
    let error = refused(folder.path());
    assert!(
        error.contains("is in use by this process: stop it"),
        "{error}"
    );
}

#[test]
fn what_was_durable_is_there_after_a_kill_at_any_byte_of_the_next_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = start(folder.path()).expect("formatted");
    make(&node, "/a");
    sync(&node);
    let edits = folder
        .path()
        .join("current/edits_inprogress_0000000000000000001");
    let length = |bytes: &[u8]| {
        let segment = read_segment("edits", bytes, 1, true).expect("edits");
        usize::try_from(segment.length).expect("a length")
    };
    let bytes = fs::read(&edits).expect("edits");
    let before = length(&bytes);
    node.make_directory(START, "/b", "hdfs", "supergroup", 0o755)
        .expect("made");
    sync(&node);
    let after = fs::read(&edits).expect("edits");
    let end = length(&after);
    assert!(end > before && after.starts_with(&bytes[..before]));
    for length in before..=end {
        let copy = killed(folder.path());
        let torn = copy
            .path()
            .join("current")
            .join(edits.file_name().expect("a name"));
        let padding = vec![0xff; after.len() - length];
        fs::write(&torn, [&after[..length], &padding].concat()).expect("torn");
        let node = start(copy.path()).expect("the end is cut off");
        assert_eq!(node.has("/a"), Ok(true));
        assert_eq!(node.has("/b"), Ok(length == end));
        make(&node, "/c");
        drop(node);
        let node = start(copy.path()).expect("whole again");
        assert_eq!((node.has("/a"), node.has("/c")), (Ok(true), Ok(true)));
    }
}

#[test]
fn a_directory_whose_formatting_was_killed_is_formatted() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(start(folder.path()).expect("formatted"));
    let current = folder.path().join("current");
    let image = "fsimage_0000000000000000000";
    let digest = format!("{image}.md5");
    let checkpoint = "fsimage.ckpt_0000000000000000000";
    let left: [&[(&str, &str)]; 6] = [
        &[(&digest, "fsimage_0000000000000000000.md5.tmp")],
        &[(&digest, &digest), (image, checkpoint)],
        &[(&digest, &digest), (image, image)],
        &[
            (&digest, &digest),
            (image, image),
            ("seen_txid", "seen_txid.tmp"),
        ],
        &[
            (&digest, &digest),
            (image, image),
            ("seen_txid", "seen_txid"),
        ],
        &[
            (image, image),
            ("seen_txid", "seen_txid"),
            ("VERSION", "VERSION.tmp"),
        ],
    ];
    for left in left {
        let killed = tempfile::tempdir().expect("a folder");
        let of_killed = killed.path().join("current");
        fs::create_dir(&of_killed).expect("made");
        for (file, name) in left {
            fs::copy(current.join(file), of_killed.join(name)).expect("copied");
        }
        let node = start(killed.path()).unwrap_or_else(|error| panic!("{left:?}: {error}"));
        make(&node, "/a");
        drop(node);
        let node = start(killed.path()).expect("whole");
        assert_eq!(node.has("/a"), Ok(true));
        assert_eq!(names(killed.path()).len(), 6, "{:?}", names(killed.path()));
    }
}

#[test]
fn an_edit_that_cannot_be_written_is_never_durable() {
    let folder = tempfile::tempdir().expect("a folder");
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let segment = SegmentWriter::to(full.expect("Linux"), Current::of(folder.path()));
    let mut sink = EditLog::start(segment, 0).expect("a thread");
    let durability = sink.durability().expect("on disk");
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    // Also for edits after the failure.
    for id in 1..3 {
        sink.log(id, &Edit::StartLogSegment);
        let durable = Arc::clone(&durability).durable().expect("not on disk");
        let error = runtime.block_on(durable).expect_err("a full disk");
        assert!(error.to_string().starts_with("cannot write"), "{error}");
    }
    drop(sink);
    assert!(durability.durable().is_some());
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

/// Renaming a directory makes the paths below it longer than a new one may be.
#[test]
fn an_edit_that_would_be_cut_is_never_durable() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = start(folder.path()).expect("formatted");
    make(&node, "/a");
    sync(&node);
    make(&node, &format!("/{}", "b".repeat(30_000)));
    make(&node, "/c");
    let durable = node.durable().expect("not on disk");
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let error = runtime.expect("a runtime").block_on(durable);
    let error = error.expect_err("too long").to_string();
    assert!(error.ends_with("is too long to keep"), "{error}");
    drop(node);
    let node = start(folder.path()).expect("as far as it was kept");
    assert_eq!((node.has("/a"), node.has("/c")), (Ok(true), Ok(false)));
    make(&node, "/c");
    drop(node);
    assert_eq!(start(folder.path()).expect("whole").has("/c"), Ok(true));
}

/// Asserts that a directory is refused after a change, and is left as it is.
fn assert_refused(change: impl FnOnce(&Path), reason: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let node = start(folder.path()).expect("formatted");
    make(&node, "/a");
    sync(&node);
    let copy = killed(folder.path());
    change(&copy.path().join("current"));
    let before = names(copy.path());
    let contents = |name: &String| fs::read(copy.path().join("current").join(name));
    let all: Vec<_> = before
        .iter()
        .map(|name| contents(name).expect("a file"))
        .collect();
    let error = refused(copy.path());
    assert!(error.contains(reason), "{error}");
    assert_eq!(names(copy.path()), before);
    let left: Vec<_> = before
        .iter()
        .map(|name| contents(name).expect("a file"))
        .collect();
    assert_eq!(left, all);
}

#[test]
fn damaged_directories_are_refused_and_left_alone() {
    let edits = "edits_inprogress_0000000000000000001";
    let image = "fsimage_0000000000000000000";
    let flip = |name: &'static str, place: usize| {
        move |current: &Path| {
            let path = current.join(name);
            let mut bytes = fs::read(&path).expect("a file");
            bytes[place] ^= 1;
            fs::write(path, bytes).expect("damaged");
        }
    };
    assert_refused(
        flip(edits, 40),
        "offset 25: OP_UPDATE_MASTER_KEY has a wrong checksum",
    );
    assert_refused(
        flip(image, 40),
        "fsimage_0000000000000000000.md5 is not that of its contents",
    );
    let remove = |name: &'static str| {
        move |current: &Path| fs::remove_file(current.join(name)).expect("removed")
    };
    assert_refused(remove("VERSION"), "VERSION");
    assert_refused(remove(image), "there is no fsimage");
    assert_refused(
        |current| {
            let renamed = "fsimage_0000000000000000001";
            fs::rename(current.join(image), current.join(renamed)).expect("renamed");
            let digest = format!("{image}.md5");
            let renamed = format!("{renamed}.md5");
            fs::rename(current.join(digest), current.join(renamed)).expect("renamed");
        },
        "fsimage_0000000000000000001 cannot be used as a name directory: its last transaction is 0",
    );
    assert_refused(
        |current| fs::write(current.join("seen_txid"), "9\n").expect("written"),
        "transaction 9 was written, but the last one found is",
    );
    assert_refused(
        |current| {
            let path = current.join("VERSION");
            let text = fs::read_to_string(&path).expect("a file");
            fs::write(path, text.replace("-67", "-66")).expect("written");
        },
        "File system image contains an old layout version -66. An upgrade to version -67",
    );
}

/// `testdata/hadoop-3.4.3` was written by Hadoop's NameNode, under the script of
/// `tests/peers/Storage.java`.
#[test]
fn hadoops_directory_is_loaded_and_continued() {
    let theirs = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/hadoop-3.4.3");
    let copy = killed(Path::new(theirs));
    for _ in 0..2 {
        let node = start(copy.path()).expect("loaded");
        for path in [
            "/a/f",
            "/a/p1",
            "/a/t",
            "/a/moved",
            "/a/inherited",
            "/empty",
        ] {
            assert_eq!(node.has(path), Ok(true), "{path}");
        }
        assert_eq!(node.has("/größe \u{1f600}"), Ok(true));
        for path in ["/gone", "/a/b", "/a/p2", "/a/moved/c"] {
            assert_eq!(node.has(path), Ok(false), "{path}");
        }
        make(&node, "/ours");
    }
}

#[test]
fn a_folder_with_other_files_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("thesis.tex"), "precious").expect("written");
    let error = refused(folder.path());
    assert!(
        error.contains("it has no `current`, but contains thesis.tex"),
        "{error}"
    );
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}
