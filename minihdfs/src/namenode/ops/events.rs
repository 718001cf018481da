//! Edits as events (inotify).

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::inotify::EditEvents;
use crate::namenode::namesystem::Namesystem;
use crate::proto::hdfs::{GetEditsFromTxidRequestProto, GetEditsFromTxidResponseProto};
use crate::rpc::Call;

impl Namesystem {
    /// Keeps events from now on, if they are not kept already, and returns those that are.
    pub(crate) fn keep_events(&mut self) -> &EditEvents {
        let next = self.state().transaction_id().saturating_add(1);
        self.events
            .get_or_insert_with(|| Box::new(EditEvents::since(next)))
    }
}

impl NameNode {
    /// Returns the events of the edits from a transaction on; only for the superuser.
    pub(crate) fn get_edits_from_txid(
        &self,
        call: &Call<'_>,
        request: GetEditsFromTxidRequestProto,
    ) -> Result<GetEditsFromTxidResponseProto, HdfsError> {
        self.checker(call).check_superuser("getEditsFromTxid")?;
        let mut ns = self.lock();
        let last = ns.state().transaction_id();
        let events_list = ns.keep_events().list(request.txid, last)?;
        Ok(GetEditsFromTxidResponseProto { events_list })
    }
}
