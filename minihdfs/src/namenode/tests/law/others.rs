//! Steps about tokens, caches and snapshots, and of administrators.

use super::*;

impl World {
    pub(super) fn token(&mut self, b: u8, user: u8) {
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

    /// Changes cache pools as the superuser, and directives as any user.
    pub(super) fn cache(&self, a: u8, b: u8, user: u8) {
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
    pub(super) fn snapshot(&self, kind: u8, a: u8, b: u8) {
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

    pub(super) fn administrate(&self, a: u8, b: u8) {
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
