//! A socket with its buffers, and its handshake.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kerbox_events::{Event, Facts, Mechanism, Outcome, Server, SessionFacts};
use kerbox_krb5::Timestamp;
use kerbox_net::{Accepted, Linger, Place, within};
use prost::Message;
use tokio::net::TcpStream;

use crate::HdfsError;
use crate::datanode::node::DataNode;
use crate::datanode::sasl::{
    DataProtection, HandshakeClient, HandshakeServer, HandshakeStep, MAGIC,
};
use crate::datanode::stream::{Inbox, Outbox, protect};
use crate::proto::hdfs::{DataTransferEncryptorMessageProto, DatanodeIdProto};
use crate::token::Token;

/// The time that a peer may be silent in the middle of an exchange (`dfs.client.socket-timeout`).
pub(super) const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// The time in which a peer must accept data it has requested
/// (`dfs.datanode.socket.write.timeout`).
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(480);

/// The limits on reading after the last reply.
const LINGER: Linger = Linger {
    time: Duration::from_secs(2),
    bytes: 16 << 20,
};

/// The buffer space for a client's messages between operations.
const MESSAGE_ROOM: usize = 4 << 10;

pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    pub(super) peer: SocketAddr,
    /// Its entry among the port's connections, if it was accepted there or serves one that was.
    place: Option<Arc<Place>>,
    /// The number of bytes that are held elsewhere on behalf of this connection.
    beside: usize,
}

impl Connection {
    /// Creates the state of a connection accepted on our port.
    pub(super) fn accepted(accepted: Accepted) -> Self {
        Self {
            place: Some(Arc::new(accepted.place)),
            ..Self::new(accepted.stream, accepted.peer)
        }
    }

    pub(super) fn new(stream: TcpStream, peer: SocketAddr) -> Self {
        Self {
            stream,
            inbox: Inbox::default(),
            outbox: Outbox::default(),
            peer,
            place: None,
            beside: 0,
        }
    }

    /// Counts what this connection holds as held by `client`, which it serves and which holds
    /// nothing meanwhile.
    pub(super) fn serves(&mut self, client: &Self) {
        self.place.clone_from(&client.place);
    }

    /// Counts what `mirror` holds as held by this connection as well.
    pub(super) fn counts(&mut self, mirror: Option<&Self>) {
        self.beside = mirror.map_or(0, |mirror| mirror.inbox.held() + mirror.outbox.held());
        self.count();
    }

    /// Records what is held in memory. Called whenever that has changed.
    fn count(&self) {
        if let Some(place) = &self.place {
            place.holds(self.inbox.held() + self.outbox.held() + self.beside);
        }
    }

    fn is_active(&self) {
        if let Some(place) = &self.place {
            place.is_active();
        }
    }

    /// Marks the peer as authenticated as `user`.
    fn is_known(&self, user: &str) {
        if let Some(place) = &self.place {
            place.known(user);
        }
    }

