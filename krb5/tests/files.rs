//! Keytabs and credential caches against files that MIT krb5 1.20.1 and Heimdal 7.8 wrote.
//!
//! mit.keytab: `kadmin.local` with `ktadd` of alice, hdfs/localhost, HTTP/localhost and a name with
//! escapes, then `ktrem` of hdfs/localhost, whose holes `ktadd` of x/y filled in part.
//! mit-ktutil.keytab: `ktutil` with `addent -password`. mit.ccache: `kinit` at a KDC whose clock
//! was an hour ahead, `kvno` for two services and `kvno --u2u`; then `krb5_cc_remove_cred` of
//! HTTP/localhost and of a setting. mit-addresses.ccache: `kinit -a -l 5m`. heimdal.keytab: `ktutil
//! add`. heimdal.ccache: `kinit` at the same KDC.

use std::time::Duration;

use kerbox_krb5::client::Credentials;
use kerbox_krb5::messages::{HostAddress, TicketFlags};
use kerbox_krb5::{
    Credential, CredentialCache, EncryptionKey, EncryptionType, Error, Keytab, KeytabEntry,
    Principal, Timestamp,
};

const KEYTABS: [&[u8]; 3] = [
    include_bytes!("../testdata/mit.keytab"),
    include_bytes!("../testdata/mit-ktutil.keytab"),
    include_bytes!("../testdata/heimdal.keytab"),
];
const CACHES: [&[u8]; 3] = [
    include_bytes!("../testdata/mit.ccache"),
    include_bytes!("../testdata/mit-addresses.ccache"),
    include_bytes!("../testdata/heimdal.ccache"),
];

fn principal(name: &str) -> Principal {
    Principal::parse(name, "EXAMPLE.COM").expect("well-formed")
}

fn password_key(name: &str, enctype: EncryptionType) -> EncryptionKey {
    let salt = principal(name).default_salt();
    EncryptionKey::from_password(
        enctype,
        format!("{name}-pw").as_bytes(),
        salt.as_bytes(),
        None,
    )
    .expect("supported")
}

#[track_caller]
fn assert_same(ours: &[u8], theirs: &[u8]) {
    let differs = ours
        .iter()
        .zip(theirs)
        .position(|(our, their)| our != their);
    assert_eq!(
        (ours.len(), differs),
        (theirs.len(), None),
        "length, and first byte that differs"
    );
}

#[test]
fn every_keytab_is_written_as_it_was_read() {
    for file in KEYTABS {
        assert_same(&Keytab::parse(file).expect("a keytab").to_bytes(), file);
    }
}

#[test]
fn every_cache_is_written_as_it_was_read() {
    for file in CACHES {
        assert_same(
            &CredentialCache::parse(file).expect("a cache").to_bytes(),
            file,
        );
    }
}

#[test]
fn a_keytab_put_together_anew_is_the_one_that_mits_ktutil_wrote() {
    let recorded = Keytab::parse(KEYTABS[1]).expect("a keytab");
    let made: Vec<_> = recorded.entries().map(KeytabEntry::timestamp).collect();
    let keytab: Keytab = [
        ("bob", 5, EncryptionType::AES128_CTS_HMAC_SHA1_96),
        ("bob", 70_000, EncryptionType::AES256_CTS_HMAC_SHA384_192),
        ("old", 1, EncryptionType::RC4_HMAC),
    ]
    .into_iter()
    .zip(&made)
    .map(|((name, kvno, enctype), made)| {
        KeytabEntry::new(principal(name), kvno, password_key(name, enctype), *made)
    })
    .collect();
    assert_same(&keytab.to_bytes(), KEYTABS[1]);
}

