//! Directories, page by page, and the trash folders that there are.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::header::CONTENT_TYPE;
use kerbox_krb5::Timestamp;
use serde_json::json;

use super::operation::{HOMES, Operation};
use crate::namenode::NameNode;
use crate::proto::hdfs::{
    DirectoryListingProto, GetFileInfoRequestProto, GetFileInfoResponseProto,
    GetListingRequestProto, GetListingResponseProto, HdfsFileStatusProto,
};
use crate::rpc::Call;
use crate::web::content::{Parts, WebAnswer, WebContent};
use crate::web::error::Dialect;
use crate::web::glob::Glob;
use crate::web::json;
use crate::web::response::{self, JSON, WebResponse};
use crate::{Caller, HdfsError};

/// Returns one page of a listing.
fn page(
    op: &Operation<'_>,
    src: &str,
    start_after: Bytes,
) -> Result<DirectoryListingProto, HdfsError> {
    let request = GetListingRequestProto {
        src: src.to_owned(),
        start_after,
        need_location: false,
    };
    let answer: GetListingResponseProto = op.call("getListing", &request)?;
    answer
        .dir_list
        .ok_or_else(|| HdfsError::file_not_found(format!("File {src} does not exist.")))
}

/// Returns the pattern of the names that HttpFS is to list.
fn filter(op: &Operation<'_>) -> Result<Option<Glob>, HdfsError> {
    let text = op.query.get("filter").unwrap_or_default().trim();
    let is_given = op.parts.dialect == Dialect::HttpFs && !text.is_empty();
    is_given.then(|| Glob::parse(text)).transpose()
}

/// Leaves the entries of a page whose names match. The name of a file that is listed itself is that
/// of the path.
fn leave(filter: Option<&Glob>, path: &str, page: &mut DirectoryListingProto) {
    let Some(filter) = filter else {
        return;
    };
    let own = path.rsplit('/').next().unwrap_or_default();
    page.partial_listing.retain(|status| {
        let name = String::from_utf8_lossy(&status.path);
        filter.matches(if name.is_empty() { own } else { &name })
    });
}

/// Lists a directory. Only one page of it is in memory at a time.
pub(super) fn list_status(op: &Operation<'_>) -> Result<WebAnswer, HdfsError> {
    let filter = filter(op)?;
    let mut first = page(op, op.path, Bytes::new())?;
    if first.remaining_entries == 0 {
        leave(filter.as_ref(), op.path, &mut first);
        let value = json::file_statuses(&first.partial_listing);
        return Ok(response::of_json(&value).map(WebContent::from));
    }
    let mut pages = Pages {
        namenode: Arc::clone(&op.parts.namenode),
        caller: op.caller.clone(),
        path: op.path.to_owned(),
        filter,
        next: Some(first),
        is_over: false,
        has_begun: false,
        has_entries: false,
    };
    let parts = Parts::new(move |now| pages.part(now).map(Bytes::from));
    let mut answer = Response::new(WebContent::Parts(parts));
    answer.headers_mut().insert(CONTENT_TYPE, JSON);
    Ok(answer)
}

/// A listing whose pages follow each other.
struct Pages {
    namenode: Arc<NameNode>,
    caller: Caller,
    path: String,
    filter: Option<Glob>,
    next: Option<DirectoryListingProto>,
    is_over: bool,
    has_begun: bool,
    has_entries: bool,
}

impl Pages {
    /// Returns the text of the next page, with what is before the first and after the last.
    fn part(&mut self, now: Timestamp) -> Option<String> {
        if self.is_over {
            return None;
        }
        let mut text = String::new();
        if !self.has_begun {
            self.has_begun = true;
            text.push_str("{\"FileStatuses\":{\"FileStatus\":[");
        }
        let Some(mut page) = self.next.take() else {
            self.is_over = true;
            return Some("]}}".to_owned());
        };
        let last = page.partial_listing.last().cloned();
        leave(self.filter.as_ref(), &self.path, &mut page);
        for status in &page.partial_listing {
            if self.has_entries {
                text.push(',');
            }
            self.has_entries = true;
            text.push_str(&json::listed(status).to_string());
        }
        let last = last.filter(|_| page.remaining_entries > 0);
        // Entries may have been removed meanwhile, also the last ones or the directory.
        self.next = last
            .and_then(|last| self.page(now, &last).ok()?)
            .filter(|page| !page.partial_listing.is_empty());
        Some(text)
    }

    fn page(
        &self,
        now: Timestamp,
        last: &HdfsFileStatusProto,
    ) -> Result<Option<DirectoryListingProto>, HdfsError> {
        let request = GetListingRequestProto {
            src: self.path.clone(),
            start_after: last.path.clone(),
            need_location: false,
        };
        let call = Call {
            now,
            caller: &self.caller,
            protocol: "",
            version: 1,
            method: "getListing",
            request: &[],
        };
        Ok(self.namenode.get_listing(&call, request)?.dir_list)
    }
}

pub(super) fn list_status_batch(op: &Operation<'_>) -> Result<WebResponse, HdfsError> {
    let start = op.query.get("startafter").unwrap_or_default();
    if op.is_of_httpfs() {
        return whole_batch(op);
    }
    let listing = page(op, op.path, Bytes::copy_from_slice(start.as_bytes()))?;
    Ok(response::of_json(&json::partial_listing(&listing)))
}

/// Lists a directory in one batch, as HttpFS does wherever it is to begin.
fn whole_batch(op: &Operation<'_>) -> Result<WebResponse, HdfsError> {
    let mut whole = page(op, op.path, Bytes::new())?;
    while whole.remaining_entries > 0 {
        let Some(last) = whole.partial_listing.last() else {
            break;
        };
        let next = page(op, op.path, last.path.clone())?;
        whole.remaining_entries = next.remaining_entries;
        // Entries may have been removed meanwhile.
        if next.partial_listing.is_empty() {
            whole.remaining_entries = 0;
        }
        whole.partial_listing.extend(next.partial_listing);
    }
    Ok(response::of_json(&json::partial_listing(&whole)))
}

/// Returns the trash folders of the caller, or of all users (`FileSystem.getTrashRoots`).
pub(super) fn trash_roots(op: &Operation<'_>) -> Result<WebResponse, HdfsError> {
    let mut paths = Vec::new();
    let mut add = |path: String| {
        let request = GetFileInfoRequestProto { src: path.clone() };
        let answer: GetFileInfoResponseProto = op.call("getFileInfo", &request)?;
        paths.extend(answer.fs.map(|status| json::rooted(&path, &status)));
        Ok::<_, HdfsError>(())
    };
    if op.query.boolean("allusers")?.unwrap_or(false) {
        let mut after = Bytes::new();
        loop {
            let listing = page(op, HOMES, after)?;
            for user in &listing.partial_listing {
                let user = String::from_utf8_lossy(&user.path);
                // A home that the caller may not enter is left out.
                let _ = add(format!("{HOMES}/{user}/.Trash"));
            }
            let last = listing.partial_listing.last();
            match last.filter(|_| listing.remaining_entries > 0) {
                Some(last) => after = last.path.clone(),
                None => break,
            }
        }
    } else {
        add(format!("{}/.Trash", op.home()))?;
    }
    let paths = (!paths.is_empty() || op.is_of_httpfs()).then_some(paths);
    Ok(response::of_json(&json!({ "Paths": paths })))
}
