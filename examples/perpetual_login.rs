//! A service keeps itself logged in for a month, also while its KDC is down for a night.
//!
//! `cargo run -p kerbox-examples --example perpetual_login`

use std::time::Duration;

use kerbox::Realm;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let realm = Realm::start().await?;
    let service = realm
        .perpetual_login("svc")?
        .on_failure(|failure| println!("  {}; again at {}", failure.error, failure.next))
        .start()
        .await?;

    realm.advance(15 * 24 * HOUR).await?;
    println!("a night without a KDC:");
    realm.stop_kdc();
    realm.advance(9 * HOUR).await?;
    realm.restart_kdc()?;
    realm.advance(15 * 24 * HOUR).await?;

    let (renewals, logins) = service.refreshes();
    println!("after a month: {renewals} renewals, {logins} logins from the keytab");
    let ticket = service.ticket();
    println!("the ticket is valid until {}", ticket.end_time);
    assert!(ticket.end_time > realm.clock().now());
    Ok(())
}
