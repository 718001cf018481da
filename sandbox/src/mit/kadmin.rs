//! `kadmin.local`: queries on the database, with MIT's words on standard output and standard error.

use std::process::ExitCode;

use kerbox_krb5::keytab::{Keytab, KeytabEntry};
use kerbox_krb5::{Clock, EncryptionType, Principal, Timestamp};
use rand::rngs::StdRng;

use super::complain;
use super::configuration::Configuration;
use super::database::{Database, Entry, Secret, lock};
use super::date::{parse_date, parse_delta, print_date, print_delta};
use crate::randomness;
use crate::settings::Attribute;

const NAME: &str = "kadmin.local";

/// Runs it with its arguments.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let (mut realm, mut database, mut query) = (None, None, None);
    let mut rest = arguments.iter();
    let mut words: Vec<String> = Vec::new();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "-r" => realm = rest.next(),
            "-d" => database = rest.next(),
            "-q" => query = rest.next(),
            "-p" | "-c" | "-k" | "-t" | "-w" | "-s" | "-e" | "-x" => drop(rest.next()),
            option if option.starts_with('-') => {}
            _ => {
                // A query as words of its own: everything that follows belongs to it.
                words.push(argument.clone());
                words.extend(rest.by_ref().cloned());
            }
        }
    }
    let configuration = match Configuration::read(realm.map(String::as_str), database.map(String::as_str)) {
        Ok(configuration) => configuration,
        Err(why) => return complain(NAME, format_args!("{why} while initializing {NAME} interface")),
    };
    println!("Authenticating as principal root/admin@{} with password.", configuration.realm);
    let queries: Vec<Vec<String>> = match (query, words.is_empty()) {
        (Some(query), _) => vec![split(query)],
        (None, false) => vec![words.clone()],
        (None, true) => std::io::stdin().lines().map_while(Result::ok).map(|line| split(&line)).collect(),
    };
    let mut last = ExitCode::SUCCESS;
    for query in queries {
        match run(&configuration, &query) {
            Ok(()) => {}
            // MIT's tool ends with success after a query of -q that failed, but not after one that it does not know,
            // nor after one that is given as words.
            Err(failure) => {
                let counts = failure.unknown || !words.is_empty();
                eprintln!("{}", failure.text);
                if counts {
                    last = ExitCode::FAILURE;
                }
            }
        }
    }
    last
}

/// A query that failed.
struct Failure {
    text: String,
    /// There is no such query at all.
    unknown: bool,
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self { text, unknown: false }
    }
}

/// The words of a query, with quotes of both kinds and backslashes.
fn split(query: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut characters = query.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(character),
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, space) if space.is_whitespace() => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

/// What a query is run with.
struct Session<'a> {
    configuration: &'a Configuration,
    database: Database,
    now: Timestamp,
    rng: StdRng,
}

fn run(configuration: &Configuration, query: &[String]) -> Result<(), Failure> {
    let Some((command, arguments)) = query.split_first() else {
        return Ok(());
    };
    let path = &configuration.database;
    let io = |error: std::io::Error| Failure::from(format!("{NAME}: {error} while opening {}", path.display()));
    let _lock = lock(path).map_err(io)?;
    let mut session = Session {
        configuration,
        database: Database::read(path).map_err(io)?,
        now: Clock::system().now(),
        rng: randomness::generator(None),
    };
    let before = session.database.clone();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match command.as_str() {
        "add_principal" | "addprinc" | "ank" => session.add(&arguments),
        "delete_principal" | "delprinc" => session.delete(&arguments),
        "modify_principal" | "modprinc" => session.modify(&arguments),
        "rename_principal" | "renprinc" => session.rename(&arguments),
        "change_password" | "cpw" => session.change_password(&arguments),
        "get_principal" | "getprinc" => session.get(&arguments),
        "list_principals" | "listprincs" | "get_principals" | "getprincs" => session.list(&arguments),
        "ktadd" | "xst" => session.keytab_add(&arguments),
        "ktremove" | "ktrem" => session.keytab_remove(&arguments),
        "purgekeys" => session.purge(&arguments),
        "set_string" | "setstr" => session.set_string(&arguments),
        "get_strings" | "getstrs" => session.strings(&arguments),
        "del_string" | "delstr" => session.delete_string(&arguments),
        "quit" | "exit" | "q" => Ok(()),
        other => {
            return Err(Failure {
                text: format!("{NAME}: Command not found {other}"),
                unknown: true,
            });
        }
    };
    done?;
    if session.database != before {
        session.database.write(path).map_err(io)?;
    }
    Ok(())
}

