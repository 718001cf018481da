//! PACs in ticket-granting tickets, corrupted by a holder of the KDC's key.

use kerbox::Principal;
use kerbox_krb5::client::{Credentials, InitialRequest, TgsRequest};
use kerbox_krb5::messages::AuthorizationData;
use kerbox_krb5::{Keytab, KeytabEntry};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::Error;
use super::sides::{Mit, REALM, Side, ours};
use crate::support::{Peer, TestResult, run, trials};

trials! {
    [Peer::MitKdc] =>
        spoilt_pacs_are_refused_with_the_same_errors;
}

/// A change to a PAC.
type Change = fn(&mut Vec<u8>);

const CHANGES: [(&str, Change); 15] = [
    ("nothing", |_| {}),
    ("the count of CVE-2022-42898", |pac| pac[..4].fill(0xFF)),
    ("a count whose table overflows", |pac| {
        pac[..4].copy_from_slice(&[1, 0, 0, 0x10]);
    }),
    ("no buffers", |pac| pac[..4].fill(0)),
    ("another version", |pac| pac[4] = 1),
    ("a length past the end", |pac| pac[12..16].fill(0xFF)),
    ("a place past the end", |pac| {
        pac[16..20].copy_from_slice(&[0xF8, 0xFF, 0xFF, 0xFF]);
    }),
    ("the farthest place", |pac| {
        pac[16..24].copy_from_slice(&[0xF8, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
    }),
    ("a place in the table", |pac| {
        pac[16..20].copy_from_slice(&[8, 0, 0, 0]);
    }),
    ("a place that is no multiple of eight", |pac| pac[16] |= 4),
    ("nothing left", Vec::clear),
    ("one byte left", |pac| pac.truncate(1)),
    ("half left", |pac| pac.truncate(pac.len() / 2)),
    ("a changed client", |pac| {
        let (start, length) = place(pac, 10);
        pac[start + length - 2] ^= 1;
    }),
    ("no signature", |pac| {
        let line = lines(pac)
            .position(|line| pac[line] == 6)
            .expect("a signature")
            * 16
            + 8;
        pac[line] = 99;
    }),
];

/// Returns the offsets of the table's lines.
fn lines(pac: &[u8]) -> impl Iterator<Item = usize> + use<> {
    (8..).step_by(16).take(pac[0].into())
}

/// Returns the offset and the length of the buffer of this type.
fn place(pac: &[u8], kind: u8) -> (usize, usize) {
    let line = lines(pac)
        .find(|line| pac[*line] == kind)
        .expect("it is there");
    let number = |at: usize| usize::from(pac[at]) + 256 * usize::from(pac[at + 1]);
    (number(line + 8), number(line + 4))
}

/// Returns the ticket with its PAC changed, sealed with the KDC's own key.
fn forge(tgt: &Credentials, krbtgt: &Keytab, change: Change) -> Result<Credentials, Error> {
    let enctype = tgt.ticket.enc_part.enctype;
    let entry = krbtgt.find(&tgt.server, tgt.ticket.enc_part.kvno, Some(enctype));
    let key = entry.and_then(KeytabEntry::key).ok_or("the KDC's key")?;
    let mut part = tgt.ticket.open(key)?;
    let container = part.authorization_data.first_mut().ok_or("a PAC")?;
    let mut list = AuthorizationData::decode_list(&container.data)?;
    change(&mut list.first_mut().ok_or("a PAC")?.data);
    container.data = AuthorizationData::encode_list(&list);
    let mut forged = tgt.clone();
    let mut rng = StdRng::seed_from_u64(5);
    forged.ticket = part.seal(
        tgt.ticket.server.clone(),
        key,
        tgt.ticket.enc_part.kvno,
        &mut rng,
    );
    Ok(forged)
}

fn spoilt_pacs_are_refused_with_the_same_errors() -> TestResult {
    let ((kdc, mit), (realm, ours)) = (Mit::start()?, ours()?);
    let path = realm.path().join("mits-krbtgt.keytab");
    let query = format!("ktadd -norandkey -k {} krbtgt/{REALM}", path.display());
    run(&mut kdc.script(&["admin", &query]), "")?.ok()?;
    let of_mit = Keytab::read(&path)?;
    let of_ours = Keytab::read(&realm.keytab(&format!("krbtgt/{REALM}"))?)?;
    let login = |side: &Side| -> Result<Credentials, Error> {
        let request = InitialRequest::new(Principal::new(REALM, ["alice"]));
        Ok(side.login(request)?.1.ok_or("a ticket")?)
    };
    let (mits, our) = (login(&mit)?, login(&ours)?);
    let mut differences = Vec::new();
    for (what, change) in CHANGES {
        let ask = |side: &Side, tgt: &Credentials, krbtgt: &Keytab| {
            let forged = forge(tgt, krbtgt, change)?;
            side.tgs(
                &forged,
                TgsRequest::service(Principal::new(REALM, ["host", "localhost"]), &forged),
            )
        };
        let (theirs, answer) = (ask(&mit, &mits, &of_mit)?, ask(&ours, &our, &of_ours)?);
        if theirs != answer || theirs.is_ok() != (what == "nothing") {
            differences.push(format!("{what}: MIT {theirs:?}, ours {answer:?}"));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
    Ok(())
}
