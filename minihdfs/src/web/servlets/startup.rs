//! `/startupProgress` (Hadoop's `StartupProgressServlet`): the phases of the NameNode's start.

use http::StatusCode;
use serde_json::{Value, json};

use super::Page;
use crate::web::response::{self, WebResponse};

/// Returns the phases. The port answers only once the first three are over.
pub(super) fn answer(page: &Page<'_>) -> WebResponse {
    let is_safe = page.overview().safe_mode.is_none();
    let phase = |name: &str, desc: &str, is_over: bool| {
        json!({
            "name": name,
            "desc": desc,
            "status": if is_over { "COMPLETE" } else { "RUNNING" },
            "percentComplete": if is_over { 1.0 } else { 0.0 },
            "steps": [],
        })
    };
    let phases: Vec<Value> = vec![
        phase("LoadingFsImage", "Loading fsimage", true),
        phase("LoadingEdits", "Loading edits", true),
        phase("SavingCheckpoint", "Saving checkpoint", true),
        phase("SafeMode", "Safe mode", is_safe),
    ];
    let percent = if is_safe { 1.0 } else { 0.75 };
    let value = json!({ "percentComplete": percent, "phases": phases });
    response::pretty_json(StatusCode::OK, &value)
}
