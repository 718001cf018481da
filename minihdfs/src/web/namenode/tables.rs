//! The tables of operations, one for each HTTP method.

use http::Method;
use kerbox_events::cut;

use super::operation::Entry;
use super::{get, post_delete, put};
use crate::HdfsError;
use crate::web::params::no_such_op;
use crate::web::request::Query;

/// The operations by HTTP method.
pub(super) const TABLES: [(Method, &[Entry]); 4] = [
    (Method::GET, get::ENTRIES),
    (Method::PUT, put::ENTRIES),
    (Method::POST, post_delete::POST_ENTRIES),
    (Method::DELETE, post_delete::DELETE_ENTRIES),
];

/// Finds the operation that a request names.
pub(super) fn entry(method: &Method, query: &Query) -> Result<&'static Entry, HdfsError> {
    let table = TABLES.iter().find(|(of, _)| of == method);
    let (_, entries) = table.ok_or_else(|| {
        let method = cut(method.as_str());
        HdfsError::unsupported_operation(format!("{method} is not supported"))
    })?;
    let name = query.get("op").filter(|name| !name.is_empty());
    let Some(name) = name.filter(|name| !name.eq_ignore_ascii_case("NULL")) else {
        // Hadoop's text for PUT has two spaces.
        let space = if *method == Method::PUT { "  " } else { " " };
        return Err(HdfsError::unsupported_operation(format!(
            "op=NULL{space}is not supported"
        )));
    };
    let mut entries = entries.iter();
    entries
        .find(|entry| entry.name.eq_ignore_ascii_case(name))
        .ok_or_else(|| no_such_op(method.as_str(), &cut(name)))
}
