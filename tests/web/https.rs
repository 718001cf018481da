//! HTTPS by `curl`: the versions of TLS, the fixture's authority, and redirections.

use std::time::Duration;

use kerbox::{ClientEnv, Clock, Cluster, ClusterBuilder, KeyKind};

use super::curl::{curl, has, lines, local, url};
use crate::support::{Peer, TestResult, Text, command, run, trials};

trials! {
    [Peer::Curl] =>
        https_alone_is_served_in_two_versions_of_tls,
        each_scheme_leads_to_a_datanode_of_its_own,
        ports_are_those_that_the_keys_name,
        a_restart_keeps_the_certificate,
        certificates_end_with_the_clock_and_are_replaced;
    [Peer::Curl, Peer::Mit] =>
        spnego_and_tokens_work_over_https_years_later;
}

fn with_policy(builder: ClusterBuilder, policy: &str) -> ClusterBuilder {
    builder.set("dfs.http.policy", policy)
}

/// Runs curl with trust in the fixture's authority.
fn trusting(cluster: &Cluster, env: &ClientEnv, arguments: &[&str]) -> Text {
    let authority = cluster.path().join("ca.pem").display().to_string();
    curl(env, &[&["--cacert", &authority], arguments].concat())
}

/// Returns curl's complaint about a URL that it cannot get.
fn complaint(env: &ClientEnv, arguments: &[&str]) -> Text {
    let words = [&["-s", "-S", "--max-time", "60"], arguments].concat();
    run(&mut command(env, "curl", &words), "")?.refused()
}

fn https_alone_is_served_in_two_versions_of_tls() -> TestResult {
    let cluster = with_policy(Cluster::simple().datanodes(2), "HTTPS_ONLY").start_blocking()?;
    let env = cluster.env();
    let text = lines(30_000);
    let file = local(&cluster, "file", &text)?;
    let create = url(&cluster, "/user/alice/f?op=CREATE&user.name=alice");
    assert!(create.starts_with("https://localhost:"), "{create}");
    let created = trusting(&cluster, &env, &["-i", "-L", "-T", &file, &create])?;
    has(&created, "HTTP/1.1 201 Created")?;
    has(&created, "; Path=/; Secure; HttpOnly")?;
    let open = url(&cluster, "/user/alice/f?op=OPEN&user.name=alice");
    for version in [["--tls-max", "1.2"], ["--tlsv1.3", "-v"]] {
        let read = trusting(&cluster, &env, &[&version[..], &["-L", &open]].concat())?;
        assert!(read == text, "the file came back changed: {}", read.len());
    }
    has(
        &complaint(&env, &[&open])?,
        "SSL certificate problem: self-signed certificate in certificate chain",
    )?;
    has(
        &complaint(&env, &["-k", "--tls-max", "1.1", &open])?,
        "curl: (35)",
    )?;
    let plain = open.replacen("https", "http", 1);
    has(&complaint(&env, &[&plain])?, "curl: (")?;
    let keys = cluster.hadoop_keys();
    assert!(keys.contains_key("dfs.namenode.https-address"));
    assert!(!keys.contains_key("dfs.namenode.http-address"));
    Ok(())
}

fn each_scheme_leads_to_a_datanode_of_its_own() -> TestResult {
    let cluster = with_policy(Cluster::simple(), "HTTP_AND_HTTPS").start_blocking()?;
    let env = cluster.env();
    let secure = cluster.swebhdfs_url().ok_or("no HTTPS port")?;
    let secure = secure.replacen("swebhdfs", "https", 1);
    let create = "/webhdfs/v1/user/alice/f?op=CREATE&user.name=alice&noredirect=true";
    let plain = format!("{}{create}", cluster.web_url());
    has(
        &curl(&env, &["-X", "PUT", &plain])?,
        "{\"Location\":\"http://localhost:",
    )?;
    let over_tls = trusting(&cluster, &env, &["-X", "PUT", &format!("{secure}{create}")])?;
    has(&over_tls, "{\"Location\":\"https://localhost:")
}

