//! AS requests that no client sends, encoded by hand: for the KDC alone, over its sockets, and
//! beside MIT's krb5kdc.
//!
//! Each is told with its name. They are those that have hurt KDCs, and their neighbours.

mod builder;
mod forms;
mod names;

pub(crate) use builder::Request;
#[allow(unused_imports, reason = "not every program makes its own")]
pub(crate) use builder::padata;

/// A request, and what it is.
pub(crate) type Case = (String, Vec<u8>);

/// All of them, asked in the name of `alice`, who is there and must authenticate first.
pub(crate) fn cases(realm: &str) -> Vec<Case> {
    let good = || Request::new("alice", realm);
    let mut cases: Vec<Case> = Vec::new();
    cases.extend(forms::literals(&good()));
    cases.extend(forms::headers(&good));
    cases.extend(forms::numbers(&good));
    cases.extend(names::names(realm, &good));
    cases.extend(names::preauthentication(realm, &good));
    cases
}
