//! Loading: an image and the edits after it give a state.

use crate::namenode::edit::Edit;
use crate::namenode::state::State;
use crate::namenode::storage::edit_log::Segment;
use crate::namenode::storage::error::StorageError;
use crate::namenode::storage::image::Image;

/// Turns a formatted state into that of an image.
pub(crate) fn load_image(state: &mut State, file: &str, image: &Image) -> Result<(), StorageError> {
    for edit in &image.edits {
        let applied = state.apply(edit);
        applied.map_err(|misfit| StorageError::new(file, 0, misfit.to_string()))?;
    }
    let last_ids = (image.last_inode_id, image.last_directive_id);
    state.go_on_after(image.transaction_id, last_ids);
    state.tokens().set_counters(image.token_counters);
    Ok(())
}

/// Applies the records of a file that come after the state's last transaction. Calls `applied`
/// after each, with the state after it.
pub(crate) fn load_edits(
    state: &mut State,
    file: &str,
    segment: &Segment,
    applied: &mut dyn FnMut(&Edit, &State),
) -> Result<(), StorageError> {
    for record in &segment.records {
        if record.transaction_id <= state.transaction_id() {
            continue;
        }
        let result = state.apply(&record.edit);
        result.map_err(|misfit| StorageError::new(file, 0, misfit.to_string()))?;
        applied(&record.edit, state);
    }
    Ok(())
}
