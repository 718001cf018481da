//! Partitions of the network: two sides that cannot reach each other.

use std::net::IpAddr;

use kerbox_events::{Event, Server, Verdict};

use crate::Error;
use crate::cluster::Cluster;
use crate::watch::faults::{Fault, FaultGuard};

/// A side of a [partition](Cluster::partition): a server, or the clients at an address.
///
/// ```
/// use std::net::{IpAddr, Ipv4Addr};
///
/// use kerbox::{Cluster, Server, Side};
///
/// let cluster = Cluster::simple().start_blocking()?;
/// // A client that connects from 127.0.0.2 does not reach the NameNode.
/// let client = Side::Client(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)));
/// let _partition = cluster.partition(client, Server::NameNode(1))?;
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Side {
    /// The NameNode or a DataNode.
    Server(Server),
    /// The clients that connect from this address. On this machine, a client can choose one of
    /// 127.0.0.0/8.
    Client(IpAddr),
}

impl From<Server> for Side {
    fn from(server: Server) -> Self {
        Self::Server(server)
    }
}

impl From<IpAddr> for Side {
    fn from(client: IpAddr) -> Self {
        Self::Client(client)
    }
}

impl Cluster {
    /// Cuts two sides off from each other until the guard is dropped, as a router does that answers
    /// "no route to host": open connections end, and new ones fail at once.
    ///
    /// - A DataNode cut off from the NameNode sends no heartbeats and reports; when the guard is
    ///   dropped, it makes up for them with its next heartbeat.
    /// - DataNodes cut off from each other forward no blocks and packets.
    /// - Clients cut off from a server cannot connect to it.
    ///
    /// Fails for other pairs: servers do not call the KDC, and the NameNode calls no DataNode.
    ///
    /// ```
    /// use kerbox::{Cluster, Server};
    /// use std::time::Duration;
    ///
    /// let cluster = Cluster::simple().start_blocking()?;
    /// let partition = cluster.partition(Server::DataNode(1), Server::NameNode(1))?;
    /// cluster.advance_blocking(Duration::from_secs(15 * 60))?;
    /// assert_eq!(cluster.namenode().live_datanodes(), 0, "it is considered dead");
    /// drop(partition);
    /// cluster.advance_blocking(Duration::from_secs(10))?;
    /// assert_eq!(cluster.namenode().live_datanodes(), 1, "it has registered again");
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    pub fn partition(
        &self,
        one: impl Into<Side>,
        other: impl Into<Side>,
    ) -> Result<FaultGuard, Error> {
        let sides = [one.into(), other.into()];
        self.check(sides)?;
        let strikes = move |event: &Event| is_between(sides, event);
        let guard = self.inject(Fault::new(strikes, Verdict::Disconnect));
        if let [Side::Server(server), Side::Client(client)]
        | [Side::Client(client), Side::Server(server)] = sides
        {
            match server {
                Server::DataNode(number) => self.datanode(number)?.cut_connections_from(client),
                _ => self.namenode_server().cut_connections_from(client),
            };
        }
        Ok(guard)
    }

    /// Fails if nothing goes on between the two sides that a partition could cut.
    fn check(&self, sides: [Side; 2]) -> Result<(), Error> {
        use Server::{DataNode, NameNode};
        for side in sides {
            if let Side::Server(DataNode(number)) = side {
                self.datanode(number)?;
            }
        }
        match sides {
            [Side::Server(NameNode(1)), Side::Server(DataNode(_))]
            | [Side::Server(DataNode(_)), Side::Server(NameNode(1))]
            | [Side::Client(_), Side::Server(NameNode(1) | DataNode(_))]
            | [Side::Server(NameNode(1) | DataNode(_)), Side::Client(_)] => Ok(()),
            [Side::Server(DataNode(one)), Side::Server(DataNode(other))] if one != other => Ok(()),
            [one, other] => Err(Error::Setting {
                key: "partition".to_owned(),
                value: format!("{one:?} and {other:?}"),
                why: "no connections go between them; name the NameNode and a DataNode, two \
                      DataNodes, or one of these and a client's address"
                    .to_owned(),
            }),
        }
    }
}

fn is_between(sides: [Side; 2], event: &Event) -> bool {
    let (from, to) = match event {
        Event::Report { datanode, .. } => (
            Side::Server(Server::DataNode(*datanode)),
            Side::Server(Server::NameNode(1)),
        ),
        Event::Dial {
            datanode,
            to: Some(to),
        } => (
            Side::Server(Server::DataNode(*datanode)),
            Side::Server(Server::DataNode(*to)),
        ),
        Event::Connection {
            server,
            peer,
            opened: true,
        } => (Side::Client(peer.ip()), Side::Server(*server)),
        _ => return false,
    };
    sides == [from, to] || sides == [to, from]
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;

    #[test]
    fn a_pair_without_connections_is_refused() {
        let cluster = Cluster::simple().start_blocking().expect("it starts");
        let (namenode, first) = (Server::NameNode(1), Server::DataNode(1));
        for (one, other) in [
            (Server::Kdc, namenode),
            (first, first),
            (first, Server::DataNode(2)),
        ] {
            let refused = cluster.partition(one, other).expect_err("no connections");
            assert!(!refused.to_string().is_empty(), "{one} {other}");
        }
    }

    #[test]
    fn clients_at_an_address_are_cut_off_and_others_are_not() {
        let cluster = Cluster::simple().start_blocking().expect("it starts");
        let address = cluster.namenode_address();
        let mut before = TcpStream::connect(address).expect("it listens");
        let opened = |event: &Event| matches!(event, Event::Connection { opened: true, .. });
        let ten = std::time::Duration::from_secs(10);
        cluster.journal().wait_blocking(opened, ten).expect("seen");
        let elsewhere = IpAddr::from(Ipv4Addr::new(127, 0, 0, 2));
        let local = IpAddr::from(Ipv4Addr::LOCALHOST);
        let other = cluster.partition(elsewhere, Server::NameNode(1));
        let _other = other.expect("a pair");
        let partition = cluster.partition(Server::NameNode(1), local);
        let partition = partition.expect("a pair");
        before.set_read_timeout(Some(ten)).expect("a limit");
        let end = |stream: &mut TcpStream| std::io::Read::read(stream, &mut [0]);
        assert!(end(&mut before).map_or(true, |length| length == 0));
        // It is seen before it is let in, so the partition may have refused it.
        let struck = partition.struck();
        let mut during = TcpStream::connect(address).expect("the system accepts");
        during.set_read_timeout(Some(ten)).expect("a limit");
        assert!(end(&mut during).map_or(true, |length| length == 0));
        assert_eq!(partition.struck(), struck + 1);
        drop(partition);
        let mut after = TcpStream::connect(address).expect("it listens");
        std::io::Write::write_all(&mut after, b"GET / HTTP/1.0\r\n\r\n").expect("sent");
        after.set_read_timeout(Some(ten)).expect("a limit");
        assert_eq!(end(&mut after).expect("an answer"), 1);
    }
}
