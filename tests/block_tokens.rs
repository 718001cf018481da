//! Block tokens that are missing, changed, or another's: every DataNode refuses them, and Hadoop's
//! clients understand the refusal.
//!
//! No client produces such a token, so a proxy in front of the NameNode changes the ones that it
//! issues. (For expired tokens see `tokens`.)

use std::time::Duration;

use hdfs_native::Client;
use kerbox::{ClientEnv, Cluster, Event, Outcome, Server};

use crate::block_token_bytes::BlockToken;
use crate::clients::hdfs_native::{client, pattern, read, simple_client, write};
use crate::clients::java_hadoop::{Answer, java_commands};
use crate::spoiler::{ALL, Spoiler, Spoiling};
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [] =>
        hdfs_native_reads_nothing_with_a_token_that_is_not_its_own,
        hdfs_native_writes_nothing_with_a_token_that_is_not_its_own;
    [Peer::LibGssapi] =>
        hdfs_native_is_refused_at_the_handshake_or_after_it;
    [Peer::JavaHadoop] =>
        the_java_client_is_told_that_its_token_is_no_good,
        the_java_client_asks_once_more_for_a_token_and_goes_on,
        the_java_client_asks_once_more_when_a_handshake_was_refused;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Starts a cluster with block tokens but without RPC or data transfer security: DataNodes check
/// nothing but the tokens.
fn plain_cluster(seed: u64) -> Result<Cluster, Error> {
    let builder = Cluster::simple()
        .seed(seed)
        .set("dfs.block.access.token.enable", "true");
    // Otherwise Java's client tries nine times in a minute.
    Ok(builder
        .set("dfs.client.max.block.acquire.failures", "0")
        .set("dfs.client.block.write.retries", "0")
        .start_blocking()?)
}

/// Returns a token for a block with the same number in another cluster, hence in another block pool
/// and under other keys.
fn token_of_another_pool(like: &BlockToken) -> Result<BlockToken, Error> {
    for seed in 2..20 {
        let other = plain_cluster(seed)?;
        let spoiler = Spoiler::start(&other, 0)?;
        block_on(async {
            write(
                &simple_client(&other, "alice")?,
                "/user/alice/f",
                pattern(100),
            )
            .await?;
            read(
                &spoiler.proxy.simple_client(&other, "alice")?,
                "/user/alice/f",
            )
            .await?;
            Ok(())
        })?;
        let token = spoiler
            .remembered()
            .ok_or("the NameNode gives out no token")?;
        // It must fit in the other token's place.
        if token.identifier.len() == like.identifier.len() && token.identifier != like.identifier {
            return Ok(token);
        }
    }
    Err("no other cluster's tokens are as long".into())
}

/// Fails unless the DataNode has refused a token and served no transfer.
fn was_refused(cluster: &Cluster, since: &kerbox::Journal) -> TestResult {
    let is_transfer =
        |event: &Event| matches!(event, Event::ReadBlock { .. } | Event::WriteBlock { .. });
    let outcomes: Vec<Outcome> = since
        .filter(is_transfer)
        .iter()
        .filter_map(|entry| entry.event.outcome().cloned())
        .collect();
    if !outcomes.is_empty()
        && outcomes
            .iter()
            .all(|outcome| *outcome == Outcome::Status("ERROR_ACCESS_TOKEN"))
    {
        Ok(())
    } else {
        Err(format!("not refused: {}", cluster.journal().last(20)).into())
    }
}

/// Returns every way to spoil a token, each with its replacement token if it needs one.
fn ways(
    cluster: &Cluster,
    spoiler: &Spoiler,
    native: &Client,
) -> Result<Vec<(Spoiling, Option<BlockToken>)>, Error> {
    let mut of_another_block = None;
    block_on(async {
        write(
            &simple_client(cluster, "alice")?,
            "/user/alice/other",
            pattern(100),
        )
        .await?;
        read(native, "/user/alice/other").await?;
        of_another_block = spoiler.remembered();
        Ok(())
    })?;
    let of_another_block = of_another_block.ok_or("the NameNode gives out no token")?;
    let of_another_pool = token_of_another_pool(&of_another_block)?;
    Ok(vec![
        (Spoiling::Missing, None),
        (Spoiling::Password, None),
        (Spoiling::User, None),
        (Spoiling::Other, Some(of_another_block)),
        (Spoiling::Other, Some(of_another_pool)),
    ])
}

