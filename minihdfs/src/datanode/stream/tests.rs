use super::*;
use crate::proto::hdfs::{ClientReadStatusProto, OpReadBlockProto, Status};

fn receive(inbox: &mut Inbox, bytes: &[u8]) -> Result<(), HdfsError> {
    inbox.room(bytes.len())[..bytes.len()].copy_from_slice(bytes);
    inbox.received(bytes.len())
}

#[test]
fn a_message_waits_until_it_is_whole() {
    let mut inbox = Inbox::default();
    for byte in [0x02, 0x08] {
        receive(&mut inbox, &[byte]).expect("plain");
        assert_eq!(inbox.message::<ClientReadStatusProto>(), Ok(None));
    }
    receive(&mut inbox, &[0x06, 0xff]).expect("plain");
    let message = inbox
        .message::<ClientReadStatusProto>()
        .expect("well-formed")
        .expect("whole");
    assert_eq!(message.status(), Status::ChecksumOk);
    assert_eq!(inbox.bytes(), [0xff]);
}

#[test]
fn a_varint_cut_at_the_limit_of_parts_is_refused() {
    for pairs in 24_990..=25_000 {
        let body = [&[0x10, 0x00].repeat(pairs)[..], &[0x10, 0x80, 0x80]].concat();
        let mut bytes = Vec::new();
        prost::encoding::encode_varint(body.len() as u64, &mut bytes);
        bytes.extend(&body);
        let mut inbox = Inbox::default();
        receive(&mut inbox, &bytes).expect("plain");
        assert!(inbox.message::<OpReadBlockProto>().is_err());
    }
}

#[test]
fn absurd_lengths_are_refused_at_once() {
    for bytes in [
        [0xff; 11].as_slice(),
        &[0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0, 0, 0],
    ] {
        let mut inbox = Inbox::default();
        receive(&mut inbox, bytes).expect("plain");
        assert!(inbox.message::<ClientReadStatusProto>().is_err());
    }
}

#[test]
fn aes_is_one_key_stream_however_the_bytes_are_cut() {
    for length in [16, 24, 32] {
        let key: Vec<u8> = (0..length).collect();
        let cipher = || AesCtr::new(&key, &[0xff; 16]).expect("good lengths");
        let (mut inbox, mut outbox) = (Inbox::default(), Outbox::default());
        protect(
            &mut Inbox::default(),
            &mut outbox,
            Protection::Aes(cipher(), cipher()),
        )
        .expect("nothing came early");
        protect(
            &mut inbox,
            &mut Outbox::default(),
            Protection::Aes(cipher(), cipher()),
        )
        .expect("nothing came early");
        outbox.unit(b"a unit, ");
        outbox.unit(b"and another one");
        let sealed = outbox.bytes().to_vec();
        assert!(!sealed.starts_with(b"a unit"));
        for piece in sealed.chunks(5) {
            receive(&mut inbox, piece).expect("no frames");
        }
        assert_eq!(inbox.bytes(), b"a unit, and another one");
    }
    assert!(AesCtr::new(&[0; 17], &[0; 16]).is_err());
    assert!(AesCtr::new(&[0; 16], &[0; 15]).is_err());
}

#[test]
fn aes_ctr_matches_the_published_vector() {
    // NIST SP 800-38A, F.5.1.
    let key = kerbox_krb5::testing::unhex("2b7e151628aed2a6abf7158809cf4f3c");
    let counter = kerbox_krb5::testing::unhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    let mut block = kerbox_krb5::testing::unhex("6bc1bee22e409f96e93d7e117393172a");
    AesCtr::new(&key, &counter)
        .expect("good lengths")
        .apply(&mut block);
    assert_eq!(
        block,
        kerbox_krb5::testing::unhex("874d6191b620e3261bef6864990db6ce")
    );
}

#[test]
fn a_large_buffer_is_counted_and_freed_once_it_is_empty() {
    let mut outbox = Outbox::default();
    outbox.unit(&[1; 100_000]);
    assert_eq!(outbox.held(), 100_000);
    outbox.unit(&[1; 10 << 20]);
    outbox.sent(10 << 20);
    assert_eq!(outbox.bytes().len(), 100_000);
    assert!(outbox.held() > 10 << 20, "the memory is still there");
    outbox.sent(100_000);
    assert_eq!(outbox.held(), 0);
    assert_eq!(outbox.sealed.bytes.capacity(), 0);
    let mut inbox = Inbox::default();
    receive(&mut inbox, &[1; 300_000]).expect("plain");
    assert_eq!(inbox.held(), 300_000);
    inbox.consume(300_000);
    assert_eq!(inbox.held(), 0);
    assert_eq!(inbox.plain.bytes.len(), 300_000, "it is used again");
    inbox.rest();
    assert_eq!(inbox.plain.bytes.capacity(), 0);
}

#[test]
fn a_buffer_is_used_again_without_growing() {
    let mut inbox = Inbox::default();
    for _ in 0..1000 {
        let room = inbox.room(100);
        room[..100].fill(7);
        inbox.received(100).expect("plain");
        inbox.consume(60);
        if inbox.bytes().len() > 200 {
            let all = inbox.bytes().len();
            inbox.consume(all);
        }
    }
    assert!(
        inbox.plain.bytes.len() <= 400,
        "{}",
        inbox.plain.bytes.len()
    );
}
