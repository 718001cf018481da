//! Reads a TOML file and reports every problem with its line, so that none hides another.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::nearest::nearest;

/// Lists of texts, each with its name.
pub(crate) type NamedLists = Vec<(String, Vec<String>)>;

/// A configuration file and the problems found in it.
pub(crate) struct Source<'a> {
    name: &'a str,
    text: &'a str,
    problems: RefCell<Vec<(usize, String)>>,
}

impl<'a> Source<'a> {
    /// Takes the file's name, for the messages, and its text.
    pub(crate) fn new(name: &'a str, text: &'a str) -> Self {
        Self {
            name,
            text,
            problems: RefCell::default(),
        }
    }

    /// Records a problem at the byte offset `at`.
    pub(crate) fn problem(&self, at: usize, what: impl Into<String>) {
        let before = self
            .text
            .as_bytes()
            .get(..at)
            .unwrap_or(self.text.as_bytes());
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        self.problems.borrow_mut().push((line, what.into()));
    }

    /// Returns the problems, ordered by line: `FILE:LINE: what`.
    pub(crate) fn into_problems(self) -> Vec<String> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|(line, _)| *line);
        problems
            .into_iter()
            .map(|(line, what)| format!("{}:{line}: {what}", self.name))
            .collect()
    }
}

/// A table of the file. Keys are taken from it by name; [`finish`](Self::finish) reports those that
/// were not taken.
pub(crate) struct Section<'a, 'd> {
    source: &'a Source<'a>,
    label: String,
    start: usize,
    table: &'a DeTable<'d>,
    known: Vec<&'static str>,
}

impl<'a, 'd> Section<'a, 'd> {
    /// Wraps a table that messages call `label` and that starts at the byte offset `start`.
    pub(crate) fn new(
        source: &'a Source<'a>,
        label: impl Into<String>,
        start: usize,
        table: &'a DeTable<'d>,
    ) -> Self {
        Self {
            source,
            label: label.into(),
            start,
            table,
            known: Vec::new(),
        }
    }

