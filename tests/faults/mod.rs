//! Faults as real clients meet them: answers that are lost, cut, chopped, held or corrupt.

mod call_faults;
mod cluster_faults;
mod data_faults;
mod login_faults;

use kerbox::Cluster;
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    [
        call_faults::trials(),
        cluster_faults::trials(),
        data_faults::trials(),
        login_faults::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns a cluster with this many DataNodes and blocks of 64 KiB.
fn cluster_of(datanodes: usize) -> Result<Cluster, kerbox::Error> {
    Cluster::secure()
        .datanodes(datanodes)
        .set("dfs.replication", datanodes.min(3).to_string())
        .start_blocking()
}
