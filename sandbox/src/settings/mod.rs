//! The settings of a sandbox: the description of its servers, whatever its source, and what only
//! the command line says.
//!
//! Flags override `KERBOX_*` variables, which override the configuration file, which overrides
//! [`Settings::default`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use kerbox::control::FaultRequest;
use kerbox::spec::Spec;
use kerbox::{Server, Timestamp};

use crate::flags::SettingsArgs;

mod console;
mod faults;
mod file;
mod keys;
mod merge;
mod names;
mod nearest;
mod other_realms;
mod overrides;
mod principals;
mod section;
mod show;
mod text;
mod toml_text;
mod values;
mod warnings;

pub(crate) use kerbox::spec::duration::parse as parse_duration;
pub(crate) use merge::{Purpose, check, effective, read_again};
pub(crate) use text::parse_time;
pub(crate) use values::{Attribute, parse_enctype};
pub(crate) use warnings::warn;

/// All settings of `kerbox up`.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Settings {
    /// The servers. The realm has a name.
    pub(crate) spec: Spec,
    /// The servers that take another port if theirs is taken.
    pub(crate) movable: Vec<Server>,
    /// True if there is no HDFS.
    pub(crate) kdc_only: bool,
    /// True if a taken port is an error even where another would do.
    pub(crate) strict_ports: bool,
    /// The seed of all randomness; `None`: a new one.
    pub(crate) seed: Option<u64>,
    /// Hadoop's keys that flags and variables give, on top of the file's.
    pub(crate) overriding: BTreeMap<String, String>,
    /// The folder in which everything is kept for the next run; `None`: nothing is kept.
    pub(crate) data_dir: Option<PathBuf>,
    /// The time at the start; `None`: the system's. A folder with an earlier run's data has its
    /// own.
    pub(crate) start: Option<Timestamp>,
    /// The console of a KDC alone.
    pub(crate) console: console::ConsoleSettings,
    /// The faults from the start.
    pub(crate) faults: Vec<FaultRequest>,
    /// The folder of the process with the KDC, if it is another one whose clock this one lives by.
    pub(crate) kdc_dir: Option<PathBuf>,
    /// The configuration file that was read.
    pub(crate) file: Option<PathBuf>,
}

impl Settings {
    /// Returns the realm's name.
    pub(crate) fn realm(&self) -> &str {
        self.spec.realm.name.as_deref().unwrap_or(REALM)
    }

    /// Gives a process a folder of its own in the one that the configuration file names for all
    /// processes. A flag or a variable names the folder of its own process.
    pub(crate) fn data_dir_is_shared(&mut self, process: &str, args: &SettingsArgs) {
        if args.data_dir.is_none()
            && let Some(dir) = &mut self.data_dir
        {
            dir.push(process);
        }
    }
}

/// The default name of the realm.
const REALM: &str = "EXAMPLE.COM";

impl Default for Settings {
    fn default() -> Self {
        let mut spec = Spec::default();
        spec.realm.name = Some(REALM.to_owned());
        spec.hdfs.datanodes = 3;
        Self {
            spec,
            movable: Vec::new(),
            kdc_only: false,
            strict_ports: false,
            seed: None,
            overriding: BTreeMap::new(),
            data_dir: None,
            start: None,
            console: console::ConsoleSettings::default(),
            faults: Vec::new(),
            kdc_dir: None,
            file: None,
        }
    }
}
