//! Paths through symbolic links, which clients resolve (`UnresolvedPathException`).

use crate::HdfsError;
use crate::namenode::path;

/// Returns the error for a path whose component `index` (0: the root) is a link with this target.
/// Its message is the path beyond the link, which `getLinkTarget` returns too.
pub(crate) fn unresolved(src: &str, index: usize, target: &str) -> HdfsError {
    let components: Vec<&str> = path::components(src).collect();
    let (preceding, rest) = components.split_at(index.saturating_sub(1).min(components.len()));
    let remainder = rest.get(1..).unwrap_or_default().join("/");
    HdfsError::unresolved_path(resolved(&preceding.join("/"), target, &remainder))
}

/// Returns the path beyond a link, like `UnresolvedPathException.getResolvedPath`. A target without
/// a slash at its start begins where the link is.
fn resolved(preceding: &str, target: &str, remainder: &str) -> String {
    let (authority, path) = match target.find("://") {
        Some(colon) => {
            let start = target[colon + 3..].find('/').map(|slash| colon + 3 + slash);
            target.split_at(start.unwrap_or(target.len()))
        }
        None => ("", target),
    };
    let from = if path.starts_with('/') || !authority.is_empty() {
        ""
    } else {
        preceding
    };
    let mut components: Vec<&str> = Vec::new();
    for component in [from, path, remainder]
        .iter()
        .flat_map(|part| part.split('/'))
    {
        match component {
            "" | "." => {}
            ".." if components.last().is_some_and(|last| *last != "..") => {
                components.pop();
            }
            other => components.push(other),
        }
    }
    format!("{authority}/{}", components.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_followed_from_where_the_link_is() {
        for (src, index, target, beyond) in [
            ("/a/l", 2, "/b", "/b"),
            ("/a/l/x/y", 2, "/b", "/b/x/y"),
            ("/a/l/x", 2, "b/c", "/a/b/c/x"),
            ("/a/l/x", 2, "../b/./c", "/b/c/x"),
            ("/l", 1, "b", "/b"),
            ("/l/x", 1, "hdfs://host:1/b", "hdfs://host:1/b/x"),
            ("/l", 1, "hdfs://host", "hdfs://host/"),
            ("/l", 1, "../b", "/../b"),
        ] {
            assert_eq!(unresolved(src, index, target).message(), beyond, "{src}");
        }
    }
}
