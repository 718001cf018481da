//! Faults that are added over the control socket. They stay until they are removed there, or until
//! the fixture ends.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kerbox_events::{ClearField, Event, Server, Verdict};
use kerbox_krb5::ErrorCode;
use serde_json::{Value, json};

use super::{FaultAction, FaultRequest, Target};
use crate::watch::faults::{Fault, FaultGuard};

/// The highest code of RFC 4120 and its extensions.
const HIGHEST_CODE: i32 = 100;

/// The faults by number, each with its description.
#[derive(Default)]
pub(super) struct Faults(Mutex<Table>);

#[derive(Default)]
struct Table {
    next: u64,
    faults: BTreeMap<u64, (String, FaultGuard)>,
}

impl Faults {
    pub(super) fn add(&self, target: &Target, request: &FaultRequest) -> Result<u64, String> {
        let guard = target.world().inject(request.to_fault()?);
        let mut table = self.table();
        table.next += 1;
        let number = table.next;
        table.faults.insert(number, (described(request), guard));
        Ok(number)
    }

    pub(super) fn list(&self) -> Value {
        let table = self.table();
        let faults = table.faults.iter().map(|(number, (what, guard))| {
            json!({"number": number, "fault": what, "struck": guard.struck()})
        });
        faults.collect()
    }

