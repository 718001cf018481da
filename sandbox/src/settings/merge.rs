//! Merges flags, variables, file and defaults into the settings in effect.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kerbox::spec::{HdfsSpec, Security, Spec};
use kerbox::{NewPrincipal, Protection, Server};
use minihdfs::config::HdfsConfig;

use super::names::same_name;
use super::overrides::Overrides;
use super::{Settings, console, file};
use crate::failure::Failure;
use crate::flags::SettingsArgs;

/// The purpose of the settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// A sandbox that people connect to by hand: stable ports are useful.
    Up,
    /// A sandbox for one command: many may run at once.
    Exec,
    /// A server of HDFS whose KDC is another process, which may have made the principals otherwise.
    Part,
}

/// The file in the working directory that is read when none is named.
const DEFAULT_FILE: &str = "kerbox.toml";
const KDC_PORT: u16 = 10_088;
const NAMENODE_PORT: u16 = 9_000;

/// Returns the settings in effect. Variables have already replaced missing flags in `args`.
pub(crate) fn effective(args: &SettingsArgs, purpose: Purpose) -> Result<Settings, Failure> {
    let overrides = Overrides::of(args);
    let mut settings = match &args.config {
        Some(file) => read(file, overrides)?,
        None if Path::new(DEFAULT_FILE).exists() => read(Path::new(DEFAULT_FILE), overrides)?,
        None => Settings::default(),
    };
    let hdfs = &mut settings.spec.hdfs;
    overrides.apply(hdfs);
    if let Some(image) = &args.fsimage {
        hdfs.fsimage = Some(image.clone());
    }
    hdfs.upgrade = args.upgrade;
    if let Some(protection) = args.protection {
        if hdfs.security == Security::Simple {
            let what = "a protection needs Kerberos; leave out --protection (or KERBOX_PROTECTION), or ask for --secure";
            return Err(Failure::Usage(what.to_owned()));
        }
        let keys = Protection::from(protection).keys();
        let keys = keys.map(|(key, value)| (key.to_owned(), value.to_owned()));
        settings.overriding.extend(keys);
    }
    settings.overriding.extend(args.hadoop.iter().cloned());
    hdfs.keys.extend(settings.overriding.clone());
    settings.kdc_only = overrides.kdc_only;
    check_hadoop(&settings)?;
    if purpose != Purpose::Part {
        check_principals(&settings)?;
    }
    settings.data_dir = args.data_dir.clone().or(settings.data_dir);
    settings.strict_ports = args.strict_ports;
    settings.seed = args.seed;

    let stable = purpose != Purpose::Exec && settings.file.is_none();
    let Spec { realm, hdfs, .. } = &mut settings.spec;
    for (server, listen, flag, usual) in [
        (Server::Kdc, &mut realm.listen, args.kdc_port, KDC_PORT),
        (
            Server::NameNode(1),
            &mut hdfs.listen,
            args.namenode_port,
            NAMENODE_PORT,
        ),
    ] {
        match flag {
            Some(port) => listen.set_port(port),
            None if stable && listen.port() == 0 => {
                listen.set_port(usual);
                if !args.strict_ports {
                    settings.movable.push(server);
                }
            }
            None => {}
        }
        listen.set_ip(args.bind.unwrap_or_else(|| listen.ip()));
    }
    console::settle(&mut settings, args)?;
    Ok(settings)
}

/// Reads a configuration file by itself. Its problems are reported as a
/// [`Failure::Configuration`].
pub(crate) fn check(path: &Path) -> Result<Settings, Failure> {
    read(path, Overrides::default())
}

fn read(path: &Path, overrides: Overrides) -> Result<Settings, Failure> {
    let name = path.display().to_string();
    let problem = |why: &str| Failure::Configuration(vec![format!("{name}: {why}")]);
    let text = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            problem("there is no such file; --config and KERBOX_CONFIG name an existing one")
        }
        _ => problem(&format!("it cannot be read: {error}")),
    })?;
    let text = String::from_utf8(text).map_err(|_| problem("it is not UTF-8 text"))?;
    let mut settings = file::read_under(&name, &text, overrides).map_err(Failure::Configuration)?;
    settings.file = Some(PathBuf::from(path));
    Ok(settings)
}

