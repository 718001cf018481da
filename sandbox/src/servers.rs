//! The servers, started according to the settings.

use std::net::SocketAddr;
use std::sync::Arc;

use kerbox::directory::Directory;
use kerbox::{Cluster, Error, Journal, NewPrincipal, Realm, RealmConfig, Trust};
use kerbox_kdc::Attributes;

use crate::cli::Security;
use crate::randomness;
use crate::settings::{
    FurtherRealm, Listen, PrincipalSettings, RealmSettings, Settings, TrustSettings,
};

/// Sets what every sandbox has on a harness builder. The two builders share these methods, but no
/// trait.
macro_rules! in_world {
    ($builder:expr, $settings:expr, $directory:expr) => {
        $builder
            .opened_directory(Arc::clone($directory))
            .seed($settings.seed.unwrap_or_else(randomness::seed))
            .threads(std::thread::available_parallelism().map_or(1, usize::from))
    };
}

/// Sets what every sandbox with a realm has.
macro_rules! with_realm {
    ($builder:expr, $settings:expr) => {{
        let realm = &$settings.realm;
        let mut builder = $builder
            .realm_name(&realm.name)
            .kdc_listen(address(realm.listen))
            .max_life(realm.max_life)
            .max_renewable_life(realm.max_renewable_life)
            .enctypes(realm.enctypes.iter().copied())
            .clock_skew(realm.clock_skew)
            .pac(realm.pac)
            .pac_domain(realm.pac_domain.clone())
            // Undo the harness's default; the settings decide about this attribute.
            .attribute("-requires_preauth")
            // The settings list all principals themselves.
            .without_principals();
        for attribute in &realm.attributes {
            builder = builder.attribute(&attribute.to_string());
        }
        for (key, value) in &realm.libdefaults {
            builder = builder.libdefault(key, value);
        }
        for principal in &$settings.principals {
            builder = builder.principal(new_principal(principal));
        }
        for further in &$settings.others.further {
            builder = builder.further_realm(further_realm(further, realm)?);
        }
        for trust in $settings.others.trusts.iter().flat_map(trusts) {
            builder = builder.trust(trust);
        }
        for (client, ways) in &$settings.others.capaths {
            for (server, through) in ways {
                builder = builder.capath(client, server, through);
            }
        }
        for (host, realm) in &$settings.others.domain_realm {
            builder = builder.domain_realm(host, realm);
        }
        builder
    }};
}

/// The running servers.
pub(crate) enum Servers {
    /// Only the KDC.
    Realm(Realm),
    /// The NameNode and the DataNodes, and the KDC unless security is simple.
    Cluster(Cluster),
}

impl Servers {
    /// Starts the servers. They answer when this returns.
    pub(crate) async fn start(
        settings: &Settings,
        directory: &Arc<Directory>,
    ) -> Result<Self, Error> {
        if settings.kdc_only {
            return Ok(Self::Realm(
                in_world!(with_realm!(Realm::builder(), settings), settings, directory)
                    .start()
                    .await?,
            ));
        }
        let hdfs = &settings.hdfs;
        let builder = match hdfs.security {
            Security::Kerberos => with_realm!(Cluster::secure(), settings),
            // Not `with_realm!`: a simple cluster refuses settings that only a realm has.
            Security::Simple => Cluster::simple(),
        };
        let mut builder = in_world!(builder, settings, directory)
            .datanodes(usize::from(hdfs.datanodes))
            .namenode_listen(address(hdfs.listen))
            .superuser(&hdfs.superuser);
        for (group, members) in &hdfs.groups {
            builder = builder.group(group, members);
        }
        for directory in &hdfs.directories {
            builder = builder.hdfs_directory(
                &directory.path,
                &directory.owner,
                &directory.group,
                directory.mode,
            );
        }
        for (key, value) in &settings.hadoop {
            builder = builder.set(key, value);
        }
        Ok(Self::Cluster(builder.start().await?))
    }

    /// Returns the realm, if there is one.
    pub(crate) fn realm(&self) -> Option<&Realm> {
        match self {
            Self::Realm(realm) => Some(realm),
            Self::Cluster(cluster) => cluster.realm(),
        }
    }

