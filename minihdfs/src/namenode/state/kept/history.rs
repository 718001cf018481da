//! What snapshots keep of one inode.

use smol_str::SmolStr;

use crate::namenode::state::inode::{Inode, Writer};
use crate::namenode::state::kept::gone::GoneChildren;
use crate::namenode::state::kept::moment::Moment;
use crate::namenode::state::kept::stay::Stay;
use crate::namenode::state::quota::Quota;
use crate::protocol::Block;

/// What snapshots keep of one inode. It outlives the inode, as long as a snapshot shows it.
#[derive(Clone, PartialEq, Debug, Default)]
pub(in crate::namenode::state) struct History {
    /// The earlier attributes, the oldest first.
    versions: Vec<Version>,
    /// `None` if nothing has moved, as of most files.
    moves: Option<Box<Moves>>,
}

/// The attributes of an inode until a moment (Hadoop's diffs).
#[derive(Clone, PartialEq, Debug)]
pub(in crate::namenode::state) struct Version {
    /// The moment at which they changed.
    pub(in crate::namenode::state) until: Moment,
    /// True if only children came or went since. Hadoop then has no copy of the attributes yet, and
    /// a snapshot shows the present modification time (`DirectoryDiff` without `snapshotINode`).
    /// Of a file, if it was removed with its directory or was replaced by a moved one, and had not
    /// changed before: Hadoop then only keeps the inode (no `FileDiff`).
    pub(in crate::namenode::state) lacks_copy: bool,
    /// The length of a file. Its blocks may have grown since.
    pub(in crate::namenode::state) length: u64,
    /// The inode as it was, without children.
    pub(in crate::namenode::state) inode: Inode,
}

/// Where an inode was before, and which children have left it.
#[derive(Clone, PartialEq, Debug, Default)]
pub(in crate::namenode::state) struct Moves {
    /// The children that are gone.
    pub(in crate::namenode::state) gone: GoneChildren,
    /// Where the inode was before; all of it once the inode is removed.
    pub(in crate::namenode::state) stays: Vec<Stay>,
    /// The moment at which the inode was moved into its directory; 0 if no snapshot shows that
    /// directory without it.
    pub(in crate::namenode::state) arrived: Moment,
    /// True if a snapshot showed the inode somewhere else before it was moved.
    pub(in crate::namenode::state) moved: bool,
    /// True once the inode is removed.
    pub(in crate::namenode::state) removed: bool,
    /// Its remains then, if a snapshot needs them.
    pub(in crate::namenode::state) remains: Option<Box<Remains>>,
}

/// What is left of a removed inode.
#[derive(Clone, PartialEq, Debug, Default)]
pub(in crate::namenode::state) struct Remains {
    /// The writer that a file had.
    pub(in crate::namenode::state) writer: Option<Writer>,
    /// The last name, if the inode was moved and no snapshot shows it where it was last: its path
    /// consists of this name alone, since its place is gone (`DstReference`).
    pub(in crate::namenode::state) adrift: Option<SmolStr>,
    /// The limits that a directory had.
    pub(in crate::namenode::state) quota: Option<Quota>,
}

/// The moves of an inode that has none.
static NO_MOVES: Moves = Moves {
    gone: GoneChildren::NONE,
    stays: Vec::new(),
    arrived: 0,
    moved: false,
    removed: false,
    remains: None,
};

impl History {
    /// Creates what is kept of an inode with these moves.
    pub(in crate::namenode::state) fn moved(moves: Moves) -> Self {
        let mut history = Self::default();
        history.change_moves(|none| *none = moves);
        history
    }

    /// Returns the earlier attributes, the oldest first.
    pub(in crate::namenode::state) fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// Same as [`versions`](Self::versions), but mutable.
    pub(in crate::namenode::state) fn versions_mut(&mut self) -> &mut [Version] {
        &mut self.versions
    }

    /// Adds the attributes that an inode had last.
    pub(in crate::namenode::state) fn add_version(&mut self, version: Version) {
        // Most inodes have one version, and `push` alone would make room for four.
        if self.versions.len() == self.versions.capacity() {
            self.versions.reserve_exact(1 + self.versions.len() / 2);
        }
        self.versions.push(version);
    }

    /// Sets all earlier attributes, the oldest first.
    pub(in crate::namenode::state) fn set_versions(&mut self, mut versions: Vec<Version>) {
        versions.shrink_to_fit();
        self.versions = versions;
    }

    /// Returns where the inode was, and which children have left it.
    pub(in crate::namenode::state) fn moves(&self) -> &Moves {
        self.moves.as_deref().unwrap_or(&NO_MOVES)
    }

    /// Changes what few inodes have. Nothing is kept of it when it is empty.
    pub(in crate::namenode::state) fn change_moves(&mut self, change: impl FnOnce(&mut Moves)) {
        let mut moves = self.moves.take().unwrap_or_default();
        change(&mut moves);
        self.moves = (*moves != NO_MOVES).then_some(moves);
    }

    /// Returns the moment of the last change that was kept; what changed earlier is in a version.
    pub(in crate::namenode::state) fn kept_until(&self) -> Moment {
        self.versions.last().map_or(0, |version| version.until)
    }

    /// Returns the last versions, of which there is no copy yet.
    pub(in crate::namenode::state) fn without_copy(
        &mut self,
    ) -> impl Iterator<Item = &mut Version> {
        let last = self.versions.iter_mut().rev();
        last.take_while(|version| version.lacks_copy)
    }

    /// Takes the last versions, of which there is no copy yet, as they are.
    pub(in crate::namenode::state) fn settle(&mut self) {
        self.without_copy()
            .for_each(|version| version.lacks_copy = false);
    }

    /// Returns the attributes at a moment; `None` if they have not changed since.
    pub(in crate::namenode::state) fn version(&self, at: Moment) -> Option<&Version> {
        let later = self.versions.partition_point(|it| it.until <= at);
        self.versions.get(later)
    }

    /// Returns true if a snapshot needs any of it.
    pub(in crate::namenode::state) fn is_needed(&self) -> bool {
        let moves = self.moves();
        let of_present = moves.arrived > 0 || !moves.stays.is_empty() || !moves.gone.is_empty();
        !self.versions.is_empty() || of_present && !moves.removed
    }

    /// Returns what is left of the inode, if it is removed.
    pub(in crate::namenode::state) fn remains(&self) -> Option<&Remains> {
        self.moves().remains.as_deref()
    }

    /// Returns the last block of the last version.
    pub(in crate::namenode::state) fn last_block(&self) -> Option<Block> {
        let file = self.versions().last()?.inode.as_file()?;
        file.blocks.last().copied()
    }

    /// Returns what is left after other versions were dropped than these: the last block that is
    /// left is not the one that was written, if that is gone.
    pub(in crate::namenode::state) fn close_if_shorter(&mut self, before: &Self) {
        let is_same = self.last_block().map(|it| it.id) == before.last_block().map(|it| it.id);
        if !is_same && self.remains().is_some() {
            self.change_moves(|moves| {
                let remains = moves.remains.as_deref_mut();
                if let Some(writer) = remains.and_then(|it| it.writer.as_mut()) {
                    writer.last_block_open = false;
                }
            });
        }
    }
}
