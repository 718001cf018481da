//! Checks new passwords and keys against a principal's policy and MIT's quality modules.

use kerbox_krb5::Principal;

use super::Session;
use crate::mit::database::{NewKeys, Secret};
use crate::mit::entry::Entry;
use crate::mit::keysalt::{self, KeySalt};

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
        // Only the keys of previous passwords are known; they are compared below.
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
        let names = principal.components().iter().map(|part| &**part);
        let is_name = |name: &str| name.eq_ignore_ascii_case(password);
        if module("princ") && names.chain([principal.realm()]).any(is_name) {
            return Err("Password may not match principal name".to_owned());
        }
        let (salt, master) = (principal.default_salt(), &self.master);
        let history = self.database.history_key(&self.configuration.realm, master);
        let history = history.filter(|(kvno, _)| entry.history_kvno == Some(*kvno));
        if entry.has_password(password, &salt, master)
            || history.is_some_and(|(_, key)| entry.had_password(password, &salt, &key))
        {
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
        new: &NewKeys<'_>,
    ) -> Result<(), kerbox_krb5::Error> {
        let history = self.database.policy_of(entry).map(|policy| policy.history);
        let (now, master, rng) = (self.now, &self.master, &mut self.rng);
        if let (Secret::Password(_), Some(count)) = (new.secret, history) {
            let database = &mut self.database;
            if count > 1 {
                database.create_history_key(self.configuration, master, now, rng)?;
            }
            match database.history_key(&self.configuration.realm, master) {
                Some((kvno, key)) => entry.remember(count, master, (kvno, &key), rng),
                None => entry.former_keys.clear(),
            }
        }
        entry.set_keys(principal, new, master, now, rng)
    }

    /// Returns when a password set now expires, according to the principal's policy.
    pub(super) fn password_expires(&self, entry: &Entry) -> Option<i64> {
        let max_life = self.database.policy_of(entry)?.rules().max_life?;
        Some((self.now + max_life).as_secs())
    }
}
