//! The hdfs-native crate: RPC and data transfer in Rust, Kerberos by libgssapi.

use bytes::Bytes;
use hdfs_native::{Client, ClientBuilder, HdfsError, WriteOptions};
use kerbox::{Cluster, ClusterBuilder, Event, Login, Outcome, Protection};

use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [] =>
        it_writes_and_reads_without_security,
        it_appends_lists_renames_and_deletes;
    [Peer::LibGssapi] =>
        it_writes_and_reads_with_authentication,
        it_writes_and_reads_with_integrity,
        it_writes_and_reads_with_privacy,
        it_writes_and_reads_with_aes,
        it_writes_through_a_pipeline_of_three_and_of_four,
        it_writes_through_a_pipeline_of_fourteen,
        it_is_refused_another_users_file,
        it_is_refused_without_a_ticket;
}

/// Builds a client of the cluster for `login`. It depends on nothing in the process's environment
/// except the shared krb5.conf.
pub(crate) fn client(cluster: &Cluster, login: &Login) -> Result<Client, HdfsError> {
    let settings = cluster.in_process(login);
    ClientBuilder::new()
        .with_url(settings.url)
        .with_config_dir(settings.config_dir)
        .with_kerberos_principal(settings.principal)
        .with_kerberos_cache(settings.cache)
        .build()
}

/// Builds a client of a cluster without security.
pub(crate) fn simple_client(cluster: &Cluster, user: &str) -> Result<Client, HdfsError> {
    ClientBuilder::new()
        .with_url(cluster.url())
        .with_config_dir(cluster.hadoop_conf_dir().display().to_string())
        .with_user(user)
        .build()
}

/// Makes test bytes that vary from position to position.
pub(crate) fn pattern(length: usize) -> Bytes {
    (0..length as u64)
        .map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8)
        .collect()
}

pub(crate) async fn write(client: &Client, path: &str, bytes: Bytes) -> Result<(), HdfsError> {
    let mut file = client.create(path, WriteOptions::default()).await?;
    file.write_bytes(bytes).await?;
    file.close().await
}

pub(crate) async fn read(client: &Client, path: &str) -> Result<Bytes, HdfsError> {
    let mut file = client.read(path).await?;
    let length = file.file_length();
    file.read_bytes(length).await
}

async fn round_trip(client: &Client, directory: &str) -> TestResult {
    // In an unoptimised build the client's 3des takes a second for 100 kB.
    let longest = if cfg!(debug_assertions) {
        200_001
    } else {
        3_000_001
    };
    for length in [0, 1, 511, 512, 513, 65_536, longest] {
        let path = format!("{directory}/of-{length}");
        let bytes = pattern(length);
        write(client, &path, bytes.clone()).await?;
        assert_eq!(client.get_file_info(&path).await?.length, length);
        assert!(
            read(client, &path).await? == bytes,
            "{path} came back changed"
        );
    }
    Ok(())
}

fn it_writes_and_reads_without_security() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    block_on(async { round_trip(&simple_client(&cluster, "alice")?, "/user/alice").await })
}

fn it_appends_lists_renames_and_deletes() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    block_on(async {
        let client = simple_client(&cluster, "alice")?;
        client.mkdirs("/user/alice/a/b", 0o750, true).await?;
        write(&client, "/user/alice/a/f", pattern(1000)).await?;
        let mut file = client.append("/user/alice/a/f").await?;
        file.write_bytes(pattern(700)).await?;
        file.close().await?;
        let whole = read(&client, "/user/alice/a/f").await?;
        assert!(whole[..1000] == pattern(1000) && whole[1000..] == pattern(700));
        client
            .rename("/user/alice/a/f", "/user/alice/a/b/g", false)
            .await?;
        let mut listed: Vec<String> = client
            .list_status("/user/alice", true)
            .await?
            .into_iter()
            .map(|status| status.path)
            .collect();
        listed.sort();
        assert_eq!(
            listed,
            ["/user/alice/a", "/user/alice/a/b", "/user/alice/a/b/g"]
        );
        assert!(client.delete("/user/alice/a", true).await?);
        assert!(matches!(
            client.get_file_info("/user/alice/a").await,
            Err(HdfsError::FileNotFound(_))
        ));
        Ok(())
    })
}

