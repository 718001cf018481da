//! The `krb5` crate: a client in pure Rust that needs nothing installed.

use kerbox::{ErrorCode, Realm};
use krb5::initiator::{GSS_C_INTEG_FLAG, GSS_C_MUTUAL_FLAG};
use krb5::{ClientError, InitiatorContext, KdcClient, KerberosContext, Keytab, Principal};

use crate::support::{TestResult, trials};

trials! {
    [] =>
        it_logs_in_by_password_and_gets_a_service_ticket,
        it_is_refused_with_a_wrong_password;
}

fn client(realm: &Realm) -> KdcClient {
    KdcClient::new(realm.name(), [realm.kdc_address().to_string()])
}

fn principal(realm: &Realm, name: &str) -> Result<Principal, ClientError> {
    Principal::parse(&format!("{name}@{}", realm.name()))
}

fn it_logs_in_by_password_and_gets_a_service_ticket() -> TestResult {
    let realm = Realm::builder()
        .user_with_password("alice", "pw")
        .start_blocking()?;
    let client = client(&realm);
    let tgt = client.login_with_password(&principal(&realm, "alice")?, "pw")?;
    let credentials = client.service_ticket(&tgt, &principal(&realm, "host/localhost")?)?;
    // The crate's acceptor opens our ticket with our keytab.
    let (_, token) = InitiatorContext::new(&credentials, GSS_C_MUTUAL_FLAG | GSS_C_INTEG_FLAG)?;
    let keytab = Keytab::load(realm.keytab("host/localhost")?)?;
    let (context, _) = KerberosContext::accept_token(&keytab, &token)?;
    assert_eq!(context.client_principal, format!("alice@{}", realm.name()));
    Ok(())
}

fn it_is_refused_with_a_wrong_password() -> TestResult {
    let realm = Realm::builder()
        .user_with_password("alice", "pw")
        .start_blocking()?;
    let refused = client(&realm).login_with_password(&principal(&realm, "alice")?, "wrong");
    match refused {
        Err(ClientError::Kdc { code, .. }) => assert_eq!(code, ErrorCode::KDC_ERR_PREAUTH_FAILED.0),
        Err(other) => return Err(other.into()),
        Ok(_) => return Err("a wrong password was accepted".into()),
    }
    Ok(())
}
