//! Spark jobs in one process, by every scheme and with every kind of credentials.

use std::path::Path;

use kerbox::{ClientEnv, Cluster};

use super::mapreduce::{cluster, urls};
use crate::support::{Peer, TestResult, command, run_long, trials};

trials! {
    [Peer::Spark] =>
        a_spark_job_with_a_keytab_by_every_scheme,
        a_spark_job_with_a_credential_cache_by_every_scheme,
        a_spark_job_with_a_token_alone_by_every_scheme;
}

/// The number of rows that a job writes in each format.
const ROWS: &str = "300";

/// Writes tables by every scheme, and reads them back.
fn round_trips(cluster: &Cluster, env: &ClientEnv, login: &[&str]) -> TestResult {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/peers/spark/round-trip.sh");
    let urls = urls(cluster)?;
    let bases = urls.iter().map(|url| format!("{url}/user/alice/tables"));
    let bases: Vec<String> = bases.collect();
    let joined = bases.join(",");
    let words = [&[&*joined, ROWS], login].concat();
    let mut spark = command(env, "bash", &[]);
    spark
        .arg(script)
        .args(words)
        .env("SPARK_LOCAL_IP", "127.0.0.1");
    let printed = run_long(&mut spark)?;
    let printed = printed.ok()?;
    let expected: Vec<String> = bases
        .iter()
        .map(|base| format!("{base} rows={ROWS} owner=alice"))
        .collect();
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
    Ok(())
}

fn a_spark_job_with_a_keytab_by_every_scheme() -> TestResult {
    let cluster = cluster()?;
    let realm = cluster.realm().ok_or("no realm")?;
    let keytab = realm.keytab("alice")?.display().to_string();
    let principal = realm.principal("alice")?.to_string();
    round_trips(&cluster, &cluster.env(), &[&principal, &keytab])
}

fn a_spark_job_with_a_credential_cache_by_every_scheme() -> TestResult {
    let cluster = cluster()?;
    let alice = cluster.login_blocking("alice")?;
    round_trips(&cluster, &alice.env(), &[])
}

fn a_spark_job_with_a_token_alone_by_every_scheme() -> TestResult {
    let cluster = cluster()?;
    let token = cluster.token("alice").issue()?;
    round_trips(&cluster, &token.env(), &[])
}
