//! Servers of Hadoop in processes of their own, beside servers of Kerbox.

mod balancer;
mod block_recovery;
mod daemon;
mod datanode;
mod dfsadmin;
mod process;
mod processes;
mod real_datanodes;
mod secondary;
mod under_hadoop;
mod upgrade;
mod volumes;

/// Returns the tests of all parts.
pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
    let parts = [
        balancer::trials(),
        block_recovery::trials(),
        datanode::trials(),
        dfsadmin::trials(),
        process::trials(),
        processes::trials(),
        secondary::trials(),
        under_hadoop::trials(),
        upgrade::trials(),
        volumes::trials(),
    ];
    parts.into_iter().flatten().collect()
}
