//! Expiring tickets: bugs that people met in production, reproduced without sleeping. The bugs'
//! numbers are those of `tests/BUGS.md`.

use std::time::Duration;

use hdfs_native::{Client, ClientBuilder, HdfsError};
use kerbox::{Cluster, ErrorCode, Event, Login, Outcome, Realm, Server};

use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::support::{Peer, TestResult, block_on, command, run, trials};

trials! {
    [Peer::LibGssapi] =>
        bug_1_an_expired_ticket_is_replaced_from_the_keytab,
        bug_2_a_read_goes_on_beyond_the_tickets_end,
        bug_6_a_cached_client_uploads_after_28_hours,
        bug_7_a_kdc_that_is_down_for_days_locks_nobody_out_for_good,
        bug_19_a_skewed_namenode_answers_clock_skew,
        bug_19_a_skewed_client_is_told_clock_skew,
        an_expired_ticket_cannot_be_renewed_and_a_new_login_works;
    [Peer::Mit] =>
        bug_5_renewals_end_after_seven_days_and_a_keytab_login_works,
        bug_19_a_skewed_kdc_answers_clock_skew,
        bug_19_a_skewed_kdc_is_followed_by_default;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A client that logs in again from its keytab once the ticket in its cache has expired.
fn perpetual(cluster: &Cluster, login: &Login) -> Result<Client, Error> {
    kerbox::use_shared_krb5_conf();
    let keytab = cluster.realm().ok_or("no realm")?.keytab("alice")?;
    Ok(ClientBuilder::new()
        .with_url(cluster.url())
        .with_config_dir(cluster.hadoop_conf_dir().display().to_string())
        .with_kerberos_principal(login.principal().to_string())
        .with_kerberos_cache(format!("FILE:{}", login.ccache().display()))
        .with_kerberos_keytab(keytab.display().to_string())
        .build()?)
}

fn logins(cluster: &Cluster) -> usize {
    cluster.journal().count(|event| {
        matches!(
            event,
            Event::AsExchange {
                outcome: Outcome::Ok,
                ..
            }
        )
    })
}

fn bug_1_an_expired_ticket_is_replaced_from_the_keytab() -> TestResult {
    let cluster = Cluster::secure()
        .ticket_lifetime(Duration::from_secs(3 * 60))
        .start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        perpetual(&cluster, &alice)?.list_status("/", false).await?;
        assert_eq!(logins(&cluster), 1, "the cache's ticket was good");
        cluster.advance_past_blocking(alice.ticket().end_time)?;
        perpetual(&cluster, &alice)?.list_status("/", false).await?;
        assert_eq!(logins(&cluster), 2, "logged in from the keytab");
        Ok(())
    })
}

fn bug_2_a_read_goes_on_beyond_the_tickets_end() -> TestResult {
    let cluster = Cluster::secure()
        .ticket_lifetime(Duration::from_secs(3 * 60))
        .set("dfs.blocksize", "65536")
        .start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let bytes = pattern(300_000);
        let client = perpetual(&cluster, &alice)?;
        write(&client, "/user/alice/long", bytes.clone()).await?;
        let mut file = client.read("/user/alice/long").await?;
        assert!(file.read_bytes(150_000).await? == bytes[..150_000]);
        cluster.advance_past_blocking(alice.ticket().end_time)?;
        assert!(
            file.read_bytes(150_000).await? == bytes[150_000..],
            "the rest"
        );
        // A new connection needs a new ticket, and gets one.
        assert!(read(&perpetual(&cluster, &alice)?, "/user/alice/long").await? == bytes);
        assert_eq!(logins(&cluster), 2);
        Ok(())
    })
}

