//! Files that are deleted or replaced while they are written, and users who act for other users:
//! the errors that their clients get.

use hdfs_native::WriteOptions;
use kerbox::{Cluster, ClusterBuilder};

use super::hdfs_native::{pattern, simple_client, write};
use super::java_hadoop::java_commands;
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [] =>
        hdfs_native_hears_that_its_file_is_gone;
    [Peer::JavaHadoop] =>
        java_hears_that_its_file_is_gone,
        java_acts_for_itself_only_where_a_rule_allows_it;
}

/// Replicas are deleted with heartbeats; with this interval none is sent during a test.
fn without_heartbeats() -> ClusterBuilder {
    Cluster::simple().set("dfs.heartbeat.interval", "1h")
}

fn hdfs_native_hears_that_its_file_is_gone() -> TestResult {
    let cluster = without_heartbeats().start_blocking()?;
    block_on(async {
        let (writer, other) = (
            simple_client(&cluster, "alice")?,
            simple_client(&cluster, "alice")?,
        );
        for replace in [false, true] {
            let path = "/user/alice/f";
            let options = WriteOptions::default().overwrite(true);
            let mut file = writer.create(path, options).await?;
            file.write_bytes(pattern(200_000)).await?;
            assert!(other.delete(path, false).await?);
            if replace {
                write(&other, path, pattern(1)).await?;
            }
            let error = file.close().await.expect_err("it is gone").to_string();
            assert!(
                error.contains("FileNotFoundException")
                    && error.contains("does not have any open files"),
                "{error}"
            );
        }
        Ok(())
    })
}

fn java_hears_that_its_file_is_gone() -> TestResult {
    let cluster = without_heartbeats().start_blocking()?;
    let commands: [&[&str]; 2] = [
        &["delete", "/user/alice/deleted"],
        &["replace", "/user/alice/replaced"],
    ];
    let env = cluster.env_of("alice");
    let (answers, stderr) = java_commands(&env, "OpenFiles.java", &commands)?;
    for (status, text) in answers {
        assert!(
            status == 1
                && text.contains("java.io.FileNotFoundException")
                && text.contains("File does not exist: /user/alice/")
                && text.contains("does not have any open files"),
            "{status}: {text}{stderr}"
        );
    }
    Ok(())
}

fn java_acts_for_itself_only_where_a_rule_allows_it() -> TestResult {
    let secure = Cluster::secure().start_blocking()?;
    let realm = secure.realm().ok_or("it is secure")?.name().to_owned();
    let alice = secure.login_blocking("alice")?.env();
    let simple = Cluster::simple().start_blocking()?;
    let ruled = Cluster::simple()
        .set("hadoop.proxyuser.alice.users", "alice")
        .set("hadoop.proxyuser.alice.hosts", "*")
        .start_blocking()?;
    for (env, allowed, real) in [
        (alice, false, format!("alice@{realm}")),
        (simple.env_of("alice"), false, "alice".to_owned()),
        (ruled.env_of("alice"), true, "alice".to_owned()),
    ] {
        let command: [&[&str]; 1] = [&["proxy", "alice", "/"]];
        let (answers, stderr) = java_commands(&env, "OpenFiles.java", &command)?;
        let (status, text) = &answers[0];
        if allowed {
            assert_eq!(*status, 0, "{text}{stderr}");
        } else {
            let refusal = format!("User: {real} is not allowed to impersonate alice");
            assert!(text.contains(&refusal), "{text}{stderr}");
        }
    }
    Ok(())
}
