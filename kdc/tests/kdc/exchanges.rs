//! The tickets that AS and TGS exchanges grant, without sockets and with a frozen clock.

use std::time::Duration;

use crate::support::{Pair, REALM, krb_error, principal, refused};
use kerbox_kdc::{Kdc, NewKeys, NewPrincipal, Peer, Transport};
use kerbox_krb5::client::{AsExchange, InitialRequest, Secret, TgsRequest};
use kerbox_krb5::messages::{
    EtypeInfo2Entry, HostAddress, KdcOptions, KdcReply, PaData, PaDataType, TicketFlags,
};
use kerbox_krb5::{EncryptionType, ErrorCode, KeyUsage, Principal};

const HOUR: u64 = 3600;

#[test]
fn a_client_without_preauthentication_is_told_how_and_when() {
    let mut pair = Pair::new();
    let (_, request) = AsExchange::new(
        InitialRequest::new(principal("alice")),
        Secret::Keys(pair.keys("alice")),
        pair.now,
        &mut pair.rng,
    )
    .expect("a request");
    let error = krb_error(&pair.answer(&request));
    assert_eq!(error.code, ErrorCode::KDC_ERR_PREAUTH_REQUIRED);
    assert_eq!(error.text.as_deref(), Some("NEEDED_PREAUTH"));
    // The clients' clocks follow this time, to the microsecond.
    assert_eq!(error.stime, pair.now);
    assert_eq!(error.client, Some(principal("alice")));
    assert_eq!(error.server, Principal::krbtgt(REALM, REALM));
    let hints = PaData::decode_list(&error.data.expect("e-data")).expect("METHOD-DATA");
    let info = PaData::find(&hints, PaDataType::ETYPE_INFO2).expect("ETYPE-INFO2");
    assert_eq!(
        EtypeInfo2Entry::decode_list(&info.value),
        Ok(vec![EtypeInfo2Entry {
            enctype: EncryptionType::AES256_CTS_HMAC_SHA1_96,
            salt: Some("EXAMPLE.COMalice".to_owned()),
            s2kparams: None,
        }])
    );
    assert!(PaData::find(&hints, PaDataType::ENC_TIMESTAMP).is_some());
}

#[test]
fn a_ticket_has_the_flags_and_times_that_were_asked_for() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    assert_eq!(tgt.flags.letters(), "FPRIA");
    assert_eq!(tgt.auth_time, pair.now.whole_second());
    assert_eq!(tgt.lifetime(), Duration::from_secs(10 * HOUR));
    assert_eq!(
        tgt.renew_till.map(|till| till.since(tgt.start_time)),
        Some(Duration::from_secs(7 * 24 * HOUR))
    );
    pair.advance(HOUR);
    let ticket = pair
        .service(&tgt, "nn/localhost")
        .expect("a service ticket");
    assert_eq!(ticket.flags.letters(), "FPRAT");
    assert_eq!(ticket.end_time, tgt.end_time);
    assert_eq!(ticket.auth_time, tgt.auth_time);
    let part = ticket
        .ticket
        .open(&pair.keys("nn/localhost")[0])
        .expect("the service's key");
    assert_eq!(part.client, principal("alice"));
    assert_eq!(
        (part.key, part.flags, part.end_time),
        (ticket.key, ticket.flags, ticket.end_time)
    );
}

