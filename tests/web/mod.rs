//! WebHDFS by clients that we did not write.

mod curl;
mod fsck;
mod https;
mod images;
mod java;
mod python;
mod reference;
mod safety;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    [
        curl::trials(),
        fsck::trials(),
        https::trials(),
        images::trials(),
        java::trials(),
        python::trials(),
        reference::trials(),
        safety::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
