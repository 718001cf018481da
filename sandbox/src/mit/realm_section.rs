//! The section of one realm in `kdc.conf`, and the defaults of all realms.

use std::net::SocketAddr;
use std::time::Duration;

use super::date::parse_delta;
use super::keysalt::words;
use super::listen;
use super::profile::Profile;

/// A realm's section, and `[kdcdefaults]`.
#[derive(Clone, Copy)]
pub(super) struct RealmSection<'a> {
    pub(super) profile: &'a Profile,
    pub(super) realm: &'a str,
}

impl<'a> RealmSection<'a> {
    /// Returns the value of a relation in the realm's section.
    pub(super) fn value(self, name: &str) -> Option<&'a str> {
        self.profile.value(&["realms", self.realm, name])
    }

    /// Returns the value in the realm's section, or else in `[kdcdefaults]`.
    pub(super) fn value_or_default(self, name: &str) -> Option<&'a str> {
        self.value(name).or_else(|| self.default(name))
    }

    fn default(self, name: &str) -> Option<&'a str> {
        self.profile.value(&["kdcdefaults", name])
    }

    /// Returns the addresses to listen on. The older name of a setting, which is the second, counts
    /// if the newer one is absent.
    pub(super) fn addresses(
        self,
        names: [&str; 2],
        port: u16,
    ) -> Result<Option<Vec<SocketAddr>>, String> {
        let of = |value: &dyn Fn(&str) -> Option<&'a str>| {
            names.iter().find_map(|name| Some((*name, value(name)?)))
        };
        of(&|name| self.value(name))
            .or_else(|| of(&|name| self.default(name)))
            .map(|(name, list)| listen::parse(name, list, port))
            .transpose()
    }

    /// Returns a lifetime.
    pub(super) fn life(self, name: &str, default: Duration) -> Result<Duration, String> {
        let Some(text) = self.value(name) else {
            return Ok(default);
        };
        let realm = self.realm;
        parse_delta(text)
            .ok_or_else(|| format!("[realms] {realm} {name} = {text} is not a duration"))
    }

    /// Returns the words of all values, of all realms and of this one.
    pub(super) fn lists(self, name: &str) -> Vec<String> {
        [&["kdcdefaults", name][..], &["realms", self.realm, name]]
            .into_iter()
            .flat_map(|place| self.profile.values(place).collect::<Vec<_>>())
            .flat_map(words)
            .map(str::to_owned)
            .collect()
    }
}
