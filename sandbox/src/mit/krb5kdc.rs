//! `krb5kdc`: serves the database, and sees at once what `kadmin.local` changes in it.

use std::fs::{self, Metadata};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use kerbox_events::{Event, Hook, Verdict};
use kerbox_kdc::server::{Sockets, serve};
use kerbox_kdc::{Kdc, NewKeys, NewPrincipal, Pac, PrincipalDatabase, PrincipalKey, RealmConfig};
use kerbox_krb5::{Clock, Principal, Timestamp};

use super::complain;
use super::configuration::Configuration;
use super::database::{Database, Entry};
use crate::holder::holder;
use crate::randomness;
use crate::signals::Ends;

const NAME: &str = "krb5kdc";

/// Runs it with its arguments.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let (mut realm, mut database, mut port, mut pid_file, mut ahead, mut foreground) = (None, None, None, None, 0_i64, false);
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(argument) = rest.next() {
        match argument {
            "-r" => realm = rest.next(),
            "-d" => database = rest.next(),
            "-p" => port = rest.next(),
            "-P" => pid_file = rest.next(),
            // How far its clock is ahead, in seconds.
            "-T" => ahead = rest.next().and_then(|seconds| seconds.parse().ok()).unwrap_or(0),
            "-n" => foreground = true,
            "-k" | "-M" | "-w" | "-x" => drop(rest.next()),
            _ => {}
        }
    }
    let mut configuration = match Configuration::read(realm, database) {
        Ok(configuration) => configuration,
        Err(why) => return complain(NAME, format_args!("{why}, while initializing")),
    };
    if let Some(port) = port {
        configuration.listen = vec![port.to_owned()];
    }
    let done = if foreground {
        run(configuration, ahead, pid_file)
    } else {
        detach(arguments)
    };
    done.map_or_else(|why| complain(NAME, why), |()| ExitCode::SUCCESS)
}

/// Starts the same in the background and returns when it serves.
fn detach(arguments: &[String]) -> Result<(), String> {
    let program = std::env::args_os().next().ok_or("no name was given")?;
    let mut command = Command::new(program);
    command.arg("-n").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let mut line = String::new();
    let stdout = child.stdout.take().ok_or("it has no output")?;
    BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
    if line.is_empty() {
        Err(String::from("it did not start"))
    } else {
        Ok(())
    }
}

fn run(configuration: Configuration, ahead: i64, pid_file: Option<&str>) -> Result<(), String> {
    let addresses = addresses(&configuration.listen)?;
    let file = DatabaseFile::new(configuration);
    let database = file
        .read()
        .map_err(|error| format!("{error} while opening database {}", file.path().display()))?;
    let kdc = Kdc::new(database, randomness::seed());
    let kdc = Arc::new_cyclic(|this| {
        kdc.with_hook(Arc::new(Reload {
            file,
            kdc: Weak::clone(this),
        }))
    });
    let sockets: Vec<Sockets> = addresses.iter().copied().map(bind).collect::<Result<_, _>>()?;
    let clock = Clock::system();
    clock.set(Timestamp::from_micros(
        clock.now().as_micros().saturating_add(ahead.saturating_mul(1_000_000)),
    ));
    if let Some(path) = pid_file {
        fs::write(path, format!("{}\n", std::process::id())).map_err(|error| format!("{error} while writing {path}"))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let mut ends = Ends::watch(false).map_err(|failure| failure.to_string())?;
        let mut told = String::new();
        for (sockets, asked) in sockets.into_iter().zip(&addresses) {
            if asked.port() == 0 {
                let took = sockets.local_addr().map_err(|error| error.to_string())?;
                told.push_str(&format!(" {took}"));
            }
            tokio::spawn(serve(Arc::clone(&kdc), sockets, clock.clone(), std::future::pending()));
        }
        // What those who start it wait for; a free port that was found is told, too.
        println!("{NAME}: starting...{told}");
        io::stdout().flush().map_err(|error| error.to_string())?;
        ends.next().await;
        Ok::<_, String>(())
    })?;
    if let Some(path) = pid_file {
        let _ = fs::remove_file(path);
    }
    Ok(())
}

