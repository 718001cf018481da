//! Reads the settings of MIT's programs from `krb5.conf` and `kdc.conf`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use kerbox_kdc::{CaPaths, SpakeConfig};
use kerbox_krb5::{EncryptionType, Principal, Timestamp};

use super::acl::Acl;
use super::date::{parse_absolute, parse_delta};
use super::keysalt::{self, KeySalt, words};
use super::profile::{Profile, is_true};
use super::realm_section::RealmSection;
use super::relations::{Program, warnings};
use super::{flags, place};

/// The part of MIT's configuration for one realm.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub(crate) realm: String,
    /// The database file. MIT's database consists of several files with this prefix.
    pub(crate) database: PathBuf,
    /// The file with the master key.
    pub(crate) stash: PathBuf,
    /// The name of the principal that has the master keys.
    pub(crate) master_name: String,
    /// The type of new master keys; `None` if not set.
    pub(crate) master_enctype: Option<EncryptionType>,
    /// The KDC's UDP addresses; `None` if not set.
    pub(crate) udp: Option<Vec<SocketAddr>>,
    /// The KDC's TCP addresses; `None` if not set.
    pub(crate) tcp: Option<Vec<SocketAddr>>,
    /// The password service's addresses; `None` if not set.
    pub(crate) kpasswd: Option<Vec<SocketAddr>>,
    /// The principals that may set others' passwords.
    pub(crate) acl: Acl,
    pub(crate) max_life: Duration,
    pub(crate) max_renewable_life: Duration,
    pub(crate) clock_skew: Option<Duration>,
    /// The key types and salts of new principals.
    pub(crate) keysalts: Vec<KeySalt>,
    /// The permitted types of session keys.
    pub(crate) permitted: Vec<EncryptionType>,
    /// The flags of new principals.
    pub(crate) flags: Vec<flags::Change>,
    pub(crate) expiration: Option<Timestamp>,
    /// The file of forbidden passwords.
    pub(crate) dictionary: Option<PathBuf>,
    /// SPAKE pre-authentication, if it is offered.
    pub(crate) spake: Option<SpakeConfig>,
    /// True if tickets carry a PAC, as those of MIT's KDC do since 1.20.
    pub(crate) pac: bool,
    /// True if tickets with an invalid transited path are refused.
    pub(crate) reject_bad_transit: bool,
    pub(crate) host_based_services: Vec<String>,
    pub(crate) no_host_referral: Vec<String>,
    /// The keytab of clients that name none.
    pub(crate) default_keytab: Option<String>,
    /// Disabled modules for checking new passwords.
    pub(crate) disabled_quality: Vec<String>,
}

/// The settings of a server that apply to all its realms.
#[derive(Clone, Debug, Default)]
pub(crate) struct Common {
    /// The maximum size of a UDP reply.
    pub(crate) udp_limit: Option<usize>,
    pub(crate) host_realms: BTreeMap<String, String>,
    pub(crate) capaths: CaPaths,
    /// The program's log targets.
    pub(crate) log: Vec<String>,
}

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A realm and its database, as named on the command line.
pub(crate) type Asked<'a> = (Option<&'a str>, Option<&'a str>);

