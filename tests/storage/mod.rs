//! The NameNode's files, judged by Hadoop's own programs.

mod bytes;
pub(crate) mod exchange;
mod sandbox;
mod survival;
mod unserved;
pub(crate) mod upgrade;

use std::path::Path;
use std::process::Command;

use self::bytes::{hadoop_3_4_serves_our_bytes_and_we_its, hadoop_3_5_serves_our_bytes_and_we_its};
use self::exchange::{
    an_image_is_shown_without_its_blocks, hadoop_3_5_serves_our_folder_and_we_its,
    hadoop_serves_our_folder, hadoop_serves_our_image, snapshots_survive_an_exchange,
    we_serve_hadoops_folder,
};
use self::sandbox::what_clients_have_survives_a_kill;
pub(crate) use self::survival::serve_if_asked;
use self::survival::{
    what_was_acknowledged_survives_kills, what_was_acknowledged_survives_kills_and_full_disks,
    what_was_acknowledged_survives_kills_and_torn_records,
};
use self::unserved::what_is_not_served_is_refused_by_name;
use self::upgrade::{
    a_folder_of_hadoop_2_10_needs_an_upgrade, a_folder_of_hadoop_3_3_needs_an_upgrade,
};
use crate::support::{Peer, TestResult, peer_source, peers_dir, run, trials};

trials! {
    [Peer::Reference] =>
        hadoops_viewer_shows_our_edits,
        what_is_not_served_is_refused_by_name,
        hadoop_3_4_serves_our_bytes_and_we_its,
        hadoop_serves_our_folder,
        hadoop_serves_our_image,
        an_image_is_shown_without_its_blocks,
        snapshots_survive_an_exchange,
        we_serve_hadoops_folder;
    [Peer::Reference35, Peer::Reference] =>
        hadoop_3_5_serves_our_bytes_and_we_its,
        hadoop_3_5_serves_our_folder_and_we_its;
    [Peer::HadoopOld, Peer::Reference] =>
        a_folder_of_hadoop_2_10_needs_an_upgrade,
        a_folder_of_hadoop_3_3_needs_an_upgrade;
    [Peer::KerboxProgram, Peer::Mit, Peer::JavaHadoop] =>
        what_clients_have_survives_a_kill;
    [] =>
        what_was_acknowledged_survives_kills,
        what_was_acknowledged_survives_kills_and_torn_records;
    [Peer::PrivateMounts] =>
        what_was_acknowledged_survives_kills_and_full_disks;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Runs commands of `peers/Storage.java` in one JVM, and returns each command's output.
pub(crate) fn hadoop(commands: &[&[&str]]) -> Result<Vec<String>, Error> {
    hadoop_of("reference", commands)
}

/// Same as [`hadoop`], with the release in this folder of peers.
fn hadoop_of(peer: &str, commands: &[&[&str]]) -> Result<Vec<String>, Error> {
    program_of(peer, "Storage.java", commands)
}

/// Returns the command of a JVM with this folder of peers.
fn java(peer: &str) -> Command {
    let peers = peers_dir();
    let class_path = format!(
        "{}:{}/*",
        peers.join("log").display(),
        peers.join(peer).display()
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
        ]);
    command.env("HADOOP_USER_NAME", "hdfs");
    command
}

/// Runs commands of a program in `peers`.
fn program_of(peer: &str, program: &str, commands: &[&[&str]]) -> Result<Vec<String>, Error> {
    let mut command = java(peer);
    command.arg(peer_source(program));
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
