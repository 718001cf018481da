//! Tests of `kerbox clock`, `events`, `fault`, `login` and `token`.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use kerbox_krb5::ccache::CredentialCache;
use kerbox_krb5::{Principal, Timestamp};
use kerbox_testing::{Place, Up};
use minihdfs::token::Credentials;
use serde_json::Value;

fn started(place: &Place) -> Up {
    place.up(&[
        "--kdc-port",
        "0",
        "--namenode-port",
        "0",
        "--datanodes",
        "1",
    ])
}

fn without_hdfs(place: &Place) -> Up {
    place.up(&["--kdc-only", "--kdc-port", "0"])
}

/// Returns the end of the ticket-granting ticket in a cache that `kerbox login` named.
fn end_of(cache: &str) -> Timestamp {
    let path = cache.trim_end().strip_prefix("FILE:").expect("a file");
    let cache = CredentialCache::read(std::path::Path::new(path)).expect("a cache");
    let ticket = cache.find(&Principal::krbtgt("EXAMPLE.COM", "EXAMPLE.COM"));
    ticket.expect("a ticket").end_time
}

#[test]
fn the_clock_is_shown_moved_stopped_and_resumed() {
    let place = Place::new();
    let up = started(&place);
    let said = |arguments: &[&str]| place.run(arguments).succeeded().to_owned();
    let last = |text: &str| text.lines().next_back().expect("a line").to_owned();
    let before = said(&["clock", "show"]);
    let moved = said(&["clock", "advance", "25h"]);
    assert!(
        moved.contains("timer block key update"),
        "its timers run: {moved}"
    );
    assert!(last(&moved) > last(&before), "{before}{moved}");
    said(&["clock", "jump", "2030-01-01T00:00:00Z"]);
    let frozen = said(&["clock", "freeze"]);
    assert!(frozen.starts_with("2030-01-01T00:00:0"), "{frozen}");
    assert!(frozen.ends_with(" (frozen)\n"), "{frozen}");
    assert_eq!(said(&["clock", "show"]), frozen);
    let ticket = end_of(&said(&["login", "alice"]));
    assert!(ticket.to_string().starts_with("2030-01-01T10:00:0"));
    assert!(!said(&["clock", "resume"]).contains("frozen"));
    place
        .run(&["clock", "advance", "soon"])
        .refused(2, &["\"soon\" is not a duration", "10h"]);
    place
        .run(&["clock", "jump", "tomorrow"])
        .refused(2, &["\"tomorrow\" is not a time", "RFC 3339"]);
    up.stop();
}

#[test]
fn events_are_printed_as_text_and_as_json_and_followed_until_the_end() {
    let place = Place::new();
    let up = without_hdfs(&place);
    place.run(&["login", "alice"]).succeeded();
    let events = place.run(&["events"]);
    assert!(events.succeeded().contains("AS alice@EXAMPLE.COM"));
    let mut follower = place.kerbox(&["events", "--follow", "--json"]);
    let mut follower = follower.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(follower.stdout.take().expect("piped")).lines();
    let mut next_of = |user: &str| {
        let mut lines = lines.by_ref().map(|line| line.expect("readable"));
        let line = lines.find(|line| line.contains(user)).expect("an event");
        serde_json::from_str::<Value>(&line).expect("JSON")
    };
    let alices = next_of("alice@");
    assert_eq!(alices["what"]["server"], "KDC");
    assert_eq!(alices["what"]["event"], "AsExchange");
    assert!(alices["number"].is_u64() && alices["at"].is_string() && alices["real"].is_string());
    place.run(&["login", "bob"]).succeeded();
    assert!(next_of("bob@")["number"].as_u64() > alices["number"].as_u64());
    up.stop();
    assert!(follower.wait().expect("it ends").success());
}

#[test]
fn faults_are_added_listed_and_removed() {
    let place = Place::new();
    let up = without_hdfs(&place);
    let said = |arguments: &[&str]| place.run(arguments).succeeded().to_owned();
    let policy = [
        "fault",
        "add",
        "krb-error",
        "KDC_ERR_POLICY",
        "--of",
        "alice",
    ];
    assert_eq!(said(&[&policy[..], &["--times", "1"]].concat()), "1\n");
    said(&["login", "bob"]);
    place
        .run(&["login", "alice"])
        .refused(1, &["KDC_ERR_POLICY"]);
    said(&["login", "alice"]);
    assert_eq!(
        said(&["fault", "list"]),
        "  1 krb-error KDC_ERR_POLICY --of alice --times 1 (struck 1 times)\n"
    );
    assert_eq!(said(&["fault", "add", "silence", "kdc"]), "2\n");
    place.run(&["login", "bob"]).refused(1, &[]);
    assert_eq!(
        said(&["fault", "remove", "2"]),
        "fault 2 removed; it struck 1 times\n"
    );
    said(&["login", "bob"]);
    for (arguments, texts) in [
        (&["krb-error", "KDC_ERR_NONE_SUCH"], "KDC_ERR_POLICY"),
        (&["silence", "hive"], "kdc, namenode, or datanode1"),
    ] {
        let refused = place.run(&[&["fault", "add"], &arguments[..]].concat());
        refused.refused(1, &[arguments[1], texts]);
    }
    place
        .run(&["fault", "remove", "7"])
        .refused(1, &["no fault 7", "kerbox fault list"]);
    up.stop();
}

