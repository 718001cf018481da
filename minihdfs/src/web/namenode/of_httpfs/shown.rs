//! Values that HttpFS shows otherwise (`FSOperations`).

use serde_json::Value;

use crate::web::namenode::operation::Operation;
use crate::web::response::{self, WebResponse};

/// The figures of a summary that HttpFS leaves out.
const UNSHOWN: [&str; 4] = [
    "snapshotLength",
    "snapshotFileCount",
    "snapshotDirectoryCount",
    "snapshotSpaceConsumed",
];

impl Operation<'_> {
    /// Returns a response with a value as the service that was asked shows it.
    pub(in crate::web::namenode) fn of_json(&self, mut value: Value) -> WebResponse {
        if self.is_of_httpfs() {
            change(&mut value);
        }
        response::of_json(&value)
    }
}

fn change(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for name in UNSHOWN {
                fields.remove(name);
            }
            // The NameNode tells its clients nothing about it.
            if let Some(copied) = fields.get_mut("copyOnCreateFile") {
                *copied = false.into();
            }
            fields.values_mut().for_each(change);
        }
        Value::Array(values) => values.iter_mut().for_each(change),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn summaries_have_no_snapshots_and_policies_copy_nothing() {
        let mut summary = json!({ "ContentSummary": { "length": 1, "snapshotLength": 0 } });
        change(&mut summary);
        assert_eq!(summary, json!({ "ContentSummary": { "length": 1 } }));
        let mut policies = json!([{ "name": "LAZY_PERSIST", "copyOnCreateFile": true }]);
        change(&mut policies);
        assert_eq!(policies[0]["copyOnCreateFile"], false);
    }
}
