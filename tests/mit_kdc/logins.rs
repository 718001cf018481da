//! Logins: bad requests, hints, cookies, PKINIT.

use std::time::Duration;

use kerbox::{EncryptionType, NewPrincipal, Principal};
use kerbox_krb5::client::InitialRequest;
use kerbox_krb5::messages::{KdcOptions, KdcReply, KrbError, MessageType, PaData, PaDataType};
use kerbox_krb5::{Clock, ErrorCode, NameType};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::Error;
use super::sides::{Mit, REALM, Said, Side, ours};
use crate::support::{Peer, TestResult, run, trials};
use kerbox_kdc::testing::armor;
use kerbox_kdc::testing::corpus::{self, Request};

trials! {
    [Peer::MitKdc] =>
        requests_that_nobody_sends_get_the_same_numbers,
        requests_with_pkinit_or_for_anonymous_tickets_get_the_same_numbers,
        hints_are_the_same_for_every_client_and_list_of_types,
        tickets_that_end_at_their_start_or_before_it_are_issued_by_both,
        cookies_of_any_kind_get_the_same_answers,
        armors_of_any_kind_get_the_same_numbers;
}

/// Lists the requests to which the two KDCs answer with different numbers.
fn differences(
    mit: &Side,
    ours: &Side,
    requests: impl IntoIterator<Item = corpus::Case>,
) -> Result<Vec<String>, Error> {
    let mut differences = Vec::new();
    for (what, request) in requests {
        // A datagram cannot be longer.
        if request.len() > 65_000 {
            continue;
        }
        let (theirs, answer) = (mit.said(&request)?, ours.said(&request)?);
        if theirs.number() != answer.number() {
            differences.push(format!("{what}: MIT {theirs:?}, ours {answer:?}"));
        }
    }
    Ok(differences)
}

/// Returns whether a difference is known and acceptable.
fn is_known(difference: &str) -> bool {
    const KNOWN: [&str; 5] = [
        // MIT's KDC has no name to put into its error, and cannot send it.
        "without field 3: MIT Nothing",
        // Ours also accepts unsigned nonces, as clients send them, and times with a fraction or
        // before 1970, which do no harm. MIT's accepts a thirteenth month.
        "a nonce 2^31: MIT Nothing",
        "time ",
        // MIT's decoder skips what it does not know at the end of a sequence; ours requires DER.
        "field ",
        // A length in more bytes than it needs is not DER; ours reads it as BER.
        "a length in the long form: MIT Error(KRB_ERR_GENERIC",
    ];
    // MIT's KDC sends up to 64 KiB by UDP, whatever its documentation says.
    KNOWN.iter().any(|known| difference.starts_with(known))
        || difference.contains("ours Error(KRB_ERR_RESPONSE_TOO_BIG")
}

/// Lists the pre-authentication types of optional packages that this KDC has. It refuses nonsense
/// of the types that it knows, and skips the others.
fn installed(side: &Side) -> Result<Vec<i32>, Error> {
    let mut installed = Vec::new();
    for kind in OF_MODULES {
        let element = corpus::padata(&[(kind, b"\x30\x00")]);
        let said = side.said(&Request::new("alice", REALM).outer(3, element).encode())?;
        if kind != PaDataType::SPAKE.0 && said.number() != Some(ErrorCode::KDC_ERR_PREAUTH_REQUIRED)
        {
            installed.push(kind);
        }
    }
    Ok(installed)
}

fn requests_that_nobody_sends_get_the_same_numbers() -> TestResult {
    let ((_kdc, mit), (_realm, ours)) = (Mit::start()?, ours()?);
    let differences = differences(&mit, &ours, corpus::cases(REALM))?;
    let installed = installed(&mit)?;
    // Ours has no such modules, so there is nothing to compare.
    let of_a_module = |line: &str| {
        installed
            .iter()
            .any(|kind| line.starts_with(&format!("pre-authentication {kind},")))
    };
    let unknown: Vec<&String> = differences
        .iter()
        .filter(|line| !is_known(line) && !of_a_module(line))
        .collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    Ok(())
}

