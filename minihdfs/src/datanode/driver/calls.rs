//! Calls that block.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use kerbox_krb5::Principal;
use prost::Message;
use rand::Rng;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::RemoteAccess;
use crate::HdfsError;
use crate::decode::decode;
use crate::rpc::client::driver::{RpcClient, RpcTarget};
use crate::rpc::client::{ClientSettings, RetryPolicy, RpcError};

/// The real time after which a call counts as failed, whatever the clock shows.
const PATIENCE: Duration = Duration::from_secs(60);

/// A thread that makes calls for others, which wait for the answers. It starts with the first call,
/// and ends with this value.
#[derive(Debug, Default)]
pub struct CallThread(Mutex<Option<Started>>);

#[derive(Debug)]
struct Started {
    runtime: Handle,
    _end: oneshot::Sender<()>,
}

impl CallThread {
    /// Starts the thread if it does not run yet, and returns its runtime.
    ///
    /// # Errors
    /// Fails if the operating system has no room for it.
    pub(super) fn runtime(&self) -> Result<Handle, HdfsError> {
        // Set in a single step.
        let mut started = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(started) = &*started {
            return Ok(started.runtime.clone());
        }
        let new = Started::new()
            .map_err(|error| HdfsError::io(format!("cannot start a thread for calls: {error}")))?;
        Ok(started.insert(new).runtime.clone())
    }
}

impl Started {
    fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel::<()>();
        let thread = thread::Builder::new().name("kerbox-calls".to_owned());
        thread.spawn(move || {
            // Resolves when the sender is dropped, which sends nothing.
            let _dropped = runtime.block_on(ended);
        })?;
        Ok(Self {
            runtime: handle,
            _end: end,
        })
    }
}

/// A server that is called with blocking calls.
pub(super) struct Calls {
    client: RpcClient,
    thread: Arc<CallThread>,
    address: SocketAddr,
}

impl Calls {
    /// Prepares calls of a protocol of the server at this address.
    pub(super) fn new(
        access: &RemoteAccess,
        thread: &Arc<CallThread>,
        address: SocketAddr,
        protocol: &'static str,
        principal: Option<&Principal>,
        rng: &mut impl Rng,
    ) -> Self {
        let target = RpcTarget {
            address,
            protocol: (protocol, 1),
            identity: access.identity.clone(),
            settings: Arc::new(ClientSettings {
                server_principal: principal.cloned(),
                ..access.settings.clone()
            }),
            tickets: access.tickets.clone(),
        };
        Self {
            client: RpcClient::new(target, access.clock.clone(), rng),
            thread: Arc::clone(thread),
            address,
        }
    }

    /// Calls a method once and waits for the answer.
    ///
    /// # Errors
    /// Fails with the server's exception; with `ConnectException` or `SocketTimeoutException` if
    /// there is no answer.
    pub(super) fn call<A: Message + Default>(
        &self,
        method: &'static str,
        request: &impl Message,
    ) -> Result<A, HdfsError> {
        let (sender, answer) = sync_channel(1);
        let (client, request) = (self.client.clone(), request.encode_to_vec());
        self.thread.runtime()?.spawn(async move {
            let policy = RetryPolicy::TryOnceThenFail;
            let answered = client.call_raw(&policy, method, request).await;
            // The caller may have lost patience.
            let _gone = sender.send(answered);
        });
        let answered = answer.recv_timeout(PATIENCE).map_err(|_| {
            HdfsError::socket_timeout(format!(
                "{} has not answered {method} within {} s",
                self.address,
                PATIENCE.as_secs()
            ))
        })?;
        let bytes = answered.map_err(|error| match error {
            RpcError::Lost(_) => HdfsError::connect(format!("{}: {error}", self.address)),
            error => error.to_exception(),
        })?;
        decode(&bytes).map_err(|error| {
            HdfsError::io(format!(
                "Cannot decode the answer of {} to {method}: {error}",
                self.address
            ))
        })
    }
}
