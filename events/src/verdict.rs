//! The answers of faults.

use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::ErrorCode;

use crate::{ClearField, Latch};

/// A fault's answer to an event that a server asks about. Not every verdict fits every event: see
/// [`Event::takes`](crate::Event::takes).
///
/// ```
/// use kerbox_events::{Event, Verdict};
/// use kerbox_krb5::ErrorCode;
///
/// let heartbeat = Event::Heartbeat { datanode: 1 };
/// assert!(heartbeat.takes(&Verdict::Drop));
/// // A heartbeat has no answer that could be a KRB-ERROR.
/// assert!(!heartbeat.takes(&Verdict::KrbError(ErrorCode::KDC_ERR_POLICY)));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Go on as usual.
    Pass,
    /// Answer with this KRB-ERROR (the KDC and its password service).
    KrbError(ErrorCode),
    /// Answer with this exception (RPC and its handshake), or with an error status and this message
    /// (data transfer).
    Exception {
        /// The Java class.
        class: Arc<str>,
        /// The message.
        message: Arc<str>,
    },
    /// Wait until the fixture's clock has gone on by this much, then act at the time that it is by
    /// then. A server without a fixture waits in real time.
    Delay(Duration),
    /// Wait this long in real time, then go on.
    DelayInRealTime(Duration),
    /// Wait until the test opens the latch, then act at the time that it is by then.
    Hold(Latch),
    /// Do not act and send no answer, but keep the connection.
    Drop,
    /// Close the connection instead of acting. For a call to another server, fail as if that could
    /// not be reached.
    Disconnect,
    /// Do not act; close the sending half of the connection, and go on reading. A datagram gets no
    /// answer.
    HalfClose,
    /// Go on, but corrupt the bytes that are sent or stored. Their number stays the same.
    Corrupt,
    /// Go on, but change a field of the reply that no key protects.
    Forge(ClearField),
    /// Go on, but send wrong checksums with intact data.
    WrongChecksums,
    /// Fail like a disk that cannot read or store the bytes.
    DiskError,
    /// Act, but lose the answer. The connection stays.
    LoseReply,
    /// Act, but send only this many bytes of the answer and close the connection. A datagram is
    /// cut.
    CutReply(usize),
    /// Act, but send the answer in pieces of this many bytes.
    ChopReply(usize),
    /// Act, but keep the answer back, and send it together with the next one on the connection.
    JoinReply,
    /// Stop the server that asks, as if its process were killed.
    Kill,
}
