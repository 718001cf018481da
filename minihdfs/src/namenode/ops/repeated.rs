//! Calls that clients repeat after a restart, and whose responses are not in the edits.

use super::create::Flags;
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::proto::hdfs::{AppendRequestProto, AppendResponseProto, CreateFlagProto};
use crate::rpc::Call;

impl NameNode {
    /// Returns the response to an append that an earlier NameNode has executed. Hadoop keeps one
    /// without the DataNodes, with which a client cannot go on.
    pub(crate) fn append_again(
        &self,
        call: &Call<'_>,
        request: AppendRequestProto,
    ) -> Result<AppendResponseProto, HdfsError> {
        let mut ns = self.lock_to_write(format_args!("append to file{}", request.src))?;
        let path = ns.namespace().resolve(&request.src)?;
        let file = path.last().filter(|id| {
            let file = ns.namespace().inode(*id).as_file();
            let writer = file.and_then(|file| file.writer.as_ref());
            writer.is_some_and(|writer| *writer.holder == *request.client_name)
        });
        let Some(id) = file else {
            // Someone has closed it meanwhile.
            drop(ns);
            return self.append(call, request);
        };
        self.check_last_block(&ns, id, path.path())?;
        let flags = Flags(request.flag.unwrap_or(CreateFlagProto::Append as u32));
        let new_block = flags.has(CreateFlagProto::NewBlock);
        Ok(self.appended(call, &mut ns, id, new_block))
    }
}
