//! Reading a replica: whole, in part, damaged, or while it is being written.

use super::*;

#[test]
fn what_is_written_is_read_from_any_offset() {
    let fixture = Fixture::new();
    let data = content(200_000);
    let block = fixture.finalized(&data);
    assert_eq!(block.length, 200_000);
    assert_eq!(fixture.meta(), Fixture::expected_meta(&data));
    for (offset, length) in [
        (0u64, 200_000u64),
        (1, 1),
        (511, 2),
        (131_072, 68_928),
        (199_999, 1),
        (200_000, 0),
    ] {
        let (start, end) = (
            offset / 512 * 512,
            (offset + length).next_multiple_of(512).min(200_000),
        );
        let read = fixture
            .read(block, offset, length)
            .expect("within the block");
        assert_eq!(
            read,
            data[start as usize..end.max(start) as usize],
            "{offset}, {length}"
        );
    }
}

#[test]
fn a_range_beyond_the_end_is_refused_even_if_it_overflows() {
    let fixture = Fixture::new();
    let block = fixture.finalized(&content(1000));
    for (offset, length) in [(0, 1001), (1001, 0), (u64::MAX, 2), (1, u64::MAX)] {
        let error = fixture
            .read(block, offset, length)
            .expect_err("beyond the end");
        assert!(error.message().starts_with(" Offset "), "{error}");
    }
}

#[test]
fn a_reader_with_an_older_stamp_is_served_and_one_with_a_newer_is_not() {
    let fixture = Fixture::new();
    let block = fixture.finalized(&content(10));
    let stamped = |generation_stamp| Block {
        generation_stamp,
        ..block
    };
    assert!(fixture.read(stamped(1000), 0, 10).is_ok());
    assert!(fixture.read(stamped(1002), 0, 10).is_err());
    let unknown = Block { id: 7, ..block };
    assert_eq!(
        fixture
            .read(unknown, 0, 1)
            .expect_err("no such block")
            .message(),
        "Replica not found for BP-1-127.0.0.1-1:blk_7_1001"
    );
}

#[test]
fn data_that_was_damaged_on_disk_is_found_where_it_is() {
    let fixture = Fixture::new();
    let block = fixture.finalized(&content(100_000));
    let path = fixture.store.layout().data(Place::Finalized, BLOCK.id);
    let mut bytes = std::fs::read(&path).expect("there");
    bytes[70_000] ^= 1;
    std::fs::write(&path, bytes).expect("writable");
    assert_eq!(
        fixture
            .read(block, 0, 100_000)
            .expect_err("damaged")
            .message(),
        format!("damaged at {}", 70_000 / 512 * 512)
    );
    assert!(fixture.read(block, 0, 10_000).is_ok());
}

#[test]
fn a_reader_that_began_before_a_chunk_grew_gets_data_and_checksum_that_agree() {
    let fixture = Fixture::new();
    let data = content(1000);
    let mut writer = fixture.create();
    write(&mut writer, 0, &data[..700]).expect("fits");
    writer.acked(700);
    let range = ReadRange {
        offset: 0,
        length: 700,
        checksums: true,
    };
    let mut reader = fixture.store.read(writer.block(), range).expect("visible");
    write(&mut writer, 512, &data[512..]).expect("overlaps");
    let mut bytes = vec![0; reader.next_length().expect("a packet")];
    reader.read_packet(&mut bytes).expect("there");
    let packet = Packet::parse(&bytes)
        .expect("well-formed")
        .expect("complete");
    assert_eq!(packet.data, &data[..700]);
    assert_eq!(crc32c(512).verify(packet.data, packet.checksums), Ok(()));
    assert_eq!(reader.damaged_at(), None);
}

#[test]
fn the_visible_length_of_an_open_replica_is_what_was_acknowledged() {
    let fixture = Fixture::new();
    let mut writer = fixture.create();
    write(&mut writer, 0, &content(900)).expect("fits");
    assert_eq!(fixture.store.visible_length(BLOCK), Ok(0));
    writer.acked(600);
    writer.acked(500);
    assert_eq!(fixture.store.visible_length(BLOCK), Ok(600));
    writer.acked(u64::MAX);
    assert_eq!(fixture.store.visible_length(BLOCK), Ok(900));
    assert!(
        fixture
            .store
            .visible_length(Block {
                generation_stamp: 1002,
                ..BLOCK
            })
            .is_err()
    );
}

#[test]
fn checksums_of_a_part_end_with_one_made_for_it() {
    let fixture = Fixture::new();
    let data = content(1300);
    let block = fixture.finalized(&data);
    let range = ReadRange {
        offset: 0,
        length: 1300,
        checksums: true,
    };
    let reader = fixture.store.read(block, range).expect("there");
    for length in [0, 1, 512, 600, 1024, 1300] {
        let mut sums = Vec::new();
        reader
            .each_checksums(length, |piece| sums.extend_from_slice(piece))
            .expect("there");
        assert_eq!(
            sums,
            Fixture::expected_meta(&data[..length as usize])[7..],
            "{length}"
        );
    }
}

#[test]
fn a_read_without_checksums_has_none() {
    let fixture = Fixture::new();
    let data = content(100_000);
    let block = fixture.finalized(&data);
    let range = ReadRange {
        offset: 700,
        length: 99_300,
        checksums: false,
    };
    let mut reader = fixture.store.read(block, range).expect("there");
    assert_eq!(reader.chunk_offset(), 512);
    let mut read = Vec::new();
    while let Some(length) = reader.next_length() {
        let mut bytes = vec![0; length];
        reader.read_packet(&mut bytes).expect("there");
        let packet = Packet::parse(&bytes)
            .expect("well-formed")
            .expect("complete");
        assert_eq!(packet.bytes.len(), HEADER_LENGTH + packet.data.len());
        read.extend_from_slice(packet.data);
    }
    assert_eq!(read, data[512..]);
}
