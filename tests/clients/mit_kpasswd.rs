//! MIT's kpasswd, and kinit when a password has expired.

use std::time::Duration;

use kerbox::{Event, NewPrincipal, Realm};
use kerbox_kdc::PasswordPolicy;

use super::realms::with_policy;
use crate::support::{Peer, TestResult, on, trials};

trials! {
    [Peer::Mit] =>
        a_password_is_changed,
        a_password_is_changed_over_tcp,
        a_password_against_the_policy_is_refused_in_mits_words,
        a_wrong_old_password_changes_nothing,
        an_expired_password_is_changed_by_kinit,
        a_password_that_must_be_changed_is_changed_by_kinit;
}

fn a_password_is_changed() -> TestResult {
    let realm = Realm::start_blocking()?;
    let said = on(
        &realm,
        "kpasswd",
        &["alice"],
        "alice\nanother-pw\nanother-pw\n",
    )?
    .ok()?;
    assert!(said.contains("Password changed."), "{said}");
    let said = on(&realm, "kinit", &["alice"], "alice\n")?.refused()?;
    assert!(said.contains("Password incorrect"), "{said}");
    on(&realm, "kinit", &["alice"], "another-pw\n")?.ok()?;
    Ok(())
}

fn a_password_is_changed_over_tcp() -> TestResult {
    let realm = Realm::builder().tcp_only().start_blocking()?;
    let said = on(
        &realm,
        "kpasswd",
        &["alice"],
        "alice\nanother-pw\nanother-pw\n",
    )?
    .ok()?;
    assert!(said.contains("Password changed."), "{said}");
    on(&realm, "kinit", &["alice"], "another-pw\n")?.ok()?;
    Ok(())
}

fn a_password_against_the_policy_is_refused_in_mits_words() -> TestResult {
    let realm = with_policy(PasswordPolicy {
        min_length: 8,
        min_classes: 3,
        history: 2,
        max_life: None,
    })?;
    for (password, expected) in [
        (
            "short",
            "New password is too short.\nPlease choose a password which is at least 8 characters long.",
        ),
        (
            "longbutsimple",
            "Please choose a password with at least 3 character classes.",
        ),
        ("Secret-one1", ""),
    ] {
        let ran = on(
            &realm,
            "kpasswd",
            &["alice"],
            &format!("alice\n{password}\n{password}\n"),
        )?;
        if expected.is_empty() {
            ran.ok()?;
        } else {
            assert_eq!(ran.status.code(), Some(2), "{ran}");
            let said = ran.to_string();
            assert!(
                said.contains("Password change rejected: ") && said.contains(expected),
                "{said}"
            );
        }
    }
    for reused in ["Secret-one1", "alice"] {
        let policy = PasswordPolicy {
            history: 2,
            ..PasswordPolicy::default()
        };
        realm
            .kdc()
            .database_mut()
            .realm_mut(realm.name())?
            .password_policy = policy;
        let ran = on(
            &realm,
            "kpasswd",
            &["alice"],
            &format!("Secret-one1\n{reused}\n{reused}\n"),
        )?;
        assert_eq!(ran.status.code(), Some(2), "{ran}");
        assert!(
            ran.to_string()
                .contains("Password change rejected: New password was used previously. Please choose a different password."),
            "{ran}"
        );
    }
    Ok(())
}

fn a_wrong_old_password_changes_nothing() -> TestResult {
    let realm = Realm::start_blocking()?;
    let said = on(&realm, "kpasswd", &["alice"], "wrong\nanother\nanother\n")?.refused()?;
    assert!(
        said.contains("kpasswd: Preauthentication failed getting initial ticket"),
        "{said}"
    );
    assert_eq!(
        realm
            .journal()
            .count(|event| matches!(event, Event::PasswordChange { .. })),
        0
    );
    on(&realm, "kinit", &["alice"], "alice\n")?.ok()?;
    Ok(())
}

fn an_expired_password_is_changed_by_kinit() -> TestResult {
    let realm = with_policy(PasswordPolicy {
        min_length: 8,
        max_life: Some(Duration::from_secs(24 * 90 * 3600)),
        ..PasswordPolicy::default()
    })?;
    realm.add_principal(
        NewPrincipal::new("carol")
            .password("old")
            .password_expires(realm.clock().now() - Duration::from_secs(1)),
    )?;
    // The first attempt is refused, the second one succeeds.
    let ran = on(
        &realm,
        "kinit",
        &["carol"],
        "old\nshort\nshort\nlong-enough\nlong-enough\n",
    )?;
    let said = ran.ok()?;
    assert!(
        said.contains("Password expired.  You must change it now."),
        "{said}"
    );
    assert!(
        said.contains("Password change rejected: New password is too short."),
        "{said}"
    );
    let listed = on(&realm, "klist", &[], "")?.ok()?;
    assert!(
        listed.contains(&format!("Default principal: carol@{}", realm.name())),
        "{listed}"
    );
    on(&realm, "kinit", &["carol"], "long-enough\n")?.ok()?;
    // The new password expires in turn.
    realm.advance_blocking(Duration::from_secs(24 * 91 * 3600))?;
    let said = on(&realm, "kinit", &["carol"], "long-enough\n")?;
    assert!(
        said.to_string()
            .contains("Password expired.  You must change it now."),
        "{said}"
    );
    Ok(())
}

fn a_password_that_must_be_changed_is_changed_by_kinit() -> TestResult {
    let realm = Realm::builder()
        .principal(
            NewPrincipal::new("dave")
                .password("first")
                .attribute("+needchange"),
        )
        .start_blocking()?;
    on(&realm, "kinit", &["dave"], "first\nsecond\nsecond\n")?.ok()?;
    on(&realm, "kinit", &["dave"], "second\n")?.ok()?;
    let said = on(&realm, "kinit", &["dave"], "first\n")?.refused()?;
    assert!(said.contains("Password incorrect"), "{said}");
    Ok(())
}
