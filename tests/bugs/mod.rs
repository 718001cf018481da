//! Bugs that people met in production, reproduced without sleeping: the mistake shows, and a
//! client that does it right passes. `tests/BUGS.md` lists them with their numbers.

mod block_tokens;
mod conversation;
mod expiry;
mod logins;
mod tokens;
mod webhdfs;
mod wrong_settings;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    [
        block_tokens::trials(),
        expiry::trials(),
        logins::trials(),
        tokens::trials(),
        webhdfs::trials(),
        wrong_settings::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
