//! A job that renews its ticket in time outlives the ticket's end; one that does not is refused.
//! Seven days pass in a moment.
//!
//! `cargo run -p kerbox-examples --example expired_ticket`

use std::time::Duration;

use hdfs_native::ClientBuilder;
use kerbox::{Cluster, ErrorCode};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = Cluster::secure()
        .ticket_lifetime(Duration::from_secs(25 * 3600))
        .renewable_lifetime(Duration::from_secs(7 * 24 * 3600))
        .start()
        .await?;
    let alice = cluster.login("alice").await?;
    let _env = alice.enter_env();
    let list = async || {
        ClientBuilder::new()
            .with_url(cluster.url())
            .build()?
            .list_status("/", false)
            .await
    };

    for day in 1..=6 {
        cluster.advance(Duration::from_secs(24 * 3600)).await?;
        alice.renew().await?;
        println!(
            "day {day}: renewed until {}, {} entries in /",
            alice.ticket().end_time,
            list().await?.len()
        );
    }

    cluster.advance_past(alice.ticket().end_time).await?;
    let refused = list().await.expect_err("the ticket has ended");
    println!("day 7, the client: {refused}");
    let too_late = alice
        .renew()
        .await
        .expect_err("an expired ticket cannot be renewed");
    assert_eq!(
        too_late.kerberos_code(),
        Some(ErrorCode::KRB_AP_ERR_TKT_EXPIRED)
    );
    println!("day 7, the KDC: {too_late}");

    alice.login_again().await?;
    println!("after a new login: {} entries in /", list().await?.len());
    Ok(())
}
