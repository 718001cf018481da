//! What is allowed, but better said.

use super::Settings;
use crate::commands::note;

/// Says on standard error what somebody might not have meant.
pub(crate) fn warn(settings: &Settings) {
    for (server, listen) in [("KDC", settings.realm.listen), ("NameNode", settings.hdfs.listen)] {
        if !listen.address.is_loopback() {
            note(format_args!(
                "warning: the {server} listens on {}, where others on the network can reach it; its users' passwords are their names",
                listen.address
            ));
        }
    }
}
