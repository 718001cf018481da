//! The messages of Kerberos as values (RFC 4120, 5), with their DER.
//!
//! rasn and rasn-kerberos are used only inside this module. The rest of the crate works with the
//! types below, which hold [`Principal`](crate::Principal), [`Timestamp`](crate::Timestamp) and
//! [`EncryptionKey`](crate::EncryptionKey). The decoder reads DER to a bounded depth; invalid bytes
//! give [`Error::Malformed`](crate::Error::Malformed), never a panic.
//!
//! - [`KdcRequest`], [`KdcReply`], [`EncKdcReplyPart`]: AS and TGS exchanges
//! - [`Ticket`], [`EncTicketPart`]: tickets ([`crate::ticket`] seals and opens them)
//! - [`ApReq`], [`Authenticator`], [`ApRep`], [`EncApRepPart`]: AP exchange
//! - [`KrbError`], [`KrbPriv`], [`KrbSafe`], [`KrbCred`]
//! - [`PaData`], [`EtypeInfo2Entry`], [`EtypeInfoEntry`], [`PaEncTsEnc`], [`PaForUser`],
//!   [`PaS4uX509User`], [`PaSpake`]: pre-authentication
//! - [`FastArmoredReq`], [`FastReq`], [`FastResponse`]: FAST
//! - [`frame`], [`frame_length`]: messages over TCP

mod ap;
mod data;
mod der;
mod fast;
mod flags;
mod framing;
mod kdc_reply;
mod kdc_request;
mod krb_error;
mod padata;
mod s4u;
mod session;
mod spake;
mod ticket;
mod time_text;
mod wire;

pub use crate::krb_error::KrbError;
pub use ap::{ApRep, ApReq, Authenticator, EncApRepPart};
pub use data::{AuthorizationData, Checksum, EncryptedData, HostAddress, TransitedEncoding};
pub use fast::{
    FastArmoredReq, FastFinished, FastReq, FastResponse, decode_fast_reply, encode_fast_reply,
};
pub use flags::{ApOptions, KdcOptions, TicketFlags};
pub use framing::{MAX_MESSAGE, frame, frame_length};
pub use kdc_reply::{EncKdcReplyPart, KdcReply};
pub use kdc_request::{KdcRequest, KdcRequestBody};
pub use padata::{
    EtypeInfo2Entry, EtypeInfoEntry, PaData, PaDataType, PaEncTsEnc, PaForUser, decode_pac_request,
};
pub use s4u::{PaPacOptions, PaS4uX509User};
pub use session::{
    ChangePasswordData, EncKrbCredPart, EncKrbPrivPart, KrbCred, KrbCredInfo, KrbPriv, KrbSafe,
    UserData,
};
pub use spake::{PaSpake, SpakeFactor};
pub use ticket::{EncTicketPart, Ticket};

/// A message's number, which is also its ASN.1 application tag (RFC 4120, 5.10 and 7.5.7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MessageType(pub u8);

impl MessageType {
    /// AS-REQ.
    pub const AS_REQ: Self = Self(10);
    /// AS-REP.
    pub const AS_REP: Self = Self(11);
    /// TGS-REQ.
    pub const TGS_REQ: Self = Self(12);
    /// TGS-REP.
    pub const TGS_REP: Self = Self(13);
    /// AP-REQ.
    pub const AP_REQ: Self = Self(14);
    /// AP-REP.
    pub const AP_REP: Self = Self(15);
    /// KRB-SAFE.
    pub const KRB_SAFE: Self = Self(20);
    /// KRB-PRIV.
    pub const KRB_PRIV: Self = Self(21);
    /// KRB-CRED.
    pub const KRB_CRED: Self = Self(22);
    /// KRB-ERROR.
    pub const KRB_ERROR: Self = Self(30);

    /// Returns the message type that the first byte announces.
    #[must_use]
    pub fn of(message: &[u8]) -> Option<Self> {
        let first = *message.first()?;
        // An application tag (0x40) of a constructed value (0x20).
        (first & 0xE0 == 0x60).then_some(Self(first & 0x1F))
    }
}
