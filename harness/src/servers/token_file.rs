//! The content of token files (Hadoop's `Credentials`).

#[cfg(feature = "web")]
use std::net::SocketAddr;

use minihdfs::token::{Credentials, CredentialsFormat, Token};

use crate::servers::hdfs::Hdfs;

/// Returns a token file with which clients are known to each port of the NameNode. `token` is for
/// its RPC port.
pub(crate) fn token_file(hdfs: &Hdfs, token: &Token) -> Vec<u8> {
    let tokens = [token.clone()].into_iter();
    #[cfg(feature = "web")]
    let tokens = {
        let namenode = hdfs.namenode_server();
        let http = [
            (Token::WEBHDFS, namenode.plain_address()),
            (Token::SWEBHDFS, namenode.https_address()),
        ];
        let of_port = |(kind, address): (&str, Option<SocketAddr>)| {
            let token = token.clone().with_kind(kind);
            address.map(|address| token.with_service(address.to_string()))
        };
        tokens.chain(http.into_iter().filter_map(of_port))
    };
    #[cfg(not(feature = "web"))]
    let _ = hdfs;
    let file: Credentials = tokens.collect();
    file.to_bytes(CredentialsFormat::Writable)
}
