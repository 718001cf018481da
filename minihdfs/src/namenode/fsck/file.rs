//! One file and its blocks.

use std::fmt::Write;

use super::options::FsckOptions;
use super::policies::PolicySums;
use super::totals::Totals;
use crate::HdfsError;
use crate::error::Class;
use crate::namenode::NameNode;
use crate::namenode::access::permission::{FsAction, Need};
use crate::namenode::blocks::{AdminState, BlockInfo, DatanodeIndex, ReplicaCounts};
use crate::namenode::namesystem::Namesystem;
use crate::namenode::ops::status::BlockRange;
use crate::proto::hdfs::{HdfsFileStatusProto, LocatedBlockProto, LocatedBlocksProto};
use crate::rpc::Call;

/// The findings about a file.
pub(super) struct CheckedFile {
    located: LocatedBlocksProto,
    blocks: Vec<CheckedBlock>,
    /// The last block, if it is being written, with its pipeline.
    open_block: Option<CheckedBlock>,
}

/// The findings about a block.
struct CheckedBlock {
    id: u64,
    /// `BP-…:blk_…`
    name: String,
    length: u64,
    counts: ReplicaCounts,
    is_corrupt: bool,
    /// The number of racks that it lacks, and of those that there are.
    lacking_racks: Option<(usize, usize)>,
    /// The DataNodes to show, and their number.
    holders: (String, usize),
}

/// The losses of a file.
#[derive(Default)]
struct Losses {
    missing: u64,
    missing_size: u64,
    corrupt: u64,
    corrupt_size: u64,
    has_remarks: bool,
}

/// The places where a check puts what it finds.
pub(super) struct Findings<'a> {
    pub(super) totals: &'a mut Totals,
    pub(super) policies: Option<&'a mut PolicySums>,
    pub(super) minimum: usize,
    pub(super) out: &'a mut String,
}

impl NameNode {
    /// Looks at the blocks of a file; `None` if it is gone.
    pub(super) fn checked_file(
        &self,
        call: &Call<'_>,
        path: &str,
        options: &FsckOptions,
    ) -> Result<Option<CheckedFile>, HdfsError> {
        let checker = self.checker(call);
        let ns = self.read();
        let resolved = ns.namespace().resolve(path)?;
        checker.check(ns.namespace(), &resolved, Need::path(FsAction::READ))?;
        let id = match ns.file_of(resolved.last(), path) {
            Ok(id) => id,
            Err(error) if *error.kind() == Class::FileNotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let range = BlockRange {
            offset: 0,
            length: ns.file_length(id),
        };
        let located = self.located_blocks(call.now, &ns, id, range, None);
        let open = located.last_block.as_ref();
        let open = open.filter(|_| !located.is_last_block_complete);
        let open_id = open.map(|block| block.b.block_id);
        let check = |block: &LocatedBlockProto| {
            let info = ns.blocks.get(block.b.block_id)?;
            Some(self.checked_block(call, &ns, info, block, options))
        };
        let closed = located.blocks.iter();
        let closed = closed.filter(|block| Some(block.b.block_id) != open_id);
        Ok(Some(CheckedFile {
            blocks: closed.filter_map(check).collect(),
            open_block: open.and_then(check),
            located,
        }))
    }

    fn checked_block(
        &self,
        call: &Call<'_>,
        ns: &Namesystem,
        info: &BlockInfo,
        located: &LocatedBlockProto,
        options: &FsckOptions,
    ) -> CheckedBlock {
        let block = info.block();
        let holders = info.shown_holders(&ns.blocks.datanodes);
        let shown = if options.shows_holders() {
            let shown = holders.iter().map(|index| {
                let is_corrupt = info.corrupt_holders().any(|corrupt| corrupt == *index);
                holder(call, ns, (*index, info), is_corrupt, options)
            });
            format!("  [{}]", shown.collect::<Vec<_>>().join(", "))
        } else {
            String::new()
        };
        CheckedBlock {
            id: block.id,
            name: format!(
                "{}:blk_{}_{}",
                self.block_pool_id(),
                block.id,
                block.generation_stamp
            ),
            length: block.length,
            counts: info.counts(&ns.blocks.datanodes),
            is_corrupt: located.corrupt,
            lacking_racks: ns.blocks.lacking_racks(info),
            holders: (shown, holders.len()),
        }
    }

    /// Has a misplaced block copied.
    fn replicate(&self, call: &Call<'_>, id: u64) {
        self.lock().check_redundancy(call.now, id);
    }
}

/// Returns a DataNode as the flags show it.
fn holder(
    call: &Call<'_>,
    ns: &Namesystem,
    (index, info): (DatanodeIndex, &BlockInfo),
    is_corrupt: bool,
    options: &FsckOptions,
) -> String {
    let datanodes = &ns.blocks.datanodes;
    let node = datanodes.get(index);
    let address = node.registration.transfer_address();
    let mut shown = if options.racks {
        format!("{}/{address}", node.location)
    } else {
        let storages = ns.storages_of(info, &[index]);
        let mut storages = storages.iter().map(|it| (&*it.id, it.kind.as_str_name()));
        let (storage, kind) = storages.next().unwrap_or_default();
        format!("DatanodeInfoWithStorage[{address},{storage},{kind}]")
    };
    if options.upgrade_domains {
        shown.push_str("(ud=undefined)");
    }
    if options.replica_details {
        shown.push_str(match node.admin_state {
            AdminState::Decommissioned => "(DECOMMISSIONED)",
            AdminState::DecommissionInProgress => "(DECOMMISSIONING)",
            AdminState::EnteringMaintenance if options.maintenance => "(ENTERING MAINTENANCE)",
            AdminState::InMaintenance if options.maintenance => "(IN MAINTENANCE)",
            _ if is_corrupt => "(CORRUPT)",
            _ if datanodes.is_stale(call.now, index) => "(STALE_NODE)",
            _ => "(LIVE)",
        });
    }
    shown
}

impl CheckedFile {
    fn is_open(&self) -> bool {
        self.located.under_construction
    }

