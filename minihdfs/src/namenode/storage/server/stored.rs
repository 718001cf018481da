//! The files of a namespace besides the edits that are being written: images, finished edits, and
//! the room on disk.

use std::fs::{self, File};
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::current::{Current, check_image};
use super::edit_log::EditLog;
use super::error::{NameDirectoryError, Result, failed, unusable};
use super::received::Received;
use crate::HdfsError;
use crate::config::StorageSettings;
use crate::namenode::name_storage::{
    EditSegment, NameStorage, ReceivedImage, StorageInfo, StoredFile,
};
use crate::namenode::storage::LAYOUT_VERSION;
use crate::namenode::storage::layout;
use crate::namenode::storage::retention::superfluous;
use crate::namenode::storage::version::Version;
use crate::storage_directory::StorageDirectory;

/// The free bytes that end a lack of room for edits: what is reserved for them, and more.
const ROOM: u64 = 2 << 20;

/// The files of a namespace, in one folder.
#[derive(Debug)]
pub(super) struct StoredNamespace {
    pub(super) current: Current,
    pub(super) version: Version,
    settings: StorageSettings,
    log: Arc<EditLog>,
    newest_image: AtomicI64,
    /// The directory of `current`, while it also has the files of before an upgrade.
    previous: Mutex<Option<StorageDirectory>>,
    /// Held while images are written and old files removed.
    images: Mutex<()>,
    orders: Mutex<Orders>,
    ordered: Condvar,
}

/// What the thread for checkpoints has to do.
#[derive(Debug, Default)]
struct Orders {
    checkpoint: Option<i64>,
    ended: bool,
}

impl StoredNamespace {
    pub(super) fn new(
        current: Current,
        version: Version,
        settings: StorageSettings,
        log: Arc<EditLog>,
        newest_image: i64,
    ) -> Self {
        Self {
            current,
            version,
            settings,
            log,
            newest_image: AtomicI64::new(newest_image),
            previous: Mutex::default(),
            images: Mutex::new(()),
            orders: Mutex::default(),
            ordered: Condvar::new(),
        }
    }

    /// Sets the directory that may have the files of before an upgrade.
    pub(super) fn in_directory(mut self, directory: StorageDirectory) -> Self {
        let previous = Some(directory).filter(StorageDirectory::has_previous);
        self.previous = Mutex::new(previous);
        self
    }

    /// Waits until a checkpoint is ordered, and until the edits up to it are finished. Returns its
    /// transaction; `None` once the NameNode has ended.
    pub(super) fn next_checkpoint(&self) -> Option<i64> {
        let mut orders = self.orders();
        let transaction_id = loop {
            if orders.ended {
                return None;
            }
            if let Some(transaction_id) = orders.checkpoint.take() {
                break transaction_id;
            }
            let woken = self.ordered.wait(orders);
            orders = woken.unwrap_or_else(PoisonError::into_inner);
        };
        drop(orders);
        let finished = self.log.wait_for_segment(transaction_id);
        // A log that cannot be written is reported by its own thread.
        finished.ok().map(|()| transaction_id)
    }

    /// Ends the thread for checkpoints. Nothing is written after that.
    pub(super) fn end(&self) {
        let _no_image_is_written = self.lock_images();
        self.orders().ended = true;
        self.ordered.notify_all();
    }

    /// Keeps images and old files as they are, until the guard is dropped. Fails once the NameNode
    /// has ended.
    pub(super) fn lock(&self) -> Result<MutexGuard<'_, ()>> {
        let images = self.lock_images();
        if self.orders().ended {
            let source = io::Error::other("the NameNode has ended");
            return Err(failed("write into", self.current.folder())(source));
        }
        Ok(images)
    }

    /// Saves an image, and removes what it makes superfluous.
    pub(super) fn save(&self, transaction_id: i64, image: &[u8]) -> Result<()> {
        self.current.save_image(transaction_id, image)?;
        self.saved(transaction_id);
        Ok(())
    }

    fn saved(&self, transaction_id: i64) {
        // What is not removed now will be after the next image.
        if let Err(error) = self.remove_superfluous() {
            tracing::warn!(%error, "old files of the namespace are left");
        }
        self.newest_image
            .fetch_max(transaction_id, Ordering::SeqCst);
    }

    fn remove_superfluous(&self) -> Result<()> {
        for name in superfluous(&self.current.names()?, &self.settings) {
            let path = self.current.path(&name);
            fs::remove_file(&path).map_err(failed("remove", &path))?;
        }
        Ok(())
    }

    fn lock_images(&self) -> MutexGuard<'_, ()> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, name: String, md5: Option<String>) -> Result<StoredFile> {
        let path = self.current.path(&name);
        let file = File::open(&path).map_err(failed("open", &path))?;
        let length = file.metadata().map_err(failed("read", &path))?.len();
        Ok(StoredFile {
            name,
            length,
            md5,
            contents: Box::new(file),
        })
    }

    /// Gives an image that was received its name, if it is one of this namespace.
    fn take_in(&self, received: &mut Received) -> Result<()> {
        let last = received.transaction_id;
        let name = layout::image(last);
        let path = self.current.path(&name);
        if path.exists() {
            return Err(unusable(&path, "it exists already".to_owned()));
        }
        let contents = received.read()?;
        check_image(received.path(), &contents, self.version.namespace_id, last)?;
        self.current.write_digest(&name, &received.digest)?;
        received.rename(&self.current, &name)?;
        self.saved(last);
        Ok(())
    }

    fn previous(&self) -> MutexGuard<'_, Option<StorageDirectory>> {
        self.previous.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes what is kept of the time before an upgrade.
    fn finalize(&self) -> Result<()> {
        let _not_ended = self.lock()?;
        let mut previous = self.previous();
        if let Some(directory) = &*previous {
            directory.finalize(&format!("namespaceID={}", self.version.namespace_id))?;
        }
        *previous = None;
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let volume = rustix::fs::statvfs(self.current.folder())?;
        Ok(volume.f_bavail.saturating_mul(volume.f_frsize))
    }
}

