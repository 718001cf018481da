//! The actions of the servers, as a test sees and changes them: the journal and the faults.

pub(crate) mod connections;
pub(crate) mod delays;
mod entries;
pub(crate) mod entry;
pub(crate) mod expectation;
pub(crate) mod faults;
pub(crate) mod hook;
pub(crate) mod journal;
mod waits;
