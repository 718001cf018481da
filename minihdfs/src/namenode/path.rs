//! Paths as ClientProtocol takes them: absolute, separated by `/`.

use crate::HdfsError;

/// The parts of an absolute path between its slashes: none for the root.
pub(super) fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|component| !component.is_empty())
}

/// Hadoop's `DFSUtil.isValidName`: absolute, no `.` or `..`, no colon, no two slashes in a row. One slash may stand at the end.
pub(super) fn is_valid(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else {
        return false;
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    path == "/" || rest.split('/').all(is_valid_component)
}

fn is_valid_component(component: &str) -> bool {
    !component.is_empty() && component != "." && component != ".." && !component.contains(':')
}

/// `path` without the slash at its end; refused if it [is not valid](is_valid).
pub(super) fn validated(path: &str) -> Result<&str, HdfsError> {
    if !is_valid(path) {
        return Err(invalid(path));
    }
    Ok(if path.len() > 1 {
        path.strip_suffix('/').unwrap_or(path)
    } else {
        path
    })
}

pub(super) fn invalid(path: &str) -> HdfsError {
    HdfsError::invalid_path(format!("Invalid path name Invalid file name: {path}"))
}

/// The path of `name` in the directory `parent`.
pub(super) fn join(parent: &str, name: &str) -> String {
    if parent == "/" {
        format!("/{name}")
    } else {
        format!("{parent}/{name}")
    }
}

/// The path of the directory that holds `path`; the root holds itself.
pub(super) fn parent(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &path[..end],
    }
}

/// The last component of `path`; empty for the root.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or("")
}

/// Whether `path` lies below the directory `ancestor`, or is it.
pub(super) fn is_within(path: &str, ancestor: &str) -> bool {
    ancestor == "/"
        || path
            .strip_prefix(ancestor)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_paths_are_absolute_and_plain() {
        for good in ["/", "/a", "/a/", "/a/b c/ä", "/.hidden", "/a..b"] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "a", "//", "/a//b", "/a//", "/.", "/a/..", "/a/../b", "/a:b"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }

    #[test]
    fn a_path_knows_its_parent_and_name() {
        assert_eq!((parent("/a/b"), name("/a/b")), ("/a", "b"));
        assert_eq!((parent("/a"), name("/a")), ("/", "a"));
        assert_eq!((parent("/"), name("/")), ("/", ""));
        assert!(is_within("/a/b", "/a") && is_within("/a", "/a") && is_within("/a", "/"));
        assert!(!is_within("/ab", "/a"));
    }
}
