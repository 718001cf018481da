//! MIT's kvno: service tickets, keytabs, user-to-user, and tickets in another user's name.

use kerbox::{ErrorCode, Event, Fault, NewPrincipal, Realm, Verdict};

use super::realms::delegating;
use crate::support::{Peer, TestResult, command, on, run, trials};

trials! {
    [Peer::Mit] =>
        a_service_is_named_by_service_and_host,
        a_keytab_is_checked_against_the_kdcs_keys,
        a_user_s_session_key_serves_another_user,
        user_to_user_is_refused_where_the_server_does_not_allow_it,
        a_service_gets_a_ticket_to_itself_in_a_user_s_name,
        a_service_acts_in_a_user_s_name_where_it_is_allowed,
        a_fault_of_a_user_strikes_her_ticket_requests_alone,
        a_verdict_that_no_ticket_request_takes_is_reported;
}

fn login(realm: &Realm, service: &str) -> TestResult {
    let keytab = realm.keytab(service)?.display().to_string();
    on(realm, "kinit", &["-f", "-k", "-t", &keytab, service], "")?.ok()?;
    Ok(())
}

fn a_service_is_named_by_service_and_host() -> TestResult {
    let realm = Realm::start_blocking()?;
    login(&realm, "alice")?;
    let said = on(&realm, "kvno", &["-S", "nn", "localhost"], "")?.ok()?;
    assert_eq!(said, format!("nn/localhost@{}: kvno = 1\n", realm.name()));
    let said = on(&realm, "kvno", &["-S", "smtp", "localhost"], "")?.refused()?;
    assert!(
        said.contains(&format!(
            "Server smtp/localhost@{} not found in Kerberos database",
            realm.name()
        )),
        "{said}"
    );
    Ok(())
}

fn a_keytab_is_checked_against_the_kdcs_keys() -> TestResult {
    let realm = Realm::start_blocking()?;
    login(&realm, "alice")?;
    let keytab = realm.keytab("nn/localhost")?.display().to_string();
    let said = on(&realm, "kvno", &["-k", &keytab, "nn/localhost"], "")?.ok()?;
    assert!(said.contains("kvno = 1, keytab entry valid"), "{said}");
    realm.change_keys("nn/localhost", false)?;
    login(&realm, "alice")?;
    let said = on(&realm, "kvno", &["-k", &keytab, "nn/localhost"], "")?;
    assert!(!said.status.success(), "{said}");
    assert!(
        said.to_string().contains("kvno = 2, keytab entry invalid"),
        "{said}"
    );
    Ok(())
}

fn a_user_s_session_key_serves_another_user() -> TestResult {
    let realm = Realm::start_blocking()?;
    let bob = realm.login_blocking("bob")?;
    login(&realm, "alice")?;
    let theirs = format!("FILE:{}", bob.ccache().display());
    on(&realm, "kvno", &["--u2u", &theirs, "bob"], "")?.ok()?;
    let listed = on(&realm, "klist", &[], "")?.ok()?;
    assert!(
        listed.contains(&format!("bob@{}", realm.name())),
        "{listed}"
    );
    // This is another user's ticket-granting ticket.
    let said = on(&realm, "kvno", &["--u2u", &theirs, "jupyter"], "")?.refused()?;
    assert!(
        said.contains("Requested server and ticket don't match"),
        "{said}"
    );
    Ok(())
}

fn user_to_user_is_refused_where_the_server_does_not_allow_it() -> TestResult {
    let realm = Realm::builder()
        .principal(NewPrincipal::new("bob").attribute("-allow_dup_skey"))
        .start_blocking()?;
    let bob = realm.login_blocking("bob")?;
    login(&realm, "alice")?;
    let theirs = format!("FILE:{}", bob.ccache().display());
    let said = on(&realm, "kvno", &["--u2u", &theirs, "bob"], "")?.refused()?;
    assert!(said.contains("KDC policy rejects request"), "{said}");
    Ok(())
}

fn a_service_gets_a_ticket_to_itself_in_a_user_s_name() -> TestResult {
    let realm = delegating()?;
    login(&realm, "HTTP/localhost")?;
    let said = on(&realm, "kvno", &["-U", "alice", "HTTP/localhost"], "")?.ok()?;
    assert!(said.contains("kvno = 1"), "{said}");
    let listed = on(&realm, "klist", &["-f"], "")?.ok()?;
    assert!(
        listed.contains(&format!("for client alice@{}", realm.name())),
        "{listed}"
    );
    let said = on(&realm, "kvno", &["-U", "nobody", "HTTP/localhost"], "")?.refused()?;
    assert!(said.contains("not found in Kerberos database"), "{said}");
    Ok(())
}

