//! MapReduce in one process (`LocalJobRunner`), by every scheme and with every kind of credentials.

use kerbox::{ClientEnv, Cluster};

use crate::clients::java_hadoop::{commands_to, java_program};
use crate::support::{Peer, TestResult, trials};

trials! {
    [Peer::JavaHadoop] =>
        words_are_counted_without_security,
        words_are_counted_with_a_keytab_by_every_scheme,
        words_are_counted_with_a_credential_cache_by_every_scheme,
        words_are_counted_with_a_token_alone_by_every_scheme;
}

/// Starts a cluster that serves every scheme.
pub(super) fn cluster() -> Result<Cluster, kerbox::Error> {
    let cluster = Cluster::secure().datanodes(2);
    cluster
        .set("dfs.http.policy", "HTTP_AND_HTTPS")
        .start_blocking()
}

/// Returns the NameNode's URL by each scheme.
pub(super) fn urls(cluster: &Cluster) -> Result<[String; 3], &'static str> {
    let secure = cluster.swebhdfs_url().ok_or("no HTTPS port")?;
    Ok([cluster.url(), cluster.webhdfs_url(), secure])
}

/// Counts words below each URL.
fn count(cluster: &Cluster, env: &ClientEnv, login: &[&str], urls: &[String]) -> TestResult {
    let mut words = java_program(env, "WordCounts.java")?;
    words.push(cluster.path().join("tmp").display().to_string());
    words.extend(login.iter().map(|&word| word.to_owned()));
    let folders: Vec<String> = urls
        .iter()
        .map(|url| format!("{url}/user/alice/words"))
        .collect();
    let commands: Vec<[&str; 1]> = folders.iter().map(|folder| [&**folder]).collect();
    let commands: Vec<&[&str]> = commands.iter().map(|command| &command[..]).collect();
    let (answers, stderr) = commands_to(env, &words, &commands)?;
    for ((status, said), url) in answers.iter().zip(urls) {
        assert_eq!(*status, 0, "{url}: {said}{stderr}");
        for counted in ["the\t4000\n", "word\t2000\n", "7\t200\n"] {
            assert!(said.contains(counted), "{url}: {said}");
        }
    }
    Ok(())
}

fn words_are_counted_without_security() -> TestResult {
    let cluster = Cluster::simple().datanodes(2).start_blocking()?;
    let urls = [cluster.url(), cluster.webhdfs_url()];
    count(&cluster, &cluster.env_of("alice"), &[], &urls)
}

fn words_are_counted_with_a_keytab_by_every_scheme() -> TestResult {
    let cluster = cluster()?;
    let realm = cluster.realm().ok_or("no realm")?;
    let keytab = realm.keytab("alice")?.display().to_string();
    let principal = realm.principal("alice")?;
    let login = [&*principal.to_string(), &*keytab];
    count(&cluster, &cluster.env(), &login, &urls(&cluster)?)
}

fn words_are_counted_with_a_credential_cache_by_every_scheme() -> TestResult {
    let cluster = cluster()?;
    let alice = cluster.login_blocking("alice")?;
    count(&cluster, &alice.env(), &[], &urls(&cluster)?)
}

fn words_are_counted_with_a_token_alone_by_every_scheme() -> TestResult {
    let cluster = cluster()?;
    let token = cluster.token("alice").issue()?;
    count(&cluster, &token.env(), &[], &urls(&cluster)?)
}
