use std::time::Duration;

use bytes::Bytes;
use kerbox_krb5::Timestamp;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::token::{DelegationTokenIdentifier, Token};
use crate::user::User;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_123);
const HOUR: Duration = Duration::from_secs(3600);
const INVALID: &str = "org.apache.hadoop.security.token.SecretManager$InvalidToken";
const DENIED: &str = "org.apache.hadoop.security.AccessControlException";

/// A manager whose edits are applied at once.
struct Applying(DelegationTokenSecretManager);

impl std::ops::Deref for Applying {
    type Target = DelegationTokenSecretManager;

    fn deref(&self) -> &DelegationTokenSecretManager {
        &self.0
    }
}

impl Applying {
    fn seeded(seed: u64) -> Self {
        let manager = Self(DelegationTokenSecretManager::new(
            DelegationTokenSettings::default(),
            NOW,
            &mut StdRng::seed_from_u64(seed),
        ));
        manager.roll_master_key(NOW);
        manager
    }

    fn roll_master_key(&self, now: Timestamp) {
        self.0.apply(&self.0.new_master_key(now));
    }

    fn issue(&self, now: Timestamp, owner: &str, renewer: &str, real: Option<&str>) -> Token {
        let (edit, token) = self.0.issue(now, owner, renewer, real).expect("a key");
        self.0.apply(&edit);
        token
    }

    fn renew(&self, now: Timestamp, token: &Token, renewer: &str) -> Result<Timestamp, HdfsError> {
        let (edit, until) = self.0.renew(now, token, renewer)?;
        self.0.apply(&edit);
        Ok(until)
    }

    fn cancel(&self, token: &Token, canceller: &User) -> Result<(), HdfsError> {
        self.0.apply(&self.0.cancel(token, canceller)?);
        Ok(())
    }

    fn tick(&self, now: Timestamp) -> Vec<DelegationTokenIdentifier> {
        let mut removed = Vec::new();
        for edit in self.0.tick(now) {
            self.0.apply(&edit);
            if let TokenEdit::CancelDelegationToken { token } = edit {
                removed.push(token);
            }
        }
        removed
    }
}

fn manager() -> Applying {
    Applying::seeded(7)
}

fn alice(manager: &Applying) -> Token {
    manager.issue(NOW, "alice@EXAMPLE.COM", "yarn", None)
}

fn user(full: &str) -> User {
    User {
        full: full.into(),
        short: full.split(['/', '@']).next().unwrap_or_default().into(),
    }
}

fn identifier(token: &Token) -> DelegationTokenIdentifier {
    DelegationTokenIdentifier::from_bytes(&token.identifier).expect("ours")
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, HdfsError>, class: &str, text: &str) {
    let error = result.expect_err("it must be refused");
    assert_eq!(error.class(), class);
    assert!(error.message().contains(text), "{error}");
}

#[test]
fn an_issued_token_says_what_was_asked_for_and_its_password_opens_sasl() {
    let manager = manager();
    let token = manager.issue(
        NOW,
        "alice@EXAMPLE.COM",
        "yarn",
        Some("oozie/h@EXAMPLE.COM"),
    );
    assert_eq!(
        (token.kind.as_str(), token.service.as_str()),
        ("HDFS_DELEGATION_TOKEN", "")
    );
    let told = identifier(&token);
    assert_eq!(
        (told.owner.as_str(), told.renewer.as_str()),
        ("alice@EXAMPLE.COM", "yarn")
    );
    assert_eq!(told.proxied_by(), Some("oozie/h@EXAMPLE.COM"));
    assert_eq!((told.issue_date, told.max_date), (NOW, NOW + 7 * 24 * HOUR));
    assert_eq!(
        manager.sasl_password(NOW, &token.sasl_user_name()),
        Ok(token.sasl_password())
    );
    let user = manager.token_user(&token.sasl_user_name()).expect("ours");
    assert_eq!(
        (user.effective.as_str(), user.real.as_deref()),
        ("alice@EXAMPLE.COM", Some("oozie/h@EXAMPLE.COM"))
    );
    assert_eq!(manager.verify(NOW, &token), Ok(told.clone()));
    assert_eq!(manager.tokens(), [told]);
}

