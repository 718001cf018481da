//! New files: create, addBlock, complete.

use super::*;

#[test]
fn a_file_of_several_blocks_is_written_and_located() {
    let fixture = Fixture::new().with_datanodes(3);
    let hdfs = fixture.hdfs();
    let status = hdfs.create("/f").expect("created");
    assert_eq!(
        (status.file_id, status.blocksize, status.block_replication),
        (Some(16_386), Some(1024), Some(1))
    );
    let first = hdfs.write_block("/f", None, 1024);
    assert_eq!(
        (first.block_id, first.generation_stamp),
        (1_073_741_825, 1001)
    );
    let second = hdfs.write_block("/f", Some(&first), 10);
    let written = hdfs.locations("/f").expect("located");
    assert!(written.under_construction && !written.is_last_block_complete);
    assert_eq!((written.file_length, written.blocks.len()), (1024, 2));
    assert_eq!(
        written
            .last_block
            .expect("the one being written")
            .b
            .block_id,
        second.block_id
    );
    assert!(hdfs.complete("/f", Some(&second)).expect("no error"));
    let closed = hdfs.locations("/f").expect("located");
    assert!(!closed.under_construction && closed.is_last_block_complete);
    assert_eq!((closed.file_length, hdfs.stat("/f").length), (1034, 1034));
    for block in &closed.blocks {
        assert_eq!(
            (
                block.locs.len(),
                block.storage_i_ds.len(),
                block.storage_types.len()
            ),
            (1, 1, 1)
        );
        assert_eq!(
            block.block_token,
            crate::proto::common::TokenProto::default(),
            "security is off"
        );
    }
    assert!(
        hdfs.complete("/f", Some(&second)).expect("a repeated call"),
        "it is closed"
    );
}

#[test]
fn locations_are_told_for_the_range_that_is_asked_for() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[1024, 1024, 1024]);
    let ask = |offset: u64, length: u64| {
        let request = GetBlockLocationsRequestProto {
            src: "/f".to_owned(),
            offset,
            length,
        };
        let response =
            hdfs.call::<GetBlockLocationsResponseProto>("getBlockLocations", &request)?;
        let blocks = response.locations.expect("always there").blocks;
        Ok(blocks.iter().map(|block| block.offset).collect::<Vec<_>>())
    };
    assert_eq!(ask(0, 1024).expect("located"), [0]);
    assert_eq!(ask(1023, 2).expect("located"), [0, 1024]);
    assert_eq!(ask(3071, 1).expect("located"), [2048]);
    assert!(ask(3072, 1).expect("beyond the end").is_empty());
    refused(
        ask(u64::MAX, 1),
        "IllegalArgumentException",
        "Negative offset is not supported. File: /f",
    );
    refused(
        ask(0, u64::MAX),
        "IllegalArgumentException",
        "Negative length is not supported. File: /f",
    );
    refused(
        hdfs.locations("/missing"),
        "FileNotFoundException",
        "File does not exist: /missing",
    );
    refused(
        hdfs.locations("/"),
        "FileNotFoundException",
        "Path is not a file: /",
    );
}

#[test]
fn complete_answers_false_only_while_replicas_are_missing() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let block = hdfs.add_block("/f", None).expect("a block").b;
    let last = ExtendedBlockProto {
        num_bytes: Some(5),
        ..block.clone()
    };
    assert!(!hdfs.complete("/f", Some(&last)).expect("no error"));
    fixture.received(1, &block, 5);
    assert!(hdfs.complete("/f", Some(&last)).expect("no error"));
}

#[test]
fn a_repeated_add_block_gets_the_same_block() {
    let fixture = Fixture::new().with_datanodes(3);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let first = hdfs.add_block("/f", None).expect("a block");
    assert_eq!(hdfs.add_block("/f", None).expect("again"), first);
    fixture.received(
        first.locs[0].id.datanode_uuid[2..]
            .parse()
            .expect("a number"),
        &first.b,
        1024,
    );
    let previous = ExtendedBlockProto {
        num_bytes: Some(1024),
        ..first.b
    };
    let second = hdfs.add_block("/f", Some(&previous)).expect("a block");
    assert_eq!(
        hdfs.add_block("/f", Some(&previous)).expect("again"),
        second
    );
    let strange = ExtendedBlockProto {
        block_id: 1,
        ..previous.clone()
    };
    let error = hdfs
        .add_block("/f", Some(&strange))
        .expect_err("not of this file");
    assert!(
        error
            .message()
            .starts_with("Cannot allocate block in /f: passed 'previous' block"),
        "{error}"
    );
    let foreign = ExtendedBlockProto {
        pool_id: "BP-1".to_owned(),
        ..previous
    };
    let error = hdfs
        .add_block("/f", Some(&foreign))
        .expect_err("another pool");
    assert!(
        error
            .message()
            .starts_with("Unexpected BlockPoolId BP-1 - expected BP-"),
        "{error}"
    );
}

