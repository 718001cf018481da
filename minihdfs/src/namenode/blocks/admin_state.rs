//! The state of a DataNode's service.

use kerbox_events::StateChange;

/// The state of a DataNode's service (`DatanodeInfo.AdminStates`, with the wire's numbers).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum AdminState {
    /// In service.
    #[default]
    Normal = 0,
    /// Its blocks are being copied to others.
    DecommissionInProgress = 1,
    /// No block needs it any more.
    Decommissioned = 2,
    /// Blocks that only it has are being copied.
    EnteringMaintenance = 3,
    /// It may be away for a while.
    InMaintenance = 4,
}

impl AdminState {
    pub(crate) fn is_in_service(self) -> bool {
        self == Self::Normal
    }

    /// Returns true if its replicas count for a while although it is on its way out.
    pub(super) fn is_maintenance(self) -> bool {
        matches!(self, Self::EnteringMaintenance | Self::InMaintenance)
    }

    pub(super) fn is_leaving(self) -> bool {
        matches!(
            self,
            Self::DecommissionInProgress | Self::EnteringMaintenance
        )
    }

    pub(super) fn change(self) -> StateChange {
        match self {
            Self::Normal => StateChange::InService,
            Self::DecommissionInProgress => StateChange::Decommissioning,
            Self::Decommissioned => StateChange::Decommissioned,
            Self::EnteringMaintenance => StateChange::EnteringMaintenance,
            Self::InMaintenance => StateChange::InMaintenance,
        }
    }
}
