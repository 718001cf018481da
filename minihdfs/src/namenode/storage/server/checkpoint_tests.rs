//! Checkpoints: when they are made, what is in them, and what is left of older files.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::Timestamp;
use md5::{Digest, Md5};

use super::current::hexadecimal;
use super::tests::{START, killed, make, names, start, start_with, sync};
use crate::namenode::{EditSegment, NameNode, NameStorage, ReceivedImage};

/// Waits until there is an image of a later transaction than this one. Returns its transaction.
fn wait_for_image(node: &NameNode, after: i64) -> i64 {
    let storage = Arc::clone(node.storage().expect("files"));
    // The thread that makes it gives no other sign.
    for _ in 0..50_000_000 {
        let newest = storage.most_recent_checkpoint();
        if newest > after {
            return newest;
        }
        std::thread::yield_now();
    }
    panic!("there is no image after transaction {after}")
}

fn hours(count: u64) -> Timestamp {
    START + Duration::from_secs(3600 * count)
}

fn segments(node: &NameNode) -> Vec<EditSegment> {
    let storage = node.storage().expect("files");
    storage.edit_segments(0).expect("listed")
}

#[test]
fn a_checkpoint_is_made_every_hour_if_there_is_something_new() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = start(folder.path()).expect("formatted");
    make(&node, "/a");
    node.tick(START + Duration::from_secs(3599));
    assert_eq!(segments(&node), [], "too early");
    assert!(node.next_deadline() <= Some(hours(1)));
    node.tick(hours(1));
    let first = wait_for_image(&node, 0);
    let ends: Vec<i64> = segments(&node).iter().map(|segment| segment.last).collect();
    assert_eq!(ends, [first]);
    make(&node, "/b");
    node.tick(hours(2));
    let second = wait_for_image(&node, first);
    let images = node.storage().expect("files").images();
    assert_eq!(
        images,
        Ok(vec![first, second]),
        "the first of all is removed"
    );
    node.tick(hours(3));
    assert_eq!(segments(&node).len(), 2, "nothing is new");
    let copy = killed(folder.path());
    let again = start(copy.path()).expect("loaded from the image");
    assert_eq!((again.has("/a"), again.has("/b")), (Ok(true), Ok(true)));
    assert_eq!(
        again.storage().expect("files").most_recent_checkpoint(),
        second
    );
}

#[test]
fn a_checkpoint_is_made_after_so_many_transactions() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = [
        ("dfs.namenode.checkpoint.txns", "20"),
        ("dfs.namenode.checkpoint.check.period", "30"),
        ("dfs.namenode.num.checkpoints.retained", "1"),
        ("dfs.namenode.num.extra.edits.retained", "0"),
    ];
    let node = start_with(folder.path(), &keys).expect("formatted");
    make(&node, "/a");
    node.tick(START + Duration::from_secs(40));
    assert_eq!(segments(&node), [], "too few");
    for number in 0..20 {
        make(&node, &format!("/a/{number}"));
    }
    node.tick(START + Duration::from_secs(41));
    let image = wait_for_image(&node, 0);
    drop(node);
    let image = format!("fsimage_{image:019}");
    let left = names(folder.path());
    let left: Vec<&str> = left.iter().map(String::as_str).collect();
    assert_eq!(left[0], "VERSION");
    assert!(
        left[1].starts_with("edits_"),
        "those after the image: {left:?}"
    );
    let digest = format!("{image}.md5");
    assert_eq!(left[2..], [&*image, &*digest, "seen_txid"]);
}

#[test]
fn a_kill_at_any_moment_of_a_checkpoint_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = start(folder.path()).expect("formatted");
    make(&node, "/a");
    node.tick(hours(1));
    let number = wait_for_image(&node, 0);
    make(&node, "/b");
    sync(&node);
    let whole = killed(folder.path());
    let path = |name: &str| whole.path().join("current").join(name);
    let image = format!("fsimage_{number:019}");
    let check = |what: &str| {
        let copy = killed(whole.path());
        let node = start(copy.path()).expect(what);
        assert_eq!(
            (node.has("/a"), node.has("/b")),
            (Ok(true), Ok(true)),
            "{what}"
        );
    };
    check("all is there");
    let bytes = fs::read(path(&image)).expect("an image");
    fs::remove_file(path(&image)).expect("removed");
    check("the image has no name yet, its digest has");
    let unfinished = image.replace("fsimage_", "fsimage.ckpt_");
    fs::write(path(&unfinished), &bytes[..bytes.len() / 2]).expect("written");
    check("half of it is written");
    fs::remove_file(path(&format!("{image}.md5"))).expect("removed");
    check("nor has its digest");
}

