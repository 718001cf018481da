//! Logins that end, are refreshed the wrong way, or are refreshed by several tasks at once.

use std::time::Duration;

use kerbox::{Cluster, Event, Fault, Login, Outcome, Verdict};

use super::conversation::Job;
use crate::support::{Peer, TestResult, trials};

trials! {
    [Peer::JavaHadoop] =>
        bug_2_a_query_is_longer_than_the_ticket,
        bug_3_old_tickets_stay_in_the_subject,
        bug_4_a_second_login_comes_too_soon,
        bug_7_a_service_logs_out_before_it_can_log_in_again,
        bug_8_a_login_is_replaced_under_running_tasks;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

const HOUR: Duration = Duration::from_secs(3600);

/// A secure cluster, the principal and the keytab of alice's, and a job that acts for her.
struct World {
    cluster: Cluster,
    principal: String,
    keytab: String,
    job: Job,
}

impl World {
    fn new(builder: kerbox::ClusterBuilder, settings: &[&str]) -> Result<Self, Error> {
        let cluster = builder.start_blocking()?;
        let alice: Login = cluster.login_blocking("alice")?;
        let realm = cluster.realm().ok_or("it is secure")?;
        let keytab = realm.keytab("alice")?.display().to_string();
        let job = Job::start(&alice.env_under_clock()?, settings)?;
        Ok(Self {
            principal: alice.principal().to_string(),
            keytab,
            job,
            cluster,
        })
    }

    /// Asks a command that ends with alice's principal and keytab.
    fn as_alice(&mut self, words: &[&str]) -> Result<String, Error> {
        let mut words = words.to_vec();
        words.extend([self.principal.as_str(), &self.keytab]);
        self.job.ask(&words)?.ok()
    }

    fn as_exchanges(&self) -> usize {
        self.cluster.journal().count(|event| {
            matches!(
                event,
                Event::AsExchange {
                    outcome: Outcome::Ok,
                    ..
                }
            )
        })
    }
}

/// UGI refreshes its own logins, but never those of a Subject that somebody else has made: a query
/// that outlives its ticket fails when it needs its next connection.
fn bug_2_a_query_is_longer_than_the_ticket() -> TestResult {
    let builder = Cluster::secure()
        .ticket_lifetime(HOUR)
        .set("dfs.blocksize", "65536")
        .set("dfs.namenode.fs-limits.min-block-size", "65536");
    // The connection to the NameNode ends when it is idle; the file has more blocks than the
    // client asks for at once.
    let settings = [
        "ipc.client.connection.maxidletime=1",
        "dfs.client.read.prefetch.size=65536",
    ];
    let mut world = World::new(builder, &settings)?;
    world.as_alice(&["subject"])?;
    for command in [
        &["create", "/user/alice/long"][..],
        &["write", "300000"],
        &["close"],
        &["open", "/user/alice/long"],
        &["read", "60000"],
    ] {
        world.job.ask(command)?.ok()?;
    }
    world.cluster.advance_blocking(2 * HOUR)?;
    let refused = world.job.ask(&["list", "/"])?.refused()?;
    assert!(
        refused.contains("Failed to find any Kerberos tgt"),
        "{refused}"
    );
    let refused = world.job.ask(&["read", "200000"])?.refused()?;
    assert!(
        refused.contains("Failed to find any Kerberos tgt"),
        "{refused}"
    );
    // Whoever made the Subject has to put new tickets into it; the open file then goes on.
    world.as_alice(&["again", "replace"])?;
    world.job.ask(&["read", "200000"])?.ok()?;
    Ok(())
}

/// A client that only adds the new ticket keeps finding the old one first.
fn bug_3_old_tickets_stay_in_the_subject() -> TestResult {
    for (how, tickets, first) in [("keep", "6", "expired"), ("replace", "1", "current")] {
        let mut world = World::new(Cluster::secure().ticket_lifetime(10 * HOUR), &[])?;
        world.as_alice(&["subject"])?;
        let mut count = String::new();
        for _ in 0..5 {
            world.cluster.advance_blocking(9 * HOUR)?;
            count = world.as_alice(&["again", how])?;
        }
        assert_eq!(count, tickets, "{how}");
        let judged = world.job.ask(&["first-ticket"])?.ok()?;
        assert_eq!(judged, first, "{how}");
        // The JDK itself looks for a ticket that is still good, and drops the others.
        world.job.ask(&["list", "/"])?.ok()?;
    }
    Ok(())
}

/// UGI ignores a login that comes too soon after the last one. A minimum that is longer than the
/// ticket's life leaves the client without a ticket.
fn bug_4_a_second_login_comes_too_soon() -> TestResult {
    for (minimum, recovers) in [("600", false), ("60", true)] {
        let setting = format!("hadoop.kerberos.min.seconds.before.relogin={minimum}");
        let builder = Cluster::secure().ticket_lifetime(Duration::from_secs(3 * 60));
        let mut world = World::new(builder, &[&setting])?;
        world.as_alice(&["login"])?;
        world.job.ask(&["list", "/"])?.ok()?;
        let logins = world.as_exchanges();
        world
            .cluster
            .advance_blocking(Duration::from_secs(4 * 60))?;
        world.job.ask(&["relogin"])?.ok()?;
        let answer = world.job.ask(&["list", "/"])?;
        if recovers {
            answer.ok()?;
            assert_eq!(world.as_exchanges(), logins + 1);
            continue;
        }
        let refused = answer.refused()?;
        assert!(
            refused.contains("Failed to find any Kerberos tgt"),
            "{refused}"
        );
        assert_eq!(world.as_exchanges(), logins, "the login was throttled");
        // After its minimum the client gets in again.
        world
            .cluster
            .advance_blocking(Duration::from_secs(7 * 60))?;
        world.job.ask(&["relogin"])?.ok()?;
        world.job.ask(&["list", "/"])?.ok()?;
    }
    Ok(())
}

/// A Java service that logs out before it logs in again refuses everybody once the KDC is down at
/// that moment, although it needs nothing but its keytab to accept tickets. One that replaces its
/// Subject only after the new login has worked serves on.
fn bug_7_a_service_logs_out_before_it_can_log_in_again() -> TestResult {
    for (how, serves) in [("empty", false), ("replace", true)] {
        let mut world = World::new(Cluster::secure(), &[])?;
        world.as_alice(&["subject"])?;
        let realm = world.cluster.realm().ok_or("it is secure")?;
        let service = realm.principal("HTTP/localhost")?.to_string();
        let keytab = realm.keytab("HTTP/localhost")?.display().to_string();
        let greeted = |job: &mut Job| {
            // The client has the service ticket from the first time on.
            let token = job.ask(&["greet", "HTTP@localhost"])?.ok()?;
            job.ask(&["accept", &token])
        };
        world.job.ask(&["serve", &service, &keytab])?.ok()?;
        assert_eq!(greeted(&mut world.job)?.ok()?, world.principal);
        world.cluster.advance_blocking(8 * HOUR)?;
        realm.stop_kdc();
        let refused = world.job.ask(&["refresh", how, &service, &keytab])?;
        let seen = world.cluster.journal().last(20);
        refused
            .refused()
            .map_err(|error| format!("{how}: {error}{seen}"))?;
        let answer = greeted(&mut world.job)?;
        if serves {
            assert_eq!(answer.ok()?, world.principal);
        } else {
            let refused = answer.refused()?;
            assert!(
                refused.contains("Failed to find any Kerberos credentails")
                    || refused.contains("Failed to find any Kerberos credentials"),
                "{refused}"
            );
        }
        realm.restart_kdc()?;
        world.job.ask(&["refresh", how, &service, &keytab])?.ok()?;
        assert_eq!(greeted(&mut world.job)?.ok()?, world.principal);
    }
    Ok(())
}

/// A login that empties the Subject before it has new tickets breaks every task that connects in
/// between. UGI's own, one at a time, serves sixteen tasks that all meet the end at once.
fn bug_8_a_login_is_replaced_under_running_tasks() -> TestResult {
    let mut wrong = World::new(Cluster::secure().ticket_lifetime(HOUR), &[])?;
    wrong.as_alice(&["subject"])?;
    wrong.job.ask(&["list", "/"])?.ok()?;
    // The KDC answers late, so that the Subject stays empty while a task connects.
    let slow = wrong.cluster.inject(Fault::new(
        |event| matches!(event, Event::AsExchange { .. }),
        Verdict::Delay(Duration::from_secs(1)),
    ));
    assert_eq!(wrong.as_alice(&["logout-and-login"])?, "0");
    let refused = wrong.job.ask(&["list", "/"])?.refused()?;
    assert!(
        refused.contains("Failed to find any Kerberos tgt"),
        "{refused}"
    );
    assert_eq!(wrong.job.ask(&["logged-in"])?.ok()?, "true");
    drop(slow);
    wrong.job.ask(&["list", "/"])?.ok()?;

    let mut right = World::new(Cluster::secure().ticket_lifetime(HOUR), &[])?;
    right.as_alice(&["login"])?;
    right.job.ask(&["list", "/"])?.ok()?;
    let logins = right.as_exchanges();
    right.cluster.advance_blocking(2 * HOUR)?;
    let failed = right.job.ask(&["lists", "16", "/"])?.ok()?;
    assert_eq!(failed, "0 failed []");
    assert_eq!(
        right.as_exchanges(),
        logins + 1,
        "one login for sixteen tasks"
    );
    Ok(())
}
