//! Reads, copies, checksums, and the shutdown of a server.

use super::*;

#[tokio::test]
async fn a_connection_serves_one_read_after_another() {
    let fixture = Fixture::new(1, &[]);
    fixture.write(&content(1000)).await;
    let mut connection = fixture.connect(0).await;
    for _ in 0..3 {
        let token = fixture.token(&[AccessMode::Read]);
        assert_eq!(
            read_on(&mut connection, token, 1000).await.expect("whole"),
            content(1000)
        );
    }
}

#[tokio::test]
async fn the_namenode_has_replicas_copied_and_deleted() {
    for protection in PROTECTIONS {
        let fixture = Fixture::new(3, protection);
        let data = content(70_000);
        let token = fixture.token(&[AccessMode::Write]);
        let mut connection = fixture.connect_with(0, &token).await.expect("accepted");
        begin_write(&mut connection, &fixture.write_request(&[], token)).await;
        write_all(&mut connection, 0, &data, true)
            .await
            .expect("acknowledged");
        let order = DatanodeCommand::Transfer {
            block: BLOCK,
            targets: fixture.nodes[1..]
                .iter()
                .map(|node| node.registration().clone())
                .collect(),
            storages: Vec::new(),
        };
        fixture.namenode.order("dn1", order);
        fixture.namenode.raise_signal("dn1");
        fixture
            .namenode
            .until(|namenode| namenode.finalized().len() == 3)
            .await;
        for index in 0..3 {
            assert_eq!(
                fixture.read(index, data.len()).await.expect("whole"),
                data,
                "{protection:?}"
            );
        }
        let order = DatanodeCommand::Invalidate(vec![BLOCK]);
        fixture.namenode.order("dn2", order);
        assert!(!fixture.nodes[1].tick(NOW), "not due");
        assert!(fixture.nodes[1].tick(fixture.nodes[1].next_deadline()));
        assert!(
            fixture
                .read(1, data.len())
                .await
                .expect_err("gone")
                .to_string()
                .contains("Replica not found for")
        );
        assert!(!fixture.file(1).exists());
    }
}

#[tokio::test]
async fn block_checksums_are_those_of_the_chunk_checksums() {
    let fixture = Fixture::new(1, SECURE);
    let data = content(1300);
    fixture.write(&data).await;
    let checksum = DataChecksum::from_proto(CRC32C).expect("a plain size");
    let mut sums = vec![0; checksum.length_of(data.len())];
    checksum.compute(&data, &mut sums);
    let composite = BlockChecksumOptionsProto {
        block_checksum_type: Some(BlockChecksumTypeProto::CompositeCrc.into()),
        stripe_length: None,
    };
    for (options, expected) in [
        (None, <md5::Md5 as md5::Digest>::digest(&sums).to_vec()),
        (
            Some(composite),
            checksum.of_chunk(&data).to_be_bytes().to_vec(),
        ),
    ] {
        let mut connection = fixture.connect(0).await;
        let request = OpBlockChecksumProto {
            header: header(BLOCK, fixture.token(&[AccessMode::Read]), "").base_header,
            block_checksum_options: options,
        };
        put_operation(&mut connection, 85, &request);
        connection.flush().await.expect("taken");
        let answer: BlockOpResponseProto =
            connection.message(READ_TIMEOUT).await.expect("answered");
        let answer = answer.checksum_response.expect("a checksum");
        assert_eq!(answer.block_checksum, expected);
        assert_eq!((answer.bytes_per_crc, answer.crc_per_block), (512, 3));
        assert_eq!(answer.block_checksum_options, options);
    }
}

#[tokio::test]
async fn a_balancer_can_copy_a_block() {
    let fixture = Fixture::new(1, SECURE);
    fixture.write(&content(1300)).await;
    let mut connection = fixture.connect(0).await;
    let request = OpCopyBlockProto {
        header: header(BLOCK, fixture.token(&[AccessMode::Copy]), "").base_header,
    };
    put_operation(&mut connection, 84, &request);
    connection.flush().await.expect("taken");
    let answer: BlockOpResponseProto = connection.message(READ_TIMEOUT).await.expect("answered");
    assert!(answer.read_op_checksum_info.is_some());
    assert_eq!(
        read_packets(&mut connection).await.expect("whole"),
        content(1300)
    );
    assert_eq!(
        connection.bytes::<2>(READ_TIMEOUT).await.expect("the end"),
        [0, b'd']
    );
}

#[tokio::test]
async fn a_balancer_can_move_a_block() {
    for keys in PROTECTIONS {
        let fixture = Fixture::new(2, keys);
        let write = fixture.token(&[AccessMode::Write]);
        let mut connection = fixture.connect_with(0, &write).await.expect("accepted");
        begin_write(&mut connection, &fixture.write_request(&[], write)).await;
        let written = write_all(&mut connection, 0, &content(100_000), true).await;
        written.expect("acknowledged");
        let both = fixture.token(&[AccessMode::Replace, AccessMode::Copy]);
        let request = OpReplaceBlockProto {
            header: header(BLOCK, both, "").base_header,
            del_hint: "dn1".to_owned(),
            source: fixture.info(0),
            ..OpReplaceBlockProto::default()
        };
        let replace = async || {
            let mut connection = fixture.connect(1).await;
            put_operation(&mut connection, op::REPLACE_BLOCK, &request);
            connection.flush().await.expect("taken");
            connection
                .message::<BlockOpResponseProto>(READ_TIMEOUT)
                .await
                .expect("answered")
        };
        assert_eq!(replace().await.status(), Status::Success, "{keys:?}");
        assert_eq!(fixture.namenode.finalized(), ["dn1", "dn2"]);
        assert_eq!(fixture.namenode.hints(), ["dn1"]);
        assert_eq!(
            fixture.read(1, 100_000).await.expect("there"),
            content(100_000)
        );
        let again = replace().await;
        assert_eq!(again.status(), Status::Error);
        assert!(
            again.message().contains("ReplicaAlreadyExistsException"),
            "{again:?}"
        );
    }
}

#[tokio::test]
async fn a_datanode_that_was_stopped_answers_nobody_and_can_be_started_again() {
    let mut fixture = Fixture::new(1, &[]);
    fixture.write(&content(1000)).await;
    let node = fixture.nodes[0].clone();
    node.stop();
    assert_eq!(node.next_deadline(), Timestamp::MAX);
    assert!(node.replica_visible_length(BLOCK).is_err());
    node.stopped().await;
    fixture
        .servers
        .join_next()
        .await
        .expect("one server")
        .expect("no panic")
        .expect("ended in peace");
    let listener =
        std::net::TcpListener::bind(node.registration().transfer_address()).expect("free again");
    node.start(NOW).expect("accepted");
    fixture
        .servers
        .spawn(serve(node, listener, std::future::pending()));
    assert_eq!(
        fixture.read(0, 1000).await.expect("still there"),
        content(1000)
    );
}
