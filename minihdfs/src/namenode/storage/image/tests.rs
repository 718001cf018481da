//! Images with what Kerbox does not read.

use std::sync::Arc;

use kerbox_krb5::Timestamp;
use prost::Message;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::config::HdfsConfig;
use crate::namenode::state::State;
use crate::proto::hdfs::fsimage::file_summary::Section;
use crate::proto::hdfs::fsimage::{
    CacheManagerSection, ErasureCodingSection, FileSummary, INodeSection, SnapshotSection,
};
use crate::proto::hdfs::{ErasureCodingPolicyProto, ErasureCodingPolicyState as PolicyState};
use crate::secret_manager::{DelegationTokenSecretManager, DelegationTokenSettings};

/// Returns the image of a formatted state, in which this section has these messages instead.
fn image_with(name: &str, messages: &[u8]) -> Vec<u8> {
    let now = Timestamp::from_secs(1_700_000_000);
    let settings = DelegationTokenSettings::from(&HdfsConfig::default());
    let mut rng = StdRng::seed_from_u64(1);
    let tokens = Arc::new(DelegationTokenSecretManager::new(settings, now, &mut rng));
    let state = State::new(now, "hdfs".into(), "supergroup".into(), tokens);
    let mut image = write_formatted(&state, 7);
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
    let image = image_with(name, &message.encode_length_delimited_to_vec());
    let error = read_image("fsimage", &image).expect_err("not served");
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
    let snapshots = SnapshotSection {
        snapshottable_dir: vec![16_386],
        ..SnapshotSection::default()
    };
    assert_refused("SNAPSHOT", &snapshots, "it holds snapshots");
    let pools = CacheManagerSection {
        next_directive_id: 1,
        num_pools: 1,
        num_directives: 0,
    };
    assert_refused("CACHE_MANAGER", &pools, "it holds cache pools");
    for (id, state) in [(2, PolicyState::Enabled), (64, PolicyState::Disabled)] {
        let reason = format!("it holds the erasure coding policy {id}, which is not served");
        assert_refused("ERASURE_CODING", &policies(id, state), &reason);
    }
    assert_refused("NEWS", &pools, "the section NEWS is unknown");
}

#[test]
fn policies_as_hadoop_makes_them_are_no_reason_to_refuse() {
    for (id, state) in [
        (1, PolicyState::Enabled),
        (2, PolicyState::Disabled),
        (65, PolicyState::Removed),
    ] {
        let section = policies(id, state).encode_length_delimited_to_vec();
        read_image("fsimage", &image_with("ERASURE_CODING", &section)).expect("Hadoop's own");
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
    let image = read_image("fsimage", &image).expect("no pools");
    assert_eq!(image.last_directive_id, 4);
}

#[test]
fn ids_of_inodes_leave_room_for_the_next() {
    let inodes = INodeSection {
        last_inode_id: Some(u64::MAX),
        num_inodes: Some(0),
    };
    assert_refused("INODE", &inodes, "there is an inode 18446744073709551615");
}
