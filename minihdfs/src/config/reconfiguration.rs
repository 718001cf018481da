//! Changes of the configuration while a server runs (`ReconfigurableBase`).

use std::sync::{Mutex, PoisonError};

use kerbox_krb5::Timestamp;

use crate::proto::hdfs::GetReconfigurationStatusResponseProto;

/// The last reconfiguration of a server. No key can be changed while a server runs, so it changed
/// nothing, and ended when it started.
#[derive(Debug, Default)]
pub(crate) struct Reconfiguration(Mutex<Option<Timestamp>>);

impl Reconfiguration {
    /// Starts one.
    pub(crate) fn start(&self, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// Returns its times; the start is 0 if there was none.
    pub(crate) fn status(&self) -> GetReconfigurationStatusResponseProto {
        let started = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        GetReconfigurationStatusResponseProto {
            start_time: started.map_or(0, Timestamp::as_millis),
            end_time: started.map(Timestamp::as_millis),
            changes: Vec::new(),
        }
    }
}
