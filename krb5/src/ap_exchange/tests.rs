use super::*;
use crate::messages::TicketFlags;
use crate::testing::{NOW, Parties};
use crate::{EncryptionType, KeytabEntry};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const AES256: EncryptionType = EncryptionType::AES256_CTS_HMAC_SHA1_96;

fn pair() -> Parties {
    Parties::new(3, AES256, ["nn", "localhost"])
}

impl Parties {
    fn request(&mut self, at: Timestamp) -> (ApInitiator, Vec<u8>) {
        let options = ApInitiatorOptions {
            mutual: true,
            seq_number: Some(7),
            ..ApInitiatorOptions::default()
        };
        let credentials = self.credentials();
        ApInitiator::new(&credentials, options, at, &mut self.rng)
    }

    fn acceptor(&self) -> ApAcceptor<'_> {
        ApAcceptor::new(&self.keytab, Some(&self.service))
    }

    /// Returns the service's result at `server_time` for an authenticator made at `client_time`.
    fn code(&mut self, client_time: Timestamp, server_time: Timestamp) -> Result<(), ErrorCode> {
        let (_, request) = self.request(client_time);
        let verdict = self.acceptor().accept(server_time, &request);
        verdict.map(drop).map_err(|refused| refused.error.code())
    }
}

#[test]
fn a_client_and_a_service_prove_themselves_to_each_other() {
    let mut pair = pair();
    let (initiator, request) = pair.request(NOW);
    let accepted = pair
        .acceptor()
        .accept(NOW, &request)
        .expect("everything is right");
    assert_eq!(accepted.client().to_string(), "alice@EXAMPLE.COM");
    assert_eq!(accepted.server, pair.service);
    assert!(accepted.mutual_required);
    assert_eq!(accepted.authenticator.seq_number, Some(7));
    let subkey = EncryptionKey::random(AES256, &mut pair.rng).expect("a known type");
    let reply = accepted.reply(Some(subkey.clone()), Some(9), &mut pair.rng);
    let part = initiator
        .finish(&reply)
        .expect("the service knows the session key");
    assert_eq!((part.subkey, part.seq_number), (Some(subkey), Some(9)));

    let (another, _) = pair.request(NOW + SECOND);
    assert_eq!(
        another.finish(&reply),
        Err(ErrorCode::KRB_AP_ERR_MUT_FAIL.into())
    );
    for at in 0..reply.len() {
        assert!(initiator.finish(&reply[..at]).is_err());
    }
}

#[test]
fn keys_that_are_missing_or_false_have_codes_of_their_own() {
    let mut pair = pair();
    pair.kvno = 2;
    assert_eq!(pair.code(NOW, NOW), Err(ErrorCode::KRB_AP_ERR_BADKEYVER));
    // A version of zero stands for the newest.
    pair.kvno = 0;
    assert_eq!(pair.code(NOW, NOW), Ok(()));
    pair.kvno = 1;
    pair.key = EncryptionKey::random(AES256, &mut pair.rng).expect("a known type");
    assert_eq!(
        pair.code(NOW, NOW),
        Err(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY)
    );
    pair.key = EncryptionKey::random(EncryptionType::AES128_CTS_HMAC_SHA1_96, &mut pair.rng)
        .expect("a known type");
    assert_eq!(pair.code(NOW, NOW), Err(ErrorCode::KRB_AP_ERR_NOKEY));
    let (_, request) = pair.request(NOW);
    let anybody = ApAcceptor::new(&pair.keytab, None);
    assert_eq!(
        anybody
            .accept(NOW, &request)
            .expect_err("another type")
            .error
            .code(),
        ErrorCode::KRB_AP_ERR_BADKEYVER
    );
    pair.keytab = Keytab::default();
    assert_eq!(pair.code(NOW, NOW), Err(ErrorCode::KRB_AP_ERR_NOKEY));
    let (_, request) = pair.request(NOW);
    let anybody = ApAcceptor::new(&pair.keytab, None);
    assert_eq!(
        anybody
            .accept(NOW, &request)
            .expect_err("no key")
            .error
            .code(),
        ErrorCode::KRB_AP_ERR_NOT_US
    );
    let other = Principal::new("EXAMPLE.COM", ["dn", "localhost"]);
    let other = ApAcceptor::new(&pair.keytab, Some(&other));
    let refused = other
        .accept(NOW, &request)
        .expect_err("the ticket is for nn");
    assert_eq!(refused.error.code(), ErrorCode::KRB_AP_ERR_NOT_US);
    assert_eq!(
        refused.detail,
        "the ticket is for nn/localhost@EXAMPLE.COM, but we are dn/localhost@EXAMPLE.COM"
    );
}

#[test]
fn a_rolled_service_key_serves_old_and_new_tickets() {
    let mut pair = pair();
    let old = pair.request(NOW).1;
    pair.key = EncryptionKey::random(AES256, &mut pair.rng).expect("a known type");
    pair.kvno = 2;
    pair.keytab.push(KeytabEntry::new(
        pair.service.clone(),
        2,
        pair.key.clone(),
        NOW,
    ));
    let new = pair.request(NOW).1;
    for request in [old, new] {
        assert!(pair.acceptor().accept(NOW, &request).is_ok());
    }
}