#[test]
fn a_password_serves_as_well_as_a_keytab_and_is_derived_only_for_who_comes_with_it() {
    let mut pair = Pair::new();
    let dave = principal("dave");
    let mut new = NewPrincipal::new(
        dave.clone(),
        NewKeys::RandomAndPassword("secret".to_owned()),
    );
    new.enctypes = Some(vec![EncryptionType::AES128_CTS_HMAC_SHA1_96]);
    pair.kdc
        .database_mut()
        .add(new, &mut pair.rng)
        .expect("a new principal");
    let by_password = pair.initial(
        InitialRequest::new(dave.clone()),
        Secret::Password("secret".to_owned()),
    );
    assert_eq!(by_password.expect("a ticket").flags.letters(), "FPIA");
    let keytab = pair
        .kdc
        .database()
        .keytab([&dave], pair.now)
        .expect("dave's keytab");
    let keys: Vec<_> = keytab
        .entries()
        .filter_map(|entry| entry.key().cloned())
        .collect();
    assert_eq!(keys.len(), 1);
    assert!(
        pair.initial(InitialRequest::new(dave.clone()), Secret::Keys(keys))
            .is_ok()
    );
    let wrong = pair.initial(
        InitialRequest::new(dave),
        Secret::Password("wrong".to_owned()),
    );
    assert_eq!(
        refused(wrong),
        (
            ErrorCode::KDC_ERR_PREAUTH_FAILED,
            "PREAUTH_FAILED".to_owned()
        )
    );
}

#[test]
fn a_principal_that_needs_no_preauthentication_gets_its_ticket_at_once() {
    let mut pair = Pair::new();
    pair.add("carol", &["-requires_preauth"]);
    let (mut exchange, request) = AsExchange::new(
        InitialRequest::new(principal("carol")),
        Secret::Keys(pair.keys("carol")),
        pair.now,
        &mut pair.rng,
    )
    .expect("a request");
    let answer = pair.answer(&request);
    let reply = KdcReply::decode(&answer).expect("an AS-REP");
    assert!(PaData::find(&reply.padata, PaDataType::ETYPE_INFO2).is_some());
    assert!(exchange.step(&answer, &mut pair.rng).is_ok());
    let tgt = pair.login("carol");
    assert!(!tgt.flags.contains(TicketFlags::PRE_AUTHENT));
}

#[test]
fn renewed_day_by_day_a_ticket_lasts_a_week_and_no_longer() {
    let mut pair = Pair::new();
    let mut tgt = pair
        .login_with("alice", |request| {
            request.lifetime = Duration::from_secs(24 * HOUR);
        })
        .expect("a ticket");
    let till = tgt.renew_till.expect("renewable");
    for _ in 0..6 {
        pair.advance(24 * HOUR);
        tgt = pair.tgs(&tgt, TgsRequest::renew(&tgt)).expect("renewed");
        assert_eq!(tgt.flags.letters(), "FPRIAT");
        assert_eq!(tgt.renew_till, Some(till));
        assert_eq!(
            tgt.end_time,
            (pair.now.whole_second() + Duration::from_secs(24 * HOUR)).min(till)
        );
    }
    pair.advance(24 * HOUR + 200);
    // Its end passed by less than the skew, but so did the end of its renewability.
    assert_eq!(
        refused(pair.tgs(&tgt, TgsRequest::renew(&tgt))).0,
        ErrorCode::KRB_AP_ERR_TKT_EXPIRED
    );
}

#[test]
fn a_postdated_ticket_must_be_validated_when_its_time_has_come() {
    let mut pair = Pair::new();
    let start = pair.now.whole_second() + Duration::from_secs(HOUR);
    let tgt = pair
        .login_with("alice", |request| request.start = Some(start))
        .expect("a postdated ticket");
    assert_eq!(tgt.flags.letters(), "FPDdiRIA");
    assert_eq!(tgt.start_time, start);
    assert_eq!(
        refused(pair.service(&tgt, "nn/localhost")).0,
        ErrorCode::KRB_AP_ERR_TKT_NYV
    );
    pair.advance(HOUR - 100);
    let early = pair.tgs(&tgt, TgsRequest::validate(&tgt));
    assert_eq!(
        refused(early),
        (ErrorCode::KRB_AP_ERR_TKT_NYV, "NOT_YET_VALID".to_owned())
    );
    pair.advance(200);
    let valid = pair
        .tgs(&tgt, TgsRequest::validate(&tgt))
        .expect("validated");
    assert_eq!(valid.flags.letters(), "FPDdRIAT");
    assert_eq!(
        (valid.start_time, valid.end_time),
        (tgt.start_time, tgt.end_time)
    );
    assert!(pair.service(&valid, "nn/localhost").is_ok());
}

