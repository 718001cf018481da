//! The versions of the formats of all files, and what older ones do not have
//! (`NameNodeLayoutVersion`).

/// The layout version of Hadoop 3.4 (`NVDIMM_SUPPORT`), with which everything is written.
pub const LAYOUT_VERSION: i32 = -67;
/// The oldest layout version that is read (`QUOTA_BY_STORAGE_TYPE`): that of Hadoop 2.7 to 2.10.
pub const OLDEST_LAYOUT_VERSION: i32 = -63;

/// Hadoop 3.0: a file that is opened has an erasure coding policy.
pub(super) const ERASURE_CODING: i32 = -64;
/// Hadoop 3.3: operations on snapshots have a modification time.
pub(super) const SNAPSHOT_MODIFICATION_TIME: i32 = -66;

/// Returns whether a layout version has what another one has brought. Later ones are lower.
pub(super) fn has(layout_version: i32, feature: i32) -> bool {
    layout_version <= feature
}

/// Fails if files of this layout version cannot be read.
pub(crate) fn check(layout_version: i32) -> Result<(), String> {
    let what_to_do = match layout_version {
        LAYOUT_VERSION..=OLDEST_LAYOUT_VERSION => return Ok(()),
        ..LAYOUT_VERSION => "a newer Hadoop has written it, so use that one",
        _ => "start Hadoop 2.10 with -upgrade on this folder first",
    };
    Err(format!(
        "the layout version is {layout_version}, and Kerbox reads {LAYOUT_VERSION} (Hadoop 3.4) \
         to {OLDEST_LAYOUT_VERSION} (Hadoop 2.10): {what_to_do}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_of_hadoop_2_7_to_3_5_are_read() {
        for version in LAYOUT_VERSION..=OLDEST_LAYOUT_VERSION {
            assert_eq!(check(version), Ok(()));
        }
        let newer = check(-68).expect_err("newer");
        assert!(
            newer.starts_with("the layout version is -68, and"),
            "{newer}"
        );
        assert!(newer.ends_with("so use that one"), "{newer}");
        assert!(
            check(-62)
                .expect_err("older")
                .contains("Hadoop 2.10 with -upgrade")
        );
        assert!(has(-66, SNAPSHOT_MODIFICATION_TIME) && !has(-65, SNAPSHOT_MODIFICATION_TIME));
    }
}
