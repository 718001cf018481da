//! Calls to the NameNode whose answers are cut, chopped, held, joined or replaced.

use std::time::Duration;

use kerbox::{Cluster, Event, Fault, Latch, Outcome};

use super::cluster_of;
use crate::clients::hdfs_native::client;
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [Peer::LibGssapi] =>
        a_call_whose_reply_is_cut_was_carried_out,
        a_chopped_reply_is_read_whole,
        a_call_that_is_held_is_answered_when_it_is_let_go,
        only_calls_about_the_path_are_struck,
        two_replies_arrive_together,
        a_half_closed_connection_is_replaced,
        connections_are_cut_while_a_client_uses_them;
}

fn a_call_whose_reply_is_cut_was_carried_out() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let cut = Fault::on_rpc("mkdirs").of("alice").cut_reply(10).once();
        let fault = cluster.inject(cut);
        let made = cluster
            .journal()
            .expect(Fault::on_rpc("mkdirs").path("/user/alice/made"))
            .that(|event| event.outcome().is_some_and(Outcome::is_ok));
        // The client may retry or report the lost connection.
        let _ = client.mkdirs("/user/alice/made", 0o755, true).await;
        assert_eq!(fault.struck(), 1);
        assert!(client.get_file_info("/user/alice/made").await?.isdir);
        made.verify()?;
        Ok(())
    })
}

fn a_chopped_reply_is_read_whole() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        for name in ["a", "b", "c"] {
            client
                .mkdirs(&format!("/user/alice/{name}"), 0o755, true)
                .await?;
        }
        let fault = cluster.inject(Fault::on_calls().of("alice").chop_reply(3));
        let listed = client.list_status("/user/alice", false).await?;
        assert_eq!(listed.len(), 3);
        assert!(fault.struck() > 0);
        Ok(())
    })
}

fn a_call_that_is_held_is_answered_when_it_is_let_go() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let latch = Latch::new();
        let fault = cluster.inject(Fault::on_rpc("mkdirs").hold(&latch).once());
        let before = cluster.clock().now();
        let release = async {
            let held = |event: &Event| matches!(event, Event::Fault { .. });
            let seen = cluster.journal().wait(held, Duration::from_secs(30)).await;
            let moved = cluster.advance(Duration::from_secs(3600)).await;
            latch.open();
            seen.and_then(|_| moved.map(|_| ()))
        };
        let made = client.mkdirs("/user/alice/late", 0o755, true);
        let (made, released) = tokio::join!(made, release);
        made?;
        released?;
        assert_eq!(fault.struck(), 1);
        let modified = client
            .get_file_info("/user/alice/late")
            .await?
            .modification_time;
        let hour_later = (before + Duration::from_secs(3600)).as_millis();
        assert!(
            i64::try_from(modified)? >= hour_later,
            "{modified} is before {hour_later}"
        );
        Ok(())
    })
}

fn only_calls_about_the_path_are_struck() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        client.mkdirs("/user/alice/in", 0o755, true).await?;
        let class = "org.apache.hadoop.security.AccessControlException";
        let fault = cluster.inject(
            Fault::on_rpc("getFileInfo")
                .under("/user/alice/in")
                .exception(class, "not in here"),
        );
        client.get_file_info("/user/alice").await?;
        let refused = client.get_file_info("/user/alice/in").await;
        assert!(
            refused
                .as_ref()
                .is_err_and(|error| error.to_string().contains("not in here")),
            "{refused:?}"
        );
        assert_eq!(fault.struck(), 1);
        Ok(())
    })
}

fn two_replies_arrive_together() -> TestResult {
    let cluster = cluster_of(1)?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        client.get_file_info("/").await?;
        let fault = cluster.inject(Fault::on_rpc("getFileInfo").join_reply().once());
        let (first, second) = tokio::join!(
            client.get_file_info("/user/alice"),
            client.list_status("/user", false),
        );
        assert!(first?.isdir);
        assert!(!second?.is_empty());
        assert_eq!(fault.struck(), 1);
        Ok(())
    })
}

fn a_half_closed_connection_is_replaced() -> TestResult {
    let cluster = cluster_of(1)?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        client.get_file_info("/").await?;
        let fault = cluster.inject(Fault::on_rpc("getFileInfo").half_close().once());
        // The client may repeat the call on a new connection, or report the loss.
        let _ = client.get_file_info("/user/alice").await;
        assert_eq!(fault.struck(), 1);
        assert!(client.get_file_info("/user/alice").await?.isdir);
        Ok(())
    })
}

fn connections_are_cut_while_a_client_uses_them() -> TestResult {
    let cluster = cluster_of(1)?;
    let (alice, bob) = (
        cluster.login_blocking("alice")?,
        cluster.login_blocking("bob")?,
    );
    block_on(async {
        let (alices, bobs) = (client(&cluster, &alice)?, client(&cluster, &bob)?);
        alices.get_file_info("/").await?;
        bobs.get_file_info("/").await?;
        let left = cluster.journal().from_here();
        assert!(cluster.namenode_server().cut_connections_of("alice") >= 1);
        let gone = |event: &Event| matches!(event, Event::Connection { opened: false, .. });
        left.wait(gone, Duration::from_secs(30)).await?;
        // Both go on: alice's client connects again.
        assert!(alices.get_file_info("/user/alice").await?.isdir);
        assert!(bobs.get_file_info("/user/bob").await?.isdir);
        assert!(cluster.namenode_server().cut_connections() >= 2);
        assert!(bobs.get_file_info("/user/bob").await?.isdir);
        Ok(())
    })
}
