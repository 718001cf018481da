//! DistCp with Kerberos between `hdfs`, `webhdfs` and `swebhdfs`, with the difference of two
//! snapshots.

use kerbox::Cluster;

use crate::clients::java_hadoop::java_commands;
use crate::support::{Peer, TestResult, trials};

trials! {
    [Peer::DistCp] =>
        the_difference_of_two_snapshots_is_copied_by_every_scheme_with_kerberos;
}

/// Two snapshots with a change of each kind between them.
const CHANGES: &str = "\
dfs -mkdir -p /s/d/e /s/gone
dfs -put LOCAL /s/a
dfs -put LOCAL /s/d/b
dfs -put LOCAL /s/gone/f
dfsadmin -allowSnapshot /s
dfs -createSnapshot /s s1
dfs -appendToFile LOCAL /s/a
dfs -mv /s/d/b /s/d/e/c
dfs -rm -r -skipTrash /s/gone
dfs -put LOCAL /s/new
dfs -createSnapshot /s s2
";

/// A copy of the first snapshot, which then becomes one of the second.
const COPY: &str = "\
distcp RENEWER FROM/s/.snapshot/s1 TO/copy
dfsadmin -allowSnapshot /copy
dfs -createSnapshot /copy s1
distcp RENEWER -update -diff s1 s2 FROM/s TO/copy
dfs -cat /copy/a
dfs -ls -R -C /copy
dfs -deleteSnapshot /copy s1
dfs -rm -r -skipTrash /copy
";

fn the_difference_of_two_snapshots_is_copied_by_every_scheme_with_kerberos() -> TestResult {
    let cluster = Cluster::secure()
        .set("dfs.http.policy", "HTTP_AND_HTTPS")
        .set("dfs.replication", "1")
        .start_blocking()?;
    let hdfs = cluster.login_blocking("hdfs")?;
    let local = cluster.path().join("local");
    std::fs::write(&local, "a line\n")?;
    let (rpc, web) = (cluster.url(), cluster.webhdfs_url());
    let tls = cluster.swebhdfs_url().ok_or("no HTTPS port")?;
    let mut commands = CHANGES.replace("LOCAL", &local.display().to_string());
    // The one that may renew the tokens of a job. In one process, no ResourceManager would.
    let renewer = cluster.realm().ok_or("no realm")?.principal("hdfs")?;
    let renewer = format!("-Dyarn.resourcemanager.principal={renewer}");
    let pairs = [(&rpc, &web), (&web, &rpc), (&rpc, &tls), (&tls, &rpc)];
    for (from, to) in pairs {
        let copy = COPY.replace("RENEWER", &renewer);
        commands.push_str(&copy.replace("FROM", from).replace("TO", to));
    }
    let words: Vec<Vec<&str>> = commands
        .lines()
        .map(|line| [&["-"][..], &line.split(' ').collect::<Vec<_>>()].concat())
        .collect();
    let words: Vec<&[&str]> = words.iter().map(Vec::as_slice).collect();
    let (answers, stderr) = java_commands(&hdfs.env(), "Tools.java", &words)?;
    for ((status, said), command) in answers.iter().zip(&words) {
        assert_eq!(*status, 0, "{command:?}: {said}{stderr}");
    }
    let copies = &answers[CHANGES.lines().count()..];
    let copies: Vec<_> = copies.chunks(COPY.lines().count()).collect();
    assert_eq!(copies.len(), pairs.len());
    for (copy, (from, to)) in copies.into_iter().zip(pairs) {
        let (_, text) = &copy[4];
        assert_eq!(text, "a line\na line\n", "from {from} to {to}");
        let (_, paths) = &copy[5];
        let expected = "/copy/a\n/copy/d\n/copy/d/e\n/copy/d/e/c\n/copy/new\n";
        assert_eq!(paths, expected, "from {from} to {to}");
    }
    Ok(())
}
