//! Ticket requests with a wrong AP-REQ.

use std::time::Duration;

use kerbox::{Clock, Principal};
use kerbox_krb5::client::{Credentials, InitialRequest, TgsExchange, TgsRequest};
use kerbox_krb5::messages::{
    ApOptions, ApReq, Authenticator, AuthorizationData, Checksum, EncryptedData, KdcOptions,
    KdcRequest, PaData, PaDataType,
};
use kerbox_krb5::{ChecksumType, KeyUsage};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::Error;
use super::sides::{Mit, REALM, Side, ours};
use crate::support::{Peer, TestResult, trials};

trials! {
    [Peer::MitKdc] =>
        wrong_authenticators_get_the_same_errors;
}

/// The parts of an AP-REQ.
struct Parts {
    ap_req: ApReq,
    authenticator: Authenticator,
    message: KdcRequest,
    tgt: Credentials,
    /// True if the authenticator is corrupted after it is sealed.
    spoilt: bool,
}

impl Parts {
    fn checksum(&mut self, checksum_type: ChecksumType, length: usize) {
        self.authenticator.checksum = Some(Checksum {
            checksum_type,
            bytes: vec![0; length],
        });
    }

    /// Recomputes the checksum over the current body.
    fn rebind(&mut self) {
        self.message.raw_body = self.message.body.encode();
        let usage = KeyUsage::TGS_REQ_AUTHENTICATOR_CHECKSUM;
        self.authenticator.checksum = Some(Checksum::keyed(
            &self.tgt.key,
            usage,
            &self.message.raw_body,
        ));
    }
}

type Change = fn(&mut Parts);

const CHANGES: [(&str, Change); 30] = [
    ("nothing", |_| {}),
    ("another client", |parts| {
        parts.authenticator.client = Principal::new(REALM, ["bob"]);
    }),
    ("another realm's client", |parts| {
        parts.authenticator.client = Principal::new("ELSEWHERE", ["alice"]);
    }),
    ("no checksum", |parts| parts.authenticator.checksum = None),
    ("a CRC-32 (CVE-2010-1323)", |parts| {
        parts.checksum(ChecksumType::CRC32, 4);
    }),
    ("an MD4", |parts| parts.checksum(ChecksumType::RSA_MD4, 16)),
    ("an MD5", |parts| parts.checksum(ChecksumType::RSA_MD5, 16)),
    ("a SHA-1", |parts| parts.checksum(ChecksumType::SHA1, 20)),
    ("a checksum of one byte (CVE-2010-4020)", |parts| {
        parts
            .authenticator
            .checksum
            .as_mut()
            .expect("we send one")
            .bytes
            .truncate(1);
    }),
    ("a checksum of another key's type", |parts| {
        parts.checksum(ChecksumType::HMAC_SHA1_96_AES128, 12);
    }),
    ("a checksum of rc4's type", |parts| {
        parts.checksum(ChecksumType::HMAC_MD5, 16);
    }),
    ("a checksum of no type", |parts| {
        parts.checksum(ChecksumType(999), 12);
    }),
    ("a checksum of zeros", |parts| {
        parts.checksum(ChecksumType::HMAC_SHA1_96_AES256, 12);
    }),
    ("a ticket of twenty bytes", |parts| {
        parts.ap_req.ticket.enc_part.cipher.truncate(20);
    }),
    ("an S4U2Self of the newer form that is empty", |parts| {
        parts
            .message
            .padata
            .push(PaData::new(PaDataType::FOR_X509_USER, Vec::new()));
    }),
    ("a checksum for another usage", |parts| {
        let usage = KeyUsage::AP_REQ_AUTHENTICATOR_CHECKSUM;
        parts.authenticator.checksum = Some(Checksum::keyed(
            &parts.tgt.key,
            usage,
            &parts.message.raw_body,
        ));
    }),
    ("a body that is not covered", |parts| {
        parts.message.body.options |= KdcOptions::RENEWABLE_OK;
        parts.message.raw_body = parts.message.body.encode();
    }),
    ("mutual authentication", |parts| {
        parts.ap_req.options = ApOptions::MUTUAL_REQUIRED;
    }),
    ("a session key's ticket", |parts| {
        parts.ap_req.options = ApOptions::USE_SESSION_KEY;
    }),
    ("an armor's mark", |parts| {
        parts.authenticator.authorization_data = vec![AuthorizationData {
            ad_type: AuthorizationData::FX_ARMOR,
            data: Vec::new(),
        }];
    }),
    ("a clock ahead", |parts| {
        parts.authenticator.ctime = parts.authenticator.ctime + Duration::from_secs(310);
    }),
    ("a clock behind", |parts| {
        parts.authenticator.ctime = parts.authenticator.ctime - Duration::from_secs(310);
    }),
    ("a version of the key that nobody has", |parts| {
        parts.ap_req.ticket.enc_part.kvno = Some(9);
    }),
    ("a ticket of nobody", |parts| {
        parts.ap_req.ticket.server = Principal::new(REALM, ["no", "such"]);
    }),
    ("a ticket of another name", |parts| {
        parts.ap_req.ticket.server = Principal::new(REALM, ["host", "localhost"]);
    }),
    ("a spoilt ticket", |parts| {
        parts.ap_req.ticket.enc_part.cipher[20] ^= 1;
    }),
    ("a ticket of no length", |parts| {
        parts.ap_req.ticket.enc_part.cipher.clear();
    }),
    ("a spoilt authenticator", |parts| parts.spoilt = true),
    ("authorization data that nobody can read", |parts| {
        parts.message.body.enc_authorization_data = Some(EncryptedData {
            enctype: parts.tgt.key.enctype(),
            kvno: None,
            cipher: vec![0; 60],
        });
        parts.rebind();
    }),
    ("an empty S4U2Self", |parts| {
        parts
            .message
            .padata
            .push(PaData::new(PaDataType::FOR_USER, Vec::new()));
    }),
];

