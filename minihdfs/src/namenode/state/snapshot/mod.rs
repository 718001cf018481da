//! Snapshots: a directory's tree as it was, kept by what has changed since.
//!
//! A snapshot copies nothing but the attributes of its directory. What changes later is kept when
//! it changes, if a snapshot shows it (`kept` holds it):
//! - `stays`: the directories with snapshots that an inode is and was in, which decide if a
//!   snapshot shows it
//! - `keep`: keeps what is about to change
//! - `change`: takes, deletes and renames snapshots
//! - `prune`: drops what no snapshot shows any more
//! - `blocks`: the blocks that only snapshots need
//! - `latest`: the latest snapshot of a path, by which renames are charged
//! - `remains`: what is left of a removed inode, such as the writer of a file
//! - `view`: the tree now or in a snapshot, for those who read it
//! - `summary`: totals with what only snapshots keep
//! - `diff`: the differences of two snapshots
//! - `recorded`: what Hadoop records instead, and an image holds; `record` makes it of what is
//!   kept, `recall` restores that, by the `places` that inodes had

mod blocks;
mod change;
pub(crate) mod diff;
mod keep;
mod latest;
mod places;
mod prune;
mod recall;
pub(crate) mod record;
pub(crate) mod recorded;
mod remains;
mod stays;
pub(crate) mod summary;
pub(crate) mod view;

pub(crate) use crate::namenode::state::kept::{LAST_SNAPSHOT_ID, SnapshotId, Snapshottable};