    /// Takes the value of `key`, parsed by `read`.
    pub(crate) fn take<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'d>) -> Result<T, String>,
    ) -> Option<T> {
        let value = self.value(key)?;
        read(value.get_ref())
            .map_err(|why| {
                self.source
                    .problem(value.span().start, format!("{} {key}: {why}", self.label));
            })
            .ok()
    }

    /// Takes a text, parsed by `parse`.
    pub(crate) fn text<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.take(key, |value| parse(string(value)?))
    }

    /// Takes a list of texts, each parsed by `parse`.
    pub(crate) fn list<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        self.take(key, |value| {
            strings(value)?.into_iter().map(&parse).collect()
        })
    }

    /// Takes a whole number not below `least`.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self, key: &'static str, least: i64) -> Option<T> {
        self.take(key, |value| number(value, least))
    }

    /// Takes a list of whole numbers, none below `least`.
    pub(crate) fn numbers<T: TryFrom<i64>>(
        &mut self,
        key: &'static str,
        least: i64,
    ) -> Option<Vec<T>> {
        self.take(key, |value| match value {
            DeValue::Array(array) => array
                .iter()
                .map(|item| number(item.get_ref(), least))
                .collect(),
            other => Err(format!("{} is not a list; write [1, 2]", shown(other))),
        })
    }

    /// Takes the table under `key`.
    pub(crate) fn table(&mut self, key: &'static str) -> Option<Self> {
        let value = self.value(key)?;
        let label = match self.label.strip_suffix(']') {
            Some(outer) if !outer.starts_with("[[") => format!("{outer}.{key}]"),
            _ => format!("[{key}]"),
        };
        match value.get_ref() {
            DeValue::Table(table) => {
                Some(Section::new(self.source, label, value.span().start, table))
            }
            other => {
                let what = format!(
                    "{key} is {}, not a table; write {label} on a line of its own",
                    shown(other)
                );
                self.source.problem(value.span().start, what);
                None
            }
        }
    }

    /// Takes all tables under `key`: `[[key]]`.
    pub(crate) fn tables(&mut self, key: &'static str) -> Vec<Self> {
        let label = match self.label.strip_suffix(']') {
            Some(outer) => format!("[{outer}.{key}]]"),
            None => format!("[[{key}]]"),
        };
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let wrong = |at, other: &DeValue<'_>| {
            let what = format!(
                "{key} is {}; write {label} on a line of its own, once for each",
                shown(other)
            );
            self.source.problem(at, what);
        };
        let DeValue::Array(array) = value.get_ref() else {
            wrong(value.span().start, value.get_ref());
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in array.iter() {
            match item.get_ref() {
                DeValue::Table(table) => sections.push(Section::new(
                    self.source,
                    label.clone(),
                    item.span().start,
                    table,
                )),
                other => wrong(item.span().start, other),
            }
        }
        sections
    }

    /// Returns every key with a scalar value that `check` accepts. Nested tables are read as dotted
    /// keys, so that `dfs.replication = 3` needs no quotes.
    pub(crate) fn scalars(
        self,
        mut check: impl FnMut(&str, &str) -> Result<(), String>,
    ) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        self.collect(
            "",
            self.table,
            &mut |at, key, value| match check(&key, &value) {
                Ok(()) => pairs.push((key, value)),
                Err(why) => self.source.problem(at, format!("{} {why}", self.label)),
            },
        );
        pairs
    }

    /// Returns every key with its list of texts.
    pub(crate) fn lists(self) -> Vec<(String, Vec<String>)> {
        let mut lists = Vec::new();
        for (key, value) in self.table {
            match strings(value.get_ref()) {
                Ok(list) => lists.push((
                    key.get_ref().to_string(),
                    list.into_iter().map(str::to_owned).collect(),
                )),
                Err(why) => self.source.problem(
                    value.span().start,
                    format!("{} {}: {why}", self.label, key.get_ref()),
                ),
            }
        }
        lists
    }

    /// Returns whether the table contains `key` at all.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.keys().any(|name| name.get_ref() == key)
    }

    /// Records a problem with the whole table.
    pub(crate) fn problem(&self, what: impl AsRef<str>) {
        self.source
            .problem(self.start, format!("{}: {}", self.label, what.as_ref()));
    }

    /// Returns every key with its table of lists of texts. A single text counts as a list of one.
    pub(crate) fn named_lists(
        self,
        name: impl Fn(&str) -> Result<String, String>,
        item: impl Fn(&str) -> Result<String, String>,
    ) -> Vec<(String, NamedLists)> {
        let quoted =
            |key: &str| format!("a table stands under {key:?}; put a name with dots in quotes");
        let list = |value: &DeValue<'_>, key: &str| match value {
            DeValue::Table(_) => Err(quoted(key)),
            DeValue::String(text) => Ok(vec![item(text)?]),
            other => strings(other)?.into_iter().map(&item).collect(),
        };
        let mut named = Vec::new();
        for (key, value) in self.table {
            let wrong = |at: usize, why: String| {
                let what = format!("{} {}: {why}", self.label, key.get_ref());
                self.source.problem(at, what);
            };
            let DeValue::Table(inner) = value.get_ref() else {
                let what = format!("{} is not a table", shown(value.get_ref()));
                wrong(value.span().start, what);
                continue;
            };
            let mut lists = Vec::new();
            for (inner_key, value) in inner {
                let read = name(inner_key.get_ref())
                    .and_then(|name| Ok((name, list(value.get_ref(), inner_key.get_ref())?)));
                match read {
                    Ok(read) => lists.push(read),
                    Err(why) => wrong(value.span().start, why),
                }
            }
            match name(key.get_ref()) {
                Ok(name) => named.push((name, lists)),
                Err(why) => wrong(key.span().start, why),
            }
        }
        named
    }

    /// Resolves a file name relative to the configuration file's folder.
    pub(crate) fn beside(&self, file: &str) -> PathBuf {
        let folder = Path::new(self.source.name).parent();
        folder.map_or_else(|| PathBuf::from(file), |folder| folder.join(file))
    }

    /// Records a problem with the value of `key`, which is in the table.
    pub(crate) fn problem_of(&self, key: &str, what: impl AsRef<str>) {
        let at = self
            .table
            .iter()
            .find(|(name, _)| name.get_ref() == key)
            .map_or(self.start, |(_, value)| value.span().start);
        self.source
            .problem(at, format!("{} {key}: {}", self.label, what.as_ref()));
    }

    /// Reports the keys that were not taken.
    pub(crate) fn finish(self) {
        for (key, value) in self.table {
            let name = key.get_ref();
            if self.known.contains(&name.as_ref()) {
                continue;
            }
            let what = match (value.get_ref(), self.label.is_empty()) {
                (DeValue::Table(_), _) => format!("there is no table [{name}]"),
                (DeValue::Array(_), true) => format!("there is no table [[{name}]]"),
                (_, true) => format!("{name:?} stands in no table"),
                _ => format!("{} has no key {name:?}", self.label),
            };
            let mend = match nearest(name, self.known.iter().copied()) {
                Some(known) => format!("did you mean {known:?}?"),
                None => format!("known are {}", self.known.join(", ")),
            };
            self.source
                .problem(key.span().start, format!("{what}; {mend}"));
        }
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'d>>> {
        self.known.push(key);
        self.table
            .iter()
            .find(|(name, _)| name.get_ref() == key)
            .map(|(_, value)| value)
    }

    fn collect(
        &self,
        prefix: &str,
        table: &DeTable<'_>,
        found: &mut impl FnMut(usize, String, String),
    ) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            let text = match value.get_ref() {
                DeValue::Table(inner) => {
                    self.collect(&format!("{name}."), inner, found);
                    continue;
                }
                DeValue::String(text) => text.to_string(),
                DeValue::Boolean(truth) => truth.to_string(),
                DeValue::Integer(number) => number.to_string(),
                DeValue::Float(number) => number.as_str().to_owned(),
                other => {
                    let what = format!(
                        "{} {name}: {} cannot be a value here; write a text",
                        self.label,
                        shown(other)
                    );
                    self.source.problem(value.span().start, what);
                    continue;
                }
            };
            found(value.span().start, name, text);
        }
    }
}

fn number<T: TryFrom<i64>>(value: &DeValue<'_>, least: i64) -> Result<T, String> {
    let wrong = || format!("{} is not a whole number from {least} upward", shown(value));
    let DeValue::Integer(number) = value else {
        return Err(wrong());
    };
    let number = i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| wrong())?;
    if number < least {
        return Err(wrong());
    }
    T::try_from(number).map_err(|_| format!("{number} is too large"))
}

fn string<'v>(value: &'v DeValue<'_>) -> Result<&'v str, String> {
    match value {
        DeValue::String(text) => Ok(text),
        other => Err(format!("{} is not a text; put it in quotes", shown(other))),
    }
}

fn strings<'v>(value: &'v DeValue<'_>) -> Result<Vec<&'v str>, String> {
    match value {
        DeValue::Array(array) => array.iter().map(|item| string(item.get_ref())).collect(),
        other => Err(format!(
            "{} is not a list; write [\"a\", \"b\"]",
            shown(other)
        )),
    }
}

/// Formats a value for a message.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => String::from("a list"),
        DeValue::Table(_) => String::from("a table"),
    }
}
