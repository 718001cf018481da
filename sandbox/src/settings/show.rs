//! The settings in effect as a configuration file.

use std::fmt;

use kerbox::NewPrincipal;
use kerbox::spec::duration::to_text as duration;
use kerbox::spec::{HdfsSpec, RealmSpec, Security};

use super::names::same_name;
use super::toml_text::{list, quoted, toml_key};
use super::values::enctype_name;
use super::{Settings, keys, other_realms};

/// The end of the comment in place of a secret.
const NOT_SHOWN: &str = "not shown";

impl fmt::Display for Settings {
    /// Writes the settings in the syntax of `kerbox.toml`. A password is shown only if it is not a
    /// secret: that of a default user, which is its name. If others are left out, the first line
    /// says so, because the text is then not the same configuration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Shown(self).to_string();
        let mut comments = text.lines().filter(|line| line.starts_with("# "));
        if comments.any(|line| line.ends_with(NOT_SHOWN)) {
            writeln!(
                f,
                "# Not the whole configuration: where a secret is {NOT_SHOWN}, add it before you \
                 use this as a file."
            )?;
        }
        f.write_str(&text)
    }
}

/// The settings without the first line.
struct Shown<'a>(&'a Settings);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(settings) = self;
        if let Some(file) = &settings.file {
            writeln!(f, "# read from {}", file.display())?;
        }
        let realm = &settings.spec.realm;
        write_realm(f, realm, settings.realm())?;
        for principal in &realm.principals {
            write_principal(f, principal)?;
        }
        other_realms::show(&realm.others, f)?;
        write_hdfs(f, &settings.spec.hdfs)?;
        if let Some(dir) = &settings.data_dir {
            let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.clone());
            writeln!(f, "\n[data]\ndir = {}", quoted(&dir.display().to_string()))?;
        }
        write!(f, "{}", settings.console)?;
        if let Some(start) = settings.start {
            writeln!(f, "\n[clock]\nstart = {start}")?;
        }
        let mut faults = settings.faults.iter();
        faults.try_for_each(|fault| super::faults::show(f, fault))
    }
}

fn write_realm(f: &mut fmt::Formatter<'_>, realm: &RealmSpec, name: &str) -> fmt::Result {
    writeln!(f, "[realm]")?;
    writeln!(f, "name = {}", quoted(name))?;
    writeln!(f, "listen = {}", quoted(&realm.listen.to_string()))?;
    writeln!(f, "max_life = {}", quoted(&duration(realm.max_life)))?;
    writeln!(
        f,
        "max_renewable_life = {}",
        quoted(&duration(realm.max_renewable_life))
    )?;
    writeln!(
        f,
        "enctypes = {}",
        list(realm.enctypes.iter().map(|enctype| enctype_name(*enctype)))
    )?;
    writeln!(f, "attributes = {}", list(&realm.attributes))?;
    writeln!(f, "clock_skew = {}", quoted(&duration(realm.clock_skew)))?;
    writeln!(f, "pac = {}", quoted(realm.pac.name()))?;
    if let Some(sid) = &realm.pac_domain.sid {
        writeln!(f, "domain_sid = {}", quoted(&sid.to_string()))?;
    }
    if let Some(name) = &realm.pac_domain.netbios_name {
        writeln!(f, "netbios_name = {}", quoted(name))?;
    }
    if lacks_a_default(realm, name) {
        writeln!(f, "principals = \"none\"")?;
    }
    writeln!(f, "\n[realm.libdefaults]")?;
    for (key, value) in &realm.libdefaults {
        writeln!(f, "{} = {}", toml_key(key), quoted(value))?;
    }
    Ok(())
}

fn write_hdfs(f: &mut fmt::Formatter<'_>, hdfs: &HdfsSpec) -> fmt::Result {
    let security = match hdfs.security {
        Security::Kerberos => "kerberos",
        Security::Simple => "simple",
    };
    writeln!(f, "\n[hdfs]")?;
    writeln!(f, "security = {}", quoted(security))?;
    writeln!(f, "superuser = {}", quoted(&hdfs.superuser))?;
    writeln!(f, "datanodes = {}", hdfs.datanodes)?;
    writeln!(f, "listen = {}", quoted(&hdfs.listen.to_string()))?;
    if let Some(layout) = hdfs.layout {
        writeln!(f, "layout = {}", quoted(layout.name()))?;
    }
    writeln!(f, "symlinks = {}", hdfs.symlinks)?;
    writeln!(f, "httpfs = {}", hdfs.httpfs)?;
    if let Some(lifetime) = hdfs.certificate_lifetime {
        writeln!(f, "certificate_lifetime = {}", quoted(&duration(lifetime)))?;
    }
    if !hdfs.racks.is_empty() {
        writeln!(f, "racks = {}", list(&hdfs.racks))?;
    }
    writeln!(f, "\n[hdfs.groups]")?;
    for (group, members) in &hdfs.groups {
        writeln!(f, "{} = {}", toml_key(group), list(members))?;
    }
    for directory in &hdfs.directories {
        writeln!(f, "\n[[hdfs.directory]]")?;
        writeln!(f, "path = {}", quoted(&directory.path))?;
        writeln!(f, "owner = {}", quoted(&directory.owner))?;
        writeln!(f, "group = {}", quoted(&directory.group))?;
        writeln!(f, "mode = \"{:03o}\"", directory.mode)?;
    }
    writeln!(f, "\n[hadoop]")?;
    for (key, value) in &hdfs.keys {
        writeln!(f, "{} = {}", quoted(key), quoted(value))?;
    }
    Ok(())
}

