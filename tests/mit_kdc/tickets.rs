//! Ticket requests: granted, refused, referred.

use std::time::Duration;

use kerbox::{EncryptionType, NewPrincipal, Principal, Realm};
use kerbox_kdc::RealmConfig;
use kerbox_krb5::NameType;
use kerbox_krb5::client::{Credentials, InitialRequest, TgsRequest};
use kerbox_krb5::messages::KdcOptions;

use super::Error;
use super::sides::{Mit, OTHER, REALM, Side, ours};
use crate::support::{Peer, TestResult, run, trials};

trials! {
    [Peer::MitKdc] =>
        referrals_are_given_to_the_same_requests,
        ticket_requests_get_the_same_answers,
        a_trust_by_password_is_shared_with_mits_kdc;
}

fn a_trust_by_password_is_shared_with_mits_kdc() -> TestResult {
    const OURS: &str = "OURS.ORG";
    let (kdc, mit) = Mit::start()?;
    let mut builder = Realm::builder().realm_name(OURS);
    for (to, from) in [(OURS, REALM), (REALM, OURS)] {
        let (name, password) = (format!("krbtgt/{to}@{from}"), format!("from {from}"));
        let query = format!("addprinc -pw \"{password}\" {name}");
        run(&mut kdc.script(&["admin", &query]), "")?.ok()?;
        builder = builder.principal(NewPrincipal::new(name).password(password));
    }
    let realm = builder.start_blocking()?;
    let ours = Side::new("ours", realm.kdc_address(), &realm.keytab("alice")?)?;
    for (home, (from, away), to) in [(&mit, (REALM, &ours), OURS), (&ours, (OURS, &mit), REALM)] {
        let (said, tgt) = home.login(InitialRequest::new(Principal::new(from, ["alice"])))?;
        let tgt = tgt.ok_or_else(|| format!("{}: {said:?}", home.name))?;
        let trust = TgsRequest::service(Principal::krbtgt(to, from), &tgt);
        let mut cross = home.ticket(&tgt, trust)?;
        let host = Principal::new(to, ["host", "localhost"]);
        for told in [Some(1), None] {
            cross.ticket.enc_part.kvno = told;
            let ticket = away.ticket(&cross, TgsRequest::service(host.clone(), &cross))?;
            assert_eq!((ticket.client.realm(), ticket.server), (from, host.clone()));
        }
    }
    Ok(())
}

fn referrals_are_given_to_the_same_requests() -> TestResult {
    let host = "HTTP/www.middle.org";
    let to_hosts = [
        (NameType::SRV_INST, host.to_owned()),
        (NameType::SRV_HST, host.to_owned()),
    ];
    // Of the clients that we know, MIT's and Heimdal's use these name types. The JDK's names have
    // no type, and are referred only if the KDC lists the service as host-based. gokrb5 uses the
    // name type for principals, which no KDC refers.
    assert_eq!(referred("", |_| {})?, to_hosts);
    let listed = |realm: &mut RealmConfig| realm.host_based_services = vec!["HTTP".to_owned()];
    let unknown = (NameType::UNKNOWN, host.to_owned());
    assert_eq!(
        referred("host_based_services = HTTP", listed)?,
        [&[unknown][..], &to_hosts].concat()
    );
    let denied = |realm: &mut RealmConfig| realm.no_host_referral = vec!["*".to_owned()];
    assert_eq!(referred("no_host_referral = *", denied)?, []);
    Ok(())
}

/// Returns the requests that both KDCs refer. All of them ask for canonicalization. Checks that all
/// other answers are the same, too.
fn referred(
    line: &str,
    change: impl FnOnce(&mut RealmConfig),
) -> Result<Vec<(NameType, String)>, Error> {
    let ((_kdc, mit), (realm, ours)) = (Mit::start_with(line)?, ours()?);
    realm
        .kdc()
        .update(|database, _| database.realm_mut(REALM).map(change))?;
    let tgt = |side: &Side| -> Result<Credentials, Error> {
        let (said, tgt) = side.login(InitialRequest::new(Principal::new(REALM, ["alice"])))?;
        Ok(tgt.ok_or_else(|| format!("{}: {said:?}", side.name))?)
    };
    let (of_mit, of_ours) = (tgt(&mit)?, tgt(&ours)?);
    let mut referred = Vec::new();
    for name_type in [
        NameType::UNKNOWN,
        NameType::PRINCIPAL,
        NameType::SRV_INST,
        NameType::SRV_HST,
        NameType::SRV_XHST,
        NameType::ENTERPRISE,
    ] {
        for components in [
            &["HTTP", "www.middle.org"][..],
            &["HTTP", "middle.org"],
            &["HTTP", "www.unknown.org"],
            &["HTTP", "www"],
            &["www.middle.org"],
        ] {
            for canonicalize in [false, true] {
                let server =
                    Principal::new(REALM, components.iter().copied()).with_name_type(name_type);
                let request = |tgt: &Credentials| {
                    let mut request = TgsRequest::service(server.clone(), tgt);
                    request.options.set(KdcOptions::CANONICALIZE, canonicalize);
                    request
                };
                let theirs = mit.tgs(&of_mit, request(&of_mit))?;
                let answer = ours.tgs(&of_ours, request(&of_ours))?;
                assert_eq!(
                    theirs, answer,
                    "{components:?} of type {name_type:?}, canonicalize {canonicalize}"
                );
                if theirs.is_ok() {
                    assert!(canonicalize, "{components:?} of type {name_type:?}");
                    referred.push((name_type, components.join("/")));
                }
            }
        }
    }
    Ok(referred)
}

/// Makes a ticket request from the ticket-granting ticket and a service ticket.
type Asks = fn(&Credentials, &Credentials) -> TgsRequest;

