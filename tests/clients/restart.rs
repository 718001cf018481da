//! Servers that are stopped and started again, as clients see it.

use std::time::Duration;

use bytes::Bytes;
use hdfs_native::{HdfsError, WriteOptions};
use kerbox::{Cluster, Event, Fault};

use super::hdfs_native::{client, pattern, read, simple_client};
use super::java_session::JavaSession;
use crate::support::{Peer, TestResult, block_on, command, peers_dir, run, trials};

trials! {
    [] =>
        hdfs_native_reads_what_was_there_before_a_restart,
        hdfs_native_hears_that_the_namenode_waits_for_reports,
        a_datanode_waits_for_its_namenode;
    [Peer::LibGssapi] =>
        hdfs_native_writes_on_after_a_restart;
    [Peer::JavaHadoop] =>
        java_waits_for_the_end_of_safe_mode_and_writes_on,
        what_java_calls_again_after_a_restart_is_not_carried_out_again,
        dfsadmin_switches_safe_mode;
    [Peer::GoHdfs] =>
        go_goes_on_after_a_restart;
}

/// A minute of real time.
const PATIENCE: Duration = Duration::from_secs(60);

fn hdfs_native_reads_what_was_there_before_a_restart() -> TestResult {
    let cluster = Cluster::simple().datanodes(2).start_blocking()?;
    block_on(async {
        let alice = simple_client(&cluster, "alice")?;
        let bytes = pattern(300_000);
        super::hdfs_native::write(&alice, "/user/alice/f", bytes.clone()).await?;
        let before = alice.get_file_info("/user/alice/f").await?;
        for _ in 0..2 {
            cluster.restart_namenode()?;
            let after = alice.get_file_info("/user/alice/f").await?;
            assert_eq!(format!("{after:?}"), format!("{before:?}"));
            assert!(read(&alice, "/user/alice/f").await? == bytes, "it changed");
            alice.mkdirs("/user/alice/d", 0o755, true).await?;
        }
        Ok(())
    })
}

fn hdfs_native_hears_that_the_namenode_waits_for_reports() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    block_on(async {
        let alice = simple_client(&cluster, "alice")?;
        for path in ["/user/alice/f", "/user/alice/g"] {
            super::hdfs_native::write(&alice, path, pattern(1000)).await?;
        }
        cluster.datanode(1)?.stop();
        cluster.restart_namenode()?;
        assert_eq!(alice.get_file_info("/user/alice/f").await?.length, 1000);
        for refused in [
            alice.mkdirs("/user/alice/d", 0o755, true).await.err(),
            read(&alice, "/user/alice/f").await.err(),
        ] {
            assert!(
                matches!(&refused, Some(HdfsError::RPCError(class, text))
                    if class.ends_with("SafeModeException") && text.contains("The reported blocks 0")),
                "{refused:?}"
            );
        }
        cluster.datanode(1)?.restart()?;
        alice.mkdirs("/user/alice/d", 0o755, true).await?;
        assert!(read(&alice, "/user/alice/f").await? == pattern(1000));
        Ok(())
    })
}

/// A NameNode that is stopped or paused is so for its DataNodes as well. What they have to report
/// is not lost.
fn a_datanode_waits_for_its_namenode() -> TestResult {
    let cluster = Cluster::simple().datanodes(2).start_blocking()?;
    let namenode = cluster.namenode_server();
    block_on(async {
        let alice = simple_client(&cluster, "alice")?;
        let options = WriteOptions::default().replication(2);
        let mut file = alice.create("/user/alice/f", options).await?;
        file.write_bytes(pattern(100_000)).await?;
        // The first block is under way, so that what follows needs no NameNode before the end.
        namenode.pause();
        cluster.advance(Duration::from_secs(15 * 60)).await?;
        file.write_bytes(pattern(1000)).await?;
        let dead = |event: &Event| event.to_string().contains("dead");
        assert_eq!(cluster.journal().count(dead), 0, "it declares nothing");
        namenode.resume();
        file.close().await?;
        cluster.advance(Duration::from_secs(60)).await?;
        assert_eq!(
            cluster.journal().count(dead),
            0,
            "their heartbeats came first"
        );
        assert_eq!(read(&alice, "/user/alice/f").await?.len(), 101_000);
        namenode.stop();
        let second = cluster.datanode(2)?;
        second.restart()?;
        assert!(second.is_running(), "it waits");
        assert_eq!(cluster.namenode().live_datanodes(), 2, "as it was");
        namenode.restart()?;
        assert_eq!(cluster.namenode().live_datanodes(), 2);
        assert_eq!(read(&alice, "/user/alice/f").await?.len(), 101_000);
        Ok(())
    })
}

