//! `kerbox.toml`.

use kerbox::NewPrincipal;
use kerbox::spec::duration::parse as parse_duration;
use kerbox::spec::{MOST_DATANODES, NewDirectory, RealmSpec, Spec};
use kerbox_kdc::SidError;
use minihdfs::config::HdfsConfig;
use toml::de::DeTable;

use super::names::{own_name, same_name};
use super::overrides::Overrides;
use super::principals::{flag, read_principal, time};
use super::section::{Section, Source};
use super::values::{
    parse_attribute, parse_enctype, parse_layout, parse_listen, parse_mode, parse_name,
    parse_netbios_name, parse_pac, parse_path, parse_principals, parse_rack, parse_realm,
    parse_security,
};
use super::{Settings, console, faults, other_realms};

/// Reads a file's settings over the defaults. Fails with every problem in it, each as `NAME:LINE:
/// what`. The command line's `overrides` decide which faults can be carried out.
pub(super) fn read_under(
    name: &str,
    text: &str,
    overrides: Overrides,
) -> Result<Settings, Vec<String>> {
    let source = Source::new(name, text);
    let mut settings = Settings::default();
    match DeTable::parse(text) {
        Ok(document) => {
            read_document(&source, document.get_ref(), &mut settings, overrides);
        }
        Err(error) => source.problem(error.span().map_or(0, |span| span.start), error.message()),
    }
    let problems = source.into_problems();
    if problems.is_empty() {
        Ok(settings)
    } else {
        Err(problems)
    }
}

/// Reads a file's settings by themselves.
#[cfg(test)]
pub(super) fn read(name: &str, text: &str) -> Result<Settings, Vec<String>> {
    read_under(name, text, Overrides::default())
}

fn read_document(
    source: &Source<'_>,
    document: &DeTable<'_>,
    settings: &mut Settings,
    overrides: Overrides,
) {
    let realm = &mut settings.spec.realm;
    let mut top = Section::new(source, "", 0, document);
    if let Some(section) = top.table("realm") {
        read_realm(section, realm);
    }
    other_realms::read_further(&mut top, realm);
    let mut principals: Vec<NewPrincipal> = Vec::new();
    for section in top.tables("principal") {
        if let Some(principal) = read_principal(section, realm, &principals) {
            principals.push(principal);
        }
    }
    let name = own_name(realm).to_owned();
    realm.principals.retain(|default| {
        !principals
            .iter()
            .any(|given| same_name(&given.name, &default.name, &name))
    });
    realm.principals.append(&mut principals);
    other_realms::read(&mut top, realm);
    if let Some(section) = top.table("hdfs") {
        read_hdfs(section, &mut settings.spec);
    }
    let hdfs = &mut settings.spec.hdfs;
    if let Some(section) = top.table("hadoop") {
        let mut obeyed = HdfsConfig::default();
        let fits = |key: &str, value: &str| {
            obeyed
                .set(key, value)
                .map(drop)
                .map_err(|error| error.to_string())
        };
        hdfs.keys = section.scalars(fits).into_iter().collect();
    }
    if let Some(mut section) = top.table("data") {
        let dir = section.text("dir", parse_name);
        settings.data_dir = dir.map(|dir| section.beside(&dir));
        section.finish();
    }
    if let Some(section) = top.table("console") {
        settings.console = console::read(section);
    }
    if let Some(section) = top.table("clock") {
        settings.start = faults::read_clock(section, time);
    }
    let mut in_effect = hdfs.clone();
    overrides.apply(&mut in_effect);
    let in_effect = (!overrides.kdc_only).then_some(&in_effect);
    let sections = top.tables("fault").into_iter();
    settings.faults = sections
        .filter_map(|section| faults::read(section, in_effect))
        .collect();
    top.finish();
}

fn read_realm(mut section: Section<'_, '_>, realm: &mut RealmSpec) {
    if let Some(name) = section.text("name", parse_realm) {
        realm.name = Some(name);
    }
    set(&mut realm.listen, section.text("listen", parse_listen));
    set(
        &mut realm.max_life,
        section.text("max_life", parse_duration),
    );
    set(
        &mut realm.max_renewable_life,
        section.text("max_renewable_life", parse_duration),
    );
    set(&mut realm.enctypes, section.list("enctypes", parse_enctype));
    set(
        &mut realm.attributes,
        section.list("attributes", parse_attribute),
    );
    set(
        &mut realm.clock_skew,
        section.text("clock_skew", parse_duration),
    );
    set(&mut realm.pac, section.text("pac", parse_pac));
    realm.pac_domain.sid = section.text("domain_sid", |text| {
        text.parse().map_err(|error: SidError| error.to_string())
    });
    realm.pac_domain.netbios_name = section.text("netbios_name", parse_netbios_name);
    if section.text("principals", parse_principals) == Some(false) {
        realm.principals.clear();
    }
    if let Some(libdefaults) = section.table("libdefaults") {
        realm.libdefaults.extend(libdefaults.scalars(|_, _| Ok(())));
    }
    if realm.enctypes.is_empty() {
        section.problem("enctypes is empty; leave it out for the usual two");
    }
    if realm.max_life.is_zero() {
        section.problem("max_life is zero, so that no ticket could ever be used");
    }
    section.finish();
}

