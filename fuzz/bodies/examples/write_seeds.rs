//! Writes every target's seeds to the folders that `cargo fuzz` reads: `cargo run -p
//! kerbox-fuzz-bodies --example write_seeds`.

use std::fs;
use std::path::Path;

use kerbox_fuzz_bodies::TARGETS;

fn main() -> std::io::Result<()> {
    for target in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../corpus")
            .join(target.name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in (target.seeds)().iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
