//! Hadoop's administration tools: `hdfs cacheadmin`, `ec`, `storagepolicies`, `dfsadmin`; inotify.

use std::time::Duration;

use kerbox::Cluster;

use super::java_hadoop::{Answer, java_commands};
use crate::support::{Peer, TestResult, trials};

trials! {
    [Peer::JavaHadoop] =>
        cacheadmin_works_with_every_verb,
        rare_commands_of_administrators_work,
        java_reads_the_events_of_changes;
}

type Answers = Result<Vec<Answer>, Box<dyn std::error::Error + Send + Sync>>;

/// Runs commands, written with single spaces between the words, as the superuser.
fn admin(cluster: &Cluster, commands: &[&str]) -> Answers {
    let words: Vec<Vec<&str>> = commands
        .iter()
        .map(|command| command.split(' ').collect())
        .collect();
    let words: Vec<&[&str]> = words.iter().map(Vec::as_slice).collect();
    let (answers, stderr) = java_commands(&cluster.env_of("hdfs"), "Admin.java", &words)?;
    eprint!("{stderr}");
    Ok(answers)
}

/// Asserts that each command succeeded (0) or failed (1) and printed this text, among others.
#[track_caller]
fn expect(answers: &[Answer], expected: &[(i32, &str)]) {
    for ((status, text), (wanted, part)) in answers.iter().zip(expected) {
        let as_wanted = (*status == 0) == (*wanted == 0) && text.contains(part);
        assert!(as_wanted, "{status} and not {wanted}, {part}: {text}");
    }
    assert_eq!(answers.len(), expected.len());
}

fn cacheadmin_works_with_every_verb() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    let answers = admin(
        &cluster,
        &[
            "cacheadmin -addPool p -owner alice -group staff -mode 0750 -limit 1000 -maxTtl 2d",
            "cacheadmin -addPool p",
            "cacheadmin -addPool q",
            "cacheadmin -modifyPool q -limit 5 -defaultReplication 2",
            "cacheadmin -listPools -stats",
            "cacheadmin -addDirective -path /user/alice -pool p -replication 2 -ttl 1h",
            "cacheadmin -addDirective -path /user/bob -pool q",
            "cacheadmin -addDirective -path /user/bob -pool none",
            "cacheadmin -modifyDirective -id 2 -path /user/alice -pool p -ttl 1d",
            "cacheadmin -listDirectives -stats",
            "cacheadmin -listDirectives -pool q",
            "cacheadmin -removeDirective 2",
            "cacheadmin -removeDirective 9",
        ],
    )?;
    expect(
        &answers,
        &[
            (0, "Successfully added cache pool p."),
            (1, "Cache pool p already exists."),
            (0, "Successfully added cache pool q."),
            (0, "Successfully modified cache pool q"),
            (0, "Found 2 results."),
            (0, "Added cache directive 1"),
            (0, "Added cache directive 2"),
            (1, "Unknown pool none"),
            (0, "Modified cache directive 2"),
            (0, "Found 2 entries"),
            (0, "Found 0 entries"),
            (0, "Removed cached directive 2"),
            (1, "No directive with ID 9 found."),
        ],
    );
    let (_, pools) = &answers[4];
    for part in ["alice", "staff", "rwxr-x---", "1000", "002:00:00:00.000"] {
        assert!(pools.contains(part), "{part}: {pools}");
    }
    cluster.advance_blocking(Duration::from_secs(2 * 3600))?;
    let answers = admin(
        &cluster,
        &[
            "cacheadmin -listDirectives -stats",
            "cacheadmin -removeDirectives -path /user/alice",
            "cacheadmin -removePool p",
            "cacheadmin -removePool p",
            "cacheadmin -listPools",
        ],
    )?;
    expect(
        &answers,
        &[
            (0, "Found 1 entry"),
            (0, "Removed cache directive 1"),
            (0, "Successfully removed cache pool p."),
            (1, "Cannot remove non-existent cache pool p"),
            (0, "Found 1 result."),
        ],
    );
    Ok(())
}

fn rare_commands_of_administrators_work() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    let answers = admin(
        &cluster,
        &[
            "dfsadmin -metasave summary.txt",
            "dfsadmin -restoreFailedStorage check",
            "dfsadmin -rollingUpgrade query",
            "dfsadmin -listOpenFiles",
            "ec -listPolicies",
            "ec -setPolicy -path /user/alice",
            "ec -setPolicy -path /user/alice -replicate",
            "ec -unsetPolicy -path /user/alice",
            "ec -getPolicy -path /user/alice",
            "storagepolicies -setStoragePolicy -path /user/alice -policy COLD",
            "storagepolicies -getStoragePolicy -path /user/alice",
            "storagepolicies -satisfyStoragePolicy -path /user/alice",
            "dfsadmin -setSpaceQuota 1k -storageType SSD /user/alice",
            "fs -count -q -t SSD /user/alice",
            "fs -rm -R /user/bob",
        ],
    )?;
    expect(
        &answers,
        &[
            (0, "Created metasave file summary.txt"),
            (0, "restoreFailedStorage is set to false"),
            (0, "There is no rolling upgrade in progress"),
            (0, ""),
            (0, "There is no erasure coding policies"),
            (1, "does not match any enabled erasure coding policies: []"),
            (0, "Set replication erasure coding policy on /user/alice"),
            (0, "Unset erasure coding policy from /user/alice"),
            (0, "is unspecified"),
            (0, "Set storage policy COLD on /user/alice"),
            (0, "COLD"),
            (1, "storage policy satisfier feature has been disabled"),
            (0, ""),
            (0, "1024               1024 /user/alice"),
            (0, "Deleted /user/bob"),
        ],
    );
    let summary = std::fs::read_to_string(cluster.path().join("logs/summary.txt"))?;
    assert!(summary.contains("Live Datanodes: 1"), "{summary}");
    Ok(())
}

fn java_reads_the_events_of_changes() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    let answers = admin(&cluster, &["events"])?;
    let (status, text) = &answers[0];
    assert_eq!(*status, 0, "{text}");
    let mut rest = text.as_str();
    for part in [
        "CreateEvent [INodeType=DIRECTORY, path=/events",
        "CreateEvent [INodeType=FILE, path=/events/f",
        "CloseEvent [path=/events/f, fileSize=10",
        "MetadataUpdateEvent [path=/events/f, metadataType=PERMS",
        "MetadataUpdateEvent [path=/events/f, metadataType=OWNER",
        "MetadataUpdateEvent [path=/events/f, metadataType=TIMES",
        "MetadataUpdateEvent [path=/events/f, metadataType=REPLICATION",
        "MetadataUpdateEvent [path=/events/f, metadataType=XATTRS",
        "MetadataUpdateEvent [path=/events/f, metadataType=XATTRS",
        "AppendEvent [path=/events/f",
        "CloseEvent [path=/events/f, fileSize=11",
        "TruncateEvent [path=/events/f, fileSize=0",
        "RenameEvent [srcPath=/events/f, dstPath=/events/g",
        "UnlinkEvent [path=/events",
        "MissingEventsException",
    ] {
        let found = rest.find(part).ok_or_else(|| format!("{part}: {text}"))?;
        rest = &rest[found + part.len()..];
    }
    Ok(())
}
