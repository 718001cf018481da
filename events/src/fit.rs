//! The verdicts that can be carried out on each event.

use crate::{Event, Verdict};

/// The name of a verdict without its values, in the order of lists for people.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    KrbError,
    Exception,
    Delay,
    DelayInRealTime,
    Hold,
    Drop,
    Disconnect,
    HalfClose,
    Corrupt,
    Forge,
    WrongChecksums,
    DiskError,
    LoseReply,
    CutReply,
    ChopReply,
    JoinReply,
    Kill,
}

use Kind::{
    ChopReply, Corrupt, CutReply, Delay, DelayInRealTime, Disconnect, DiskError, Drop, Exception,
    Forge, HalfClose, Hold, JoinReply, Kill, KrbError, LoseReply, WrongChecksums,
};

/// The verdicts that fit whatever a client waits for.
const EXCHANGE: &[Kind] = &[
    Delay,
    DelayInRealTime,
    Hold,
    Drop,
    Disconnect,
    HalfClose,
    Kill,
];

impl Verdict {
    /// Returns its kind; `None` if it lets the event pass.
    fn kind(&self) -> Option<Kind> {
        Some(match self {
            Self::Pass => return None,
            Self::KrbError(_) => KrbError,
            Self::Exception { .. } => Exception,
            Self::Delay(_) => Delay,
            Self::DelayInRealTime(_) => DelayInRealTime,
            Self::Hold(_) => Hold,
            Self::Drop => Drop,
            Self::Disconnect => Disconnect,
            Self::HalfClose => HalfClose,
            Self::Corrupt => Corrupt,
            Self::Forge(_) => Forge,
            Self::WrongChecksums => WrongChecksums,
            Self::DiskError => DiskError,
            Self::LoseReply => LoseReply,
            Self::CutReply(_) => CutReply,
            Self::ChopReply(_) => ChopReply,
            Self::JoinReply => JoinReply,
            Self::Kill => Kill,
        })
    }
}

impl Event {
    /// Returns whether the server that asks about this event can carry out `verdict`. A verdict
    /// that cannot be carried out has no effect: the exchange goes on as usual.
    #[must_use]
    pub fn takes(&self, verdict: &Verdict) -> bool {
        verdict
            .kind()
            .is_none_or(|kind| self.fitting().iter().any(|kinds| kinds.contains(&kind)))
    }

    /// Describes the verdicts that [`takes`](Self::takes) allows, other than letting the event
    /// pass.
    #[must_use]
    pub fn fitting_verdicts(&self) -> String {
        let mut kinds = self.fitting().concat();
        kinds.sort_unstable();
        let names: Vec<String> = kinds.iter().map(|kind| format!("{kind:?}")).collect();
        if names.is_empty() {
            return "nothing: no server asks about it".to_owned();
        }
        names.join(", ")
    }

