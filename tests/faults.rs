//! Faults as real clients meet them: answers that are lost, cut, chopped, held or corrupt.

use std::time::Duration;

use kerbox::{
    ClearField, Clock, Cluster, Event, Facts, Fault, KeyKind, Latch, Outcome, Realm, Server,
    Verdict,
};

use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::support::{Peer, TestResult, block_on, on, run, trials};

trials! {
    [Peer::Mit] =>
        kinit_asks_again_when_an_answer_is_lost,
        kinit_whose_request_is_held_too_long_is_out_of_time,
        kinit_detects_a_forged_reply,
        the_journal_says_what_kinit_was_given;
    [Peer::LibGssapi] =>
        a_call_whose_reply_is_cut_was_carried_out,
        a_chopped_reply_is_read_whole,
        a_call_that_is_held_is_answered_when_it_is_let_go,
        only_calls_about_the_path_are_struck,
        wrong_checksums_make_the_reader_try_another_datanode,
        a_full_disk_fails_writes_until_there_is_room,
        a_slow_datanode_takes_its_time,
        a_disk_error_makes_the_reader_try_another_datanode,
        a_disk_error_makes_the_writer_rebuild_its_pipeline,
        acks_are_late_by_the_clock,
        two_replies_arrive_together,
        a_half_closed_connection_is_replaced,
        connections_are_cut_while_a_client_uses_them,
        datanodes_that_are_cut_off_from_each_other_copy_nothing,
        a_datanode_that_was_cut_off_from_the_namenode_makes_up_for_its_reports,
        a_client_survives_new_keys,
        the_journal_says_what_was_negotiated;
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
        let later = realm.clock().now() + Duration::from_secs(3600);
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

fn wrong_checksums_make_the_reader_try_another_datanode() -> TestResult {
    let cluster = Cluster::secure().datanodes(2).start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(200_000);
        write(&client, "/user/alice/f", bytes.clone()).await?;
        let fault = cluster.inject(Fault::on_read_packets().wrong_checksums().once());
        let journals = [1, 2].map(|number| (number, cluster.journal().from_here()));
        assert!(read(&client, "/user/alice/f").await? == bytes);
        assert_eq!(fault.struck(), 1);
        // A read is recorded when it ends, which the client does not wait for.
        for (number, seen) in journals {
            let read = move |event: &Event| matches!(event, Event::ReadBlock { datanode, .. } if *datanode == number);
            seen.wait(read, Duration::from_secs(30)).await?;
        }
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

fn kinit_detects_a_forged_reply() -> TestResult {
    let realm = Realm::start_blocking()?;
    for field in [ClearField::Client, ClearField::ClientRealm] {
        let fault = realm.inject(Fault::on_logins().of("alice").forge(field).once());
        let said = on(&realm, "kinit", &["alice"], "alice\n")?.refused()?;
        assert!(
            said.contains("KDC reply did not match expectations"),
            "{field}: {said}"
        );
        // The error that asked for pre-authentication came first, and had no such field.
        assert_eq!(fault.struck(), 1);
    }
    // The ticket's own fields are of no interest to kinit. Whoever gets the ticket complains.
    let fault = realm.inject(Fault::on_ticket_requests().forge(ClearField::TicketKvno));
    on(&realm, "kinit", &["alice"], "alice\n")?.ok()?;
    drop(fault);
    let said = on(&realm, "kvno", &["host/localhost"], "")?.refused()?;
    assert!(said.contains("PROCESS_TGS"), "{said}");
    Ok(())
}

fn the_journal_says_what_kinit_was_given() -> TestResult {
    // Client and KDC compute a lifetime from two readings, which must be of the same second.
    let clock = Clock::frozen(Clock::system().now());
    let realm = Realm::builder().clock(clock).start_blocking()?;
    let mut kinit = realm.command_under_clock("kinit")?;
    kinit.args(["-l", "1h", "-r", "2h", "-f", "alice"]);
    run(&mut kinit, "alice\n")?.ok()?;
    let entries = realm.journal().entries();
    let refused = entries.iter().find_map(|entry| match &entry.facts {
        Some(Facts::Refusal { reason, offered }) => Some((reason, offered)),
        _ => None,
    });
    let (reason, offered) = refused.ok_or("kinit asks without pre-authentication first")?;
    assert_eq!(&**reason, "NEEDED_PREAUTH");
    assert!(offered.len() > 1, "{offered:?}");
    let granted = entries.iter().find_map(|entry| match &entry.facts {
        Some(Facts::Ticket(ticket)) => Some((entry, ticket)),
        _ => None,
    });
    let (entry, ticket) = granted.ok_or("a ticket")?;
    assert_eq!(&ticket.offered, offered);
    let hour = Duration::from_secs(3600);
    assert_eq!(ticket.end_time.since(ticket.start_time), hour);
    let renew_till = ticket.renew_till.ok_or("it is renewable")?;
    assert_eq!(renew_till.since(ticket.start_time), 2 * hour);
    let text = entry.to_string();
    for part in [
        "session aes256-cts-hmac-sha1-96",
        "flags ",
        "pre-authentication ",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(entry.to_json().contains(r#""facts":{"offered":["#));
    // What MIT's client says about the same ticket.
    let listed = on(&realm, "klist", &["-f", "-e"], "")?.ok()?;
    let flags = format!("Flags: {}", ticket.flags.letters());
    assert!(listed.contains(&flags), "{flags} in {listed}");
    assert!(listed.contains(&ticket.session.to_string()), "{listed}");
    Ok(())
}

/// Returns a cluster with this many DataNodes and blocks of 64 KiB.
fn cluster_of(datanodes: usize) -> Result<Cluster, kerbox::Error> {
    Cluster::secure()
        .datanodes(datanodes)
        .set("dfs.replication", datanodes.min(3).to_string())
        .start_blocking()
}

fn a_disk_error_makes_the_reader_try_another_datanode() -> TestResult {
    let cluster = cluster_of(2)?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(200_000);
        write(&client, "/user/alice/f", bytes.clone()).await?;
        let fault = cluster.inject(Fault::on_read_packets().packet(2).disk_error().once());
        assert!(read(&client, "/user/alice/f").await? == bytes);
        assert_eq!(fault.struck(), 1);
        Ok(())
    })
}

fn a_disk_error_makes_the_writer_rebuild_its_pipeline() -> TestResult {
    // The client asks for another DataNode in place of the bad one.
    let cluster = cluster_of(4)?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(300_000);
        let fault = cluster.inject(Fault::on_written_packets().packet(2).disk_error().once());
        write(&client, "/user/alice/f", bytes.clone()).await?;
        assert_eq!(fault.struck(), 1);
        assert!(read(&client, "/user/alice/f").await? == bytes);
        Ok(())
    })
}

fn acks_are_late_by_the_clock() -> TestResult {
    let cluster = cluster_of(1)?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        // A login and a ticket for the NameNode first, while time runs.
        client.get_file_info("/").await?;
        cluster.clock().freeze();
        // Less than the lease's hard limit, after which the file would be closed.
        let late = Duration::from_secs(5 * 60);
        let fault = cluster.inject(Fault::on_acks().ack(1).delay(late).once());
        let written = write(&client, "/user/alice/f", pattern(100_000));
        let moved = async {
            let held = |event: &Event| matches!(event, Event::Fault { .. });
            let seen = cluster.journal().wait(held, Duration::from_secs(30)).await;
            let before = cluster.clock().now();
            cluster.advance(late).await?;
            seen.map(|_| before)
        };
        let (written, before) = tokio::join!(written, moved);
        written?;
        assert_eq!(fault.struck(), 1);
        let closed = cluster
            .journal()
            .filter(|event| matches!(event, Event::WriteBlock { outcome, .. } if outcome.is_ok()));
        let at = closed.last().ok_or("it was written")?.at;
        assert!(at >= before? + late, "{at}");
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

fn datanodes_that_are_cut_off_from_each_other_copy_nothing() -> TestResult {
    let cluster = cluster_of(2)?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(100_000);
        let partition = cluster.partition(Server::DataNode(1), Server::DataNode(2))?;
        // The client leaves out the DataNode that the first one cannot reach, or fails.
        let written = write(&client, "/user/alice/f", bytes.clone()).await;
        assert!(partition.struck() > 0, "{}", cluster.journal().last(30));
        drop(partition);
        if written.is_ok() {
            assert!(read(&client, "/user/alice/f").await? == bytes);
        }
        write(&client, "/user/alice/g", bytes.clone()).await?;
        assert!(read(&client, "/user/alice/g").await? == bytes);
        Ok(())
    })
}

