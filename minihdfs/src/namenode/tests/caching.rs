//! Centralized caching: pools, directives, their permissions, limits and expiry.

use super::*;
use crate::namenode::CacheDirectiveInfo;

const HOUR: i64 = 3_600_000;

fn pool(name: &str) -> CachePoolInfoProto {
    CachePoolInfoProto {
        pool_name: Some(name.to_owned()),
        ..CachePoolInfoProto::default()
    }
}

fn directive(path: &str, pool: &str) -> CacheDirectiveInfoProto {
    CacheDirectiveInfoProto {
        path: Some(path.to_owned()),
        pool: Some(pool.to_owned()),
        ..CacheDirectiveInfoProto::default()
    }
}

fn within(millis: i64) -> Option<CacheDirectiveInfoExpirationProto> {
    Some(CacheDirectiveInfoExpirationProto {
        millis,
        is_relative: true,
    })
}

impl Session<'_> {
    fn add_pool(&self, info: CachePoolInfoProto) -> Result<(), HdfsError> {
        let request = AddCachePoolRequestProto { info };
        self.call::<AddCachePoolResponseProto>("addCachePool", &request)
            .map(drop)
    }

    fn modify_pool(&self, info: CachePoolInfoProto) -> Result<(), HdfsError> {
        let request = ModifyCachePoolRequestProto { info };
        self.call::<ModifyCachePoolResponseProto>("modifyCachePool", &request)
            .map(drop)
    }

    fn remove_pool(&self, name: &str) -> Result<(), HdfsError> {
        let request = RemoveCachePoolRequestProto {
            pool_name: name.to_owned(),
        };
        self.call::<RemoveCachePoolResponseProto>("removeCachePool", &request)
            .map(drop)
    }

    fn pools(&self) -> Vec<CachePoolEntryProto> {
        let request = ListCachePoolsRequestProto {
            prev_pool_name: String::new(),
        };
        let listed = self.call::<ListCachePoolsResponseProto>("listCachePools", &request);
        listed.expect("anybody may").entries
    }

    fn add_directive(&self, info: CacheDirectiveInfoProto) -> Result<i64, HdfsError> {
        let request = AddCacheDirectiveRequestProto {
            info,
            cache_flags: None,
        };
        self.call::<AddCacheDirectiveResponseProto>("addCacheDirective", &request)
            .map(|response| response.id)
    }

    fn modify_directive(&self, info: CacheDirectiveInfoProto) -> Result<(), HdfsError> {
        let request = ModifyCacheDirectiveRequestProto {
            info,
            cache_flags: None,
        };
        self.call::<ModifyCacheDirectiveResponseProto>("modifyCacheDirective", &request)
            .map(drop)
    }

    fn directives(
        &self,
        filter: CacheDirectiveInfoProto,
    ) -> Result<Vec<CacheDirectiveEntryProto>, HdfsError> {
        let request = ListCacheDirectivesRequestProto { prev_id: 0, filter };
        self.call::<ListCacheDirectivesResponseProto>("listCacheDirectives", &request)
            .map(|response| response.elements)
    }

    fn all_directives(&self) -> Vec<CacheDirectiveEntryProto> {
        self.directives(CacheDirectiveInfoProto::default())
            .expect("no filter")
    }
}

#[test]
fn a_pool_has_its_creator_and_defaults() {
    let fixture = Fixture::with(&[(
        "hadoop.user.group.static.mapping.overrides",
        "hdfs=supergroup",
    )]);
    let hdfs = fixture.hdfs();
    hdfs.add_pool(pool("p")).expect("added");
    let info = &hdfs.pools()[0].info;
    assert_eq!(
        (info.owner_name(), info.group_name(), info.mode()),
        ("hdfs", "supergroup", 0o755)
    );
    assert_eq!(
        (
            info.limit(),
            info.max_relative_expiry(),
            info.default_replication()
        ),
        (i64::MAX, i64::MAX / 4, 1)
    );
    refused(
        hdfs.add_pool(pool("p")),
        "InvalidRequestException",
        "Cache pool p already exists.",
    );
    hdfs.modify_pool(CachePoolInfoProto {
        limit: Some(10),
        ..pool("p")
    })
    .expect("changed");
    assert_eq!(hdfs.pools()[0].info.limit(), 10);
    assert_eq!(hdfs.pools()[0].info.owner_name(), "hdfs", "as before");
    hdfs.remove_pool("p").expect("removed");
    assert!(hdfs.pools().is_empty());
}

