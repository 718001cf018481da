//! `dump`, `load` and `tabdump`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use fancy_regex::Regex;

use super::{NAME, Task, USAGE, options};
use crate::mit::database::{Database, beside, lock};
use crate::mit::dump::{self, Dump, Format};
use crate::mit::master::{key_of, read_stash};
use crate::mit::tabdump::{Style, Table, tabdump};
use crate::randomness;

/// The options of `dump`.
#[derive(Default)]
struct Wanted<'a> {
    format: Option<Format>,
    verbose: bool,
    /// With new master keys: a stash file, or `None` for a password.
    convert: Option<Option<&'a str>>,
    reversed: bool,
    file: Option<&'a str>,
    names: &'a [&'a str],
}

impl<'a> Wanted<'a> {
    fn parse(words: &'a [&'a str]) -> Result<Self, String> {
        let mut wanted = Self::default();
        let mut rest = words;
        while let [word, after @ ..] = rest {
            match *word {
                "-verbose" => wanted.verbose = true,
                "-mkey_convert" => wanted.convert = wanted.convert.or(Some(None)),
                "-rev" => wanted.reversed = true,
                // MIT's database is a tree with two ways through it.
                "-recurse" => {}
                "-ov" => return Err("OV dump format not supported".to_owned()),
                "-i" => return Err("Iprop not enabled".to_owned()),
                "-new_mkey_file" => {
                    let [file, after @ ..] = after else {
                        return Err(format!("dump: {word} needs a value"));
                    };
                    wanted.convert = Some(Some(file));
                    rest = after;
                    continue;
                }
                option => match Format::of_option(option) {
                    Some(format) => wanted.format = Some(format),
                    None if option.starts_with('-') && option != "-" => {
                        return Err(format!("dump: {option} is not an option here\n{USAGE}"));
                    }
                    None => break,
                },
            }
            rest = after;
        }
        if let [file, names @ ..] = rest {
            wanted.file = Some(*file).filter(|file| *file != "-");
            wanted.names = names;
        }
        Ok(wanted)
    }
}

impl Task {
    pub(super) fn dump(&mut self, words: &[&str]) -> Result<(), String> {
        let wanted = Wanted::parse(words)?;
        let mut database = self.read()?;
        if let Some(stash) = wanted.convert {
            self.convert(&mut database, stash)?;
        }
        let patterns = wanted.names.iter().map(|pattern| {
            Regex::new(&format!("^(?:{pattern})$"))
                .map_err(|error| format!("regular expression error: {error}"))
        });
        let patterns = patterns.collect::<Result<Vec<_>, _>>()?;
        let matches = |name: &str| {
            let mut patterns = patterns.iter();
            patterns.any(|pattern| pattern.is_match(name).unwrap_or(false))
        };
        let how = Dump {
            format: wanted.format.unwrap_or(Format::R111),
            chosen: (!patterns.is_empty()).then_some(&matches),
            reversed: wanted.reversed,
        };
        let (text, names) = dump::dump(&database, &self.configuration, &how);
        match wanted.file {
            Some(file) => write_dump(Path::new(file), &text)?,
            None => print!("{text}"),
        }
        if wanted.verbose {
            names.iter().for_each(|name| eprintln!("{name}"));
        }
        Ok(())
    }

    /// Seals a copy of the database with a new master key: that of a stash file, or of a password.
    fn convert(&mut self, database: &mut Database, stash: Option<&str>) -> Result<(), String> {
        let mut master = self.master(database)?;
        let principal = master.principal().clone();
        let key = match stash {
            Some(file) => read_stash(Path::new(file), &principal)
                .map_err(|why| format!("{why} while reading new master key"))?,
            None => {
                println!("Please enter new master key....");
                key_of(
                    &principal,
                    self.master_enctype(),
                    &crate::mit::password::ask(true)?,
                )?
            }
        };
        let name = principal.to_string();
        let missing = || "Cannot find master key record in database".to_owned();
        let entry = database.principals.get_mut(&name).ok_or_else(missing)?;
        let kvno = master.add(entry, key.clone(), &mut self.rng);
        for (other, entry) in &mut database.principals {
            let before = entry.keys.len();
            if *other != name {
                entry.reseal(&master, kvno, &key, &mut self.rng);
                if entry.keys.len() != before {
                    return Err(format!("the keys of {other} cannot be decrypted"));
                }
            }
        }
        Ok(())
    }

