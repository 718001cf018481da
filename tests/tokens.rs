//! Delegation tokens: obtained, renewed and cancelled by Hadoop's client, and used instead of a
//! ticket by it and by hdfs-native. Block tokens: refused by DataNodes once they are no longer
//! valid.

use std::path::PathBuf;
use std::time::Duration;

use hdfs_native::ClientBuilder;
use kerbox::{ClientEnv, Cluster, Event, Mechanism, Protection, Server};

use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::clients::java_hadoop::{Answer, java_commands};
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [Peer::JavaHadoop] =>
        a_token_serves_the_java_client_instead_of_a_ticket,
        a_token_serves_at_integrity_and_privacy,
        a_token_can_be_renewed_and_cancelled_by_those_who_may,
        a_token_that_nobody_renewed_expires,
        a_token_gets_no_other_token;
    [Peer::LibGssapi] =>
        a_block_token_is_refused_once_it_has_expired,
        a_block_token_of_keys_that_are_forgotten_is_refused;
    [Peer::JavaHadoop, Peer::LibGssapi] =>
        a_token_serves_hdfs_native;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A secure cluster, and a file with a token of alice's that yarn may renew.
struct Issued {
    cluster: Cluster,
    file: PathBuf,
}

fn issued(protection: Protection, format: &str) -> Result<Issued, Error> {
    let cluster = Cluster::secure().protection(protection).start_blocking()?;
    let file = cluster.path().join("token");
    let alice = cluster.login_blocking("alice")?;
    let answers = tokens(
        &alice.env(),
        &[&["get", "yarn", &file.display().to_string(), format]],
    )?;
    assert_eq!(answers[0], (0, "1\n".to_owned()));
    Ok(Issued { cluster, file })
}

impl Issued {
    /// The environment of a client that has the token and no ticket.
    fn env(&self) -> ClientEnv {
        let nowhere = self.cluster.path().join("no-such-cache");
        self.cluster
            .env()
            .with("KRB5CCNAME", format!("FILE:{}", nowhere.display()))
            .with("HADOOP_TOKEN_FILE_LOCATION", &self.file)
    }

    fn name(&self) -> String {
        self.file.display().to_string()
    }

    /// Counts the times that the NameNode accepted a token.
    fn admitted(&self) -> usize {
        self.cluster.journal().count(|event| {
            matches!(
                event,
                Event::Sasl {
                    server: Server::NameNode(1),
                    mechanism: Mechanism::DigestMd5,
                    outcome,
                    ..
                } if outcome.is_ok()
            )
        })
    }
}

/// Returns Java's answer to each command; if the last one failed, its standard error is added.
fn tokens(env: &ClientEnv, commands: &[&[&str]]) -> Result<Vec<Answer>, Error> {
    let (mut answers, stderr) = java_commands(env, "Tokens.java", commands)?;
    if let Some((status, text)) = answers.last_mut()
        && *status != 0
    {
        text.push_str(&stderr);
    }
    Ok(answers)
}

fn serves(protection: Protection, format: &str) -> TestResult {
    let issued = issued(protection, format)?;
    let local = issued.cluster.path().join("local");
    std::fs::write(&local, "by token\n")?;
    let answers = tokens(
        &issued.env(),
        &[
            &["-put", &local.display().to_string(), "/user/alice/by-token"],
            &["-cat", "/user/alice/by-token"],
            &["-stat", "%u", "/user/alice/by-token"],
        ],
    )?;
    assert!(
        answers.iter().all(|(status, _)| *status == 0),
        "{answers:?}"
    );
    assert_eq!(
        (answers[1].1.as_str(), answers[2].1.as_str()),
        ("by token\n", "alice\n")
    );
    assert!(
        issued.admitted() > 0,
        "{}",
        issued.cluster.journal().last(20)
    );
    Ok(())
}

fn a_token_serves_the_java_client_instead_of_a_ticket() -> TestResult {
    serves(Protection::Authentication, "PROTOBUF")
}

fn a_token_serves_at_integrity_and_privacy() -> TestResult {
    serves(Protection::Integrity, "WRITABLE")?;
    serves(Protection::Privacy, "PROTOBUF")
}

fn a_token_can_be_renewed_and_cancelled_by_those_who_may() -> TestResult {
    let issued = issued(Protection::Authentication, "PROTOBUF")?;
    let name = issued.name();
    let [alice, bob, yarn] =
        ["alice", "bob", "yarn"].map(|user| issued.cluster.login_blocking(user));
    let (alice, bob, yarn) = (alice?.env(), bob?.env(), yarn?.env());

    let answers = tokens(&alice, &[&["renew", &name]])?;
    assert!(
        answers[0].1.contains("alice tries to renew a token"),
        "{answers:?}"
    );
    assert!(
        answers[0].1.contains("with non-matching renewer yarn"),
        "{answers:?}"
    );
    let answers = tokens(&bob, &[&["renew", &name], &["cancel", &name]])?;
    assert!(
        answers[0].1.contains("with non-matching renewer yarn"),
        "{answers:?}"
    );
    assert!(
        answers[1]
            .1
            .contains("is not authorized to cancel the token"),
        "{answers:?}"
    );
    let answers = tokens(
        &yarn,
        &[
            &["renew", &name],
            &["cancel", &name],
            &["renew", &name],
            &["cancel", &name],
        ],
    )?;
    assert_eq!((answers[0].0, answers[1].0), (0, 0), "{answers:?}");
    assert!(
        answers[2].1.contains("Renewal request for unknown token"),
        "{answers:?}"
    );
    assert!(answers[3].1.contains("Token not found"), "{answers:?}");

    let answers = tokens(&issued.env(), &[&["-ls", "/"]])?;
    assert_ne!(answers[0].0, 0);
    assert!(
        answers[0].1.contains("can't be found in cache"),
        "{answers:?}"
    );
    assert_eq!(issued.admitted(), 0);
    Ok(())
}

