//! Servers of Hadoop in processes of their own, beside servers of Kerbox.

mod daemon;
mod datanode;
mod under_hadoop;

/// Returns the tests of all parts.
pub(crate) fn trials() -> Vec<libtest_mimic::Trial> {
    let parts = [datanode::trials(), under_hadoop::trials()];
    parts.into_iter().flatten().collect()
}
