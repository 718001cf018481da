//! The random numbers of rules that strike by chance.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rand::SeedableRng;
use rand::rngs::StdRng;

/// The number of users with a generator of their own; peers choose their names.
const MOST_USERS: usize = 4096;

/// Generators of one seed: one for each user, and one for all other events.
pub(super) struct Chances {
    seed: u64,
    others: StdRng,
    users: BTreeMap<u64, StdRng>,
}

impl Chances {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            others: StdRng::seed_from_u64(seed),
            users: BTreeMap::new(),
        }
    }

    /// Returns the generator for this user's events.
    pub(super) fn of(&mut self, user: Option<&str>) -> &mut StdRng {
        let Some(user) = user.map(hash) else {
            return &mut self.others;
        };
        let has_room = self.users.len() < MOST_USERS;
        match self.users.entry(user) {
            Entry::Occupied(rng) => rng.into_mut(),
            Entry::Vacant(place) if has_room => {
                place.insert(StdRng::seed_from_u64(self.seed ^ user))
            }
            Entry::Vacant(_) => &mut self.others,
        }
    }
}

/// Returns FNV-1a, which is the same in each run.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    #[test]
    fn a_users_chances_do_not_depend_on_others() {
        let (alice, bob) = ("alice", "bob");
        let draw = |chances: &mut Chances, user| chances.of(Some(user)).random::<u64>();
        let mut alone = Chances::new(7);
        let expected = [(); 3].map(|()| draw(&mut alone, alice));
        let mut both = Chances::new(7);
        let drawn = [(); 3].map(|()| {
            draw(&mut both, bob);
            both.of(None).random::<u64>();
            draw(&mut both, alice)
        });
        assert_eq!(drawn, expected);
        assert_ne!(draw(&mut Chances::new(8), alice), expected[0]);
    }
}
