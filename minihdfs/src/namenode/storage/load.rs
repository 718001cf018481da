//! Loading: the edits after an image turn its state into a later one.

use crate::namenode::edit::Edit;
use crate::namenode::state::State;
use crate::namenode::storage::edit_log::Segment;
use crate::namenode::storage::error::StorageError;

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
        let result = state.apply(&record.edit, None);
        result.map_err(|misfit| StorageError::new(file, 0, misfit.to_string()))?;
        applied(&record.edit, state);
    }
    Ok(())
}