/// Reads the HDFS of the settings' file again, for the `refresh` verbs.
///
/// # Errors
/// Fails with the file's problems.
pub(crate) fn read_again(settings: &Settings) -> Result<HdfsSpec, String> {
    let mut hdfs = match &settings.file {
        Some(file) => {
            check(file)
                .map_err(|failure| failure.to_string())?
                .spec
                .hdfs
        }
        None => settings.spec.hdfs.clone(),
    };
    hdfs.keys.extend(settings.overriding.clone());
    Ok(hdfs)
}

/// Fails if Hadoop's keys, together with those that the security setting implies, are inconsistent.
fn check_hadoop(settings: &Settings) -> Result<(), Failure> {
    let secure: &[(&str, &str)] = match settings.spec.hdfs.security {
        Security::Kerberos => &[
            ("hadoop.security.authentication", "kerberos"),
            ("dfs.block.access.token.enable", "true"),
        ],
        Security::Simple => &[],
    };
    let given = settings.spec.hdfs.keys.iter();
    let given = given.map(|(key, value)| (key.as_str(), value.as_str()));
    HdfsConfig::from_pairs(secure.iter().copied().chain(given))
        .map(drop)
        .map_err(|error| Failure::Configuration(vec![format!("[hadoop] or -D: {error}")]))
}

/// Fails if a secure HDFS lacks a service's principal.
fn check_principals(settings: &Settings) -> Result<(), Failure> {
    if settings.kdc_only || settings.spec.hdfs.security == Security::Simple {
        return Ok(());
    }
    let Spec { realm, hdfs, .. } = &settings.spec;
    for (key, usual) in [
        ("dfs.namenode.kerberos.principal", "nn/localhost"),
        ("dfs.datanode.kerberos.principal", "dn/localhost"),
    ] {
        let name = hdfs.keys.get(key).map_or(usual, String::as_str);
        let name = name.replace("_HOST", "localhost");
        let has = |other: &NewPrincipal| same_name(&other.name, &name, settings.realm());
        if !realm.principals.iter().any(has) {
            return Err(Failure::Configuration(vec![format!(
                "HDFS needs the principal {name:?} ({key}), and the realm has none of that name: add a [[principal]], leave out [realm] principals = \"none\", or start with --kdc-only or --simple"
            )]));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::Protection;

    #[test]
    fn ports_are_stable_only_for_up_without_a_configuration() {
        let mut args = SettingsArgs::default();
        let ports = |args: &SettingsArgs, purpose| {
            let settings = effective(args, purpose).expect("valid");
            let Spec { realm, hdfs, .. } = settings.spec;
            (realm.listen.port(), hdfs.listen.port(), settings.movable)
        };
        assert_eq!(
            ports(&args, Purpose::Up),
            (10_088, 9_000, vec![Server::Kdc, Server::NameNode(1)])
        );
        assert_eq!(ports(&args, Purpose::Exec), (0, 0, vec![]));
        args.strict_ports = true;
        args.namenode_port = Some(0);
        assert_eq!(ports(&args, Purpose::Up), (10_088, 0, vec![]));
    }

    #[test]
    fn a_key_given_by_d_overrides_the_protection_flag() {
        let args = SettingsArgs {
            protection: Some(Protection::Privacy),
            hadoop: vec![(
                String::from("hadoop.rpc.protection"),
                String::from("integrity"),
            )],
            ..SettingsArgs::default()
        };
        let settings = effective(&args, Purpose::Exec).expect("valid");
        assert_eq!(
            settings.spec.hdfs.keys["hadoop.rpc.protection"],
            "integrity"
        );
        assert_eq!(
            settings.spec.hdfs.keys["dfs.data.transfer.protection"],
            "privacy"
        );
    }

    #[test]
    fn an_encrypted_data_transfer_needs_no_more_than_its_key() {
        for pair in [
            ("dfs.encrypt.data.transfer", "true"),
            ("dfs.data.transfer.protection", ""),
        ] {
            let args = SettingsArgs {
                hadoop: vec![(pair.0.to_owned(), pair.1.to_owned())],
                ..SettingsArgs::default()
            };
            effective(&args, Purpose::Exec).unwrap_or_else(|failure| panic!("{failure}"));
        }
    }

    #[test]
    fn simple_security_has_no_protection() {
        let args = SettingsArgs {
            protection: Some(Protection::Privacy),
            simple: true,
            ..SettingsArgs::default()
        };
        assert!(matches!(
            effective(&args, Purpose::Exec),
            Err(Failure::Usage(_))
        ));
    }
}
