//! The operations that read.

use serde_json::Value;

use super::listing;
use super::operation::{Entry, Operation, entries};
use super::snapshots;
use crate::HdfsError;
use crate::proto::common::{GetDelegationTokenRequestProto, GetDelegationTokenResponseProto};
use crate::proto::hdfs::{
    CheckAccessRequestProto, GetAclStatusRequestProto, GetAclStatusResponseProto,
    GetBlockLocationsRequestProto, GetBlockLocationsResponseProto, GetContentSummaryRequestProto,
    GetContentSummaryResponseProto, GetErasureCodingCodecsRequestProto,
    GetErasureCodingCodecsResponseProto, GetErasureCodingPoliciesRequestProto,
    GetErasureCodingPoliciesResponseProto, GetErasureCodingPolicyRequestProto,
    GetErasureCodingPolicyResponseProto, GetFileLinkInfoRequestProto, GetFileLinkInfoResponseProto,
    GetFsStatsRequestProto, GetFsStatsResponseProto, GetLinkTargetRequestProto,
    GetLinkTargetResponseProto, GetQuotaUsageRequestProto, GetQuotaUsageResponseProto,
    GetServerDefaultsRequestProto, GetServerDefaultsResponseProto, GetStoragePoliciesRequestProto,
    GetStoragePoliciesResponseProto, GetStoragePolicyRequestProto, GetStoragePolicyResponseProto,
    GetXAttrsRequestProto, GetXAttrsResponseProto, HdfsFileStatusProto, ListXAttrsRequestProto,
    ListXAttrsResponseProto, LocatedBlocksProto,
};
use crate::token::Token;
use crate::web::auth::token_kind;
use crate::web::error::Dialect;
use crate::web::json::{self, Encoding};
use crate::web::params::{no_such_encoding, xattr_named};
use crate::web::response::{self, WebResponse};

type Answer = Result<WebResponse, HdfsError>;

pub(super) const ENTRIES: &[Entry] = entries! {
    "OPEN", "getFileInfo" => |op| op.open();
    "GETFILESTATUS", "getFileInfo" => file_status;
    "GETFILELINKSTATUS", "getFileLinkInfo" => link_status;
    "GETLINKTARGET", "getLinkTarget" => link_target;
    "LISTSTATUS", "getListing" => listing::list_status;
    "LISTSTATUS_BATCH", "getListing" => listing::list_status_batch;
    "GETCONTENTSUMMARY", "getContentSummary" => content_summary;
    "GETQUOTAUSAGE", "getQuotaUsage" => quota_usage;
    "GETFILECHECKSUM", "getFileInfo" => |op| op.file_checksum();
    "GETHOMEDIRECTORY", "getHomeDirectory" => home_directory;
    "GETTRASHROOT", "getTrashRoot" => trash_root;
    "GETTRASHROOTS", "getFileInfo" => listing::trash_roots;
    "GETDELEGATIONTOKEN", "getDelegationToken" => delegation_token;
    "GETSERVERDEFAULTS", "getServerDefaults" => server_defaults;
    "GETSTATUS", "getFsStats" => fs_status;
    "CHECKACCESS", "checkAccess" => check_access;
    "GETACLSTATUS", "getAclStatus" => acl_status;
    "GETXATTRS", "getXAttrs" => xattrs;
    "LISTXATTRS", "listXAttrs" => xattr_names;
    "GETALLSTORAGEPOLICY", "getStoragePolicies" => storage_policies;
    "GETSTORAGEPOLICY", "getStoragePolicy" => storage_policy;
    "GETECPOLICY", "getErasureCodingPolicy" => ec_policy;
    "GETECPOLICIES", "getErasureCodingPolicies" => ec_policies;
    "GETECCODECS", "getErasureCodingCodecs" => ec_codecs;
    "GETFILEBLOCKLOCATIONS", "getBlockLocations" => file_block_locations;
    "GET_BLOCK_LOCATIONS", "getBlockLocations" => block_locations;
    "GETSNAPSHOTDIFF", "getSnapshotDiffReport" => snapshots::diff;
    "GETSNAPSHOTDIFFLISTING", "getSnapshotDiffReportListing" => snapshots::diff_listing;
    "GETSNAPSHOTTABLEDIRECTORYLIST", "getSnapshottableDirListing" => snapshots::snapshottable;
    "GETSNAPSHOTLIST", "getSnapshotListing" => snapshots::list;
};

