//! The entries of directories: children by name. A directory has the ids only, so that no name is
//! in memory twice.

use crate::namenode::state::children::{Children, Place};
use crate::namenode::state::inode::{Directory, Inode, InodeId};
use crate::namenode::state::namespace::Namespace;

impl Namespace {
    /// Returns the child of this name; `None` also if `parent` is not a directory.
    pub(crate) fn child(&self, parent: InodeId, name: &str) -> Option<InodeId> {
        self.child_in(self.inode(parent).as_directory()?, name)
    }

    /// Returns the child of this name.
    pub(super) fn child_in(&self, directory: &Directory, name: &str) -> Option<InodeId> {
        directory.children.get(name, |id| self.name(id))
    }

    /// Returns the children of `directory` whose names are above `name`, in the order of their
    /// names, and their number.
    pub(crate) fn children_after<'a>(
        &'a self,
        directory: &'a Directory,
        name: &str,
    ) -> (impl Iterator<Item = &'a Inode> + use<'a>, usize) {
        let (ids, count) = directory.children.after(name, |id| self.name(id));
        (ids.map(|id| self.inode(id)), count)
    }

    /// Adds an inode to the children of its parent, which does not have a child of this name.
    pub(super) fn link(&mut self, id: InodeId) {
        let place = self.place(id);
        let name = self.inode(id).name.clone();
        if let (Some(Err(place)), Some(siblings)) = (place, self.siblings_mut(id)) {
            siblings.insert(place, id, &name);
        }
    }

    /// Removes an inode from the children of its parent.
    pub(super) fn unlink(&mut self, id: InodeId) {
        let place = self.place(id);
        if let (Some(Ok(place)), Some(siblings)) = (place, self.siblings_mut(id)) {
            siblings.remove(place);
        }
    }

    /// Returns the place of an inode among its parent's children, or the one where it would be.
    fn place(&self, id: InodeId) -> Option<Result<Place, Place>> {
        let inode = self.inode(id);
        let parent = self.inode(inode.parent).as_directory()?;
        Some(parent.children.find(&inode.name, |id| self.name(id)))
    }

    fn siblings_mut(&mut self, id: InodeId) -> Option<&mut Children> {
        let parent = self.inode(id).parent;
        let parent = self.inode_mut(parent).as_directory_mut();
        parent.map(|directory| &mut directory.children)
    }

    fn name(&self, id: InodeId) -> &str {
        &self.inode(id).name
    }
}
