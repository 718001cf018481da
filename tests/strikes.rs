//! Whom, what and when faults strike, as real clients meet it: one service, a password change, a
//! handshake, the second connection, one DataNode, one packet, one report.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use hdfs_native::HdfsError;
use kerbox::{Cluster, ErrorCode, Event, Fault, Login, Operation, Outcome, Realm, Server};

use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::clients::java_hadoop::java_commands;
use crate::support::{Peer, TestResult, block_on, on, trials};

trials! {
    [Peer::Mit] =>
        one_service_alone_is_refused,
        a_password_change_is_refused,
        the_nth_login_alone_is_refused,
        some_logins_are_refused_by_chance;
    [Peer::LibGssapi] =>
        a_handshake_is_answered_with_an_exception,
        a_ticket_is_answered_with_a_kerberos_error,
        the_second_connection_is_closed_at_once,
        a_datanode_dies_at_a_packet_of_a_block,
        a_bad_disk_spoils_what_it_stores,
        one_kind_of_report_is_lost;
    [Peer::JavaHadoop] => one_operation_of_datanodes_fails;
}

fn one_service_alone_is_refused() -> TestResult {
    let realm = Realm::start_blocking()?;
    on(&realm, "kinit", &["alice"], "alice\n")?.ok()?;
    let refusal = Fault::on_service_tickets("host/localhost").krb_error(ErrorCode::KDC_ERR_POLICY);
    let fault = realm.inject(refusal);
    on(&realm, "kvno", &["nn/localhost"], "")?.ok()?;
    let said = on(&realm, "kvno", &["host/localhost"], "")?.refused()?;
    assert!(said.contains("KDC policy rejects request"), "{said}");
    assert!(fault.struck() > 0);
    drop(fault);
    on(&realm, "kvno", &["host/localhost"], "")?.ok()?;
    Ok(())
}

fn a_password_change_is_refused() -> TestResult {
    let realm = Realm::start_blocking()?;
    let fault = realm.inject(
        Fault::on_password_changes()
            .of("alice")
            .krb_error(ErrorCode::KRB_ERR_GENERIC),
    );
    let words = "alice\nanother-pw\nanother-pw\n";
    on(&realm, "kpasswd", &["alice"], words)?.refused()?;
    assert!(fault.struck() > 0, "{}", realm.journal().last(20));
    // Nothing was changed.
    on(&realm, "kinit", &["alice"], "alice\n")?.ok()?;
    drop(fault);
    on(&realm, "kpasswd", &["alice"], words)?.ok()?;
    on(&realm, "kinit", &["alice"], "another-pw\n")?.ok()?;
    Ok(())
}

/// kinit asks twice for each login: without pre-authentication, and with it.
fn the_nth_login_alone_is_refused() -> TestResult {
    let realm = Realm::start_blocking()?;
    let refusal = Fault::on_logins()
        .of("alice")
        .krb_error(ErrorCode::KDC_ERR_CLIENT_REVOKED)
        .nth(4);
    let fault = realm.inject(refusal);
    on(&realm, "kinit", &["alice"], "alice\n")?.ok()?;
    let said = on(&realm, "kinit", &["alice"], "alice\n")?.refused()?;
    assert!(said.contains("credentials have been revoked"), "{said}");
    on(&realm, "kinit", &["alice"], "alice\n")?.ok()?;
    assert_eq!(fault.struck(), 1);
    Ok(())
}

/// Which ones is a matter of the seed and of the user.
fn some_logins_are_refused_by_chance() -> TestResult {
    let runs = || -> Result<Vec<bool>, Box<dyn std::error::Error + Send + Sync>> {
        let realm = Realm::builder()
            .realm_name("CHANCE.TEST")
            .seed(2)
            .start_blocking()?;
        let refusal = Fault::on_logins()
            .krb_error(ErrorCode::KDC_ERR_CLIENT_REVOKED)
            .with_probability(0.3);
        let _fault = realm.inject(refusal);
        (0..8)
            .map(|_| Ok(on(&realm, "kinit", &["alice"], "alice\n")?.ok().is_ok()))
            .collect()
    };
    let first = runs()?;
    assert!(first.contains(&true) && first.contains(&false), "{first:?}");
    assert_eq!(runs()?, first);
    Ok(())
}

pub(crate) fn started(datanodes: usize) -> Result<(Cluster, Login), kerbox::Error> {
    let cluster = Cluster::secure().datanodes(datanodes).start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    Ok((cluster, alice))
}

fn a_handshake_is_answered_with_an_exception() -> TestResult {
    let (cluster, alice) = started(1)?;
    let class = "org.apache.hadoop.security.AccessControlException";
    let refusal = Fault::on_handshakes()
        .of("alice")
        .exception(class, "not today");
    let fault = cluster.inject(refusal);
    block_on(async {
        let refused = client(&cluster, &alice)?.get_file_info("/").await.err();
        assert!(
            matches!(&refused, Some(HdfsError::FatalRPCError(name, why))
                if name == class && why.contains("not today")),
            "{refused:?}"
        );
        assert!(fault.struck() > 0);
        let bob = cluster.login("bob").await?;
        client(&cluster, &bob)?.get_file_info("/").await?;
        drop(fault);
        client(&cluster, &alice)?.get_file_info("/").await?;
        Ok(())
    })
}

