//! `[console]`: the console of a KDC alone. With a NameNode the console is at its HTTP address.

use std::fmt;
use std::net::SocketAddr;

use kerbox::spec::{ConsoleSpec, RealmSpec};
use minihdfs::config::HdfsConfig;

use super::Settings;
use super::names::same_name;
use super::principals::flag;
use super::section::Section;
use super::toml_text::{list, quoted};
use super::values::{parse_listen, parse_name};
use crate::failure::Failure;
use crate::flags::SettingsArgs;

/// The service to which browsers show their tickets.
const SERVICE: &str = "HTTP/localhost";

/// The settings of the console. What is `None` is not set.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct ConsoleSettings {
    /// Whether there is one.
    pub(super) enabled: Option<bool>,
    /// The address of its HTTP port.
    listen: Option<SocketAddr>,
    /// The principals that may see and change everything.
    administrators: Option<Vec<String>>,
}

pub(super) fn read(mut section: Section<'_, '_>) -> ConsoleSettings {
    let settings = ConsoleSettings {
        enabled: section.take("enabled", flag),
        listen: section.text("listen", parse_listen),
        administrators: section.list("administrators", parse_name),
    };
    section.finish();
    settings
}

impl fmt::Display for ConsoleSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return Ok(());
        }
        writeln!(f, "\n[console]")?;
        if let Some(enabled) = self.enabled {
            writeln!(f, "enabled = {enabled}")?;
        }
        if let Some(listen) = self.listen {
            writeln!(f, "listen = {}", quoted(&listen.to_string()))?;
        }
        if let Some(administrators) = &self.administrators {
            writeln!(f, "administrators = {}", list(administrators))?;
        }
        Ok(())
    }
}

/// Decides whether a KDC alone has a console, and fills in what is not set. By default there is one
/// if it can let anyone in.
///
/// # Errors
/// Fails if one is asked for where none can be.
pub(super) fn settle(settings: &mut Settings, args: &SettingsArgs) -> Result<(), Failure> {
    if !settings.kdc_only {
        return match args.console_port {
            None => Ok(()),
            Some(port) => Err(Failure::Usage(format!(
                "--console-port (or KERBOX_CONSOLE_PORT) is for a KDC alone: with a NameNode the console is at its HTTP address, -D dfs.namenode.http-address=localhost:{port}"
            ))),
        };
    }
    let has_http = has_http(settings);
    let is_set = settings.console != ConsoleSettings::default() || args.console_port.is_some();
    let wanted = settings.console.enabled.unwrap_or(is_set);
    if wanted && !has_http {
        let why = "[console] (or --console-port) asks for plain HTTP, and dfs.http.policy is HTTPS_ONLY, which a KDC alone cannot serve: leave one of them out";
        return Err(Failure::Configuration(vec![why.to_owned()]));
    }
    let can_be = has_http && has_service(&settings.spec.realm, settings.realm());
    let ConsoleSettings {
        enabled,
        listen,
        administrators,
    } = &mut settings.console;
    let enabled = *enabled.get_or_insert(wanted || can_be);
    if !enabled {
        return Ok(());
    }
    let superuser = &settings.spec.hdfs.superuser;
    let realm = &mut settings.spec.realm;
    let listen = listen.get_or_insert_with(|| SocketAddr::new(realm.listen.ip(), 0));
    listen.set_port(args.console_port.unwrap_or_else(|| listen.port()));
    listen.set_ip(args.bind.unwrap_or_else(|| listen.ip()));
    let mut spec = ConsoleSpec::default();
    spec.listen = Some(*listen);
    spec.administrators = administrators
        .get_or_insert_with(|| vec![superuser.clone()])
        .clone();
    realm.console = Some(spec);
    Ok(())
}

/// Returns what may be a mistake.
pub(super) fn warnings(settings: &Settings) -> Option<String> {
    let is_default = settings.console == ConsoleSettings::default();
    if !settings.kdc_only {
        return (!is_default).then(|| String::from(
            "[console] changes nothing: with a NameNode the console is at its HTTP address (dfs.namenode.http-address), for the superuser and dfs.cluster.administrators",
        ));
    }
    if settings.spec.realm.console.is_none() {
        return (!has_http(settings)).then(|| String::from(
            "there is no console: dfs.http.policy is HTTPS_ONLY, which a KDC alone cannot serve",
        ));
    }
    let has_service = has_service(&settings.spec.realm, settings.realm());
    (!has_service).then(|| format!(
        "the console lets nobody in, because the realm has no principal {SERVICE}: add a [[principal]], or run `kerbox principal add {SERVICE}`"
    ))
}

fn has_http(settings: &Settings) -> bool {
    let keys = settings.spec.hdfs.keys.iter();
    let keys = keys.map(|(key, value)| (key.as_str(), value.as_str()));
    // Keys that are wrong have been refused.
    HdfsConfig::from_pairs(keys).is_ok_and(|(config, _)| config.http.policy.has_http())
}

fn has_service(realm: &RealmSpec, name: &str) -> bool {
    let mut principals = realm.principals.iter();
    principals.any(|principal| same_name(&principal.name, SERVICE, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Purpose, effective};

    fn settled(change: impl FnOnce(&mut SettingsArgs)) -> Result<Settings, Failure> {
        let mut args = SettingsArgs {
            kdc_only: true,
            ..SettingsArgs::default()
        };
        change(&mut args);
        effective(&args, Purpose::Exec)
    }

    #[test]
    fn a_kdc_alone_has_a_console_for_the_superuser() {
        let settings = settled(|_| {}).expect("valid");
        let console = settings.spec.realm.console.clone().expect("there");
        assert_eq!(console.administrators, ["hdfs"]);
        assert_eq!(console.listen, "127.0.0.1:0".parse().ok());
        assert_eq!(warnings(&settings), None);
        let with_namenode = settled(|args| args.kdc_only = false).expect("valid");
        assert_eq!(with_namenode.spec.realm.console, None);
        let other = settled(|args| {
            args.console_port = Some(8088);
            args.bind = "127.0.0.2".parse().ok();
        });
        let console = other.expect("valid").spec.realm.console.expect("there");
        assert_eq!(console.listen, "127.0.0.2:8088".parse().ok());
    }

    #[test]
    fn what_cannot_be_served_is_left_out_and_refused_if_it_is_asked_for() {
        let https = |args: &mut SettingsArgs| {
            args.hadoop = vec![("dfs.http.policy".to_owned(), "HTTPS_ONLY".to_owned())];
        };
        let settings = settled(https).expect("valid");
        assert_eq!(settings.spec.realm.console, None);
        assert!(warnings(&settings).is_some_and(|told| told.contains("HTTPS_ONLY")));
        let asked = settled(|args| {
            https(args);
            args.console_port = Some(0);
        });
        assert!(matches!(asked, Err(Failure::Configuration(_))));
        let with_namenode = settled(|args| {
            args.kdc_only = false;
            args.console_port = Some(0);
        });
        assert!(matches!(with_namenode, Err(Failure::Usage(_))));
    }
}
