//! Events as JSON, for programs that read a journal.

use std::fmt::{Display, Write};

use crate::{Event, Outcome};

impl Event {
    /// Returns the event as a JSON object on one line. Its `event` is the name of the kind, the
    /// other members are the fields that Rust has.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut object = Object::new();
        self.write(&mut object);
        object.end()
    }

    fn write(&self, to: &mut Object) {
        to.text("event", self.kind());
        if let Some(server) = self.server() {
            to.text("server", &server.to_string());
        }
        self.write_members(to);
        if let Some(outcome) = self.outcome() {
            outcome.write(to);
        }
    }

    /// Writes the fields of the kind, but neither the server nor the outcome.
    fn write_members(&self, to: &mut Object) {
        match self {
            Self::AsExchange {
                client, service, ..
            } => to.text("client", client).text("service", service),
            Self::TgsExchange {
                client,
                service,
                kind,
                ..
            } => to
                .text("client", client)
                .text("service", service)
                .text("kind", &kind.to_string()),
            Self::PasswordChange { client, target, .. } => {
                to.text("client", client).text("target", target)
            }
            Self::ApExchange { client, .. } => to.text("client", client),
            Self::Sasl {
                mechanism, user, ..
            } => to.text("mechanism", mechanism.name()).text("user", user),
            Self::RpcCall {
                user, method, path, ..
            } => {
                to.text("user", user).text("method", method);
                if let Some(path) = path {
                    to.text("path", path);
                }
                to
            }
            Self::ReadBlock { .. }
            | Self::WriteBlock { .. }
            | Self::DataTransfer { .. }
            | Self::Packet { .. }
            | Self::Ack { .. } => self.write_transfer(to),
            Self::Connection { .. }
            | Self::Heartbeat { .. }
            | Self::Report { .. }
            | Self::Dial { .. }
            | Self::Timer { .. }
            | Self::State { .. }
            | Self::ClockMoved { .. }
            | Self::Fault { .. } => self.write_change(to),
        };
    }

    /// Writes the fields of a block operation, or of one of its packets.
    fn write_transfer<'a>(&self, to: &'a mut Object) -> &'a mut Object {
        match self {
            Self::ReadBlock {
                block,
                offset,
                length,
                ..
            } => to
                .raw("block", block)
                .raw("offset", offset)
                .raw("length", length),
            Self::WriteBlock {
                block, downstream, ..
            } => to.raw("block", block).raw("downstream", downstream),
            Self::DataTransfer {
                operation, block, ..
            } => to.text("operation", operation.name()).raw("block", block),
            Self::Packet {
                block,
                nth,
                writing,
                length,
                ..
            } => to
                .raw("block", block)
                .raw("nth", nth)
                .raw("writing", writing)
                .raw("length", length),
            Self::Ack { block, nth, .. } => to.raw("block", block).raw("nth", nth),
            _ => to,
        }
    }

    /// Writes the fields of an event that is no client's request.
    fn write_change<'a>(&self, to: &'a mut Object) -> &'a mut Object {
        match self {
            Self::Connection { peer, opened, .. } => {
                to.text("peer", &peer.to_string()).raw("opened", opened)
            }
            Self::Report { method, .. } => to.text("method", method),
            Self::Dial {
                to: Some(other), ..
            } => to.raw("to", other),
            Self::Timer { timer, subject, .. } => {
                to.text("timer", timer.name()).text("subject", subject)
            }
            Self::State {
                change, subject, ..
            } => to.text("change", change.name()).text("subject", subject),
            Self::ClockMoved { from, to: then } => to
                .text("from", &from.to_string())
                .text("to", &then.to_string()),
            Self::Fault {
                on,
                verdict,
                struck,
            } => to
                .raw("on", on.to_json())
                .text("verdict", &verdict.to_string())
                .raw("struck", struck),
            _ => to,
        }
    }

    /// Returns the name of the kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::AsExchange { .. } => "AsExchange",
            Self::TgsExchange { .. } => "TgsExchange",
            Self::PasswordChange { .. } => "PasswordChange",
            Self::ApExchange { .. } => "ApExchange",
            Self::Sasl { .. } => "Sasl",
            Self::Connection { .. } => "Connection",
            Self::RpcCall { .. } => "RpcCall",
            Self::ReadBlock { .. } => "ReadBlock",
            Self::WriteBlock { .. } => "WriteBlock",
            Self::DataTransfer { .. } => "DataTransfer",
            Self::Packet { .. } => "Packet",
            Self::Ack { .. } => "Ack",
            Self::Heartbeat { .. } => "Heartbeat",
            Self::Report { .. } => "Report",
            Self::Dial { .. } => "Dial",
            Self::Timer { .. } => "Timer",
            Self::State { .. } => "State",
            Self::ClockMoved { .. } => "ClockMoved",
            Self::Fault { .. } => "Fault",
        }
    }
}

