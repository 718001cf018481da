//! The KDC's whole dispatch, and the client's decoding of its answers.

use std::net::{IpAddr, Ipv4Addr};

use kerbox_kdc::{Kdc, Peer, Transport};
use kerbox_krb5::ap_exchange::{ApInitiator, ApInitiatorOptions};
use kerbox_krb5::client::{
    AsExchange, Credentials, InitialRequest, Secret, TgsExchange, TgsRequest,
};
use kerbox_krb5::messages::{
    ApOptions, ApReq, Authenticator, AuthorizationData, ChangePasswordData, Checksum,
    EncKrbPrivPart, EncryptedData, KdcReply, KdcRequest, KdcRequestBody, KrbError, KrbPriv,
    MessageType, PaData, PaDataType,
};
use kerbox_krb5::{EncryptionKey, KeyUsage, Principal};

use crate::world::{NOW, alice, alices_key, rng, world};

/// Sends the KDC any request. An answer, if there is one, must be decodable.
pub fn kdc_handle(bytes: &[u8]) {
    for transport in [Transport::Tcp, Transport::Udp] {
        handle(&world().kdc, bytes, transport);
    }
}

fn handle(kdc: &Kdc, request: &[u8], transport: Transport) {
    let address = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let peer = Peer {
        address,
        local: address,
        transport,
    };
    if let Some(answer) = kdc.handle(NOW, request, peer).message {
        let of_kpasswd = answer
            .first_chunk()
            .is_some_and(|len| usize::from(u16::from_be_bytes(*len)) == answer.len());
        assert!(
            of_kpasswd || KrbError::decode(&answer).is_ok() || KdcReply::decode(&answer).is_ok()
        );
    }
}

/// Puts any content into an otherwise correct request to the password service, of either version.
pub fn kpasswd(bytes: &[u8]) {
    let world = world();
    let Some((version, user_data)) = bytes.split_first() else {
        return;
    };
    let version: u16 = if version & 1 == 0 { 1 } else { 0xff80 };
    // A KDC of its own, because the request changes keys.
    let kdc = Kdc::new(world.kdc.database().clone(), 1);
    handle(
        &kdc,
        &kpasswd_request(&world.changepw, version, user_data),
        Transport::Udp,
    );
}

fn kpasswd_request(ticket: &Credentials, version: u16, user_data: &[u8]) -> Vec<u8> {
    let options = ApInitiatorOptions {
        seq_number: Some(1),
        ..ApInitiatorOptions::default()
    };
    let (_, ap_req) = ApInitiator::new(ticket, options, NOW, &mut rng());
    let part = EncKrbPrivPart {
        user_data: user_data.to_vec(),
        timestamp: None,
        seq_number: Some(1),
        sender: IpAddr::V4(Ipv4Addr::LOCALHOST).into(),
        recipient: None,
    };
    let enc_part = EncryptedData::seal(
        &ticket.key,
        None,
        KeyUsage::KRB_PRIV_ENC_PART,
        &part.encode(),
        &mut rng(),
    );
    let body = [ap_req.clone(), KrbPriv { enc_part }.encode()].concat();
    let mut message = Vec::new();
    for number in [6 + body.len() as u16, version, ap_req.len() as u16] {
        message.extend(number.to_be_bytes());
    }
    message.extend(body);
    message
}

/// Puts any body into a TGS-REQ whose ticket, authenticator and checksum are correct.
pub fn kdc_tgs_body(bytes: &[u8]) {
    let Ok(body) = KdcRequestBody::decode(bytes) else {
        return;
    };
    let tgt = &world().tgt;
    let mut message = KdcRequest::new(MessageType::TGS_REQ, Vec::new(), body);
    let usage = KeyUsage::TGS_REQ_AUTHENTICATOR_CHECKSUM;
    let authenticator = Authenticator {
        client: alice(),
        checksum: Some(Checksum::keyed(&tgt.key, usage, &message.raw_body)),
        ctime: NOW,
        subkey: None,
        seq_number: None,
        authorization_data: Vec::new(),
    };
    let usage = KeyUsage::TGS_REQ_AUTHENTICATOR;
    let ap_req = ApReq {
        options: ApOptions::NONE,
        ticket: tgt.ticket.clone(),
        authenticator: EncryptedData::seal(
            &tgt.key,
            None,
            usage,
            &authenticator.encode(),
            &mut rng(),
        ),
    };
    message
        .padata
        .push(PaData::new(PaDataType::TGS_REQ, ap_req.encode()));
    handle(&world().kdc, &message.encode(), Transport::Tcp);
}

