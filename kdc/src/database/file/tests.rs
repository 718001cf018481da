use std::time::Duration;

use kerbox_krb5::{EncryptionKey, EncryptionType, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::{NewKeys, NewPrincipal, PacAccount, PasswordPolicy};

/// Returns a database in which every field of every type has a value of its own.
fn full() -> DatabaseFile {
    let mut rng = StdRng::seed_from_u64(1);
    let mut database = PrincipalDatabase::new();
    let mut realm = RealmConfig::new("R");
    let [alice, admin, svc] = ["alice", "admin", "svc"].map(|name| Principal::new("R", [name]));
    realm.password_policy = PasswordPolicy {
        min_length: 3,
        min_classes: 1,
        history: 2,
        max_life: Some(Duration::from_millis(1500)),
    };
    realm.password_administrators.insert(admin.clone());
    database.add_realm(realm, &mut rng).expect("a realm");
    let mut new = NewPrincipal::new(
        alice.clone(),
        NewKeys::RandomAndPassword("first".to_owned()),
    );
    new.entry.max_life = Some(Duration::from_secs(60));
    new.entry.max_renewable_life = Some(Duration::from_secs(61));
    new.entry.expires = Some(Timestamp::from_secs(4_000_000_000));
    new.entry.password_expires = Some(Timestamp::from_micros(-1));
    new.entry.password_policy = Some(PasswordPolicy::default());
    new.entry.session_enctypes = vec![EncryptionType(-5)];
    new.entry.delegates_to = vec![svc.clone()];
    new.entry.delegates_from = vec![admin.clone()];
    new.entry.pac_account = PacAccount {
        rid: Some(1104),
        primary_group: Some(514),
        groups: vec![512],
        full_name: Some("Älice".to_owned()),
    };
    new.attributes = vec!["-allow_tix".to_owned()];
    database.add(new, &mut rng).expect("alice is new");
    let second = NewKeys::Password("second".to_owned());
    let kvno = database.change_keys(&alice, &second, true, &mut rng);
    assert_eq!(kvno, Ok(2));
    let key = EncryptionKey::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[7; 16]);
    let imported = NewKeys::Imported(vec![(9, key.expect("16 bytes"))]);
    database
        .add(NewPrincipal::new(svc.clone(), imported), &mut rng)
        .expect("svc is new");
    let alias = Principal::new("R", ["alias"]);
    database.add_alias(alias, &svc).expect("it is free");
    database.add_client_referral(Principal::new("R", ["far"]), Principal::new("F", ["far"]));
    DatabaseFile {
        database,
        described: [alice, admin].into(),
    }
}

#[test]
fn everything_is_there_again() {
    let file = full();
    let bytes = file.to_bytes();
    let again = DatabaseFile::parse(&bytes).expect("as written");
    assert_eq!(again.to_bytes(), bytes);
    assert_eq!(again.described, file.described);
    let alice = Principal::new("R", ["alice"]);
    let [old, new] = [&file, &again].map(|file| file.database.get(&alice).expect("there").clone());
    assert_eq!(format!("{old:?}"), format!("{new:?}"));
    for (old, new) in old.keys().iter().zip(new.keys()) {
        assert_eq!(old.key().as_bytes(), new.key().as_bytes());
        assert_eq!(old.salt(), new.salt());
    }
    let passwords: Vec<&str> = new.passwords().collect();
    assert_eq!(passwords, ["second", "first"]);
    assert!(again.database.has_delegation());
    assert_eq!(again.database.realms().len(), 1);
    assert_eq!(
        again.database.realms()[0].password_policy,
        file.database.realms()[0].password_policy
    );
}

#[test]
fn each_changed_byte_and_each_cut_is_noticed() {
    let bytes = full().to_bytes();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let error = DatabaseFile::parse(&changed).expect_err("a changed byte");
        assert!(error.offset <= place, "{place}: {error}");
        let error = DatabaseFile::parse(&bytes[..place]).expect_err("a cut");
        assert!(error.offset <= place, "{place}: {error}");
    }
    let longer = [&bytes[..], b"x"].concat();
    let error = DatabaseFile::parse(&longer).expect_err("a byte more");
    assert_eq!(error.offset, bytes.len());
}

#[test]
fn another_format_is_refused_by_its_number() {
    let error = DatabaseFile::parse(b"kerbox realm, format 2\nrest").expect_err("the next format");
    assert_eq!(
        error.to_string(),
        "at byte 21: it has format 2, and this version of Kerbox reads format 1: use the version \
         that wrote it"
    );
    for text in ["", "MIT", "kerbox realm, format "] {
        assert!(DatabaseFile::parse(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn only_a_begun_file_is_taken_for_ours() {
    for ours in ["", "kerbox re", "kerbox realm, format 1\n..."] {
        assert!(DatabaseFile::is_begun(ours.as_bytes()), "{ours}");
    }
    assert!(!DatabaseFile::is_begun(b"kerbox resume"));
}