fn file_status(op: &Operation<'_>) -> Answer {
    existing(op, op.status()?)
}

fn link_status(op: &Operation<'_>) -> Answer {
    let request = GetFileLinkInfoRequestProto { src: op.src() };
    let answer: GetFileLinkInfoResponseProto = op.call("getFileLinkInfo", &request)?;
    existing(op, answer.fs)
}

fn existing(op: &Operation<'_>, status: Option<HdfsFileStatusProto>) -> Answer {
    let status = status
        .ok_or_else(|| HdfsError::file_not_found(format!("File does not exist: {}", op.path)))?;
    Ok(response::of_json(&json::file_status(&status)))
}

fn link_target(op: &Operation<'_>) -> Answer {
    let request = GetLinkTargetRequestProto { path: op.src() };
    let answer: GetLinkTargetResponseProto = op.call("getLinkTarget", &request)?;
    Ok(response::of_path(answer.target_path()))
}

fn content_summary(op: &Operation<'_>) -> Answer {
    let request = GetContentSummaryRequestProto { path: op.src() };
    let answer: GetContentSummaryResponseProto = op.call("getContentSummary", &request)?;
    Ok(op.of_json(json::content_summary(&answer.summary)))
}

fn quota_usage(op: &Operation<'_>) -> Answer {
    let request = GetQuotaUsageRequestProto { path: op.src() };
    let answer: GetQuotaUsageResponseProto = op.call("getQuotaUsage", &request)?;
    Ok(response::of_json(&json::quota_usage(&answer.usage)))
}

fn home_directory(op: &Operation<'_>) -> Answer {
    Ok(response::of_path(&op.home()))
}

fn trash_root(op: &Operation<'_>) -> Answer {
    Ok(response::of_path(&format!("{}/.Trash", op.home())))
}

fn delegation_token(op: &Operation<'_>) -> Answer {
    if op.query.get("delegation").is_some() {
        return Err(HdfsError::illegal_argument(
            "delegation parameter is not null.",
        ));
    }
    let renewer = op.query.get("renewer").filter(|name| !name.is_empty());
    let mut token = issue_token(op, renewer)?;
    if let Some(token) = &mut token {
        for (name, field) in [("service", &mut token.service), ("kind", &mut token.kind)] {
            if let Some(value) = op.query.get(name).filter(|value| !value.is_empty()) {
                value.clone_into(field);
            }
        }
    }
    Ok(response::of_json(&json::token(token.as_ref())))
}

/// Issues a token for the caller, who renews it if no other renewer is named.
pub(super) fn issue_token(
    op: &Operation<'_>,
    renewer: Option<&str>,
) -> Result<Option<Token>, HdfsError> {
    let request = GetDelegationTokenRequestProto {
        renewer: renewer.unwrap_or(&op.caller.user.short).to_owned(),
    };
    let answer: GetDelegationTokenResponseProto = op.call("getDelegationToken", &request)?;
    Ok(answer.token.map(|token| Token {
        kind: token_kind(op.scheme).to_owned(),
        ..Token::from(token).with_service(op.parts.rpc_address.clone())
    }))
}

fn server_defaults(op: &Operation<'_>) -> Answer {
    let request = GetServerDefaultsRequestProto {};
    let answer: GetServerDefaultsResponseProto = op.call("getServerDefaults", &request)?;
    let defaults = json::server_defaults(&answer.server_defaults);
    Ok(response::of_json(&defaults))
}

fn fs_status(op: &Operation<'_>) -> Answer {
    let answer: GetFsStatsResponseProto = op.call("getFsStats", &GetFsStatsRequestProto {})?;
    Ok(response::of_json(&json::fs_status(&answer)))
}

fn check_access(op: &Operation<'_>) -> Answer {
    op.query.required("CHECKACCESS", "fsaction")?;
    let request = CheckAccessRequestProto {
        path: op.src(),
        mode: op.query.action()?.into(),
    };
    op.command("checkAccess", &request)?;
    Ok(response::untyped())
}

