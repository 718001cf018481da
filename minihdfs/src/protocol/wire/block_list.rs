//! The replicas in a block report (Hadoop's `BlockListAsLongs`).
//!
//! A report is either a list of numbers, which only old DataNodes send, or bytes in several
//! buffers: for each replica the varints id (zigzag), length, generation stamp and state.

use bytes::Bytes;
use prost::encoding::{decode_varint, encode_varint};

use super::blocks::replica_state;
use crate::HdfsError;
use crate::proto::hdfs::datanode::StorageBlockReportProto;
use crate::protocol::{Block, ReplicaState, ReportedReplica};

/// The maximum number of replicas in one call. A DataNode with more sends one report per storage
/// (`dfs.blockreport.split.threshold`).
const MAX_REPLICAS: usize = 1_000_000;
/// The size at which a buffer is full.
const BUFFER: usize = 64 << 10;
/// The maximum size of a replica in a buffer: four varints.
const LARGEST: usize = 40;

/// Appends the replicas of a report.
///
/// # Errors
/// Fails if the report cannot be read, or names another number of replicas than it has.
pub(crate) fn read(
    report: &StorageBlockReportProto,
    replicas: &mut Vec<ReportedReplica>,
) -> Result<(), HdfsError> {
    let before = replicas.len();
    let read = match report.number_of_blocks {
        Some(_) => read_buffers(&report.blocks_buffers, replicas),
        None => read_numbers(&report.blocks, replicas),
    };
    let unreadable = || HdfsError::io("The block report ends in the middle of a replica");
    read?.ok_or_else(unreadable)?;
    let count = replicas.len() - before;
    match report.number_of_blocks {
        Some(named) if named != count as u64 => Err(HdfsError::io(format!(
            "The block report has {count} replicas instead of the {named} that it names"
        ))),
        _ => Ok(()),
    }
}

/// Returns the replicas in buffers.
pub(crate) fn write(replicas: &[ReportedReplica]) -> Vec<Bytes> {
    let mut buffers = Vec::new();
    let mut buffer = Vec::new();
    for ReportedReplica { block, state } in replicas {
        let id = block.id.cast_signed();
        let id = ((id << 1) ^ (id >> 63)).cast_unsigned();
        for number in [id, block.length, block.generation_stamp, *state as u64] {
            encode_varint(number, &mut buffer);
        }
        if buffer.len() + LARGEST > BUFFER {
            buffers.push(Bytes::from(std::mem::take(&mut buffer)));
        }
    }
    buffers.push(Bytes::from(buffer));
    buffers
}

/// Reads buffers, which together are one: a replica may begin in one and end in the next. Returns
/// `None` if the last replica is incomplete.
fn read_buffers(
    buffers: &[Bytes],
    replicas: &mut Vec<ReportedReplica>,
) -> Result<Option<()>, HdfsError> {
    let joined = buffers.concat();
    let mut bytes = &joined[..];
    while !bytes.is_empty() {
        let mut number = || decode_varint(&mut bytes).ok();
        let (Some(id), Some(length), Some(stamp), Some(state)) =
            (number(), number(), number(), number())
        else {
            return Ok(None);
        };
        let id = (id >> 1) ^ (id & 1).wrapping_neg();
        add(replicas, [id, length, stamp, state])?;
    }
    Ok(Some(()))
}

/// Reads the old form: the counts of finalized and of other replicas; three numbers for each
/// finalized one; three times -1; four numbers for each other one. Returns `None` if there are
/// fewer numbers.
fn read_numbers(
    numbers: &[u64],
    replicas: &mut Vec<ReportedReplica>,
) -> Result<Option<()>, HdfsError> {
    let [finalized, others, rest @ ..] = numbers else {
        // A report of nothing may be empty.
        return Ok(numbers.is_empty().then_some(()));
    };
    let length = |count: u64, each: usize| {
        let count = usize::try_from(count).ok()?;
        count.checked_mul(each)
    };
    let Some((finalized, rest)) =
        length(*finalized, 3).and_then(|length| rest.split_at_checked(length))
    else {
        return Ok(None);
    };
    for numbers in finalized.chunks_exact(3) {
        let state = ReplicaState::Finalized as u64;
        add(replicas, [numbers[0], numbers[1], numbers[2], state])?;
    }
    let others = length(*others, 4).zip(rest.get(3..));
    let Some(others) = others.and_then(|(length, rest)| rest.get(..length)) else {
        return Ok(None);
    };
    for numbers in others.chunks_exact(4) {
        add(replicas, [numbers[0], numbers[1], numbers[2], numbers[3]])?;
    }
    Ok(Some(()))
}

