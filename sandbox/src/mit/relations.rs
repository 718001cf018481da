//! The relations of `krb5.conf` and `kdc.conf` that the programs obey. For each relation that
//! affects MIT's programs but has no effect here, the affected program prints a warning that names
//! it.

use super::profile::{Profile, is_true};

/// One of the programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Krb5kdc,
    Kadmind,
    KadminLocal,
    Kdb5Util,
}

use Program::{KadminLocal, Kadmind, Kdb5Util, Krb5kdc};

/// The treatment of a relation.
#[derive(Clone, Copy)]
enum Fate {
    /// Obeyed here, obeyed by the clients that it concerns, or without effect in MIT's programs,
    /// too.
    Fine,
    /// Not obeyed: the affected programs, and the reason.
    Without(&'static [Program], &'static str),
    /// Not obeyed if the value is true.
    WithoutIfTrue(&'static [Program], &'static str),
}
use Fate::{Fine, Without, WithoutIfTrue};

const NO_RPC: Fate = Without(
    &[Kadmind],
    "the kadmin RPC is not served, only the password service",
);
const NO_INDICATORS: Fate = Without(&[Krb5kdc], "there are no authentication indicators");
const OTHER_FORMAT: Fate = Without(&[Kdb5Util], "the database is one JSON file");
const NO_LDAP: Fate = Without(&[Krb5kdc, Kdb5Util], "the database is a file, not LDAP");
const NO_PKINIT: Fate = Without(&[Krb5kdc], "PKINIT is not offered");
const NO_PLUGIN: &str = "modules are not loaded, nor turned off";

/// `[kdcdefaults]` and the realms' sections.
const SERVERS: &[(&str, Fate)] = &[
    ("host_based_services", Fine),
    ("kdc_listen", Fine),
    ("kdc_ports", Fine),
    ("kdc_tcp_listen", Fine),
    ("kdc_tcp_ports", Fine),
    ("no_host_referral", Fine),
    // Anonymous clients get no ticket at all.
    ("restrict_anonymous_to_tgt", Fine),
    ("kdc_max_dgram_reply_size", Fine),
    (
        "kdc_tcp_listen_backlog",
        Without(
            &[Krb5kdc],
            "the queue of connections has the system's length",
        ),
    ),
    ("spake_preauth_kdc_challenge", Fine),
    ("acl_file", Fine),
    ("database_module", Fine),
    ("database_name", Fine),
    ("default_principal_expiration", Fine),
    ("default_principal_flags", Fine),
    (
        "dict_file",
        Without(&[Kadmind], "only kadmin.local looks into the dictionary"),
    ),
    ("disable_pac", Fine),
    ("encrypted_challenge_indicator", NO_INDICATORS),
    (
        "iprop_enable",
        WithoutIfTrue(&[Kadmind], "there is no propagation to other KDCs"),
    ),
    // Without iprop_enable these have no effect in MIT's programs either.
    ("iprop_ulogsize", Fine),
    ("iprop_master_ulogsize", Fine),
    ("iprop_replica_poll", Fine),
    ("iprop_slave_poll", Fine),
    ("iprop_listen", Fine),
    ("iprop_port", Fine),
    ("iprop_resync_timeout", Fine),
    ("iprop_logfile", Fine),
    ("kadmind_listen", NO_RPC),
    ("kadmind_port", NO_RPC),
    ("key_stash_file", Fine),
    ("kpasswd_listen", Fine),
    ("kpasswd_port", Fine),
    ("master_key_name", Fine),
    ("master_key_type", Fine),
    ("max_life", Fine),
    ("max_renewable_life", Fine),
    ("reject_bad_transit", Fine),
    ("spake_preauth_indicator", NO_INDICATORS),
    ("supported_enctypes", Fine),
    ("pkinit_allow_upn", NO_PKINIT),
    ("pkinit_identity", NO_PKINIT),
    ("pkinit_indicator", NO_PKINIT),
    ("pkinit_require_freshness", NO_PKINIT),
];

