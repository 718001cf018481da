//! Translates requests of HttpFS into those of WebHDFS, where it reads them otherwise
//! (`HttpFSParametersProvider`, `FSOperations`).
//!
//! - `admission`: the operation and the user of a request
//! - `parameters`: their types, and the texts for wrong values
//! - `checks`: values that only HttpFS passes on, or only HttpFS refuses
//! - `data`: operations that move data, which go to no DataNode
//! - `shown`: values that it shows otherwise
//! - `tokens`: HttpFS's own delegation tokens

mod admission;
mod checks;
mod data;
mod parameters;
mod shown;
pub(super) mod tokens;

pub(in crate::web) use parameters::is_true;

use super::operation::{HOMES, Parts};
use super::thrown::null_pointer;
use crate::web::hadoop_path::HadoopPath;
use crate::web::request::Query;
use crate::{Caller, HdfsError};

/// The operations of WebHDFS that HttpFS does not have.
const UNKNOWN: [&str; 9] = [
    "CREATESYMLINK",
    "GETLINKTARGET",
    "SETQUOTA",
    "SETQUOTABYSTORAGETYPE",
    "ENABLEECPOLICY",
    "DISABLEECPOLICY",
    "GETDELEGATIONTOKEN",
    "RENEWDELEGATIONTOKEN",
    "CANCELDELEGATIONTOKEN",
];

/// The operation that shows figures of Hadoop's process to its administrators.
const INSTRUMENTATION: &str = "INSTRUMENTATION";

/// Returns true if a request asks for the figures.
fn is_instrumentation(query: &Query) -> bool {
    let op = query.all("op").next();
    op.is_some_and(|op| op.eq_ignore_ascii_case(INSTRUMENTATION))
}

/// Refuses the figures: there are no administrators of HttpFS.
fn no_instrumentation(path: &str) -> HdfsError {
    if path != "/" {
        return not_at_root(INSTRUMENTATION, path);
    }
    let class = "java.security.AccessControlException";
    HdfsError::new(class, "User not in HttpFSServer admin group")
}

fn not_at_root(op: &str, path: &str) -> HdfsError {
    HdfsError::unsupported_operation(format!(
        "Operation [{op}], invalid path [{path}], must be /"
    ))
}

/// Returns the absolute path of an operation, and its parameters as WebHDFS has them.
pub(super) fn translate(
    parts: &Parts,
    caller: &Caller,
    op: &str,
    path: &str,
    query: &Query,
) -> Result<(String, Query), HdfsError> {
    let mut query = parameters::read(op, query)?;
    let is_upload = matches!(op, "CREATE" | "APPEND") && !is_true(&query, "data");
    if is_upload || is_true(&query, "noredirect") {
        // The client is told where to go on, and nothing else is looked at.
        return Ok((path.to_owned(), query));
    }
    if op == "GETHOMEDIRECTORY" && path != "/" {
        return Err(not_at_root(op, path));
    }
    let absolute = |text: &str| {
        let mut keys = parts.configuration.iter();
        let file_system = keys.find(|(key, _)| key == "fs.defaultFS");
        let file_system = file_system.map_or("", |(_, value)| value);
        let home = format!("{HOMES}/{}", caller.user.short);
        HadoopPath::parse(text)?.within(file_system, &home)
    };
    match op {
        "RENAME" => {
            let to = query.take("destination").ok_or_else(|| {
                HdfsError::illegal_argument("Can not create a Path from a null string")
            })?;
            query.add("destination", &absolute(&to)?);
        }
        "CONCAT" => {
            let sources = query.take("sources").ok_or_else(|| {
                let what = "Cannot invoke \"String.split(String)\" because \"sources\" is null";
                null_pointer(what)
            })?;
            let sources = sources.trim_end_matches(',');
            let sources: Result<Vec<_>, _> = sources.split(',').map(absolute).collect();
            query.add("sources", &sources?.join(","));
        }
        _ => {}
    }
    let path = absolute(path)?;
    let config = parts.namenode.config();
    checks::check(config, op, &path, caller, &mut query)?;
    Ok((path, query))
}

/// Returns true if HttpFS has an operation of WebHDFS.
pub(super) fn knows(op: &str) -> bool {
    !UNKNOWN.contains(&op)
}

/// Returns the error for an operation that there is not, or not for this method. `names` are those
/// of all methods.
pub(super) fn no_such_op<'a>(
    method: &str,
    op: Option<&str>,
    mut names: impl Iterator<Item = &'a str>,
) -> HdfsError {
    let name = op.unwrap_or_default().to_ascii_uppercase();
    match op {
        None => HdfsError::illegal_argument("Missing Operation parameter [op]"),
        Some("") => HdfsError::illegal_argument("Invalid Operation []"),
        Some(_) if knows(&name) && names.any(|known| known == name) => {
            HdfsError::io(format!("Invalid HTTP {method} operation [{name}]"))
        }
        Some(_) => HdfsError::new(
            "com.sun.jersey.api.ParamException$QueryParamException",
            format!(
                "java.lang.IllegalArgumentException: No enum constant \
                 org.apache.hadoop.fs.http.client.HttpFSFileSystem.Operation.{name}"
            ),
        ),
    }
}

/// Returns the error for a method that there is not, or not for the root.
pub(super) fn no_such_method() -> HdfsError {
    HdfsError::new("javax.ws.rs.WebApplicationException", "")
}