/// Appends a replica: its id, length, generation stamp and state.
fn add(replicas: &mut Vec<ReportedReplica>, numbers: [u64; 4]) -> Result<(), HdfsError> {
    if replicas.len() >= MAX_REPLICAS {
        return Err(HdfsError::io(format!(
            "The block report has more than {MAX_REPLICAS} replicas"
        )));
    }
    let [id, length, generation_stamp, state] = numbers;
    replicas.push(ReportedReplica {
        block: Block {
            id,
            generation_stamp,
            length,
        },
        state: replica_state(state)?,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finalized(id: u64) -> ReportedReplica {
        reported([id, 5, 1001, 0])
    }

    fn reported(numbers: [u64; 4]) -> ReportedReplica {
        let mut replicas = Vec::new();
        add(&mut replicas, numbers).expect("a state");
        replicas[0]
    }

    fn in_buffers(count: u64, buffers: Vec<Bytes>) -> Result<Vec<ReportedReplica>, HdfsError> {
        let report = StorageBlockReportProto {
            number_of_blocks: Some(count),
            blocks_buffers: buffers,
            ..StorageBlockReportProto::default()
        };
        let mut replicas = Vec::new();
        read(&report, &mut replicas).map(|()| replicas)
    }

    fn in_numbers(numbers: &[u64]) -> Result<Vec<ReportedReplica>, HdfsError> {
        let report = StorageBlockReportProto {
            blocks: numbers.to_vec(),
            ..StorageBlockReportProto::default()
        };
        let mut replicas = Vec::new();
        read(&report, &mut replicas).map(|()| replicas)
    }

    #[test]
    fn replicas_are_read_from_buffers_wherever_those_end() {
        let replicas: Vec<_> = (0..40_000)
            .map(|number| finalized((1 << 30) + number))
            .collect();
        let written = write(&replicas);
        assert!(written.len() > 1 && written.iter().all(|buffer| buffer.len() <= BUFFER));
        assert_eq!(in_buffers(40_000, written.clone()), Ok(replicas.clone()));
        let joined = written.concat();
        let pieces = joined.chunks(7).map(Bytes::copy_from_slice);
        assert_eq!(in_buffers(40_000, pieces.collect()), Ok(replicas));
        // The ids of old blocks are negative.
        let old = [finalized((-7_i64).cast_unsigned())];
        assert_eq!(in_buffers(1, write(&old)), Ok(old.to_vec()));
    }

    #[test]
    fn the_old_form_is_read_too() {
        let end = u64::MAX;
        let numbers = [1, 1, 7, 5, 1001, end, end, end, 8, 0, 1002, 1];
        let being_written = reported([8, 0, 1002, 1]);
        assert_eq!(in_numbers(&numbers), Ok(vec![finalized(7), being_written]));
        assert_eq!(in_numbers(&[]), Ok(vec![]));
        for length in 1..numbers.len() {
            let refused = in_numbers(&numbers[..length]).expect_err("too short");
            assert!(refused.message().contains("in the middle"), "{refused}");
        }
        in_numbers(&[u64::MAX, u64::MAX, 1]).expect_err("more than there can be");
    }

    #[test]
    fn a_report_that_is_wrong_is_refused() {
        let written = write(&[finalized(7)]);
        let refused = in_buffers(2, written.clone()).expect_err("one");
        assert_eq!(
            refused.message(),
            "The block report has 1 replicas instead of the 2 that it names"
        );
        let cut = written[0].slice(..written[0].len() - 1);
        in_buffers(1, vec![cut]).expect_err("incomplete");
        in_buffers(1, vec![Bytes::from_static(&[0xff; 11])]).expect_err("no varint");
        let refused = in_buffers(1, vec![Bytes::from_static(&[2, 1, 1, 9])]);
        assert!(
            refused
                .expect_err("9")
                .message()
                .contains("no replica state 9")
        );
    }
}
