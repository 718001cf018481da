//! Many clusters at once in one process, none aware of the others.

use std::time::Duration;

use kerbox::{Cluster, Event, Outcome};

use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [Peer::LibGssapi] =>
        fifty_secure_clusters_at_once_log_in_write_and_read;
    [] =>
        moving_one_clock_moves_no_other,
        nothing_is_left_when_a_cluster_is_dropped;
}

fn fifty_secure_clusters_at_once_log_in_write_and_read() -> TestResult {
    const CLUSTERS: usize = 50;
    let clusters = (0..CLUSTERS)
        .map(|_| Cluster::secure().start_blocking())
        .collect::<Result<Vec<_>, _>>()?;
    let barrier = std::sync::Barrier::new(CLUSTERS);
    std::thread::scope(|scope| {
        let users: Vec<_> = clusters
            .iter()
            .enumerate()
            .map(|(number, cluster)| {
                let barrier = &barrier;
                scope.spawn(move || -> TestResult {
                    barrier.wait();
                    let alice = cluster.login_blocking("alice")?;
                    block_on(async {
                        let client = client(cluster, &alice)?;
                        let bytes = pattern(10_000 + number);
                        write(&client, "/user/alice/mine", bytes.clone()).await?;
                        assert!(read(&client, "/user/alice/mine").await? == bytes);
                        assert_eq!(client.list_status("/user/alice", true).await?.len(), 1);
                        Ok(())
                    })
                })
            })
            .collect();
        users
            .into_iter()
            .try_for_each(|user| user.join().unwrap_or_else(|_| Err("a user panicked".into())))
    })?;
    for cluster in &clusters {
        let logins = cluster
            .journal()
            .count(|event| matches!(event, Event::AsExchange { outcome: Outcome::Ok, .. }));
        assert_eq!(logins, 1, "{}", cluster.journal().last(20));
    }
    Ok(())
}

fn moving_one_clock_moves_no_other() -> TestResult {
    let (moved, still) = (Cluster::secure().start_blocking()?, Cluster::secure().start_blocking()?);
    moved.advance_blocking(Duration::from_hours(1000))?;
    assert!(moved.clock().now().since(still.clock().now()) > Duration::from_hours(999));
    still.login_blocking("alice")?;
    Ok(())
}

fn nothing_is_left_when_a_cluster_is_dropped() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let path = cluster.path().to_owned();
    let address = cluster.namenode_address();
    assert!(path.join("krb5.conf").exists());
    drop(cluster);
    assert!(!path.exists());
    assert!(std::net::TcpStream::connect(address).is_err(), "somebody still listens");
    Ok(())
}
