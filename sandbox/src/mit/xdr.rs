//! The XDR encoding (RFC 4506) of kadmin's data about a principal: its policy, and the keys of its
//! former passwords.

use super::entry::StoredKey;
use super::hex::{hex, unhex};
use super::keysalt::SaltType;

/// kadmin's data about a principal.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct KadminData {
    pub(super) policy: Option<String>,
    /// The version of the key of `kadmin/history` that seals the former keys.
    pub(super) history_kvno: Option<u32>,
    /// Newest first.
    pub(super) former_keys: Vec<Vec<StoredKey>>,
}

const VERSION: u32 = 0x1234_5C01;
/// Says that there is a policy.
const HAS_POLICY: u32 = 0x800;
/// MIT's version of the key of `kadmin/history` in data without former keys.
const INITIAL_HISTORY_KVNO: u32 = 2;

impl KadminData {
    /// Encodes the data.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |number: u32| out.extend(number.to_be_bytes());
        put(VERSION);
        match &self.policy {
            None => {
                put(0);
                put(0);
            }
            Some(policy) => {
                let mut text = policy.clone().into_bytes();
                text.push(0);
                put_bytes(&mut out, &text);
                out.extend(HAS_POLICY.to_be_bytes());
            }
        }
        // The oldest keys are first, and the first ones are replaced next.
        out.extend(0_u32.to_be_bytes());
        let kvno = self.history_kvno.unwrap_or(INITIAL_HISTORY_KVNO);
        out.extend(kvno.to_be_bytes());
        put_count(&mut out, self.former_keys.len());
        for keys in self.former_keys.iter().rev() {
            put_count(&mut out, keys.len());
            for key in keys {
                put_key(&mut out, key);
            }
        }
        out
    }

    /// Decodes the data. `None` if it is not of the known version, or cut.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut read = Reader(bytes);
        if read.number()? != VERSION {
            return None;
        }
        let policy = match read.bytes()? {
            [] => None,
            text => {
                let text = text.strip_suffix(&[0]).unwrap_or(text);
                Some(String::from_utf8(text.to_vec()).ok()?)
            }
        };
        let _flags = read.number()?;
        let next = usize::try_from(read.number()?).ok()?;
        let history_kvno = Some(read.number()?);
        let mut former_keys = Vec::new();
        for _ in 0..read.number()? {
            let mut keys = Vec::new();
            for _ in 0..read.number()? {
                keys.push(read.key()?);
            }
            former_keys.push(keys);
        }
        // A ring: the entry before the next one is the newest.
        let middle = next.min(former_keys.len());
        former_keys.rotate_left(middle);
        former_keys.reverse();
        Some(Self {
            policy,
            history_kvno,
            former_keys,
        })
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    out.extend(count.to_be_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_count(out, bytes.len());
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(4), 0);
}

fn put_key(out: &mut Vec<u8>, key: &StoredKey) {
    let sealed = unhex(&key.sealed).unwrap_or_default();
    let salt = key.salt_bytes();
    let parts: u32 = if key.salt_type.is_some() { 2 } else { 1 };
    out.extend(parts.to_be_bytes());
    out.extend(key.kvno.to_be_bytes());
    out.extend(key.enctype.to_be_bytes());
    out.extend(key.salt_number().to_be_bytes());
    put_count(out, sealed.len());
    put_count(out, salt.len());
    put_bytes(out, &sealed);
    put_bytes(out, salt);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let padded = length.checked_next_multiple_of(4)?;
        let bytes = self.0.get(..length)?;
        self.0 = self.0.get(padded..)?;
        Some(bytes)
    }

    fn key(&mut self) -> Option<StoredKey> {
        let parts = self.number()?;
        let kvno = self.number()?;
        let enctype = self.number()?.cast_signed();
        let salt_type = self.number()?.cast_signed();
        let (_, _) = (self.number()?, self.number()?);
        let sealed = hex(self.bytes()?);
        let salt = self.bytes()?;
        Some(StoredKey {
            kvno,
            enctype,
            sealed,
            salt: match salt {
                [] => None,
                salt => Some(String::from_utf8(salt.to_vec()).ok()?),
            },
            salt_type: (parts > 1).then(|| SaltType::name_of(salt_type)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From a dump of MIT's.
    const TESTPOL: &str = "12345c010000000874657374706f6c0000000800000000000000000200000000";

    #[test]
    fn mits_data_is_read_and_written() {
        let bytes = unhex(TESTPOL).expect("hexadecimal");
        let read = KadminData::decode(&bytes).expect("the known version");
        assert_eq!(read.policy.as_deref(), Some("testpol"));
        assert_eq!(read.encode(), bytes);
        for length in 0..bytes.len() {
            assert_eq!(KadminData::decode(&bytes[..length]), None);
        }
        let huge = [&bytes[..bytes.len() - 4], &[0xFF; 4]].concat();
        assert_eq!(KadminData::decode(&huge), None);
    }

    #[test]
    fn former_keys_are_newest_first() {
        let key = |kvno| StoredKey {
            kvno,
            enctype: 18,
            sealed: "2000abcd".to_owned(),
            salt: (kvno == 2).then(|| "salt".to_owned()),
            salt_type: (kvno == 2).then(|| "special".to_owned()),
        };
        let data = KadminData {
            policy: None,
            history_kvno: Some(1),
            former_keys: vec![vec![key(3)], vec![key(2)], vec![key(1)]],
        };
        let mut bytes = data.encode();
        assert_eq!(KadminData::decode(&bytes), Some(data));
        // The ring's next entry.
        bytes[15] = 1;
        let turned = KadminData::decode(&bytes).expect("a ring");
        let kvnos: Vec<u32> = turned.former_keys.iter().map(|keys| keys[0].kvno).collect();
        assert_eq!(kvnos, [1, 3, 2]);
    }
}
