//! Password changes by the `krb5` crate (RFC 3244).

use std::time::Duration;

use kerbox_kdc::PasswordPolicy;
use kerbox_krb5::ErrorCode;
use krb5::kpasswd::{change_password, change_password_with_ticket};

use crate::support::{REALM, Served, principal, theirs};
use crate::tickets::refused;

#[test]
fn a_user_changes_her_password_and_the_old_one_is_refused() {
    let served = Served::start();
    let (client, alice) = (served.client(), theirs("alice"));
    let server = served.address.to_string();
    change_password(&client, &alice, "alice-pw", "another-pw", &server).expect("changed");
    assert!(client.login_with_password(&alice, "another-pw").is_ok());
    assert_eq!(
        refused(client.login_with_password(&alice, "alice-pw")),
        Some(24)
    );
    assert_eq!(
        served
            .kdc
            .database()
            .get(&principal("alice"))
            .expect("alice")
            .kvno(),
        2
    );
}

#[test]
fn an_expired_password_is_changed_and_serves_again() {
    let served = Served::start();
    let (client, alice) = (served.client(), theirs("alice"));
    let past = served.clock.now() - Duration::from_secs(1);
    let expire = |entry: &mut kerbox_kdc::PrincipalEntry| {
        entry.password_expires = Some(past);
        entry
            .attributes
            .apply("+needchange")
            .expect("kadmin's name");
    };
    served
        .kdc
        .database_mut()
        .change(&principal("alice"), expire)
        .expect("alice");
    let code = refused(client.login_with_password(&alice, "alice-pw"));
    assert_eq!(code, Some(ErrorCode::KDC_ERR_KEY_EXPIRED.0));
    change_password(
        &client,
        &alice,
        "alice-pw",
        "another-pw",
        &served.address.to_string(),
    )
    .expect("changed");
    assert!(client.login_with_password(&alice, "another-pw").is_ok());
}

#[test]
fn a_password_against_the_policy_is_refused_in_words() {
    let served = Served::start();
    let (client, bob) = (served.client(), theirs("bob"));
    let server = served.address.to_string();
    served
        .kdc
        .database_mut()
        .realm_mut(REALM)
        .expect("our realm")
        .password_policy = PasswordPolicy {
        min_length: 8,
        min_classes: 1,
        history: 2,
        max_life: Some(Duration::from_secs(3600)),
    };
    for (password, why) in [("short", "at least 8 characters"), ("bob-pw-bob-pw", "")] {
        match change_password(&client, &bob, "bob-pw", password, &server) {
            Ok(_) => assert_eq!(why, ""),
            Err(error) => assert!(
                !why.is_empty() && error.to_string().contains(why),
                "{error}"
            ),
        }
    }
    let reused = change_password(&client, &bob, "bob-pw-bob-pw", "bob-pw-bob-pw", &server)
        .expect_err("the present one");
    assert!(reused.to_string().contains("used previously"), "{reused}");
    served.clock.advance(Duration::from_secs(3601));
    assert_eq!(
        refused(client.login_with_password(&bob, "bob-pw-bob-pw")),
        Some(23)
    );
}

#[test]
fn nobody_changes_a_password_with_another_service_s_ticket() {
    let served = Served::start();
    let tgt = served.login("alice");
    assert!(change_password_with_ticket(&tgt, "x", &served.address.to_string()).is_err());
    assert_eq!(
        served
            .kdc
            .database()
            .get(&principal("alice"))
            .expect("alice")
            .kvno(),
        1
    );
}