#[test]
fn forwarded_and_proxied_tickets_are_for_other_addresses() {
    let mut pair = Pair::new();
    let here: std::net::IpAddr = [10, 0, 0, 1].into();
    let there: std::net::IpAddr = [10, 0, 0, 2].into();
    let tgt = pair
        .login_with("alice", |request| request.addresses = vec![here.into()])
        .expect("a ticket");
    let forwarded = pair
        .tgs(&tgt, TgsRequest::forward(&tgt, vec![there.into()]))
        .expect("forwarded");
    assert_eq!(forwarded.flags.letters(), "FfPRAT");
    assert_eq!(forwarded.addresses, vec![HostAddress::from(there)]);
    pair.peer.address = Some(there);
    assert_eq!(
        refused(pair.service(&tgt, "nn/localhost")).0,
        ErrorCode::KRB_AP_ERR_BADADDR
    );
    let ticket = pair
        .service(&forwarded, "nn/localhost")
        .expect("usable there");
    assert_eq!(ticket.flags.letters(), "FfPRAT");

    pair.peer.address = Some(here);
    let service = pair.service(&tgt, "nn/localhost").expect("usable here");
    let mut proxy = TgsRequest::service(principal("nn/localhost"), &service);
    proxy.options |= KdcOptions::PROXY;
    proxy.addresses = vec![there.into()];
    let proxied = pair.tgs(&service, proxy).expect("a proxied ticket");
    assert_eq!(proxied.flags.letters(), "FPpRAT");
}

#[test]
fn the_session_key_is_of_the_clients_first_type_that_the_server_knows() {
    let mut pair = Pair::new();
    let (aes128, sha2) = (
        EncryptionType::AES128_CTS_HMAC_SHA1_96,
        EncryptionType::AES256_CTS_HMAC_SHA384_192,
    );
    let tgt = pair.login("alice");
    // By default a principal has keys of two types, the same as with MIT's KDC.
    let types: Vec<_> = pair
        .keys("nn/localhost")
        .iter()
        .map(|key| key.enctype())
        .collect();
    assert_eq!(types, [EncryptionType::AES256_CTS_HMAC_SHA1_96, aes128]);
    let rotated = pair.kdc.update(|database, rng| {
        let realm = database.realm_mut(REALM).expect("ours");
        realm.enctypes = EncryptionType::DEFAULT.to_vec();
        database.change_keys(&principal("nn/localhost"), &NewKeys::Random, false, rng)
    });
    rotated.expect("new keys");
    let mut new = NewPrincipal::new(principal("old/localhost"), NewKeys::Random);
    new.enctypes = Some(vec![aes128]);
    pair.kdc
        .database_mut()
        .add(new, &mut pair.rng)
        .expect("a new principal");
    let mut asked = |name: &str, enctypes: &[EncryptionType]| {
        let mut request = TgsRequest::service(principal(name), &tgt);
        request.enctypes = enctypes.to_vec();
        let ticket = pair.tgs(&tgt, request).expect("a ticket");
        (ticket.key.enctype(), ticket.ticket.enc_part.enctype)
    };
    let aes256 = EncryptionType::AES256_CTS_HMAC_SHA1_96;
    assert_eq!(asked("nn/localhost", &[sha2, aes256]), (sha2, aes256));
    assert_eq!(asked("nn/localhost", &[aes128]), (aes128, aes256));
    // The ticket uses the server's key, and aes256-cts-hmac-sha1-96 is assumed to be supported by
    // all.
    assert_eq!(
        asked("old/localhost", &[sha2, aes256, aes128]),
        (aes256, aes128)
    );
}

