//! The options that addprinc, modprinc and cpw share.

use kerbox_krb5::{EncryptionType, Timestamp};

use super::super::database::{Entry, Secret};
use super::super::date::{parse_date, parse_delta};
use super::usage;
use crate::settings::Attribute;

/// As they were given.
#[derive(Default)]
pub(super) struct Options<'a> {
    pub(super) principal: Option<&'a str>,
    pub(super) password: Option<&'a str>,
    pub(super) random: bool,
    pub(super) no_key: bool,
    pub(super) keep_old: bool,
    pub(super) enctypes: Option<Vec<EncryptionType>>,
    pub(super) kvno: Option<u32>,
    pub(super) max_life: Option<u64>,
    pub(super) max_renewable_life: Option<u64>,
    pub(super) expires: Option<Option<i64>>,
    pub(super) password_expires: Option<Option<i64>>,
    pub(super) attributes: Vec<Attribute>,
    /// A policy's name, or that there shall be none.
    pub(super) policy: Option<Option<&'a str>>,
}

pub(super) fn parse_enctypes(text: &str) -> Option<Vec<EncryptionType>> {
    let names = text.split([',', ' ']).filter(|name| !name.is_empty());
    names
        .map(|name| {
            name.split(':')
                .next()?
                .parse()
                .ok()
                .filter(|enctype: &EncryptionType| enctype.is_supported())
        })
        .collect()
}

impl<'a> Options<'a> {
    pub(super) fn parse(
        command: &str,
        arguments: &[&'a str],
        now: Timestamp,
    ) -> Result<Self, String> {
        let mut options = Self::default();
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| usage(command));
            let date = |text: &str| {
                let parsed = parse_date(text, now)
                    .ok_or_else(|| format!("Invalid date specification \"{text}\"."))?;
                Ok::<_, String>(parsed.map(Timestamp::as_secs))
            };
            let delta = |text: &str| {
                let parsed = parse_delta(text).map(|delta| delta.as_secs());
                parsed.ok_or_else(|| format!("Invalid date specification \"{text}\"."))
            };
            match argument {
                "-pw" => options.password = Some(value()?),
                "-randkey" => options.random = true,
                "-nokey" => options.no_key = true,
                "-keepold" => options.keep_old = true,
                "-e" => {
                    let list = value()?;
                    let parsed = parse_enctypes(list).ok_or_else(|| {
                        format!("{command}: Invalid argument while parsing keysalts {list}")
                    })?;
                    options.enctypes = Some(parsed);
                }
                "-kvno" => options.kvno = Some(value()?.parse().map_err(|_| usage(command))?),
                "-maxlife" => options.max_life = Some(delta(value()?)?),
                "-maxrenewlife" => options.max_renewable_life = Some(delta(value()?)?),
                "-expire" => options.expires = Some(date(value()?)?),
                "-pwexpire" => options.password_expires = Some(date(value()?)?),
                "-policy" => options.policy = Some(Some(value()?)),
                "-clearpolicy" => options.policy = Some(None),
                // What a database module would be told concerns none here.
                "-x" => drop(value()?),
                "-unlock" => {}
                sign if sign.starts_with(['+', '-']) => options
                    .attributes
                    .push(Attribute::parse(sign).map_err(|_| usage(command))?),
                name if options.principal.is_none() => options.principal = Some(name),
                _ => return Err(usage(command)),
            }
        }
        Ok(options)
    }

    pub(super) fn apply(&self, entry: &mut Entry) {
        for attribute in &self.attributes {
            entry.set_attribute(*attribute);
        }
        if let Some(policy) = self.policy {
            entry.policy = policy.map(str::to_owned);
        }
        entry.max_life = self.max_life.or(entry.max_life);
        entry.max_renewable_life = self.max_renewable_life.or(entry.max_renewable_life);
        entry.expires = self.expires.unwrap_or(entry.expires);
        entry.password_expires = self.password_expires.unwrap_or(entry.password_expires);
    }
}

pub(super) fn secret<'a>(command: &str, options: &Options<'a>) -> Result<Secret<'a>, String> {
    match (options.password, options.random) {
        (Some(password), _) => Ok(Secret::Password(password)),
        (None, true) => Ok(Secret::Random),
        (None, false) => Err(format!(
            "{command}: a password is needed: give -pw or -randkey"
        )),
    }
}
