//! One-line descriptions of events, for people who read what the servers saw.

use std::fmt::{self, Write};

use crate::bounded::Escaping;
use crate::{Event, Outcome, TgsKind, Verdict};

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Most of the texts come from peers.
        self.write_line(&mut Escaping(f))?;
        match self.outcome() {
            Some(outcome) => write!(Escaping(f), ": {outcome}"),
            None => Ok(()),
        }
    }
}

impl Event {
    /// Writes all but the outcome.
    fn write_line(&self, f: &mut impl Write) -> fmt::Result {
        match self {
            Self::AsExchange {
                client, service, ..
            } => write!(f, "AS {client} for {service}"),
            Self::TgsExchange {
                client,
                service,
                kind,
                ..
            } => write!(f, "TGS {kind} {client} for {service}"),
            Self::PasswordChange { client, target, .. } => {
                write!(f, "kpasswd {client} for {target}")
            }
            Self::ApExchange { server, client, .. } => write!(f, "AP {client} at {server}"),
            Self::Sasl {
                server,
                mechanism,
                user,
                ..
            } => write!(f, "SASL {mechanism} {user} at {server}"),
            Self::RpcCall {
                server,
                user,
                method,
                path,
                ..
            } => {
                write!(f, "{server}: {method} by {user}")?;
                path.iter().try_for_each(|path| write!(f, " on {path}"))
            }
            Self::ReadBlock { datanode, .. }
            | Self::WriteBlock { datanode, .. }
            | Self::DataTransfer { datanode, .. }
            | Self::Packet { datanode, .. }
            | Self::Ack { datanode, .. }
            | Self::Heartbeat { datanode }
            | Self::Report { datanode, .. }
            | Self::Dial { datanode, .. } => {
                write!(f, "DataNode {datanode}: ")?;
                self.write_of_datanode(f)
            }
            Self::Connection { server, .. }
            | Self::Timer { server, .. }
            | Self::State { server, .. } => {
                write!(f, "{server}: ")?;
                self.write_of_server(f)
            }
            Self::ClockMoved { .. } | Self::Fault { .. } => self.write_of_fixture(f),
        }
    }

    /// Writes the action of a DataNode.
    fn write_of_datanode(&self, f: &mut impl Write) -> fmt::Result {
        match self {
            Self::ReadBlock {
                block,
                offset,
                length,
                ..
            } => write!(f, "READ_BLOCK {block}, {length} bytes from {offset}"),
            Self::WriteBlock {
                block, downstream, ..
            } => write!(f, "WRITE_BLOCK {block}, {downstream} downstream"),
            Self::DataTransfer {
                operation, block, ..
            } => write!(f, "{operation} {block}"),
            Self::Packet {
                block,
                nth,
                writing,
                ..
            } => {
                let direction = if *writing { "written" } else { "read" };
                write!(f, "packet {nth} {direction} of {block}")
            }
            Self::Ack { block, nth, .. } => write!(f, "ack {nth} of {block}"),
            Self::Heartbeat { .. } => f.write_str("heartbeat"),
            Self::Report { method, .. } => write!(f, "{method} to the NameNode"),
            Self::Dial { to: Some(to), .. } => write!(f, "to DataNode {to}"),
            Self::Dial { to: None, .. } => f.write_str("to an unknown DataNode"),
            _ => Ok(()),
        }
    }

    /// Writes an action of the fixture or of one of its rules.
    fn write_of_fixture(&self, f: &mut impl Write) -> fmt::Result {
        match self {
            Self::ClockMoved { from, to } => write!(f, "clock moved from {from} to {to}"),
            Self::Fault {
                on,
                verdict,
                struck: true,
            } => write!(f, "fault: {verdict} on {on}"),
            Self::Fault { on, verdict, .. } => write!(
                f,
                "fault not carried out: {verdict} on {on}; it can be answered by {}",
                on.fitting_verdicts()
            ),
            _ => Ok(()),
        }
    }

