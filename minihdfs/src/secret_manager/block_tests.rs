use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kerbox_krb5::Timestamp;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::block_keys::BlockKeys;
use super::*;
use crate::token::{AccessMode, BlockTokenIdentifier, StorageType, Token};

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
const LIFE: Duration = Duration::from_secs(10 * 3600);
const POOL: &str = "BP-1-127.0.0.1-1";
const BLOCK: u64 = 1_073_741_825;

fn manager(protobuf: bool, seed: u64) -> BlockTokenSecretManager {
    let settings = BlockTokenSettings {
        block_pool_id: POOL.to_owned(),
        key_update_interval: LIFE,
        token_lifetime: LIFE,
        protobuf,
        encryption_algorithm: Some("3des".to_owned()),
    };
    BlockTokenSecretManager::new(settings, NOW, &mut StdRng::seed_from_u64(seed))
}

fn reading(manager: &BlockTokenSecretManager, now: Timestamp) -> Token {
    manager.issue(
        now,
        "alice",
        BLOCK,
        &[AccessMode::Read],
        &[StorageType::Disk],
        &["DS-1".to_owned()],
    )
}

fn access(mode: AccessMode) -> BlockAccess<'static> {
    BlockAccess {
        block_pool_id: POOL,
        block_id: BLOCK,
        generation_stamp: 1001,
        mode,
        storage_types: &[],
        storage_ids: &[],
    }
}

#[track_caller]
fn refused(
    manager: &BlockTokenSecretManager,
    now: Timestamp,
    token: &Token,
    access: &BlockAccess<'_>,
    text: &str,
) {
    let error = manager
        .check_access(now, token, access)
        .expect_err("it must be refused");
    assert_eq!(
        error.class(),
        "org.apache.hadoop.security.token.SecretManager$InvalidToken"
    );
    assert!(error.message().contains(text), "{error}");
}

#[test]
fn a_token_allows_what_it_was_issued_for_in_both_forms() {
    for protobuf in [false, true] {
        let manager = manager(protobuf, 1);
        let token = reading(&manager, NOW);
        assert_eq!(token.kind, "HDFS_BLOCK_TOKEN");
        let identifier = manager
            .check_access(NOW, &token, &access(AccessMode::Read))
            .expect("as issued");
        assert_eq!(
            (identifier.user_id.as_str(), identifier.expiry_date),
            ("alice", NOW + LIFE)
        );
        assert_eq!(
            manager.sasl_password(NOW, &token.sasl_user_name()),
            Ok(token.sasl_password())
        );
        let mut on_disk = access(AccessMode::Read);
        on_disk.storage_types = &[StorageType::Disk];
        manager
            .check_access(NOW, &token, &on_disk)
            .expect("the storage type that it names");
    }
}

#[test]
fn a_token_is_refused_for_another_block_mode_storage_or_time() {
    let manager = manager(false, 1);
    let token = reading(&manager, NOW);
    let read = access(AccessMode::Read);
    refused(
        &manager,
        NOW,
        &token,
        &access(AccessMode::Write),
        "doesn't have WRITE permission",
    );
    let other = BlockAccess {
        block_id: 7,
        ..read
    };
    refused(
        &manager,
        NOW,
        &token,
        &other,
        "doesn't apply to block BP-1-127.0.0.1-1:blk_7_1001",
    );
    let pool = BlockAccess {
        block_pool_id: "BP-2",
        ..read
    };
    refused(&manager, NOW, &token, &pool, "doesn't apply to block BP-2:");
    let ssd = BlockAccess {
        storage_types: &[StorageType::Ssd],
        ..read
    };
    refused(
        &manager,
        NOW,
        &token,
        &ssd,
        "StorageTypes [DISK] not valid for access with StorageTypes [SSD]",
    );
    let ids = ["DS-2".to_owned()];
    let storage = BlockAccess {
        storage_ids: &ids,
        ..read
    };
    refused(
        &manager,
        NOW,
        &token,
        &storage,
        "StorageIDs [DS-1] not valid for access with StorageIDs [DS-2]",
    );
    manager
        .check_access(NOW + LIFE, &token, &read)
        .expect("its last moment");
    let late = NOW + LIFE + Duration::from_millis(1);
    refused(&manager, late, &token, &read, " is expired.");
    let error = manager
        .sasl_password(late, &token.sasl_user_name())
        .expect_err("expired");
    assert!(error.message().ends_with(" is expired."));
}

