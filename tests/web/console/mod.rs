//! The console in headless Chromium: each view and button, in a wide and a narrow window, light and
//! dark; SPNEGO; and the refusals, by curl.

mod browser;
mod pages;
mod realm;
mod refusals;
mod views;

use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    [
        pages::trials(),
        realm::trials(),
        refusals::trials(),
        views::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
