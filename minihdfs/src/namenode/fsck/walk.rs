//! The walk through the directories below a path.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write;

use bytes::Bytes;

use super::file::Findings;
use super::lost_found::{self, Remains};
use super::options::FsckOptions;
use super::policies::PolicySums;
use super::totals::{Replication, Totals};
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::path::join;
use crate::proto::hdfs::hdfs_file_status_proto::FileType;
use crate::proto::hdfs::{
    DeleteRequestProto, GetFileInfoRequestProto, GetListingRequestProto,
    GetSnapshottableDirListingRequestProto, HdfsFileStatusProto,
};
use crate::rpc::Call;

/// The number of entries after which a part of the text ends.
const PART: usize = 1000;

/// A walk under way.
pub(super) struct Walk {
    /// The directories that are not at their end, the innermost last.
    directories: Vec<Directory>,
    /// The snapshottable directories, if their snapshots are to be included.
    snapshottable: BTreeSet<String>,
    totals: Totals,
    policies: Option<PolicySums>,
    internal_errors: Vec<String>,
    /// What must be copied before the walk goes on.
    remains: Option<Remains>,
    /// The file that is removed afterwards.
    to_remove: Option<String>,
}

/// A directory of the walk.
struct Directory {
    path: String,
    /// Its entries that are still to be checked.
    entries: VecDeque<HdfsFileStatusProto>,
    /// The name after which the next page of entries begins; `None` after the last page.
    next: Option<Bytes>,
}

impl Walk {
    /// Begins at a path with this status.
    pub(super) fn begin(
        namenode: &NameNode,
        call: &Call<'_>,
        options: &FsckOptions,
        status: &HdfsFileStatusProto,
        out: &mut String,
    ) -> Result<Self, HdfsError> {
        let mut snapshottable = BTreeSet::new();
        if options.include_snapshots {
            let request = GetSnapshottableDirListingRequestProto {};
            let listed = namenode.get_snapshottable_dir_listing(call, request)?;
            let listed = listed.snapshottable_dir_list.into_iter();
            let directories = listed.flat_map(|list| list.snapshottable_dir_listing);
            snapshottable.extend(directories.map(|directory| {
                let name = String::from_utf8_lossy(&directory.dir_status.path).into_owned();
                join(&String::from_utf8_lossy(&directory.parent_fullpath), &name)
            }));
        }
        let mut walk = Self {
            directories: Vec::new(),
            snapshottable,
            totals: Totals::default(),
            policies: options.storage_policies.then(PolicySums::default),
            internal_errors: Vec::new(),
            remains: None,
            to_remove: None,
        };
        walk.check(namenode, call, options, options.path.clone(), status, out)?;
        Ok(walk)
    }

    /// Goes on with the walk. Returns false at its end.
    pub(super) fn step(
        &mut self,
        namenode: &NameNode,
        call: &Call<'_>,
        options: &FsckOptions,
        out: &mut String,
    ) -> Result<bool, HdfsError> {
        if let Some(path) = self.to_remove.take() {
            self.remove(namenode, call, path);
        }
        for _ in 0..PART {
            if self.remains.is_some() {
                return Ok(true);
            }
            let Some(directory) = self.directories.last_mut() else {
                return Ok(false);
            };
            if let Some(status) = directory.entries.pop_front() {
                let name = String::from_utf8_lossy(&status.path);
                let path = join(&directory.path, &name);
                self.check(namenode, call, options, path, &status, out)?;
            } else if let Some(after) = directory.next.take() {
                directory.read_page(namenode, call, after)?;
            } else {
                self.directories.pop();
            }
        }
        Ok(true)
    }

    fn check(
        &mut self,
        namenode: &NameNode,
        call: &Call<'_>,
        options: &FsckOptions,
        path: String,
        status: &HdfsFileStatusProto,
        out: &mut String,
    ) -> Result<(), HdfsError> {
        let Totals {
            directories,
            symlinks,
            files,
            ..
        } = &mut self.totals;
        if (*directories + *symlinks + *files).is_multiple_of(1000) {
            out.push('\n');
        }
        // Writing to a String cannot fail.
        match status.file_type() {
            FileType::IsDir => {
                *directories += 1;
                if options.files {
                    let _ = writeln!(out, "{path} <dir>");
                }
                self.enter(namenode, call, path)
            }
            FileType::IsSymlink => {
                *symlinks += 1;
                if options.files {
                    let _ = writeln!(out, "{path} <symlink>");
                }
                Ok(())
            }
            FileType::IsFile => self.check_file(namenode, call, options, &path, status, out),
        }
    }

