//! Numbers and names that only a hostile client sends.

use super::*;

const HUGE: u64 = u64::MAX;

fn fsync(session: &Session<'_>, src: &str, length: i64) -> Result<FsyncResponseProto, HdfsError> {
    let request = FsyncRequestProto {
        src: src.to_owned(),
        client: format!("client-{}", session.caller.user.short),
        last_block_length: Some(length),
        file_id: None,
    };
    session.call("fsync", &request)
}

fn with_length(block: &ExtendedBlockProto, length: u64) -> ExtendedBlockProto {
    ExtendedBlockProto {
        num_bytes: Some(length),
        ..block.clone()
    }
}

#[test]
fn a_negative_length_of_a_block_is_refused_and_harms_nobody() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let first = hdfs.add_block("/f", None).expect("a block").b;
    let negative = format!(
        "{}:blk_{}_{} cannot have -1 bytes: a length is not negative",
        first.pool_id, first.block_id, first.generation_stamp
    );
    let lie = with_length(&first, HUGE);
    refused(hdfs.add_block("/f", Some(&lie)), "IOException", &negative);
    refused(hdfs.complete("/f", Some(&lie)), "IOException", &negative);
    fsync(&hdfs, "/f", -5).expect("Hadoop ignores what is not above zero");
    assert_eq!(fixture.user("bob").stat("/f").length, 0);
}

#[test]
fn lengths_that_add_up_to_more_than_a_long_stay_one() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let first = hdfs.add_block("/f", None).expect("a block").b;
    let longest = with_length(&first, i64::MAX as u64);
    hdfs.add_block("/f", Some(&longest)).expect("a block");
    fsync(&hdfs, "/f", 5).expect("flushed");
    let bob = fixture.user("bob");
    assert_eq!(bob.stat("/f").length, i64::MAX as u64);
    bob.locations("/f").expect("located");
    let summary = GetContentSummaryRequestProto {
        path: "/".to_owned(),
    };
    let summary = hdfs.call::<GetContentSummaryResponseProto>("getContentSummary", &summary);
    assert_eq!(summary.expect("told").summary.length, i64::MAX as u64);
    let truncate = TruncateRequestProto {
        src: "/f".to_owned(),
        new_length: 1,
        client_name: "another".to_owned(),
    };
    let truncated = hdfs.call::<TruncateResponseProto>("truncate", &truncate);
    assert!(truncated.is_err(), "somebody writes it");
    assert!(hdfs.delete("/f", false).expect("deleted"));
}

fn update_pipeline(
    session: &Session<'_>,
    old: &ExtendedBlockProto,
    new: ExtendedBlockProto,
    node: &DatanodeIdProto,
    times: usize,
) -> Result<UpdatePipelineResponseProto, HdfsError> {
    let request = UpdatePipelineRequestProto {
        client_name: format!("client-{}", session.caller.user.short),
        old_block: old.clone(),
        new_block: new,
        new_nodes: vec![node.clone(); times],
        storage_i_ds: vec!["DS-1".to_owned(); times],
    };
    session.call("updatePipeline", &request)
}

#[test]
fn a_pipeline_has_each_datanode_once_and_only_stamps_that_were_given_out() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let located = hdfs.add_block("/f", None).expect("a block");
    let (old, node) = (located.b, &located.locs[0].id);
    let stamped = |generation_stamp| ExtendedBlockProto {
        generation_stamp,
        ..old.clone()
    };
    let error = update_pipeline(&hdfs, &old, stamped(HUGE), node, 1).expect_err("never given out");
    assert!(error.message().contains("has not given out"), "{error}");
    let request = UpdateBlockForPipelineRequestProto {
        block: old.clone(),
        client_name: "client-hdfs".to_owned(),
    };
    let renewed =
        hdfs.call::<UpdateBlockForPipelineResponseProto>("updateBlockForPipeline", &request);
    let stamp = renewed.expect("a stamp").block.b.generation_stamp;
    let mut lie = stamped(stamp);
    lie.num_bytes = Some(HUGE);
    let error = update_pipeline(&hdfs, &old, lie, node, 1).expect_err("negative");
    assert!(error.message().contains("cannot have -1 bytes"), "{error}");
    update_pipeline(&hdfs, &old, stamped(stamp), node, 1000).expect("updated");
    let last = hdfs.locations("/f").expect("located").last_block;
    assert_eq!(last.expect("a block").locs.len(), 1);
}