fn hdfs_native_writes_on_after_a_restart() -> TestResult {
    let cluster = Cluster::secure()
        .datanodes(3)
        .set("dfs.blocksize", "131072")
        .start_blocking()?;
    let login = cluster.login_blocking("alice")?;
    block_on(async {
        let alice = client(&cluster, &login)?;
        let bytes = pattern(600_000);
        let mut file = alice
            .create("/user/alice/f", WriteOptions::default())
            .await?;
        // The restarts fall into the first block and into a later one.
        for (part, from) in [(0..100_000), (100_000..300_000), (300_000..600_000)]
            .into_iter()
            .zip(0..)
        {
            if from > 0 {
                cluster.restart_namenode()?;
            }
            let part: Bytes = bytes.slice(part);
            file.write_bytes(part).await?;
        }
        file.close().await?;
        assert!(read(&alice, "/user/alice/f").await? == bytes, "it changed");
        let fresh = client(&cluster, &login)?;
        assert!(read(&fresh, "/user/alice/f").await? == bytes, "it changed");
        Ok(())
    })
}

fn java_waits_for_the_end_of_safe_mode_and_writes_on() -> TestResult {
    let cluster = Cluster::secure()
        .datanodes(2)
        .set("dfs.namenode.safemode.min.datanodes", "2")
        .set("dfs.namenode.safemode.extension", "30s")
        .set("dfs.client.retry.policy.enabled", "true")
        .set("dfs.client.retry.policy.spec", "100,500")
        .start_blocking()?;
    cluster.advance_blocking(Duration::from_secs(31))?;
    let env = cluster.login_blocking("hdfs")?.env();
    let mut java = JavaSession::start(&env, "Restarts.java")?;
    java.ok(&["create", "/f"])?;
    java.ok(&["write", "100000"])?;
    let seen = cluster.journal().from_here();
    cluster.restart_namenode()?;
    java.ok(&["write", "100000"])?; // by the pipeline that there is
    let safe = java.ok(&["admin", "-safemode", "get"])?;
    assert!(safe.contains("Safe mode is ON"), "{safe}");
    java.send(&["close"])?;
    let refused = |event: &Event| {
        let text = event.to_string();
        text.contains("complete") && text.contains("SafeModeException")
    };
    seen.wait_blocking(refused, PATIENCE)?;
    cluster.advance_blocking(Duration::from_secs(31))?;
    assert_eq!(java.answer()?, (0, String::new()));
    assert_eq!(java.ok(&["read", "/f"])?, "200000 same\n");
    Ok(())
}

