//! Krb5LoginModule, JGSS and SASL of the installed JDKs: 17, and the newest one.

use std::path::PathBuf;

use kerbox::{ErrorCode, Event, Realm};

use crate::support::{Peer, TestResult, command, peer_source, run, trials};

trials! {
    [Peer::Jdk17] =>
        jdk_17_logs_in_by_keytab_cache_and_password,
        jdk_17_is_refused_with_a_wrong_password,
        jdk_17_makes_contexts_with_jgss,
        jdk_17_agrees_on_every_qop_with_sasl;
    [Peer::NewestJdk] =>
        the_newest_jdk_logs_in_by_keytab_cache_and_password,
        the_newest_jdk_is_refused_with_a_wrong_password,
        the_newest_jdk_makes_contexts_with_jgss,
        the_newest_jdk_agrees_on_every_qop_with_sasl;
}

/// The JDK to run.
#[derive(Clone, Copy)]
pub(crate) enum Jdk {
    V17,
    Newest,
}

impl Jdk {
    /// Returns its `java`, if installed. `Newest` must be newer than 17.
    pub(crate) fn java(self) -> Option<PathBuf> {
        let homes = std::fs::read_dir("/usr/lib/jvm")
            .into_iter()
            .flatten()
            .flatten();
        let named = std::env::var_os("JAVA_HOME").map(PathBuf::from);
        let installed = homes
            .map(|entry| entry.path())
            .chain(named)
            .filter_map(|home| {
                let java = home.join("bin/java");
                Some((version(&home)?, java)).filter(|(_, java)| java.is_file())
            });
        match self {
            Self::V17 => installed.filter(|(version, _)| *version == 17).min(),
            Self::Newest => installed.filter(|(version, _)| *version > 17).max(),
        }
        .map(|(_, java)| java)
    }
}

/// Reads the major version from a JDK's `release` file: 17 from `JAVA_VERSION="17.0.15"`.
fn version(home: &std::path::Path) -> Option<u32> {
    let release = std::fs::read_to_string(home.join("release")).ok()?;
    let version = release
        .lines()
        .find_map(|line| line.strip_prefix("JAVA_VERSION=\""))?;
    version.split(['.', '"', '-']).next()?.parse().ok()
}

/// Runs commands of JdkKerberos.java in one JVM; returns the result of each.
pub(crate) fn commands(
    jdk: Jdk,
    realm: &Realm,
    commands: &[&[&str]],
) -> Result<Vec<String>, Box<dyn std::error::Error + Send + Sync>> {
    let java = jdk.java().ok_or("it was here before")?;
    let config = format!(
        "-Djava.security.krb5.conf={}",
        realm.path().join("krb5.conf").display()
    );
    let source = peer_source("JdkKerberos.java").display().to_string();
    let words = [
        &*config,
        "-Djava.net.preferIPv4Stack=true",
        "-Xshare:auto",
        "-XX:TieredStopAtLevel=1",
        "-Djavax.security.auth.useSubjectCredsOnly=true",
        &*source,
    ];
    let lines: String = commands
        .iter()
        .map(|words| words.join("\t") + "\n")
        .collect();
    let said = run(&mut command(&realm.env(), java, &words), &lines)?.ok()?;
    let answers: Vec<String> = said
        .split("=>\n")
        .map(|answer| answer.trim_end().to_owned())
        .collect();
    Ok(answers[..answers.len() - 1].to_vec())
}

fn logs_in(jdk: Jdk) -> TestResult {
    let realm = Realm::start_blocking()?;
    let keytab = realm.keytab("alice")?.display().to_string();
    let cache = realm
        .login_blocking("alice")?
        .ccache()
        .display()
        .to_string();
    let token = ["token", "host@localhost"];
    let answers = commands(
        jdk,
        &realm,
        &[
            &["login", "keytab", "alice", &keytab],
            &token,
            &["login", "ccache", "alice", &cache],
            &token,
            &["login", "password", "bob", "bob"],
            &token,
        ],
    )?;
    let tgt = |user: &str| format!("ticket {user}@{0} krbtgt/{0}@{0} etype 18", realm.name());
    for (answer, expected) in answers.iter().zip([
        &*tgt("alice"),
        "bytes for host@localhost",
        &tgt("alice"),
        "bytes for host@localhost",
        &tgt("bob"),
        "bytes for host@localhost",
    ]) {
        assert!(answer.contains(expected), "{expected}: {answers:#?}");
    }
    assert_eq!(answers.len(), 6);
    Ok(())
}

