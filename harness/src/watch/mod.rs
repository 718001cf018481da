//! What the servers do, as a test sees and changes it: the journal and the faults.

pub(crate) mod connections;
pub(crate) mod delays;
pub(crate) mod expectation;
pub(crate) mod faults;
pub(crate) mod hook;
pub(crate) mod journal;
