//! Every check refuses, with the code or the class that clients know. (For wrong passwords and
//! unknown principals see `mit_tools`.)

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hdfs_native::HdfsError;
use kerbox::{Cluster, ErrorCode, Event, Fault, NewPrincipal, Protection, Server, Verdict};

use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::proxy::{Direction, Frames, Proxy};
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [Peer::LibGssapi] =>
        a_ticket_past_its_end_is_refused,
        a_ticket_before_its_start_is_refused,
        a_ticket_in_a_key_that_the_service_does_not_have_is_refused,
        a_ticket_in_another_key_of_the_same_version_is_refused,
        a_replayed_authenticator_is_refused,
        a_tampered_wrap_token_is_refused,
        a_faulty_namenode_answers_the_exception_of_choice,
        a_namenode_that_hangs_up_is_survived_or_told,
        a_datanode_that_dies_at_the_third_packet_is_replaced_in_the_pipeline,
        a_damaged_replica_is_found_out,
        an_expired_block_token_is_refused_by_the_datanode;
}

fn ap_errors(cluster: &Cluster, code: ErrorCode) -> usize {
    cluster.journal().count(|event| {
        matches!(
            event,
            Event::ApExchange { server: Server::NameNode(1), outcome, .. }
                if outcome.kerberos_code() == Some(code)
        )
    })
}

/// Returns whether a NameNode answered that it does not accept a ticket.
fn is_gss_refusal(refused: Option<&HdfsError>) -> bool {
    matches!(refused, Some(HdfsError::FatalRPCError(class, message))
        if class == "javax.security.sasl.SaslException" && message.contains("GSS initiate failed"))
}

fn a_ticket_past_its_end_is_refused() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        // The ticket is valid for the client; only the NameNode's clock is eleven hours ahead.
        let _skew = cluster.skew(Server::NameNode(1), 11 * 3600)?;
        let refused = client(&cluster, &alice)?.get_file_info("/").await.err();
        assert!(is_gss_refusal(refused.as_ref()), "{refused:?}");
        assert!(
            ap_errors(&cluster, ErrorCode::KRB_AP_ERR_TKT_EXPIRED) > 0,
            "{}",
            cluster.journal().last(20)
        );
        Ok(())
    })
}

fn a_ticket_before_its_start_is_refused() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let _skew = cluster.skew(Server::NameNode(1), -3600)?;
        let refused = client(&cluster, &alice)?.get_file_info("/").await.err();
        assert!(is_gss_refusal(refused.as_ref()), "{refused:?}");
        assert!(
            ap_errors(&cluster, ErrorCode::KRB_AP_ERR_TKT_NYV) > 0,
            "{}",
            cluster.journal().last(20)
        );
        Ok(())
    })
}

fn a_ticket_in_a_key_that_the_service_does_not_have_is_refused() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    // The KDC has new keys for the NameNode, but the NameNode's keytab still has the old ones.
    cluster
        .realm()
        .ok_or("no realm")?
        .change_keys("nn/localhost", false)?;
    block_on(async {
        let refused = client(&cluster, &alice)?.get_file_info("/").await.err();
        assert!(is_gss_refusal(refused.as_ref()), "{refused:?}");
        assert!(
            ap_errors(&cluster, ErrorCode::KRB_AP_ERR_BADKEYVER) > 0,
            "{}",
            cluster.journal().last(20)
        );
        Ok(())
    })
}

fn a_ticket_in_another_key_of_the_same_version_is_refused() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    // The NameNode's principal was deleted and created again: version 1 again, but other keys.
    let realm = cluster.realm().ok_or("no realm")?;
    let namenode = realm.principal("nn/localhost")?;
    realm
        .kdc()
        .update(|database, _| database.remove(&namenode))?;
    realm.add_principal(NewPrincipal::new("nn/localhost"))?;
    block_on(async {
        let refused = client(&cluster, &alice)?.get_file_info("/").await.err();
        assert!(is_gss_refusal(refused.as_ref()), "{refused:?}");
        assert!(
            ap_errors(&cluster, ErrorCode::KRB_AP_ERR_BAD_INTEGRITY) > 0,
            "{}",
            cluster.journal().last(20)
        );
        Ok(())
    })
}

fn a_replayed_authenticator_is_refused() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let proxy = Proxy::start(cluster.namenode_address(), |_, _, _| {})?;
        proxy.client(&cluster, &alice)?.get_file_info("/").await?;
        assert_eq!(ap_errors(&cluster, ErrorCode::KRB_AP_ERR_REPEAT), 0);
        // An eavesdropper sends everything that the client sent once more.
        proxy.replay()?;
        cluster
            .journal()
            .wait(
                |event| {
                    matches!(
                        event,
                        Event::ApExchange { outcome, .. }
                            if outcome.kerberos_code() == Some(ErrorCode::KRB_AP_ERR_REPEAT)
                    )
                },
                Duration::from_secs(60),
            )
            .await?;
        Ok(())
    })
}