/// Puts any PAC into a ticket-granting ticket that is otherwise the KDC's own, both as it is and
/// signed, if it has a place for a signature.
pub fn kdc_pac(bytes: &[u8]) {
    let world = world();
    let database = world.kdc.database();
    let Some(key) = database
        .get(&world.tgt.server)
        .and_then(|entry| entry.service_key())
    else {
        return;
    };
    let mut pac = bytes.to_vec();
    sign(&mut pac, key.key());
    for pac in [bytes.to_vec(), pac] {
        let mut part = world.tgt.ticket.open(key.key()).expect("the KDC's own");
        let inner = AuthorizationData {
            ad_type: AuthorizationData::WIN2K_PAC,
            data: pac,
        };
        part.authorization_data = vec![AuthorizationData {
            ad_type: AuthorizationData::IF_RELEVANT,
            data: AuthorizationData::encode_list(&[inner]),
        }];
        let mut tgt = world.tgt.clone();
        tgt.ticket = part.seal(tgt.server.clone(), key.key(), Some(key.kvno), &mut rng());
        let request = TgsRequest::service(world.service.clone(), &tgt);
        let (_, request) = TgsExchange::new(&tgt, request, NOW, &mut rng()).expect("supported");
        handle(&world.kdc, &request, Transport::Tcp);
    }
}

/// Signs a PAC in the server's buffer, if the buffer is where the PAC's table says.
fn sign(pac: &mut [u8], key: &EncryptionKey) -> Option<()> {
    const SERVER: u32 = 6;
    const KDC: u32 = 7;
    let number = |pac: &[u8], at: usize| Some(u32::from_le_bytes(*pac.get(at..)?.first_chunk()?));
    let mut server = None;
    for line in (8..).step_by(16).take(number(pac, 0)?.min(64) as usize) {
        let start = number(pac, line + 8)? as usize + 4;
        let end = start.checked_add(12)?;
        if let kind @ (SERVER | KDC) = number(pac, line)? {
            pac.get_mut(start..end)?.fill(0);
            if kind == SERVER {
                server = Some(start..end);
            }
        }
    }
    let checksum = key.checksum(KeyUsage(17), pac);
    let place = pac.get_mut(server?)?;
    place.copy_from_slice(checksum.get(..place.len())?);
    Some(())
}

/// Gives a client any answer to its AS-REQ.
pub fn as_answer(bytes: &[u8]) {
    let secret = Secret::Keys(vec![alices_key()]);
    let (mut exchange, _) =
        AsExchange::new(InitialRequest::new(alice()), secret, NOW, &mut rng()).expect("supported");
    let _ = exchange.step(bytes, &mut rng());
}

/// Gives a client any answer to its TGS-REQ.
pub fn tgs_answer(bytes: &[u8]) {
    let tgt = &world().tgt;
    let request = TgsRequest::service(world().service.clone(), tgt);
    let (exchange, _) = TgsExchange::new(tgt, request, NOW, &mut rng()).expect("supported");
    let _ = exchange.finish(bytes);
}

pub(crate) fn request_seeds() -> Vec<Vec<u8>> {
    let mut requests = world().requests.clone();
    requests.push(kpasswd_request(&world().changepw, 1, b""));
    requests
}

pub(crate) fn kpasswd_seeds() -> Vec<Vec<u8>> {
    let data = ChangePasswordData {
        password: b"new-pw".to_vec(),
        target: Some(Principal::new("EXAMPLE.COM", ["bob"])),
    };
    vec![b"\0new-pw".to_vec(), [&[1], &data.encode()[..]].concat()]
}

pub(crate) fn pac_seeds() -> Vec<Vec<u8>> {
    // The smallest PAC: a client, and the two signatures of a ticket-granting ticket.
    let mut pac = [3_u32.to_le_bytes(), [0; 4]].concat();
    for (kind, length, place) in [(10_u32, 20_u32, 56_u64), (6, 16, 80), (7, 16, 96)] {
        pac.extend(kind.to_le_bytes());
        pac.extend(length.to_le_bytes());
        pac.extend(place.to_le_bytes());
    }
    let time = (NOW.as_secs() + 11_644_473_600) as u64 * 10_000_000;
    pac.extend(time.to_le_bytes());
    pac.extend([10, 0]);
    pac.extend("alice".encode_utf16().flat_map(u16::to_le_bytes));
    pac.extend([0; 4]);
    for _ in 0..2 {
        pac.extend(16_u32.to_le_bytes());
        pac.extend([0; 12]);
    }
    vec![pac]
}

pub(crate) fn body_seeds() -> Vec<Vec<u8>> {
    let requests = world()
        .requests
        .iter()
        .map(|request| KdcRequest::decode(request).expect("ours"));
    requests.map(|request| request.raw_body).collect()
}

pub(crate) fn answer_seeds() -> Vec<Vec<u8>> {
    world().answers.clone()
}
