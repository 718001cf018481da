//! The KDC's database, filled from a realm's description.

use kerbox_kdc::PrincipalDatabase;
use rand::Rng;

use crate::Error;
use crate::spec::{OtherRealms, RealmSpec};

/// Returns the database of the realm `name`.
pub(crate) fn database(
    name: &str,
    spec: &RealmSpec,
    rng: &mut impl Rng,
) -> Result<PrincipalDatabase, Error> {
    let config = spec.config(name)?;
    let mut database = PrincipalDatabase::new();
    database.add_realm(config.clone(), rng)?;
    // First, because principals may belong to them.
    for further in &spec.others.further {
        database.add_realm(further.config(&config)?, rng)?;
    }
    for principal in &spec.principals {
        database.add(principal.clone().in_realm(name)?, rng)?;
    }
    add_ways(&spec.others, name, &mut database, rng)?;
    Ok(database)
}

/// Adds trusts, paths and host mappings, for the realm `ours`.
fn add_ways(
    others: &OtherRealms,
    ours: &str,
    database: &mut PrincipalDatabase,
    rng: &mut impl Rng,
) -> Result<(), Error> {
    for trust in &others.trusts {
        trust.add_to(ours, database, rng)?;
    }
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
