//! The realms through which a ticket came: their encoded list, and the paths between realms (RFC
//! 4120, 1.2 and 3.3.3.2).
//!
//! Realm names come from untrusted peers, so their length and depth are bounded, and the names
//! between two realms are borrowed from these two.

use std::collections::BTreeMap;

use kerbox_krb5::messages::TransitedEncoding;

/// The longest realm name to process, in bytes. Domain names have at most 255.
const MAX_LENGTH: usize = 1024;
/// The maximum number of realms in a list or a path, and of labels in a name. No legitimate one has
/// more.
const MAX_REALMS: usize = 64;

/// Paths between realms that do not follow the hierarchy of their names: `[capaths]` of krb5.conf.
///
/// ```
/// use kerbox_kdc::PrincipalDatabase;
///
/// let mut database = PrincipalDatabase::new();
/// // Clients of A.TEST reach services of C.TEST through B.TEST, and those of B.TEST directly.
/// let paths = database.capaths_mut();
/// paths.set("A.TEST", "C.TEST", vec!["B.TEST".to_owned()]);
/// paths.set("A.TEST", "B.TEST", Vec::new());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaPaths(BTreeMap<String, BTreeMap<String, Vec<String>>>);

impl CaPaths {
    /// Sets the realms through which clients of `from` reach `to`; an empty list stands for the
    /// direct path.
    pub fn set(&mut self, from: impl Into<String>, to: impl Into<String>, through: Vec<String>) {
        let ways = self.0.entry(from.into()).or_default();
        ways.insert(to.into(), through);
    }

    /// Returns the realms from `from` to `to`, including both. If a name exceeds the limits, only
    /// the direct path exists.
    pub(crate) fn way<'a>(&'a self, from: &'a str, to: &'a str) -> Vec<&'a str> {
        let through = match self.0.get(from).and_then(|ways| ways.get(to)) {
            Some(through) => through.iter().map(String::as_str).collect(),
            None => hierarchy(from, to).unwrap_or_default(),
        };
        let mut way = vec![from];
        way.extend(through);
        if from != to {
            way.push(to);
        }
        way
    }

    /// Returns whether every transited realm is on the path from the client's realm to the
    /// server's.
    pub(crate) fn allow(&self, transited: &TransitedEncoding, client: &str, server: &str) -> bool {
        if transited.contents.is_empty() {
            return true;
        }
        if transited.encoding_type != TransitedEncoding::DOMAIN_X500_COMPRESS {
            return false;
        }
        let way = self.way(client, server);
        match expand(&transited.contents, client, server) {
            Some(realms) => realms.iter().all(|realm| way.contains(&realm.as_str())),
            None => false,
        }
    }
}

/// Returns the name itself and the suffix after each of its dots; `None` if it exceeds the limits.
fn suffixes(realm: &str) -> Option<Vec<&str>> {
    if realm.len() > MAX_LENGTH {
        return None;
    }
    let dots = realm.match_indices('.');
    let parents = dots.map(|(place, _)| &realm[place + 1..]);
    let all: Vec<_> = std::iter::once(realm)
        .chain(parents)
        .take(MAX_REALMS + 1)
        .collect();
    (all.len() <= MAX_REALMS).then_some(all)
}

