//! One DataNode cannot reach another when a client builds a pipeline.

use kerbox::{Event, Fault, Outcome};

use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::clients::java_hadoop::java_commands;
use crate::strikes::started;
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [Peer::JavaHadoop] => a_datanode_cannot_reach_one_other;
    [Peer::LibGssapi] => hdfs_native_blames_the_first_datanode;
}

/// Hadoop's client reads the answer of the pipeline's first DataNode, which names the one that was
/// not reached. It gives the block up and asks for another one without that DataNode.
fn a_datanode_cannot_reach_one_other() -> TestResult {
    let (cluster, alice) = started(4)?;
    let unreachable = Fault::on_dials().to(2).unreachable();
    let fault = cluster.inject(unreachable.once());
    let file = cluster.path().join("local");
    std::fs::write(&file, "text\n")?;
    let file = file.display().to_string();
    // One of their pipelines has DataNode 2 behind another one.
    let paths: Vec<String> = (0..10).map(|it| format!("/user/alice/f{it}")).collect();
    let puts = paths.iter().map(|path| ["-put", &*file, path]);
    let puts: Vec<[&str; 3]> = puts.collect();
    let mut commands: Vec<&[&str]> = puts.iter().map(|put| &put[..]).collect();
    let mut cat = vec!["-cat"];
    cat.extend(paths.iter().map(String::as_str));
    commands.push(&cat);
    let (answers, stderr) = java_commands(&alice.env(), "FsShells.java", &commands)?;
    assert!(answers.iter().all(|(status, _)| *status == 0), "{stderr}");
    let read = answers.last().map(|(_, text)| text.as_str());
    assert_eq!(read, Some(&*"text\n".repeat(paths.len())), "{stderr}");
    assert_eq!(fault.struck(), 1, "{}", cluster.journal().last(100));
    let given_up = cluster.journal().count(|event| {
        matches!(event, Event::RpcCall { method, outcome: Outcome::Ok, .. }
            if &**method == "abandonBlock")
    });
    assert_eq!(given_up, 1, "{}", cluster.journal().last(100));
    Ok(())
}

/// hdfs-native 0.14.8 does not look at that answer. It takes the first DataNode for the one that
/// failed, and asks for a copy from one that has nothing yet.
fn hdfs_native_blames_the_first_datanode() -> TestResult {
    let (cluster, alice) = started(4)?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(100_000);
        let unreachable = Fault::on_dials().to(2).unreachable();
        let fault = cluster.inject(unreachable.once());
        for number in 0..10 {
            let path = format!("/user/alice/f{number}");
            let written = write(&client, &path, bytes.clone()).await;
            if fault.struck() == 0 {
                written?;
                continue;
            }
            let why = written.err().map(|error| error.to_string());
            let why = why.ok_or("it got past a DataNode that was not reached")?;
            assert!(why.contains("Failed to add a datanode"), "{why}");
            // The DataNodes have told it the truth, and serve the next file.
            let path = "/user/alice/next";
            write(&client, path, bytes.clone()).await?;
            assert!(read(&client, path).await? == bytes);
            return Ok(());
        }
        Err("no pipeline led to DataNode 2".into())
    })
}
