//! The encoding of KRB-ERROR (RFC 4120, 5.9).

use rasn::prelude::*;

use super::MessageType;
use super::wire::{self, PrincipalName, Text, Time, check_header, with_micros};
use crate::krb_error::KrbError;
use crate::{Error, ErrorCode};

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 30)))]
struct WireKrbError {
    #[rasn(tag(explicit(0)))]
    pvno: i64,
    #[rasn(tag(explicit(1)))]
    msg_type: i64,
    #[rasn(tag(explicit(2)))]
    ctime: Option<Time>,
    #[rasn(tag(explicit(3)))]
    cusec: Option<i64>,
    #[rasn(tag(explicit(4)))]
    stime: Time,
    #[rasn(tag(explicit(5)))]
    susec: i64,
    #[rasn(tag(explicit(6)))]
    error_code: i32,
    #[rasn(tag(explicit(7)))]
    crealm: Option<Text>,
    #[rasn(tag(explicit(8)))]
    cname: Option<PrincipalName>,
    #[rasn(tag(explicit(9)))]
    realm: Text,
    #[rasn(tag(explicit(10)))]
    sname: PrincipalName,
    #[rasn(tag(explicit(11)))]
    e_text: Option<Text>,
    #[rasn(tag(explicit(12)))]
    e_data: Option<OctetString>,
}

impl KrbError {
    /// Encodes as DER.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&WireKrbError {
            pvno: 5,
            msg_type: MessageType::KRB_ERROR.0.into(),
            ctime: self.ctime.map(Time),
            cusec: self.ctime.map(|time| time.subsec_micros().into()),
            stime: Time(self.stime),
            susec: self.stime.subsec_micros().into(),
            error_code: self.code.0,
            crealm: self.client.as_ref().map(wire::realm_of),
            cname: self.client.as_ref().map(Into::into),
            realm: wire::realm_of(&self.server),
            sname: (&self.server).into(),
            e_text: self.text.as_deref().map(|text| Text(text.into())),
            e_data: self.data.clone().map(Into::into),
        })
    }

    /// Decodes DER.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let error: WireKrbError = wire::decode("KRB-ERROR", bytes)?;
        check_header(
            "KRB-ERROR",
            error.pvno,
            error.msg_type,
            MessageType::KRB_ERROR.0.into(),
        )?;
        let client_realm = error.crealm.as_ref().unwrap_or(&error.realm).0.clone();
        Ok(Self {
            ctime: error.ctime.map(|time| with_micros(time, error.cusec)),
            stime: with_micros(error.stime, Some(error.susec)),
            code: ErrorCode(error.error_code),
            client: error.cname.map(|name| name.in_realm(&client_realm)),
            server: error.sname.in_realm(&error.realm.0),
            text: error.e_text.map(|text| text.0.into()),
            data: error.e_data.map(|data| data.to_vec()),
        })
    }
}