/// The relations of a realm that concern its clients.
const OF_CLIENTS: &[&str] = &[
    "admin_server",
    "auth_to_local",
    "auth_to_local_names",
    "auto_fast_armor",
    "default_domain",
    "disable_encrypted_timestamp",
    "http_anchors",
    "kdc",
    "kpasswd_server",
    "master_kdc",
    "primary_kdc",
    "sitename",
    "v4_instance_convert",
    "v4_realm",
    "pkinit_anchors",
    "pkinit_cert_match",
    "pkinit_dh_min_bits",
    "pkinit_eku_checking",
    "pkinit_identities",
    "pkinit_kdc_hostname",
    "pkinit_pool",
    "pkinit_require_crl_checking",
    "pkinit_revoke",
];

const DATABASES: &[(&str, Fate)] = &[
    ("database_module", Fine),
    ("database_name", Fine),
    ("db_library", Fine),
    // Other modules than those of MIT's own databases are refused, so none is loaded.
    ("db_module_dir", Fine),
    // Neither is recorded, and no account is locked.
    ("disable_last_success", Fine),
    ("disable_lockout", Fine),
    ("mapsize", OTHER_FORMAT),
    ("max_readers", OTHER_FORMAT),
    ("nosync", OTHER_FORMAT),
    ("unlockiter", OTHER_FORMAT),
];

const LOGGING: &[(&str, Fate)] = &[
    ("admin_server", Fine),
    ("kdc", Fine),
    ("default", Fine),
    (
        "debug",
        WithoutIfTrue(&[Krb5kdc, Kadmind], "there are no debugging messages"),
    ),
];

/// `[libdefaults]`: nearly all concern clients. The KDC obeys clockskew, default_realm and
/// permitted_enctypes, and kadmin.local obeys default_keytab_name.
const LIBRARY: &[&str] = &[
    "allow_des3",
    "allow_rc4",
    "allow_weak_crypto",
    "ap_req_checksum_type",
    "canonicalize",
    "ccache_type",
    "client_aware_channel_bindings",
    "clockskew",
    "default_ccache_name",
    "default_client_keytab_name",
    "default_keytab_name",
    "default_rcache_name",
    "default_realm",
    "default_tgs_enctypes",
    "default_tkt_enctypes",
    "dns_canonicalize_hostname",
    "dns_fallback",
    "dns_lookup_kdc",
    "dns_lookup_realm",
    "dns_uri_lookup",
    "enforce_ok_as_delegate",
    "err_fmt",
    "extra_addresses",
    "forwardable",
    "ignore_acceptor_hostname",
    "k5login_authoritative",
    "k5login_directory",
    "kcm_mach_service",
    "kcm_socket",
    "kdc_default_options",
    "kdc_req_checksum_type",
    "kdc_timesync",
    "noaddresses",
    "permitted_enctypes",
    "plugin_base_dir",
    "preferred_preauth_types",
    "proxiable",
    "qualify_shortname",
    "rdns",
    "realm_try_domains",
    "renew_lifetime",
    "request_timeout",
    "safe_checksum_type",
    "spake_preauth_groups",
    "ticket_lifetime",
    "udp_preference_limit",
    "verify_ap_req_nofail",
];

/// Sections that need no warning, or that are handled elsewhere.
const SECTIONS: &[&str] = &[
    "appdefaults",
    "capaths",
    "dbdefaults",
    "dbmodules",
    "domain_realm",
    "kdcdefaults",
    "libdefaults",
    "logging",
    "login",
    "otp",
    "plugins",
    "realms",
];

/// The kinds of modules that MIT's servers load.
const MODULES_OF_SERVERS: &[(&str, &[Program])] = &[
    ("kdcpreauth", &[Krb5kdc]),
    ("kdcpolicy", &[Krb5kdc]),
    ("certauth", &[Krb5kdc]),
    ("audit", &[Krb5kdc]),
    ("kadm5_auth", &[Kadmind]),
    ("kadm5_hook", &[Kadmind, KadminLocal]),
    ("pwqual", &[Kadmind, KadminLocal]),
];

