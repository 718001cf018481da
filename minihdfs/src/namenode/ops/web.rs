//! The choice of the DataNode that carries out an operation of WebHDFS.

use std::net::IpAddr;

use kerbox_krb5::Timestamp;

use super::status::datanode_id;
use crate::namenode::NameNode;
use crate::namenode::blocks::Placement;
use crate::proto::hdfs::DatanodeIdProto;

impl NameNode {
    /// Chooses a live DataNode with room for a block, at the client's address if there is one
    /// there.
    pub(crate) fn choose_for_web(
        &self,
        now: Timestamp,
        client: IpAddr,
        block_size: u64,
        is_excluded: impl Fn(&DatanodeIdProto) -> bool,
    ) -> Option<DatanodeIdProto> {
        let mut ns = self.lock();
        let nodes = ns.blocks.datanodes.iter();
        let excluded = nodes.filter_map(|node| {
            let id = datanode_id(&node.registration);
            is_excluded(&id).then(|| ns.blocks.datanodes.index(&node.registration.uuid))?
        });
        let excluded: Vec<_> = excluded.collect();
        let placement = Placement {
            count: 1,
            existing: &[],
            excluded: &excluded,
            favored: &[],
            writer: Some(client),
            block_size,
            kinds: &[],
        };
        let chosen = ns.blocks.choose(now, &placement);
        let node = ns.blocks.datanodes.get(*chosen.first()?);
        Some(datanode_id(&node.registration))
    }
}
