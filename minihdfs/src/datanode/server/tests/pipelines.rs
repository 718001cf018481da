//! Blocks written through DataNodes, those that die among them included.

use super::*;

#[tokio::test]
async fn a_block_goes_through_three_datanodes_and_comes_back_from_each_at_every_protection() {
    for protection in PROTECTIONS {
        let fixture = Fixture::new(3, protection);
        // More than one packet, and little for 3DES in an unoptimised build.
        let data = content(70_000);
        fixture.write(&data).await;
        let mut finalized = fixture.namenode.finalized();
        finalized.sort();
        assert_eq!(
            finalized,
            ["dn1", "dn2", "dn3"],
            "before the last ack: {protection:?}"
        );
        for index in 0..3 {
            assert_eq!(
                fixture.read(index, data.len()).await.expect("whole"),
                data,
                "{protection:?}"
            );
        }
    }
}

#[tokio::test]
async fn fourteen_datanodes_make_one_pipeline() {
    let fixture = Fixture::new(14, &[]);
    fixture.write(&content(70_000)).await;
    assert_eq!(fixture.namenode.finalized().len(), 14);
    assert_eq!(
        fixture.read(13, 70_000).await.expect("whole"),
        content(70_000)
    );
}

#[tokio::test]
async fn heartbeats_are_acknowledged_in_their_turn() {
    let fixture = Fixture::new(2, &[]);
    let mut connection = fixture.connect(0).await;
    let answer = begin_write(
        &mut connection,
        &fixture.write_request(&[1], fixture.token(&[AccessMode::Write])),
    )
    .await;
    assert_eq!(answer.status(), Status::Success);
    put_packet(&mut connection, 7, 0, b"hello", false);
    put_packet(&mut connection, -1, 0, &[], false);
    put_packet(&mut connection, 8, 5, &[], true);
    connection.flush().await.expect("taken");
    for seqno in [7, -1, 8] {
        let ack: PipelineAckProto = connection.message(READ_TIMEOUT).await.expect("answered");
        assert_eq!((ack.seqno, ack.reply.len()), (seqno, 2));
    }
}

#[tokio::test]
async fn the_last_ack_reaches_a_client_that_sends_more_than_the_last_packet() {
    let fixture = Fixture::new(1, &[]);
    let mut connection = fixture.connect(0).await;
    begin_write(
        &mut connection,
        &fixture.write_request(&[], fixture.token(&[AccessMode::Write])),
    )
    .await;
    put_packet(&mut connection, 0, 0, b"hello", false);
    put_packet(&mut connection, 1, 5, &[], true);
    // hdfs-native sends an empty frame here; this is more than is read with the packet.
    connection.outbox.unit(&[0; 1 << 20]);
    connection.flush().await.expect("taken");
    for seqno in [0, 1] {
        let ack: PipelineAckProto = connection.message(READ_TIMEOUT).await.expect("answered");
        assert_eq!(ack.seqno, seqno);
    }
    let end = connection
        .fill()
        .await
        .expect_err("the DataNode ends the connection");
    assert_eq!(
        end.kind(),
        ErrorKind::UnexpectedEof,
        "and does not reset it"
    );
}

#[tokio::test]
async fn what_was_flushed_is_visible_before_the_block_is_complete() {
    let fixture = Fixture::new(3, &[]);
    let mut connection = fixture.connect(0).await;
    begin_write(
        &mut connection,
        &fixture.write_request(&[1, 2], fixture.token(&[AccessMode::Write])),
    )
    .await;
    write_all(&mut connection, 0, &content(700), false)
        .await
        .expect("acknowledged");
    for (index, node) in fixture.nodes.iter().enumerate() {
        assert_eq!(node.replica_visible_length(BLOCK), Ok(700));
        assert_eq!(fixture.read(index, 700).await.expect("whole"), content(700));
    }
}

