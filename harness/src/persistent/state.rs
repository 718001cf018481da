//! The file `fixture`: the clock, and how often the folder was used.

use std::path::Path;
use std::time::Duration;

use kerbox_krb5::{Clock, Timestamp};
use serde::{Deserialize, Serialize};

use super::durable::{self, unusable};
use crate::Error;

const FILE: &str = "fixture";
/// The beginning of the file, up to the number of its format.
const MAGIC: &str = "{\n  \"format\": \"kerbox fixture ";
const FORMAT: &str = "kerbox fixture 1";
/// A running clock is kept again after this time, in case that the system's clock is set back
/// before the next start.
const INTERVAL: Duration = Duration::from_secs(10);

/// The contents of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    format: String,
    /// The number of starts in the folder before this one.
    pub(super) starts: u64,
    /// The realm, if there is one.
    pub(super) realm: Option<String>,
    pub(super) clock: SavedClock,
    /// True while the first directories of a new namespace are made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) begins: bool,
    /// The DataNode whose replicas are in the folder, if it is that of one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) datanode: Option<SavedDatanode>,
}

/// A DataNode's identity, as Hadoop's file `VERSION` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedDatanode {
    pub(crate) uuid: String,
    pub(crate) storage_id: String,
    /// The namespace that its replicas belong to.
    pub(crate) block_pool_id: String,
}

/// A clock, in microseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum SavedClock {
    /// It is ahead of the system's by `offset`, and was seen at `at`.
    Running { offset: i64, at: i64 },
    /// It stands still at `at`.
    Frozen { at: i64 },
}

/// The part of the file that every format has.
#[derive(Deserialize)]
struct Format {
    format: String,
}

impl State {
    /// Returns the state of a new folder.
    pub(super) fn new(clock: &Clock) -> Self {
        Self {
            format: FORMAT.to_owned(),
            starts: 0,
            realm: None,
            clock: SavedClock::of(clock),
            begins: false,
            datanode: None,
        }
    }

    /// Reads the state of a folder; `None` if it has none.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(FILE);
        let Some(bytes) = durable::read(&path)? else {
            return Ok(None);
        };
        let damaged = |error: serde_json::Error| {
            let (line, column) = (error.line(), error.column());
            let why = format!("line {line}, column {column}: {error}; restore it from a copy");
            unusable(&path, why)
        };
        let Format { format } = serde_json::from_slice(&bytes).map_err(damaged)?;
        if format != FORMAT {
            let why = format!(
                "its format is {format:?}, and this version of Kerbox reads {FORMAT:?}: use the \
                 version that wrote it, or name another folder"
            );
            return Err(unusable(&path, why));
        }
        serde_json::from_slice(&bytes).map(Some).map_err(damaged)
    }

    /// Replaces the file in a folder.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Error> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::io("describe the fixture")(error.into()))?;
        text.push(b'\n');
        let magic = MAGIC.as_bytes();
        durable::replace(&folder.join(FILE), &text, |beginning| {
            beginning.starts_with(magic) || magic.starts_with(beginning)
        })
    }
}

impl SavedClock {
    /// Returns a clock as it is.
    pub(super) fn of(clock: &Clock) -> Self {
        let at = clock.now().as_micros();
        if clock.is_frozen() {
            return Self::Frozen { at };
        }
        let offset = clock.offset_micros();
        Self::Running { offset, at }
    }

    /// Returns it as it is once it was moved to `target`.
    pub(super) fn moved(self, clock: &Clock, target: Timestamp) -> Self {
        let at = target.as_micros();
        match self {
            Self::Frozen { .. } => Self::Frozen { at },
            Self::Running { .. } => Self::Running {
                offset: at.saturating_sub(clock.real_now().as_micros()),
                at,
            },
        }
    }

    /// Sets a clock to it. A running one goes on from where it would be by now, or, if the
    /// system's clock was set back meanwhile, from where it was seen last.
    pub(super) fn resume(self, clock: &Clock) {
        match self {
            Self::Running { offset, at } => {
                let now = clock.real_now().as_micros().saturating_add(offset);
                clock.unfreeze();
                clock.set(Timestamp::from_micros(now.max(at)));
            }
            Self::Frozen { at } => {
                clock.freeze();
                clock.set(Timestamp::from_micros(at));
            }
        }
    }

    /// Returns whether a clock needs not be kept again.
    pub(super) fn is_still(self, clock: &Clock) -> bool {
        match (self, Self::of(clock)) {
            (
                Self::Running { offset, at },
                Self::Running {
                    offset: now,
                    at: seen,
                },
            ) => {
                let elapsed = Timestamp::from_micros(seen).since(Timestamp::from_micros(at));
                offset == now && elapsed < INTERVAL
            }
            (kept, now) => kept == now,
        }
    }
}