/// Reads the files named by `KRB5_CONFIG` and `KRB5_KDC_PROFILE`, for the requested realms. Prints
/// to standard error which of their settings have no effect on `program`, whose file name is
/// `name`.
pub(crate) fn read(
    program: Program,
    name: &str,
    asked: &[Asked<'_>],
) -> Result<(Vec<Configuration>, Common), String> {
    let profile = profile()?;
    for text in profile.passed_over() {
        eprintln!("{name}: warning: {text}");
    }
    let mut configurations = Vec::new();
    for (realm, database) in asked {
        let realm = realm
            .or_else(|| profile.value(&["libdefaults", "default_realm"]))
            .ok_or("Configuration file does not specify default realm")?;
        let (configuration, unknown) = Configuration::of(&profile, realm, *database, program)?;
        for text in unknown {
            eprintln!("{name}: warning: {text}");
        }
        configurations.push(configuration);
    }
    let realms: Vec<&str> = configurations
        .iter()
        .map(|configuration| configuration.realm.as_str())
        .collect();
    for text in warnings(&profile, &realms, program) {
        eprintln!("{name}: warning: {text}");
    }
    Ok((configurations, common(&profile, program)?))
}

/// Reads the files for one realm.
pub(crate) fn read_one(
    program: Program,
    name: &str,
    asked: Asked<'_>,
) -> Result<(Configuration, Common), String> {
    let (mut configurations, common) = read(program, name, &[asked])?;
    let configuration = configurations.pop().ok_or("no realm is named")?;
    Ok((configuration, common))
}

/// Merges both files; kdc.conf precedes krb5.conf, as in MIT's programs. There is no default
/// kdc.conf, because the machine's own belongs to its own KDC.
fn profile() -> Result<Profile, String> {
    let client = std::env::var("KRB5_CONFIG").unwrap_or_else(|_| "/etc/krb5.conf".to_owned());
    let server = std::env::var("KRB5_KDC_PROFILE").unwrap_or_default();
    let mut profile = Profile::read(&server)?;
    profile.append(Profile::read(&client)?);
    Ok(profile)
}

impl Configuration {
    /// Extracts the realm's part, with warnings about what cannot be obeyed.
    fn of(
        profile: &Profile,
        realm: &str,
        database: Option<&str>,
        program: Program,
    ) -> Result<(Self, Vec<String>), String> {
        let section = RealmSection { profile, realm };
        let mut unknown = Vec::new();
        let database = place::database(profile, realm, database)?;
        let configuration = Self {
            stash: place::stash(section.value("key_stash_file"), realm, &database)?,
            database,
            master_name: section.value("master_key_name").unwrap_or("K/M").to_owned(),
            master_enctype: master_enctype(section.value("master_key_type"))?,
            udp: section.addresses(["kdc_listen", "kdc_ports"], 88)?,
            tcp: section.addresses(["kdc_tcp_listen", "kdc_tcp_ports"], 88)?,
            kpasswd: section.addresses(["kpasswd_listen", "kpasswd_port"], 464)?,
            acl: acl(section.value("acl_file"), program, &mut unknown)?,
            max_life: section.life("max_life", DAY)?,
            max_renewable_life: section.life("max_renewable_life", Duration::ZERO)?,
            clock_skew: clock_skew(profile)?,
            keysalts: keysalts(section.value_or_default("supported_enctypes"), &mut unknown)?,
            permitted: permitted(profile, &mut unknown)?,
            flags: default_flags(section.value("default_principal_flags"))?,
            expiration: expiration(section.value("default_principal_expiration"))?,
            dictionary: section
                .value("dict_file")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
            spake: spake(profile, program, &mut unknown),
            pac: !section.value("disable_pac").is_some_and(is_true),
            reject_bad_transit: section.value("reject_bad_transit").is_none_or(is_true),
            host_based_services: section.lists("host_based_services"),
            no_host_referral: section.lists("no_host_referral"),
            default_keytab: profile
                .value(&["libdefaults", "default_keytab_name"])
                .map(str::to_owned),
            disabled_quality: profile
                .values(&["plugins", "pwqual", "disable"])
                .map(str::to_owned)
                .collect(),
            realm: realm.to_owned(),
        };
        Ok((configuration, unknown))
    }

    /// Returns the principal that has the master keys.
    pub(crate) fn master(&self) -> Result<Principal, String> {
        Principal::parse(&self.master_name, &self.realm)
            .map_err(|error| format!("master_key_name = {}: {error}", self.master_name))
    }

    /// Returns the key types of new principals.
    pub(crate) fn enctypes(&self) -> Vec<EncryptionType> {
        let mut enctypes: Vec<EncryptionType> = Vec::new();
        for keysalt in &self.keysalts {
            if !enctypes.contains(&keysalt.enctype) {
                enctypes.push(keysalt.enctype);
            }
        }
        enctypes
    }
}

fn master_enctype(name: Option<&str>) -> Result<Option<EncryptionType>, String> {
    let parse =
        |name| keysalt::parse_enctype(name).map_err(|why| format!("master_key_type: {why}"));
    name.map(parse).transpose()
}

/// Reads the file of those who may set others' passwords, which kadmind alone obeys.
fn acl(path: Option<&str>, program: Program, unknown: &mut Vec<String>) -> Result<Acl, String> {
    match path.filter(|path| !path.is_empty()) {
        Some(path) if program == Program::Kadmind => {
            let (acl, not_obeyed) = Acl::read(path)?;
            unknown.extend(not_obeyed);
            Ok(acl)
        }
        _ => Ok(Acl::default()),
    }
}

fn expiration(text: Option<&str>) -> Result<Option<Timestamp>, String> {
    let Some(text) = text else {
        return Ok(None);
    };
    parse_absolute(text)
        .ok_or_else(|| format!("default_principal_expiration = {text} is not a date"))
}

fn clock_skew(profile: &Profile) -> Result<Option<Duration>, String> {
    let text = profile.value(&["libdefaults", "clockskew"]);
    text.map(|text| parse_delta(text).ok_or_else(|| format!("clockskew = {text} is no duration")))
        .transpose()
}

/// Parses the list; unknown types are reported and left out. Fails if none remains.
fn keysalts(list: Option<&str>, unknown: &mut Vec<String>) -> Result<Vec<KeySalt>, String> {
    let Some(list) = list else {
        return Ok(keysalt::DEFAULT.to_vec());
    };
    let mut known = Vec::new();
    for word in words(list) {
        match keysalt::parse(word) {
            Ok(keysalts) if keysalts.iter().all(|new| known.contains(new)) => {}
            Ok(keysalts) => known.extend(keysalts),
            Err(why) if why.contains("salt type") => {
                return Err(format!("supported_enctypes: {why}"));
            }
            Err(why) => unknown.push(format!("supported_enctypes: {word} is left out: {why}")),
        }
    }
    match known.is_empty() {
        true => Err(format!(
            "supported_enctypes = {list}: none of them can be used here"
        )),
        false => Ok(known),
    }
}

fn permitted(profile: &Profile, unknown: &mut Vec<String>) -> Result<Vec<EncryptionType>, String> {
    let Some(list) = profile.value(&["libdefaults", "permitted_enctypes"]) else {
        return Ok(keysalt::permitted_by_default());
    };
    let (permitted, names) = keysalt::parse_permitted(list);
    let left_out = |name| format!("permitted_enctypes: {name} is left out: it is not known here");
    unknown.extend(names.into_iter().map(left_out));
    match permitted.is_empty() {
        true => Err(format!(
            "permitted_enctypes = {list}: none of them can be used here"
        )),
        false => Ok(permitted),
    }
}

/// Reads `spake_preauth_groups`, which KDCs and clients share, and `spake_preauth_kdc_challenge`.
/// Only edwards25519 is known here.
fn spake(profile: &Profile, program: Program, unknown: &mut Vec<String>) -> Option<SpakeConfig> {
    const GROUP: &str = "edwards25519";
    let list = profile.value(&["libdefaults", "spake_preauth_groups"]);
    let groups: Vec<&str> = words(list.unwrap_or_default()).collect();
    let known = |name: &str| name.eq_ignore_ascii_case(GROUP);
    let offered = groups.iter().any(|name| known(name));
    let challenge = profile.value(&["kdcdefaults", "spake_preauth_kdc_challenge"]);
    let first = challenge.is_some_and(known);
    if program == Program::Krb5kdc {
        for name in groups.iter().filter(|name| !known(name)) {
            unknown.push(format!(
                "[libdefaults] spake_preauth_groups: {name} is left out: only {GROUP} is known here"
            ));
        }
        if let Some(name) = challenge.filter(|_| !(first && offered)) {
            unknown.push(format!(
                "[kdcdefaults] spake_preauth_kdc_challenge = {name} has no effect: it is not one \
                 of the groups that are offered"
            ));
        }
    }
    offered.then_some(SpakeConfig {
        challenge_first: first,
    })
}

fn default_flags(list: Option<&str>) -> Result<Vec<flags::Change>, String> {
    words(list.unwrap_or_default())
        .map(|flag| flags::parse(flag).map_err(|why| format!("default_principal_flags: {why}")))
        .collect()
}

fn common(profile: &Profile, program: Program) -> Result<Common, String> {
    let limit = profile.value(&["kdcdefaults", "kdc_max_dgram_reply_size"]);
    let udp_limit = limit
        .map(|text| {
            let wrong = || format!("kdc_max_dgram_reply_size = {text} is not a number of bytes");
            text.parse().map_err(|_| wrong())
        })
        .transpose()?;
    let mut common = Common {
        udp_limit,
        ..Common::default()
    };
    let mut ways: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for (place, value) in profile.each() {
        match place.as_slice() {
            ["domain_realm", name] => {
                let realms = &mut common.host_realms;
                realms
                    .entry(name.to_ascii_lowercase())
                    .or_insert_with(|| value.to_owned());
            }
            ["capaths", from, to] => {
                let through = ways.entry((*from, *to)).or_default();
                // A dot means that there is no realm in between.
                through.extend(
                    words(value)
                        .filter(|realm| *realm != ".")
                        .map(str::to_owned),
                );
            }
            _ => {}
        }
    }
    for ((from, to), through) in ways {
        common.capaths.set(from, to, through);
    }
    let log = match program {
        Program::Krb5kdc => "kdc",
        _ => "admin_server",
    };
    for name in [log, "default"] {
        if common.log.is_empty() {
            common.log = profile
                .values(&["logging", name])
                .map(str::to_owned)
                .collect();
        }
    }
    Ok(common)
}
