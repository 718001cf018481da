//! A secure HDFS in a few milliseconds, used by a real client.
//!
//! `cargo run -p kerbox-examples --example quickstart`

use hdfs_native::{ClientBuilder, WriteOptions};
use kerbox::Cluster;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = Cluster::secure().start().await?;
    let alice = cluster.login("alice").await?;
    let _env = alice.enter_env(); // KRB5_CONFIG, KRB5CCNAME, HADOOP_CONF_DIR, until dropped
    let hdfs = ClientBuilder::new().with_url(cluster.url()).build()?;

    let mut file = hdfs
        .create("/user/alice/report", WriteOptions::default())
        .await?;
    file.write_bytes("42\n".into()).await?;
    file.close().await?;

    for status in hdfs.list_status("/user/alice", true).await? {
        println!("{} {} {}", status.owner, status.length, status.path);
    }
    println!("what the servers saw:\n{}", cluster.journal().last(100));
    Ok(())
}
