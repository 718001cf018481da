//! The NameNode closes the connection instead of answering a call. The journal's expectations count
//! what the client does about it, and show that it does nothing else.
//!
//! `cargo run -p kerbox-examples --example expectations`

use hdfs_native::ClientBuilder;
use kerbox::{Cluster, Fault};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = Cluster::simple().start().await?;
    let hdfs = ClientBuilder::new()
        .with_url(cluster.url())
        .with_user("alice")
        .build()?;

    // Verified when they are dropped; they print what came close.
    let calls = cluster
        .journal()
        .expect(Fault::on_rpc("mkdirs").of("alice"))
        .at_least(1);
    let _no_deletions = cluster.journal().expect(Fault::on_rpc("delete")).never();

    let fault = cluster.inject(
        Fault::on_rpc("mkdirs")
            .under("/user/alice")
            .disconnect()
            .once(),
    );
    let first = hdfs.mkdirs("/user/alice/reports", 0o755, true).await;
    println!("with a lost connection: {first:?}");
    println!("the fault struck {} time", fault.struck());
    hdfs.mkdirs("/user/alice/reports", 0o755, true).await?;
    calls.verify()?;
    println!("{}", cluster.journal().last(10));
    Ok(())
}
