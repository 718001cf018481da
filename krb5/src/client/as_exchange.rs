//! The AS exchange, which gets an initial ticket.

use std::time::Duration;

use rand::Rng;

use super::{Credentials, ENCTYPES};
use crate::messages::{
    EncKdcReplyPart, EncryptedData, EtypeInfo2Entry, HostAddress, KdcOptions, KdcReply, KdcRequest,
    KdcRequestBody, KrbError, MessageType, PaData, PaDataType, PaEncTsEnc,
};
use crate::{
    EncryptionKey, EncryptionType, Error, ErrorCode, KeyUsage, NameType, Principal, Timestamp,
};

/// A secret that the client shares with the KDC.
///
/// ```
/// use kerbox_krb5::client::Secret;
/// use kerbox_krb5::{Keytab, Principal};
///
/// /// Returns the keys of `client` in a keytab.
/// fn secret(keytab: &Keytab, client: &Principal) -> Secret {
///     let entries = keytab.entries().filter(|entry| entry.principal() == client);
///     Secret::Keys(entries.filter_map(|entry| entry.key().cloned()).collect())
/// }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Secret {
    /// A password; the KDC sends the salt.
    Password(String),
    /// Keys, as in a keytab, one for each encryption type.
    Keys(Vec<EncryptionKey>),
}

/// The parameters of an [`AsExchange`].
///
/// ```
/// use std::time::Duration;
/// use kerbox_krb5::client::InitialRequest;
///
/// let mut request = InitialRequest::new("alice@EXAMPLE.COM".parse()?);
/// request.renewable_lifetime = Duration::from_secs(7 * 24 * 3600);
/// assert_eq!(request.server.to_string(), "krbtgt/EXAMPLE.COM@EXAMPLE.COM");
/// assert_eq!(request.lifetime, Duration::from_secs(10 * 3600));
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct InitialRequest {
    /// The client.
    pub client: Principal,
    /// The service; by default, the ticket-granting service of the client's realm.
    pub server: Principal,
    /// The KDC options.
    pub options: KdcOptions,
    /// The requested lifetime, from now or from `start`.
    pub lifetime: Duration,
    /// The requested renewable lifetime; zero asks for a ticket that is not renewable.
    pub renewable_lifetime: Duration,
    /// The requested start of a postdated ticket.
    pub start: Option<Timestamp>,
    /// The addresses from which the ticket may be used; all if empty.
    pub addresses: Vec<HostAddress>,
    /// The encryption types that the client supports, best first.
    pub enctypes: Vec<EncryptionType>,
    /// If true, the first request carries an encrypted timestamp. With keys as the secret this
    /// saves a round trip, but hides whether the KDC requires pre-authentication.
    pub preauthenticate: bool,
    /// Additional pre-authentication data for every request.
    pub padata: Vec<PaData>,
}

impl InitialRequest {
    /// Creates a request for a forwardable, proxiable ticket-granting ticket for `client` that
    /// lasts ten hours.
    #[must_use]
    pub fn new(client: Principal) -> Self {
        Self {
            server: Principal::krbtgt(client.realm(), client.realm()),
            client,
            options: KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE,
            lifetime: Duration::from_secs(10 * 3600),
            renewable_lifetime: Duration::ZERO,
            start: None,
            addresses: Vec::new(),
            enctypes: ENCTYPES.to_vec(),
            preauthenticate: false,
            padata: Vec::new(),
        }
    }

    fn body(&self, now: Timestamp, rng: &mut impl Rng) -> KdcRequestBody {
        let start = self.start.unwrap_or(now);
        let mut options = self.options;
        options.set(KdcOptions::RENEWABLE, !self.renewable_lifetime.is_zero());
        options.set(
            KdcOptions::POSTDATED | KdcOptions::ALLOW_POSTDATE,
            self.start.is_some(),
        );
        if self.client.name_type() == NameType::ENTERPRISE {
            options |= KdcOptions::CANONICALIZE;
        }
        KdcRequestBody {
            options,
            client: Some(self.client.clone()),
            realm: self.server.realm().to_owned(),
            server: Some(self.server.clone()),
            from: self.start,
            till: start + self.lifetime,
            rtime: (!self.renewable_lifetime.is_zero()).then(|| start + self.renewable_lifetime),
            nonce: nonce(rng),
            enctypes: self.enctypes.clone(),
            addresses: self.addresses.clone(),
            enc_authorization_data: None,
            additional_tickets: Vec::new(),
        }
    }
}

