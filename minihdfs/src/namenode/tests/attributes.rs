use super::*;

#[test]
fn times_are_set_and_minus_one_leaves_them() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[]);
    let set = |session: &Session<'_>, mtime: i64, atime: i64| {
        let request = SetTimesRequestProto {
            src: "/f".to_owned(),
            mtime: mtime as u64,
            atime: atime as u64,
        };
        session.call::<SetTimesResponseProto>("setTimes", &request)
    };
    set(&hdfs, 1000, -1).expect("set");
    let start = START.as_millis() as u64;
    let stat = hdfs.stat("/f");
    assert_eq!((stat.modification_time, stat.access_time), (1000, start));
    set(&hdfs, -1, 2000).expect("set");
    let stat = hdfs.stat("/f");
    assert_eq!((stat.modification_time, stat.access_time), (1000, 2000));
    assert!(
        set(&fixture.user("alice"), 1, 1).is_err(),
        "WRITE is needed"
    );
}

#[test]
fn reading_moves_the_access_time_once_an_hour() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[]);
    fixture.advance(Duration::from_secs(60 * 60));
    hdfs.locations("/f").expect("located");
    assert_eq!(hdfs.stat("/f").access_time, START.as_millis() as u64);
    fixture.advance(Duration::from_millis(1));
    hdfs.locations("/f").expect("located");
    assert_eq!(
        hdfs.stat("/f").access_time,
        fixture.now.get().as_millis() as u64
    );
}

fn user_xattr(name: &str, value: &str) -> XAttrProto {
    XAttrProto {
        name: name.to_owned(),
        value: Some(value.as_bytes().to_vec().into()),
        ..XAttrProto::default()
    }
}

fn set_xattr(session: &Session<'_>, x_attr: XAttrProto, flag: u32) -> Result<(), HdfsError> {
    let request = SetXAttrRequestProto {
        src: "/open/f".to_owned(),
        x_attr: Some(x_attr),
        flag: Some(flag),
    };
    session
        .call::<SetXAttrResponseProto>("setXAttr", &request)
        .map(|_| ())
}

fn get_xattrs(
    session: &Session<'_>,
    wanted: Vec<XAttrProto>,
) -> Result<Vec<XAttrProto>, HdfsError> {
    let request = GetXAttrsRequestProto {
        src: "/open/f".to_owned(),
        x_attrs: wanted,
    };
    session
        .call::<GetXAttrsResponseProto>("getXAttrs", &request)
        .map(|response| response.x_attrs)
}

fn xattr_fixture() -> Fixture {
    let fixture = Fixture::with(&[("dfs.namenode.fs-limits.max-xattrs-per-inode", "2")]);
    fixture.hdfs().mkdirs("/open", 0o777).expect("made");
    fixture.user("alice").write("/open/f", &[]);
    fixture
}

#[test]
fn extended_attributes_obey_their_flags_and_limits() {
    let fixture = xattr_fixture();
    let alice = fixture.user("alice");
    set_xattr(&alice, user_xattr("a", "1"), 1).expect("created");
    refused(
        set_xattr(&alice, user_xattr("a", "2"), 1),
        "IOException",
        "XAttr: a already exists. The REPLACE flag must be specified.",
    );
    set_xattr(&alice, user_xattr("a", "2"), 3).expect("replaced");
    refused(
        set_xattr(&alice, user_xattr("b", "2"), 2),
        "IOException",
        "XAttr: b does not exist. The CREATE flag must be specified.",
    );
    refused(
        set_xattr(&alice, user_xattr("b", ""), 0),
        "HadoopIllegalArgumentException",
        "A flag must be specified.",
    );
    set_xattr(&alice, user_xattr("b", ""), 1).expect("created");
    let error = set_xattr(&alice, user_xattr("c", ""), 1).expect_err("two are the limit");
    assert_eq!(
        error.message(),
        "Cannot add additional XAttr to inode, would exceed limit of 2"
    );
    let error = set_xattr(&alice, user_xattr("a", &"x".repeat(16_384)), 3).expect_err("too big");
    assert!(
        error
            .message()
            .ends_with("is 16384, but the total size is 16385"),
        "{error}"
    );
    assert_eq!(
        get_xattrs(&alice, vec![user_xattr("a", "")]).expect("told"),
        [user_xattr("a", "2")]
    );
    refused(
        get_xattrs(&alice, vec![user_xattr("a", ""), user_xattr("z", "")]),
        "XAttrNotFoundException",
        "At least one of the attributes provided was not found.",
    );
    let remove = RemoveXAttrRequestProto {
        src: "/open/f".to_owned(),
        x_attr: Some(user_xattr("a", "")),
    };
    alice
        .call::<RemoveXAttrResponseProto>("removeXAttr", &remove)
        .expect("removed");
    refused(
        alice.call::<RemoveXAttrResponseProto>("removeXAttr", &remove),
        "IOException",
        "No matching attributes found for remove operation",
    );
}

