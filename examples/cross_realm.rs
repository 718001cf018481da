//! Two realms with a trust in one direction: alice of one realm uses a service of the other. MIT's
//! `kvno` is the client.
//!
//! `cargo run -p kerbox-examples --example cross_realm`

use kerbox::{Realm, Trust};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let services = Realm::builder()
        .realm_name("SERVICES.TEST")
        .trust(Trust::with_password("USERS.TEST", "between us").incoming())
        .start_blocking()?;
    let there = services.kdc_address().to_string();
    let users = Realm::builder()
        .realm_name("USERS.TEST")
        .trust(
            Trust::with_password("SERVICES.TEST", "between us")
                .outgoing()
                .kdc(there),
        )
        .start_blocking()?;

    let alice = users.login_blocking("alice")?;
    let asked = alice
        .command("kvno")
        .arg("host/localhost@SERVICES.TEST")
        .output();
    match asked {
        Ok(output) => print!("{}", String::from_utf8_lossy(&output.stdout)),
        Err(error) => println!("kvno (Debian's krb5-user) is not installed: {error}"),
    }
    println!(
        "what the KDC of {} saw:\n{}",
        services.name(),
        services.journal().last(10)
    );
    Ok(())
}
