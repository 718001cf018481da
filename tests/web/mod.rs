//! WebHDFS by clients that we did not write.

mod curl;
mod java;
mod reference;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    [curl::trials(), java::trials(), reference::trials()]
        .into_iter()
        .flatten()
        .collect()
}
