//! Steps that move, remove and change inodes.

use super::*;

impl World {
    pub(super) fn move_about(&self, kind: u8, a: u8, b: u8, user: u8) {
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

    pub(super) fn set(&self, kind: u8, a: u8, b: u8, user: u8) {
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

    pub(super) fn link(&self, a: u8, b: u8, user: u8) {
        let request = CreateSymlinkRequestProto {
            target: path(b).to_owned(),
            link: path(a).to_owned(),
            dir_perm: FsPermissionProto { perm: 0o755 },
            create_parent: b.is_multiple_of(2),
        };
        let session = self.session(user);
        drop(session.call::<CreateSymlinkResponseProto>("createSymlink", &request));
    }
}