fn a_ticket_is_answered_with_a_kerberos_error() -> TestResult {
    let (cluster, alice) = started(1)?;
    let skewed = Fault::on_ticket_checks()
        .at(Server::NameNode(1))
        .of("alice")
        .krb_error(ErrorCode::KRB_AP_ERR_SKEW);
    let fault = cluster.inject(skewed);
    block_on(async {
        let refused = client(&cluster, &alice)?.get_file_info("/").await.err();
        assert!(
            matches!(&refused, Some(HdfsError::FatalRPCError(_, why))
                if why.contains("GSS initiate failed")),
            "{refused:?}"
        );
        assert!(fault.struck() > 0);
        drop(fault);
        client(&cluster, &alice)?.get_file_info("/").await?;
        Ok(())
    })
}

fn the_second_connection_is_closed_at_once() -> TestResult {
    let (cluster, alice) = started(1)?;
    let home = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let closed = Fault::on_connections()
        .at(Server::NameNode(1))
        .peer(home)
        .disconnect()
        .nth(2);
    let fault = cluster.inject(closed);
    block_on(async {
        client(&cluster, &alice)?.get_file_info("/").await?;
        // This client reports it, or connects once more.
        let _ = client(&cluster, &alice)?.get_file_info("/").await;
        assert_eq!(fault.struck(), 1);
        client(&cluster, &alice)?.get_file_info("/").await?;
        Ok(())
    })
}

/// Returns the ids of the blocks that were written.
fn blocks(cluster: &Cluster) -> Vec<u64> {
    let entries = cluster.journal().entries();
    let written = entries.iter().filter_map(|entry| match &entry.event {
        Event::WriteBlock { block, .. } => Some(*block),
        _ => None,
    });
    written.collect()
}

fn a_datanode_dies_at_a_packet_of_a_block() -> TestResult {
    let (cluster, alice) = started(3)?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(400_000);
        write(&client, "/user/alice/f", bytes.clone()).await?;
        let [block, ..] = blocks(&cluster)[..] else {
            return Err("no block was written".into());
        };
        let dies = Fault::on_read_packets().of_block(block).packet(3).kill();
        let fault = cluster.inject(dies.once());
        assert!(read(&client, "/user/alice/f").await? == bytes);
        assert_eq!(fault.struck(), 1);
        let alive = (1..=3).filter(|number| {
            let datanode = cluster.datanode(*number);
            datanode.is_ok_and(|datanode| datanode.is_running())
        });
        assert_eq!(alive.count(), 2);
        Ok(())
    })
}

/// The client's checksums show it when the file is read; the other replica is good.
fn a_bad_disk_spoils_what_it_stores() -> TestResult {
    let (cluster, alice) = started(2)?;
    let second = Server::DataNode(2);
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(100_000);
        let spoils = Fault::on_written_packets().at(second).corrupt().once();
        let fault = cluster.inject(spoils);
        write(&client, "/user/alice/f", bytes.clone()).await?;
        assert_eq!(fault.struck(), 1);
        // Whoever reads from the bad disk alone is told.
        let first = Fault::on_reads().at(Server::DataNode(1)).disconnect();
        let only_second = cluster.inject(first);
        let refused = read(&client, "/user/alice/f").await;
        assert!(refused.is_err(), "corrupt bytes were read");
        drop(only_second);
        assert!(read(&client, "/user/alice/f").await? == bytes);
        Ok(())
    })
}

/// The replica is known by the next report of all blocks.
fn one_kind_of_report_is_lost() -> TestResult {
    let (cluster, alice) = started(1)?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        client.get_file_info("/").await?;
        let lost = Fault::on_reports()
            .at(Server::DataNode(1))
            .method("blockReceivedAndDeleted")
            .unreachable()
            .once();
        let fault = cluster.inject(lost);
        let bytes = pattern(10_000);
        let written = write(&client, "/user/alice/f", bytes.clone());
        let moved = async {
            let struck = |event: &Event| matches!(event, Event::Fault { .. });
            let seen = cluster
                .journal()
                .wait(struck, Duration::from_secs(30))
                .await;
            cluster.advance(Duration::from_secs(4)).await?;
            seen
        };
        let (written, moved) = tokio::join!(written, moved);
        moved?;
        written?;
        assert_eq!(fault.struck(), 1);
        assert!(read(&client, "/user/alice/f").await? == bytes);
        Ok(())
    })
}

fn one_operation_of_datanodes_fails() -> TestResult {
    let (cluster, alice) = started(1)?;
    let fails = Fault::on_operation(Operation::BlockChecksum)
        .exception("java.io.IOException", "no checksums today");
    let fault = cluster.inject(fails);
    let file = cluster.path().join("local");
    std::fs::write(&file, "text\n")?;
    let file = file.display().to_string();
    let env = alice.env_under_clock()?;
    let commands: [&[&str]; 3] = [
        &["-put", &file, "/user/alice/f"],
        &["-cat", "/user/alice/f"],
        &["-checksum", "/user/alice/f"],
    ];
    let (answers, stderr) = java_commands(&env, "FsShells.java", &commands)?;
    let statuses: Vec<i32> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [0, 0, 1], "{stderr}");
    assert!(fault.struck() > 0);
    let refused = cluster.journal().count(|event| {
        matches!(event, Event::DataTransfer { operation: Operation::BlockChecksum, outcome, .. }
            if !matches!(outcome, Outcome::Ok))
    });
    assert!(refused > 0, "{}", cluster.journal().last(20));
    Ok(())
}