#[test]
fn a_token_holds_until_its_renew_date_and_no_longer() {
    let manager = manager();
    let token = alice(&manager);
    let end = manager.renew_date(&identifier(&token)).expect("remembered");
    assert_eq!(end, NOW + 24 * HOUR);
    assert!(manager.sasl_password(end, &token.sasl_user_name()).is_ok());
    let late = end + Duration::from_millis(1);
    refused(
        manager.sasl_password(late, &token.sasl_user_name()),
        INVALID,
        " has expired, current time: 2023-11-15 22:13:20,124+0000 expected renewal time: 2023-11-15 22:13:20,123+0000",
    );
    assert!(
        manager.renew(late, &token, "yarn").is_ok(),
        "an expired token that is still remembered can be renewed"
    );
    assert!(manager.sasl_password(late, &token.sasl_user_name()).is_ok());
}

#[test]
fn renewals_end_at_the_max_date() {
    let manager = manager();
    let token = alice(&manager);
    let max = identifier(&token).max_date;
    let mut now = NOW;
    for _ in 0..7 {
        now = now + 23 * HOUR;
        assert_eq!(
            manager.renew(now, &token, "yarn"),
            Ok((now + 24 * HOUR).min(max))
        );
        manager.tick(now);
    }
    assert_eq!(manager.renew(max, &token, "yarn"), Ok(max));
    let late = max + Duration::from_millis(1);
    refused(
        manager.renew(late, &token, "yarn"),
        INVALID,
        "yarn tried to renew an expired token (token for alice: ",
    );
}

#[test]
fn only_the_renewer_renews_and_only_a_true_and_remembered_token() {
    let manager = manager();
    let token = alice(&manager);
    refused(
        manager.renew(NOW, &token, "bob"),
        DENIED,
        "with non-matching renewer yarn",
    );
    let nobodys = manager.issue(NOW, "alice", "", None);
    refused(
        manager.renew(NOW, &nobodys, "yarn"),
        DENIED,
        "without a renewer",
    );

    let mut forged = token.clone();
    forged.password = Bytes::from_static(&[0; 20]);
    refused(
        manager.renew(NOW, &forged, "yarn"),
        DENIED,
        "with wrong password",
    );
    let mut longer = identifier(&token);
    longer.max_date = longer.max_date + HOUR;
    forged.identifier = longer.to_bytes().into();
    forged.password = token.password.clone();
    refused(
        manager.renew(NOW, &forged, "yarn"),
        DENIED,
        "with wrong password",
    );

    let mut strange = identifier(&token);
    strange.master_key_id = 99;
    forged.identifier = strange.to_bytes().into();
    refused(
        manager.renew(NOW, &forged, "yarn"),
        INVALID,
        "Unable to find master key for keyId=99",
    );

    manager
        .cancel(&token, &user("alice@EXAMPLE.COM"))
        .expect("the owner");
    refused(
        manager.renew(NOW, &token, "yarn"),
        INVALID,
        "Renewal request for unknown token",
    );
}

#[test]
fn the_owner_and_the_renewer_cancel_and_nobody_else() {
    let manager = manager();
    for canceller in ["alice@EXAMPLE.COM", "yarn/rm@EXAMPLE.COM"] {
        let token = alice(&manager);
        for stranger in ["bob@EXAMPLE.COM", "alice@OTHER", "alice"] {
            refused(
                manager.cancel(&token, &user(stranger)),
                DENIED,
                "is not authorized to cancel the token",
            );
        }
        manager
            .cancel(&token, &user(canceller))
            .expect("authorized");
        refused(
            manager.cancel(&token, &user(canceller)),
            INVALID,
            "Token not found",
        );
        refused(
            manager.sasl_password(NOW, &token.sasl_user_name()),
            INVALID,
            "can't be found in cache",
        );
        refused(
            manager.verify(NOW, &token),
            INVALID,
            "can't be found in cache",
        );
    }
    let nobodys = manager.issue(NOW, "", "yarn", None);
    refused(
        manager.cancel(&nobodys, &user("yarn@EXAMPLE.COM")),
        INVALID,
        "Token with no owner",
    );
    refused(
        manager.token_user(&nobodys.sasl_user_name()),
        INVALID,
        "no owner",
    );
    let without_renewer = manager.issue(NOW, "alice", "", None);
    refused(
        manager.cancel(&without_renewer, &user("")),
        DENIED,
        "is not authorized",
    );
}

