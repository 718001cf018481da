//! Safe mode, in which a NameNode answers and changes nothing: from its start until enough is
//! reported (Hadoop's `BlockManagerSafeMode`), and by order (`FSNamesystem.enterSafeMode`).

use std::fmt::Write as _;

use kerbox_krb5::Timestamp;

use crate::config::SafeModeSettings;

/// The state of safe mode.
#[derive(Debug)]
pub(crate) struct SafeMode {
    settings: SafeModeSettings,
    startup: Startup,
    is_manual: bool,
    /// The disk has too little room.
    is_low: bool,
    /// The namespace is that of an image without blocks, so that it never ends.
    is_for_image: bool,
}

/// The progress of a start (`BMSafeModeStatus`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Startup {
    /// `PENDING_THRESHOLD`: more must be reported.
    Pending,
    /// `EXTENSION`: enough was reported. Safe mode ends at `until` if that is still so, and
    /// otherwise as soon as it is so again.
    Extension { until: Timestamp, is_over: bool },
    /// `OFF`
    Off,
}

/// The reports since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reported {
    /// The blocks that must be reported: those that were complete at the start.
    pub(crate) blocks: u64,
    /// Those of them that have enough replicas.
    pub(crate) safe_blocks: u64,
    /// The live DataNodes.
    pub(crate) datanodes: usize,
    /// The bytes of replicas with a generation stamp that this namespace never gave out.
    pub(crate) bytes_in_future: u64,
}

impl SafeMode {
    /// Creates the safe mode of a NameNode that starts. It is off at once if nothing has to be
    /// reported.
    pub(crate) fn starting(settings: SafeModeSettings, reported: Reported) -> Self {
        let mut safe_mode = Self {
            settings,
            startup: Startup::Pending,
            is_manual: false,
            is_low: false,
            is_for_image: false,
        };
        if safe_mode.is_enough(reported) {
            safe_mode.startup = Startup::Off;
        }
        safe_mode
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_manual || self.is_low || self.is_for_image || self.is_starting()
    }

    /// Returns true if it is on because the disk has too little room.
    pub(crate) fn is_low(&self) -> bool {
        self.is_low
    }

    /// Turns it on for lack of room on disk, or ends that.
    pub(crate) fn set_low(&mut self, is_low: bool) {
        self.is_low = is_low;
    }

    /// Returns true until enough was reported since the start.
    pub(crate) fn is_starting(&self) -> bool {
        self.startup != Startup::Off
    }

    /// Turns it on for good: nothing will ever be known of the blocks.
    pub(crate) fn enter_for_image(&mut self) {
        self.is_for_image = true;
        self.startup = Startup::Off;
    }

    /// Returns true if nothing will ever be known of the blocks.
    pub(crate) fn is_for_image(&self) -> bool {
        self.is_for_image
    }

    /// Turns it on by order.
    pub(crate) fn enter(&mut self) {
        self.is_manual = true;
    }

    /// Turns it off by order, also at the start. Returns false if that would lose bytes of
    /// replicas from the future, unless it is forced, or if it is on for good.
    pub(crate) fn leave(&mut self, reported: Reported, force: bool) -> bool {
        if reported.bytes_in_future > 0 && !force || self.is_for_image {
            return false;
        }
        self.is_manual = false;
        // If the disk still has no room, the next look turns it on again.
        self.is_low = false;
        self.startup = Startup::Off;
        true
    }

    /// Goes on as reports and time allow. Returns true if the start is over with this call.
    pub(crate) fn check(&mut self, now: Timestamp, reported: Reported) -> bool {
        let is_enough = self.is_enough(reported);
        let leaves = match self.startup {
            Startup::Off => false,
            Startup::Pending if !is_enough => false,
            Startup::Pending if self.settings.extension.is_zero() => true,
            Startup::Pending => {
                let until = now + self.settings.extension;
                self.startup = Startup::Extension {
                    until,
                    is_over: false,
                };
                false
            }
            Startup::Extension { until, .. } if now < until => false,
            Startup::Extension { until, .. } => {
                self.startup = Startup::Extension {
                    until,
                    is_over: true,
                };
                is_enough
            }
        };
        let leaves = leaves && reported.bytes_in_future == 0;
        if leaves {
            self.startup = Startup::Off;
        }
        leaves
    }

