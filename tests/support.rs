//! Detects the installed real clients, and runs them.

use std::ffi::OsStr;
use std::fmt;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use kerbox_testing::on_path;
use libtest_mimic::{Failed, Trial};

use crate::clients::jdk::Jdk;

pub(crate) use kerbox_testing::{kerbox as kerbox_program, peers_dir};

/// A test's result: any error fails it.
pub(crate) type TestResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Text that a test inspects.
pub(crate) type Text = Result<String, Box<dyn std::error::Error + Send + Sync>>;

/// A real client, or a family of clients, that may be installed or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Peer {
    /// `kinit`, `klist`, `kvno`, `kpasswd` of MIT Kerberos.
    Mit,
    /// The same tools of Heimdal.
    Heimdal,
    /// `krb5kdc` and `kadmin.local` of MIT Kerberos.
    MitKdc,
    /// libgssapi_krb5, which hdfs-native loads.
    LibGssapi,
    /// Heimdal's libgssapi.
    LibHeimdal,
    /// Python 3, for probes that call C libraries.
    Python,
    /// A Java development kit.
    Java,
    /// JDK 17.
    Jdk17,
    /// A JDK newer than 17.
    NewestJdk,
    /// The Python packages `gssapi` and `krb5`.
    PythonKerberos,
    /// The Python packages `hdfs`, `fsspec`, `pywebhdfs`, `requests-gssapi` and `opendal`, and the
    /// tests of the first.
    PythonWebHdfs,
    /// The npm package `webhdfs`.
    NodeWebHdfs,
    /// Hadoop's Java client.
    JavaHadoop,
    /// Hadoop's DistCp.
    DistCp,
    /// The Java client of Hadoop 2.10.
    JavaHadoop2,
    /// Hadoop's client of HttpFS.
    HttpFs,
    /// Hadoop's NameNode and DataNodes in one JVM (`.ci/peers/reference.sh`).
    Reference,
    /// The same of the next release.
    Reference35,
    /// The same of releases whose folders are upgraded.
    HadoopOld,
    /// colinmarc/hdfs, the newest release.
    GoHdfs,
    /// The gokrb5 probe.
    GoKrb5,
    /// Kerbox's own program, if cargo has built it for the same profile.
    KerboxProgram,
    /// Go's compiler.
    Go,
    /// A C++ compiler.
    Cxx,
    /// `curl`.
    Curl,
    /// A headless Chromium.
    Chromium,
    /// Spark, and the cluster manager and jobs of `.ci/peers/spark`.
    Spark,
    /// The right to mount a disk that only some processes see, which root has.
    PrivateMounts,
    /// An optimised build of Kerbox itself, for tests that move gigabytes.
    ReleaseBuild,
    /// Time for tests that take many minutes.
    LongRun,
}

