//! Java's regular expressions and replacement strings (`java.util.regex`), as used in
//! `auth_to_local` rules.
//!
//! `fancy_regex` supports look-around, back references, atomic groups and possessive quantifiers.
//! Syntax that differs in Java, and classes that are ASCII-only in Java, are translated here.

use std::borrow::Cow;

use fancy_regex::{Captures, Regex, RegexBuilder};

/// The maximum number of backtracking steps of one match: far more than a sensible rule needs for a
/// name, and a few milliseconds of work.
const MAX_BACKTRACKS: usize = 100_000;
/// The maximum size of a compiled expression in bytes.
const MAX_SIZE: usize = 1 << 20;

const WORD: &str = "a-zA-Z0-9_";
const HORIZONTAL: &str = r" \t\x{a0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}";
const VERTICAL: &str = r"\n\x{b}\x{c}\r\x{85}\x{2028}\x{2029}";

/// A match took more than [`MAX_BACKTRACKS`] steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TooManySteps;

/// A compiled expression.
#[derive(Clone, Debug)]
pub(super) struct JavaRegex(Regex);

impl JavaRegex {
    /// Compiles an expression that may match anywhere in the text.
    ///
    /// # Errors
    /// Says why the expression is invalid.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        Self::compile(&translate(pattern), pattern)
    }

    /// Compiles an expression that must match the whole text (`Matcher.matches`).
    ///
    /// # Errors
    /// Says why the expression is invalid.
    pub(super) fn whole(pattern: &str) -> Result<Self, String> {
        Self::compile(&format!(r"\A(?:{})\z", translate(pattern)), pattern)
    }

    fn compile(translated: &str, pattern: &str) -> Result<Self, String> {
        RegexBuilder::new(translated)
            .backtrack_limit(MAX_BACKTRACKS)
            .delegate_size_limit(MAX_SIZE)
            .build()
            .map(Self)
            .map_err(|error| format!("{pattern:?} is no regular expression: {error}"))
    }

    pub(super) fn is_match(&self, text: &str) -> Result<bool, TooManySteps> {
        self.0.is_match(text).map_err(|_| TooManySteps)
    }

    /// Replaces the first match, or all matches.
    pub(super) fn replace<'a>(
        &self,
        text: &'a str,
        replacement: &Replacement,
        all: bool,
    ) -> Result<Cow<'a, str>, TooManySteps> {
        let limit = if all { 0 } else { 1 };
        let expand = |captures: &Captures<'_, str>| replacement.expand(captures);
        self.0
            .try_replacen(text, limit, expand)
            .map_err(|_| TooManySteps)
    }
}

/// A replacement string (`Matcher.appendReplacement`).
#[derive(Clone, Debug)]
pub(super) struct Replacement(Vec<Piece>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Piece {
    Text(String),
    Group(usize),
}

impl Replacement {
    /// Parses `$1`, `${name}` and backslash escapes.
    ///
    /// # Errors
    /// Fails where Java would: on a group that `regex` does not have, and on a trailing `$` or
    /// backslash.
    pub(super) fn parse(template: &str, regex: &JavaRegex) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = template.chars();
        while let Some(character) = rest.next() {
            match character {
                '\\' => text.push(rest.next().ok_or_else(|| {
                    format!("{template:?} ends in a backslash that escapes nothing")
                })?),
                '$' => {
                    if !text.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut text)));
                    }
                    let (group, after) = group(rest.as_str(), regex)
                        .map_err(|why| format!("in {template:?} {why}"))?;
                    pieces.push(Piece::Group(group));
                    rest = after.chars();
                }
                other => text.push(other),
            }
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(Self(pieces))
    }

    fn expand(&self, captures: &Captures<'_, str>) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text,
            // A group that did not participate in the match is replaced by nothing.
            Piece::Group(group) => captures.get(*group).map_or("", |found| found.as_str()),
        });
        pieces.collect()
    }
}