/// Returns a nonce that old clients and KDCs read as positive too.
pub(super) fn nonce(rng: &mut impl Rng) -> i64 {
    (rng.next_u32() >> 1).into()
}

/// The next step after an answer of the KDC.
///
/// ```
/// use kerbox_krb5::Error;
/// use kerbox_krb5::client::{AsExchange, AsStep, Credentials};
/// use rand::rngs::StdRng;
///
/// /// Gets a ticket over any transport.
/// fn login(
///     (mut exchange, mut request): (AsExchange, Vec<u8>),
///     rng: &mut StdRng,
///     ask_kdc: impl Fn(&[u8]) -> Vec<u8>,
/// ) -> Result<Credentials, Error> {
///     loop {
///         match exchange.step(&ask_kdc(&request), rng)? {
///             AsStep::Send(next) => request = next,
///             AsStep::Done(credentials) => return Ok(*credentials),
///         }
///     }
/// }
/// ```
#[derive(Debug)]
pub enum AsStep {
    /// Send this request too.
    Send(Vec<u8>),
    /// The ticket.
    Done(Box<Credentials>),
}

/// The client's side of an AS exchange.
///
/// ```
/// use kerbox_krb5::client::{AsExchange, InitialRequest, Secret};
/// use kerbox_krb5::messages::KrbError;
/// use kerbox_krb5::{ErrorCode, Principal, Timestamp};
/// # use rand::SeedableRng;
/// # let mut rng = rand::rngs::StdRng::seed_from_u64(1);
///
/// let now = Timestamp::from_secs(1_700_000_000);
/// let alice: Principal = "alice@EXAMPLE.COM".parse()?;
/// let (request, secret) = (InitialRequest::new(alice), Secret::Password("secret".to_owned()));
/// let (mut exchange, request) = AsExchange::new(request, secret, now, &mut rng)?;
/// // `request` goes to the KDC; this one does not know her.
/// let krbtgt = Principal::krbtgt("EXAMPLE.COM", "EXAMPLE.COM");
/// let answer = KrbError::new(ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN, now, krbtgt).encode();
/// let refused = exchange.step(&answer, &mut rng).expect_err("no ticket");
/// assert_eq!(refused.code(), ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN);
/// # Ok::<(), kerbox_krb5::Error>(())
/// ```
pub struct AsExchange {
    request: InitialRequest,
    secret: Secret,
    body: KdcRequestBody,
    /// The KDC's parameters for deriving a key from the password.
    salt: Option<EtypeInfo2Entry>,
    /// The key that encrypted the timestamp; derived only once.
    key: Option<EncryptionKey>,
    preauthenticated: bool,
}

impl AsExchange {
    /// Starts an exchange. Returns the bytes to send to the KDC.
    pub fn new(
        request: InitialRequest,
        secret: Secret,
        now: Timestamp,
        rng: &mut impl Rng,
    ) -> Result<(Self, Vec<u8>), Error> {
        let mut exchange = Self {
            body: request.body(now, rng),
            preauthenticated: false,
            request,
            secret,
            salt: None,
            key: None,
        };
        let bytes = if exchange.request.preauthenticate {
            exchange.with_timestamp(now, Vec::new(), rng)?
        } else {
            exchange.encode(Vec::new())
        };
        Ok((exchange, bytes))
    }

    /// Processes the KDC's answer.
    pub fn step(&mut self, answer: &[u8], rng: &mut impl Rng) -> Result<AsStep, Error> {
        match MessageType::of(answer) {
            Some(MessageType::AS_REP) => self
                .finish(answer)
                .map(|credentials| AsStep::Done(Box::new(credentials))),
            Some(MessageType::KRB_ERROR) => {
                let error = KrbError::decode(answer)?;
                if error.code != ErrorCode::KDC_ERR_PREAUTH_REQUIRED || self.preauthenticated {
                    return Err(Error::Kdc(Box::new(error)));
                }
                let padata = PaData::decode_list(error.data.as_deref().unwrap_or_default())?;
                self.read_salt(&padata)?;
                let cookie = padata
                    .into_iter()
                    .filter(|element| element.pa_type == PaDataType::FX_COOKIE)
                    .collect();
                self.body.nonce = nonce(rng);
                // Use the KDC's clock: MIT's clients too take the time from its answer.
                self.with_timestamp(error.stime, cookie, rng)
                    .map(AsStep::Send)
            }
            _ => Err(Error::Malformed {
                what: "answer to an AS-REQ",
                why: "it is neither an AS-REP nor a KRB-ERROR".to_owned(),
            }),
        }
    }

