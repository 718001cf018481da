//! The images that checkpointers bring: which may be brought, and which are under way
//! (`ImageServlet`).

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kerbox_krb5::Timestamp;

use crate::config::StorageSettings;

/// The images that are being brought, and the last one that was.
#[derive(Debug, Default)]
pub(in crate::web) struct Uploads(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The last transactions of the images that are being brought.
    under_way: BTreeSet<i64>,
    /// The last transaction of the last image that was brought, and when that was.
    last: Option<(i64, Timestamp)>,
}

/// An image that is being brought, until this is dropped.
#[derive(Debug)]
pub(super) struct UnderWay<'a> {
    uploads: &'a Uploads,
    transaction_id: i64,
}

impl Uploads {
    /// Begins with an image, by its last transaction.
    ///
    /// # Errors
    /// Fails with the reason if another of that transaction or a later one is being brought, or if
    /// the last one was brought not long ago and has nearly all of its transactions. Hadoop counts
    /// images of its own, too, but makes none while it serves.
    pub(super) fn begin(
        &self,
        transaction_id: i64,
        now: Timestamp,
        settings: &StorageSettings,
    ) -> Result<UnderWay<'_>, String> {
        let mut state = self.state();
        if let Some(larger) = state.under_way.range(transaction_id..).next_back() {
            return Err(format!(
                "Another checkpointer is already in the process of uploading a checkpoint made up \
                 to transaction ID {larger}"
            ));
        }
        if let Some((last, at)) = state.last {
            let elapsed = now.since(at).as_secs();
            // Three quarters, as in Hadoop: a checkpointer's period is not exact.
            let period = settings.checkpoint_period.mul_f64(0.75).as_secs();
            let (new, wanted) = (
                transaction_id.saturating_sub(last),
                settings.checkpoint_txns,
            );
            if elapsed < period && new < wanted {
                return Err(format!(
                    "Rejecting a fsimage due to small time delta and txnid delta. Time since \
                     previous checkpoint is {elapsed} expecting at least {period} txnid delta \
                     since previous checkpoint is {new} expecting at least {wanted}"
                ));
            }
        }
        state.under_way.insert(transaction_id);
        Ok(UnderWay {
            uploads: self,
            transaction_id,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Changed in single steps, so a panic elsewhere leaves it valid.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay<'_> {
    /// Ends it: the image is stored.
    pub(super) fn stored(self, now: Timestamp) {
        self.uploads.state().last = Some((self.transaction_id, now));
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let under_way = &mut self.uploads.state().under_way;
        under_way.remove(&self.transaction_id);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_900_000_000);

    #[test]
    fn an_image_is_refused_while_a_later_one_is_on_its_way() {
        let uploads = Uploads::default();
        let begin = |number| uploads.begin(number, START, &StorageSettings::default());
        let later = begin(20).expect("the first");
        for number in [10, 20] {
            let refused = begin(number).expect_err("an older one");
            assert!(
                refused.ends_with("up to transaction ID 20"),
                "{number}: {refused}"
            );
        }
        let latest = begin(30).expect("a later one");
        drop((later, latest));
        begin(10).expect("the others failed");
    }

    #[test]
    fn an_image_is_refused_soon_after_one_that_has_nearly_the_same() {
        let uploads = Uploads::default();
        let settings = StorageSettings {
            checkpoint_txns: 100,
            ..StorageSettings::default()
        };
        let at = |seconds| START + Duration::from_secs(seconds);
        let begin = |number, seconds| uploads.begin(number, at(seconds), &settings);
        begin(20, 0).expect("the first").stored(START);
        let refused = begin(119, 2699).expect_err("too soon");
        assert!(
            refused.starts_with("Rejecting a fsimage due to small time delta and txnid delta."),
            "{refused}"
        );
        assert!(refused.contains("is 2699 expecting at least 2700"));
        assert!(refused.ends_with("is 99 expecting at least 100"));
        drop(begin(120, 2699).expect("many transactions"));
        drop(begin(21, 2700).expect("much time"));
    }
}
