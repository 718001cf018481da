//! Patterns of names, as HttpFS filters listings by them (Hadoop's `GlobPattern`).

use crate::HdfsError;

/// The deepest groups within groups. More would only be sent to exhaust the stack.
const DEEPEST: usize = 32;

/// A pattern: `?` is a character, `*` any number of them, `[a-c]` and `[^a-c]` one of a set or of
/// the others, `{ab,c*}` one of several patterns, and `\` takes what follows as it is.
#[derive(Debug)]
pub(super) struct Glob(Vec<Part>);

#[derive(Debug)]
enum Part {
    Char(char),
    One,
    Any,
    Set {
        ranges: Vec<(char, char)>,
        is_negated: bool,
    },
    Group(Vec<Vec<Self>>),
}

impl Glob {
    /// Reads a pattern.
    pub(super) fn parse(text: &str) -> Result<Self, HdfsError> {
        let mut reader = Reader {
            text,
            chars: text.chars().collect(),
            at: 0,
        };
        Ok(Self(reader.sequence(0)?))
    }

    /// Returns true if a whole name matches.
    pub(super) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let mut starts = vec![false; name.len() + 1];
        starts[0] = true;
        let ends = after_all(&self.0, &name, starts);
        ends.last().is_some_and(|is_end| *is_end)
    }
}

/// Returns where matches of these parts end, if they start at these positions.
fn after_all(parts: &[Part], name: &[char], mut at: Vec<bool>) -> Vec<bool> {
    for part in parts {
        at = part.after(name, &at);
    }
    at
}

impl Part {
    fn after(&self, name: &[char], starts: &[bool]) -> Vec<bool> {
        let mut ends = vec![false; starts.len()];
        match self {
            Self::Any => {
                let mut has_begun = false;
                for (end, start) in ends.iter_mut().zip(starts) {
                    has_begun |= *start;
                    *end = has_begun;
                }
            }
            Self::Group(alternatives) => {
                for parts in alternatives {
                    let found = after_all(parts, name, starts.to_vec());
                    for (end, found) in ends.iter_mut().zip(found) {
                        *end |= found;
                    }
                }
            }
            one => {
                for ((end, start), letter) in ends.iter_mut().skip(1).zip(starts).zip(name) {
                    *end = *start && one.is(*letter);
                }
            }
        }
        ends
    }

    /// Returns true if this part, which stands for one character, stands for this one.
    fn is(&self, letter: char) -> bool {
        match self {
            Self::Char(own) => *own == letter,
            Self::Set { ranges, is_negated } => {
                let mut ranges = ranges.iter();
                ranges.any(|(first, last)| (*first..=*last).contains(&letter)) != *is_negated
            }
            _ => true,
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    chars: Vec<char>,
    at: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.chars.get(self.at).copied();
        self.at += usize::from(next.is_some());
        next
    }

    fn refused(&self, why: &str, at: usize) -> HdfsError {
        HdfsError::io(format!(
            "Illegal file pattern: error parsing regexp: {why} at pos {at}: `{}`",
            self.text
        ))
    }

    /// Reads the character after a backslash.
    fn escaped(&mut self) -> Result<char, HdfsError> {
        let at = self.at;
        self.next()
            .ok_or_else(|| self.refused("Missing escaped character", at))
    }

    /// Reads up to the end, or up to the `,` or `}` that ends an alternative of a group.
    fn sequence(&mut self, depth: usize) -> Result<Vec<Part>, HdfsError> {
        let mut parts = Vec::new();
        while let Some(letter) = self.next() {
            parts.push(match letter {
                ',' | '}' if depth > 0 => {
                    self.at -= 1;
                    break;
                }
                '\\' => Part::Char(self.escaped()?),
                '?' => Part::One,
                '*' => Part::Any,
                '[' => self.set()?,
                '{' => self.group(depth + 1)?,
                letter => Part::Char(letter),
            });
        }
        Ok(parts)
    }

    fn group(&mut self, depth: usize) -> Result<Part, HdfsError> {
        if depth > DEEPEST {
            return Err(self.refused("Too many groups in groups", self.at));
        }
        let mut alternatives = Vec::new();
        loop {
            alternatives.push(self.sequence(depth)?);
            match self.next() {
                Some('}') => return Ok(Part::Group(alternatives)),
                Some(_) => {}
                None => return Err(self.refused("Unclosed group", self.at)),
            }
        }
    }

    fn set(&mut self) -> Result<Part, HdfsError> {
        let is_negated = matches!(self.chars.get(self.at), Some('^' | '!'));
        self.at += usize::from(is_negated);
        let mut ranges = Vec::new();
        loop {
            let first = match self.next() {
                // Only the first `]` is one of the set.
                Some(']') if !ranges.is_empty() => return Ok(Part::Set { ranges, is_negated }),
                Some('\\') => self.escaped()?,
                Some(letter) => letter,
                None => return Err(self.refused("Unclosed character class", self.at)),
            };
            let rest = (self.chars.get(self.at), self.chars.get(self.at + 1));
            let last = match rest {
                (Some('-'), Some(last)) if *last != ']' => {
                    let last = *last;
                    self.at += 2;
                    if last == '\\' { self.escaped()? } else { last }
                }
                _ => first,
            };
            if last < first {
                return Err(self.refused("Invalid character class range", self.at));
            }
            ranges.push((first, last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_hadoop() {
        let names = ["a b", "abc", "abd", "d", "x.txt", "a*", "a]", "ä"];
        for (pattern, expected) in [
            ("ab*", "abc abd"),
            ("*.txt", "x.txt"),
            ("a?c", "abc"),
            ("[ax]*", "a b,abc,abd,x.txt,a*,a]"),
            ("[^a]*", "d x.txt ä"),
            ("[!a]*", "d x.txt ä"),
            ("[a-c]b[a-c]", "abc"),
            ("{abc,x.txt}", "abc x.txt"),
            ("{ab{c,d},d}", "abc abd d"),
            ("{a,}[]]", "a]"),
            ("a\\*", "a*"),
            ("a[\\]]", "a]"),
            ("* *", "a b"),
            ("**d", "abd d"),
            ("?", "d ä"),
            ("a,b", ""),
            ("}", ""),
            ("(d)", ""),
            (".", ""),
            ("/p/a*", ""),
        ] {
            let glob = Glob::parse(pattern).expect("a pattern");
            let found: Vec<&str> = names
                .into_iter()
                .filter(|name| glob.matches(name))
                .collect();
            let mark = if expected.contains(',') { "," } else { " " };
            assert_eq!(found.join(mark), expected, "{pattern}");
        }
    }

    #[test]
    fn patterns_without_an_end_are_refused() {
        let deep = "{".repeat(1000);
        for (pattern, why) in [
            ("[", "Unclosed character class at pos 1: `[`"),
            ("ab[cd", "Unclosed character class at pos 5: `ab[cd`"),
            ("{a", "Unclosed group at pos 2: `{a`"),
            ("a\\", "Missing escaped character at pos 2: `a\\`"),
        ] {
            let error = Glob::parse(pattern).expect_err("no end");
            let text = format!("Illegal file pattern: error parsing regexp: {why}");
            assert_eq!(
                (error.class(), error.message()),
                ("java.io.IOException", &*text)
            );
        }
        let error = Glob::parse(&deep).expect_err("too deep");
        assert!(error.message().contains("at pos 33"), "{error}");
    }
}
