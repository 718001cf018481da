//! Faults as real clients meet them: answers that are lost, cut, chopped, held or corrupt.

use std::time::Duration;

use kerbox::{Cluster, Event, Fault, Latch, Outcome, Realm, Verdict};

use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::support::{Peer, TestResult, block_on, on, trials};

trials! {
    [Peer::Mit] =>
        kinit_asks_again_when_an_answer_is_lost,
        kinit_whose_request_is_held_too_long_is_out_of_time;
    [Peer::LibGssapi] =>
        a_call_whose_reply_is_cut_was_carried_out,
        a_chopped_reply_is_read_whole,
        a_call_that_is_held_is_answered_when_it_is_let_go,
        only_calls_about_the_path_are_struck,
        wrong_checksums_make_the_reader_try_another_datanode,
        a_full_disk_fails_writes_until_there_is_room,
        a_slow_datanode_takes_its_time;
}

fn kinit_asks_again_when_an_answer_is_lost() -> TestResult {
    let realm = Realm::start_blocking()?;
    // Without pre-authentication, the first answer would be the ticket; with it, a refusal.
    let fault = realm.inject(Fault::on_logins().of("alice").lose_reply().once());
    on(&realm, "kinit", &["alice"], "alice\n")?.ok()?;
    assert_eq!(fault.struck(), 1);
    Ok(())
}

fn kinit_whose_request_is_held_too_long_is_out_of_time() -> TestResult {
    let realm = Realm::start_blocking()?;
    let latch = Latch::new();
    // MIT's kinit sends the time only in its second request.
    let second = Fault::on_logins().of("alice").hold(&latch).after(1);
    let _fault = realm.inject(second);
    let held = |event: &Event| {
        matches!(
            event,
            Event::Fault {
                verdict: Verdict::Hold(_),
                ..
            }
        )
    };
    let said = std::thread::scope(|scope| {
        let kinit = scope.spawn(|| on(&realm, "kinit", &["alice"], "alice\n")?.refused());
        let seen = realm.journal().wait_blocking(held, Duration::from_secs(30));
        // The machine's clock is still the client's: only the KDC's moves.
        let later = realm.clock().now() + Duration::from_hours(1);
        let moved = seen.and_then(|_| realm.jump_blocking(later));
        latch.open();
        let said = kinit.join().map_err(|_| "kinit's thread panicked")?;
        moved?;
        said
    })?;
    assert!(said.contains("Clock skew too great"), "{said}");
    Ok(())
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
            let moved = cluster.advance(Duration::from_hours(1)).await;
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
        let hour_later = (before + Duration::from_hours(1)).as_millis();
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

fn wrong_checksums_make_the_reader_try_another_datanode() -> TestResult {
    let cluster = Cluster::secure().datanodes(2).start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(200_000);
        write(&client, "/user/alice/f", bytes.clone()).await?;
        let fault = cluster.inject(Fault::on_read_packets().wrong_checksums().once());
        assert!(read(&client, "/user/alice/f").await? == bytes);
        assert_eq!(fault.struck(), 1);
        let reads = cluster
            .journal()
            .count(|event| matches!(event, Event::ReadBlock { .. }));
        assert!(reads > 1, "{}", cluster.journal().last(20));
        Ok(())
    })
}

fn a_full_disk_fails_writes_until_there_is_room() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(10_000);
        let fault = cluster.inject(Fault::on_writes().disk_full());
        let refused = write(&client, "/user/alice/refused", bytes.clone()).await;
        assert!(refused.is_err(), "{}", cluster.journal().last(20));
        assert!(fault.struck() > 0);
        drop(fault);
        write(&client, "/user/alice/f", bytes.clone()).await?;
        assert!(read(&client, "/user/alice/f").await? == bytes);
        Ok(())
    })
}

fn a_slow_datanode_takes_its_time() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(100_000);
        write(&client, "/user/alice/f", bytes.clone()).await?;
        let before = cluster.clock().real_now();
        let fault = cluster.inject(Fault::on_read_packets().bandwidth(500_000));
        assert!(read(&client, "/user/alice/f").await? == bytes);
        assert!(fault.struck() > 0);
        let took = cluster.clock().real_now().since(before);
        assert!(took >= Duration::from_millis(200), "{took:?}");
        Ok(())
    })
}
