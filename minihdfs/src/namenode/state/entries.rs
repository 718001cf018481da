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

    /// Returns the place that a child of this name would have; `None` if there is one, or if the
    /// inode is no directory.
    pub(super) fn free_place(&self, directory: InodeId, name: &str) -> Option<Place> {
        let directory = self.inode(directory).as_directory()?;
        let found = directory.children.find(name, |id| self.name(id));
        found.err()
    }

    /// Adds an inode to the children of its parent, which does not have a child of this name.
    pub(super) fn link(&mut self, id: InodeId) {
        let inode = self.inode(id);
        let (parent, name) = (inode.parent, inode.name.clone());
        if let Some(place) = self.free_place(parent, &name) {
            self.link_at(parent, place, id, &name);
        }
    }

    /// Adds an inode to the children of a directory, at the free place of its name.
    pub(super) fn link_at(&mut self, parent: InodeId, place: Place, id: InodeId, name: &str) {
        if let Some(parent) = self.inode_mut(parent).as_directory_mut() {
            parent.children.insert(place, id, name);
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
