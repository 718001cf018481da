//! The edits of a NameNode as events for clients (inotify; Hadoop's
//! `InotifyFSEditLogOpTranslator`).

use std::collections::VecDeque;

use bytes::Bytes;
use prost::Message;

use crate::HdfsError;
use crate::namenode::edit::{Edit, FileFields, PermissionStatus};
use crate::namenode::state::lengths::{LONGEST, total};
use crate::proto::hdfs::{
    AppendEventProto, CloseEventProto, CreateEventProto, EventBatchProto, EventProto, EventType,
    EventsListProto, FsPermissionProto, INodeType, MetadataUpdateEventProto, MetadataUpdateType,
    RenameEventProto, TruncateEventProto, UnlinkEventProto,
};

/// The most events in one response (`dfs.namenode.inotify.max.events.per.rpc`).
const MAX_EVENTS: usize = 1000;

/// The most bytes of encoded events that are kept.
const MAX_BYTES: usize = 8 << 20;

/// The events of the latest edits. Clients that ask for earlier ones get an error of their own
/// (`MissingEventsException`), as on a NameNode that has purged old segments of its log.
#[derive(Debug)]
pub(crate) struct EditEvents {
    /// The events of every edit from this one on are kept.
    since: i64,
    /// The edits that have events, encoded with their transaction ids and numbers of events.
    batches: VecDeque<(i64, usize, Bytes)>,
    bytes: usize,
}

