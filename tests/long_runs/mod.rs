//! Services that run for weeks of the fixture's time, as people run them: a cron job with
//! `kinit -R`, a Java service with Krb5LoginModule and JGSS, a Go service with gokrb5, a Spark job
//! with delegation tokens.
//!
//! The usual trials play some days. `KERBOX_LONG=1` (`.ci/long runs`) plays what the names say.

pub(crate) mod spark;

use std::time::Duration;

use kerbox::{Event, Realm, TgsKind};

use crate::clients::jdk::Jdk;
use crate::clock::{Playing, played};
use crate::support::{Peer, TestResult, Text, peer_source, peers_dir, trials};

trials! {
    [Peer::Mit] => a_cron_job_renews_for_seven_days;
    [Peer::Jdk17] => a_java_service_with_a_keytab_runs_for_thirty_days;
    [Peer::Jdk17, Peer::Mit] => a_java_service_with_a_cache_ends_with_its_renewals;
    [Peer::GoKrb5] =>
        a_go_service_runs_for_eight_days,
        a_go_service_does_not_survive_an_outage_until_its_renewals_end;
}

const HOUR: Duration = Duration::from_secs(3600);

/// Returns `long` days in a long run, else `short`.
fn days(short: u32, long: u32) -> u32 {
    let is_long = std::env::var_os("KERBOX_LONG").is_some_and(|value| value == "1");
    if is_long { long } else { short }
}

/// The ticket lasts a bit longer than the job's interval, as people set it.
fn a_cron_job_renews_for_seven_days() -> TestResult {
    let realm = Realm::builder()
        .ticket_lifetime(25 * HOUR)
        .start_blocking()?;
    let script = "kinit -k -t \"$1\" alice && echo ready
        while sleep 86401; do kinit -R 2>&1 || break; echo renewed; done
        kinit -k -t \"$1\" alice && echo again";
    let mut shell = realm.command_under_clock("sh")?;
    shell.args(["-c", script, "sh"]).arg(realm.keytab("alice")?);
    let printed = played(&realm, shell, 8 * 24)?;
    let renewed = "renewed\n".repeat(6);
    let refused = "kinit: Ticket expired while renewing credentials\n";
    assert_eq!(printed, format!("ready\n{renewed}{refused}again\n"));
    Ok(())
}

/// Plays the Java service, whose client has its tickets from `source`.
fn java(realm: &Realm, source: &str, days: u32) -> Text {
    let alice = realm.login_blocking("alice")?;
    let from = match source {
        "cache" => alice.ccache().to_owned(),
        _ => realm.keytab("alice")?,
    };
    let java = Jdk::V17.java().ok_or("it was here before")?;
    let conf = realm.path().join("krb5.conf");
    let mut command = alice.command_under_clock(java)?;
    command
        .arg(format!("-Djava.security.krb5.conf={}", conf.display()))
        .args(["-Djava.net.preferIPv4Stack=true", "-XX:TieredStopAtLevel=1"])
        .arg(peer_source("long_runs").join("TicketService.java"))
        .args([source, &alice.principal().to_string()])
        .arg(from)
        .arg("host/localhost")
        .arg(realm.keytab("host/localhost")?)
        .arg((24 * days).to_string());
    played(realm, command, u64::from(24 * days + 2))
}

/// Tickets of ten hours are replaced after eight.
fn a_java_service_with_a_keytab_runs_for_thirty_days() -> TestResult {
    let days = days(3, 30);
    let printed = java(&Realm::start_blocking()?, "keytab", days)?;
    let (contexts, refreshes) = (24 * days, 3 * days);
    let expected =
        format!("ready\ncontexts {contexts} refused 0 refreshes {refreshes} failures 0\n");
    assert_eq!(printed, expected);
    Ok(())
}

/// Without a keytab the service is refused once its ticket cannot be renewed any more, which its
/// refreshing thread has seen in time.
fn a_java_service_with_a_cache_ends_with_its_renewals() -> TestResult {
    let (renewable, all) = (days(1, 7), days(2, 8));
    let realm = Realm::builder()
        .renewable_lifetime(24 * HOUR * renewable)
        .start_blocking()?;
    let printed = java(&realm, "cache", all)?;
    assert!(
        printed.contains("no renewal beyond the end of this ticket"),
        "{printed}"
    );
    let renewals = realm.journal().count(|event| {
        let Event::TgsExchange { kind, outcome, .. } = event else {
            return false;
        };
        *kind == TgsKind::Renew && outcome.is_ok()
    });
    // Context N is opened half an hour after hour N, and needs a ticket that has not ended.
    let contexts = 24 * renewable - 1;
    let refused = 24 * all - contexts;
    let expected =
        format!("contexts {contexts} refused {refused} refreshes {renewals} failures 0\n");
    assert!(printed.ends_with(&expected), "{printed}, not {expected}");
    Ok(())
}

/// Starts the Go service for `days`.
fn go(realm: &Realm, days: u32) -> Result<Playing, Box<dyn std::error::Error + Send + Sync>> {
    let mut command = realm.command_under_clock(peers_dir().join("bin/krb-go"))?;
    command
        .args(["serve", "alice"])
        .arg(realm.keytab("alice")?)
        .args(["host/localhost", &(24 * days).to_string()]);
    Playing::start(command)
}

fn a_go_service_runs_for_eight_days() -> TestResult {
    let (renewable, all) = (days(1, 7), days(2, 8));
    let realm = Realm::builder()
        .renewable_lifetime(24 * HOUR * renewable)
        .start_blocking()?;
    let mut service = go(&realm, all)?;
    service.advance(&realm, u64::from(24 * all + 1))?;
    let printed = service.finish()?;
    assert_eq!(printed, format!("ready\ntickets {} refused 0\n", 24 * all));
    Ok(())
}

/// The KDC is down from the eighth to the tenth hour, when gokrb5 wants to renew a ticket of ten
/// hours. Afterwards gokrb5 keeps renewing the ticket that has ended, which the KDC refuses, and
/// returns to its keytab only at the end of the renewable life. That is 48 hours at most, because
/// gokrb5 asks for no more, whatever krb5.conf says.
fn a_go_service_does_not_survive_an_outage_until_its_renewals_end() -> TestResult {
    let (renewable, all) = (days(1, 7), days(2, 8));
    let realm = Realm::builder()
        .renewable_lifetime(24 * HOUR * renewable)
        .start_blocking()?;
    let mut service = go(&realm, all)?;
    service.advance(&realm, 8)?;
    realm.stop_kdc();
    service.advance(&realm, 2)?;
    realm.restart_kdc()?;
    service.advance(&realm, u64::from(24 * all - 9))?;
    let printed = service.finish()?;
    let lines: Vec<&str> = printed.lines().collect();
    let [ready, refused, served, counts] = lines[..] else {
        return Err(printed.into());
    };
    assert_eq!(ready, "ready");
    assert!(refused.starts_with("hour 10 refused "), "{printed}");
    assert!(refused.contains("(32) KRB_AP_ERR_TKT_EXPIRED"), "{printed}");
    let end = 24 * renewable.min(2);
    assert_eq!(served, format!("hour {end} served"));
    let down = end - 10;
    assert_eq!(
        counts,
        format!("tickets {} refused {down}", 24 * all - down)
    );
    Ok(())
}
