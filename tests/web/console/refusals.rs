//! What the console refuses, and how its files and its events go over the wire, by curl.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use kerbox::Cluster;

use crate::support::{Peer, TestResult, Text, trials};
use crate::web::curl::{curl, has};

trials! {
    [Peer::Curl] =>
        files_are_cached_and_guarded,
        changes_need_a_header_a_type_and_an_administrator,
        what_has_keys_is_not_answered_here,
        events_follow_and_go_on_where_they_were;
    [Peer::Curl, Peer::Mit] =>
        without_a_ticket_there_is_nothing_to_see;
}

/// A change of the clock, as a browser of the console sends it.
const FREEZE: [&str; 6] = [
    "-H",
    "Content-Type: application/json",
    "-H",
    "X-XSRF-HEADER: console",
    "-d",
    r#"{"clock":"freeze"}"#,
];

fn ask(cluster: &Cluster, path: &str, arguments: &[&str]) -> Text {
    let url = format!("{}{path}", cluster.web_url());
    curl(&cluster.env(), &[&["-i"], arguments, &[&url]].concat())
}

fn files_are_cached_and_guarded() -> TestResult {
    let cluster = Cluster::simple().datanodes(1).start_blocking()?;
    for (path, to) in [
        ("/?user.name=bob", "/console/?user.name=bob"),
        ("/dfshealth.html", "/console/"),
        ("/explorer.html", "/console/#/files"),
    ] {
        let moved = ask(&cluster, path, &[])?;
        has(&moved, "HTTP/1.1 302 Found")?;
        has(&moved, &format!("location: {to}\r\n"))?;
    }
    let page = ask(&cluster, "/console/", &[])?;
    has(&page, "HTTP/1.1 200 OK")?;
    let port = cluster.datanode(1)?.http_address().port();
    has(
        &page,
        &format!("connect-src 'self' http://localhost:{port};"),
    )?;
    for field in [
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'",
        "x-content-type-options: nosniff",
        "x-frame-options: DENY",
        "referrer-policy: no-referrer",
        "cache-control: no-cache",
    ] {
        has(&page, field)?;
    }
    let tag = page
        .split("etag: ")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    let tag = format!("If-None-Match: {}", tag.ok_or("no tag")?);
    has(
        &ask(&cluster, "/console/", &["-H", &tag])?,
        "HTTP/1.1 304 Not Modified",
    )?;
    has(&ask(&cluster, "/console/", &["-X", "PUT"])?, "HTTP/1.1 405")?;
    for path in [
        "/console/none.js",
        "/console/..%2f..%2fCargo.toml",
        "/console/api/none",
    ] {
        has(&ask(&cluster, path, &[])?, "HTTP/1.1 404")?;
    }
    Ok(())
}