    /// Returns the journal of their events.
    pub(crate) fn journal(&self) -> Journal {
        match self {
            Self::Realm(realm) => realm.journal(),
            Self::Cluster(cluster) => cluster.journal(),
        }
    }

    /// Returns the address of the NameNode, if there is one.
    pub(crate) fn namenode(&self) -> Option<SocketAddr> {
        match self {
            Self::Realm(_) => None,
            Self::Cluster(cluster) => Some(cluster.namenode_address()),
        }
    }

    /// Returns the addresses of the DataNodes in order.
    pub(crate) fn datanodes(&self) -> Vec<SocketAddr> {
        match self {
            Self::Realm(_) => Vec::new(),
            Self::Cluster(cluster) => {
                let numbers = 1..=cluster.datanodes();
                numbers
                    .filter_map(|number| Some(cluster.datanode(number).ok()?.address()))
                    .collect()
            }
        }
    }
}

/// Returns the configuration of a further realm: that of `[realm]`, except for what it sets itself.
fn further_realm(further: &FurtherRealm, first: &RealmSettings) -> Result<RealmConfig, Error> {
    let mut config = RealmConfig::new(&further.name);
    config.max_life = further.max_life.unwrap_or(first.max_life);
    config.max_renewable_life = further
        .max_renewable_life
        .unwrap_or(first.max_renewable_life);
    config.enctypes = further
        .enctypes
        .clone()
        .unwrap_or_else(|| first.enctypes.clone());
    config.clock_skew = first.clock_skew;
    config.pac = first.pac;
    config.attributes = Attributes::NONE;
    for attribute in further.attributes.as_ref().unwrap_or(&first.attributes) {
        config.attributes.apply(&attribute.to_string())?;
    }
    Ok(config)
}

/// Returns one trust for each direction, because their imported keys differ.
fn trusts(settings: &TrustSettings) -> impl Iterator<Item = Trust> {
    let ways = [
        (settings.direction.is_in(), true, &settings.keys_in),
        (settings.direction.is_out(), false, &settings.keys_out),
    ];
    ways.into_iter()
        .filter(|(wanted, ..)| *wanted)
        .map(|(_, incoming, keys)| {
            let realm = &settings.realm;
            let mut trust = match &settings.password {
                Some(password) => Trust::with_password(realm, password),
                None if keys.is_empty() => Trust::with_random_keys(realm),
                None => Trust::with_keys(realm, keys.iter().cloned()),
            };
            if let Some(enctypes) = &settings.enctypes {
                trust = trust.enctypes(enctypes.iter().copied());
            }
            if let Some(kvno) = settings.kvno {
                trust = trust.kvno(kvno);
            }
            for address in &settings.kdc {
                trust = trust.kdc(address);
            }
            if incoming {
                trust.incoming()
            } else {
                trust.outgoing()
            }
        })
}

fn new_principal(settings: &PrincipalSettings) -> NewPrincipal {
    let mut principal = NewPrincipal::new(&settings.name);
    if let Some(password) = &settings.password {
        principal = if settings.random_keys {
            principal.password_besides(password)
        } else {
            principal.password(password)
        };
    }
    principal = principal.keys(settings.keys.iter().cloned());
    if let Some(file) = &settings.keytab {
        principal = principal.keytab(file);
    }
    if let Some(enctypes) = &settings.enctypes {
        principal = principal.enctypes(enctypes.iter().copied());
    }
    if let Some(kvno) = settings.kvno {
        principal = principal.kvno(kvno);
    }
    if let Some(life) = settings.max_life {
        principal = principal.max_life(life);
    }
    if let Some(life) = settings.max_renewable_life {
        principal = principal.max_renewable_life(life);
    }
    if let Some(at) = settings.expires {
        principal = principal.expires(at);
    }
    if let Some(at) = settings.password_expires {
        principal = principal.password_expires(at);
    }
    for attribute in &settings.attributes {
        principal = principal.attribute(attribute.to_string());
    }
    principal = principal.pac_account(settings.pac_account.clone());
    for service in &settings.delegates_to {
        principal = principal.delegates_to(service);
    }
    principal
}

fn address(listen: Listen) -> SocketAddr {
    SocketAddr::new(listen.address, listen.port.number())
}