    /// Returns the verdicts that fit: those of [`EXCHANGE`] where a client waits, and its own.
    fn fitting(&self) -> [&'static [Kind]; 2] {
        match self {
            // A KDC has no exceptions.
            // A datagram cannot be sent in pieces.
            Self::AsExchange { .. } | Self::TgsExchange { .. } => {
                [EXCHANGE, &[KrbError, Corrupt, Forge, LoseReply, CutReply]]
            }
            // Its answer is signed or encrypted as a whole.
            Self::PasswordChange { .. } => [EXCHANGE, &[KrbError, Corrupt, LoseReply, CutReply]],
            // Corrupt bytes would either be a proof that the client verifies, or be no bytes at
            // all. The answer is the next step of the handshake, so dropping it is losing it.
            Self::ApExchange { .. } | Self::Sasl { .. } => [EXCHANGE, &[KrbError, Exception]],
            // Nothing is answered yet, so there is nothing to refuse or corrupt.
            Self::Connection { .. } => [EXCHANGE, &[]],
            Self::RpcCall { .. } => [
                EXCHANGE,
                &[
                    Exception, Corrupt, LoseReply, CutReply, ChopReply, JoinReply,
                ],
            ],
            Self::ReadBlock { .. } | Self::WriteBlock { .. } => [EXCHANGE, &[Exception, Corrupt]],
            // Their answers carry no bytes of the block.
            Self::DataTransfer { .. } => [EXCHANGE, &[Exception]],
            // A packet has no answer of its own. Checksums are made by whoever sends.
            Self::Packet { writing: false, .. } => {
                [EXCHANGE, &[Corrupt, WrongChecksums, DiskError]]
            }
            Self::Packet { writing: true, .. } => [EXCHANGE, &[Corrupt, DiskError]],
            Self::Ack { .. } => [EXCHANGE, &[]],
            // It has no answer to wait for.
            Self::Heartbeat { .. } => [&[], &[Drop]],
            // The call is made in the NameNode's own process, so it cannot wait.
            Self::Report { .. } => [&[], &[Disconnect]],
            Self::Dial { .. } => [&[], &[Delay, DelayInRealTime, Hold, Disconnect]],
            // Servers do not ask about these.
            Self::Timer { .. }
            | Self::State { .. }
            | Self::ClockMoved { .. }
            | Self::Fault { .. } => [&[], &[]],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kerbox_krb5::{ErrorCode, Timestamp};

    use super::*;
    use crate::{
        ClearField, Latch, Mechanism, Operation, Outcome, Server, StateChange, TgsKind, TimerKind,
    };

    fn verdicts() -> [(&'static str, Verdict); 17] {
        [
            ("KrbError", Verdict::KrbError(ErrorCode::KDC_ERR_POLICY)),
            (
                "Exception",
                Verdict::Exception {
                    class: "java.io.IOException".into(),
                    message: "no".into(),
                },
            ),
            ("Delay", Verdict::Delay(Duration::from_millis(1))),
            (
                "DelayInRealTime",
                Verdict::DelayInRealTime(Duration::from_millis(1)),
            ),
            ("Hold", Verdict::Hold(Latch::new())),
            ("Drop", Verdict::Drop),
            ("Disconnect", Verdict::Disconnect),
            ("HalfClose", Verdict::HalfClose),
            ("Corrupt", Verdict::Corrupt),
            ("Forge", Verdict::Forge(ClearField::Client)),
            ("WrongChecksums", Verdict::WrongChecksums),
            ("DiskError", Verdict::DiskError),
            ("LoseReply", Verdict::LoseReply),
            ("CutReply", Verdict::CutReply(1)),
            ("ChopReply", Verdict::ChopReply(1)),
            ("JoinReply", Verdict::JoinReply),
            ("Kill", Verdict::Kill),
        ]
    }

    fn events() -> Vec<Event> {
        let (server, outcome) = (Server::NameNode(1), Outcome::Asked);
        let name = || "alice".into();
        vec![
            Event::AsExchange {
                client: name(),
                service: name(),
                outcome: outcome.clone(),
            },
            Event::TgsExchange {
                client: name(),
                service: name(),
                kind: TgsKind::Ticket,
                outcome: outcome.clone(),
            },
            Event::PasswordChange {
                client: name(),
                target: name(),
                outcome: outcome.clone(),
            },
            Event::ApExchange {
                server,
                client: name(),
                outcome: outcome.clone(),
            },
            Event::Sasl {
                server,
                mechanism: Mechanism::Gssapi,
                user: name(),
                outcome: outcome.clone(),
            },
            Event::Connection {
                server,
                peer: "127.0.0.1:1".parse().expect("an address"),
                opened: true,
            },
            Event::RpcCall {
                server,
                user: name(),
                method: name(),
                path: None,
                outcome: outcome.clone(),
            },
            Event::ReadBlock {
                datanode: 1,
                block: 1,
                offset: 0,
                length: 1,
                outcome: outcome.clone(),
            },
            Event::WriteBlock {
                datanode: 1,
                block: 1,
                downstream: 0,
                outcome: outcome.clone(),
            },
            Event::DataTransfer {
                datanode: 1,
                operation: Operation::TransferBlock,
                block: 1,
                outcome,
            },
            Event::Packet {
                datanode: 1,
                block: 1,
                nth: 1,
                writing: true,
                length: 1,
            },
            Event::Packet {
                datanode: 1,
                block: 1,
                nth: 1,
                writing: false,
                length: 1,
            },
            Event::Ack {
                datanode: 1,
                block: 1,
                nth: 1,
            },
            Event::Heartbeat { datanode: 1 },
            Event::Report {
                datanode: 1,
                method: "blockReport",
            },
            Event::Dial {
                datanode: 1,
                to: Some(2),
            },
            Event::Timer {
                server,
                timer: TimerKind::Heartbeat,
                subject: name(),
            },
            Event::State {
                server,
                change: StateChange::Dead,
                subject: name(),
            },
            Event::ClockMoved {
                from: Timestamp::EPOCH,
                to: Timestamp::EPOCH,
            },
        ]
    }

    #[test]
    fn every_event_says_in_words_which_verdicts_it_takes() {
        for event in events() {
            assert!(event.takes(&Verdict::Pass), "{event}");
            let said = event.fitting_verdicts();
            let said: Vec<&str> = said.split(", ").collect();
            for (name, verdict) in verdicts() {
                assert_eq!(
                    event.takes(&verdict),
                    said.contains(&name),
                    "{name} on {event}"
                );
            }
        }
    }

    #[test]
    fn what_a_server_does_not_ask_about_takes_nothing() {
        let told = events().into_iter().rev().take(3);
        for event in told {
            assert!(!event.takes(&Verdict::Kill), "{event}");
            assert!(event.fitting_verdicts().starts_with("nothing"), "{event}");
        }
    }
}
