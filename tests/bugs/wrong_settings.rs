//! Clients and servers that expect different things of each other, and writers that disappear.

use std::time::Duration;

use hdfs_native::WriteOptions;
use kerbox::{Cluster, EncryptionType, Protection};

use super::conversation::Job;
use crate::clients::hdfs_native::{pattern, read, simple_client};
use crate::support::{Peer, TestResult, block_on, command, peers_dir, run, trials};

trials! {
    [] =>
        bug_23_a_writer_disappears;
    [Peer::JavaHadoop] =>
        bug_21_client_and_datanode_expect_different_protection;
    [Peer::GoHdfs] =>
        bug_22_go_reads_and_writes_with_every_key_type_at_integrity;
}

/// Without `dfs.data.transfer.protection` a DataNode speaks no SASL. The two then do not
/// understand each other, and neither can say so.
fn bug_21_client_and_datanode_expect_different_protection() -> TestResult {
    const NONE: &str = "dfs.data.transfer.protection=";
    const SOME: &str = "dfs.data.transfer.protection=authentication";
    const ANY_PORT: &str = "ignore.secure.ports.for.testing=true";
    let retries = "dfs.client.block.write.retries=0";
    for (servers, client, works) in [
        (None, NONE, true),
        (None, SOME, false),
        (Some("authentication"), NONE, false),
        (Some("authentication"), SOME, true),
    ] {
        let builder = Cluster::secure().set("dfs.data.transfer.protection", servers.unwrap_or(""));
        let cluster = builder.start_blocking()?;
        let alice = cluster.login_blocking("alice")?;
        let mut job = Job::start(&alice.env_under_clock()?, &[client, ANY_PORT, retries])?;
        job.ask(&["list", "/"])?.ok()?;
        job.ask(&["create", "/user/alice/f"])?.ok()?;
        job.ask(&["write", "1000"])?.ok()?;
        let answer = job.ask(&["close"])?;
        if works {
            answer
                .ok()
                .map_err(|error| format!("{servers:?}, {client}: {error}"))?;
        } else {
            let error = answer.refused()?;
            assert!(
                error.contains("Unable to create new block."),
                "{servers:?}, {client}: {error}"
            );
        }
        if servers.is_some() && !works {
            // The DataNode does know what the client lacks.
            let without = "which does not support SASL data transfer protection";
            let said = cluster.journal().entries();
            assert!(
                said.iter().any(|entry| entry.text().contains(without)),
                "{}",
                cluster.journal().last(20)
            );
        }
    }
    Ok(())
}

/// colinmarc/hdfs checks the id of a wrap token, but knows that of newer key types only.
fn bug_22_go_reads_and_writes_with_every_key_type_at_integrity() -> TestResult {
    let program = peers_dir().join("bin/hdfs-go");
    for enctype in [
        EncryptionType::AES256_CTS_HMAC_SHA1_96,
        EncryptionType::AES128_CTS_HMAC_SHA1_96,
        EncryptionType::AES256_CTS_HMAC_SHA384_192,
        EncryptionType::AES128_CTS_HMAC_SHA256_128,
        EncryptionType::RC4_HMAC,
    ] {
        let cluster = Cluster::secure()
            .enctypes([enctype])
            .protection(Protection::Integrity)
            .start_blocking()?;
        let env = cluster.login_blocking("alice")?.env();
        let local = cluster.path().join("local");
        std::fs::write(&local, pattern(100_000))?;
        let local = local.display().to_string();
        let back = cluster.path().join("back").display().to_string();
        let put = run(
            &mut command(&env, &program, &["put", &local, "/user/alice/f"]),
            "",
        )?;
        if enctype == EncryptionType::RC4_HMAC {
            // The client expects the tokens of newer key types (RFC 4121), not those of RFC 4757.
            let error = put.refused()?;
            assert!(error.contains("wrong Token ID. Expected 0504"), "{error}");
            continue;
        }
        put.ok().map_err(|error| format!("{enctype}: {error}"))?;
        run(
            &mut command(&env, &program, &["get", "/user/alice/f", &back]),
            "",
        )?
        .ok()?;
        assert!(std::fs::read(&back)? == pattern(100_000), "{enctype}");
    }
    Ok(())
}

/// Another writer may take over after the soft limit of a minute; after the hard limit of twenty
/// minutes the NameNode closes the file itself.
fn bug_23_a_writer_disappears() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    block_on(async {
        let other = simple_client(&cluster, "alice")?;
        for (path, silent, taken_over) in [
            ("/user/alice/early", Duration::from_secs(50), false),
            ("/user/alice/soft", Duration::from_secs(61), true),
            ("/user/alice/hard", Duration::from_secs(21 * 60), true),
        ] {
            let writer = simple_client(&cluster, "alice")?;
            let mut file = writer.create(path, WriteOptions::default()).await?;
            file.write_bytes(pattern(1000)).await?;
            // The writer sends nothing more: neither a close nor a renewal of its lease.
            std::mem::forget((file, writer));
            cluster.advance_blocking(silent)?;
            let append = other.append(path).await.map(drop);
            let text = format!("{append:?}");
            if taken_over {
                assert!(
                    append.is_ok() || text.contains("RecoveryInProgressException"),
                    "{text}"
                );
                let _ = read(&other, path).await;
            } else {
                assert!(
                    text.contains("this file lease is currently owned by"),
                    "{text}"
                );
            }
        }
        Ok(())
    })
}
