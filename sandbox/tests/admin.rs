//! Tests of `kerbox principal`, `keytab` and `ccache`.

use kerbox_krb5::ccache::CredentialCache;
use kerbox_krb5::keytab::Keytab;
use kerbox_krb5::{EncryptionKey, EncryptionType, Principal};
use kerbox_testing::{Place, Up};

fn started(place: &Place) -> Up {
    place.up(&["--kdc-only", "--kdc-port", "0"])
}

#[test]
fn a_principal_is_added_shown_changed_and_removed_while_the_kdc_runs() {
    let place = Place::new();
    let up = started(&place);
    let said = |arguments: &[&str]| place.run(arguments).succeeded().to_owned();
    let add = [
        "principal",
        "add",
        "carol",
        "--password",
        "geheim",
        "--max-life",
        "30s",
        "--attribute=-allow_forwardable",
        "--expires",
        "2030-01-01T00:00:00Z",
    ];
    assert_eq!(said(&add), "carol@EXAMPLE.COM added\n");
    assert!(
        said(&["principal", "list"])
            .lines()
            .any(|line| line == "carol@EXAMPLE.COM")
    );
    let shown = said(&["principal", "show", "carol"]);
    for line in [
        "principal: carol@EXAMPLE.COM",
        "max_life: 30s",
        "expires: 2030-01-01T00:00:00Z",
        "password_expires: never",
    ] {
        assert!(
            shown.lines().any(|shown| shown == line),
            "{line:?} is missing in\n{shown}"
        );
    }
    assert!(
        shown.contains("-allow_forwardable") && !shown.contains("geheim"),
        "{shown}"
    );

    assert_eq!(
        said(&[
            "principal",
            "change",
            "carol",
            "--random-key",
            "--keep-old",
            "--expires",
            "never"
        ]),
        "carol@EXAMPLE.COM changed\n"
    );
    let shown = said(&["principal", "show", "carol"]);
    assert!(
        shown.contains("expires: never")
            && shown.contains("2 aes256-cts-hmac-sha1-96")
            && shown.contains("1 aes256-cts-hmac-sha1-96"),
        "{shown}"
    );

    said(&["keytab", "carol", "-o", "carol.keytab"]);
    let keytab = Keytab::read(&place.path().join("carol.keytab")).expect("a keytab");
    assert!(
        keytab
            .entries()
            .all(|entry| entry.principal().to_string() == "carol@EXAMPLE.COM")
    );
    assert!(keytab.entries().any(|entry| entry.kvno() == 2));

    assert_eq!(
        said(&["principal", "remove", "carol"]),
        "carol@EXAMPLE.COM removed\n"
    );
    place
        .run(&["principal", "show", "carol"])
        .refused(1, &["there is no principal carol@EXAMPLE.COM"]);
    up.stop();
}

#[test]
fn a_password_makes_the_keys_of_a_service_and_of_a_trust() {
    let place = Place::new();
    std::fs::write(
        place.path().join("kerbox.toml"),
        "[[principal]]\nname = \"kafka/localhost\"\npassword = \"first\"\n",
    )
    .expect("written");
    let up = started(&place);
    let said = |arguments: &[&str]| place.run(arguments).succeeded().to_owned();
    let assert_keys = |name: &str, kvno: u32, password: &str| {
        said(&["keytab", name, "-o", "made.keytab"]);
        let keytab = Keytab::read(&place.path().join("made.keytab")).expect("a keytab");
        let keys: Vec<_> = keytab
            .entries()
            .map(|entry| (entry.kvno(), entry.key().cloned()))
            .collect();
        let principal = Principal::parse(name, "EXAMPLE.COM").expect("a name");
        let salt = principal.default_salt();
        let expected = EncryptionType::DEFAULT_KEYS.map(|enctype| {
            let (password, salt) = (password.as_bytes(), salt.as_bytes());
            let key = EncryptionKey::from_password(enctype, password, salt, None);
            (kvno, key.ok())
        });
        assert_eq!(keys, expected, "{name}");
    };
    assert_keys("kafka/localhost", 1, "first");
    said(&["principal", "add", "zk/localhost", "--password", "second"]);
    assert_keys("zk/localhost", 1, "second");
    said(&["principal", "change", "zk/localhost", "--password", "third"]);
    assert_keys("zk/localhost", 2, "third");
    for trust in [
        "krbtgt/OTHER.ORG@EXAMPLE.COM",
        "krbtgt/EXAMPLE.COM@OTHER.ORG",
    ] {
        said(&["principal", "add", trust, "--password", "shared"]);
        assert_keys(trust, 1, "shared");
        said(&["principal", "change", trust, "--password", "renewed"]);
        assert_keys(trust, 2, "renewed");
    }
    up.stop();
}

