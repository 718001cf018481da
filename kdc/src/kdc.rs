//! The KDC itself: a request in, an answer out.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use kerbox_events::{Event, Hook, NoHook, Outcome, TgsKind, Verdict};
use kerbox_krb5::messages::{KdcOptions, KdcRequest, KrbError, MessageType, PaData, PaDataType};
use kerbox_krb5::{ErrorCode, Principal, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::config::RealmConfig;
use crate::context::Context;
use crate::error::{KdcError, Refusal};
use crate::lookaside::Lookaside;
use crate::{PrincipalDatabase, as_exchange, reply, tgs_exchange};

/// How a request came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// In a datagram: long answers are refused.
    Udp,
    /// Over a connection.
    Tcp,
}

/// From where a request came, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peer {
    /// The client's address; tickets may be bound to it. `None` for a request that came over no network.
    pub address: Option<IpAddr>,
    /// The transport.
    pub transport: Transport,
}

impl Peer {
    /// A caller in the same process.
    pub const LOCAL: Self = Self {
        address: None,
        transport: Transport::Tcp,
    };
}

/// What is to be done about a request.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reply {
    /// What to send; `None` for silence.
    pub message: Option<Vec<u8>>,
    /// How long to wait, in real time, before it is sent.
    pub delay: Duration,
    /// Whether the connection is to be closed then.
    pub close: bool,
    /// Whether the server is to stop serving at all.
    pub stop: bool,
}

impl From<Vec<u8>> for Reply {
    fn from(message: Vec<u8>) -> Self {
        Self {
            message: Some(message),
            ..Self::default()
        }
    }
}

/// A KDC of one or several realms: no sockets, no clock of its own.
pub struct Kdc {
    database: RwLock<PrincipalDatabase>,
    rng: Mutex<StdRng>,
    lookaside: Mutex<Lookaside>,
    hook: Arc<dyn Hook>,
    udp_limit: usize,
    fallback_realm: RealmConfig,
}

impl Kdc {
    /// How long an answer over UDP may be by default; MIT's limit.
    pub const DEFAULT_UDP_LIMIT: usize = 4096;

    /// A KDC that serves from `database`; all its randomness comes of `seed`.
    #[must_use]
    pub fn new(database: PrincipalDatabase, seed: u64) -> Self {
        Self {
            database: RwLock::new(database),
            rng: Mutex::new(StdRng::seed_from_u64(seed)),
            lookaside: Mutex::default(),
            hook: Arc::new(NoHook),
            udp_limit: Self::DEFAULT_UDP_LIMIT,
            fallback_realm: RealmConfig::new(""),
        }
    }

    /// Lets a journal and faults watch.
    #[must_use]
    pub fn with_hook(mut self, hook: Arc<dyn Hook>) -> Self {
        self.hook = hook;
        self
    }

    /// Answers over UDP of more bytes than this become `KRB_ERR_RESPONSE_TOO_BIG`, and the client comes by TCP.
    #[must_use]
    pub fn with_udp_limit(mut self, bytes: usize) -> Self {
        self.udp_limit = bytes;
        self
    }

    /// The database, to be read. Requests are answered meanwhile, changes wait.
    pub fn database(&self) -> RwLockReadGuard<'_, PrincipalDatabase> {
        // Changes of the database are made by single insertions, so a panic of their caller leaves it whole.
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database, to be changed; requests wait. Changes hold for the next request.
    pub fn database_mut(&self) -> RwLockWriteGuard<'_, PrincipalDatabase> {
        self.database.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the database with the KDC's own randomness: to add principals and to change keys.
    pub fn update<T>(&self, update: impl FnOnce(&mut PrincipalDatabase, &mut StdRng) -> T) -> T {
        let mut rng = self.rng();
        update(&mut self.database_mut(), &mut rng)
    }