    pub(super) fn remove(&self, number: u64) -> Result<Value, String> {
        let removed = self.table().faults.remove(&number);
        match removed {
            Some((_, guard)) => Ok(json!(guard.struck())),
            None => Err(format!(
                "there is no fault {number}; `kerbox fault list` names those that there are"
            )),
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Changed in single steps, so a panic elsewhere leaves it valid.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FaultRequest {
    /// Checks that the fault can be carried out by some fixture.
    ///
    /// # Errors
    /// Fails with what is wrong, and how to mend it.
    pub fn check(&self) -> Result<(), String> {
        self.to_fault().map(drop)
    }

    /// Returns the server that the fault needs; `None` if it is the KDC or the NameNode of calls.
    #[must_use]
    pub fn datanode(&self) -> Option<usize> {
        match &self.action {
            FaultAction::Corrupt(datanode) | FaultAction::DiskError(datanode) => Some(*datanode),
            FaultAction::Silence(name)
            | FaultAction::Disconnect(name)
            | FaultAction::HalfClose(name)
            | FaultAction::Delay(name, _) => match server(name) {
                Ok(Server::DataNode(number)) => Some(number),
                _ => None,
            },
            FaultAction::KrbError(_)
            | FaultAction::Exception { .. }
            | FaultAction::LoseReply(_)
            | FaultAction::Forge(_) => None,
        }
    }

    fn to_fault(&self) -> Result<Fault, String> {
        let mut fault = fault(&self.action)?;
        if let Some(user) = &self.of {
            fault = fault.of(user);
        }
        if let Some(method) = &self.method {
            fault = fault.on_method(method);
        }
        fault = fault.after(self.after);
        if let Some(times) = self.times {
            fault = fault.times(times);
        }
        if let Some(probability) = self.probability {
            if !(0.0..=1.0).contains(&probability) {
                return Err(format!("a probability is from 0 to 1, not {probability}"));
            }
            fault = fault.with_probability(probability);
        }
        Ok(fault)
    }
}

fn fault(action: &FaultAction) -> Result<Fault, String> {
    Ok(match action {
        FaultAction::KrbError(code) => Fault::krb_error(error_code(code)?),
        FaultAction::Exception { class, message } => {
            let (class, message) = (class.as_str().into(), message.as_str().into());
            let verdict = Verdict::Exception { class, message };
            Fault::new(|event| matches!(event, Event::RpcCall { .. }), verdict)
        }
        FaultAction::Silence(server) => Fault::silence(self::server(server)?),
        FaultAction::Disconnect(server) => Fault::disconnect(self::server(server)?),
        FaultAction::HalfClose(server) => requests_at(server, Verdict::HalfClose)?,
        FaultAction::Delay(server, by) => {
            let server = self::server(server)?;
            let asked = move |event: &Event| event.server() == Some(server);
            Fault::new(asked, Verdict::Delay(*by))
        }
        FaultAction::LoseReply(server) if matches!(self::server(server)?, Server::DataNode(_)) => {
            return Err(format!(
                "a reply can be lost by kdc or namenode, not by {server}; a DataNode can be silent"
            ));
        }
        FaultAction::LoseReply(server) => requests_at(server, Verdict::LoseReply)?,
        FaultAction::Forge(field) => {
            let verdict = Verdict::Forge(clear_field(field)?);
            Fault::new(
                |event| matches!(event, Event::AsExchange { .. } | Event::TgsExchange { .. }),
                verdict,
            )
        }
        FaultAction::Corrupt(datanode) => Fault::corrupt_packets(*datanode),
        FaultAction::DiskError(datanode) => {
            let datanode = *datanode;
            Fault::new(
                move |event| matches!(event, Event::Packet { datanode: at, .. } if *at == datanode),
                Verdict::DiskError,
            )
        }
    })
}

/// Returns a fault that strikes the requests to a server.
fn requests_at(server: &str, verdict: Verdict) -> Result<Fault, String> {
    let server = self::server(server)?;
    Ok(Fault::new(
        move |event| event.server() == Some(server) && event.is_request(),
        verdict,
    ))
}

/// Parses the name of a field of a reply.
fn clear_field(text: &str) -> Result<ClearField, String> {
    const FIELDS: [(&str, ClearField); 5] = [
        ("client", ClearField::Client),
        ("client-realm", ClearField::ClientRealm),
        ("service", ClearField::Service),
        ("ticket-kvno", ClearField::TicketKvno),
        ("reply-kvno", ClearField::ReplyKvno),
    ];
    let found = FIELDS.iter().find(|(name, _)| *name == text);
    found.map(|(_, field)| *field).ok_or_else(|| {
        let names = FIELDS.map(|(name, _)| name).join(", ");
        format!("a reply has no clear field {text:?}; there are {names}")
    })
}

/// Parses `KDC_ERR_POLICY`, or its number.
fn error_code(text: &str) -> Result<ErrorCode, String> {
    let wanted = text.to_ascii_uppercase();
    let named = (0..=HIGHEST_CODE)
        .map(ErrorCode)
        .find(|code| code.name() == Some(wanted.as_str()));
    let code = named.or_else(|| text.parse().ok().map(ErrorCode));
    code.ok_or_else(|| {
        format!("{text:?} is not an error of Kerberos; write its name, as in KDC_ERR_POLICY, or its number")
    })
}

/// Parses `kdc`, `namenode`, `datanode1`.
fn server(text: &str) -> Result<Server, String> {
    let lower = text.to_ascii_lowercase();
    match lower.as_str() {
        "kdc" => Ok(Server::Kdc),
        "namenode" => Ok(Server::NameNode(1)),
        other => {
            let number = other.strip_prefix("datanode").unwrap_or(other);
            number.parse().map(Server::DataNode).map_err(|_| {
                format!("there is no server {text:?}; write kdc, namenode, or datanode1")
            })
        }
    }
}

fn described(request: &FaultRequest) -> String {
    let mut text = match &request.action {
        FaultAction::KrbError(code) => format!("krb-error {code}"),
        FaultAction::Exception { class, message } => format!("exception {class} {message:?}"),
        FaultAction::Silence(server) => format!("silence {server}"),
        FaultAction::Disconnect(server) => format!("disconnect {server}"),
        FaultAction::HalfClose(server) => format!("half-close {server}"),
        FaultAction::Delay(server, by) => format!("delay {server} {by:?}"),
        FaultAction::LoseReply(server) => format!("lose-reply {server}"),
        FaultAction::Forge(field) => format!("forge {field}"),
        FaultAction::Corrupt(datanode) => format!("corrupt {datanode}"),
        FaultAction::DiskError(datanode) => format!("disk-error {datanode}"),
    };
    for (name, value) in [("of", &request.of), ("method", &request.method)] {
        if let Some(value) = value {
            text.push_str(&format!(" --{name} {value}"));
        }
    }
    if request.after > 0 {
        text.push_str(&format!(" --after {}", request.after));
    }
    if let Some(times) = request.times {
        text.push_str(&format!(" --times {times}"));
    }
    if let Some(probability) = request.probability {
        text.push_str(&format!(" --probability {probability}"));
    }
    text
}
