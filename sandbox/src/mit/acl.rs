//! `kadm5.acl`: who may administer. Of its letters only those on passwords concern us.

use super::glob::glob;

/// The lines of the file, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Acl(Vec<(String, String)>);

impl Acl {
    /// Reads a text: a pattern of principals, letters, and what may follow them, in each line.
    pub(crate) fn parse(text: &str) -> Self {
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with('#'));
        let words = lines.filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        });
        Self(words.collect())
    }

    /// Whether `principal` may change others' passwords: by the first line whose pattern is its
    /// name.
    pub(crate) fn may_change_passwords(&self, principal: &str) -> bool {
        let line = self.0.iter().find(|(pattern, _)| glob(pattern, principal));
        line.is_some_and(|(_, letters)| {
            // A capital letter takes what the others give.
            !letters.contains('C') && letters.contains(['c', '*', 'x'])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_decides() {
        let acl = Acl::parse("# people\njoe/admin@R  C\n*/admin@R *\nhelp@R ci\nother@R ail\n");
        for (principal, expected) in [
            ("alice/admin@R", true),
            ("joe/admin@R", false),
            ("help@R", true),
            ("other@R", false),
            ("alice@R", false),
        ] {
            assert_eq!(acl.may_change_passwords(principal), expected, "{principal}");
        }
    }
}
