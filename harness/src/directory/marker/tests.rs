use super::*;

#[test]
fn a_marker_that_was_cut_is_read_as_far_as_it_is_whole() {
    let parent = tempfile::tempdir().expect("a directory");
    let mut marker = Marker::create(parent.path(), Kind::Named).expect("empty");
    marker.add_file("krb5.conf").expect("writable");
    marker.file.write_all(b"file keytabs/al").expect("writable");
    drop(marker);
    let marker = Marker::claim(parent.path()).expect("ours");
    assert!(marker.files.contains_key("krb5.conf") && marker.files.len() == 1);
}

#[test]
fn lines_that_are_added_before_the_lock_is_taken_count() {
    let parent = tempfile::tempdir().expect("a directory");
    let path = parent.path();
    let mut marker = Marker::create(path, Kind::Named).expect("empty");
    let opened = open(path).expect("ours");
    marker.add_file("krb5.conf").expect("writable");
    marker.keep().expect("writable");
    let length = fs::metadata(path.join(NAME)).expect("there").len();
    drop(marker);
    let marker = Marker::take(path, opened, 1, |_| Ok(())).expect("ours");
    assert!(marker.kept && marker.files.contains_key("krb5.conf"));
    assert!(fs::metadata(path.join(NAME)).expect("there").len() > length);

    let opened = open(path).expect("ours");
    let refused = Marker::take(path, opened, 1, |_| Ok(()));
    assert!(matches!(refused, Err(Refusal::InUse(by)) if by.contains("process")));
}

#[test]
fn evidence_that_cannot_be_marked_loses_its_marker() {
    let parent = tempfile::tempdir().expect("a directory");
    let mut marker = Marker::create(parent.path(), Kind::Temporary).expect("empty");
    // Writing fails, as on a full disk.
    marker.file = File::open(parent.path().join(NAME)).expect("there");
    marker.keep_or_unmark(parent.path());
    assert!(!parent.path().join(NAME).exists());
}

#[test]
fn names_that_leave_the_directory_are_none_of_ours() {
    for name in ["", "/etc/passwd", "../x", "a/../../x", "a\nb"] {
        assert!(!stays_inside(name), "{name:?}");
    }
    assert!(stays_inside("keytabs/a b.keytab"));
}
