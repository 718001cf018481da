//! The check of files and their blocks that `hdfs fsck` shows (Hadoop's `NamenodeFsck`).
//!
//! The text is made in parts, so that a check of millions of files holds neither the lock nor
//! memory for long.
//!
//! - `options`: the flags; `walk`: the walk through directories
//! - `lost_found`: what is saved of corrupt files
//! - `file`: one file and its blocks; `block`: one block by its id
//! - `totals`, `policies`: the sums at the end
//! - `text`: dates and numbers as Java writes them

mod block;
mod corrupt_files;
mod file;
mod lost_found;
mod options;
mod policies;
mod text;
mod totals;
mod walk;

use std::fmt::Write;
use std::sync::Arc;

use kerbox_krb5::Timestamp;

use crate::namenode::NameNode;
use crate::proto::hdfs::GetFileInfoRequestProto;
use crate::rpc::Call;
use crate::{Caller, HdfsError};

pub(crate) use lost_found::Remains;
pub(crate) use options::FsckOptions;
use text::java_date;
use walk::Walk;

/// A check under way.
pub(crate) struct Fsck {
    namenode: Arc<NameNode>,
    caller: Caller,
    options: FsckOptions,
    /// The name of the caller, with the way in which it authenticated.
    shown_caller: String,
    began: Timestamp,
    stage: Stage,
}

enum Stage {
    Begin,
    Walk(Box<Walk>),
    Over,
}

impl Fsck {
    /// Begins a check as `caller`.
    pub(crate) fn new(
        namenode: Arc<NameNode>,
        now: Timestamp,
        caller: Caller,
        shown_caller: String,
        options: FsckOptions,
    ) -> Self {
        Self {
            namenode,
            caller,
            options,
            shown_caller,
            began: now,
            stage: Stage::Begin,
        }
    }

    /// Returns the next part of the text; `None` at its end.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<String> {
        let mut out = String::new();
        let stage = std::mem::replace(&mut self.stage, Stage::Over);
        let stepped = match stage {
            Stage::Over => return None,
            Stage::Begin => self.begin(now, &mut out),
            Stage::Walk(walk) => self.walk(now, walk, &mut out),
        };
        match stepped {
            Ok(stage) => self.stage = stage,
            Err(error) => self.fail(now, &error, &mut out),
        }
        Some(out)
    }

    /// Returns what must be copied before the next part.
    pub(crate) fn remains(&mut self) -> Option<Remains> {
        match &mut self.stage {
            Stage::Walk(walk) => walk.remains(),
            _ => None,
        }
    }

    /// Notes that something could not be copied.
    pub(crate) fn has_failed(&mut self, why: &HdfsError) {
        if let Stage::Walk(walk) = &mut self.stage {
            walk.has_failed(why);
        }
    }

    fn call(&self, now: Timestamp) -> Call<'_> {
        Call {
            now,
            caller: &self.caller,
            protocol: "",
            version: 1,
            method: "fsck",
            request: &[],
        }
    }

    fn begin(&self, now: Timestamp, out: &mut String) -> Result<Stage, HdfsError> {
        let (user, from) = (&self.shown_caller, self.caller.address);
        let date = java_date(now);
        let path = &self.options.path;
        // Writing to a String cannot fail, here and below.
        if let Some(ids) = &self.options.block_ids {
            let _ = writeln!(out, "FSCK started by {user} from /{from} at {date}");
            block::check(&self.namenode, &self.options, ids, out);
            return Ok(Stage::Over);
        }
        let _ = writeln!(
            out,
            "FSCK started by {user} from /{from} for path {path} at {date}"
        );
        let call = self.call(now);
        let request = GetFileInfoRequestProto { src: path.clone() };
        let Some(status) = self.namenode.get_file_info(&call, request)?.fs else {
            let _ = write!(out, "\n\nPath '{path}' does not exist");
            return Ok(Stage::Over);
        };
        if self.options.corrupt_file_blocks {
            corrupt_files::list(&self.namenode, &call, &self.options, out)?;
            return Ok(Stage::Over);
        }
        let walk = Walk::begin(&self.namenode, &call, &self.options, &status, out)?;
        Ok(Stage::Walk(Box::new(walk)))
    }

    fn walk(
        &self,
        now: Timestamp,
        mut walk: Box<Walk>,
        out: &mut String,
    ) -> Result<Stage, HdfsError> {
        let call = self.call(now);
        if walk.step(&self.namenode, &call, &self.options, out)? {
            return Ok(Stage::Walk(walk));
        }
        walk.write_sums(&self.namenode, &self.options, out);
        let milliseconds = now.since(self.began).as_millis();
        let _ = writeln!(
            out,
            "FSCK ended at {} in {milliseconds} milliseconds",
            java_date(now)
        );
        walk.check_internal_errors()?;
        let health = if walk.is_healthy() {
            "HEALTHY"
        } else {
            "CORRUPT"
        };
        // Clients take their status from this line, which must be the last one.
        let _ = write!(
            out,
            "\n\nThe filesystem under path '{}' is {health}",
            self.options.path
        );
        Ok(Stage::Over)
    }

    fn fail(&self, now: Timestamp, error: &HdfsError, out: &mut String) {
        let milliseconds = now.since(self.began).as_millis();
        let _ = write!(
            out,
            "FSCK ended at {} in {milliseconds} milliseconds\n{}\n\n\nFsck on path '{}' FAILED",
            java_date(now),
            error.message(),
            self.options.path
        );
    }
}
