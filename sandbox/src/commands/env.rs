//! `kerbox env`.

use std::path::{Path, PathBuf};

use crate::cli::Env;
use crate::directory::{is_served, served};
use crate::environment::script;
use crate::failure::Failure;
use crate::ready::Ready;

/// Prints the variables of a sandbox that serves.
pub(crate) fn env(args: &Env) -> Result<(), Failure> {
    let dir = match &args.dir {
        Some(dir) => dir.clone(),
        None => only_one()?,
    };
    let ready = read(&dir)?;
    super::print(&script(&ready.env, args.shell));
    Ok(())
}

fn read(dir: &Path) -> Result<Ready, Failure> {
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

/// The folder of the only sandbox that runs.
pub(super) fn only_one() -> Result<PathBuf, Failure> {
    let mut dirs = served();
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
