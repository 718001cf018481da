//! `kerbox principal`, `keytab`, `ccache`, `login` and `token`: requests to a running sandbox.

use std::io::Write;
use std::path::Path;

use kerbox::control::Request;
use kerbox_events::Printable;
use serde_json::Value;

use super::env::chosen;
use crate::cli_admin::{AddArgs, Ccache, Keytab, Principal, PrincipalArgs, PrincipalCommand};
use crate::cli_control::{Login, Token};
use crate::control::{ask, from_hex};
use crate::failure::Failure;

/// Adds, lists, shows, changes or removes principals.
pub(crate) fn principal(args: Principal) -> Result<(), Failure> {
    let (which, request) = match args.command {
        PrincipalCommand::Add(add) => {
            return self::add(&chosen(add.which.dir.as_deref())?, add.args);
        }
        PrincipalCommand::List(which) => (which, Request::ListPrincipals),
        PrincipalCommand::Show(show) => (show.which, Request::ShowPrincipal(show.args.name)),
        PrincipalCommand::Change(change) => {
            (change.which, Request::ChangePrincipal(change.args.into()))
        }
        PrincipalCommand::Remove(remove) => {
            (remove.which, Request::RemovePrincipal(remove.args.name))
        }
    };
    super::print(&shown(&ask(&chosen(which.dir.as_deref())?, &request)?));
    Ok(())
}

/// Adds principals one by one, so that a refused one does not prevent the others.
fn add(dir: &Path, args: AddArgs) -> Result<(), Failure> {
    let mut refused = Vec::new();
    for name in args.names {
        let options = args.options.clone();
        let new = PrincipalArgs { name, options };
        match ask(dir, &Request::AddPrincipal(new.into())) {
            Ok(added) => super::print(&shown(&added)),
            Err(failure) => refused.push(failure.to_string()),
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    Err(Failure::Failed(refused.join("\n")))
}

/// Writes the keys of principals into a keytab.
pub(crate) fn keytab(args: Keytab) -> Result<(), Failure> {
    write(
        &args.output,
        &ask(
            &chosen(args.which.dir.as_deref())?,
            &Request::Keytab(args.args.names),
        )?,
    )
}

/// Writes a custom ticket into a credential cache.
pub(crate) fn ccache(args: Ccache) -> Result<(), Failure> {
    write(
        &args.output,
        &ask(
            &chosen(args.which.dir.as_deref())?,
            &Request::Ccache(args.args.into()),
        )?,
    )
}

/// Logs a user in, and prints the name of the credential cache.
pub(crate) fn login(args: Login) -> Result<(), Failure> {
    let dir = chosen(args.which.dir.as_deref())?;
    let cache = ask(&dir, &Request::Login(args.user))?;
    super::print(&shown(&cache));
    Ok(())
}

/// Writes a delegation token into a token file.
pub(crate) fn token(args: Token) -> Result<(), Failure> {
    let Token { user, renewer, .. } = args;
    let dir = chosen(args.which.dir.as_deref())?;
    write(&args.output, &ask(&dir, &Request::Token { user, renewer })?)
}

/// Formats an answer for people: a name or a `key: value` on each line.
fn shown(answer: &Value) -> String {
    let text = |value: &Value| match value.as_str() {
        Some(text) => Printable(text).to_string(),
        None => value.to_string(),
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

/// Writes the file named with -o in place, like other tools: links and pipes are followed, and an
/// existing file keeps its mode.
fn write(path: &Path, answer: &Value) -> Result<(), Failure> {
    use std::os::unix::fs::OpenOptionsExt;
    let what = "the sandbox's answer cannot be read";
    let bytes = answer.as_str().and_then(from_hex);
    let bytes = bytes.ok_or_else(|| Failure::io(what, answer))?;
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(true).write(true).mode(0o600);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(&bytes));
    written
        .map_err(|error| Failure::io(format_args!("{} cannot be written", path.display()), error))
}
