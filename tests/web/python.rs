//! WebHDFS by Python's libraries.

use kerbox::{ClientEnv, Cluster};

use crate::support::{Peer, TestResult, command, peer_source, python, run, trials};

trials! {
    [Peer::PythonWebHdfs] =>
        libraries_work_without_security,
        libraries_work_with_spnego,
        libraries_work_over_https_with_spnego;
}

/// Lets each library do its work.
fn work(cluster: &Cluster, env: &ClientEnv, libraries: &[&str]) -> TestResult {
    let source = peer_source("webhdfs.py").display().to_string();
    let url = cluster.web_url();
    let authority = cluster.path().join("ca.pem");
    let shown = authority.display().to_string();
    for library in libraries {
        let mut words = vec![&*source, library, &url];
        words.extend(authority.exists().then_some(&*shown));
        let done = run(&mut command(env, python(), &words), "")?.ok()?;
        assert_eq!(done, "done\n", "{library}");
    }
    Ok(())
}

fn libraries_work_without_security() -> TestResult {
    let cluster = Cluster::simple().datanodes(2).start_blocking()?;
    work(&cluster, &cluster.env(), &["hdfs", "fsspec", "pywebhdfs"])
}

fn libraries_work_with_spnego() -> TestResult {
    let cluster = Cluster::secure().datanodes(2).start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    let libraries = ["hdfs", "fsspec", "requests_gssapi"];
    work(&cluster, &alice.env(), &libraries)
}

fn libraries_work_over_https_with_spnego() -> TestResult {
    let cluster = Cluster::secure()
        .datanodes(2)
        .set("dfs.http.policy", "HTTPS_ONLY")
        .start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    let libraries = ["hdfs", "fsspec", "requests_gssapi"];
    work(&cluster, &alice.env(), &libraries)
}
