//! Who may see a page.

use http::StatusCode;

use crate::config::HdfsConfig;
use crate::web::response::{self, WebResponse};

/// The users who may see a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::web) enum Access {
    /// Everyone, without authentication.
    Everyone,
    /// Everyone, unless `hadoop.security.instrumentation.requires.admin` wants administrators.
    Instrumentation,
    /// Every user who authenticates.
    Authenticated,
    /// The NameNode, the SecondaryNameNode and administrators.
    Checkpointers,
}

impl Access {
    /// Returns true if a request must authenticate.
    pub(in crate::web) fn needs_authentication(self, config: &HdfsConfig) -> bool {
        match self {
            Self::Everyone => false,
            Self::Instrumentation => config.web.instrumentation_requires_admin,
            Self::Authenticated | Self::Checkpointers => true,
        }
    }

    /// Returns the refusal of a user who may not see the page.
    pub(in crate::web) fn check(
        self,
        config: &HdfsConfig,
        user: &str,
        is_administrator: bool,
    ) -> Result<(), Box<WebResponse>> {
        if self == Self::Checkpointers && config.is_secure() && !is_administrator {
            let reason =
                "Only Namenode, Secondary Namenode, and administrators may access this servlet";
            return Err(Box::new(response::page(StatusCode::FORBIDDEN, reason)));
        }
        let needs_admin = self == Self::Instrumentation
            && config.web.instrumentation_requires_admin
            && config.service_authorization.enabled;
        if !needs_admin || is_administrator {
            return Ok(());
        }
        let reason =
            format!("Unauthenticated users are not authorized to access this page: {user}");
        let reason = if user.is_empty() {
            reason
        } else {
            format!("User {user} is unauthorized to access this page.")
        };
        Err(Box::new(response::page(StatusCode::FORBIDDEN, &reason)))
    }
}
