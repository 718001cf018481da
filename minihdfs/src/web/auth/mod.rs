//! Authentication of requests: the filter in front of the operations, and the user as whom an
//! operation is carried out.

mod cookie;
mod csrf;
mod filter;
mod user;

pub(super) use csrf::CsrfFilter;
pub use filter::WebAuth;
pub(super) use filter::{Decision, Passed};
pub(super) use user::{Users, token_kind};