#[test]
fn a_servers_own_list_limits_the_session_keys_types() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let aes128 = EncryptionType::AES128_CTS_HMAC_SHA1_96;
    let sha2 = EncryptionType::AES256_CTS_HMAC_SHA384_192;
    let change = |entry: &mut kerbox_kdc::PrincipalEntry| entry.session_enctypes = vec![aes128];
    pair.kdc
        .database_mut()
        .change(&principal("nn/localhost"), change)
        .expect("it is there");
    let mut request = TgsRequest::service(principal("nn/localhost"), &tgt);
    request.enctypes = vec![sha2, EncryptionType::AES256_CTS_HMAC_SHA1_96, aes128];
    assert_eq!(
        pair.tgs(&tgt, request).expect("a ticket").key.enctype(),
        aes128
    );
    // Its own list also applies in a realm without such keys, unless the type is weak.
    let rc4 = EncryptionType::RC4_HMAC;
    for (own, expected) in [(vec![], aes128), (vec![rc4, sha2], sha2)] {
        let change = |entry: &mut kerbox_kdc::PrincipalEntry| entry.session_enctypes = own;
        pair.kdc
            .database_mut()
            .change(&principal("HTTP/localhost"), change)
            .expect("it is there");
        let mut request = TgsRequest::service(principal("HTTP/localhost"), &tgt);
        request.enctypes = vec![rc4, sha2, aes128];
        let ticket = pair.tgs(&tgt, request).expect("a ticket");
        assert_eq!(ticket.key.enctype(), expected);
    }
}

#[test]
fn the_reply_is_in_the_session_key_for_a_client_without_subkey() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let mut request = TgsRequest::service(principal("nn/localhost"), &tgt);
    request.subkey = false;
    assert!(pair.tgs(&tgt, request).is_ok());
}

#[test]
fn a_client_that_asks_for_it_gets_a_checksum_over_its_request() {
    let mut pair = Pair::new();
    pair.add("carol", &["-requires_preauth"]);
    let request = InitialRequest::new(principal("carol"));
    let (_, bytes) = AsExchange::new(
        request,
        Secret::Keys(pair.keys("carol")),
        pair.now,
        &mut pair.rng,
    )
    .expect("a request");
    let mut message = kerbox_krb5::messages::KdcRequest::decode(&bytes).expect("our own");
    message
        .padata
        .push(PaData::new(PaDataType::REQ_ENC_PA_REP, Vec::new()));
    let bytes = message.encode();
    let reply = KdcReply::decode(&pair.answer(&bytes)).expect("an AS-REP");
    let key = &pair.keys("carol")[0];
    let part = reply
        .enc_part
        .open(key, KeyUsage::AS_REP_ENC_PART)
        .expect("carol's key");
    let part = kerbox_krb5::messages::EncKdcReplyPart::decode(&part).expect("an EncKDCRepPart");
    let element =
        PaData::find(&part.encrypted_padata, PaDataType::REQ_ENC_PA_REP).expect("it was asked for");
    let checksum = kerbox_krb5::messages::Checksum::decode(&element.value).expect("a Checksum");
    assert_eq!(checksum.verify(key, KeyUsage::AS_REQ, &bytes), Ok(()));
    assert!(part.flags.contains(TicketFlags::ENC_PA_REP));
}

#[test]
fn user_to_user_tickets_are_in_the_session_key_of_the_servers_own_ticket() {
    let mut pair = Pair::new();
    let (alice, bob) = (pair.login("alice"), pair.login("bob"));
    let request = TgsRequest::user_to_user(principal("bob"), &alice, bob.ticket.clone());
    let ticket = pair.tgs(&alice, request).expect("a user-to-user ticket");
    assert_eq!(ticket.ticket.enc_part.kvno, None);
    assert_eq!(
        ticket
            .ticket
            .open(&bob.key)
            .expect("bob's session key")
            .client,
        principal("alice")
    );
}

