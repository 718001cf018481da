//! One module per client.

use libtest_mimic::Trial;

mod mit_tools;

pub(crate) fn trials() -> Vec<Trial> {
    [mit_tools::trials()].into_iter().flatten().collect()
}
