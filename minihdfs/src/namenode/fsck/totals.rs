//! The sums of a check.

use std::fmt::Write;

use super::text::{java_float, share};
use crate::namenode::blocks::ReplicaCounts;

/// The sums of a check.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) directories: u64,
    pub(super) symlinks: u64,
    pub(super) files: u64,
    pub(super) size: u64,
    pub(super) blocks: u64,
    pub(super) open_files: u64,
    pub(super) open_size: u64,
    pub(super) open_blocks: u64,
    pub(super) corrupt_files: u64,
    pub(super) missing_blocks: u64,
    pub(super) missing_size: u64,
    pub(super) corrupt_blocks: u64,
    pub(super) corrupt_size: u64,
    pub(super) missing_replicas: u64,
    pub(super) under_minimum: u64,
    pub(super) minimally_replicated: u64,
    pub(super) over_replicated: u64,
    pub(super) under_replicated: u64,
    pub(super) misplaced: u64,
    pub(super) replicas: u64,
    pub(super) expected_replicas: u64,
    pub(super) queued: u64,
    decommissioned: u64,
    decommissioning: u64,
    entering_maintenance: u64,
    in_maintenance: u64,
}

/// The settings that the sums show.
pub(super) struct Replication {
    pub(super) default: u16,
    pub(super) minimum: u16,
}

impl Totals {
    /// Returns true if nothing is lost.
    pub(super) fn is_healthy(&self) -> bool {
        self.missing_blocks == 0 && self.corrupt_blocks == 0
    }

    /// Adds the replicas of a block.
    pub(super) fn add(&mut self, counts: &ReplicaCounts) {
        self.decommissioned += counts.decommissioned as u64;
        self.decommissioning += counts.decommissioning as u64;
        self.entering_maintenance += counts.entering_maintenance as u64;
        self.in_maintenance += counts.in_maintenance as u64;
        self.replicas += counts.total() as u64;
    }

    /// Writes everything but the last line. Writing to a String cannot fail.
    pub(super) fn write(
        &self,
        datanodes: usize,
        racks: usize,
        replication: &Replication,
        out: &mut String,
    ) {
        let status = if self.is_healthy() {
            "HEALTHY"
        } else {
            "CORRUPT"
        };
        let _ = writeln!(
            out,
            "\nStatus: {status}\n Number of data-nodes:\t{datanodes}\n Number of racks:\t\t{racks}\n \
             Total dirs:\t\t\t{}\n Total symlinks:\t\t{}\n\nReplicated Blocks:",
            self.directories, self.symlinks
        );
        self.write_sizes(out);
        self.write_losses(replication, out);
        self.write_replicas(replication, out);
        out.push_str("\nErasure Coded Block Groups:\n");
        write_no_groups(out);
    }

    fn write_sizes(&self, out: &mut String) {
        let _ = write!(out, " Total size:\t{} B", self.size);
        if self.open_size != 0 {
            let _ = write!(out, " (Total open files size: {} B)", self.open_size);
        }
        let _ = write!(out, "\n Total files:\t{}", self.files);
        if self.open_files != 0 {
            let _ = write!(out, " (Files currently being written: {})", self.open_files);
        }
        let _ = write!(out, "\n Total blocks (validated):\t{}", self.blocks);
        if let Some(average) = self.size.checked_div(self.blocks) {
            let _ = write!(out, " (avg. block size {average} B)");
        }
        if self.open_blocks != 0 {
            let _ = write!(
                out,
                " (Total open file blocks (not validated): {})",
                self.open_blocks
            );
        }
    }

    fn write_losses(&self, replication: &Replication, out: &mut String) {
        const STARS: &str = "\n  ********************************";
        if self.corrupt_files == 0 && self.under_minimum == 0 {
            return;
        }
        out.push_str(STARS);
        if self.under_minimum > 0 {
            let _ = write!(
                out,
                "\n  UNDER MIN REPL'D BLOCKS:\t{}{}\n  MINIMAL BLOCK REPLICATION:\t{}",
                self.under_minimum,
                share(self.under_minimum, self.blocks),
                replication.minimum
            );
        }
        if self.corrupt_files > 0 {
            let _ = write!(out, "\n  CORRUPT FILES:\t{}", self.corrupt_files);
            if self.missing_size > 0 {
                let _ = write!(
                    out,
                    "\n  MISSING BLOCKS:\t{}\n  MISSING SIZE:\t\t{} B",
                    self.missing_blocks, self.missing_size
                );
            }
            if self.corrupt_blocks > 0 {
                let _ = write!(
                    out,
                    "\n  CORRUPT BLOCKS: \t{}\n  CORRUPT SIZE:\t\t{} B",
                    self.corrupt_blocks, self.corrupt_size
                );
            }
        }
        out.push_str(STARS);
    }

    fn write_replicas(&self, replication: &Replication, out: &mut String) {
        let kinds = [
            ("Minimally replicated blocks:\t", self.minimally_replicated),
            ("Over-replicated blocks:\t", self.over_replicated),
            ("Under-replicated blocks:\t", self.under_replicated),
            ("Mis-replicated blocks:\t\t", self.misplaced),
        ];
        for (name, count) in kinds {
            let _ = write!(out, "\n {name}{count}{}", share(count, self.blocks));
        }
        let average = if self.blocks == 0 {
            0.0
        } else {
            self.replicas as f32 / self.blocks as f32
        };
        let _ = write!(
            out,
            "\n Default replication factor:\t{}\n Average block replication:\t{}\n \
             Missing blocks:\t\t{}\n Corrupt blocks:\t\t{}\n Missing replicas:\t\t{}",
            replication.default,
            java_float(average),
            self.missing_blocks,
            self.corrupt_blocks,
            self.missing_replicas
        );
        if self.replicas > 0 {
            out.push_str(&share(self.missing_replicas, self.expected_replicas));
        }
        for (name, count) in [
            ("DecommissionedReplicas:", self.decommissioned),
            ("DecommissioningReplicas:", self.decommissioning),
            ("EnteringMaintenanceReplicas:", self.entering_maintenance),
            ("InMaintenanceReplicas:", self.in_maintenance),
        ] {
            if count > 0 {
                let _ = write!(out, "\n {name}\t{count}");
            }
        }
        let _ = writeln!(out, "\n Blocks queued for replication:\t{}", self.queued);
    }
}

/// Writes the sums of erasure-coded files, which there are none of.
fn write_no_groups(out: &mut String) {
    out.push_str(
        " Total size:\t0 B\n Total files:\t0\n Total block groups (validated):\t0\n \
         Minimally erasure-coded block groups:\t0\n Over-erasure-coded block groups:\t0\n \
         Under-erasure-coded block groups:\t0\n Unsatisfactory placement block groups:\t0\n \
         Average block group size:\t0.0\n Missing block groups:\t\t0\n Corrupt block groups:\t\t0\n \
         Missing internal blocks:\t0\n Blocks queued for replication:\t0\n",
    );
}
