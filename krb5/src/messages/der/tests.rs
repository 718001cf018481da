//! What is read and written here is compared with what rasn reads and writes.

use std::fmt::Debug;

use super::Reader;
use crate::messages::ap::{WireApReq, WireAuthenticator};
use crate::messages::data::WireEncryptedData;
use crate::messages::kdc_reply::{WireAsReply, WireEncAsPart, WireEncTgsPart, WireTgsReply};
use crate::messages::kdc_request::{WireAsRequest, WireTgsRequest};
use crate::messages::padata::{WireEtypeInfo2Entry, WirePaEncTsEnc};
use crate::messages::ticket::{WireEncTicketPart, WireTicket};
use crate::messages::*;
use crate::{ChecksumType, EncryptionKey, EncryptionType, Error, NameType, Principal, Timestamp};

/// Checks that rasn, having decoded these bytes, encodes the same ones.
fn assert_as_rasn_writes<W: rasn::Decode + rasn::Encode>(bytes: &[u8]) {
    let value: W = rasn::der::decode(bytes).expect("rasn reads it");
    assert_eq!(rasn::der::encode(&value).expect("it has no limits"), bytes);
}

/// Checks that both read this value, and that of everything that is almost this message, what is
/// read here is what rasn reads.
fn assert_as_rasn_reads<T: Debug + PartialEq>(
    bytes: &[u8],
    value: &T,
    read: impl Fn(&[u8]) -> Option<T>,
    by_rasn: impl Fn(&[u8]) -> Result<T, Error>,
) {
    assert_eq!(read(bytes).as_ref(), Some(value));
    assert_eq!(by_rasn(bytes).as_ref(), Ok(value));
    let compare = |bytes: &[u8]| {
        if let Some(value) = read(bytes) {
            assert_eq!(by_rasn(bytes), Ok(value), "{bytes:02x?}");
        }
    };
    for place in 0..bytes.len() {
        compare(&bytes[..place]);
        let mut changed = bytes.to_vec();
        for byte in 0..=255 {
            changed[place] = byte;
            compare(&changed);
        }
        changed.remove(place);
        compare(&changed);
        for byte in [0, 1, 0x80, 0x81, 0xFF, bytes[place]] {
            let mut longer = bytes.to_vec();
            longer.insert(place, byte);
            compare(&longer);
        }
    }
    compare(&[bytes, b"more"].concat());
}

fn key(first: u8) -> EncryptionKey {
    EncryptionKey::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[first; 16]).expect("16 bytes")
}

fn sealed(kvno: Option<u32>, length: usize) -> EncryptedData {
    EncryptedData {
        enctype: EncryptionType::AES256_CTS_HMAC_SHA1_96,
        kvno,
        cipher: vec![7; length],
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + second)
}

fn ticket(length: usize) -> Ticket {
    Ticket {
        server: Principal::krbtgt("R", "EXAMPLE.COM"),
        enc_part: sealed(Some(3), length),
    }
}

fn element(ad_type: i32, length: usize) -> AuthorizationData {
    AuthorizationData {
        ad_type,
        data: vec![5; length],
    }
}

fn address() -> HostAddress {
    HostAddress::from(std::net::IpAddr::from([127, 0, 0, 1]))
}

fn padata(length: usize) -> Vec<PaData> {
    vec![
        PaData::new(PaDataType::ENC_TIMESTAMP, vec![1; length]),
        PaData::new(PaDataType(-5), Vec::new()),
    ]
}

/// The body of a request: with all optional fields, or with none.
fn body(whole: bool) -> KdcRequestBody {
    let names = || Principal::new("É.COM", ["alice", "é", ""]);
    KdcRequestBody {
        options: KdcOptions(0x4081_0010),
        client: whole.then(names),
        realm: "É.COM".to_owned(),
        server: whole.then(|| names().with_name_type(NameType(-7))),
        from: whole.then(|| at(1)),
        till: Timestamp::EPOCH,
        rtime: whole.then(|| at(2)),
        nonce: if whole { -2 } else { 0xFFFF_FFFF },
        enctypes: [18, 17, -133].map(EncryptionType).to_vec(),
        addresses: if whole { vec![address()] } else { Vec::new() },
        enc_authorization_data: whole.then(|| sealed(None, 3)),
        additional_tickets: if whole { vec![ticket(1)] } else { Vec::new() },
    }
}

