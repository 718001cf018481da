//! `/fsck` (Hadoop's `FsckServlet`).

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use super::{Page, in_parts};
use crate::HdfsError;
use crate::namenode::{Fsck, FsckOptions, Remains};
use crate::proto::common::GetDelegationTokenRequestProto;
use crate::rpc::Call;
use crate::rpc::client::Identity;
use crate::token::Token;
use crate::user::AuthMethod;
use crate::web::content::{Part, Parts, WebAnswer};
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
    let mover = Mover {
        saver: Arc::clone(page.saver),
        // Only a check that moves something needs it.
        identity: options.move_corrupt.then(|| identity(page)),
        failures: Arc::default(),
    };
    let mut fsck = Fsck::new(namenode, page.now, caller, shown, options);
    let parts = Parts::with_work(move |now| {
        for failure in mover.failures().drain(..) {
            fsck.has_failed(&failure);
        }
        match fsck.remains() {
            Some(remains) => Some(mover.work(remains)),
            None => fsck.next(now).map(|text| Part::Bytes(Bytes::from(text))),
        }
    });
    let mut answer = in_parts(parts);
    let kind = HeaderValue::from_static("text/plain;charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

/// Copies what is left of corrupt files.
pub(in crate::web) trait Saver: Send + Sync {
    /// Copies what is left of one of them, as a user.
    fn save(
        &self,
        user: Identity,
        remains: Remains,
    ) -> Pin<Box<dyn Future<Output = Result<(), HdfsError>> + Send>>;
}

/// Copies what is left of corrupt files, as the caller.
struct Mover {
    saver: Arc<dyn Saver>,
    identity: Option<Result<Identity, HdfsError>>,
    failures: Arc<Mutex<Vec<HdfsError>>>,
}

impl Mover {
    fn work(&self, remains: Remains) -> Part {
        let nobody = || HdfsError::io("Nobody reads and writes the files");
        let identity = self.identity.clone().unwrap_or_else(|| Err(nobody()));
        let saved = identity.map(|identity| self.saver.save(identity, remains));
        let failures = Arc::clone(&self.failures);
        Part::Work(Box::pin(async move {
            let outcome = match saved {
                Ok(saved) => saved.await,
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                lock(&failures).push(error);
            }
        }))
    }

    fn failures(&self) -> MutexGuard<'_, Vec<HdfsError>> {
        lock(&self.failures)
    }
}

fn lock(failures: &Mutex<Vec<HdfsError>>) -> MutexGuard<'_, Vec<HdfsError>> {
    // Entries are added in a single step.
    failures.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the caller as a client of files: by a new token, or by name without security.
fn identity(page: &Page<'_>) -> Result<Identity, HdfsError> {
    let user = &page.caller.user.short;
    if !page.namenode.config().is_secure() {
        return Ok(Identity::simple(&**user));
    }
    let call = Call {
        now: page.now,
        caller: page.caller,
        protocol: "",
        version: 1,
        method: "fsck",
        request: &[],
    };
    let request = GetDelegationTokenRequestProto {
        renewer: user.to_string(),
    };
    let issued = page.namenode.get_delegation_token(&call, request)?.token;
    let token = issued.ok_or_else(|| HdfsError::io("The NameNode issues no tokens"))?;
    Ok(Identity::token(Token::from(token)))
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
