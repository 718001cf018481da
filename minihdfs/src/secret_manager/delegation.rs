//! Delegation tokens (Hadoop's `AbstractDelegationTokenSecretManager`).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use kerbox_krb5::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{SecretKey, SecretManager, TokenUser, format_time};
use crate::config::HdfsConfig;
use crate::token::{DelegationTokenIdentifier, Token};
use crate::user::User;
use crate::{HdfsError, base64};
use kerbox_krb5::crypto::constant_time_eq;

/// The lifetimes of keys and tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DelegationTokenSettings {
    /// The interval between new master keys (`dfs.namenode.delegation.key.update-interval`).
    pub key_update_interval: Duration,
    /// The validity of a token without renewal (`dfs.namenode.delegation.token.renew-interval`).
    pub renew_interval: Duration,
    /// The time in which a token can be renewed (`dfs.namenode.delegation.token.max-lifetime`).
    pub max_lifetime: Duration,
    /// The interval at which expired tokens are removed.
    pub removal_scan_interval: Duration,
}

impl Default for DelegationTokenSettings {
    /// Hadoop's defaults: a day, a day, a week, an hour.
    fn default() -> Self {
        Self {
            key_update_interval: Duration::from_hours(24),
            renew_interval: Duration::from_hours(24),
            max_lifetime: Duration::from_hours(7 * 24),
            removal_scan_interval: Duration::from_hours(1),
        }
    }
}

impl From<&HdfsConfig> for DelegationTokenSettings {
    fn from(config: &HdfsConfig) -> Self {
        Self {
            key_update_interval: config.delegation_key_update_interval,
            renew_interval: config.delegation_token_renew_interval,
            max_lifetime: config.delegation_token_max_lifetime,
            ..Self::default()
        }
    }
}

/// Issues and stores delegation tokens. A token that is not stored is invalid, whatever its
/// password.
pub struct DelegationTokenSecretManager {
    settings: DelegationTokenSettings,
    state: Mutex<State>,
}

struct State {
    rng: StdRng,
    keys: BTreeMap<i32, MasterKey>,
    current_key: i32,
    sequence_number: i32,
    tokens: BTreeMap<DelegationTokenIdentifier, Issued>,
    next_key_update: Timestamp,
    next_removal_scan: Timestamp,
}

struct MasterKey {
    key: SecretKey,
    expiry: Timestamp,
}

struct Issued {
    renew_date: Timestamp,
    password: [u8; 20],
}

