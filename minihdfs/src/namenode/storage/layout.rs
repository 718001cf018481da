//! The files of a name directory: their names, and those from which a state is loaded
//! (`NNStorage`, `FSImageTransactionalStorageInspector`).

use std::collections::BTreeMap;

pub(crate) use crate::storage_directory::{CURRENT, VERSION};

/// The lock, in the folder of `current`.
pub(crate) const LOCK: &str = "in_use.lock";
/// The file with the first transaction of the newest segment.
pub(crate) const SEEN_TXID: &str = "seen_txid";

const IMAGE: &str = "fsimage_";
const CHECKPOINT: &str = "fsimage.ckpt_";
const DIGEST: &str = ".md5";
const RECEIVED: &str = ".received";

/// Returns the name of the image up to a transaction.
pub(crate) fn image(transaction_id: i64) -> String {
    format!("{IMAGE}{transaction_id:019}")
}

/// Returns the name of an image that is being written.
pub(crate) fn checkpoint(transaction_id: i64) -> String {
    format!("{CHECKPOINT}{transaction_id:019}")
}

/// Returns the name of an image that is being received. Kerbox alone uses it, so that no image that
/// is being written has the same.
pub(crate) fn received(transaction_id: i64) -> String {
    format!("{CHECKPOINT}{transaction_id:019}{RECEIVED}")
}

/// Returns the last transaction of an image, by its name.
pub(crate) fn image_number(name: &str) -> Option<i64> {
    number(name.strip_prefix(IMAGE))
}

/// Returns the name of the file with an image's MD5 digest.
pub(crate) fn digest(image: &str) -> String {
    format!("{image}{DIGEST}")
}

/// Returns the name of a finished file of edits.
pub(crate) fn finished(first: i64, last: i64) -> String {
    format!("edits_{first:019}-{last:019}")
}

/// Returns the name of the file of edits that is being written.
pub(crate) fn in_progress(first: i64) -> String {
    format!("edits_inprogress_{first:019}")
}

/// A file of edits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct EditsFile {
    pub(crate) name: String,
    pub(crate) first: i64,
    /// The last transaction; `None` if the file is in progress.
    pub(crate) last: Option<i64>,
}

/// The files from which a state is loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Plan {
    /// The last transaction of the newest image.
    pub(crate) image: i64,
    /// The edits after it, in order.
    pub(crate) edits: Vec<EditsFile>,
}

/// Chooses the files to load, by the names in `current`. The first edits may begin before the
/// image's end.
///
/// # Errors
/// Fails if there is no image, or a transaction is in no file.
pub(crate) fn plan<'a>(names: impl Iterator<Item = &'a str>) -> Result<Plan, String> {
    let mut images = Vec::new();
    let mut files = BTreeMap::new();
    for name in names {
        images.extend(image_number(name));
        if let Some(file) = edits_file(name) {
            let first = file.first;
            if let Some(other) = files.insert(first, file) {
                return Err(format!(
                    "{} and {name} begin with one transaction",
                    other.name
                ));
            }
        }
    }
    let image = images.into_iter().max().ok_or("there is no fsimage")?;
    let mut edits: Vec<EditsFile> = Vec::new();
    let mut next = image.saturating_add(1);
    for (first, file) in files {
        if file.last.is_some_and(|last| last < next) {
            continue;
        }
        let expected = match edits.last() {
            Some(before) if before.last.is_none() => {
                return Err(format!(
                    "{} follows {}, which is in progress",
                    file.name, before.name
                ));
            }
            // A finished segment may reach beyond the image's end, as after a checkpoint.
            None if first < next => first,
            _ => next,
        };
        if first != expected {
            return Err(format!(
                "transaction {expected} is missing: {} follows",
                file.name
            ));
        }
        next = file.last.map_or(next, |last| last.saturating_add(1));
        edits.push(file);
    }
    Ok(Plan { image, edits })
}

/// Returns a file of edits, by its name.
pub(crate) fn edits_file(name: &str) -> Option<EditsFile> {
    let rest = name.strip_prefix("edits_")?;
    let (first, last) = match rest.strip_prefix("inprogress_") {
        Some(first) => (number(Some(first))?, None),
        None => {
            let (first, last) = rest.split_once('-')?;
            (number(Some(first))?, Some(number(Some(last))?))
        }
    };
    Some(EditsFile {
        name: name.to_owned(),
        first,
        last,
    })
}

/// Returns the last transaction of an image of which only a part may be there: one that is being
/// written, or a digest.
pub(crate) fn image_part_number(name: &str) -> Option<i64> {
    let digest = name
        .strip_prefix(IMAGE)
        .and_then(|name| name.strip_suffix(DIGEST));
    let unfinished = name
        .strip_prefix(CHECKPOINT)
        .map(|name| name.strip_suffix(RECEIVED).unwrap_or(name));
    number(digest.or(unfinished))
}

/// Parses a transaction id in a file's name: digits alone.
fn number(digits: Option<&str>) -> Option<i64> {
    let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Result<(i64, Vec<String>), String> {
        let plan = plan(names.iter().copied())?;
        Ok((
            plan.image,
            plan.edits.into_iter().map(|it| it.name).collect(),
        ))
    }

    #[test]
    fn names_are_hadoops() {
        assert_eq!(image(0), "fsimage_0000000000000000000");
        assert_eq!(digest(&image(12)), "fsimage_0000000000000000012.md5");
        assert_eq!(
            finished(1, 22),
            "edits_0000000000000000001-0000000000000000022"
        );
        assert_eq!(in_progress(23), "edits_inprogress_0000000000000000023");
    }

    #[test]
    fn the_newest_image_and_the_edits_after_it_are_loaded() {
        let all = [
            "VERSION",
            "edits_1-4",
            "edits_5-9",
            "edits_inprogress_10",
            "fsimage_0",
            "fsimage_0.md5",
            "fsimage_4",
            "fsimage_9.ckpt",
            "seen_txid",
        ];
        let edits = ["edits_5-9".to_owned(), "edits_inprogress_10".to_owned()];
        assert_eq!(names(&all), Ok((4, edits.to_vec())));
        let within = ["fsimage_7", "edits_1-4", "edits_5-9"];
        assert_eq!(names(&within), Ok((7, vec!["edits_5-9".to_owned()])));
    }

    #[test]
    fn gaps_are_refused() {
        let refused = |all: &[&str]| names(all).expect_err("a gap");
        assert_eq!(refused(&["edits_1-4"]), "there is no fsimage");
        let missing = "transaction 5 is missing: edits_6-9 follows";
        assert_eq!(refused(&["fsimage_0", "edits_1-4", "edits_6-9"]), missing);
        let missing = "transaction 1 is missing: edits_2-4 follows";
        assert_eq!(refused(&["fsimage_0", "edits_2-4"]), missing);
        let follows = "edits_9-9 follows edits_inprogress_1, which is in progress";
        assert_eq!(
            refused(&["fsimage_0", "edits_inprogress_1", "edits_9-9"]),
            follows
        );
    }
}
