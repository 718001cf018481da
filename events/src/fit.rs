//! The verdicts that can be carried out on each event.

use crate::{Event, Verdict};

impl Event {
    /// Returns whether the server that asks about this event can carry out `verdict`. A verdict
    /// that cannot be carried out has no effect: the exchange goes on as usual.
    #[must_use]
    pub fn takes(&self, verdict: &Verdict) -> bool {
        match self {
            // A KDC has no exceptions.
            Self::AsExchange { .. } | Self::TgsExchange { .. } | Self::PasswordChange { .. } => {
                !matches!(verdict, Verdict::Exception { .. })
            }
            // Corrupt bytes would either be a proof that the client verifies, or be no bytes at
            // all.
            Self::ApExchange { .. } | Self::Sasl { .. } => !matches!(verdict, Verdict::Corrupt),
            // Nothing is answered yet, so there is nothing to refuse or corrupt.
            Self::Connection { .. } => !matches!(
                verdict,
                Verdict::KrbError(_) | Verdict::Exception { .. } | Verdict::Corrupt
            ),
            Self::RpcCall { .. } | Self::ReadBlock { .. } | Self::WriteBlock { .. } => {
                !matches!(verdict, Verdict::KrbError(_))
            }
            // Their answers carry no bytes of the block.
            Self::DataTransfer { .. } => {
                !matches!(verdict, Verdict::KrbError(_) | Verdict::Corrupt)
            }
            // A packet has no answer of its own.
            Self::Packet { .. } => {
                !matches!(verdict, Verdict::KrbError(_) | Verdict::Exception { .. })
            }
            // Servers do not ask about these.
            Self::Timer { .. }
            | Self::State { .. }
            | Self::ClockMoved { .. }
            | Self::Fault { .. } => *verdict == Verdict::Pass,
        }
    }

    /// Describes the verdicts that [`takes`](Self::takes) allows, other than letting the event
    /// pass.
    #[must_use]
    pub fn fitting_verdicts(&self) -> &'static str {
        match self {
            Self::AsExchange { .. } | Self::TgsExchange { .. } | Self::PasswordChange { .. } => {
                "KrbError, Delay, Drop, Disconnect, Corrupt, Kill"
            }
            Self::ApExchange { .. } | Self::Sasl { .. } => {
                "KrbError, Exception, Delay, Drop, Disconnect, Kill"
            }
            Self::Connection { .. } => "Delay, Drop, Disconnect, Kill",
            Self::RpcCall { .. } | Self::ReadBlock { .. } | Self::WriteBlock { .. } => {
                "Exception, Delay, Drop, Disconnect, Corrupt, Kill"
            }
            Self::DataTransfer { .. } => "Exception, Delay, Drop, Disconnect, Kill",
            Self::Packet { .. } => "Delay, Drop, Disconnect, Corrupt, Kill",
            Self::Timer { .. }
            | Self::State { .. }
            | Self::ClockMoved { .. }
            | Self::Fault { .. } => "nothing: no server asks about it",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kerbox_krb5::{ErrorCode, Timestamp};

    use super::*;
    use crate::{Outcome, Server, TgsKind};

    fn verdicts() -> [(&'static str, Verdict); 7] {
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
            ("Drop", Verdict::Drop),
            ("Disconnect", Verdict::Disconnect),
            ("Corrupt", Verdict::Corrupt),
            ("Kill", Verdict::Kill),
        ]
    }

    fn events() -> Vec<Event> {
        let (server, outcome) = (Server::NameNode, Outcome::Asked);
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
                mechanism: "GSSAPI",
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
                operation: "TRANSFER_BLOCK",
                block: 1,
                outcome,
            },
            Event::Packet {
                datanode: 1,
                block: 1,
                nth: 1,
                writing: true,
            },
            Event::Timer {
                server,
                timer: "heartbeat",
                subject: name(),
            },
            Event::State {
                server,
                change: name(),
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
            let said: Vec<&str> = event.fitting_verdicts().split(", ").collect();
            for (name, verdict) in verdicts() {
                assert_eq!(
                    event.takes(&verdict),
                    said.contains(&name),
                    "{name} on {event}"
                );
            }
        }
    }
}
