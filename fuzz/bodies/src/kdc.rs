//! The KDC's whole dispatch, and the client's reading of its answers.

use std::net::{IpAddr, Ipv4Addr};

use kerbox_kdc::{Peer, Transport};
use kerbox_krb5::KeyUsage;
use kerbox_krb5::client::{AsExchange, InitialRequest, Secret, TgsExchange, TgsRequest};
use kerbox_krb5::messages::{
    ApOptions, ApReq, Authenticator, Checksum, EncryptedData, KdcReply, KdcRequest, KdcRequestBody, KrbError, MessageType, PaData,
    PaDataType,
};

use crate::world::{NOW, alice, alices_key, rng, world};

/// Any request gets an answer that can be read, or none.
pub fn kdc_handle(bytes: &[u8]) {
    for transport in [Transport::Tcp, Transport::Udp] {
        let address = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let peer = Peer {
            address,
            local: address,
            transport,
        };
        let reply = world().kdc.handle(NOW, bytes, peer);
        assert!(
            reply
                .message
                .is_none_or(|answer| KrbError::decode(&answer).is_ok() || KdcReply::decode(&answer).is_ok())
        );
    }
}

/// Any body of a TGS-REQ whose ticket, authenticator and checksum are right.
pub fn kdc_tgs_body(bytes: &[u8]) {
    let Ok(body) = KdcRequestBody::decode(bytes) else { return };
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
        authenticator: EncryptedData::seal(&tgt.key, None, usage, &authenticator.encode(), &mut rng()),
    };
    message.padata.push(PaData::new(PaDataType::TGS_REQ, ap_req.encode()));
    kdc_handle(&message.encode());
}

/// Any answer to an AS-REQ.
pub fn as_answer(bytes: &[u8]) {
    let secret = Secret::Keys(vec![alices_key()]);
    let (mut exchange, _) = AsExchange::new(InitialRequest::new(alice()), secret, NOW, &mut rng()).expect("supported");
    let _ = exchange.step(bytes, &mut rng());
}

/// Any answer to a TGS-REQ.
pub fn tgs_answer(bytes: &[u8]) {
    let tgt = &world().tgt;
    let request = TgsRequest::service(world().service.clone(), tgt);
    let (exchange, _) = TgsExchange::new(tgt, request, NOW, &mut rng()).expect("supported");
    let _ = exchange.finish(bytes);
}

pub(crate) fn request_seeds() -> Vec<Vec<u8>> {
    world().requests.clone()
}

pub(crate) fn body_seeds() -> Vec<Vec<u8>> {
    let requests = world().requests.iter().map(|request| KdcRequest::decode(request).expect("ours"));
    requests.map(|request| request.raw_body).collect()
}

pub(crate) fn answer_seeds() -> Vec<Vec<u8>> {
    world().answers.clone()
}
