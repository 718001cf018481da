//! The operations that create and change.

use super::operation::{Entry, Operation, entries};
use super::snapshots;
use crate::HdfsError;
use crate::proto::common::{
    CancelDelegationTokenRequestProto, RenewDelegationTokenRequestProto,
    RenewDelegationTokenResponseProto,
};
use crate::proto::hdfs::{
    CreateSymlinkRequestProto, DisableErasureCodingPolicyRequestProto,
    EnableErasureCodingPolicyRequestProto, FsPermissionProto, MkdirsRequestProto,
    MkdirsResponseProto, ModifyAclEntriesRequestProto, RemoveAclEntriesRequestProto,
    RemoveAclRequestProto, RemoveDefaultAclRequestProto, RemoveXAttrRequestProto,
    Rename2RequestProto, RenameRequestProto, RenameResponseProto, SatisfyStoragePolicyRequestProto,
    SetAclRequestProto, SetErasureCodingPolicyRequestProto, SetOwnerRequestProto,
    SetPermissionRequestProto, SetQuotaRequestProto, SetReplicationRequestProto,
    SetReplicationResponseProto, SetStoragePolicyRequestProto, SetTimesRequestProto,
    SetXAttrRequestProto, StorageTypeProto, XAttrSetFlagProto,
};
use crate::token::Token;
use crate::web::json::Encoding;
use crate::web::response::{self, WebResponse};

type Answer = Result<WebResponse, HdfsError>;

/// The permission of directories if none is given. The server applies no umask.
const DIRECTORY: u32 = 0o755;

pub(super) const ENTRIES: &[Entry] = entries! {
    "CREATE", "create" => |op| op.create();
    "MKDIRS", "mkdirs" => mkdirs;
    "CREATESYMLINK", "createSymlink" => create_symlink;
    "RENAME", "rename" => rename;
    "SETREPLICATION", "setReplication" => set_replication;
    "SETOWNER", "setOwner" => set_owner;
    "SETPERMISSION", "setPermission" => set_permission;
    "SETTIMES", "setTimes" => set_times;
    "RENEWDELEGATIONTOKEN", "renewDelegationToken" => renew_token;
    "CANCELDELEGATIONTOKEN", "cancelDelegationToken" => cancel_token;
    "MODIFYACLENTRIES", "modifyAclEntries" => modify_acl_entries;
    "REMOVEACLENTRIES", "removeAclEntries" => remove_acl_entries;
    "REMOVEDEFAULTACL", "removeDefaultAcl" => remove_default_acl;
    "REMOVEACL", "removeAcl" => remove_acl;
    "SETACL", "setAcl" => set_acl;
    "SETXATTR", "setXAttr" => set_xattr;
    "REMOVEXATTR", "removeXAttr" => remove_xattr;
    "SETSTORAGEPOLICY", "setStoragePolicy" => set_storage_policy;
    "SATISFYSTORAGEPOLICY", "satisfyStoragePolicy" => satisfy_storage_policy;
    "ENABLEECPOLICY", "enableErasureCodingPolicy" => enable_ec_policy;
    "DISABLEECPOLICY", "disableErasureCodingPolicy" => disable_ec_policy;
    "SETECPOLICY", "setErasureCodingPolicy" => set_ec_policy;
    "SETQUOTA", "setQuota" => set_quota;
    "SETQUOTABYSTORAGETYPE", "setQuota" => set_quota_by_storage_type;
    "ALLOWSNAPSHOT", "allowSnapshot" => snapshots::allow;
    "DISALLOWSNAPSHOT", "disallowSnapshot" => snapshots::disallow;
    "CREATESNAPSHOT", "createSnapshot" => snapshots::create;
    "RENAMESNAPSHOT", "renameSnapshot" => snapshots::rename;
};

fn mkdirs(op: &Operation<'_>) -> Answer {
    let masked = op.query.permission("permission")?;
    let request = MkdirsRequestProto {
        src: op.src(),
        masked: masked.unwrap_or(FsPermissionProto { perm: DIRECTORY }),
        create_parent: true,
        unmasked: op.query.permission("unmaskedpermission")?,
    };
    let answer: MkdirsResponseProto = op.call("mkdirs", &request)?;
    Ok(response::of_boolean(answer.result))
}

fn create_symlink(op: &Operation<'_>) -> Answer {
    op.query.required("CREATESYMLINK", "destination")?;
    let request = CreateSymlinkRequestProto {
        target: op.query.destination()?.to_owned(),
        link: op.src(),
        dir_perm: FsPermissionProto { perm: DIRECTORY },
        create_parent: op.query.boolean("createparent")?.unwrap_or(false),
    };
    op.command("createSymlink", &request)?;
    Ok(response::empty())
}