fn a_tampered_wrap_token_is_refused() -> TestResult {
    for protection in [Protection::Integrity, Protection::Privacy] {
        let cluster = Cluster::secure().protection(protection).start_blocking()?;
        let alice = cluster.login_blocking("alice")?;
        block_on(async {
            // After NEGOTIATE, INITIATE and two responses, everything that the client sends is
            // wrapped: its connection context and its first call.
            let mut frames = Frames::new();
            let proxy = Proxy::start(
                cluster.namenode_address(),
                move |direction, before, bytes| {
                    if direction == Direction::ToServer {
                        if before == 0 {
                            frames = Frames::new();
                        }
                        for byte in bytes {
                            *byte ^= u8::from(frames.end(*byte).is_some_and(|number| number >= 4));
                        }
                    }
                },
            )?;
            let client = proxy.client(&cluster, &alice)?;
            // hdfs-native connects again and again, and waits in between, so its end is not waited
            // for: the first session must have been cut.
            let session = AtomicBool::new(false);
            let journal = cluster.journal();
            let cut = journal.wait(
                |event| match event {
                    Event::Sasl { user, outcome, .. } if user.starts_with("alice") => {
                        session.store(outcome.is_ok(), Ordering::Relaxed);
                        false
                    }
                    Event::Connection {
                        server: Server::NameNode(1),
                        opened: false,
                        ..
                    } => session.load(Ordering::Relaxed),
                    _ => false,
                },
                Duration::from_secs(60),
            );
            tokio::select! {
                answered = client.get_file_info("/user") => {
                    assert!(answered.is_err(), "a tampered call was served: {answered:?}");
                }
                cut = cut => { cut?; }
            }
            let served = cluster
                .journal()
                .count(|event| matches!(event, Event::RpcCall { outcome, .. } if outcome.is_ok()));
            assert_eq!(served, 0, "{}", cluster.journal().last(20));
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

fn a_faulty_namenode_answers_the_exception_of_choice() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let fault = cluster.inject(|event: &Event| match event {
            Event::RpcCall { method, .. } if &**method == "getFileInfo" => Verdict::Exception {
                class: "org.apache.hadoop.hdfs.server.namenode.SafeModeException".into(),
                message: "not today".into(),
            },
            _ => Verdict::Pass,
        });
        let refused = client.get_file_info("/").await.err();
        assert!(
            matches!(
                &refused,
                Some(HdfsError::RPCError(class, message))
                    if class.ends_with("SafeModeException") && message.contains("not today")
            ),
            "{refused:?}"
        );
        assert_eq!(fault.struck(), 1);
        drop(fault);
        client.get_file_info("/").await?;
        Ok(())
    })
}

fn a_namenode_that_hangs_up_is_survived_or_told() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        client.get_file_info("/").await?;
        let fault = cluster.inject(
            Fault::disconnect(Server::NameNode(1))
                .on_method("getFileInfo")
                .once(),
        );
        // The client may or may not retry; the next call must work.
        let _ = client.get_file_info("/").await;
        assert_eq!(fault.struck(), 1);
        client.get_file_info("/").await?;
        Ok(())
    })
}

fn a_datanode_that_dies_at_the_third_packet_is_replaced_in_the_pipeline() -> TestResult {
    let cluster = Cluster::secure().datanodes(4).start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(1_000_000);
        // This is the DataNode that is the first to see a third packet.
        let fault = cluster.inject(
            Fault::new(
                |event| {
                    matches!(
                        event,
                        Event::Packet {
                            nth: 3,
                            writing: true,
                            ..
                        }
                    )
                },
                Verdict::Kill,
            )
            .once(),
        );
        let written = write(&client, "/user/alice/survivor", bytes.clone()).await;
        assert!(written.is_ok(), "{written:?}");
        assert_eq!(fault.struck(), 1);
        assert!(read(&client, "/user/alice/survivor").await? == bytes);
        let dead = (1..=4)
            .filter(|number| {
                cluster
                    .datanode(*number)
                    .is_ok_and(|datanode| !datanode.is_running())
            })
            .count();
        assert_eq!(dead, 1);
        Ok(())
    })
}

fn a_damaged_replica_is_found_out() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        write(&client, "/user/alice/f", pattern(100_000)).await?;
        let file = find_block(cluster.datanode(1)?.directory())?.ok_or("no block file")?;
        let mut bytes = std::fs::read(&file)?;
        bytes[50_000] ^= 1;
        std::fs::write(&file, bytes)?;
        let refused = read(&client, "/user/alice/f").await.err();
        assert!(refused.is_some(), "a damaged block was read");
        Ok(())
    })
}

fn an_expired_block_token_is_refused_by_the_datanode() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        write(&client, "/user/alice/f", pattern(1000)).await?;
        // Tokens live ten hours; only the DataNode's clock is eleven hours ahead.
        let skew = cluster.skew(Server::DataNode(1), 11 * 3600)?;
        let journal = cluster.journal().from_here();
        // This client panics if a DataNode refuses the token; any failure will do here.
        let reader = client.clone();
        let refused = tokio::spawn(async move { read(&reader, "/user/alice/f").await });
        assert!(
            !matches!(refused.await, Ok(Ok(_))),
            "an expired token was good"
        );
        let served = journal
            .count(|event| matches!(event, Event::ReadBlock { outcome, .. } if outcome.is_ok()));
        assert_eq!(served, 0, "{}", journal.last(20));
        drop(skew);
        assert!(read(&client, "/user/alice/f").await? == pattern(1000));
        Ok(())
    })
}

/// Finds the first `blk_<id>` file below a directory.
fn find_block(directory: &std::path::Path) -> std::io::Result<Option<std::path::PathBuf>> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(found) = find_block(&path)? {
                return Ok(Some(found));
            }
        } else if path.extension().is_none()
            && path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("blk_"))
        {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
