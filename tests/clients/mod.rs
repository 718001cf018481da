//! One module per client.

use libtest_mimic::Trial;

mod gokrb5;
mod heimdal;
mod jdk;
mod krb5_crate;
mod mit_tools;

pub(crate) fn trials() -> Vec<Trial> {
    let modules = [
        mit_tools::trials(),
        heimdal::trials(),
        jdk::trials(),
        gokrb5::trials(),
        krb5_crate::trials(),
    ];
    modules.into_iter().flatten().collect()
}
