//! A server of Hadoop in a process of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kerbox::ClientEnv;

use crate::support::peers_dir;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A running server, which is killed when this is dropped.
pub(super) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts the server that is this Java class, with a fixture's configuration and these keys.
    /// Its files are in `folder`.
    pub(super) fn start(
        env: &ClientEnv,
        class: &str,
        folder: &Path,
        keys: &[(&str, &str)],
    ) -> Result<Self, Error> {
        Self::run(java(env, class, folder, keys)?, folder)
    }

    /// Starts it as in the release in this folder of peers.
    pub(super) fn start_of(
        release: &str,
        env: &ClientEnv,
        class: &str,
        folder: &Path,
        keys: &[(&str, &str)],
    ) -> Result<Self, Error> {
        Self::run(java_of(release, env, class, folder, keys)?, folder)
    }

    /// Starts it with these words on its command line.
    pub(super) fn start_with(
        env: &ClientEnv,
        class: &str,
        folder: &Path,
        keys: &[(&str, &str)],
        words: &[&str],
    ) -> Result<Self, Error> {
        let mut command = java(env, class, folder, keys)?;
        command.args(words);
        Self::run(command, folder)
    }

    fn run(mut command: Command, folder: &Path) -> Result<Self, Error> {
        let log = folder.join("log");
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        Ok(Self { child, log })
    }

    /// Returns what it has logged.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Adds the log to an error.
    pub(super) fn explain(&self, error: impl Into<Error>) -> Error {
        let log = self.log();
        let from = log.len().saturating_sub(6000);
        let end = log.get(from..).unwrap_or(&log);
        format!("{}\nThe log of the daemon ends with:\n{end}", error.into()).into()
    }

    /// Kills it by SIGKILL.
    pub(super) fn kill(mut self) -> Result<(), Error> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns a command that runs this Java class of Hadoop's servers, with a fixture's configuration
/// and these keys. Its files are in `folder`.
pub(super) fn java(
    env: &ClientEnv,
    class: &str,
    folder: &Path,
    keys: &[(&str, &str)],
) -> Result<Command, Error> {
    java_of("reference", env, class, folder, keys)
}

/// Same as [`java`], with the release in this folder of peers.
fn java_of(
    release: &str,
    env: &ClientEnv,
    class: &str,
    folder: &Path,
    keys: &[(&str, &str)],
) -> Result<Command, Error> {
    let conf = folder.join("conf");
    fs::create_dir_all(&conf)?;
    write_configuration(env, &conf, keys)?;
    let peers = peers_dir();
    let class_path = format!(
        "{}:{}:{}/*",
        conf.display(),
        peers.join("log").display(),
        peers.join(release).display()
    );
    let krb5 = env.get("KRB5_CONFIG");
    let krb5 = krb5.map(|path| format!("-Djava.security.krb5.conf={}", path.display()));
    let mut command = env.command("java");
    command
        .args(["-Xmx256m", "-XX:TieredStopAtLevel=1", "-Dpeers.level=INFO"])
        .args(["-Djava.net.preferIPv4Stack=true", "-cp", &class_path])
        .args(krb5)
        .args(["--add-opens", "java.base/java.lang=ALL-UNNAMED", class])
        .env("LC_ALL", "C")
        .env("HADOOP_USER_NAME", "hdfs");
    Ok(command)
}

/// Writes a fixture's files with more keys.
fn write_configuration(env: &ClientEnv, conf: &Path, keys: &[(&str, &str)]) -> Result<(), Error> {
    let fixture = Path::new(env.get("HADOOP_CONF_DIR").ok_or("no HADOOP_CONF_DIR")?);
    let more = keys.iter().map(|(key, value)| {
        format!("  <property><name>{key}</name><value>{value}</value></property>\n")
    });
    let end = more.collect::<String>() + "</configuration>";
    for name in ["core-site.xml", "hdfs-site.xml"] {
        let text = fs::read_to_string(fixture.join(name))?;
        fs::write(conf.join(name), text.replace("</configuration>", &end))?;
    }
    // Where HTTPS is served.
    let trust = fixture.join("ssl-client.xml");
    if trust.exists() {
        fs::copy(trust, conf.join("ssl-client.xml"))?;
    }
    Ok(())
}
