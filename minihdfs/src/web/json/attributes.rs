//! Access control lists and extended attributes.

use serde_json::{Map, Value, json};

use super::status::octal;
use crate::base64;
use crate::namenode::AclEntry;
use crate::proto::hdfs::x_attr_proto::XAttrNamespaceProto as Namespace;
use crate::proto::hdfs::{AclStatusProto, XAttrProto};

/// Returns `{"AclStatus": …}`.
pub(in crate::web) fn acl_status(status: &AclStatusProto) -> Value {
    let entries = status.entries.iter().cloned().map(AclEntry::from_proto);
    let entries: Vec<String> = entries.map(|entry| entry.to_string()).collect();
    let mut fields = Map::new();
    fields.insert("owner".to_owned(), status.owner.as_str().into());
    fields.insert("group".to_owned(), status.group.as_str().into());
    fields.insert("stickyBit".to_owned(), status.sticky.into());
    fields.insert("entries".to_owned(), entries.into());
    if let Some(permission) = &status.permission {
        fields.insert("permission".to_owned(), octal(permission.perm));
    }
    json!({ "AclStatus": fields })
}

/// The encoding of attributes' values (Hadoop's `XAttrCodec`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::web) enum Encoding {
    /// `"value"`
    Text,
    /// `0x76616c7565`
    Hex,
    /// `0sdmFsdWU=`
    Base64,
}

impl Encoding {
    pub(in crate::web) fn of(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "text" => Some(Self::Text),
            "hex" => Some(Self::Hex),
            "base64" => Some(Self::Base64),
            _ => None,
        }
    }

    fn encode(self, value: &[u8]) -> String {
        match self {
            Self::Text => format!("\"{}\"", String::from_utf8_lossy(value)),
            Self::Hex => {
                let digits: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("0x{digits}")
            }
            Self::Base64 => format!("0s{}", base64::encode(value)),
        }
    }

    /// Decodes a value, whose first letters say how it is encoded; `None` if it cannot be read.
    pub(in crate::web) fn decode(text: &str) -> Option<Vec<u8>> {
        let start = |prefix: &str| {
            text.get(..2)
                .filter(|start| start.eq_ignore_ascii_case(prefix))
                .and_then(|_| text.get(2..))
        };
        if let Some(quoted) = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
        {
            return Some(quoted.into());
        }
        if let Some(digits) = start("0x") {
            return decode_hex(digits);
        }
        match start("0s") {
            Some(digits) => base64::decode(digits),
            None => Some(text.into()),
        }
    }
}

fn decode_hex(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let pair = std::str::from_utf8(pair)
                .ok()
                .filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        })
        .collect()
}

/// Returns `{"XAttrs": …}`.
pub(in crate::web) fn xattrs(attributes: &[XAttrProto], encoding: Encoding) -> Value {
    let attributes: Vec<Value> = attributes
        .iter()
        .map(|attribute| {
            let value = attribute.value.as_ref().filter(|value| !value.is_empty());
            json!({
                "name": name(attribute),
                "value": value.map(|value| encoding.encode(value)),
            })
        })
        .collect();
    json!({ "XAttrs": attributes })
}

/// Returns `{"XAttrNames": …}`: a text that contains a JSON array.
pub(in crate::web) fn xattr_names(attributes: &[XAttrProto]) -> Value {
    let names: Vec<String> = attributes.iter().map(name).collect();
    json!({ "XAttrNames": Value::from(names).to_string() })
}

fn name(attribute: &XAttrProto) -> String {
    let namespace = match attribute.namespace() {
        Namespace::User => "user",
        Namespace::Trusted => "trusted",
        Namespace::Security => "security",
        Namespace::System => "system",
        Namespace::Raw => "raw",
    };
    format!("{namespace}.{}", attribute.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_as_hadoop_does() {
        for (encoding, text) in [
            (Encoding::Text, "\"value\""),
            (Encoding::Hex, "0x76616c7565"),
            (Encoding::Base64, "0sdmFsdWU="),
        ] {
            assert_eq!(encoding.encode(b"value"), text);
            assert_eq!(Encoding::decode(text).as_deref(), Some(&b"value"[..]));
        }
        assert_eq!(Encoding::decode("plain").as_deref(), Some(&b"plain"[..]));
        assert_eq!(Encoding::decode("0xabc"), None);
        assert_eq!(Encoding::decode("ä"), Some("ä".into()));
    }

    #[test]
    fn names_are_a_text_that_contains_an_array() {
        let attribute = XAttrProto {
            namespace: Namespace::User.into(),
            name: "a".to_owned(),
            value: None,
        };
        assert_eq!(
            xattr_names(std::slice::from_ref(&attribute)),
            json!({ "XAttrNames": "[\"user.a\"]" })
        );
        assert_eq!(
            xattrs(&[attribute], Encoding::Text),
            json!({ "XAttrs": [{ "name": "user.a", "value": null }] })
        );
    }
}
