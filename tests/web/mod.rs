//! WebHDFS by clients that we did not write.

mod console;
pub(crate) mod curl;
mod distcp;
mod fsck;
mod httpfs;
mod httpfs_beside;
mod https;
mod images;
mod java;
mod mapreduce;
mod python;
mod reference;
mod safety;
mod spark;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    [
        console::trials(),
        curl::trials(),
        distcp::trials(),
        fsck::trials(),
        httpfs::trials(),
        httpfs_beside::trials(),
        https::trials(),
        images::trials(),
        java::trials(),
        mapreduce::trials(),
        python::trials(),
        reference::trials(),
        safety::trials(),
        spark::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