/// Returns whether a default principal was left out, which only `principals = "none"` can do.
fn lacks_a_default(realm: &RealmSpec, name: &str) -> bool {
    let has = |default: &NewPrincipal| {
        let mut principals = realm.principals.iter();
        principals.any(|principal| same_name(&principal.name, &default.name, name))
    };
    !RealmSpec::default_principals().all(|default| has(&default))
}

fn write_principal(f: &mut fmt::Formatter<'_>, principal: &NewPrincipal) -> fmt::Result {
    writeln!(f, "\n[[principal]]")?;
    writeln!(f, "name = {}", quoted(&principal.name))?;
    match &principal.password {
        Some(password) if *password == principal.name => {
            writeln!(f, "password = {}", quoted(password))?;
        }
        Some(_) => writeln!(f, "# password: set, and not shown")?,
        None => {}
    }
    if principal.random_keys {
        writeln!(f, "random_keys = true")?;
    }
    keys::show(f, &principal.keys, principal.import.as_deref())?;
    if let Some(keytab) = &principal.keytab {
        writeln!(f, "keytab = {}", quoted(keytab))?;
    }
    if let Some(enctypes) = &principal.enctypes {
        writeln!(
            f,
            "enctypes = {}",
            list(enctypes.iter().map(|enctype| enctype_name(*enctype)))
        )?;
    }
    if let Some(kvno) = principal.kvno {
        writeln!(f, "kvno = {kvno}")?;
    }
    write_limits(f, principal)?;
    write_account(f, principal)?;
    if !principal.delegates_to.is_empty() {
        writeln!(f, "delegates_to = {}", list(&principal.delegates_to))?;
    }
    Ok(())
}

/// Writes lifetimes, ends and attributes.
fn write_limits(f: &mut fmt::Formatter<'_>, principal: &NewPrincipal) -> fmt::Result {
    for (key, life) in [
        ("max_life", principal.max_life),
        ("max_renewable_life", principal.max_renewable_life),
    ] {
        if let Some(life) = life {
            writeln!(f, "{key} = {}", quoted(&duration(life)))?;
        }
    }
    for (key, time) in [
        ("expires", principal.expires),
        ("password_expires", principal.password_expires),
    ] {
        if let Some(time) = time {
            writeln!(f, "{key} = {time}")?;
        }
    }
    if !principal.attributes.is_empty() {
        writeln!(f, "attributes = {}", list(&principal.attributes))?;
    }
    Ok(())
}

/// Writes what a PAC says about the account.
fn write_account(f: &mut fmt::Formatter<'_>, principal: &NewPrincipal) -> fmt::Result {
    let account = &principal.pac_account;
    for (key, number) in [
        ("rid", account.rid),
        ("primary_group", account.primary_group),
    ] {
        if let Some(number) = number {
            writeln!(f, "{key} = {number}")?;
        }
    }
    if !account.groups.is_empty() {
        writeln!(f, "groups = {:?}", account.groups)?;
    }
    if let Some(name) = &account.full_name {
        writeln!(f, "full_name = {}", quoted(name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::settings::file::read;

    const WHOLE: &str = r##"
[realm]
name = "TEST.LOCAL"
listen = "127.0.0.1:1088"
max_life = "1h30m"
enctypes = ["aes128-cts-hmac-sha1-96"]
attributes = ["-requires_preauth"]
[realm.libdefaults]
kdc_timesync = 0
"odd key" = "a = \"b\""
[[principal]]
name = "carol"
kvno = 7
expires = 2020-01-01T00:00:00Z
password_expires = 2020-01-01T02:00:00+01:00
max_life = "250ms"
attributes = ["-allow_tix", "+ok_as_delegate"]
delegates_to = ["hdfs/localhost"]
[hdfs]
security = "simple"
layout = "hadoop-secure"
datanodes = 0
symlinks = true
httpfs = true
certificate_lifetime = "90d"
racks = ["/rack1", "/rack2"]
groups = { analysts = ["alice", "bob"] }
[[hdfs.directory]]
path = "/user/jupyter"
owner = "jupyter"
group = "jupyter"
mode = "1700"
[hadoop]
"hadoop.security.auth_to_local" = "RULE:[2:$1@$0](nn@EXAMPLE.COM)s/.*/hdfs/\nDEFAULT"
[data]
dir = "/tmp/kerbox-data"
[console]
enabled = true
listen = "127.0.0.1:8088"
administrators = ["alice", "ops/admin"]
[clock]
start = 2030-01-01T00:00:00Z
[[fault]]
action = "delay"
server = "namenode"
by = "1500ms"
of = "alice"
method = "getFileInfo"
after = 2
times = 3
probability = 0.5
[[fault]]
action = "exception"
class = "java.io.IOException"
message = ""
"##;

    #[test]
    fn what_is_shown_reads_as_the_same_settings() {
        let none = "[realm]\nprincipals = \"none\"\n[[principal]]\nname = \"carol\"\n";
        for text in ["", WHOLE, none] {
            let settings = read("a", text).expect("valid");
            let shown = settings.to_string();
            let again =
                read("b", &shown).unwrap_or_else(|problems| panic!("{problems:?} in:\n{shown}"));
            assert_eq!(again, settings, "{shown}");
        }
    }

    #[test]
    fn passwords_of_ones_own_are_not_shown() {
        let settings = read(
            "a",
            "[[principal]]\nname = \"carol\"\npassword = \"geheim\"\n",
        )
        .expect("valid");
        assert!(!settings.to_string().contains("geheim"));
    }
}
