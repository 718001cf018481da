//! The command lines of MIT's programs: one-word options, whose value is the next word or directly
//! attached.

use std::fmt::Display;
use std::str::FromStr;

/// The remaining words.
pub(super) struct CommandLine<'a> {
    program: &'static str,
    rest: &'a [String],
    option: &'a str,
}

impl<'a> CommandLine<'a> {
    pub(super) fn new(program: &'static str, arguments: &'a [String]) -> Self {
        Self {
            program,
            rest: arguments,
            option: "",
        }
    }

    /// Returns the next word.
    pub(super) fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.option = first;
        Some(first)
    }

    /// Returns the value of the last option.
    pub(super) fn value(&mut self) -> Result<&'a str, String> {
        let option = self.option;
        let missing = || format!("{option} needs a value");
        let (first, rest) = self.rest.split_first().ok_or_else(missing)?;
        self.rest = rest;
        Ok(first)
    }

    /// Returns that value as a number.
    pub(super) fn number<T: FromStr>(&mut self) -> Result<T, String> {
        let option = self.option;
        let text = self.value()?;
        text.parse()
            .map_err(|_| format!("{option} {text}: this is no number"))
    }

    /// Returns all remaining words.
    pub(super) fn rest(&mut self) -> &'a [String] {
        std::mem::take(&mut self.rest)
    }

    /// Prints that an option has no effect here.
    pub(super) fn no_effect(&self, option: &str, why: impl Display) {
        eprintln!("{}: warning: {option} has no effect: {why}", self.program);
    }
}
