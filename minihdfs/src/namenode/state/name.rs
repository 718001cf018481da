//! The order of names in a directory.

use std::cmp::Ordering;

/// A name in a directory. Names are in Hadoop's order (`DFSUtilClient.compareBytes`): their bytes
/// are numbers with a sign, so that `ä` comes before `a`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Name<S>(pub(crate) S);

impl<S: AsRef<[u8]> + Eq> Ord for Name<S> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, other) = (self.0.as_ref(), other.0.as_ref());
        // Eight bytes at a time: a lookup in a large directory compares a dozen names.
        let (words, _) = one.as_chunks::<8>();
        let (others, _) = other.as_chunks::<8>();
        let alike = words
            .iter()
            .zip(others)
            .take_while(|(one, other)| one == other);
        let begin = 8 * alike.count();
        let (one, other) = (&one[begin..], &other[begin..]);
        let difference = one.iter().zip(other).find(|(one, other)| one != other);
        difference.map_or_else(
            || one.len().cmp(&other.len()),
            |(one, other)| one.cast_signed().cmp(&other.cast_signed()),
        )
    }
}

impl<S: AsRef<[u8]> + Eq> PartialOrd for Name<S> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_signed() {
        let expected = [
            "",
            "ä",
            "漢",
            "10",
            "9",
            "Z",
            "a",
            "a name ",
            "a name longer than a word a",
            "a name longer than a word b",
            "a-",
            "a.",
            "b",
            "zä",
        ];
        let mut names = expected.map(Name);
        names.sort_unstable_by(|one, other| other.0.cmp(one.0));
        names.sort_unstable();
        assert_eq!(names.map(|name| name.0), expected);
    }
}
