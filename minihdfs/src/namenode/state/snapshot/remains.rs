//! What is left of a removed inode that snapshots show, besides the attributes that they show.
//!
//! Hadoop keeps the inode itself: of a file that was removed while it was written, also its writer
//! (`FileUnderConstructionFeature`), and its last block counts as one that is being written; of a
//! directory its limits.

use std::borrow::Cow;

use smol_str::SmolStr;

use crate::namenode::state::inode::{Directory, Inode, InodeId, ROOT, Writer};
use crate::namenode::state::kept::Moment;
use crate::namenode::state::kept::history::{History, Remains};
use crate::namenode::state::name::Name;
use crate::namenode::state::namespace::Namespace;
use crate::namenode::state::quota::Quota;
use crate::protocol::Block;

impl Namespace {
    /// Returns what is left of an inode that is about to be removed, and of which everything else
    /// is kept.
    pub(super) fn remains(&self, id: InodeId) -> Option<Box<Remains>> {
        let inode = self.get(id)?;
        let writer = inode.as_file().and_then(|file| file.writer.as_deref());
        let remains = Remains {
            writer: writer.map(|writer| self.left_behind(id, inode, writer)),
            adrift: self.is_adrift(inode).then(|| inode.name.clone()),
            quota: quota_of(inode),
        };
        (remains != Remains::default()).then(|| Box::new(remains))
    }

    /// Returns a writer whose file is only in snapshots. The last block counts as open only if a
    /// snapshot needs it.
    fn left_behind(&self, id: InodeId, inode: &Inode, writer: &Writer) -> Writer {
        let last = inode.as_file().and_then(|file| file.blocks.last());
        let kept = self.snapshots().history(id).and_then(History::last_block);
        let is_kept = last.is_some_and(|last| kept.is_some_and(|kept| kept.id == last.id));
        Writer {
            last_block_open: writer.last_block_open && is_kept,
            truncate_to: None,
            truncate_from: None,
            ..writer.clone()
        }
    }

    /// Returns true if an inode was moved, and no snapshot keeps the place from which it is removed
    /// at this moment.
    fn is_adrift(&self, inode: &Inode) -> bool {
        let snapshots = self.snapshots();
        let history = snapshots.history(inode.id);
        let was_moved = history.is_some_and(|history| history.moves().moved);
        was_moved && !self.keeps_place(inode, snapshots.taken())
    }

    fn keeps_place(&self, inode: &Inode, until: Moment) -> bool {
        let Some(history) = self.snapshots().history(inode.parent) else {
            return false;
        };
        let departure = (Name(inode.name.clone()), until);
        let next = history.moves().gone.since(departure.clone()).next();
        next.is_some_and(|(found, _)| *found == departure)
    }

    /// Restores what is left of a removed inode, as an image has it.
    pub(super) fn recall_remains(&mut self, inode: &Inode, last_name: Option<&SmolStr>) {
        let writer = inode.as_file().and_then(|file| file.writer.as_deref());
        let writer = writer.map(|writer| self.left_behind(inode.id, inode, writer));
        let history = self.snapshots_mut().history_mut(inode.id);
        let was_renamed = last_name.is_some_and(|last| *last != inode.name);
        let adrift = history.moves().moved && was_renamed;
        let remains = Remains {
            writer,
            adrift: adrift.then(|| inode.name.clone()),
            quota: quota_of(inode),
        };
        let remains = (remains != Remains::default()).then(|| Box::new(remains));
        history.change_moves(|moves| moves.remains = remains);
    }

    /// Returns a removed inode with its last attributes and with what is left of it, but for the
    /// limits of a directory.
    pub(super) fn removed(&self, id: InodeId) -> Option<Cow<'_, Inode>> {
        let last = self.last_of(id)?;
        let history = self.snapshots().history(id);
        let Some(remains) = history.and_then(History::remains) else {
            return Some(Cow::Borrowed(last));
        };
        let mut whole = last.clone();
        if let Some(name) = &remains.adrift {
            whole.name = name.clone();
        }
        if let Some(file) = whole.as_file_mut() {
            file.writer = remains.writer.clone().map(Box::new);
        }
        Some(Cow::Owned(whole))
    }

    /// Returns the writer that a removed file had.
    pub(crate) fn writer_of_removed(&self, id: InodeId) -> Option<&Writer> {
        let history = self.snapshots().history(id)?;
        history.remains()?.writer.as_ref()
    }

    /// Returns the limits that a removed directory had.
    pub(super) fn quota_of_removed(&self, id: InodeId) -> Option<Quota> {
        let history = self.snapshots().history(id)?;
        history.remains()?.quota
    }

    /// Returns true if a file is being written, or was when it was removed. A file in a snapshot is
    /// open if the present one is: Hadoop asks the inode, of which there is only one.
    pub(crate) fn is_open(&self, id: InodeId) -> bool {
        match self.get(id) {
            Some(inode) => inode.as_file().is_some_and(|file| file.writer.is_some()),
            None => self.writer_of_removed(id).is_some(),
        }
    }

    /// Returns the block that a removed file's writer was writing, with the bytes that one replica
    /// of it counts for.
    pub(super) fn open_block_of_removed(&self, id: InodeId) -> Option<(Block, u64)> {
        let open = self.writer_of_removed(id)?.last_block_open;
        let file = self.last_of(id)?.as_file().filter(|_| open)?;
        let last = file.blocks.last()?;
        Some((*last, last.length.max(file.block_size)))
    }

    /// Returns the path of an inode that exists or that snapshots show, as Hadoop finds it from the
    /// inode (`INodesInPath.fromINode`): of one that is adrift, what is left of the path.
    pub(crate) fn path_from_inode(&self, id: InodeId) -> String {
        let mut names: Vec<&str> = Vec::new();
        let mut next = self.last_of(id);
        while let Some(inode) = next.filter(|inode| inode.id != ROOT) {
            if let Some(name) = self.adrift(inode.id) {
                names.push(name);
                names.reverse();
                return names.join("/");
            }
            names.push(&inode.name);
            next = self.last_of(inode.parent);
        }
        self.full_path(id)
    }

    /// Returns the name that is left of the path of a removed inode, if its place is gone.
    fn adrift(&self, id: InodeId) -> Option<&str> {
        let history = self.snapshots().history(id)?;
        history.remains()?.adrift.as_deref()
    }
}

/// Returns the limits of a directory that has some.
fn quota_of(inode: &Inode) -> Option<Quota> {
    let quota = inode.as_directory().map(Directory::quota);
    quota.filter(|quota| *quota != Quota::default())
}
