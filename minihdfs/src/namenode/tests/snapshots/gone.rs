//! Files that are removed while they are written, and that a snapshot shows.

use super::*;

/// The block size of a session's files.
const FULL: u64 = 1024;

impl Session<'_> {
    /// Creates a file and writes a block of which 100 bytes are flushed. Returns its id and the
    /// block.
    fn write_begun(&self, src: &str) -> (u64, ExtendedBlockProto) {
        let id = self.create(src).expect("created").file_id();
        let block = self.add_block(src, None).expect("a block").b;
        let request = FsyncRequestProto {
            src: src.to_owned(),
            client: format!("client-{}", self.caller.user.short),
            last_block_length: Some(100),
            file_id: None,
        };
        let flushed = self.call::<FsyncResponseProto>("fsync", &request);
        flushed.expect("flushed");
        (id, block)
    }

    /// Makes the calls of a writer, by the file's id.
    fn go_on(
        &self,
        src: &str,
        file_id: u64,
        block: &ExtendedBlockProto,
    ) -> [Result<(), HdfsError>; 5] {
        let (src, file_id) = (src.to_owned(), Some(file_id));
        let client_name = format!("client-{}", self.caller.user.short);
        let add = AddBlockRequestProto {
            src: src.clone(),
            client_name: client_name.clone(),
            previous: Some(block.clone()),
            file_id,
            ..AddBlockRequestProto::default()
        };
        let sync = FsyncRequestProto {
            src: src.clone(),
            client: client_name.clone(),
            last_block_length: Some(200),
            file_id,
        };
        let abandon = AbandonBlockRequestProto {
            b: block.clone(),
            src: src.clone(),
            holder: client_name.clone(),
            file_id,
        };
        let complete = CompleteRequestProto {
            src: src.clone(),
            client_name: client_name.clone(),
            last: Some(block.clone()),
            file_id,
        };
        let additional = GetAdditionalDatanodeRequestProto {
            src,
            blk: block.clone(),
            num_additional_nodes: 1,
            client_name,
            file_id,
            ..GetAdditionalDatanodeRequestProto::default()
        };
        [
            self.call::<AddBlockResponseProto>("addBlock", &add)
                .map(drop),
            self.call::<FsyncResponseProto>("fsync", &sync).map(drop),
            self.call::<AbandonBlockResponseProto>("abandonBlock", &abandon)
                .map(drop),
            self.call::<CompleteResponseProto>("complete", &complete)
                .map(drop),
            self.call::<GetAdditionalDatanodeResponseProto>("getAdditionalDatanode", &additional)
                .map(drop),
        ]
    }

    /// Returns the space that a tree consumes.
    fn space(&self, path: &str) -> u64 {
        let request = GetContentSummaryRequestProto {
            path: path.to_owned(),
        };
        let response = self.call::<GetContentSummaryResponseProto>("getContentSummary", &request);
        response.expect("it exists").summary.space_consumed
    }

    fn is_closed(&self, src: &str) -> bool {
        let request = IsFileClosedRequestProto {
            src: src.to_owned(),
        };
        let response = self.call::<IsFileClosedResponseProto>("isFileClosed", &request);
        response.expect("it exists").result
    }
}

/// A NameNode with a file `/d/e/f` that is being written and that the snapshot `s` of `/d` shows.
fn begun() -> (Fixture, u64, ExtendedBlockProto) {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/d/e", 0o755).expect("made");
    let (id, block) = hdfs.write_begun("/d/e/f");
    hdfs.create_snapshot("/d", "s").expect("taken");
    (fixture, id, block)
}

#[test]
fn its_writer_hears_that_it_is_deleted() {
    let (mut fixture, id, block) = begun();
    let hdfs = fixture.hdfs();
    hdfs.create("/d/other").expect("created");
    hdfs.delete("/d/e/f", false).expect("removed");
    let text = format!(
        "File is deleted: /d/e/f (inode {id}) [Lease.  Holder: client-hdfs, pending creates: 1]"
    );
    for answer in hdfs.go_on("/d/e/f", id, &block) {
        refused(answer, "FileNotFoundException", &text);
    }
    let text = format!("File does not exist: /d/e/f (inode {id})");
    refused(
        hdfs.complete("/d/e/f", Some(&block)),
        "FileNotFoundException",
        "File does not exist: /d/e/f (inode 0) [Lease.  Holder: client-hdfs, pending creates: 1]",
    );
    let request = UpdateBlockForPipelineRequestProto {
        block: block.clone(),
        client_name: "client-hdfs".to_owned(),
    };
    let answer =
        hdfs.call::<UpdateBlockForPipelineResponseProto>("updateBlockForPipeline", &request);
    let error = answer.expect_err("it is gone");
    let end = "belonged to does not exist or it is not under construction.";
    assert!(error.message().ends_with(end), "{error}");
    fixture.check_law();
    fixture.restart();
    let hdfs = fixture.hdfs();
    fixture.returns(1, &[]);
    fixture.advance(Duration::from_secs(60));
    fixture.tick();
    let [answer, ..] = hdfs.go_on("/d/e/f", id, &block);
    let error = answer.expect_err("it is still deleted");
    assert!(
        error.message().starts_with("File is deleted: /d/e/f"),
        "{error}"
    );
    hdfs.delete_snapshot("/d", "s").expect("deleted");
    for answer in hdfs.go_on("/d/e/f", id, &block) {
        refused_with(answer, &text);
    }
}

