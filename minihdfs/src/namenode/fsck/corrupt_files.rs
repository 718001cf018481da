//! The blocks without a good replica, with their files (`-list-corruptfileblocks`).

use std::fmt::Write;

use super::options::FsckOptions;
use crate::HdfsError;
use crate::namenode::NameNode;
use crate::namenode::path::is_within;
use crate::rpc::Call;

/// The number of blocks in one answer.
const MOST: usize = 100;

/// Writes those that follow the ones that the client has already; only for the superuser. Writing
/// to a String cannot fail.
pub(super) fn list(
    namenode: &NameNode,
    call: &Call<'_>,
    options: &FsckOptions,
    out: &mut String,
) -> Result<(), HdfsError> {
    let checker = namenode.checker(call);
    checker.check_superuser("listCorruptFileBlocks")?;
    let after = options.start_block_after.as_deref();
    let skipped = after.and_then(|text| text.parse().ok()).unwrap_or(0_usize);
    let ns = namenode.read();
    let lost = ns
        .blocks
        .low_redundancy()
        .filter(|info| info.block().length > 0 && info.live(&ns.blocks.datanodes).next().is_none());
    let lines = lost.filter_map(|info| {
        let path = ns.namespace().full_path(info.file);
        is_within(&path, &options.path).then(|| format!("blk_{}\t{path}\n", info.block().id))
    });
    let lines: Vec<String> = lines.skip(skipped).take(MOST).collect();
    let cookie = skipped + lines.len();
    let count = match (lines.len(), cookie) {
        (0, 0) => "no".to_owned(),
        (0, _) => "no more".to_owned(),
        (count, _) => count.to_string(),
    };
    let path = &options.path;
    let _ = writeln!(
        out,
        "Cookie:\t{cookie}\n{}\n\nThe filesystem under path '{path}' has {count} CORRUPT files\n",
        lines.concat()
    );
    Ok(())
}