fn requests_with_pkinit_or_for_anonymous_tickets_get_the_same_numbers() -> TestResult {
    let ((_kdc, mit), (_realm, ours)) = (Mit::start()?, ours()?);
    let anonymous =
        Principal::new(REALM, ["WELLKNOWN", "ANONYMOUS"]).with_name_type(NameType::WELLKNOWN);
    for side in [&mit, &ours] {
        let mut request = InitialRequest::new(anonymous.clone());
        request.options |= KdcOptions::REQUEST_ANONYMOUS;
        let (said, _) = side.login(request)?;
        assert_eq!(
            said.number(),
            Some(ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN),
            "{} {said:?}",
            side.name
        );
        let element = corpus::padata(&[(16, b"\x30\x00"), (150, b"")]);
        let said = side.said(&Request::new("alice", REALM).outer(3, element).encode())?;
        assert_eq!(
            said.number(),
            Some(ErrorCode::KDC_ERR_PREAUTH_REQUIRED),
            "{} {said:?}",
            side.name
        );
    }
    Ok(())
}

/// Pre-authentication types that modules of MIT's KDC offer if they are installed: PKINIT of
/// Debian's krb5-pkinit (16; 14 and 15 before the RFC; 147, 150), OTP of krb5-otp (141, 142), and
/// SPAKE, which is part of the KDC.
const OF_MODULES: [i32; 8] = [14, 15, 16, 141, 142, 147, 150, PaDataType::SPAKE.0];

/// Returns the values of ETYPE-INFO, PW-SALT and ETYPE-INFO2, if present.
fn infos(padata: &[PaData]) -> Vec<Vec<u8>> {
    let kinds = [
        PaDataType::ETYPE_INFO,
        PaDataType::PW_SALT,
        PaDataType::ETYPE_INFO2,
    ];
    let elements = kinds.iter().map(|kind| PaData::find(padata, *kind));
    elements
        .map(|element| {
            element
                .map(|element| element.value.clone())
                .unwrap_or_default()
        })
        .collect()
}

/// Returns a KDC's hints to a client about authentication: its error, the types of the hints, and
/// their information about the key.
fn hints(side: &Side, client: &str, enctypes: &[i32]) -> Result<Hints, Error> {
    let request = Request::new(client, REALM).enctypes(enctypes).encode();
    let answer = side.ask(&request)?.ok_or("an answer")?;
    if MessageType::of(&answer) != Some(MessageType::KRB_ERROR) {
        let padata = KdcReply::decode(&answer)?.padata;
        let kinds = padata.iter().map(|element| element.pa_type.0).collect();
        return Ok((Said::Reply, kinds, infos(&padata)));
    }
    let error = KrbError::decode(&answer)?;
    let hints = PaData::decode_list(error.data.as_deref().unwrap_or(b"\x30\0"))?;
    let mut kinds: Vec<i32> = hints.iter().map(|element| element.pa_type.0).collect();
    if side.name == "MIT's" {
        // MIT's KDC also offers what its modules can do, which depends on the machine.
        kinds.retain(|kind| !OF_MODULES.contains(kind));
    }
    let text = error
        .text
        .unwrap_or_default()
        .trim_end_matches('\0')
        .to_owned();
    Ok((Said::Error(error.code, text), kinds, infos(&hints)))
}

type Hints = (Said, Vec<i32>, Vec<Vec<u8>>);

fn hints_are_the_same_for_every_client_and_list_of_types() -> TestResult {
    let ((kdc, mit), (realm, ours)) = (Mit::start()?, ours()?);
    for query in [
        "addprinc -e aes128-cts:normal -pw pw old",
        "addprinc -pw pw -requires_preauth carol",
        "addprinc -e arcfour-hmac:normal -pw pw older",
        "addprinc -e arcfour-hmac:normal -pw pw -requires_preauth dora",
    ] {
        run(&mut kdc.script(&["admin", query]), "")?.ok()?;
    }
    let old = NewPrincipal::new("old")
        .password("pw")
        .enctypes([EncryptionType::AES128_CTS_HMAC_SHA1_96]);
    realm.add_principal(old)?;
    for (name, attribute) in [
        ("older", "+requires_preauth"),
        ("dora", "-requires_preauth"),
    ] {
        let new = NewPrincipal::new(name).password("pw").attribute(attribute);
        realm.add_principal(new.enctypes([EncryptionType::RC4_HMAC]))?;
    }
    realm.add_principal(
        NewPrincipal::new("carol")
            .password("pw")
            .attribute("-requires_preauth"),
    )?;
    for client in ["alice", "old", "older", "carol", "dora", "nobody"] {
        for enctypes in [
            &[18, 17, 20, 19][..],
            &[17],
            &[19, 20],
            &[20, 18],
            &[18],
            &[23],
            &[23, 18],
            &[23, -133, 3, 1],
            &[23, 16, 24],
            &[23, 25],
            &[],
            &[18, 18, 17],
            &[-1, 999, 17],
            &[16, 25, 26],
        ] {
            // MIT's database takes -1 for any key, which matters if the client has no key of the
            // requested types.
            if ["older", "dora"].contains(&client) && enctypes.contains(&-1) {
                continue;
            }
            let (theirs, answer) = (
                hints(&mit, client, enctypes)?,
                hints(&ours, client, enctypes)?,
            );
            assert_eq!(theirs, answer, "{client}, types {enctypes:?}");
        }
    }
    Ok(())
}

