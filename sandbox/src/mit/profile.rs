//! MIT's profile format, used by `krb5.conf` and `kdc.conf` files that other programs write.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

/// The deepest nesting of included files; more is treated as a cycle.
const DEPTH: usize = 16;

/// The relations of one or more files in order, each with its enclosing sections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    relations: Vec<(Vec<String>, String)>,
    /// Places marked with `*`, to which later files cannot add.
    finals: BTreeSet<Vec<String>>,
    /// The files that were skipped, with the reason.
    passed_over: Vec<String>,
}

impl Profile {
    /// Parses a text without includes.
    #[cfg(test)]
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader::new(Path::new("profile"), 0);
        reader.lines(text)?;
        Ok(reader.profile)
    }

    /// Reads the files of a `:`-separated list; the first has precedence. Missing files are
    /// skipped, as MIT's library does.
    pub(crate) fn read(list: &str) -> Result<Self, String> {
        let mut profile = Self::default();
        for path in list.split(':').filter(|path| !path.is_empty()) {
            match fs::read_to_string(path) {
                Ok(text) => {
                    let mut reader = Reader::new(Path::new(path), 0);
                    reader.lines(&text)?;
                    profile.append(reader.profile);
                }
                Err(error) => profile.passed_over.push(format!("{path}: {error}")),
            }
        }
        Ok(profile)
    }

    /// Appends the relations of another file.
    pub(crate) fn append(&mut self, other: Self) {
        let finals = &self.finals;
        let closed =
            |place: &[String]| (1..=place.len()).any(|length| finals.contains(&place[..length]));
        let new = other
            .relations
            .into_iter()
            .filter(|(place, _)| !closed(place));
        self.relations.extend(new);
        self.finals.extend(other.finals);
        self.passed_over.extend(other.passed_over);
    }

    /// Returns the first value at a path of sections and a name.
    pub(crate) fn value(&self, path: &[&str]) -> Option<&str> {
        self.values(path).next()
    }

    /// Returns all values at a path.
    pub(crate) fn values<'a>(&'a self, path: &[&str]) -> impl Iterator<Item = &'a str> {
        let found = self
            .relations
            .iter()
            .filter(move |(place, _)| place.iter().map(String::as_str).eq(path.iter().copied()));
        found.map(|(_, value)| value.as_str())
    }

    /// Returns each relation: its sections and name, and its value.
    pub(crate) fn each(&self) -> impl Iterator<Item = (Vec<&str>, &str)> {
        self.relations
            .iter()
            .map(|(place, value)| (place.iter().map(String::as_str).collect(), value.as_str()))
    }

    /// Returns the files that were skipped, with the reason.
    pub(crate) fn passed_over(&self) -> &[String] {
        &self.passed_over
    }
}

/// The state of reading one file. Each file has its own sections; an included file starts outside
/// of any.
struct Reader<'a> {
    profile: Profile,
    place: Vec<String>,
    /// Set while the opening brace of a new section is still expected.
    brace_expected: bool,
    path: &'a Path,
    line: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn new(path: &'a Path, depth: usize) -> Self {
        Self {
            profile: Profile::default(),
            place: Vec::new(),
            brace_expected: false,
            path,
            line: 0,
            depth,
        }
    }

    fn wrong(&self, why: impl Display) -> String {
        format!(
            "Improper format of Kerberos configuration file: {}:{}: {why}",
            self.path.display(),
            self.line
        )
    }

    fn lines(&mut self, text: &str) -> Result<(), String> {
        for (number, line) in text.lines().enumerate() {
            self.line = number + 1;
            if let Some(path) = directive(line, "include") {
                self.include(Path::new(path))?;
            } else if let Some(folder) = directive(line, "includedir") {
                self.include_folder(Path::new(folder))?;
            } else if let Some(module) = directive(line, "module").filter(|_| self.place.is_empty())
            {
                return Err(self.wrong(format_args!(
                    "module {module}: modules that read profiles are not loaded; write the \
                     relations themselves"
                )));
            } else {
                self.line(line.trim())?;
            }
        }
        if self.place.len() > 1 || self.brace_expected {
            return Err(self.wrong("a section is not closed by a brace"));
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || line.starts_with(['#', ';']) {
            return Ok(());
        }
        if self.brace_expected {
            self.brace_expected = false;
            return match line.starts_with('{') {
                true => Ok(()),
                false => Err(self.wrong("a brace is missing that opens the section")),
            };
        }
        if let Some(rest) = line.strip_prefix('[') {
            self.section(rest)
        } else if self.place.is_empty() {
            // MIT's library ignores text before the first section.
            Ok(())
        } else if let Some(rest) = line.strip_prefix('}') {
            if self.place.len() < 2 {
                return Err(self.wrong("there is no section for this brace to close"));
            }
            if rest.starts_with('*') {
                self.profile.finals.insert(self.place.clone());
            }
            self.place.pop();
            Ok(())
        } else {
            self.relation(line)
        }
    }

    fn section(&mut self, rest: &str) -> Result<(), String> {
        if self.place.len() > 1 {
            return Err(self.wrong("a section begins before the brace that closes the last one"));
        }
        let (name, after) = rest
            .split_once(']')
            .ok_or_else(|| self.wrong("the section's name does not end with ]"))?;
        let after = after.trim();
        if !matches!(after, "" | "*") {
            return Err(self.wrong(format_args!("{after:?} follows the section's name")));
        }
        self.place = vec![name.to_owned()];
        if after == "*" {
            self.profile.finals.insert(self.place.clone());
        }
        Ok(())
    }

    fn relation(&mut self, line: &str) -> Result<(), String> {
        let (name, value) = line
            .split_once('=')
            .map(|(name, value)| (name.trim(), value.trim()))
            .filter(|(name, _)| !name.is_empty() && !name.contains(char::is_whitespace))
            .ok_or_else(|| self.wrong(format_args!("{line:?} is not of the form name = value")))?;
        let bare = name.split('*').next().unwrap_or_default();
        let mut place = self.place.clone();
        place.push(bare.to_owned());
        if bare != name {
            self.profile.finals.insert(place.clone());
        }
        match value {
            "" | "{" => {
                self.brace_expected = value.is_empty();
                self.place = place;
            }
            _ => {
                let value = value
                    .strip_prefix('"')
                    .map_or_else(|| value.to_owned(), unquoted);
                self.profile.relations.push((place, value));
            }
        }
        Ok(())
    }

    fn include(&mut self, path: &Path) -> Result<(), String> {
        if self.depth >= DEPTH {
            return Err(self.wrong("files include each other more deeply than this can follow"));
        }
        let text = fs::read_to_string(path)
            .map_err(|error| self.wrong(format_args!("include {}: {error}", path.display())))?;
        let mut included = Reader::new(path, self.depth + 1);
        included.lines(&text)?;
        // The relations count as if they were in this file, but final sections in the included file
        // do not close any in this file.
        self.profile.relations.extend(included.profile.relations);
        self.profile.finals.extend(included.profile.finals);
        self.profile
            .passed_over
            .extend(included.profile.passed_over);
        Ok(())
    }

    /// Includes the files of a folder, ordered by name. Names that look like an editor's or a
    /// package manager's files are skipped by MIT's rule.
    fn include_folder(&mut self, folder: &Path) -> Result<(), String> {
        let taken = |name: &str| {
            let plain = |character: char| {
                character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
            };
            !name.starts_with('.') && (name.ends_with(".conf") || name.chars().all(plain))
        };
        let entries = fs::read_dir(folder).map_err(|error| {
            self.wrong(format_args!("includedir {}: {error}", folder.display()))
        })?;
        let mut paths: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.file_name()
                    .and_then(|name| name.to_str())
                    .is_some_and(taken)
            })
            .collect();
        paths.sort();
        paths.iter().try_for_each(|path| self.include(path))
    }
}

