//! Translates requests of HttpFS into those of WebHDFS, where it reads them otherwise
//! (`HttpFSParametersProvider`, `FSOperations`).

use super::operation::{HOMES, Parts};
use crate::web::hadoop_path::HadoopPath;
use crate::web::request::Query;
use crate::{Caller, HdfsError};

/// The permission of new files, where WebHDFS has 644.
const FILE: &str = "755";

/// Returns the absolute path of an operation, and changes its parameters into those of WebHDFS.
pub(super) fn translate(
    parts: &Parts,
    caller: &Caller,
    op: &str,
    path: &str,
    query: &mut Query,
) -> Result<String, HdfsError> {
    let absolute = |text: &str| {
        let mut keys = parts.configuration.iter();
        let file_system = keys.find(|(key, _)| key == "fs.defaultFS");
        let file_system = file_system.map_or("", |(_, value)| value);
        let home = format!("{HOMES}/{}", caller.user.short);
        HadoopPath::parse(text)?.within(file_system, &home)
    };
    match op {
        "GETHOMEDIRECTORY" if path != "/" => {
            return Err(HdfsError::unsupported_operation(format!(
                "Operation [{op}], invalid path [{path}], must be /"
            )));
        }
        "RENAME" => {
            let to = query.take("destination").unwrap_or_default();
            let to = Some(to.trim()).filter(|to| !to.is_empty()).ok_or_else(|| {
                HdfsError::illegal_argument("Can not create a Path from a null string")
            })?;
            // There is only the old rename.
            query.take("renameoptions");
            query.add("destination", &absolute(to)?);
        }
        "CONCAT" => {
            let sources = query.take("sources").unwrap_or_default();
            let sources = sources.trim().trim_end_matches(',');
            if !sources.is_empty() {
                let sources: Result<Vec<_>, _> = sources.split(',').map(absolute).collect();
                query.add("sources", &sources?.join(","));
            }
        }
        "CREATE" => {
            for (name, value) in [("overwrite", "true"), ("permission", FILE)] {
                if query.get(name).is_none_or(str::is_empty) {
                    query.take(name);
                    query.add(name, value);
                }
            }
        }
        _ => {}
    }
    absolute(path)
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
        Some(_) if names.any(|known| known == name) => {
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
