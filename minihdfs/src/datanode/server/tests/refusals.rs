//! Requests that DataNodes reject, and their handling of garbage.

use super::*;

#[tokio::test]
async fn tokens_that_are_missing_foreign_expired_or_for_something_else_are_refused() {
    let fixture = Fixture::new(1, SECURE);
    let data = content(1000);
    fixture.write(&data).await;
    let settings = fixture.secrets.settings().clone();
    let other = BlockTokenSecretManager::new(settings.clone(), NOW, &mut StdRng::seed_from_u64(2));
    let read = [AccessMode::Read];
    let early = NOW - settings.token_lifetime - Duration::from_secs(1);
    let empty: Token = crate::proto::common::TokenProto::default().into();
    let mut forged = fixture.token(&read);
    forged.password = bytes::Bytes::from_static(&[0; 20]);
    let other_block = fixture
        .secrets
        .issue(NOW, "alice", BLOCK.id + 1, &read, &[], &[]);
    let expired = fixture
        .secrets
        .issue(early, "alice", BLOCK.id, &read, &[], &[]);
    for (token, why) in [
        (empty, "Unable to de-serialize"),
        (
            other.issue(NOW, "alice", BLOCK.id, &read, &[], &[]),
            "doesn't exist",
        ),
        (expired, "is expired"),
        (other_block, "doesn't apply to block"),
        (
            fixture.token(&[AccessMode::Write]),
            "doesn't have READ permission",
        ),
        (forged, "doesn't have the correct token password"),
    ] {
        let mut connection = fixture.connect(0).await;
        let answer = begin_read(&mut connection, token, 0, 1000)
            .await
            .expect("answered");
        assert_eq!(answer.status(), Status::ErrorAccessToken, "{why}");
        assert_eq!(answer.message, None, "Hadoop says no more");
        assert!(connection.fill().await.is_err(), "the connection is closed");
    }
    let refused = fixture.outcomes(|event| matches!(event, Event::ReadBlock { .. }));
    assert_eq!(refused, vec![Outcome::Status("ERROR_ACCESS_TOKEN"); 6]);

    let mut connection = fixture.connect(0).await;
    let answer = begin_write(
        &mut connection,
        &fixture.write_request(&[], fixture.token(&read)),
    )
    .await;
    assert_eq!(answer.status(), Status::ErrorAccessToken);
    let own = fixture.nodes[0]
        .registration()
        .transfer_address()
        .to_string();
    assert_eq!(answer.first_bad_link.as_deref(), Some(&*own));
}

#[tokio::test]
async fn every_operation_needs_a_token_for_just_what_it_does() {
    let fixture = Fixture::new(2, SECURE);
    fixture.write(&content(1000)).await;
    let modes = [
        AccessMode::Read,
        AccessMode::Write,
        AccessMode::Copy,
        AccessMode::Replace,
    ];
    // The access mode that each operation checks in Hadoop's DataXceiver.
    let operations = [
        (op::READ_BLOCK, AccessMode::Read),
        (op::WRITE_BLOCK, AccessMode::Write),
        (op::TRANSFER_BLOCK, AccessMode::Copy),
        (op::COPY_BLOCK, AccessMode::Copy),
        (op::REPLACE_BLOCK, AccessMode::Replace),
        (op::BLOCK_CHECKSUM, AccessMode::Read),
    ];
    for (code, needed) in operations {
        for mode in modes {
            let header = header(BLOCK, fixture.token(&[mode]), "client");
            let mut connection = fixture.connect(0).await;
            let base_header = header.base_header.clone();
            match code {
                op::READ_BLOCK => {
                    let request = OpReadBlockProto {
                        header,
                        len: 1,
                        ..OpReadBlockProto::default()
                    };
                    put_operation(&mut connection, code, &request);
                }
                op::WRITE_BLOCK => {
                    let request = fixture.write_request(&[], fixture.token(&[mode]));
                    put_operation(&mut connection, code, &request);
                }
                op::TRANSFER_BLOCK => {
                    let request = OpTransferBlockProto {
                        header,
                        targets: vec![fixture.info(1)],
                        ..OpTransferBlockProto::default()
                    };
                    put_operation(&mut connection, code, &request);
                }
                op::COPY_BLOCK => {
                    let request = OpCopyBlockProto {
                        header: base_header,
                    };
                    put_operation(&mut connection, code, &request);
                }
                op::REPLACE_BLOCK => {
                    let request = OpReplaceBlockProto {
                        header: base_header,
                        source: fixture.info(1),
                        ..OpReplaceBlockProto::default()
                    };
                    put_operation(&mut connection, code, &request);
                }
                _ => {
                    let request = OpBlockChecksumProto {
                        header: base_header,
                        block_checksum_options: None,
                    };
                    put_operation(&mut connection, code, &request);
                }
            }
            connection.flush().await.expect("taken");
            let answer: BlockOpResponseProto =
                connection.message(READ_TIMEOUT).await.expect("answered");
            let denied = answer.status() == Status::ErrorAccessToken;
            assert_eq!(denied, mode != needed, "operation {code} with {mode:?}");
        }
    }
}

