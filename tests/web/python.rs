//! WebHDFS by the libraries of Python and of node.

use kerbox::{ClientEnv, Cluster};

use crate::support::{Peer, TestResult, command, peer_source, peers_dir, python, run, trials};

trials! {
    [Peer::PythonWebHdfs] =>
        libraries_work_without_security,
        libraries_work_with_spnego,
        libraries_work_over_https_with_spnego,
        hdfscli_passes_its_own_tests;
    [Peer::NodeWebHdfs] =>
        node_works_without_security;
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
    let libraries = ["hdfs", "fsspec", "pywebhdfs", "opendal"];
    work(&cluster, &cluster.env(), &libraries)?;
    work(&cluster, &cluster.env_of("alice"), &["opendal_native"])
}

fn libraries_work_with_spnego() -> TestResult {
    let cluster = Cluster::secure().datanodes(2).start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    let libraries = [
        "hdfs",
        "fsspec",
        "requests_gssapi",
        "opendal",
        "opendal_native",
    ];
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

/// A module from which HdfsCLI loads a client.
const CLIENT_TEMPLATE: &str = "\
from hdfs.client import Client


class $class_name(Client):
    def __init__(self, url, **options):
        super().__init__(url, **options)
        self.one = 1
";

/// The tests that HdfsCLI ships. What they share is not among them, so it is ours.
fn hdfscli_passes_its_own_tests() -> TestResult {
    let cluster = Cluster::simple().datanodes(2).start_blocking()?;
    let theirs = peers_dir().join("sources/hdfs-2.7.3/test");
    let folder = cluster.path().join("test");
    std::fs::create_dir(&folder)?;
    std::fs::write(folder.join("__init__.py"), "")?;
    std::fs::copy(peer_source("hdfscli_util.py"), folder.join("util.py"))?;
    // What the tests send to and fro.
    let data = folder.join("dat");
    std::fs::create_dir(&data)?;
    std::fs::write(data.join("letters"), "abc\n".repeat(1000))?;
    std::fs::write(data.join("client_template.py"), CLIENT_TEMPLATE)?;
    let files = [
        "test_client.py",
        "test_main.py",
        "test_util.py",
        "test_config.py",
    ];
    for file in files {
        std::fs::copy(theirs.join(file), folder.join(file))?;
    }
    let words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test"];
    let env = cluster.env().with("HDFSCLI_TEST_URL", cluster.web_url());
    let mut pytest = command(&env, python(), &words);
    let said = run(pytest.current_dir(cluster.path()), "")?.ok()?;
    let end = said.lines().last().unwrap_or_default();
    eprintln!("{end}");
    assert!(end.contains(" passed"), "{said}");
    Ok(())
}

fn node_works_without_security() -> TestResult {
    let cluster = Cluster::simple().datanodes(2).start_blocking()?;
    let source = peer_source("webhdfs.js").display().to_string();
    let port = cluster.http_address().port().to_string();
    let modules = peers_dir().join("node/node_modules");
    let env = cluster.env().with("NODE_PATH", modules);
    let done = run(&mut command(&env, "node", &[&source, &port]), "")?.ok()?;
    assert_eq!(done, "done\n");
    Ok(())
}