    /// Enters a directory, and before it its snapshots.
    fn enter(
        &mut self,
        namenode: &NameNode,
        call: &Call<'_>,
        path: String,
    ) -> Result<(), HdfsError> {
        let snapshots = join(&path, ".snapshot");
        let has_snapshots = self.snapshottable.remove(&path);
        self.directories.push(Directory::new(path));
        if !has_snapshots {
            return Ok(());
        }
        let request = GetFileInfoRequestProto {
            src: snapshots.clone(),
        };
        if namenode.get_file_info(call, request)?.fs.is_some() {
            self.totals.directories += 1;
            self.directories.push(Directory::new(snapshots));
        }
        Ok(())
    }

    fn check_file(
        &mut self,
        namenode: &NameNode,
        call: &Call<'_>,
        options: &FsckOptions,
        path: &str,
        status: &HdfsFileStatusProto,
        out: &mut String,
    ) -> Result<(), HdfsError> {
        let Some(file) = namenode.checked_file(call, path, options)? else {
            return Ok(());
        };
        let mut findings = Findings {
            totals: &mut self.totals,
            policies: self.policies.as_mut(),
            minimum: namenode.config().min_replication.into(),
            out,
        };
        if !file.write(namenode, call, (path, status), options, &mut findings) {
            return Ok(());
        }
        if options.move_corrupt {
            match lost_found::prepare(namenode, call, path, status, file.layout()) {
                Ok(remains) => self.remains = remains,
                Err(error) => self.has_failed(&error),
            }
        }
        if options.delete_corrupt {
            match self.remains {
                Some(_) => self.to_remove = Some(path.to_owned()),
                None => self.remove(namenode, call, path.to_owned()),
            }
        }
        Ok(())
    }

    fn remove(&mut self, namenode: &NameNode, call: &Call<'_>, src: String) {
        let request = DeleteRequestProto {
            src,
            recursive: true,
        };
        if let Err(error) = namenode.delete(call, request) {
            self.has_failed(&error);
        }
    }

    /// Returns what must be copied before the walk goes on.
    pub(super) fn remains(&mut self) -> Option<Remains> {
        self.remains.take()
    }

    /// Notes that something could not be done.
    pub(super) fn has_failed(&mut self, why: &HdfsError) {
        self.internal_errors.push(why.message().to_owned());
    }

    pub(super) fn is_healthy(&self) -> bool {
        self.totals.is_healthy()
    }

    /// Writes the sums.
    pub(super) fn write_sums(&self, namenode: &NameNode, options: &FsckOptions, out: &mut String) {
        let replication = Replication {
            default: namenode.config().replication,
            minimum: namenode.config().min_replication,
        };
        let (datanodes, racks) = {
            let ns = namenode.read();
            (ns.blocks.datanodes.living(), ns.blocks.racks())
        };
        self.totals.write(datanodes, racks, &replication, out);
        if let (true, Some(policies)) = (options.storage_policies, &self.policies) {
            policies.write(out);
        }
    }

    /// Fails if something could not be done to a corrupt file.
    pub(super) fn check_internal_errors(&self) -> Result<(), HdfsError> {
        let Some(first) = self.internal_errors.first() else {
            return Ok(());
        };
        tracing::warn!(error = first, "a corrupt file was not dealt with");
        // Hadoop's text says no more.
        Err(HdfsError::io("fsck encountered internal errors!"))
    }
}

impl Directory {
    fn new(path: String) -> Self {
        Self {
            path,
            entries: VecDeque::new(),
            next: Some(Bytes::new()),
        }
    }

    /// Reads the page of entries after a name.
    fn read_page(
        &mut self,
        namenode: &NameNode,
        call: &Call<'_>,
        after: Bytes,
    ) -> Result<(), HdfsError> {
        let request = GetListingRequestProto {
            src: self.path.clone(),
            start_after: after,
            need_location: false,
        };
        // A directory may have been removed meanwhile.
        let Some(listing) = namenode.get_listing(call, request)?.dir_list else {
            return Ok(());
        };
        self.next = listing
            .partial_listing
            .last()
            .filter(|_| listing.remaining_entries > 0)
            .map(|last| last.path.clone());
        self.entries = listing.partial_listing.into();
        Ok(())
    }
}