#[tokio::test]
async fn a_client_without_the_handshake_and_one_with_a_needless_one_are_cut_off() {
    let fixture = Fixture::new(
        1,
        &[
            SECURE[0],
            ("dfs.data.transfer.protection", "authentication"),
        ],
    );
    let address = fixture.nodes[0].registration().transfer_address();
    let mut plain = Connection::new(
        TcpStream::connect(address).await.expect("listening"),
        address,
    );
    assert!(
        begin_read(&mut plain, fixture.token(&[AccessMode::Read]), 0, 1)
            .await
            .is_err()
    );
    let refused = fixture.outcomes(|event| matches!(event, Event::Sasl { .. }));
    assert!(
        matches!(
            &refused[..],
            [Outcome::Exception { message, .. }]
                if message.contains("does not support SASL")
        ),
        "{refused:?}"
    );

    let fixture = Fixture::new(1, SECURE);
    let address = fixture.nodes[0].registration().transfer_address();
    let mut eager = Connection::new(
        TcpStream::connect(address).await.expect("listening"),
        address,
    );
    eager.outbox.unit(&0xDEAD_BEEFu32.to_be_bytes());
    eager.flush().await.expect("taken");
    assert!(eager.fill().await.is_err());
}

#[tokio::test]
async fn operations_that_are_not_there_and_nonsense_do_no_harm() {
    let fixture = Fixture::new(1, &[]);
    fixture.write(&content(1000)).await;
    let mut connection = fixture.connect(0).await;
    put_operation(&mut connection, 87, &OpReadBlockProto::default());
    connection.flush().await.expect("taken");
    let answer: BlockOpResponseProto = connection.message(READ_TIMEOUT).await.expect("answered");
    assert_eq!(answer.status(), Status::ErrorUnsupported);
    let mut seed = 1u64;
    for bytes in [
        b"GET / HTTP/1.1\r\n\r\n".as_slice(),
        &[0, 28, 99, 1, 0],
        &[0, 28, 81, 0xff, 0xff, 0xff, 0xff, 0xff],
    ] {
        for _ in 0..20 {
            let mut connection = fixture.connect(0).await;
            let mut bytes = bytes.to_vec();
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            bytes.extend_from_slice(&seed.to_be_bytes());
            connection.outbox.unit(&bytes);
            connection.flush().await.expect("taken");
        }
    }
    let wrong_pool = OpReadBlockProto {
        header: ClientOperationHeaderProto {
            base_header: BaseHeaderProto {
                block: ExtendedBlockProto {
                    pool_id: "BP-2".to_owned(),
                    ..header(BLOCK, fixture.token(&[]), "").base_header.block
                },
                ..BaseHeaderProto::default()
            },
            ..ClientOperationHeaderProto::default()
        },
        ..OpReadBlockProto::default()
    };
    let mut connection = fixture.connect(0).await;
    put_operation(&mut connection, 81, &wrong_pool);
    connection.flush().await.expect("taken");
    let answer: BlockOpResponseProto = connection.message(READ_TIMEOUT).await.expect("answered");
    assert!(
        answer.message().contains("Block pool BP-2 is not found"),
        "{answer:?}"
    );
    assert_eq!(
        fixture.read(0, 1000).await.expect("still served"),
        content(1000)
    );
}

