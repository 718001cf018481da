//! A partition: the NameNode hears nothing of one DataNode, declares it dead, and has its replicas
//! copied. Then the NameNode itself stops for a while, as by SIGSTOP, and a call waits for it.
//!
//! `cargo run -p kerbox-examples --example paused_servers`

use std::time::Duration;

use hdfs_native::{ClientBuilder, WriteOptions};
use kerbox::{Cluster, Fault, Server};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = Cluster::simple()
        .datanodes(3)
        .set("dfs.replication", "2")
        .start()
        .await?;
    let hdfs = ClientBuilder::new()
        .with_url(cluster.url())
        .with_user("alice")
        .build()?;
    let mut file = hdfs
        .create("/user/alice/report", WriteOptions::default())
        .await?;
    file.write_bytes("42\n".into()).await?;
    file.close().await?;

    let partition = cluster.inject(Fault::on_heartbeats().at(Server::DataNode(1)).lose());
    for event in cluster.advance(Duration::from_secs(11 * 60)).await? {
        println!("{event}");
    }
    println!(
        "{} DataNodes are alive",
        cluster.namenode().live_datanodes()
    );
    drop(partition);
    cluster.advance(Duration::from_secs(10)).await?;
    println!(
        "{} after the partition",
        cluster.namenode().live_datanodes()
    );

    let namenode = cluster.namenode_server();
    namenode.pause();
    let (answer, ()) = tokio::join!(hdfs.get_file_info("/user/alice/report"), async {
        tokio::task::yield_now().await; // the call is on its way
        namenode.resume();
    });
    println!("the call waited: {} bytes", answer?.length);
    Ok(())
}