#[test]
fn several_are_added_at_once_long_names_too_and_each_has_a_keytab_of_its_own() {
    let place = Place::new();
    let up = started(&place);
    let long = "x".repeat(300);
    let ran = place.run(&["principal", "add", "a b", "alice", "a:b", &long, "svc/h"]);
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    assert!(ran.stderr.contains("alice@EXAMPLE.COM"), "{ran:#?}");
    assert_eq!(ran.stdout.lines().count(), 4, "{ran:#?}");
    place.run(&["principal", "show", &long]).succeeded();
    for (file, name) in [
        ("a_b.keytab", "a b@EXAMPLE.COM"),
        ("a%3Ab@EXAMPLE.COM.keytab", "a:b@EXAMPLE.COM"),
    ] {
        let keytab = Keytab::read(&up.dir().join("keytabs").join(file)).expect("a keytab");
        let mut names = keytab.entries().map(|entry| entry.principal().to_string());
        assert!(names.all(|found| found == name));
    }
    let shown = place
        .run(&["principal", "show", "alice"])
        .succeeded()
        .to_owned();
    let keys = shown.lines().find_map(|line| line.strip_prefix("keys: "));
    let mut keys: Vec<&str> = keys.expect("a line").split(", ").collect();
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count, "{shown}");
    up.stop();
}

#[test]
fn tickets_are_made_to_order() {
    let place = Place::new();
    let up = started(&place);
    let ticket = |arguments: &[&str]| {
        place
            .run(&[&["ccache", "alice", "-o", "cc"], arguments].concat())
            .succeeded();
        let cache = CredentialCache::read(&place.path().join("cc")).expect("a cache");
        let credential = cache.credentials().next().expect("a ticket").clone();
        assert_eq!(credential.client.to_string(), "alice@EXAMPLE.COM");
        credential
    };
    let now = kerbox_krb5::Clock::system().now();
    let usual = ticket(&[]);
    assert_eq!(usual.server.to_string(), "krbtgt/EXAMPLE.COM@EXAMPLE.COM");
    assert!(usual.end_time > now && usual.renew_till > usual.end_time);
    assert!(ticket(&["--expired"]).end_time < now);
    assert!(ticket(&["--not-yet-valid"]).start_time > now);
    assert_eq!(
        ticket(&["--not-renewable"]).renew_till,
        kerbox_krb5::Timestamp::EPOCH
    );
    assert_eq!(
        ticket(&["--service", "nn/localhost", "--life", "30s"])
            .server
            .to_string(),
        "nn/localhost@EXAMPLE.COM"
    );
    ticket(&["--kvno", "9", "--wrong-key"]);
    place
        .run(&["ccache", "alice", "-o", "cc", "--service", "no/such"])
        .refused(1, &["there is no principal no/such@EXAMPLE.COM"]);
    place
        .run(&["ccache", "alice", "-o", "cc", "--life", "soon"])
        .refused(2, &["\"soon\" is not a duration"]);
    up.stop();
}

#[test]
fn without_a_sandbox_nothing_can_be_asked() {
    let place = Place::new();
    place
        .run(&["principal", "list"])
        .refused(1, &["no sandbox is running", "kerbox up"]);
    place
        .run(&["principal", "list", "--dir", "nowhere"])
        .refused(1, &["no sandbox answers in nowhere"]);
}

#[test]
fn clients_that_say_nothing_keep_no_other_waiting() {
    use std::os::unix::net::UnixStream;
    let place = Place::new();
    let up = started(&place);
    let dir = up.ready["dir"].as_str().expect("a folder");
    let socket = std::path::Path::new(dir).join("control.sock");
    let silent: Vec<_> = (0..20)
        .map(|_| UnixStream::connect(&socket).expect("it listens"))
        .collect();
    let names = place.run(&["principal", "list"]);
    assert!(names.succeeded().contains("alice@EXAMPLE.COM"));
    drop(silent);
}

#[test]
fn no_terminal_obeys_a_principals_name() {
    let place = Place::new();
    let _up = started(&place);
    let added = place.run(&["principal", "add", "eve\u{1b}]0;owned\u{7}"]);
    assert!(!added.stdout.contains('\u{1b}') && !added.stderr.contains('\u{1b}'));
    let listed = place.run(&["principal", "list"]);
    assert!(!listed.succeeded().contains('\u{1b}'), "{listed:?}");
    let missing = place.run(&["principal", "show", "mallory\u{1b}[2J"]);
    assert!(!missing.stderr.contains('\u{1b}') && missing.stderr.contains("mallory"));
}