fn request(tgt: &Credentials, change: Change) -> Result<Vec<u8>, Error> {
    let mut rng = StdRng::seed_from_u64(5);
    let asks = TgsRequest::service(Principal::new(REALM, ["host", "localhost"]), tgt);
    let (_, bytes) = TgsExchange::new(tgt, asks, Clock::system().now(), &mut rng)?;
    let mut message = KdcRequest::decode(&bytes)?;
    let ap_req = ApReq::decode(&message.padata[0].value)?;
    let usage = KeyUsage::TGS_REQ_AUTHENTICATOR;
    let authenticator = Authenticator::decode(&ap_req.authenticator.open(&tgt.key, usage)?)?;
    message.padata.clear();
    let mut parts = Parts {
        ap_req,
        authenticator,
        message,
        tgt: tgt.clone(),
        spoilt: false,
    };
    change(&mut parts);
    let sealed = EncryptedData::seal(
        &tgt.key,
        None,
        usage,
        &parts.authenticator.encode(),
        &mut rng,
    );
    parts.ap_req.authenticator = sealed;
    if parts.spoilt {
        parts.ap_req.authenticator.cipher[20] ^= 1;
    }
    let element = PaData::new(PaDataType::TGS_REQ, parts.ap_req.encode());
    parts.message.padata.insert(0, element);
    Ok(parts.message.encode())
}

fn wrong_authenticators_get_the_same_errors() -> TestResult {
    let ((_kdc, mit), (_realm, ours)) = (Mit::start()?, ours()?);
    let login = |side: &Side| -> Result<Credentials, Error> {
        let request = InitialRequest::new(Principal::new(REALM, ["alice"]));
        Ok(side.login(request)?.1.ok_or("a ticket")?)
    };
    let (mits, our) = (login(&mit)?, login(&ours)?);
    let mut differences = Vec::new();
    for (what, change) in CHANGES {
        let theirs = mit.said(&request(&mits, change)?)?;
        let answer = ours.said(&request(&our, change)?)?;
        if theirs != answer {
            differences.push(format!("{what}: MIT {theirs:?}, ours {answer:?}"));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
    Ok(())
}
