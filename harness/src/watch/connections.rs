//! Numbers for connections, which repeat in each run, unlike the ports that the system chooses.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use kerbox_events::{Event, Server};

/// The numbers of the open connections of each server, in the order of their arrival.
#[derive(Default)]
pub(super) struct Numbers {
    open: BTreeMap<(Server, SocketAddr), u64>,
    last: BTreeMap<Server, u64>,
}

impl Numbers {
    /// Returns the number of the connection that an event is about. Call it once for each event, in
    /// their order.
    pub(super) fn of(&mut self, event: &Event) -> Option<u64> {
        match event {
            Event::Connection {
                server,
                peer,
                opened: true,
            } => {
                let last = self.last.entry(*server).or_default();
                *last += 1;
                self.open.insert((*server, *peer), *last);
                Some(*last)
            }
            Event::Connection { server, peer, .. } => self.open.remove(&(*server, *peer)),
            Event::Fault { on, .. } => match &**on {
                Event::Connection { server, peer, .. } => self.open.get(&(*server, *peer)).copied(),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Returns the line of an event about a connection with this number.
pub(super) fn text(event: &Event, number: u64) -> Option<String> {
    match event {
        Event::Connection {
            server,
            peer,
            opened,
        } => {
            let what = if *opened { "connected" } else { "left" };
            Some(format!(
                "{server}: connection {number} from {} {what}",
                peer.ip()
            ))
        }
        Event::Fault {
            on,
            verdict,
            struck: true,
        } => Some(format!("fault: {verdict} on {}", text(on, number)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(port: u16, opened: bool) -> Event {
        Event::Connection {
            server: Server::NameNode(1),
            peer: SocketAddr::from(([127, 0, 0, 1], port)),
            opened,
        }
    }

    #[test]
    fn connections_are_numbered_as_they_arrive_whatever_their_ports_are() {
        let mut numbers = Numbers::default();
        let mut of = |port, opened| numbers.of(&connection(port, opened));
        assert_eq!(of(40_000, true), Some(1));
        assert_eq!(of(30_000, true), Some(2));
        assert_eq!(of(40_000, false), Some(1));
        assert_eq!(of(40_000, true), Some(3), "the port is used again");
        assert_eq!(of(30_000, false), Some(2));
        assert_eq!(of(30_000, false), None);
        assert_eq!(
            text(&connection(30_000, true), 2).as_deref(),
            Some("NameNode: connection 2 from 127.0.0.1 connected")
        );
    }
}
