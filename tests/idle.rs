//! Idle connections end by the fixture's clock, as Hadoop's keys say: they stay while it stands,
//! and no time has to pass for their end.

use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use kerbox::{Clock, Cluster, ClusterBuilder, Event, Journal, Realm, Server, Timestamp};

use crate::clients::hdfs_native::{read, simple_client, write};
use crate::support::{TestResult, block_on, trials};

trials! {
    [] =>
        a_namenode_closes_idle_connections_from_a_number_of_them,
        a_namenode_with_few_connections_keeps_them,
        a_datanode_waits_for_another_operation,
        an_http_port_waits_for_another_request,
        an_http_port_does_not_close_strangers_by_the_clock,
        a_kdc_closes_connections_without_a_request;
}

const SECOND: Duration = Duration::from_secs(1);

/// Longer than any server takes to close a connection.
const SOON: Duration = Duration::from_secs(30);

/// The wait after each move of the clock, in real time.
const MOMENT: Duration = Duration::from_secs(1);

async fn frozen(builder: ClusterBuilder) -> Result<Cluster, kerbox::Error> {
    let clock = Clock::frozen(Timestamp::from_secs(1_800_000_000));
    builder.clock(clock).start().await
}

/// Returns a filter for the connections of `of` that were accepted or have ended.
fn connections(of: Server, is_opened: bool) -> impl Fn(&Event) -> bool + Copy {
    move |event| {
        matches!(event, Event::Connection { server, opened, .. }
            if *server == of && *opened == is_opened)
    }
}

/// Advances by `limit` until a connection is closed. A server answers before it begins to wait, so
/// the first time may come too early.
async fn wait_for_end(
    cluster: &Cluster,
    journal: &Journal,
    of: Server,
    limit: Duration,
) -> TestResult {
    for _ in 0..20 {
        cluster.advance(limit).await?;
        let left = journal.wait(connections(of, false), MOMENT);
        if left.await.is_ok() {
            return Ok(());
        }
    }
    Err("an idle connection stays open".into())
}

/// Twice ten seconds, which is `ipc.client.connection.maxidletime`.
fn a_namenode_closes_idle_connections_from_a_number_of_them() -> TestResult {
    block_on(async {
        let cluster = frozen(Cluster::simple().set("ipc.client.idlethreshold", "1")).await?;
        let (namenode, journal) = (Server::NameNode(1), cluster.journal());
        let client = simple_client(&cluster, "alice")?;
        for _ in 0..2 {
            client.get_file_info("/").await?;
            cluster.advance(19 * SECOND).await?;
        }
        let left = connections(namenode, false);
        assert_eq!(journal.count(connections(namenode, true)), 1);
        assert_eq!(journal.count(left), 0, "each call begins the time anew");
        wait_for_end(&cluster, &journal, namenode, 20 * SECOND).await?;
        let other = simple_client(&cluster, "alice")?;
        other.get_file_info("/").await?;
        Ok(())
    })
}

fn a_namenode_with_few_connections_keeps_them() -> TestResult {
    block_on(async {
        let cluster = frozen(Cluster::simple()).await?;
        let (namenode, journal) = (Server::NameNode(1), cluster.journal());
        let client = simple_client(&cluster, "alice")?;
        for _ in 0..3 {
            client.get_file_info("/").await?;
            cluster.advance(24 * 3600 * SECOND).await?;
        }
        client.get_file_info("/").await?;
        assert_eq!(journal.count(connections(namenode, true)), 1);
        assert_eq!(journal.count(connections(namenode, false)), 0);
        Ok(())
    })
}