    /// Reads available bytes from the socket without waiting, into a buffer of at least `room`
    /// bytes. Returns their number.
    ///
    /// # Errors
    /// Fails with [`ErrorKind::UnexpectedEof`] if the peer has closed the connection.
    pub(super) fn try_fill(&mut self, room: usize) -> io::Result<usize> {
        match self.stream.try_read(self.inbox.room(room)) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => {
                self.inbox.received(length).map_err(invalid)?;
                self.is_active();
                self.count();
                Ok(length)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Writes pending output without waiting, as far as the socket accepts it.
    pub(super) fn try_flush(&mut self) -> io::Result<()> {
        while !self.outbox.is_empty() {
            match self.stream.try_write(self.outbox.bytes()) {
                Ok(length) => {
                    self.outbox.sent(length);
                    // A reader only ever sends its request.
                    self.is_active();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        self.count();
        Ok(())
    }

    /// Waits for input and reads it.
    pub(super) async fn fill(&mut self) -> io::Result<()> {
        loop {
            self.stream.readable().await?;
            if self.try_fill(MESSAGE_ROOM)? > 0 {
                return Ok(());
            }
        }
    }

    /// Waits for input after an operation, without a limit of its own: the port closes the
    /// connection if it is idle for too long.
    pub(super) async fn idle(&mut self, now: Timestamp) -> io::Result<()> {
        if !self.inbox.bytes().is_empty() {
            return Ok(());
        }
        if let Some(place) = &self.place {
            place.idle_since(now.as_micros());
        }
        self.fill().await
    }

    /// Waits until all output is sent.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        loop {
            self.try_flush()?;
            if self.outbox.is_empty() {
                return Ok(());
            }
            within(WRITE_TIMEOUT, self.stream.writable()).await?;
        }
    }

    /// Waits for `N` bytes and takes them.
    pub(super) async fn bytes<const N: usize>(&mut self, limit: Duration) -> io::Result<[u8; N]> {
        let taken = async {
            loop {
                if let Some(bytes) = self.inbox.bytes().first_chunk::<N>() {
                    let bytes = *bytes;
                    self.inbox.consume(N);
                    self.count();
                    return Ok(bytes);
                }
                self.fill().await?;
            }
        };
        within(limit, taken).await
    }

    /// Waits for a complete delimited message and takes it. The limit applies to the whole message,
    /// so that a peer cannot hold a connection by trickling bytes.
    pub(super) async fn message<M: Message + Default>(&mut self, limit: Duration) -> io::Result<M> {
        let taken = async {
            loop {
                if let Some(message) = self.inbox.message().map_err(invalid)? {
                    self.count();
                    return Ok(message);
                }
                self.fill().await?;
            }
        };
        within(limit, taken).await
    }

    /// Frees large empty buffers before the wait for another operation.
    pub(super) fn rest(&mut self) {
        self.inbox.rest();
        self.outbox.rest();
        self.count();
    }

    /// Waits for the request of an operation. Without a handshake, the peer then counts as
    /// identified by its address.
    pub(super) async fn request<M: Message + Default>(&mut self) -> io::Result<M> {
        let request = self.message(READ_TIMEOUT).await?;
        self.is_known(&self.peer.ip().to_string());
        Ok(request)
    }

    /// Sends a complete delimited message at once.
    pub(super) async fn send(&mut self, message: &impl Message) -> io::Result<()> {
        self.outbox.message(message);
        self.flush().await
    }

    /// Closes the connection so that the peer can read the last reply. Closing with unread input
    /// would reset the connection and lose the reply. hdfs-native ends a block with an empty SASL
    /// frame after the last packet. Java may still be sending packets when it learns of a wrong
    /// checksum.
    pub(super) async fn close(mut self) {
        (self.inbox, self.outbox) = (Inbox::default(), Outbox::default());
        self.counts(None);
        LINGER.close(self.stream).await;
    }

    /// Performs the server side of the handshake, which must finish within the time limit of a
    /// message.
    ///
    /// # Errors
    /// Fails if the client is rejected or does not start a handshake.
    pub(super) async fn accept_handshake(
        &mut self,
        node: &DataNode,
        protection: &DataProtection,
    ) -> io::Result<()> {
        within(READ_TIMEOUT, self.shake_hands(node, protection)).await
    }

    async fn shake_hands(
        &mut self,
        node: &DataNode,
        protection: &DataProtection,
    ) -> io::Result<()> {
        let event = |user: &str, outcome| Event::Sasl {
            server: Server::DataNode(node.number()),
            mechanism: Mechanism::DigestMd5,
            user: user.into(),
            outcome,
        };
        let record = |outcome| node.record(event("", outcome));
        let magic = self.bytes::<4>(READ_TIMEOUT).await?;
        if magic != MAGIC {
            let error = self.speaks_no_sasl(magic);
            record(refusal(&error));
            return Err(invalid(error));
        }
        let Some(secrets) = node.secrets.clone() else {
            return Err(invalid(HdfsError::io(
                "data connections are to be protected, but there are no block keys",
            )));
        };
        let mut handshake = node.with_rng(|rng| HandshakeServer::new(protection, secrets, rng));
        loop {
            let message: DataTransferEncryptorMessageProto = self.message(READ_TIMEOUT).await?;
            let stepped = node.with_rng(|rng| handshake.step(node.clock.now(), &message, rng));
            match stepped.map_err(|error| {
                record(refusal(&error));
                invalid(error)
            })? {
                HandshakeStep::Continue(message) => self.send(&message).await?,
                HandshakeStep::Done {
                    message,
                    protection,
                    user,
                    facts,
                } => {
                    self.send(&message).await?;
                    let now = node.clock.now();
                    if let Some(place) = &self.place {
                        place.protected(protection_of(&facts));
                    }
                    let facts = Facts::Session(facts);
                    node.hook.record_with(now, event(&user, Outcome::Ok), facts);
                    self.is_known(&user);
                    return protect(&mut self.inbox, &mut self.outbox, protection).map_err(invalid);
                }
                HandshakeStep::Refused { message, error } => {
                    record(refusal(&error));
                    self.send(&message).await?;
                    return Err(invalid(error));
                }
            }
        }
    }

    /// Returns the error for a peer that begins without a handshake.
    fn speaks_no_sasl(&self, received: [u8; 4]) -> HdfsError {
        HdfsError::io(format!(
            "Received {} instead of {} from {}. Perhaps the client is running an older version of \
             Hadoop which does not support SASL data transfer protection",
            u32::from_be_bytes(received),
            u32::from_be_bytes(MAGIC),
            self.peer
        ))
    }

    /// Connects to another DataNode, with a handshake if one is required.
    pub(super) async fn connect(
        node: &DataNode,
        target: &DatanodeIdProto,
        token: &Token,
    ) -> io::Result<Self> {
        let port = u16::try_from(target.xfer_port)
            .map_err(|_| invalid(HdfsError::io(format!("{} is no port", target.xfer_port))))?;
        let stream = within(
            READ_TIMEOUT,
            TcpStream::connect((target.ip_addr.as_str(), port)),
        )
        .await?;
        // Otherwise small messages would be held back. A socket that does not support it still
        // works.
        let _ = stream.set_nodelay(true);
        let peer = stream.peer_addr()?;
        let mut connection = Self::new(stream, peer);
        if let (Some(protection), Some(secrets)) = (&node.protection, &node.secrets) {
            let now = node.clock.now();
            let mut handshake =
                node.with_rng(|rng| HandshakeClient::new(protection, secrets, token, now, rng));
            connection.outbox.unit(&MAGIC);
            connection.send(&HandshakeClient::first_message()).await?;
            let challenge = connection.message(READ_TIMEOUT).await?;
            connection
                .send(&handshake.respond(&challenge).map_err(invalid)?)
                .await?;
            let proof = connection.message(READ_TIMEOUT).await?;
            let protection = handshake.finish(&proof).map_err(invalid)?;
            protect(&mut connection.inbox, &mut connection.outbox, protection).map_err(invalid)?;
        }
        Ok(connection)
    }
}

/// Returns the outcome of a handshake that this error ends.
fn refusal(error: &HdfsError) -> Outcome {
    Outcome::Exception {
        class: error.class().into(),
        message: error.message().into(),
    }
}

/// Returns the word for what protects a session.
fn protection_of(facts: &SessionFacts) -> &'static str {
    match facts.cipher {
        Some(_) => "auth-conf, AES",
        None => facts.qop.name(),
    }
}

/// Creates the error for invalid input from the peer.
pub(super) fn invalid(error: HdfsError) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests;
