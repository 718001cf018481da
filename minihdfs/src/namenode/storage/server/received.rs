//! An image that another NameNode brings: a file of its own until it is known to be whole.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::current::{Current, hexadecimal};
use super::error::{Result, failed, unusable};
use crate::namenode::name_storage::ReceivedImage;
use crate::namenode::storage::layout;

/// The length of a part that is read at once.
const PART: usize = 64 << 10;

/// A whole image on disk, under the name of one that is not taken in yet. Unless it got another
/// name, it is removed with this value.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) transaction_id: i64,
    /// The digest of its contents, in hexadecimal digits.
    pub(super) digest: String,
    path: PathBuf,
    has_another_name: bool,
}

impl Received {
    /// Writes the contents of an image to disk.
    ///
    /// # Errors
    /// Fails if they have another length or digest than announced, or cannot be written.
    pub(super) fn receive(current: &Current, image: &mut ReceivedImage<'_>) -> Result<Self> {
        let name = layout::received(image.transaction_id);
        let mut received = Self {
            transaction_id: image.transaction_id,
            digest: String::new(),
            path: current.path(&name),
            has_another_name: false,
        };
        let file = File::create(&received.path).map_err(failed("create", &received.path))?;
        let copied = copy(image, file);
        let (length, digest) = copied.map_err(failed("receive", &received.path))?;
        let announced = image.length;
        let refuse = |reason: String| {
            let path = current.path(&layout::image(image.transaction_id));
            Err(unusable(&path, reason))
        };
        if length != announced {
            let comparison = if length > announced { "more" } else { "only" };
            return refuse(format!(
                "{announced} bytes were announced, and {comparison} {length} came"
            ));
        }
        if let Some(md5) = image.md5
            && !md5.eq_ignore_ascii_case(&digest)
        {
            let md5 = kerbox_events::cut(md5);
            return refuse(format!(
                "the digest is {md5}, but that of its contents is {digest}"
            ));
        }
        received.digest = digest;
        Ok(received)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its final name.
    pub(super) fn rename(&mut self, current: &Current, name: &str) -> Result<()> {
        current.rename(&self.path, name)?;
        self.has_another_name = true;
        Ok(())
    }

    /// Reads the contents back.
    pub(super) fn read(&self) -> Result<Vec<u8>> {
        fs::read(&self.path).map_err(failed("read", &self.path))
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        if !self.has_another_name {
            // Made by this value; what there is of it only takes room.
            let _left = fs::remove_file(&self.path);
        }
    }
}

/// Copies at most one byte more than was announced. Returns the number of bytes and their digest.
fn copy(image: &mut ReceivedImage<'_>, mut file: File) -> io::Result<(u64, String)> {
    let mut contents = (&mut *image.contents).take(image.length.saturating_add(1));
    let (mut part, mut digest, mut length) = (vec![0; PART], Md5::new(), 0_u64);
    loop {
        let read = match contents.read(&mut part) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = part.get(..read).unwrap_or_default();
        digest.update(bytes);
        file.write_all(bytes)?;
        length = length.saturating_add(read as u64);
    }
    file.sync_all()?;
    Ok((length, hexadecimal(&digest.finalize())))
}