    fn encode(&self, mut padata: Vec<PaData>) -> Vec<u8> {
        padata.extend_from_slice(&self.request.padata);
        KdcRequest::new(MessageType::AS_REQ, padata, self.body.clone()).encode()
    }

    fn with_timestamp(
        &mut self,
        now: Timestamp,
        mut padata: Vec<PaData>,
        rng: &mut impl Rng,
    ) -> Result<Vec<u8>, Error> {
        let enctype = match (&self.salt, &self.secret) {
            (Some(entry), _) => entry.enctype,
            (None, Secret::Keys(keys)) => self
                .body
                .enctypes
                .iter()
                .copied()
                .find(|enctype| keys.iter().any(|key| key.enctype() == *enctype))
                .ok_or(ErrorCode::KDC_ERR_ETYPE_NOSUPP)?,
            (None, Secret::Password(_)) => *self
                .body
                .enctypes
                .first()
                .ok_or(ErrorCode::KDC_ERR_ETYPE_NOSUPP)?,
        };
        let key = self.key(enctype)?;
        let timestamp = PaEncTsEnc { timestamp: now }.encode();
        let data = EncryptedData::seal(
            &key,
            None,
            KeyUsage::AS_REQ_PA_ENC_TIMESTAMP,
            &timestamp,
            rng,
        );
        padata.push((&data).into());
        self.key = Some(key);
        self.preauthenticated = true;
        Ok(self.encode(padata))
    }

    /// Uses the first entry of ETYPE-INFO2 that the client supports.
    fn read_salt(&mut self, padata: &[PaData]) -> Result<(), Error> {
        let Some(element) = PaData::find(padata, PaDataType::ETYPE_INFO2) else {
            return Ok(());
        };
        let usable = |entry: &EtypeInfo2Entry| {
            self.body.enctypes.contains(&entry.enctype)
                && match &self.secret {
                    Secret::Password(_) => true,
                    Secret::Keys(keys) => keys.iter().any(|key| key.enctype() == entry.enctype),
                }
        };
        let entry = EtypeInfo2Entry::decode_list(&element.value)?
            .into_iter()
            .find(usable);
        self.salt = Some(entry.ok_or(ErrorCode::KDC_ERR_ETYPE_NOSUPP)?);
        Ok(())
    }

    fn key(&self, enctype: EncryptionType) -> Result<EncryptionKey, Error> {
        if let Some(key) = self.key.as_ref().filter(|key| key.enctype() == enctype) {
            return Ok(key.clone());
        }
        match &self.secret {
            Secret::Keys(keys) => keys
                .iter()
                .find(|key| key.enctype() == enctype)
                .cloned()
                .ok_or_else(|| ErrorCode::KDC_ERR_ETYPE_NOSUPP.into()),
            Secret::Password(password) => {
                let told = self.salt.as_ref().filter(|entry| entry.enctype == enctype);
                let salt = told
                    .and_then(|entry| entry.salt.clone())
                    .unwrap_or_else(|| self.request.client.default_salt());
                let params = told.and_then(|entry| entry.s2kparams.as_deref());
                EncryptionKey::from_password(enctype, password.as_bytes(), salt.as_bytes(), params)
            }
        }
    }

    fn finish(&mut self, answer: &[u8]) -> Result<Credentials, Error> {
        let reply = KdcReply::decode(answer)?;
        if reply
            .padata
            .iter()
            .any(|element| element.pa_type == PaDataType::ETYPE_INFO2)
        {
            // An entry of a type other than the reply's does not apply to this key.
            let before = self.salt.clone();
            if self.read_salt(&reply.padata).is_err() {
                self.salt = before;
            }
        }
        let key = self.key(reply.enc_part.enctype)?;
        let part = EncKdcReplyPart::decode(&reply.enc_part.open(&key, KeyUsage::AS_REP_ENC_PART)?)?;
        let canonicalized = self.body.options.contains(KdcOptions::CANONICALIZE);
        let as_asked = canonicalized
            || (reply.client == self.request.client && part.server == self.request.server);
        if part.nonce != self.body.nonce || reply.ticket.server != part.server || !as_asked {
            return Err(ErrorCode::KRB_AP_ERR_MODIFIED.into());
        }
        Ok(Credentials::new(reply, part, &self.request.addresses))
    }
}
