//! The start of a NameNode's core: with nothing, with what the last one has left in memory, or with
//! what is on disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kerbox_events::Hook;
use kerbox_krb5::Timestamp;
use minihdfs::HdfsError;
use minihdfs::config::HdfsConfig;
use minihdfs::namenode::storage::server::{NameDirectory, NameDirectoryError};
use minihdfs::namenode::{EditSink, MemoryEdits, NameNode, NameNodeIdentity, NoEdits, Saved};
use rand::rngs::StdRng;

use crate::directory::is_marked;
use crate::spec::HdfsSpec;
use crate::world::World;
use crate::{Error, persistent};

/// The number of edits that a debug build keeps, to check the law of replay at the end.
const KEPT_EDITS: usize = 100_000;

/// Where a NameNode's edits go.
pub(crate) enum Edits {
    /// Nowhere.
    Dropped,
    /// Into memory, so that the law of replay can be checked.
    Kept(MemoryEdits),
    /// Into a name directory, which the first start may have to upgrade.
    OnDisk { path: PathBuf, upgrade: bool },
    /// Nowhere, because nothing is changed: the namespace is that of this image.
    Image(PathBuf),
}

impl Edits {
    /// Chooses an image, or the name directory of a persistent fixture; without either, keeps edits
    /// in debug builds.
    pub(crate) fn new(world: &World, spec: &HdfsSpec) -> Self {
        if let Some(image) = &spec.fsimage {
            return Self::Image(image.clone());
        }
        match world.persistent() {
            Some(data) => Self::OnDisk {
                path: data.name(),
                upgrade: spec.upgrade,
            },
            None if cfg!(debug_assertions) => Self::Kept(MemoryEdits::new(KEPT_EDITS)),
            None => Self::Dropped,
        }
    }

    /// Returns whether an earlier fixture or Hadoop has left a namespace. One that died before it
    /// had formatted the directory has left none.
    pub(crate) fn exist(&self) -> bool {
        match self {
            // An upgrade that was interrupted may have left one file alone.
            Self::OnDisk { path, .. } => {
                path.join("current/VERSION").exists() || path.join("previous.tmp").exists()
            }
            Self::Image(_) => true,
            Self::Dropped | Self::Kept(_) => false,
        }
    }

    fn kept(&self) -> Option<&MemoryEdits> {
        match self {
            Self::Kept(edits) => Some(edits),
            _ => None,
        }
    }

    fn sink(&self) -> Box<dyn EditSink> {
        match self.kept() {
            Some(edits) => Box::new(edits.clone()),
            None => Box::new(NoEdits),
        }
    }

    /// Checks the law of replay, if the edits are kept.
    pub(crate) fn check(&self, now: Timestamp, namenode: &NameNode) -> Result<(), Error> {
        let Some(edits) = self.kept() else {
            return Ok(());
        };
        namenode
            .check_replay(now, edits)
            .map_err(|difference| unlike(&difference))
    }
}

/// The parameters of a NameNode's core.
pub(crate) struct NameNodeStart<'a> {
    pub(crate) config: &'a HdfsConfig,
    pub(crate) identity: &'a NameNodeIdentity,
    pub(crate) now: Timestamp,
    pub(crate) hook: Arc<dyn Hook>,
    pub(crate) edits: &'a Edits,
}