/// The options that addprinc, modprinc and cpw share.
#[derive(Default)]
struct Options<'a> {
    principal: Option<&'a str>,
    password: Option<&'a str>,
    random: bool,
    no_key: bool,
    keep_old: bool,
    enctypes: Option<Vec<EncryptionType>>,
    kvno: Option<u32>,
    max_life: Option<u64>,
    max_renewable_life: Option<u64>,
    expires: Option<Option<i64>>,
    password_expires: Option<Option<i64>>,
    attributes: Vec<Attribute>,
}

fn usage(command: &str) -> String {
    format!("usage: {command} [options] principal")
}

fn parse_enctypes(text: &str) -> Option<Vec<EncryptionType>> {
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
    fn parse(command: &str, arguments: &[&'a str], now: Timestamp) -> Result<Self, String> {
        let mut options = Self::default();
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| usage(command));
            let date = |text: &str| {
                let parsed = parse_date(text, now).ok_or_else(|| format!("Invalid date specification \"{text}\"."))?;
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
                    let parsed =
                        parse_enctypes(list).ok_or_else(|| format!("{command}: Invalid argument while parsing keysalts {list}"))?;
                    options.enctypes = Some(parsed);
                }
                "-kvno" => options.kvno = Some(value()?.parse().map_err(|_| usage(command))?),
                "-maxlife" => options.max_life = Some(delta(value()?)?),
                "-maxrenewlife" => options.max_renewable_life = Some(delta(value()?)?),
                "-expire" => options.expires = Some(date(value()?)?),
                "-pwexpire" => options.password_expires = Some(date(value()?)?),
                // There are no password policies, and what a database module would be told concerns none here.
                "-policy" | "-x" => drop(value()?),
                "-clearpolicy" | "-unlock" => {}
                sign if sign.starts_with(['+', '-']) => options.attributes.push(Attribute::parse(sign).map_err(|_| usage(command))?),
                name if options.principal.is_none() => options.principal = Some(name),
                _ => return Err(usage(command)),
            }
        }
        Ok(options)
    }

    fn apply(&self, entry: &mut Entry) {
        for attribute in &self.attributes {
            entry.set_attribute(*attribute);
        }
        entry.max_life = self.max_life.or(entry.max_life);
        entry.max_renewable_life = self.max_renewable_life.or(entry.max_renewable_life);
        entry.expires = self.expires.unwrap_or(entry.expires);
        entry.password_expires = self.password_expires.unwrap_or(entry.password_expires);
    }
}