#[tokio::test]
async fn a_read_beyond_the_end_is_refused_with_a_reason() {
    let fixture = Fixture::new(1, &[]);
    fixture.write(&content(1000)).await;
    let error = fixture
        .read(0, 1001)
        .await
        .expect_err("too long")
        .to_string();
    assert!(
        error.starts_with(&format!(
            "ERROR: opReadBlock {POOL}:blk_1073741825_1001 received exception"
        )),
        "{error}"
    );
    assert!(
        fixture.nodes[0]
            .store
            .read(
                BLOCK,
                ReadRange {
                    offset: 0,
                    length: 1000,
                    checksums: true
                }
            )
            .is_ok()
    );
}

#[tokio::test]
async fn flipped_and_cut_conversations_do_no_harm() {
    let fixture = Fixture::new(1, &[]);
    // A complete conversation of a writer: operation, packet, last packet.
    let mut recorded =
        Connection::connect(&fixture.nodes[0], &fixture.info(0).id, &fixture.token(&[]))
            .await
            .expect("accepted");
    put_operation(
        &mut recorded,
        op::WRITE_BLOCK,
        &fixture.write_request(&[], fixture.token(&[])),
    );
    put_packet(&mut recorded, 0, 0, b"hello", false);
    put_packet(&mut recorded, 1, 5, &[], true);
    let conversation = recorded.outbox.bytes().to_vec();
    let mut rng = StdRng::seed_from_u64(9);
    for _ in 0..300 {
        let mut bytes = conversation.clone();
        let random = rand::Rng::next_u64(&mut rng) as usize;
        bytes[random % conversation.len()] ^= 1 << (random >> 32 & 7);
        bytes.truncate(
            conversation.len() - (random >> 40) % 3 * (random >> 44) % conversation.len(),
        );
        let mut connection = fixture.connect(0).await;
        connection.outbox.unit(&bytes);
        connection.flush().await.expect("taken");
        fixture.nodes[0]
            .store
            .delete(Block {
                generation_stamp: u64::MAX,
                ..BLOCK
            })
            .expect("deletable");
    }
    fixture.nodes[0]
        .store
        .delete(Block {
            generation_stamp: u64::MAX,
            ..BLOCK
        })
        .expect("deletable");
    fixture.write(&content(1000)).await;
    assert_eq!(
        fixture.read(0, 1000).await.expect("still served"),
        content(1000)
    );
}

#[tokio::test]
async fn an_order_to_copy_a_replica_that_is_not_there_is_reported() {
    let fixture = Fixture::new(2, &[]);
    let order = DatanodeCommand::Transfer {
        block: BLOCK,
        targets: vec![fixture.nodes[1].registration().clone()],
        storages: Vec::new(),
    };
    fixture.namenode.order("dn1", order);
    fixture.namenode.raise_signal("dn1");
    fixture
        .namenode
        .until(|namenode| !namenode.errors().is_empty())
        .await;
    let (error, message) = fixture.namenode.errors().remove(0);
    assert_eq!(error, DatanodeError::InvalidBlock);
    assert!(
        message.starts_with("Can't send invalid block blk_1073741825_1001"),
        "{message}"
    );
}

#[tokio::test]
async fn a_datanode_checks_tokens_by_the_newest_keys_of_its_namenode() {
    let fixture = Fixture::new(1, SECURE);
    let data = content(1000);
    fixture.write(&data).await;
    fixture.secrets.clear_keys(NOW);
    let token = fixture.token(&[AccessMode::Read]);
    let mut connection = fixture.connect(0).await;
    let answer = begin_read(&mut connection, token.clone(), 0, 1000)
        .await
        .expect("answered");
    assert_eq!(answer.status(), Status::ErrorAccessToken, "an unknown key");
    let keys = DatanodeCommand::UpdateKeys(fixture.secrets.export_keys());
    fixture.namenode.order("dn1", keys);
    fixture.nodes[0].heartbeat(NOW);
    let mut connection = fixture.connect(0).await;
    let read = read_on(&mut connection, token, 1000).await;
    assert_eq!(read.expect("a known key"), data);
}
