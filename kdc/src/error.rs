//! The KDC's reasons for refusing a request, with the numbers and texts of MIT's krb5kdc.

use kerbox_krb5::messages::PaData;
use kerbox_krb5::{ErrorCode, Principal};

macro_rules! kdc_errors {
    ($($name:ident = $code:ident, $text:literal, $meaning:literal;)*) => {
        /// A reason for refusing a request. Each has a KRB-ERROR number and the `e-text` of MIT's
        /// KDC.
        ///
        /// ```
        /// use kerbox_kdc::KdcError;
        /// use kerbox_krb5::ErrorCode;
        ///
        /// let refused = KdcError::ProcessTgs(ErrorCode::KRB_AP_ERR_TKT_EXPIRED);
        /// assert_eq!((refused.code(), refused.text()), (ErrorCode(32), "PROCESS_TGS"));
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[non_exhaustive]
        pub enum KdcError {
            $(#[doc = $meaning] $name,)*
            /// The AP-REQ of a TGS request is refused, with this number.
            ProcessTgs(ErrorCode),
            /// The FAST armor is refused, with this number.
            FindFast(ErrorCode),
            /// Pre-authentication failed, with this number.
            Preauthentication(ErrorCode),
            /// A second ticket cannot be decrypted, with this number.
            SecondTicket(ErrorCode),
            /// The PAC of the request's ticket is refused, with this number.
            HeaderPac(ErrorCode),
            /// The PAC of a second ticket is refused, with this number.
            SecondTicketPac(ErrorCode),
            /// The checksum of an S4U2Self request is wrong, with this number.
            S4u2SelfChecksum(ErrorCode),
            /// An injected fault.
            Injected(ErrorCode),
        }

        impl KdcError {
            /// Returns the number on the wire.
            #[must_use]
            pub fn code(self) -> ErrorCode {
                match self {
                    $(Self::$name => ErrorCode::$code,)*
                    Self::ProcessTgs(code)
                    | Self::FindFast(code)
                    | Self::Preauthentication(code)
                    | Self::SecondTicket(code)
                    | Self::HeaderPac(code)
                    | Self::SecondTicketPac(code)
                    | Self::S4u2SelfChecksum(code)
                    | Self::Injected(code) => code,
                }
            }

            /// Returns MIT's `e-text`.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::ProcessTgs(_) => "PROCESS_TGS",
                    Self::FindFast(_) => "FIND_FAST",
                    Self::Preauthentication(_) => "PREAUTH_FAILED",
                    Self::SecondTicket(_) => "2ND_TKT_DECRYPT",
                    Self::HeaderPac(_) => "HEADER_PAC",
                    Self::SecondTicketPac(_) => "2ND_TKT_PAC",
                    Self::S4u2SelfChecksum(_) => "INVALID_S4U2SELF_CHECKSUM",
                    Self::Injected(_) => "INJECTED",
                }
            }
        }
    };
}