#[test]
fn a_pipeline_with_fewer_storages_than_datanodes_is_refused() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let located = hdfs.add_block("/f", None).expect("a block");
    let block = located.b.clone();
    let request = UpdateBlockForPipelineRequestProto {
        block: block.clone(),
        client_name: "client-hdfs".to_owned(),
    };
    let renewed =
        hdfs.call::<UpdateBlockForPipelineResponseProto>("updateBlockForPipeline", &request);
    let newer = renewed.expect("a stamp").block.b;
    let name = |block: &ExtendedBlockProto| {
        let (id, stamp) = (block.block_id, block.generation_stamp);
        format!("{}:blk_{id}_{stamp}", block.pool_id)
    };
    let (old_name, new_name) = (name(&block), name(&newer));
    let request = UpdatePipelineRequestProto {
        client_name: "client-hdfs".to_owned(),
        old_block: block,
        new_block: newer,
        new_nodes: vec![located.locs[0].id.clone()],
        storage_i_ds: vec!["DS-1".to_owned(), "DS-2".to_owned()],
    };
    refused(
        hdfs.call::<UpdatePipelineResponseProto>("updatePipeline", &request),
        "HadoopIllegalArgumentException",
        &format!(
            "Length mismatched: storageIDs.length=2 !=  datanodeID.length=1, \
             src=/f, oldBlock={old_name}, newBlock={new_name}, clientName=client-hdfs"
        ),
    );
}

#[test]
fn repeated_datanodes_come_back_once() {
    let fixture = Fixture::new().with_datanodes(2);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let located = hdfs.add_block("/f", None).expect("a block");
    let request = GetAdditionalDatanodeRequestProto {
        src: "/f".to_owned(),
        blk: located.b,
        existings: vec![located.locs[0].clone(); 1000],
        num_additional_nodes: u32::MAX,
        client_name: "client-hdfs".to_owned(),
        ..GetAdditionalDatanodeRequestProto::default()
    };
    let answer = hdfs.call::<GetAdditionalDatanodeResponseProto>("getAdditionalDatanode", &request);
    assert_eq!(answer.expect("located").block.locs.len(), 2);
}

#[test]
fn names_that_are_kept_are_bounded() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[1]);
    let long = "n".repeat(1025);
    let too_long = |what: &str| {
        format!("The {what} has 1025 bytes: at most 1024 are kept, so send a shorter one")
    };
    let class = "HadoopIllegalArgumentException";
    let client = too_long("client's name");
    let create = CreateRequestProto {
        client_name: long.clone(),
        ..hdfs.create_request("/g", CreateFlagProto::Create as u32)
    };
    refused(
        hdfs.call::<CreateResponseProto>("create", &create),
        class,
        &client,
    );
    let append = AppendRequestProto {
        src: "/f".to_owned(),
        client_name: long.clone(),
        flag: None,
    };
    refused(
        hdfs.call::<AppendResponseProto>("append", &append),
        class,
        &client,
    );
    let recover = RecoverLeaseRequestProto {
        src: "/f".to_owned(),
        client_name: long.clone(),
    };
    refused(
        hdfs.call::<RecoverLeaseResponseProto>("recoverLease", &recover),
        class,
        &client,
    );
    let truncate = TruncateRequestProto {
        src: "/f".to_owned(),
        new_length: 0,
        client_name: long.clone(),
    };
    refused(
        hdfs.call::<TruncateResponseProto>("truncate", &truncate),
        class,
        &client,
    );
    refused(
        hdfs.chown("/f", Some(&long), None),
        class,
        &too_long("owner's name"),
    );
    refused(
        hdfs.chown("/f", None, Some(&long)),
        class,
        &too_long("group's name"),
    );
    let acl = SetAclRequestProto {
        src: "/f".to_owned(),
        acl_spec: vec![AclEntryProto {
            name: Some(long.clone()),
            ..AclEntryProto::default()
        }],
    };
    refused(
        hdfs.call::<SetAclResponseProto>("setAcl", &acl),
        class,
        &too_long("name in the ACL"),
    );
    let token = crate::proto::common::GetDelegationTokenRequestProto { renewer: long };
    refused(
        Fixture::with(&[("dfs.namenode.delegation.token.always-use", "true")])
            .hdfs()
            .call::<crate::proto::common::GetDelegationTokenResponseProto>(
                "getDelegationToken",
                &token,
            ),
        class,
        &too_long("renewer's name"),
    );
}

