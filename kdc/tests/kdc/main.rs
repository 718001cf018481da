//! The KDC driven without sockets, at a clock that stands still until a test moves it.

mod exchanges;
mod refusals;
mod support;
