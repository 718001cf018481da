//! An unmodified Go program, statically linked, lives through eight days in under a second:
//! the runtime's timers fire as the fixture advances.
//!
//! `cargo run -p kerbox-examples --example go_service` (needs `go`, and Linux)

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use kerbox::Realm;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let realm = Realm::start_blocking()?;
    let program = realm.path().join("schedule");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&program)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/schedule.go"))
        .status()?;
    assert!(built.success(), "go build failed");
    let mut service = realm
        .command_under_clock(&program)?
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
    std::fs::remove_file(program)?;
    Ok(())
}