#[test]
fn times_and_replications_of_any_size_are_taken_as_hadoop_takes_them() {
    let fixture = Fixture::with(&[("dfs.namenode.accesstime.precision", "0")]);
    let hdfs = fixture.hdfs();
    hdfs.create("/f").expect("created");
    let set_times = |mtime: i64, atime: i64| {
        let request = SetTimesRequestProto {
            src: "/f".to_owned(),
            mtime: mtime.cast_unsigned(),
            atime: atime.cast_unsigned(),
        };
        hdfs.call::<SetTimesResponseProto>("setTimes", &request)
            .expect("set, with a precision of 0 too");
        let status = hdfs.stat("/f");
        (status.modification_time, status.access_time)
    };
    assert_eq!(set_times(7, 8), (7, 8));
    assert_eq!(
        set_times(-2, i64::MIN),
        (7, 8),
        "what is negative is no time"
    );
    let longest = i64::MAX as u64;
    assert_eq!(set_times(i64::MAX, i64::MAX), (longest, longest));
    let negative = SetReplicationRequestProto {
        src: "/f".to_owned(),
        replication: u32::MAX,
    };
    refused(
        hdfs.call::<SetReplicationResponseProto>("setReplication", &negative),
        "IOException",
        "Requested replication factor of -1 is less than the required minimum of 1 for /f",
    );
}

#[test]
fn a_tree_does_not_grow_deeper_through_paths_by_inode_and_renames() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    let deepest = "/d".repeat(1000);
    hdfs.mkdirs(&deepest, 0o755).expect("Hadoop's limit");
    let id = hdfs.stat(&deepest).file_id.expect("an id");
    let below = format!("/.reserved/.inodes/{id}/x");
    let too_long = |operation: &str| {
        format!("{operation}: Pathname too long.  Limit 8000 characters, 1000 levels.")
    };
    refused(
        hdfs.mkdirs(&below, 0o755),
        "IOException",
        &too_long("mkdirs"),
    );
    refused(hdfs.create(&below), "IOException", &too_long("create"));
    hdfs.mkdirs("/e", 0o755).expect("made");
    hdfs.mkdirs("/f/g", 0o755).expect("made");
    let renames = |src: &str, dst: &str| {
        let old = RenameRequestProto {
            src: src.to_owned(),
            dst: dst.to_owned(),
        };
        let new = Rename2RequestProto {
            src: src.to_owned(),
            dst: dst.to_owned(),
            overwrite_dest: true,
            move_to_trash: None,
        };
        for refusal in [
            hdfs.call::<RenameResponseProto>("rename", &old).map(drop),
            hdfs.call::<Rename2ResponseProto>("rename2", &new).map(drop),
        ] {
            refused(refusal, "IOException", &too_long("rename"));
        }
    };
    renames("/e", &below);
    // With what is below it, this is deeper than its own path says.
    renames("/f", &format!("{}/f", "/d".repeat(999)));
    // What gets no deeper can be moved, also to other directories.
    let moved = Rename2RequestProto {
        src: "/d/d".to_owned(),
        dst: "/f/d".to_owned(),
        overwrite_dest: false,
        move_to_trash: None,
    };
    hdfs.call::<Rename2ResponseProto>("rename2", &moved)
        .expect("as deep as before");
    // An existing directory is no new one.
    let known = format!("/.reserved/.inodes/{id}");
    assert!(hdfs.mkdirs(&known, 0o755).expect("it exists"));
    let long = format!("/{}", vec!["n".repeat(249); 32].join("/"));
    hdfs.mkdirs(&long, 0o755).expect("8000 characters");
    let id = hdfs.stat(&long).file_id.expect("an id");
    refused(
        hdfs.mkdirs(&format!("/.reserved/.inodes/{id}/x"), 0o755),
        "IOException",
        &too_long("mkdirs"),
    );
}
