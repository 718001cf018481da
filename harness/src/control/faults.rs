//! Faults that are added over the control socket. They stay until they are removed there, or until
//! the fixture ends.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kerbox_events::{Event, Server, Verdict};
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
    pub(super) fn add(&self, target: &Target, request: &FaultRequest) -> Result<Value, String> {
        let mut fault = fault(&request.action)?;
        if let Some(user) = &request.of {
            fault = fault.of(user);
        }
        if let Some(method) = &request.method {
            fault = fault.on_method(method);
        }
        fault = fault.after(request.after);
        if let Some(times) = request.times {
            fault = fault.times(times);
        }
        if let Some(probability) = request.probability {
            if !(0.0..=1.0).contains(&probability) {
                return Err(format!("a probability is from 0 to 1, not {probability}"));
            }
            fault = fault.with_probability(probability);
        }
        let guard = target.world().inject(fault);
        let mut table = self.table();
        table.next += 1;
        let number = table.next;
        table.faults.insert(number, (described(request), guard));
        Ok(json!(number))
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
        FaultAction::Delay(server, by) => {
            let server = self::server(server)?;
            let asked = move |event: &Event| event.server() == Some(server);
            Fault::new(asked, Verdict::Delay(*by))
        }
        FaultAction::Corrupt(datanode) => Fault::corrupt_packets(*datanode),
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
        FaultAction::Delay(server, by) => format!("delay {server} {by:?}"),
        FaultAction::Corrupt(datanode) => format!("corrupt {datanode}"),
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
