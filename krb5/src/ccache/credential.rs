//! One ticket of a credential cache, with its session key.

use crate::client::Credentials;
use crate::messages::{AuthorizationData, HostAddress, Ticket, TicketFlags};
use crate::reader::Reader;
use crate::stored_key::StoredKey;
use crate::{EncryptionKey, EncryptionType, Error, NameType, Principal, Timestamp};

/// The realm of settings, which cannot be a real realm.
const CONFIG_REALM: &str = "X-CACHECONF:";
/// The realm that MIT gives to removed settings.
const REMOVED_CONFIG_REALM: &str = "X-RMED-CONF:";
/// The authentication time that MIT gives to removed tickets: -1.
const REMOVED: Timestamp = Timestamp::from_secs(u32::MAX as i64);

/// A ticket, its session key, and the KDC's information about it. Times have whole seconds.
///
/// ```
/// use kerbox_krb5::{Credential, CredentialCache, EncryptionKey, EncryptionType};
/// use kerbox_krb5::{Principal, Timestamp};
///
/// let alice = Principal::new("EXAMPLE.COM", ["alice"]);
/// let krbtgt = Principal::krbtgt("EXAMPLE.COM", "EXAMPLE.COM");
/// let key = EncryptionKey::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[7; 16])?;
/// let mut credential = Credential::new(alice.clone(), krbtgt.clone(), key, b"a ticket".to_vec());
/// credential.end_time = Timestamp::from_secs(1_700_036_000);
///
/// let mut cache = CredentialCache::new(alice);
/// cache.push(credential);
/// let found = cache.find(&krbtgt).expect("it was added");
/// assert_eq!(found.end_time.to_string(), "2023-11-15T08:13:20Z");
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The ticket's client.
    pub client: Principal,
    /// The ticket's server.
    pub server: Principal,
    key: StoredKey,
    /// The time of the client's initial authentication.
    pub auth_time: Timestamp,
    /// The start of its validity.
    pub start_time: Timestamp,
    /// The end of its validity.
    pub end_time: Timestamp,
    /// The end of its renewability; zero if it is not renewable.
    pub renew_till: Timestamp,
    /// Nonzero if the ticket is encrypted with the session key of the second ticket. MIT writes the
    /// request's option bit, 8.
    is_skey: u8,
    /// Its flags.
    pub flags: TicketFlags,
    /// The addresses from which it may be used; all if empty.
    pub addresses: Vec<HostAddress>,
    /// Authorization data requested by the client.
    pub authorization_data: Vec<AuthorizationData>,
    /// The ticket, DER-encoded.
    pub ticket: Vec<u8>,
    second_ticket: Vec<u8>,
}

impl Credential {
    /// Creates a ticket without flags, times or addresses. Set the fields that it has.
    #[must_use]
    pub fn new(client: Principal, server: Principal, key: EncryptionKey, ticket: Vec<u8>) -> Self {
        Self::with_key(client, server, key.into(), ticket)
    }

    /// Creates a setting, which MIT stores in the place of a ticket.
    pub(super) fn config(client: Principal, name: Principal, value: &[u8]) -> Self {
        Self::with_key(client, name, StoredKey::new(0, &[]), value.to_vec())
    }

    fn with_key(client: Principal, server: Principal, key: StoredKey, ticket: Vec<u8>) -> Self {
        Self {
            client,
            server,
            key,
            auth_time: Timestamp::EPOCH,
            start_time: Timestamp::EPOCH,
            end_time: Timestamp::EPOCH,
            renew_till: Timestamp::EPOCH,
            is_skey: 0,
            flags: TicketFlags::NONE,
            addresses: Vec::new(),
            authorization_data: Vec::new(),
            ticket,
            second_ticket: Vec::new(),
        }
    }

    /// Marks the ticket as encrypted with the session key of `second_ticket`, the peer's
    /// DER-encoded ticket-granting ticket (user-to-user).
    #[must_use]
    pub fn with_second_ticket(mut self, second_ticket: Vec<u8>) -> Self {
        self.is_skey = 8;
        self.second_ticket = second_ticket;
        self
    }

    /// Returns the peer's ticket-granting ticket, if this ticket is from a user-to-user exchange.
    #[must_use]
    pub fn second_ticket(&self) -> Option<&[u8]> {
        (self.is_skey != 0).then_some(&self.second_ticket)
    }

    /// Returns the session key; `None` if its type is not supported or its length wrong.
    #[must_use]
    pub fn key(&self) -> Option<&EncryptionKey> {
        self.key.key()
    }

    /// Returns the session key's type, supported or not.
    #[must_use]
    pub fn enctype(&self) -> EncryptionType {
        self.key.enctype()
    }

    /// Returns whether the ticket was removed. Such a record stays in the file, but clients skip
    /// it.
    #[must_use]
    pub fn is_removed(&self) -> bool {
        self.end_time.as_secs() == 0 && self.auth_time.as_secs() != 0
    }

    /// Returns whether the record is a setting, not a ticket.
    #[must_use]
    pub fn is_config(&self) -> bool {
        [CONFIG_REALM, REMOVED_CONFIG_REALM].contains(&self.server.realm())
    }