/// Requests that are granted, and many that are not.
const ASKS: [(&str, Asks); 27] = [
    ("a service", |tgt, _| to(tgt, &["host", "localhost"])),
    ("an unknown one", |tgt, _| to(tgt, &["no", "such"])),
    ("a name of nothing", |tgt, _| to(tgt, &[])),
    ("an empty name", |tgt, _| to(tgt, &["", ""])),
    ("another realm's KDC", |tgt, _| to(tgt, &["krbtgt", OTHER])),
    ("an unknown realm's KDC", |tgt, _| {
        to(tgt, &["krbtgt", "NOWHERE"])
    }),
    ("krbtgt alone", |tgt, _| to(tgt, &["krbtgt"])),
    ("the password service", |tgt, _| {
        to(tgt, &["kadmin", "changepw"])
    }),
    ("a user", |tgt, _| to(tgt, &["bob"])),
    ("a service with a service ticket", |_, service| {
        to(service, &["bob"])
    }),
    ("renewal", |tgt, _| TgsRequest::renew(tgt)),
    ("renewal of a service ticket", |_, service| {
        TgsRequest::renew(service)
    }),
    ("validation of what is valid", |tgt, _| {
        TgsRequest::validate(tgt)
    }),
    ("forwarding", |tgt, _| TgsRequest::forward(tgt, Vec::new())),
    ("a proxy of a ticket-granting ticket", |tgt, _| {
        with(TgsRequest::renew(tgt), KdcOptions::PROXY)
    }),
    ("renewal for another service", |tgt, _| {
        with(to(tgt, &["host", "localhost"]), KdcOptions::RENEW)
    }),
    ("a postdated ticket", |tgt, _| {
        with(to(tgt, &["host", "localhost"]), KdcOptions::POSTDATED)
    }),
    ("an anonymous ticket", |tgt, _| {
        with(
            to(tgt, &["host", "localhost"]),
            KdcOptions::REQUEST_ANONYMOUS,
        )
    }),
    ("no check of the realms", |tgt, _| {
        with(
            to(tgt, &["host", "localhost"]),
            KdcOptions::DISABLE_TRANSITED_CHECK,
        )
    }),
    ("user to user without a ticket", |tgt, _| {
        with(to(tgt, &["bob"]), KdcOptions::ENC_TKT_IN_SKEY)
    }),
    ("user to user with the asker's ticket", |tgt, _| {
        TgsRequest::user_to_user(Principal::new(REALM, ["bob"]), tgt, tgt.ticket.clone())
    }),
    ("user to user with oneself", |tgt, _| {
        TgsRequest::user_to_user(Principal::new(REALM, ["alice"]), tgt, tgt.ticket.clone())
    }),
    ("user to user with a service ticket", |tgt, service| {
        TgsRequest::user_to_user(Principal::new(REALM, ["bob"]), tgt, service.ticket.clone())
    }),
    ("S4U2Self", |tgt, _| {
        TgsRequest::s4u2self(Principal::new(REALM, ["bob"]), tgt)
    }),
    ("S4U2Self for nobody", |tgt, _| {
        TgsRequest::s4u2self(Principal::new(REALM, ["mallory"]), tgt)
    }),
    ("S4U2Proxy without evidence", |tgt, _| {
        with(
            to(tgt, &["host", "localhost"]),
            KdcOptions::CNAME_IN_ADDL_TKT,
        )
    }),
    ("S4U2Proxy with another's ticket", |tgt, service| {
        TgsRequest::s4u2proxy(Principal::new(REALM, ["bob"]), tgt, service.ticket.clone())
    }),
];

fn to(ticket: &Credentials, name: &[&str]) -> TgsRequest {
    TgsRequest::service(Principal::new(REALM, name.iter().copied()), ticket)
}

fn with(mut request: TgsRequest, option: KdcOptions) -> TgsRequest {
    request.options |= option;
    request
}

fn ticket_requests_get_the_same_answers() -> TestResult {
    let ((_kdc, mit), (_realm, ours)) = (Mit::start()?, ours()?);
    let mut differences = Vec::new();
    for renewable in [Duration::ZERO, Duration::from_secs(24 * 3600)] {
        let tickets = |side: &Side| -> Result<(Credentials, Credentials), Error> {
            let mut request = InitialRequest::new(Principal::new(REALM, ["alice"]));
            request.renewable_lifetime = renewable;
            if renewable.is_zero() {
                request.options = KdcOptions::NONE;
            }
            let tgt = side.login(request)?.1.ok_or("a ticket")?;
            let service = side.ticket(&tgt, to(&tgt, &["host", "localhost"]))?;
            Ok((tgt, service))
        };
        let (of_mit, of_ours) = (tickets(&mit)?, tickets(&ours)?);
        for (what, asks) in ASKS {
            for enctypes in [None, Some(Vec::new()), Some(vec![EncryptionType::RC4_HMAC])] {
                let request = |tickets: &(Credentials, Credentials)| {
                    let mut request = asks(&tickets.0, &tickets.1);
                    request.enctypes = enctypes.clone().unwrap_or(request.enctypes);
                    request
                };
                // S4U2Self needs the ticket-granting ticket; use the service ticket only if the
                // case's name says so.
                let which = |tickets: &(Credentials, Credentials)| match what {
                    "a service with a service ticket" | "renewal of a service ticket" => {
                        tickets.1.clone()
                    }
                    _ => tickets.0.clone(),
                };
                let theirs = mit.tgs(&which(&of_mit), request(&of_mit))?;
                let answer = ours.tgs(&which(&of_ours), request(&of_ours))?;
                if theirs != answer {
                    differences.push(format!(
                        "{what}, types {enctypes:?}, renewable {renewable:?}: MIT {theirs:?}, ours {answer:?}"
                    ));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
    Ok(())
}