fn changes_need_a_header_a_type_and_an_administrator() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    let control = "/console/api/control?user.name=hdfs";
    let bare = ask(&cluster, control, &FREEZE[4..])?;
    has(&bare, "HTTP/1.1 400 Bad Request")?;
    has(&bare, "Missing required header X-XSRF-HEADER")?;
    let form = ask(&cluster, control, &FREEZE[2..])?;
    has(&form, "HTTP/1.1 415")?;
    let bob = ask(&cluster, "/console/api/control?user.name=bob", &FREEZE)?;
    has(&bob, "HTTP/1.1 403 Forbidden")?;
    has(&bob, "dfs.cluster.administrators")?;
    let nobody = ask(&cluster, "/console/api/control", &FREEZE)?;
    has(&nobody, "HTTP/1.1 403 Forbidden")?;
    let get = ask(&cluster, control, &[])?;
    has(&get, "HTTP/1.1 404")?;
    let to_reader = ask(&cluster, "/console/api/clock?user.name=hdfs", &FREEZE)?;
    has(&to_reader, "HTTP/1.1 404")?;
    assert!(!cluster.clock().is_frozen());
    let long = format!("\"{}\"", "x".repeat(70_000));
    let long = ask(
        &cluster,
        control,
        &[&FREEZE[..5], &[long.as_str()]].concat(),
    )?;
    has(&long, "HTTP/1.1 413")?;
    let broken = ask(&cluster, control, &[&FREEZE[..5], &["{"]].concat())?;
    has(&broken, "The body is not JSON")?;
    let unknown = ask(
        &cluster,
        control,
        &[&FREEZE[..5], &[r#"{"explode":1}"#]].concat(),
    )?;
    has(&unknown, "unknown variant `explode`")?;
    let done = ask(&cluster, control, &FREEZE)?;
    has(&done, "HTTP/1.1 200 OK")?;
    has(&done, "\"frozen\":true")?;
    assert!(cluster.clock().is_frozen());
    let told = |event: &kerbox::Event| event.to_string().contains("/console by hdfs");
    assert_eq!(
        cluster.journal().count(told),
        1,
        "the journal says who did it"
    );
    Ok(())
}

fn what_has_keys_is_not_answered_here() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    for change in [
        r#"{"keytab":["alice"]}"#,
        r#"{"ccache":{"name":"alice"}}"#,
        r#"{"login":"alice"}"#,
        r#"{"token":{"user":"alice","renewer":"bob"}}"#,
        r#"{"change_principal":{"name":"alice","password":"x"}}"#,
        r#"{"remove_principal":"alice"}"#,
        r#""clock_env""#,
    ] {
        let refused = ask(
            &cluster,
            "/console/api/control?user.name=hdfs",
            &[&FREEZE[..5], &[change]].concat(),
        )?;
        has(&refused, "HTTP/1.1 400")?;
        has(&refused, "over the control socket")?;
    }
    Ok(())
}

fn events_follow_and_go_on_where_they_were() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    let url = format!("{}/console/api/events?user.name=hdfs", cluster.web_url());
    let follow = |from: &str| {
        let mut command = cluster.env().command("curl");
        command.args(["-s", "-N", "-H", from, &url]);
        command.stdout(Stdio::piped()).spawn()
    };
    let mut first = follow("Accept: text/event-stream")?;
    let lines = BufReader::new(first.stdout.take().ok_or("no pipe")?).lines();
    let seen = lines.map_while(Result::ok);
    cluster.namenode_server().pause();
    cluster.namenode_server().resume();
    let mut id = String::new();
    for line in seen {
        if line.starts_with("id: ") {
            id = line;
        } else if line.contains("resumed") {
            break;
        }
    }
    first.kill()?;
    first.wait()?;
    let number: u64 = id.trim_start_matches("id: ").parse()?;
    let mut second = follow(&format!("Last-Event-ID: {number}"))?;
    let lines = BufReader::new(second.stdout.take().ok_or("no pipe")?).lines();
    let next = lines
        .map_while(Result::ok)
        .find(|line| line.starts_with("id: "));
    second.kill()?;
    second.wait()?;
    assert_eq!(next, Some(format!("id: {}", number + 1)));
    let bob = ask(&cluster, "/console/api/events?user.name=bob", &[])?;
    has(&bob, "HTTP/1.1 403")
}

fn without_a_ticket_there_is_nothing_to_see() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    for path in [
        "/console/",
        "/console/main.js",
        "/console/api/state",
        "/console/api/clock",
    ] {
        let refused = ask(&cluster, path, &[])?;
        has(&refused, "HTTP/1.1 401 Unauthorized")?;
        has(&refused, "www-authenticate: Negotiate")?;
    }
    let change = ask(&cluster, "/console/api/control", &FREEZE)?;
    has(&change, "HTTP/1.1 401 Unauthorized")?;
    let named = ask(&cluster, "/console/api/control?user.name=hdfs", &FREEZE)?;
    has(&named, "HTTP/1.1 401 Unauthorized")?;
    let alice = cluster.login_blocking("alice")?.env();
    let url = format!("{}/console/api/clock", cluster.web_url());
    let shown = curl(&alice, &["--negotiate", "-u", ":", &url])?;
    has(&shown, "\"frozen\":false")
}