pub(crate) fn secure_round_trip(builder: ClusterBuilder) -> TestResult {
    let cluster = builder.start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async { round_trip(&client(&cluster, &alice)?, "/user/alice").await })
}

fn it_writes_and_reads_with_authentication() -> TestResult {
    secure_round_trip(Cluster::secure())
}

fn it_writes_and_reads_with_integrity() -> TestResult {
    secure_round_trip(Cluster::secure().protection(Protection::Integrity))
}

fn it_writes_and_reads_with_privacy() -> TestResult {
    secure_round_trip(Cluster::secure().protection(Protection::Privacy))
}

fn it_writes_and_reads_with_aes() -> TestResult {
    secure_round_trip(Cluster::secure().protection(Protection::PrivacyAes))
}

fn it_writes_through_a_pipeline_of_three_and_of_four() -> TestResult {
    for datanodes in [3, 4] {
        secure_round_trip(
            Cluster::secure()
                .datanodes(datanodes)
                .set("dfs.replication", datanodes.to_string()),
        )?;
    }
    Ok(())
}

/// Every DataNode of a long pipeline has the whole block, and serves it.
fn it_writes_through_a_pipeline_of_fourteen() -> TestResult {
    const DATANODES: usize = 14;
    let cluster = Cluster::secure()
        .datanodes(DATANODES)
        .set("dfs.replication", DATANODES.to_string())
        .set("dfs.blocksize", "1048576")
        .start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let native = client(&cluster, &alice)?;
        let bytes = pattern(1_500_000);
        write(&native, "/user/alice/f", bytes.clone()).await?;
        let mut pipelines: Vec<(u64, usize)> = cluster
            .journal()
            .filter(|event| matches!(event, Event::WriteBlock { .. }))
            .iter()
            .filter_map(|entry| match &entry.event {
                Event::WriteBlock {
                    block,
                    downstream,
                    outcome: Outcome::Ok,
                    ..
                } => Some((*block, *downstream)),
                _ => None,
            })
            .collect();
        pipelines.sort_unstable();
        let places: Vec<usize> = pipelines
            .iter()
            .map(|(_, downstream)| *downstream)
            .collect();
        let expected: Vec<usize> = (0..DATANODES).chain(0..DATANODES).collect();
        assert_eq!(
            places,
            expected,
            "two blocks through all: {}",
            cluster.journal().last(40)
        );
        // One running DataNode is enough, whichever it is.
        for survivor in 1..=DATANODES {
            for number in 1..=DATANODES {
                let datanode = cluster.datanode(number)?;
                if number == survivor && !datanode.is_running() {
                    datanode.restart()?;
                }
                if number != survivor {
                    datanode.stop();
                }
            }
            let back = read(&client(&cluster, &alice)?, "/user/alice/f").await?;
            assert!(back == bytes, "DataNode {survivor} serves other bytes");
        }
        Ok(())
    })
}

fn it_is_refused_another_users_file() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let (alice, bob) = (
        cluster.login_blocking("alice")?,
        cluster.login_blocking("bob")?,
    );
    block_on(async {
        let hers = client(&cluster, &alice)?;
        write(&hers, "/user/alice/secret", pattern(10)).await?;
        hers.set_permission("/user/alice/secret", 0o600).await?;
        let refused = client(&cluster, &bob)?
            .read("/user/alice/secret")
            .await
            .err();
        match refused {
            Some(HdfsError::RPCError(class, message)) => {
                assert_eq!(class, "org.apache.hadoop.security.AccessControlException");
                assert!(
                    message.contains("Permission denied: user=bob, access=READ"),
                    "{message}"
                );
            }
            other => return Err(format!("not refused as Hadoop does: {other:?}").into()),
        }
        Ok(())
    })
}

fn it_is_refused_without_a_ticket() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    std::fs::remove_file(alice.ccache())?;
    block_on(async {
        let refused = client(&cluster, &alice)?.get_file_info("/").await.err();
        assert!(
            matches!(refused, Some(HdfsError::GSSAPIError(..))),
            "{refused:?}"
        );
        Ok(())
    })
}
