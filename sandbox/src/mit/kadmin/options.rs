//! The options of addprinc, modprinc and cpw.

use kerbox_krb5::Timestamp;

use super::usage;
use crate::mit::database::Secret;
use crate::mit::date::{parse_date, parse_interval};
use crate::mit::entry::Entry;
use crate::mit::flags::{self, Change};
use crate::mit::keysalt::{self, KeySalt};

/// The command that the options belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    Add,
    Modify,
    ChangePassword,
}

impl Command {
    /// Returns the name at the beginning of MIT's messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Add => "add_principal",
            Self::Modify => "modify_principal",
            Self::ChangePassword => "change_password",
        }
    }

    /// Returns true if MIT's command knows an option.
    fn knows(self, option: &str) -> bool {
        match option {
            "-pw" | "-randkey" | "-e" => self != Self::Modify,
            "-x" => true,
            "-keepold" => self == Self::ChangePassword,
            "-nokey" => self == Self::Add,
            _ => self != Self::ChangePassword,
        }
    }
}

/// The options as given.
#[derive(Default)]
pub(super) struct Options<'a> {
    pub(super) principal: Option<&'a str>,
    pub(super) password: Option<&'a str>,
    pub(super) random: bool,
    pub(super) no_key: bool,
    pub(super) keep_old: bool,
    pub(super) keysalts: Option<Vec<KeySalt>>,
    pub(super) kvno: Option<u32>,
    pub(super) max_life: Option<u64>,
    pub(super) max_renewable_life: Option<u64>,
    pub(super) expires: Option<Option<i64>>,
    pub(super) password_expires: Option<Option<i64>>,
    pub(super) flags: Vec<Change>,
    /// A policy's name, or `None` for no policy.
    pub(super) policy: Option<Option<&'a str>>,
}

/// Parses the list of `-e`, with kadmin's error messages.
pub(super) fn parse_keysalts(command: &str, list: &str) -> Result<Vec<KeySalt>, String> {
    keysalt::parse(list)
        .map_err(|why| format!("{command}: Invalid argument while parsing keysalts {list} ({why})"))
}

impl<'a> Options<'a> {
    pub(super) fn parse(
        command: Command,
        arguments: &[&'a str],
        now: Timestamp,
    ) -> Result<Self, String> {
        let mut options = Self::default();
        let mut rest = arguments.iter().copied();
        let name = command.name();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| usage(name));
            let date = |text: &str| {
                let parsed = parse_date(text, now)
                    .ok_or_else(|| format!("Invalid date specification \"{text}\"."))?;
                Ok::<_, String>(parsed.map(Timestamp::as_secs))
            };
            let interval = |text: &str| parse_interval(text, now).map(|life| life.as_secs());
            if argument.starts_with(['-', '+']) && !command.knows(argument) {
                return Err(format!(
                    "{name}: unrecognized option {argument}\n{}",
                    usage(name)
                ));
            }
            match argument {
                "-pw" => options.password = Some(value()?),
                "-randkey" => options.random = true,
                "-nokey" => options.no_key = true,
                "-keepold" => options.keep_old = true,
                "-e" => options.keysalts = Some(parse_keysalts(name, value()?)?),
                "-kvno" => {
                    let kvno: u16 = value()?.parse().map_err(|_| usage(name))?;
                    options.kvno = Some(kvno.into());
                }
                "-maxlife" => options.max_life = Some(interval(value()?)?),
                "-maxrenewlife" => options.max_renewable_life = Some(interval(value()?)?),
                "-expire" => options.expires = Some(date(value()?)?),
                "-pwexpire" => options.password_expires = Some(date(value()?)?),
                "-policy" => options.policy = Some(Some(value()?)),
                "-clearpolicy" => options.policy = Some(None),
                "-x" => {
                    return Err(format!(
                        "{name}: -x {}: the database takes no arguments of its own",
                        value()?
                    ));
                }
                // Accounts are never locked.
                "-unlock" => {}
                sign if sign.starts_with(['+', '-']) => {
                    let flag = flags::parse(sign)
                        .map_err(|why| format!("{name}: {why}\n{}", usage(name)))?;
                    options.flags.push(flag);
                }
                principal if options.principal.is_none() => options.principal = Some(principal),
                _ => return Err(usage(name)),
            }
        }
        Ok(options)
    }

    pub(super) fn apply(&self, entry: &mut Entry) {
        for change in &self.flags {
            entry.change_flags(*change);
        }
        if let Some(policy) = self.policy {
            entry.policy = policy.map(str::to_owned);
        }
        entry.max_life = self.max_life.or(entry.max_life);
        entry.max_renewable_life = self.max_renewable_life.or(entry.max_renewable_life);
        entry.expires = self.expires.unwrap_or(entry.expires);
        entry.password_expires = self.password_expires.unwrap_or(entry.password_expires);
    }

    pub(super) fn secret(&self, command: Command) -> Result<Secret<'a>, String> {
        match (self.password, self.random) {
            (Some(password), _) => Ok(Secret::Password(password)),
            (None, true) => Ok(Secret::Random),
            (None, false) => Err(format!(
                "{}: a password is needed: give -pw or -randkey",
                command.name()
            )),
        }
    }
}
