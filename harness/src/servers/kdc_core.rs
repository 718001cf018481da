//! The start of a KDC's core: with a new database, or with the one that a persistent folder keeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kerbox_kdc::{Kdc, Keeper};
use rand::rngs::StdRng;

use crate::Error;
use crate::persistent::RealmFile;
use crate::servers::database::database;
use crate::spec::RealmSpec;
use crate::world::World;

/// Separates the KDC's random stream from other streams of the same seed.
const KDC_STREAM: u64 = 0x6B64_6300_0000_0000;

/// Creates the KDC, with the realm that a persistent folder keeps. Returns the realm's name, too.
pub(crate) fn open_kdc(
    world: &World,
    spec: &RealmSpec,
    rng: &mut StdRng,
) -> Result<(String, Arc<Kdc>), Error> {
    let persistent = world.persistent();
    let kept = persistent.map(|it| RealmFile::read(it, spec.name.as_deref()));
    let kept = kept.transpose()?.flatten().unwrap_or_default();
    let first = kept.database.realms().first();
    let kept_name = first.map(|realm| realm.name.clone());
    let name = spec
        .name
        .clone()
        .or(kept_name)
        .unwrap_or_else(next_realm_name);
    let file = database(&name, spec, kept, rng)?;
    let keeper = persistent.map(|it| RealmFile::begin(it, &name, &file).map(Arc::new));
    let keeper = keeper.transpose()?;
    let mut kdc = Kdc::new(file.database, world.seed ^ KDC_STREAM).with_hook(world.hook());
    if let Some(bytes) = spec.max_udp_reply {
        kdc = kdc.with_udp_limit(bytes);
    }
    if let Some(keeper) = &keeper {
        kdc = kdc.with_keeper(Arc::clone(keeper) as Arc<dyn Keeper>);
    }
    let kdc = Arc::new(kdc);
    if let (Some(persistent), Some(keeper)) = (persistent, keeper) {
        let kdc = Arc::clone(&kdc);
        // A test may have changed the database itself.
        persistent.at_end(move || {
            if let Err(error) = keeper.keep(&kdc.database()) {
                tracing::warn!("{error}");
            }
        });
    }
    Ok((name, kdc))
}

/// Returns a realm name that no other fixture in the process has. Tests that compare journals set
/// the name themselves.
fn next_realm_name() -> String {
    static REALMS: AtomicU64 = AtomicU64::new(1);
    format!(
        "R{}-{}.TEST",
        std::process::id(),
        REALMS.fetch_add(1, Ordering::Relaxed)
    )
}
