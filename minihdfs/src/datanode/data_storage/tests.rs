use super::*;
use crate::protocol::StorageInfo;

fn namespace(c_time: i64) -> NamespaceInfo {
    NamespaceInfo {
        block_pool_id: "BP-1-127.0.0.1-5".into(),
        storage: StorageInfo {
            layout_version: -67,
            namespace_id: 7,
            cluster_id: "CID-1".into(),
            c_time,
        },
    }
}

fn folders(place: &Path, names: &[&str]) -> Vec<StorageFolder> {
    let folder = |name: &&str| StorageFolder::disk(place.join(name), &format!("DS-{name}"));
    names.iter().map(folder).collect()
}

fn refused(opened: Result<DataStorage, HdfsError>) -> String {
    opened.expect_err("refused").message().to_owned()
}

#[test]
fn folders_belong_to_one_datanode_and_one_namespace() {
    let place = tempfile::tempdir().expect("a folder");
    let open = |names: &[&str], of: &NamespaceInfo, uuid: &str| {
        DataStorage::open(folders(place.path(), names), of, uuid)
    };
    open(&["a"], &namespace(5), "one").expect("new");
    open(&["c"], &namespace(5), "two").expect("new");
    let text = fs::read_to_string(place.path().join("a/current/VERSION")).expect("read");
    assert_eq!(
        text,
        "storageID=DS-a\nclusterID=CID-1\ncTime=0\ndatanodeUuid=one\nstorageType=DATA_NODE\n\
         layoutVersion=-57\n"
    );
    let both = open(&["b", "a"], &namespace(5), "three").expect("another folder");
    assert_eq!(&*both.uuid, "one");
    let error = refused(open(&["a", "c"], &namespace(5), "one"));
    assert!(
        error.contains("DatanodeUuid=two, does not match one"),
        "{error}"
    );
    let mut other = namespace(5);
    other.storage.cluster_id = "CID-2".into();
    let error = refused(open(&["a"], &other, "one"));
    assert!(
        error.ends_with(": namenode clusterID = CID-2; datanode clusterID = CID-1"),
        "{error}"
    );
    let mut other = namespace(5);
    other.storage.namespace_id = 8;
    let error = refused(open(&["a"], &other, "one"));
    assert!(
        error.contains("namenode namespaceID = 8; datanode namespaceID = 7"),
        "{error}"
    );
    let error = refused(open(&["a"], &namespace(4), "one"));
    assert!(
        error.starts_with("Datanode state: LV = -57 CTime = 5 is newer than the namespace state"),
        "{error}"
    );
    fs::write(
        place.path().join("a/current/VERSION"),
        text.replace("-57", "-56"),
    )
    .expect("written");
    let error = refused(open(&["a"], &namespace(5), "one"));
    assert!(
        error.contains("layoutVersion is -56, and Kerbox reads -57"),
        "{error}"
    );
}

#[test]
fn a_pool_is_kept_when_the_namespace_is_upgraded() {
    let place = tempfile::tempdir().expect("a folder");
    let open = |c_time| DataStorage::open(folders(place.path(), &["a"]), &namespace(c_time), "one");
    open(5).expect("new");
    let pool = place.path().join("a/current/BP-1-127.0.0.1-5");
    let replica = "finalized/subdir0/subdir0/blk_1";
    fs::create_dir_all(pool.join("current/finalized/subdir0/subdir0")).expect("made");
    fs::write(pool.join("current").join(replica), "bytes").expect("written");
    let cache = pool.join("current/replicas");
    fs::write(&cache, "").expect("written");
    open(5).expect("as it is");
    assert!(
        !cache.exists(),
        "what Hadoop remembers may be wrong from now on"
    );
    for c_time in [6, 7] {
        open(c_time).expect("upgraded");
        let read = |name: &str| fs::read_to_string(pool.join(name)).expect("there");
        assert!(read("current/VERSION").contains(&format!("cTime={c_time}\n")));
        assert!(read("previous/VERSION").contains(&format!("cTime={}\n", c_time - 1)));
        assert_eq!(read(&format!("previous/{replica}")), "bytes");
        assert_eq!(read(&format!("current/{replica}")), "bytes");
    }
    let line = pool_line("BP-1-127.0.0.1-5");
    StorageDirectory::new(&pool)
        .finalize(&line)
        .expect("finalized");
    assert!(!pool.join("previous").exists());
}