    pub(super) fn load(&mut self, words: &[&str]) -> Result<(), String> {
        let (mut format, mut verbose, mut update) = (None, false, false);
        let mut files = Vec::new();
        for word in words {
            match *word {
                "-verbose" => verbose = true,
                "-update" => update = true,
                "-ov" => return Err("OV dump format not supported".to_owned()),
                "-i" => return Err("Iprop not enabled".to_owned()),
                // The database is a JSON file in any case.
                "-hash" => {
                    eprintln!(
                        "{NAME}: warning: -hash has no effect: the database is one JSON file"
                    );
                }
                option => match Format::of_option(option) {
                    Some(named) => format = Some(named),
                    None if option.starts_with('-') => {
                        return Err(format!("load: {option} is not an option here\n{USAGE}"));
                    }
                    None => files.push(option),
                },
            }
        }
        let [file] = *files else {
            return Err(USAGE.to_owned());
        };
        let text =
            fs::read_to_string(file).map_err(|error| format!("{error} while opening {file}"))?;
        let path = self.configuration.database.clone();
        let failed =
            |error: io::Error| format!("{error} while opening database '{}'", path.display());
        let exists = path.symlink_metadata().is_ok();
        // Only a database of ours is replaced.
        let _lock = exists.then(|| lock(&path)).transpose().map_err(failed)?;
        let mut database = match update {
            true => Database::read(&path).map_err(failed)?,
            false => Database::default(),
        };
        let read = dump::read(&text, format, &mut database);
        let (format, names) = read.map_err(|why| match why.starts_with('(') {
            true => format!("{file}{why}"),
            false => format!("{why} in {file}"),
        })?;
        if verbose {
            names.iter().for_each(|name| eprintln!("{name}"));
        }
        let written = match exists {
            true => database.write(&path),
            false => database.write_new(&path),
        };
        written.map_err(|error| format!("{}: {} restore failed", failed(error), format.name()))
    }

    pub(super) fn tabdump(&mut self, words: &[&str]) -> Result<(), String> {
        let (found, rest) = options("tabdump", words, "Hcen", "o")?;
        let [table] = *rest else {
            return Err(USAGE.to_owned());
        };
        let unknown = || {
            let known = Table::ALL.map(|(name, _)| name).join(", ");
            format!("tabdump: there is no table {table:?}; there are {known}")
        };
        let table = Table::named(table).ok_or_else(unknown)?;
        let (mut style, mut file) = (Style::default(), None);
        for (letter, value) in found {
            match letter {
                'H' => style.no_header = true,
                'c' => style.csv = true,
                'e' => style.empty = true,
                'n' => style.numeric = true,
                _ => file = Some(value).filter(|file| *file != "-"),
            }
        }
        let text = tabdump(&self.read()?, &self.configuration, table, style);
        match file {
            None => print!("{text}"),
            Some(file) => replace(Path::new(file), &text)
                .map_err(|error| format!("{error} opening {file} for writing"))?,
        }
        Ok(())
    }
}

/// Writes a dump and, as a sign that it is complete, `FILE.dump_ok`, which MIT's `kprop` looks at.
fn write_dump(path: &Path, text: &str) -> Result<(), String> {
    let sign = beside(path, "dump_ok");
    let of_sign =
        |error: io::Error| format!("{error} while creating 'ok' file, '{}'", sign.display());
    // Such a file is empty, or holds one zero.
    if let Ok(metadata) = sign.symlink_metadata()
        && !(metadata.is_file() && metadata.len() <= 1)
    {
        let why = io::Error::other("it exists, and is not such a file");
        return Err(of_sign(why));
    }
    fs::write(&sign, "").map_err(of_sign)?;
    replace(path, text)
        .map_err(|error| format!("{error} while opening {} for writing", path.display()))?;
    fs::write(&sign, [0]).map_err(of_sign)
}

/// Writes a file that others cannot read, or replaces it as a whole.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::other("it exists, and is not a file"));
    }
    let unfinished = beside(path, &format!("{:016x}", randomness::seed()));
    let mut options = OpenOptions::new();
    let mut file = options
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&unfinished)?;
    let done = file
        .write_all(text.as_bytes())
        .and_then(|()| fs::rename(&unfinished, path));
    if done.is_err() {
        let _ = fs::remove_file(unfinished);
    }
    done
}
