//! Tests of `--fsimage`.

use std::fs;
use std::path::Path;

use kerbox_testing::Place;

/// An image that Hadoop 3.4.3 has written.
const IMAGE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../minihdfs/testdata/hadoop-3.4.3/current/fsimage_0000000000000000000"
);

#[test]
fn an_image_is_shown_and_left_as_it_is() {
    let place = Place::new();
    let before = fs::read(IMAGE).expect("an image");
    place
        .up(&["--simple", "--fsimage", IMAGE, "--namenode-port", "0"])
        .stop();
    assert_eq!(fs::read(IMAGE).expect("an image"), before);
    let beside = Path::new(IMAGE).parent().expect("a folder");
    assert!(
        !beside.with_file_name("in_use.lock").exists(),
        "nothing is locked"
    );
}

#[test]
fn what_is_no_image_is_refused_by_its_name() {
    let place = Place::new();
    place.file("thesis.tex", "precious");
    let refused = place.run(&[
        "up",
        "--simple",
        "--fsimage",
        "thesis.tex",
        "--namenode-port",
        "0",
    ]);
    let reason = "thesis.tex, offset 0: it does not begin as an image";
    assert!(refused.stderr.contains(reason), "{}", refused.stderr);
}
