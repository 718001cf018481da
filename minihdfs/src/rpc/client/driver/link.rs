//! The task that owns a client's connection.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use kerbox_krb5::{Clock, Principal};
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use super::connect::connect;
use super::target::RpcTarget;
use super::timer::{pause, reached};
use crate::rpc::client::{
    ClientConnection, ClientId, ClientStep, Outgoing, Reply, RpcError, TicketError,
};

/// The minimum buffer space for one read.
const READ: usize = 16 << 10;
/// The longest pause before authentication is tried again, in milliseconds.
const MAX_BACKOFF: u64 = 5000;

/// A call, and where its reply goes.
pub(super) struct Command {
    pub(super) call: Outgoing,
    pub(super) reply: oneshot::Sender<Reply>,
}

type Commands = mpsc::UnboundedReceiver<Command>;

/// The owner of one client's connection. It connects when there is a call, and again when there is
/// a call after the connection has ended.
pub(super) struct Link {
    target: RpcTarget,
    clock: Clock,
    client_id: ClientId,
    rng: StdRng,
    /// The calls without a reply.
    pending: HashMap<i32, Command>,
}

impl Link {
    pub(super) fn new(target: RpcTarget, clock: Clock, client_id: ClientId, rng: StdRng) -> Self {
        Self {
            target,
            clock,
            client_id,
            rng,
            pending: HashMap::new(),
        }
    }

    /// Serves calls until the client is dropped.
    pub(super) async fn run(mut self, mut commands: Commands) {
        while let Some(command) = commands.recv().await {
            self.pending.insert(command.call.call_id, command);
            let mut failures = 0;
            while !self.pending.is_empty() {
                let ended = self.connection(&mut commands).await;
                if !self.authenticates_again(&ended, failures) {
                    self.fail_all(&mut commands, &ended);
                    break;
                }
                failures += 1;
                tracing::debug!(error = %ended.error, failures, "authenticating again");
                let backoff = Duration::from_millis(self.rng.random_range(1..=MAX_BACKOFF));
                pause(&self.clock, backoff).await;
            }
        }
    }

    /// Returns true if the connection ended during an authentication with Kerberos that may succeed
    /// with a new ticket, or when the server has forgotten what it took for a replay.
    fn authenticates_again(&self, ended: &Ended, failures: u32) -> bool {
        let during_sasl = matches!(
            ended.error,
            RpcError::Fatal(_) | RpcError::Sasl(_) | RpcError::Ticket { .. }
        );
        if ended.established || !during_sasl || !self.target.identity.has_kerberos() {
            return false;
        }
        if let (Some(tickets), Some(server)) =
            (&self.target.tickets, &self.target.settings.server_principal)
        {
            tickets.discard(server);
        }
        failures < self.target.settings.connect_max_retries_on_sasl
    }

    /// Fails the calls that have been made so far. If there was a connection, those that it did not
    /// take may have better luck with the next.
    fn fail_all(&mut self, commands: &mut Commands, ended: &Ended) {
        while !ended.established
            && let Ok(command) = commands.try_recv()
        {
            self.pending.insert(command.call.call_id, command);
        }
        for (call_id, command) in self.pending.drain() {
            // A caller that is gone needs no reply.
            let _ = command.reply.send(Reply {
                call_id,
                outcome: Err(ended.error.clone()),
                state_id: None,
                federated_state: None,
            });
        }
    }

    /// Opens a connection and serves calls until it ends.
    async fn connection(&mut self, commands: &mut Commands) -> Ended {
        let settings = &self.target.settings;
        let stream = match connect(self.target.address, settings, &self.clock).await {
            Ok(stream) => stream,
            Err(error) => {
                return Ended {
                    error,
                    established: false,
                };
            }
        };
        let now = self.clock.now();
        let mut connection = ClientConnection::new(
            self.target.identity.clone(),
            self.target.protocol,
            self.client_id,
            settings.clone(),
            now,
        );
        let mut calls: Vec<_> = self.pending.values().map(|command| &command.call).collect();
        calls.sort_unstable_by_key(|call| call.call_id);
        for call in calls {
            connection.call(call.clone(), now);
        }
        let error = self.serve(&mut connection, stream, commands).await;
        Ended {
            error,
            established: connection.is_established(),
        }
    }

    /// Moves bytes, calls and replies. Returns the reason why the connection has ended.
    async fn serve(
        &mut self,
        connection: &mut ClientConnection,
        mut stream: TcpStream,
        commands: &mut Commands,
    ) -> RpcError {
        let (mut reader, mut writer) = stream.split();
        let mut sent = 0;
        let mut input = Vec::new();
        let mut open = true;
        loop {
            let step = connection.advance(self.clock.now(), &mut self.rng);
            self.deliver(connection);
            match step {
                ClientStep::Close => break,
                ClientStep::Ticket(server) => {
                    self.fetch_ticket(connection, &server).await;
                    continue;
                }
                ClientStep::Read => {}
            }
            if !open && self.pending.is_empty() {
                return RpcError::Lost("the client was dropped".to_owned());
            }
            let deadline = connection.next_deadline();
            let output = connection.output();
            input.reserve(READ);
            tokio::select! {
                command = commands.recv(), if open => match command {
                    Some(command) => {
                        connection.call(command.call.clone(), self.clock.now());
                        self.pending.insert(command.call.call_id, command);
                    }
                    None => open = false,
                },
                read = reader.read_buf(&mut input) => heard(connection, read, &mut input),
                written = writer.write(&output[sent..]), if sent < output.len() => match written {
                    Ok(count) => {
                        sent += count;
                        if sent == output.len() {
                            output.clear();
                            sent = 0;
                        }
                    }
                    Err(error) => {
                        // The server's last words may say why.
                        let why = error.to_string();
                        if reader.read_buf(&mut input).await.is_ok_and(|count| count > 0) {
                            connection.input().append(&mut input);
                            connection.advance(self.clock.now(), &mut self.rng);
                        }
                        connection.fail(RpcError::Lost(why));
                    }
                },
                () = reached(&self.clock, deadline) => {}
            }
        }
        let failure = connection.failure().cloned();
        failure.unwrap_or_else(|| RpcError::Lost("it was closed".to_owned()))
    }

    /// Answers the server's offer with a ticket, or with the reason why there is none.
    async fn fetch_ticket(&mut self, connection: &mut ClientConnection, server: &Principal) {
        let ticket = match &self.target.tickets {
            Some(tickets) => tickets.ticket(server, self.clock.now()).await,
            None => Err(TicketError::NoSource),
        };
        connection.ticket(ticket, self.clock.now(), &mut self.rng);
    }

    /// Passes on the replies. Without authentication they stay: the calls may be made again.
    fn deliver(&mut self, connection: &mut ClientConnection) {
        while let Some(reply) = connection.next_reply() {
            if connection.is_established()
                && let Some(command) = self.pending.remove(&reply.call_id)
            {
                // A caller that is gone needs no reply.
                let _ = command.reply.send(reply);
            }
        }
    }
}

/// Passes on what was read into `input`, or the connection's end.
fn heard(connection: &mut ClientConnection, read: io::Result<usize>, input: &mut Vec<u8>) {
    match read {
        Ok(0) => connection.fail(RpcError::Lost("End of File".to_owned())),
        Ok(_) => connection.input().append(input),
        Err(error) => connection.fail(RpcError::Lost(error.to_string())),
    }
}

/// The end of a connection.
struct Ended {
    error: RpcError,
    /// True if the server had authenticated the client.
    established: bool,
}