fn a_service_acts_in_a_user_s_name_where_it_is_allowed() -> TestResult {
    let realm = delegating()?;
    login(&realm, "HTTP/localhost")?;
    on(&realm, "kvno", &["-U", "alice", "-P", "nn/localhost"], "")?.ok()?;
    let listed = on(&realm, "klist", &[], "")?.ok()?;
    let ticket = listed
        .split("nn/localhost")
        .nth(1)
        .ok_or("no ticket for nn")?;
    assert!(
        ticket.contains(&format!("for client alice@{}", realm.name())),
        "{listed}"
    );
    // HTTP may delegate to the NameNode only.
    let said = on(&realm, "kvno", &["-U", "alice", "-P", "hdfs/localhost"], "")?.refused()?;
    assert!(
        said.contains("KDC can't fulfill requested option"),
        "{said}"
    );
    // The DataNode's evidence ticket is not forwardable, since the DataNode may not request tickets
    // in the name of other users without their password.
    login(&realm, "dn/localhost")?;
    let said = on(&realm, "kvno", &["-U", "alice", "-P", "nn/localhost"], "")?.refused()?;
    assert!(
        said.contains("KDC can't fulfill requested option"),
        "{said}"
    );
    Ok(())
}

fn a_fault_of_a_user_strikes_her_ticket_requests_alone() -> TestResult {
    let realm = Realm::start_blocking()?;
    let [alice, bob] = ["alice", "bob"].map(|user| realm.login_blocking(user));
    let (alice, bob) = (alice?, bob?);
    let fault = Fault::krb_error(ErrorCode::KDC_ERR_POLICY);
    let fault = realm.inject(fault.of("alice").after(2).times(2));
    let kvno = |user: &kerbox::Login, service: &str| {
        run(&mut command(&user.env(), "kvno", &[service]), "")
    };
    for service in ["nn/localhost", "dn/localhost", "HTTP/localhost"] {
        kvno(&bob, service)?.ok()?;
    }
    for service in ["nn/localhost", "dn/localhost"] {
        kvno(&alice, service)?.ok()?;
    }
    assert_eq!(fault.struck(), 0);
    let said = kvno(&alice, "HTTP/localhost")?.refused()?;
    assert!(said.contains("KDC policy rejects request"), "{said}");
    assert_eq!(
        fault.struck(),
        2,
        "MIT's client asks again, for no referral"
    );
    kvno(&alice, "HTTP/localhost")?.ok()?;
    let strikes = realm
        .journal()
        .filter(|event| matches!(event, Event::Fault { .. }));
    assert_eq!(strikes.len(), 2, "{}", realm.journal().last(20));
    let line = strikes[0].to_string();
    assert!(
        line.contains("fault: KDC_ERR_POLICY on TGS TICKET alice@"),
        "{line}"
    );

    // The fault also strikes alice's logins with kinit and her armored requests: MIT's client
    // armors ticket requests on its own if the KDC supports it.
    on(&realm, "kinit", &["alice"], "alice\n")?.ok()?;
    let fault = Fault::krb_error(ErrorCode::KDC_ERR_POLICY).of("alice");
    let fault = realm.inject(fault);
    let said = on(&realm, "kvno", &["sn/localhost"], "")?.refused()?;
    assert!(said.contains("KDC policy rejects request"), "{said}");
    let said = on(&realm, "kinit", &["alice"], "alice\n")?.refused()?;
    assert!(said.contains("KDC policy rejects request"), "{said}");
    let armor = format!("FILE:{}", bob.ccache().display());
    let said = on(&realm, "kinit", &["-T", &armor, "alice"], "alice\n")?.refused()?;
    assert!(said.contains("KDC policy rejects request"), "{said}");
    assert!(fault.struck() >= 3);
    Ok(())
}

fn a_verdict_that_no_ticket_request_takes_is_reported() -> TestResult {
    let realm = Realm::start_blocking()?;
    let exception = Verdict::Exception {
        class: "java.io.IOException".into(),
        message: "no".into(),
    };
    let fault = realm.inject(Fault::new(|_| true, exception));
    login(&realm, "alice")?;
    on(&realm, "kvno", &["nn/localhost"], "")?.ok()?;
    assert_eq!(fault.struck(), 0);
    let reported = realm
        .journal()
        .filter(|event| matches!(event, Event::Fault { struck: false, .. }));
    assert_eq!(reported.len(), 1, "{}", realm.journal().last(20));
    Ok(())
}