fn hdfs_native_reads_nothing_with_a_token_that_is_not_its_own() -> TestResult {
    let cluster = plain_cluster(1)?;
    let spoiler = Spoiler::start(&cluster, ALL)?;
    let native = spoiler.proxy.simple_client(&cluster, "alice")?;
    let ways = ways(&cluster, &spoiler, &native)?;
    block_on(async {
        write(
            &simple_client(&cluster, "alice")?,
            "/user/alice/f",
            pattern(1000),
        )
        .await?;
        for (spoiling, other) in ways {
            spoiler.spoil(spoiling);
            other.into_iter().for_each(|token| spoiler.remember(token));
            let since = cluster.journal().from_here();
            let refused = read(&native, "/user/alice/f").await.err();
            assert!(refused.is_some(), "{spoiling:?}");
            was_refused(&cluster, &since)?;
        }
        spoiler.spoil(Spoiling::None);
        assert!(read(&native, "/user/alice/f").await? == pattern(1000));
        Ok(())
    })
}

fn hdfs_native_writes_nothing_with_a_token_that_is_not_its_own() -> TestResult {
    let cluster = plain_cluster(1)?;
    let spoiler = Spoiler::start(&cluster, ALL)?;
    let native = spoiler.proxy.simple_client(&cluster, "alice")?;
    let ways = ways(&cluster, &spoiler, &native)?;
    block_on(async {
        for (number, (spoiling, other)) in ways.into_iter().enumerate() {
            spoiler.spoil(spoiling);
            other.into_iter().for_each(|token| spoiler.remember(token));
            let since = cluster.journal().from_here();
            let path = format!("/user/alice/new-{number}");
            let written = tokio::time::timeout(
                Duration::from_secs(120),
                write(&native, &path, pattern(1000)),
            )
            .await;
            assert!(
                matches!(written, Ok(Err(_))),
                "{spoiling:?}: {written:?}: {}",
                cluster.journal().last(20)
            );
            was_refused(&cluster, &since)?;
        }
        Ok(())
    })
}

/// Returns the DataNodes' refusals during handshakes.
fn handshake_refusals(since: &kerbox::Journal) -> Vec<String> {
    since
        .filter(|event| {
            matches!(
                event,
                Event::Sasl { server: Server::DataNode(_), outcome, .. }
                    if !outcome.is_ok()
            )
        })
        .iter()
        .map(|entry| entry.event.to_string())
        .collect()
}

fn hdfs_native_is_refused_at_the_handshake_or_after_it() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    let spoiler = Spoiler::start(&cluster, ALL)?;
    block_on(async {
        let direct = client(&cluster, &alice)?;
        let native = spoiler.proxy.client(&cluster, &alice)?;
        for name in ["f", "other"] {
            write(&direct, &format!("/user/alice/{name}"), pattern(1000)).await?;
        }
        // Open it, but do not read: a kept connection would spare the next read its handshake.
        native.read("/user/alice/other").await?;
        for spoiling in [
            Spoiling::Missing,
            Spoiling::Password,
            Spoiling::User,
            Spoiling::Other,
        ] {
            spoiler.spoil(spoiling);
            let since = cluster.journal().from_here();
            let reader = native.clone();
            // hdfs-native 0.14.8 ignores the status of a handshake's answer, and panics because the
            // answer has no proof.
            let answered = tokio::spawn(async move { read(&reader, "/user/alice/f").await }).await;
            assert!(
                !matches!(answered, Ok(Ok(_))),
                "{spoiling:?}: the token was taken"
            );
            let told = handshake_refusals(&since);
            if spoiling == Spoiling::Missing {
                // Without a token this client starts no handshake. The DataNode notes that, and
                // cuts it off before any operation.
                let asked = since.count(|event| matches!(event, Event::ReadBlock { .. }));
                let came = since.count(|event| {
                    matches!(
                        event,
                        Event::Connection {
                            server: Server::DataNode(_),
                            opened: true,
                            ..
                        }
                    )
                });
                assert_eq!(
                    (told.is_empty(), asked, came > 0),
                    (false, 0, true),
                    "{}",
                    cluster.journal().last(20)
                );
            } else if spoiling == Spoiling::Other {
                // A token that is valid for another block opens the connection, but not this block.
                assert!(told.is_empty(), "{told:?}");
                was_refused(&cluster, &since)?;
            } else {
                assert!(!told.is_empty(), "{}", cluster.journal().last(20));
            }
        }
        Ok(())
    })
}

