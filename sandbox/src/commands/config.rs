//! `kerbox config`.

use crate::cli::{Config, ConfigCommand, variables};
use crate::failure::Failure;
use crate::settings::{self, Purpose, warn};

/// Checks a file, or prints the settings in effect.
pub(crate) fn config(args: Config) -> Result<(), Failure> {
    match args.command {
        ConfigCommand::Check { file } => {
            let settings = settings::check(&file)?;
            warn(&settings, Purpose::Exec, &variables());
            super::print(&format!("{}: all is well\n", file.display()));
        }
        ConfigCommand::Example => super::print(include_str!("../../example.toml")),
        ConfigCommand::Show(args) => {
            let settings = settings::effective(&args, Purpose::Up)?;
            warn(&settings, Purpose::Up, &variables());
            super::print(&settings.to_string());
        }
    }
    Ok(())
}