#[test]
fn keys_are_found_by_principal_version_and_type_as_klist_lists_them() {
    let keytab = Keytab::parse(KEYTABS[0]).expect("a keytab");
    let listed: Vec<_> = keytab
        .entries()
        .map(|entry| {
            (
                entry.principal().to_string(),
                entry.kvno(),
                entry.enctype().0,
            )
        })
        .collect();
    let names = [
        "alice",
        "x/y",
        "HTTP/localhost",
        r"odd\/name/with\@sign/third",
    ];
    let expected: Vec<_> = names
        .iter()
        .flat_map(|name| {
            [18, 17, 20, 19].map(|enctype| (format!("{name}@EXAMPLE.COM"), 1, enctype))
        })
        .collect();
    assert_eq!(listed, expected);

    let enctype = EncryptionType::AES128_CTS_HMAC_SHA1_96;
    let found = keytab
        .find(&principal("alice"), Some(1), Some(enctype))
        .expect("listed");
    assert_eq!(found.key().map(EncryptionKey::enctype), Some(enctype));
    assert_eq!(found.key(), Some(&password_key("alice", enctype)));
    assert!(keytab.find(&principal("alice"), Some(2), None).is_none());
    assert!(
        keytab
            .find(&principal("alice"), None, Some(EncryptionType(3)))
            .is_none()
    );
    assert!(
        keytab
            .find(&principal("hdfs/localhost"), None, None)
            .is_none()
    );
    assert!(
        keytab
            .find(&Principal::new("OTHER", ["alice"]), None, None)
            .is_none()
    );
}

#[test]
fn a_version_number_above_255_is_read_from_its_32_bits() {
    let keytab = Keytab::parse(KEYTABS[1]).expect("a keytab");
    let newest = keytab.find(&principal("bob"), None, None).expect("listed");
    assert_eq!(
        (newest.kvno(), newest.enctype()),
        (70_000, EncryptionType::AES256_CTS_HMAC_SHA384_192)
    );
    assert!(
        keytab
            .find(&principal("bob"), Some(70_000 & 0xff), None)
            .is_none()
    );
    let heimdals = Keytab::parse(KEYTABS[2]).expect("a keytab");
    let found = heimdals
        .find(&principal("bob"), Some(300), None)
        .expect("listed");
    assert_eq!(
        found.key(),
        Some(&password_key(
            "bob",
            EncryptionType::AES256_CTS_HMAC_SHA1_96
        ))
    );
}

#[test]
fn an_entry_of_eight_bits_alone_answers_to_every_version_with_that_low_byte() {
    let key = password_key("bob", EncryptionType::AES128_CTS_HMAC_SHA1_96);
    let keytab: Keytab = [KeytabEntry::new(principal("bob"), 5, key, Timestamp::EPOCH)]
        .into_iter()
        .collect();
    let mut old = keytab.to_bytes();
    old.truncate(old.len() - 4);
    old[5] -= 4;
    let old = Keytab::parse(&old).expect("a keytab");
    for kvno in [5, 0x105] {
        assert!(old.find(&principal("bob"), Some(kvno), None).is_some());
    }
    assert!(old.find(&principal("bob"), Some(6), None).is_none());
}

#[test]
fn entries_are_removed_by_principal_and_version() {
    let mut keytab = Keytab::parse(KEYTABS[1]).expect("a keytab");
    assert_eq!(keytab.remove(&principal("bob"), Some(6)), 0);
    assert_eq!(keytab.remove(&principal("bob"), Some(5)), 1);
    assert_eq!(keytab.remove(&principal("bob"), None), 1);
    assert_eq!(keytab.entries().count(), 1);
}

#[test]
fn a_keytab_cut_or_changed_anywhere_never_panics_and_a_cut_one_loses_no_whole_entry() {
    for file in KEYTABS {
        for len in 0..file.len() {
            if let Ok(keytab) = Keytab::parse(&file[..len]) {
                assert_same(&keytab.to_bytes(), &file[..len]);
            }
        }
        for bit in 0..file.len() * 8 {
            let mut changed = file.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Ok(keytab) = Keytab::parse(&changed) {
                assert_same(&keytab.to_bytes(), &changed);
            }
        }
    }
}

#[test]
fn other_versions_and_garbage_are_refused_with_the_place() {
    for bytes in [&b"\x05\x01"[..], b"\x05", b"", b"[libdefaults]\n"] {
        assert!(matches!(
            Keytab::parse(bytes),
            Err(Error::Malformed { what: "keytab", .. })
        ));
        assert!(matches!(
            CredentialCache::parse(bytes),
            Err(Error::Malformed { .. })
        ));
    }
    let error = Keytab::parse(b"\x05\x02\0\0\0\x09\0\0").expect_err("cut");
    assert_eq!(
        error.to_string(),
        "not a keytab: at byte 6: it ends within a record"
    );
}

