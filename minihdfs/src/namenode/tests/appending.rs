//! Files that are written further: append, pipelines that go on, concat.

use super::*;

#[test]
fn appending_goes_on_in_the_last_block() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[1000]);
    let append = |flag: Option<u32>| {
        let request = AppendRequestProto {
            src: "/f".to_owned(),
            client_name: "client-hdfs".to_owned(),
            flag,
        };
        hdfs.call::<AppendResponseProto>("append", &request)
            .expect("opened")
    };
    let block = append(None).block.expect("there is room in it");
    assert_eq!(
        (block.offset, block.b.num_bytes, block.locs.len()),
        (0, Some(1000), 1)
    );
    assert!(
        hdfs.complete("/f", Some(&block.b))
            .expect("nothing was written"),
        "no report is needed"
    );
    let block = append(None).block.expect("there is room in it");
    fixture.received(1, &block.b, 1024);
    let full = ExtendedBlockProto {
        num_bytes: Some(1024),
        ..block.b
    };
    assert!(hdfs.complete("/f", Some(&full)).expect("no error"));
    let response = append(None);
    assert!(response.block.is_none(), "the block is full");
    assert_eq!(response.stat.expect("always there").length, 1024);
    let next = hdfs.write_block("/f", None, 6);
    assert!(hdfs.complete("/f", Some(&next)).expect("no error"));
    let block = append(Some(36)).block.expect("named");
    assert!(block.locs.is_empty(), "a new block is wanted");
    let last = hdfs.write_block("/f", Some(&block.b), 1);
    assert!(hdfs.complete("/f", Some(&last)).expect("no error"));
    assert_eq!(hdfs.stat("/f").length, 1031);
}

#[test]
fn append_refuses_directories_and_what_is_missing() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    let append = |src: &str| {
        let request = AppendRequestProto {
            src: src.to_owned(),
            client_name: "client-hdfs".to_owned(),
            flag: Some(4),
        };
        hdfs.call::<AppendResponseProto>("append", &request)
    };
    refused(
        append("/missing"),
        "FileNotFoundException",
        "Failed to append to non-existent file /missing for client 127.0.0.1",
    );
    refused(
        append("/"),
        "FileAlreadyExistsException",
        "Cannot append to directory /; already exists as a directory.",
    );
}

#[test]
fn a_pipeline_goes_on_under_a_new_generation_stamp() {
    let fixture = Fixture::new().with_datanodes(3);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let located = hdfs.add_block("/f", None).expect("a block");
    let request = UpdateBlockForPipelineRequestProto {
        block: located.b.clone(),
        client_name: "client-hdfs".to_owned(),
    };
    let new = hdfs
        .call::<UpdateBlockForPipelineResponseProto>("updateBlockForPipeline", &request)
        .expect("stamped")
        .block
        .b;
    assert_eq!(new.generation_stamp, located.b.generation_stamp + 1);
    let mut update = UpdatePipelineRequestProto {
        client_name: "client-hdfs".to_owned(),
        old_block: located.b.clone(),
        new_block: ExtendedBlockProto {
            num_bytes: Some(7),
            ..new.clone()
        },
        new_nodes: vec![located.locs[0].id.clone()],
        storage_i_ds: located.storage_i_ds[..1].to_vec(),
    };
    let stranger = UpdatePipelineRequestProto {
        client_name: "client-alice".to_owned(),
        ..update.clone()
    };
    let error = hdfs
        .call::<UpdatePipelineResponseProto>("updatePipeline", &stranger)
        .expect_err("not the writer");
    assert!(error.class().ends_with(".LeaseExpiredException"));
    hdfs.call::<UpdatePipelineResponseProto>("updatePipeline", &update)
        .expect("updated");
    update.new_block.generation_stamp -= 1;
    let error = hdfs
        .call::<UpdatePipelineResponseProto>("updatePipeline", &update)
        .expect_err("older");
    assert!(
        error.message().contains("a larger generation stamp"),
        "{error}"
    );
    let last = ExtendedBlockProto {
        num_bytes: Some(9),
        ..located.b.clone()
    };
    let error = hdfs.complete("/f", Some(&last)).expect_err("the old stamp");
    assert!(
        error
            .message()
            .starts_with("Commit block with mismatching GS."),
        "{error}"
    );
    let number = located.locs[0].id.datanode_uuid[2..]
        .parse()
        .expect("a number");
    fixture.received(number, &new, 9);
    let last = ExtendedBlockProto {
        num_bytes: Some(9),
        ..new
    };
    assert!(hdfs.complete("/f", Some(&last)).expect("no error"));
}

#[test]
fn a_stamp_that_is_asked_for_and_not_used_changes_nothing() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let block = hdfs.write_block("/f", None, 4);
    let request = UpdateBlockForPipelineRequestProto {
        block: block.clone(),
        client_name: "client-hdfs".to_owned(),
    };
    hdfs.call::<UpdateBlockForPipelineResponseProto>("updateBlockForPipeline", &request)
        .expect("stamped");
    assert!(
        hdfs.complete("/f", Some(&block))
            .expect("with the old stamp, as the Go client does")
    );
}

#[test]
fn concat_moves_the_blocks() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.write("/a", &[10]);
    hdfs.write("/b", &[20, 5]);
    hdfs.write("/empty", &[]);
    hdfs.mkdirs("/d", 0o755).expect("made");
    hdfs.write("/d/c", &[1]);
    let concat = |srcs: &[&str]| {
        let request = ConcatRequestProto {
            trg: "/a".to_owned(),
            srcs: srcs.iter().map(|src| (*src).to_owned()).collect(),
        };
        hdfs.call::<ConcatResponseProto>("concat", &request)
            .map(|_| ())
    };
    let class = "HadoopIllegalArgumentException";
    refused(
        concat(&["/d/c"]),
        class,
        "Source file /d/c is not in the same directory with the target /a",
    );
    refused(
        concat(&["/empty"]),
        class,
        "concat: source file /empty is invalid or empty or underConstruction",
    );
    refused(
        concat(&["/a"]),
        class,
        "concat: the src file /a is the same with the target file /a",
    );
    refused(
        concat(&["/b", "/b"]),
        class,
        "concat: at least two of the source files are the same",
    );
    refused(concat(&[]), "IllegalArgumentException", "No sources given");
    concat(&["/b"]).expect("joined");
    assert!(!hdfs.exists("/b"));
    let blocks = hdfs.locations("/a").expect("located").blocks;
    assert_eq!(
        blocks.iter().map(|block| block.offset).collect::<Vec<_>>(),
        [0, 10, 30]
    );
    assert!(fixture.heartbeat(1).is_empty(), "no block is deleted");
}
