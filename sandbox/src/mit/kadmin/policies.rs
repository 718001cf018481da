//! The queries for password policies.

use std::time::Duration;

use super::options::{Options, parse_keysalts};
use super::{Failure, Session};
use crate::mit::date::{parse_interval, print_delta};
use crate::mit::glob::glob;
use crate::mit::policy::Policy;

/// A policy's description on the command line; settings that are not given stay unchanged.
#[derive(Default)]
struct Described<'a> {
    name: Option<&'a str>,
    max_life: Option<u64>,
    min_life: Option<u64>,
    min_length: Option<usize>,
    min_classes: Option<usize>,
    history: Option<usize>,
    max_failures: Option<u32>,
    failure_interval: Option<u64>,
    lockout: Option<u64>,
    allowed_keysalts: Option<Option<&'a str>>,
}

const USAGE: &str = "[-maxlife time] [-minlife time] [-minlength length] [-minclasses number] \
                     [-history number] [-maxfailure number] [-failurecountinterval time] \
                     [-lockoutduration time] [-allowedkeysalts keysalts] policy";

/// The longest history that MIT's kadmin accepts. There are five character classes.
const MAX_HISTORY: usize = 1000;
const CLASSES: usize = 5;

impl Session<'_> {
    fn describe<'a>(&self, command: &str, arguments: &[&'a str]) -> Result<Described<'a>, String> {
        let usage = || format!("usage; {command} {USAGE}");
        let mut described = Described::default();
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or_else(usage);
            let interval = |text: &str| parse_interval(text, self.now).map(|life| life.as_secs());
            match argument {
                "-maxlife" => described.max_life = Some(interval(value()?)?),
                "-minlife" => described.min_life = Some(interval(value()?)?),
                "-minlength" => described.min_length = Some(number(command, value()?)?),
                "-minclasses" => described.min_classes = Some(number(command, value()?)?),
                "-history" => described.history = Some(number(command, value()?)?),
                "-maxfailure" => described.max_failures = Some(number(command, value()?)?),
                "-failurecountinterval" => {
                    described.failure_interval = Some(interval(value()?)?);
                }
                "-lockoutduration" => described.lockout = Some(interval(value()?)?),
                "-allowedkeysalts" => match value()? {
                    "-" => described.allowed_keysalts = Some(None),
                    list => {
                        parse_keysalts(command, list)?;
                        described.allowed_keysalts = Some(Some(list));
                    }
                },
                option if option.starts_with('-') => {
                    return Err(format!("{command}: {option} is no option\n{}", usage()));
                }
                name if described.name.is_none() => described.name = Some(name),
                _ => return Err(usage()),
            }
        }
        described.name.ok_or_else(usage)?;
        described.check(command)?;
        Ok(described)
    }

    pub(super) fn add_policy(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let described = self.describe("add_policy", arguments)?;
        let name = described.name.unwrap_or_default();
        if self.database.policies.contains_key(name) {
            return Err(format!(
                "add_policy: Principal or policy already exists while creating policy \"{name}\"."
            )
            .into());
        }
        let mut policy = Policy::default();
        described.apply(&mut policy);
        self.database.policies.insert(name.to_owned(), policy);
        Ok(())
    }

    pub(super) fn modify_policy(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let described = self.describe("modify_policy", arguments)?;
        let name = described.name.unwrap_or_default();
        let missing = || {
            Failure::from(format!(
                "modify_policy: Policy does not exist while modifying policy \"{name}\"."
            ))
        };
        described.apply(self.database.policies.get_mut(name).ok_or_else(missing)?);
        Ok(())
    }

    pub(super) fn delete_policy(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let (name, force) = match *arguments {
            ["-force", name] => (name, true),
            [name] => (name, false),
            _ => return Err("usage: delete_policy [-force] policy".to_owned().into()),
        };
        // Like MIT's, a script is not asked for confirmation.
        if !force && !self.script {
            print!("Are you sure you want to delete the policy \"{name}\"? (yes/no): ");
            if !super::yes() {
                return Err(format!("Policy \"{name}\" not deleted.").into());
            }
        }
        match self.database.policies.remove(name) {
            Some(_) => Ok(()),
            None => Err(format!(
                "delete_policy:: Policy does not exist while deleting policy \"{name}\""
            )
            .into()),
        }
    }

    pub(super) fn get_policy(&self, arguments: &[&str]) -> Result<(), Failure> {
        let (name, terse) = match *arguments {
            ["-terse", name] => (name, true),
            [name] => (name, false),
            _ => return Err("usage: get_policy [-terse] policy".to_owned().into()),
        };
        let missing = || {
            Failure::from(format!(
                "get_policy: Policy does not exist while retrieving policy \"{name}\"."
            ))
        };
        let policy = self.database.policies.get(name).ok_or_else(missing)?;
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
            loaded: _,
        } = policy;
        if terse {
            let keysalts = allowed_keysalts.as_deref().unwrap_or("-");
            println!(
                "\"{name}\"\t{max_life}\t{min_life}\t{min_length}\t{min_classes}\t{history}\t0\t\
                 {max_failures}\t{failure_interval}\t{lockout}\t{keysalts}"
            );
            return Ok(());
        }
        let delta = |seconds: &u64| print_delta(Duration::from_secs(*seconds));
        println!("Policy: {name}");
        println!("Maximum password life: {}", delta(max_life));
        println!("Minimum password life: {}", delta(min_life));
        println!("Minimum password length: {min_length}");
        println!("Minimum number of password character classes: {min_classes}");
        println!("Number of old keys kept: {history}");
        println!("Maximum password failures before lockout: {max_failures}");
        println!(
            "Password failure count reset interval: {}",
            delta(failure_interval)
        );
        println!("Password lockout duration: {}", delta(lockout));
        if let Some(list) = allowed_keysalts {
            println!("Allowed key/salt types: {list}");
        }
        Ok(())
    }

    pub(super) fn list_policies(&self, arguments: &[&str]) -> Result<(), Failure> {
        let pattern = match *arguments {
            [] => "*",
            [pattern] => pattern,
            _ => return Err("usage: get_policies [expression]".to_owned().into()),
        };
        for name in self
            .database
            .policies
            .keys()
            .filter(|name| glob(pattern, name))
        {
            println!("{name}");
        }
        Ok(())
    }

    /// Warns on standard error, as MIT's does, when the given policy does not exist.
    pub(super) fn warn_of_policy(&self, options: &Options<'_>) {
        if let Some(Some(name)) = options.policy
            && !self.script
            && !self.database.policies.contains_key(name)
        {
            eprintln!("WARNING: policy \"{name}\" does not exist");
        }
    }
}

