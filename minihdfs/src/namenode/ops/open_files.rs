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
        let limit = self.config.limits.list_open_files_limit;
        let after = u64::try_from(request.id).unwrap_or(0);
        let has = |kind: OpenFilesTypeProto| request.types.contains(&kind.into());
        let all = request.types.is_empty() || has(OpenFilesTypeProto::AllOpenFiles);
        let blocking = has(OpenFilesTypeProto::BlockingDecommission);
        let is_wanted = |id| {
            all || blocking
                && ns
                    .blocks_of(id)
                    .any(|info| ns.blocks.keeps_from_leaving(info))
        };
        let open = ns.leases().files_after(after).into_iter();
        let open = open.filter(|(id, _)| is_wanted(*id));
        let entries = open.filter_map(|(id, holder)| {
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
