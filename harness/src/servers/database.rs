//! The KDC's database, filled from a realm's description, and from the file that keeps it.

use std::collections::BTreeSet;

use kerbox_kdc::{DatabaseFile, PasswordPolicy, PrincipalDatabase, RealmConfig};
use kerbox_krb5::Principal;
use rand::Rng;

use crate::Error;
use crate::spec::{OtherRealms, RealmSpec};

/// Returns the database of the realm `name`. `kept` is what an earlier fixture in the same folder
/// has left: its principals count, and those of the description are added to it once.
pub(crate) fn database(
    name: &str,
    spec: &RealmSpec,
    kept: DatabaseFile,
    rng: &mut impl Rng,
) -> Result<DatabaseFile, Error> {
    let known = known(&kept);
    let mut file = kept;
    let config = spec.config(name)?;
    add_realm(&mut file.database, config.clone(), rng)?;
    // First, because principals may belong to them.
    for further in &spec.others.further {
        add_realm(&mut file.database, further.config(&config)?, rng)?;
    }
    let mut described = Vec::new();
    for principal in &spec.principals {
        described.push(principal.clone().in_realm(name)?);
    }
    let trusts = spec.others.trusts.iter();
    described.extend(trusts.flat_map(|trust| trust.principals(name)));
    for new in described {
        let principal = new.entry.principal.clone();
        if !known.contains(&principal) {
            file.database.add(new, rng)?;
        }
        file.described.insert(principal);
    }
    add_ways(&spec.others, &mut file.database)?;
    Ok(file)
}

/// Returns the principals that a description does not add, because they were changed or removed
/// since it did, or added by other means.
fn known(kept: &DatabaseFile) -> BTreeSet<Principal> {
    let names = kept.database.principals();
    let names = names.map(|entry| entry.principal.clone());
    names.chain(kept.described.iter().cloned()).collect()
}

/// Adds a realm of the description. No description has rules for passwords, so those that the realm
/// has already stay.
fn add_realm(
    database: &mut PrincipalDatabase,
    mut config: RealmConfig,
    rng: &mut impl Rng,
) -> Result<(), Error> {
    if let Some(kept) = database.realm(&config.name) {
        if config.password_policy == PasswordPolicy::default() {
            config.password_policy.clone_from(&kept.password_policy);
        }
        let administrators = kept.password_administrators.iter().cloned();
        config.password_administrators.extend(administrators);
    }
    Ok(database.add_realm(config, rng)?)
}

/// Adds paths and host mappings.
fn add_ways(others: &OtherRealms, database: &mut PrincipalDatabase) -> Result<(), Error> {
    for (client, ways) in &others.capaths {
        for (server, through) in ways {
            let capaths = database.capaths_mut();
            capaths.set(client, server, through.clone());
        }
    }
    let names: Vec<String> = database.realms().iter().map(|r| r.name.clone()).collect();
    for name in names {
        let hosts = others.domain_realm.iter();
        let hosts = hosts.map(|(host, realm)| (host.to_ascii_lowercase(), realm.clone()));
        database.realm_mut(&name)?.host_realms.extend(hosts);
    }
    Ok(())
}
