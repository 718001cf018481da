//! `kerbox principal`, `keytab` and `ccache`: what a sandbox that serves is asked for.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli_admin::{Ccache, Keytab, Principal, PrincipalCommand, Which};
use crate::control::{Request, ask, from_hex};
use crate::failure::Failure;

/// Adds, lists, shows, changes or removes principals.
pub(crate) fn principal(args: Principal) -> Result<(), Failure> {
    let (which, request) = match args.command {
        PrincipalCommand::Add(add) => (add.which, Request::AddPrincipal(add.args)),
        PrincipalCommand::List(which) => (which, Request::ListPrincipals),
        PrincipalCommand::Show(show) => (show.which, Request::ShowPrincipal(show.args)),
        PrincipalCommand::Change(change) => (change.which, Request::ChangePrincipal(change.args)),
        PrincipalCommand::Remove(remove) => (remove.which, Request::RemovePrincipal(remove.args)),
    };
    super::print(&shown(&ask(&dir(&which)?, &request)?));
    Ok(())
}

/// Writes the keys of principals into a keytab.
pub(crate) fn keytab(args: Keytab) -> Result<(), Failure> {
    write(
        &args.output,
        &ask(&dir(&args.which)?, &Request::Keytab(args.args))?,
    )
}

/// Writes a ticket to order into a credential cache.
pub(crate) fn ccache(args: Ccache) -> Result<(), Failure> {
    write(
        &args.output,
        &ask(&dir(&args.which)?, &Request::Ccache(args.args))?,
    )
}

fn dir(which: &Which) -> Result<PathBuf, Failure> {
    which.dir.clone().map_or_else(super::env::only_one, Ok)
}

/// An answer as a person reads it: a name or a `key: value` on each line.
fn shown(answer: &Value) -> String {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    match answer {
        Value::Array(items) => items.iter().map(|item| text(item) + "\n").collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| format!("{key}: {}\n", text(value)))
            .collect(),
        other => text(other) + "\n",
    }
}

fn write(path: &Path, answer: &Value) -> Result<(), Failure> {
    use std::os::unix::fs::OpenOptionsExt;
    let bytes = answer.as_str().and_then(from_hex).unwrap_or_default();
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(true).write(true).mode(0o600);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(&bytes));
    written
        .map_err(|error| Failure::io(format_args!("{} cannot be written", path.display()), error))
}
