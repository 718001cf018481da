//! The flags and variables that decide which servers there are, whatever the file says.

use kerbox::spec::{HdfsSpec, Security};

use crate::flags::SettingsArgs;

/// The servers that the command line asks for. The default leaves the choice to the file.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Overrides {
    security: Option<Security>,
    datanodes: Option<usize>,
    /// True if there is no HDFS.
    pub(super) kdc_only: bool,
}

impl Overrides {
    /// Returns those of these arguments. Variables have already replaced missing flags.
    pub(super) fn of(args: &SettingsArgs) -> Self {
        Self {
            security: match (args.simple, args.secure) {
                (true, _) => Some(Security::Simple),
                (_, true) => Some(Security::Kerberos),
                _ => args.security.map(Security::from),
            },
            // An image is shown without its blocks.
            datanodes: match args.fsimage {
                Some(_) => Some(0),
                None => args.datanodes.map(usize::from),
            },
            kdc_only: args.kdc_only,
        }
    }

    /// Changes a file's settings.
    pub(super) fn apply(self, hdfs: &mut HdfsSpec) {
        if let Some(security) = self.security {
            hdfs.security = security;
        }
        if let Some(datanodes) = self.datanodes {
            hdfs.datanodes = datanodes;
        }
    }
}
