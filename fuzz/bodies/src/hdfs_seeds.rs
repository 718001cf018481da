//! Valid connections and calls for the NameNode's targets.

use minihdfs::proto::common::rpc_sasl_proto::SaslState;
use minihdfs::proto::common::{
    IpcConnectionContextProto, RequestHeaderProto, RpcRequestHeaderProto, RpcSaslProto,
    UserInformationProto,
};
use minihdfs::proto::hdfs::{
    AddBlockRequestProto, CompleteRequestProto, CreateRequestProto, DatanodeIdProto,
    DeleteRequestProto, ExtendedBlockProto, FsPermissionProto, FsyncRequestProto,
    GetFileInfoRequestProto, MkdirsRequestProto, RenameRequestProto, TruncateRequestProto,
    UpdateBlockForPipelineRequestProto, UpdatePipelineRequestProto,
};
use prost::Message;

use crate::hdfs::{CLIENT_PROTOCOL, METHODS, datanode, namenode};

fn permission() -> FsPermissionProto {
    FsPermissionProto { perm: 0o755 }
}

fn requests() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        (
            "mkdirs",
            MkdirsRequestProto {
                src: "/a/b".to_owned(),
                masked: permission(),
                create_parent: true,
                unmasked: None,
            }
            .encode_to_vec(),
        ),
        (
            "create",
            CreateRequestProto {
                src: "/a/f".to_owned(),
                masked: permission(),
                client_name: "client".to_owned(),
                create_flag: 3,
                create_parent: true,
                replication: 1,
                block_size: 1 << 20,
                ..Default::default()
            }
            .encode_to_vec(),
        ),
        (
            "rename",
            RenameRequestProto {
                src: "/a/f".to_owned(),
                dst: "/a/b/g".to_owned(),
            }
            .encode_to_vec(),
        ),
        (
            "getFileInfo",
            GetFileInfoRequestProto {
                src: "/a".to_owned(),
            }
            .encode_to_vec(),
        ),
        (
            "delete",
            DeleteRequestProto {
                src: "/a".to_owned(),
                recursive: true,
            }
            .encode_to_vec(),
        ),
    ]
}

pub(crate) fn call_seeds() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for (method, request) in requests() {
        all.push(number_of(method) as u8);
        all.push(request.len() as u8);
        all.extend(request);
    }
    // Send the same request to every method: the field numbers are similar enough for a start.
    let (_, request) = requests().swap_remove(0);
    let every = (0..METHODS.len())
        .flat_map(|method| [&[method as u8, request.len() as u8], &request[..]].concat());
    vec![all, every.collect(), writing_seed()]
}

/// A file of two blocks that is written, flushed and truncated. A new NameNode always starts with
/// the same ids.
pub(crate) fn writing_seed() -> Vec<u8> {
    let renewed = ExtendedBlockProto {
        generation_stamp: 1003,
        ..written_block(2, 5)
    };
    let received = |block: &ExtendedBlockProto| (METHODS.len() + 1, block.encode_to_vec());
    let receiving = (METHODS.len(), written_block(2, 0).encode_to_vec());
    let calls = [
        call("create", &created()),
        call("addBlock", &added(None)),
        received(&written_block(1, 1024)),
        call("addBlock", &added(Some(written_block(1, 1024)))),
        receiving,
        call("fsync", &flushed()),
        call("updateBlockForPipeline", &renewal()),
        call("updatePipeline", &pipeline(renewed.clone())),
        received(&renewed),
        call("complete", &completed(renewed)),
        call("truncate", &truncated()),
    ];
    let calls = calls.into_iter().flat_map(|(number, request)| {
        [&[number as u8, request.len() as u8], &request[..]].concat()
    });
    calls.collect()
}

fn call(method: &str, request: &impl Message) -> (usize, Vec<u8>) {
    (number_of(method), request.encode_to_vec())
}

const WRITER: &str = "client";
const WRITTEN: &str = "/f";

fn written_block(number: u64, num_bytes: u64) -> ExtendedBlockProto {
    ExtendedBlockProto {
        pool_id: namenode().block_pool_id().to_owned(),
        block_id: (1 << 30) + number,
        generation_stamp: 1000 + number,
        num_bytes: Some(num_bytes),
    }
}

