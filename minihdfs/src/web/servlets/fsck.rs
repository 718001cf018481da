//! `/fsck` (Hadoop's `FsckServlet`).

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::{Page, in_parts};
use crate::namenode::{Fsck, FsckOptions};
use crate::user::AuthMethod;
use crate::web::content::{Parts, WebAnswer};
use crate::web::request::Query;

/// Begins a check as the caller; the text follows while it is made.
pub(super) fn answer(page: &Page<'_>) -> WebAnswer {
    let caller = page.caller.clone();
    let method = match caller.method {
        AuthMethod::Simple => "SIMPLE",
        AuthMethod::Kerberos => "KERBEROS_SSL",
        AuthMethod::Token => "TOKEN",
    };
    let shown = format!("{} (auth:{method})", caller.user.full);
    let options = options(page.query);
    let namenode = Arc::clone(page.namenode);
    let mut fsck = Fsck::new(namenode, page.now, caller, shown, options);
    let parts = Parts::new(move |now| fsck.next(now).map(Bytes::from));
    let mut answer = in_parts(parts);
    let kind = HeaderValue::from_static("text/plain;charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

/// Returns the flags. Each is set by its presence, whatever its value.
fn options(query: &Query) -> FsckOptions {
    let has = |name: &str| query.get(name).is_some();
    let text = |name: &str| query.get(name).map(str::to_owned);
    FsckOptions {
        path: text("path").unwrap_or_else(|| "/".to_owned()),
        move_corrupt: has("move"),
        delete_corrupt: has("delete"),
        files: has("files"),
        blocks: has("blocks"),
        locations: has("locations"),
        racks: has("racks"),
        replica_details: has("replicadetails"),
        upgrade_domains: has("upgradedomains"),
        maintenance: has("maintenance"),
        storage_policies: has("storagepolicies"),
        open_for_write: has("openforwrite"),
        corrupt_file_blocks: has("listcorruptfileblocks"),
        start_block_after: text("startblockafter"),
        include_snapshots: has("includeSnapshots"),
        replicate: has("replicate"),
        block_ids: text("blockId"),
    }
}
