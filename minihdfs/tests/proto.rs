//! Checks that `src/proto/*.rs` is prost's output for `proto/*.proto` (compiled by protox, so
//! without protoc).
//!
//! If it differs, because a `.proto` or prost has changed, the test rewrites it and fails once.
//! Review the difference and commit it.

use std::path::{Path, PathBuf};

#[test]
fn generated_messages_are_those_of_the_proto_files() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (from, to) = (package.join("proto"), package.join("src/proto"));
    let mut sources: Vec<PathBuf> = std::fs::read_dir(&from)
        .expect("proto/ is there")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "proto")
        })
        .collect();
    sources.sort();
    let descriptors = protox::compile(&sources, [&from]).expect("proto/ compiles");
    let fresh = tempfile::tempdir().expect("a temporary directory");
    prost_build::Config::new()
        .bytes(["."])
        .out_dir(fresh.path())
        .compile_fds(descriptors)
        .expect("prost takes the descriptors");

    let mut stale = Vec::new();
    for entry in std::fs::read_dir(fresh.path()).expect("generated") {
        let name = entry.expect("a file").file_name();
        let text = std::fs::read(fresh.path().join(&name)).expect("generated");
        if std::fs::read(to.join(&name)).ok().as_ref() != Some(&text) {
            std::fs::write(to.join(&name), text).expect("src/proto/ can be written");
            stale.push(name);
        }
    }
    assert!(
        stale.is_empty(),
        "src/proto/ did not match proto/ and was written anew: commit {stale:?}"
    );
}
