//! The string attributes of principals that MIT's KDC reads.

use kerbox_krb5::EncryptionType;

use super::keysalt::parse_permitted;

/// The effect of setting a string attribute.
pub(super) enum Use {
    /// Obeyed, or only stored, as MIT's programs store attributes for modules.
    Kept,
    /// Cannot be obeyed, and is not set.
    Refused(String),
}

/// Checks the arguments of `setstr`.
pub(super) fn look(key: &str, value: &str) -> Use {
    let refused = |why: &str| Use::Refused(format!("{key} cannot be obeyed: {why}"));
    match key {
        "session_enctypes" => match session_enctypes(value) {
            Ok(_) => Use::Kept,
            Err(why) => Use::Refused(why),
        },
        "require_auth" => refused("there are no authentication indicators"),
        "otp" => refused("one-time passwords are not offered"),
        "pkinit_cert_match" => refused("PKINIT is not offered"),
        "pac_privsvr_enctype" => refused("PACs are signed with the first key of krbtgt"),
        _ => Use::Kept,
    }
}

/// Parses a service's `session_enctypes` attribute: its supported session key types.
pub(super) fn session_enctypes(list: &str) -> Result<Vec<EncryptionType>, String> {
    match parse_permitted(list) {
        (enctypes, unknown) if unknown.is_empty() && !enctypes.is_empty() => Ok(enctypes),
        (_, unknown) => Err(format!(
            "session_enctypes = {list}: {} not known here",
            match unknown.as_slice() {
                [] => "no type is".to_owned(),
                [one] => format!("{one} is"),
                more => format!("{} are", more.join(", ")),
            }
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_obeyed_is_refused_by_name() {
        for (key, value, said) in [
            ("require_auth", "strong", "authentication indicators"),
            ("otp", "[]", "one-time passwords"),
            (
                "session_enctypes",
                "aes512 des",
                "aes512, des are not known here",
            ),
        ] {
            match look(key, value) {
                Use::Refused(why) => assert!(why.contains(said) && why.contains(key), "{why}"),
                Use::Kept => panic!("{key} was kept"),
            }
        }
        assert!(matches!(
            look("session_enctypes", "aes128-cts rc4"),
            Use::Kept
        ));
        assert!(matches!(look("mine", "x"), Use::Kept));
    }
}
