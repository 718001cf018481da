//! Tests of programs under the sandbox's clock.

use std::process::Stdio;

use kerbox_testing::{Place, Ran};

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn a_sleep_of_a_day_ends_when_the_clock_is_advanced() {
    let place = Place::new();
    let script = r#"
        before=$(date +%s); sleep 86400 & "$0" clock advance 25h > /dev/null; wait
        echo $((($(date +%s) - before) / 3600))
    "#;
    let output = place
        .kerbox(&["exec", "--kdc-only", "--clock", "--", "sh", "-c", script])
        .arg(env!("CARGO_BIN_EXE_kerbox"))
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    assert_eq!(Ran::of(output).succeeded(), "25\n");
}
