//! Images and segments of the edit log, by order.

use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::checkpoints::EndedSegment;
use crate::namenode::edit::Edit;
use crate::namenode::storage::image::write_image;
use crate::proto::hdfs::{
    RollEditsRequestProto, RollEditsResponseProto, SaveNamespaceRequestProto,
    SaveNamespaceResponseProto,
};
use crate::rpc::Call;

impl NameNode {
    /// Saves an image of the namespace, in safe mode only. A NameNode without files has nothing to
    /// save, and succeeds, as administration scripts expect.
    pub(crate) fn save_namespace(
        &self,
        call: &Call<'_>,
        request: SaveNamespaceRequestProto,
    ) -> Result<SaveNamespaceResponseProto, HdfsError> {
        self.checker(call).check_superuser("saveNamespace")?;
        let saved = |saved| Ok(SaveNamespaceResponseProto { saved: Some(saved) });
        let (window, gap) = (request.time_window(), request.tx_gap());
        let mut ns = self.lock();
        if !ns.safe_mode.is_on() {
            return Err(HdfsError::io(
                "Safe mode should be turned ON in order to create namespace image.",
            ));
        }
        let Some(ended) = ns.end_segment_to_save(call.now, window, gap)? else {
            return saved(self.storage.is_none());
        };
        let EndedSegment { last, storage } = ended;
        let image = write_image(ns.state(), storage.info().namespace_id);
        ns.log(&Edit::StartLogSegment)?;
        // Other calls go on while it is written.
        drop(ns);
        storage.save_image(last, &image)?;
        saved(true)
    }

    /// Ends a segment of the edit log, and returns the transaction id that starts the next one.
    pub(crate) fn roll_edits(
        &self,
        call: &Call<'_>,
        _request: RollEditsRequestProto,
    ) -> Result<RollEditsResponseProto, HdfsError> {
        self.checker(call).check_superuser("rollEditLog")?;
        let mut ns = self.lock();
        if ns.safe_mode.is_on() {
            return Err(self.in_safe_mode(&ns, format_args!("Log not rolled")));
        }
        ns.roll_edits()?;
        Ok(RollEditsResponseProto {
            new_segment_tx_id: ns.state().transaction_id().cast_unsigned(),
        })
    }
}