#[test]
fn what_klist_shows_of_a_cache_is_what_we_read() {
    let cache = CredentialCache::parse(CACHES[0]).expect("a cache");
    assert_eq!(cache.default_principal(), &principal("alice"));
    assert_eq!(cache.time_offset(), Some(3_600_000_000));
    let krbtgt = principal("krbtgt/EXAMPLE.COM");
    assert_eq!(cache.config("fast_avail", Some(&krbtgt)), Some(&b"yes"[..]));
    assert_eq!(cache.config("pa_type", Some(&krbtgt)), None);
    let servers: Vec<_> = cache
        .credentials()
        .map(|credential| credential.server.to_string())
        .collect();
    assert_eq!(
        servers,
        [
            "krbtgt/EXAMPLE.COM@EXAMPLE.COM",
            "hdfs/localhost@EXAMPLE.COM",
            "bob@EXAMPLE.COM"
        ]
    );
    let tgt = cache.find(&krbtgt).expect("listed");
    assert_eq!(tgt.enctype(), EncryptionType::AES256_CTS_HMAC_SHA1_96);
    assert!(tgt.key().is_some());
    assert_eq!(
        tgt.end_time.since(tgt.start_time),
        Duration::from_secs(10 * 3600)
    );
    assert_eq!(
        tgt.renew_till.since(tgt.start_time),
        Duration::from_secs(7 * 24 * 3600)
    );
    let expected = [
        TicketFlags::FORWARDABLE,
        TicketFlags::PROXIABLE,
        TicketFlags::RENEWABLE,
        TicketFlags::INITIAL,
        TicketFlags::PRE_AUTHENT,
    ];
    assert!(expected.iter().all(|flag| tgt.flags.contains(*flag)));
    let user_to_user = cache.find(&principal("bob")).expect("listed");
    assert!(
        user_to_user
            .second_ticket()
            .is_some_and(|ticket| ticket.starts_with(&[0x61]))
    );
    assert_eq!(tgt.second_ticket(), None);
}

#[test]
fn a_caches_addresses_and_heimdals_clock_offset_are_read() {
    let krbtgt = principal("krbtgt/EXAMPLE.COM");
    let with_addresses = CredentialCache::parse(CACHES[1]).expect("a cache");
    let addresses = &with_addresses.find(&krbtgt).expect("listed").addresses;
    let types: Vec<_> = addresses
        .iter()
        .map(|address| address.address_type)
        .collect();
    assert_eq!(types, [HostAddress::IPV4, HostAddress::IPV6]);

    let heimdals = CredentialCache::parse(CACHES[2]).expect("a cache");
    assert_eq!(
        heimdals.time_offset().map(|micros| micros / 1_000_000),
        Some(3600)
    );
    assert!(heimdals.find(&krbtgt).is_some());
}

#[test]
fn a_cache_put_together_anew_is_the_one_that_kinit_wrote() {
    let recorded = CredentialCache::parse(CACHES[1]).expect("a cache");
    let krbtgt = Principal::krbtgt("EXAMPLE.COM", "EXAMPLE.COM");
    let mut cache = CredentialCache::new(principal("alice"));
    cache.set_time_offset(recorded.time_offset().expect("kinit writes it"));
    cache.set_config("fast_avail", Some(&krbtgt), Some(b"yes"));
    cache.set_config("pa_type", Some(&krbtgt), Some(b"2"));
    let tgt = recorded.find(&krbtgt).expect("kinit gets one");
    let mut made = Credential::new(
        principal("alice"),
        krbtgt,
        tgt.key().expect("supported").clone(),
        tgt.ticket.clone(),
    );
    made.auth_time = tgt.auth_time;
    made.start_time = tgt.start_time;
    made.end_time = tgt.end_time;
    made.renew_till = tgt.renew_till;
    made.flags = tgt.flags;
    made.addresses = tgt.addresses.clone();
    cache.push(made);
    assert_same(&cache.to_bytes(), CACHES[1]);
}

#[test]
fn tickets_go_from_a_cache_to_the_clients_exchanges_and_back() {
    for file in CACHES {
        let cache = CredentialCache::parse(file).expect("a cache");
        for credential in cache
            .credentials()
            .filter(|credential| credential.second_ticket().is_none())
        {
            let credentials = Credentials::try_from(credential).expect("a ticket");
            assert_eq!(&Credential::from(&credentials), credential);
        }
    }
}

