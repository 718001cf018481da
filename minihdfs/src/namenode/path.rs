//! Paths as in ClientProtocol: absolute and separated by `/`.

use std::borrow::Cow;

use crate::HdfsError;

/// Returns the components of an absolute path; empty for the root.
pub(super) fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|component| !component.is_empty())
}

/// Checks a path to be created, like Hadoop's `DFSUtil.isValidName`: absolute, without `.`, `..` or
/// colons, and without two slashes in a row except at the end.
pub(super) fn is_valid(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else {
        return false;
    };
    let rest = rest.trim_end_matches('/');
    rest.is_empty() || rest.split('/').all(is_valid_component)
}

fn is_valid_component(component: &str) -> bool {
    !component.is_empty() && component != "." && component != ".." && !component.contains(':')
}

/// Removes redundant slashes. `.` and `..` are not special here: they are names that no inode has.
pub(super) fn normalized(path: &str) -> Result<Cow<'_, str>, HdfsError> {
    if !path.starts_with('/') {
        return Err(HdfsError::new(
            "java.lang.AssertionError",
            format!("Absolute path required, but got '{path}'"),
        ));
    }
    let is_doubled = |pair: &[u8]| pair == b"//";
    if path == "/" || !(path.ends_with('/') || path.as_bytes().windows(2).any(is_doubled)) {
        return Ok(path.into());
    }
    let mut normal = String::with_capacity(path.len());
    for component in components(path) {
        normal.push('/');
        normal.push_str(component);
    }
    if normal.is_empty() {
        normal.push('/');
    }
    Ok(normal.into())
}

/// Fails if the path cannot be created.
pub(super) fn check_creatable(path: &str) -> Result<(), HdfsError> {
    if !is_valid(path) {
        return Err(HdfsError::invalid_path(format!(
            "Invalid path name Invalid file name: {path}"
        )));
    }
    Ok(())
}

/// The maximum length of a new path, in characters and in components.
const MAX_LENGTH: usize = 8000;
pub(super) const MAX_DEPTH: usize = 1000;

/// Fails if a path is empty, or too long for `operation`.
pub(super) fn check_length(path: &str, operation: &str) -> Result<(), HdfsError> {
    if path.is_empty() {
        return Err(HdfsError::illegal_argument(
            "Can not create a Path from an empty string",
        ));
    }
    // A component takes a byte, and all but the first a slash.
    let may_be_deep = path.len() > MAX_DEPTH;
    if path.len() > MAX_LENGTH || may_be_deep && components(path).count() > MAX_DEPTH {
        return Err(too_long(operation));
    }
    Ok(())
}

/// Creates the error for a path that is too long for `operation`.
pub(super) fn too_long(operation: &str) -> HdfsError {
    HdfsError::io(format!(
        "{operation}: Pathname too long.  Limit {MAX_LENGTH} characters, {MAX_DEPTH} levels."
    ))
}

/// Returns the path of `name` in the directory `parent`.
pub(super) fn join(parent: &str, name: &str) -> String {
    let parent = if parent == "/" { "" } else { parent };
    [parent, "/", name].concat()
}

/// Returns the path of a snapshot (`Snapshot.getSnapshotPath`).
pub(super) fn snapshot_path(directory: &str, name: &str) -> String {
    join(
        directory.trim_end_matches('/'),
        &format!(".snapshot/{name}"),
    )
}

/// Returns the parent directory of `path`; the root is its own parent.
pub(super) fn parent(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &path[..end],
    }
}

/// Returns the last component of `path`; empty for the root.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or("")
}

/// Returns true if `path` is the directory `ancestor` or is below it.
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
        for good in [
            "/",
            "//",
            "/a",
            "/a/",
            "/a//",
            "/a/b c/ä",
            "/.hidden",
            "/a..b",
        ] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "a", "/a//b", "//a", "/.", "/a/..", "/a/../b", "/a:b"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }

    #[test]
    fn superfluous_slashes_go_and_the_rest_stays() {
        for (path, normal) in [
            ("/", "/"),
            ("//", "/"),
            ("/a", "/a"),
            ("//a///b/", "/a/b"),
            ("/a/../b", "/a/../b"),
        ] {
            assert_eq!(normalized(path).expect("absolute"), normal);
        }
        assert!(normalized("").is_err() && normalized("a/b").is_err());
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
