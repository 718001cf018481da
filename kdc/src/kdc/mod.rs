//! The KDC itself, without sockets: it answers one request at a time.

mod fault;
mod keeper;
mod lookaside;
mod peer;
mod random;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use kerbox_events::{Event, Hook, NoHook, Outcome, TgsKind};
use kerbox_krb5::ap_exchange::ReplayCache;
use kerbox_krb5::messages::{KdcOptions, KdcRequest, KrbError, MessageType, PaData, PaDataType};
use kerbox_krb5::{ErrorCode, Principal, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

pub use keeper::Keeper;
pub use peer::{Peer, Reply, Transport};

use self::fault::Fault;
use self::lookaside::Lookaside;
use self::random::{ClientOf, ExchangeRandom};
use crate::byte_hash::Hash;
use crate::context::Context;
use crate::database::RealmConfig;
use crate::error::{KdcError, Refusal};
use crate::issued::{IssuedTicket, IssuedTickets};
use crate::learned::Learned;
use crate::opened::OpenedTickets;
use crate::{PrincipalDatabase, as_exchange, kpasswd, reply, tgs_exchange};

/// A KDC for one or more realms, without sockets and without a clock of its own.
///
/// ```
/// use kerbox_kdc::{Kdc, NewKeys, NewPrincipal, Peer, PrincipalDatabase, RealmConfig};
/// use kerbox_krb5::client::{AsExchange, AsStep, InitialRequest, Secret};
/// use kerbox_krb5::{Principal, Timestamp};
/// use rand::SeedableRng;
/// use rand::rngs::StdRng;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (now, mut rng) = (Timestamp::from_secs(1_700_000_000), StdRng::seed_from_u64(1));
/// let alice = Principal::new("EXAMPLE.COM", ["alice"]);
/// let mut database = PrincipalDatabase::new();
/// database.add_realm(RealmConfig::new("EXAMPLE.COM"), &mut rng)?;
/// let entry = database.add(NewPrincipal::new(alice.clone(), NewKeys::Random), &mut rng)?;
/// let keys = entry.keys().iter().map(|key| key.key().clone()).collect();
///
/// let kdc = Kdc::new(database, 7);
/// let (mut exchange, mut request) =
///     AsExchange::new(InitialRequest::new(alice), Secret::Keys(keys), now, &mut rng)?;
/// let ticket = loop {
///     // The first answer asks for pre-authentication.
///     let answer = kdc.handle(now, &request, Peer::LOCAL).message.expect("an answer");
///     match exchange.step(&answer, &mut rng)? {
///         AsStep::Send(next) => request = next,
///         AsStep::Done(ticket) => break ticket,
///     }
/// };
/// assert_eq!(ticket.server.to_string(), "krbtgt/EXAMPLE.COM@EXAMPLE.COM");
/// # Ok(())
/// # }
/// ```
pub struct Kdc {
    database: RwLock<PrincipalDatabase>,
    /// For changes of the database. Exchanges have generators of their own.
    rng: Mutex<StdRng>,
    random: ExchangeRandom,
    lookaside: Mutex<Lookaside>,
    replay_cache: ReplayCache,
    opened: OpenedTickets,
    issued: Mutex<IssuedTickets>,
    hook: Arc<dyn Hook>,
    keeper: Option<Arc<dyn Keeper>>,
    udp_limit: usize,
    fallback_realm: RealmConfig,
}

impl Kdc {
    /// The default limit for answers over UDP, as given in MIT's documentation. (MIT's KDC 1.20.1
    /// itself sends up to 64 KiB.)
    pub const DEFAULT_UDP_LIMIT: usize = 4096;

    /// Creates a KDC that serves from `database`. All its random data derives from `seed`.
    #[must_use]
    pub fn new(database: PrincipalDatabase, seed: u64) -> Self {
        Self {
            database: RwLock::new(database),
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
            random: ExchangeRandom::new(seed),
            lookaside: Mutex::default(),
            replay_cache: ReplayCache::default(),
            opened: OpenedTickets::default(),
            issued: Mutex::default(),
            hook: Arc::new(NoHook),
            keeper: None,
            udp_limit: Self::DEFAULT_UDP_LIMIT,
            fallback_realm: RealmConfig::new(""),
        }
    }

    /// Attaches a journal and faults.
    #[must_use]
    pub fn with_hook(mut self, hook: Arc<dyn Hook>) -> Self {
        self.hook = hook;
        self
    }

    /// Sets the limit for answers over UDP. A longer answer is replaced by
    /// `KRB_ERR_RESPONSE_TOO_BIG`, so that the client retries over TCP.
    #[must_use]
    pub fn with_udp_limit(mut self, bytes: usize) -> Self {
        self.udp_limit = bytes;
        self
    }

    /// Returns the database for reading. Meanwhile requests are answered, but changes wait.
    pub fn database(&self) -> RwLockReadGuard<'_, PrincipalDatabase> {
        // Each change of the database is a single insertion, so it is still valid after a panic of
        // the caller.
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the database for changes; requests wait. Changes apply from the next request on. A
    /// [`Keeper`] learns of them at the next [`update`](Self::update).
    pub fn database_mut(&self) -> RwLockWriteGuard<'_, PrincipalDatabase> {
        self.database
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the last thousand issued tickets, newest last.
    #[must_use]
    pub fn issued(&self) -> Vec<IssuedTicket> {
        self.issued_tickets().list()
    }

    fn issued_tickets(&self) -> MutexGuard<'_, IssuedTickets> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lookaside(&self) -> MutexGuard<'_, Lookaside> {
        self.lookaside
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request: an AS-REQ, a TGS-REQ, or a password change, which may come to the same
    /// port or to another. Anything else gets no answer, as with MIT.
    pub fn handle(&self, now: Timestamp, request: &[u8], peer: Peer) -> Reply {
        self.react(now, request, peer, false)
    }

    /// Answers a request that a fault has held, without asking the faults again.
    pub fn handle_held(&self, now: Timestamp, request: &[u8], peer: Peer) -> Reply {
        self.react(now, request, peer, true)
    }

    fn react(&self, now: Timestamp, request: &[u8], peer: Peer, held: bool) -> Reply {
        let lookaside = self.lookaside();
        let hash = lookaside.hash(request);
        let answered = lookaside.find(hash, request, now);
        drop(lookaside);
        if let Some(answer) = answered {
            return self.limited(answer, now, peer).into();
        }
        let request = Hashed {
            bytes: request,
            hash,
        };
        if let Some(message) = kpasswd::Request::read(request.bytes) {
            return self.change_password(now, &message, request, peer, held);
        }
        self.react_to(now, request, peer, held)
    }

    /// Answers a request that was not answered before.
    fn react_to(&self, now: Timestamp, request: Hashed<'_>, peer: Peer, held: bool) -> Reply {
        let message = match KdcRequest::decode(request.bytes) {
            Ok(message) => message,
            // MIT's KDC answers this for an AS exchange, and sends nothing for the other.
            Err(kerbox_krb5::Error::Protocol(_))
                if MessageType::of(request.bytes) == Some(MessageType::AS_REQ) =>
            {
                return self.wrong_type(now).into();
            }
            Err(_) => {
                return Reply {
                    close: true,
                    ..Reply::default()
                };
            }
        };
        let mut learned = self.learn(now, &message, peer);
        let asked = |outcome| event(&message, &learned, outcome);
        let mut fault = match Fault::ask(&*self.hook, now, held, asked) {
            Ok(fault) => fault,
            Err(reply) => return reply,
        };
        let (mut answer, outcome) =
            self.exchange(now, &message, request.bytes, peer, fault.code, &mut learned);
        fault.forge(&*self.hook, now, &mut answer);
        let recorded = event(&message, &learned, outcome);
        let facts = learned.facts(&message);
        if let Some(mut ticket) = learned.issued.take() {
            ticket.kind = (message.message_type == MessageType::TGS_REQ).then(|| kind(&message));
            self.issued_tickets().push(ticket);
        }
        match facts {
            Some(facts) => self.hook.record_with(now, recorded, facts),
            None => self.hook.record(now, recorded),
        }
        self.finish(now, request, answer, peer, &fault)
    }

    /// Decrypts a request for the hook, since faults match the ticket's client and the names inside
    /// an armor. Does nothing if no fault is installed.
    fn learn(&self, now: Timestamp, message: &KdcRequest, peer: Peer) -> Learned {
        let mut learned = Learned::default();
        if self.hook.watching() {
            let database = self.database();
            let context = self.context(&database, now, peer);
            // Facts read before an error stay learned. The answer reports the error.
            if message.message_type == MessageType::AS_REQ {
                let _ = as_exchange::open(&context, message, &mut learned);
            } else {
                let _ = tgs_exchange::open(&context, message, &mut learned);
            }
        }
        learned
    }

    fn context<'a>(
        &'a self,
        database: &'a PrincipalDatabase,
        now: Timestamp,
        peer: Peer,
    ) -> Context<'a> {
        Context {
            database,
            default_realm: database.realms().first().unwrap_or(&self.fallback_realm),
            opened: &self.opened,
            now,
            peer: peer.address,
        }
    }

    /// Answers a request to change a password.
    fn change_password(
        &self,
        now: Timestamp,
        message: &kpasswd::Request<'_>,
        request: Hashed<'_>,
        peer: Peer,
        held: bool,
    ) -> Reply {
        let event = |client: Option<&Principal>, target: Option<&Principal>, outcome| {
            Event::PasswordChange {
                client: name(client),
                target: name(target),
                outcome,
            }
        };
        let (client, target) = if self.hook.watching() {
            kpasswd::learn(&self.database(), message, now)
        } else {
            (None, None)
        };
        let asked = |outcome| event(client.as_ref(), target.as_ref(), outcome);
        let fault = match Fault::ask(&*self.hook, now, held, asked) {
            Ok(fault) => fault,
            Err(reply) => return reply,
        };
        if let Some(code) = fault.code {
            self.hook.record(now, asked(Outcome::KrbError(code)));
            return self.plain_error(code, now).encode().into();
        }
        let mut database = self.database_mut();
        let answer = kpasswd::answer(
            &mut database,
            &self.replay_cache,
            message,
            now,
            peer.local,
            |database, client| self.random.next(vouched(database, Some(client))),
            |database| self.keep(database),
        );
        drop(database);
        self.hook.record(
            now,
            event(
                answer.client.as_ref(),
                answer.target.as_ref(),
                answer.outcome,
            ),
        );
        self.finish(now, request, answer.message, peer, &fault)
    }

    fn finish(
        &self,
        now: Timestamp,
        request: Hashed<'_>,
        mut answer: Vec<u8>,
        peer: Peer,
        fault: &Fault,
    ) -> Reply {
        if !fault.spoil(&mut answer) {
            self.lookaside()
                .keep(request.hash, request.bytes, &answer, now);
        }
        fault.reply(self.limited(answer, now, peer))
    }

    fn exchange(
        &self,
        now: Timestamp,
        message: &KdcRequest,
        raw: &[u8],
        peer: Peer,
        injected: Option<ErrorCode>,
        learned: &mut Learned,
    ) -> (Vec<u8>, Outcome) {
        let database = self.database();
        let context = self.context(&database, now, peer);
        let (answer, mut rng) = self.answer(&context, message, raw, injected, learned);
        match answer {
            Ok((answer, issued)) => {
                learned.issued = Some(issued);
                (answer, Outcome::Ok)
            }
            Err(refusal) => {
                learned.refused = Some(refusal.error);
                let realm = &message.body.realm;
                let asked = learned.server.as_ref().or(message.body.server.as_ref());
                let server = asked
                    .cloned()
                    .unwrap_or_else(|| Principal::krbtgt(realm, realm));
                let error = reply::error(refusal, server, learned.fast.as_ref(), now, &mut rng);
                (error.encode(), Outcome::KrbError(error.code))
            }
        }
    }

    /// Opens the request and answers it. Its client decides which random numbers the answer takes.
    fn answer(
        &self,
        context: &Context<'_>,
        message: &KdcRequest,
        raw: &[u8],
        injected: Option<ErrorCode>,
        learned: &mut Learned,
    ) -> (Result<(Vec<u8>, IssuedTicket), Refusal>, StdRng) {
        if message.message_type == MessageType::AS_REQ {
            let opened = as_exchange::open(context, message, learned);
            let client = learned.client.as_ref().or(message.body.client.as_ref());
            let mut rng = self.random.next(named(context, client));
            let answer = injection(injected, learned).unwrap_or_else(|| {
                let inner = opened?;
                let request = inner.as_ref().unwrap_or(message);
                as_exchange::answer(context, request, raw, learned.fast.as_ref(), &mut rng)
            });
            return (answer, rng);
        }
        let opened = tgs_exchange::open(context, message, learned);
        let client = learned.client.as_ref();
        let mut rng = self.random.next(vouched(context.database, client));
        let answer = injection(injected, learned).unwrap_or_else(|| {
            opened
                .and_then(|(header, inner)| {
                    let request = inner.as_ref().unwrap_or(message);
                    let fast = learned.fast.as_ref();
                    tgs_exchange::answer(context, request, raw, &header, fast, &mut rng)
                })
                .map_err(|error| Refusal {
                    client: client.cloned(),
                    ..error.into()
                })
        });
        (answer, rng)
    }

    /// Replaces an answer that is too long for a datagram.
    fn limited(&self, answer: Vec<u8>, now: Timestamp, peer: Peer) -> Vec<u8> {
        if peer.transport == Transport::Udp && answer.len() > self.udp_limit {
            return self
                .plain_error(ErrorCode::KRB_ERR_RESPONSE_TOO_BIG, now)
                .encode();
        }
        answer
    }

    /// Returns the answer to a message whose announced length is too long.
    pub fn too_long(&self, now: Timestamp) -> Vec<u8> {
        self.plain_error(ErrorCode::KRB_ERR_FIELD_TOOLONG, now)
            .encode()
    }

    /// Returns the answer to a request whose inner message type differs.
    fn wrong_type(&self, now: Timestamp) -> Vec<u8> {
        let error = KdcError::ValidateMessageType;
        let mut answer = self.plain_error(error.code(), now);
        answer.text = Some(error.text().to_owned());
        answer.encode()
    }

    fn plain_error(&self, code: ErrorCode, now: Timestamp) -> KrbError {
        let database = self.database();
        let realm = &database
            .realms()
            .first()
            .unwrap_or(&self.fallback_realm)
            .name;
        KrbError::new(code, now, Principal::krbtgt(realm, realm))
    }
}