    /// Returns when the extension ends.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        match self.startup {
            Startup::Extension {
                until,
                is_over: false,
            } => Some(until),
            _ => None,
        }
    }

    fn threshold(&self) -> f64 {
        f64::from(self.settings.threshold)
    }

    /// Returns the number of blocks that must be safe.
    fn needed(&self, reported: Reported) -> u64 {
        // Java's cast rounds towards zero, and a negative threshold asks for nothing.
        (reported.blocks as f64 * self.threshold()) as u64
    }

    fn is_enough(&self, reported: Reported) -> bool {
        reported.safe_blocks >= self.needed(reported)
            && reported.datanodes >= self.settings.min_datanodes
    }

    /// Says why it is on, and how it ends (`getSafeModeTip`).
    pub(crate) fn tip(&self, now: Timestamp, reported: Reported) -> String {
        if self.is_for_image {
            return "It stays on, because the namespace was read from an image without its blocks."
                .to_owned();
        }
        if self.is_low || self.is_manual {
            // Hadoop's text lacks a space.
            let why = if self.is_low {
                "Resources are low on NN. Please add or free up more resourcesthen turn off safe \
                 mode manually. NOTE:  If you turn off safe mode before adding resources, the NN \
                 will immediately return to safe mode."
            } else {
                "It was turned on manually."
            };
            return format!("{why} Use \"hdfs dfsadmin -safemode leave\" to turn safe mode off.");
        }
        let mut tip = String::new();
        let (safe, needed) = (reported.safe_blocks, self.needed(reported));
        let (threshold, blocks) = (self.threshold(), reported.blocks);
        // Writing to a string does not fail.
        let _ = if safe < needed {
            let missing = needed - safe;
            writeln!(
                tip,
                "The reported blocks {safe} needs additional {missing} blocks to reach the \
                 threshold {threshold:.4} of total blocks {blocks}."
            )
        } else {
            write!(
                tip,
                "The reported blocks {safe} has reached the threshold {threshold:.4} of total \
                 blocks {blocks}. "
            )
        };
        let (live, least) = (reported.datanodes, self.settings.min_datanodes);
        let _ = if live < least {
            let missing = least - live;
            writeln!(
                tip,
                "The number of live datanodes {live} needs an additional {missing} live datanodes \
                 to reach the minimum number {least}."
            )
        } else {
            write!(
                tip,
                "The number of live datanodes {live} has reached the minimum number {least}. "
            )
        };
        tip + &self.end(now, reported)
    }

    /// Says how it ends.
    fn end(&self, now: Timestamp, reported: Reported) -> String {
        if reported.bytes_in_future > 0 {
            return format!(
                "Name node detected blocks with generation stamps in future. This means that Name \
                 node metadata is inconsistent. This can happen if Name node metadata files have \
                 been manually replaced. Exiting safe mode will cause loss of {} byte(s). Please \
                 restart name node with right metadata or use \"hdfs dfsadmin -safemode forceExit\" \
                 if you are certain that the NameNode was started with the correct FsImage and edit \
                 logs. If you encountered this during a rollback, it is safe to exit with -safemode \
                 forceExit.",
                reported.bytes_in_future
            );
        }
        match self.startup {
            Startup::Pending => "Safe mode will be turned off automatically once the thresholds \
                                 have been reached."
                .to_owned(),
            Startup::Extension { until, .. } => {
                let left = until.as_millis().saturating_sub(now.as_millis()) / 1000;
                format!(
                    "In safe mode extension. Safe mode will be turned off automatically in {left} \
                     seconds."
                )
            }
            Startup::Off => "Safe mode will be turned off automatically soon.".to_owned(),
        }
    }
}
