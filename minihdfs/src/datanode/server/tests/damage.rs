//! Damage, on the wire and on disk, is found and reported.

use super::*;

#[tokio::test]
async fn a_packet_that_does_not_match_its_checksums_is_answered_with_error_checksum() {
    let fixture = Fixture::new(2, &[]);
    let mut connection = fixture.connect(0).await;
    begin_write(
        &mut connection,
        &fixture.write_request(&[1], fixture.token(&[AccessMode::Write])),
    )
    .await;
    let mut packet = vec![0; HEADER_LENGTH + 4 + 5];
    let (head, body) = packet
        .split_first_chunk_mut::<HEADER_LENGTH>()
        .expect("longer");
    put_header(head, 0, 0, false, 4, 5);
    body[4..].copy_from_slice(b"hello");
    connection.outbox.unit(&packet);
    connection.flush().await.expect("taken");
    let ack: PipelineAckProto = connection.message(READ_TIMEOUT).await.expect("answered");
    assert!(ack.reply().eq([Status::ErrorChecksum, Status::Success]));
    assert!(connection.fill().await.is_err(), "the connection is closed");
    let outcomes = fixture.outcomes(|event| matches!(event, Event::WriteBlock { datanode: 1, .. }));
    assert_eq!(outcomes, [Outcome::Status("ERROR_CHECKSUM")]);
}

#[tokio::test]
async fn damage_on_disk_reaches_the_reader_and_the_namenode() {
    let fixture = Fixture::new(2, &[]);
    fixture.write(&content(100_000)).await;
    let mut bytes = std::fs::read(fixture.file(0)).expect("there");
    bytes[50_000] ^= 1;
    std::fs::write(fixture.file(0), bytes).expect("writable");
    let error = fixture.read(0, 100_000).await.expect_err("damaged");
    assert_eq!(error.to_string(), "damaged at 49664");
    fixture
        .namenode
        .until(|namenode| namenode.bad() == ["dn1"])
        .await;
    assert_eq!(
        fixture.read(1, 100_000).await.expect("whole"),
        content(100_000)
    );
}

#[tokio::test]
async fn a_replica_that_lost_its_files_is_reported_and_the_reader_refused() {
    let fixture = Fixture::new(4, &[]);
    fixture.write(&content(100_000)).await;
    let meta = |index| {
        let data = fixture.file(index);
        data.with_file_name(format!("blk_{}_{}.meta", BLOCK.id, BLOCK.generation_stamp))
    };
    let cut = |path: PathBuf| {
        let file = std::fs::OpenOptions::new().write(true).open(path);
        file.expect("there").set_len(10).expect("writable");
    };
    std::fs::remove_file(fixture.file(0)).expect("there");
    std::fs::remove_file(meta(1)).expect("there");
    cut(fixture.file(2));
    cut(meta(3));
    for index in 0..4 {
        assert!(fixture.read(index, 100_000).await.is_err(), "{index}");
    }
    let told = |namenode: &TestNameNode| {
        namenode.deleted() == ["dn1", "dn2"] && namenode.bad() == ["dn3", "dn4"]
    };
    fixture.namenode.until(told).await;
    let gone = fixture.read(0, 100_000).await.expect_err("gone");
    assert!(gone.to_string().contains("Replica not found for"), "{gone}");
}

#[tokio::test]
async fn a_writer_that_goes_away_in_the_middle_of_a_packet_leaves_what_was_whole() {
    let fixture = Fixture::new(2, &[]);
    let mut connection = fixture.connect(0).await;
    let request = fixture.write_request(&[1], fixture.token(&[AccessMode::Write]));
    begin_write(&mut connection, &request).await;
    put_packet(&mut connection, 0, 0, b"hello", false);
    connection.flush().await.expect("taken");
    let ack: PipelineAckProto = connection.message(READ_TIMEOUT).await.expect("answered");
    assert_eq!(ack.seqno, 0);
    let mut half = Connection::new(connection.stream, connection.peer);
    put_packet(&mut half, 1, 5, &content(1000), false);
    let bytes = half.outbox.bytes()[..500].to_vec();
    half.outbox = crate::datanode::stream::Outbox::default();
    half.outbox.unit(&bytes);
    half.flush().await.expect("taken");
    drop(half);
    let event = |event: &Event| matches!(event, Event::WriteBlock { .. });
    while fixture.outcomes(event).len() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(fixture.outcomes(event), vec![Outcome::Disconnected; 2]);
    for node in &fixture.nodes {
        assert_eq!(node.replica_visible_length(BLOCK), Ok(5));
    }
}

#[tokio::test]
async fn damage_that_nobody_reads_is_found_by_the_scan_of_the_folders() {
    let fixture = Fixture::new(2, &[("dfs.datanode.directoryscan.interval", "3600")]);
    fixture.write(&content(1000)).await;
    std::fs::remove_file(fixture.file(0)).expect("there");
    std::fs::write(fixture.file(1), "short").expect("writable");
    let tick = |seconds| {
        let now = NOW + Duration::from_secs(seconds);
        fixture.nodes.iter().for_each(|node| {
            assert!(node.tick(now));
        });
    };
    tick(3599);
    assert_eq!(fixture.namenode.deleted().len(), 0);
    tick(3602);
    assert_eq!(fixture.namenode.deleted(), ["dn1"]);
    assert_eq!(fixture.namenode.bad(), ["dn2"]);
}

#[tokio::test]
async fn damage_that_a_copy_to_another_datanode_meets_is_reported() {
    let fixture = Fixture::new(2, &[]);
    let token = fixture.token(&[AccessMode::Write]);
    let mut connection = fixture.connect(0).await;
    begin_write(&mut connection, &fixture.write_request(&[], token)).await;
    write_all(&mut connection, 0, &content(100_000), true)
        .await
        .expect("acknowledged");
    let mut bytes = std::fs::read(fixture.file(0)).expect("there");
    bytes[50_000] ^= 1;
    std::fs::write(fixture.file(0), bytes).expect("writable");
    fixture.namenode.order(
        "dn1",
        DatanodeCommand::Transfer {
            block: BLOCK,
            targets: vec![fixture.nodes[1].registration().clone()],
            storages: Vec::new(),
        },
    );
    fixture.namenode.raise_signal("dn1");
    fixture
        .namenode
        .until(|namenode| namenode.bad() == ["dn1"])
        .await;
    assert_eq!(fixture.namenode.finalized(), ["dn1"], "no damaged copy");
}
