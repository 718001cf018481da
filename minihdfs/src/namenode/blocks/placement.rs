//! The choice of DataNodes for a block.

use std::net::IpAddr;

use kerbox_krb5::Timestamp;
use rand::Rng;
use rand::seq::SliceRandom;

use super::datanodes::{DatanodeIndex, DatanodeManager};
use crate::protocol::DatanodeRegistration;

/// The constraints on choosing DataNodes for a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placement<'a> {
    /// The number of DataNodes.
    pub(crate) count: usize,
    /// The DataNodes to exclude.
    pub(crate) excluded: &'a [DatanodeIndex],
    /// `host:port` of the preferred DataNodes.
    pub(crate) favored: &'a [String],
    /// The writer's address, if a DataNode at that address is to come first.
    pub(crate) writer: Option<IpAddr>,
    /// The free space required, in bytes.
    pub(crate) block_size: u64,
}

impl DatanodeManager {
    /// Chooses DataNodes for a block: favored ones, one at the writer's address, then any others.
    /// Uses stale ones only as a last resort. Returns fewer than requested if there are not enough.
    pub(super) fn choose(
        &self,
        now: Timestamp,
        placement: &Placement<'_>,
        rng: &mut impl Rng,
    ) -> Vec<DatanodeIndex> {
        let mut candidates: Vec<DatanodeIndex> = self
            .all()
            .filter(|(index, node)| {
                // The free space of a DataNode is unknown before its first heartbeat, and its
                // storage before its first block report.
                let has_storage = !node.report.storage_id.is_empty();
                let room =
                    node.report.capacity == 0 || node.report.remaining >= placement.block_size;
                node.alive && has_storage && room && !placement.excluded.contains(index)
            })
            .map(|(index, _)| index)
            .collect();
        candidates.shuffle(rng);
        let local = candidates
            .iter()
            .copied()
            .find(|index| Some(self.get(*index).registration.ip) == placement.writer);
        candidates.sort_by_key(|index| {
            let node = &self.get(*index).registration;
            let favored = placement
                .favored
                .iter()
                .any(|address| is_address_of(address, node));
            (self.is_stale(now, *index), !favored, Some(*index) != local)
        });
        candidates.truncate(placement.count);
        candidates
    }
}

fn is_address_of(address: &str, node: &DatanodeRegistration) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| {
        port.parse() == Ok(node.transfer_port)
            && (host == &*node.host_name || host.parse() == Ok(node.ip))
    })
}