/// Returns the warnings of `program` about a profile, in the order of its relations.
pub(crate) fn warnings(profile: &Profile, realms: &[&str], program: Program) -> Vec<String> {
    let mut warnings: Vec<String> = Vec::new();
    for (place, value) in profile.each() {
        let (name, fate) = match place.as_slice() {
            ["kdcdefaults", name] => (format!("[kdcdefaults] {name}"), known(SERVERS, name)),
            ["realms", realm, name] if realms.contains(realm) => {
                (format!("[realms] {realm} {name}"), known(SERVERS, name))
            }
            ["dbdefaults", name] | ["dbmodules", name] | ["dbmodules", _, name] => {
                let fate = match name.starts_with("ldap_") {
                    true => Some(NO_LDAP),
                    false => known(DATABASES, name),
                };
                (format!("[{}] {name}", place[0]), fate)
            }
            ["logging", name] => (format!("[logging] {name}"), known(LOGGING, name)),
            // kadmin.local can disable these built-in modules.
            ["plugins", "pwqual", "disable"]
                if program == KadminLocal && ["dict", "empty", "princ"].contains(&value) =>
            {
                continue;
            }
            ["plugins", kind, name] => {
                let modules = MODULES_OF_SERVERS.iter().find(|(known, _)| known == kind);
                let fate = modules.map_or(Fine, |(_, programs)| Without(programs, NO_PLUGIN));
                (format!("[plugins] {kind} {name} = {value}"), Some(fate))
            }
            ["otp", token, ..] => {
                let fate = Without(&[Krb5kdc], "one-time passwords are not offered");
                (format!("[otp] {token}"), Some(fate))
            }
            ["libdefaults", name, ..] if OF_CLIENTS.contains(name) || LIBRARY.contains(name) => {
                continue;
            }
            // A subsection for an application or a realm: its relations concern clients.
            ["libdefaults", _, _, ..] => continue,
            ["libdefaults", name] => (format!("[libdefaults] {name}"), None),
            [section, ..] if !SECTIONS.contains(section) => (format!("section [{section}]"), None),
            _ => continue,
        };
        let daemons = &[Krb5kdc, Kadmind];
        let (programs, why): (&[Program], _) = match fate {
            Some(Fine) => continue,
            Some(Without(programs, why)) => (programs, why),
            Some(WithoutIfTrue(programs, why)) if is_true(value) => (programs, why),
            Some(_) => continue,
            None if name.starts_with("section") => {
                (daemons, "MIT's programs have none of this name")
            }
            None => (daemons, "there is no such relation"),
        };
        let warning = format!("{name} has no effect: {why}");
        if programs.contains(&program) && !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    warnings
}

fn known(table: &[(&str, Fate)], name: &str) -> Option<Fate> {
    if std::ptr::eq(table, SERVERS) && OF_CLIENTS.contains(&name) {
        return Some(Fine);
    }
    table
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, fate)| *fate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_effect_is_said_by_the_program_that_it_concerns() {
        let text = "[kdcdefaults]\nkdc_prots = 88\nspake_preauth_kdc_challenge = edwards25519\n\
            [realms]\nR = {\nkdc = h\nkadmind_port = 1\niprop_enable = no\niprop_port = 2\n\
            reject_bad_transit = false\nmaster_key_type = aes256-cts\n}\nOTHER = {\nx = y\n}\n\
            [plugins]\nkdcpreauth = {\nmodule = a:b\n}\nclpreauth = {\nmodule = a:b\n}\n\
            [otp]\nDEFAULT = {\nserver = h\ntimeout = 5\n}\n[libdefaults]\nrdns = false\nrdnss = false\n[kdc]\nx = y\n";
        let profile = Profile::parse(text).expect("a profile");
        let said = |program| warnings(&profile, &["R"], program);
        assert_eq!(
            said(Krb5kdc),
            [
                "[kdcdefaults] kdc_prots has no effect: there is no such relation",
                "[plugins] kdcpreauth module = a:b has no effect: modules are not loaded, nor turned off",
                "[otp] DEFAULT has no effect: one-time passwords are not offered",
                "[libdefaults] rdnss has no effect: there is no such relation",
                "section [kdc] has no effect: MIT's programs have none of this name",
            ]
        );
        assert_eq!(
            said(Kadmind),
            [
                "[kdcdefaults] kdc_prots has no effect: there is no such relation",
                "[realms] R kadmind_port has no effect: the kadmin RPC is not served, only the password service",
                "[libdefaults] rdnss has no effect: there is no such relation",
                "section [kdc] has no effect: MIT's programs have none of this name",
            ]
        );
        assert_eq!(said(KadminLocal), Vec::<String>::new());
        assert_eq!(said(Kdb5Util), Vec::<String>::new());
    }
}