/// Returns the realms between two by the hierarchy of their names: up to the common suffix, and
/// down again. `None` if one of the names exceeds the limits.
fn hierarchy<'a>(from: &'a str, to: &'a str) -> Option<Vec<&'a str>> {
    let (up, down) = (suffixes(from)?, suffixes(to)?);
    let shared = up.iter().find(|realm| down.contains(realm)).copied();
    let before = |realms: &[&'a str]| -> Vec<&'a str> {
        let own = realms.iter().copied();
        own.take_while(|realm| Some(*realm) != shared).collect()
    };
    let mut between = before(&up);
    between.extend(shared);
    between.extend(before(&down).into_iter().rev());
    // The ends of the path are not between them.
    between.retain(|realm| *realm != from && *realm != to);
    Some(between)
}

/// Adds `realm` to a list, unless it is the client's or the server's realm, or already there. It is
/// written in full, which the encoding allows; realms that other KDCs compressed stay unchanged.
/// `None` if the list is invalid.
pub(crate) fn add(
    transited: &TransitedEncoding,
    realm: &str,
    client: &str,
    server: &str,
) -> Option<TransitedEncoding> {
    let listed = expand(&transited.contents, client, server)?;
    let mut transited = transited.clone();
    if realm == client || realm == server || listed.iter().any(|other| other == realm) {
        return Some(transited);
    }
    if !transited.contents.is_empty() {
        transited.contents.push(b',');
    }
    if realm.starts_with('/') && !transited.contents.is_empty() {
        transited.contents.push(b' ');
    }
    for character in realm.bytes() {
        if matches!(character, b',' | b'\\') {
            transited.contents.push(b'\\');
        }
        transited.contents.push(character);
    }
    if realm.ends_with('.') {
        // A dot at the end would mean that the realm before continues it.
        transited.contents.pop();
        transited.contents.extend_from_slice(b"\\.");
    }
    Some(transited)
}

/// Decodes DOMAIN-X500-COMPRESS. `None` if it is not UTF-8 or exceeds the limits.
fn expand(contents: &[u8], client: &str, server: &str) -> Option<Vec<String>> {
    let mut realms: Vec<String> = Vec::new();
    if contents.is_empty() {
        return Some(realms);
    }
    let mut previous = String::new();
    // An empty field stands for all realms between its neighbours.
    let mut gap = false;
    let fields = fields(std::str::from_utf8(contents).ok()?)?;
    for field in fields {
        let realm = match field {
            Field::Gap => {
                gap = true;
                continue;
            }
            Field::Full(realm) => realm,
            Field::After(rest) => format!("{previous}{rest}"),
            Field::Before(start) => format!("{start}{previous}"),
        };
        if realm.len() > MAX_LENGTH {
            return None;
        }
        if gap {
            fill(&mut realms, client, &realm)?;
            gap = false;
        }
        previous.clone_from(&realm);
        realms.push(realm);
    }
    if gap {
        fill(&mut realms, client, server)?;
    }
    (realms.len() <= MAX_REALMS).then_some(realms)
}

/// Adds the realms between the list's last realm (or the client's) and `to`.
fn fill(realms: &mut Vec<String>, client: &str, to: &str) -> Option<()> {
    let between = hierarchy(realms.last().map_or(client, String::as_str), to)?;
    let between: Vec<String> = between.into_iter().map(str::to_owned).collect();
    realms.extend(between);
    (realms.len() <= MAX_REALMS).then_some(())
}

enum Field {
    /// An empty field between two commas, or at an end.
    Gap,
    /// A full realm name.
    Full(String),
    /// A realm that extends the previous one: the suffix to append (X.500 names).
    After(String),
    /// A realm that is a child of the previous one: the prefix to prepend, with its dot (domain
    /// names).
    Before(String),
}

/// Splits the text at its commas; `None` if there are too many fields, or one is too long.
fn fields(text: &str) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    let mut characters = text.chars();
    loop {
        let mut field = String::new();
        let mut dot_at_end = false;
        let mut more = false;
        while let Some(character) = characters.next() {
            match character {
                '\\' => {
                    field.extend(characters.next());
                    dot_at_end = false;
                }
                ',' => {
                    more = true;
                    break;
                }
                other => {
                    field.push(other);
                    dot_at_end = other == '.';
                }
            }
            if field.len() > MAX_LENGTH {
                return None;
            }
        }
        if fields.len() > 2 * MAX_REALMS {
            return None;
        }
        fields.push(if field.is_empty() {
            Field::Gap
        } else if let Some(full) = field.strip_prefix(' ') {
            Field::Full(full.to_owned())
        } else if dot_at_end {
            Field::Before(field)
        } else if field.starts_with('/') {
            Field::After(field)
        } else {
            Field::Full(field)
        });
        if !more {
            return Some(fields);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(contents: &str) -> TransitedEncoding {
        TransitedEncoding {
            contents: contents.as_bytes().to_vec(),
            ..TransitedEncoding::default()
        }
    }

    fn expanded(contents: &str, client: &str, server: &str) -> Vec<String> {
        expand(contents.as_bytes(), client, server).expect("well-formed")
    }

    #[test]
    fn the_hierarchy_is_walked_as_mit_walks_it() {
        let way = |from, to| CaPaths::default().way(from, to).join(" ");
        // The cases of MIT's own test of its hierarchy walk.
        assert_eq!(
            way("ATHENA.MIT.EDU", "HACK.EXAMPLE.COM"),
            "ATHENA.MIT.EDU MIT.EDU EDU COM EXAMPLE.COM HACK.EXAMPLE.COM"
        );
        assert_eq!(
            way("ATHENA.MIT.EDU", "CSAIL.MIT.EDU"),
            "ATHENA.MIT.EDU MIT.EDU CSAIL.MIT.EDU"
        );
        assert_eq!(
            way("OZ.EXAMPLE.COM", "A.FOZ.EXAMPLE.COM"),
            "OZ.EXAMPLE.COM EXAMPLE.COM FOZ.EXAMPLE.COM A.FOZ.EXAMPLE.COM"
        );
        assert_eq!(way("A.B", "B"), "A.B B");
        assert_eq!(way("B", "A.B"), "B A.B");
        assert_eq!(way("R", "S"), "R S");
    }

    #[test]
    fn a_configured_way_replaces_the_hierarchy() {
        let mut paths = CaPaths::default();
        paths.set("A", "C", vec!["B".to_owned()]);
        paths.set("B.A", "C.A", Vec::new());
        assert_eq!(paths.way("A", "C"), ["A", "B", "C"]);
        assert_eq!(paths.way("B.A", "C.A"), ["B.A", "C.A"]);
        assert!(paths.allow(&list("B"), "A", "C"));
        assert!(!paths.allow(&list("EVIL"), "A", "C"));
        assert!(!CaPaths::default().allow(&list("B"), "A", "C"));
    }

    #[test]
    fn compressed_lists_are_read_as_the_rfc_shows_them() {
        // RFC 4120, 3.3.3.2.
        assert_eq!(
            expanded("EDU,MIT.,ATHENA.,WASHINGTON.EDU,CS.", "X", "Y"),
            [
                "EDU",
                "MIT.EDU",
                "ATHENA.MIT.EDU",
                "WASHINGTON.EDU",
                "CS.WASHINGTON.EDU"
            ]
        );
        assert_eq!(
            expanded("/COM/HP,/APOLLO, /COM/DEC", "X", "Y"),
            ["/COM/HP", "/COM/HP/APOLLO", "/COM/DEC"]
        );
        // An empty field at the beginning and at the end.
        assert_eq!(expanded(",EDU", "A.MIT.EDU", "X"), ["MIT.EDU", "EDU"]);
        assert_eq!(expanded("EDU,", "X", "A.MIT.EDU"), ["EDU", "MIT.EDU"]);
        assert_eq!(expanded(r"A\,B,C\\D", "X", "Y"), ["A,B", r"C\D"]);
    }

    #[test]
    fn a_realm_is_added_once_and_read_back() {
        let mut transited = list("EDU,MIT.");
        for realm in [
            "ATHENA.MIT.EDU",
            "MIT.EDU",
            "ODD,NAME",
            "DOT.",
            "/COM/HP",
            "CLIENT",
            "SERVER",
        ] {
            transited = add(&transited, realm, "CLIENT", "SERVER").expect("well-formed");
        }
        assert_eq!(
            expand(&transited.contents, "CLIENT", "SERVER").expect("well-formed"),
            [
                "EDU",
                "MIT.EDU",
                "ATHENA.MIT.EDU",
                "ODD,NAME",
                "DOT.",
                "/COM/HP"
            ]
        );
    }

    #[test]
    fn names_without_measure_have_the_direct_way_alone() {
        let paths = CaPaths::default();
        let deep = "a.".repeat(60_000) + "a";
        assert_eq!(paths.way("R", &deep), ["R", deep.as_str()]);
        let long = "a".repeat(MAX_LENGTH) + ".B.C";
        assert_eq!(paths.way(&long, "B.C"), [long.as_str(), "B.C"]);
        assert!(!paths.allow(&list(",R"), &deep, "S"));
        let most = "a.".repeat(MAX_REALMS - 1) + "a";
        assert_eq!(paths.way("R", &most).len(), MAX_REALMS + 1);
        // A field that extends the previous one, over and over.
        let growing = "/x".repeat(400) + &",/y".repeat(400);
        assert_eq!(expand(growing.as_bytes(), "X", "Y"), None);
        assert_eq!(expand(",".repeat(1 << 20).as_bytes(), "X", "Y"), None);
    }

    #[test]
    fn lists_without_measure_are_refused() {
        assert_eq!(
            expand(",A.B.C.D".repeat(1000).as_bytes(), "X.Y.Z", "Y"),
            None
        );
        assert_eq!(expand(b"\xFF", "X", "Y"), None);
    }
}
