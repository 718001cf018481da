//! Realistic amounts of data. Ignored in unoptimised builds, whose ciphers are too slow.

use std::sync::Arc;

use bytes::Bytes;
use hdfs_native::{Client, HdfsError, WriteOptions};
use kerbox::{Cluster, Protection};

use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::support::{Peer, TestResult, trials};

trials! {
    [Peer::ReleaseBuild, Peer::LibGssapi] =>
        a_gibibyte_with_three_replicas_under_aes_comes_back_the_same,
        sixty_four_mebibytes_under_3des_come_back_the_same,
        ten_thousand_small_files_with_three_replicas_come_back_the_same;
}

const MEBIBYTE: usize = 1 << 20;

fn cluster(protection: Protection) -> Result<Cluster, kerbox::Error> {
    Cluster::secure()
        .protection(protection)
        .datanodes(3)
        .threads(2)
        .start_blocking()
}

/// A MiB that differs from every other one.
fn mebibyte(base: &Bytes, number: usize) -> Bytes {
    let mut bytes = base.to_vec();
    for (byte, mark) in bytes
        .chunks_mut(512)
        .zip(number.to_le_bytes().into_iter().cycle())
    {
        byte[0] ^= mark;
    }
    bytes.into()
}

async fn stream_through(client: &Client, path: &str, mebibytes: usize) -> Result<(), HdfsError> {
    let base = pattern(MEBIBYTE);
    let mut file = client.create(path, WriteOptions::default()).await?;
    for number in 0..mebibytes {
        file.write_bytes(mebibyte(&base, number)).await?;
    }
    file.close().await?;
    let mut file = client.read(path).await?;
    assert_eq!(file.file_length(), mebibytes * MEBIBYTE);
    for number in 0..mebibytes {
        assert!(
            file.read_bytes(MEBIBYTE).await? == mebibyte(&base, number),
            "MiB {number} came back changed"
        );
    }
    Ok(())
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

fn moves(protection: Protection, mebibytes: usize) -> TestResult {
    let cluster = cluster(protection)?;
    let alice = cluster.login_blocking("alice")?;
    let begun = cluster.clock().real_now();
    runtime()?.block_on(async {
        stream_through(&client(&cluster, &alice)?, "/user/alice/big", mebibytes).await
    })?;
    let took = cluster.clock().real_now().since(begun);
    println!("{mebibytes} MiB, {protection:?}, three replicas, written and read in {took:?}");
    Ok(())
}

fn a_gibibyte_with_three_replicas_under_aes_comes_back_the_same() -> TestResult {
    moves(Protection::PrivacyAes, 1024)
}

fn sixty_four_mebibytes_under_3des_come_back_the_same() -> TestResult {
    moves(Protection::Privacy, 64)
}

fn ten_thousand_small_files_with_three_replicas_come_back_the_same() -> TestResult {
    const FILES: usize = 10_000;
    const IN_FLIGHT: usize = 8;
    let cluster = cluster(Protection::PrivacyAes)?;
    let alice = cluster.login_blocking("alice")?;
    let begun = cluster.clock().real_now();
    runtime()?.block_on(async {
        let client = Arc::new(client(&cluster, &alice)?);
        let workers: Vec<_> = (0..IN_FLIGHT)
            .map(|worker| {
                let client = Arc::clone(&client);
                tokio::spawn(async move {
                    for number in (worker..FILES).step_by(IN_FLIGHT) {
                        let path = format!("/user/alice/small/{}/{number}", number % 100);
                        let bytes = mebibyte(&pattern(1024), number);
                        write(&client, &path, bytes.clone()).await?;
                        assert!(
                            read(&client, &path).await? == bytes,
                            "{path} came back changed"
                        );
                    }
                    Ok::<(), HdfsError>(())
                })
            })
            .collect();
        for worker in workers {
            worker.await??;
        }
        let listed = client.list_status("/user/alice/small", true).await?;
        assert_eq!(listed.iter().filter(|status| !status.isdir).count(), FILES);
        TestResult::Ok(())
    })?;
    let took = cluster.clock().real_now().since(begun);
    println!("{FILES} files of 1 KiB, three replicas, written and read in {took:?}");
    Ok(())
}