fn ports_are_those_that_the_keys_name() -> TestResult {
    let first = with_policy(Cluster::simple(), "HTTP_AND_HTTPS").start_blocking()?;
    let (http, https) = (
        first.http_address(),
        first
            .namenode_server()
            .https_address()
            .ok_or("no HTTPS port")?,
    );
    let again = || {
        with_policy(Cluster::simple(), "HTTP_AND_HTTPS")
            .set("dfs.namenode.http-address", http.to_string())
            .set("dfs.namenode.https-address", https.to_string())
            .set("dfs.datanode.http.address", "localhost:0")
            .start_blocking()
    };
    let taken = again().err().ok_or("both listen")?.to_string();
    has(&taken, &format!("cannot listen on {http}"))?;
    drop(first);
    let second = again()?;
    assert_eq!(second.http_address(), http);
    assert_eq!(second.namenode_server().https_address(), Some(https));
    let status = url(&second, "/?op=GETFILESTATUS");
    has(&curl(&second.env(), &[&status])?, "DIRECTORY")
}

fn a_restart_keeps_the_certificate() -> TestResult {
    let cluster = with_policy(Cluster::simple(), "HTTPS_ONLY").start_blocking()?;
    let status = url(&cluster, "/?op=GETFILESTATUS");
    cluster.restart_namenode()?;
    has(
        &trusting(&cluster, &cluster.env(), &[&status])?,
        "DIRECTORY",
    )
}

/// Also those of DataNodes, to which the second answer comes by a redirection.
fn certificates_end_with_the_clock_and_are_replaced() -> TestResult {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let cluster = with_policy(Cluster::simple(), "HTTPS_ONLY")
        .certificate_lifetime(90 * DAY)
        .start_blocking()?;
    let env = cluster.env_under_clock()?;
    let authority = cluster.path().join("ca.pem").display().to_string();
    let file = local(&cluster, "file", "42")?;
    let create = url(&cluster, "/user/alice/f?op=CREATE&user.name=alice");
    let open = url(&cluster, "/user/alice/f?op=OPEN&user.name=alice");
    trusting(&cluster, &env, &["-f", "-L", "-T", &file, &create])?;
    let ends = ["-v", "-L", "--cacert", &authority, &open];
    for round in 1..3 {
        cluster.advance_blocking(89 * DAY)?;
        assert_eq!(trusting(&cluster, &env, &["-L", &open])?, "42");
        cluster.advance_blocking(DAY + Duration::from_secs(1))?;
        has(&complaint(&env, &ends)?, "certificate has expired")?;
        let rolled = cluster.roll_keys(&KeyKind::Certificates)?;
        assert_eq!(rolled, round);
        assert_eq!(trusting(&cluster, &env, &["-L", &open])?, "42");
    }
    let rolled = cluster.journal().last(20);
    has(&rolled, "keys rolled: HTTPS, certificate 2")
}

fn spnego_and_tokens_work_over_https_years_later() -> TestResult {
    let clock = Clock::system();
    clock.set(clock.now() + Duration::from_secs(40 * 365 * 24 * 3600));
    let cluster = with_policy(Cluster::secure(), "HTTPS_ONLY")
        .clock(clock)
        .start_blocking()?;
    let alice = cluster.login_blocking("alice")?.env();
    let negotiate = ["--negotiate", "-u", ":", "-L"];
    let file = local(&cluster, "file", "42")?;
    let create = url(&cluster, "/user/alice/f?op=CREATE");
    let put = [&negotiate[..], &["-i", "-T", &file, &create]].concat();
    has(&trusting(&cluster, &alice, &put)?, "HTTP/1.1 201 Created")?;
    let open = url(&cluster, "/user/alice/f?op=OPEN");
    let get = [&negotiate[..], &[&open]].concat();
    assert_eq!(trusting(&cluster, &alice, &get)?, "42");
    let token = url(&cluster, "/?op=GETDELEGATIONTOKEN");
    let get = [&negotiate[..], &[&token]].concat();
    has(
        &trusting(&cluster, &alice, &get)?,
        "{\"Token\":{\"urlString\":\"",
    )
}
