//! The names of files for principals: keytabs by default, and any name made safe.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use kerbox_krb5::Principal;

/// Returns the default keytab name of a user or of a Hadoop daemon.
pub(crate) fn default_keytab(principal: &Principal) -> Option<String> {
    match principal.components() {
        [user] => Some(format!("{}.keytab", file_name(user))),
        [service, host] if host == "localhost" => {
            let file = match &**service {
                "nn" | "dn" | "sn" => format!("{service}.service.keytab"),
                "HTTP" => "spnego.service.keytab".to_owned(),
                "hdfs" | "host" => format!("{service}.keytab"),
                _ => return None,
            };
            Some(file)
        }
        _ => None,
    }
}

/// The wanted name of a principal's keytab file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum KeytabName {
    /// Requested by the user.
    Asked(String),
    /// The default name, used unless another principal has it.
    Usual(String),
}

impl KeytabName {
    /// Returns the default for a principal without a requested name.
    pub(crate) fn usual(principal: &Principal) -> Self {
        let joined = || format!("{}.keytab", file_name(&principal.components().join(".")));
        Self::Usual(default_keytab(principal).unwrap_or_else(joined))
    }
}

/// Shortens a name to at most 200 bytes and keeps its end. File systems allow 255.
pub(crate) fn shortened(name: &str, end: &str) -> String {
    const LONGEST: usize = 200;
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(name);
    let mut half = LONGEST / 2;
    while !name.is_char_boundary(half) {
        half -= 1;
    }
    let begin = &name[..half];
    format!("{begin}-{hash:016x}{end}")
}

/// Returns a file name that stays in its directory and differs for each `name`.
pub(crate) fn escaped_file_name(name: &str) -> String {
    let mut escaped = String::new();
    for character in name.chars() {
        if character.is_alphanumeric() || "._-@".contains(character) {
            escaped.push(character);
        } else {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                escaped.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    if escaped.starts_with('.') {
        escaped.insert(0, '%');
    }
    escaped
}

/// Returns a file name that stays in its directory. Two names may map to the same one.
pub(crate) fn file_name(name: &str) -> String {
    let safe = |character: char| {
        if character.is_alphanumeric() || "._-@".contains(character) {
            character
        } else {
            '_'
        }
    };
    let name: String = name.chars().map(safe).collect();
    let name = shortened(&name, "");
    if name.starts_with('.') {
        format!("_{name}")
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keytab_of(name: &str) -> String {
        match KeytabName::usual(&Principal::parse(name, "R").expect("a name")) {
            KeytabName::Usual(name) | KeytabName::Asked(name) => name,
        }
    }

    #[test]
    fn keytabs_have_their_usual_names_and_stay_in_their_directory() {
        assert_eq!(keytab_of("alice"), "alice.keytab");
        assert_eq!(keytab_of("nn/localhost"), "nn.service.keytab");
        assert_eq!(keytab_of("HTTP/localhost"), "spnego.service.keytab");
        assert_eq!(
            keytab_of("kafka/broker.example.com"),
            "kafka.broker.example.com.keytab"
        );
        assert_eq!(
            keytab_of(r"..\/..\/etc\/passwd"),
            "_.._.._etc_passwd.keytab"
        );
    }
}
