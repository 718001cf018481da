//! The PAC: a KDC's signed statements about a client (MS-PAC). A realm must ask for it, since many
//! clients do not know PACs, and some refuse a small one.
//!
//! A ticket-granting ticket's PAC is made from the database. Every ticket obtained with it gets the
//! same buffers, signed again.

mod buffers;
mod delegation;
mod logon_info;
mod malformed;
mod ndr;
mod signatures;

use kerbox_krb5::messages::{EncTicketPart, KdcRequest, PaData, PaDataType, decode_pac_request};
use kerbox_krb5::{Principal, Timestamp};

use crate::database::RealmConfig;
use crate::{Attributes, Pac, PrincipalEntry, Sid};

use buffers::{ATTRIBUTES_INFO, CLIENT_INFO, DELEGATION_INFO, FULL_CHECKSUM, KDC_CHECKSUM};
use buffers::{LOGON_INFO, REQUESTOR, SERVER_CHECKSUM, TICKET_CHECKSUM, UPN_DNS_INFO};
use delegation::DelegationInfo;
use logon_info::{LogonInfo, NEVER, file_time};

pub(crate) use buffers::{Buffer, Parsed};
pub(crate) use malformed::Malformed;
pub(crate) use signatures::{add, is_in, read, remove};

/// Returns whether the client of an AS request wants a PAC, which is the default.
pub(crate) fn is_wanted(request: &KdcRequest) -> bool {
    asked(request).unwrap_or(true)
}

fn asked(request: &KdcRequest) -> Option<bool> {
    PaData::find(&request.padata, PaDataType::PAC_REQUEST)
        .and_then(|element| decode_pac_request(&element.value))
}

/// Returns the buffers for a client of ours that logs in.
pub(crate) fn of_login(
    request: &KdcRequest,
    realm: &RealmConfig,
    entry: &PrincipalEntry,
    part: &EncTicketPart,
    server: &Principal,
) -> Vec<Buffer> {
    let mut contents = of_client(realm, entry, part, Sid::asserted_by_authority());
    if realm.pac == Pac::Full && server.is_krbtgt() {
        /// PAC_WAS_REQUESTED, PAC_WAS_GIVEN_IMPLICITLY.
        const REQUESTED: u32 = 1;
        const GIVEN: u32 = 2;
        let flags = if asked(request).is_some() {
            REQUESTED
        } else {
            GIVEN
        };
        // The number of bits, and the bits.
        contents.push((
            ATTRIBUTES_INFO,
            [2_u32.to_le_bytes(), flags.to_le_bytes()].concat(),
        ));
        contents.push((REQUESTOR, sid_of(realm, entry).to_bytes()));
    }
    contents
}

/// Returns the buffers for a user named by a service (S4U2Self).
pub(crate) fn of_user(
    realm: &RealmConfig,
    entry: &PrincipalEntry,
    part: &EncTicketPart,
) -> Vec<Buffer> {
    of_client(realm, entry, part, Sid::asserted_by_service())
}

/// Returns the buffers to copy from another ticket's PAC into one for `server`.
pub(crate) fn of_ticket(pac: &Parsed, server: &Principal) -> Vec<Buffer> {
    const SIGNATURES: [u32; 4] = [
        SERVER_CHECKSUM,
        KDC_CHECKSUM,
        TICKET_CHECKSUM,
        FULL_CHECKSUM,
    ];
    /// Buffers for KDCs only.
    const OF_TGT: [u32; 2] = [ATTRIBUTES_INFO, REQUESTOR];
    pac.iter()
        .filter(|(kind, _)| {
            !SIGNATURES.contains(kind) && (server.is_krbtgt() || !OF_TGT.contains(kind))
        })
        .map(|(kind, data)| (kind, data.to_vec()))
        .collect()
}

/// Adds to the evidence's buffers that `service` used it to reach `target` (S4U2Proxy).
pub(crate) fn add_delegation(
    contents: &mut Vec<Buffer>,
    service: &Principal,
    target: &Principal,
) -> Result<(), Malformed> {
    let before = contents.iter().find(|(kind, _)| *kind == DELEGATION_INFO);
    let mut info = match before {
        Some((_, bytes)) => DelegationInfo::decode(bytes)?,
        None => DelegationInfo::default(),
    };
    info.proxy_target = plain_name(target);
    info.transited_services.push(service.to_string());
    contents.retain(|(kind, _)| *kind != DELEGATION_INFO);
    contents.push((DELEGATION_INFO, info.encode()));
    Ok(())
}

/// Returns whether a PAC is about this client and this authentication time.
pub(crate) fn is_of(pac: &Parsed, client: &Principal, auth_time: Timestamp) -> bool {
    pac.get(CLIENT_INFO) == Some(&*client_info(client, auth_time))
}

/// Returns whether the account that requested a ticket-granting ticket is still the client's. The
/// name may since have been given to another account (CVE-2021-42287).
pub(crate) fn was_asked_by(pac: &Parsed, realm: &RealmConfig, entry: &PrincipalEntry) -> bool {
    pac.get(REQUESTOR)
        .is_none_or(|sid| sid == sid_of(realm, entry).to_bytes())
}

