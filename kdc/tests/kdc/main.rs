//! The KDC driven without sockets, at a clock that stands still until a test moves it.

mod delegation;
mod exchanges;
mod kpasswd;
mod pac;
mod realms;
mod refusals;
mod support;
