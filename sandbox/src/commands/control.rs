//! `kerbox clock`, `events`, `fault` and `node`: requests to a running sandbox.

use std::path::Path;
use std::time::Duration;

use kerbox::KeyKind;
use kerbox::control::{ClockRequest, FaultAction as Action, FaultRequest, NodeChange, Request};
use kerbox_events::Printable;
use serde_json::Value;

use super::env::chosen;
use crate::cli_control::{
    AddFault, Clock, ClockCommand, Events, Fault, FaultAction, FaultCommand, Node, NodeCommand,
    Roll,
};
use crate::control::ask;
use crate::failure::Failure;

/// The longest that a request for events waits. The next one follows at once.
const WAIT: Duration = Duration::from_secs(5);

/// Shows or moves the clock; prints the timers that fired and the time.
pub(crate) fn clock(args: Clock) -> Result<(), Failure> {
    let (which, request) = match args.command {
        ClockCommand::Show(which) => (which, ClockRequest::Show),
        ClockCommand::Advance { by, which } => (which, ClockRequest::Advance(by)),
        ClockCommand::Jump { to, which } => (which, ClockRequest::Jump(to.as_micros())),
        ClockCommand::Freeze(which) => (which, ClockRequest::Freeze),
        ClockCommand::Resume(which) => (which, ClockRequest::Resume),
    };
    let dir = chosen(which.dir.as_deref())?;
    let answer = ask(&dir, &Request::Clock(request))?;
    for timer in answer["timers"].as_array().into_iter().flatten() {
        line(timer.as_str().unwrap_or_default());
    }
    let frozen = if answer["frozen"] == true {
        " (frozen)"
    } else {
        ""
    };
    line(&format!("{}{frozen}", text(&answer["time"])));
    Ok(())
}

/// Prints the servers' events, and those to come if asked to.
pub(crate) fn events(args: &Events) -> Result<(), Failure> {
    let dir = chosen(args.which.dir.as_deref())?;
    let mut from = 0;
    loop {
        let wait = if args.follow { WAIT } else { Duration::ZERO };
        let answer = match ask(&dir, &Request::Events { from, wait }) {
            Ok(answer) => answer,
            // The sandbox has ended.
            Err(_) if from > 0 && args.follow => return Ok(()),
            Err(failure) => return Err(failure),
        };
        let Value::Array(entries) = answer else {
            return Ok(());
        };
        let is_empty = entries.is_empty();
        for mut entry in entries {
            let for_people = entry["text"].take();
            let number = entry["number"].as_u64().unwrap_or(from);
            if let (true, Some(members)) = (args.json, entry.as_object_mut()) {
                members.remove("text");
                super::print(&format!("{entry}\n"));
            } else {
                let at = text(&entry["at"]);
                line(&format!("{number:>5} {at} {}", text(&for_people)));
            }
            from = number + 1;
        }
        if is_empty && !args.follow {
            return Ok(());
        }
    }
}

/// Adds, lists or removes faults.
pub(crate) fn fault(args: Fault) -> Result<(), Failure> {
    match args.command {
        FaultCommand::Add(add) => self::add(add),
        FaultCommand::List(which) => list(&chosen(which.dir.as_deref())?),
        FaultCommand::Remove { number, which } => {
            let dir = chosen(which.dir.as_deref())?;
            let struck = ask(&dir, &Request::RemoveFault(number))?;
            line(&format!("fault {number} removed; it struck {struck} times"));
            Ok(())
        }
    }
}

fn add(add: AddFault) -> Result<(), Failure> {
    let action = match add.action {
        FaultAction::KrbError { code } => Action::KrbError(code),
        FaultAction::Exception { class, message } => Action::Exception { class, message },
        FaultAction::Silence { server } => Action::Silence(server),
        FaultAction::Disconnect { server } => Action::Disconnect(server),
        FaultAction::HalfClose { server } => Action::HalfClose(server),
        FaultAction::LoseReply { server } => Action::LoseReply(server),
        FaultAction::Forge { field } => Action::Forge(field),
        FaultAction::DiskError { datanode } => Action::DiskError(datanode),
        FaultAction::Delay { server, by } => Action::Delay(server, by),
        FaultAction::Corrupt { datanode } => Action::Corrupt(datanode),
    };
    let request = FaultRequest {
        action,
        of: add.of,
        method: add.method,
        after: add.after,
        times: add.times,
        probability: add.probability,
    };
    let number = ask(&chosen(add.dir.as_deref())?, &Request::AddFault(request))?;
    line(&number.to_string());
    Ok(())
}

fn list(dir: &Path) -> Result<(), Failure> {
    let faults = ask(dir, &Request::ListFaults)?;
    for fault in faults.as_array().into_iter().flatten() {
        let (number, struck) = (fault["number"].to_string(), &fault["struck"]);
        let what = text(&fault["fault"]);
        line(&format!("{number:>3} {what} (struck {struck} times)"));
    }
    Ok(())
}

/// Replaces keys, and prints the version or number of the new one.
pub(crate) fn roll(args: Roll) -> Result<(), Failure> {
    let keys = match args.keys.as_str() {
        "krbtgt" => KeyKind::Krbtgt,
        "delegation-tokens" => KeyKind::DelegationTokens,
        "block-tokens" => KeyKind::BlockTokens,
        "data-encryption" => KeyKind::DataEncryption,
        "certificates" => KeyKind::Certificates,
        _ => KeyKind::Service(args.keys),
    };
    let dir = chosen(args.which.dir.as_deref())?;
    let key = ask(&dir, &Request::RollKeys(keys))?;
    line(&key.to_string());
    Ok(())
}

/// Lists the servers, or changes one and prints its state.
pub(crate) fn node(args: Node) -> Result<(), Failure> {
    let (node, change) = match args.command {
        NodeCommand::List(which) => {
            let nodes = ask(&chosen(which.dir.as_deref())?, &Request::ListNodes)?;
            nodes.as_array().into_iter().flatten().for_each(print_node);
            return Ok(());
        }
        NodeCommand::Stop(node) => (node, NodeChange::Stop),
        NodeCommand::Kill(node) => (node, NodeChange::Kill),
        NodeCommand::Pause(node) => (node, NodeChange::Pause),
        NodeCommand::Resume(node) => (node, NodeChange::Resume),
        NodeCommand::Restart(node) => (node, NodeChange::Restart),
    };
    let dir = chosen(node.which.dir.as_deref())?;
    let name = node.name;
    print_node(&ask(&dir, &Request::ChangeNode { name, change })?);
    Ok(())
}

fn print_node(node: &Value) {
    let (name, address) = (text(&node["node"]), text(&node["address"]));
    line(&format!("{name} {address} {}", text(&node["state"])));
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Prints a line, which may contain names chosen by peers.
fn line(text: &str) {
    super::print(&format!("{}\n", Printable(text)));
}
