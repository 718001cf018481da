//! Old crashes must not crash again, nor may seeds, whole, truncated or mutated.

use std::fs;
use std::path::Path;

use kerbox_fuzz_bodies::{TARGETS, Target};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Mutations per seed: enough to find a decoder that trusts a length, few enough for every `cargo
/// test`.
const CHANGES: usize = 150;

fn changed(seed: &[u8], rng: &mut StdRng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..rng.random_range(1..4) {
        if bytes.is_empty() {
            break;
        }
        let at = rng.random_range(0..bytes.len());
        match rng.random_range(0..5) {
            0 => bytes[at] ^= 1 << rng.random_range(0..8),
            1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][rng.random_range(0..5)],
            2 => bytes.truncate(at),
            3 => {
                bytes.remove(at);
            }
            _ => bytes.insert(at, rng.random()),
        }
    }
    bytes
}

#[test]
fn inputs_that_once_crashed_are_survived() {
    for Target { name, body, .. } in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../testdata")
            .join(name);
        for input in fs::read_dir(folder).into_iter().flatten() {
            let path = input.expect("a readable folder").path();
            println!("{}", path.display());
            body(&fs::read(path).expect("a readable file"));
        }
    }
}

#[test]
fn seeds_are_survived_whole_cut_and_changed() {
    for Target { name, body, seeds } in TARGETS {
        println!("{name}");
        let mut rng = StdRng::seed_from_u64(11);
        for seed in seeds() {
            body(&seed);
            (0..seed.len())
                .step_by(seed.len() / 64 + 1)
                .for_each(|len| body(&seed[..len]));
            for _ in 0..CHANGES {
                body(&changed(&seed, &mut rng));
            }
        }
    }
}