fn a_datanode_that_was_cut_off_from_the_namenode_makes_up_for_its_reports() -> TestResult {
    let cluster = cluster_of(1)?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(10_000);
        let partition = cluster.partition(Server::DataNode(1), Server::NameNode(1))?;
        let written = write(&client, "/user/alice/f", bytes.clone());
        let healed = async {
            let lost = |event: &Event| {
                matches!(event, Event::Fault { on, .. }
                    if matches!(**on, Event::Report { method: "blockReceivedAndDeleted", .. }))
            };
            let seen = cluster.journal().wait(lost, Duration::from_secs(30)).await;
            drop(partition);
            // The next heartbeat brings the report.
            cluster.advance(Duration::from_secs(4)).await?;
            seen
        };
        let (written, healed) = tokio::join!(written, healed);
        healed?;
        written?;
        assert!(read(&client, "/user/alice/f").await? == bytes);
        Ok(())
    })
}

fn a_client_survives_new_keys() -> TestResult {
    let cluster = Cluster::secure()
        .set("dfs.encrypt.data.transfer", "true")
        .start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let bytes = pattern(10_000);
        write(&client(&cluster, &alice)?, "/user/alice/f", bytes.clone()).await?;
        for keys in [
            KeyKind::Krbtgt,
            KeyKind::Service("nn/localhost".to_owned()),
            KeyKind::Service("dn/localhost".to_owned()),
            KeyKind::DelegationTokens,
            KeyKind::BlockTokens,
            KeyKind::DataEncryption,
        ] {
            cluster.roll_keys(&keys)?;
            // The next heartbeat brings block keys to the DataNodes.
            cluster.advance(Duration::from_secs(4)).await?;
            alice.renew_blocking()?;
            let after = client(&cluster, &alice)?;
            assert!(read(&after, "/user/alice/f").await? == bytes, "{keys:?}");
        }
        let rolled = cluster
            .journal()
            .count(|event| event.to_string().contains("keys rolled"));
        assert_eq!(rolled, 6);
        Ok(())
    })
}

fn the_journal_says_what_was_negotiated() -> TestResult {
    let cluster = Cluster::secure()
        .protection(kerbox::Protection::PrivacyAes)
        .start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        write(&client(&cluster, &alice)?, "/user/alice/f", pattern(100)).await?;
        let said: Vec<String> = cluster
            .journal()
            .filter(|event| matches!(event, Event::Sasl { .. }))
            .iter()
            .map(kerbox::Entry::text)
            .collect();
        let has = |parts: &[&str]| {
            said.iter()
                .any(|line| parts.iter().all(|part| line.contains(part)))
        };
        assert!(
            has(&["SASL GSSAPI alice@", "NameNode: ok [qop auth-conf]"]),
            "{said:#?}"
        );
        assert!(
            has(&["at DataNode 1: ok [qop auth-conf", "HDFS_BLOCK_TOKEN "]),
            "{said:#?}"
        );
        Ok(())
    })
}