impl NameNodeStart<'_> {
    /// Starts the first core of a fixture.
    pub(crate) fn first(self, rng: &mut StdRng) -> Result<NameNode, Error> {
        match self.edits {
            Edits::OnDisk { path, upgrade } => return self.on_disk(path, *upgrade, rng),
            Edits::Image(path) => return self.of_image(path, rng),
            Edits::Dropped | Edits::Kept(_) => {}
        }
        let (config, sink) = (self.config.clone(), self.edits.sink());
        let (identity, now, hook) = (self.identity, self.now, self.hook);
        Ok(NameNode::with_edits(
            config, identity, now, hook, rng, sink,
        )?)
    }

    /// Ends a core, and starts another one with what it has left.
    pub(crate) fn again(self, last: &NameNode, rng: &mut StdRng) -> Result<NameNode, Error> {
        let saved = last.end(self.now, self.edits.kept());
        let saved = saved.map_err(|difference| unlike(&difference))?;
        match self.edits {
            Edits::OnDisk { path, .. } => return self.on_disk(path, false, rng),
            Edits::Image(path) => return self.of_image(path, rng),
            Edits::Dropped | Edits::Kept(_) => {}
        }
        let (config, sink) = (self.config.clone(), self.edits.sink());
        let (identity, now, hook) = (self.identity, self.now, self.hook);
        let started = NameNode::restarted(config, identity, now, hook, rng, sink, saved);
        Ok(started?)
    }

    /// Starts a core with the namespace of an image, which is only read.
    fn of_image(&self, path: &Path, rng: &mut StdRng) -> Result<NameNode, Error> {
        let failed = |source| NameDirectoryError::Io {
            doing: "read",
            path: path.to_owned(),
            source,
        };
        let bytes = fs::read(path).map_err(failed)?;
        let (identity, now) = (self.identity, self.now);
        let file = path.to_string_lossy();
        let saved = Saved::from_image(&file, &bytes, self.config, identity, now, rng);
        let saved = saved.map_err(NameDirectoryError::from)?;
        drop(bytes);
        let (config, hook) = (self.config.clone(), self.hook.clone());
        let sink = Box::new(NoEdits);
        let started = NameNode::restarted(config, identity, now, hook, rng, sink, saved);
        Ok(started?)
    }

    fn on_disk(&self, path: &Path, upgrade: bool, rng: &mut StdRng) -> Result<NameNode, Error> {
        if !self.edits.exist() {
            check_no_blocks(path)?;
        }
        let directory = NameDirectory::open(path)?.upgrading(upgrade);
        let (identity, now) = (self.identity, self.now);
        let (saved, sink) = directory.start(self.config, identity, now, rng)?;
        let (config, hook, sink) = (self.config.clone(), self.hook.clone(), Box::new(sink));
        let started = NameNode::restarted(config, identity, now, hook, rng, sink, saved);
        Ok(started?)
    }
}

/// Fails if there are blocks beside a name directory without a namespace. A new namespace would
/// delete them, because they belong to none of its files.
fn check_no_blocks(path: &Path) -> Result<(), Error> {
    let blocks = path.with_file_name(persistent::BLOCKS);
    if !is_marked(&blocks) {
        return Ok(());
    }
    let blocks = blocks.display();
    let unusable = NameDirectoryError::Unusable {
        path: path.to_owned(),
        reason: format!(
            "it has no namespace, and {blocks} has the blocks of one: restore the first or remove \
             the second"
        ),
    };
    Err(unusable.into())
}

fn unlike(difference: &str) -> Error {
    let text = format!("the NameNode's state is not what its edits give: {difference}");
    HdfsError::io(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cluster;

    #[test]
    fn blocks_without_their_namespace_are_left_alone() {
        let place = tempfile::tempdir().expect("a folder");
        let start = || Cluster::simple().persistent(place.path()).start_blocking();
        drop(start().expect("a new folder"));
        let replica = place.path().join("blocks/dn1/blk_1073741825");
        fs::write(&replica, "bytes").expect("written");
        fs::write(replica.with_file_name("blk_1073741825_1001.meta"), "").expect("written");
        let name = place.path().join(persistent::NAME);
        fs::rename(&name, place.path().join("elsewhere")).expect("renamed");
        let error = start().expect_err("no namespace").to_string();
        assert!(
            error.contains("it has no namespace, and") && error.contains("remove the second"),
            "{error}"
        );
        assert_eq!(fs::read(&replica).expect("there"), b"bytes");
        assert!(!name.exists());
        fs::rename(place.path().join("elsewhere"), &name).expect("renamed");
        start().expect("restored");
    }
}
