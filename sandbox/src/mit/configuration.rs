//! What `krb5.conf` and `kdc.conf` say to MIT's programs.

use std::path::PathBuf;
use std::time::Duration;

use kerbox_krb5::EncryptionType;

use super::acl::Acl;
use super::date::parse_delta;
use super::profile::Profile;
use crate::settings::Attribute;

/// The part of MIT's configuration that concerns the four programs.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub(crate) realm: String,
    /// The database; MIT's is several files that begin like this.
    pub(crate) database: PathBuf,
    /// UDP and TCP; none: 88.
    pub(crate) listen: Vec<String>,
    /// The password service's; none: 464.
    pub(crate) kpasswd_listen: Vec<String>,
    /// Who may set others' passwords.
    pub(crate) acl: Acl,
    pub(crate) max_life: Duration,
    pub(crate) max_renewable_life: Duration,
    pub(crate) enctypes: Vec<EncryptionType>,
    /// What a new principal starts with.
    pub(crate) attributes: Vec<Attribute>,
    /// Whether tickets carry a PAC, as those of MIT's KDC do since 1.20.
    pub(crate) pac: bool,
}

const DAY: Duration = Duration::from_hours(24);

impl Configuration {
    /// From the files that `KRB5_CONFIG` and `KRB5_KDC_PROFILE` name; `-r` and `-d` of the command
    /// line come first.
    pub(crate) fn read(realm: Option<&str>, database: Option<&str>) -> Result<Self, String> {
        let variable =
            |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
        let client = Profile::read(&variable("KRB5_CONFIG", "/etc/krb5.conf"));
        let server = Profile::read(&variable("KRB5_KDC_PROFILE", "/var/lib/krb5kdc/kdc.conf"));
        Self::of(&client, &server, realm, database)
    }

    fn of(
        client: &Profile,
        server: &Profile,
        realm: Option<&str>,
        database: Option<&str>,
    ) -> Result<Self, String> {
        let realm = realm
            .or_else(|| client.value(&["libdefaults", "default_realm"]))
            .ok_or("Configuration file does not specify default realm")?
            .to_owned();
        // kdc.conf comes before krb5.conf, as in MIT's.
        let value = |name: &str| {
            server
                .value(&["realms", &realm, name])
                .or_else(|| client.value(&["realms", &realm, name]))
        };
        let life = |name: &str, default: Duration| match value(name) {
            Some(text) => {
                parse_delta(text).ok_or_else(|| format!("{name} = {text} is not a duration"))
            }
            None => Ok(default),
        };
        let listen = ["kdc_listen", "kdc_ports"].into_iter().find_map(value);
        let listen = listen
            .or_else(|| server.value(&["kdcdefaults", "kdc_listen"]))
            .unwrap_or("88");
        let kpasswd_listen = ["kpasswd_listen", "kpasswd_port"]
            .into_iter()
            .find_map(value)
            .unwrap_or("464");
        // Without the file nobody administers, as with MIT's.
        let acl_file = value("acl_file").unwrap_or("/var/lib/krb5kdc/kadm5.acl");
        let acl = std::fs::read_to_string(acl_file).ok();
        let words = |text: &str| {
            text.split([' ', ',', '\t'])
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let enctypes: Vec<EncryptionType> = words(value("supported_enctypes").unwrap_or_default())
            .iter()
            // Each may have a kind of salt behind a colon.
            .filter_map(|name| name.split(':').next()?.parse().ok())
            .filter(|enctype: &EncryptionType| enctype.is_supported())
            .collect();
        let flags = words(value("default_principal_flags").unwrap_or_default());
        Ok(Self {
            database: PathBuf::from(
                database
                    .or_else(|| value("database_name"))
                    .unwrap_or("/var/lib/krb5kdc/principal"),
            ),
            listen: words(listen),
            kpasswd_listen: words(kpasswd_listen),
            acl: acl.map(|text| Acl::parse(&text)).unwrap_or_default(),
            max_life: life("max_life", DAY)?,
            max_renewable_life: life("max_renewable_life", Duration::ZERO)?,
            enctypes: if enctypes.is_empty() {
                EncryptionType::DEFAULT.to_vec()
            } else {
                enctypes
            },
            pac: !matches!(
                value("disable_pac"),
                Some("true" | "yes" | "on" | "1" | "t" | "y")
            ),
            attributes: flags.iter().filter_map(|flag| default_flag(flag)).collect(),
            realm,
        })
    }
}

/// The flags of `default_principal_flags`, whose names differ from kadmin's.
fn default_flag(flag: &str) -> Option<Attribute> {
    let (sign, name) = flag.split_at_checked(1)?;
    let name = match name {
        "preauth" => "requires_preauth",
        "hwauth" => "requires_hwauth",
        "pwchange" => "needchange",
        "service" => "allow_svr",
        "tgt-based" => "allow_tgs_req",
        "postdateable" => "allow_postdated",
        "forwardable" => "allow_forwardable",
        "renewable" => "allow_renewable",
        "proxiable" => "allow_proxiable",
        "dup-skey" => "allow_dup_skey",
        "allow-tickets" => "allow_tix",
        "ok-as-delegate" => "ok_as_delegate",
        "ok-to-auth-as-delegate" => "ok_to_auth_as_delegate",
        "no-auth-data-required" => "no_auth_data_required",
        other => other,
    };
    Attribute::parse(&format!("{sign}{name}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kdc_conf_comes_before_krb5_conf_and_the_realm_is_the_clients_default() {
        let client = Profile::parse(
            "[libdefaults]\n default_realm = R\n[realms]\n R = {\n  max_life = 1h\n }\n",
        );
        let server = Profile::parse(
            "[realms]\n R = {\n  kdc_ports = 61000\n  database_name = /t/db\n  max_renewable_life = 7d\n  supported_enctypes = aes128-cts:normal, des-cbc-crc:normal\n  default_principal_flags = +preauth -forwardable\n }\n",
        );
        let read = Configuration::of(&client, &server, None, None).expect("it names a realm");
        assert_eq!(read.realm, "R");
        assert_eq!(read.listen, ["61000"]);
        assert_eq!(read.database, PathBuf::from("/t/db"));
        assert_eq!(read.max_life, Duration::from_hours(1));
        assert_eq!(read.max_renewable_life, 7 * DAY);
        assert_eq!(read.enctypes, [EncryptionType::AES128_CTS_HMAC_SHA1_96]);
        let attributes: Vec<String> = read.attributes.iter().map(ToString::to_string).collect();
        assert_eq!(attributes, ["+requires_preauth", "-allow_forwardable"]);
        assert!(Configuration::of(&Profile::default(), &server, None, None).is_err());
    }
}
