//! `/imagetransfer` (Hadoop's `ImageServlet`): images and finished edits for those who make
//! checkpoints, and the images that they bring.

use std::fmt;
use std::io::Read;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};
use kerbox_krb5::Timestamp;

use super::uploads::Uploads;
use super::{Page, in_parts, whole};
use crate::HdfsError;
use crate::namenode::{EditSegment, NameNode, NameStorage, ReceivedImage, StoredFile};
use crate::web::content::{Parts, WebAnswer};
use crate::web::request::{Query, WebRequest};
use crate::web::response::{self, WebResponse};

/// The field with the digest of a file.
const MD5: HeaderName = HeaderName::from_static("x-md5-digest");
/// The field with the name of a file.
const NAME: HeaderName = HeaderName::from_static("x-image-edits-name");
/// The length of a part of a file.
const PART: usize = 256 << 10;
/// The words for a request that means nothing here.
const ILLEGAL: &str = "Illegal parameters to TransferFsImage";

/// Sends a file.
pub(super) fn answer(page: &Page<'_>) -> WebAnswer {
    match open(page.namenode, page.query) {
        Ok(file) => send(file),
        Err(refusal) => whole(refusal.page("GetImage")),
    }
}

/// The reason why a file is neither sent nor stored.
struct Refusal {
    status: StatusCode,
    why: String,
}

impl Refusal {
    fn page(&self, operation: &str) -> WebResponse {
        let reason = match self.status {
            StatusCode::GONE => format!("{operation} failed. java.io.IOException: {}", self.why),
            _ => self.why.clone(),
        };
        response::page(self.status, &reason)
    }
}

fn gone(why: impl fmt::Display) -> Refusal {
    Refusal {
        status: StatusCode::GONE,
        why: why.to_string(),
    }
}

fn conflict(why: String) -> Refusal {
    Refusal {
        status: StatusCode::CONFLICT,
        why,
    }
}

impl From<HdfsError> for Refusal {
    fn from(error: HdfsError) -> Self {
        gone(error.message())
    }
}

fn storage(namenode: &NameNode) -> Result<&dyn NameStorage, Refusal> {
    let storage = namenode.storage().map(|storage| &**storage);
    storage.ok_or_else(|| gone("This namenode keeps no files: start it with a persistent folder"))
}

/// Fails if the other side has the files of another namespace.
fn check_info(storage: &dyn NameStorage, theirs: Option<&str>) -> Result<(), Refusal> {
    let info = storage.info();
    let own = format!(
        "{}:{}:{}:{}",
        info.layout_version, info.namespace_id, info.c_time, info.cluster_id
    );
    match theirs {
        Some(theirs) if theirs != own => Err(Refusal {
            status: StatusCode::FORBIDDEN,
            why: format!(
                "This namenode has storage info {own} but the secondary expected {theirs}"
            ),
        }),
        _ => Ok(()),
    }
}

/// Fails unless an image of this transaction is later than those that there are, and has no edits
/// that the NameNode has not.
fn check_new(storage: &dyn NameStorage, last: i64) -> Result<(), Refusal> {
    let images = storage.images()?;
    if images.contains(&last) {
        return Err(conflict(format!(
            "Either current namenode has checkpointed or another checkpointer already uploaded an \
             checkpoint for txid {last}"
        )));
    }
    if let Some(newest) = images.last().filter(|newest| **newest > last) {
        return Err(conflict(format!(
            "There is an image up to txid {newest}, and this one ends with txid {last}"
        )));
    }
    let segments = storage.edit_segments(last)?;
    if segments.iter().all(|segment| segment.last != last) {
        return Err(gone(format!(
            "No segment of the edit log ends with txid {last}: roll it, and make the image of \
             finished segments"
        )));
    }
    Ok(())
}

fn number(query: &Query, name: &str) -> Result<i64, Refusal> {
    let number = query.get(name).and_then(|text| text.parse().ok());
    number.ok_or_else(|| gone(ILLEGAL))
}