fn bug_5_renewals_end_after_seven_days_and_a_keytab_login_works() -> TestResult {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let realm = Realm::builder()
        .ticket_lifetime(Duration::from_secs(25 * 3600))
        .start_blocking()?;
    let keytab = realm.keytab("alice")?.display().to_string();
    let kinit = |arguments: &[&str]| run(&mut command(&realm.env(), "kinit", arguments), "");
    let begun = realm.clock().real_now();
    kinit(&["-k", "-t", &keytab, "alice"])?.ok()?;
    for day in 1..=6 {
        realm.advance_blocking(DAY)?;
        kinit(&["-R"])?
            .ok()
            .map_err(|error| format!("day {day}: {error}"))?;
    }
    // The ticket's last second has passed, but not the allowed skew: a renewal is refused all the
    // same.
    realm.advance_blocking(DAY + Duration::from_secs(2))?;
    let said = kinit(&["-R"])?.refused()?;
    assert!(said.contains("Ticket expired"), "{said}");
    kinit(&["-k", "-t", &keytab, "alice"])?.ok()?;
    let took = realm.clock().real_now().since(begun);
    assert!(took < Duration::from_secs(600), "seven days took {took:?}");
    Ok(())
}

fn bug_6_a_cached_client_uploads_after_28_hours() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = perpetual(&cluster, &alice)?;
        write(&client, "/user/alice/before", pattern(1000)).await?;
        cluster.advance_blocking(Duration::from_secs(28 * 3600))?;
        write(&client, "/user/alice/after", pattern(2000)).await?;
        assert!(read(&client, "/user/alice/after").await? == pattern(2000));
        Ok(())
    })
}

/// In the bug, a NameNode that logs in as a client failed once while the KDC was down, and then
/// refused everybody. Ours accepts tickets with its keytab alone, so neither an hour nor a week
/// without a KDC may matter.
fn bug_7_a_kdc_that_is_down_for_days_locks_nobody_out_for_good() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    let realm = cluster.realm().ok_or("no realm")?;
    block_on(async {
        client(&cluster, &alice)?.get_file_info("/").await?;
        realm.stop_kdc();
        cluster.advance_blocking(Duration::from_secs(3600))?;
        // The service ticket in the cache is enough; a new login is impossible.
        client(&cluster, &alice)?.get_file_info("/").await?;
        assert!(cluster.login("bob").await.is_err(), "the KDC is down");
        cluster.advance_blocking(Duration::from_secs(7 * 24 * 3600))?;
        let refused = perpetual(&cluster, &alice)?.get_file_info("/").await.err();
        assert!(
            matches!(refused, Some(HdfsError::GSSAPIError(..))),
            "{refused:?}"
        );
        realm.restart_kdc()?;
        perpetual(&cluster, &alice)?.get_file_info("/").await?;
        let bob = cluster.login("bob").await?;
        client(&cluster, &bob)?.get_file_info("/").await?;
        Ok(())
    })
}

/// 301 seconds, plus a little for the time that passes during the test.
const SKEWS: [i64; 2] = [303, -303];

fn ap_errors(cluster: &Cluster, code: ErrorCode) -> usize {
    cluster.journal().count(|event| {
        matches!(
            event,
            Event::ApExchange { server: Server::NameNode(1), outcome, .. }
                if outcome.kerberos_code() == Some(code)
        )
    })
}