    /// Writes the change of a server.
    fn write_of_server(&self, f: &mut impl Write) -> fmt::Result {
        let subject = match self {
            Self::Connection { peer, opened, .. } => {
                let change = if *opened { "connected" } else { "left" };
                return write!(f, "{peer} {change}");
            }
            Self::Timer { timer, subject, .. } => {
                write!(f, "timer {timer}")?;
                subject
            }
            Self::State {
                change, subject, ..
            } => {
                write!(f, "{change}")?;
                subject
            }
            _ => return Ok(()),
        };
        if subject.is_empty() {
            return Ok(());
        }
        write!(f, ": {subject}")
    }
}

impl fmt::Display for TgsKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ticket => "TICKET",
            Self::Renew => "RENEW",
            Self::Validate => "VALIDATE",
            Self::Forward => "FORWARD",
            Self::Proxy => "PROXY",
            Self::UserToUser => "U2U",
            Self::S4u2Self => "S4U2SELF",
            Self::S4u2Proxy => "S4U2PROXY",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("asked"),
            Self::Ok => f.write_str("ok"),
            Self::KrbError(code) => write!(f, "{code:?}"),
            Self::Exception { class, message } => {
                let class = class.rsplit('.').next().unwrap_or(class);
                write!(Escaping(f), "{class}: {message}")
            }
            Self::Status(status) => f.write_str(status),
            Self::Dropped => f.write_str("no answer"),
            Self::Disconnected => f.write_str("disconnected"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("pass"),
            Self::KrbError(code) => write!(f, "{code:?}"),
            Self::Exception { class, message } => write!(f, "{class}: {message}"),
            Self::Delay(duration) => write!(f, "delay {duration:?}"),
            Self::DelayInRealTime(duration) => write!(f, "delay {duration:?} in real time"),
            Self::Hold(_) => f.write_str("hold"),
            Self::Drop => f.write_str("drop"),
            Self::Disconnect => f.write_str("disconnect"),
            Self::HalfClose => f.write_str("close the sending half"),
            Self::Corrupt => f.write_str("corrupt"),
            Self::Forge(field) => write!(f, "forge the {field}"),
            Self::WrongChecksums => f.write_str("wrong checksums"),
            Self::DiskError => f.write_str("disk error"),
            Self::LoseReply => f.write_str("lose the reply"),
            Self::CutReply(bytes) => write!(f, "cut the reply after {bytes} bytes"),
            Self::ChopReply(bytes) => write!(f, "chop the reply into {bytes} bytes"),
            Self::JoinReply => f.write_str("join the reply to the next one"),
            Self::Kill => f.write_str("kill"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kerbox_krb5::ErrorCode;

    #[test]
    fn an_exchange_tells_who_asked_for_what_and_what_came_of_it() {
        let event = Event::AsExchange {
            client: "alice@R".into(),
            service: "krbtgt/R@R".into(),
            outcome: Outcome::KrbError(ErrorCode::KDC_ERR_PREAUTH_FAILED),
        };
        assert_eq!(
            event.to_string(),
            "AS alice@R for krbtgt/R@R: KDC_ERR_PREAUTH_FAILED"
        );
    }

    #[test]
    fn an_event_is_one_line_whatever_a_peer_calls_itself() {
        let event = Event::AsExchange {
            client: "\u{1b}[2J\nalice@R".into(),
            service: "krbtgt/R@R".into(),
            outcome: Outcome::Exception {
                class: "E".into(),
                message: "\u{7}".into(),
            },
        };
        assert_eq!(
            event.to_string(),
            r"AS \u{1b}[2J\nalice@R for krbtgt/R@R: E: \u{7}"
        );
    }

    #[test]
    fn an_exception_is_told_by_the_last_part_of_its_class() {
        let outcome = Outcome::Exception {
            class: "java.io.FileNotFoundException".into(),
            message: "/x".into(),
        };
        assert_eq!(outcome.to_string(), "FileNotFoundException: /x");
    }
}