fn open(namenode: &NameNode, query: &Query) -> Result<StoredFile, Refusal> {
    let storage = storage(namenode)?;
    check_info(storage, query.get("storageInfo"))?;
    match (query.get("getimage"), query.get("getedit")) {
        (Some(_), None) if query.get("txid") == Some("latest") => {
            let newest = storage.images()?.pop();
            let newest = newest.ok_or_else(|| gone("Could not find image"))?;
            Ok(storage.open_image(newest)?)
        }
        (Some(_), None) => {
            let wanted = number(query, "txid")?;
            if !storage.images()?.contains(&wanted) {
                return Err(gone(format!("Could not find image with txid {wanted}")));
            }
            Ok(storage.open_image(wanted)?)
        }
        (None, Some(_)) => {
            let (first, last) = (number(query, "startTxId")?, number(query, "endTxId")?);
            Ok(storage.open_edits(EditSegment { first, last })?)
        }
        _ => Err(gone(ILLEGAL)),
    }
}

fn send(file: StoredFile) -> WebAnswer {
    let StoredFile {
        name,
        length,
        md5,
        contents,
    } = file;
    // Nothing else reads it: the lock only lets it be shared.
    let contents = Mutex::new(contents);
    let parts = Parts::new(move |_| {
        let mut contents = contents.lock().unwrap_or_else(PoisonError::into_inner);
        let mut part = Vec::new();
        // A file that cannot be read ends early, which its reader sees by the length.
        let read = (&mut *contents).take(PART as u64).read_to_end(&mut part);
        read.ok()
            .filter(|read| *read > 0)
            .map(|_| Bytes::from(part))
    });
    let mut answer = in_parts(parts.of_length(length));
    let headers = answer.headers_mut();
    let kind = HeaderValue::from_static("application/octet-stream");
    headers.insert(CONTENT_TYPE, kind);
    let attachment = format!("attachment; filename={name}");
    for (field, value) in [
        (MD5, md5.unwrap_or_default()),
        (NAME, name),
        (CONTENT_DISPOSITION, attachment),
    ] {
        if !value.is_empty() {
            response::add(&mut answer, field, &value);
        }
    }
    answer
}

/// An image that is sent to the NameNode.
#[derive(Clone, Debug)]
pub(in crate::web) struct Upload {
    query: Query,
    md5: Option<String>,
}

impl Upload {
    /// Takes what a request says about its image.
    pub(in crate::web) fn of(request: &WebRequest<'_>, query: &Query) -> Self {
        Self {
            query: query.clone(),
            md5: request.header(MD5).map(str::to_owned),
        }
    }

    /// Stores the image, and waits until it is on disk. `uploads` are those under way.
    pub(in crate::web) fn store(
        &self,
        now: Timestamp,
        namenode: &NameNode,
        uploads: &Uploads,
        contents: &mut dyn Read,
    ) -> Result<(), Box<WebResponse>> {
        let stored = self.put(now, namenode, uploads, contents);
        stored.map_err(|refusal| Box::new(refusal.page("PutImage")))
    }

    fn put(
        &self,
        now: Timestamp,
        namenode: &NameNode,
        uploads: &Uploads,
        contents: &mut dyn Read,
    ) -> Result<(), Refusal> {
        let (last, length) = self.described()?;
        let storage = storage(namenode)?;
        check_info(storage, self.query.get("storageInfo"))?;
        let settings = &namenode.config().storage;
        let under_way = uploads.begin(last, now, settings).map_err(conflict)?;
        check_new(storage, last)?;
        if !storage.has_room(length) {
            return Err(gone(format!(
                "The disk has no room for {length} bytes: free some, and try again"
            )));
        }
        storage.put_image(&mut ReceivedImage {
            transaction_id: last,
            length,
            md5: self.md5.as_deref(),
            contents,
        })?;
        under_way.stored(now);
        Ok(())
    }

    /// Returns the last transaction of the image, and its length.
    fn described(&self) -> Result<(i64, u64), Refusal> {
        let query = &self.query;
        let last = number(query, "txid")?;
        let length = u64::try_from(number(query, "File-Length")?).unwrap_or_default();
        let info = query.get("storageInfo").unwrap_or_default();
        if length == 0 || last < 0 || info.is_empty() {
            return Err(gone(ILLEGAL));
        }
        match query.get("imageFile") {
            None | Some("IMAGE") => Ok((last, length)),
            Some(other) => Err(gone(format!(
                "This namenode takes no file of the type {}: imageFile is IMAGE",
                kerbox_events::cut(other)
            ))),
        }
    }

    /// Returns the response if something else went wrong.
    pub(in crate::web) fn failed(why: &dyn fmt::Display) -> Box<WebResponse> {
        Box::new(gone(why).page("PutImage"))
    }
}