    /// Returns the offset and length of each block; `None` for one without a replica.
    pub(super) fn layout(&self) -> Vec<Option<(u64, u64)>> {
        let blocks = self.located.blocks.iter();
        let place = |block: &LocatedBlockProto| (block.offset, block.b.num_bytes());
        blocks
            .map(|block| (!block.locs.is_empty()).then(|| place(block)))
            .collect()
    }

    /// Writes what is wrong with the file, and what the flags show. Returns true if it has lost
    /// something and is closed.
    pub(super) fn write(
        &self,
        namenode: &NameNode,
        call: &Call<'_>,
        (path, status): (&str, &HdfsFileStatusProto),
        options: &FsckOptions,
        to: &mut Findings<'_>,
    ) -> bool {
        let count = self.located.blocks.len() as u64;
        if self.is_open() && !options.open_for_write {
            to.totals.open_size = to.totals.open_size.saturating_add(status.length);
            to.totals.open_blocks += count;
            to.totals.open_files += 1;
            return false;
        }
        to.totals.files += 1;
        to.totals.size = to.totals.size.saturating_add(status.length);
        to.totals.blocks += count;
        self.write_head(path, status, options, to);
        let mut losses = Losses::default();
        let mut report = String::new();
        for (number, block) in self.blocks.iter().enumerate() {
            block.write(namenode, call, (path, status), options, to, &mut losses);
            block.report(number, &mut losses, to.totals, &mut report);
        }
        if let Some(block) = &self.open_block {
            // Writing to a String cannot fail, here and below.
            let _ = write!(
                report,
                "\nUnder Construction Block:\n{}. {} len={} Expected_repl={}{}",
                self.blocks.len(),
                block.name,
                block.length,
                block.holders.1,
                block.holders.0
            );
        }
        losses.write(path, options, to);
        if options.files && options.blocks {
            let _ = writeln!(to.out, "{report}");
        }
        losses.are_any() && !self.is_open()
    }

    fn write_head(
        &self,
        path: &str,
        status: &HdfsFileStatusProto,
        options: &FsckOptions,
        to: &mut Findings<'_>,
    ) {
        let (length, count) = (status.length, self.located.blocks.len());
        let replication = status.block_replication();
        let shown = format!(
            "{path} {length} bytes, replicated: replication={replication}, {count} block(s)"
        );
        if options.open_for_write && self.is_open() {
            let _ = write!(to.out, "{shown}, OPENFORWRITE: ");
        } else if options.files {
            let _ = write!(to.out, "{shown}: ");
        } else if to.totals.files.is_multiple_of(100) {
            to.out.push('.');
        }
    }
}

impl CheckedBlock {
    fn is_missing(&self) -> bool {
        self.counts.total() == 0
    }

