//! The tagged data of principals in MIT's database.

use kerbox_krb5::EncryptionType;

use super::entry::Entry;
use super::hex::{hex, unhex};
use super::xdr::KadminData;

/// The types that are read and written here. Other types are kept as they are.
const LAST_PASSWORD_CHANGE: i16 = 1;
const MODIFIED: i16 = 2;
/// See [`KadminData`].
pub(super) const KADMIN_DATA: i16 = 3;
const MASTER_KVNO: i16 = 8;
const ACTIVATIONS: i16 = 9;
const NEWEST_FOR_OLDER: i16 = 10;
const STRINGS: i16 = 11;

/// The types whose contents are fields of an entry.
const FIELDS: [i16; 5] = [
    LAST_PASSWORD_CHANGE,
    MODIFIED,
    KADMIN_DATA,
    MASTER_KVNO,
    STRINGS,
];

/// The version of the next two types' contents.
const VERSION: u16 = 1;

/// The newest master key, sealed with an older one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewestForOlder {
    /// The version of the older key.
    pub(super) older: u32,
    pub(super) kvno: u32,
    pub(super) enctype: EncryptionType,
    /// In hexadecimal.
    pub(super) sealed: String,
}

/// Returns the data of an entry, in the order in which they were loaded.
pub(super) fn all(entry: &Entry) -> Vec<(i16, Vec<u8>)> {
    let mut all = Vec::new();
    for (kind, text) in &entry.loaded.tagged {
        let loaded = unhex(text).unwrap_or_default();
        if !FIELDS.contains(kind) {
            all.push((*kind, loaded));
            continue;
        }
        let Some(bytes) = encode(entry, *kind, true) else {
            continue;
        };
        // Unchanged contents stay as they are, byte by byte.
        let mut before = Entry::default();
        take(&mut before, *kind, &loaded);
        let unchanged = encode(&before, *kind, true).as_ref() == Some(&bytes);
        all.push((*kind, if unchanged { loaded } else { bytes }));
    }
    for kind in FIELDS {
        let known = entry
            .loaded
            .tagged
            .iter()
            .any(|(loaded, _)| *loaded == kind);
        if !known && let Some(bytes) = encode(entry, kind, false) {
            all.push((kind, bytes));
        }
    }
    all
}

/// Encodes a field; `None` if it has no value. kadmin's data without a value are written only
/// `if_empty`.
fn encode(entry: &Entry, kind: i16, if_empty: bool) -> Option<Vec<u8>> {
    match kind {
        LAST_PASSWORD_CHANGE if entry.password_changed == 0 => None,
        LAST_PASSWORD_CHANGE => Some(seconds(entry.password_changed).to_vec()),
        MODIFIED => {
            let by = entry.modified_by.as_ref()?;
            let mut bytes = seconds(entry.modified).to_vec();
            bytes.extend(by.as_bytes());
            bytes.push(0);
            Some(bytes)
        }
        KADMIN_DATA => {
            let data = KadminData {
                policy: entry.policy.clone(),
                history_kvno: entry.history_kvno,
                former_keys: entry.former_keys.clone(),
            };
            let empty = data.policy.is_none() && data.former_keys.is_empty();
            (if_empty || !empty).then(|| data.encode())
        }
        MASTER_KVNO => Some((entry.mkvno? as u16).to_le_bytes().to_vec()),
        STRINGS if entry.strings.is_empty() => None,
        STRINGS => {
            let texts = entry.strings.iter();
            Some(
                texts
                    .flat_map(|(key, value)| {
                        [key.as_bytes(), &[0], value.as_bytes(), &[0]].concat()
                    })
                    .collect(),
            )
        }
        _ => None,
    }
}

/// MIT's times have 32 bits without a sign.
fn seconds(time: i64) -> [u8; 4] {
    (time as u32).to_le_bytes()
}

/// Takes data from a dump into an entry. Fails with the reason if their contents are wrong.
pub(super) fn load(entry: &mut Entry, kind: i16, bytes: &[u8]) -> Result<(), String> {
    if take(entry, kind, bytes).is_none() {
        return Err(format!(
            "tagged data of type {kind}: wrong contents {}",
            hex(bytes)
        ));
    }
    entry.loaded.tagged.push((kind, hex(bytes)));
    Ok(())
}

fn take(entry: &mut Entry, kind: i16, bytes: &[u8]) -> Option<()> {
    match kind {
        LAST_PASSWORD_CHANGE => {
            entry.password_changed = u32::from_le_bytes(bytes.try_into().ok()?).into();
        }
        MODIFIED => {
            let (time, by) = bytes.split_first_chunk()?;
            entry.modified = u32::from_le_bytes(*time).into();
            let by = by.split(|byte| *byte == 0).next().unwrap_or_default();
            entry.modified_by = Some(String::from_utf8(by.to_vec()).ok()?);
        }
        KADMIN_DATA => {
            let data = KadminData::decode(bytes)?;
            entry.policy = data.policy;
            entry.history_kvno = data.history_kvno;
            entry.former_keys = data.former_keys;
        }
        MASTER_KVNO => {
            entry.mkvno = Some(u16::from_le_bytes(bytes.try_into().ok()?).into());
        }
        STRINGS => {
            let texts = bytes.strip_suffix(&[0])?.split(|byte| *byte == 0);
            let texts: Option<Vec<String>> = texts
                .map(|text| String::from_utf8(text.to_vec()).ok())
                .collect();
            let texts = texts?;
            let (pairs, []) = texts.as_chunks::<2>() else {
                return None;
            };
            for [key, value] in pairs {
                entry.strings.insert(key.clone(), value.clone());
            }
        }
        _ => {}
    }
    Some(())
}