fn number<T: std::str::FromStr>(command: &str, text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{command}: {text:?} is no number"))
}

impl Described<'_> {
    /// Refuses what MIT's refuses, and warns about settings that are kept but not obeyed.
    fn check(&self, command: &str) -> Result<(), String> {
        if self.min_length == Some(0) {
            return Err(format!(
                "{command}: Invalid password length while creating policy"
            ));
        }
        if self
            .min_classes
            .is_some_and(|classes| !(1..=CLASSES).contains(&classes))
        {
            return Err(format!(
                "{command}: Illegal number of password classes while creating policy"
            ));
        }
        if self
            .history
            .is_some_and(|history| !(1..=MAX_HISTORY).contains(&history))
        {
            return Err(format!(
                "{command}: Invalid password history value while creating policy"
            ));
        }
        for (option, given, why) in [
            (
                "-minlife",
                self.min_life.unwrap_or(0) > 0,
                "kadmind lets users change at any time",
            ),
            (
                "-history",
                self.history.unwrap_or(1) > 1,
                "kadmind compares with the present password only, kadmin.local with all of them",
            ),
            (
                "-maxfailure",
                self.max_failures.unwrap_or(0) > 0,
                "the KDC locks no account",
            ),
            (
                "-failurecountinterval",
                self.failure_interval.unwrap_or(0) > 0,
                "the KDC locks no account",
            ),
            (
                "-lockoutduration",
                self.lockout.unwrap_or(0) > 0,
                "the KDC locks no account",
            ),
        ] {
            if given {
                eprintln!("WARNING: {option} is kept, but {why}");
            }
        }
        Ok(())
    }

    fn apply(&self, policy: &mut Policy) {
        policy.max_life = self.max_life.unwrap_or(policy.max_life);
        policy.min_life = self.min_life.unwrap_or(policy.min_life);
        policy.min_length = self.min_length.unwrap_or(policy.min_length);
        policy.min_classes = self.min_classes.unwrap_or(policy.min_classes);
        policy.history = self.history.unwrap_or(policy.history);
        policy.max_failures = self.max_failures.unwrap_or(policy.max_failures);
        policy.failure_interval = self.failure_interval.unwrap_or(policy.failure_interval);
        policy.lockout = self.lockout.unwrap_or(policy.lockout);
        if let Some(list) = self.allowed_keysalts {
            policy.allowed_keysalts = list.map(str::to_owned);
        }
    }
}