#[test]
fn extended_attributes_are_hidden_and_kept_from_others() {
    let fixture = xattr_fixture();
    let (alice, bob, hdfs) = (fixture.user("alice"), fixture.user("bob"), fixture.hdfs());
    let of = |namespace: x_attr_proto::XAttrNamespaceProto, name: &str| XAttrProto {
        namespace: namespace.into(),
        name: name.to_owned(),
        value: None,
    };
    use x_attr_proto::XAttrNamespaceProto::{Raw, Security, System, Trusted};
    refused(
        set_xattr(&alice, of(Trusted, "t"), 1),
        "AccessControlException",
        "User doesn't have permission for xattr: trusted.t",
    );
    set_xattr(&hdfs, of(Trusted, "t"), 1).expect("the superuser may");
    for (namespace, name) in [(System, "s"), (Security, "s"), (Raw, "r")] {
        assert!(
            set_xattr(&hdfs, of(namespace, name), 1).is_err(),
            "{namespace:?}"
        );
    }
    assert!(
        set_xattr(&bob, user_xattr("b", ""), 1).is_err(),
        "WRITE is needed"
    );
    set_xattr(&alice, user_xattr("a", "1"), 1).expect("her own");
    assert_eq!(
        get_xattrs(&bob, Vec::new()).expect("READ is enough"),
        [user_xattr("a", "1")]
    );
    assert_eq!(get_xattrs(&hdfs, Vec::new()).expect("all").len(), 2);
    let list = ListXAttrsRequestProto {
        src: "/open/f".to_owned(),
    };
    let listed = bob
        .call::<ListXAttrsResponseProto>("listXAttrs", &list)
        .expect("listed")
        .x_attrs;
    assert_eq!(listed, [user_xattr("a", "1")], "with its value");
}

#[test]
fn raw_attributes_are_for_raw_paths_and_their_reader() {
    let fixture = xattr_fixture();
    let raw = XAttrProto {
        namespace: x_attr_proto::XAttrNamespaceProto::Raw.into(),
        name: "hdfs.x".to_owned(),
        value: Some(b"1"[..].into()),
    };
    let set = |src: &str| {
        let request = SetXAttrRequestProto {
            src: src.to_owned(),
            x_attr: Some(raw.clone()),
            flag: Some(1),
        };
        fixture
            .hdfs()
            .call::<SetXAttrResponseProto>("setXAttr", &request)
    };
    refused(
        set("/open/f"),
        "AccessControlException",
        "User doesn't have permission for xattr: raw.hdfs.x",
    );
    set("/.reserved/raw/open/f").expect("set");
    let request = GetXAttrsRequestProto {
        src: "/.reserved/raw/open/f".to_owned(),
        x_attrs: Vec::new(),
    };
    let alice = fixture.user("alice");
    let response = alice.call::<GetXAttrsResponseProto>("getXAttrs", &request);
    assert!(
        response.expect("told").x_attrs.contains(&raw),
        "who reads the file reads them"
    );
}

#[test]
fn the_mark_against_the_superuser_takes_no_value() {
    let fixture = xattr_fixture();
    for value in ["", "x"] {
        let valued = XAttrProto {
            namespace: x_attr_proto::XAttrNamespaceProto::Security.into(),
            name: "hdfs.unreadable.by.superuser".to_owned(),
            value: Some(value.as_bytes().to_vec().into()),
        };
        refused(
            set_xattr(&fixture.user("alice"), valued, 1),
            "AccessControlException",
            "Attempt to set a value for 'security.hdfs.unreadable.by.superuser'. Values are not allowed for this xattr.",
        );
    }
}

#[test]
fn everybody_learns_of_storage_policies() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[]);
    let request = SetStoragePolicyRequestProto {
        src: "/f".to_owned(),
        policy_name: "COLD".to_owned(),
    };
    hdfs.call::<SetStoragePolicyResponseProto>("setStoragePolicy", &request)
        .expect("set");
    assert_eq!(fixture.user("alice").stat("/f").storage_policy, Some(2));
}

#[test]
fn the_reserved_name_has_no_mode_and_no_owner_to_change() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    for result in [
        hdfs.chmod("/.reserved", 0o777),
        hdfs.chown("/.reserved", Some("alice"), None),
        hdfs.create("/.reserved").map(|_| ()),
        hdfs.create("/.reserved/x").map(|_| ()),
    ] {
        let error = result.expect_err("no inode");
        assert_eq!(error.class(), "org.apache.hadoop.fs.InvalidPathException");
        assert!(
            error.message().starts_with("Invalid path name /.reserved"),
            "{error}"
        );
    }
}

#[test]
fn a_file_can_be_kept_from_the_superuser() {
    let fixture = xattr_fixture();
    let secret = XAttrProto {
        namespace: x_attr_proto::XAttrNamespaceProto::Security.into(),
        name: "hdfs.unreadable.by.superuser".to_owned(),
        value: None,
    };
    set_xattr(&fixture.user("alice"), secret.clone(), 1).expect("her own");
    refused(
        fixture.hdfs().locations("/open/f"),
        "AccessControlException",
        "Access is denied for hdfs since the superuser is not allowed to perform this operation.",
    );
    fixture.user("alice").locations("/open/f").expect("her own");
    let remove = RemoveXAttrRequestProto {
        src: "/open/f".to_owned(),
        x_attr: Some(secret),
    };
    assert!(
        fixture
            .user("alice")
            .call::<RemoveXAttrResponseProto>("removeXAttr", &remove)
            .is_err()
    );
}

#[test]
fn storage_policies_are_inherited() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d/e", 0o755).expect("made");
    let get = || {
        let request = GetStoragePolicyRequestProto {
            path: "/d/e".to_owned(),
        };
        let response = hdfs.call::<GetStoragePolicyResponseProto>("getStoragePolicy", &request);
        response.expect("told").storage_policy.name
    };
    let set = |name: &str| {
        let request = SetStoragePolicyRequestProto {
            src: "/d".to_owned(),
            policy_name: name.to_owned(),
        };
        hdfs.call::<SetStoragePolicyResponseProto>("setStoragePolicy", &request)
            .map(|_| ())
    };
    assert_eq!(get(), "HOT");
    set("cold").expect("set");
    assert_eq!(get(), "COLD");
    refused(
        set("LUKEWARM"),
        "HadoopIllegalArgumentException",
        "Cannot find a block policy with the name LUKEWARM",
    );
}