#[test]
fn missing_foreign_and_tampered_tokens_are_refused() {
    let manager = manager(false, 1);
    let read = access(AccessMode::Read);
    refused(
        &manager,
        NOW,
        &Token::default(),
        &read,
        "Unable to de-serialize block token identifier",
    );
    refused(
        &manager,
        NOW,
        &reading(&self::manager(false, 2), NOW),
        &read,
        "since the required block key (keyID=",
    );

    let token = reading(&manager, NOW);
    let mut stronger = BlockTokenIdentifier::from_bytes(&token.identifier).expect("ours");
    stronger.modes.push(AccessMode::Write);
    let forged = Token {
        identifier: stronger.to_legacy().into(),
        ..token.clone()
    };
    refused(
        &manager,
        NOW,
        &forged,
        &access(AccessMode::Write),
        "doesn't have the correct token password",
    );
    for at in 0..token.identifier.len() {
        let mut bytes = token.identifier.to_vec();
        bytes[at] ^= 1;
        let forged = Token {
            identifier: bytes.into(),
            ..token.clone()
        };
        assert!(
            manager.check_access(NOW, &forged, &read).is_err(),
            "byte {at}"
        );
    }
    let bare = Token {
        password: Bytes::new(),
        ..token
    };
    refused(
        &manager,
        NOW,
        &bare,
        &read,
        "doesn't have the correct token password",
    );
}

#[test]
fn tokens_survive_key_updates_for_as_long_as_they_hold() {
    let manager = manager(false, 1);
    let read = access(AccessMode::Read);
    let first = reading(&manager, NOW + LIFE - Duration::from_secs(1));
    let mut now = NOW;
    for round in 1..=3 {
        assert_eq!(manager.next_deadline(), NOW + LIFE * round);
        now = manager.next_deadline();
        assert!(!manager.tick(now - Duration::from_secs(1)) && manager.tick(now));
        if round == 1 {
            manager
                .check_access(now, &first, &read)
                .expect("its key retires, but is known");
        }
        let fresh = reading(&manager, now);
        manager
            .check_access(now, &fresh, &read)
            .expect("the current key");
        let key_id = BlockTokenIdentifier::from_bytes(&fresh.identifier)
            .expect("ours")
            .key_id;
        let first_id = BlockTokenIdentifier::from_bytes(&first.identifier)
            .expect("ours")
            .key_id;
        assert_eq!(key_id, first_id.wrapping_add_unsigned(round));
    }
    assert_eq!(
        manager.key_ids().len(),
        5,
        "current, next, and three that retire"
    );
    manager.update_keys(now + Duration::from_secs(1));
    assert_eq!(manager.key_ids().len(), 5, "the first is forgotten");
    refused(&manager, now, &first, &read, " is expired.");
}

#[test]
fn encryption_keys_open_sasl_until_their_block_key_is_unknown() {
    let manager = Arc::new(manager(false, 1));
    let keys = EncryptionKeys(Arc::clone(&manager));
    let key = manager.data_encryption_key(NOW);
    assert_eq!(
        (key.nonce.len(), key.encryption_key.len(), key.expiry_date),
        (8, 20, NOW + LIFE)
    );
    assert_ne!(key.nonce, manager.data_encryption_key(NOW).nonce);
    assert_eq!(
        keys.sasl_password(NOW, &key.sasl_user_name()),
        Ok(key.sasl_password())
    );
    assert_eq!(
        keys.token_user(&key.sasl_user_name())
            .expect("any")
            .effective,
        key.sasl_user_name()
    );
    let token = reading(&manager, NOW);
    assert_eq!(
        manager
            .token_user(&token.sasl_user_name())
            .expect("ours")
            .effective,
        "alice"
    );
    for name in ["", "1 BP", "x BP AA==", "1 BP ?", "1 BP AA== more"] {
        assert!(keys.sasl_password(NOW, name).is_err(), "{name:?}");
    }
    manager.clear_keys(NOW);
    let error = keys
        .sasl_password(NOW, &key.sasl_user_name())
        .expect_err("forgotten");
    assert!(crate::sasl::SaslError::from(error).is_invalid_encryption_key());
    let read = access(AccessMode::Read);
    manager
        .check_access(NOW, &reading(&manager, NOW), &read)
        .expect("the new key");
}

#[test]
fn ids_of_keys_are_never_negative() {
    for seed in 0..64 {
        let manager = manager(false, seed);
        assert!(manager.key_ids().iter().all(|id| *id >= 0), "seed {seed}");
        manager.clear_keys(NOW);
        assert!(manager.key_ids().iter().all(|id| *id >= 0), "seed {seed}");
    }
    let settings = manager(false, 1).settings().clone();
    let mut keys = BlockKeys::starting_at(&settings, NOW, StdRng::seed_from_u64(1), i32::MAX);
    keys.update(&settings, NOW);
    assert_eq!(keys.current().0, 0, "after the greatest comes 0");
}
