//! Identifiers of block tokens (Hadoop's `BlockTokenIdentifier`), in the legacy and protobuf forms.

use std::fmt;

use bytes::Bytes;
use kerbox_krb5::Timestamp;
use prost::Message;

use crate::decode::decode;
use crate::proto::hdfs::BlockTokenSecretProto;
use crate::writable::{
    WritableReader, write_bytes, write_count, write_string, write_text, write_vint, write_vlong,
};
use crate::{HdfsError, base64};

/// An operation that a block token allows (`BlockTokenIdentifier.AccessMode`).
pub use crate::proto::hdfs::AccessModeProto as AccessMode;
/// The medium that holds a replica (`StorageType`).
pub use crate::proto::hdfs::StorageTypeProto as StorageType;

/// The identifier of a block token.
///
/// ```
/// use minihdfs::HdfsError;
/// use minihdfs::token::{AccessMode, BlockTokenIdentifier, Token};
///
/// /// Returns true if a token allows to read its block.
/// fn may_read(token: &Token) -> Result<bool, HdfsError> {
///     let identifier = BlockTokenIdentifier::from_bytes(&token.identifier)?;
///     Ok(identifier.modes.contains(&AccessMode::Read))
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockTokenIdentifier {
    /// The expiry time.
    pub expiry_date: Timestamp,
    /// The id of the block key that the password was computed with.
    pub key_id: i32,
    /// The short name of the holder; may be empty.
    pub user_id: String,
    /// The block pool.
    pub block_pool_id: String,
    /// The block.
    pub block_id: u64,
    /// The operations that it allows.
    pub modes: Vec<AccessMode>,
    /// The storage types that it covers; empty for any.
    pub storage_types: Vec<StorageType>,
    /// The storages that it covers; empty for any.
    pub storage_ids: Vec<String>,
    /// The quality of protection that the NameNode tells the client to use; usually empty.
    pub handshake_secret: Bytes,
}

impl BlockTokenIdentifier {
    /// Parses either form. The legacy form starts with the length marker of a date, a negative
    /// byte, and protobuf with a tag, a positive one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HdfsError> {
        match bytes.first() {
            None => Err(HdfsError::io("a block token is empty")),
            Some(first) if first.cast_signed() > 0 => Self::from_protobuf(bytes),
            Some(_) => Self::from_legacy(bytes),
        }
    }

    /// Parses the DIGEST-MD5 user name of a token. Fails with `SecretManager$InvalidToken`.
    pub fn from_sasl_user_name(user_name: &str) -> Result<Self, HdfsError> {
        base64::decode(user_name)
            .and_then(|bytes| Self::from_bytes(&bytes).ok())
            .ok_or_else(|| HdfsError::invalid_token("Can't de-serialize tokenIdentifier"))
    }

    fn from_legacy(bytes: &[u8]) -> Result<Self, HdfsError> {
        let mut reader = WritableReader::new(bytes);
        let mut identifier = Self {
            expiry_date: Timestamp::from_millis(reader.vlong("a block token's expiry date")?),
            key_id: reader.vint("a block token's key id")?,
            user_id: reader
                .string("a block token's user")?
                .unwrap_or_default()
                .to_owned(),
            block_pool_id: reader
                .string("a block token's block pool")?
                .unwrap_or_default()
                .to_owned(),
            block_id: reader.vlong("a block token's block")?.cast_unsigned(),
            modes: list(&mut reader, "a block token's modes", |reader| {
                let name = reader.text("a block token's mode")?;
                AccessMode::from_str_name(name).ok_or_else(|| {
                    HdfsError::io(format!("a block token has an unknown mode: {name}"))
                })
            })?,
            storage_types: Vec::new(),
            storage_ids: Vec::new(),
            handshake_secret: Bytes::new(),
        };
        // Identifiers from servers before 3.0 end here.
        if !reader.is_empty() {
            identifier.storage_types =
                list(&mut reader, "a block token's storage types", |reader| {
                    let name = reader.text("a block token's storage type")?;
                    StorageType::from_str_name(name).ok_or_else(|| {
                        HdfsError::io(format!("a block token has an unknown storage type: {name}"))
                    })
                })?;
        }
        if !reader.is_empty() {
            identifier.storage_ids = list(&mut reader, "a block token's storages", |reader| {
                Ok(reader
                    .string("a block token's storage")?
                    .unwrap_or_default()
                    .to_owned())
            })?;
        }
        if !reader.is_empty() {
            identifier.handshake_secret =
                Bytes::copy_from_slice(reader.bytes("a block token's handshake secret")?);
        }
        Ok(identifier)
    }

    fn from_protobuf(bytes: &[u8]) -> Result<Self, HdfsError> {
        let proto = decode::<BlockTokenSecretProto>(bytes)
            .map_err(|error| HdfsError::io(format!("a block token cannot be read: {error}")))?;
        Ok(Self {
            expiry_date: Timestamp::from_millis(proto.expiry_date().cast_signed()),
            key_id: proto.key_id().cast_signed(),
            user_id: proto.user_id().to_owned(),
            block_pool_id: proto.block_pool_id().to_owned(),
            block_id: proto.block_id(),
            modes: proto.modes().collect(),
            storage_types: proto.storage_types().collect(),
            storage_ids: proto.storage_ids,
            handshake_secret: proto.handshake_secret.unwrap_or_default(),
        })
    }

    /// Encodes the legacy form, which servers issue by default.
    #[must_use]
    pub fn to_legacy(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(96);
        write_vlong(self.expiry_date.as_millis(), &mut out);
        write_vint(self.key_id, &mut out);
        write_string(&self.user_id, &mut out);
        write_string(&self.block_pool_id, &mut out);
        write_vlong(self.block_id.cast_signed(), &mut out);
        write_count(self.modes.len(), &mut out);
        for mode in &self.modes {
            write_text(mode.as_str_name(), &mut out);
        }
        write_count(self.storage_types.len(), &mut out);
        for storage_type in &self.storage_types {
            write_text(storage_type.as_str_name(), &mut out);
        }
        write_count(self.storage_ids.len(), &mut out);
        for storage_id in &self.storage_ids {
            write_string(storage_id, &mut out);
        }
        if !self.handshake_secret.is_empty() {
            write_bytes(&self.handshake_secret, &mut out);
        }
        out
    }

    /// Encodes the protobuf form (`dfs.block.access.token.protobuf.enable`).
    #[must_use]
    pub fn to_protobuf(&self) -> Vec<u8> {
        BlockTokenSecretProto {
            expiry_date: Some(self.expiry_date.as_millis().cast_unsigned()),
            key_id: Some(self.key_id.cast_unsigned()),
            user_id: Some(self.user_id.clone()),
            block_pool_id: Some(self.block_pool_id.clone()),
            block_id: Some(self.block_id),
            modes: self.modes.iter().map(|mode| *mode as i32).collect(),
            storage_types: self
                .storage_types
                .iter()
                .map(|storage_type| *storage_type as i32)
                .collect(),
            storage_ids: self.storage_ids.clone(),
            handshake_secret: (!self.handshake_secret.is_empty())
                .then(|| self.handshake_secret.clone()),
        }
        .encode_to_vec()
    }

    /// Returns the authenticated user, or the block itself if the identifier names no user.
    #[must_use]
    pub fn user(&self) -> String {
        if self.user_id.is_empty() {
            format!("{}:{}", self.block_pool_id, self.block_id)
        } else {
            self.user_id.clone()
        }
    }
}

