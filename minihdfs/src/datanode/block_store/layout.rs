//! The locations of replicas in a DataNode's folder, and the format of meta files with checksums.
//!
//! ```text
//! current/<pool>/current/finalized/subdirA/subdirB/blk_<id>        the data
//!                                                  blk_<id>_<generation stamp>.meta
//! current/<pool>/current/rbw/                                      replicas being written
//! current/<pool>/tmp/                                              targets of replication
//! ```

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use crate::datanode::checksum::{CHECKSUM_LENGTH, DataChecksum};
use crate::proto::hdfs::{ChecksumProto, ChecksumTypeProto};
use crate::storage_directory::StorageDirectory;

/// The offset of the checksums in a meta file, after the version (2 bytes), type (1) and bytes per
/// checksum (4).
pub(super) const META_HEADER: usize = 7;

const META_VERSION: u16 = 1;

/// The folder that holds a replica's two files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Finalized,
    Rbw,
    Temporary,
}

/// The folders of one block pool.
#[derive(Debug)]
pub(super) struct Layout {
    finalized: PathBuf,
    rbw: PathBuf,
    temporary: PathBuf,
}

impl Layout {
    /// Creates the folders that do not exist.
    pub(super) fn create(directory: &Path, block_pool: &str) -> io::Result<Self> {
        let pool = directory.join("current").join(block_pool);
        let layout = Self {
            finalized: pool.join("current").join("finalized"),
            rbw: pool.join("current").join("rbw"),
            temporary: pool.join("tmp"),
        };
        for folder in [&layout.finalized, &layout.rbw, &layout.temporary] {
            std::fs::create_dir_all(folder)?;
        }
        Ok(layout)
    }

    /// Returns the folder of the block pool.
    pub(super) fn pool(&self) -> StorageDirectory {
        let pool = self.temporary.parent();
        StorageDirectory::new(pool.unwrap_or(&self.temporary))
    }

    /// Returns true if the folder of finalized replicas is still there.
    pub(super) fn is_there(&self) -> bool {
        self.finalized.is_dir()
    }

    pub(super) fn folder(&self, place: Place, id: u64) -> PathBuf {
        match place {
            // Hadoop's DatanodeUtil.idToBlockDir.
            Place::Finalized => self
                .finalized
                .join(format!("subdir{}", id >> 16 & 0x1f))
                .join(format!("subdir{}", id >> 8 & 0x1f)),
            Place::Rbw => self.rbw.clone(),
            Place::Temporary => self.temporary.clone(),
        }
    }

    pub(super) fn data(&self, place: Place, id: u64) -> PathBuf {
        self.folder(place, id).join(format!("blk_{id}"))
    }

    pub(super) fn meta(&self, place: Place, id: u64, generation_stamp: u64) -> PathBuf {
        self.folder(place, id)
            .join(format!("blk_{id}_{generation_stamp}.meta"))
    }

    /// Returns the folder, id and generation stamp of every replica on disk. Ignores files that are
    /// not a pair of data and meta.
    pub(super) fn scan(&self) -> io::Result<Vec<(Place, u64, u64)>> {
        let mut found = Vec::new();
        let mut folders = vec![
            (Place::Finalized, self.finalized.clone()),
            (Place::Rbw, self.rbw.clone()),
        ];
        while let Some((place, folder)) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    folders.push((place, entry.path()));
                    continue;
                }
                let name = entry.file_name();
                if let Some((id, generation_stamp)) = name.to_str().and_then(parse_meta)
                    && entry.file_type()?.is_file()
                    && length_of_file(&self.data(place, id)).is_ok()
                {
                    found.push((place, id, generation_stamp));
                }
            }
        }
        Ok(found)
    }

    /// Removes unfinished replications. Only touches files named like replicas.
    pub(super) fn clear_temporary(&self) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.temporary)? {
            let entry = entry?;
            if entry.file_type()?.is_file() && entry.file_name().to_str().is_some_and(is_replicas) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Parses the id and the generation stamp in the name of a meta file.
fn parse_meta(name: &str) -> Option<(u64, u64)> {
    let (id, generation_stamp) = name
        .strip_prefix("blk_")?
        .strip_suffix(".meta")?
        .split_once('_')?;
    Some((id.parse().ok()?, generation_stamp.parse().ok()?))
}

/// Returns true if a file is named like a replica's data or meta file.
fn is_replicas(name: &str) -> bool {
    let data = name
        .strip_prefix("blk_")
        .and_then(|id| id.parse::<u64>().ok());
    data.is_some() || parse_meta(name).is_some()
}

/// Opens a replica's file to read it, or also to write it. A link in its place counts as a missing
/// file, because it could lead to one that is not ours. A file that has another name, as after an
/// upgrade, is copied before it is written.
pub(super) fn open(path: &Path, write: bool) -> io::Result<File> {
    let file = open_as_it_is(path, write)?;
    if !write || file.metadata()?.nlink() == 1 {
        return Ok(file);
    }
    // The name that Hadoop gives it.
    let mut unlinked = path.as_os_str().to_owned();
    unlinked.push(".unlinked");
    let copied = File::create(&unlinked).and_then(|mut copy| io::copy(&mut &file, &mut copy));
    copied.and_then(|_length| std::fs::rename(&unlinked, path))?;
    open_as_it_is(path, write)
}

fn open_as_it_is(path: &Path, write: bool) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(write)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::LOOP) => io::ErrorKind::NotFound.into(),
            _ => error,
        })
}

