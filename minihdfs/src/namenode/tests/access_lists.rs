use super::*;
use acl_entry_proto::{AclEntryScopeProto as Scope, AclEntryTypeProto as Type, FsActionProto};

fn entry(scope: Scope, kind: Type, name: &str, permissions: i32) -> AclEntryProto {
    AclEntryProto {
        r#type: kind.into(),
        scope: scope.into(),
        permissions,
        name: (!name.is_empty()).then(|| name.to_owned()),
    }
}

fn modify(session: &Session<'_>, src: &str, acl_spec: Vec<AclEntryProto>) -> Result<(), HdfsError> {
    let request = ModifyAclEntriesRequestProto {
        src: src.to_owned(),
        acl_spec,
    };
    session
        .call::<ModifyAclEntriesResponseProto>("modifyAclEntries", &request)
        .map(|_| ())
}

fn acl(session: &Session<'_>, src: &str) -> AclStatusProto {
    let request = GetAclStatusRequestProto {
        src: src.to_owned(),
    };
    session
        .call::<GetAclStatusResponseProto>("getAclStatus", &request)
        .expect("told")
        .result
}

fn fixture() -> Fixture {
    let fixture = Fixture::new().with_datanodes(1);
    fixture.hdfs().mkdirs("/open", 0o777).expect("made");
    fixture.user("alice").write("/open/f", &[]);
    fixture
        .user("alice")
        .chmod("/open/f", 0o640)
        .expect("her own");
    fixture
}

#[test]
fn a_named_user_gets_in_within_the_mask() {
    let fixture = fixture();
    let (alice, bob) = (fixture.user("alice"), fixture.user("bob"));
    assert!(bob.locations("/open/f").is_err());
    modify(
        &alice,
        "/open/f",
        vec![entry(Scope::Access, Type::User, "bob", 6)],
    )
    .expect("her own");
    bob.locations("/open/f").expect("bob may read now");
    let stat = alice.stat("/open/f");
    assert_eq!((stat.flags, stat.permission.perm), (Some(1), 0o1_0660));
    alice.chmod("/open/f", 0o600).expect("her own");
    let error = bob
        .locations("/open/f")
        .expect_err("the mask takes it away");
    assert!(
        error
            .message()
            .ends_with("inode=\"/open/f\":alice:supergroup:-rw-------"),
        "{error}"
    );
    let status = acl(&alice, "/open/f");
    assert_eq!(status.entries.len(), 2, "bob and the group");
    assert_eq!(status.permission.expect("always there").perm, 0o600);
}

#[test]
fn groups_together_decide_before_others() {
    let fixture = fixture();
    let alice = fixture.user("alice");
    alice.chmod("/open/f", 0o604).expect("her own");
    fixture
        .user("bob")
        .locations("/open/f")
        .expect("others may read");
    modify(
        &alice,
        "/open/f",
        vec![entry(Scope::Access, Type::Group, "students", 0)],
    )
    .expect("her own");
    assert!(
        fixture.user("bob").locations("/open/f").is_err(),
        "a student may not, whatever others may"
    );
    fixture
        .user("carol")
        .locations("/open/f")
        .expect("others still may");
}

#[test]
fn children_inherit_a_default_list_from_the_mode_before_the_umask() {
    let fixture = fixture();
    let alice = fixture.user("alice");
    alice.mkdirs("/open/d", 0o755).expect("made");
    modify(
        &alice,
        "/open/d",
        vec![entry(Scope::Default, Type::User, "bob", 7)],
    )
    .expect("her own");
    let request = CreateRequestProto {
        masked: FsPermissionProto { perm: 0o644 },
        unmasked: Some(FsPermissionProto { perm: 0o666 }),
        ..alice.create_request("/open/d/f", 1)
    };
    alice
        .call::<CreateResponseProto>("create", &request)
        .expect("created");
    assert_eq!(
        alice.stat("/open/d/f").permission.perm,
        0o1_0664,
        "the mask is rw, not the umask's r"
    );
    alice.mkdirs("/open/d/sub", 0o755).expect("made");
    let inherited = acl(&alice, "/open/d/sub");
    assert!(
        inherited
            .entries
            .iter()
            .any(|entry| entry.scope() == Scope::Default)
    );
    assert!(
        inherited
            .entries
            .iter()
            .any(|entry| entry.scope() == Scope::Access && entry.name() == "bob")
    );
}

#[test]
fn lists_are_the_owners_to_change_and_files_have_no_defaults() {
    let fixture = fixture();
    let spec = || vec![entry(Scope::Access, Type::User, "bob", 7)];
    assert!(modify(&fixture.user("bob"), "/open/f", spec()).is_err());
    refused(
        modify(
            &fixture.user("alice"),
            "/open/f",
            vec![entry(Scope::Default, Type::User, "bob", 7)],
        ),
        "AclException",
        "Invalid ACL: only directories may have a default ACL. Path: /open/f Path: /open/f",
    );
    let off = Fixture::with(&[("dfs.namenode.acls.enabled", "false")]);
    let error = modify(&off.hdfs(), "/", spec()).expect_err("switched off");
    assert!(
        error.message().contains("dfs.namenode.acls.enabled"),
        "{error}"
    );
}

#[test]
fn set_replaces_and_remove_clears() {
    let fixture = fixture();
    let alice = fixture.user("alice");
    let full = FsActionProto::PermAll as i32;
    let request = SetAclRequestProto {
        src: "/open/f".to_owned(),
        acl_spec: vec![
            entry(Scope::Access, Type::User, "", full),
            entry(Scope::Access, Type::User, "bob", full),
            entry(Scope::Access, Type::Group, "", 4),
            entry(Scope::Access, Type::Other, "", 0),
        ],
    };
    alice
        .call::<SetAclResponseProto>("setAcl", &request)
        .expect("set");
    assert_eq!(alice.stat("/open/f").permission.perm, 0o1_0770);
    let remove = RemoveAclRequestProto {
        src: "/open/f".to_owned(),
    };
    alice
        .call::<RemoveAclResponseProto>("removeAcl", &remove)
        .expect("removed");
    let stat = alice.stat("/open/f");
    assert_eq!((stat.permission.perm, stat.flags), (0o740, Some(0)));
}