fn acl_status(op: &Operation<'_>) -> Answer {
    let request = GetAclStatusRequestProto { src: op.src() };
    let answer: GetAclStatusResponseProto = op.call("getAclStatus", &request)?;
    Ok(response::of_json(&json::acl_status(&answer.result)))
}

fn xattrs(op: &Operation<'_>) -> Answer {
    let encoding = match op.parts.dialect {
        Dialect::WebHdfs => op.query.required("GETXATTRS", "encoding")?,
        Dialect::HttpFs => op.query.get("encoding").unwrap_or("text"),
    };
    let encoding = Encoding::of(encoding).ok_or_else(|| no_such_encoding(encoding))?;
    let names = op.query.all("xattr.name").filter(|name| !name.is_empty());
    let request = GetXAttrsRequestProto {
        src: op.src(),
        x_attrs: names.map(xattr_named).collect::<Result<_, _>>()?,
    };
    let answer: GetXAttrsResponseProto = op.call("getXAttrs", &request)?;
    Ok(response::of_json(&json::xattrs(&answer.x_attrs, encoding)))
}

fn xattr_names(op: &Operation<'_>) -> Answer {
    let request = ListXAttrsRequestProto { src: op.src() };
    let answer: ListXAttrsResponseProto = op.call("listXAttrs", &request)?;
    Ok(response::of_json(&json::xattr_names(&answer.x_attrs)))
}

fn storage_policies(op: &Operation<'_>) -> Answer {
    let request = GetStoragePoliciesRequestProto {};
    let answer: GetStoragePoliciesResponseProto = op.call("getStoragePolicies", &request)?;
    Ok(op.of_json(json::storage_policies(&answer.policies)))
}

fn storage_policy(op: &Operation<'_>) -> Answer {
    let request = GetStoragePolicyRequestProto { path: op.src() };
    let answer: GetStoragePolicyResponseProto = op.call("getStoragePolicy", &request)?;
    Ok(op.of_json(json::storage_policy(&answer.storage_policy)))
}

fn ec_policy(op: &Operation<'_>) -> Answer {
    let request = GetErasureCodingPolicyRequestProto { src: op.src() };
    let answer: GetErasureCodingPolicyResponseProto =
        op.call("getErasureCodingPolicy", &request)?;
    let policy = answer.ec_policy.as_ref().map(json::ec_policy);
    Ok(response::of_json(&policy.unwrap_or(Value::Null)))
}

fn ec_policies(op: &Operation<'_>) -> Answer {
    let request = GetErasureCodingPoliciesRequestProto {};
    let answer: GetErasureCodingPoliciesResponseProto =
        op.call("getErasureCodingPolicies", &request)?;
    Ok(response::of_json(&json::ec_policies(&answer.ec_policies)))
}

fn ec_codecs(op: &Operation<'_>) -> Answer {
    let request = GetErasureCodingCodecsRequestProto {};
    let answer: GetErasureCodingCodecsResponseProto =
        op.call("getErasureCodingCodecs", &request)?;
    Ok(response::of_json(&json::ec_codecs(&answer.codec)))
}

/// Returns the blocks of the range that the parameters give.
fn located(op: &Operation<'_>) -> Result<LocatedBlocksProto, HdfsError> {
    let offset = op.query.long("offset", 0)?.unwrap_or(0);
    let length = op.query.long("length", 0)?.unwrap_or(i64::MAX);
    blocks_at(op, offset, length)
}

/// Returns the blocks that overlap a range of the file.
pub(super) fn blocks_at(
    op: &Operation<'_>,
    offset: i64,
    length: i64,
) -> Result<LocatedBlocksProto, HdfsError> {
    let request = GetBlockLocationsRequestProto {
        src: op.src(),
        offset: offset.cast_unsigned(),
        length: length.cast_unsigned(),
    };
    let answer: GetBlockLocationsResponseProto = op.call("getBlockLocations", &request)?;
    Ok(answer.locations.unwrap_or_default())
}

fn file_block_locations(op: &Operation<'_>) -> Answer {
    Ok(response::of_json(&json::block_locations(&located(op)?)))
}

fn block_locations(op: &Operation<'_>) -> Answer {
    Ok(response::of_json(&json::located_blocks(&located(op)?)))
}
