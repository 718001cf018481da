//! Symbolic links by Hadoop's FileContext.

use kerbox::Cluster;

use super::java_hadoop::class_path;
use crate::support::{Peer, TestResult, command, peer_source, run, trials};

trials! {
    [Peer::JavaHadoop] =>
        file_context_works_with_links;
}

fn file_context_works_with_links() -> TestResult {
    let cluster = Cluster::simple().symlinks().start_blocking()?;
    let env = cluster.env_of("hdfs");
    let source = peer_source("Symlinks.java").display().to_string();
    let class_path = class_path(&env)?;
    let words = ["-Dpeers.level=ERROR", "-cp", &class_path, &source];
    let printed = run(&mut command(&env, "java", &words), "")?.ok()?;
    let lines: Vec<&str> = printed.lines().collect();
    let expected = [
        "link = created",
        "write = 3",
        "read = 3",
        "status = true",
        "link status = true",
        "target = /links/d",
        "list = 1",
        "relative = 3",
        "rename = 3",
        "mode = rw-------",
        "dangling = java.io.FileNotFoundException: File does not exist: /links/none",
        "circle = java.io.IOException: Possible cyclic loop while following symbolic link /links/a",
        "delete = true",
    ];
    assert_eq!(lines, expected);
    Ok(())
}
