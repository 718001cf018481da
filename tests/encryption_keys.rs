//! Encrypted data transfer (`dfs.encrypt.data.transfer`): clients get a key from the NameNode, and
//! DataNodes recognise it.

use kerbox::{Cluster, ClusterBuilder, Event, Server};

use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::clients::java_hadoop::java_commands;
use crate::support::{Peer, TestResult, block_on, command, peers_dir, run, trials};

trials! {
    [Peer::LibGssapi] =>
        hdfs_native_uses_encryption_keys;
    [Peer::JavaHadoop] =>
        the_java_client_uses_encryption_keys_with_every_cipher;
    [Peer::GoHdfs] =>
        the_go_client_uses_encryption_keys;
}

/// Three DataNodes that refuse clients without a key; `extra` sets further Hadoop keys.
fn encrypted(extra: &[(&str, &str)]) -> ClusterBuilder {
    let builder = Cluster::secure()
        .datanodes(3)
        .set("dfs.encrypt.data.transfer", "true");
    extra
        .iter()
        .fold(builder, |builder, (key, value)| builder.set(key, *value))
}

/// Counts the DataNodes' successful handshakes with a key. Its user name contains a blank, which
/// base64 never does.
fn by_key(cluster: &Cluster) -> usize {
    cluster.journal().count(|event| {
        matches!(
            event,
            Event::Sasl { server: Server::DataNode(_), user, outcome, .. }
                if outcome.is_ok() && user.contains(" BP-")
        )
    })
}

fn hdfs_native_uses_encryption_keys() -> TestResult {
    let aes = (
        "dfs.encrypt.data.transfer.cipher.suites",
        "AES/CTR/NoPadding",
    );
    for extra in [&[][..], &[aes]] {
        let cluster = encrypted(extra).start_blocking()?;
        let alice = cluster.login_blocking("alice")?;
        block_on(async {
            let native = client(&cluster, &alice)?;
            write(&native, "/user/alice/f", pattern(300_000)).await?;
            let back = read(&native, "/user/alice/f").await?;
            assert!(back == pattern(300_000), "the file came back changed");
            TestResult::Ok(())
        })?;
        assert!(by_key(&cluster) >= 2, "{}", cluster.journal().last(20));
    }
    Ok(())
}

fn the_java_client_uses_encryption_keys_with_every_cipher() -> TestResult {
    for extra in [
        ("dfs.encrypt.data.transfer.algorithm", "3des"),
        ("dfs.encrypt.data.transfer.algorithm", "rc4"),
        (
            "dfs.encrypt.data.transfer.cipher.suites",
            "AES/CTR/NoPadding",
        ),
    ] {
        let cluster = encrypted(&[extra]).start_blocking()?;
        let alice = cluster.login_blocking("alice")?;
        let local = cluster.path().join("local");
        let text: String = (0..20_000).map(|i| format!("line {i}\n")).collect();
        std::fs::write(&local, &text)?;
        let commands: [&[&str]; 2] = [
            &["-put", &local.display().to_string(), "/user/alice/f"],
            &["-cat", "/user/alice/f"],
        ];
        let (answers, stderr) = java_commands(&alice.env(), "FsShells.java", &commands)?;
        assert_eq!((answers[0].0, answers[1].0), (0, 0), "{extra:?}: {stderr}");
        assert!(
            answers[1].1 == text,
            "{extra:?}: the file came back changed"
        );
        assert!(by_key(&cluster) >= 2, "{}", cluster.journal().last(20));
    }
    Ok(())
}

fn the_go_client_uses_encryption_keys() -> TestResult {
    let cluster = encrypted(&[]).start_blocking()?;
    let env = cluster.login_blocking("alice")?.env();
    let program = peers_dir().join("bin/hdfs-go");
    let local = cluster.path().join("local");
    std::fs::write(&local, pattern(200_000))?;
    let back = cluster.path().join("back");
    for words in [
        ["put", &local.display().to_string(), "/user/alice/f"],
        ["get", "/user/alice/f", &back.display().to_string()],
    ] {
        run(&mut command(&env, &program, &words), "")?.ok()?;
    }
    assert!(
        std::fs::read(&back)? == pattern(200_000),
        "the file came back changed"
    );
    assert!(by_key(&cluster) >= 2, "{}", cluster.journal().last(20));
    Ok(())
}
