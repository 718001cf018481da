//! gokrb5, driven by a small probe: login by password, keytab or credential cache, then service
//! tickets.

use std::time::Duration;

use kerbox::{Clock, Event, Realm, TgsKind};

use super::realms::with_long_passwords;
use crate::support::{Peer, TestResult, command, peers_dir, run, trials};

trials! {
    [Peer::GoKrb5] =>
        it_logs_in_by_password_keytab_and_ccache,
        it_is_refused_by_number,
        it_renews_a_ticket_that_is_nearly_over,
        it_changes_a_password_and_says_why_not;
}

fn it_logs_in_by_password_keytab_and_ccache() -> TestResult {
    let realm = Realm::builder()
        .user_with_password("alice", "pw")
        .start_blocking()?;
    let probe = peers_dir().join("bin/krb-go");
    let keytab = realm.keytab("alice")?.display().to_string();
    let alice = realm.login_blocking("alice")?;
    let cache = alice.ccache().display().to_string();
    for (option, value) in [("-p", "pw"), ("-k", &*keytab), ("-c", &*cache)] {
        let said = run(
            &mut command(
                &realm.env(),
                &probe,
                &["alice", option, value, "host/localhost"],
            ),
            "",
        )?
        .ok()?;
        assert!(said.contains("host/localhost"), "{option}: {said}");
    }
    Ok(())
}

fn it_is_refused_by_number() -> TestResult {
    let realm = Realm::start_blocking()?;
    let probe = peers_dir().join("bin/krb-go");
    let go = |arguments: &[&str]| run(&mut command(&realm.env(), &probe, arguments), "");
    let said = go(&["alice", "-p", "wrong"])?.refused()?;
    assert!(said.contains("(24) KDC_ERR_PREAUTH_FAILED"), "{said}");
    let said = go(&["nobody", "-p", "x"])?.refused()?;
    assert!(said.contains("(6) KDC_ERR_C_PRINCIPAL_UNKNOWN"), "{said}");
    let said = go(&["alice", "-p", "alice", "no/such"])?.refused()?;
    assert!(said.contains("(7) KDC_ERR_S_PRINCIPAL_UNKNOWN"), "{said}");
    Ok(())
}

/// Go programs only know the system's clock, so the realm starts in the past and its clock is moved
/// to the present.
fn it_renews_a_ticket_that_is_nearly_over() -> TestResult {
    let clock = Clock::system();
    clock.set(clock.now() - Duration::from_secs(9 * 3600));
    let realm = Realm::builder().clock(clock).start_blocking()?;
    let alice = realm.login_blocking("alice")?;
    realm.advance_blocking(Duration::from_secs(9 * 3600))?;
    let probe = peers_dir().join("bin/krb-go");
    let cache = alice.ccache().display().to_string();
    run(
        &mut command(
            &realm.env(),
            &probe,
            &["alice", "-c", &cache, "host/localhost"],
        ),
        "",
    )?
    .ok()?;
    let renewed = |event: &Event| {
        let kind = TgsKind::Renew;
        matches!(
            event,
            Event::TgsExchange { kind: seen, outcome, .. }
                if *seen == kind && outcome.is_ok()
        )
    };
    assert_eq!(realm.journal().count(renewed), 1);
    Ok(())
}

fn it_changes_a_password_and_says_why_not() -> TestResult {
    let realm = with_long_passwords()?;
    let probe = peers_dir().join("bin/krb-go");
    let go = |arguments: &[&str]| run(&mut command(&realm.env(), &probe, arguments), "");
    let said = go(&["alice", "-p", "alice", "-n", "short"])?.refused()?;
    assert!(said.contains("New password is too short."), "{said}");
    let said = go(&["alice", "-p", "alice", "-n", "long-enough"])?.ok()?;
    assert!(said.contains("password changed: true"), "{said}");
    go(&["alice", "-p", "long-enough"])?.ok()?;
    Ok(())
}
