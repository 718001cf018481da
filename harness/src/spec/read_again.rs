//! Reading a description again while its fixture runs.

use std::fmt;
use std::sync::Arc;

use crate::spec::HdfsSpec;

/// Reads the description of an HDFS again, from wherever it comes.
///
/// ```
/// use kerbox::spec::{HdfsSpec, ReadAgain};
///
/// // A program with a configuration file reads it here, as it did at the start.
/// let read_again = ReadAgain::new(|| Ok(HdfsSpec::default()));
/// # let _ = read_again;
/// ```
#[derive(Clone)]
pub struct ReadAgain(Arc<dyn Fn() -> Result<HdfsSpec, String> + Send + Sync>);

impl ReadAgain {
    /// Creates it from a function, whose errors say what is wrong.
    pub fn new(read: impl Fn() -> Result<HdfsSpec, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Reads the description.
    pub(crate) fn read(&self) -> Result<HdfsSpec, String> {
        (self.0)()
    }
}

impl fmt::Debug for ReadAgain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadAgain")
    }
}
