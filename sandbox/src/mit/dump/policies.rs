//! Policies in dumps.

use std::fmt::Write;

use super::Format;
use super::line::{Fields, put_tagged};
use crate::mit::hex::{hex, unhex};
use crate::mit::policy::{LoadedPolicy, Policy};

/// Writes a policy's line.
pub(super) fn write(text: &mut String, name: &str, policy: &Policy, format: Format) {
    let Policy {
        max_life,
        min_length,
        min_classes,
        history,
        min_life,
        max_failures,
        failure_interval,
        lockout,
        allowed_keysalts,
        loaded,
    } = policy;
    // The number of principals with the policy is no longer kept.
    let _ = write!(
        text,
        "policy\t{name}\t{min_life}\t{max_life}\t{min_length}\t{min_classes}\t{history}\t0"
    );
    if matches!(format, Format::R18 | Format::R111) {
        let _ = write!(text, "\t{max_failures}\t{failure_interval}\t{lockout}");
    }
    if format == Format::R111 {
        let keysalts = allowed_keysalts.as_deref().unwrap_or("-");
        let tagged = loaded.tagged.iter();
        let tagged: Vec<(i16, Vec<u8>)> = tagged
            .map(|(kind, text)| (*kind, unhex(text).unwrap_or_default()))
            .collect();
        let _ = write!(
            text,
            "\t{}\t{}\t{}\t{keysalts}\t{}",
            loaded.attributes,
            loaded.max_life,
            loaded.max_renewable_life,
            tagged.len()
        );
        put_tagged(text, &tagged);
    }
    text.push('\n');
}

/// Reads a policy's fields.
pub(super) fn read(fields: &mut Fields<'_>, format: Format) -> Result<(String, Policy), String> {
    let name = fields.text("the policy's name")?.to_owned();
    let mut policy = Policy {
        min_life: fields.number("the minimum life")?,
        max_life: fields.number("the maximum life")?,
        min_length: fields.number("the minimum length")?,
        min_classes: fields.number("the number of classes")?,
        history: fields.number("the number of old keys")?,
        ..Policy::default()
    };
    let _references: u32 = fields.number("the number of references")?;
    if matches!(format, Format::R18 | Format::R111) {
        policy.max_failures = fields.number("the number of failures")?;
        policy.failure_interval = fields.number("the interval of failures")?;
        policy.lockout = fields.number("the lockout's duration")?;
    }
    // Dumps of this format may have policies of the one before.
    if format == Format::R111 && !fields.is_empty() {
        policy.loaded = LoadedPolicy {
            attributes: fields.number("the attributes")?,
            max_life: fields.number("the tickets' life")?,
            max_renewable_life: fields.number("the tickets' renewable life")?,
            tagged: Vec::new(),
        };
        let keysalts = fields.text("the key types")?;
        policy.allowed_keysalts = (keysalts != "-").then(|| keysalts.to_owned());
        let count: u16 = fields.number("the number of tagged data")?;
        for _ in 0..count {
            let (kind, contents) = fields.tagged()?;
            policy.loaded.tagged.push((kind, hex(&contents)));
        }
    }
    match fields.is_empty() {
        true => Ok((name, policy)),
        false => Err("the line goes on after the policy".to_owned()),
    }
}
