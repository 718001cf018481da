//! The sums by storage policy (Hadoop's `StoragePolicySummary`).

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::namenode::state::storage_policy::{HOT, POLICIES, Policy};
use crate::proto::hdfs::StorageTypeProto;

/// The number of blocks by the policy of their file and the storages that they are on.
#[derive(Default)]
pub(super) struct PolicySums {
    /// The number of replicas on disks, which all storages are, by the policy's id.
    counts: BTreeMap<(u8, usize), u64>,
}

impl PolicySums {
    /// Adds a block with this number of replicas.
    pub(super) fn add(&mut self, policy: u8, replicas: usize) {
        *self.counts.entry((policy, replicas)).or_default() += 1;
    }

    /// Writes the sums. Writing to a String cannot fail.
    pub(super) fn write(&self, out: &mut String) {
        let total: u64 = self.counts.values().sum();
        let mut counts: Vec<_> = self.counts.iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        out.push_str(
            "\nBlocks satisfying the specified storage policy:\
             \nStorage Policy                  # of blocks       % of blocks\n",
        );
        let mut others = String::new();
        for ((policy, replicas), count) in counts {
            let share = format!("{:.4}%", *count as f64 / total as f64 * 100.0);
            let specified = policy_of(*policy);
            let actual = satisfied_by_disks(*replicas);
            let storages = match (replicas, actual) {
                (0, None) => String::new(),
                (0, Some(actual)) => format!("({})", actual.name),
                (replicas, None) => format!("DISK:{replicas}"),
                (replicas, Some(actual)) => format!("DISK:{replicas}({})", actual.name),
            };
            if actual.is_some_and(|actual| actual.id == specified.id) {
                let _ = writeln!(out, "{storages:<25} {count:>10}  {share:>20}");
            } else {
                let name = specified.name;
                let _ = writeln!(others, "{storages:<35} {name:<20} {count:>10}  {share:>20}");
            }
        }
        if others.is_empty() {
            out.push_str("\nAll blocks satisfy specified storage policy.\n");
        } else {
            out.push_str(
                "\nBlocks NOT satisfying the specified storage policy:\
                 \nStorage Policy                  \
                 Specified Storage Policy      # of blocks       % of blocks\n",
            );
            out.push_str(&others);
        }
    }
}

fn policy_of(id: u8) -> &'static Policy {
    let mut policies = POLICIES.iter();
    policies
        .find(|policy| policy.id == id)
        .unwrap_or(&POLICIES[HOT])
}

/// Returns the policy whose storages these are.
fn satisfied_by_disks(replicas: usize) -> Option<&'static Policy> {
    let mut policies = POLICIES.iter();
    policies
        .find(|policy| policy.creation == [StorageTypeProto::Disk])
        .filter(|_| replicas > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_on_disks_satisfy_hot_alone() {
        let mut sums = PolicySums::default();
        for _ in 0..3 {
            sums.add(7, 2);
        }
        sums.add(2, 1);
        let mut out = String::new();
        sums.write(&mut out);
        let hot = "DISK:2(HOT)                        3              75.0000%\n";
        assert!(out.contains(hot), "{out}");
        let cold = "DISK:1(HOT)                         COLD                          1              25.0000%\n";
        assert!(out.contains(cold), "{out}");
    }
}