fn created() -> CreateRequestProto {
    CreateRequestProto {
        src: WRITTEN.to_owned(),
        client_name: WRITER.to_owned(),
        create_flag: 1,
        replication: 1,
        block_size: 1024,
        ..Default::default()
    }
}

fn added(previous: Option<ExtendedBlockProto>) -> AddBlockRequestProto {
    AddBlockRequestProto {
        src: WRITTEN.to_owned(),
        client_name: WRITER.to_owned(),
        previous,
        ..Default::default()
    }
}

fn flushed() -> FsyncRequestProto {
    FsyncRequestProto {
        src: WRITTEN.to_owned(),
        client: WRITER.to_owned(),
        last_block_length: Some(5),
        file_id: None,
    }
}

fn renewal() -> UpdateBlockForPipelineRequestProto {
    UpdateBlockForPipelineRequestProto {
        block: written_block(2, 5),
        client_name: WRITER.to_owned(),
    }
}

fn pipeline(new_block: ExtendedBlockProto) -> UpdatePipelineRequestProto {
    UpdatePipelineRequestProto {
        client_name: WRITER.to_owned(),
        old_block: written_block(2, 5),
        new_block,
        new_nodes: vec![DatanodeIdProto {
            datanode_uuid: datanode().uuid.to_string(),
            ..Default::default()
        }],
        storage_i_ds: vec!["DS-1".to_owned()],
    }
}

fn completed(last: ExtendedBlockProto) -> CompleteRequestProto {
    CompleteRequestProto {
        src: WRITTEN.to_owned(),
        client_name: WRITER.to_owned(),
        last: Some(last),
        file_id: None,
    }
}

fn truncated() -> TruncateRequestProto {
    TruncateRequestProto {
        src: WRITTEN.to_owned(),
        new_length: 1025,
        client_name: WRITER.to_owned(),
    }
}

fn number_of(method: &str) -> usize {
    METHODS
        .iter()
        .position(|known| *known == method)
        .expect("in the list")
}

fn frame(parts: &[Vec<u8>]) -> Vec<u8> {
    let contents = parts.concat();
    [&(contents.len() as u32).to_be_bytes(), &contents[..]].concat()
}

fn header(call_id: i32) -> Vec<u8> {
    let header = RpcRequestHeaderProto {
        rpc_kind: Some(2),
        rpc_op: Some(0),
        call_id,
        client_id: vec![7; 16].into(),
        retry_count: Some(if call_id < 0 { -1 } else { 0 }),
        ..Default::default()
    };
    header.encode_length_delimited_to_vec()
}

pub(crate) fn simple_seeds() -> Vec<Vec<u8>> {
    let context = IpcConnectionContextProto {
        user_info: Some(UserInformationProto {
            effective_user: Some("hdfs".to_owned()),
            real_user: None,
        }),
        protocol: Some(CLIENT_PROTOCOL.to_owned()),
    };
    let mut stream = b"hrpc\x09\x00\x00".to_vec();
    stream.extend(frame(&[
        header(-3),
        context.encode_length_delimited_to_vec(),
    ]));
    for (call_id, (method, request)) in (0..).zip(requests()) {
        let request_header = RequestHeaderProto {
            method_name: method.to_owned(),
            declaring_class_protocol_name: CLIENT_PROTOCOL.to_owned(),
            client_protocol_version: 1,
        };
        let mut delimited = Vec::new();
        prost::encode_length_delimiter(request.len(), &mut delimited).expect("a Vec grows");
        delimited.extend(request);
        stream.extend(frame(&[
            header(call_id),
            request_header.encode_length_delimited_to_vec(),
            delimited,
        ]));
    }
    vec![stream]
}

pub(crate) fn secure_seeds() -> Vec<Vec<u8>> {
    let sasl = |state: SaslState, token: Option<Vec<u8>>| {
        let message = RpcSaslProto {
            version: None,
            state: state.into(),
            token: token.map(Into::into),
            auths: Vec::new(),
        };
        frame(&[header(-33), message.encode_length_delimited_to_vec()])
    };
    let negotiate = [b"hrpc\x09\x00\xdf", &sasl(SaslState::Negotiate, None)[..]].concat();
    let tokens = crate::gss::context_seeds();
    let initiate = tokens
        .first()
        .cloned()
        .map(|token| [negotiate.clone(), sasl(SaslState::Initiate, Some(token))].concat());
    [Some(negotiate), initiate].into_iter().flatten().collect()
}
