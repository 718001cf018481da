//! The same client code against a running `kerbox up`, or any HDFS: all that it needs is in the
//! environment.
//!
//! `kerbox up` in one shell; in another one `eval "$(kerbox env)"`, `kinit alice`, and
//! `cargo run -p kerbox-examples --example against_a_sandbox`.

use hdfs_native::ClientBuilder;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Ok(url) = std::env::var("NAMENODE") else {
        println!("NAMENODE is not set: run this after `eval \"$(kerbox env)\"`");
        return Ok(());
    };
    let hdfs = ClientBuilder::new().with_url(&url).build()?;
    for status in hdfs.list_status("/user", false).await? {
        println!("{url}{} of {}", status.path, status.owner);
    }
    Ok(())
}