#[test]
fn tickets_and_settings_are_removed_as_mit_removes_them() {
    // Repeat the recorded removal: restore the removed records, remove them again, and compare.
    let mut cache = CredentialCache::parse(CACHES[1]).expect("a cache");
    let krbtgt = principal("krbtgt/EXAMPLE.COM");
    cache.set_config("pa_type", Some(&krbtgt), None);
    assert_eq!(cache.config("pa_type", Some(&krbtgt)), None);
    assert_eq!(cache.remove(&krbtgt), 1);
    assert_eq!(cache.credentials().count(), 0);
    let bytes = cache.to_bytes();
    assert_eq!(bytes.len(), CACHES[1].len());
    let changed: Vec<_> = (0..bytes.len())
        .filter(|at| bytes[*at] != CACHES[1][*at])
        .collect();
    let realm = CACHES[1]
        .windows(12)
        .rposition(|window| window == b"X-CACHECONF:")
        .expect("a setting");
    assert_eq!(&bytes[realm..realm + 12], b"X-RMED-CONF:");
    let recorded = CACHES[0]
        .windows(12)
        .position(|window| window == b"X-RMED-CONF:");
    assert!(recorded.is_some(), "MIT wrote the same realm");
    // Besides the realm, only the authentication and end times of the two records changed.
    assert!(changed.len() <= 12 + 4 + 8, "{changed:?}");
}

#[test]
fn a_setting_is_replaced() {
    let mut cache = CredentialCache::new(principal("alice"));
    cache.set_config("start_realm", None, Some(b"A"));
    cache.set_config("start_realm", None, Some(b"B"));
    assert_eq!(cache.config("start_realm", None), Some(&b"B"[..]));
    assert_eq!(cache.credentials().count(), 0);
}

#[test]
fn a_cache_cut_or_changed_anywhere_never_panics() {
    for file in CACHES {
        for len in 0..file.len() {
            if let Ok(cache) = CredentialCache::parse(&file[..len]) {
                assert_same(&cache.to_bytes(), &file[..len]);
            }
        }
        for bit in 0..file.len() * 8 {
            let mut changed = file.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            let _ = CredentialCache::parse(&changed);
        }
    }
}

#[test]
fn the_time_offset_goes_either_way_and_changes_nothing_else() {
    let mut cache = CredentialCache::parse(CACHES[0]).expect("a cache");
    for micros in [0, 1, -1, 36_000_000_000, -36_000_000_001] {
        cache.set_time_offset(micros);
        assert_eq!(
            CredentialCache::parse(&cache.to_bytes())
                .expect("a cache")
                .time_offset(),
            Some(micros)
        );
    }
    cache.set_time_offset(3_600_000_000);
    assert_same(&cache.to_bytes(), CACHES[0]);
}

#[test]
fn the_time_offset_of_a_file_is_set_where_it_stands() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cache");
    CredentialCache::parse(CACHES[0])
        .expect("a cache")
        .write(&path)
        .expect("writable");
    assert_same(&std::fs::read(&path).expect("written"), CACHES[0]);
    CredentialCache::set_time_offset_of_file(&path, 7_000_001).expect("writable");
    let mut expected = CACHES[0].to_vec();
    expected[8..16].copy_from_slice(&[0, 0, 0, 7, 0, 0, 0, 1]);
    assert_same(&std::fs::read(&path).expect("written"), &expected);

    // The field is added to a header without it.
    expected.splice(2..16, [0, 0]);
    std::fs::write(&path, expected).expect("writable");
    CredentialCache::set_time_offset_of_file(&path, 3_600_000_000).expect("writable");
    assert_same(&std::fs::read(&path).expect("written"), CACHES[0]);
    assert_eq!(
        std::fs::read_dir(directory.path())
            .expect("readable")
            .count(),
        1,
        "nothing is left behind"
    );
}

#[cfg(unix)]
#[test]
fn files_with_keys_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("keytab");
    std::fs::write(&path, "old").expect("writable");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("ours");
    let keytab = Keytab::parse(KEYTABS[0]).expect("a keytab");
    keytab.write(&path).expect("writable");
    assert_eq!(
        std::fs::metadata(&path)
            .expect("written")
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    assert_eq!(Keytab::read(&path).expect("written"), keytab);

    let missing = directory.path().join("missing/keytab");
    let error = keytab
        .write(&missing)
        .expect_err("no such directory")
        .to_string();
    assert!(
        error.contains("missing/keytab cannot be written: "),
        "{error}"
    );
    assert!(Keytab::read(&missing).is_err());
}
