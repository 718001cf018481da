//! A man in the middle: records a connection, changes its bytes, and replays what was sent.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use hdfs_native::{Client, ClientBuilder, HdfsError};
use kerbox::{Cluster, Login};

/// The direction of the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    ToServer,
    ToClient,
}

/// Changes bytes in transit. The number counts earlier bytes in that direction on this connection.
type Change = dyn FnMut(Direction, usize, &mut [u8]) + Send;

/// A proxy in front of a server, which runs until the process ends.
pub(crate) struct Proxy {
    address: SocketAddr,
    server: SocketAddr,
    /// The bytes that clients sent, by connection.
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Proxy {
    pub(crate) fn start(
        server: SocketAddr,
        change: impl FnMut(Direction, usize, &mut [u8]) + Send + 'static,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let heard: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let change: Arc<Mutex<Box<Change>>> = Arc::new(Mutex::new(Box::new(change)));
        let ears = Arc::clone(&heard);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(server) else {
                    return;
                };
                let number = {
                    let mut heard = ears.lock().unwrap_or_else(PoisonError::into_inner);
                    heard.push(Vec::new());
                    heard.len() - 1
                };
                for direction in [Direction::ToServer, Direction::ToClient] {
                    let (from, to) = match direction {
                        Direction::ToServer => (client.try_clone(), server.try_clone()),
                        Direction::ToClient => (server.try_clone(), client.try_clone()),
                    };
                    let (Ok(from), Ok(to)) = (from, to) else {
                        return;
                    };
                    let (ears, change) = (Arc::clone(&ears), Arc::clone(&change));
                    thread::spawn(move || pass_on(direction, from, to, number, &ears, &change));
                }
            }
        });
        Ok(Self {
            address,
            server,
            heard,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Builds a client that takes this proxy for the NameNode of a cluster without security.
    pub(crate) fn simple_client(&self, cluster: &Cluster, user: &str) -> Result<Client, HdfsError> {
        ClientBuilder::new()
            .with_url(format!("hdfs://{}", self.address))
            .with_config_dir(cluster.hadoop_conf_dir().display().to_string())
            .with_user(user)
            .build()
    }

    /// Builds a client that takes this proxy for the NameNode.
    pub(crate) fn client(&self, cluster: &Cluster, login: &Login) -> Result<Client, HdfsError> {
        kerbox::use_shared_krb5_conf();
        ClientBuilder::new()
            .with_url(format!("hdfs://{}", self.address))
            .with_config_dir(cluster.hadoop_conf_dir().display().to_string())
            .with_kerberos_principal(login.principal().to_string())
            .with_kerberos_cache(format!("FILE:{}", login.ccache().display()))
            .build()
    }

    /// Sends the first client's bytes on a new connection, and waits until the server hangs up or
    /// has nothing more to answer.
    pub(crate) fn replay(&self) -> std::io::Result<()> {
        let said = self
            .heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .first()
            .cloned()
            .unwrap_or_default();
        let mut server = TcpStream::connect(self.server)?;
        server.write_all(&said)?;
        server.shutdown(Shutdown::Write)?;
        let mut answer = Vec::new();
        // A server that resets the connection has refused, too.
        let _ = server.read_to_end(&mut answer);
        Ok(())
    }
}

/// Finds where the frames of a client's Hadoop RPC end, since its writes and the proxy's reads
/// divide them anywhere: seven bytes of header, then frames, each after its length in four bytes.
pub(crate) struct Frames {
    /// The bytes of the header that are to come.
    header: usize,
    /// The length's bytes so far, and their number.
    length: (u32, usize),
    /// The bytes of the frame that are to come.
    left: u32,
    ended: usize,
}

impl Frames {
    pub(crate) fn new() -> Self {
        Self {
            header: 7,
            length: (0, 0),
            left: 0,
            ended: 0,
        }
    }

    /// Takes the next byte. Returns the number of the frame that ends with it, from 0.
    pub(crate) fn end(&mut self, byte: u8) -> Option<usize> {
        if self.header > 0 {
            self.header -= 1;
        } else if self.left > 0 {
            self.left -= 1;
            if self.left == 0 {
                self.ended += 1;
                return Some(self.ended - 1);
            }
        } else {
            let (length, bytes) = self.length;
            self.length = (length << 8 | u32::from(byte), bytes + 1);
            if bytes == 3 {
                (self.left, _) = std::mem::take(&mut self.length);
            }
        }
        None
    }
}

fn pass_on(
    direction: Direction,
    mut from: TcpStream,
    mut to: TcpStream,
    number: usize,
    heard: &Mutex<Vec<Vec<u8>>>,
    change: &Mutex<Box<Change>>,
) {
    let mut buffer = vec![0; 1 << 16];
    let mut before = 0;
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let bytes = &mut buffer[..length];
        if direction == Direction::ToServer
            && let Some(connection) = heard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_mut(number)
        {
            connection.extend_from_slice(bytes);
        }
        change.lock().unwrap_or_else(PoisonError::into_inner)(direction, before, bytes);
        before += length;
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    // Pass the end of the stream on; the other side may already be gone.
    let _ = to.shutdown(Shutdown::Write);
}
