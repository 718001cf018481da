//! A sender of invalid input that checks whether the KDC still serves.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use kerbox_krb5::messages::{KrbError, frame};

use crate::support::REALM;
use kerbox_kdc::testing::corpus::Request;

/// Sends to the KDC, and after each request checks that it still answers.
pub(crate) struct Prober {
    socket: UdpSocket,
    address: SocketAddr,
    asked: u32,
}

impl Prober {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.connect(address).expect("a socket");
        socket
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a socket");
        Self {
            socket,
            address,
            asked: 0,
        }
    }

    /// Asks for an unknown client, and returns what came before that answer. Datagrams of one
    /// sender are answered in order.
    fn until_answered(&mut self) -> Option<Vec<u8>> {
        self.asked += 1;
        let nobody = format!("nobody-{}", self.asked);
        self.socket
            .send(&Request::new(&nobody, REALM).encode())
            .expect("sent");
        let mut before = None;
        loop {
            let mut answer = vec![0; 65_536];
            let length = self.socket.recv(&mut answer).expect("the KDC serves on");
            answer.truncate(length);
            let client = KrbError::decode(&answer)
                .ok()
                .and_then(|error| error.client);
            if client.is_some_and(|client| client.components() == [nobody.as_str()]) {
                return before;
            }
            assert!(before.is_none(), "two answers to one datagram");
            before = Some(answer);
        }
    }

    /// Returns the answer to a datagram, if there is one.
    pub(crate) fn datagram(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.socket.send(bytes).expect("sent");
        self.until_answered()
    }

    /// Returns the answer over a connection; `None` if it ends without one.
    pub(crate) fn connection(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut stream = TcpStream::connect(self.address).expect("the KDC listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("a socket");
        stream.write_all(&frame(bytes)).expect("sent");
        // Without an answer the server closes at once. After one it waits for our end to close.
        stream.shutdown(Shutdown::Write).expect("a connection");
        let mut answer = Vec::new();
        stream
            .read_to_end(&mut answer)
            .expect("the connection ends");
        (!answer.is_empty()).then(|| answer.split_off(4))
    }
}
