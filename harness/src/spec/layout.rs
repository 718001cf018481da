//! Layouts: users, groups, directories and services that belong together.

/// A layout of a whole cluster.
///
/// ```
/// use kerbox::Cluster;
/// use kerbox::spec::Layout;
///
/// let cluster = Cluster::secure().layout(Layout::HadoopSecure).start_blocking()?;
/// assert!(cluster.namenode().has("/mr-history/done")?);
/// assert!(cluster.path().join("keytabs/rm.service.keytab").exists());
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Layout {
    /// As Hadoop's documentation of its secure mode recommends: the services of HDFS run as `hdfs`,
    /// those of YARN (`rm`, `nm`) as `yarn`, the history server (`jhs`) as `mapred`, all three in
    /// the group `hadoop`, which owns the directories in HDFS, with the modes of its table.
    HadoopSecure,
}

impl Layout {
    /// Returns its name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HadoopSecure => "hadoop-secure",
        }
    }
}
