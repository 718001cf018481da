//! The text format in which MIT's `kdb5_util` dumps and loads databases: one line for each
//! principal and each policy, with fields between tabs.

mod line;
mod policies;
mod read;
mod write;

pub(super) use read::read;
pub(super) use write::{Dump, dump};

/// A version of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Without policies' names in principals.
    Beta7,
    R13,
    /// With locked accounts in policies.
    R18,
    /// With key types in policies. This is the default.
    R111,
}

impl Format {
    const ALL: [Self; 4] = [Self::Beta7, Self::R13, Self::R18, Self::R111];

    /// Returns the first line.
    pub(super) fn header(self) -> &'static str {
        match self {
            Self::Beta7 => "kdb5_util load_dump version 4",
            Self::R13 => "kdb5_util load_dump version 5",
            Self::R18 => "kdb5_util load_dump version 6",
            Self::R111 => "kdb5_util load_dump version 7",
        }
    }

    /// Returns the name in MIT's messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Beta7 => "Kerberos version 5",
            Self::R13 => "Kerberos version 5 release 1.3",
            Self::R18 => "Kerberos version 5 release 1.8",
            Self::R111 => "Kerberos version 5 release 1.11",
        }
    }

    /// Returns the format of an option of `dump` and `load`.
    pub(super) fn of_option(option: &str) -> Option<Self> {
        match option {
            "-b7" => Some(Self::Beta7),
            "-r13" => Some(Self::R13),
            "-r18" => Some(Self::R18),
            _ => None,
        }
    }

    fn of_header(line: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|format| format.header() == line)
    }
}
