//! The calls of one user, by the names that clients know.

use super::*;

/// The calls of one user.
pub(super) struct Session<'a> {
    pub(super) fixture: &'a Fixture,
    pub(super) caller: Caller,
}

impl Session<'_> {
    /// Calls a method of ClientProtocol by name, like the RPC layer.
    pub(super) fn call<Response: Message + Default>(
        &self,
        method: &str,
        request: &impl Message,
    ) -> Result<Response, HdfsError> {
        self.call_of(
            "org.apache.hadoop.hdfs.protocol.ClientProtocol",
            method,
            request,
        )
    }

    pub(super) fn call_of<Response: Message + Default>(
        &self,
        protocol: &str,
        method: &str,
        request: &impl Message,
    ) -> Result<Response, HdfsError> {
        let bytes = request.encode_to_vec();
        let call = Call {
            now: self.fixture.now.get(),
            caller: &self.caller,
            protocol,
            version: 1,
            method,
            request: &bytes,
        };
        let mut response = Vec::new();
        self.fixture.node.call(&call, &mut response)?;
        Ok(Response::decode_length_delimited(&response[..]).expect("a response of the right type"))
    }

    pub(super) fn mkdirs(&self, src: &str, perm: u32) -> Result<bool, HdfsError> {
        let request = MkdirsRequestProto {
            src: src.to_owned(),
            masked: FsPermissionProto { perm },
            create_parent: true,
            unmasked: None,
        };
        self.call::<MkdirsResponseProto>("mkdirs", &request)
            .map(|response| response.result)
    }

    pub(super) fn status(&self, src: &str) -> Result<Option<HdfsFileStatusProto>, HdfsError> {
        let request = GetFileInfoRequestProto {
            src: src.to_owned(),
        };
        self.call::<GetFileInfoResponseProto>("getFileInfo", &request)
            .map(|response| response.fs)
    }

    /// Returns the status of a path that must exist.
    pub(super) fn stat(&self, src: &str) -> HdfsFileStatusProto {
        self.status(src)
            .expect("no error")
            .unwrap_or_else(|| panic!("{src} exists"))
    }

    pub(super) fn exists(&self, src: &str) -> bool {
        self.status(src).expect("no error").is_some()
    }

    pub(super) fn chmod(&self, src: &str, perm: u32) -> Result<(), HdfsError> {
        let request = SetPermissionRequestProto {
            src: src.to_owned(),
            permission: FsPermissionProto { perm },
        };
        self.call::<SetPermissionResponseProto>("setPermission", &request)
            .map(|_| ())
    }

    pub(super) fn chown(
        &self,
        src: &str,
        user: Option<&str>,
        group: Option<&str>,
    ) -> Result<(), HdfsError> {
        let request = SetOwnerRequestProto {
            src: src.to_owned(),
            username: user.map(str::to_owned),
            groupname: group.map(str::to_owned),
        };
        self.call::<SetOwnerResponseProto>("setOwner", &request)
            .map(|_| ())
    }

    pub(super) fn delete(&self, src: &str, recursive: bool) -> Result<bool, HdfsError> {
        let request = DeleteRequestProto {
            src: src.to_owned(),
            recursive,
        };
        self.call::<DeleteResponseProto>("delete", &request)
            .map(|response| response.result)
    }

    pub(super) fn list(&self, src: &str) -> Result<Vec<String>, HdfsError> {
        let request = GetListingRequestProto {
            src: src.to_owned(),
            ..GetListingRequestProto::default()
        };
        let response = self.call::<GetListingResponseProto>("getListing", &request)?;
        let listing = response.dir_list.expect("it exists").partial_listing;
        let names = listing
            .iter()
            .map(|entry| String::from_utf8(entry.path.to_vec()).expect("UTF-8"));
        Ok(names.collect())
    }

    /// Returns a create request with block size 1024 and replication 1, from the client
    /// `client-<user>`.
    pub(super) fn create_request(&self, src: &str, flags: u32) -> CreateRequestProto {
        CreateRequestProto {
            src: src.to_owned(),
            masked: FsPermissionProto { perm: 0o644 },
            client_name: format!("client-{}", self.caller.user.short),
            create_flag: flags,
            create_parent: true,
            replication: 1,
            block_size: 1024,
            ..CreateRequestProto::default()
        }
    }

    pub(super) fn create(&self, src: &str) -> Result<HdfsFileStatusProto, HdfsError> {
        let request = self.create_request(src, CreateFlagProto::Create as u32);
        self.call::<CreateResponseProto>("create", &request)
            .map(|response| response.fs.expect("always there"))
    }

    pub(super) fn add_block(
        &self,
        src: &str,
        previous: Option<&ExtendedBlockProto>,
    ) -> Result<LocatedBlockProto, HdfsError> {
        let request = AddBlockRequestProto {
            src: src.to_owned(),
            client_name: format!("client-{}", self.caller.user.short),
            previous: previous.cloned(),
            ..AddBlockRequestProto::default()
        };
        self.call::<AddBlockResponseProto>("addBlock", &request)
            .map(|response| response.block)
    }

    pub(super) fn complete(
        &self,
        src: &str,
        last: Option<&ExtendedBlockProto>,
    ) -> Result<bool, HdfsError> {
        let request = CompleteRequestProto {
            src: src.to_owned(),
            client_name: format!("client-{}", self.caller.user.short),
            last: last.cloned(),
            file_id: None,
        };
        self.call::<CompleteResponseProto>("complete", &request)
            .map(|response| response.result)
    }

    pub(super) fn locations(&self, src: &str) -> Result<LocatedBlocksProto, HdfsError> {
        let request = GetBlockLocationsRequestProto {
            src: src.to_owned(),
            offset: 0,
            length: i64::MAX as u64,
        };
        self.call::<GetBlockLocationsResponseProto>("getBlockLocations", &request)
            .map(|response| response.locations.expect("always there"))
    }

    /// Writes one block. Like a real DataNode, reports it before acknowledging it.
    pub(super) fn write_block(
        &self,
        src: &str,
        previous: Option<&ExtendedBlockProto>,
        length: u64,
    ) -> ExtendedBlockProto {
        let located = self.add_block(src, previous).expect("a block");
        for node in &located.locs {
            let number = node.id.datanode_uuid[2..].parse().expect("dn1, dn2, ...");
            self.fixture.received(number, &located.b, length);
        }
        ExtendedBlockProto {
            num_bytes: Some(length),
            ..located.b
        }
    }

    /// Writes a whole file with these block lengths.
    pub(super) fn write(&self, src: &str, lengths: &[u64]) {
        self.create(src).expect("it is created");
        let mut last = None;
        for length in lengths {
            last = Some(self.write_block(src, last.as_ref(), *length));
        }
        assert!(
            self.complete(src, last.as_ref()).expect("no error"),
            "the first complete answers true"
        );
    }
}

/// Asserts that the call failed with this class, given without its package, and exactly this
/// message.
#[track_caller]
pub(super) fn refused<T: std::fmt::Debug>(
    result: Result<T, HdfsError>,
    class: &str,
    message: &str,
) {
    let error = result.expect_err("refused");
    assert!(error.class().ends_with(&format!(".{class}")), "{error}");
    assert_eq!(error.message(), message);
}
