//! Files that are being written.

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::path::{is_within, normalized};
use crate::proto::hdfs::{
    ListOpenFilesRequestProto, ListOpenFilesResponseProto, OpenFilesBatchResponseProto,
    OpenFilesTypeProto,
};
use crate::rpc::Call;

impl NameNode {
    /// Lists open files below a path whose id is above the request's; only for the superuser.
    pub(crate) fn list_open_files(
        &self,
        call: &Call<'_>,
        request: ListOpenFilesRequestProto,
    ) -> Result<ListOpenFilesResponseProto, HdfsError> {
        self.checker(call).check_superuser("listOpenFiles")?;
        let ns = self.read();
        let below = request
            .path
            .as_deref()
            .filter(|path| !path.is_empty())
            .unwrap_or("/");
        let below = &*normalized(below)?;
        let limit = self.config.list_open_files_limit;
        let after = u64::try_from(request.id).unwrap_or(0);
        // DataNodes are never decommissioned here, so no file blocks a decommission.
        let all = request.types.is_empty()
            || request
                .types
                .contains(&OpenFilesTypeProto::AllOpenFiles.into());
        let open = ns.leases().files_after(after);
        let entries = open.into_iter().filter(|_| all).filter_map(|(id, holder)| {
            let path = ns.namespace().full_path(id);
            let writer = ns.namespace().inode(id).as_file()?.writer.as_ref()?;
            is_within(&path, below).then(|| OpenFilesBatchResponseProto {
                id: id.cast_signed(),
                path,
                client_name: holder.to_string(),
                client_machine: writer.machine.to_string(),
            })
        });
        let mut entries: Vec<_> = entries.take(limit + 1).collect();
        let has_more = entries.len() > limit;
        entries.truncate(limit);
        Ok(ListOpenFilesResponseProto {
            entries,
            has_more,
            types: request.types,
        })
    }
}
