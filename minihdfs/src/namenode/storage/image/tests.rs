//! Images with what Kerbox does not read.

use std::sync::Arc;

use kerbox_krb5::Timestamp;
use prost::Message;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::sections::{Sections, TRAILER};
use super::strings::StringTable;
use super::*;
use crate::config::HdfsConfig;
use crate::namenode::state::State;
use crate::namenode::state::inode::ROOT;
use crate::namenode::state::restore::Counters;
use crate::proto::hdfs::fsimage::file_summary::Section;
use crate::proto::hdfs::fsimage::i_node_directory_section::DirEntry;
use crate::proto::hdfs::fsimage::i_node_section::{INode, INodeDirectory, INodeFile, i_node};
use crate::proto::hdfs::fsimage::{
    CacheManagerSection, ErasureCodingSection, FileSummary, INodeSection, NameSystemSection,
    SnapshotSection,
};
use crate::proto::hdfs::{ErasureCodingPolicyProto, ErasureCodingPolicyState as PolicyState};
use crate::secret_manager::{DelegationTokenSecretManager, DelegationTokenSettings};

fn formatted() -> State {
    let now = Timestamp::from_secs(1_700_000_000);
    let settings = DelegationTokenSettings::from(&HdfsConfig::default());
    let mut rng = StdRng::seed_from_u64(1);
    let tokens = Arc::new(DelegationTokenSecretManager::new(settings, now, &mut rng));
    State::new(now, "hdfs".into(), "supergroup".into(), tokens)
}

/// Returns the image of a formatted state, in which this section has these messages instead.
fn image_with(name: &str, messages: &[u8]) -> Vec<u8> {
    let mut image = write_image(&formatted(), 7);
    let (_, length) = image.split_last_chunk::<TRAILER>().expect("a trailer");
    let start = image.len() - TRAILER - u32::from_be_bytes(*length) as usize;
    let summary = image.split_off(start);
    let mut summary = FileSummary::decode_length_delimited(&*summary).expect("a summary");
    summary.sections.retain(|section| section.name() != name);
    summary.sections.push(Section {
        name: Some(name.to_owned()),
        length: Some(messages.len() as u64),
        offset: Some(image.len() as u64),
    });
    image.extend(messages);
    let summary = summary.encode_length_delimited_to_vec();
    image.extend(&summary);
    image.extend((summary.len() as u32).to_be_bytes());
    image
}

#[track_caller]
fn assert_refused(name: &str, message: &impl Message, reason: &str) {
    assert_all_refused(name, &[&message.encode_length_delimited_to_vec()], reason);
}

#[track_caller]
fn assert_all_refused(name: &str, messages: &[&[u8]], reason: &str) {
    let image = image_with(name, &messages.concat());
    let error = load_image(&mut formatted(), "fsimage", &image).expect_err("not served");
    assert!(error.reason.contains(reason), "{error}");
}

fn policies(id: u32, state: PolicyState) -> ErasureCodingSection {
    ErasureCodingSection {
        policies: vec![ErasureCodingPolicyProto {
            id,
            state: Some(state.into()),
            ..ErasureCodingPolicyProto::default()
        }],
    }
}

#[test]
fn features_that_are_not_served_are_refused_by_name() {
    for (id, state) in [(2, PolicyState::Enabled), (64, PolicyState::Disabled)] {
        let reason = format!("it holds the erasure coding policy {id}, which is not served");
        assert_refused("ERASURE_CODING", &policies(id, state), &reason);
    }
    assert_refused(
        "NEWS",
        &SnapshotSection::default(),
        "the section NEWS is unknown",
    );
}

#[test]
fn inodes_with_features_that_are_not_served_are_refused_by_name() {
    let refused = |kind: i_node::Type, change: &dyn Fn(&mut INode), reason: &str| {
        let mut inode = INode {
            r#type: kind.into(),
            ..directory(ROOT + 1, "strange")
        };
        change(&mut inode);
        let all = inodes(&[directory(ROOT, ""), inode]);
        assert_all_refused("INODE", &[&all], reason);
    };
    let file = |change: &dyn Fn(&mut INodeFile), reason: &str| {
        let made = |inode: &mut INode| {
            let mut file = INodeFile::default();
            change(&mut file);
            (inode.directory, inode.file) = (None, Some(file));
        };
        refused(i_node::Type::File, &made, reason);
    };
    let striped = "inode 16386, \"strange\", is erasure coded, which is not served";
    file(&|file| file.block_type = Some(1), striped);
    file(&|file| file.erasure_coding_policy_id = Some(3), striped);
    let unplaced = |inode: &mut INode| inode.directory = None;
    let nothing = "is neither a file, a directory nor a symbolic link";
    refused(i_node::Type::Directory, &unplaced, nothing);
}

#[test]
fn a_rolling_upgrade_is_refused() {
    let info = NameSystemSection {
        rolling_upgrade_start_time: Some(1),
        ..NameSystemSection::default()
    };
    assert_refused("NS_INFO", &info, "a rolling upgrade, which is not served");
}

/// As `kerbox up --fsimage` shows them.
#[test]
fn images_of_older_releases_are_read() {
    for (version, is_read) in [(-67, true), (-63, true), (-62, false), (-68, false)] {
        let mut image = write_image(&formatted(), 7);
        let (_, length) = image.split_last_chunk::<TRAILER>().expect("a trailer");
        let start = image.len() - TRAILER - u32::from_be_bytes(*length) as usize;
        let summary = image.split_off(start);
        let mut summary = FileSummary::decode_length_delimited(&*summary).expect("a summary");
        summary.layout_version = i32::cast_unsigned(version);
        let summary = summary.encode_length_delimited_to_vec();
        image.extend(&summary);
        image.extend((summary.len() as u32).to_be_bytes());
        let loaded = load_image(&mut formatted(), "fsimage", &image);
        assert_eq!(loaded.is_ok(), is_read, "{version}: {loaded:?}");
    }
}