#[test]
fn a_configuration_has_faults_and_a_time_from_the_start() {
    let place = Place::new();
    place.file(
        "kerbox.toml",
        "[clock]\nstart = 2031-05-01T00:00:00Z\n[[fault]]\naction = \"krb-error\"\n\
         code = \"KDC_ERR_POLICY\"\nof = \"alice\"\ntimes = 1\n",
    );
    let up = without_hdfs(&place);
    let said = |arguments: &[&str]| place.run(arguments).succeeded().to_owned();
    assert!(said(&["clock", "show"]).starts_with("2031-05-01T00:"));
    place
        .run(&["login", "alice"])
        .refused(1, &["KDC_ERR_POLICY"]);
    said(&["login", "alice"]);
    assert_eq!(
        said(&["fault", "list"]),
        "  1 krb-error KDC_ERR_POLICY --of alice --times 1 (struck 1 times)\n"
    );
    up.stop();
}

#[test]
fn keys_are_rolled_by_name() {
    let place = Place::new();
    let up = without_hdfs(&place);
    let said = |arguments: &[&str]| place.run(arguments).succeeded().to_owned();
    assert_eq!(said(&["roll", "krbtgt"]), "2\n");
    assert_eq!(said(&["roll", "nn/localhost"]), "2\n");
    assert!(said(&["events"]).contains("KDC: keys rolled: nn/localhost@"));
    for (keys, texts) in [
        ("block-tokens", "start a Cluster"),
        ("nobody/there", "nobody/there"),
    ] {
        place.run(&["roll", keys]).refused(1, &[texts]);
    }
    up.stop();
}

#[test]
fn servers_are_listed_stopped_paused_and_restarted() {
    let place = Place::new();
    let up = started(&place);
    let said = |arguments: &[&str]| place.run(arguments).succeeded().to_owned();
    let states = |text: &str| {
        let state = |line: &str| {
            let words: Vec<_> = line.split(' ').collect();
            format!("{} {}", words[0], words[2])
        };
        text.lines().map(state).collect::<Vec<_>>().join(", ")
    };
    let list = || states(&said(&["node", "list"]));
    assert_eq!(list(), "kdc1 running, namenode running, datanode1 running");
    let stopped = said(&["node", "stop", "datanode1"]);
    assert_eq!(states(&stopped), "datanode1 stopped");
    said(&["node", "pause", "kdc"]);
    let restarted = said(&["node", "restart", "namenode"]);
    assert_eq!(states(&restarted), "namenode running");
    assert_eq!(list(), "kdc1 paused, namenode running, datanode1 stopped");
    said(&["node", "resume", "kdc"]);
    said(&["login", "alice"]);
    said(&["node", "restart", "datanode1"]);
    assert_eq!(list(), "kdc1 running, namenode running, datanode1 running");
    place
        .run(&["node", "stop", "datanode2"])
        .refused(1, &["no server \"datanode2\"", "kdc1, namenode, datanode1"]);
    up.stop();
}

#[test]
fn a_login_is_a_ticket_of_a_user_that_there_is() {
    let place = Place::new();
    let up = without_hdfs(&place);
    let cache = place.run(&["login", "alice"]).succeeded().to_owned();
    assert!(end_of(&cache) > Timestamp::EPOCH);
    place
        .run(&["login", "mallory"])
        .refused(1, &["no principal mallory@EXAMPLE.COM"]);
    place
        .run(&["token", "alice", "-o", "token"])
        .refused(1, &["need a NameNode"]);
    up.stop();
}

#[test]
fn a_token_is_written_as_a_file_for_hadoops_clients() {
    let place = Place::new();
    let up = started(&place);
    let token = ["token", "alice", "--renewer", "yarn", "-o", "alice.token"];
    place.run(&token).succeeded();
    let file = std::fs::read(place.path().join("alice.token")).expect("written");
    let tokens = Credentials::from_bytes(&file).expect("a token file").tokens;
    let namenode = up.ready["endpoints"]["namenode"].as_str().expect("a URL");
    let service = namenode.strip_prefix("hdfs://").expect("its scheme");
    assert_eq!(tokens[0].0, service);
    assert_eq!(tokens[0].1.kind, "HDFS_DELEGATION_TOKEN");
    up.stop();
}

#[test]
fn a_sandbox_without_kerberos_has_a_clock_and_no_principals() {
    let place = Place::new();
    let up = place.up(&["--simple", "--namenode-port", "0"]);
    place.run(&["clock", "advance", "1h"]).succeeded();
    place
        .run(&["principal", "list"])
        .refused(1, &["there is no KDC"]);
    up.stop();
}
