//! The signed cookie `hadoop.auth` (Hadoop's `AuthToken` and `Signer`).

use hmac::{Hmac, KeyInit, Mac};
use kerbox_krb5::Timestamp;
use kerbox_krb5::crypto::constant_time_eq;
use sha2::Sha256;

use crate::base64;

/// The cookie's name.
pub(super) const NAME: &str = "hadoop.auth";

/// The contents of a cookie.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct AuthToken {
    /// The short name.
    pub(super) user: String,
    /// The full name.
    pub(super) principal: String,
    /// The way in which the user authenticated: `kerberos` or `simple`.
    pub(super) kind: &'static str,
    /// The time after which it is no longer accepted.
    pub(super) expires: Timestamp,
}

impl AuthToken {
    /// Creates the contents of a new cookie.
    ///
    /// # Errors
    /// Fails with Hadoop's text if a name would end its field: the cookie of `hdfs&p=x` would be
    /// one of `hdfs`.
    pub(super) fn new(
        user: &str,
        principal: &str,
        kind: &'static str,
        expires: Timestamp,
    ) -> Result<Self, String> {
        for (name, value) in [("userName", user), ("principal", principal)] {
            if value.is_empty() || value.contains('&') {
                return Err(format!(
                    "java.lang.IllegalArgumentException: {name} is NULL, empty or contains a '&'"
                ));
            }
        }
        Ok(Self {
            user: user.to_owned(),
            principal: principal.to_owned(),
            kind,
            expires,
        })
    }
}

/// Signs cookies and checks their signatures.
#[derive(Clone)]
pub(super) struct Signer(Hmac<Sha256>);

impl Signer {
    /// Creates a signer with a secret of its own.
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(secret).expect("HMAC takes a key of any length"))
    }

    /// Returns the value of a cookie.
    pub(super) fn sign(&self, token: &AuthToken) -> String {
        let AuthToken {
            user,
            principal,
            kind,
            expires,
        } = token;
        let text = format!("u={user}&p={principal}&t={kind}&e={}", expires.as_millis());
        let signature = self.signature(&text);
        format!("{text}&s={signature}")
    }

    fn signature(&self, text: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        base64::encode(&mac.finalize().into_bytes())
    }

    /// Returns the contents of a cookie of this kind that is valid at `now`; otherwise the reason
    /// why it is not.
    pub(super) fn verify(
        &self,
        now: Timestamp,
        value: &str,
        kind: &'static str,
    ) -> Result<AuthToken, String> {
        let Some((text, signature)) = value.rsplit_once("&s=") else {
            return Err(format!("Invalid signed text: {value}"));
        };
        let ours = self.signature(text);
        if !constant_time_eq(ours.as_bytes(), signature.as_bytes()) {
            return Err("Invalid signature".to_owned());
        }
        let field = |name: &str| {
            let mut fields = text.split('&').filter_map(|field| field.split_once('='));
            fields
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.to_owned())
        };
        let expires = field("e").and_then(|text| text.parse().ok());
        let (Some(user), Some(principal), Some(found), Some(expires)) =
            (field("u"), field("p"), field("t"), expires)
        else {
            return Err("Invalid token string, missing attributes".to_owned());
        };
        if found != kind {
            return Err("Invalid AuthenticationToken type".to_owned());
        }
        let expires = Timestamp::from_millis(expires);
        if now > expires {
            return Err("AuthenticationToken expired".to_owned());
        }
        Ok(AuthToken {
            user,
            principal,
            kind,
            expires,
        })
    }
}

/// Returns the field `Set-Cookie`; with an empty value it clears the cookie. A browser sends one
/// that was set over HTTPS by no other scheme.
pub(super) fn field(value: &str, is_https: bool) -> String {
    let value = match value {
        "" => String::new(),
        value => format!("\"{value}\""),
    };
    let secure = if is_https { "; Secure" } else { "" };
    format!("{NAME}={value}; Path=/{secure}; HttpOnly")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn token() -> AuthToken {
        new("alice", "alice@EXAMPLE.COM").expect("names")
    }

    fn new(user: &str, principal: &str) -> Result<AuthToken, String> {
        AuthToken::new(user, principal, "kerberos", Timestamp::from_millis(2_000))
    }

    #[test]
    fn a_name_that_would_be_read_as_several_fields_gets_no_cookie() {
        for (user, principal, wrong) in [
            ("hdfs&p=x", "hdfs&p=x@EXAMPLE.COM", "userName"),
            ("alice", "alice&e=9@EXAMPLE.COM", "principal"),
            ("", "@EXAMPLE.COM", "userName"),
        ] {
            let text = format!(
                "java.lang.IllegalArgumentException: {wrong} is NULL, empty or contains a '&'"
            );
            assert_eq!(new(user, principal), Err(text));
        }
    }

    #[test]
    fn a_cookie_has_hadoops_form() {
        // The signature was computed with openssl dgst -sha256 -mac HMAC.
        let value = Signer::new(b"0123456789abcdef0123456789abcdef").sign(&token());
        assert!(value.starts_with("u=alice&p=alice@EXAMPLE.COM&t=kerberos&e=2000&s="));
        assert_eq!(
            value,
            format!("u=alice&p=alice@EXAMPLE.COM&t=kerberos&e=2000&s={SIGNATURE}")
        );
        assert_eq!(field("", false), "hadoop.auth=; Path=/; HttpOnly");
        assert_eq!(
            field("x", true),
            "hadoop.auth=\"x\"; Path=/; Secure; HttpOnly"
        );
    }

    const SIGNATURE: &str = "ehjO+7vkNm80KxDga/2qZYhTal1Y6l+0yfPVNl6hvYU=";

    #[test]
    fn a_foreign_a_changed_and_an_old_cookie_are_refused() {
        let signer = Signer::new(&[1; 32]);
        let value = signer.sign(&token());
        assert_eq!(signer.verify(NOW, &value, "kerberos"), Ok(token()));
        let foreign = Signer::new(&[2; 32]).verify(NOW, &value, "kerberos");
        assert_eq!(foreign, Err("Invalid signature".to_owned()));
        let changed = value.replacen("alice", "hdfs", 1);
        assert!(signer.verify(NOW, &changed, "kerberos").is_err());
        assert!(signer.verify(NOW, &value, "simple").is_err());
        assert!(signer.verify(NOW, "", "kerberos").is_err());
        let late = signer.verify(Timestamp::from_millis(2_001), &value, "kerberos");
        assert_eq!(late, Err("AuthenticationToken expired".to_owned()));
        for end in 0..value.len() {
            assert!(signer.verify(NOW, &value[..end], "kerberos").is_err());
        }
    }
}
