//! The keys of block tokens.

use bytes::Bytes;
use kerbox_krb5::Timestamp;

use crate::proto::hdfs::{BlockKeyProto, ExportedBlockKeysProto};
use crate::protocol::{BlockKey, ExportedBlockKeys};

/// The maximum number of keys that are read. A NameNode has four at most.
const MAX_KEYS: usize = 64;

/// Returns the message for these keys; without keys, that there are no block tokens.
pub(crate) fn exported(keys: Option<&ExportedBlockKeys>) -> ExportedBlockKeysProto {
    let Some(keys) = keys else {
        return ExportedBlockKeysProto::default();
    };
    let current = keys.all.iter().find(|key| key.id == keys.current);
    ExportedBlockKeysProto {
        is_block_token_enabled: true,
        key_update_interval: millis(keys.key_update_interval),
        token_life_time: millis(keys.token_lifetime),
        current_key: current.map(key).unwrap_or_default(),
        all_keys: keys.all.iter().map(key).collect(),
    }
}

/// Reads keys; `None` if there are no block tokens.
pub(crate) fn imported(keys: &ExportedBlockKeysProto) -> Option<ExportedBlockKeys> {
    let millis = std::time::Duration::from_millis;
    let all = keys.all_keys.iter().take(MAX_KEYS).map(|key| BlockKey {
        id: key.key_id.cast_signed(),
        expiry: Timestamp::from_millis(key.expiry_date.cast_signed()),
        secret: key.key_bytes.clone().unwrap_or_default(),
    });
    keys.is_block_token_enabled.then(|| ExportedBlockKeys {
        key_update_interval: millis(keys.key_update_interval),
        token_lifetime: millis(keys.token_life_time),
        current: keys.current_key.key_id.cast_signed(),
        all: all.collect(),
    })
}

fn key(key: &BlockKey) -> BlockKeyProto {
    BlockKeyProto {
        key_id: key.id.cast_unsigned(),
        expiry_date: key.expiry.as_millis().cast_unsigned(),
        key_bytes: Some(Bytes::clone(&key.secret)),
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_arrive_as_they_were_sent() {
        let secret = |id| BlockKey {
            id,
            expiry: Timestamp::from_secs(5),
            secret: Bytes::from_static(b"secret"),
        };
        let keys = ExportedBlockKeys {
            key_update_interval: std::time::Duration::from_secs(1),
            token_lifetime: std::time::Duration::from_secs(2),
            current: 7,
            all: vec![secret(6), secret(7)],
        };
        assert_eq!(exported(Some(&keys)).current_key.key_id, 7);
        assert_eq!(imported(&exported(Some(&keys))), Some(keys));
        assert_eq!(imported(&exported(None)), None);
    }
}
