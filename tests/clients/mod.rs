//! One module per client.

use libtest_mimic::Trial;

mod go_hdfs;
mod gokrb5;
pub(crate) mod hdfs_native;
mod heimdal;
pub(crate) mod java_hadoop;
mod jdk;
mod krb5_crate;
mod mit_tools;
mod pac;

pub(crate) fn trials() -> Vec<Trial> {
    let modules = [
        mit_tools::trials(),
        heimdal::trials(),
        jdk::trials(),
        gokrb5::trials(),
        krb5_crate::trials(),
        pac::trials(),
        hdfs_native::trials(),
        java_hadoop::trials(),
        go_hdfs::trials(),
    ];
    modules.into_iter().flatten().collect()
}