fn a_token_that_nobody_renewed_expires() -> TestResult {
    let issued = issued(Protection::Authentication, "PROTOBUF")?;
    let day = Duration::from_secs(24 * 3600);
    let hour = Duration::from_secs(3600);
    issued.cluster.advance_blocking(day - hour)?;
    let answers = tokens(&issued.env(), &[&["-ls", "/"]])?;
    assert_eq!(answers[0].0, 0, "{answers:?}");
    // Past its renewal time, but before the scan that removes it.
    issued
        .cluster
        .advance_blocking(hour + Duration::from_secs(60))?;
    let answers = tokens(&issued.env(), &[&["-ls", "/"]])?;
    assert_ne!(answers[0].0, 0);
    assert!(
        answers[0].1.contains("has expired, current time: "),
        "{answers:?}"
    );
    issued.cluster.advance_blocking(2 * hour)?;
    let answers = tokens(&issued.env(), &[&["-ls", "/"]])?;
    assert!(
        answers[0].1.contains("can't be found in cache"),
        "{answers:?}"
    );
    Ok(())
}

fn a_token_gets_no_other_token() -> TestResult {
    let issued = issued(Protection::Authentication, "PROTOBUF")?;
    let other = issued.cluster.path().join("other").display().to_string();
    let name = issued.name();
    let namenode = issued.cluster.namenode();
    let before = namenode.delegation_tokens().tokens().len();
    // Java does not request a token of a kind that it already holds. Renewal is refused by the same
    // rule.
    let answers = tokens(
        &issued.env(),
        &[&["get", "yarn", &other, "PROTOBUF"], &["renew", &name]],
    )?;
    assert_eq!(namenode.delegation_tokens().tokens().len(), before);
    assert!(
        answers[1]
            .1
            .contains("Delegation Token can be renewed only with kerberos or web authentication"),
        "{answers:?}"
    );
    let answers = tokens(&issued.env(), &[&["cancel", &name]])?;
    assert_eq!(
        answers[0].0, 0,
        "its owner may cancel it, however they came: {answers:?}"
    );
    assert_eq!(namenode.delegation_tokens().tokens().len(), before - 1);
    Ok(())
}

fn a_token_serves_hdfs_native() -> TestResult {
    for (protection, format) in [
        (Protection::Authentication, "WRITABLE"),
        (Protection::Integrity, "PROTOBUF"),
        (Protection::Privacy, "PROTOBUF"),
    ] {
        let issued = issued(protection, format)?;
        let _env = issued.env().enter();
        block_on(async {
            let client = ClientBuilder::new()
                .with_url(issued.cluster.url())
                .with_config_dir(issued.cluster.hadoop_conf_dir().display().to_string())
                .build()?;
            write(&client, "/user/alice/by-token", pattern(100_000)).await?;
            assert!(read(&client, "/user/alice/by-token").await? == pattern(100_000));
            assert_eq!(
                client.get_file_info("/user/alice/by-token").await?.owner,
                "alice"
            );
            TestResult::Ok(())
        })?;
        assert!(
            issued.admitted() > 0,
            "{}",
            issued.cluster.journal().last(20)
        );
    }
    Ok(())
}

/// Opens a file, which fetches its block tokens, calls `spoil`, and reads, which must fail. Returns
/// the DataNode's reason for refusing the token.
fn refusal_of_block_token(
    protection: Protection,
    spoil: impl FnOnce(&Cluster) -> TestResult,
) -> Result<String, Error> {
    let cluster = Cluster::secure().protection(protection).start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    let mut told = None;
    block_on(async {
        let native = client(&cluster, &alice)?;
        write(&native, "/user/alice/f", pattern(1000)).await?;
        let mut file = native.read("/user/alice/f").await?;
        spoil(&cluster)?;
        // hdfs-native 0.14.8 ignores the status of the answer, and panics because the answer has no
        // proof.
        let answered = tokio::spawn(async move { file.read_bytes(1000).await }).await;
        assert!(!matches!(answered, Ok(Ok(_))), "the token was taken");
        told = cluster
            .journal()
            .filter(|event| {
                matches!(
                    event,
                    Event::Sasl { server: Server::DataNode(_), outcome, .. }
                        if !outcome.is_ok()
                )
            })
            .first()
            .map(ToString::to_string);
        // A client that opens the file again gets a valid token.
        let alice = cluster.login("alice").await?;
        assert!(read(&client(&cluster, &alice)?, "/user/alice/f").await? == pattern(1000));
        TestResult::Ok(())
    })?;
    Ok(told.ok_or("no DataNode has refused anything")?)
}

fn a_block_token_is_refused_once_it_has_expired() -> TestResult {
    for protection in [Protection::Authentication, Protection::Privacy] {
        let why = refusal_of_block_token(protection, |cluster| {
            cluster.advance_blocking(Duration::from_secs(10 * 3600) + Duration::from_secs(1))?;
            Ok(())
        })?;
        assert!(
            why.contains("InvalidToken: Block token with ") && why.contains(" is expired."),
            "{why}"
        );
    }
    Ok(())
}

fn a_block_token_of_keys_that_are_forgotten_is_refused() -> TestResult {
    let why = refusal_of_block_token(Protection::Authentication, |cluster| {
        cluster
            .namenode()
            .block_tokens()
            .clear_keys(cluster.clock().now());
        // A DataNode forgets the keys that it has when it ends.
        cluster.datanode(1)?.restart()?;
        Ok(())
    })?;
    assert!(why.contains("since the required block key"), "{why}");
    Ok(())
}
