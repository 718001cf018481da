//! A realm to try clients against: `cargo run -p kerbox-kdc --example kdc -- DIR [PORT]`.
//!
//! Writes `DIR/krb5.conf`, `DIR/keytabs/*.keytab` and `DIR/env.sh`, prints each exchange, and
//! executes commands from standard input: `attribute PRINCIPAL SETTING`, `max-life PRINCIPAL
//! SECONDS`, `expire-password PRINCIPAL`, `rotate PRINCIPAL`, `delegate FROM TO`, `advance
//! SECONDS`. It exits when standard input ends.

use std::error::Error;
use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kerbox_events::{Event, Hook, Verdict};
use kerbox_kdc::server::{Sockets, serve};
use kerbox_kdc::{Kdc, NewKeys, NewPrincipal, PrincipalDatabase, RealmConfig};
use kerbox_krb5::krb5_conf::{Krb5Conf, RealmServers};
use kerbox_krb5::{Clock, Principal, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

const REALM: &str = "EXAMPLE.COM";
const OTHER: &str = "OTHER.ORG";

/// Prints each event.
struct Print;

impl Hook for Print {
    fn ask(&self, _now: Timestamp, _event: &Event) -> Verdict {
        Verdict::Pass
    }

    fn record(&self, now: Timestamp, event: Event) {
        println!("{now} {event}");
    }

    fn watching(&self) -> bool {
        false
    }
}

fn database() -> Result<PrincipalDatabase, Box<dyn Error>> {
    let mut rng = StdRng::seed_from_u64(1);
    let mut database = PrincipalDatabase::new();
    database.add_realm(RealmConfig::new(REALM), &mut rng)?;
    for user in ["alice", "bob", "carol"] {
        let keys = NewKeys::RandomAndPassword(format!("{user}-pw"));
        let mut new = NewPrincipal::new(Principal::new(REALM, [user]), keys);
        if user == "carol" {
            new = new.attribute("-requires_preauth");
        }
        database.add(new, &mut rng)?;
    }
    for service in ["nn", "dn", "host", "HTTP"] {
        let principal = Principal::new(REALM, [service, "localhost"]);
        database.add(
            NewPrincipal::new(principal, NewKeys::Random).attribute("-requires_preauth"),
            &mut rng,
        )?;
    }
    // A second realm trusted by the first, with a host to which clients are referred.
    database.add_realm(RealmConfig::new(OTHER), &mut rng)?;
    database.add_trust(REALM, OTHER, NewKeys::Random, &mut rng)?;
    let principal = Principal::new(OTHER, ["HTTP", "www.other.org"]);
    database.add(
        NewPrincipal::new(principal, NewKeys::Random).attribute("-requires_preauth"),
        &mut rng,
    )?;
    let realm = database.realm_mut(REALM)?;
    realm
        .host_realms
        .insert(".other.org".to_owned(), OTHER.to_owned());
    Ok(database)
}

fn write_files(
    directory: &Path,
    sockets: &Sockets,
    kdc: &Kdc,
    now: Timestamp,
) -> Result<(), Box<dyn Error>> {
    let taken = |mut entries: std::fs::ReadDir| entries.next().is_some();
    if std::fs::read_dir(directory).is_ok_and(taken) {
        return Err(format!("{} is not empty: name a new one", directory.display()).into());
    }
    let keytabs = directory.join("keytabs");
    std::fs::create_dir_all(&keytabs)?;
    let mut conf = Krb5Conf {
        default_realm: Some(REALM.to_owned()),
        ..Krb5Conf::default()
    };
    let address = sockets.local_addr()?;
    let mut servers = RealmServers::kdc(address);
    servers.kpasswd_servers = vec![address.to_string()];
    conf.realms.insert(OTHER.to_owned(), servers.clone());
    conf.realms.insert(REALM.to_owned(), servers);
    conf.domain_realm
        .insert("localhost".to_owned(), REALM.to_owned());
    std::fs::write(directory.join("krb5.conf"), conf.to_text()?)?;
    let database = kdc.database();
    for entry in database.principals() {
        if entry.principal.realm() != REALM
            || entry.principal.is_krbtgt()
            || entry.principal.components()[0] == "kadmin"
        {
            continue;
        }
        let name = &entry.principal.components()[0];
        database
            .keytab([&entry.principal], now)?
            .write(&keytabs.join(format!("{name}.keytab")))?;
    }
    let directory = directory.display();
    std::fs::write(
        format!("{directory}/env.sh"),
        format!(
            "export KRB5_CONFIG={directory}/krb5.conf KRB5CCNAME=FILE:{directory}/ccache KEYTABS={directory}/keytabs REALM={REALM}\n"
        ),
    )?;
    println!("{address}");
    Ok(())
}

fn obey(line: &str, kdc: &Kdc, clock: &Clock) -> Result<(), Box<dyn Error>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let principal = |name: &str| Principal::parse(name, REALM);
    match words.as_slice() {
        [] => {}
        ["attribute", name, setting] => kdc
            .database_mut()
            .change(&principal(name)?, |entry| entry.attributes.apply(setting))??,
        ["max-life", name, seconds] => {
            let life = Duration::from_secs(seconds.parse()?);
            kdc.database_mut()
                .change(&principal(name)?, |entry| entry.max_life = Some(life))?;
        }
        ["expire-password", name] => {
            let past = clock.now() - Duration::from_secs(1);
            kdc.database_mut().change(&principal(name)?, |entry| {
                entry.password_expires = Some(past);
            })?;
        }
        ["delegate", from, to] => {
            let to = principal(to)?;
            kdc.database_mut()
                .change(&principal(from)?, |entry| entry.delegates_to.push(to))?;
        }
        ["rotate", name] => {
            let principal = principal(name)?;
            kdc.update(|database, rng| {
                database.change_keys(&principal, &NewKeys::Random, true, rng)
            })?;
        }
        ["advance", seconds] => clock.advance(Duration::from_secs(seconds.parse()?)),
        other => return Err(format!("{other:?} is no command").into()),
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("usage: kdc DIR [PORT]")?;
    let port: u16 = arguments.next().map_or(Ok(0), |port| port.parse())?;
    let clock = Clock::system();
    let kdc = Arc::new(Kdc::new(database()?, 2).with_hook(Arc::new(Print)));
    let sockets = Sockets::bind(([127, 0, 0, 1], port).into())?;
    write_files(Path::new(&directory), &sockets, &kdc, clock.now())?;
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let server = {
        let (kdc, clock) = (kdc.clone(), clock.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(serve(kdc, sockets, clock, async {
                let _ = ended.await;
            }))
        })
    };
    for line in std::io::stdin().lock().lines() {
        match obey(&line?, &kdc, &clock) {
            Ok(()) => println!("done"),
            Err(error) => println!("{error}"),
        }
    }
    drop(end);
    server.join().map_err(|_| "the server panicked")??;
    Ok(())
}
