//! Facts learned while an exchange is processed.

use kerbox_krb5::Principal;
use kerbox_krb5::messages::KdcRequest;

use crate::fast::Fast;
use crate::issued::IssuedTicket;

/// Facts learned while an exchange is processed, for the error that may end it.
#[derive(Default)]
pub(crate) struct Learned {
    /// The client of a TGS request's ticket, or the client inside an AS request's armor.
    pub(crate) client: Option<Principal>,
    /// The server named inside an armor.
    pub(crate) server: Option<Principal>,
    /// The armor.
    pub(crate) fast: Option<Fast>,
    /// The issued ticket.
    pub(crate) issued: Option<IssuedTicket>,
}

impl Learned {
    /// Records the names from inside an AS request's armor.
    pub(crate) fn armored(&mut self, fast: Fast, inner: &KdcRequest) -> &Fast {
        self.client.clone_from(&inner.body.client);
        self.server.clone_from(&inner.body.server);
        self.fast.insert(fast)
    }
}
