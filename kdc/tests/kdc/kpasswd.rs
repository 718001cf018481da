//! The password service without sockets: the requests that it answers, and those that it ignores.

use kerbox_kdc::{PasswordPolicy, PrincipalEntry, PrincipalKey};
use kerbox_krb5::ap_exchange::{ApInitiator, ApInitiatorOptions};
use kerbox_krb5::client::Credentials;
use kerbox_krb5::messages::{
    ApRep, ChangePasswordData, EncKrbPrivPart, EncryptedData, HostAddress, KrbError, KrbPriv,
    MessageType,
};
use kerbox_krb5::{EncryptionKey, EncryptionType, ErrorCode, KeyUsage, Principal};

use crate::support::{Pair, REALM, principal};

const CHANGE: u16 = 1;
pub(crate) const SET: u16 = 0xFF80;

fn frame(version: u16, ap_req: &[u8], krb_priv: &[u8]) -> Vec<u8> {
    let length = 6 + ap_req.len() + krb_priv.len();
    let mut bytes = Vec::new();
    for number in [length, version.into(), ap_req.len()] {
        bytes.extend_from_slice(&u16::try_from(number).expect("short").to_be_bytes());
    }
    [&bytes, ap_req, krb_priv].concat()
}

/// Creates a request with this ticket and this data.
pub(crate) fn request(
    pair: &mut Pair,
    ticket: &Credentials,
    version: u16,
    user_data: &[u8],
) -> Vec<u8> {
    let options = ApInitiatorOptions {
        mutual: true,
        seq_number: Some(7),
        ..ApInitiatorOptions::default()
    };
    let (_, ap_req) = ApInitiator::new(ticket, options, pair.now, &mut pair.rng);
    let part = EncKrbPrivPart {
        user_data: user_data.to_vec(),
        timestamp: None,
        seq_number: Some(7),
        sender: HostAddress::from(std::net::IpAddr::from([127, 0, 0, 1])),
        recipient: None,
    };
    let enc_part = EncryptedData::seal(
        &ticket.key,
        None,
        KeyUsage::KRB_PRIV_ENC_PART,
        &part.encode(),
        &mut pair.rng,
    );
    frame(version, &ap_req, &KrbPriv { enc_part }.encode())
}

/// Returns the result code of an answer, decrypted with the session's key.
pub(crate) fn result(answer: &[u8], ticket: &Credentials) -> u16 {
    let ap_length = usize::from(u16::from_be_bytes([answer[4], answer[5]]));
    let (ap_rep, krb_priv) = answer[6..].split_at(ap_length);
    assert!(ApRep::decode(ap_rep).is_ok());
    let part = KrbPriv::decode(krb_priv).expect("a KRB-PRIV").enc_part;
    let part = part
        .open(&ticket.key, KeyUsage::KRB_PRIV_ENC_PART)
        .expect("the session's key");
    let data = EncKrbPrivPart::decode(&part).expect("its inside").user_data;
    u16::from_be_bytes([data[0], data[1]])
}

pub(crate) fn changepw(pair: &mut Pair, name: &str) -> Credentials {
    pair.login_with(name, |request| {
        request.server = principal("kadmin/changepw");
    })
    .expect("a ticket for the password service")
}

fn kvno(pair: &Pair, name: &str) -> u32 {
    pair.kdc
        .database()
        .get(&principal(name))
        .expect("it is there")
        .kvno()
}

#[test]
fn a_password_is_set_in_either_version_for_oneself_and_refused_for_others() {
    let mut pair = Pair::new();
    let ticket = changepw(&mut pair, "alice");
    let plain = request(&mut pair, &ticket, CHANGE, b"first");
    assert_eq!(result(&pair.answer(&plain), &ticket), 0);
    let set = |target: Option<Principal>| {
        let data = ChangePasswordData {
            password: b"second".to_vec(),
            target,
        };
        data.encode()
    };
    let own = request(&mut pair, &ticket, SET, &set(Some(principal("alice"))));
    assert_eq!(result(&pair.answer(&own), &ticket), 0);
    assert_eq!(kvno(&pair, "alice"), 3);
    let bobs = request(&mut pair, &ticket, SET, &set(Some(principal("bob"))));
    assert_eq!(result(&pair.answer(&bobs), &ticket), 5);
    assert_eq!(kvno(&pair, "bob"), 1);
    let garbage = request(&mut pair, &ticket, SET, b"garbage");
    assert_eq!(result(&pair.answer(&garbage), &ticket), 1);
    let no_text = request(&mut pair, &ticket, CHANGE, b"\xFF\xFE");
    assert_eq!(result(&pair.answer(&no_text), &ticket), 1);
}

