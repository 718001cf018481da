//! The files that are not needed any more (`NNStorageRetentionManager`).

use crate::config::StorageSettings;
use crate::namenode::storage::layout::{self, EditsFile};

/// Returns the files in `current` that a checkpoint makes superfluous: images but the newest ones,
/// and edits that are in the oldest image left, but for a number of transactions.
pub(crate) fn superfluous(names: &[String], settings: &StorageSettings) -> Vec<String> {
    let mut images: Vec<i64> = names
        .iter()
        .filter_map(|name| layout::image_number(name))
        .collect();
    images.sort_unstable_by_key(|number| std::cmp::Reverse(*number));
    let Some(newest) = images.first() else {
        return Vec::new();
    };
    let oldest = images.get(settings.checkpoints_retained.saturating_sub(1));
    let oldest = oldest.or_else(|| images.last()).copied().unwrap_or(*newest);
    let is_old_image = |name: &String| {
        let number = layout::image_number(name);
        let part = layout::image_part_number(name);
        let is_part = part.is_some_and(|number| number < *newest && !images.contains(&number));
        number.or(part).is_some_and(|number| number < oldest) || is_part
    };
    let mut old: Vec<String> = names
        .iter()
        .filter(|name| is_old_image(name))
        .cloned()
        .collect();
    let first = first_kept(names, oldest, settings);
    let finished = names.iter().filter_map(|name| layout::edits_file(name));
    let before = finished.filter(|file| file.last.is_some_and(|last| last < first));
    old.extend(before.map(|file| file.name));
    old
}

/// Returns the first transaction whose edits are kept, if the oldest image is of this transaction.
fn first_kept(names: &[String], oldest: i64, settings: &StorageSettings) -> i64 {
    let needed = oldest.saturating_add(1);
    let mut first = needed.saturating_sub(settings.extra_edits_retained).max(0);
    let files = names.iter().filter_map(|name| layout::edits_file(name));
    let mut extra: Vec<EditsFile> = files
        .filter(|file| file.last.is_some_and(|last| last >= first) && file.first < needed)
        .collect();
    extra.sort_unstable_by_key(|file| file.first);
    let surplus = extra.len().saturating_sub(settings.extra_segments_retained);
    if let Some(last) = extra[..surplus].last().and_then(|file| file.last) {
        first = last.saturating_add(1);
    }
    first.min(needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(images: usize, edits: i64, segments: usize) -> Vec<String> {
        let names = [
            "VERSION",
            "seen_txid",
            "fsimage_0",
            "fsimage_0.md5",
            "fsimage_5",
            "fsimage_5.md5",
            "fsimage_9",
            "fsimage_9.md5",
            "fsimage_12",
            "fsimage_12.md5",
            "fsimage.ckpt_11",
            "fsimage.ckpt_14",
            "fsimage_13.md5",
            "edits_1-5",
            "edits_6-9",
            "edits_10-12",
            "edits_inprogress_13",
            "thesis.tex",
        ];
        let names = names.map(str::to_owned);
        let settings = StorageSettings {
            checkpoints_retained: images,
            extra_edits_retained: edits,
            extra_segments_retained: segments,
            ..StorageSettings::default()
        };
        let old = superfluous(&names, &settings);
        let new = names.into_iter().filter(|name| !old.contains(name));
        new.filter(|name| name.starts_with(['e', 'f'])).collect()
    }

    #[test]
    fn as_many_images_are_kept_as_wanted_and_the_edits_after_them() {
        assert_eq!(
            left(1, 0, 100),
            [
                "fsimage_12",
                "fsimage_12.md5",
                "fsimage.ckpt_14",
                "fsimage_13.md5",
                "edits_inprogress_13",
            ]
        );
        assert_eq!(
            left(2, 0, 100),
            [
                "fsimage_9",
                "fsimage_9.md5",
                "fsimage_12",
                "fsimage_12.md5",
                "fsimage.ckpt_14",
                "fsimage_13.md5",
                "edits_10-12",
                "edits_inprogress_13",
            ]
        );
    }

    #[test]
    fn more_edits_are_kept_up_to_a_number_of_transactions_and_of_files() {
        let edits = |edits, segments| {
            let mut left = left(1, edits, segments);
            left.retain(|name| name.starts_with("edits_"));
            left
        };
        let all = [
            "edits_1-5",
            "edits_6-9",
            "edits_10-12",
            "edits_inprogress_13",
        ];
        assert_eq!(edits(1000, 100), all);
        assert_eq!(edits(8, 100), all, "one of them is in the first file");
        assert_eq!(edits(7, 100), all[1..]);
        assert_eq!(edits(1000, 2), all[1..]);
        assert_eq!(edits(1000, 0), all[3..]);
    }

    #[test]
    fn without_an_image_everything_is_kept() {
        let names = ["edits_1-5".to_owned(), "fsimage.ckpt_5".to_owned()];
        let nothing: [String; 0] = [];
        assert_eq!(superfluous(&names, &StorageSettings::default()), nothing);
    }
}