impl Session<'_> {
    fn principal(&self, command: &str, name: Option<&str>) -> Result<Principal, String> {
        let name = name.ok_or_else(|| usage(command))?;
        Principal::parse(name, &self.configuration.realm).map_err(|error| format!("{command}: {error}"))
    }

    fn entry(&mut self, principal: &Principal, doing: &str) -> Result<&mut Entry, String> {
        let missing = format!("{doing} \"{principal}\".");
        self.database.principals.get_mut(&principal.to_string()).ok_or(missing)
    }

    fn add(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let options = Options::parse("add_principal", arguments, self.now)?;
        let principal = self.principal("add_principal", options.principal)?;
        eprintln!("No policy specified for {principal}; defaulting to no policy");
        if self.database.principals.contains_key(&principal.to_string()) {
            return Err(format!("add_principal: Principal or policy already exists while creating \"{principal}\".").into());
        }
        let mut entry = Entry::new(self.now);
        for attribute in &self.configuration.attributes {
            entry.set_attribute(*attribute);
        }
        options.apply(&mut entry);
        if !options.no_key {
            let secret = secret("add_principal", &options)?;
            let enctypes = options.enctypes.as_deref().unwrap_or(&self.configuration.enctypes);
            let kvno = options.kvno.unwrap_or(1);
            entry
                .set_keys(&principal, secret, enctypes, kvno, false, self.now, &mut self.rng)
                .map_err(|error| format!("add_principal: {error} while creating \"{principal}\"."))?;
        }
        self.database.principals.insert(principal.to_string(), entry);
        println!("Principal \"{principal}\" created.");
        Ok(())
    }

    fn modify(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let options = Options::parse("modify_principal", arguments, self.now)?;
        let principal = self.principal("modify_principal", options.principal)?;
        let now = self.now;
        let entry = self.entry(&principal, "modify_principal: Principal does not exist while getting")?;
        options.apply(entry);
        if let Some(kvno) = options.kvno {
            let newest = entry.kvno();
            entry
                .keys
                .iter_mut()
                .filter(|key| key.kvno == newest)
                .for_each(|key| key.kvno = kvno);
        }
        entry.modified = now.as_secs();
        println!("Principal \"{principal}\" modified.");
        Ok(())
    }

    fn change_password(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let options = Options::parse("change_password", arguments, self.now)?;
        let principal = self.principal("change_password", options.principal)?;
        let secret = secret("change_password", &options)?;
        let doing = "change_password: Principal does not exist while changing password for";
        let mut entry = self.entry(&principal, doing)?.clone();
        let kvno = entry.kvno() + 1;
        let enctypes = options.enctypes.as_deref().unwrap_or(&self.configuration.enctypes);
        entry
            .set_keys(&principal, secret, enctypes, kvno, options.keep_old, self.now, &mut self.rng)
            .map_err(|error| format!("change_password: {error} while changing password for \"{principal}\"."))?;
        self.database.principals.insert(principal.to_string(), entry);
        match secret {
            Secret::Password(_) => println!("Password for \"{principal}\" changed."),
            Secret::Random => println!("Key for \"{principal}\" randomized."),
        }
        Ok(())
    }

    fn delete(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let name = arguments.iter().copied().find(|argument| *argument != "-force");
        let principal = self.principal("delete_principal", name)?;
        if !arguments.contains(&"-force") {
            print!("Are you sure you want to delete the principal \"{principal}\"? (yes/no): ");
            if !yes() {
                return Err(format!("Principal \"{principal}\" not deleted").into());
            }
        }
        if self.database.principals.remove(&principal.to_string()).is_none() {
            return Err(format!("delete_principal: Principal does not exist while deleting principal \"{principal}\"").into());
        }
        println!("Principal \"{principal}\" deleted.\nMake sure that you have removed this principal from all ACLs before reusing.");
        Ok(())
    }

    fn rename(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let mut names = arguments.iter().copied().filter(|argument| *argument != "-force");
        let old = self.principal("rename_principal", names.next())?;
        let new = self.principal("rename_principal", names.next())?;
        let refused = |why: &str| Failure::from(format!("rename_principal: {why} while renaming principal \"{old}\" to \"{new}\""));
        if self.database.principals.contains_key(&new.to_string()) {
            return Err(refused("Principal or policy already exists"));
        }
        let Some(mut entry) = self.database.principals.remove(&old.to_string()) else {
            return Err(refused("Principal does not exist"));
        };
        // The keys stay those of the old name's salt.
        for key in &mut entry.keys {
            key.salt.get_or_insert_with(|| old.default_salt());
        }
        self.database.principals.insert(new.to_string(), entry);
        println!(
            "Principal \"{old}\" renamed to \"{new}\".\nMake sure that you have removed the old principal from all ACLs before reusing."
        );
        Ok(())
    }

    fn get(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let principal = self.principal("get_principal", arguments.iter().copied().find(|argument| *argument != "-terse"))?;
        let (max_life, max_renewable) = (self.configuration.max_life, self.configuration.max_renewable_life);
        let admin = format!("root/admin@{}", self.configuration.realm);
        let entry = self.entry(&principal, "get_principal: Principal does not exist while retrieving")?;
        let date = |seconds: Option<i64>| print_date(seconds.map(Timestamp::from_secs));
        println!("Principal: {principal}");
        println!("Expiration date: {}", date(entry.expires));
        println!("Last password change: {}", date(Some(entry.password_changed)));
        println!("Password expiration date: {}", date(entry.password_expires));
        println!("Maximum ticket life: {}", print_delta(entry.max_life().unwrap_or(max_life)));
        println!(
            "Maximum renewable life: {}",
            print_delta(entry.max_renewable_life().unwrap_or(max_renewable))
        );
        println!("Last modified: {} ({admin})", date(Some(entry.modified)));
        println!("Last successful authentication: [never]\nLast failed authentication: [never]\nFailed password attempts: 0");
        println!("Number of keys: {}", entry.keys.len());
        for key in &entry.keys {
            let salt = if key.salt.is_some() { ":special" } else { "" };
            println!("Key: vno {}, {}{salt}", key.kvno, EncryptionType(key.enctype));
        }
        let attributes: Vec<&str> = entry.attributes().map(Attribute::database_name).collect();
        println!("MKey: vno 1\nAttributes: {}\nPolicy: [none]", attributes.join(" "));
        Ok(())
    }

    fn list(&self, arguments: &[&str]) -> Result<(), Failure> {
        for name in self.database.principals.keys() {
            let matches = |pattern: &&str| glob(pattern, name) || name.split('@').next().is_some_and(|short| glob(pattern, short));
            if arguments.first().is_none_or(matches) {
                println!("{name}");
            }
        }
        Ok(())
    }

    fn keytab_add(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let (mut file, mut keep_keys, mut enctypes, mut names) = (None, false, None, Vec::new());
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            match argument {
                "-k" | "-keytab" => file = rest.next(),
                "-e" => enctypes = rest.next().and_then(parse_enctypes),
                "-norandkey" => keep_keys = true,
                "-q" => {}
                "-glob" => {
                    let pattern = rest.next().unwrap_or_default();
                    names.extend(self.database.principals.keys().filter(|name| glob(pattern, name)).cloned());
                }
                name => names.push(name.to_owned()),
            }
        }
        let file = keytab_file(file);
        let mut keytab = if std::fs::metadata(&file).is_ok_and(|file| file.len() > 0) {
            read_keytab(&file)?
        } else {
            Keytab::default()
        };
        for name in names {
            let principal = self.principal("ktadd", Some(&name))?;
            let Some(entry) = self.database.principals.get(&principal.to_string()) else {
                return Err(format!("{NAME}: Principal {name} does not exist.").into());
            };
            let mut entry = entry.clone();
            if !keep_keys {
                let enctypes = enctypes.as_deref().unwrap_or(&self.configuration.enctypes);
                let kvno = entry.kvno() + 1;
                entry
                    .set_keys(&principal, Secret::Random, enctypes, kvno, false, self.now, &mut self.rng)
                    .map_err(|error| format!("{NAME}: {error} while changing {name}'s key"))?;
            }
            for stored in &entry.keys {
                let Some(key) = stored.key() else { continue };
                let enctype = key.enctype();
                keytab.push(KeytabEntry::new(principal.clone(), stored.kvno, key, self.now));
                println!(
                    "Entry for principal {name} with kvno {}, encryption type {enctype} added to keytab WRFILE:{file}.",
                    stored.kvno
                );
            }
            self.database.principals.insert(principal.to_string(), entry);
        }
        keytab
            .write(file.as_ref())
            .map_err(|error| format!("{NAME}: {error} while adding key to keytab").into())
    }

    fn keytab_remove(&self, arguments: &[&str]) -> Result<(), Failure> {
        let (mut file, mut names) = (None, Vec::new());
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            match argument {
                "-k" | "-keytab" => file = rest.next(),
                "-q" => {}
                word => names.push(word),
            }
        }
        let file = keytab_file(file);
        let name = names.first().copied().unwrap_or_default();
        let principal = self.principal("ktremove", names.first().copied())?;
        let kvno = names.get(1).and_then(|kvno| kvno.parse().ok());
        let mut keytab = read_keytab(&file)?;
        let kvnos: Vec<u32> = keytab
            .entries()
            .filter(|entry| *entry.principal() == principal && kvno.is_none_or(|kvno| entry.kvno() == kvno))
            .map(KeytabEntry::kvno)
            .collect();
        if kvnos.is_empty() {
            return Err(format!("{NAME}: No entry for principal {name} exists in keytab WRFILE:{file}").into());
        }
        keytab.remove(&principal, kvno);
        keytab
            .write(file.as_ref())
            .map_err(|error| format!("{NAME}: {error} while writing keytab"))?;
        for kvno in kvnos {
            println!("Entry for principal {name} with kvno {kvno} removed from keytab WRFILE:{file}.");
        }
        Ok(())
    }

    fn purge(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let principal = self.principal("purgekeys", arguments.last().copied())?;
        let entry = self.entry(&principal, "purgekeys: Principal does not exist while purging keys for principal")?;
        let keep = match arguments {
            ["-keepkvno", kvno, _] => kvno.parse().map_err(|_| usage("purgekeys"))?,
            _ => entry.kvno(),
        };
        entry.keys.retain(|key| key.kvno >= keep);
        println!("Old keys for principal \"{principal}\" purged.");
        Ok(())
    }

    fn set_string(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let [name, key, value] = arguments else {
            return Err(usage("set_string").into());
        };
        let principal = self.principal("set_string", Some(name))?;
        let entry = self.entry(
            &principal,
            "set_string: Principal does not exist while setting attribute on principal",
        )?;
        entry.strings.insert((*key).to_owned(), (*value).to_owned());
        println!("Attribute set for principal \"{principal}\".");
        Ok(())
    }

    fn delete_string(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let [name, key] = arguments else {
            return Err(usage("del_string").into());
        };
        let principal = self.principal("del_string", Some(name))?;
        let entry = self.entry(
            &principal,
            "del_string: Principal does not exist while deleting attribute from principal",
        )?;
        entry.strings.remove(*key);
        println!("Attribute removed from principal \"{principal}\".");
        Ok(())
    }

    fn strings(&mut self, arguments: &[&str]) -> Result<(), Failure> {
        let principal = self.principal("get_strings", arguments.first().copied())?;
        let entry = self.entry(
            &principal,
            "get_strings: Principal does not exist while getting attributes for principal",
        )?;
        if entry.strings.is_empty() {
            println!("(No string attributes.)");
        }
        for (key, value) in &entry.strings {
            println!("{key}: {value}");
        }
        Ok(())
    }
}