impl fmt::Display for BlockTokenIdentifier {
    /// Formats the identifier as in Hadoop's messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |names: Vec<&str>| names.join(", ");
        write!(
            f,
            "block_token_identifier (expiryDate={}, keyId={}, userId={}, blockPoolId={}, blockId={}, access modes=[{}], storageTypes= [{}], storageIds= [{}])",
            self.expiry_date.as_millis(),
            self.key_id,
            self.user_id,
            self.block_pool_id,
            self.block_id,
            names(self.modes.iter().map(AccessMode::as_str_name).collect()),
            names(
                self.storage_types
                    .iter()
                    .map(StorageType::as_str_name)
                    .collect()
            ),
            self.storage_ids.join(", "),
        )
    }
}

/// Reads a counted list. Reserves no capacity up front, because the count is not trusted.
fn list<'a, T>(
    reader: &mut WritableReader<'a>,
    what: &str,
    mut item: impl FnMut(&mut WritableReader<'a>) -> Result<T, HdfsError>,
) -> Result<Vec<T>, HdfsError> {
    let count = reader.count(what)?;
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(item(reader)?);
    }
    Ok(items)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use kerbox_krb5::testing::unhex;

    pub(crate) const LEGACY: &str = "8a018bcfe568008512d68600000005616c6963650000001042502d312d3132372e302e302e312d318c4000000101045245414401044449534b010000000444532d31";
    pub(crate) const PROTOBUF: &str = "0880d095ffbc3110f9d2b4ff0f1a05616c696365221042502d312d3132372e302e302e312d3128818080800430013801420444532d31";

    pub(crate) fn identifier() -> BlockTokenIdentifier {
        BlockTokenIdentifier {
            expiry_date: Timestamp::from_millis(1_700_000_000_000),
            key_id: -1_234_567,
            user_id: "alice".to_owned(),
            block_pool_id: "BP-1-127.0.0.1-1".to_owned(),
            block_id: 1_073_741_825,
            modes: vec![AccessMode::Read],
            storage_types: vec![StorageType::Disk],
            storage_ids: vec!["DS-1".to_owned()],
            handshake_secret: Bytes::new(),
        }
    }

    #[test]
    fn both_forms_are_hadoops() {
        assert_eq!(identifier().to_legacy(), unhex(LEGACY));
        assert_eq!(identifier().to_protobuf(), unhex(PROTOBUF));
        assert_eq!(
            BlockTokenIdentifier::from_bytes(&unhex(LEGACY)).expect("legacy"),
            identifier()
        );
        assert_eq!(
            BlockTokenIdentifier::from_bytes(&unhex(PROTOBUF)).expect("protobuf"),
            identifier()
        );
    }

    #[test]
    fn a_handshake_secret_survives_both_forms() {
        let mut identifier = identifier();
        identifier.handshake_secret = Bytes::from_static(b"auth-conf");
        for bytes in [identifier.to_legacy(), identifier.to_protobuf()] {
            assert_eq!(
                BlockTokenIdentifier::from_bytes(&bytes).expect("ours"),
                identifier
            );
        }
    }

    #[test]
    fn the_older_form_without_storages_is_read() {
        let old = &unhex(LEGACY)[..unhex(LEGACY).len() - 15];
        let read = BlockTokenIdentifier::from_bytes(old).expect("Hadoop 2's form");
        assert_eq!(read.modes, [AccessMode::Read]);
        assert!(read.storage_types.is_empty());
    }

    #[test]
    fn no_cut_or_flipped_identifier_panics() {
        assert!(BlockTokenIdentifier::from_bytes(&[]).is_err());
        for bytes in [unhex(LEGACY), unhex(PROTOBUF)] {
            for at in 0..bytes.len() {
                let _ = BlockTokenIdentifier::from_bytes(&bytes[..at]);
                for change in 1..=255 {
                    let mut spoilt = bytes.clone();
                    spoilt[at] ^= change;
                    let _ = BlockTokenIdentifier::from_bytes(&spoilt);
                }
            }
        }
    }
}