    pub(super) fn mark_removed(&mut self) {
        self.end_time = Timestamp::EPOCH;
        self.auth_time = REMOVED;
        // Other implementations find a setting by its realm, and do not know the mark.
        if self.is_config() {
            let components = self.server.components().iter().cloned();
            self.server = Principal::new(REMOVED_CONFIG_REALM, components)
                .with_name_type(self.server.name_type());
        }
    }

    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let client = parse_principal(reader)?;
        let server = parse_principal(reader)?;
        let enctype = reader.u16()?;
        let key = StoredKey::new(enctype, reader.bytes32()?);
        let mut time = || Ok::<_, Error>(Timestamp::from_secs(reader.u32()?.into()));
        let [auth_time, start_time, end_time, renew_till] = [time()?, time()?, time()?, time()?];
        let is_skey = reader.u8()?;
        let flags = TicketFlags(reader.u32()?);
        // No space is reserved for the counts, which a damaged file can make up.
        let mut addresses = Vec::new();
        for _ in 0..reader.u32()? {
            let address_type = reader.u16()?.cast_signed().into();
            let address = reader.bytes32()?.to_vec();
            addresses.push(HostAddress {
                address_type,
                address,
            });
        }
        let mut authorization_data = Vec::new();
        for _ in 0..reader.u32()? {
            let ad_type = reader.u16()?.cast_signed().into();
            let data = reader.bytes32()?.to_vec();
            authorization_data.push(AuthorizationData { ad_type, data });
        }
        Ok(Self {
            client,
            server,
            key,
            auth_time,
            start_time,
            end_time,
            renew_till,
            is_skey,
            flags,
            addresses,
            authorization_data,
            ticket: reader.bytes32()?.to_vec(),
            second_ticket: reader.bytes32()?.to_vec(),
        })
    }

    pub(super) fn push_to(&self, bytes: &mut Vec<u8>) {
        push_principal(bytes, &self.client);
        push_principal(bytes, &self.server);
        bytes.extend(self.key.enctype16().to_be_bytes());
        push32(bytes, self.key.as_bytes());
        for time in [
            self.auth_time,
            self.start_time,
            self.end_time,
            self.renew_till,
        ] {
            // The field has no sign: a time after 2106 must not come out as one in 1970.
            bytes.extend((time.as_secs().clamp(0, u32::MAX.into()) as u32).to_be_bytes());
        }
        bytes.push(self.is_skey);
        bytes.extend(self.flags.0.to_be_bytes());
        bytes.extend((self.addresses.len() as u32).to_be_bytes());
        for HostAddress {
            address_type,
            address,
        } in &self.addresses
        {
            bytes.extend((*address_type as u16).to_be_bytes());
            push32(bytes, address);
        }
        bytes.extend((self.authorization_data.len() as u32).to_be_bytes());
        for AuthorizationData { ad_type, data } in &self.authorization_data {
            bytes.extend((*ad_type as u16).to_be_bytes());
            push32(bytes, data);
        }
        push32(bytes, &self.ticket);
        push32(bytes, &self.second_ticket);
    }
}

impl From<&Credentials> for Credential {
    fn from(credentials: &Credentials) -> Self {
        let Credentials {
            client,
            server,
            key,
            ..
        } = credentials.clone();
        Self {
            auth_time: credentials.auth_time,
            start_time: credentials.start_time,
            end_time: credentials.end_time,
            renew_till: credentials.renew_till.unwrap_or(Timestamp::EPOCH),
            flags: credentials.flags,
            addresses: credentials.addresses.clone(),
            ..Self::new(client, server, key, credentials.ticket.encode())
        }
    }
}

impl TryFrom<&Credential> for Credentials {
    type Error = Error;

    /// Fails if the session key's type is not supported or the ticket is malformed, as it is in a
    /// setting.
    fn try_from(credential: &Credential) -> Result<Self, Error> {
        let enctype = credential.enctype();
        Ok(Self {
            client: credential.client.clone(),
            server: credential.server.clone(),
            key: credential
                .key()
                .ok_or(Error::EncryptionType { enctype })?
                .clone(),
            ticket: Ticket::decode(&credential.ticket)?,
            flags: credential.flags,
            auth_time: credential.auth_time,
            start_time: credential.start_time,
            end_time: credential.end_time,
            renew_till: (credential.renew_till != Timestamp::EPOCH)
                .then_some(credential.renew_till),
            addresses: credential.addresses.clone(),
        })
    }
}

/// Returns the server name under which a setting is stored.
pub(super) fn config_name(key: &str, principal: Option<&Principal>) -> Principal {
    let components = ["krb5_ccache_conf_data".to_owned(), key.to_owned()];
    Principal::new(
        CONFIG_REALM,
        components
            .into_iter()
            .chain(principal.map(ToString::to_string)),
    )
}

pub(super) fn parse_principal(reader: &mut Reader<'_>) -> Result<Principal, Error> {
    let name_type = NameType(reader.u32()?.cast_signed());
    let components = reader.u32()?;
    let realm = reader.bytes32()?;
    let realm = reader.text(realm)?;
    let mut names = Vec::new();
    for _ in 0..components {
        let name = reader.bytes32()?;
        names.push(reader.text(name)?);
    }
    Ok(Principal::new(realm, names).with_name_type(name_type))
}

pub(super) fn push_principal(bytes: &mut Vec<u8>, principal: &Principal) {
    bytes.extend(principal.name_type().0.to_be_bytes());
    bytes.extend((principal.components().len() as u32).to_be_bytes());
    push32(bytes, principal.realm().as_bytes());
    for component in principal.components() {
        push32(bytes, component.as_bytes());
    }
}

/// Appends `field` after its length in 32 bits.
fn push32(bytes: &mut Vec<u8>, field: &[u8]) {
    bytes.extend((field.len() as u32).to_be_bytes());
    bytes.extend(field);
}
