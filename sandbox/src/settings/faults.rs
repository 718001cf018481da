//! The faults and the clock of a configuration file.

use std::fmt;

use kerbox::control::{FaultAction, FaultRequest};
use kerbox::spec::duration::{parse as parse_duration, to_text};
use kerbox::spec::{HdfsSpec, Security};
use kerbox_krb5::Timestamp;
use toml::de::DeValue;

use super::nearest::nearest;
use super::section::Section;
use super::toml_text::quoted;
use super::values::parse_name;

/// The actions by name, each with the keys that it needs.
const ACTIONS: [(&str, &[&str]); 10] = [
    ("krb-error", &["code"]),
    ("exception", &["class", "message"]),
    ("silence", &["server"]),
    ("disconnect", &["server"]),
    ("half-close", &["server"]),
    ("lose-reply", &["server"]),
    ("delay", &["server", "by"]),
    ("forge", &["field"]),
    ("corrupt", &["datanode"]),
    ("disk-error", &["datanode"]),
];

/// The times at which a sandbox may start: those that every Kerberos message and file can hold.
const FIRST: Timestamp = Timestamp::from_secs(86_400);
const LAST: Timestamp = Timestamp::from_secs(4_260_211_200);

/// Reads `[[fault]]`. `hdfs` says which servers there are; it is `None` for a KDC alone.
pub(super) fn read(mut section: Section<'_, '_>, hdfs: Option<&HdfsSpec>) -> Option<FaultRequest> {
    let has_action = section.has("action");
    let name = section.text("action", parse_action);
    let action = match name {
        Some(name) => read_action(&mut section, name),
        None => {
            // Those of any action are known, so that only the missing action is reported.
            for key in ["code", "class", "message", "server", "field"] {
                section.text(key, parse_name);
            }
            section.text("by", parse_duration);
            section.number::<usize>("datanode", 1);
            if !has_action {
                section.problem("it needs an action, as in action = \"krb-error\"");
            }
            None
        }
    };
    let of = section.text("of", parse_name);
    let method = section.text("method", parse_name);
    let after = section.number("after", 0).unwrap_or_default();
    let times = section.number("times", 1);
    let probability = section.take("probability", number);
    let request = action.map(|action| FaultRequest {
        action,
        of,
        method,
        after,
        times,
        probability,
    });
    let request = request.filter(|request| match can_be_carried_out(request, hdfs) {
        Ok(()) => true,
        Err(why) => {
            section.problem(why);
            false
        }
    });
    section.finish();
    request
}

fn parse_action(text: &str) -> Result<&'static str, String> {
    let names = ACTIONS.map(|(name, _)| name);
    names.into_iter().find(|name| *name == text).ok_or_else(|| {
        let mend = match nearest(text, names.iter().copied()) {
            Some(known) => format!("did you mean {known:?}?"),
            None => format!("there are {}", names.join(", ")),
        };
        format!("there is no action {text:?}; {mend}")
    })
}

fn read_action(section: &mut Section<'_, '_>, name: &str) -> Option<FaultAction> {
    let needed = ACTIONS.iter().find(|(action, _)| *action == name);
    let missing = needed.iter().flat_map(|(_, keys)| *keys);
    let missing: Vec<_> = missing.copied().filter(|key| !section.has(key)).collect();
    if !missing.is_empty() {
        section.problem(format!("{name} needs {}", missing.join(" and ")));
    }
    Some(match name {
        "krb-error" => FaultAction::KrbError(section.text("code", parse_name)?),
        "exception" => {
            let class = section.text("class", parse_name);
            let message = section.text("message", |text| Ok(text.to_owned()));
            FaultAction::Exception {
                class: class?,
                message: message?,
            }
        }
        "silence" => FaultAction::Silence(section.text("server", parse_name)?),
        "disconnect" => FaultAction::Disconnect(section.text("server", parse_name)?),
        "half-close" => FaultAction::HalfClose(section.text("server", parse_name)?),
        "lose-reply" => FaultAction::LoseReply(section.text("server", parse_name)?),
        "delay" => {
            let server = section.text("server", parse_name);
            let by = section.text("by", parse_duration);
            FaultAction::Delay(server?, by?)
        }
        "forge" => FaultAction::Forge(section.text("field", parse_name)?),
        "corrupt" => FaultAction::Corrupt(section.number("datanode", 1)?),
        _ => FaultAction::DiskError(section.number("datanode", 1)?),
    })
}

