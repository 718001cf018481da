//! Requests about the clock.

use kerbox_krb5::Timestamp;
use serde_json::{Value, json};

use super::{ClockRequest, Target};
use crate::{Realm, Steps};

/// Shows or moves the clock. Returns the time, and the timers that fired.
pub(super) fn clock(target: &Target, request: ClockRequest) -> Result<Value, String> {
    let world = target.world();
    if request != ClockRequest::Show {
        check_leads(target)?;
    }
    let now = world.clock.now();
    let mut fired = Vec::new();
    let moved = match request {
        ClockRequest::Show => Ok(()),
        ClockRequest::Advance(by) => world
            .advance_to(now + by, &Steps::default())
            .map(|timers| fired = timers),
        ClockRequest::Jump(to) => world.jump_to(Timestamp::from_micros(to)),
        ClockRequest::Freeze => {
            world.clock.freeze();
            world.jump_to(world.clock.now())
        }
        ClockRequest::Resume => {
            world.clock.unfreeze();
            world.jump_to(world.clock.now())
        }
    };
    moved.map_err(|error| error.to_string())?;
    let timers: Vec<String> = fired.iter().map(ToString::to_string).collect();
    Ok(json!({
        "time": world.clock.now().to_string(),
        "offset_seconds": world.clock.offset_micros() / 1_000_000,
        "frozen": world.clock.is_frozen(),
        "timers": timers,
    }))
}

/// Fails if the clock is another process's.
fn check_leads(target: &Target) -> Result<(), String> {
    match target.world().leader() {
        None => Ok(()),
        Some(leader) => Err(format!(
            "these servers live by the clock of the KDC in {0}: ask that one, by --dir {0}",
            leader.display()
        )),
    }
}

/// Returns the variables that put programs on glibc under the clock.
pub(super) fn env(target: &Target) -> Result<Value, String> {
    /// The library, its page, and the krb5.conf for programs that need no offset in their caches.
    const NAMES: [&str; 3] = ["KERBOX_CLOCK_PAGE", "KRB5_CONFIG", "LD_PRELOAD"];
    check_leads(target)?;
    let plain = target.realm().map(Realm::env).unwrap_or_default();
    let env = target.world().env_under_clock(plain);
    let env = env.map_err(|error| error.to_string())?;
    let variables = env.iter().filter(|(name, _)| NAMES.contains(name));
    Ok(variables
        .map(|(name, value)| (name.to_owned(), json!(value.to_string_lossy())))
        .collect())
}