#[test]
fn unfit_pools_are_refused_as_in_hadoop() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    let good = CachePoolInfoProto {
        group_name: Some("staff".to_owned()),
        ..pool("p")
    };
    let with = |change: fn(&mut CachePoolInfoProto)| {
        let mut info = good.clone();
        change(&mut info);
        hdfs.add_pool(info)
    };
    for (refusal, message) in [
        (with(|info| info.limit = Some(-1)), "Limit is negative."),
        (
            with(|info| info.default_replication = Some(u32::MAX)),
            "Default Replication is negative",
        ),
        (
            with(|info| info.max_relative_expiry = Some(-1)),
            "Max relative expiry is negative.",
        ),
        (
            with(|info| info.max_relative_expiry = Some(i64::MAX)),
            "Max relative expiry is too big.",
        ),
        (
            hdfs.modify_pool(good.clone()),
            "Cache pool p does not exist.",
        ),
        (
            hdfs.remove_pool("p"),
            "Cannot remove non-existent cache pool p",
        ),
    ] {
        refused(refusal, "InvalidRequestException", message);
    }
    for refusal in [with(|info| info.pool_name = None), hdfs.remove_pool("")] {
        refused(refusal, "IOException", "invalid empty cache pool name");
    }
    refused(
        with(|info| info.default_replication = Some(40_000)),
        "IllegalArgumentException",
        "Out of range: 40000",
    );
    refused(
        fixture.user("alice").add_pool(good.clone()),
        "AccessControlException",
        "Access denied for user alice. Superuser privilege is required for operation addCachePool",
    );
}

/// A NameNode with a pool of alice's, and files of 10 and 20 bytes and an empty one in `/d`.
fn filled() -> Fixture {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d/below", 0o755).expect("made");
    hdfs.write("/d/ten", &[10]);
    hdfs.write("/d/twenty", &[20]);
    hdfs.write("/d/empty", &[]);
    hdfs.add_pool(CachePoolInfoProto {
        owner_name: Some("alice".to_owned()),
        group_name: Some("staff".to_owned()),
        mode: Some(0o700),
        ..pool("p")
    })
    .expect("added");
    fixture
}

#[test]
fn a_directive_counts_the_files_that_it_names() {
    let fixture = filled();
    let alice = fixture.user("alice");
    let two = CacheDirectiveInfoProto {
        replication: Some(2),
        ..directive("/d", "p")
    };
    assert_eq!(alice.add_directive(two), Ok(1));
    assert_eq!(alice.add_directive(directive("/d/ten", "p")), Ok(2));
    assert_eq!(alice.add_directive(directive("/nothing", "p")), Ok(3));
    let stats: Vec<_> = alice
        .all_directives()
        .iter()
        .map(|entry| {
            let stats = &entry.stats;
            (stats.bytes_needed, stats.files_needed, stats.files_cached)
        })
        .collect();
    assert_eq!(stats, [(60, 3, 1), (10, 1, 0), (0, 0, 0)]);
    let pool = &alice.pools()[0].stats;
    assert_eq!((pool.bytes_needed, pool.files_needed), (70, 4));
    let bob = fixture.user("bob");
    assert!(bob.all_directives().is_empty(), "he may not read the pool");
    let hidden = &bob.pools()[0];
    assert_eq!(
        (hidden.info.owner_name(), hidden.stats.bytes_needed),
        ("", 0)
    );
    fixture.hdfs().remove_pool("p").expect("removed");
    assert!(alice.all_directives().is_empty(), "gone with their pool");
}

#[test]
fn directives_are_found_by_id_path_and_pool() {
    let fixture = filled();
    let hdfs = fixture.hdfs();
    hdfs.add_pool(CachePoolInfoProto {
        group_name: Some("staff".to_owned()),
        ..pool("q")
    })
    .expect("added");
    for (path, pool) in [("/d", "p"), ("/e", "p"), ("/d", "q")] {
        hdfs.add_directive(directive(path, pool)).expect("added");
    }
    let found = |filter: CacheDirectiveInfoProto| {
        let found = hdfs.directives(filter).expect("a filter");
        let ids: Vec<_> = found.iter().map(|entry| entry.info.id()).collect();
        ids
    };
    let filter = CacheDirectiveInfoProto::default;
    let path = Some("/d".to_owned());
    let with_path = CacheDirectiveInfoProto { path, ..filter() };
    assert_eq!(found(with_path), [1, 3]);
    assert_eq!(found(directive("/d", "q")), [3]);
    let id = Some(2);
    assert_eq!(found(CacheDirectiveInfoProto { id, ..filter() }), [2]);
    refused(
        hdfs.directives(CacheDirectiveInfoProto {
            id: Some(9),
            ..filter()
        }),
        "InvalidRequestException",
        "Did not find requested id 9",
    );
    refused(
        hdfs.directives(CacheDirectiveInfoProto {
            replication: Some(1),
            ..filter()
        }),
        "InvalidRequestException",
        "Filtering by replication is unsupported.",
    );
}

