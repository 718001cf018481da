//! A Spark job that writes every hour for days. The driver has a keytab and obtains delegation
//! tokens for its executors, which have nothing else.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use kerbox::{Cluster, Event, Fault, Outcome, Steps};

use super::days;
use crate::clock::Playing;
use crate::support::{Peer, TestResult, Text, peers_dir, trials};

trials! {
    [Peer::Spark, Peer::LongRun] =>
        a_spark_job_obtains_tokens_anew_for_eight_days,
        a_spark_job_fails_once_no_tokens_can_be_obtained;
}

/// Spark's many threads look for work every few seconds, and start slowly on a busy machine.
fn steps() -> Steps {
    let granularity = Duration::from_secs(60);
    Steps::new()
        .granularity(granularity)
        .limit(10 * granularity)
}

/// Plays a job of `hours` hours, and calls `meanwhile` once the first hour's files are written.
fn hourly<T>(cluster: &Cluster, hours: u32, meanwhile: impl FnOnce(&Cluster) -> T) -> Text {
    let realm = cluster.realm().ok_or("it is secure")?;
    let home = tempfile::tempdir()?;
    symlink(peers_dir().join("spark"), home.path().join("jars"))?;
    let submit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/peers/spark/submit.sh");
    let mut command = cluster.command_under_clock("bash")?;
    command
        .arg(submit)
        .env("SPARK_HOME", home.path())
        .arg(realm.principal("alice")?.to_string())
        .arg(realm.keytab("alice")?)
        .args(["SparkHourly", &format!("{}/user/alice", cluster.url())])
        .arg(hours.to_string());
    let mut job = Playing::start(command)?;
    let _meanwhile = meanwhile(cluster);
    job.advance_in(realm, hours.into(), &steps())?;
    job.finish()
}

/// Returns how many delegation tokens the NameNode has issued.
fn tokens(cluster: &Cluster) -> usize {
    cluster.journal().count(|event| {
        matches!(event, Event::RpcCall { method, outcome: Outcome::Ok, .. }
            if &**method == "getDelegationToken")
    })
}

/// Tokens end a day after they were issued. Spark obtains others after three quarters of that.
fn a_spark_job_obtains_tokens_anew_for_eight_days() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let hours = 24 * days(2, 8);
    let printed = hourly(&cluster, hours, |_| ())?;
    assert_eq!(printed, format!("ready\nwritten {hours} failed 0\n"));
    let obtained = tokens(&cluster);
    let needed = usize::try_from(hours / 18)?;
    assert!(obtained > needed, "{obtained} tokens in {hours} hours");
    Ok(())
}

/// What people see a day after the NameNode began to refuse new tokens.
fn a_spark_job_fails_once_no_tokens_can_be_obtained() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let printed = hourly(&cluster, 30, |cluster| {
        let class = "org.apache.hadoop.security.AccessControlException";
        let refused = Fault::on_rpc("getDelegationToken").exception(class, "no more tokens");
        cluster.inject(refused)
    })?;
    let lines: Vec<&str> = printed.lines().collect();
    let ["ready", first, later @ .., counts] = &lines[..] else {
        return Err(printed.into());
    };
    assert_eq!(*counts, "written 24 failed 6", "{printed}");
    // The token ends first. An hour later the NameNode has forgotten it.
    assert!(first.contains("Token  has expired, "), "{first}");
    for line in later {
        assert!(line.contains("can't be found in cache"), "{line}");
    }
    Ok(())
}