impl DelegationTokenSecretManager {
    /// Creates a manager with its first master key; `rng` seeds its own generator.
    #[must_use]
    pub fn new(settings: DelegationTokenSettings, now: Timestamp, rng: &mut impl Rng) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let mut state = State {
            rng: StdRng::from_seed(seed),
            keys: BTreeMap::new(),
            current_key: 0,
            sequence_number: 0,
            tokens: BTreeMap::new(),
            next_key_update: now + settings.key_update_interval,
            next_removal_scan: now + settings.removal_scan_interval,
        };
        state.roll_master_key(&settings, now);
        Self {
            settings,
            state: Mutex::new(state),
        }
    }

    /// Issues a token for `owner`, a full name. `renewer` is a short name, or empty. `real_user`, a
    /// full name, is the proxy user that requests it.
    pub fn issue(
        &self,
        now: Timestamp,
        owner: &str,
        renewer: &str,
        real_user: Option<&str>,
    ) -> Token {
        let mut state = self.state();
        state.sequence_number = state.sequence_number.wrapping_add(1);
        let identifier = DelegationTokenIdentifier {
            owner: owner.to_owned(),
            renewer: renewer.to_owned(),
            real_user: real_user.unwrap_or_default().to_owned(),
            issue_date: millis(now),
            max_date: millis(now + self.settings.max_lifetime),
            sequence_number: state.sequence_number,
            master_key_id: state.current_key,
        };
        let bytes = identifier.to_bytes();
        let password = state.keys[&state.current_key].key.password(&bytes);
        let renew_date = millis(now + self.settings.renew_interval);
        if state.tokens.is_empty() {
            state.next_removal_scan = now + self.settings.removal_scan_interval;
        }
        state.tokens.insert(
            identifier,
            Issued {
                renew_date,
                password,
            },
        );
        Token {
            identifier: bytes.into(),
            password: Bytes::copy_from_slice(&password),
            kind: Token::DELEGATION.to_owned(),
            service: String::new(),
        }
    }

    /// Renews a token for `renewer`, a short name, and returns its new expiry time.
    pub fn renew(
        &self,
        now: Timestamp,
        token: &Token,
        renewer: &str,
    ) -> Result<Timestamp, HdfsError> {
        let identifier = DelegationTokenIdentifier::from_bytes(&token.identifier)?;
        if identifier.max_date < millis(now) {
            return Err(HdfsError::invalid_token(format!(
                "{renewer} tried to renew an expired token ({identifier}) max expiration date: {} currentTime: {}",
                format_time(identifier.max_date),
                format_time(now)
            )));
        }
        if identifier.renewer.is_empty() {
            return Err(HdfsError::access_control(format!(
                "{renewer} tried to renew a token ({identifier}) without a renewer"
            )));
        }
        if identifier.renewer != renewer {
            return Err(HdfsError::access_control(format!(
                "{renewer} tries to renew a token ({identifier}) with non-matching renewer {}",
                identifier.renewer
            )));
        }
        let mut state = self.state();
        let key = state.keys.get(&identifier.master_key_id).ok_or_else(|| {
            HdfsError::invalid_token(format!(
                "Unable to find master key for keyId={} from cache. Failed to renew an unexpired token ({identifier}) with sequenceNumber={}",
                identifier.master_key_id, identifier.sequence_number
            ))
        })?;
        if !key.key.verify(&token.identifier, &token.password) {
            return Err(HdfsError::access_control(format!(
                "{renewer} is trying to renew a token ({identifier}) with wrong password"
            )));
        }
        let issued = state.tokens.get_mut(&identifier).ok_or_else(|| {
            HdfsError::invalid_token(format!("Renewal request for unknown token ({identifier})"))
        })?;
        issued.renew_date = identifier
            .max_date
            .min(millis(now + self.settings.renew_interval));
        Ok(issued.renew_date)
    }

    /// Deletes a token on behalf of its owner or renewer. A proxy user's token belongs to the
    /// owner.
    pub fn cancel(
        &self,
        token: &Token,
        canceller: &User,
    ) -> Result<DelegationTokenIdentifier, HdfsError> {
        let identifier = DelegationTokenIdentifier::from_bytes(&token.identifier)?;
        if identifier.owner.is_empty() {
            return Err(HdfsError::invalid_token(format!(
                "Token with no owner ({identifier})"
            )));
        }
        let renews = !identifier.renewer.is_empty() && *identifier.renewer == *canceller.short;
        if *identifier.owner != *canceller.full && !renews {
            return Err(HdfsError::access_control(format!(
                "{} is not authorized to cancel the token ({identifier})",
                canceller.full
            )));
        }
        self.state()
            .tokens
            .remove(&identifier)
            .ok_or_else(|| HdfsError::invalid_token(format!("Token not found ({identifier})")))?;
        Ok(identifier)
    }

    /// Verifies a complete token, as presented to WebHDFS, and returns its user.
    pub fn verify(
        &self,
        now: Timestamp,
        token: &Token,
    ) -> Result<DelegationTokenIdentifier, HdfsError> {
        let identifier = DelegationTokenIdentifier::from_bytes(&token.identifier)?;
        let password = self.password(now, &identifier)?;
        if !constant_time_eq(&password, &token.password) {
            return Err(HdfsError::invalid_token(format!(
                "token ({identifier}) is invalid, password doesn't match"
            )));
        }
        Ok(identifier)
    }

    /// Returns when the token expires unless it is renewed; `None` if it is not stored.
    #[must_use]
    pub fn renew_date(&self, identifier: &DelegationTokenIdentifier) -> Option<Timestamp> {
        self.state()
            .tokens
            .get(identifier)
            .map(|issued| issued.renew_date)
    }

    /// Returns the stored tokens, ordered by owner.
    #[must_use]
    pub fn tokens(&self) -> Vec<DelegationTokenIdentifier> {
        self.state().tokens.keys().cloned().collect()
    }

    /// Returns the next time at which a key is updated or expired tokens are removed.
    #[must_use]
    pub fn next_deadline(&self) -> Timestamp {
        let state = self.state();
        if state.tokens.is_empty() {
            return state.next_key_update;
        }
        state.next_key_update.min(state.next_removal_scan)
    }

    /// Performs the work that is due. Returns the tokens that were removed because they had
    /// expired.
    pub fn tick(&self, now: Timestamp) -> Vec<DelegationTokenIdentifier> {
        let mut state = self.state();
        if state.next_key_update <= now {
            state.roll_master_key(&self.settings, now);
            state.next_key_update = now + self.settings.key_update_interval;
        }
        if state.next_removal_scan > now {
            return Vec::new();
        }
        // A scan that runs a moment late judges by the time at which it was due: a token that ends
        // with a scan outlives it, however busy the machine is.
        let interval = self.settings.removal_scan_interval;
        let late = now.since(state.next_removal_scan).as_micros();
        let missed = late.checked_div(interval.as_micros()).unwrap_or_default();
        let missed = u32::try_from(missed).unwrap_or(u32::MAX);
        let due = state.next_removal_scan + interval.saturating_mul(missed);
        state.next_removal_scan = due + interval;
        state
            .tokens
            .extract_if(.., |_, issued| issued.renew_date < millis(due))
            .map(|(identifier, _)| identifier)
            .collect()
    }

    /// Creates a new master key at once. Tokens made with older keys stay valid.
    pub fn roll_master_key(&self, now: Timestamp) {
        self.state().roll_master_key(&self.settings, now);
    }

    fn password(
        &self,
        now: Timestamp,
        identifier: &DelegationTokenIdentifier,
    ) -> Result<[u8; 20], HdfsError> {
        let state = self.state();
        let issued = state.tokens.get(identifier).ok_or_else(|| {
            HdfsError::invalid_token(format!(
                "Token for real user: {}, can't be found in cache",
                identifier.real_user
            ))
        })?;
        if issued.renew_date < millis(now) {
            return Err(HdfsError::invalid_token(format!(
                "Token {} has expired, current time: {} expected renewal time: {}",
                identifier.real_user,
                format_time(now),
                format_time(issued.renew_date)
            )));
        }
        Ok(issued.password)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is completed under the lock, so a panic elsewhere cannot have
        // left it inconsistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn roll_master_key(&mut self, settings: &DelegationTokenSettings, now: Timestamp) {
        self.keys.retain(|_, key| key.expiry >= now);
        if let Some(retiring) = self.keys.get_mut(&self.current_key) {
            retiring.expiry = now + settings.max_lifetime;
        }
        self.current_key += 1;
        let key = MasterKey {
            key: SecretKey::random(&mut self.rng),
            expiry: now + settings.key_update_interval + settings.max_lifetime,
        };
        self.keys.insert(self.current_key, key);
    }
}

impl SecretManager for DelegationTokenSecretManager {
    fn sasl_password(&self, now: Timestamp, user_name: &str) -> Result<String, HdfsError> {
        let identifier = DelegationTokenIdentifier::from_sasl_user_name(user_name)?;
        Ok(base64::encode(&self.password(now, &identifier)?))
    }

    fn token_user(&self, user_name: &str) -> Result<TokenUser, HdfsError> {
        let identifier = DelegationTokenIdentifier::from_sasl_user_name(user_name)?;
        if identifier.owner.is_empty() {
            return Err(HdfsError::invalid_token(format!(
                "Token with no owner ({identifier})"
            )));
        }
        Ok(TokenUser {
            real: identifier.proxied_by().map(str::to_owned),
            effective: identifier.owner,
        })
    }
}

/// Truncates to milliseconds: Hadoop's resolution, and all that an identifier can hold.
fn millis(time: Timestamp) -> Timestamp {
    Timestamp::from_millis(time.as_millis())
}
