//! The queries on password policies.

use std::time::Duration;

use super::super::database::{Entry, Policy};
use super::super::date::{parse_delta, print_delta};
use super::super::glob::glob;
use super::options::Options;
use super::{Failure, Session};

/// A policy that was described: what was not said of it stays.
#[derive(Default)]
struct Described<'a> {
    name: Option<&'a str>,
    max_life: Option<u64>,
    min_length: Option<usize>,
    min_classes: Option<usize>,
}

impl<'a> Described<'a> {
    fn parse(command: &str, arguments: &[&'a str]) -> Result<Self, String> {
        let usage = || {
            format!(
                "usage; {command} [-maxlife time] [-minlength length] [-minclasses number] policy"
            )
        };
        let mut described = Self::default();
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or_else(usage);
            let number = |text: &str| {
                text.parse()
                    .map_err(|_| format!("{command}: {text:?} is no number"))
            };
            match argument {
                "-maxlife" => described.max_life = Some(delta(value()?)?),
                "-minlength" => described.min_length = Some(number(value()?)?),
                "-minclasses" => described.min_classes = Some(number(value()?)?),
                // What is not asked for can be said.
                "-history" if value()? == "1" => {}
                "-minlife" | "-lockoutduration" | "-failurecountinterval"
                    if delta(value()?)? == 0 => {}
                "-maxfailure" if value()? == "0" => {}
                option if option.starts_with('-') => {
                    return Err(format!(
                        "{command}: {option}: these policies have only -maxlife, -minlength and -minclasses"
                    ));
                }
                name if described.name.is_none() => described.name = Some(name),
                _ => return Err(usage()),
            }
        }
        described.name.ok_or_else(usage)?;
        Ok(described)
    }

    fn apply(&self, policy: &mut Policy) {
        policy.max_life = self.max_life.unwrap_or(policy.max_life);
        policy.min_length = self.min_length.unwrap_or(policy.min_length);
        policy.min_classes = self.min_classes.unwrap_or(policy.min_classes);
    }
}

fn delta(text: &str) -> Result<u64, String> {
    let parsed = parse_delta(text).map(|delta| delta.as_secs());
    parsed.ok_or_else(|| format!("Invalid date specification \"{text}\"."))
}

impl Session<'_> {
    pub(super) fn add_policy(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let described = Described::parse("add_policy", arguments)?;
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
        let described = Described::parse("modify_policy", arguments)?;
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
        let name = arguments
            .iter()
            .copied()
            .find(|argument| *argument != "-force")
            .unwrap_or_default();
        if !arguments.contains(&"-force") {
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
        let name = arguments
            .iter()
            .copied()
            .find(|argument| *argument != "-terse")
            .unwrap_or_default();
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
        } = policy;
        if arguments.contains(&"-terse") {
            println!("\"{name}\"\t{max_life}\t0\t{min_length}\t{min_classes}\t1\t0\t0\t0\t0\t-");
            return Ok(());
        }
        let none = print_delta(Duration::ZERO);
        println!("Policy: {name}");
        println!(
            "Maximum password life: {}",
            print_delta(Duration::from_secs(*max_life))
        );
        println!("Minimum password life: {none}");
        println!("Minimum password length: {min_length}");
        println!("Minimum number of password character classes: {min_classes}");
        println!("Number of old keys kept: 1");
        println!("Maximum password failures before lockout: 0");
        println!("Password failure count reset interval: {none}");
        println!("Password lockout duration: {none}");
        Ok(())
    }

    pub(super) fn list_policies(&self, arguments: &[&str]) {
        let names = self.database.policies.keys();
        for name in names.filter(|name| arguments.first().is_none_or(|pattern| glob(pattern, name)))
        {
            println!("{name}");
        }
    }

    /// Says on standard error, as MIT's does, when a policy is given that does not exist.
    pub(super) fn warn_of_policy(&self, options: &Options<'_>) {
        if let Some(Some(name)) = options.policy
            && !self.database.policies.contains_key(name)
        {
            eprintln!("WARNING: policy \"{name}\" does not exist");
        }
    }

    /// Checks a new password by the policy of its principal.
    pub(super) fn check_password(
        &self,
        entry: &Entry,
        salt: &str,
        password: &str,
    ) -> Result<(), &'static str> {
        use kerbox_kdc::PasswordRefused;
        let Some(policy) = self.database.policy_of(entry) else {
            return Ok(());
        };
        match policy.rules().check(password, std::iter::empty()) {
            Err(PasswordRefused::TooShort(_)) => return Err("Password is too short"),
            Err(PasswordRefused::TooFewClasses(_)) => {
                return Err("Password does not contain enough character classes");
            }
            Err(PasswordRefused::UsedBefore) => return Err("Cannot reuse password"),
            Ok(()) => {}
        }
        if entry.has_password(password, salt) {
            return Err("Cannot reuse password");
        }
        Ok(())
    }

    /// When a password that is set now expires, by the policy of its principal.
    pub(super) fn password_expires(&self, entry: &Entry) -> Option<i64> {
        let max_life = self.database.policy_of(entry)?.rules().max_life?;
        Some((self.now + max_life).as_secs())
    }
}
