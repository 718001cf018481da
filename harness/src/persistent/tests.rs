use std::fs;
use std::time::Duration;

use kerbox_kdc::PasswordPolicy;

use super::*;
use crate::{Cluster, Login, NewPrincipal, Realm, RealmBuilder};

fn frozen(seconds: i64) -> Clock {
    Clock::frozen(Timestamp::from_secs(seconds))
}

/// Returns the builder of a realm in the folder.
fn realm(folder: &Path) -> RealmBuilder {
    Realm::builder().realm_name("R").persistent(folder)
}

fn started(builder: RealmBuilder) -> Realm {
    builder.start_blocking().expect("it starts")
}

fn session_key(login: &Login) -> Vec<u8> {
    login.ticket().key.as_bytes().to_vec()
}

#[test]
fn principals_keys_and_policies_are_there_again_and_no_key_is_drawn_twice() {
    let place = tempfile::tempdir().expect("a folder");
    let first = started(realm(place.path()));
    let keytab = fs::read(first.keytab("alice").expect("a file")).expect("there");
    first
        .add_principal(NewPrincipal::new("carol").password("pw"))
        .expect("new");
    assert_eq!(
        first
            .change_keys("svc", true)
            .expect_err("unknown")
            .kerberos_code(),
        None
    );
    assert_eq!(
        first
            .change_keys("nn/localhost", true)
            .expect("it is there"),
        2
    );
    let bob = first.principal("bob").expect("a name");
    first
        .kdc()
        .update(|database, _| database.remove(&bob))
        .expect("there");
    let policy = PasswordPolicy {
        min_length: 9,
        ..PasswordPolicy::default()
    };
    let mut database = first.kdc().database_mut();
    database.realm_mut("R").expect("ours").password_policy = policy.clone();
    drop(database);
    let before = session_key(&first.login_blocking("alice").expect("a ticket"));
    drop(first);

    let second = started(Realm::builder().persistent(place.path()));
    assert_eq!(second.name(), "R");
    let again = fs::read(second.keytab("alice").expect("a file")).expect("there");
    assert_eq!(keytab_keys(&again), keytab_keys(&keytab));
    assert!(second.path().join("keytabs/carol.keytab").exists());
    let database = second.kdc().database();
    assert!(database.get(&bob).is_none(), "it was removed");
    assert_eq!(database.realms()[0].password_policy, policy);
    let nn = second.principal("nn/localhost").expect("a name");
    assert_eq!(database.get(&nn).expect("there").kvno(), 2);
    drop(database);
    let after = session_key(&second.login_blocking("alice").expect("a ticket"));
    assert_ne!(before, after);
}

/// Returns the keys of a keytab, without the times at which they were written.
fn keytab_keys(bytes: &[u8]) -> Vec<Vec<u8>> {
    let keytab = kerbox_krb5::Keytab::parse(bytes).expect("a keytab");
    let keys = keytab
        .entries()
        .map(|entry| entry.key().expect("known").as_bytes().to_vec());
    keys.collect()
}

#[test]
fn a_change_is_on_disk_when_it_is_acknowledged_or_is_not_made() {
    let place = tempfile::tempdir().expect("a folder");
    let first = started(realm(place.path()));
    let copy = tempfile::tempdir().expect("a folder");
    first
        .add_principal(NewPrincipal::new("carol"))
        .expect("new");
    // As after a kill at this moment.
    for file in ["fixture", "realm"] {
        fs::copy(place.path().join(file), copy.path().join(file)).expect("copied");
    }
    let second = started(realm(copy.path()));
    let carol = second.principal("carol").expect("a name");
    assert!(second.kdc().database().get(&carol).is_some());

    fs::write(place.path().join("realm.new"), "thesis").expect("writable");
    let refused = first
        .add_principal(NewPrincipal::new("dave"))
        .expect_err("no room");
    assert!(
        refused.to_string().contains("realm.new is in the way"),
        "{refused}"
    );
    let dave = first.principal("dave").expect("a name");
    assert!(first.kdc().database().get(&dave).is_none());
    assert_eq!(
        fs::read(place.path().join("realm.new")).expect("there"),
        b"thesis"
    );
}

#[test]
fn a_running_clock_goes_on_and_a_frozen_one_stays() {
    let place = tempfile::tempdir().expect("a folder");
    let first = started(realm(place.path()));
    let hours = Duration::from_secs(9 * 3600);
    first.advance_blocking(hours).expect("moved");
    let seen = first.clock().now();
    drop(first);
    let second = started(realm(place.path()));
    assert!(second.clock().now() >= seen && !second.clock().is_frozen());
    assert!(second.clock().now() < seen + Duration::from_secs(600));
    let stop = second.clock().now() + hours;
    second.clock().freeze();
    second.jump_blocking(stop).expect("moved");
    drop(second);
    // The clock of a builder is that of a new folder.
    let third = started(realm(place.path()).clock(frozen(7)));
    assert_eq!(third.clock().now(), stop);
    assert!(third.clock().is_frozen());
}

