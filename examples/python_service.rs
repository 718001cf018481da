//! An unmodified Python program lives through eight days in seconds: its timers fire as the fixture
//! advances.
//!
//! `cargo run -p kerbox-examples --example python_service` (needs `python3`, and Linux)

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use kerbox::Realm;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let realm = Realm::start_blocking()?;
    let mut service = realm
        .command_under_clock("python3")?
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/schedule.py"))
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(service.stdout.take().ok_or("no output")?).lines();
    lines.next().ok_or("it has not started")??;

    let begun = realm.clock().real_now();
    realm.advance_blocking(Duration::from_secs(8 * 24 * 3600 + 120))?;
    let refreshes: Vec<String> = lines.collect::<Result<_, _>>()?;
    let took = realm.clock().real_now().since(begun);
    println!("{}", refreshes.last().ok_or("it did nothing")?);
    println!("{} refreshes in {took:?}", refreshes.len());
    assert_eq!(refreshes.len(), 32);
    service.wait()?;
    Ok(())
}
