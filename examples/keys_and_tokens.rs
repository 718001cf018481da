//! Keys are rolled while a client works, and a delegation token is renewed until it ends for good.
//!
//! `cargo run -p kerbox-examples --example keys_and_tokens`

use std::time::Duration;

use hdfs_native::ClientBuilder;
use kerbox::{Cluster, KeyKind};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = Cluster::secure().start().await?;
    let alice = cluster.login("alice").await?;
    let connect = || {
        let settings = cluster.in_process(&alice);
        ClientBuilder::new()
            .with_url(settings.url)
            .with_config_dir(settings.config_dir)
            .with_kerberos_principal(settings.principal)
            .with_kerberos_cache(settings.cache)
            .build()
    };
    connect()?.get_file_info("/user/alice").await?;

    // Tickets of the old keys are good until they end.
    for keys in [KeyKind::Krbtgt, KeyKind::Service("nn/localhost".to_owned())] {
        let version = cluster.roll_keys(&keys)?;
        println!("{keys:?}: version {version}");
        connect()?.get_file_info("/user/alice").await?;
        alice.renew().await?;
    }

    // A day without renewal, and a week with, are the lives of a token.
    let token = cluster.token("alice").renewer("yarn").issue()?;
    let hours = |count: u64| Duration::from_secs(count * 3600);
    let mut renewals = 0;
    loop {
        cluster.advance(hours(23)).await?;
        if let Err(refused) = token.renew() {
            println!("after {renewals} renewals: {refused}");
            break;
        }
        renewals += 1;
    }
    assert_eq!(renewals, 7);
    assert!(!token.is_valid());
    Ok(())
}