fn read_hdfs(mut section: Section<'_, '_>, spec: &mut Spec) {
    let security = section.text("security", parse_security);
    set(&mut spec.hdfs.security, security);
    if let Some(name) = section.text("superuser", parse_name) {
        spec.hdfs.set_superuser(&name);
    }
    // Before what may replace parts of it.
    if let Some(layout) = section.text("layout", parse_layout) {
        spec.lay_out(layout);
    }
    let hdfs = &mut spec.hdfs;
    set(&mut hdfs.datanodes, section.number("datanodes", 0));
    set(&mut hdfs.listen, section.text("listen", parse_listen));
    set(&mut hdfs.racks, section.list("racks", parse_rack));
    if hdfs.datanodes > MOST_DATANODES {
        section.problem(format!(
            "datanodes = {} is more than {MOST_DATANODES}: each has at least two ports, and an address has 65,535",
            hdfs.datanodes,
        ));
    }
    set(&mut hdfs.symlinks, section.take("symlinks", flag));
    set(&mut hdfs.httpfs, section.take("httpfs", flag));
    let lifetime = section.text("certificate_lifetime", parse_duration);
    set(&mut hdfs.certificate_lifetime, lifetime.map(Some));
    if let Some(groups) = section.table("groups") {
        hdfs.groups.extend(groups.lists());
    }
    for mut directory in section.tables("directory") {
        let path = directory.text("path", parse_path);
        let owner = directory
            .text("owner", parse_name)
            .unwrap_or_else(|| hdfs.superuser.clone());
        let group = directory
            .text("group", parse_name)
            .unwrap_or_else(|| String::from("supergroup"));
        let mode = directory.text("mode", parse_mode).unwrap_or(0o755);
        match path {
            Some(path) => hdfs.add_directory(NewDirectory {
                path,
                owner,
                group,
                mode,
            }),
            None if directory.has("path") => {}
            None => directory.problem("it needs a path, as in path = \"/user/carol\""),
        }
        directory.finish();
    }
    section.finish();
}

fn set<T>(target: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *target = given;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn keys_of_hadoop_need_no_quotes_and_keep_their_text() {
        let settings = read(
            "k.toml",
            "[hadoop]\ndfs.replication = 2\n\"dfs.blocksize\" = \"16m\"\ndfs.permissions.enabled = false\n",
        )
        .expect("well-formed");
        let expected: BTreeMap<_, _> = [
            ("dfs.blocksize", "16m"),
            ("dfs.permissions.enabled", "false"),
            ("dfs.replication", "2"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        assert_eq!(settings.spec.hdfs.keys, expected);
    }

    #[test]
    fn a_layout_may_be_changed_in_parts() {
        let settings = read(
            "k.toml",
            "[[principal]]\nname = \"yarn\"\npassword = \"own\"\n[hdfs]\nlayout = \"hadoop-secure\"\n[[hdfs.directory]]\npath = \"/tmp/logs\"\nowner = \"alice\"\n",
        );
        let spec = settings.expect("well-formed").spec;
        let named = |name: &str| spec.realm.principals.iter().find(|it| it.name == name);
        let password = |name: &str| named(name).expect("there").password.as_deref();
        assert_eq!(password("yarn"), Some("own"));
        assert_eq!(password("mapred"), Some("mapred"));
        assert!(named("jhs/localhost").is_some());
        let mut directories = spec.hdfs.directories.iter();
        let logs = directories
            .find(|it| it.path == "/tmp/logs")
            .expect("there");
        assert_eq!(logs.owner, "alice");
        let wrong = read("k.toml", "[hdfs]\nlayout = \"hadoop\"\n").expect_err("no layout");
        assert!(wrong[0].contains("write \"hadoop-secure\""), "{wrong:?}");
    }

    #[test]
    fn a_principal_of_a_default_ones_name_replaces_it_and_keeps_its_keytab() {
        let settings = read(
            "k.toml",
            "[[principal]]\nname = \"alice@EXAMPLE.COM\"\npassword = \"other\"\n[[principal]]\nname = \"nn/localhost\"\n[[principal]]\nname = \"kafka/broker\"\n",
        )
        .expect("well-formed");
        let realm = settings.spec.realm;
        let find = |name: &str| realm.principals.iter().find(|one| one.name == name);
        let keytab = |name: &str| find(name).expect("it is there").keytab_file("EXAMPLE.COM");
        assert!(find("alice").is_none());
        let alice = find("alice@EXAMPLE.COM").expect("it replaced the other");
        assert_eq!(alice.password.as_deref(), Some("other"));
        assert_eq!(keytab("alice@EXAMPLE.COM").as_deref(), Some("alice.keytab"));
        assert_eq!(keytab("nn/localhost").as_deref(), Some("nn.service.keytab"));
        assert_eq!(keytab("kafka/broker"), None);
    }
}