fn shells(env: &ClientEnv, commands: &[&[&str]]) -> Result<(Vec<Answer>, String), Error> {
    java_commands(env, "FsShells.java", commands)
}

fn the_java_client_is_told_that_its_token_is_no_good() -> TestResult {
    let cluster = plain_cluster(1)?;
    let spoiler = Spoiler::start(&cluster, ALL)?;
    let local = cluster.path().join("local");
    std::fs::write(&local, pattern(1000))?;
    block_on(async {
        write(
            &simple_client(&cluster, "alice")?,
            "/user/alice/f",
            pattern(1000),
        )
        .await?;
        Ok(())
    })?;
    let env = cluster.env_of("alice");
    for spoiling in [Spoiling::Missing, Spoiling::Password, Spoiling::User] {
        spoiler.spoil(spoiling);
        let since = cluster.journal().from_here();
        let local = local.display().to_string();
        let commands: [&[&str]; 2] = [
            &["-cat", &spoiler.url("/user/alice/f")],
            &["-put", "-f", &local, &spoiler.url("/user/alice/new")],
        ];
        let (answers, said) = shells(&env, &commands)?;
        assert_eq!((answers[0].0, answers[1].0), (1, 1), "{spoiling:?}: {said}");
        // This is the text for a DataNode of Hadoop 3.4.3, whose answer has no message.
        assert!(
            said.contains("Got access token error, status message , for OP_READ_BLOCK"),
            "{said}"
        );
        let bad_link = format!(
            "Got access token error, status message , ack with firstBadLink as {}",
            cluster.datanode(1)?.address()
        );
        assert!(said.contains(&bad_link), "{said}");
        was_refused(&cluster, &since)?;
    }
    Ok(())
}

fn the_java_client_asks_once_more_for_a_token_and_goes_on() -> TestResult {
    let cluster = plain_cluster(1)?;
    let spoiler = Spoiler::start(&cluster, 1)?;
    let text: String = (0..1000).map(|i| format!("line {i}\n")).collect();
    block_on(async {
        write(
            &simple_client(&cluster, "alice")?,
            "/user/alice/f",
            text.clone().into(),
        )
        .await?;
        Ok(())
    })?;
    spoiler.spoil(Spoiling::Password);
    let (answers, said) = shells(
        &cluster.env_of("alice"),
        &[&["-cat", &spoiler.url("/user/alice/f")]],
    )?;
    assert_eq!(answers[0].0, 0, "{said}");
    assert!(answers[0].1 == text, "the file came back changed");
    assert_eq!(spoiler.count(), 1);
    let outcomes: Vec<bool> = cluster
        .journal()
        .filter(|event| matches!(event, Event::ReadBlock { .. }))
        .iter()
        .filter_map(|entry| entry.event.outcome().map(Outcome::is_ok))
        .collect();
    assert_eq!(outcomes, [false, true], "{}", cluster.journal().last(20));
    Ok(())
}

/// A token with an unknown key is refused differently from one with a wrong password: with
/// `accessTokenError`, which makes the client ask for a new token.
fn the_java_client_asks_once_more_when_a_handshake_was_refused() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    let spoiler = Spoiler::start(&cluster, 1)?;
    let text: String = (0..1000).map(|i| format!("line {i}\n")).collect();
    let local = cluster.path().join("local");
    std::fs::write(&local, &text)?;
    shells(
        &alice.env(),
        &[&["-put", &local.display().to_string(), "/user/alice/f"]],
    )?;
    spoiler.spoil(Spoiling::Key);
    let since = cluster.journal().from_here();
    let (answers, said) = shells(&alice.env(), &[&["-cat", &spoiler.url("/user/alice/f")]])?;
    assert_eq!(answers[0].0, 0, "{said}");
    assert!(answers[0].1 == text, "the file came back changed");
    assert_eq!(spoiler.count(), 1);
    let told = handshake_refusals(&since);
    assert!(
        told.len() == 1 && told[0].contains("since the required block key"),
        "{told:?}"
    );
    Ok(())
}
