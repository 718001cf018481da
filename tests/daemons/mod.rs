//! Servers of Hadoop in processes of their own, beside servers of Kerbox.

mod balancer;
mod daemon;
mod datanode;
mod dfsadmin;
mod process;
mod under_hadoop;

/// Returns the tests of all parts.
pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
    let parts = [
        balancer::trials(),
        datanode::trials(),
        dfsadmin::trials(),
        process::trials(),
        under_hadoop::trials(),
    ];
    parts.into_iter().flatten().collect()
}