kdc_errors! {
    ValidateMessageType = KRB_ERR_GENERIC, "VALIDATE_MESSAGE_TYPE", "A request that calls itself another message.";
    NullClient = KDC_ERR_C_PRINCIPAL_UNKNOWN, "NULL_CLIENT", "The request names no client.";
    NullServer = KDC_ERR_S_PRINCIPAL_UNKNOWN, "NULL_SERVER", "The request names no server.";
    ClientNotFound = KDC_ERR_C_PRINCIPAL_UNKNOWN, "CLIENT_NOT_FOUND", "There is no such client.";
    AnonymousNotFound = KDC_ERR_C_PRINCIPAL_UNKNOWN, "CLIENT_NOT_FOUND: anonymous tickets need PKINIT, which this KDC has not", "An anonymous client: nobody can be one without PKINIT.";
    ServerNotFound = KDC_ERR_S_PRINCIPAL_UNKNOWN, "SERVER_NOT_FOUND", "There is no such server (AS).";
    LookingUpServer = KDC_ERR_S_PRINCIPAL_UNKNOWN, "LOOKING_UP_SERVER", "There is no such server (TGS).";
    Referral = KDC_ERR_WRONG_REALM, "REFERRAL", "The client is one of another realm, which the answer names.";
    InvalidAsOptions = KDC_ERR_BADOPTION, "INVALID AS OPTIONS", "An option that only a TGS request may have.";
    ClientExpired = KDC_ERR_NAME_EXP, "CLIENT EXPIRED", "The client has expired.";
    ClientKeyExpired = KDC_ERR_KEY_EXPIRED, "CLIENT KEY EXPIRED", "The client's password has expired.";
    RequiredPasswordChange = KDC_ERR_KEY_EXPIRED, "REQUIRED PWCHANGE", "The client must change its password first.";
    ServiceExpired = KDC_ERR_SERVICE_EXP, "SERVICE EXPIRED", "The server has expired.";
    PostdateNotAllowed = KDC_ERR_CANNOT_POSTDATE, "POSTDATE NOT ALLOWED", "Client or server may not have postdated tickets.";
    ClientLockedOut = KDC_ERR_CLIENT_REVOKED, "CLIENT LOCKED OUT", "The client gets no tickets.";
    ServiceLockedOut = KDC_ERR_S_PRINCIPAL_UNKNOWN, "SERVICE LOCKED OUT", "There are no tickets for the server (AS).";
    ServerLockedOut = KDC_ERR_S_PRINCIPAL_UNKNOWN, "SERVER LOCKED OUT", "There are no tickets for the server (TGS).";
    ServiceNotAllowed = KDC_ERR_MUST_USE_USER2USER, "SERVICE NOT ALLOWED", "The server takes user-to-user tickets only (AS).";
    ServerNotAllowed = KDC_ERR_MUST_USE_USER2USER, "SERVER NOT ALLOWED", "The server takes user-to-user tickets only (TGS).";
    BadEncryptionType = KDC_ERR_ETYPE_NOSUPP, "BAD_ENCRYPTION_TYPE", "Client, server and KDC have no session key type in common.";
    CantFindClientKey = KDC_ERR_ETYPE_NOSUPP, "CANT_FIND_CLIENT_KEY", "The client has no key of a type that it asks for.";
    FindingServerKey = KRB_ERR_GENERIC, "FINDING_SERVER_KEY", "The server has no key.";
    NeededPreauth = KDC_ERR_PREAUTH_REQUIRED, "NEEDED_PREAUTH", "The client must authenticate first.";
    NeededOtherPreauth = KDC_ERR_PREAUTH_REQUIRED, "NEEDED_PREAUTH: this KDC has no PKINIT (PA-PK-AS-REQ)", "The client tried to authenticate by PKINIT.";
    NeededHwPreauth = KDC_ERR_PREAUTH_REQUIRED, "NEEDED_HW_PREAUTH", "The client must authenticate by hardware.";
    MorePreauthRequired = KDC_ERR_MORE_PREAUTH_DATA_REQUIRED, "PREAUTH_FAILED", "The client must answer a challenge (SPAKE).";
    PreauthFailed = KDC_ERR_PREAUTH_FAILED, "PREAUTH_FAILED", "What should authenticate the client is wrong.";
    AnonymousPrincipal = KDC_ERR_BADOPTION, "VALIDATE_ANONYMOUS_PRINCIPAL", "An anonymous ticket for a name that is not anonymous.";
    TgtNotForwardable = KDC_ERR_BADOPTION, "TGT NOT FORWARDABLE", "FORWARDED with a ticket that is not forwardable.";
    TgtNotProxiable = KDC_ERR_BADOPTION, "TGT NOT PROXIABLE", "PROXY with a ticket that is not proxiable.";
    TgtNotPostdatable = KDC_ERR_BADOPTION, "TGT NOT POSTDATABLE", "POSTDATED with a ticket that may not.";
    ValidateValidTicket = KDC_ERR_BADOPTION, "VALIDATE VALID TICKET", "VALIDATE with a ticket that is valid.";
    TicketNotRenewable = KDC_ERR_BADOPTION, "TICKET NOT RENEWABLE", "RENEW with a ticket that is not renewable.";
    TicketNotValid = KRB_AP_ERR_TKT_NYV, "TICKET NOT VALID", "A postdated ticket that was not validated.";
    NotYetValid = KRB_AP_ERR_TKT_NYV, "NOT_YET_VALID", "VALIDATE before the ticket's start.";
    TicketExpired = KRB_AP_ERR_TKT_EXPIRED, "TKT_EXPIRED", "RENEW after the renewable life.";
    ServerDidntMatch = KDC_ERR_SERVER_NOMATCH, "SERVER DIDN'T MATCH TICKET FOR RENEW/FORWARD/ETC", "Another server than the ticket's.";
    CantProxyTgt = KDC_ERR_BADOPTION, "CAN'T PROXY TGT", "PROXY for a ticket-granting ticket.";
    BadTgsServerName = KRB_AP_ERR_NOT_US, "BAD TGS SERVER NAME", "The ticket is not for a ticket-granting service.";
    BadTgsServerInstance = KRB_AP_ERR_NOT_US, "BAD TGS SERVER INSTANCE", "The ticket is for the ticket-granting service of another realm.";
    UnknownServer = KDC_ERR_S_PRINCIPAL_UNKNOWN, "UNKNOWN_SERVER", "There is no way to the realm that was asked for.";
    TransitType = KDC_ERR_TRTYPE_NOSUPP, "VALIDATE_TRANSIT_TYPE", "The transited realms are listed in an unknown encoding.";
    AddToTransited = KRB_ERR_GENERIC, "ADD_TO_TRANSITED_LIST", "The list of transited realms cannot be read.";
    BadTransit = KDC_ERR_POLICY, "BAD_TRANSIT", "The client came through a realm that is not on its way.";
    InvalidLineage = KDC_ERR_POLICY, "INVALID LINEAGE", "A client of ours comes with another realm's ticket.";
    NonRenewableTicket = KDC_ERR_POLICY, "NON-RENEWABLE TICKET", "The server allows no renewable tickets.";
    NonPostdatableTicket = KDC_ERR_CANNOT_POSTDATE, "NON-POSTDATABLE TICKET", "The server allows no postdated tickets.";
    DupSkeyDisallowed = KDC_ERR_POLICY, "DUP_SKEY DISALLOWED", "The server allows no user-to-user tickets.";
    TgtBasedNotAllowed = KDC_ERR_POLICY, "TGT BASED NOT ALLOWED", "The server's tickets come of AS exchanges alone.";
    NoHwPreauth = KRB_ERR_GENERIC, "NO HW PREAUTH", "The server wants clients authenticated by hardware.";
    NoPreauth = KRB_ERR_GENERIC, "NO PREAUTH", "The server wants clients that were authenticated.";
    NoSecondTicket = KDC_ERR_BADOPTION, "NO_2ND_TKT", "The second ticket is missing.";
    SecondTicketServer = KDC_ERR_S_PRINCIPAL_UNKNOWN, "2ND_TKT_SERVER", "The second ticket is for nobody that is known here.";
    SecondTicketNotTgs = KDC_ERR_POLICY, "2ND_TKT_NOT_TGS", "The second ticket is no ticket-granting ticket of ours.";
    SecondTicketMismatch = KDC_ERR_SERVER_NOMATCH, "2ND_TKT_MISMATCH", "The second ticket is not the server's.";
    DecodeS4u2Self = KRB_ERR_GENERIC, "DECODE_PA_S4U_X509_USER", "An S4U2Self request that cannot be read.";
    DecodeForUser = KRB_ERR_GENERIC, "DECODE_PA_FOR_USER", "An S4U2Self request of the older form that cannot be read.";
    InvalidS4u2Self = KDC_ERR_C_PRINCIPAL_UNKNOWN, "INVALID_S4U2SELF_REQUEST", "An S4U2Self request that names nobody.";
    UnknownS4u2SelfPrincipal = KDC_ERR_C_PRINCIPAL_UNKNOWN, "UNKNOWN_S4U2SELF_PRINCIPAL", "There is no such user (S4U2Self).";
    S4u2SelfServerMismatch = KRB_AP_ERR_BADMATCH, "INVALID_S4U2SELF_REQUEST_SERVER_MISMATCH", "S4U2Self for another service than the asker.";
    InvalidS4u2SelfOptions = KDC_ERR_BADOPTION, "INVALID S4U2SELF OPTIONS", "An option that no S4U2Self request may have.";
    S4u2SelfClientNotOurs = KDC_ERR_POLICY, "S4U2SELF_CLIENT_NOT_OURS", "S4U2Self for a user of another realm.";
    HeaderPacClient = KDC_ERR_BADOPTION, "HEADER_PAC", "The PAC of the request's ticket is another client's.";
    HeaderPacRequestor = KDC_ERR_TGT_REVOKED, "HEADER_PAC_REQUESTOR", "The account that asked for the ticket is not the client's any more.";
    S4u2SelfNoPac = KDC_ERR_TGT_REVOKED, "S4U2SELF_NO_PAC", "S4U2Self with a ticket without PAC, in a realm that has them.";
    S4u2SelfPacClient = KDC_ERR_BADOPTION, "S4U2SELF_LOCAL_PAC_CLIENT", "S4U2Self with a ticket whose PAC is another client's.";
    S4u2ProxyNoHeaderPac = KDC_ERR_TGT_REVOKED, "S4U2PROXY_NO_HEADER_PAC", "S4U2Proxy with a ticket without PAC, in a realm that has them.";
    S4u2ProxyHeaderPac = KDC_ERR_BADOPTION, "S4U2PROXY_HEADER_PAC", "S4U2Proxy with a ticket whose PAC is another client's.";
    EvidencePacClient = KDC_ERR_BADOPTION, "S4U2PROXY_LOCAL_STKT_PAC", "S4U2Proxy with evidence whose PAC is another client's.";
    EvidenceNotForwardable = KDC_ERR_BADOPTION, "EVIDENCE_TKT_NOT_FORWARDABLE", "S4U2Proxy with evidence that is not forwardable.";
    InvalidS4u2ProxyOptions = KDC_ERR_BADOPTION, "INVALID_S4U2PROXY_OPTIONS", "An option that no S4U2Proxy request may have.";
    NoDelegationToTgs = KDC_ERR_POLICY, "NOT_ALLOWED_TO_DELEGATE", "S4U2Proxy for a ticket-granting ticket.";
    EvidenceTicketMismatch = KDC_ERR_SERVER_NOMATCH, "EVIDENCE_TICKET_MISMATCH", "S4U2Proxy with evidence for another service.";
    EvidenceNotSigned = KRB_AP_ERR_MODIFIED, "S4U2PROXY_NO_STKT_PAC", "S4U2Proxy with evidence that this KDC did not sign.";
    CrossRealmDelegation = KDC_ERR_BADOPTION, "XREALM_EVIDENCE_TICKET_MISMATCH", "S4U2Proxy with another realm's ticket.";
    NotAllowedToDelegate = KDC_ERR_BADOPTION, "NOT_ALLOWED_TO_DELEGATE", "The service may not come to the other one in a user's name.";
    MandatoryAuthdata = KDC_ERR_POLICY, "HANDLE_AUTHDATA", "The request demands authorization data that this KDC does not know.";
    HandleAuthdata = KRB_AP_ERR_BAD_INTEGRITY, "HANDLE_AUTHDATA", "The request's authorization data cannot be decrypted.";
}

/// A refusal with all other content of its KRB-ERROR.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) error: KdcError,
    /// The client to name in the KRB-ERROR.
    pub(crate) client: Option<Principal>,
    /// The content of `e-data`.
    pub(crate) e_data: Vec<PaData>,
}

impl From<KdcError> for Refusal {
    fn from(error: KdcError) -> Self {
        Self {
            error,
            client: None,
            e_data: Vec::new(),
        }
    }
}
