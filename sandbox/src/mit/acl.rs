//! `kadm5.acl`, the rights of administrators. Only the letters for passwords matter here.

use super::glob::glob;

/// The lines of the file in order: a principal pattern, and whether it may change passwords.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Acl(Vec<(String, bool)>);

/// The letters that MIT's kadmind knows. A capital letter denies what the small one permits.
const LETTERS: &str = "acdeilmpsx*";

impl Acl {
    /// Reads the file; also returns warnings about what is not obeyed.
    pub(crate) fn read(path: &str) -> Result<(Self, Vec<String>), String> {
        let text =
            std::fs::read_to_string(path).map_err(|error| format!("acl_file {path}: {error}"))?;
        Self::parse(&text).map_err(|why| format!("acl_file {path}: {why}"))
    }

    /// Parses a text. Each line has a principal pattern, letters, and optional further words.
    fn parse(text: &str) -> Result<(Self, Vec<String>), String> {
        let (mut lines, mut not_obeyed) = (Vec::new(), Vec::new());
        for (number, line) in (1..).zip(text.lines()) {
            let mut words = line.split_whitespace();
            let Some(pattern) = words.next().filter(|word| !word.starts_with('#')) else {
                continue;
            };
            let letters = words
                .next()
                .ok_or_else(|| format!("line {number}: the operations are missing"))?;
            let known = |letter: char| LETTERS.contains(letter.to_ascii_lowercase());
            if let Some(letter) = letters.chars().find(|letter| !known(*letter)) {
                return Err(format!("line {number}: there is no operation {letter:?}"));
            }
            let given = !letters.contains('C') && letters.contains(['c', '*', 'x']);
            let target = words.next().unwrap_or("*");
            if given && target != "*" {
                not_obeyed.push(format!(
                    "acl_file: line {number} gives no right: rights on certain principals \
                     ({target}) are not kept apart"
                ));
            }
            lines.push((pattern.to_owned(), given && target == "*"));
        }
        Ok((Self(lines), not_obeyed))
    }

    /// Returns true if `principal` may change others' passwords. The first line whose pattern
    /// matches decides.
    pub(crate) fn may_change_passwords(&self, principal: &str) -> bool {
        let line = self.0.iter().find(|(pattern, _)| glob(pattern, principal));
        line.is_some_and(|(_, given)| *given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_fits_decides() {
        let text = "# people\njoe/admin@R  C\n*/admin@R *\nhelp@R ci * -clearpolicy\n\nother@R ail\nsome@R c a@R\n";
        let (acl, not_obeyed) = Acl::parse(text).expect("an ACL");
        for (principal, expected) in [
            ("alice/admin@R", true),
            ("joe/admin@R", false),
            ("help@R", true),
            ("other@R", false),
            ("alice@R", false),
            ("some@R", false),
        ] {
            assert_eq!(acl.may_change_passwords(principal), expected, "{principal}");
        }
        assert_eq!(not_obeyed.len(), 1);
        assert!(
            not_obeyed[0].contains("line 7 gives no right"),
            "{not_obeyed:?}"
        );
        for (text, said) in [("a", "line 1: the operations"), ("a z", "no operation 'z'")] {
            let refused = Acl::parse(text).expect_err(text);
            assert!(refused.contains(said), "{refused}");
        }
    }
}