/// A port means every address of the machine, as with MIT's, whose clients may name the machine by any of them.
fn addresses(listen: &[String]) -> Result<Vec<SocketAddr>, String> {
    let mut addresses = Vec::new();
    for text in listen {
        if let Ok(address) = text.parse() {
            addresses.push(address);
        } else if let Ok(ip) = text.parse::<IpAddr>() {
            addresses.push(SocketAddr::new(ip, 88));
        } else if let Ok(port) = text.parse() {
            addresses.push(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port));
        } else {
            return Err(format!("{text:?} is not a port or an address with a port"));
        }
    }
    Ok(addresses)
}

fn bind(address: SocketAddr) -> Result<Sockets, String> {
    Sockets::bind(address).map_err(|error| format!("{error} - Cannot bind server socket on {address}{}", holder(address.port())))
}

/// The file and when it was last read.
struct DatabaseFile {
    configuration: Configuration,
    read: Mutex<Option<Stamp>>,
}

/// What is different after a change: the file is always replaced by another one.
type Stamp = (u64, i64, i64);

impl DatabaseFile {
    fn new(configuration: Configuration) -> Self {
        Self {
            configuration,
            read: Mutex::default(),
        }
    }

    fn path(&self) -> &PathBuf {
        &self.configuration.database
    }

    /// The database as it stands.
    fn read(&self) -> Result<PrincipalDatabase, String> {
        let stamp = fs::metadata(self.path()).map_err(|error| error.to_string())?;
        let file = Database::read(self.path()).map_err(|error| error.to_string())?;
        let database = self.database(&file).map_err(|error| error.to_string())?;
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(stamp_of(&stamp));
        Ok(database)
    }

    /// Whether it is another one than was read.
    fn has_changed(&self) -> bool {
        let now = fs::metadata(self.path()).ok().map(|metadata| stamp_of(&metadata));
        now.is_some() && now != *self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn database(&self, file: &Database) -> Result<PrincipalDatabase, kerbox_kdc::DatabaseError> {
        let name = &self.configuration.realm;
        let mut realm = RealmConfig::new(name);
        realm.max_life = self.configuration.max_life;
        realm.max_renewable_life = self.configuration.max_renewable_life;
        realm.enctypes.clone_from(&self.configuration.enctypes);
        realm.attributes = kerbox_kdc::Attributes::NONE;
        if self.configuration.pac {
            realm.pac = Pac::Minimal;
        }
        let mut rng = randomness::generator(None);
        let mut database = PrincipalDatabase::new();
        database.add_realm(realm, &mut rng)?;
        for (full_name, entry) in &file.principals {
            let principal = Principal::parse(full_name, name)?;
            // The realm's own principals are in the file as well, with the keys that count.
            let _ = database.remove(&principal);
            database.add(new_principal(principal, entry), &mut rng)?;
        }
        Ok(database)
    }
}

fn stamp_of(metadata: &Metadata) -> Stamp {
    (metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
}

fn new_principal(principal: Principal, entry: &Entry) -> NewPrincipal {
    let default_salt = principal.default_salt();
    let keys = entry.keys.iter().filter_map(|stored| {
        let salt = stored.salt.as_deref().unwrap_or(&default_salt).into();
        Some(PrincipalKey::given(stored.kvno, stored.key()?, salt))
    });
    let keys = keys.collect();
    let mut new = NewPrincipal::new(principal, NewKeys::Given(Vec::new()));
    new.entry.set_keys(keys);
    new.entry.max_life = entry.max_life();
    new.entry.max_renewable_life = entry.max_renewable_life();
    new.entry.expires = entry.expires.map(Timestamp::from_secs);
    new.entry.password_expires = entry.password_expires.map(Timestamp::from_secs);
    new.attributes = entry.attributes().map(|attribute| attribute.to_string()).collect();
    new
}

/// Looks, before each request, whether the file is another one: the KDC asks its hook before it looks at its database.
struct Reload {
    file: DatabaseFile,
    kdc: Weak<Kdc>,
}

impl Hook for Reload {
    fn watching(&self) -> bool {
        if self.file.has_changed()
            && let Some(kdc) = self.kdc.upgrade()
        {
            match self.file.read() {
                Ok(database) => *kdc.database_mut() = database,
                Err(why) => eprintln!("{NAME}: the database stays as it was: {why}"),
            }
        }
        false
    }

    fn ask(&self, _now: Timestamp, _event: &Event) -> Verdict {
        Verdict::Pass
    }

    fn record(&self, _now: Timestamp, _event: Event) {}
}
