//! The law of replay: after any sequence of operations, the edits give an equal state.

use proptest::prelude::*;

use super::*;
use crate::proto::common::*;
use crate::protocol::{BlockSynchronization, RecoveredReplica, RecoveringBlock};

/// One step: a kind of call, two parameters and a user.
pub(super) type Step = (u8, u8, u8, u8);

const KINDS: u8 = 36;

const PATHS: [&str; 12] = [
    "/a",
    "/a/b",
    "/a/b/c",
    "/a/f",
    "/a/g",
    "/d",
    "/d/f",
    "/d/g",
    "/f",
    "/d/e/f",
    "/",
    "/.reserved/raw/a/f",
];

fn path(number: u8) -> &'static str {
    PATHS[usize::from(number) % PATHS.len()]
}

/// A NameNode with two DataNodes, in which every user may do something.
pub(super) struct World {
    pub(super) fixture: Fixture,
    tokens: Vec<TokenProto>,
}

impl World {
    fn new() -> Self {
        Self::with(&[])
    }

    /// Same as [`new`](Self::new), with these additional keys.
    pub(super) fn with(keys: &[(&str, &str)]) -> Self {
        let own = [
            ("dfs.namenode.delegation.token.always-use", "true"),
            ("dfs.namenode.accesstime.precision", "60000"),
            ("dfs.namenode.fs-limits.min-block-size", "1"),
        ];
        let keys = [&own, keys].concat();
        let fixture = Fixture::with_config(&keys, |config| config.symlinks = true);
        let fixture = fixture.with_datanodes(2);
        fixture.hdfs().chmod("/", 0o777).expect("the superuser");
        Self {
            fixture,
            tokens: Vec::new(),
        }
    }

