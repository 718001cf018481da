//! Finds the known name closest to a mistyped one.

use strsim::osa_distance;

/// Returns the name in `known` closest to `name`, if it is close enough to be worth suggesting.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (osa_distance(&name, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().max(name.len()) / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_finds_its_original_and_a_strange_one_finds_nothing() {
        let known = ["name", "listen", "max_life", "max_renewable_life"];
        assert_eq!(nearest("max_lief", known), Some("max_life"));
        assert_eq!(nearest("Lisen", known), Some("listen"));
        assert_eq!(nearest("max_renewable", known), Some("max_renewable_life"));
        assert_eq!(nearest("colour", known), None);
    }
}