#[test]
fn policies_as_hadoop_makes_them_are_no_reason_to_refuse() {
    for (id, state_of) in [
        (1, PolicyState::Enabled),
        (2, PolicyState::Disabled),
        (65, PolicyState::Removed),
    ] {
        let section = policies(id, state_of).encode_length_delimited_to_vec();
        let image = image_with("ERASURE_CODING", &section);
        let mut state = formatted();
        load_image(&mut state, "fsimage", &image).expect("Hadoop's own");
        let again = write_image(&state, 7);
        let mut sections = Sections::find("fsimage", &again).expect("an image");
        let kept: ErasureCodingSection = sections
            .need("ERASURE_CODING")
            .expect("kept")
            .next()
            .expect("a message");
        assert_eq!(kept, policies(id, state_of), "written back as they were");
    }
}

#[test]
fn ids_of_cache_directives_are_not_used_again() {
    let cache = CacheManagerSection {
        next_directive_id: 5,
        num_pools: 0,
        num_directives: 0,
    };
    let image = image_with("CACHE_MANAGER", &cache.encode_length_delimited_to_vec());
    let mut state = formatted();
    load_image(&mut state, "fsimage", &image).expect("no pools");
    assert_eq!(state.caching().last_directive_id(), 4);
}

fn inodes(messages: &[INode]) -> Vec<u8> {
    let header = INodeSection {
        last_inode_id: Some(ROOT + 10),
        num_inodes: Some(messages.len() as u64),
    };
    let mut bytes = header.encode_length_delimited_to_vec();
    for message in messages {
        bytes.extend(message.encode_length_delimited_to_vec());
    }
    bytes
}

fn directory(id: u64, name: &'static str) -> INode {
    INode {
        r#type: i_node::Type::Directory.into(),
        id,
        name: Some(name.into()),
        directory: Some(INodeDirectory::default()),
        ..INode::default()
    }
}

#[test]
fn inodes_without_a_place_are_refused() {
    let root = directory(ROOT, "");
    let one = directory(ROOT + 1, "one");
    let refused = |messages: &[INode], reason: &str| {
        assert_all_refused("INODE", &[&inodes(messages)], reason);
    };
    refused(
        &[root.clone(), one.clone()],
        "inode 16386 is in no directory",
    );
    refused(&[], "inode 16385, the root, is missing");
    refused(&[root.clone(), root.clone()], "there are two inodes 16385");
    refused(
        &[root.clone(), directory(u64::MAX, "last")],
        "there is an inode 18446744073709551615",
    );
    let nothing = INode {
        directory: None,
        ..one
    };
    refused(&[root, nothing], "is neither a file, a directory nor");
}

#[test]
fn places_that_make_no_tree_are_refused() {
    let entry = |parent, children: &[u64]| {
        let entry = DirEntry {
            parent: Some(parent),
            children: children.to_vec(),
            ref_children: Vec::new(),
        };
        entry.encode_length_delimited_to_vec()
    };
    let refused = |entries: &[&[u8]], reason: &str| {
        assert_all_refused("INODE_DIR", entries, reason);
    };
    let missing = "a child 16386 of inode 16385 is missing";
    refused(&[&entry(ROOT, &[ROOT + 1])], missing);
    let twice = "inode 16385 is in two directories";
    refused(&[&entry(ROOT, &[ROOT])], twice);
    refused(&[&entry(7, &[])], "inode 7 is not a directory");
}

#[test]
fn a_loop_of_directories_is_refused() {
    let mut state = formatted();
    let mut restoring = state.restoring();
    let strings = StringTable::new(0);
    for message in [
        directory(ROOT, ""),
        directory(ROOT + 1, "one"),
        directory(ROOT + 2, "two"),
    ] {
        let (inode, _quota) = inodes_in::restore(&message, &strings).expect("a directory");
        restoring.add(inode).expect("new");
    }
    restoring.place(ROOT + 1, vec![ROOT + 2]).expect("placed");
    restoring.place(ROOT + 2, vec![ROOT + 1]).expect("placed");
    let error = restoring.finish(&Counters::default()).expect_err("a loop");
    assert_eq!(error, "some directories contain each other");
}

#[test]
fn children_may_be_in_the_order_of_signed_bytes() {
    let mut state = formatted();
    let mut restoring = state.restoring();
    let strings = StringTable::new(0);
    for (id, name) in [(ROOT, ""), (ROOT + 1, "a"), (ROOT + 2, "\u{e4}")] {
        let (inode, _quota) = inodes_in::restore(&directory(id, name), &strings).expect("read");
        restoring.add(inode).expect("new");
    }
    let signed = vec![ROOT + 2, ROOT + 1];
    restoring.place(ROOT, signed.clone()).expect("sorted again");
    restoring.finish(&Counters::default()).expect("a tree");
    assert_eq!(state.namespace().find("/\u{e4}"), Some(ROOT + 2));
    let image = write_image(&state, 7);
    let mut sections = Sections::find("fsimage", &image).expect("an image");
    let entry: DirEntry = sections
        .need("INODE_DIR")
        .expect("there")
        .next()
        .expect("one");
    assert_eq!(
        entry.children, signed,
        "Hadoop looks for names in this order"
    );
}