#[test]
fn a_third_block_waits_for_the_first_to_be_replicated() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let with_length = |block: LocatedBlockProto| ExtendedBlockProto {
        num_bytes: Some(1024),
        ..block.b
    };
    let first = with_length(hdfs.add_block("/f", None).expect("a block"));
    let second = with_length(
        hdfs.add_block("/f", Some(&first))
            .expect("the first need not be complete"),
    );
    refused(
        hdfs.add_block("/f", Some(&second)),
        "NotReplicatedYetException",
        "Not replicated yet: /f",
    );
    fixture.received(1, &first, 1024);
    hdfs.add_block("/f", Some(&second)).expect("a block");
}

#[test]
fn without_datanodes_there_is_no_place_to_write() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let node = hdfs.add_block("/f", None).expect("a block").locs.remove(0);
    let abandon = AbandonBlockRequestProto {
        b: hdfs
            .locations("/f")
            .expect("located")
            .last_block
            .expect("a block")
            .b,
        src: "/f".to_owned(),
        holder: "client-hdfs".to_owned(),
        file_id: None,
    };
    hdfs.call::<AbandonBlockResponseProto>("abandonBlock", &abandon)
        .expect("dropped");
    hdfs.call::<AbandonBlockResponseProto>("abandonBlock", &abandon)
        .expect("nothing to drop");
    let request = AddBlockRequestProto {
        src: "/f".to_owned(),
        client_name: "client-hdfs".to_owned(),
        exclude_nodes: vec![node],
        ..AddBlockRequestProto::default()
    };
    refused(
        hdfs.call::<AddBlockResponseProto>("addBlock", &request),
        "IOException",
        "File /f could only be written to 0 of the 1 minReplication nodes. \
         There are 1 datanode(s) running and 1 node(s) are excluded in this operation.",
    );
}

#[test]
fn create_refuses_what_its_flags_do_not_allow() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/dir", 0o755).expect("made");
    hdfs.write("/f", &[]);
    refused(
        hdfs.create("/dir"),
        "FileAlreadyExistsException",
        "/dir already exists as a directory",
    );
    refused(
        hdfs.create("/f"),
        "FileAlreadyExistsException",
        "/f for client 127.0.0.1 already exists",
    );
    refused(
        hdfs.create("/f/x"),
        "ParentNotDirectoryException",
        "/f (is not a directory)",
    );
    let create = |request: &CreateRequestProto| hdfs.call::<CreateResponseProto>("create", request);
    refused(
        create(&hdfs.create_request("/missing", CreateFlagProto::Overwrite as u32)),
        "FileNotFoundException",
        "Can't overwrite non-existent /missing",
    );
    let request = hdfs.create_request("/no/parent", 1);
    refused(
        create(&CreateRequestProto {
            create_parent: false,
            ..request.clone()
        }),
        "FileNotFoundException",
        "Parent directory doesn't exist: /no",
    );
    refused(
        create(&CreateRequestProto {
            block_size: 100,
            ..request.clone()
        }),
        "IOException",
        "Specified block size 100 is less than configured minimum value dfs.namenode.fs-limits.min-block-size=512",
    );
    for (replication, text) in [
        (0, "is less than the required minimum of 1"),
        (513, "exceeds maximum of 512"),
    ] {
        let request = CreateRequestProto {
            replication,
            ..request.clone()
        };
        let error = create(&request).expect_err("out of range");
        assert!(error.message().contains(text), "{error}");
    }
}

#[test]
fn overwriting_makes_a_new_file_and_drops_the_old_blocks() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[10]);
    let old = hdfs.stat("/f").file_id;
    let request = hdfs.create_request("/f", 3);
    hdfs.call::<CreateResponseProto>("create", &request)
        .expect("overwritten");
    assert!(hdfs.stat("/f").file_id > old);
    assert!(matches!(
        &fixture.heartbeat(1)[..],
        [DatanodeCommand::Invalidate(blocks)]
            if blocks.len() == 1
    ));
}

#[test]
fn a_space_quota_charges_whole_blocks_until_they_are_written() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/q", 0o755).expect("made");
    let request = SetQuotaRequestProto {
        path: "/q".to_owned(),
        namespace_quota: i64::MAX as u64,
        storagespace_quota: 1900,
        storage_type: None,
    };
    hdfs.call::<SetQuotaResponseProto>("setQuota", &request)
        .expect("set");
    hdfs.write("/q/f", &[100]);
    hdfs.write("/q/g", &[800]);
    hdfs.create("/q/h").expect("a file costs no space");
    refused(
        hdfs.add_block("/q/h", None),
        "DSQuotaExceededException",
        "The DiskSpace quota of /q is exceeded: quota = 1900 B = 1.86 KB but diskspace consumed = 1924 B = 1.88 KB",
    );
}