/// `dfs.datanode.socket.reuse.keepalive`; hdfs-native keeps its connection after a read.
fn a_datanode_waits_for_another_operation() -> TestResult {
    block_on(async {
        let builder = Cluster::simple().set("dfs.datanode.socket.reuse.keepalive", "60000");
        let cluster = frozen(builder).await?;
        let datanode = Server::DataNode(1);
        let client = simple_client(&cluster, "alice")?;
        let journal = cluster.journal();
        write(&client, "/user/alice/file", Bytes::from_static(b"idle")).await?;
        // Its connection ends with the block.
        let left = connections(datanode, false);
        journal.wait(left, SOON).await?;
        let journal = journal.from_here();
        read(&client, "/user/alice/file").await?;
        let is_read = |event: &Event| matches!(event, Event::ReadBlock { .. });
        journal.wait(is_read, SOON).await?;
        cluster.advance(59 * SECOND).await?;
        assert_eq!(journal.count(left), 0);
        wait_for_end(&cluster, &journal, datanode, 60 * SECOND).await?;
        assert_eq!(&read(&client, "/user/alice/file").await?[..], b"idle");
        Ok(())
    })
}

/// A client of HTTP that keeps its connection.
struct KeptConnection {
    stream: TcpStream,
    host: SocketAddr,
}

impl KeptConnection {
    fn to(host: SocketAddr) -> Result<Self, std::io::Error> {
        let stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(SOON))?;
        Ok(Self { stream, host })
    }

    /// Asks for the status of `/`.
    fn ask(&mut self) -> TestResult {
        let host = self.host;
        let path = "/webhdfs/v1/?op=GETFILESTATUS&user.name=alice";
        write!(self.stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"}}") {
            let mut piece = [0; 1024];
            match self.stream.read(&mut piece)? {
                0 => return Err("the connection is closed".into()),
                length => answer.extend(&piece[..length]),
            }
        }
        Ok(())
    }
}

/// `hadoop.http.idle_timeout.ms`.
fn an_http_port_waits_for_another_request() -> TestResult {
    block_on(async {
        let cluster = frozen(Cluster::simple()).await?;
        let (namenode, journal) = (Server::NameNode(1), cluster.journal());
        let mut client = KeptConnection::to(cluster.http_address())?;
        for _ in 0..3 {
            client.ask()?;
            cluster.advance(59 * SECOND).await?;
        }
        let left = connections(namenode, false);
        assert_eq!(journal.count(left), 0, "each request begins the time anew");
        assert_eq!(journal.count(connections(namenode, true)), 1);
        wait_for_end(&cluster, &journal, namenode, 60 * SECOND).await?;
        assert!(client.ask().is_err());
        KeptConnection::to(cluster.http_address())?.ask()
    })
}

/// As with the clients of all ports, a frozen clock does not keep them for ever.
fn an_http_port_does_not_close_strangers_by_the_clock() -> TestResult {
    block_on(async {
        let cluster = frozen(Cluster::simple().set("hadoop.http.idle_timeout.ms", "1000")).await?;
        let mut stranger = KeptConnection::to(cluster.http_address())?;
        let opened = connections(Server::NameNode(1), true);
        cluster.journal().wait(opened, SOON).await?;
        cluster.advance(24 * 3600 * SECOND).await?;
        stranger.ask()
    })
}

/// A KDC answers one request on a connection, so one that is idle has none yet.
fn a_kdc_closes_connections_without_a_request() -> TestResult {
    block_on(async {
        let clock = Clock::frozen(Timestamp::from_secs(1_800_000_000));
        let realm = Realm::builder().clock(clock).kdcs(2).start().await?;
        for number in [1, 2] {
            let mut silent = TcpStream::connect(realm.kdc_server(number)?.address())?;
            silent.set_read_timeout(Some(MOMENT))?;
            let is_open = |silent: &mut TcpStream| match silent.read(&mut [0]) {
                Ok(length) => length > 0,
                Err(error) => matches!(error.kind(), WouldBlock | TimedOut),
            };
            realm.advance(59 * SECOND).await?;
            assert!(is_open(&mut silent), "it is closed too early");
            let mut tries = 0;
            while is_open(&mut silent) {
                tries += 1;
                assert!(tries < 20, "an idle connection stays open");
                realm.advance(60 * SECOND).await?;
            }
        }
        Ok(())
    })
}
