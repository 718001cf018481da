use std::sync::Arc;

use super::*;
use crate::datanode::block_store::BlockStore;
use crate::datanode::block_store::tests::{BLOCK, Fixture as Replicas, crc32c, packet};

/// The pipeline that writes a new replica of a store.
struct Fixture {
    _folder: tempfile::TempDir,
    store: Arc<BlockStore>,
    pipeline: Pipeline,
}

impl Fixture {
    fn new(downstream: usize) -> Self {
        let replicas = Replicas::new();
        let writer = replicas.create();
        Self {
            _folder: replicas.folder,
            store: replicas.store,
            pipeline: Pipeline::new(writer, Completion::Finalize, true, downstream),
        }
    }

    fn take(
        &mut self,
        seqno: i64,
        offset: u64,
        data: &[u8],
        last: bool,
    ) -> Result<bool, HdfsError> {
        let sum = crc_fast::crc32_iscsi(data).to_be_bytes();
        let mut packet = packet(offset, data, if data.is_empty() { &[] } else { &sum });
        packet.header.seqno = seqno;
        packet.header.last_packet_in_block = last;
        self.pipeline.take(&packet, false)
    }

    fn ack(&mut self) -> Option<(i64, Vec<Status>)> {
        let ack = self.pipeline.next_ack().expect("completes");
        ack.map(|ack| (ack.seqno, ack.replies))
    }
}

fn from_below(seqno: i64, replies: &[Status]) -> PipelineAckProto {
    PipelineAckProto {
        seqno,
        reply: replies.iter().map(|&status| status.into()).collect(),
        ..PipelineAckProto::default()
    }
}

#[test]
fn the_last_datanode_answers_at_once_and_finalizes_before_its_last_ack() {
    let mut fixture = Fixture::new(0);
    assert_eq!(fixture.take(5, 0, b"hello", false), Ok(true));
    assert_eq!(fixture.ack(), Some((5, vec![Status::Success])));
    assert_eq!(fixture.store.visible_length(BLOCK), Ok(5));
    assert_eq!(fixture.take(6, 5, b"", true), Ok(true));
    assert!(!fixture.pipeline.wants_packets() && !fixture.pipeline.is_done());
    let ack = fixture
        .pipeline
        .next_ack()
        .expect("completes")
        .expect("its turn");
    assert_eq!(ack.completed, Some(Block { length: 5, ..BLOCK }));
    assert!(fixture.pipeline.is_done());
}

#[test]
fn acks_wait_for_the_datanodes_below_and_keep_their_order() {
    let mut fixture = Fixture::new(2);
    fixture.take(0, 0, b"hello", false).expect("fits");
    fixture.take(-1, 0, b"", false).expect("a heartbeat");
    fixture.take(1, 5, b"", true).expect("fits");
    assert_eq!(fixture.ack(), None);
    assert_eq!(
        fixture.store.visible_length(BLOCK),
        Ok(0),
        "nobody below has it yet"
    );
    let ok = [Status::Success, Status::Success];
    assert!(
        fixture.pipeline.take_ack(&from_below(1, &ok)).is_err(),
        "out of order"
    );
    for seqno in [0, -1] {
        fixture
            .pipeline
            .take_ack(&from_below(seqno, &ok))
            .expect("its turn");
        assert_eq!(fixture.ack(), Some((seqno, vec![Status::Success; 3])));
    }
    assert_eq!(fixture.store.visible_length(BLOCK), Ok(5));
    assert_eq!(fixture.ack(), None);
    fixture
        .pipeline
        .take_ack(&from_below(1, &ok))
        .expect("its turn");
    assert_eq!(fixture.ack(), Some((1, vec![Status::Success; 3])));
    assert!(
        fixture.pipeline.take_ack(&from_below(2, &ok)).is_err(),
        "nothing is left to answer"
    );
}

#[test]
fn a_checksum_mismatch_is_answered_in_its_turn_and_ends_the_pipeline() {
    let mut fixture = Fixture::new(1);
    fixture.take(0, 0, b"hello", false).expect("fits");
    let mut packet = packet(5, b"world", &[1, 2, 3, 4]);
    packet.header.seqno = 1;
    assert_eq!(fixture.pipeline.take(&packet, false), Ok(false));
    assert!(!fixture.pipeline.wants_packets());
    assert_eq!(fixture.ack(), None, "the first packet is answered first");
    fixture
        .pipeline
        .take_ack(&from_below(0, &[Status::Success]))
        .expect("its turn");
    assert_eq!(fixture.ack(), Some((0, vec![Status::Success; 2])));
    assert_eq!(
        fixture.ack(),
        Some((1, vec![Status::ErrorChecksum, Status::Success]))
    );
    assert!(fixture.pipeline.is_done());
    assert_eq!(fixture.store.visible_length(BLOCK), Ok(5));
}

