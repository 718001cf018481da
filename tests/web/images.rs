//! Images and edits by `/imagetransfer`, as checkpointers fetch and bring them.

use kerbox::Cluster;

use super::curl::{curl, has};
use crate::support::{Peer, TestResult, trials};

trials! {
    [Peer::Curl] =>
        a_namenode_without_files_has_none_to_send;
    [Peer::Curl, Peer::Mit] =>
        images_and_edits_are_sent_to_checkpointers_alone;
}

fn a_namenode_without_files_has_none_to_send() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    let image = format!("{}/imagetransfer?getimage=1&txid=latest", cluster.web_url());
    let refused = curl(&cluster.env(), &["-i", &image])?;
    has(&refused, "HTTP/1.1 410 Gone")?;
    has(
        &refused,
        "GetImage failed. java.io.IOException: This namenode keeps no files",
    )
}

fn images_and_edits_are_sent_to_checkpointers_alone() -> TestResult {
    let folder = tempfile::tempdir()?;
    let cluster = Cluster::secure()
        .persistent(folder.path().join("data"))
        .start_blocking()?;
    let negotiate = ["-i", "--negotiate", "-u", ":"];
    let ask = |user: &str, more: &[&str], query: &str| {
        let url = format!("{}/imagetransfer?{query}", cluster.web_url());
        let env = cluster.login_blocking(user)?.env();
        curl(&env, &[&negotiate, more, &[&url]].concat())
    };
    let refused = ask("alice", &[], "getimage=1&txid=latest")?;
    has(&refused, "HTTP/1.1 403 Forbidden")?;
    has(
        &refused,
        "Only Namenode, Secondary Namenode, and administrators may access this servlet",
    )?;
    let path = cluster.path().join("image").display().to_string();
    let headers = ask("hdfs", &["-D", "-", "-o", &path], "getimage=1&txid=latest")?;
    has(&headers, "x-image-edits-name: fsimage_0000000000000000000")?;
    has(
        &headers,
        "content-disposition: attachment; filename=fsimage_",
    )?;
    has(&headers, "x-md5-digest: ")?;
    let image = std::fs::read(&path)?;
    let kept = folder
        .path()
        .join("data/name/current/fsimage_0000000000000000000");
    assert!(image.ends_with(&std::fs::read(kept)?), "another image");
    let missing = ask("nn/localhost", &[], "getimage=1&txid=77")?;
    has(&missing, "Could not find image with txid 77")?;
    has(
        &ask("hdfs", &[], "getimage=1&getedit=1")?,
        "Illegal parameters to TransferFsImage",
    )?;
    let other = ask("hdfs", &[], "getimage=1&txid=0&storageInfo=-66:1:0:CID-x")?;
    has(&other, "HTTP/1.1 403 Forbidden")?;
    has(&other, "but the secondary expected -66:1:0:CID-x")?;
    let own = other.split("storage info ").nth(1);
    let own = own
        .and_then(|text| text.split(' ').next())
        .ok_or("no storage info")?;
    let put = |last: u64| {
        let query = format!("txid={last}&storageInfo={own}&File-Length={}", image.len());
        ask(
            "hdfs",
            &["-X", "PUT", "--data-binary", &format!("@{path}")],
            &query,
        )
    };
    let known = put(0)?;
    has(&known, "HTTP/1.1 409 Conflict")?;
    has(&known, "uploaded an checkpoint for txid 0")?;
    let wrong = put(5)?;
    has(&wrong, "HTTP/1.1 410 Gone")?;
    has(&wrong, "PutImage failed. java.io.IOException: ")
}
