//! Checks new passwords and keys against a principal's policy and MIT's quality modules.

use kerbox_krb5::Principal;

use super::super::database::{Entry, Secret};
use super::super::keysalt::{self, KeySalt};
use super::Session;

impl Session<'_> {
    /// Checks a new password with the modules `dict`, `empty` and `princ`, and against the
    /// principal's policy.
    pub(super) fn check_password(
        &self,
        entry: &Entry,
        principal: &Principal,
        password: &str,
    ) -> Result<(), String> {
        use kerbox_kdc::PasswordRefused;
        let module = |name: &str| {
            !self
                .configuration
                .disabled_quality
                .iter()
                .any(|off| off == name)
        };
        if password.is_empty() && module("empty") {
            return Err("Empty passwords are not allowed".to_owned());
        }
        let Some(policy) = self.database.policy_of(entry) else {
            return Ok(());
        };
        // Only the keys of previous passwords are known; `knows_password` checks those below.
        match policy.rules().check(password, std::iter::empty()) {
            Err(PasswordRefused::TooShort(_)) => return Err("Password is too short".to_owned()),
            Err(PasswordRefused::TooFewClasses(_)) => {
                return Err("Password does not contain enough character classes".to_owned());
            }
            Err(PasswordRefused::UsedBefore) => return Err("Cannot reuse password".to_owned()),
            Err(other) => return Err(other.to_string()),
            Ok(()) => {}
        }
        if module("dict") && self.in_dictionary(password)? {
            return Err("Password is in the password dictionary".to_owned());
        }
        let names = principal.components().iter().map(String::as_str);
        let is_name = |name: &str| name.eq_ignore_ascii_case(password);
        if module("princ") && names.chain([principal.realm()]).any(is_name) {
            return Err("Password may not match principal name".to_owned());
        }
        if entry.knows_password(password, &principal.default_salt()) {
            return Err("Cannot reuse password".to_owned());
        }
        Ok(())
    }

    fn in_dictionary(&self, password: &str) -> Result<bool, String> {
        let Some(path) = &self.configuration.dictionary else {
            return Ok(false);
        };
        let words = std::fs::read_to_string(path)
            .map_err(|error| format!("dict_file {}: {error}", path.display()))?;
        Ok(words
            .lines()
            .any(|word| word.eq_ignore_ascii_case(password)))
    }

    /// Returns the key types of a principal: the requested ones or the realm's, as its policy
    /// allows.
    pub(super) fn keysalts(
        &self,
        entry: &Entry,
        asked: Option<&[KeySalt]>,
    ) -> Result<Vec<KeySalt>, String> {
        let policy = self.database.policy_of(entry);
        let Some(list) = policy.and_then(|policy| policy.allowed_keysalts.as_deref()) else {
            let keysalts = asked.unwrap_or(&self.configuration.keysalts);
            return Ok(keysalts.to_vec());
        };
        let allowed = keysalt::parse(list)?;
        match asked {
            None => Ok(allowed),
            Some(asked) if asked.iter().any(|one| !allowed.contains(one)) => {
                Err("Invalid key/salt tuples".to_owned())
            }
            // In the policy's order.
            Some(asked) => Ok(allowed
                .into_iter()
                .filter(|one| asked.contains(one))
                .collect()),
        }
    }

    /// Sets a principal's new keys, and remembers those of its last password if its policy requires
    /// that.
    pub(super) fn give_keys(
        &mut self,
        principal: &Principal,
        entry: &mut Entry,
        secret: Secret<'_>,
        keysalts: &[KeySalt],
        kvno: u32,
        keep_old: bool,
    ) -> Result<(), kerbox_krb5::Error> {
        let history = self.database.policy_of(entry).map(|policy| policy.history);
        if let (Secret::Password(_), Some(history)) = (secret, history) {
            entry.remember(history);
        }
        let (now, rng) = (self.now, &mut self.rng);
        entry.set_keys(principal, secret, keysalts, kvno, keep_old, now, rng)
    }

    /// Returns when a password set now expires, according to the principal's policy.
    pub(super) fn password_expires(&self, entry: &Entry) -> Option<i64> {
        let max_life = self.database.policy_of(entry)?.rules().max_life?;
        Some((self.now + max_life).as_secs())
    }
}
