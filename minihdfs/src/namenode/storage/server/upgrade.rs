//! The upgrade of a name directory (`FSImage.doUpgrade`, `NNUpgradeUtil`).

use std::fs;
use std::path::Path;

use kerbox_krb5::Timestamp;

use super::current::sync_folder;
use super::directory::NameDirectory;
use super::error::{Result, failed, unusable};
use crate::namenode::state::State;
use crate::namenode::storage::image::write_image;
use crate::namenode::storage::layout;
use crate::namenode::storage::version::Version;

impl NameDirectory {
    /// Fails if the directory is to be upgraded, but has nothing, or still has the files of before
    /// an earlier upgrade.
    pub(super) fn check_upgrade(&self) -> Result<()> {
        if !self.upgrade {
            return Ok(());
        }
        if self.current.is_unformatted()? {
            let reason = "NameNode is not formatted. Leave the upgrade out for a new namespace";
            return Err(unusable(&self.path, reason.to_owned()));
        }
        if self.folders.has_previous() {
            let reason = "previous fs state should not exist during upgrade. Finalize or rollback \
                          first: start without the upgrade, and call `hdfs dfsadmin \
                          -finalizeUpgrade`";
            return Err(unusable(&self.path, reason.to_owned()));
        }
        Ok(())
    }

    /// Puts the files aside, and makes new ones with this state, which is theirs. Returns the last
    /// transaction of the image. If the process dies on the way, the next start takes it back.
    pub(super) fn do_upgrade(
        &self,
        state: &State,
        version: &mut Version,
        now: Timestamp,
    ) -> Result<i64> {
        let last = state.transaction_id();
        let image = write_image(state, version.namespace_id);
        // DataNodes upgrade their folders when this is later than what they know.
        version.c_time = now.as_millis().max(version.c_time.saturating_add(1));
        let old = self.folders.begin_upgrade()?;
        self.link_edits(&old)?;
        self.current.save_image(last, &image)?;
        let seen = format!("{}\n", last.saturating_add(1));
        self.current.write(layout::SEEN_TXID, seen.as_bytes())?;
        let properties = version.to_properties();
        self.current.write(layout::VERSION, properties.as_bytes())?;
        self.folders.end_upgrade()?;
        tracing::info!(directory = %self.path.display(), last, "the name directory is upgraded");
        Ok(last)
    }

    /// Gives the old edits a name in the new folder, too, for those who read them from there.
    fn link_edits(&self, old: &Path) -> Result<()> {
        for entry in fs::read_dir(old).map_err(failed("list", old))? {
            let name = entry.map_err(failed("list", old))?.file_name();
            if let Some(name) = name.to_str().filter(|it| layout::edits_file(it).is_some()) {
                let from = old.join(name);
                fs::hard_link(&from, self.current.path(name)).map_err(failed("link", &from))?;
            }
        }
        sync_folder(self.current.folder())
    }
}
