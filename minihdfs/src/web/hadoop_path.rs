//! Paths as Hadoop's clients read them: whole URLs, relative paths, and such with `.` and `..`
//! (`Path`, `FileSystem.checkPath`).

use std::fmt;

use crate::HdfsError;

/// A path, and the file system that it names.
pub(super) struct HadoopPath<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: String,
}

impl<'a> HadoopPath<'a> {
    /// Reads a path.
    pub(super) fn parse(text: &'a str) -> Result<Self, HdfsError> {
        if text.is_empty() {
            return Err(HdfsError::illegal_argument(
                "Can not create a Path from an empty string",
            ));
        }
        let (scheme, rest) = match text.split_once(':') {
            Some((scheme, rest)) if !scheme.contains('/') => (Some(scheme), rest),
            _ => (None, text),
        };
        let (authority, path) = match rest.strip_prefix("//").filter(|rest| !rest.is_empty()) {
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                (Some(&rest[..end]).filter(|it| !it.is_empty()), &rest[end..])
            }
            None => (None, rest),
        };
        if scheme.is_some() && !path.is_empty() && !path.starts_with('/') {
            return Err(HdfsError::illegal_argument(format!(
                "java.net.URISyntaxException: Relative path in absolute URI: {text}"
            )));
        }
        Ok(Self {
            scheme,
            authority,
            path: normalized(path),
        })
    }

    /// Returns the absolute path in the file system of this URL, whose working directory is given.
    pub(super) fn within(
        mut self,
        file_system: &str,
        directory: &str,
    ) -> Result<String, HdfsError> {
        let (scheme, authority) = file_system.split_once("://").unwrap_or(("", file_system));
        let is_own = self.scheme.is_none_or(|own| {
            let is_same = self
                .authority
                .is_none_or(|own| is_same_server(own, authority));
            own.eq_ignore_ascii_case(scheme) && is_same
        });
        if !is_own {
            return Err(HdfsError::illegal_argument(format!(
                "Wrong FS: {self}, expected: {file_system}"
            )));
        }
        if self.scheme.is_none() && !self.path.starts_with('/') {
            self.path = normalized(&format!("{directory}/{}", self.path));
        }
        if !is_valid(&self.path) {
            return Err(HdfsError::illegal_argument(format!(
                "Pathname {} from {self} is not a valid DFS filename.",
                self.path
            )));
        }
        Ok(self.path)
    }
}

impl fmt::Display for HadoopPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = self.scheme {
            write!(f, "{scheme}:")?;
        }
        if let Some(authority) = self.authority {
            write!(f, "//{authority}")?;
        }
        f.write_str(&self.path)
    }
}

/// Returns true if two texts `host:port` are the same server. All fixtures are on this machine.
fn is_same_server(one: &str, other: &str) -> bool {
    let local = |text: &str| {
        text.to_ascii_lowercase()
            .replace("127.0.0.1:", "localhost:")
    };
    local(one) == local(other)
}

/// Removes empty components, `.`, and each `..` with what it goes back from.
fn normalized(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            component => kept.push(component),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", kept.join("/"))
}

/// Returns true for a path that a NameNode takes (`DFSUtil.isValidName`).
fn is_valid(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(|rest| {
        let mut components = rest.split('/');
        components.all(|name| name != ".." && !name.contains(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn absolute(text: &str) -> Result<String, String> {
        let path = HadoopPath::parse(text);
        let path = path.and_then(|path| path.within("hdfs://127.0.0.1:8020", "/user/alice"));
        path.map_err(|error| error.message().to_owned())
    }

    #[test]
    fn urls_and_relative_paths_become_absolute() {
        for (text, path) in [
            ("/p/a", "/p/a"),
            ("/p//a/", "/p/a"),
            ("/p/./d/../a", "/p/a"),
            ("/", "/"),
            ("a c", "/user/alice/a c"),
            (" /a", "/user/alice/ /a"),
            ("..", "/user"),
            ("hdfs://127.0.0.1:8020/p/a", "/p/a"),
            ("HDFS://localhost:8020/p/a", "/p/a"),
            ("hdfs:/p/a", "/p/a"),
        ] {
            assert_eq!(absolute(text).as_deref(), Ok(path), "{text}");
        }
    }

    #[test]
    fn other_file_systems_and_names_are_refused() {
        for (text, why) in [
            ("", "Can not create a Path from an empty string"),
            (
                "hdfs://other:1/p",
                "Wrong FS: hdfs://other:1/p, expected: hdfs://127.0.0.1:8020",
            ),
            (
                "file:///p/a",
                "Wrong FS: file:/p/a, expected: hdfs://127.0.0.1:8020",
            ),
            (
                "a:b",
                "java.net.URISyntaxException: Relative path in absolute URI: a:b",
            ),
            (
                "/p/a:b",
                "Pathname /p/a:b from /p/a:b is not a valid DFS filename.",
            ),
            (
                "/../a",
                "Pathname /../a from /../a is not a valid DFS filename.",
            ),
        ] {
            assert_eq!(absolute(text), Err(why.to_owned()));
        }
    }
}
