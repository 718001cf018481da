//! One block by its id (`-blockId`).

use std::fmt::Write;

use super::options::FsckOptions;
use crate::namenode::NameNode;
use crate::namenode::blocks::{AdminState, BlockInfo};
use crate::namenode::namesystem::Namesystem;

/// The start of every block's name.
const PREFIX: &str = "blk_";

/// Writes about the blocks with these names. Writing to a String cannot fail.
pub(super) fn check(namenode: &NameNode, options: &FsckOptions, names: &str, out: &mut String) {
    for name in names.split(' ').filter(|name| !name.is_empty()) {
        if !name.contains(PREFIX) {
            let _ = writeln!(out, "Incorrect blockId format: {name}");
            continue;
        }
        out.push('\n');
        let ns = namenode.read();
        let found = id_in(name).and_then(|id| ns.blocks.get(id));
        match found {
            Some(info) => write(&ns, info, name, options, out),
            None => {
                let _ = writeln!(out, "Block {name} does not exist");
            }
        }
    }
}

/// Returns the id in a name of a replica's file: `blk_ID` or `blk_ID_STAMP.meta`.
fn id_in(name: &str) -> Option<u64> {
    let rest = name.strip_prefix(PREFIX)?;
    rest.split('_').next()?.parse().ok()
}

fn write(ns: &Namesystem, info: &BlockInfo, name: &str, options: &FsckOptions, out: &mut String) {
    let datanodes = &ns.blocks.datanodes;
    let counts = info.counts(datanodes);
    let path = ns.namespace().full_path(info.file);
    let excess = counts.live.saturating_sub(info.replication.into());
    let _ = writeln!(
        out,
        "Block Id: {name}\nBlock belongs to: {path}\nNo. of Expected Replica: {}\n\
         No. of live Replica: {}\nNo. of excess Replica: {excess}\nNo. of stale Replica: {}\n\
         No. of decommissioned Replica: {}\nNo. of decommissioning Replica: {}",
        info.replication, counts.live, counts.stale, counts.decommissioned, counts.decommissioning
    );
    if options.maintenance {
        let _ = writeln!(
            out,
            "No. of entering maintenance Replica: {}\nNo. of in maintenance Replica: {}",
            counts.entering_maintenance, counts.in_maintenance
        );
    }
    let _ = writeln!(out, "No. of corrupted Replica: {}", counts.corrupt);
    for index in info.shown_holders(datanodes).into_iter().rev() {
        let node = datanodes.get(index);
        let standing = match node.admin_state {
            _ if info.corrupt_holders().any(|corrupt| corrupt == index) => {
                "CORRUPT\t ReasonCode: CORRUPTION_REPORTED"
            }
            AdminState::Decommissioned => "DECOMMISSIONED",
            AdminState::DecommissionInProgress => "DECOMMISSIONING",
            AdminState::EnteringMaintenance if options.maintenance => "ENTERING MAINTENANCE",
            AdminState::InMaintenance if options.maintenance => "IN MAINTENANCE",
            _ => "HEALTHY",
        };
        let (host, place) = (&node.registration.host_name, &node.location);
        let _ = writeln!(
            out,
            "Block replica on datanode/rack: {host}{place} is {standing}"
        );
    }
}