#[test]
fn requests_are_read_as_rasn_reads_them() {
    for whole in [false, true] {
        for message_type in [MessageType::AS_REQ, MessageType::TGS_REQ] {
            let elements = if whole { padata(1) } else { Vec::new() };
            let request = KdcRequest::new(message_type, elements, body(whole));
            let bytes = request.encode();
            assert_as_rasn_reads(&bytes, &request, KdcRequest::read, KdcRequest::decode_any);
            if message_type == MessageType::AS_REQ {
                assert_as_rasn_writes::<WireAsRequest>(&bytes);
            } else {
                assert_as_rasn_writes::<WireTgsRequest>(&bytes);
            }
        }
    }
}

#[test]
fn the_parts_of_an_ap_exchange_are_read_as_rasn_reads_them() {
    let request = ApReq {
        options: ApOptions::MUTUAL_REQUIRED,
        ticket: ticket(2),
        authenticator: sealed(None, 2),
    };
    let bytes = request.encode();
    assert_as_rasn_writes::<WireApReq>(&bytes);
    assert_as_rasn_reads(&bytes, &request, ApReq::read, ApReq::decode_any);
    for whole in [false, true] {
        let authenticator = Authenticator {
            client: Principal::new("R", ["alice"]),
            checksum: whole.then(|| Checksum {
                checksum_type: ChecksumType(-138),
                bytes: vec![1; 4],
            }),
            ctime: Timestamp::from_micros(at(0).as_micros() + 123_456),
            subkey: whole.then(|| key(1)),
            seq_number: whole.then_some(0x8000_0001),
            authorization_data: if whole {
                vec![element(1, 2), element(-1, 0)]
            } else {
                Vec::new()
            },
        };
        let bytes = authenticator.encode();
        assert_as_rasn_writes::<WireAuthenticator>(&bytes);
        let read = Authenticator::read;
        assert_as_rasn_reads(&bytes, &authenticator, read, Authenticator::decode_any);
    }
    let value = PaEncTsEnc { timestamp: at(3) };
    let bytes = value.encode();
    assert_as_rasn_writes::<WirePaEncTsEnc>(&bytes);
    assert_as_rasn_reads(&bytes, &value, PaEncTsEnc::read, PaEncTsEnc::decode_any);
}

#[test]
fn tickets_are_read_and_written_as_by_rasn() {
    for whole in [false, true] {
        let part = EncTicketPart {
            flags: TicketFlags::INITIAL,
            key: key(2),
            client: Principal::new("EXAMPLE.COM", ["a", "b"]).with_name_type(NameType(300)),
            transited: TransitedEncoding {
                encoding_type: 1,
                contents: vec![b'X'; usize::from(whole)],
            },
            auth_time: at(0),
            start_time: whole.then(|| at(1)),
            end_time: at(2),
            renew_till: whole.then(|| at(3)),
            addresses: if whole { vec![address()] } else { Vec::new() },
            authorization_data: if whole {
                vec![element(128, 3), element(1, 0)]
            } else {
                Vec::new()
            },
        };
        let bytes = part.encode();
        assert_as_rasn_writes::<WireEncTicketPart>(&bytes);
        assert_as_rasn_reads(
            &bytes,
            &part,
            EncTicketPart::read,
            EncTicketPart::decode_any,
        );
    }
    let ticket = ticket(4);
    let bytes = ticket.encode();
    assert_as_rasn_writes::<WireTicket>(&bytes);
    let read = |bytes: &[u8]| Ticket::read(&mut Reader::new(bytes));
    assert_as_rasn_reads(&bytes, &ticket, read, Ticket::decode_any);
}