#[test]
fn a_broken_mirror_is_told_and_what_comes_is_still_stored() {
    let mut fixture = Fixture::new(2);
    fixture.take(0, 0, b"hello", false).expect("fits");
    fixture.take(1, 5, b" world", false).expect("fits");
    fixture
        .pipeline
        .take_ack(&from_below(0, &[Status::Success; 2]))
        .expect("its turn");
    fixture.pipeline.downstream_failed();
    assert_eq!(fixture.ack(), Some((0, vec![Status::Success; 3])));
    assert_eq!(
        fixture.ack(),
        Some((1, vec![Status::Success, Status::Error]))
    );
    assert_eq!(
        fixture.store.visible_length(BLOCK),
        Ok(5),
        "not everybody has the rest"
    );
    fixture.take(2, 11, b"!", false).expect("fits");
    assert_eq!(
        fixture.ack(),
        Some((2, vec![Status::Success, Status::Error]))
    );
}

#[test]
fn an_error_below_is_passed_on() {
    let mut fixture = Fixture::new(2);
    fixture.take(0, 0, b"hello", false).expect("fits");
    fixture
        .pipeline
        .take_ack(&from_below(0, &[Status::Success, Status::Error]))
        .expect("its turn");
    assert_eq!(
        fixture.ack(),
        Some((0, vec![Status::Success, Status::Success, Status::Error]))
    );
    assert_eq!(fixture.store.visible_length(BLOCK), Ok(0));
}

#[test]
fn a_replica_is_not_final_as_long_as_a_datanode_below_has_not_got_its_end() {
    for answer in [None, Some([Status::Success, Status::Error])] {
        let mut fixture = Fixture::new(2);
        fixture.take(0, 0, b"hello", false).expect("fits");
        fixture.take(1, 5, b"", true).expect("fits");
        fixture
            .pipeline
            .take_ack(&from_below(0, &[Status::Success; 2]))
            .expect("its turn");
        assert!(fixture.ack().is_some());
        match answer {
            None => fixture.pipeline.downstream_failed(),
            Some(replies) => fixture
                .pipeline
                .take_ack(&from_below(1, &replies))
                .expect("its turn"),
        }
        let ack = fixture
            .pipeline
            .next_ack()
            .expect("nothing to complete")
            .expect("its turn");
        assert_eq!(ack.completed, None);
        assert!(fixture.pipeline.is_done());
        assert!(
            fixture
                .store
                .recover_rbw(BLOCK, 1002, (5, 5), crc32c(512))
                .is_ok()
        );
    }
}

#[test]
fn a_copy_is_completed_even_if_its_mirror_fails() {
    let mut fixture = Fixture::new(1);
    fixture.pipeline.acks = false;
    fixture.take(0, 0, b"hello", false).expect("fits");
    assert!(fixture.ack().is_some(), "not sent, but its turn has come");
    fixture.pipeline.downstream_failed();
    fixture.take(1, 5, b"", true).expect("fits");
    let ack = fixture
        .pipeline
        .next_ack()
        .expect("completes")
        .expect("its turn");
    assert_eq!(ack.completed, Some(Block { length: 5, ..BLOCK }));
}

#[test]
fn data_with_the_number_of_a_heartbeat_is_stored() {
    let mut fixture = Fixture::new(0);
    fixture.take(-1, 0, b"hello", false).expect("fits");
    assert_eq!(fixture.ack(), Some((-1, vec![Status::Success])));
    assert_eq!(fixture.store.visible_length(BLOCK), Ok(5));
    fixture.take(-1, 5, b"", true).expect("fits");
    let ack = fixture.pipeline.next_ack().expect("completes");
    assert!(ack.expect("its turn").completed.is_some());
}

#[test]
fn an_ack_for_more_datanodes_than_follow_is_refused() {
    let mut fixture = Fixture::new(2);
    fixture.take(0, 0, b"hello", false).expect("fits");
    let error = fixture
        .pipeline
        .take_ack(&from_below(0, &[Status::Success; 3]))
        .expect_err("there are two");
    assert!(error.message().contains("only 2 follow"), "{error}");
}

#[test]
fn a_packet_out_of_sequence_ends_the_connection() {
    let mut fixture = Fixture::new(0);
    assert!(fixture.take(0, 1, b"hello", false).is_err());
    assert_eq!(fixture.ack(), None);
}
