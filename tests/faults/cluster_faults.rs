//! Servers that are cut off from each other, keys that are replaced under a client, and what is
//! negotiated.

use std::time::Duration;

use kerbox::{Cluster, Event, KeyKind, Server};

use super::cluster_of;
use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [Peer::LibGssapi] =>
        datanodes_that_are_cut_off_from_each_other_copy_nothing,
        a_datanode_that_was_cut_off_from_the_namenode_makes_up_for_its_reports,
        a_client_survives_new_keys,
        the_journal_says_what_was_negotiated;
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
