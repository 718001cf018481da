//! The environment in which clients find a fixture: data first, the process's own environment only
//! when asked.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};

/// Variables that lead clients to a fixture, as data.
///
/// | variable | read by |
/// |---|---|
/// | `KRB5_CONFIG` | MIT, Heimdal, Go |
/// | `KRB5CCNAME` | all Kerberos clients |
/// | `HADOOP_CONF_DIR` | all HDFS clients |
/// | `HADOOP_OPTS` | Hadoop's scripts; names krb5.conf to the JVM, which ignores `KRB5_CONFIG`. In a directory with white space in its name, `JAVA_TOOL_OPTIONS` instead |
/// | `KERBOX_DIR`, `KEYTABS`, `NAMENODE` | test lines that run against any fixture |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientEnv(BTreeMap<String, OsString>);

impl ClientEnv {
    /// With one variable more, or changed.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.insert(name.to_owned(), value.as_ref().to_owned());
        self
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.get(name).map(OsString::as_os_str)
    }

    /// Names and values, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// A command that runs in this environment, on top of the process's own.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.envs(self.iter());
        command
    }

    /// Lines for a POSIX shell: `export NAME='value'`.
    #[must_use]
    pub fn to_shell(&self) -> String {
        self.iter()
            .map(|(name, value)| {
                format!(
                    "export {name}='{}'\n",
                    value.to_string_lossy().replace('\'', r"'\''")
                )
            })
            .collect()
    }

    /// Puts the variables into this process's environment and leaves them there.
    pub(crate) fn set_for_good(&self) {
        // Without variables the guard is but the lock.
        let _lock = Self::default().enter();
        for (name, value) in self.iter() {
            set(name, Some(value));
        }
    }

    /// Puts the variables into this process's environment until the guard is dropped, for clients
    /// that live in the process and know no other way, such as libgssapi.
    ///
    /// The environment is one per process: while one thread's guard lives, other threads that call
    /// this wait. Prefer [`command`](Self::command), and
    /// [`shared_krb5_conf`](crate::shared_krb5_conf) for clients that take a cache by name.
    pub fn enter(&self) -> EnvGuard {
        EnvGuard::enter(self)
    }
}

/// Restores the process's environment when dropped.
#[must_use = "the environment is restored as soon as this guard is dropped: bind it to a name, `let _env = ...`"]
#[derive(Debug)]
pub struct EnvGuard {
    before: Vec<(String, Option<OsString>)>,
}

/// Who is inside, and how many guards deep.
static INSIDE: Mutex<Option<(ThreadId, usize)>> = Mutex::new(None);
static LEFT: Condvar = Condvar::new();

impl EnvGuard {
    fn enter(env: &ClientEnv) -> Self {
        let me = thread::current().id();
        let mut inside = INSIDE.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &mut *inside {
                None => *inside = Some((me, 1)),
                Some((owner, depth)) if *owner == me => *depth += 1,
                Some(_) => {
                    inside = LEFT.wait(inside).unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
            }
            break;
        }
        drop(inside);
        let before = env
            .iter()
            .map(|(name, _)| (name.to_owned(), std::env::var_os(name)))
            .collect();
        for (name, value) in env.iter() {
            set(name, Some(value));
        }
        Self { before }
    }
}

impl Drop for EnvGuard {
    fn drop(&mut self) {
        for (name, value) in &self.before {
            set(name, value.as_deref());
        }
        let mut inside = INSIDE.lock().unwrap_or_else(PoisonError::into_inner);
        *inside = inside
            .take()
            .and_then(|(owner, depth)| (depth > 1).then(|| (owner, depth - 1)));
        LEFT.notify_all();
    }
}

/// The one place that changes the process's environment.
#[expect(
    unsafe_code,
    clippy::disallowed_methods,
    reason = "what `enter` exists for; see the safety comment"
)]
fn set(name: &str, value: Option<&OsStr>) {
    // SAFETY: Rust's own accesses to the environment are locked, and ours are serialized by INSIDE.
    // A C library that reads the environment in another thread at this very moment is what the
    // documentation of `enter` warns of.
    unsafe {
        match value {
            Some(value) => std::env::set_var(name, value),
            None => std::env::remove_var(name),
        }
    }
}

/// The option that leads a JVM to a fixture's realm, for `HADOOP_OPTS`, which Hadoop's scripts split
/// at every white space and quote in no way. `None` if the directory's name has such: then
/// `JAVA_TOOL_OPTIONS` alone can name it.
#[must_use]
pub fn hadoop_option(directory: &Path) -> Option<String> {
    let option = krb5_option(directory);
    (!option.contains(char::is_whitespace)).then_some(option)
}

/// The same for `JAVA_TOOL_OPTIONS`, which the JVM splits at white space outside of quotes.
#[must_use]
pub fn java_option(directory: &Path) -> String {
    let option = krb5_option(directory);
    if !option.contains(|c: char| c.is_whitespace() || "'\"".contains(c)) {
        return option;
    }
    // There is no escape: a double quote stands between single ones, all else between double ones.
    let parts = option.split('"').map(|part| format!("\"{part}\""));
    parts.collect::<Vec<_>>().join("'\"'")
}

fn krb5_option(directory: &Path) -> String {
    let conf = directory.join("krb5.conf");
    format!("-Djava.security.krb5.conf={}", conf.display())
}

/// The environment of a fixture's files; what only some have is added by [`ClientEnv::with`].
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
    fn a_guard_restores_what_was_and_nests_in_its_own_thread() {
        let outer = ClientEnv::default().with("KERBOX_TEST_A", "1");
        let inner = outer
            .clone()
            .with("KERBOX_TEST_A", "2")
            .with("KERBOX_TEST_B", "3");
        let value = |name: &str| std::env::var(name).ok();
        {
            let _outer = outer.enter();
            {
                let _inner = inner.enter();
                assert_eq!(
                    (
                        value("KERBOX_TEST_A").as_deref(),
                        value("KERBOX_TEST_B").as_deref()
                    ),
                    (Some("2"), Some("3"))
                );
            }
            assert_eq!(
                (
                    value("KERBOX_TEST_A").as_deref(),
                    value("KERBOX_TEST_B").as_deref()
                ),
                (Some("1"), None)
            );
        }
        assert_eq!(value("KERBOX_TEST_A"), None);
    }

    #[test]
    fn another_thread_waits_until_the_guard_is_gone() {
        let guard = ClientEnv::default().with("KERBOX_TEST_C", "here").enter();
        let other = thread::spawn(|| {
            let _guard = ClientEnv::default().with("KERBOX_TEST_D", "x").enter();
            std::env::var("KERBOX_TEST_C").ok()
        });
        drop(guard);
        assert_eq!(other.join().expect("no panic"), None);
    }

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
        let env = ClientEnv::default().with("A", "it's");
        assert_eq!(env.to_shell(), "export A='it'\\''s'\n");
    }
}
