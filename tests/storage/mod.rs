//! The NameNode's files, judged by Hadoop's own programs.

mod exchange;
mod sandbox;
mod survival;

use std::path::Path;
use std::process::Command;

use self::exchange::{
    an_image_is_shown_without_its_blocks, hadoop_serves_our_folder, hadoop_serves_our_image,
    we_serve_hadoops_folder,
};
use self::sandbox::what_clients_have_survives_a_kill;
pub(crate) use self::survival::serve_if_asked;
use self::survival::what_was_acknowledged_survives_kills;
use crate::support::{Peer, TestResult, peer_source, peers_dir, run, trials};

trials! {
    [Peer::Reference] =>
        hadoops_viewer_shows_our_edits,
        hadoop_serves_our_folder,
        hadoop_serves_our_image,
        an_image_is_shown_without_its_blocks,
        we_serve_hadoops_folder;
    [Peer::KerboxProgram, Peer::Mit, Peer::JavaHadoop] =>
        what_clients_have_survives_a_kill;
    [] =>
        what_was_acknowledged_survives_kills;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Runs commands of `peers/Storage.java` in one JVM, and returns each command's output.
fn hadoop(commands: &[&[&str]]) -> Result<Vec<String>, Error> {
    let peers = peers_dir();
    let class_path = format!(
        "{}:{}/*",
        peers.join("log").display(),
        peers.join("reference").display()
    );
    let mut command = Command::new("java");
    command
        .args(["-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"])
        .args([
            "-Dpeers.level=WARN",
            "--add-opens",
            "java.base/java.lang=ALL-UNNAMED",
        ])
        .args([
            "-Dfile.encoding=UTF-8",
            "-Dsun.jnu.encoding=UTF-8",
            "-cp",
            &class_path,
        ])
        .arg(peer_source("Storage.java"))
        .env("HADOOP_USER_NAME", "hdfs");
    let input: String = commands.iter().map(|it| it.join("\t") + "\n").collect();
    let ran = run(&mut command, &input)?;
    let mut outputs = Vec::new();
    let mut output = String::new();
    for line in ran.stdout.lines() {
        match line.strip_prefix("=> ") {
            Some("0") => outputs.push(std::mem::take(&mut output)),
            Some(status) => return Err(format!("status {status}: {output}\n{ran}").into()),
            None => output.extend([line, "\n"]),
        }
    }
    if outputs.len() != commands.len() {
        return Err(format!(
            "{} of {} commands ended: {ran}",
            outputs.len(),
            commands.len()
        )
        .into());
    }
    Ok(outputs)
}

fn shown(path: &Path) -> Result<&str, Error> {
    path.to_str()
        .ok_or_else(|| "a path that is not UTF-8".into())
}

/// The viewer names each operation and shows each of its fields.
fn hadoops_viewer_shows_our_edits() -> TestResult {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../minihdfs/testdata");
    let viewed = hadoop(&[&["oev", shown(&data.join("edits"))?]])?;
    let expected = std::fs::read_to_string(data.join("edits.xml"))?;
    if viewed[0].trim() == expected.trim() {
        return Ok(());
    }
    Err(format!("{}/edits.xml should be\n{}", data.display(), viewed[0]).into())
}
