//! Logins that never end, and tasks that wait for the clock, over days of the fixture's time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kerbox::{
    ErrorCode, Event, Fault, LoginFailure, Outcome, PerpetualLogin, Realm, TgsKind, Timestamp,
    Verdict,
};

use crate::support::{Peer, TestResult, command, run, trials};

trials! {
    [] =>
        a_login_lasts_thirty_days,
        a_kdc_that_is_down_is_asked_again_with_growing_pauses,
        a_refusal_is_reported_and_survived,
        rolled_keys_are_read_from_the_keytab,
        time_waits_for_a_slow_kdc,
        many_callers_are_one_login,
        a_stopped_login_asks_no_more,
        tasks_run_in_the_order_of_their_deadlines;
    [Peer::Mit] => mit_uses_the_cache_of_a_login_after_a_week;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

const fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3600)
}

fn is_renewal(event: &Event) -> bool {
    let Event::TgsExchange { kind, outcome, .. } = event else {
        return false;
    };
    *kind == TgsKind::Renew && *outcome == Outcome::Ok
}

fn is_login(event: &Event) -> bool {
    matches!(
        event,
        Event::AsExchange {
            outcome: Outcome::Ok,
            ..
        }
    )
}

type Failures = Arc<Mutex<Vec<LoginFailure>>>;

/// A login whose failures are collected.
fn login(realm: &Realm) -> Result<(PerpetualLogin, Failures), Error> {
    let failures = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&failures);
    let login = realm
        .perpetual_login("alice")?
        .on_failure(move |failure| {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.push(failure.clone());
        })
        .start_blocking()?;
    Ok((login, failures))
}

fn taken(failures: &Mutex<Vec<LoginFailure>>) -> Vec<LoginFailure> {
    std::mem::take(&mut *failures.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Tickets of ten hours are renewed every eight; after seven days the keytab gives new ones.
fn a_login_lasts_thirty_days() -> TestResult {
    let realm = Realm::start_blocking()?;
    let (login, failures) = login(&realm)?;
    for _ in 0..60 {
        realm.advance_blocking(hours(12))?;
        assert!(login.ticket().end_time > realm.clock().now());
    }
    assert_eq!(taken(&failures).len(), 0);
    let (renewals, logins) = login.refreshes();
    assert_eq!(logins, 4, "{renewals} renewals");
    assert!((84..=90).contains(&renewals), "{renewals}");
    assert_eq!(realm.journal().count(is_renewal) as u64, renewals);
    assert_eq!(realm.journal().count(is_login) as u64, 1 + logins);
    Ok(())
}

fn a_kdc_that_is_down_is_asked_again_with_growing_pauses() -> TestResult {
    let realm = Realm::start_blocking()?;
    let (login, failures) = login(&realm)?;
    let due = login.ticket().start_time + hours(8);
    realm.stop_kdc();
    realm.advance_blocking(hours(30))?;
    let heard = taken(&failures);
    assert!(heard.len() > 6, "{heard:?}");
    let first = heard.first().ok_or("it is down")?;
    assert!(first.next >= due + Duration::from_secs(60), "{first:?}");
    assert!(first.error.to_string().contains("reach a KDC"), "{first:?}");
    let pauses: Vec<Duration> = heard
        .windows(2)
        .map(|pair| pair[1].next.since(pair[0].next))
        .collect();
    let limits = Duration::from_secs(59)..Duration::from_secs(3700);
    assert!(
        pauses.iter().all(|pause| limits.contains(pause)),
        "{pauses:?}"
    );
    assert!(login.ticket().end_time < realm.clock().now());
    assert!(login.run_as(|_| ()).is_err());
    realm.restart_kdc()?;
    realm.advance_blocking(hours(2))?;
    assert!(login.ticket().end_time > realm.clock().now());
    assert!(login.run_as(|env| env.get("KRB5CCNAME").is_some())?);
    Ok(())
}

fn a_refusal_is_reported_and_survived() -> TestResult {
    let realm = Realm::start_blocking()?;
    let (login, failures) = login(&realm)?;
    let fault = realm.inject(Fault::krb_error(ErrorCode::KDC_ERR_CLIENT_REVOKED));
    realm.advance_blocking(hours(9))?;
    let heard = taken(&failures);
    let last = heard.last().ok_or("it is refused")?;
    assert_eq!(
        last.error.kerberos_code(),
        Some(ErrorCode::KDC_ERR_CLIENT_REVOKED)
    );
    assert_eq!(last.failures as usize, heard.len());
    // Each attempt tries both ways.
    assert_eq!(fault.struck() as usize, 2 * heard.len());
    drop(fault);
    realm.advance_blocking(hours(1))?;
    assert!(login.ticket().end_time > realm.clock().now() + hours(8));
    Ok(())
}

/// An old keytab does for renewals, but not for the login at their end.
fn rolled_keys_are_read_from_the_keytab() -> TestResult {
    let realm = Realm::start_blocking()?;
    let (login, failures) = login(&realm)?;
    realm.change_keys("alice", false)?;
    realm.advance_blocking(hours(6 * 24))?;
    assert_eq!(taken(&failures).len(), 0);
    realm.advance_blocking(hours(24))?;
    let heard = taken(&failures);
    let first = heard.first().ok_or("the keytab is old")?;
    assert_eq!(
        first.error.kerberos_code(),
        Some(ErrorCode::KDC_ERR_PREAUTH_FAILED)
    );
    let alice = realm.principal("alice")?;
    let now = realm.clock().now();
    let keytab = realm.kdc().database().keytab(&[alice], now)?;
    keytab.write(&realm.keytab("alice")?)?;
    realm.advance_blocking(hours(2))?;
    assert!(login.ticket().end_time > realm.clock().now());
    Ok(())
}

/// An exchange is not cut in two by an advance: a ticket that is renewed at its eighth hour starts
/// then.
fn time_waits_for_a_slow_kdc() -> TestResult {
    let realm = Realm::start_blocking()?;
    let (login, failures) = login(&realm)?;
    let begun = login.ticket().start_time;
    let slow = Verdict::Delay(Duration::from_millis(300));
    let fault = realm.inject(Fault::new(is_exchange, slow));
    realm.advance_blocking(hours(9))?;
    assert!(fault.struck() > 0);
    assert_eq!(taken(&failures).len(), 0);
    let late = login.ticket().start_time.since(begun + hours(8));
    assert!(late < Duration::from_secs(60), "{late:?}");
    Ok(())
}

fn is_exchange(event: &Event) -> bool {
    matches!(event, Event::AsExchange { .. } | Event::TgsExchange { .. })
}

fn many_callers_are_one_login() -> TestResult {
    let realm = Realm::start_blocking()?;
    let (login, _) = login(&realm)?;
    realm.advance_blocking(hours(1))?;
    let slow = Verdict::Delay(Duration::from_millis(500));
    let _fault = realm.inject(Fault::new(is_exchange, slow));
    let seen = realm.journal().from_here();
    let barrier = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    login.refresh_blocking()
                })
            })
            .collect();
        for caller in callers {
            let result = caller.join().map_err(|_| "it panicked")?;
            result.map_err(|error| error.to_string())?;
        }
        Ok::<(), String>(())
    })?;
    assert_eq!(seen.count(is_renewal), 1);
    // Another one within the minimum interval needs no exchange.
    login.refresh_blocking()?;
    assert_eq!(seen.count(is_renewal), 1);
    Ok(())
}