#[test]
fn ciphertexts_and_lists_are_read_and_written_as_by_rasn() {
    for kvno in [
        None,
        Some(0),
        Some(127),
        Some(128),
        Some(1 << 31),
        Some(u32::MAX),
    ] {
        let data = sealed(kvno, 3);
        let bytes = data.encode();
        assert_as_rasn_writes::<WireEncryptedData>(&bytes);
        let read = |bytes: &[u8]| EncryptedData::read(&mut Reader::new(bytes));
        assert_as_rasn_reads(&bytes, &data, read, EncryptedData::decode_any);
    }
    let list = vec![element(i32::MIN, 1), element(i32::MAX, 0)];
    let bytes = AuthorizationData::encode_list(&list);
    assert_as_rasn_writes::<rasn_kerberos::AuthorizationData>(&bytes);
    let read = |bytes: &[u8]| Reader::new(bytes).list(AuthorizationData::read);
    assert_as_rasn_reads(&bytes, &list, read, AuthorizationData::decode_any_list);
    assert_as_rasn_writes::<Vec<rasn_kerberos::PaData>>(&PaData::encode_list(&padata(3)));
    let checksum = Checksum {
        checksum_type: ChecksumType(16),
        bytes: vec![1; 12],
    };
    assert_as_rasn_writes::<rasn_kerberos::Checksum>(&checksum.encode());
    let entry = |salt: Option<&str>, s2kparams| EtypeInfo2Entry {
        enctype: EncryptionType(18),
        salt: salt.map(str::to_owned),
        s2kparams,
    };
    let list = [entry(None, None), entry(Some("é"), Some(vec![0, 0, 16, 0]))];
    let bytes = EtypeInfo2Entry::encode_list(&list);
    assert_as_rasn_writes::<Vec<WireEtypeInfo2Entry>>(&bytes);
    assert_eq!(EtypeInfo2Entry::decode_list(&bytes).expect("our own"), list);
}

#[test]
fn replies_of_any_length_are_written_as_by_rasn() {
    for length in [0, 1, 95, 127, 128, 200, 255, 256, 65_535, 65_536, 1 << 24] {
        for message_type in [MessageType::AS_REP, MessageType::TGS_REP] {
            let reply = KdcReply {
                message_type,
                padata: if length == 1 {
                    Vec::new()
                } else {
                    padata(length)
                },
                client: Principal::new("R", ["alice"]),
                ticket: ticket(length),
                enc_part: sealed(Some(1), length),
            };
            let bytes = reply.encode();
            if message_type == MessageType::AS_REP {
                assert_as_rasn_writes::<WireAsReply>(&bytes);
            } else {
                assert_as_rasn_writes::<WireTgsReply>(&bytes);
            }
            assert_eq!(KdcReply::decode(&bytes).as_ref(), Ok(&reply));
        }
    }
    for nonce in [
        0,
        1,
        -1,
        127,
        128,
        -128,
        -129,
        255,
        256,
        65_535,
        1 << 31,
        -(1 << 31),
    ] {
        let whole = nonce > 0;
        let part = EncKdcReplyPart {
            key: key(3),
            last_req: vec![(0, Timestamp::EPOCH), (-6, at(9))],
            nonce,
            key_expiration: whole.then(|| at(8)),
            flags: TicketFlags(u32::MAX),
            auth_time: at(0),
            start_time: whole.then(|| at(1)),
            end_time: at(2),
            renew_till: whole.then(|| at(3)),
            server: Principal::new("R", ["x".repeat(200)]),
            addresses: if whole { vec![address()] } else { Vec::new() },
            encrypted_padata: if whole { padata(2) } else { Vec::new() },
        };
        let bytes = part.encode(MessageType::AS_REP);
        assert_as_rasn_writes::<WireEncAsPart>(&bytes);
        assert_eq!(EncKdcReplyPart::decode(&bytes).as_ref(), Ok(&part));
        assert_as_rasn_writes::<WireEncTgsPart>(&part.encode(MessageType::TGS_REP));
    }
}
