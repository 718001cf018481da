//! Calls that only read.

use std::sync::mpsc;
use std::thread;

use super::*;

/// Returns calls that only read, by method.
fn reads(src: &str) -> Vec<(&'static str, Vec<u8>)> {
    let src = src.to_owned();
    let info = GetFileInfoRequestProto { src: src.clone() };
    let listing = GetListingRequestProto {
        src: src.clone(),
        need_location: true,
        ..GetListingRequestProto::default()
    };
    let locations = GetBlockLocationsRequestProto {
        src: src.clone(),
        offset: 0,
        length: 1000,
    };
    let acl = GetAclStatusRequestProto { src: src.clone() };
    let summary = GetContentSummaryRequestProto { path: src };
    vec![
        ("getFileInfo", info.encode_to_vec()),
        ("getListing", listing.encode_to_vec()),
        ("getBlockLocations", locations.encode_to_vec()),
        ("getAclStatus", acl.encode_to_vec()),
        ("getContentSummary", summary.encode_to_vec()),
    ]
}

#[test]
fn calls_that_read_do_not_wait_for_each_other() {
    let fixture = Fixture::new().with_datanodes(1);
    fixture.hdfs().write("/f", &[100]);
    let (node, caller) = (&fixture.node, &fixture.hdfs().caller);
    let (answered, answers) = mpsc::channel();
    thread::scope(|scope| {
        // Another call that reads is under way.
        let _reading = node.read();
        for (method, request) in reads("/f") {
            let answered = answered.clone();
            scope.spawn(move || {
                let call = Call {
                    now: START,
                    caller,
                    protocol: "org.apache.hadoop.hdfs.protocol.ClientProtocol",
                    version: 1,
                    method,
                    request: &request,
                };
                let called = node.call(&call, &mut Vec::new());
                let _ = answered.send((method, called));
            });
        }
        for _ in reads("/f") {
            let (method, called) = answers
                .recv_timeout(Duration::from_secs(20))
                .expect("no call waits");
            assert_eq!(called, Ok(()), "{method}");
        }
    });
}
