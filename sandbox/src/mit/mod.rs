//! MIT's programs by their own names: `krb5kdc`, `kadmind`, `kadmin.local` and `kdb5_util`, well
//! enough for fixtures that were written for them, such as PyPI's k5test. Called by one of these
//! names, `kerbox` is that program.
//!
//! They find each other as MIT's do: by `KRB5_CONFIG`, `KRB5_KDC_PROFILE` and the database that
//! these name. The database is a JSON file of our own.

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

mod acl;
mod command_line;
mod configuration;
mod daemon;
mod database;
mod date;
mod flags;
mod getdate;
mod getdate_words;
mod glob;
mod kadmin;
mod kadmind;
mod kdb5_util;
mod keysalt;
mod krb5kdc;
mod listen;
mod log;
mod place;
mod policy;
mod profile;
mod relations;
mod served;
mod stored;
mod strings;

/// The program that we were called as, if it is one of MIT's.
pub(crate) fn called_as(name: Option<&OsStr>) -> Option<fn(&[String]) -> ExitCode> {
    match Path::new(name?).file_name()?.to_str()? {
        "krb5kdc" => Some(krb5kdc::main),
        "kadmind" => Some(kadmind::main),
        "kadmin.local" => Some(kadmin::main),
        "kdb5_util" => Some(kdb5_util::main),
        _ => None,
    }
}

/// As MIT's programs say what went wrong: `program: text`.
fn complain(program: &str, text: impl std::fmt::Display) -> ExitCode {
    eprintln!("{program}: {text}");
    ExitCode::FAILURE
}
