//! The shared vocabulary for everything that Kerbox's servers do, and for the faults that a test
//! can inject.
//!
//! A server calls its [`Hook`] twice for each exchange. Before it answers, it *asks* what to do,
//! with [`Outcome::Asked`]; afterwards it *records* the outcome. Journal and faults use the same
//! [`Event`]s, so everything that can be observed can also be made to fail. The crate sits below
//! `kdc` and `minihdfs`, which do not depend on each other, and does no IO.

mod bounded;
mod display;
mod event;
mod facts;
mod fit;
mod forge;
mod hook;
mod json;
mod latch;
mod outcome;
mod ruling;
mod verdict;
mod words;

pub use bounded::{MAX_TEXT, Printable, cut};
pub use event::{Event, Server, TgsKind};
pub use facts::{Facts, PreAuth, Qop, SessionFacts, TicketFacts};
pub use forge::ClearField;
pub use hook::{Hook, NoHook};
pub use latch::Latch;
pub use outcome::Outcome;
pub use ruling::{Changes, Ending, Exception, HandshakeRefusal, Refusal, ReplyFault, Ruling, rule};
pub use verdict::Verdict;
pub use words::{Mechanism, Operation, StateChange, TimerKind};
