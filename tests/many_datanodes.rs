//! A fixture with three hundred DataNodes.

use std::collections::BTreeSet;
use std::time::Duration;

use kerbox::{Cluster, Event, StateChange};
use kerbox_krb5::Clock;

use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [Peer::LibGssapi] => hdfs_native_writes_to_three_hundred_datanodes;
}

const DATANODES: usize = 300;
const FILES: usize = 100;

fn hdfs_native_writes_to_three_hundred_datanodes() -> TestResult {
    let real = Clock::system();
    let begun = real.now();
    let cluster = Cluster::secure().datanodes(DATANODES).threads(2);
    let cluster = cluster.start_blocking()?;
    println!(
        "{DATANODES} DataNodes started in {:?}",
        real.now().since(begun)
    );
    let alice = cluster.login_blocking("alice")?;
    let bytes = pattern(10_000);
    block_on(async {
        let client = client(&cluster, &alice)?;
        for number in 0..FILES {
            let path = format!("/user/alice/{number}");
            write(&client, &path, bytes.clone()).await?;
            assert!(
                read(&client, &path).await? == bytes,
                "{path} came back changed"
            );
        }
        Ok(())
    })?;
    let written = cluster.journal().entries();
    let used: BTreeSet<usize> = written
        .iter()
        .filter_map(|entry| match entry.event {
            Event::WriteBlock { datanode, .. } => Some(datanode),
            _ => None,
        })
        .collect();
    // Of 300 replicas on as many DataNodes by chance, 190 or so DataNodes get one.
    assert!(
        used.len() > DATANODES / 2,
        "only {} have a replica",
        used.len()
    );

    // All of them stay alive, as all send their heartbeats when time moves.
    let begun = real.now();
    cluster.advance_blocking(Duration::from_secs(3600))?;
    println!("an hour passed in {:?}", real.now().since(begun));
    let dead = |event: &Event| {
        matches!(
            event,
            Event::State {
                change: StateChange::Dead,
                ..
            }
        )
    };
    assert_eq!(cluster.journal().count(dead), 0);
    Ok(())
}
