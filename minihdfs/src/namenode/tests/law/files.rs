//! Steps that write files, and their DataNodes.

use super::*;

impl World {
    pub(super) fn make(&self, kind: u8, a: u8, b: u8, user: u8) {
        let session = self.session(user);
        match kind {
            0 => drop(session.mkdirs(path(a), 0o700 | u32::from(b % 64))),
            1 => {
                let overwrite = CreateFlagProto::Overwrite as u32 * u32::from(b % 2);
                let request = session.create_request(path(a), 1 | overwrite);
                drop(session.call::<CreateResponseProto>("create", &request));
            }
            2 => self.add_block(&session, a, b),
            _ => {
                let last = self.last_block(path(a)).map(|block| ExtendedBlockProto {
                    num_bytes: Some(u64::from(b) * 4),
                    ..block
                });
                drop(session.complete(path(a), last.as_ref()));
            }
        }
    }

    fn add_block(&self, session: &Session<'_>, a: u8, b: u8) {
        let previous = self.last_block(path(a));
        let Ok(located) = session.add_block(path(a), previous.as_ref()) else {
            return;
        };
        for node in located.locs.iter().filter(|_| !b.is_multiple_of(5)) {
            let number = node.id.datanode_uuid[2..].parse().expect("dn1 or dn2");
            self.fixture.received(number, &located.b, u64::from(b) * 4);
        }
    }

    pub(super) fn write(&self, kind: u8, a: u8, b: u8, user: u8) {
        let session = self.session(user);
        let client_name = format!("client-{}", session.caller.user.short);
        let src = path(a).to_owned();
        match kind {
            4 | 5 => {
                drop(session.create(&src));
                self.add_block(&session, a, b);
                self.make(3, a, b, user);
            }
            6 => {
                let flag = CreateFlagProto::NewBlock as u32 * u32::from(b % 2);
                let request = AppendRequestProto {
                    src,
                    client_name,
                    flag: Some(CreateFlagProto::Append as u32 | flag),
                };
                drop(session.call::<AppendResponseProto>("append", &request));
            }
            7 => {
                let request = TruncateRequestProto {
                    src,
                    new_length: u64::from(b) * 2,
                    client_name,
                };
                drop(session.call::<TruncateResponseProto>("truncate", &request));
            }
            _ => {
                let request = RecoverLeaseRequestProto { src, client_name };
                drop(session.call::<RecoverLeaseResponseProto>("recoverLease", &request));
            }
        }
    }

    pub(super) fn pipeline(&self, kind: u8, a: u8, b: u8, user: u8) {
        let session = self.session(user);
        let client_name = format!("client-{}", session.caller.user.short);
        let src = path(a).to_owned();
        let Some(block) = self.last_block(&src) else {
            return;
        };
        match kind {
            22 => {
                let request = FsyncRequestProto {
                    src,
                    client: client_name,
                    last_block_length: Some(i64::from(b)),
                    file_id: None,
                };
                drop(session.call::<FsyncResponseProto>("fsync", &request));
            }
            23 => {
                let request = AbandonBlockRequestProto {
                    b: block,
                    src,
                    holder: client_name,
                    file_id: None,
                };
                drop(session.call::<AbandonBlockResponseProto>("abandonBlock", &request));
            }
            24 => {
                let request = RenewLeaseRequestProto {
                    client_name,
                    namespaces: Vec::new(),
                };
                drop(session.call::<RenewLeaseResponseProto>("renewLease", &request));
            }
            _ => {
                let request = UpdateBlockForPipelineRequestProto {
                    block: block.clone(),
                    client_name: client_name.clone(),
                };
                let response = session.call::<UpdateBlockForPipelineResponseProto>(
                    "updateBlockForPipeline",
                    &request,
                );
                let Ok(response) = response else { return };
                let request = UpdatePipelineRequestProto {
                    client_name,
                    old_block: block.clone(),
                    new_block: ExtendedBlockProto {
                        num_bytes: Some(block.num_bytes() + u64::from(b)),
                        ..response.block.b
                    },
                    new_nodes: Vec::new(),
                    storage_i_ds: Vec::new(),
                };
                drop(session.call::<UpdatePipelineResponseProto>("updatePipeline", &request));
            }
        }
    }

    /// Lets time pass: seconds, or long enough for leases and tokens to lapse. The DataNodes carry
    /// out recoveries, if the last digit says so.
    pub(super) fn wait(&self, b: u8) {
        let minutes = [1, 2, 20, 60 * 25][usize::from(b % 4)];
        self.fixture.advance(Duration::from_secs(minutes * 60));
        let commands = self.fixture.heartbeats();
        self.fixture.tick();
        for (_, command) in commands {
            if let DatanodeCommand::Recover(order) = command
                && !(b / 4).is_multiple_of(4)
            {
                self.recover(&order, b);
            }
        }
    }

    fn recover(&self, order: &RecoveringBlock, b: u8) {
        let locations = order.locations.iter();
        let outcome = BlockSynchronization {
            block: order.block,
            new_generation_stamp: order.recovery_id,
            new_length: order.truncate_to.unwrap_or_else(|| u64::from(b)),
            delete_block: b.is_multiple_of(7),
            new_targets: locations
                .map(|location| RecoveredReplica {
                    datanode: location.clone(),
                    storage_id: storage(number_of(&location.uuid)).into(),
                })
                .collect(),
        };
        let now = self.fixture.now.get();
        drop(
            self.fixture
                .node
                .commit_block_synchronization(now, &outcome),
        );
    }
}