fn set(entry: &mut Entry, kind: i16, bytes: &[u8]) {
    let tagged = &mut entry.loaded.tagged;
    match tagged.iter_mut().find(|(known, _)| *known == kind) {
        Some((_, text)) => *text = hex(bytes),
        None => tagged.push((kind, hex(bytes))),
    }
}

/// Returns the contents of a type, after their version.
fn of_version(entry: &Entry, kind: i16) -> Option<Vec<u8>> {
    let mut tagged = entry.loaded.tagged.iter();
    let (_, text) = tagged.find(|(known, _)| *known == kind)?;
    let bytes = unhex(text)?;
    let (version, rest) = bytes.split_first_chunk()?;
    (u16::from_le_bytes(*version) == VERSION).then(|| rest.to_vec())
}

/// Returns the versions of the master keys and the times from which they are active, earliest
/// first.
pub(super) fn activations(entry: &Entry) -> Vec<(u32, i64)> {
    let contents = of_version(entry, ACTIVATIONS).unwrap_or_default();
    let (each, _) = contents.as_chunks::<6>();
    let read = |[a, b, c, d, e, f]: &[u8; 6]| {
        let from = u32::from_le_bytes([*c, *d, *e, *f]);
        (u16::from_le_bytes([*a, *b]).into(), i64::from(from))
    };
    each.iter().map(read).collect()
}

/// Sets them.
pub(super) fn set_activations(entry: &mut Entry, activations: &[(u32, i64)]) {
    let mut bytes = VERSION.to_le_bytes().to_vec();
    for (kvno, from) in activations {
        bytes.extend((*kvno as u16).to_le_bytes());
        bytes.extend(seconds(*from));
    }
    set(entry, ACTIVATIONS, &bytes);
}

/// Returns the newest master key, sealed with each older one.
pub(super) fn newest_for_older(entry: &Entry) -> Vec<NewestForOlder> {
    let contents = of_version(entry, NEWEST_FOR_OLDER).unwrap_or_default();
    let mut rest = contents.as_slice();
    let mut all = Vec::new();
    while let Some(([a, b, c, d, e, f, g, h], after)) = rest.split_first_chunk() {
        let number = |low: &u8, high: &u8| u16::from_le_bytes([*low, *high]);
        let length = usize::from(number(g, h));
        let Some((sealed, next)) = after.split_at_checked(length) else {
            break;
        };
        all.push(NewestForOlder {
            older: number(a, b).into(),
            kvno: number(c, d).into(),
            enctype: EncryptionType(number(e, f).into()),
            sealed: hex(sealed),
        });
        rest = next;
    }
    all
}

/// Sets them.
pub(super) fn set_newest_for_older(entry: &mut Entry, all: &[NewestForOlder]) {
    let mut bytes = VERSION.to_le_bytes().to_vec();
    for copy in all {
        let sealed = unhex(&copy.sealed).unwrap_or_default();
        let numbers = [
            copy.older as u16,
            copy.kvno as u16,
            copy.enctype.0 as u16,
            sealed.len() as u16,
        ];
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        bytes.extend(sealed);
    }
    set(entry, NEWEST_FOR_OLDER, &bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_of_mits_are_read_and_written() {
        let mut entry = Entry::default();
        for (kind, text) in [
            (
                MODIFIED,
                "d73e1051757365722f61646d696e404b5242544553542e434f4d00",
            ),
            (MASTER_KVNO, "0100"),
            (ACTIVATIONS, "0100010000000000"),
            (LAST_PASSWORD_CHANGE, "b93e1051"),
            (STRINGS, "666f6f0062617200"),
            (1792, "01020304"),
        ] {
            load(&mut entry, kind, &unhex(text).expect("hexadecimal")).expect(text);
        }
        assert_eq!(entry.modified_by.as_deref(), Some("user/admin@KRBTEST.COM"));
        assert_eq!(entry.strings["foo"], "bar");
        assert_eq!(activations(&entry), [(1, 0)]);
        let again: Vec<(i16, String)> = all(&entry)
            .into_iter()
            .map(|(kind, bytes)| (kind, hex(&bytes)))
            .collect();
        assert_eq!(again, entry.loaded.tagged);
        entry.strings.insert("foo".to_owned(), "baz".to_owned());
        entry.policy = Some("p".to_owned());
        let changed = all(&entry);
        assert!(changed.contains(&(STRINGS, b"foo\0baz\0".to_vec())));
        assert!(changed.iter().any(|(kind, _)| *kind == KADMIN_DATA));
        for (kind, text) in [
            (MODIFIED, "d73e10"),
            (STRINGS, "666f6f00"),
            (KADMIN_DATA, "00"),
        ] {
            let refused = load(&mut entry, kind, &unhex(text).expect("hexadecimal"));
            assert!(refused.is_err(), "{kind}");
        }
    }

    #[test]
    fn copies_of_the_newest_master_key_are_read_as_written() {
        let mut entry = Entry::default();
        let copy = NewestForOlder {
            older: 1,
            kvno: 2,
            enctype: EncryptionType::AES256_CTS_HMAC_SHA1_96,
            sealed: "2000abcdef".to_owned(),
        };
        set_newest_for_older(&mut entry, &[copy.clone(), copy.clone()]);
        assert_eq!(newest_for_older(&entry), [copy.clone(), copy]);
    }
}