/// A request with its hash, which finds earlier answers.
#[derive(Clone, Copy)]
struct Hashed<'a> {
    bytes: &'a [u8],
    hash: Hash,
}

/// Returns the client of an AS exchange. Anyone can invent a name that the database does not have.
fn named<'a>(context: &Context<'a>, client: Option<&Principal>) -> ClientOf<'a> {
    match client.and_then(|client| as_exchange::find(context, client)) {
        Some(as_exchange::Client::Here(entry)) => ClientOf::Ours(&entry.principal),
        _ => ClientOf::Unknown,
    }
}

/// Returns the client of a ticket, for whom its issuer vouches.
fn vouched<'a>(database: &'a PrincipalDatabase, client: Option<&'a Principal>) -> ClientOf<'a> {
    match client {
        Some(client) => match database.resolve(client) {
            Some(entry) => ClientOf::Ours(&entry.principal),
            None => ClientOf::Foreign(client),
        },
        None => ClientOf::Unknown,
    }
}

/// Returns the refusal that a fault demands.
fn injection<T>(code: Option<ErrorCode>, learned: &Learned) -> Option<Result<T, Refusal>> {
    code.map(|code| {
        Err(Refusal {
            client: learned.client.clone(),
            ..KdcError::Injected(code).into()
        })
    })
}