fn sid_of(realm: &RealmConfig, entry: &PrincipalEntry) -> Sid {
    realm
        .pac_domain
        .sid_of(&realm.name)
        .with_rid(entry.pac_account.rid_of(&entry.principal))
}

fn of_client(
    realm: &RealmConfig,
    entry: &PrincipalEntry,
    part: &EncTicketPart,
    asserted: Sid,
) -> Vec<Buffer> {
    let client = (CLIENT_INFO, client_info(&part.client, part.auth_time));
    if realm.pac != Pac::Full {
        return vec![client];
    }
    let account = &entry.pac_account;
    let info = LogonInfo {
        logon_time: file_time(part.auth_time),
        // The database does not store when a password was set.
        password_last_set: 0,
        password_can_change: 0,
        password_must_change: entry.password_expires.map_or(NEVER, file_time),
        effective_name: plain_name(&entry.principal),
        full_name: account.full_name.clone().unwrap_or_default(),
        logon_count: 0,
        user_id: account.rid_of(&entry.principal),
        primary_group_id: account.primary_group(),
        groups: account.all_groups(),
        logon_server: "KDC".to_owned(),
        logon_domain_name: realm.pac_domain.netbios_name_of(&realm.name),
        logon_domain: realm.pac_domain.sid_of(&realm.name),
        user_account_control: account_control(entry.attributes),
        extra_sids: vec![asserted],
    };
    vec![
        (LOGON_INFO, info.encode()),
        client,
        (UPN_DNS_INFO, upn_dns_info(realm, entry)),
    ]
}

/// Converts kadmin's attributes to bits of USER_ACCOUNT (MS-SAMR, 2.2.1.12).
fn account_control(attributes: Attributes) -> u32 {
    const NORMAL_ACCOUNT: u32 = 0x10;
    const NOT_DELEGATED: u32 = 0x4000;
    const DONT_REQUIRE_PREAUTH: u32 = 0x1_0000;
    const TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION: u32 = 0x4_0000;
    const NO_AUTH_DATA_REQUIRED: u32 = 0x8_0000;
    let has = |attribute| attributes.contains(attribute);
    [
        (!has(Attributes::REQUIRES_PRE_AUTH), DONT_REQUIRE_PREAUTH),
        (has(Attributes::DISALLOW_FORWARDABLE), NOT_DELEGATED),
        (
            has(Attributes::OK_TO_AUTH_AS_DELEGATE),
            TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION,
        ),
        (
            has(Attributes::NO_AUTH_DATA_REQUIRED),
            NO_AUTH_DATA_REQUIRED,
        ),
    ]
    .into_iter()
    .filter(|(set, _)| *set)
    .fold(NORMAL_ACCOUNT, |bits, (_, bit)| bits | bit)
}

/// Returns a `PAC_CLIENT_INFO` (MS-PAC, 2.7): the authentication time, and the name without its
/// realm in UTF-16.
fn client_info(client: &Principal, auth_time: Timestamp) -> Vec<u8> {
    let name = utf16(&plain_name(client));
    let mut bytes = file_time(auth_time).to_le_bytes().to_vec();
    bytes.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend_from_slice(&name);
    bytes
}

/// Returns a `UPN_DNS_INFO` (MS-PAC, 2.10): the user principal name and the realm; in the extended
/// form, also the plain name and the SID.
fn upn_dns_info(realm: &RealmConfig, entry: &PrincipalEntry) -> Vec<u8> {
    /// The user principal name was constructed from the name, not set explicitly.
    const CONSTRUCTED: u32 = 1;
    const EXTENDED: u32 = 2;
    /// The lengths and offsets of four texts, with the flags between the second and the third,
    /// padded to a multiple of eight.
    const HEADER: usize = 24;
    let name = plain_name(&entry.principal);
    let upn = format!("{name}@{}", realm.name.to_lowercase());
    let texts = [
        utf16(&upn),
        utf16(&realm.name),
        utf16(&name),
        sid_of(realm, entry).to_bytes(),
    ];
    let mut header = Vec::new();
    let mut body = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        if number == 2 {
            header.extend_from_slice(&(CONSTRUCTED | EXTENDED).to_le_bytes());
        }
        // `utf16` cuts names that are too long for this.
        header.extend_from_slice(&(text.len() as u16).to_le_bytes());
        header.extend_from_slice(&((HEADER + body.len()) as u16).to_le_bytes());
        body.extend_from_slice(text);
        body.resize(body.len().next_multiple_of(8), 0);
    }
    header.resize(HEADER, 0);
    [header, body].concat()
}

/// Returns the name without its realm, unescaped.
fn plain_name(principal: &Principal) -> String {
    principal.components().join("/")
}

/// Encodes as UTF-16, little-endian. Cuts the text so that several fit within 16-bit offsets.
fn utf16(text: &str) -> Vec<u8> {
    const MOST: usize = 8000;
    text.encode_utf16()
        .take(MOST)
        .flat_map(u16::to_le_bytes)
        .collect()
}
