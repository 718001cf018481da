//! `kerbox kdc`, `kerbox namenode` and `kerbox datanode`: three processes of one kerbox.toml.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::process::Kerbox;
use super::under_hadoop::shell;
use crate::mit_kdc::Mit;
use crate::support::{Peer, TestResult, kerbox_program, run, trials};

trials! {
    [Peer::KerboxProgram, Peer::JavaHadoop] =>
        three_processes_survive_kills,
        processes_live_by_the_clock_of_the_kdc;
    [Peer::KerboxProgram, Peer::JavaHadoop, Peer::MitKdc] =>
        a_namenode_takes_the_keytabs_of_mits_kdc;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A folder with a kerbox.toml, in which the processes run.
struct Place {
    folder: tempfile::TempDir,
}

/// The three processes.
struct Three {
    kdc: Kerbox,
    namenode: Kerbox,
    datanode: Kerbox,
}

/// Returns a port that is free now, and stays so between a stop and a start: the system gives none
/// below 32,768 to those who want any port.
fn free_port() -> Result<u16, Error> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id();
    for _ in 0..10_000 {
        let number = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        let port = u16::try_from(20_000 + number)?;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err("no port between 20,000 and 30,000 is free".into())
}

impl Place {
    /// Writes the file. The ports are fixed, so that the processes find each other after a restart.
    fn new() -> Result<Self, Error> {
        let folder = tempfile::tempdir()?;
        let (kdc, namenode) = (free_port()?, free_port()?);
        let text = format!(
            "[realm]\nname = \"PARTS.TEST\"\nlisten = \"127.0.0.1:{kdc}\"\n\
             [hdfs]\nlisten = \"127.0.0.1:{namenode}\"\ndatanodes = 1\n\
             [data]\ndir = \"data\"\n"
        );
        std::fs::write(folder.path().join("kerbox.toml"), text)?;
        Ok(Self { folder })
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Starts one of the processes.
    fn start(&self, process: &str, words: &[&str]) -> Result<Kerbox, Error> {
        let toml = self.path("kerbox.toml");
        let dir = self.path(process);
        let words = [&[process, "--config", &toml, "--dir", &dir], words].concat();
        Kerbox::start(&words)
    }

    fn kdc(&self) -> Result<Kerbox, Error> {
        self.start("kdc", &[])
    }

    /// Starts a process with what the KDC's folder has.
    fn beside_kdc(&self, process: &str) -> Result<Kerbox, Error> {
        self.start(process, &["--kdc-dir", &self.path("kdc")])
    }

    fn three(&self) -> Result<Three, Error> {
        Ok(Three {
            kdc: self.kdc()?,
            namenode: self.beside_kdc("namenode")?,
            datanode: self.beside_kdc("datanode")?,
        })
    }

    /// Runs `kerbox` to its end.
    fn kerbox(&self, words: &[&str]) -> Result<String, Error> {
        let mut command = Command::new(kerbox_program());
        run(command.args(words).current_dir(self.folder.path()), "")?.ok()
    }

    /// Runs commands until all succeed: a NameNode that has started waits for its DataNodes.
    fn eventually(&self, commands: &[&[&str]]) -> Result<String, Error> {
        for _ in 0..10 {
            if let Ok(said) = self.shell(commands) {
                return Ok(said);
            }
        }
        self.shell(commands)
    }

    /// Runs commands of Hadoop's shell as alice, under the KDC's clock.
    fn shell(&self, commands: &[&[&str]]) -> Result<String, Error> {
        // The first one, which stays good.
        let keytab = self.path("alice.keytab");
        if !Path::new(&keytab).exists() {
            std::fs::copy(self.path("kdc/keytabs/alice.keytab"), &keytab)?;
        }
        let login = ["login", "alice@PARTS.TEST", &keytab];
        let commands = [&[&login[..]], commands].concat();
        let env = self.kerbox(&[
            "env",
            "--dir",
            &self.path("kdc"),
            "--clock",
            "--shell",
            "json",
        ])?;
        let env: std::collections::BTreeMap<String, String> = serde_json::from_str(&env)?;
        let conf = self.path("namenode/hadoop");
        let configure = |java: &mut Command| {
            java.envs(&env);
        };
        shell(Path::new(&conf), configure, &commands)
    }
}

/// Each of three processes is killed and started again: what was acknowledged is there, keytabs are
/// still good, and the others go on.
fn three_processes_survive_kills() -> TestResult {
    let place = Place::new()?;
    let Three {
        kdc,
        namenode,
        datanode,
    } = place.three()?;
    let local = place.path("local");
    let text = "a line of the file\n".repeat(10_000);
    std::fs::write(&local, &text)?;
    place.shell(&[&["-put", &local, "/user/alice/f"]])?;
    let cat: &[&str] = &["-cat", "/user/alice/f"];

    kdc.kill()?;
    let kdc = place.kdc()?;
    place.shell(&[cat])?;
    namenode.kill()?;
    let namenode = place.beside_kdc("namenode")?;
    assert!(
        place.eventually(&[cat])?.contains(&text),
        "it came back changed"
    );
    datanode.kill()?;
    let datanode = place.beside_kdc("datanode")?;
    let put: &[&str] = &["-put", &local, "/user/alice/g"];
    assert!(
        place.shell(&[cat, put])?.contains(&text),
        "it came back changed"
    );

    kdc.kill()?;
    namenode.kill()?;
    datanode.kill()?;
    let three = place.three()?;
    let said = place.eventually(&[cat, &["-cat", "/user/alice/g"]])?;
    assert!(
        said.contains(&text) && said.contains("=> 0"),
        "it came back changed"
    );
    drop(three);
    Ok(())
}

/// The clock of `kerbox kdc` is that of the other two, which refuse to move it.
fn processes_live_by_the_clock_of_the_kdc() -> TestResult {
    let place = Place::new()?;
    let three = place.three()?;
    let clock = |process: &str, words: &[&str]| {
        let dir = place.path(process);
        let words = [&["clock"], words, &["--dir", &dir]].concat();
        let said = place.kerbox(&words)?;
        Ok::<_, Error>(
            said.split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned(),
        )
    };
    let before = clock("kdc", &["freeze"])?;
    assert_eq!(clock("namenode", &["show"])?, before);
    // Longer than a difference that is allowed, and than a dead DataNode is silent.
    clock("kdc", &["advance", "11m"])?;
    let after = clock("kdc", &["show"])?;
    assert_ne!(after, before);
    assert_eq!(clock("namenode", &["show"])?, after);
    clock("kdc", &["resume"])?;
    let local = place.path("local");
    std::fs::write(&local, "eleven minutes later\n")?;
    let put: &[&str] = &["-put", &local, "/user/alice/f"];
    let said = place.shell(&[put, &["-cat", "/user/alice/f"]])?;
    assert!(said.contains("eleven minutes later"), "{said}");
    let mut moving = Command::new(kerbox_program());
    moving.args(["clock", "advance", "1h", "--dir", &place.path("namenode")]);
    let refused = run(&mut moving, "")?.refused()?;
    let expected = "these servers live by the clock of the KDC in";
    assert!(refused.contains(expected), "{refused}");
    drop(three);
    Ok(())
}

/// The KDC is MIT's: the NameNode and the DataNode have its keytabs, and clients its tickets.
fn a_namenode_takes_the_keytabs_of_mits_kdc() -> TestResult {
    let (mit, side) = Mit::start()?;
    let keytabs = mit.path().join("keytabs");
    for service in ["nn", "dn", "HTTP"] {
        let keytab = keytabs.join(format!("{service}.keytab"));
        for query in [
            format!("addprinc -randkey {service}/localhost"),
            format!("ktadd -k {} {service}/localhost", keytab.display()),
        ] {
            run(&mut mit.script(&["admin", &query]), "")?.ok()?;
        }
    }
    let folder = tempfile::tempdir()?;
    let dir = folder.path().join("namenode").display().to_string();
    let keytabs = keytabs.display().to_string();
    let words = ["namenode", "--dir", &dir, "--keytabs", &keytabs];
    let namenode =
        Kerbox::start(&[&words[..], &["--namenode-port", "0", "--datanodes", "1"]].concat())?;
    let (keytab, kdc) = (
        format!("{keytabs}/dn.keytab"),
        side.address().port().to_string(),
    );
    let port = namenode.port("/endpoints/namenode")?;
    let words = [
        "datanode",
        "--keytab",
        &keytab,
        "--kdc-port",
        &kdc,
        "--namenode-port",
        port,
    ];
    let datanode = Kerbox::start(&words)?;
    let local = folder.path().join("local").display().to_string();
    std::fs::write(&local, "a line of the file\n")?;
    let alice = format!("{keytabs}/alice.keytab");
    let commands: [&[&str]; 3] = [
        &["login", "alice@EXAMPLE.COM", &alice],
        &["-put", &local, "/user/alice/f"],
        &["-cat", "/user/alice/f"],
    ];
    let conf = format!(
        "-Djava.security.krb5.conf={}/krb5.conf",
        mit.path().display()
    );
    let configure = |java: &mut Command| {
        java.env("JDK_JAVA_OPTIONS", conf);
    };
    let said = shell(&Path::new(&dir).join("hadoop"), configure, &commands)?;
    assert!(said.contains("a line of the file"), "{said}");
    drop((datanode, namenode));
    Ok(())
}