/// The NameNode carries calls out and is killed before it answers. The next one knows from the
/// edits on disk that the repeated calls have been carried out: a deletion would answer false, a
/// rename would find no file, and a creation another writer.
fn what_java_calls_again_after_a_restart_is_not_carried_out_again() -> TestResult {
    let folder = tempfile::tempdir()?;
    let cluster = Cluster::simple()
        .persistent(folder.path().join("data"))
        .set("dfs.client.retry.policy.enabled", "true")
        .set("dfs.client.retry.policy.spec", "100,500")
        .start_blocking()?;
    let mut java = JavaSession::start(&cluster.env_of("hdfs"), "Restarts.java")?;
    for path in ["/f", "/g"] {
        java.ok(&["create", path])?;
        java.ok(&["close"])?;
    }
    for (method, words, expected) in [
        ("delete", &["delete", "/f"][..], "true\n"),
        ("rename", &["rename", "/g", "/h"], "true\n"),
        ("create", &["create", "/i"], ""),
    ] {
        let seen = cluster.journal().from_here();
        let lost = cluster.inject(Fault::on_rpc(method).lose_reply().once());
        java.send(words)?;
        let called = move |event: &Event| event.to_string().contains(&format!(" {method} "));
        seen.wait_blocking(called, PATIENCE)?;
        drop(lost);
        cluster.restart_namenode()?;
        assert_eq!(java.answer()?, (0, expected.to_owned()), "{method}");
        assert!(
            seen.count(called) >= 2,
            "it was called again: {}",
            seen.last(30)
        );
    }
    java.ok(&["write", "1000"])?;
    java.ok(&["close"])?;
    assert_eq!(java.ok(&["read", "/i"])?, "1000 same\n");
    Ok(())
}

fn dfsadmin_switches_safe_mode() -> TestResult {
    let cluster = Cluster::simple()
        .set("dfs.namenode.safemode.min.datanodes", "1")
        // The client may not have noticed yet that its connection was closed.
        .set("dfs.client.retry.policy.enabled", "true")
        .set("dfs.client.retry.policy.spec", "100,5")
        .start_blocking()?;
    let mut java = JavaSession::start(&cluster.env_of("hdfs"), "Restarts.java")?;
    let mut safemode = |action: &str| java.ok(&["admin", "-safemode", action]);
    assert_eq!(safemode("get")?, "Safe mode is OFF\n");
    assert_eq!(safemode("enter")?, "Safe mode is ON\n");
    assert_eq!(safemode("leave")?, "Safe mode is OFF\n");
    cluster.datanode(1)?.stop();
    cluster.restart_namenode()?;
    assert_eq!(safemode("get")?, "Safe mode is ON\n");
    assert_eq!(safemode("forceExit")?, "Safe mode is OFF\n");
    assert_eq!(safemode("wait")?, "Safe mode is OFF\n");
    cluster.restart_namenode()?;
    let report = java.ok(&["admin", "-report"])?;
    assert!(report.contains("Safe mode is ON\n"), "{report}");
    java.send(&["mkdirs", "/d"])?;
    let (status, text) = java.answer()?;
    assert!(
        status == 1
            && text.contains(
                "SafeModeException: Cannot create directory /d. Name node is in safe mode."
            )
            && text.contains("The number of live datanodes 0 needs an additional 1 live datanodes"),
        "{text}"
    );
    cluster.datanode(1)?.restart()?;
    java.ok(&["mkdirs", "/d"])?;
    let report = java.ok(&["admin", "-report"])?;
    assert!(report.contains("Live datanodes (1)"), "{report}");
    Ok(())
}

fn go_goes_on_after_a_restart() -> TestResult {
    let cluster = Cluster::secure().datanodes(2).start_blocking()?;
    let env = cluster.login_blocking("alice")?.env();
    let program = peers_dir().join("bin/hdfs-go");
    let hdfs = |arguments: &[&str]| run(&mut command(&env, &program, arguments), "")?.ok();
    let local = cluster.path().join("local");
    let text: String = (0..20_000).map(|i| format!("line {i}\n")).collect();
    std::fs::write(&local, &text)?;
    hdfs(&["put", &local.display().to_string(), "/user/alice/f"])?;
    cluster.restart_namenode()?;
    assert!(hdfs(&["cat", "/user/alice/f"])? == text, "it changed");
    hdfs(&["put", &local.display().to_string(), "/user/alice/g"])?;
    cluster.datanode(1)?.stop();
    cluster.datanode(2)?.stop();
    cluster.restart_namenode()?;
    let refused = run(
        &mut command(&env, &program, &["mkdir", "/user/alice/d"]),
        "",
    )?
    .refused()?;
    assert!(refused.contains("SafeModeException"), "{refused}");
    Ok(())
}