    fn session(&self, user: u8) -> Session<'_> {
        let name = ["alice", "bob", "hdfs"][usize::from(user) % 3];
        let mut session = self.fixture.user(name);
        session.caller.client_id = [user % 3 + 1; 16];
        session
    }

    fn last_block(&self, src: &str) -> Option<ExtendedBlockProto> {
        let located = self.fixture.hdfs().locations(src).ok()?;
        located.last_block.map(|block| block.b)
    }

    /// Takes a step. Whether the call succeeds does not matter.
    pub(super) fn step(&mut self, (kind, a, b, user): Step) {
        match kind % KINDS {
            0..=3 => self.make(kind % KINDS, a, b, user),
            4..=8 => self.write(kind % KINDS, a, b, user),
            9..=13 => self.move_about(kind % KINDS, a, b, user),
            14..=20 => self.set(kind % KINDS, a, b, user),
            21 => self.token(b, user),
            22..=25 => self.pipeline(kind % KINDS, a, b, user),
            26 => self.wait(b),
            27 => self.cache(a, b, user),
            28 => self.link(a, b, user),
            30..=35 => self.snapshot(kind % KINDS, a, b),
            _ => self.administrate(a, b),
        }
    }

    fn make(&self, kind: u8, a: u8, b: u8, user: u8) {
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

    fn write(&self, kind: u8, a: u8, b: u8, user: u8) {
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

    fn move_about(&self, kind: u8, a: u8, b: u8, user: u8) {
        let session = self.session(user);
        let (src, dst) = (path(a).to_owned(), path(b).to_owned());
        match kind {
            9 => {
                let request = ConcatRequestProto {
                    trg: src,
                    srcs: vec![dst],
                };
                drop(session.call::<ConcatResponseProto>("concat", &request));
            }
            10 => {
                let request = RenameRequestProto { src, dst };
                drop(session.call::<RenameResponseProto>("rename", &request));
            }
            11 => {
                let request = Rename2RequestProto {
                    src,
                    dst,
                    overwrite_dest: user.is_multiple_of(2),
                    ..Rename2RequestProto::default()
                };
                drop(session.call::<Rename2ResponseProto>("rename2", &request));
            }
            12 => drop(session.delete(&src, b.is_multiple_of(2))),
            _ => drop(session.locations(&src)),
        }
    }

    fn set(&self, kind: u8, a: u8, b: u8, user: u8) {
        let session = self.session(user);
        let src = path(a).to_owned();
        let number = u64::from(b);
        match kind {
            14 => drop(session.chmod(&src, 0o700 | u32::from(b))),
            15 => {
                let names = ["alice", "bob", "hdfs"];
                let name = names[usize::from(b) % 3];
                drop(session.chown(&src, Some(name), b.is_multiple_of(2).then_some("staff")));
            }
            16 => {
                let request = SetTimesRequestProto {
                    src,
                    mtime: if b.is_multiple_of(2) {
                        u64::MAX
                    } else {
                        number
                    },
                    atime: if b.is_multiple_of(3) {
                        u64::MAX
                    } else {
                        number
                    },
                };
                drop(session.call::<SetTimesResponseProto>("setTimes", &request));
            }
            17 => {
                let request = SetReplicationRequestProto {
                    src,
                    replication: u32::from(b % 4),
                };
                drop(session.call::<SetReplicationResponseProto>("setReplication", &request));
            }
            18 => {
                let quota = |value: u64| match value % 3 {
                    0 => u64::MAX,
                    1 => i64::MAX as u64,
                    _ => number * 40,
                };
                let by_type = b.is_multiple_of(7);
                let request = SetQuotaRequestProto {
                    path: src,
                    namespace_quota: if by_type {
                        i64::MAX as u64
                    } else {
                        quota(number)
                    },
                    storagespace_quota: quota(number / 3),
                    storage_type: by_type.then_some(StorageTypeProto::Archive.into()),
                };
                drop(
                    self.session(2)
                        .call::<SetQuotaResponseProto>("setQuota", &request),
                );
            }
            19 => self.access_list(&session, src, b),
            _ => self.attribute(&session, src, b),
        }
    }

    fn access_list(&self, session: &Session<'_>, src: String, b: u8) {
        let entry = |scope: i32, kind: i32, name: &str| AclEntryProto {
            r#type: kind,
            scope,
            permissions: i32::from(b % 8),
            name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        };
        let mut acl_spec = vec![entry(i32::from(b / 8 % 2), 0, "bob"), entry(0, 1, "staff")];
        match b % 5 {
            0 | 1 => {
                let request = ModifyAclEntriesRequestProto { src, acl_spec };
                drop(session.call::<ModifyAclEntriesResponseProto>("modifyAclEntries", &request));
            }
            2 => {
                acl_spec.extend([entry(0, 0, ""), entry(0, 1, ""), entry(0, 3, "")]);
                let request = SetAclRequestProto { src, acl_spec };
                drop(session.call::<SetAclResponseProto>("setAcl", &request));
            }
            3 => {
                let request = RemoveAclRequestProto { src };
                drop(session.call::<RemoveAclResponseProto>("removeAcl", &request));
            }
            _ => {
                let request = RemoveAclEntriesRequestProto { src, acl_spec };
                drop(session.call::<RemoveAclEntriesResponseProto>("removeAclEntries", &request));
            }
        }
    }

    fn attribute(&self, session: &Session<'_>, src: String, b: u8) {
        let x_attr = XAttrProto {
            namespace: 0,
            name: ["one", "two"][usize::from(b % 2)].to_owned(),
            value: Some(vec![b].into()).filter(|_| b.is_multiple_of(3)),
        };
        match b % 5 {
            0 | 1 => {
                let request = SetXAttrRequestProto {
                    src,
                    x_attr: Some(x_attr),
                    flag: Some(3),
                };
                drop(session.call::<SetXAttrResponseProto>("setXAttr", &request));
            }
            2 => {
                let request = RemoveXAttrRequestProto {
                    src,
                    x_attr: Some(x_attr),
                };
                drop(session.call::<RemoveXAttrResponseProto>("removeXAttr", &request));
            }
            3 => {
                let request = SetStoragePolicyRequestProto {
                    src,
                    policy_name: ["COLD", "WARM"][usize::from(b / 5 % 2)].to_owned(),
                };
                drop(session.call::<SetStoragePolicyResponseProto>("setStoragePolicy", &request));
            }
            _ => {
                let request = UnsetStoragePolicyRequestProto { src };
                drop(
                    session.call::<UnsetStoragePolicyResponseProto>("unsetStoragePolicy", &request),
                );
            }
        }
    }

    fn token(&mut self, b: u8, user: u8) {
        let session = self.session(user);
        if b.is_multiple_of(3) || self.tokens.is_empty() {
            let request = GetDelegationTokenRequestProto {
                renewer: "bob".to_owned(),
            };
            let response =
                session.call::<GetDelegationTokenResponseProto>("getDelegationToken", &request);
            let token = response.ok().and_then(|response| response.token);
            self.tokens.extend(token);
            return;
        }
        let token = self.tokens[usize::from(b) % self.tokens.len()].clone();
        if b % 3 == 1 {
            let request = RenewDelegationTokenRequestProto { token };
            drop(
                session.call::<RenewDelegationTokenResponseProto>("renewDelegationToken", &request),
            );
        } else {
            let request = CancelDelegationTokenRequestProto { token };
            drop(
                session
                    .call::<CancelDelegationTokenResponseProto>("cancelDelegationToken", &request),
            );
        }
    }

    fn pipeline(&self, kind: u8, a: u8, b: u8, user: u8) {
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
    fn wait(&self, b: u8) {
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

    fn link(&self, a: u8, b: u8, user: u8) {
        let request = CreateSymlinkRequestProto {
            target: path(b).to_owned(),
            link: path(a).to_owned(),
            dir_perm: FsPermissionProto { perm: 0o755 },
            create_parent: b.is_multiple_of(2),
        };
        let session = self.session(user);
        drop(session.call::<CreateSymlinkResponseProto>("createSymlink", &request));
    }

    /// Changes cache pools as the superuser, and directives as any user.
    fn cache(&self, a: u8, b: u8, user: u8) {
        let session = self.session(user);
        let hdfs = self.session(2);
        let pool_name = ["p", "q"][usize::from(a % 2)].to_owned();
        let pool = CachePoolInfoProto {
            pool_name: Some(pool_name.clone()),
            owner_name: Some("alice".to_owned()),
            group_name: Some("staff".to_owned()),
            mode: Some(i32::from(b)),
            limit: Some(i64::from(b) * 10),
            ..CachePoolInfoProto::default()
        };
        let directive = CacheDirectiveInfoProto {
            id: (b % 3 == 1).then_some(i64::from(a % 8)),
            path: Some(path(a).to_owned()),
            replication: Some(u32::from(b % 4)),
            pool: Some(pool_name.clone()),
            expiration: None,
        };
        match b % 6 {
            0 => {
                let request = AddCachePoolRequestProto { info: pool };
                drop(hdfs.call::<AddCachePoolResponseProto>("addCachePool", &request));
            }
            1 => {
                let request = ModifyCacheDirectiveRequestProto {
                    info: directive,
                    cache_flags: None,
                };
                let method = "modifyCacheDirective";
                drop(session.call::<ModifyCacheDirectiveResponseProto>(method, &request));
            }
            2 => {
                let request = RemoveCacheDirectiveRequestProto {
                    id: i64::from(a % 8),
                };
                let method = "removeCacheDirective";
                drop(session.call::<RemoveCacheDirectiveResponseProto>(method, &request));
            }
            3 if a.is_multiple_of(5) => {
                let request = RemoveCachePoolRequestProto { pool_name };
                drop(hdfs.call::<RemoveCachePoolResponseProto>("removeCachePool", &request));
            }
            4 => {
                let request = ModifyCachePoolRequestProto { info: pool };
                drop(hdfs.call::<ModifyCachePoolResponseProto>("modifyCachePool", &request));
            }
            _ => {
                let request = AddCacheDirectiveRequestProto {
                    info: directive,
                    cache_flags: Some(u32::from(b % 2)),
                };
                drop(session.call::<AddCacheDirectiveResponseProto>("addCacheDirective", &request));
            }
        }
    }

    /// Takes snapshots more often than it deletes them.
    fn snapshot(&self, kind: u8, a: u8, b: u8) {
        let hdfs = self.fixture.hdfs();
        let root = ["/a", "/d", "/a/b"][usize::from(a) % 3];
        let name = |number: u8| ["s", "t", "u", "v"][usize::from(number) % 4];
        match kind {
            30 => drop(hdfs.allow_snapshot(root)),
            31 | 32 => {
                drop(hdfs.allow_snapshot(root));
                drop(hdfs.create_snapshot(root, name(b)));
            }
            33 => drop(hdfs.create_snapshot(root, name(b))),
            34 => drop(hdfs.delete_snapshot(root, name(b))),
            _ if b.is_multiple_of(2) => drop(hdfs.rename_snapshot(root, name(b), name(b / 2))),
            _ => drop(hdfs.disallow_snapshot(root)),
        }
    }

    fn administrate(&self, a: u8, b: u8) {
        let hdfs = self.fixture.hdfs();
        if a.is_multiple_of(4) {
            drop(hdfs.call::<RollEditsResponseProto>("rollEdits", &RollEditsRequestProto {}));
        }
        let directory = path(a);
        drop(self.fixture.node.make_directory(
            self.fixture.now.get(),
            directory,
            "alice",
            "staff",
            0o700 | u16::from(b % 64),
        ));
    }
}

/// Returns the number of sequences: few in an ordinary run, `KERBOX_LAW` in `.ci/long`.
pub(super) fn cases() -> u32 {
    let asked = std::env::var("KERBOX_LAW").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_edits_of_any_sequence_give_an_equal_state(
        steps in proptest::collection::vec(any::<Step>(), 0..80),
    ) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        let fixture = &world.fixture;
        let law = fixture.node.check_replay(fixture.now.get(), &fixture.edits);
        prop_assert_eq!(law, Ok(()));
        prop_assert_eq!(fixture.node.check_image(fixture.now.get()), Ok(()));
    }
}
