//! The operations that append, join and cut files, and those that remove.

use super::operation::{Entry, Operation, entries};
use super::snapshots;
use crate::HdfsError;
use crate::proto::hdfs::{
    ConcatRequestProto, DeleteRequestProto, DeleteResponseProto, TruncateRequestProto,
    TruncateResponseProto, UnsetErasureCodingPolicyRequestProto, UnsetStoragePolicyRequestProto,
};
use crate::web::response::{self, WebResponse};

type Answer = Result<WebResponse, HdfsError>;

pub(super) const POST_ENTRIES: &[Entry] = entries! {
    "APPEND", "getFileInfo" => |op| op.append();
    "CONCAT", "concat" => concat;
    "TRUNCATE", "truncate" => truncate;
    "UNSETSTORAGEPOLICY", "unsetStoragePolicy" => unset_storage_policy;
    "UNSETECPOLICY", "unsetErasureCodingPolicy" => unset_ec_policy;
};

pub(super) const DELETE_ENTRIES: &[Entry] = entries! {
    "DELETE", "delete" => delete;
    "DELETESNAPSHOT", "deleteSnapshot" => snapshots::delete;
};

fn concat(op: &Operation<'_>) -> Answer {
    let sources = op.required("CONCAT", "sources")?;
    let request = ConcatRequestProto {
        trg: op.src(),
        srcs: sources
            .split(',')
            .map(str::trim)
            .filter(|source| !source.is_empty())
            .map(str::to_owned)
            .collect(),
    };
    op.command("concat", &request)?;
    Ok(response::untyped())
}

fn truncate(op: &Operation<'_>) -> Answer {
    op.query.required("TRUNCATE", "newlength")?;
    let length = op.query.long("newlength", 0)?.unwrap_or_default();
    let request = TruncateRequestProto {
        src: op.src(),
        new_length: length.cast_unsigned(),
        client_name: "DFSClient_WebHDFS".to_owned(),
    };
    let answer: TruncateResponseProto = op.call("truncate", &request)?;
    Ok(response::of_boolean(answer.result))
}

fn unset_storage_policy(op: &Operation<'_>) -> Answer {
    let request = UnsetStoragePolicyRequestProto { src: op.src() };
    op.command("unsetStoragePolicy", &request)?;
    Ok(response::untyped())
}

fn unset_ec_policy(op: &Operation<'_>) -> Answer {
    let request = UnsetErasureCodingPolicyRequestProto { src: op.src() };
    op.command("unsetErasureCodingPolicy", &request)?;
    Ok(response::untyped())
}

fn delete(op: &Operation<'_>) -> Answer {
    let request = DeleteRequestProto {
        src: op.src(),
        recursive: op.query.boolean("recursive")?.unwrap_or(false),
    };
    let answer: DeleteResponseProto = op.call("delete", &request)?;
    Ok(response::of_boolean(answer.result))
}
