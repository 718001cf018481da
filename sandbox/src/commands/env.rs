//! `kerbox env`.

use std::path::{Path, PathBuf};

use kerbox::control::Request;

use crate::cli::Env;
use crate::control;
use crate::directory::{is_of_our_own, is_served, served};
use crate::environment::{Environment, here, script};
use crate::failure::Failure;
use crate::note::note;
use crate::ready::Ready;

/// Prints the variables of a running sandbox.
pub(crate) fn env(args: &Env) -> Result<(), Failure> {
    let dir = chosen(args.dir.as_deref())?;
    let ready = read(&dir)?;
    let mut variables = here(&ready.env);
    if args.clock {
        variables.extend(under_clock(&dir)?);
    }
    super::print(&script(&variables, args.shell));
    Ok(())
}

/// Returns the variables that put programs under the clock of a running sandbox.
pub(super) fn under_clock(dir: &Path) -> Result<Environment, Failure> {
    let answer = control::ask(dir, &Request::ClockEnv)?;
    let mut variables: Environment = serde_json::from_value(answer)
        .map_err(|error| Failure::Failed(format!("the sandbox's answer: {error}")))?;
    // The sandbox knows only what was preloaded into itself.
    let ours = variables
        .get("LD_PRELOAD")
        .and_then(|list| list.split(':').next());
    let ours = ours.unwrap_or_default().to_owned();
    let theirs = std::env::var("LD_PRELOAD").unwrap_or_default();
    let theirs = theirs
        .split(':')
        .filter(|path| !path.is_empty() && *path != ours);
    let all: Vec<&str> = std::iter::once(&*ours).chain(theirs).collect();
    variables.insert(String::from("LD_PRELOAD"), all.join(":"));
    Ok(variables)
}

/// Returns the ready line of the sandbox that serves from a folder.
pub(super) fn read(dir: &Path) -> Result<Ready, Failure> {
    let none = |why: &str| {
        let dir = dir.display();
        Failure::Failed(format!(
            "no sandbox serves from {dir}: {why}; start one with `kerbox up --dir {dir}`"
        ))
    };
    let ready = Ready::read(dir).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => none("there is no ready.json"),
        _ => none(&format!("its ready.json cannot be read: {error}")),
    })?;
    if is_served(dir) {
        Ok(ready)
    } else {
        Err(none(&format!("process {} is gone", ready.pid)))
    }
}

/// Returns the folder in `KERBOX_DIR`. Every shell that has read a sandbox's variables has it, and
/// that sandbox may be gone.
fn of_variable() -> Option<PathBuf> {
    let dir = std::env::var_os("KERBOX_DIR").filter(|dir| !dir.is_empty());
    dir.map(PathBuf::from)
}

/// Returns the named folder; else that of `KERBOX_DIR` if a sandbox serves from it; else that of
/// the only running sandbox.
pub(super) fn chosen(named: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(dir) = named {
        return Ok(dir.to_owned());
    }
    let Some(dir) = of_variable() else {
        return only_one();
    };
    if is_served(&dir) {
        return Ok(dir);
    }
    let dir = dir.display();
    match only_one() {
        Ok(only) => {
            note(format_args!(
                "no sandbox serves from KERBOX_DIR={dir} any more; asking the one in {}",
                only.display()
            ));
            Ok(only)
        }
        Err(failure) => Err(Failure::Failed(format!(
            "no sandbox serves from KERBOX_DIR={dir}, and {failure}"
        ))),
    }
}

/// Returns the folder that `kerbox up` must use: the named one, or that of `KERBOX_DIR` unless it
/// belongs to another sandbox or was made for one fixture, whose evidence it may hold.
pub(super) fn of_up(named: Option<&Path>) -> Option<PathBuf> {
    if let Some(dir) = named {
        return Some(dir.to_owned());
    }
    unless_anothers(of_variable()?)
}

fn unless_anothers(dir: PathBuf) -> Option<PathBuf> {
    let of_one_fixture = kerbox::directory::Directory::is_of_one_fixture;
    if is_served(&dir) || is_of_our_own(&dir) || of_one_fixture(&dir) {
        note(format_args!(
            "KERBOX_DIR={} is another sandbox's or fixture's; this one takes a folder of its own",
            dir.display()
        ));
        return None;
    }
    Some(dir)
}

/// Returns the folder of the only running sandbox.
fn only_one() -> Result<PathBuf, Failure> {
    let mut dirs = served()?;
    match (dirs.pop(), dirs.as_slice()) {
        (Some(dir), []) => Ok(dir),
        (None, _) => Err(Failure::Failed(String::from(
            "no sandbox is running; start one with `kerbox up`, or name its folder with --dir",
        ))),
        (Some(last), others) => {
            let all: Vec<String> = others
                .iter()
                .chain([&last])
                .map(|dir| format!("--dir {}", dir.display()))
                .collect();
            Err(Failure::Failed(format!(
                "several sandboxes are running; choose one: {}",
                all.join(", ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_fixtures_folder_is_not_used_again() -> Result<(), Box<dyn std::error::Error>> {
        let parent = tempfile::tempdir()?;
        let fixture = kerbox::directory::Directory::temporary_in(parent.path(), "kerbox-")?;
        let dead = parent.path().join("dead");
        std::fs::create_dir(&dead)?;
        std::fs::copy(fixture.path().join(".kerbox"), dead.join(".kerbox"))?;
        assert!(!is_served(&dead));
        assert_eq!(unless_anothers(dead), None);
        let new = parent.path().join("new");
        assert_eq!(unless_anothers(new.clone()), Some(new));
        Ok(())
    }
}