#[test]
fn a_tampered_token_is_refused() {
    let manager = manager();
    let token = alice(&manager);
    for at in 0..token.identifier.len() {
        let mut bytes = token.identifier.to_vec();
        bytes[at] ^= 1;
        let forged = Token {
            identifier: bytes.into(),
            ..token.clone()
        };
        assert!(manager.verify(NOW, &forged).is_err(), "byte {at}");
        assert!(
            manager
                .sasl_password(NOW, &forged.sasl_user_name())
                .is_err(),
            "byte {at}"
        );
    }
    for at in 0..token.password.len() {
        let mut bytes = token.password.to_vec();
        bytes[at] ^= 1;
        let forged = Token {
            password: bytes.into(),
            ..token.clone()
        };
        refused(
            manager.verify(NOW, &forged),
            INVALID,
            "is invalid, password doesn't match",
        );
    }
    refused(
        manager.sasl_password(NOW, "not base64!"),
        INVALID,
        "Can't de-serialize tokenIdentifier",
    );
}

#[test]
fn a_token_of_another_cluster_is_refused() {
    let ours = manager();
    let theirs = Applying::seeded(8);
    let token = theirs.issue(NOW, "alice@EXAMPLE.COM", "yarn", None);
    refused(ours.verify(NOW, &token), INVALID, "can't be found in cache");
    let own = alice(&ours);
    assert_eq!(own.identifier, token.identifier, "same fields");
    refused(ours.verify(NOW, &token), INVALID, "password doesn't match");
}

#[test]
fn timers_roll_keys_and_remove_what_has_expired() {
    let manager = manager();
    assert_eq!(
        manager.next_deadline(),
        NOW + 24 * HOUR,
        "without tokens there is nothing to look for"
    );
    let token = alice(&manager);
    let mut removed = Vec::new();
    let mut now = NOW;
    while removed.is_empty() {
        now = manager.next_deadline();
        removed.extend(manager.tick(now));
    }
    assert_eq!((removed, now), (vec![identifier(&token)], NOW + 25 * HOUR));
    assert!(manager.tokens().is_empty());
    refused(
        manager.renew(now, &token, "yarn"),
        INVALID,
        "Renewal request for unknown token",
    );
    assert_eq!(
        identifier(&manager.issue(now, "bob", "", None)).master_key_id,
        2,
        "the key was rolled once"
    );
}

#[test]
fn a_token_outlives_its_rolled_key() {
    let manager = manager();
    let token = alice(&manager);
    for _ in 0..3 {
        manager.roll_master_key(NOW);
    }
    assert!(manager.renew(NOW, &token, "yarn").is_ok());
    assert!(manager.verify(NOW, &token).is_ok());
}

#[test]
fn the_edits_of_a_manager_give_an_equal_one() {
    let manager = Applying::seeded(7);
    let replayed = manager.emptied(NOW);
    let mut edits = vec![manager.new_master_key(NOW)];
    manager.apply(&edits[0]);
    let (edit, token) = manager.0.issue(NOW, "alice", "yarn", None).expect("a key");
    let (gone, cancelled) = {
        manager.apply(&edit);
        manager.0.issue(NOW, "bob", "", None).expect("a key")
    };
    manager.apply(&gone);
    edits.extend([edit, gone]);
    let (edit, _) = manager.0.renew(NOW + HOUR, &token, "yarn").expect("yarn");
    manager.apply(&edit);
    edits.push(edit);
    let edit = manager.0.cancel(&cancelled, &user("bob")).expect("bob");
    manager.apply(&edit);
    edits.push(edit);
    for edit in &edits {
        replayed.apply(edit);
    }
    assert_ne!(manager.0, replayed, "the first key came before the edits");
    let later = NOW + 9 * 24 * HOUR;
    for manager in [&manager.0, &replayed] {
        manager.lapse(later);
    }
    assert_eq!(manager.0, replayed);
}

#[test]
fn a_scan_that_runs_late_judges_by_the_time_at_which_it_was_due() {
    let manager = manager();
    let token = alice(&manager);
    // The token ends with the twenty-fourth scan, which a busy machine runs some milliseconds late.
    let late = NOW + 24 * HOUR + Duration::from_millis(5);
    assert_eq!(manager.tick(late), []);
    refused(manager.verify(late, &token), INVALID, "has expired");
    // Neither do late scans move the later ones.
    assert_eq!(manager.next_deadline(), NOW + 25 * HOUR);
    assert_eq!(manager.tick(NOW + 25 * HOUR), [identifier(&token)]);
}
