//! Operations that move data. HttpFS carries them out itself, so that no DataNode is chosen.

use http::StatusCode;

use crate::HdfsError;
use crate::web::namenode::get::blocks_at;
use crate::web::namenode::operation::Operation;
use crate::web::response::{self, WebResponse};

impl Operation<'_> {
    /// Checks the place from which a file is read. Returns the answer if no data is left to move.
    pub(in crate::web::namenode) fn before_reading(
        &self,
        offset: i64,
        length: Option<i64>,
    ) -> Result<Option<WebResponse>, HdfsError> {
        let blocks = blocks_at(self, 0, 1)?;
        let end = blocks.file_length.cast_signed();
        // The bytes of the last block are known to its DataNodes alone.
        if blocks.under_construction {
            return Ok(None);
        }
        if offset > end {
            return Ok(Some(response::page(
                StatusCode::INTERNAL_SERVER_ERROR,
                &format!(
                    "java.io.EOFException: Premature EOF from inputStream after skipping {end} \
                     byte(s)."
                ),
            )));
        }
        Ok((offset == end || length == Some(0)).then(response::empty))
    }
}