#[test]
fn images_and_edits_are_copied_and_an_image_is_received() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = [("dfs.namenode.num.checkpoints.retained", "5")];
    let node = start_with(folder.path(), &keys).expect("formatted");
    make(&node, "/a");
    node.tick(hours(1));
    let last = wait_for_image(&node, 0);
    let storage = Arc::clone(node.storage().expect("files"));
    let read = |mut file: crate::namenode::StoredFile| {
        let mut bytes = Vec::new();
        file.contents.read_to_end(&mut bytes).expect("read");
        assert_eq!(bytes.len() as u64, file.length);
        (file.name, bytes, file.md5)
    };
    let segment = storage.edit_segments(1).expect("listed")[0];
    let (name, edits, md5) = read(storage.open_edits(segment).expect("opened"));
    assert_eq!(name, format!("edits_{:019}-{last:019}", 1));
    assert!(edits.starts_with(&(-67_i32).to_be_bytes()) && md5.is_none());
    let (_, image, md5) = read(storage.open_image(last).expect("opened"));
    let digest: String = Md5::digest(&image)
        .iter()
        .map(|it| format!("{it:02x}"))
        .collect();
    assert_eq!(md5.as_deref(), Some(&*digest));
    let put = |id, bytes: &[u8], md5: &str| put(&*storage, id, bytes, bytes.len(), Some(md5));
    let refused = |id, bytes: &[u8], md5: &str, reason: &str| {
        let error = put(id, bytes, md5).expect_err("refused");
        assert!(error.contains(reason), "{error}");
    };
    refused(last, &image, &digest, "it exists already");
    refused(5, &image[..99], &digest, "but that of its contents is");
    refused(
        5,
        &image,
        &digest,
        &format!("its last transaction is {last}"),
    );
    fs::remove_file(
        folder
            .path()
            .join("current")
            .join(format!("fsimage_{last:019}")),
    )
    .expect("removed");
    assert_eq!(put(last, &image, &digest), Ok(()));
    assert_eq!(storage.images(), Ok(vec![0, last]));
    drop(node);
    let ended = put(last, &image, &digest).expect_err("the NameNode has ended");
    assert!(ended.contains("the NameNode has ended"), "{ended}");
}

/// Brings an image of which this length was announced.
fn put(
    storage: &dyn NameStorage,
    transaction_id: i64,
    mut bytes: &[u8],
    announced: usize,
    md5: Option<&str>,
) -> Result<(), String> {
    let put = storage.put_image(&mut ReceivedImage {
        transaction_id,
        length: announced as u64,
        md5,
        contents: &mut bytes,
    });
    put.map_err(|error| error.message().to_owned())
}

#[test]
fn an_image_that_is_not_whole_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let node = start(folder.path()).expect("formatted");
    let storage = node.storage().expect("files");
    let mut image = Vec::new();
    let mut first = storage.open_image(0).expect("the first image");
    first.contents.read_to_end(&mut image).expect("read");
    let before = names(folder.path());
    for (announced, said) in [(image.len() + 1, "only"), (image.len() - 1, "more")] {
        let error = put(&**storage, 7, &image, announced, None).expect_err("refused");
        assert!(error.contains(&format!("{announced} bytes were announced, and {said}")));
    }
    let mut changed = image.clone();
    changed[100] ^= 1;
    let digest = hexadecimal(&Md5::digest(&image));
    let error = put(&**storage, 7, &changed, image.len(), Some(&digest)).expect_err("refused");
    assert!(error.contains("but that of its contents is"), "{error}");
    let error = put(&**storage, 7, &image, image.len(), Some(&digest)).expect_err("refused");
    assert!(error.contains("its last transaction is 0"), "{error}");
    assert_eq!(names(folder.path()), before);
}

/// Starts where the disk must have more free bytes than there are.
fn start_low(path: &Path) -> NameNode {
    let keys = [("dfs.namenode.resource.du.reserved", "7e")];
    start_with(path, &keys).expect("started")
}

#[test]
fn without_room_on_disk_nothing_is_changed_until_there_is_some() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(start(folder.path()).expect("formatted"));
    let node = start_low(folder.path());
    let error = crate::namenode::tests::mkdirs(&node, "/a").expect_err("safe mode");
    assert!(error.class().ends_with(".SafeModeException"), "{error}");
    assert!(
        error.message().contains(
            "Name node is in safe mode.\nResources are low on NN. Please add or free up more \
             resourcesthen turn off safe mode manually. NOTE:  If you turn off safe mode before \
             adding resources, the NN will immediately return to safe mode. Use \"hdfs dfsadmin \
             -safemode leave\" to turn safe mode off."
        ),
        "{error}"
    );
    assert_eq!(node.has("/"), Ok(true), "reads go on");
    let due = node.next_deadline().expect("it looks again");
    assert_eq!(due, START + Duration::from_secs(5));
}