fn refused_with(answer: Result<(), HdfsError>, text: &str) {
    let error = answer.expect_err("it is gone");
    assert!(error.message().starts_with(text), "{error}");
}

#[test]
fn its_last_block_counts_as_a_full_one() {
    let (fixture, ..) = begun();
    let hdfs = fixture.hdfs();
    assert_eq!(hdfs.space("/d"), FULL);
    hdfs.delete("/d/e/f", false).expect("removed");
    assert_eq!(hdfs.space("/d"), FULL);
    assert_eq!(
        hdfs.space("/d/.snapshot/s"),
        100,
        "its length, which is recorded"
    );
    assert!(!hdfs.is_closed("/d/.snapshot/s/e/f"));
    fixture.check_law();
    hdfs.create_snapshot("/d", "t").expect("taken");
    hdfs.delete_snapshot("/d", "s").expect("deleted");
    assert_eq!(hdfs.space("/d"), 0);
    fixture.check_law();
}

#[test]
fn removed_with_its_directory_it_is_as_it_was() {
    for replace in [false, true] {
        let (fixture, id, block) = begun();
        let hdfs = fixture.hdfs();
        if replace {
            hdfs.write("/d/g", &[]);
            hdfs.rename2("/d/g", "/d/e/f", true).expect("moved");
        } else {
            hdfs.delete("/d/e", true).expect("removed");
        }
        assert_eq!(hdfs.space("/d"), FULL);
        assert_eq!(hdfs.space("/d/.snapshot/s"), FULL, "nothing is recorded");
        let [answer, ..] = hdfs.go_on("/d/e/f", id, &block);
        refused_with(
            answer,
            &format!("File is deleted: /d/e/f (inode {id}) Holder"),
        );
        fixture.check_law();
    }
}

#[test]
fn a_block_that_no_snapshot_needs_counts_no_longer() {
    let (fixture, id, block) = begun();
    let hdfs = fixture.hdfs();
    let full = ExtendedBlockProto {
        num_bytes: Some(FULL),
        ..block
    };
    fixture.received(1, &full, FULL);
    // The first snapshot keeps the length with the attributes.
    hdfs.chmod("/d/e/f", 0o600).expect("changed");
    let second = hdfs.add_block("/d/e/f", Some(&full)).expect("a block").b;
    let request = FsyncRequestProto {
        src: "/d/e/f".to_owned(),
        client: "client-hdfs".to_owned(),
        last_block_length: Some(5),
        file_id: None,
    };
    hdfs.call::<FsyncResponseProto>("fsync", &request)
        .expect("flushed");
    hdfs.create_snapshot("/d", "t").expect("taken");
    hdfs.delete("/d/e/f", false).expect("removed");
    assert_eq!(hdfs.space("/d"), 2 * FULL);
    fixture.check_law();
    hdfs.delete_snapshot("/d", "t").expect("deleted");
    assert_eq!(hdfs.space("/d"), FULL, "of the block that is complete");
    let [answer, ..] = hdfs.go_on("/d/e/f", id, &second);
    refused_with(answer, "File is deleted: ");
    fixture.check_law();
}

#[test]
fn of_a_moved_one_only_the_name_is_left() {
    let (fixture, id, block) = begun();
    let hdfs = fixture.hdfs();
    hdfs.rename2("/d/e/f", "/d/g", false).expect("moved");
    hdfs.delete("/d/g", false).expect("removed");
    let [answer, ..] = hdfs.go_on("/d/g", id, &block);
    refused_with(answer, &format!("File is deleted: g (inode {id}) Holder"));
    let error = hdfs.status(&format!("/.reserved/.inodes/{id}"));
    let error = error.expect_err("it has no path");
    assert_eq!(error.class(), "java.lang.IllegalArgumentException");
    fixture.check_law();
}

#[test]
fn a_closed_one_is_found_by_its_id() {
    let fixture = with_root(&[]);
    let hdfs = fixture.hdfs();
    hdfs.write("/d/f", &[10]);
    let id = hdfs.stat("/d/f").file_id();
    let last = hdfs.locations("/d/f").expect("located").last_block;
    let last = last.expect("one block").b;
    hdfs.create_snapshot("/d", "s").expect("taken");
    hdfs.delete("/d/f", false).expect("removed");
    let [added, synced, _, completed, _] = hdfs.go_on("/d/f", id, &last);
    for answer in [added, synced] {
        refused(
            answer,
            "LeaseExpiredException",
            &format!(
                "File is not open for writing: /d/f (inode {id}) Holder client-hdfs does not have \
                 any open files."
            ),
        );
    }
    completed.expect("a repetition");
    let by_id = hdfs.status(&format!("/.reserved/.inodes/{id}"));
    assert_eq!(by_id.expect("no error"), None);
}
