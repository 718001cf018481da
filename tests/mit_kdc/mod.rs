//! MIT's krb5kdc and ours: the same request gets the same answer.

use libtest_mimic::Trial;

mod authenticators;
mod logins;
mod pacs;
mod sides;
mod tickets;
mod tools;

pub(crate) use sides::Mit;

type Error = Box<dyn std::error::Error + Send + Sync>;

pub(crate) fn trials() -> Vec<Trial> {
    let modules = [
        logins::trials(),
        tickets::trials(),
        authenticators::trials(),
        pacs::trials(),
        tools::trials(),
    ];
    modules.into_iter().flatten().collect()
}
