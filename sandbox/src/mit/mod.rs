//! MIT's programs by their own names: `krb5kdc`, `kadmind`, `kadmin.local` and `kdb5_util`. They
//! are complete enough for fixtures written for MIT's, such as PyPI's k5test. When called by one of
//! these names, `kerbox` is that program.
//!
//! They find each other as MIT's programs do: through `KRB5_CONFIG`, `KRB5_KDC_PROFILE` and the
//! database that those name. The database is a JSON file in our own format.

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

mod acl;
mod command_line;
mod configuration;
mod daemon;
mod database;
mod date;
mod dump;
mod entry;
mod flags;
mod getdate;
mod getdate_words;
mod glob;
mod hex;
mod kadmin;
mod kadmind;
mod kdb5_util;
mod keysalt;
mod krb5kdc;
mod listen;
mod log;
mod master;
mod password;
mod place;
mod policy;
mod profile;
mod realm_section;
mod relations;
mod served;
mod stored;
mod strings;
mod tabdump;
mod tagged;
mod xdr;

/// Returns the program for the name of this process, if it is one of MIT's.
pub(crate) fn called_as(name: Option<&OsStr>) -> Option<fn(&[String]) -> ExitCode> {
    match Path::new(name?).file_name()?.to_str()? {
        "krb5kdc" => Some(krb5kdc::main),
        "kadmind" => Some(kadmind::main),
        "kadmin.local" => Some(kadmin::main),
        "kdb5_util" => Some(kdb5_util::main),
        _ => None,
    }
}

/// Prints an error as MIT's programs do: `program: text`.
fn complain(program: &str, text: impl std::fmt::Display) -> ExitCode {
    eprintln!("{program}: {text}");
    ExitCode::FAILURE
}