#[test]
fn old_tickets_outlive_a_rotation_of_keys_that_keeps_the_old_ones() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let krbtgt = Principal::krbtgt(REALM, REALM);
    pair.kdc
        .update(|database, rng| database.change_keys(&krbtgt, &NewKeys::Random, true, rng))
        .expect("rotated");
    assert!(pair.service(&tgt, "nn/localhost").is_ok());
    assert_eq!(pair.login("alice").ticket.enc_part.kvno, Some(2));
    pair.kdc
        .database_mut()
        .change(&krbtgt, |entry| entry.purge_keys(None))
        .expect("purged");
    assert_eq!(
        refused(pair.service(&tgt, "nn/localhost")),
        (ErrorCode::KRB_ERR_GENERIC, "PROCESS_TGS".to_owned())
    );
}

#[test]
fn the_same_request_gets_the_same_answer_for_two_minutes() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let request = TgsRequest::service(principal("nn/localhost"), &tgt);
    let (_, bytes) = kerbox_krb5::client::TgsExchange::new(&tgt, request, pair.now, &mut pair.rng)
        .expect("a request");
    let first = pair.answer(&bytes);
    pair.advance(120);
    assert_eq!(pair.answer(&bytes), first);
    pair.advance(2);
    assert_ne!(pair.answer(&bytes), first);
}

#[test]
fn a_long_answer_is_kept_from_datagrams() {
    let mut pair = Pair::new();
    let database = pair.kdc.database().clone();
    pair.kdc = Kdc::new(database, 1).with_udp_limit(500);
    let tgt = pair.login("alice");
    pair.peer = Peer {
        transport: Transport::Udp,
        ..Peer::LOCAL
    };
    let too_big = refused(pair.service(&tgt, "nn/localhost"));
    assert_eq!(
        too_big,
        (ErrorCode::KRB_ERR_RESPONSE_TOO_BIG, String::new())
    );
    pair.peer = Peer::LOCAL;
    assert!(pair.service(&tgt, "nn/localhost").is_ok());
}

#[test]
fn lifetimes_are_limited_by_the_realm_the_client_and_the_server() {
    let mut pair = Pair::new();
    let limit = |pair: &Pair, name: &str, seconds| {
        let change = |entry: &mut kerbox_kdc::PrincipalEntry| {
            entry.max_life = Some(Duration::from_secs(seconds));
        };
        pair.kdc
            .database_mut()
            .change(&principal(name), change)
            .expect("it is there");
    };
    limit(&pair, "nn/localhost", 600);
    let tgt = pair.login("alice");
    assert_eq!(
        pair.service(&tgt, "nn/localhost")
            .expect("a ticket")
            .lifetime(),
        Duration::from_secs(600)
    );
    limit(&pair, "alice", 30);
    assert_eq!(pair.login("alice").lifetime(), Duration::from_secs(30));
    pair.kdc
        .database_mut()
        .realm_mut(REALM)
        .expect("our realm")
        .max_life = Duration::from_millis(250);
    assert_eq!(pair.login("alice").lifetime(), Duration::from_secs(1));
    let forever = pair.login_with("bob", |request| request.lifetime = Duration::MAX);
    assert_eq!(
        forever.expect("a ticket").end_time,
        pair.now.whole_second() + Duration::from_secs(1)
    );
}

#[test]
fn what_was_issued_can_be_read() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    pair.advance(60);
    pair.tgs(&tgt, TgsRequest::renew(&tgt)).expect("renewed");
    assert!(pair.service(&tgt, "no/such").is_err());
    let issued = pair.kdc.issued();
    assert_eq!(
        issued
            .iter()
            .map(|ticket| (ticket.kind, &ticket.client))
            .collect::<Vec<_>>(),
        [
            (None, &principal("alice")),
            (Some(kerbox_events::TgsKind::Renew), &principal("alice"))
        ]
    );
    assert_eq!(issued[1].issued_at, pair.now);
    assert_eq!(
        (issued[0].end_time, issued[0].flags),
        (tgt.end_time, tgt.flags)
    );
    assert_eq!(
        (issued[0].server.clone(), issued[0].kvno),
        (Principal::krbtgt(REALM, REALM), Some(1))
    );
}
