//! WebHDFS by clients that we did not write.

mod curl;
mod java;
mod reference;
mod safety;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    [
        curl::trials(),
        java::trials(),
        reference::trials(),
        safety::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
