//! Leases: renewal, checks and recovery.

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need, PermissionChecker};
use crate::namenode::lease_recovery::{Claim, RecoverLeaseOp};
use crate::namenode::namesystem::Namesystem;
use crate::namenode::state::inode::{Inode, InodeId};
use crate::namenode::state::limits::check_name;
use crate::proto::hdfs::{
    RecoverLeaseRequestProto, RecoverLeaseResponseProto, RenewLeaseRequestProto,
    RenewLeaseResponseProto,
};
use crate::rpc::Call;

/// The `fileId` of clients that do not send one (`HdfsConstants.GRANDFATHER_INODE_ID`).
const GRANDFATHER_INODE_ID: u64 = 0;

impl Namesystem {
    /// Returns the file that a client says it is writing (`FSDirectory.resolvePath` with a
    /// `fileId`). Looks it up by id if the client sent one, so that a renamed file is still found,
    /// and a removed one that a snapshot shows. Otherwise looks it up by its path, which the caller
    /// must be able to traverse.
    pub(super) fn find_file(
        &self,
        checker: &PermissionChecker<'_>,
        src: &str,
        file_id: u64,
    ) -> Result<Option<InodeId>, HdfsError> {
        if file_id != GRANDFATHER_INODE_ID {
            return Ok(self.namespace().last_of(file_id).map(|_| file_id));
        }
        let path = self.namespace().resolve(src)?;
        checker.check_change(self.namespace(), &path, Need::TRAVERSE)?;
        Ok(path.last())
    }

    /// Returns the path that messages name, of a file that [`find_file`](Self::find_file) has
    /// returned.
    fn name_of(&self, id: Option<InodeId>, src: &str, file_id: u64) -> String {
        if file_id == GRANDFATHER_INODE_ID {
            let path = self.namespace().resolve(src);
            return path.map_or_else(|_| src.to_owned(), |path| path.path().to_owned());
        }
        id.map_or_else(|| src.to_owned(), |id| self.namespace().path_from_inode(id))
    }

    /// Returns the file that `holder` writes. Fails with the errors of `FSNamesystem.checkLease`.
    pub(super) fn check_lease(
        &self,
        checker: &PermissionChecker<'_>,
        src: &str,
        file_id: u64,
        holder: &str,
    ) -> Result<InodeId, HdfsError> {
        let id = self.find_file(checker, src, file_id)?;
        let details = || {
            let src = self.name_of(id, src, file_id);
            let lease = match self.leases().open_files(holder) {
                Some(files) => format!("[Lease.  Holder: {holder}, pending creates: {files}]"),
                None => format!("Holder {holder} does not have any open files."),
            };
            format!("{src} (inode {}) {lease}", id.unwrap_or(file_id))
        };
        let Some(id) = id else {
            return Err(HdfsError::file_not_found(format!(
                "File does not exist: {}",
                details()
            )));
        };
        let inode = self.namespace().last_of(id);
        let Some(file) = inode.and_then(Inode::as_file) else {
            return Err(HdfsError::lease_expired(format!(
                "INode is not a regular file: {}",
                details()
            )));
        };
        if self.namespace().writer_of_removed(id).is_some() {
            return Err(HdfsError::file_not_found(format!(
                "File is deleted: {}",
                details()
            )));
        }
        let Some(writer) = &file.writer else {
            return Err(HdfsError::lease_expired(format!(
                "File is not open for writing: {}",
                details()
            )));
        };
        if &*writer.holder != holder {
            return Err(HdfsError::lease_expired(format!(
                "Client (={holder}) is not the lease owner (={}: {}",
                writer.holder,
                details()
            )));
        }
        Ok(id)
    }
}

impl NameNode {
    /// Renews a client's lease. Clients without open files are accepted too.
    pub(crate) fn renew_lease(
        &self,
        call: &Call<'_>,
        request: RenewLeaseRequestProto,
    ) -> Result<RenewLeaseResponseProto, HdfsError> {
        if !request.namespaces.is_empty() {
            return Err(HdfsError::io(format!(
                "namespaces([{}]) should be null or empty",
                request.namespaces.join(", ")
            )));
        }
        let mut ns = self.lock_to_write(format_args!("renew lease for {}", request.client_name))?;
        ns.renew_lease(call.now, &request.client_name);
        Ok(RenewLeaseResponseProto {})
    }

    /// Takes a file over from its writer. Returns true if it is closed, false if its last block is
    /// being recovered.
    pub(crate) fn recover_lease(
        &self,
        call: &Call<'_>,
        request: RecoverLeaseRequestProto,
    ) -> Result<RecoverLeaseResponseProto, HdfsError> {
        check_name("client's name", &request.client_name)?;
        let checker = self.checker(call);
        let mut ns = self.lock_to_write(format_args!("recover the lease of {}", request.src))?;
        let path = ns.namespace().resolve(&request.src)?;
        checker.check_change(ns.namespace(), &path, Need::TRAVERSE)?;
        let id = ns.file_of(path.last(), path.path())?;
        if ns
            .namespace()
            .inode(id)
            .as_file()
            .is_some_and(|file| file.writer.is_none())
        {
            return Ok(RecoverLeaseResponseProto { result: true });
        }
        checker.check_change(ns.namespace(), &path, Need::path(FsAction::WRITE))?;
        let claim = Claim {
            op: RecoverLeaseOp::Recover,
            path: path.path(),
            holder: &request.client_name,
            machine: call.caller.address,
        };
        let result = ns.take_over(call.now, id, claim)?;
        Ok(RecoverLeaseResponseProto { result })
    }
}