fn secret<'a>(command: &str, options: &Options<'a>) -> Result<Secret<'a>, String> {
    match (options.password, options.random) {
        (Some(password), _) => Ok(Secret::Password(password)),
        (None, true) => Ok(Secret::Random),
        (None, false) => Err(format!("{command}: a password is needed: give -pw or -randkey")),
    }
}

fn keytab_file(option: Option<&str>) -> String {
    let file = option.map_or_else(
        || std::env::var("KRB5_KTNAME").unwrap_or_else(|_| String::from("/etc/krb5.keytab")),
        str::to_owned,
    );
    let plain = file.strip_prefix("WRFILE:").or_else(|| file.strip_prefix("FILE:"));
    plain.map_or_else(|| file.clone(), str::to_owned)
}

fn read_keytab(file: &str) -> Result<Keytab, String> {
    Keytab::read(file.as_ref()).map_err(|error| format!("{NAME}: {error} while opening keytab WRFILE:{file}"))
}

fn yes() -> bool {
    use std::io::Write;
    let _ = std::io::stdout().flush();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && answer.trim() == "yes"
}

/// Shell patterns with `*` and `?`, as listprincs takes them.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // Which prefixes of the text the pattern so far can match.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for token in pattern {
        let mut next = vec![false; text.len() + 1];
        for (at, reachable) in reached.iter().enumerate() {
            match token {
                '*' if *reachable => next[at..].fill(true),
                '?' if *reachable && at < text.len() => next[at + 1] = true,
                literal if *reachable && text.get(at) == Some(&literal) => next[at + 1] = true,
                _ => {}
            }
        }
        reached = next;
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_split_as_a_shell_does() {
        assert_eq!(
            split(r#"addprinc -pw 'a b' "c d"  e\ f '' "#),
            ["addprinc", "-pw", "a b", "c d", "e f", ""]
        );
    }

    #[test]
    fn patterns_match() {
        for (pattern, text, expected) in [
            ("k*", "kadmin/admin", true),
            ("*a?min", "kadmin/admin", true),
            ("k", "kadmin", false),
            ("", "", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