fn to_hdfs(error: &NameDirectoryError) -> HdfsError {
    HdfsError::io(error.to_string())
}

impl NameStorage for StoredNamespace {
    fn info(&self) -> StorageInfo {
        let version = self.version.clone();
        StorageInfo {
            layout_version: LAYOUT_VERSION,
            namespace_id: version.namespace_id,
            cluster_id: version.cluster_id,
            c_time: version.c_time,
            block_pool_id: version.block_pool_id,
        }
    }

    fn most_recent_checkpoint(&self) -> i64 {
        self.newest_image.load(Ordering::SeqCst)
    }

    fn checkpoint(&self, transaction_id: i64) {
        self.orders().checkpoint = Some(transaction_id);
        self.ordered.notify_all();
    }

    fn save_image(&self, transaction_id: i64, image: &[u8]) -> std::result::Result<(), HdfsError> {
        let finished = self.log.wait_for_segment(transaction_id);
        let saved = finished
            .map_err(failed("finish the edits in", self.current.folder()))
            .and_then(|()| self.lock())
            .and_then(|_images| self.save(transaction_id, image));
        saved.map_err(|error| {
            HdfsError::io(format!(
                "Failed to save in any storage directories while saving namespace. {error}"
            ))
        })
    }

    fn has_room(&self, reserved: u64) -> bool {
        let free = match self.free_bytes() {
            Ok(free) => free,
            Err(error) => {
                tracing::warn!(%error, "the free space of the name directory is unknown");
                return !self.is_full();
            }
        };
        if self.is_full() && free > ROOM {
            self.log.look_for_room();
        }
        !self.is_full() && free >= reserved
    }

    fn is_full(&self) -> bool {
        self.log.is_full.load(Ordering::SeqCst)
    }

    fn edit_segments(&self, since: i64) -> std::result::Result<Vec<EditSegment>, HdfsError> {
        let names = self.current.names().map_err(|error| to_hdfs(&error))?;
        let files = names.iter().filter_map(|name| layout::edits_file(name));
        let finished = files.filter_map(|file| {
            let (first, last) = (file.first, file.last?);
            (last >= since).then_some(EditSegment { first, last })
        });
        let mut segments: Vec<_> = finished.collect();
        segments.sort_unstable();
        Ok(segments)
    }

    fn images(&self) -> std::result::Result<Vec<i64>, HdfsError> {
        let names = self.current.names().map_err(|error| to_hdfs(&error))?;
        let images = names.iter().filter_map(|name| layout::image_number(name));
        let mut images: Vec<_> = images.collect();
        images.sort_unstable();
        Ok(images)
    }

    fn open_image(&self, transaction_id: i64) -> std::result::Result<StoredFile, HdfsError> {
        let name = layout::image(transaction_id);
        let opened = self
            .current
            .digest(&name)
            .and_then(|md5| self.open(name, Some(md5)));
        opened.map_err(|error| to_hdfs(&error))
    }

    fn open_edits(&self, segment: EditSegment) -> std::result::Result<StoredFile, HdfsError> {
        let name = layout::finished(segment.first, segment.last);
        self.open(name, None).map_err(|error| to_hdfs(&error))
    }

    fn is_upgrade_finalized(&self) -> bool {
        self.previous().is_none()
    }

    fn finalize_upgrade(&self) -> std::result::Result<(), HdfsError> {
        self.finalize().map_err(|error| to_hdfs(&error))
    }

    fn put_image(&self, image: &mut ReceivedImage<'_>) -> std::result::Result<(), HdfsError> {
        // Nothing waits for a sender: the lock is taken when all is there.
        let stored = Received::receive(&self.current, image).and_then(|mut received| {
            let _images = self.lock()?;
            self.take_in(&mut received)
        });
        stored.map_err(|error| to_hdfs(&error))
    }
}