fn name(principal: Option<&Principal>) -> Arc<str> {
    principal.map(Arc::from).unwrap_or_default()
}

/// Returns the journal's event for an exchange, with the names inside an armor if there is one.
fn event(message: &KdcRequest, learned: &Learned, outcome: Outcome) -> Event {
    let service = name(learned.server.as_ref().or(message.body.server.as_ref()));
    if message.message_type == MessageType::AS_REQ {
        return Event::AsExchange {
            client: name(learned.client.as_ref().or(message.body.client.as_ref())),
            service,
            outcome,
        };
    }
    Event::TgsExchange {
        client: name(learned.client.as_ref()),
        service,
        kind: kind(message),
        outcome,
    }
}

fn kind(message: &KdcRequest) -> TgsKind {
    let has = |pa_type| PaData::find(&message.padata, pa_type).is_some();
    let kinds = [
        (KdcOptions::RENEW, TgsKind::Renew),
        (KdcOptions::VALIDATE, TgsKind::Validate),
        (KdcOptions::FORWARDED, TgsKind::Forward),
        (KdcOptions::PROXY, TgsKind::Proxy),
        (KdcOptions::ENC_TKT_IN_SKEY, TgsKind::UserToUser),
        (KdcOptions::CNAME_IN_ADDL_TKT, TgsKind::S4u2Proxy),
    ];
    match kinds
        .iter()
        .find(|(option, _)| message.body.options.contains(*option))
    {
        Some((_, kind)) => *kind,
        None if has(PaDataType::FOR_USER) || has(PaDataType::FOR_X509_USER) => TgsKind::S4u2Self,
        None => TgsKind::Ticket,
    }
}