fn rename(op: &Operation<'_>) -> Answer {
    op.query.required("RENAME", "destination")?;
    let (src, dst) = (op.src(), op.query.destination()?.to_owned());
    let Some(options) = op.query.rename_options()? else {
        let answer: RenameResponseProto = op.call("rename", &RenameRequestProto { src, dst })?;
        return Ok(response::of_boolean(answer.result));
    };
    let request = Rename2RequestProto {
        src,
        dst,
        overwrite_dest: options.overwrite,
        move_to_trash: options.to_trash.then_some(true),
    };
    op.command("rename2", &request)?;
    Ok(response::empty())
}

fn set_replication(op: &Operation<'_>) -> Answer {
    let replication = op.query.short("replication")?;
    let default = op.parts.namenode.config().replication;
    let request = SetReplicationRequestProto {
        src: op.src(),
        replication: replication.unwrap_or(default).into(),
    };
    let answer: SetReplicationResponseProto = op.call("setReplication", &request)?;
    Ok(response::of_boolean(answer.result))
}

fn set_owner(op: &Operation<'_>) -> Answer {
    let given = |name: &str| {
        let value = op.query.get(name).filter(|value| !value.is_empty());
        value.map(str::to_owned)
    };
    let request = SetOwnerRequestProto {
        src: op.src(),
        username: given("owner"),
        groupname: given("group"),
    };
    if request.username.is_none() && request.groupname.is_none() {
        return Err(HdfsError::illegal_argument(
            "Both owner and group are empty.",
        ));
    }
    op.command("setOwner", &request)?;
    Ok(response::empty())
}

fn set_permission(op: &Operation<'_>) -> Answer {
    let permission = op.query.permission("permission")?;
    let request = SetPermissionRequestProto {
        src: op.src(),
        permission: permission.unwrap_or(FsPermissionProto { perm: DIRECTORY }),
    };
    op.command("setPermission", &request)?;
    Ok(response::empty())
}

fn set_times(op: &Operation<'_>) -> Answer {
    let time = |name: &str| {
        let time = op.query.long(name, -1)?.unwrap_or(-1);
        Ok::<_, HdfsError>(time.cast_unsigned())
    };
    let request = SetTimesRequestProto {
        src: op.src(),
        mtime: time("modificationtime")?,
        atime: time("accesstime")?,
    };
    op.command("setTimes", &request)?;
    Ok(response::empty())
}

/// Returns the token of an operation about a token.
fn token(op: &Operation<'_>, name: &str) -> Result<Token, HdfsError> {
    Token::from_url_string(op.query.required(name, "token")?)
}

fn renew_token(op: &Operation<'_>) -> Answer {
    let request = RenewDelegationTokenRequestProto {
        token: token(op, "RENEWDELEGATIONTOKEN")?.into(),
    };
    let answer: RenewDelegationTokenResponseProto = op.call("renewDelegationToken", &request)?;
    let time = serde_json::json!({ "long": answer.new_expiry_time.cast_signed() });
    Ok(response::of_json(&time))
}

fn cancel_token(op: &Operation<'_>) -> Answer {
    let request = CancelDelegationTokenRequestProto {
        token: token(op, "CANCELDELEGATIONTOKEN")?.into(),
    };
    op.command("cancelDelegationToken", &request)?;
    Ok(response::empty())
}

fn modify_acl_entries(op: &Operation<'_>) -> Answer {
    op.required("MODIFYACLENTRIES", "aclspec")?;
    let request = ModifyAclEntriesRequestProto {
        src: op.src(),
        acl_spec: op.query.acl(true)?,
    };
    op.command("modifyAclEntries", &request)?;
    Ok(response::empty())
}

fn remove_acl_entries(op: &Operation<'_>) -> Answer {
    op.required("REMOVEACLENTRIES", "aclspec")?;
    let request = RemoveAclEntriesRequestProto {
        src: op.src(),
        acl_spec: op.query.acl(false)?,
    };
    op.command("removeAclEntries", &request)?;
    Ok(response::empty())
}

fn remove_default_acl(op: &Operation<'_>) -> Answer {
    let request = RemoveDefaultAclRequestProto { src: op.src() };
    op.command("removeDefaultAcl", &request)?;
    Ok(response::empty())
}

fn remove_acl(op: &Operation<'_>) -> Answer {
    op.command("removeAcl", &RemoveAclRequestProto { src: op.src() })?;
    Ok(response::empty())
}

fn set_acl(op: &Operation<'_>) -> Answer {
    op.required("SETACL", "aclspec")?;
    let request = SetAclRequestProto {
        src: op.src(),
        acl_spec: op.query.acl(true)?,
    };
    op.command("setAcl", &request)?;
    Ok(response::empty())
}