/// Returns the text after a word at the beginning of a line.
fn directive<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(word)?;
    rest.starts_with(char::is_whitespace).then(|| rest.trim())
}

/// Returns the text up to the closing quote; a backslash makes the next character literal.
fn unquoted(quoted: &str) -> String {
    let mut text = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => match characters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('b') => text.push('\u{8}'),
                Some(other) => text.push(other),
                None => break,
            },
            other => text.push(other),
        }
    }
    text
}

/// Returns true if MIT's library reads this word as true.
pub(super) fn is_true(text: &str) -> bool {
    let words = ["y", "yes", "true", "t", "1", "on"];
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_sections_are_read_and_the_first_value_wins() {
        let profile = Profile::parse(
            "# a comment\n[libdefaults]\n\tdefault_realm = KRBTEST.COM\n[realms]\n\tKRBTEST.COM = {\n\t\tkdc = h:1\n\t\tkdc = h:2\n\t\tx = {\n\t\t}\n\t\tadmin_server = \"h:3\" \n\t}\n\tOTHER =\n\t{\n\t}\n",
        )
        .expect("a profile");
        assert_eq!(
            profile.value(&["libdefaults", "default_realm"]),
            Some("KRBTEST.COM")
        );
        let kdcs: Vec<&str> = profile.values(&["realms", "KRBTEST.COM", "kdc"]).collect();
        assert_eq!(kdcs, ["h:1", "h:2"]);
        assert_eq!(
            profile.value(&["realms", "KRBTEST.COM", "admin_server"]),
            Some("h:3")
        );
        assert_eq!(profile.value(&["realms", "OTHER", "kdc"]), None);
    }

    #[test]
    fn what_is_no_profile_is_refused_at_its_line() {
        for (text, said) in [
            ("[a]\n}\n", "profile:2: there is no section"),
            ("[a\n", "profile:1: the section's name"),
            ("[a]\nb c\n", "profile:2: \"b c\" is not of the form"),
            ("[a]\nb = {\n[c]\n", "profile:3: a section begins before"),
            ("[a]\nb =\nc = d\n", "profile:3: a brace is missing"),
            ("[a]\nb = {\n", "profile:2: a section is not closed"),
            ("module a.so:b\n", "profile:1: module a.so:b"),
        ] {
            let refused = Profile::parse(text).expect_err(text);
            assert!(
                refused.starts_with("Improper format of Kerberos configuration file"),
                "{refused}"
            );
            assert!(refused.contains(said), "{refused}");
        }
    }

    #[test]
    fn a_star_closes_a_section_to_later_files() {
        let mut profile = Profile::parse("[a]\nb* = 1\n[c]*\nd = 2\n").expect("a profile");
        profile.append(Profile::parse("[a]\nb = 3\nx = 4\n[c]\ne = 5\n").expect("a profile"));
        assert_eq!(profile.values(&["a", "b"]).collect::<Vec<_>>(), ["1"]);
        assert_eq!(profile.value(&["a", "x"]), Some("4"));
        assert_eq!(profile.value(&["c", "d"]), Some("2"));
        assert_eq!(profile.value(&["c", "e"]), None);
    }
}
