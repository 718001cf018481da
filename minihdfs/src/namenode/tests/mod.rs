//! Calls ClientProtocol directly, with a fixed clock and simulated DataNodes.

mod access_lists;
mod appending;
mod attributes;
mod authority;
mod caching;
mod datanode_admin;
mod deletions;
mod edits;
mod events;
mod features;
mod fixture;
mod hostile;
mod law;
mod leases;
mod listing;
mod model;
mod order;
mod permissions;
mod reads;
mod recovery;
mod rename;
mod replication;
mod restart;
mod safe_mode;
mod server_protocols;
mod session;
mod side_protocols;
mod snapshots;
mod storages;
mod symlinks;
mod tokens;
mod tree;
mod type_quotas;
mod upkeep;
mod writing;

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kerbox_events::{Event, Hook, NoHook, StateChange, TimerKind};
use kerbox_krb5::Timestamp;
use prost::Message;
use rand::SeedableRng;
use rand::rngs::StdRng;

use self::fixture::*;
use self::session::*;
use self::snapshots::shown::compare;
use super::storage::{read_segment, write_header, write_record};
use super::{Edit, EditSink, LogDirectory, MemoryEdits, NameNode, NameNodeIdentity, RpcIds};
use crate::config::HdfsConfig;
use crate::proto::hdfs::*;
use crate::protocol::{
    BadBlock, Block, BlockStatus, DatanodeCommand, DatanodeError, DatanodeProtocol,
    DatanodeRegistration, DatanodeStorage, HeartbeatReport, ReceivedDeletedBlock, ReplicaState,
    ReportedReplica, StorageReport, WorkSignal,
};
use crate::rpc::{Call, RpcService};
use crate::testing::Recorder;
use crate::user::{AuthMethod, User};
use crate::{Caller, HdfsError};

const START: Timestamp = Timestamp::from_secs(1_700_000_000);
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Calls `mkdirs` as the superuser.
pub(super) fn mkdirs(node: &NameNode, path: &str) -> Result<(), HdfsError> {
    let user = User {
        full: "hdfs".into(),
        short: "hdfs".into(),
    };
    let caller = Caller::new(user, AuthMethod::Simple, LOOPBACK);
    let request = MkdirsRequestProto {
        src: path.to_owned(),
        masked: FsPermissionProto { perm: 0o755 },
        create_parent: true,
        unmasked: None,
    };
    let request = request.encode_to_vec();
    let call = Call {
        now: START,
        caller: &caller,
        protocol: "org.apache.hadoop.hdfs.protocol.ClientProtocol",
        version: 1,
        method: "mkdirs",
        request: &request,
    };
    node.call(&call, &mut Vec::new())
}
