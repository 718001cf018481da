//! Hand-encoded AS requests that no client sends, for tests of the KDC alone, over its sockets, and
//! next to MIT's krb5kdc.
//!
//! Each has a name. They include requests that once crashed KDCs, and similar ones.

mod builder;
mod forms;
mod names;

pub use builder::Request;
pub use builder::padata;

/// A request and its name.
pub type Case = (String, Vec<u8>);

/// Returns all cases. They ask in the name of `alice`, who exists and must pre-authenticate.
pub fn cases(realm: &str) -> Vec<Case> {
    let good = || Request::new("alice", realm);
    let mut cases: Vec<Case> = Vec::new();
    cases.extend(forms::literals(&good()));
    cases.extend(forms::headers(&good));
    cases.extend(forms::numbers(&good));
    cases.extend(names::names(realm, &good));
    cases.extend(names::preauthentication(realm, &good));
    cases
}
