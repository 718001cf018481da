use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::testing::Pair;
use crate::{ErrorCode, Keytab};

const NTLM: &[u8] = &[
    0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a,
];

fn pair() -> Pair {
    Pair::new(
        21,
        EncryptionType::AES128_CTS_HMAC_SHA1_96,
        ["HTTP", "localhost"],
    )
}

fn initiate(pair: &mut Pair) -> (GssInitiator, Vec<u8>) {
    pair.initiate(GssInitiatorOptions::default())
}

fn step(pair: &Pair, spnego: &mut SpnegoAcceptor, token: &[u8]) -> Result<SpnegoStep, GssRefused> {
    spnego.step(
        &pair.acceptor(),
        pair.now,
        token,
        &mut StdRng::seed_from_u64(2),
    )
}

fn mechanisms(list: &[&[u8]]) -> Vec<u8> {
    der::write(0x30, list)
}

fn octets(tag: u8, bytes: &[u8]) -> Vec<u8> {
    der::write(tag, &[&der::write(0x04, &[bytes])])
}

fn init(mechanisms: &[u8], token: Option<&[u8]>) -> Vec<u8> {
    let list = der::write(0xa0, &[mechanisms]);
    let token = token.map(|token| octets(0xa2, token)).unwrap_or_default();
    let inner = der::write(0xa0, &[&der::write(0x30, &[&list, &token])]);
    der::write(
        0x60,
        &[&[0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02], &inner],
    )
}

fn resp(token: Option<&[u8]>, mic: Option<&[u8]>) -> Vec<u8> {
    let token = token.map(|token| octets(0xa2, token)).unwrap_or_default();
    let mic = mic.map(|mic| octets(0xa3, mic)).unwrap_or_default();
    der::write(0xa1, &[&der::write(0x30, &[&token, &mic])])
}

/// Returns a field of a NegTokenResp, as a client would read it.
fn field(response: &[u8], tag: u8) -> Option<Vec<u8>> {
    let mut fields = der::read_only(0x30, der::read_only(0xa1, response)?)?;
    while let Some((found, content, rest)) = der::read(fields) {
        if found == tag {
            return der::read(content).map(|(_, value, _)| value.to_vec());
        }
        fields = rest;
    }
    None
}

fn state(response: &[u8]) -> Option<u8> {
    field(response, 0xa0)?.first().copied()
}

#[test]
fn a_client_whose_first_choice_is_kerberos_is_in_at_once() {
    for oid in [
        &framing::KRB5_OID[..],
        &[
            0x06, 0x09, 0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 0x01, 0x02, 0x02,
        ],
    ] {
        let mut pair = pair();
        let (initiator, token) = initiate(&mut pair);
        let token = init(&mechanisms(&[oid, NTLM]), Some(&token));
        let mut spnego = SpnegoAcceptor::default();
        let Ok(SpnegoStep::Established(context, Some(answer))) = step(&pair, &mut spnego, &token)
        else {
            panic!("it should be established")
        };
        assert_eq!(context.peer, pair.credentials.client);
        assert_eq!(state(&answer), Some(0), "accept-completed");
        assert_eq!(field(&answer, 0xa1).as_deref(), Some(&oid[2..]));
        let reply = field(&answer, 0xa2).expect("an AP-REP");
        initiator
            .finish(Some(&reply))
            .expect("the service has proved itself");
        assert!(step(&pair, &mut spnego, &token).is_err(), "it is over");
    }
}

#[test]
fn a_bare_kerberos_token_is_answered_barely() {
    let mut pair = pair();
    let (initiator, token) = initiate(&mut pair);
    let Ok(SpnegoStep::Established(_, Some(reply))) =
        step(&pair, &mut SpnegoAcceptor::default(), &token)
    else {
        panic!("it should be established")
    };
    initiator.finish(Some(&reply)).expect("a bare AP-REP");
}

#[test]
fn a_client_that_prefers_another_mechanism_must_sign_its_list() {
    let list = mechanisms(&[NTLM, &framing::KRB5_OID]);
    let mut pair = pair();
    for forged in [false, true] {
        let mut spnego = SpnegoAcceptor::default();
        let Ok(SpnegoStep::Continue(answer)) =
            step(&pair, &mut spnego, &init(&list, Some(b"NTLMSSP")))
        else {
            panic!("it should be asked for Kerberos")
        };
        assert_eq!(state(&answer), Some(3), "request-mic");
        assert_eq!(
            field(&answer, 0xa1).as_deref(),
            Some(&framing::KRB5_OID[2..])
        );
        let (initiator, token) = initiate(&mut pair);
        let Ok(SpnegoStep::Continue(answer)) = step(&pair, &mut spnego, &resp(Some(&token), None))
        else {
            panic!("the list is not signed yet")
        };
        assert_eq!(state(&answer), Some(1), "accept-incomplete");
        let mut context = initiator
            .finish(field(&answer, 0xa2).as_deref())
            .expect("the service has proved itself");
        let theirs = field(&answer, 0xa3).expect("the service's signature");
        assert_eq!(context.receiver.verify_mic(&list, &theirs), Ok(()));
        let signed = if forged {
            mechanisms(&[&framing::KRB5_OID])
        } else {
            list.clone()
        };
        let mic = context.sender.mic(&signed);
        match step(&pair, &mut spnego, &resp(None, Some(&mic))) {
            Ok(SpnegoStep::Established(_, Some(answer))) if !forged => {
                assert_eq!(state(&answer), Some(0));
            }
            Err(refused) if forged => {
                assert_eq!(refused.refused.error.code(), ErrorCode::KRB_AP_ERR_MODIFIED);
                assert_eq!(state(&refused.token), Some(2), "reject");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_refused_ticket_and_a_list_without_kerberos_are_rejected() {
    let mut pair = pair();
    let (initiator, token) = initiate(&mut pair);
    pair.keytab = Keytab::default();
    let list = mechanisms(&[&framing::KRB5_OID]);
    let refused = step(
        &pair,
        &mut SpnegoAcceptor::default(),
        &init(&list, Some(&token)),
    )
    .expect_err("no key");
    assert_eq!(state(&refused.token), Some(2), "reject");
    let error = initiator
        .finish(field(&refused.token, 0xa2).as_deref())
        .expect_err("the KRB-ERROR within");
    assert_eq!(error.code(), ErrorCode::KRB_AP_ERR_NOKEY);
    let refused = step(
        &pair,
        &mut SpnegoAcceptor::default(),
        &init(&mechanisms(&[NTLM]), Some(b"NTLMSSP")),
    )
    .expect_err("only NTLM");
    assert!(
        refused.refused.detail.contains("Kerberos is not among"),
        "{}",
        refused.refused.detail
    );
}

#[test]
fn no_cut_or_flipped_token_panics() {
    let mut pair = pair();
    let (_, token) = initiate(&mut pair);
    let token = init(&mechanisms(&[&framing::KRB5_OID]), Some(&token));
    for at in 0..token.len() {
        assert!(step(&pair, &mut SpnegoAcceptor::default(), &token[..at]).is_err());
        for change in [0x01, 0x80, 0xff] {
            let mut spoilt = token.clone();
            spoilt[at] ^= change;
            let _ = step(&pair, &mut SpnegoAcceptor::default(), &spoilt);
        }
    }
}