    /// Counts the block, and writes what is wrong with it.
    fn write(
        &self,
        namenode: &NameNode,
        call: &Call<'_>,
        (path, status): (&str, &HdfsFileStatusProto),
        options: &FsckOptions,
        to: &mut Findings<'_>,
        losses: &mut Losses,
    ) {
        let target = status.block_replication() as usize;
        let (live, total) = (self.counts.live, self.counts.total());
        to.totals.add(&self.counts);
        to.totals.expected_replicas += target as u64;
        to.totals.under_minimum += u64::from(total < to.minimum);
        to.totals.minimally_replicated += u64::from(total >= to.minimum);
        to.totals.over_replicated += u64::from(live > target);
        if self.is_corrupt {
            losses.corrupt += 1;
            losses.corrupt_size = losses.corrupt_size.saturating_add(self.length);
            let (pool, id) = (namenode.block_pool_id(), self.id);
            let _ = write!(
                to.out,
                "\n{path}: CORRUPT blockpool {pool} block blk_{id}\n"
            );
        }
        if total < target && !self.is_missing() {
            to.totals.missing_replicas += (target - total) as u64;
            to.totals.under_replicated += 1;
            losses.has_remarks = true;
            if !options.files {
                let _ = write!(to.out, "\n{path}: ");
            }
            self.write_shortage(target, options, to.out);
        }
        if let Some((lacking, racks)) = self.lacking_racks {
            to.totals.misplaced += 1;
            if !options.files {
                let line = if losses.has_remarks { "" } else { "\n" };
                let _ = write!(to.out, "{line}{path}: ");
            }
            losses.has_remarks = true;
            let _ = writeln!(
                to.out,
                " Replica placement policy is violated for {}. Block should be additionally \
                 replicated on {lacking} more rack(s). Total number of racks in the cluster: {racks}",
                self.name
            );
            if options.replicate {
                namenode.replicate(call, self.id);
                to.totals.queued += 1;
            }
        }
        if let Some(policies) = &mut to.policies {
            let policy = u8::try_from(status.storage_policy()).unwrap_or_default();
            policies.add(policy, self.holders.1);
        }
    }

    fn write_shortage(&self, target: usize, options: &FsckOptions, out: &mut String) {
        let counts = &self.counts;
        let _ = write!(
            out,
            " Under replicated {}. Target Replicas is {target} but found {} live replica(s), {} \
             decommissioned replica(s), {} decommissioning replica(s)",
            self.name, counts.live, counts.decommissioned, counts.decommissioning
        );
        if options.maintenance {
            // The missing separator is Hadoop's.
            let _ = writeln!(
                out,
                "{}, entering maintenance replica(s) and {} in maintenance replica(s).",
                counts.entering_maintenance, counts.in_maintenance
            );
        } else {
            out.push_str(".\n");
        }
    }

    /// Writes the block's line for `-blocks`.
    fn report(&self, number: usize, losses: &mut Losses, totals: &mut Totals, report: &mut String) {
        let _ = write!(report, "{number}. {} len={}", self.name, self.length);
        if self.is_corrupt {
            totals.corrupt_blocks += 1;
            totals.corrupt_size = totals.corrupt_size.saturating_add(self.length);
        }
        if self.is_missing() && !self.is_corrupt {
            report.push_str(" MISSING!");
            totals.missing_blocks += 1;
            totals.missing_size = totals.missing_size.saturating_add(self.length);
            losses.missing += 1;
            losses.missing_size = losses.missing_size.saturating_add(self.length);
        } else {
            let _ = write!(report, " Live_repl={}{}", self.counts.live, self.holders.0);
        }
        report.push('\n');
    }
}

impl Losses {
    fn are_any(&self) -> bool {
        self.missing > 0 || self.corrupt > 0
    }

    fn write(&self, path: &str, options: &FsckOptions, to: &mut Findings<'_>) {
        if !self.are_any() {
            if options.files && !self.has_remarks {
                to.out.push_str(" OK\n");
            }
            return;
        }
        to.totals.corrupt_files += 1;
        for (kind, count, size) in [
            ("MISSING", self.missing, self.missing_size),
            ("CORRUPT", self.corrupt, self.corrupt_size),
        ] {
            if count == 0 {
                continue;
            }
            let _ = if options.files {
                writeln!(to.out, " {kind} {count} blocks of total size {size} B")
            } else {
                write!(
                    to.out,
                    "\n{path}: {kind} {count} blocks of total size {size} B."
                )
            };
        }
    }
}
