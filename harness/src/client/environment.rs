//! The environment in which clients find a fixture. It is plain data; the process's own environment
//! changes only on request.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

/// Environment variables that point clients to a fixture, as plain data.
///
/// | variable | read by |
/// |---|---|
/// | `KRB5_CONFIG` | MIT, Heimdal, Go |
/// | `KRB5CCNAME` | all Kerberos clients |
/// | `HADOOP_CONF_DIR` | all HDFS clients |
/// | `HADOOP_OPTS` | Hadoop's scripts; names krb5.conf to the JVM, which ignores `KRB5_CONFIG`. If
/// the directory's name contains white space, `JAVA_TOOL_OPTIONS` is used instead |
/// | `KERBOX_DIR`, `KEYTABS`, `NAMENODE` | test scripts that run against any fixture |
///
/// ```
/// let cluster = kerbox::Cluster::simple().start_blocking()?;
/// let env = cluster.env_of("alice").with("LC_ALL", "C");
/// let said = env.command("sh").args(["-c", "echo $HADOOP_USER_NAME at $NAMENODE"]).output();
/// # if let Ok(said) = said {
/// assert_eq!(said.stdout, format!("alice at {}\n", cluster.url()).as_bytes());
/// # }
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientEnv(BTreeMap<String, OsString>);

impl ClientEnv {
    /// Adds or replaces a variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.insert(name.to_owned(), value.as_ref().to_owned());
        self
    }

    /// Returns the value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str)
    }

    /// Iterates over names and values, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Returns a command that runs with these variables added to the process's own environment.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.envs(self.iter());
        command
    }

    /// Returns lines for a POSIX shell: `export NAME=value`, with the value in quotes if it needs
    /// them.
    #[must_use]
    pub fn to_shell(&self) -> String {
        self.iter()
            .map(|(name, value)| {
                let value = shell_word(&value.to_string_lossy());
                format!("export {name}={value}\n")
            })
            .collect()
    }
}

/// Quotes a text as one word for POSIX shells, if it needs quotes. No variable and no path can hold
/// a NUL, which no shell can quote; it becomes U+FFFD.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let text = text.replace('\0', "\u{fffd}");
    let word = shlex::try_quote(&text).expect("only a NUL cannot be quoted");
    word.into_owned()
}

/// Returns the JVM option that selects a fixture's realm, for `HADOOP_OPTS`. Hadoop's scripts split
/// that variable at white space and offer no quoting, so the result is `None` if the directory's
/// name contains any; then only `JAVA_TOOL_OPTIONS` works.
#[must_use]
pub fn hadoop_option(directory: &Path) -> Option<String> {
    let option = krb5_option(directory);
    (!option.contains(char::is_whitespace)).then_some(option)
}

/// Returns the same option for `JAVA_TOOL_OPTIONS`, which the JVM splits at white space outside of
/// quotes.
#[must_use]
pub fn java_option(directory: &Path) -> String {
    let option = krb5_option(directory);
    if !option.contains(|c: char| c.is_whitespace() || "'\"".contains(c)) {
        return option;
    }
    // The JVM knows no escape character: put double quotes in single quotes and everything else in
    // double quotes.
    let parts = option.split('"').map(|part| format!("\"{part}\""));
    parts.collect::<Vec<_>>().join("'\"'")
}

fn krb5_option(directory: &Path) -> String {
    let conf = directory.join("krb5.conf");
    format!("-Djava.security.krb5.conf={}", conf.display())
}

/// Returns the environment for a fixture's files. Variables that only some fixtures have are added
/// with [`ClientEnv::with`].
pub(crate) fn of_directory(directory: &Path) -> ClientEnv {
    let mut ccache = OsString::from("FILE:");
    ccache.push(directory.join("ccache").join("krb5cc"));
    let env = ClientEnv::default()
        .with("KERBOX_DIR", directory)
        .with("KRB5_CONFIG", directory.join("krb5.conf"))
        .with("KRB5CCNAME", ccache)
        .with("KEYTABS", directory.join("keytabs"));
    match hadoop_option(directory) {
        Some(option) => env.with("HADOOP_OPTS", option),
        None => env.with("JAVA_TOOL_OPTIONS", java_option(directory)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_options_quote_as_the_jvm_reads_them() {
        let option = |path: &str| java_option(Path::new(path));
        assert_eq!(option("/a"), "-Djava.security.krb5.conf=/a/krb5.conf");
        assert_eq!(
            option("/it's here"),
            "\"-Djava.security.krb5.conf=/it's here/krb5.conf\""
        );
        assert_eq!(
            option("/a\"b"),
            "\"-Djava.security.krb5.conf=/a\"'\"'\"b/krb5.conf\""
        );
        assert_eq!(hadoop_option(Path::new("/a b")), None);
        assert!(hadoop_option(Path::new("/a'b")).is_some());
    }

    #[test]
    fn shell_lines_quote() {
        let env = ClientEnv::default()
            .with("A", "it's")
            .with("B", "FILE:/b")
            .with("C", "c\0");
        assert_eq!(
            env.to_shell(),
            "export A=\"it's\"\nexport B=FILE:/b\nexport C='c\u{fffd}'\n"
        );
    }
}