#[test]
fn unfit_directives_are_refused_as_in_hadoop() {
    let fixture = filled();
    let alice = fixture.user("alice");
    let with = |change: fn(&mut CacheDirectiveInfoProto)| {
        let mut info = directive("/d", "p");
        change(&mut info);
        alice.add_directive(info)
    };
    for (refusal, message) in [
        (with(|info| info.pool = None), "No pool specified."),
        (
            with(|info| info.pool = Some(String::new())),
            "Invalid empty pool name.",
        ),
        (
            with(|info| info.pool = Some("x".to_owned())),
            "Unknown pool x",
        ),
        (with(|info| info.path = None), "No path specified."),
        (
            with(|info| info.path = Some("/a:b".to_owned())),
            "Invalid path '/a:b'.",
        ),
        (
            with(|info| info.replication = Some(0)),
            "Invalid replication factor 0 <= 0",
        ),
        (
            with(|info| info.expiration = within(-1)),
            "Cannot set a negative expiration: -1",
        ),
        (
            with(|info| info.expiration = within(i64::MAX)),
            "Expiration 106751991167:07:12:55.807 is too far in the future!",
        ),
    ] {
        refused(refusal, "InvalidRequestException", message);
    }
    refused(
        with(|info| info.id = Some(1)),
        "IOException",
        "addDirective: you cannot specify an ID for this operation.",
    );
    refused(
        fixture.user("bob").add_directive(directive("/d", "p")),
        "AccessControlException",
        "Permission denied while accessing pool p: user bob does not have WRITE permissions.",
    );
    let modify = |id: Option<i64>| {
        alice.modify_directive(CacheDirectiveInfoProto {
            id,
            ..CacheDirectiveInfoProto::default()
        })
    };
    for (id, message) in [
        (None, "Must supply an ID."),
        (Some(0), "Invalid negative ID."),
        (Some(7), "No directive with ID 7 found."),
    ] {
        refused(modify(id), "InvalidRequestException", message);
    }
}

#[test]
fn a_pool_limits_what_its_directives_need() {
    let fixture = filled();
    let (hdfs, alice) = (fixture.hdfs(), fixture.user("alice"));
    hdfs.modify_pool(CachePoolInfoProto {
        limit: Some(25),
        ..pool("p")
    })
    .expect("changed");
    alice.add_directive(directive("/d/ten", "p")).expect("fits");
    refused(
        alice.add_directive(directive("/d/twenty", "p")),
        "InvalidRequestException",
        "Caching path /d/twenty of size 20 bytes at replication 1 would exceed pool p's remaining capacity of 15 bytes.",
    );
    let forced = AddCacheDirectiveRequestProto {
        info: directive("/d/twenty", "p"),
        cache_flags: Some(CacheFlagProto::Force as u32),
    };
    alice
        .call::<AddCacheDirectiveResponseProto>("addCacheDirective", &forced)
        .expect("forced");
    let stats = &alice.pools()[0].stats;
    assert_eq!((stats.bytes_needed, stats.bytes_overlimit), (30, 5));
}

#[test]
fn a_directive_expires_by_the_clock() {
    let fixture = filled();
    let (hdfs, alice) = (fixture.hdfs(), fixture.user("alice"));
    hdfs.modify_pool(CachePoolInfoProto {
        max_relative_expiry: Some(2 * HOUR),
        ..pool("p")
    })
    .expect("changed");
    refused(
        alice.add_directive(CacheDirectiveInfoProto {
            expiration: within(3 * HOUR),
            ..directive("/d", "p")
        }),
        "InvalidRequestException",
        "Expiration 000:03:00:00.000 exceeds the max relative expiration time of 7200000 ms.",
    );
    let id = alice
        .add_directive(CacheDirectiveInfoProto {
            expiration: within(HOUR),
            ..directive("/d", "p")
        })
        .expect("added");
    alice.add_directive(directive("/d", "p")).expect("added");
    let expired = || {
        let all = alice.all_directives();
        let expired: Vec<_> = all.iter().map(|entry| entry.stats.has_expired).collect();
        (expired, alice.pools()[0].stats.files_needed)
    };
    assert_eq!(expired(), (vec![false, false], 6));
    fixture.advance(Duration::from_secs(61 * 60));
    assert_eq!(expired(), (vec![true, false], 3));
    alice
        .modify_directive(CacheDirectiveInfoProto {
            id: Some(id),
            expiration: within(HOUR),
            ..CacheDirectiveInfoProto::default()
        })
        .expect("changed");
    assert_eq!(expired(), (vec![false, false], 6));
    fixture.advance(Duration::from_secs(60 * 60));
    assert_eq!(expired(), (vec![false, true], 0), "one at this very moment");
}

#[test]
fn after_the_highest_id_there_are_no_more_directives() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.add_pool(CachePoolInfoProto {
        group_name: Some("staff".to_owned()),
        ..pool("p")
    })
    .expect("added");
    let last = Edit::AddCacheDirective {
        directive: CacheDirectiveInfo {
            id: i64::MAX,
            path: Some("/a".to_owned()),
            replication: Some(1),
            pool: Some("p".to_owned()),
            expiration: Some(i64::MAX),
        },
        rpc: RpcIds::NONE,
    };
    fixture.node.lock().log(&last).expect("it fits");
    refused(
        hdfs.add_directive(directive("/b", "p")),
        "IOException",
        "No more available IDs.",
    );
}