/// Parses the group reference in `text`, the part after a `$`. Returns its number and the rest.
fn group<'a>(text: &'a str, regex: &JavaRegex) -> Result<(usize, &'a str), String> {
    if let Some((name, after)) = text
        .strip_prefix('{')
        .and_then(|inner| inner.split_once('}'))
    {
        let named = regex
            .0
            .capture_names()
            .position(|known| known == Some(name));
        return Ok((
            named.ok_or_else(|| format!("there is no group named {name:?}"))?,
            after,
        ));
    }
    let groups = regex.0.captures_len();
    let mut group = None;
    let mut end = 0;
    // Java takes further digits as long as the number still names a group.
    for digit in text.chars().map_while(|digit| digit.to_digit(10)) {
        let longer = group.unwrap_or(0_usize) * 10 + digit as usize;
        if group.is_some() && longer >= groups {
            break;
        }
        group = Some(longer);
        end += 1;
    }
    match group {
        None => Err("a $ is followed by no group: write $1, or \\$ for a dollar sign".to_owned()),
        Some(group) if group >= groups => Err(format!(
            "there is no group {group}: the expression has {}",
            groups - 1
        )),
        Some(group) => Ok((group, &text[end..])),
    }
}

/// Translates `pattern` to the syntax of `fancy_regex`.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern.chars();
    // The nesting depth of character classes.
    let mut classes = 0_usize;
    while let Some(character) = rest.next() {
        match character {
            '\\' => match rest.next() {
                Some('Q') => {
                    let quoted = rest.as_str();
                    let (quoted, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                    quoted.chars().for_each(|literal| escape(literal, &mut out));
                    rest = after.chars();
                }
                Some(letter @ ('p' | 'P')) => {
                    rest = property(rest.as_str(), letter == 'P', classes > 0, &mut out).chars();
                }
                Some(letter) => escaped(letter, classes > 0, &mut out),
                None => out.push('\\'),
            },
            '[' => {
                classes += 1;
                out.push('[');
            }
            ']' => {
                classes = classes.saturating_sub(1);
                out.push(']');
            }
            other => out.push(other),
        }
    }
    out
}

/// Appends a literal character.
fn escape(literal: char, out: &mut String) {
    if literal.is_ascii_punctuation() && !matches!(literal, '<' | '>') {
        out.push('\\');
    }
    out.push(literal);
}

/// Translates a backslash followed by `letter`.
fn escaped(letter: char, in_class: bool, out: &mut String) {
    match letter {
        'd' | 'D' => class("0-9", letter == 'D', in_class, out),
        'w' | 'W' => class(WORD, letter == 'W', in_class, out),
        's' | 'S' => class(r" \t\n\x{b}\x{c}\r", letter == 'S', in_class, out),
        'h' | 'H' => class(HORIZONTAL, letter == 'H', in_class, out),
        'v' | 'V' => class(VERTICAL, letter == 'V', in_class, out),
        letter if letter.is_alphanumeric() => {
            out.push('\\');
            out.push(letter);
        }
        literal => escape(literal, out),
    }
}

/// Appends a character class of `members`, or its negation.
fn class(members: &str, negated: bool, in_class: bool, out: &mut String) {
    match (negated, in_class) {
        (false, true) => out.push_str(members),
        (false, false) => out.extend(["[", members, "]"]),
        (true, _) => out.extend(["[^", members, "]"]),
    }
}

/// Translates a property and returns the text after it; `text` is what follows `\\p`. POSIX
/// properties are ASCII-only in Java; the others are passed to the library.
fn property<'a>(text: &'a str, negated: bool, in_class: bool, out: &mut String) -> &'a str {
    let named = text
        .strip_prefix('{')
        .and_then(|inner| inner.split_once('}'));
    let members = named.and_then(|(name, _)| posix(name));
    if let (Some((_, after)), Some(members)) = (named, members) {
        class(members, negated, in_class, out);
        return after;
    }
    out.push_str(if negated { r"\P" } else { r"\p" });
    text
}