    pub(crate) fn rng(&self) -> MutexGuard<'_, StdRng> {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lookaside(&self) -> MutexGuard<'_, Lookaside> {
        self.lookaside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request. What is no AS-REQ or TGS-REQ gets no answer, as MIT does.
    pub fn handle(&self, now: Timestamp, request: &[u8], peer: Peer) -> Reply {
        if let Some(answer) = self.lookaside().find(request, now) {
            return self.limited(answer, now, peer).into();
        }
        let Ok(message) = KdcRequest::decode(request) else {
            return Reply {
                close: true,
                ..Reply::default()
            };
        };
        let mut reply = Reply::default();
        let mut corrupt = false;
        let mut injected = None;
        if self.hook.watching() {
            match self.hook.ask(now, &event(&message, None, Outcome::Asked)) {
                Verdict::KrbError(code) => injected = Some(code),
                Verdict::Delay(delay) => reply.delay = delay,
                Verdict::Drop => return self.unanswered(now, &message, Outcome::Dropped, Reply::default()),
                Verdict::Disconnect => {
                    reply.close = true;
                    return self.unanswered(now, &message, Outcome::Disconnected, reply);
                }
                Verdict::Kill => {
                    (reply.close, reply.stop) = (true, true);
                    return self.unanswered(now, &message, Outcome::Disconnected, reply);
                }
                Verdict::Corrupt => corrupt = true,
                // Exceptions are Hadoop's: a KDC has none.
                _ => {}
            }
        }
        let mut client = None;
        let (mut answer, outcome) = self.exchange(now, &message, request, peer, injected, &mut client);
        self.hook.record(now, event(&message, client.as_ref(), outcome));
        if corrupt {
            if let Some(last) = answer.last_mut() {
                *last ^= 0xFF;
            }
        } else if injected.is_none() {
            self.lookaside().keep(request, &answer, now);
        }
        reply.message = Some(self.limited(answer, now, peer));
        reply
    }

    fn exchange(
        &self,
        now: Timestamp,
        message: &KdcRequest,
        raw: &[u8],
        peer: Peer,
        injected: Option<ErrorCode>,
        client: &mut Option<Principal>,
    ) -> (Vec<u8>, Outcome) {
        let mut rng = self.rng();
        let database = self.database();
        let context = Context {
            database: &database,
            default_realm: database.realms().first().unwrap_or(&self.fallback_realm),
            now,
            peer: peer.address,
        };
        let answer = match injected {
            Some(code) => Err(Refusal::from(KdcError::Injected(code))),
            None if message.message_type == MessageType::AS_REQ => as_exchange::answer(&context, message, raw, &mut *rng),
            None => tgs_exchange::answer(&context, message, raw, client, &mut *rng),
        };
        match answer {
            Ok(answer) => (answer, Outcome::Ok),
            Err(refusal) => {
                let realm = &message.body.realm;
                let server = message.body.server.clone().unwrap_or_else(|| Principal::krbtgt(realm, realm));
                let error = reply::error(refusal, server, now);
                (error.encode(), Outcome::KrbError(error.code))
            }
        }
    }

    fn unanswered(&self, now: Timestamp, message: &KdcRequest, outcome: Outcome, reply: Reply) -> Reply {
        self.hook.record(now, event(message, None, outcome));
        reply
    }

    /// Replaces an answer that is too long for a datagram.
    fn limited(&self, answer: Vec<u8>, now: Timestamp, peer: Peer) -> Vec<u8> {
        if peer.transport == Transport::Udp && answer.len() > self.udp_limit {
            return self.plain_error(ErrorCode::KRB_ERR_RESPONSE_TOO_BIG, now).encode();
        }
        answer
    }

    /// The answer to a message whose announced length is beyond all measure.
    pub fn too_long(&self, now: Timestamp) -> Vec<u8> {
        self.plain_error(ErrorCode::KRB_ERR_FIELD_TOOLONG, now).encode()
    }

    fn plain_error(&self, code: ErrorCode, now: Timestamp) -> KrbError {
        let database = self.database();
        let realm = &database.realms().first().unwrap_or(&self.fallback_realm).name;
        KrbError::new(code, now, Principal::krbtgt(realm, realm))
    }
}

fn event(message: &KdcRequest, client: Option<&Principal>, outcome: Outcome) -> Event {
    let name = |principal: Option<&Principal>| principal.map(|principal| principal.to_string().into()).unwrap_or_default();
    let service = name(message.body.server.as_ref());
    if message.message_type == MessageType::AS_REQ {
        return Event::AsExchange {
            client: name(message.body.client.as_ref()),
            service,
            outcome,
        };
    }
    Event::TgsExchange {
        client: name(client),
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
    match kinds.iter().find(|(option, _)| message.body.options.contains(*option)) {
        Some((_, kind)) => *kind,
        None if has(PaDataType::FOR_USER) || has(PaDataType::FOR_X509_USER) => TgsKind::S4u2Self,
        None => TgsKind::Ticket,
    }
}
