//! Delegation tokens (Hadoop's `AbstractDelegationTokenSecretManager`).

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use kerbox_krb5::Timestamp;
use kerbox_krb5::crypto::constant_time_eq;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::delegation_settings::DelegationTokenSettings;
use super::kept_tokens::Kept;
use super::token_edit::{MasterKeyBytes, TokenEdit};
use super::{SecretManager, TokenUser, format_time};
use crate::token::{DelegationTokenIdentifier, Token};
use crate::user::User;
use crate::{HdfsError, base64};

/// All tokens and master keys.
#[derive(Clone, Debug)]
pub(crate) struct StoredTokens {
    /// The edits that make them: first the keys.
    pub(crate) edits: Vec<TokenEdit>,
    /// The number of the key in use, and of the last token.
    pub(crate) counters: (i32, i32),
}

/// Issues and stores delegation tokens. A token that is not stored is invalid, whatever its
/// password.
///
/// A call checks and returns an edit. `apply` alone changes the stored tokens and
/// keys.
pub struct DelegationTokenSecretManager {
    settings: DelegationTokenSettings,
    state: Mutex<State>,
}

struct State {
    kept: Kept,
    rng: StdRng,
    next_key_update: Timestamp,
    next_removal_scan: Timestamp,
}

impl PartialEq for DelegationTokenSecretManager {
    /// Compares tokens and keys.
    fn eq(&self, other: &Self) -> bool {
        let kept = self.state().kept.clone();
        kept == other.state().kept
    }
}

impl fmt::Debug for DelegationTokenSecretManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state().kept.fmt(f)
    }
}

impl DelegationTokenSecretManager {
    /// Creates a manager without keys; `rng` seeds its own generator. It issues no tokens before it
    /// has a key ([`new_master_key`](Self::new_master_key)).
    #[must_use]
    pub fn new(settings: DelegationTokenSettings, now: Timestamp, rng: &mut impl Rng) -> Self {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        Self {
            settings,
            state: Mutex::new(State {
                kept: Kept::default(),
                rng: StdRng::from_seed(seed),
                next_key_update: now + settings.key_update_interval,
                next_removal_scan: now + settings.removal_scan_interval,
            }),
        }
    }

    /// Creates a manager that has a key, of a server that keeps nothing else.
    #[must_use]
    pub fn with_key(settings: DelegationTokenSettings, now: Timestamp, rng: &mut impl Rng) -> Self {
        let new = Self::new(settings, now, rng);
        new.apply(&new.new_master_key(now));
        new
    }

    /// Makes the key and removes the tokens that are due, for a server that keeps nothing else.
    #[cfg(feature = "web")]
    pub(crate) fn catch_up(&self, now: Timestamp) {
        for edit in self.tick(now) {
            self.apply(&edit);
        }
    }

    /// Returns a manager with the same settings, but without tokens and keys.
    #[must_use]
    pub fn emptied(&self, now: Timestamp) -> Self {
        Self::new(self.settings, now, &mut StdRng::from_seed([0; 32]))
    }

    /// Returns a manager with the same settings, tokens and keys, for a server that is started
    /// again. It makes a new key on its own schedule.
    pub(crate) fn reopened(&self, now: Timestamp, rng: &mut impl Rng) -> Self {
        let new = Self::new(self.settings, now, rng);
        let kept = self.state().kept.clone();
        new.state().kept = kept;
        new
    }

    /// Applies an edit: the only way in which tokens and keys change.
    pub(crate) fn apply(&self, edit: &TokenEdit) {
        self.state().kept.apply(edit);
    }

    /// Returns true if the edit is not a renewal that leaves a token's expiry time as it is.
    pub(crate) fn changes(&self, edit: &TokenEdit) -> bool {
        match edit {
            TokenEdit::RenewDelegationToken { token, expiry_time } => {
                self.renew_date(token) != Some(*expiry_time)
            }
            _ => true,
        }
    }

    /// Returns all tokens and master keys.
    pub(crate) fn stored(&self) -> StoredTokens {
        let kept = self.state().kept.clone();
        let keys = kept
            .keys
            .iter()
            .map(|(id, key)| TokenEdit::UpdateMasterKey {
                key_id: *id,
                expiry_date: key.expiry,
                key: MasterKeyBytes(key.bytes),
            });
        let tokens = kept.tokens.iter();
        let tokens = tokens.map(|(token, issued)| TokenEdit::GetDelegationToken {
            token: token.clone(),
            expiry_time: issued.renew_date,
        });
        StoredTokens {
            edits: keys.chain(tokens).collect(),
            counters: (kept.current_key, kept.sequence_number),
        }
    }

    /// Goes on after an image, with the number of the key in use and of the last token.
    pub(crate) fn set_counters(&self, (current_key, sequence_number): (i32, i32)) {
        let mut state = self.state();
        state.kept.current_key = current_key;
        state.kept.sequence_number = sequence_number;
    }

    /// Forgets the keys that have expired. No edit says so: they lapse by time alone.
    pub(crate) fn lapse(&self, now: Timestamp) {
        self.state().kept.keys.retain(|_, key| key.expiry >= now);
    }

    /// Makes a new master key at once. Tokens made with older keys stay valid.
    #[must_use]
    pub fn new_master_key(&self, now: Timestamp) -> TokenEdit {
        self.state().new_master_key(&self.settings, now)
    }

