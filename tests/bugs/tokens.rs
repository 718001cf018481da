//! Delegation tokens that end, are shared, or are kept too long.

use std::path::PathBuf;
use std::time::Duration;

use hdfs_native::ClientBuilder;
use kerbox::{ClientEnv, Cluster};

use super::conversation::Job;
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [Peer::JavaHadoop] =>
        bug_10_a_token_is_renewed_past_its_maximum_life,
        bug_12_one_job_cancels_the_token_of_another,
        bug_13_a_job_starts_again_with_its_old_token;
    [Peer::JavaHadoop, Peer::LibGssapi] =>
        bug_9_an_expired_token_hides_a_good_ticket;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A cluster, and a file with a token of alice's that she may renew herself.
struct Issued {
    cluster: Cluster,
    file: PathBuf,
    /// A job of alice's with her keytab.
    alice: Job,
}

fn under_clock(cluster: &Cluster) -> Result<ClientEnv, Error> {
    Ok(cluster.env_under_clock()?)
}

impl Issued {
    fn new() -> Result<Self, Error> {
        Self::before(Duration::ZERO)
    }

    /// Issues the token this long before the system's time.
    fn before(ago: Duration) -> Result<Self, Error> {
        let cluster = Cluster::secure().start_blocking()?;
        if !ago.is_zero() {
            cluster.jump_blocking(cluster.clock().now() - ago)?;
        }
        let file = cluster.path().join("token");
        let mut alice = Job::start(&under_clock(&cluster)?, &[])?;
        let realm = cluster.realm().ok_or("it is secure")?;
        let keytab = realm.keytab("alice")?.display().to_string();
        let principal = format!("alice@{}", realm.name());
        alice.ask(&["login", &principal, &keytab])?.ok()?;
        alice
            .ask(&["get", "alice", &file.display().to_string()])?
            .ok()?;
        Ok(Self {
            cluster,
            file,
            alice,
        })
    }

    fn file(&self) -> String {
        self.file.display().to_string()
    }

    /// Logs alice in again, which UGI does if her ticket is nearly over.
    fn refresh(&mut self) -> TestResult {
        self.alice.ask(&["check"])?.ok()?;
        Ok(())
    }

    /// A job that has the token alone.
    fn by_token(&self) -> Result<Job, Error> {
        let mut job = Job::start(&under_clock(&self.cluster)?, &[])?;
        job.ask(&["token", "alice", &self.file()])?.ok()?;
        Ok(job)
    }
}

/// hdfs-native 0.14.8 looks at a token's age itself, by the system's clock, and takes the ticket.
fn bug_9_an_expired_token_hides_a_good_ticket() -> TestResult {
    let mut issued = Issued::before(8 * DAY)?;
    let file = issued.file();
    // The token was issued eight days ago; today is the system's day.
    issued.cluster.advance_blocking(8 * DAY)?;
    // Java takes the token that it has, whatever its age.
    let mut by_token = issued.by_token()?;
    let refused = by_token.ask(&["list", "/"])?.refused()?;
    assert!(refused.contains("can't be found in cache"), "{refused}");
    let alice = issued.cluster.login_blocking("alice")?;
    let env = alice.env().with("HADOOP_TOKEN_FILE_LOCATION", &file);
    let _env = env.enter();
    block_on(async {
        let client = ClientBuilder::new()
            .with_url(issued.cluster.url())
            .with_config_dir(issued.cluster.hadoop_conf_dir().display().to_string())
            .build()?;
        client.list_status("/", false).await?;
        Ok(())
    })?;
    issued.refresh()
}

/// A token ends after seven days, however often it was renewed, and is then forgotten.
fn bug_10_a_token_is_renewed_past_its_maximum_life() -> TestResult {
    let mut issued = Issued::new()?;
    let file = issued.file();
    for _ in 0..7 {
        issued
            .cluster
            .advance_blocking(DAY - Duration::from_secs(60))?;
        issued.refresh()?;
        issued.alice.ask(&["renew", &file])?.ok()?;
    }
    // The eighth day: past its maximum life, but not yet removed.
    issued
        .cluster
        .advance_blocking(Duration::from_secs(8 * 60))?;
    issued.refresh()?;
    let refused = issued.alice.ask(&["renew", &file])?.refused()?;
    assert!(
        refused.contains("alice tried to renew an expired token"),
        "{refused}"
    );
    issued.cluster.advance_blocking(2 * DAY)?;
    issued.refresh()?;
    let refused = issued.by_token()?.ask(&["list", "/"])?.refused()?;
    assert!(refused.contains("can't be found in cache"), "{refused}");
    // A job that asks for a new token works on.
    issued.alice.ask(&["get", "alice", &file])?.ok()?;
    issued.by_token()?.ask(&["list", "/"])?.ok()?;
    Ok(())
}

/// Two jobs share a token. The first one to end cancels it.
fn bug_12_one_job_cancels_the_token_of_another() -> TestResult {
    let mut issued = Issued::new()?;
    let file = issued.file();
    let (mut first, mut second) = (issued.by_token()?, issued.by_token()?);
    first.ask(&["list", "/"])?.ok()?;
    second.ask(&["list", "/"])?.ok()?;
    first.ask(&["cancel", &file])?.ok()?;
    let refused = second.ask(&["list", "/"])?.refused()?;
    assert!(
        refused.contains("InvalidToken") && refused.contains("can't be found in cache"),
        "{refused}"
    );
    // With a token of its own, a job does not notice the end of another.
    let own = issued.cluster.path().join("own").display().to_string();
    issued.alice.ask(&["get", "alice", &file])?.ok()?;
    issued.alice.ask(&["get", "alice", &own])?.ok()?;
    second.ask(&["token", "alice", &own])?.ok()?;
    issued.by_token()?.ask(&["cancel", &file])?.ok()?;
    second.ask(&["list", "/"])?.ok()?;
    Ok(())
}

/// A job that is started again after a weekend finds its stored token, which nobody has renewed.
fn bug_13_a_job_starts_again_with_its_old_token() -> TestResult {
    let mut issued = Issued::new()?;
    let file = issued.file();
    issued.by_token()?.ask(&["list", "/"])?.ok()?;
    issued
        .cluster
        .advance_blocking(DAY + Duration::from_secs(60))?;
    let mut again = issued.by_token()?;
    let refused = again.ask(&["list", "/"])?.refused()?;
    assert!(
        refused.contains("InvalidToken") && refused.contains("has expired, current time: "),
        "{refused}"
    );
    // With its keytab it asks for a new one.
    issued.refresh()?;
    issued.alice.ask(&["get", "alice", &file])?.ok()?;
    again.ask(&["token", "alice", &file])?.ok()?;
    again.ask(&["list", "/"])?.ok()?;
    Ok(())
}
