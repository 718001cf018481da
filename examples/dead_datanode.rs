//! A DataNode dies in the middle of a write; the client builds a new pipeline and nothing is lost.
//!
//! `cargo run -p kerbox-examples --example dead_datanode`

use hdfs_native::{ClientBuilder, WriteOptions};
use kerbox::{Cluster, Event, Fault, Verdict};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = Cluster::simple().datanodes(4).start().await?;
    let hdfs = ClientBuilder::new()
        .with_url(cluster.url())
        .with_user("alice")
        .build()?;

    // Kill the first DataNode that sees a fifth packet.
    let fifth_packet = |event: &Event| {
        matches!(
            event,
            Event::Packet {
                nth: 5,
                writing: true,
                ..
            }
        )
    };
    let fault = cluster.inject(Fault::new(fifth_packet, Verdict::Kill).once());

    let text = "a line that shall not be lost\n".repeat(50_000);
    let mut file = hdfs
        .create("/user/alice/lines", WriteOptions::default())
        .await?;
    file.write_bytes(text.clone().into()).await?;
    file.close().await?;
    assert_eq!(fault.struck(), 1);

    let mut file = hdfs.read("/user/alice/lines").await?;
    assert!(file.read_bytes(text.len()).await? == text);
    for number in 1..=4 {
        println!(
            "DataNode {number} {}",
            if cluster.datanode(number)?.is_running() {
                "lives"
            } else {
                "died"
            }
        );
    }
    println!("{} bytes, all there", text.len());
    Ok(())
}