impl Peer {
    /// Returns whether it is installed.
    fn is_installed(self) -> bool {
        match self {
            Self::Mit => ["kinit", "klist", "kvno"]
                .into_iter()
                .all(|name| on_path(name).is_some()),
            Self::MitKdc => ["krb5kdc", "kadmin.local", "kdb5_util"]
                .into_iter()
                .all(|name| on_path(name).is_some() || Path::new("/usr/sbin").join(name).is_file()),
            Self::Heimdal => heimdal("kinit.heimdal").exists(),
            Self::LibGssapi => library_exists("libgssapi_krb5.so.2"),
            Self::LibHeimdal => library_exists("libgssapi.so.3"),
            Self::Python => on_path("python3").is_some(),
            Self::Java => on_path("java").is_some(),
            Self::Jdk17 => Jdk::V17.java().is_some(),
            Self::NewestJdk => Jdk::Newest.java().is_some(),
            Self::PythonKerberos => python_packages().is_some_and(|packages| {
                packages.join("krb5").exists() && packages.join("gssapi").exists()
            }),
            Self::PythonWebHdfs => python_packages().is_some_and(|packages| {
                ["hdfs", "fsspec", "pywebhdfs", "requests_gssapi", "opendal"]
                    .iter()
                    .all(|name| packages.join(name).exists())
            }),
            Self::NodeWebHdfs => {
                on_path("node").is_some() && peers_have(&["node/node_modules/webhdfs"])
            }
            Self::JavaHadoop2 => java_with(&["hadoop-2.10/hadoop-common-2.10.2.jar"]),
            Self::HttpFs => {
                Self::JavaHadoop.is_installed()
                    && peers_have(&["httpfs/hadoop-hdfs-httpfs-3.4.2.jar"])
            }
            Self::JavaHadoop => java_with(&["hadoop-client/hadoop-client-api-3.4.3.jar"]),
            Self::DistCp => {
                Self::JavaHadoop.is_installed()
                    && peers_have(&["hadoop-client/hadoop-distcp-3.4.3.jar"])
            }
            Self::Reference => java_with(&["reference/MiniReference.class"]),
            Self::Reference35 => java_with(&["reference-3.5/hadoop-hdfs-3.5.0.jar"]),
            Self::HadoopOld => java_with(&[
                "hadoop-old/2.10/hadoop-hdfs-2.10.2.jar",
                "hadoop-old/3.3/hadoop-hdfs-3.3.6.jar",
            ]),
            Self::GoHdfs => peers_have(&["bin/hdfs-go", "bin/hdfs-go-snapshots"]),
            Self::GoKrb5 => peers_have(&["bin/krb-go"]),
            Self::KerboxProgram => kerbox_program().is_file(),
            Self::Go => on_path("go").is_some(),
            Self::Cxx => on_path("c++").is_some(),
            Self::Curl => on_path("curl").is_some(),
            Self::Chromium => chromium().is_some(),
            Self::Spark => Self::Jdk17.is_installed() && peers_have(&["spark/TokenCluster.class"]),
            Self::PrivateMounts => mounts_privately() && on_path("nsenter").is_some(),
            Self::ReleaseBuild => !cfg!(debug_assertions),
            Self::LongRun => std::env::var_os("KERBOX_LONG").is_some_and(|value| value == "1"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Mit => "MIT kinit",
            Self::MitKdc => "MIT krb5kdc",
            Self::Heimdal => "Heimdal kinit",
            Self::LibGssapi => "libgssapi_krb5",
            Self::LibHeimdal => "Heimdal's libgssapi",
            Self::Python => "python3",
            Self::Java => "java",
            Self::Jdk17 => "JDK 17",
            Self::NewestJdk => "JDK newer than 17",
            Self::PythonKerberos => "python gssapi and krb5",
            Self::PythonWebHdfs => "python hdfs, fsspec, pywebhdfs, requests-gssapi and opendal",
            Self::NodeWebHdfs => "npm webhdfs",
            Self::JavaHadoop2 => "hadoop-client 2.10.2",
            Self::HttpFs => "hadoop-hdfs-httpfs 3.4.2",
            Self::JavaHadoop => "hadoop-client 3.4.3",
            Self::DistCp => "hadoop-distcp 3.4.3",
            Self::Reference => "hadoop's MiniDFSCluster 3.4.3",
            Self::Reference35 => "hadoop's MiniDFSCluster 3.5.0",
            Self::HadoopOld => "hadoop's MiniDFSCluster 2.10.2 and 3.3.6",
            Self::GoHdfs => "hdfs-go",
            Self::GoKrb5 => "krb-go",
            Self::KerboxProgram => "kerbox (cargo build -p kerbox-sandbox)",
            Self::Go => "go",
            Self::Cxx => "c++",
            Self::Curl => "curl",
            Self::Chromium => "chromium",
            Self::Spark => "spark 3.5",
            Self::PrivateMounts => "the right to mount (as root, with unshare and nsenter)",
            Self::ReleaseBuild => "--release",
            Self::LongRun => "KERBOX_LONG=1",
        }
    }

    /// Returns whether `KERBOX_PEERS=required` applies: a build profile and a long run are choices,
    /// not clients.
    fn can_be_required(self) -> bool {
        !matches!(self, Self::ReleaseBuild | Self::LongRun)
    }
}

/// Lists the tests of a module: `trials! { [peers] => test, test; ... }` defines its `trials()`.
macro_rules! trials {
    ($($peers:expr => $($test:ident),+;)*) => {
        pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
            vec![$($($crate::support::trial(module_path!(), stringify!($test), &$peers, $test)),+),*]
        }
    };
}
pub(crate) use trials;

/// Makes a test that is ignored if a client that it needs is missing.
pub(crate) fn trial(module: &str, name: &str, needs: &[Peer], run: fn() -> TestResult) -> Trial {
    let module = module.rsplit("::").next().unwrap_or(module);
    let missing: Vec<Peer> = needs
        .iter()
        .copied()
        .filter(|peer| !peer.is_installed())
        .collect();
    let name = format!("{module}::{name}");
    let required = std::env::var("KERBOX_PEERS").is_ok_and(|value| value == "required");
    if missing.is_empty() {
        return Trial::test(name, move || {
            run().map_err(|error| Failed::from(format!("{error}\n{error:?}")))
        });
    }
    // A trial that this build or run leaves out needs no client either.
    let fails = required && missing.iter().all(|peer| peer.can_be_required());
    let names = missing
        .iter()
        .map(|peer| peer.name())
        .collect::<Vec<_>>()
        .join(", ");
    let message = format!("{names} is not installed: see .ci/peers/install.sh");
    Trial::test(name, move || Err(Failed::from(message)))
        .with_kind(format!("needs {names}"))
        .with_ignored_flag(!fails)
}

/// The browser: Debian's small build without windows, or a whole one.
pub(crate) fn chromium() -> Option<PathBuf> {
    ["chromium-headless-shell", "chromium", "google-chrome"]
        .into_iter()
        .find_map(on_path)
}