#[test]
fn an_administrator_sets_others_passwords_and_nobody_else_does() {
    let mut pair = Pair::new();
    let administrators = [principal("bob")].into();
    let mut database = pair.kdc.database_mut();
    database
        .realm_mut(REALM)
        .expect("our realm")
        .password_administrators = administrators;
    let strict = PasswordPolicy {
        min_length: 6,
        ..PasswordPolicy::default()
    };
    let change = |entry: &mut PrincipalEntry| entry.password_policy = Some(strict);
    database
        .change(&principal("alice"), change)
        .expect("she is there");
    drop(database);
    let mut set = |who: &str, password: &str, whose: &str| {
        let ticket = changepw(&mut pair, who);
        let data = ChangePasswordData {
            password: password.into(),
            target: Some(principal(whose)),
        };
        let request = request(&mut pair, &ticket, SET, &data.encode());
        let answer = pair.answer(&request);
        result(&answer, &ticket)
    };
    assert_eq!(set("bob", "longer", "alice"), 0);
    assert_eq!(set("bob", "short", "alice"), 4, "a policy of her own");
    assert_eq!(set("bob", "short", "bob"), 0);
    assert_eq!(set("bob", "longer", "nobody"), 2, "no such principal");
    assert_eq!(set("alice", "longer", "bob"), 5);
    assert_eq!((kvno(&pair, "alice"), kvno(&pair, "bob")), (2, 2));
}

#[test]
fn a_given_key_s_password_is_remembered_too() {
    let mut pair = Pair::new();
    let bob = principal("bob");
    let policy = PasswordPolicy {
        history: 1,
        ..PasswordPolicy::default()
    };
    let salt = bob.default_salt();
    let enctype = EncryptionType::AES256_CTS_HMAC_SHA1_96;
    let key =
        EncryptionKey::from_password(enctype, b"present", salt.as_bytes(), None).expect("a key");
    let change = |entry: &mut PrincipalEntry| {
        entry.password_policy = Some(policy);
        entry.set_keys(vec![PrincipalKey::given(1, key, salt.as_str().into())]);
    };
    pair.kdc
        .database_mut()
        .change(&bob, change)
        .expect("he is there");
    let ticket = changepw(&mut pair, "bob");
    for (password, expected) in [("present", 4), ("another", 0)] {
        let asked = request(&mut pair, &ticket, CHANGE, password.as_bytes());
        assert_eq!(
            result(&pair.answer(&asked), &ticket),
            expected,
            "{password}"
        );
    }
}

#[test]
fn a_request_under_a_wrong_key_or_out_of_sequence_is_refused() {
    let mut pair = Pair::new();
    let ticket = changepw(&mut pair, "alice");
    let good = request(&mut pair, &ticket, CHANGE, b"first");
    let mut spoilt = good;
    *spoilt.last_mut().expect("bytes") ^= 1;
    assert_eq!(result(&pair.answer(&spoilt), &ticket), 2);
    assert_eq!(kvno(&pair, "alice"), 1);
}

#[test]
fn a_request_that_is_recorded_changes_nothing_later() {
    let mut pair = Pair::new();
    let ticket = changepw(&mut pair, "alice");
    let recorded = request(&mut pair, &ticket, CHANGE, b"first");
    let answer = pair.answer(&recorded);
    // The same datagram again gets the same answer.
    assert_eq!(pair.answer(&recorded), answer);
    pair.advance(121);
    let refused = pair.answer(&recorded);
    assert_eq!(refused[4..6], [0, 0]);
    assert_eq!(
        KrbError::decode(&refused[6..]).expect("a KRB-ERROR").code,
        ErrorCode::KRB_AP_ERR_REPEAT
    );
    assert_eq!(kvno(&pair, "alice"), 2);
}

#[test]
fn another_service_s_ticket_is_refused() {
    let mut pair = Pair::new();
    let tgt = pair.login("alice");
    let with_tgt = request(&mut pair, &tgt, CHANGE, b"first");
    let refused = pair.answer(&with_tgt);
    assert_eq!(
        KrbError::decode(&refused[6..]).expect("a KRB-ERROR").code,
        ErrorCode::KRB_AP_ERR_NOT_US
    );
}

#[test]
fn what_is_no_request_gets_no_answer_so_that_two_services_never_answer_each_other() {
    let mut pair = Pair::new();
    let ticket = changepw(&mut pair, "alice");
    let good = request(&mut pair, &ticket, CHANGE, b"first");
    let answer = pair.answer(&good);
    let mut cases = vec![
        answer,
        frame(CHANGE, &[], b"x"),
        frame(0, b"x", b""),
        frame(2, &good[6..20], b""),
    ];
    cases.extend((0..good.len()).map(|length| good[..length].to_vec()));
    let mut longer = good.clone();
    longer.push(0);
    cases.push(longer);
    for case in cases {
        assert_eq!(pair.send(&case).message, None, "{case:02x?}");
    }
    assert_ne!(MessageType::of(&good), Some(MessageType::AS_REQ));
}

#[test]
fn no_flipped_bit_changes_a_password() {
    let mut pair = Pair::new();
    let ticket = changepw(&mut pair, "alice");
    let good = request(&mut pair, &ticket, CHANGE, b"first");
    for place in 6..good.len() {
        let mut flipped = good.clone();
        flipped[place] ^= 0x10;
        let _ = pair.send(&flipped);
    }
    // The name type of the ticket's server, and the constructed bit of a tag, are not protected.
    assert!(kvno(&pair, "alice") <= 2);
}
