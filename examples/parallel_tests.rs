//! Tests that run in parallel in one process: each has a cluster with a clock of its own, and its
//! client takes all it needs by name.
//!
//! `cargo run -p kerbox-examples --example parallel_tests`

use std::time::Duration;

use hdfs_native::ClientBuilder;
use kerbox::{Clock, Cluster, TestResult};

/// One test: a directory is made, and found again `hours` later.
#[tokio::main(flavor = "current_thread")]
async fn test(hours: u64) -> TestResult {
    let cluster = Cluster::secure().start().await?;
    let alice = cluster.login("alice").await?;
    let settings = cluster.in_process(&alice);
    let connect = || {
        let settings = settings.clone();
        ClientBuilder::new()
            .with_url(settings.url)
            .with_config_dir(settings.config_dir)
            .with_kerberos_principal(settings.principal)
            .with_kerberos_cache(settings.cache)
            .build()
    };
    connect()?.mkdirs("/user/alice/mine", 0o755, true).await?;
    cluster.advance(Duration::from_secs(3600 * hours)).await?;
    alice.login_again().await?;
    connect()?.get_file_info("/user/alice/mine").await?;
    println!("it is {} for this test", cluster.clock().now());
    Ok(())
}

fn main() -> TestResult {
    let clock = Clock::system();
    let begun = clock.now();
    std::thread::scope(|scope| {
        for days in 0..8 {
            scope.spawn(move || test(24 * days));
        }
    });
    println!("eight tests took {:?}", clock.now().since(begun));
    Ok(())
}