/// Fails if no server of the sandbox could carry the fault out.
fn can_be_carried_out(fault: &FaultRequest, hdfs: Option<&HdfsSpec>) -> Result<(), String> {
    fault.check()?;
    let at_the_kdc = match &fault.action {
        FaultAction::KrbError(_) | FaultAction::Forge(_) => true,
        FaultAction::Silence(server)
        | FaultAction::Disconnect(server)
        | FaultAction::HalfClose(server)
        | FaultAction::LoseReply(server)
        | FaultAction::Delay(server, _) => server.eq_ignore_ascii_case("kdc"),
        _ => false,
    };
    let Some(hdfs) = hdfs else {
        let why = "there is neither a NameNode nor a DataNode: --kdc-only";
        return at_the_kdc.then_some(()).ok_or_else(|| why.to_owned());
    };
    if let Some(datanode) = fault.datanode()
        && !(1..=hdfs.datanodes).contains(&datanode)
    {
        return Err(format!(
            "there is no DataNode {datanode}: [hdfs] datanodes is {}",
            hdfs.datanodes
        ));
    }
    if at_the_kdc && hdfs.security == Security::Simple {
        return Err(String::from(
            "there is no KDC: [hdfs] security is \"simple\"",
        ));
    }
    Ok(())
}

/// Reads `[clock]`.
pub(super) fn read_clock(
    mut section: Section<'_, '_>,
    time: impl FnOnce(&DeValue<'_>) -> Result<Timestamp, String>,
) -> Option<Timestamp> {
    let start = section.take("start", |value| {
        let start = time(value)?;
        if (FIRST..=LAST).contains(&start) {
            return Ok(start);
        }
        Err(format!(
            "{start} cannot be had: tickets and caches hold times from {FIRST} to {LAST}"
        ))
    });
    section.finish();
    start
}

fn number(value: &DeValue<'_>) -> Result<f64, String> {
    let text = match value {
        DeValue::Float(number) => number.as_str(),
        DeValue::Integer(number) => number.as_str(),
        _ => "",
    };
    text.parse()
        .map_err(|_| String::from("it is not a number from 0 to 1, as in 0.5"))
}

/// Writes a fault in the syntax of `kerbox.toml`.
pub(super) fn show(f: &mut fmt::Formatter<'_>, fault: &FaultRequest) -> fmt::Result {
    writeln!(f, "\n[[fault]]")?;
    let action = |f: &mut fmt::Formatter<'_>, name: &str, keys: &[(&str, String)]| {
        writeln!(f, "action = {}", quoted(name))?;
        keys.iter()
            .try_for_each(|(key, value)| writeln!(f, "{key} = {value}"))
    };
    let server = |server: &str| [("server", quoted(server))];
    match &fault.action {
        FaultAction::KrbError(code) => action(f, "krb-error", &[("code", quoted(code))]),
        FaultAction::Exception { class, message } => {
            let keys = [("class", quoted(class)), ("message", quoted(message))];
            action(f, "exception", &keys)
        }
        FaultAction::Silence(at) => action(f, "silence", &server(at)),
        FaultAction::Disconnect(at) => action(f, "disconnect", &server(at)),
        FaultAction::HalfClose(at) => action(f, "half-close", &server(at)),
        FaultAction::LoseReply(at) => action(f, "lose-reply", &server(at)),
        FaultAction::Delay(at, by) => {
            let keys = [("server", quoted(at)), ("by", quoted(&to_text(*by)))];
            action(f, "delay", &keys)
        }
        FaultAction::Forge(field) => action(f, "forge", &[("field", quoted(field))]),
        FaultAction::Corrupt(number) => action(f, "corrupt", &[("datanode", number.to_string())]),
        FaultAction::DiskError(number) => {
            action(f, "disk-error", &[("datanode", number.to_string())])
        }
    }?;
    for (key, value) in [("of", &fault.of), ("method", &fault.method)] {
        if let Some(value) = value {
            writeln!(f, "{key} = {}", quoted(value))?;
        }
    }
    if fault.after > 0 {
        writeln!(f, "after = {}", fault.after)?;
    }
    if let Some(times) = fault.times {
        writeln!(f, "times = {times}")?;
    }
    if let Some(probability) = fault.probability {
        writeln!(f, "probability = {probability:?}")?;
    }
    Ok(())
}