fn tickets_that_end_at_their_start_or_before_it_are_issued_by_both() -> TestResult {
    let ((_kdc, mit), (_realm, ours)) = (Mit::start()?, ours()?);
    // The requested lifetime, and the delay until the ticket starts.
    for (life, later) in [(0, None), (0, Some(600)), (1, None)] {
        let life_of = |side: &Side| -> Result<_, Error> {
            let mut request = InitialRequest::new(Principal::new(REALM, ["alice"]));
            request.lifetime = Duration::from_secs(life);
            let now = Clock::system().now().whole_second();
            request.start = later.map(|later| now + Duration::from_secs(later));
            let (said, ticket) = side.login(request)?;
            Ok((
                said,
                ticket.map(|ticket| ticket.end_time.since(ticket.start_time)),
            ))
        };
        let (theirs, answer) = (life_of(&mit)?, life_of(&ours)?);
        assert_eq!(theirs.0, answer.0, "{life} s, later by {later:?}");
        // Client and KDC read the system's clock, one after the other.
        let (theirs, answer) = (theirs.1.ok_or("a ticket")?, answer.1.ok_or("a ticket")?);
        assert!(
            theirs.abs_diff(answer) <= Duration::from_secs(60),
            "{theirs:?}, {answer:?}"
        );
    }
    Ok(())
}

fn cookies_of_any_kind_get_the_same_answers() -> TestResult {
    let ((_kdc, mit), (_realm, ours)) = (Mit::start()?, ours()?);
    let secure = |kvno: u8| [&b"MIT1\0\0\0"[..], &[kvno], &[0x55; 60]].concat();
    let cookies = [
        b"MIT".to_vec(),
        b"KERBOX".to_vec(),
        Vec::new(),
        b"MIT1".to_vec(),
        secure(1),
        secure(9),
        vec![0; 900],
    ];
    for side in [&mit, &ours] {
        for cookie in &cookies {
            let mut request = InitialRequest::new(Principal::new(REALM, ["alice"]));
            request.padata = vec![PaData::new(PaDataType::FX_COOKIE, cookie.clone())];
            // Once in the first request, and once after the KDC has sent its own cookie.
            for at_once in [true, false] {
                request.preauthenticate = at_once;
                let (said, _) = side.login(request.clone())?;
                assert_eq!(said, Said::Reply, "{}: {cookie:02x?}", side.name);
            }
        }
    }
    Ok(())
}

fn armors_of_any_kind_get_the_same_numbers() -> TestResult {
    let ((_kdc, mit), (_realm, ours)) = (Mit::start()?, ours()?);
    let mut differences = Vec::new();
    let login = |side: &Side| -> Result<_, Error> {
        Ok(side
            .login(InitialRequest::new(Principal::new(REALM, ["alice"])))?
            .1
            .ok_or("a ticket")?)
    };
    let (of_mit, of_ours) = (login(&mit)?, login(&ours)?);
    for (what, change) in armor::SPOILT.into_iter().chain(armor::INSIDE) {
        let said = |side: &Side, ticket| {
            let mut rng = StdRng::seed_from_u64(9);
            let alice = Principal::new(REALM, ["alice"]);
            side.said(&armor::request(ticket, alice, Clock::system().now(), &mut rng, change).0)
        };
        let (theirs, answer) = (said(&mit, &of_mit)?, said(&ours, &of_ours)?);
        // Without a server name to put into its error, MIT's KDC cannot send it.
        if theirs != answer && (what, &theirs) != ("no server", &Said::Nothing) {
            differences.push(format!("{what}: MIT {theirs:?}, ours {answer:?}"));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
    Ok(())
}
