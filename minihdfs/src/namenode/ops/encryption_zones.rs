//! Encryption zones, which are not supported: the responses are those of a NameNode without a key
//! provider.

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need};
use crate::proto::hdfs::{
    GetEnclosingRootRequestProto, GetEnclosingRootResponseProto,
    ListReencryptionStatusRequestProto, ListReencryptionStatusResponseProto,
    ReencryptEncryptionZoneRequestProto, ReencryptEncryptionZoneResponseProto,
};
use crate::rpc::Call;

impl NameNode {
    /// Fails, because there is no zone whose keys could be renewed.
    pub(crate) fn reencrypt_encryption_zone(
        &self,
        call: &Call<'_>,
        _request: ReencryptEncryptionZoneRequestProto,
    ) -> Result<ReencryptEncryptionZoneResponseProto, HdfsError> {
        self.checker(call)
            .check_superuser("reencryptEncryptionZone")?;
        Err(HdfsError::io(
            "No key provider configured, re-encryption operation is rejected",
        ))
    }

    /// Returns an empty list.
    pub(crate) fn list_reencryption_status(
        &self,
        call: &Call<'_>,
        _request: ListReencryptionStatusRequestProto,
    ) -> Result<ListReencryptionStatusResponseProto, HdfsError> {
        self.checker(call)
            .check_superuser("listReencryptionStatus")?;
        Ok(ListReencryptionStatusResponseProto {
            statuses: Vec::new(),
            has_more: false,
        })
    }

    /// Returns the root within which a path can be renamed, which is that of the namespace. Clients
    /// ask for it to find the trash.
    pub(crate) fn get_enclosing_root(
        &self,
        call: &Call<'_>,
        request: GetEnclosingRootRequestProto,
    ) -> Result<GetEnclosingRootResponseProto, HdfsError> {
        let checker = self.checker(call);
        let ns = self.read();
        let path = ns.namespace().resolve(request.filename())?;
        checker.check(ns.namespace(), &path, Need::path(FsAction::READ))?;
        Ok(GetEnclosingRootResponseProto {
            enclosing_root_path: Some("/".to_owned()),
        })
    }
}