impl Outcome {
    fn write(&self, to: &mut Object) {
        match self {
            Self::Asked => to.text("outcome", "asked"),
            Self::Ok => to.text("outcome", "ok"),
            Self::KrbError(code) => to.text("outcome", &format!("{code:?}")).raw("code", code.0),
            Self::Exception { class, message } => to
                .text("outcome", "exception")
                .text("class", class)
                .text("message", message),
            Self::Status(status) => to.text("outcome", status),
            Self::Dropped => to.text("outcome", "no answer"),
            Self::Disconnected => to.text("outcome", "disconnected"),
        };
    }
}

/// A JSON object that is being written.
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Self {
        Self("{".to_owned())
    }

    /// Adds a member whose value is JSON as it is displayed: a number, or an object.
    pub(crate) fn raw(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.name(name);
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{value}");
        self
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name);
        self.quoted(value);
        self
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.quoted(name);
        self.0.push(':');
    }

    /// Writes a string (RFC 8259, 7). What a terminal would obey is escaped as well.
    fn quoted(&mut self, text: &str) {
        self.0.push('"');
        for character in text.chars() {
            match character {
                '"' | '\\' => self.0.extend(['\\', character]),
                character
                    if character.is_control()
                        || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
                {
                    // Writing to a string cannot fail.
                    let _ = write!(self.0, "\\u{:04x}", u32::from(character));
                }
                character => self.0.push(character),
            }
        }
        self.0.push('"');
    }

    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use kerbox_krb5::ErrorCode;

    use super::*;
    use crate::{Server, Verdict};

    #[test]
    fn a_call_is_an_object_with_its_path_and_exception() {
        let event = Event::RpcCall {
            server: Server::NameNode(1),
            user: "alice".into(),
            method: "mkdirs".into(),
            path: Some("/a \"b\"\n\u{1b}ä".into()),
            outcome: Outcome::Exception {
                class: "java.io.IOException".into(),
                message: "no\\".into(),
            },
        };
        assert_eq!(
            event.to_json(),
            r#"{"event":"RpcCall","server":"NameNode","user":"alice","method":"mkdirs","path":"/a \"b\"\u000a\u001bä","outcome":"exception","class":"java.io.IOException","message":"no\\"}"#
        );
    }

    #[test]
    fn a_fault_contains_the_event_that_it_answers() {
        let event = Event::Fault {
            on: Box::new(Event::AsExchange {
                client: "alice@R".into(),
                service: "krbtgt/R@R".into(),
                outcome: Outcome::KrbError(ErrorCode::KDC_ERR_POLICY),
            }),
            verdict: Verdict::Drop,
            struck: true,
        };
        assert_eq!(
            event.to_json(),
            r#"{"event":"Fault","server":"KDC","on":{"event":"AsExchange","server":"KDC","client":"alice@R","service":"krbtgt/R@R","outcome":"KDC_ERR_POLICY","code":12},"verdict":"drop","struck":true}"#
        );
    }
}