#[test]
fn time_does_not_go_back_with_the_systems_clock() {
    let now = Clock::system().now();
    let ahead = (now + Duration::from_secs(3600)).as_micros();
    let saved = SavedClock::Running {
        offset: 0,
        at: ahead,
    };
    let clock = Clock::system();
    saved.resume(&clock);
    assert!(clock.now().as_micros() >= ahead);
}

#[test]
fn a_folder_in_use_damaged_incomplete_or_of_another_realm_is_refused_and_left_as_it_is() {
    let place = tempfile::tempdir().expect("a folder");
    let (file, moved) = (place.path().join("realm"), place.path().join("moved"));
    let first = started(realm(place.path()));
    let refused = |builder: RealmBuilder| {
        let refused = builder.start_blocking().expect_err("not usable");
        refused.to_string()
    };
    let error = refused(realm(place.path()));
    assert!(error.contains("is in use by this process"), "{error}");
    drop(first);

    let error = refused(realm(place.path()).realm_name("OTHER"));
    assert!(
        error.contains("keeps the realm R: name that one"),
        "{error}"
    );

    let whole = fs::read(&file).expect("there");
    let mut damaged = whole.clone();
    damaged[100] ^= 1;
    fs::write(&file, &damaged).expect("writable");
    let error = refused(realm(place.path()));
    let expected = format!("{} cannot be used: at byte ", file.display());
    assert!(error.starts_with(&expected), "{error}");
    assert_eq!(fs::read(&file).expect("there"), damaged);
    fs::write(&file, &whole).expect("writable");

    fs::rename(&file, &moved).expect("renamed");
    let error = refused(realm(place.path()));
    assert!(error.contains("used with the realm R"), "{error}");
    assert!(!file.exists());
    fs::rename(&moved, &file).expect("renamed");

    let state = place.path().join("fixture");
    let text = fs::read_to_string(&state).expect("there");
    for (from, to, expected) in [
        ("fixture 1", "fixture 2", "use the version that wrote it"),
        ("starts", "begins", "line 3, column"),
    ] {
        fs::write(&state, text.replace(from, to)).expect("writable");
        let error = refused(realm(place.path()));
        assert!(error.contains(expected), "{error}");
    }
    fs::write(&state, text).expect("writable");
    drop(started(realm(place.path())));
}

#[test]
fn a_simple_cluster_keeps_its_clock_and_leaves_a_realm_alone() {
    let place = tempfile::tempdir().expect("a folder");
    drop(started(realm(place.path())));
    let kept = fs::read(place.path().join("realm")).expect("there");
    let simple = || Cluster::simple().persistent(place.path()).start_blocking();
    let first = simple().expect("it starts");
    first
        .advance_blocking(Duration::from_secs(3600))
        .expect("moved");
    let seen = first.clock().now();
    drop(first);
    assert!(simple().expect("it starts").clock().now() >= seen);
    assert_eq!(fs::read(place.path().join("realm")).expect("there"), kept);
}

/// The process has died when the namespace was formatted, and had none of the first directories.
#[test]
fn the_first_directories_are_made_by_the_next_start_if_the_first_one_died() {
    let place = tempfile::tempdir().expect("a folder");
    let start = || {
        let builder = Cluster::simple().persistent(place.path()).datanodes(0);
        builder.start_blocking().expect("it starts")
    };
    let has = |cluster: &Cluster| cluster.namenode().has("/user/alice").expect("valid");
    drop(start());
    let current = place.path().join("name/current");
    let empty = |begins: bool| {
        for entry in fs::read_dir(&current).expect("a folder") {
            let path = entry.expect("a file").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("edits_") {
                fs::remove_file(&path).expect("removed");
            }
        }
        fs::write(current.join("seen_txid"), "0\n").expect("written");
        let path = place.path().join("fixture");
        let text = fs::read_to_string(&path).expect("there");
        assert!(!text.contains("begins"), "{text}");
        let begun = text.replacen(",\n", ",\n  \"begins\": true,\n", 1);
        fs::write(&path, if begins { begun } else { text }).expect("written");
    };
    empty(false);
    assert!(!has(&start()), "they were removed");
    empty(true);
    assert!(has(&start()));
    assert!(has(&start()));
}