fn is_refused(jdk: Jdk) -> TestResult {
    let realm = Realm::start_blocking()?;
    let answers = commands(
        jdk,
        &realm,
        &[
            &["login", "password", "alice", "wrong"],
            &["login", "password", "nobody", "x"],
            &["login", "password", "alice", "alice"],
            &["token", "no-such-service@localhost"],
        ],
    )?;
    assert!(
        answers[0].contains("refused: ") && answers[0].contains("(24)"),
        "{answers:#?}"
    );
    assert!(
        answers[1].contains("Client not found in Kerberos database (6)"),
        "{answers:#?}"
    );
    assert!(answers[2].contains("ticket alice@"), "{answers:#?}");
    assert!(
        answers[3].contains("Server not found in Kerberos database (7)"),
        "{answers:#?}"
    );
    let refused = realm.journal().count(|event| {
        matches!(
            event,
            Event::AsExchange { outcome, .. }
                if outcome.kerberos_code() == Some(ErrorCode::KDC_ERR_PREAUTH_FAILED)
        )
    });
    assert!(refused > 0);
    Ok(())
}

fn makes_contexts(jdk: Jdk) -> TestResult {
    let realm = Realm::start_blocking()?;
    let (alice, host) = (
        realm.keytab("alice")?.display().to_string(),
        realm.keytab("host/localhost")?.display().to_string(),
    );
    let stale = realm.path().join("stale.keytab");
    std::fs::copy(realm.keytab("nn/localhost")?, &stale)?;
    realm.change_keys("nn/localhost", false)?;
    let stale = stale.display().to_string();
    let answers = commands(
        jdk,
        &realm,
        &[
            &["login", "keytab", "alice", &alice],
            &["context", "host@localhost", "host/localhost", &host],
            &["context", "nn@localhost", "nn/localhost", &stale],
        ],
    )?;
    let expected = format!(
        "context of alice@{0} with host/localhost@{0} conf true",
        realm.name()
    );
    assert_eq!(answers[1], expected, "{answers:#?}");
    // The key is no longer the KDC's.
    assert!(
        answers[2].starts_with("refused: ") && answers[2].contains("Checksum failed"),
        "{answers:#?}"
    );
    Ok(())
}

fn agrees_on_every_qop(jdk: Jdk) -> TestResult {
    let realm = Realm::start_blocking()?;
    let (alice, nn) = (
        realm.keytab("alice")?.display().to_string(),
        realm.keytab("nn/localhost")?.display().to_string(),
    );
    let sasl = |qop| ["sasl", qop, "nn", "localhost", "nn/localhost", &*nn];
    let [auth, integrity, privacy] = ["auth", "auth-int", "auth-conf"].map(sasl);
    // The client wants another protection than the server offers.
    let neither = sasl("auth-conf/auth-int");
    let login = ["login", "keytab", "alice", &*alice];
    let answers = commands(
        jdk,
        &realm,
        &[&login, &auth, &integrity, &privacy, &neither],
    )?;
    for (answer, qop) in answers[1..].iter().zip(["auth", "auth-int", "auth-conf"]) {
        assert_eq!(
            *answer,
            format!("sasl alice@{} agreed on [{qop}]", realm.name()),
            "{answers:#?}"
        );
    }
    assert_eq!(answers.len(), 5);
    assert!(
        answers[4].contains("No common protection layer between client and server"),
        "{answers:#?}"
    );
    Ok(())
}

fn jdk_17_logs_in_by_keytab_cache_and_password() -> TestResult {
    logs_in(Jdk::V17)
}

fn jdk_17_is_refused_with_a_wrong_password() -> TestResult {
    is_refused(Jdk::V17)
}

fn jdk_17_makes_contexts_with_jgss() -> TestResult {
    makes_contexts(Jdk::V17)
}

fn jdk_17_agrees_on_every_qop_with_sasl() -> TestResult {
    agrees_on_every_qop(Jdk::V17)
}

fn the_newest_jdk_logs_in_by_keytab_cache_and_password() -> TestResult {
    logs_in(Jdk::Newest)
}

fn the_newest_jdk_is_refused_with_a_wrong_password() -> TestResult {
    is_refused(Jdk::Newest)
}

fn the_newest_jdk_makes_contexts_with_jgss() -> TestResult {
    makes_contexts(Jdk::Newest)
}

fn the_newest_jdk_agrees_on_every_qop_with_sasl() -> TestResult {
    agrees_on_every_qop(Jdk::Newest)
}