fn posix(name: &str) -> Option<&'static str> {
    Some(match name {
        "Lower" => "a-z",
        "Upper" => "A-Z",
        "ASCII" => r"\x{0}-\x{7f}",
        "Alpha" => "a-zA-Z",
        "Digit" => "0-9",
        "Alnum" => "a-zA-Z0-9",
        "Punct" => r"!-/:-@\[-`\{-~",
        "Graph" => "!-~",
        "Print" => " -~",
        "Blank" => r" \t",
        "Cntrl" => r"\x{0}-\x{1f}\x{7f}",
        "XDigit" => "0-9a-fA-F",
        "Space" => r" \t\n\x{b}\x{c}\r",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_find_and_match_what_javas_do() {
        // The results of find() and matches() in JDK 17.
        for (pattern, text, found, whole) in [
            (r"\Qa.b\E.", "a.bc", true, true),
            (r"\Qa.b", "a.b", true, true),
            (r"[\Q^-]\E]", "]", true, true),
            (r"\w+", "\u{e4}lice", true, false),
            (r"\d", "\u{663}", false, false),
            (r"\<", "<", true, true),
            (r"\p{Lower}", "\u{e4}", false, false),
            (r"\p{Lower}", "a", true, true),
            (r"\p{L}", "\u{e4}", true, true),
            (r"\P{Alpha}", "1", true, true),
            (r"[\p{Alpha}-]", "-", true, true),
            (r"(?i)ab", "AB", true, true),
            (r"\h", "\t", true, true),
            (r"[\w&&[^b]]", "b", false, false),
            (r"[^\W]", "b", true, true),
            (r"\x{41}\u0042", "AB", true, true),
            (r"(?=al)(?!bob)\w+", "alice", true, true),
            (r"(?<=@|at)R", "a@R", true, false),
            (r"(?<who>a)\k<who>\1", "aaa", true, true),
            (r"a++a", "aaa", false, false),
            (r"(?>a|ab)c", "abc", false, false),
            (r"a|ab", "ab", true, true),
        ] {
            let regex = JavaRegex::new(pattern).expect(pattern);
            assert_eq!(regex.is_match(text), Ok(found), "{pattern}");
            let regex = JavaRegex::whole(pattern).expect(pattern);
            assert_eq!(regex.is_match(text), Ok(whole), "{pattern}");
        }
        for wrong in ["[", "(", r"\E", "*", r"\2"] {
            let error = JavaRegex::new(wrong).expect_err(wrong);
            assert!(error.contains("is no regular expression"), "{error}");
        }
    }

    #[test]
    fn replacements_are_javas() {
        let regex = JavaRegex::new("(?<first>.)(.*?)(x)?$").expect("an expression");
        let replace = |template| {
            let replacement = Replacement::parse(template, &regex)?;
            let replaced = regex.replace("alice", &replacement, false);
            Ok::<_, String>(replaced.expect("few steps").into_owned())
        };
        assert_eq!(replace("$2$10").as_deref(), Ok("licea0"));
        assert_eq!(replace("${first}-$3").as_deref(), Ok("a-"));
        assert_eq!(replace(r"\$1\\$0").as_deref(), Ok(r"$1\alice"));
        for (wrong, why) in [
            ("$x", "a $ is followed by no group"),
            ("$", "a $ is followed by no group"),
            ("$4", "there is no group 4: the expression has 3"),
            ("${last}", "there is no group named \"last\""),
            (r"a\", "ends in a backslash"),
        ] {
            let error = replace(wrong).expect_err(wrong);
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn an_expression_that_goes_back_and_back_ends() {
        let regex = JavaRegex::new(r"^(a|aa)+(?=b)$").expect("an expression");
        assert_eq!(regex.is_match(&"a".repeat(1000)), Err(TooManySteps));
    }
}