fn set_xattr(op: &Operation<'_>) -> Answer {
    for name in ["xattr.name", "flag"] {
        op.query.required("SETXATTR", name)?;
    }
    let mut xattr = op.query.xattr()?;
    let text = op.query.get("xattr.value").unwrap_or_default();
    let value = Encoding::decode(text).ok_or_else(|| {
        HdfsError::illegal_argument(format!(
            "Invalid value for webhdfs parameter \"xattr.value\": {text} is neither a text in \
             quotes, nor 0x with hex digits, nor 0s with base64"
        ))
    })?;
    xattr.value = Some(value.into());
    let mut flags = 0;
    for flag in op.query.get("flag").unwrap_or_default().split(',') {
        flags |= match flag.trim().to_ascii_uppercase().as_str() {
            "CREATE" => XAttrSetFlagProto::XattrCreate as u32,
            "REPLACE" => XAttrSetFlagProto::XattrReplace as u32,
            "" => 0,
            other => {
                return Err(HdfsError::illegal_argument(format!(
                    "Invalid value for webhdfs parameter \"flag\": No enum constant org.apache.hadoop.fs.XAttrSetFlag.{other}"
                )));
            }
        };
    }
    let request = SetXAttrRequestProto {
        src: op.src(),
        x_attr: Some(xattr),
        flag: Some(flags),
    };
    op.command("setXAttr", &request)?;
    Ok(response::empty())
}

fn remove_xattr(op: &Operation<'_>) -> Answer {
    op.query.required("REMOVEXATTR", "xattr.name")?;
    let request = RemoveXAttrRequestProto {
        src: op.src(),
        x_attr: Some(op.query.xattr()?),
    };
    op.command("removeXAttr", &request)?;
    Ok(response::empty())
}

fn set_storage_policy(op: &Operation<'_>) -> Answer {
    let policy = op
        .query
        .get("storagepolicy")
        .filter(|name| !name.is_empty());
    let policy =
        policy.ok_or_else(|| HdfsError::illegal_argument("Storage policy name is empty."))?;
    let request = SetStoragePolicyRequestProto {
        src: op.src(),
        policy_name: policy.to_owned(),
    };
    op.command("setStoragePolicy", &request)?;
    Ok(response::empty())
}

fn satisfy_storage_policy(op: &Operation<'_>) -> Answer {
    let request = SatisfyStoragePolicyRequestProto { src: op.src() };
    op.command("satisfyStoragePolicy", &request)?;
    Ok(response::empty())
}

/// Returns the policy of erasure coding that an operation must name.
fn ec_policy(op: &Operation<'_>, name: &str) -> Result<String, HdfsError> {
    op.required(name, "ecpolicy").map(str::to_owned)
}

fn enable_ec_policy(op: &Operation<'_>) -> Answer {
    let request = EnableErasureCodingPolicyRequestProto {
        ec_policy_name: ec_policy(op, "ENABLEECPOLICY")?,
    };
    op.command("enableErasureCodingPolicy", &request)?;
    Ok(response::empty())
}

fn disable_ec_policy(op: &Operation<'_>) -> Answer {
    let request = DisableErasureCodingPolicyRequestProto {
        ec_policy_name: ec_policy(op, "DISABLEECPOLICY")?,
    };
    op.command("disableErasureCodingPolicy", &request)?;
    Ok(response::empty())
}

fn set_ec_policy(op: &Operation<'_>) -> Answer {
    let request = SetErasureCodingPolicyRequestProto {
        src: op.src(),
        ec_policy_name: Some(ec_policy(op, "SETECPOLICY")?).filter(|name| !name.is_empty()),
    };
    op.command("setErasureCodingPolicy", &request)?;
    Ok(response::empty())
}

/// Returns a quota. Without the parameter it stays as it is.
fn quota(op: &Operation<'_>, name: &str) -> Result<u64, HdfsError> {
    let quota = op.query.long(name, i64::MIN)?.unwrap_or(i64::MAX);
    Ok(quota.cast_unsigned())
}

fn set_quota(op: &Operation<'_>) -> Answer {
    let request = SetQuotaRequestProto {
        path: op.src(),
        namespace_quota: quota(op, "namespacequota")?,
        storagespace_quota: quota(op, "storagespacequota")?,
        storage_type: None,
    };
    op.command("setQuota", &request)?;
    Ok(response::empty())
}

fn set_quota_by_storage_type(op: &Operation<'_>) -> Answer {
    let name = op.query.get("storagetype").unwrap_or_default();
    let name = name.to_ascii_uppercase();
    let storage_type = StorageTypeProto::from_str_name(&name).ok_or_else(|| {
        HdfsError::illegal_argument(format!(
            "No enum constant org.apache.hadoop.fs.StorageType.{name}"
        ))
    })?;
    let request = SetQuotaRequestProto {
        path: op.src(),
        namespace_quota: i64::MAX.cast_unsigned(),
        storagespace_quota: quota(op, "storagespacequota")?,
        storage_type: Some(storage_type.into()),
    };
    op.command("setQuota", &request)?;
    Ok(response::empty())
}
