//! HDFS load, made with hdfs-native: the same calls against any cluster.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use hdfs_native::{Client, ClientBuilder, HdfsError, WriteOptions};

use crate::Measured;

type Result<T> = std::result::Result<T, HdfsError>;

/// Builds a client for `url`. Configuration and credentials come from the environment.
pub(crate) fn connect(url: &str) -> Result<Client> {
    ClientBuilder::new().with_url(url).build()
}

/// Runs `count` calls, with `in_flight` at a time.
async fn in_flight<F, Fut>(count: usize, in_flight: usize, call: F) -> Result<()>
where
    F: Fn(usize) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + Send,
{
    let (call, next) = (Arc::new(call), Arc::new(AtomicUsize::new(0)));
    let mut workers: Vec<tokio::task::JoinHandle<Result<()>>> = Vec::new();
    for _ in 0..in_flight {
        let (call, next) = (Arc::clone(&call), Arc::clone(&next));
        workers.push(tokio::spawn(async move {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    return Ok(());
                }
                call(index).await?;
            }
        }));
    }
    for worker in workers {
        worker.await.expect("a worker does not panic")?;
    }
    Ok(())
}

/// Runs one kind of call.
async fn call<F>(
    what: &str,
    client: &Client,
    (count, parallel, measure): (usize, usize, &Measured),
    call: impl Fn(Client, usize) -> F + Send + Sync + 'static,
) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let shared = client.clone();
    let calls = in_flight(count, parallel, move |index| call(shared.clone(), index));
    measure.rate(what, parallel, count, calls).await
}

/// Runs `getFileInfo`, `mkdirs` and empty `create`, `count` of each, with `parallel` in flight.
pub(crate) async fn calls(
    client: &Client,
    base: &str,
    count: usize,
    parallel: usize,
    measure: &Measured,
) -> Result<()> {
    let dir = format!("{base}/calls-{parallel}");
    client.mkdirs(&dir, 0o755, true).await?;
    client
        .create(
            &format!("{dir}/one"),
            WriteOptions::default().overwrite(true),
        )
        .await?
        .close()
        .await?;

    let (path, mkdirs_in, create_in) = (format!("{dir}/one"), dir.clone(), dir.clone());
    let info = move |client: Client, _| {
        let path = path.clone();
        async move { client.get_file_info(&path).await.map(drop) }
    };
    let mkdirs = move |client: Client, index| {
        let path = format!("{mkdirs_in}/d{index}");
        async move { client.mkdirs(&path, 0o755, true).await }
    };
    let create = move |client: Client, index| {
        let path = format!("{create_in}/f{index}");
        async move {
            let mut file = client.create(&path, WriteOptions::default()).await?;
            file.close().await
        }
    };
    let run = (count, parallel, measure);
    call("getFileInfo", client, run, info).await?;
    call("mkdirs", client, run, mkdirs).await?;
    call("create+complete", client, run, create).await?;
    client.delete(&dir, true).await.map(drop)
}

/// Runs `getFileInfo` of a directory, `count` times.
pub(crate) async fn info(client: &Client, count: usize, measure: &Measured) -> Result<()> {
    let run = (count, 1, measure);
    let info = |client: Client, _| async move { client.get_file_info("/user").await.map(drop) };
    call("getFileInfo", client, run, info).await
}

/// Creates, writes and closes files of 1 KiB.
pub(crate) async fn small_files(
    client: &Client,
    base: &str,
    count: usize,
    parallel: usize,
    measure: &Measured,
) -> Result<()> {
    let dir = format!("{base}/small-{parallel}");
    client.mkdirs(&dir, 0o755, true).await?;
    let (shared, root) = (client.clone(), dir.clone());
    measure
        .rate(
            "1 KiB files",
            parallel,
            count,
            in_flight(count, parallel, move |index| {
                let (client, path) = (shared.clone(), format!("{root}/f{index}"));
                async move {
                    let mut file = client.create(&path, WriteOptions::default()).await?;
                    file.write_bytes(Bytes::from_static(&[7; 1024])).await?;
                    file.close().await
                }
            }),
        )
        .await?;
    client.delete(&dir, true).await.map(drop)
}

/// Writes one file of `mebibytes` and reads it back, with `replication` replicas.
pub(crate) async fn big_file(
    client: &Client,
    base: &str,
    mebibytes: usize,
    replication: u32,
    measure: &Measured,
) -> Result<()> {
    client.mkdirs(base, 0o755, true).await?;
    let path = format!("{base}/big-{replication}");
    let piece: Bytes = (0..4 << 20)
        .map(|index: u32| (index.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let pieces = mebibytes.div_ceil(4);
    measure
        .throughput("write", replication, pieces * piece.len(), async {
            let mut file = client
                .create(
                    &path,
                    WriteOptions::default()
                        .overwrite(true)
                        .replication(replication),
                )
                .await?;
            for _ in 0..pieces {
                file.write_bytes(piece.clone()).await?;
            }
            file.close().await
        })
        .await?;
    measure
        .throughput("read", replication, pieces * piece.len(), async {
            let mut file = client.read(&path).await?;
            let mut buffer = vec![0; piece.len()];
            for _ in 0..pieces {
                let mut filled = 0;
                while filled < buffer.len() {
                    filled += file.read_into(&mut buffer[filled..]).await?;
                }
                if buffer != piece {
                    return Err(HdfsError::InvalidArgument(
                        "what was read is not what was written".into(),
                    ));
                }
            }
            Ok(())
        })
        .await?;
    client.delete(&path, false).await.map(drop)
}
