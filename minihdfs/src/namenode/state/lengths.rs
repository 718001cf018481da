//! Sums of lengths within the protocol's numbers.

/// The maximum length, quota or total that can be encoded: the protocol's numbers are Java's
/// `long`.
pub(crate) const LONGEST: u64 = i64::MAX as u64;

/// Adds lengths, which come from clients, and saturates at [`LONGEST`].
pub(crate) fn add(total: u64, more: u64) -> u64 {
    total.saturating_add(more).min(LONGEST)
}

/// Sums lengths like [`add`].
pub(crate) fn total(lengths: impl Iterator<Item = u64>) -> u64 {
    lengths.fold(0, add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_stay_in_a_long() {
        assert_eq!(add(LONGEST, 1), LONGEST);
        assert_eq!(total([u64::MAX, u64::MAX].into_iter()), LONGEST);
    }
}