/// Returns the length of a replica's file. A link in its place counts as a missing file.
pub(super) fn length_of_file(path: &Path) -> io::Result<u64> {
    let metadata = std::fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok(metadata.len())
}

/// Writes the header before the checksums.
pub(super) fn write_meta_header(meta: &File, checksum: DataChecksum) -> io::Result<()> {
    let proto = checksum.to_proto();
    let mut header = [0; META_HEADER];
    header[..2].copy_from_slice(&META_VERSION.to_be_bytes());
    header[2] = checksum.kind() as u8;
    header[3..].copy_from_slice(&proto.bytes_per_checksum.to_be_bytes());
    meta.write_all_at(&header, 0)
}

/// Reads the header from a file that may be damaged.
pub(super) fn read_meta_header(meta: &File) -> io::Result<DataChecksum> {
    let mut header = [0; META_HEADER];
    meta.read_exact_at(&mut header, 0)?;
    let damaged = |why: String| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("damaged meta file: {why}"),
        )
    };
    let version = u16::from_be_bytes([header[0], header[1]]);
    if version != META_VERSION {
        return Err(damaged(format!(
            "version {version} instead of {META_VERSION}"
        )));
    }
    let proto = ChecksumProto {
        r#type: header[2].into(),
        bytes_per_checksum: u32::from_be_bytes([header[3], header[4], header[5], header[6]]),
    };
    DataChecksum::from_proto(proto).map_err(|error| damaged(error.message().to_owned()))
}

/// Returns the position in a meta file of the checksum of the chunk that contains the byte
/// `offset`.
pub(super) fn checksum_position(checksum: DataChecksum, offset: u64) -> u64 {
    if checksum.kind() == ChecksumTypeProto::ChecksumNull {
        return META_HEADER as u64;
    }
    META_HEADER as u64 + offset / checksum.bytes_per_checksum() * CHECKSUM_LENGTH as u64
}

/// Returns the length of the meta file of a replica of `length` bytes.
pub(super) fn meta_length(checksum: DataChecksum, length: u64) -> u64 {
    if checksum.kind() == ChecksumTypeProto::ChecksumNull {
        return META_HEADER as u64;
    }
    let chunks = length.div_ceil(checksum.bytes_per_checksum());
    META_HEADER as u64 + chunks * CHECKSUM_LENGTH as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_with_a_replicas_name_are_removed_from_the_temporary_folder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let layout = Layout::create(folder.path(), "BP-1").expect("writable");
        let temporary = &layout.temporary;
        for name in ["blk_7", "blk_7_1001.meta", "blk_x", "blk_7.meta", "notes"] {
            std::fs::write(temporary.join(name), "x").expect("writable");
        }
        std::fs::create_dir(temporary.join("blk_8")).expect("writable");
        layout.clear_temporary().expect("removable");
        let mut left: Vec<_> = std::fs::read_dir(temporary)
            .expect("there")
            .map(|entry| entry.expect("readable").file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["blk_7.meta", "blk_8", "blk_x", "notes"]);
    }

    #[test]
    fn a_finalized_block_lies_where_hadoop_puts_it() {
        let layout = Layout {
            finalized: "finalized".into(),
            rbw: "rbw".into(),
            temporary: "tmp".into(),
        };
        assert_eq!(
            layout.meta(Place::Finalized, 1_073_741_825, 1001),
            Path::new("finalized/subdir0/subdir0/blk_1073741825_1001.meta")
        );
        assert_eq!(
            layout.data(Place::Finalized, 0x4012_3456),
            Path::new("finalized/subdir18/subdir20/blk_1074934870")
        );
        assert_eq!(layout.data(Place::Rbw, 7), Path::new("rbw/blk_7"));
    }
}
