//! Clients with sockets and a clock, the only part of the RPC client that depends on tokio.
//!
//! - [`RpcClient`]: makes calls over a connection that it opens when there is one to make
//! - [`RpcTarget`]: the server, and how to call it
//! - [`TicketSource`], [`KdcTickets`], [`KeytabTickets`]: where Kerberos tickets come from

mod connect;
mod keytab;
mod link;
mod target;
mod tickets;
mod timer;

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use kerbox_krb5::Clock;
use prost::Message;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::{mpsc, oneshot};

pub use keytab::KeytabTickets;
pub use target::RpcTarget;
pub use tickets::{KdcTickets, TicketFuture, TicketSource};

use super::{ClientId, Outgoing, Reply, RetryPolicy, RpcError, new_client_id};
use crate::decode::decode_parts;
use link::{Command, Link};

/// The maximum number of parts of a response. A file of 20,000 blocks has about a million.
const MAX_RESPONSE_PARTS: usize = 2_000_000;

/// A client of one server, protocol and user. Clones share its connection.
///
/// Timeouts, pauses and pings go by the clock that it is given. Dropping the last clone ends the
/// connection once its calls have ended.
///
/// ```no_run
/// use std::sync::Arc;
/// use kerbox_krb5::Clock;
/// use minihdfs::proto::hdfs::{GetFileInfoRequestProto, GetFileInfoResponseProto};
/// use minihdfs::rpc::client::driver::{RpcClient, RpcTarget};
/// use minihdfs::rpc::client::{ClientSettings, Identity, RpcError};
/// # use rand::SeedableRng;
/// # let mut rng = rand::rngs::StdRng::seed_from_u64(1);
///
/// # async fn get_file_info(rng: &mut rand::rngs::StdRng) -> Result<(), RpcError> {
/// let target = RpcTarget {
///     address: ([127, 0, 0, 1], 8020).into(), // a NameNode without security
///     protocol: ("org.apache.hadoop.hdfs.protocol.ClientProtocol", 1),
///     identity: Identity::simple("alice"),
///     settings: Arc::new(ClientSettings::default()),
///     tickets: None,
/// };
/// let client = RpcClient::new(target, Clock::system(), rng);
/// let request = GetFileInfoRequestProto { src: "/user/alice".to_owned() };
/// let answer: GetFileInfoResponseProto = client.call("getFileInfo", &request).await?;
/// println!("it exists: {}", answer.fs.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RpcClient(Arc<Shared>);

struct Shared {
    target: RpcTarget,
    clock: Clock,
    client_id: ClientId,
    next_call: AtomicI32,
    rng: Mutex<StdRng>,
    /// The way to the task that owns the connection. The task starts with the first call.
    commands: Mutex<Option<mpsc::UnboundedSender<Command>>>,
}

impl RpcClient {
    /// Creates a client. It connects when it makes its first call, within a tokio runtime.
    #[must_use]
    pub fn new(target: RpcTarget, clock: Clock, rng: &mut impl Rng) -> Self {
        let client_id = new_client_id(rng);
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        Self(Arc::new(Shared {
            target,
            clock,
            client_id,
            next_call: AtomicI32::new(0),
            rng: Mutex::new(StdRng::from_seed(seed)),
            commands: Mutex::default(),
        }))
    }

    /// Returns the client's id, which is part of the key of a server's retry cache.
    #[must_use]
    pub fn client_id(&self) -> ClientId {
        self.0.client_id
    }

    /// Calls a method once.
    pub async fn call<A: Message + Default>(
        &self,
        method: &str,
        request: &impl Message,
    ) -> Result<A, RpcError> {
        self.call_with(&RetryPolicy::TryOnceThenFail, method, request)
            .await
    }

    /// Calls a method, and again if `policy` wants that. Every attempt has the same call id, so a
    /// server's retry cache recognizes it.
    pub async fn call_with<A: Message + Default>(
        &self,
        policy: &RetryPolicy,
        method: &str,
        request: &impl Message,
    ) -> Result<A, RpcError> {
        let reply = self
            .call_raw(policy, method, request.encode_to_vec())
            .await?;
        decode_parts(&reply, MAX_RESPONSE_PARTS).map_err(|why| {
            RpcError::Protocol(format!("the response of {method} cannot be decoded: {why}"))
        })
    }

    /// Same as [`call_with`](Self::call_with), for encoded messages.
    pub async fn call_raw(
        &self,
        policy: &RetryPolicy,
        method: &str,
        request: Vec<u8>,
    ) -> Result<Vec<u8>, RpcError> {
        // Wraps around to 0 after the last positive number, as in Hadoop.
        let call_id = self.0.next_call.fetch_add(1, Ordering::Relaxed) & i32::MAX;
        let mut call = Outgoing {
            call_id,
            retry_count: 0,
            state_id: None,
            method: method.to_owned(),
            request,
        };
        loop {
            let error = match self.attempt(call.clone()).await?.outcome {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let pause = {
                let mut rng = self.0.rng.lock().unwrap_or_else(PoisonError::into_inner);
                policy.next_attempt(&error, call.retry_count.unsigned_abs(), &mut *rng)
            };
            let Some(pause) = pause else {
                return Err(error);
            };
            timer::pause(&self.0.clock, pause).await;
            call.retry_count = call.retry_count.saturating_add(1);
        }
    }

    async fn attempt(&self, call: Outgoing) -> Result<Reply, RpcError> {
        let (sender, reply) = oneshot::channel();
        self.send(Command {
            call,
            reply: sender,
        });
        reply
            .await
            .map_err(|_| RpcError::Lost("its runtime has ended".to_owned()))
    }

    /// Passes a call to the task, which is started if there is none.
    fn send(&self, command: Command) {
        let mut commands = self
            .0
            .commands
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let unsent = match &*commands {
            Some(sender) => sender.send(command).err().map(|error| error.0),
            None => Some(command),
        };
        let Some(command) = unsent else {
            return;
        };
        let (sender, receiver) = mpsc::unbounded_channel();
        // The receiver is still here, so this cannot fail.
        let _ = sender.send(command);
        let rng = {
            let mut rng = self.0.rng.lock().unwrap_or_else(PoisonError::into_inner);
            StdRng::from_rng(&mut *rng)
        };
        let link = Link::new(
            self.0.target.clone(),
            self.0.clock.clone(),
            self.0.client_id,
            rng,
        );
        tokio::spawn(link.run(receiver));
        *commands = Some(sender);
    }
}