/// The interpreter of the virtual environment with the Python peers.
pub(crate) fn python() -> PathBuf {
    peers_dir().join("venv/bin/python")
}

/// The folder of that environment's packages.
fn python_packages() -> Option<PathBuf> {
    let versions = std::fs::read_dir(peers_dir().join("venv/lib")).ok()?;
    let version = versions
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with("python3"))?;
    Some(version.path().join("site-packages"))
}

/// The path of a Heimdal program, by its file name.
pub(crate) fn heimdal(program: &str) -> PathBuf {
    peers_dir().join("heimdal/usr/bin").join(program)
}

/// The folder of the Java client's jars.
pub(crate) fn hadoop_jars() -> PathBuf {
    peers_dir().join("hadoop-client")
}

/// The path of a source file in `tests/peers/`.
pub(crate) fn peer_source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("peers")
        .join(name)
}

/// Returns whether all of these files are in [`peers_dir`].
fn peers_have(files: &[&str]) -> bool {
    files.iter().all(|file| peers_dir().join(file).exists())
}

/// Returns whether there is a Java, and all of these files for it.
fn java_with(files: &[&str]) -> bool {
    Peer::Java.is_installed() && peers_have(files)
}

fn mounts_privately() -> bool {
    Command::new("unshare")
        .args(["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn library_exists(name: &str) -> bool {
    let roots = [
        "/usr/lib",
        "/lib",
        "/usr/lib64",
        "/usr/local/lib",
        "/opt/homebrew/lib",
    ]
    .map(Path::new);
    roots.iter().any(|root| {
        let below = std::fs::read_dir(root)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        std::iter::once(root.to_path_buf())
            .chain(below)
            .any(|directory| directory.join(name).exists())
    })
}

/// A finished command: its status and output.
pub(crate) struct Ran {
    command: String,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Returns its standard output; fails if the command failed.
    pub(crate) fn ok(self) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        if self.status.success() {
            Ok(self.stdout)
        } else {
            Err(self.to_string().into())
        }
    }

    /// Returns its standard error; fails if the command succeeded.
    pub(crate) fn refused(self) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
        if self.status.success() {
            Err(format!("it should have been refused: {self}").into())
        } else {
            Ok(self.stderr)
        }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ended with {}\n--- stdout\n{}--- stderr\n{}",
            self.command, self.status, self.stdout, self.stderr
        )
    }
}

/// Returns the time limit for any client: enough for the slowest JVM start on a busy machine.
/// `KERBOX_LIMIT` sets another one, in seconds, for trials with much to do.
fn limit() -> Duration {
    let seconds = std::env::var("KERBOX_LIMIT").ok();
    let seconds = seconds.and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(120))
}

/// Runs a command to its end, with `input` on its standard input. After two minutes, or what
/// `KERBOX_LIMIT` says, kills the command and the processes that it started.
pub(crate) fn run(
    command: &mut Command,
    input: &str,
) -> Result<Ran, Box<dyn std::error::Error + Send + Sync>> {
    run_within(limit(), command, input)
}

/// Runs a command that has much to do: it has five minutes, or what `KERBOX_LIMIT` says.
pub(crate) fn run_long(
    command: &mut Command,
) -> Result<Ran, Box<dyn std::error::Error + Send + Sync>> {
    run_within(limit().max(Duration::from_secs(300)), command, "")
}

fn run_within(
    limit: Duration,
    command: &mut Command,
    input: &str,
) -> Result<Ran, Box<dyn std::error::Error + Send + Sync>> {
    let shown = format!("{command:?}");
    let mut child = command
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Kill the whole process group, since a surviving child would keep the pipes open.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("{shown}: {error}"))?;
    let pid = child.id().to_string();
    let (ended, end) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        if end.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
            // If the command ended at this very moment, there is nothing to kill.
            let group = format!("-{pid}");
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        }
    });
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    let input = input.to_owned();
    // The write fails if a command does not read its input and closes it early.
    let writer = thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output()?;
    drop(ended);
    watchdog.join().map_err(|_| "the watchdog panicked")?;
    writer.join().map_err(|_| "the writer panicked")?;
    Ok(Ran {
        command: shown,
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Builds a command with arguments, in an environment.
pub(crate) fn command(
    env: &kerbox::ClientEnv,
    program: impl AsRef<OsStr>,
    arguments: &[&str],
) -> Command {
    let mut command = env.command(program);
    command.args(arguments);
    command
}

/// Runs a program in a realm's environment.
pub(crate) fn on(
    realm: &kerbox::Realm,
    program: &str,
    arguments: &[&str],
    input: &str,
) -> Result<Ran, Box<dyn std::error::Error + Send + Sync>> {
    run(&mut command(&realm.env(), program, arguments), input)
}

/// Runs a client's future on a runtime of its own.
pub(crate) fn block_on(future: impl Future<Output = TestResult>) -> TestResult {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future)
}
