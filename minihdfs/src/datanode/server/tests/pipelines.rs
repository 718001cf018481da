//! Blocks written through DataNodes, some of which die in the middle.

use super::*;
use crate::datanode::pipeline::{Completion, MAX_PENDING, Pipeline};
use crate::datanode::server::streaming::Streaming;
use crate::datanode::stream::Outbox;

#[tokio::test]
async fn a_block_goes_through_three_datanodes_and_comes_back_from_each_at_every_protection() {
    for protection in PROTECTIONS {
        let fixture = Fixture::new(3, protection);
        // More than one packet, but not too much for 3DES in an unoptimized build.
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
    // hdfs-native sends an empty frame here. This is more than is read together with the packet.
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
async fn a_datanode_that_cannot_be_reached_is_named_and_one_that_is_lost_later_acks_an_error() {
    let fixture = Fixture::new(2, &[]);
    let write = || fixture.write_request(&[1], fixture.token(&[AccessMode::Write]));
    fixture.rule(|event| match event {
        Event::Dial { datanode: 1, .. } => Verdict::Disconnect,
        _ => Verdict::Pass,
    });
    let bad = fixture.nodes[1].registration().transfer_address();
    let mut connection = fixture.connect(0).await;
    let answer = begin_write(&mut connection, &write()).await;
    assert_eq!(answer.first_bad_link, Some(bad.to_string()));
    // The connection is dialled, and each packet asks again.
    let dials = std::sync::atomic::AtomicU32::new(0);
    fixture.rule(move |event| match event {
        Event::Dial { .. } if dials.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0 => {
            Verdict::Disconnect
        }
        _ => Verdict::Pass,
    });
    let mut request = write();
    request.header.base_header.block.block_id += 1;
    let mut connection = fixture.connect(0).await;
    let answer = begin_write(&mut connection, &request).await;
    assert_eq!(answer.status(), Status::Success, "{answer:?}");
    put_packet(&mut connection, 0, 0, &content(100), false);
    connection.flush().await.expect("taken");
    let ack: PipelineAckProto = connection.message(READ_TIMEOUT).await.expect("answered");
    assert!(ack.reply().eq([Status::Success, Status::Error]), "{ack:?}");
}

#[tokio::test]
async fn a_late_ack_waits_and_the_data_is_there_already() {
    let fixture = Fixture::new(1, &[]);
    let latch = kerbox_events::Latch::new();
    let held = latch.clone();
    fixture.rule(move |event| match event {
        Event::Ack { nth: 1, .. } => Verdict::Hold(held.clone()),
        _ => Verdict::Pass,
    });
    let mut connection = fixture.connect(0).await;
    let request = fixture.write_request(&[], fixture.token(&[AccessMode::Write]));
    begin_write(&mut connection, &request).await;
    put_packet(&mut connection, 0, 0, &content(100), false);
    connection.flush().await.expect("taken");
    while fixture.nodes[0].replica_visible_length(BLOCK) != Ok(100) {
        tokio::task::yield_now().await;
    }
    assert!(connection.inbox.bytes().is_empty());
    latch.open();
    let ack: PipelineAckProto = connection.message(READ_TIMEOUT).await.expect("answered");
    assert!(ack.reply().eq([Status::Success]));
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

/// Returns the two ends of a connection.
async fn pair() -> (Connection, Connection) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (connected, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (accepted, peer) = accepted.expect("connected");
    (
        Connection::new(connected.expect("connected"), address),
        Connection::new(accepted, peer),
    )
}

#[tokio::test]
async fn packets_that_waited_for_acks_are_taken_though_nothing_more_comes_from_their_sender() {
    let fixture = Fixture::new(1, &[]);
    let checksum = DataChecksum::from_proto(CRC32C).expect("a plain size");
    let node = &fixture.nodes[0];
    let writer = node
        .store
        .create_rbw(BLOCK, checksum, crate::token::StorageType::Disk)
        .expect("new");
    let (mut client, mut upstream) = pair().await;
    let (mirror, mut below) = pair().await;
    // Everything is in the inbox before the first ack, so the socket has no more input to wake the
    // task.
    let count = MAX_PENDING + 100;
    let mut packets = Outbox::default();
    for index in 0..count {
        append_packet(&mut packets, index as i64, index, b"x", false);
    }
    append_packet(&mut packets, count as i64, count, &[], true);
    let bytes = packets.bytes();
    upstream.inbox.room(bytes.len())[..bytes.len()].copy_from_slice(bytes);
    upstream.inbox.received(bytes.len()).expect("plain");
    // Consumes the initial readiness of a new socket.
    tokio::task::yield_now().await;
    assert_eq!(upstream.try_fill(1).expect("open"), 0, "nothing was sent");

    let pipeline = Pipeline::new(writer, Completion::Finalize, true, 1);
    let next = Some((mirror, String::new()));
    let mut streaming = Streaming::new(node, &mut upstream, next, pipeline, false);
    let datanode_below = async {
        let mut taken = 0;
        while taken <= count {
            // Sends the first acks only when no more packets can arrive without them.
            let wanted = (taken + MAX_PENDING).min(count + 1);
            let first = taken;
            while taken < wanted {
                match Packet::parse(below.inbox.bytes()).expect("well-formed") {
                    Some(packet) => {
                        let length = packet.bytes.len();
                        below.inbox.consume(length);
                        taken += 1;
                    }
                    None => below.fill().await.expect("more packets"),
                }
            }
            for seqno in first..taken {
                below.outbox.message(&PipelineAckProto {
                    seqno: seqno as i64,
                    reply: vec![Status::Success.into()],
                    ..PipelineAckProto::default()
                });
            }
            below.flush().await.expect("taken");
        }
    };
    let acks = async {
        for seqno in 0..=count {
            let ack: PipelineAckProto = client.message(READ_TIMEOUT).await.expect("an ack");
            assert_eq!(ack.seqno, seqno as i64);
        }
    };
    let (status, (), ()) = tokio::join!(streaming.run(), datanode_below, acks);
    assert_eq!(status.expect("no stall"), Status::Success);
    assert_eq!(fixture.namenode.finalized(), ["dn1"]);
}

/// Writes `count` one-byte packets through all DataNodes as fast as they are accepted, and reads
/// the acks meanwhile.
async fn write_bytes(fixture: &Fixture, count: usize) -> io::Result<()> {
    let rest: Vec<_> = (1..fixture.nodes.len()).collect();
    let token = fixture.token(&[AccessMode::Write]);
    let mut connection = fixture.connect(0).await;
    let answer = begin_write(&mut connection, &fixture.write_request(&rest, token)).await;
    assert_eq!(answer.status(), Status::Success);
    for index in 0..count {
        put_packet(&mut connection, index as i64, index, b"x", false);
    }
    put_packet(&mut connection, count as i64, count, &[], true);
    let mut acked = 0;
    while acked <= count {
        connection.try_flush()?;
        while let Some(ack) = connection
            .inbox
            .message::<PipelineAckProto>()
            .map_err(connection::invalid)?
        {
            assert_eq!(ack.seqno, acked as i64);
            assert!(ack.reply().all(|status| status == Status::Success));
            acked += 1;
        }
        if acked <= count && connection.try_fill(64 << 10)? == 0 {
            let readable = connection.stream.readable();
            if connection.outbox.bytes().is_empty() {
                readable.await?;
            } else {
                tokio::select! {
                    ready = readable => ready?,
                    ready = connection.stream.writable() => ready?,
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn more_packets_than_may_wait_for_acks_go_through_three_datanodes() {
    let fixture = Fixture::new(3, &[]);
    write_bytes(&fixture, MAX_PENDING + 1000)
        .await
        .expect("no stall");
    assert_eq!(fixture.namenode.finalized().len(), 3);
}

/// A regression test: before packets in the inbox were processed when acks drained, one of these
/// writes in 20 to 50 stalled.
#[tokio::test]
#[ignore = "takes minutes: run it alone, in release"]
async fn a_thousand_writes_of_twenty_thousand_packets_do_not_stall() {
    let runs = std::env::var("KERBOX_RUNS").map_or(1000, |runs| runs.parse().expect("a number"));
    let mut slowest = Duration::ZERO;
    for _ in 0..runs {
        let fixture = Fixture::new(3, &[]);
        let begun = Clock::system().now();
        write_bytes(&fixture, 20_000).await.expect("no stall");
        slowest = slowest.max(Clock::system().now().since(begun));
    }
    println!("{runs} runs, the slowest {slowest:?}");
    assert!(slowest < READ_TIMEOUT / 2);
}