fn bug_19_a_skewed_namenode_answers_clock_skew() -> TestResult {
    for seconds in SKEWS {
        let cluster = Cluster::secure().start_blocking()?;
        let alice = cluster.login_blocking("alice")?;
        block_on(async {
            // Get a service ticket early enough that it is valid even for a NameNode that lags.
            client(&cluster, &alice)?.get_file_info("/").await?;
            cluster.advance_blocking(Duration::from_secs(3600))?;
            let skew = cluster.skew(Server::NameNode(1), seconds)?;
            let refused = client(&cluster, &alice)?.get_file_info("/").await.err();
            assert!(
                matches!(&refused, Some(HdfsError::FatalRPCError(class, message))
                    if class == "javax.security.sasl.SaslException" && message.contains("GSS initiate failed")),
                "{refused:?}"
            );
            assert!(
                ap_errors(&cluster, ErrorCode::KRB_AP_ERR_SKEW) > 0,
                "{:?}",
                cluster.journal().last(20)
            );
            drop(skew);
            client(&cluster, &alice)?.get_file_info("/").await?;
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

fn bug_19_a_skewed_client_is_told_clock_skew() -> TestResult {
    for seconds in SKEWS {
        let cluster = Cluster::secure().start_blocking()?;
        let alice = cluster.login_blocking("alice")?;
        block_on(async {
            // The service ticket is in the cache long before the clock goes wrong.
            client(&cluster, &alice)?.get_file_info("/").await?;
            cluster.advance_blocking(Duration::from_secs(3600))?;
            let micros = cluster.clock().offset_micros() + seconds * 1_000_000;
            kerbox_krb5::ccache::CredentialCache::set_time_offset_of_file(alice.ccache(), micros)?;
            let refused = client(&cluster, &alice)?.get_file_info("/").await.err();
            assert!(
                matches!(refused, Some(HdfsError::FatalRPCError(..))),
                "{refused:?}"
            );
            assert!(
                ap_errors(&cluster, ErrorCode::KRB_AP_ERR_SKEW) > 0,
                "{:?}",
                cluster.journal().last(20)
            );
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

fn bug_19_a_skewed_kdc_answers_clock_skew() -> TestResult {
    for seconds in SKEWS {
        let realm = Realm::builder()
            .libdefault("kdc_timesync", "0")
            .start_blocking()?;
        let keytab = realm.keytab("alice")?.display().to_string();
        let skew = realm.skew(Server::Kdc, seconds)?;
        let said = run(
            &mut command(&realm.env(), "kinit", &["-k", "-t", &keytab, "alice"]),
            "",
        )?
        .refused()?;
        assert!(said.contains("Clock skew too great"), "{said}");
        let seen = realm.journal().count(|event| {
            matches!(
                event,
                Event::AsExchange { outcome, .. }
                    if outcome.kerberos_code() == Some(ErrorCode::KRB_AP_ERR_SKEW)
            )
        });
        assert!(seen > 0, "{}", realm.journal().last(20));
        drop(skew);
        run(
            &mut command(&realm.env(), "kinit", &["-k", "-t", &keytab, "alice"]),
            "",
        )?
        .ok()?;
    }
    Ok(())
}

fn bug_19_a_skewed_kdc_is_followed_by_default() -> TestResult {
    for seconds in SKEWS {
        let realm = Realm::start_blocking()?;
        let keytab = realm.keytab("alice")?.display().to_string();
        let _skew = realm.skew(Server::Kdc, seconds)?;
        run(
            &mut command(&realm.env(), "kinit", &["-k", "-t", &keytab, "alice"]),
            "",
        )?
        .ok()?;
    }
    Ok(())
}

fn an_expired_ticket_cannot_be_renewed_and_a_new_login_works() -> TestResult {
    let cluster = Cluster::secure()
        .ticket_lifetime(Duration::from_secs(10 * 3600))
        .renewable_lifetime(Duration::from_secs(7 * 24 * 3600))
        .start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        client(&cluster, &alice)?.get_file_info("/").await?;
        cluster.advance_blocking(Duration::from_secs(9 * 3600))?;
        alice.renew().await?;
        cluster.advance_blocking(Duration::from_secs(9 * 3600))?;
        client(&cluster, &alice)?.get_file_info("/").await?;
        cluster.advance_past_blocking(alice.ticket().end_time)?;
        let refused = client(&cluster, &alice)?.get_file_info("/").await.err();
        assert!(
            matches!(refused, Some(HdfsError::GSSAPIError(..))),
            "{refused:?}"
        );
        let too_late = alice
            .renew()
            .await
            .err()
            .ok_or("an expired ticket was renewed")?;
        assert_eq!(
            too_late.kerberos_code(),
            Some(ErrorCode::KRB_AP_ERR_TKT_EXPIRED)
        );
        alice.login_again().await?;
        client(&cluster, &alice)?.get_file_info("/").await?;
        Ok(())
    })
}
