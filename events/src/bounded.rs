//! Limits on what is kept of an event. Its texts come from peers, which may send any length.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::Arc;

use crate::{Event, Outcome, Verdict};

/// The longest text of an event, in bytes, that a journal keeps. A longer text is cut at a
/// character boundary, so that it fits together with a mark that gives its original length.
pub const MAX_TEXT: usize = 1024;

/// Room for the mark.
const MARK: usize = 40;

impl Event {
    /// Cuts every text that is longer than [`MAX_TEXT`] and returns how many bytes of text are
    /// left.
    ///
    /// A [`Hook`](crate::Hook) that keeps events calls this first.
    pub fn bound(&mut self) -> usize {
        // By far the most frequent event.
        if let Self::RpcCall {
            user,
            method,
            path,
            outcome: Outcome::Ok,
            ..
        } = self
        {
            return bound(user) + bound(method) + path.as_mut().map_or(0, bound);
        }
        let mut bytes = 0;
        self.each_text(&mut |text| bytes += bound(text));
        bytes
    }

    /// Visits every text of the event.
    fn each_text(&mut self, visit: &mut impl FnMut(&mut Arc<str>)) {
        self.each_own_text(visit);
        if let Some(Outcome::Exception { class, message }) = self.outcome_mut() {
            visit(class);
            visit(message);
        }
    }

    /// Visits every text but the outcome's. A newly added text field must be listed here.
    fn each_own_text(&mut self, visit: &mut impl FnMut(&mut Arc<str>)) {
        match self {
            Self::AsExchange {
                client: first,
                service: second,
                outcome: _,
            }
            | Self::TgsExchange {
                client: first,
                service: second,
                kind: _,
                outcome: _,
            }
            | Self::PasswordChange {
                client: first,
                target: second,
                outcome: _,
            } => {
                visit(first);
                visit(second);
            }
            Self::ApExchange { client: text, .. }
            | Self::Sasl { user: text, .. }
            | Self::Timer { subject: text, .. }
            | Self::State { subject: text, .. } => visit(text),
            Self::RpcCall {
                user, method, path, ..
            } => {
                visit(user);
                visit(method);
                path.iter_mut().for_each(visit);
            }
            Self::Fault { on, verdict, .. } => {
                if let Verdict::Exception { class, message } = verdict {
                    visit(class);
                    visit(message);
                }
                on.each_text(visit);
            }
            Self::ReadBlock { .. }
            | Self::WriteBlock { .. }
            | Self::DataTransfer { .. }
            | Self::Connection { .. }
            | Self::Packet { .. }
            | Self::Ack { .. }
            | Self::Heartbeat { .. }
            | Self::Report { .. }
            | Self::Dial { .. }
            | Self::ClockMoved { .. } => {}
        }
    }
}

/// Cuts a text that is too long to keep, and returns the bytes that are left.
#[inline]
pub(crate) fn bound(text: &mut Arc<str>) -> usize {
    if text.len() > MAX_TEXT {
        cut_down(text);
    }
    text.len()
}

#[cold]
fn cut_down(text: &mut Arc<str>) {
    *text = cut(text).into();
}

/// Returns a peer's text as it may be kept or repeated: cut if it is longer than [`MAX_TEXT`].
#[must_use]
pub fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_TEXT {
        return text.into();
    }
    let mut end = MAX_TEXT - MARK;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}… (cut: {} bytes)", &text[..end], text.len()).into()
}

/// A value displayed as one line that is safe to print on a terminal. Control characters, and those
/// that change the direction of writing, are escaped as Rust writes them (`\n`, `\u{1b}`).
///
/// Use it to print any text that came from a peer.
///
/// ```
/// use kerbox_events::Printable;
///
/// // A peer's text that would clear the screen.
/// assert_eq!(Printable("alice\u{1b}[2J").to_string(), r"alice\u{1b}[2J");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Printable<T>(pub T);

impl<T: fmt::Display> fmt::Display for Printable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

/// A writer that escapes control characters.
pub(crate) struct Escaping<'a, W>(pub(crate) &'a mut W);

impl<W: Write> Write for Escaping<'_, W> {
    fn write_str(&mut self, mut text: &str) -> fmt::Result {
        while let Some(at) = text.find(is_obeyed) {
            let (plain, rest) = text.split_at(at);
            self.0.write_str(plain)?;
            let mut rest = rest.chars();
            for character in rest.next().into_iter().flat_map(char::escape_default) {
                self.0.write_char(character)?;
            }
            text = rest.as_str();
        }
        self.0.write_str(text)
    }
}

/// Returns whether a terminal would act on the character instead of showing it.
fn is_obeyed(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Server, StateChange};

    #[test]
    fn a_long_text_is_cut_at_a_character_and_says_its_length() {
        let long = format!("x{}", "é".repeat(MAX_TEXT));
        let mut event = Event::RpcCall {
            server: Server::NameNode(1),
            user: "alice".into(),
            method: long.as_str().into(),
            path: Some("/x".into()),
            outcome: Outcome::Exception {
                class: "java.io.IOException".into(),
                message: "m".repeat(50 << 20).into(),
            },
        };
        let bytes = event.bound();
        assert!(bytes < 2 * MAX_TEXT + 32, "{bytes}");
        let Event::RpcCall {
            user,
            method,
            outcome: Outcome::Exception { message, .. },
            ..
        } = &event
        else {
            panic!("{event:?}")
        };
        assert_eq!(&**user, "alice");
        assert!(method.starts_with("xé") && method.ends_with("é… (cut: 2049 bytes)"));
        assert!(message.ends_with("m… (cut: 52428800 bytes)"));
        assert_eq!(event.clone().bound(), bytes, "once cut, it stays");
    }

    #[test]
    fn a_text_of_the_greatest_length_is_kept_whole() {
        let mut event = Event::State {
            server: Server::Kdc,
            change: StateChange::Started,
            subject: "a".repeat(MAX_TEXT).into(),
        };
        assert_eq!(event.bound(), MAX_TEXT);
    }

    #[test]
    fn no_terminal_obeys_what_a_peer_sends() {
        let evil = "a\u{1b}]0;title\u{7}\r\nb\u{9b}2J\u{202e}c\u{7f} ä漢";
        assert_eq!(
            Printable(evil).to_string(),
            r"a\u{1b}]0;title\u{7}\r\nb\u{9b}2J\u{202e}c\u{7f} ä漢"
        );
    }
}