fn a_stopped_login_asks_no_more() -> TestResult {
    let realm = Realm::start_blocking()?;
    let (stopped, _) = login(&realm)?;
    let (dropped, _) = login(&realm)?;
    stopped.stop();
    drop(dropped);
    let seen = realm.journal().from_here();
    realm.advance_blocking(hours(24))?;
    assert_eq!(seen.count(is_exchange), 0);
    // A caller can still refresh it.
    assert!(stopped.ticket().end_time < realm.clock().now());
    stopped.refresh_blocking()?;
    assert!(stopped.ticket().end_time > realm.clock().now());
    Ok(())
}

/// Tasks of the test's own runtime, which wait while the test awaits the advance.
fn tasks_run_in_the_order_of_their_deadlines() -> TestResult {
    let realm = Realm::start_blocking()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let clock = realm.clock();
    let start = clock.now();
    let ran = Mutex::new(Vec::new());
    let ticks = AtomicU64::new(0);
    let run = |name: &'static str, at: Timestamp| {
        let mut ran = ran.lock().unwrap_or_else(PoisonError::into_inner);
        ran.push((name, at.since(start).as_secs() / 3600));
    };
    runtime.block_on(async {
        let sleeps = async {
            clock.sleep(hours(5)).await;
            run("five", clock.now());
            clock.sleep_until(start + hours(48)).await;
            run("two days", clock.now());
        };
        let limited =
            async {
                let late = clock.timeout(hours(7), std::future::pending::<()>()).await;
                assert!(late.is_err());
                run("seven", clock.now());
                let login = realm.login("alice").await;
                assert!(login.is_ok_and(
                    |login| login.ticket().start_time >= (start + hours(7)).whole_second()
                ));
            };
        let ticking = async {
            let mut interval = clock.interval(hours(1));
            for _ in 0..49 {
                interval.tick().await;
                ticks.fetch_add(1, Ordering::Relaxed);
            }
        };
        let advanced = async {
            realm.advance(hours(8 * 24)).await?;
            Ok::<(), kerbox::Error>(())
        };
        let (advanced, ..) = tokio::join!(advanced, sleeps, limited, ticking);
        advanced
    })?;
    let ran = ran.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(ran, [("five", 5), ("seven", 7), ("two days", 48)]);
    assert_eq!(ticks.into_inner(), 49);
    Ok(())
}

fn mit_uses_the_cache_of_a_login_after_a_week() -> TestResult {
    let realm = Realm::start_blocking()?;
    let (login, _) = login(&realm)?;
    realm.advance_blocking(hours(10 * 24))?;
    let ran = login.run_as(|env| run(&mut command(env, "kvno", &["host/localhost"]), ""))??;
    assert!(ran.status.success(), "{ran}");
    Ok(())
}