impl EditEvents {
    /// Keeps the events of the edits from this transaction on.
    pub(crate) fn since(transaction_id: i64) -> Self {
        Self {
            since: transaction_id,
            batches: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Adds the events of an edit, and drops the oldest ones beyond the limit.
    pub(crate) fn record(&mut self, transaction_id: i64, edit: &Edit) {
        let events = events_of(edit);
        if events.is_empty() {
            return;
        }
        let count = events.len();
        let batch = EventBatchProto {
            txid: transaction_id,
            events,
        };
        let batch = Bytes::from(batch.encode_to_vec());
        self.bytes += batch.len();
        self.batches.push_back((transaction_id, count, batch));
        while self.bytes > MAX_BYTES
            && let Some((dropped, _, batch)) = self.batches.pop_front()
        {
            self.bytes -= batch.len();
            self.since = dropped.saturating_add(1);
        }
    }

    /// Returns the events from a transaction on, or from the first that is kept; `last` is the
    /// last transaction so far.
    pub(crate) fn list(&self, from: i64, last: i64) -> Result<EventsListProto, HdfsError> {
        let mut list = EventsListProto {
            events: Vec::new(),
            first_txid: -1,
            last_txid: -1,
            sync_txid: last,
            batch: Vec::new(),
        };
        let first = from.max(self.since);
        if first > last {
            return Ok(list);
        }
        list.first_txid = first;
        list.last_txid = last;
        let start = self.batches.partition_point(|(txid, _, _)| *txid < first);
        let mut count = 0;
        for (txid, events, batch) in self.batches.range(start..) {
            // Ours, so no limit on a peer's message applies: a concat has an event for each source.
            let batch = EventBatchProto::decode(batch.as_ref());
            list.batch
                .push(batch.map_err(|error| HdfsError::io(error.to_string()))?);
            count += events;
            if count >= MAX_EVENTS {
                list.last_txid = *txid;
                break;
            }
        }
        Ok(list)
    }
}

/// Returns the events of an edit; most edits of blocks, leases and tokens have none.
fn events_of(edit: &Edit) -> Vec<EventProto> {
    match edit {
        Edit::Add {
            file, overwrite, ..
        } => vec![create_file(file, *overwrite)],
        Edit::Close(file) => {
            let size = total(file.blocks.iter().map(|block| block.length));
            vec![close(&file.path, long(size), file.mtime)]
        }
        Edit::Append {
            path, new_block, ..
        } => vec![append(path, *new_block)],
        Edit::Truncate {
            src,
            new_length,
            timestamp,
            ..
        } => vec![event(
            EventType::EventTruncate,
            &TruncateEventProto {
                path: src.clone(),
                file_size: long(*new_length),
                timestamp: *timestamp,
            },
        )],
        Edit::ConcatDelete {
            trg,
            srcs,
            timestamp,
            ..
        } => {
            let mut events = vec![append(trg, false)];
            events.extend(srcs.iter().map(|src| unlink(src, *timestamp)));
            events.push(close(trg, -1, *timestamp));
            events
        }
        _ => tree_events_of(edit),
    }
}

/// Returns the events of an edit that changes the tree or an attribute.
fn tree_events_of(edit: &Edit) -> Vec<EventProto> {
    match edit {
        Edit::Mkdir {
            path,
            timestamp,
            permissions,
            ..
        } => vec![create_directory(path, *timestamp, permissions)],
        Edit::Symlink {
            path,
            value,
            mtime,
            permissions,
            ..
        } => {
            let created = CreateEventProto {
                symlink_target: Some(value.clone()),
                ..create(INodeType::ITypeSymlink, path, *mtime, permissions)
            };
            vec![event(EventType::EventCreate, &created)]
        }
        Edit::RenameOld {
            src,
            dst,
            timestamp,
            ..
        }
        | Edit::Rename {
            src,
            dst,
            timestamp,
            ..
        } => vec![event(
            EventType::EventRename,
            &RenameEventProto {
                src_path: src.clone(),
                dest_path: dst.clone(),
                timestamp: *timestamp,
            },
        )],
        Edit::Delete {
            path, timestamp, ..
        } => vec![unlink(path, *timestamp)],
        _ => metadata_of(edit).into_iter().collect(),
    }
}

/// Returns the event of an edit that changes attributes.
fn metadata_of(edit: &Edit) -> Option<EventProto> {
    let updated = match edit {
        Edit::SetReplication { path, replication } => MetadataUpdateEventProto {
            replication: Some((*replication).into()),
            ..update(path, MetadataUpdateType::MetaTypeReplication)
        },
        Edit::SetPermissions { src, mode } => MetadataUpdateEventProto {
            perms: Some(FsPermissionProto {
                perm: (*mode).into(),
            }),
            ..update(src, MetadataUpdateType::MetaTypePerms)
        },
        Edit::SetOwner {
            src,
            username,
            groupname,
        } => MetadataUpdateEventProto {
            owner_name: Some(username.clone().unwrap_or_default()),
            group_name: Some(groupname.clone().unwrap_or_default()),
            ..update(src, MetadataUpdateType::MetaTypeOwner)
        },
        Edit::Times { path, mtime, atime } => MetadataUpdateEventProto {
            mtime: Some(*mtime),
            atime: Some(*atime),
            ..update(path, MetadataUpdateType::MetaTypeTimes)
        },
        Edit::SetAcl { src, entries } => MetadataUpdateEventProto {
            acls: entries.iter().map(|entry| entry.to_proto()).collect(),
            ..update(src, MetadataUpdateType::MetaTypeAcls)
        },
        Edit::SetXAttr { src, xattr, .. } => MetadataUpdateEventProto {
            x_attrs: vec![xattr.to_proto()],
            ..update(src, MetadataUpdateType::MetaTypeXattrs)
        },
        Edit::RemoveXAttr { src, xattr, .. } => MetadataUpdateEventProto {
            x_attrs: vec![xattr.to_proto()],
            x_attrs_removed: Some(true),
            ..update(src, MetadataUpdateType::MetaTypeXattrs)
        },
        _ => return None,
    };
    Some(event(EventType::EventMetadata, &updated))
}

/// Returns an update that changes nothing: clients read a missing name as empty.
fn update(path: &str, kind: MetadataUpdateType) -> MetadataUpdateEventProto {
    MetadataUpdateEventProto {
        path: path.to_owned(),
        r#type: kind.into(),
        mtime: Some(0),
        atime: Some(0),
        replication: Some(0),
        owner_name: Some(String::new()),
        group_name: Some(String::new()),
        x_attrs_removed: Some(false),
        ..MetadataUpdateEventProto::default()
    }
}

fn event(kind: EventType, contents: &impl Message) -> EventProto {
    EventProto {
        r#type: kind.into(),
        contents: contents.encode_to_vec().into(),
    }
}

fn create(
    kind: INodeType,
    path: &str,
    time: i64,
    permissions: &PermissionStatus,
) -> CreateEventProto {
    CreateEventProto {
        r#type: kind.into(),
        path: path.to_owned(),
        ctime: time,
        owner_name: permissions.owner.to_string(),
        group_name: permissions.group.to_string(),
        perms: FsPermissionProto {
            perm: permissions.mode.into(),
        },
        replication: Some(0),
        symlink_target: Some(String::new()),
        overwrite: Some(false),
        default_block_size: Some(0),
        erasure_coded: Some(false),
    }
}

fn create_file(file: &FileFields, overwrite: bool) -> EventProto {
    let created = CreateEventProto {
        replication: Some(file.replication.into()),
        overwrite: Some(overwrite),
        default_block_size: Some(long(file.block_size)),
        ..create(
            INodeType::ITypeFile,
            &file.path,
            file.atime,
            &file.permissions,
        )
    };
    event(EventType::EventCreate, &created)
}

fn create_directory(path: &str, time: i64, permissions: &PermissionStatus) -> EventProto {
    let created = create(INodeType::ITypeDirectory, path, time, permissions);
    event(EventType::EventCreate, &created)
}

fn append(path: &str, new_block: bool) -> EventProto {
    event(
        EventType::EventAppend,
        &AppendEventProto {
            path: path.to_owned(),
            new_block: Some(new_block),
        },
    )
}

fn close(path: &str, file_size: i64, timestamp: i64) -> EventProto {
    event(
        EventType::EventClose,
        &CloseEventProto {
            path: path.to_owned(),
            file_size,
            timestamp,
        },
    )
}

fn unlink(path: &str, timestamp: i64) -> EventProto {
    event(
        EventType::EventUnlink,
        &UnlinkEventProto {
            path: path.to_owned(),
            timestamp,
        },
    )
}

/// Converts a length to Java's `long`.
fn long(length: u64) -> i64 {
    length.min(LONGEST).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::namenode::edit::RpcIds;

    #[test]
    fn a_concat_of_ten_thousand_files_is_listed() {
        let concat = Edit::ConcatDelete {
            trg: "/target".to_owned(),
            srcs: (0..10_000).map(|number| format!("/{number}")).collect(),
            timestamp: 1,
            rpc: RpcIds::NONE,
        };
        let mut events = EditEvents::since(1);
        events.record(1, &concat);
        let list = events.list(1, 1).expect("what was recorded");
        assert_eq!(list.batch[0].events.len(), 10_002);
    }
}
