//! Starts the `kerbox` command and its drop-in tools, for the tests of several binaries.
//!
//! - [`Place`]: a folder in which a test runs `kerbox`; [`Ran`]: a command that ended; [`Up`]: a
//!   running `kerbox up`
//! - [`MitRealm`]: a realm of `krb5kdc`, `kadmin.local` and `kdb5_util`
//! - [`kerbox`], [`peers_dir`], [`on_path`]: where programs are

mod mit_realm;
mod place;
mod programs;
mod up;

pub use mit_realm::MitRealm;
pub use place::{Place, Ran};
pub use programs::{kerbox, on_path, peers_dir};
pub use up::Up;
