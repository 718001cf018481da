//! Tests of the KDC without sockets, with a clock that stands still until a test moves it.

mod authenticators;
mod delegation;
mod exchanges;
mod fast;
mod faults;
mod kpasswd;
mod malformed;
mod old_clients;
mod options;
mod pac;
mod preauth;
mod presented;
mod random;
mod realms;
mod states;
mod support;