#[test]
fn a_ticket_is_refused_before_its_start_and_after_its_end_but_for_the_skew() {
    let mut pair = pair();
    let end = pair.part.end_time;
    assert_eq!(pair.code(end + 300 * SECOND, end + 300 * SECOND), Ok(()));
    assert_eq!(
        pair.code(end + 301 * SECOND, end + 301 * SECOND),
        Err(ErrorCode::KRB_AP_ERR_TKT_EXPIRED)
    );
    assert_eq!(pair.code(NOW - 300 * SECOND, NOW - 300 * SECOND), Ok(()));
    assert_eq!(
        pair.code(NOW - 301 * SECOND, NOW - 301 * SECOND),
        Err(ErrorCode::KRB_AP_ERR_TKT_NYV)
    );
    pair.part.flags |= TicketFlags::INVALID;
    assert_eq!(pair.code(NOW, NOW), Err(ErrorCode::KRB_AP_ERR_TKT_NYV));
}

#[test]
fn clocks_may_differ_by_five_minutes_and_no_more() {
    let mut pair = pair();
    for (client, server, verdict) in [
        (NOW + 299 * SECOND, NOW, Ok(())),
        (NOW, NOW + 299 * SECOND, Ok(())),
        (NOW + 301 * SECOND, NOW, Err(ErrorCode::KRB_AP_ERR_SKEW)),
        (NOW, NOW + 301 * SECOND, Err(ErrorCode::KRB_AP_ERR_SKEW)),
    ] {
        assert_eq!(
            pair.code(client, server),
            verdict,
            "client at {client}, server at {server}"
        );
    }
}

#[test]
fn an_expired_ticket_is_told_before_a_skewed_clock() {
    let mut pair = pair();
    let late = pair.part.end_time + HOUR;
    assert_eq!(pair.code(NOW, late), Err(ErrorCode::KRB_AP_ERR_TKT_EXPIRED));
}

#[test]
fn a_replayed_authenticator_is_refused_and_a_fresh_one_is_not() {
    let mut pair = pair();
    let cache = ReplayCache::default();
    let [first, second] = [(); 2].map(|()| pair.request(NOW).1);
    let mut acceptor = pair.acceptor();
    acceptor.replay_cache = Some(&cache);
    assert!(acceptor.accept(NOW, &first).is_ok());
    let refused = acceptor
        .accept(NOW + 299 * SECOND, &first)
        .expect_err("a replay");
    assert_eq!(refused.error.code(), ErrorCode::KRB_AP_ERR_REPEAT);
    assert_eq!(
        refused.client,
        Some(Principal::new("EXAMPLE.COM", ["alice"]))
    );
    assert!(
        acceptor.accept(NOW, &second).is_ok(),
        "same client, same microsecond, another authenticator"
    );
    let refused = acceptor
        .accept(NOW + 301 * SECOND, &first)
        .expect_err("too late anyway");
    assert_eq!(refused.error.code(), ErrorCode::KRB_AP_ERR_SKEW);
}

#[test]
fn an_authenticator_of_another_client_or_key_is_refused() {
    let mut pair = pair();
    let mut credentials = pair.credentials();
    credentials.client = Principal::new("EXAMPLE.COM", ["mallory"]);
    let (_, request) = ApInitiator::new(
        &credentials,
        ApInitiatorOptions::default(),
        NOW,
        &mut pair.rng,
    );
    let refused = pair
        .acceptor()
        .accept(NOW, &request)
        .expect_err("the ticket is alice's");
    assert_eq!(refused.error.code(), ErrorCode::KRB_AP_ERR_BADMATCH);

    let mut credentials = pair.credentials();
    credentials.key = EncryptionKey::random(AES256, &mut pair.rng).expect("a known type");
    let (_, request) = ApInitiator::new(
        &credentials,
        ApInitiatorOptions::default(),
        NOW,
        &mut pair.rng,
    );
    let refused = pair
        .acceptor()
        .accept(NOW, &request)
        .expect_err("a stolen ticket without its key");
    assert_eq!(refused.error.code(), ErrorCode::KRB_AP_ERR_BAD_INTEGRITY);
}

#[test]
fn a_ticket_bound_to_an_address_is_refused_from_another() {
    let mut pair = pair();
    let [home, away] = [[127, 0, 0, 1], [10, 0, 0, 1]]
        .map(|octets| HostAddress::from(std::net::IpAddr::from(octets)));
    pair.part.addresses = vec![home.clone()];
    let (_, request) = pair.request(NOW);
    for (address, verdict) in [
        (Some(&home), None),
        (None, None),
        (Some(&away), Some(ErrorCode::KRB_AP_ERR_BADADDR)),
    ] {
        let mut acceptor = pair.acceptor();
        acceptor.address = address;
        let code = acceptor
            .accept(NOW, &request)
            .err()
            .map(|refused| refused.error.code());
        assert_eq!(code, verdict);
    }
}

#[test]
fn no_cut_request_is_accepted_and_no_flipped_one_means_anything_else() {
    let mut pair = pair();
    let (_, request) = pair.request(NOW);
    let acceptor = pair.acceptor();
    assert_eq!(
        acceptor.accept(NOW, b"").expect_err("nothing").error.code(),
        ErrorCode::KRB_AP_ERR_MSG_TYPE
    );
    let right = acceptor.accept(NOW, &request).expect("untouched");
    for at in 0..request.len() {
        assert!(acceptor.accept(NOW, &request[..at]).is_err(), "cut at {at}");
        for bit in 0..8 {
            let mut spoilt = request.clone();
            spoilt[at] ^= 1 << bit;
            // The options, the name type and unused bits are not protected. What counts are ticket
            // and authenticator.
            if let Ok(accepted) = acceptor.accept(NOW, &spoilt) {
                assert_eq!(
                    (accepted.ticket, accepted.authenticator),
                    (right.ticket.clone(), right.authenticator.clone())
                );
                assert_eq!(accepted.server, right.server);
            }
        }
    }
}
