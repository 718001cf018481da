//! Measures the time from a fixture's start to its first answer, and of its NameNode's restart, in
//! this process.

use std::time::Duration;

use hdfs_native::{ClientBuilder, WriteOptions};
use kerbox::{Cluster, Realm};

use crate::{process, stopwatch};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Starts `rounds` secure clusters one after another, each to the first listing by hdfs-native with
/// a ticket, then as many realms to the first ticket.
pub(crate) async fn fixtures(rounds: usize) -> Result<()> {
    kerbox::use_shared_krb5_conf();
    let mut to_start = Vec::new();
    let mut to_listing = Vec::new();
    for _ in 0..rounds {
        let begun = stopwatch();
        let cluster = Cluster::secure().start().await?;
        to_start.push(stopwatch() - begun);
        let alice = cluster.login("alice").await?;
        let client = ClientBuilder::new()
            .with_url(cluster.url())
            .with_config_dir(cluster.hadoop_conf_dir().display().to_string())
            .with_kerberos_principal(alice.principal().to_string())
            .with_kerberos_cache(format!("FILE:{}", alice.ccache().display()))
            .build()?;
        client.list_status("/", false).await?;
        to_listing.push(stopwatch() - begun);
    }
    tell("secure cluster, started", &mut to_start);
    tell("secure cluster, first listing", &mut to_listing);

    let mut to_ticket = Vec::new();
    for _ in 0..rounds {
        let begun = stopwatch();
        let realm = Realm::start().await?;
        let alice = realm.login("alice").await?;
        to_ticket.push(stopwatch() - begun);
        drop(alice);
    }
    tell("KDC alone, first ticket", &mut to_ticket);
    restarts(rounds).await?;

    let before = process::usage(std::process::id());
    let begun = stopwatch();
    let mut realms = Vec::new();
    for _ in 0..100 {
        realms.push(Realm::start().await?);
    }
    let seconds = stopwatch() - begun;
    if let (Some(before), Some(after)) = (before, process::usage(std::process::id())) {
        let each = after.resident.saturating_sub(before.resident) / 100 / 1024;
        println!(
            "{:<30} {:>7.1} ms   {each} KiB each",
            "100 realms at once",
            seconds * 1e3
        );
    }
    Ok(())
}

/// Restarts the NameNode of a cluster with a thousand files, until it is out of safe mode.
async fn restarts(rounds: usize) -> Result<()> {
    let cluster = Cluster::simple().start().await?;
    let client = ClientBuilder::new()
        .with_url(cluster.url())
        .with_config_dir(cluster.hadoop_conf_dir().display().to_string())
        .with_user("alice")
        .build()?;
    for number in 0..1000 {
        let path = format!("/user/alice/{number}");
        let mut file = client.create(&path, WriteOptions::default()).await?;
        file.write_bytes(vec![7; 1024].into()).await?;
        file.close().await?;
    }
    let mut seconds = Vec::new();
    for round in 0..rounds {
        let begun = stopwatch();
        cluster.restart_namenode()?;
        let path = format!("/user/alice/d{round}");
        client.mkdirs(&path, 0o755, true).await?;
        seconds.push(stopwatch() - begun);
    }
    tell("NameNode restarted, 1000 files", &mut seconds);
    Ok(())
}

/// Prints minimum, median and maximum.
pub(crate) fn tell(what: &str, seconds: &mut [f64]) {
    seconds.sort_by(f64::total_cmp);
    let at = |index: usize| Duration::from_secs_f64(seconds[index]).as_secs_f64() * 1e3;
    println!(
        "{what:<30} {:>7.1} ms   ({:.1} to {:.1}, {} runs)",
        at(seconds.len() / 2),
        at(0),
        at(seconds.len() - 1),
        seconds.len()
    );
}