#[tokio::test]
async fn a_dead_datanode_is_named_when_the_pipeline_is_set_up() {
    let fixture = Fixture::new(3, &[]);
    fixture.nodes[2].stop();
    let bad = fixture.nodes[2].registration().transfer_address();
    while TcpStream::connect(bad).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let mut connection = fixture.connect(0).await;
    let answer = begin_write(
        &mut connection,
        &fixture.write_request(&[1, 2], fixture.token(&[AccessMode::Write])),
    )
    .await;
    assert_eq!(
        (answer.status(), answer.first_bad_link),
        (Status::Error, Some(bad.to_string()))
    );
}

#[tokio::test]
async fn a_datanode_that_dies_at_its_nth_packet_leaves_a_pipeline_that_can_be_recovered() {
    let fixture = Fixture::new(3, SECURE);
    fixture.rule(|event| match event {
        Event::Packet {
            datanode: 2,
            nth: 3,
            writing: true,
            ..
        } => Verdict::Kill,
        _ => Verdict::Pass,
    });
    let data = content(300_000);
    let token = fixture.token(&[AccessMode::Write]);
    let mut connection = fixture.connect(0).await;
    begin_write(
        &mut connection,
        &fixture.write_request(&[1, 2], token.clone()),
    )
    .await;
    let mut acked = 0;
    for (seqno, piece) in data.chunks(64_512).enumerate() {
        put_packet(&mut connection, seqno as i64, seqno * 64_512, piece, false);
        connection.flush().await.expect("taken");
        let ack: PipelineAckProto = connection.message(READ_TIMEOUT).await.expect("answered");
        if ack.reply().any(|status| status != Status::Success) {
            assert!(ack.reply().eq([Status::Success, Status::Error]));
            break;
        }
        acked += piece.len();
    }
    assert_eq!(acked, 2 * 64_512);
    assert!(!fixture.nodes[1].is_alive());
    drop(connection);

    let mut connection = fixture.connect(0).await;
    let mut request = fixture.write_request(&[2], token);
    request.stage = Stage::PipelineSetupStreamingRecovery.into();
    request.latest_generation_stamp = 1002;
    request.min_bytes_rcvd = acked as u64;
    request.max_bytes_rcvd = data.len() as u64;
    let answer = begin_write(&mut connection, &request).await;
    assert_eq!(answer.status(), Status::Success, "{answer:?}");
    write_all(&mut connection, acked, &data[acked..], true)
        .await
        .expect("acknowledged");
    for index in [0, 2] {
        assert_eq!(fixture.read(index, data.len()).await.expect("whole"), data);
    }
}

#[tokio::test]
async fn a_client_has_a_replica_transferred_to_the_datanode_that_joins_its_pipeline() {
    let fixture = Fixture::new(2, SECURE);
    let data = content(100_000);
    let write = fixture.token(&[AccessMode::Write]);
    let mut writing = fixture.connect(0).await;
    begin_write(&mut writing, &fixture.write_request(&[], write.clone())).await;
    write_all(&mut writing, 0, &data, false)
        .await
        .expect("acknowledged");
    for (modes, status) in [
        (AccessMode::Write, Status::ErrorAccessToken),
        (AccessMode::Copy, Status::Success),
    ] {
        let mut connection = fixture.connect(0).await;
        let request = OpTransferBlockProto {
            header: header(BLOCK, fixture.token(&[modes]), "client"),
            targets: vec![fixture.info(1)],
            ..OpTransferBlockProto::default()
        };
        put_operation(&mut connection, 86, &request);
        connection.flush().await.expect("taken");
        let answer: BlockOpResponseProto =
            connection.message(READ_TIMEOUT).await.expect("answered");
        assert_eq!(answer.status(), status, "{answer:?}");
    }
    drop(writing);
    let mut connection = fixture.connect(0).await;
    let mut request = fixture.write_request(&[1], write);
    request.stage = Stage::PipelineSetupStreamingRecovery.into();
    request.latest_generation_stamp = 1002;
    request.min_bytes_rcvd = data.len() as u64;
    request.max_bytes_rcvd = data.len() as u64;
    let answer = begin_write(&mut connection, &request).await;
    assert_eq!(answer.status(), Status::Success, "{answer:?}");
    write_all(&mut connection, data.len(), &[], true)
        .await
        .expect("acknowledged");
    assert_eq!(fixture.read(1, data.len()).await.expect("whole"), data);
}
