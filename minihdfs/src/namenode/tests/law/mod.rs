//! The law of replay: after any sequence of operations, the edits give an equal state.

mod attributes;
mod files;
mod others;

use proptest::prelude::*;

use super::*;
use crate::proto::common::*;
use crate::protocol::{BlockSynchronization, RecoveredReplica, RecoveringBlock};

/// One step: a kind of call, two parameters and a user.
pub(super) type Step = (u8, u8, u8, u8);

const KINDS: u8 = 36;

const PATHS: [&str; 12] = [
    "/a",
    "/a/b",
    "/a/b/c",
    "/a/f",
    "/a/g",
    "/d",
    "/d/f",
    "/d/g",
    "/f",
    "/d/e/f",
    "/",
    "/.reserved/raw/a/f",
];

fn path(number: u8) -> &'static str {
    PATHS[usize::from(number) % PATHS.len()]
}

/// A NameNode with two DataNodes, in which every user may do something.
pub(super) struct World {
    pub(super) fixture: Fixture,
    tokens: Vec<TokenProto>,
}

impl World {
    fn new() -> Self {
        Self::with(&[])
    }

    /// Same as [`new`](Self::new), with these additional keys.
    pub(super) fn with(keys: &[(&str, &str)]) -> Self {
        let own = [
            ("dfs.namenode.delegation.token.always-use", "true"),
            ("dfs.namenode.accesstime.precision", "60000"),
            ("dfs.namenode.fs-limits.min-block-size", "1"),
        ];
        let keys = [&own, keys].concat();
        let fixture = Fixture::with_config(&keys, |config| config.symlinks = true);
        let fixture = fixture.with_datanodes(2);
        fixture.hdfs().chmod("/", 0o777).expect("the superuser");
        Self {
            fixture,
            tokens: Vec::new(),
        }
    }

    fn session(&self, user: u8) -> Session<'_> {
        let name = ["alice", "bob", "hdfs"][usize::from(user) % 3];
        let mut session = self.fixture.user(name);
        session.caller.client_id = [user % 3 + 1; 16];
        session
    }

    fn last_block(&self, src: &str) -> Option<ExtendedBlockProto> {
        let located = self.fixture.hdfs().locations(src).ok()?;
        located.last_block.map(|block| block.b)
    }

    /// Takes a step. Whether the call succeeds does not matter.
    pub(super) fn step(&mut self, (kind, a, b, user): Step) {
        match kind % KINDS {
            0..=3 => self.make(kind % KINDS, a, b, user),
            4..=8 => self.write(kind % KINDS, a, b, user),
            9..=13 => self.move_about(kind % KINDS, a, b, user),
            14..=20 => self.set(kind % KINDS, a, b, user),
            21 => self.token(b, user),
            22..=25 => self.pipeline(kind % KINDS, a, b, user),
            26 => self.wait(b),
            27 => self.cache(a, b, user),
            28 => self.link(a, b, user),
            30..=35 => self.snapshot(kind % KINDS, a, b),
            _ => self.administrate(a, b),
        }
    }
}

/// Asserts that the law holds after these steps.
fn holds_after(steps: &[Step]) {
    let mut world = World::new();
    steps.iter().for_each(|step| world.step(*step));
    world.fixture.check_law();
}

/// A file is truncated while a snapshot shows it, the snapshot is deleted, and the file's
/// replication is changed before the truncation has ended.
#[test]
fn the_source_of_a_truncation_is_replicated_as_its_file() {
    holds_after(&[
        (4, 1, 76, 1),
        (31, 0, 1, 0),
        (7, 1, 1, 1),
        (34, 0, 1, 0),
        (17, 1, 2, 1),
    ]);
}

/// A truncation is under way when a snapshot is taken, and the block is abandoned before its
/// recovery ends.
#[test]
fn a_recovery_changes_no_block_that_only_a_snapshot_shows() {
    holds_after(&[
        (28, 217, 12, 0),
        (30, 0, 0, 0),
        (4, 11, 36, 113),
        (26, 0, 1, 0),
        (7, 3, 1, 11),
        (31, 0, 0, 0),
        (23, 11, 0, 2),
        (26, 0, 12, 0),
    ]);
}

/// A file gets more replicas after its blocks are left to a snapshot, and is then removed.
#[test]
fn the_blocks_of_a_snapshot_are_replicated_as_it_asks_once_the_file_is_removed() {
    holds_after(&[
        (4, 3, 26, 0),
        (31, 0, 0, 0),
        (7, 3, 0, 2),
        (17, 11, 2, 2),
        (1, 11, 1, 2),
    ]);
}

/// Returns the number of sequences: few in an ordinary run, `KERBOX_LAW` in `.ci/long`.
pub(super) fn cases() -> u32 {
    let asked = std::env::var("KERBOX_LAW").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_edits_of_any_sequence_give_an_equal_state(
        steps in proptest::collection::vec(any::<Step>(), 0..80),
    ) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        let fixture = &world.fixture;
        let law = fixture.node.check_replay(fixture.now.get(), &fixture.edits);
        prop_assert_eq!(law, Ok(()));
        prop_assert_eq!(fixture.node.check_image(fixture.now.get(), compare), Ok(()));
    }
}