    /// Makes a token for `owner`, a full name. `renewer` is a short name, or empty. `real_user`, a
    /// full name, is the proxy user that requests it. The token is valid once the edit is applied.
    pub fn issue(
        &self,
        now: Timestamp,
        owner: &str,
        renewer: &str,
        real_user: Option<&str>,
    ) -> Result<(TokenEdit, Token), HdfsError> {
        let mut state = self.state();
        let identifier = DelegationTokenIdentifier {
            owner: owner.to_owned(),
            renewer: renewer.to_owned(),
            real_user: real_user.unwrap_or_default().to_owned(),
            issue_date: millis(now),
            max_date: millis(now + self.settings.max_lifetime),
            sequence_number: state.kept.sequence_number.wrapping_add(1),
            master_key_id: state.kept.current_key,
        };
        let key = state.kept.keys.get(&identifier.master_key_id);
        let key = key.ok_or_else(|| {
            HdfsError::io("Delegation tokens cannot be issued before there is a master key")
        })?;
        let bytes = identifier.to_bytes();
        let password = key.key.password(&bytes);
        if state.kept.tokens.is_empty() {
            state.next_removal_scan = now + self.settings.removal_scan_interval;
        }
        let token = Token {
            identifier: bytes.into(),
            password: Bytes::copy_from_slice(&password),
            kind: Token::DELEGATION.to_owned(),
            service: String::new(),
        };
        let edit = TokenEdit::GetDelegationToken {
            token: identifier,
            expiry_time: millis(now + self.settings.renew_interval),
        };
        Ok((edit, token))
    }

    /// Checks that `renewer`, a short name, may renew a token, and returns its new expiry time.
    pub fn renew(
        &self,
        now: Timestamp,
        token: &Token,
        renewer: &str,
    ) -> Result<(TokenEdit, Timestamp), HdfsError> {
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
        let state = self.state();
        let key = state.kept.keys.get(&identifier.master_key_id).ok_or_else(|| {
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
        if !state.kept.tokens.contains_key(&identifier) {
            return Err(HdfsError::invalid_token(format!(
                "Renewal request for unknown token ({identifier})"
            )));
        }
        let expiry_time = identifier
            .max_date
            .min(millis(now + self.settings.renew_interval));
        let edit = TokenEdit::RenewDelegationToken {
            token: identifier,
            expiry_time,
        };
        Ok((edit, expiry_time))
    }

    /// Checks that `canceller` may cancel a token: its owner or renewer. A proxy user's token
    /// belongs to the owner.
    pub fn cancel(&self, token: &Token, canceller: &User) -> Result<TokenEdit, HdfsError> {
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
        if !self.state().kept.tokens.contains_key(&identifier) {
            return Err(HdfsError::invalid_token(format!(
                "Token not found ({identifier})"
            )));
        }
        Ok(TokenEdit::CancelDelegationToken { token: identifier })
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
            .kept
            .tokens
            .get(identifier)
            .map(|issued| issued.renew_date)
    }

    /// Returns the stored tokens, ordered by owner.
    #[must_use]
    pub fn tokens(&self) -> Vec<DelegationTokenIdentifier> {
        self.state().kept.tokens.keys().cloned().collect()
    }

    /// Returns the next time at which a key is updated or expired tokens are removed.
    #[must_use]
    pub fn next_deadline(&self) -> Timestamp {
        let state = self.state();
        if state.kept.tokens.is_empty() {
            return state.next_key_update;
        }
        state.next_key_update.min(state.next_removal_scan)
    }

    /// Returns the edits that are due: a new master key, and the removal of tokens that have
    /// expired.
    pub fn tick(&self, now: Timestamp) -> Vec<TokenEdit> {
        let mut edits = Vec::new();
        let mut state = self.state();
        if state.next_key_update <= now {
            edits.push(state.new_master_key(&self.settings, now));
            state.next_key_update = now + self.settings.key_update_interval;
        }
        if state.next_removal_scan > now {
            return edits;
        }
        // A scan that runs a moment late judges by the time at which it was due: a token that ends
        // with a scan outlives it, however busy the machine is.
        let interval = self.settings.removal_scan_interval;
        let late = now.since(state.next_removal_scan).as_micros();
        let missed = late.checked_div(interval.as_micros()).unwrap_or_default();
        let missed = u32::try_from(missed).unwrap_or(u32::MAX);
        let due = state.next_removal_scan + interval.saturating_mul(missed);
        state.next_removal_scan = due + interval;
        let expired = state.kept.tokens.iter();
        let expired = expired.filter(|(_, issued)| issued.renew_date < millis(due));
        edits.extend(expired.map(|(token, _)| TokenEdit::CancelDelegationToken {
            token: token.clone(),
        }));
        edits
    }

    fn password(
        &self,
        now: Timestamp,
        identifier: &DelegationTokenIdentifier,
    ) -> Result<[u8; 20], HdfsError> {
        let state = self.state();
        let issued = state.kept.tokens.get(identifier).ok_or_else(|| {
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
    fn new_master_key(&mut self, settings: &DelegationTokenSettings, now: Timestamp) -> TokenEdit {
        self.kept.keys.retain(|_, key| key.expiry >= now);
        let mut key = [0; 20];
        self.rng.fill_bytes(&mut key);
        TokenEdit::UpdateMasterKey {
            key_id: self.kept.current_key.wrapping_add(1),
            expiry_date: millis(now + settings.key_update_interval + settings.max_lifetime),
            key: MasterKeyBytes(key),
        }
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
