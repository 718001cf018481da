//! What is left of a corrupt file, copied (Hadoop's `NamenodeFsck.copyBlocksToLostFound`).

use std::future::Future;

use super::{FileClient, FileWriter};
use crate::HdfsError;

/// The access of one user to files, by a new client for each of them.
pub(crate) trait Files: Send + Sync {
    /// Returns a new client.
    fn client(&self) -> FileClient;

    /// Creates a file.
    fn create(&self, path: &str) -> impl Future<Output = Result<FileWriter, HdfsError>> + Send;
}

/// Copies all that can be read of the file at `path` into the folder `target`. `blocks` has the
/// offset and length of each block, and `None` for one without a replica. Blocks that follow each
/// other become one file, called 0, 1, ….
///
/// # Errors
/// Fails with the last failure after having copied the rest.
pub(crate) async fn salvage(
    files: &impl Files,
    path: &str,
    target: &str,
    blocks: Vec<Option<(u64, u64)>>,
) -> Result<(), HdfsError> {
    let mut chain = 0_u32;
    let mut writer: Option<FileWriter> = None;
    let mut outcome = Ok(());
    for block in blocks {
        let Some((offset, length)) = block else {
            close(writer.take()).await?;
            continue;
        };
        let mut open = match writer.take() {
            Some(open) => open,
            None => {
                let name = format!("{target}/{chain}");
                chain += 1;
                files.create(&name).await?
            }
        };
        let copied = copy(files.client(), path, (offset, length), &mut open).await;
        match copied {
            Ok(()) => writer = Some(open),
            Err(failed) => {
                outcome = Err(failed);
                open.close().await?;
            }
        }
    }
    close(writer).await?;
    outcome
}

async fn close(writer: Option<FileWriter>) -> Result<(), HdfsError> {
    match writer {
        Some(writer) => writer.close().await,
        None => Ok(()),
    }
}

/// Copies a range of a file to the end of another.
async fn copy(
    client: FileClient,
    path: &str,
    (offset, length): (u64, u64),
    to: &mut FileWriter,
) -> Result<(), HdfsError> {
    let mut reader = client.open(path, offset, Some(length)).await?;
    while let Some(bytes) = reader.next().await? {
        to.write(&bytes).await?;
    }
    Ok(())
}
