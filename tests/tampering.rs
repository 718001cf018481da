//! A man in the middle changes a byte of a file on its way to or from a DataNode: MACs detect it on
//! either side.

use std::time::Duration;

use kerbox::{Cluster, Event, Login, Outcome};

use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::proxy::{Direction, Proxy};
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [Peer::LibGssapi] =>
        what_passes_a_datanode_untouched_is_whole,
        a_byte_changed_on_the_way_to_a_datanode_is_refused,
        a_byte_changed_on_the_way_from_a_datanode_is_refused;
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The byte's offset in the stream: after handshake and request, within the file.
const AT: usize = 20_000;
const LENGTH: usize = 60_000;

/// Encodes a port as `DatanodeIDProto.xferPort` (field 4).
fn transfer_port(port: u16) -> [u8; 4] {
    [
        4 << 3,
        port as u8 | 0x80,
        (port >> 7) as u8 | 0x80,
        (port >> 14) as u8,
    ]
}

/// A cluster, and a route to it on which one byte of each DataNode connection is changed, in one
/// direction.
struct Wire {
    cluster: Cluster,
    alice: Login,
    namenode: Proxy,
}

impl Wire {
    /// RPC stays unencrypted, so that the proxy can send clients to another port; `protection`
    /// applies to data transfer.
    fn start(protection: &str, changed: Option<Direction>) -> Result<Self, Error> {
        let cluster = Cluster::secure()
            .set("dfs.data.transfer.protection", protection)
            .start_blocking()?;
        let alice = cluster.login_blocking("alice")?;
        let address = cluster.datanode(1)?.address();
        let datanode = Proxy::start(address, move |direction, before, bytes| {
            if Some(direction) == changed && (before..before + bytes.len()).contains(&AT) {
                bytes[AT - before] ^= 1;
            }
        })?;
        let (real, other) = (
            transfer_port(address.port()),
            transfer_port(datanode.address().port()),
        );
        let namenode = Proxy::start(cluster.namenode_address(), move |direction, _, bytes| {
            let places = (0..bytes.len())
                .filter(|at| direction == Direction::ToClient && bytes[*at..].starts_with(&real));
            for at in places.collect::<Vec<_>>() {
                bytes[at..at + 4].copy_from_slice(&other);
            }
        })?;
        Ok(Self {
            cluster,
            alice,
            namenode,
        })
    }

    /// Writes by one route, reads by the other, and returns whether the bytes arrived unchanged.
    fn carries(&self, to_write: bool) -> Result<bool, Error> {
        let mut same = false;
        block_on(async {
            let direct = client(&self.cluster, &self.alice)?;
            let proxied = self.namenode.client(&self.cluster, &self.alice)?;
            let (writer, reader) = if to_write {
                (proxied, direct)
            } else {
                (direct, proxied)
            };
            // A client may panic where it detects damage; one that waits forever has not accepted
            // it, either.
            let carried = tokio::spawn(async move {
                write(&writer, "/user/alice/f", pattern(LENGTH)).await?;
                read(&reader, "/user/alice/f").await
            });
            let carried = tokio::time::timeout(Duration::from_secs(20), carried).await;
            if let Ok(Ok(Ok(bytes))) = carried {
                assert!(
                    bytes == pattern(LENGTH),
                    "changed bytes were taken for the file's"
                );
                same = true;
            }
            Ok(())
        })?;
        Ok(same)
    }

    /// Counts the DataNode's writes that ended with this outcome, and the others.
    fn writes(&self, so: &Outcome) -> (usize, usize) {
        let writes = self
            .cluster
            .journal()
            .filter(|event| matches!(event, Event::WriteBlock { .. }));
        let such = writes
            .iter()
            .filter(|entry| entry.event.outcome() == Some(so))
            .count();
        (such, writes.len() - such)
    }
}

fn what_passes_a_datanode_untouched_is_whole() -> TestResult {
    for to_write in [true, false] {
        let wire = Wire::start("integrity", None)?;
        assert!(
            wire.carries(to_write)?,
            "{}",
            wire.cluster.journal().last(20)
        );
    }
    Ok(())
}

fn a_byte_changed_on_the_way_to_a_datanode_is_refused() -> TestResult {
    for protection in ["integrity", "privacy"] {
        let wire = Wire::start(protection, Some(Direction::ToServer))?;
        assert!(!wire.carries(true)?, "{}", wire.cluster.journal().last(20));
        // The MAC's failure closes the connection. Checksums, the next check, would have answered
        // ERROR_CHECKSUM.
        let (cut, other) = wire.writes(&Outcome::Disconnected);
        assert!(
            cut > 0 && other == 0,
            "{protection}: {}",
            wire.cluster.journal().last(20)
        );
    }
    Ok(())
}

fn a_byte_changed_on_the_way_from_a_datanode_is_refused() -> TestResult {
    for protection in ["integrity", "privacy"] {
        let wire = Wire::start(protection, Some(Direction::ToClient))?;
        assert!(!wire.carries(false)?, "{}", wire.cluster.journal().last(20));
        let (_, other) = wire.writes(&Outcome::Ok);
        assert_eq!(other, 0, "the file itself is whole");
    }
    Ok(())
}
