//! Bytes from a server, fed to our RPC client.

use std::sync::Arc;

use kerbox_events::{NoHook, Server};
use kerbox_krb5::testing::{NOW, Parties};
use kerbox_krb5::{EncryptionType, Timestamp};
use minihdfs::rpc::client::{ClientConnection, ClientSettings, ClientStep, Identity, Outgoing};
use minihdfs::rpc::{RpcEndpoint, RpcSecurity, RpcSession};
use minihdfs::sasl::{GssapiSettings, QualityOfProtection};
use minihdfs::secret_manager::SecretManager;
use minihdfs::token::Token;
use minihdfs::user::AuthToLocal;

use crate::hdfs::{config, namenode};
use crate::world::rng;

const CLIENT_PROTOCOL: (&str, u64) = ("org.apache.hadoop.hdfs.protocol.ClientProtocol", 1);
const QOP: [QualityOfProtection; 3] = [
    QualityOfProtection::Authentication,
    QualityOfProtection::Integrity,
    QualityOfProtection::Privacy,
];

fn parties() -> Parties {
    let enctype = EncryptionType::AES256_CTS_HMAC_SHA1_96;
    Parties::new(11, enctype, ["nn", "localhost"])
}

/// A client that waits for two calls. `kind` chooses its credentials and its protection.
fn client(kind: u8, parties: &Parties) -> ClientConnection {
    let identity = match kind % 3 {
        0 => Identity::simple("alice"),
        1 => Identity::token(Token {
            identifier: vec![1].into(),
            password: vec![2].into(),
            ..Token::default()
        }),
        _ => Identity::kerberos(&"alice@EXAMPLE.COM".parse().expect("a name")),
    };
    let settings = ClientSettings {
        protection: vec![QOP[usize::from(kind / 3) % 3]],
        server_principal: Some(parties.service.clone()),
        ..ClientSettings::default()
    };
    let settings = Arc::new(settings);
    let mut client = ClientConnection::new(identity, CLIENT_PROTOCOL, [7; 16], settings, NOW);
    for call_id in 0..2 {
        let call = Outgoing {
            call_id,
            retry_count: 0,
            state_id: None,
            method: "getServerDefaults".to_owned(),
            request: Vec::new(),
        };
        client.call(call, NOW);
    }
    client
}

/// Sends any bytes to a client, whose credentials the first byte chooses. Every call ends.
pub fn rpc_client(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else {
        return;
    };
    let mut parties = parties();
    let mut client = client(*kind, &parties);
    let mut rng = rng();
    let mut replies = 0;
    // Bytes arrive in pieces.
    for piece in bytes.chunks(100) {
        client.input().extend_from_slice(piece);
        while let ClientStep::Ticket(_) = client.advance(NOW, &mut rng) {
            client.ticket(Ok(parties.credentials()), NOW, &mut rng);
        }
        replies += std::iter::from_fn(|| client.next_reply()).count();
    }
    client.advance(Timestamp::MAX, &mut rng);
    replies += std::iter::from_fn(|| client.next_reply()).count();
    assert_eq!(replies, 2, "each call ends once");
}

/// Bytes that our server sends to each kind of client.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    (0..9).map(seed).collect()
}

fn seed(kind: u8) -> Vec<u8> {
    let mut parties = parties();
    let mut client = client(kind, &parties);
    let namenode = Arc::new(namenode());
    let qop = QOP[usize::from(kind / 3) % 3];
    let security = (!kind.is_multiple_of(3)).then(|| RpcSecurity {
        gssapi: GssapiSettings::new(parties.service.clone(), parties.keytab.clone(), &[qop]),
        tokens: Some(Arc::clone(namenode.delegation_tokens()) as Arc<dyn SecretManager>),
    });
    let rules = AuthToLocal::from_config(&config(), "EXAMPLE.COM").expect("right rules");
    let endpoint = RpcEndpoint::new(
        Server::NameNode(1),
        namenode,
        security,
        rules,
        &config(),
        Arc::new(NoHook),
    );
    let address = "127.0.0.1:50000".parse().expect("an address");
    let mut session = RpcSession::new(Arc::new(endpoint), address);
    let (mut ours, mut theirs) = (rng(), rng());
    let mut sent = vec![kind];
    loop {
        while let ClientStep::Ticket(_) = client.advance(NOW, &mut ours) {
            client.ticket(Ok(parties.credentials()), NOW, &mut ours);
        }
        let output = std::mem::take(client.output());
        if output.is_empty() {
            return sent;
        }
        session.input().extend_from_slice(&output);
        session.advance(NOW, &mut theirs);
        let answer = std::mem::take(session.output());
        sent.extend_from_slice(&answer);
        client.input().extend_from_slice(&answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_get_to_the_answers_of_the_calls() {
        for kind in [0, 2, 5, 8] {
            let mut parties = parties();
            let mut client = client(kind, &parties);
            let mut rng = rng();
            // A server that does not wait for its turn is refused, so the bytes come in pieces.
            for piece in seed(kind)[1..].chunks(100) {
                client.input().extend_from_slice(piece);
                while let ClientStep::Ticket(_) = client.advance(NOW, &mut rng) {
                    client.ticket(Ok(parties.credentials()), NOW, &mut rng);
                }
            }
            let reply = client.next_reply().expect("a reply");
            assert!(reply.outcome.is_ok(), "{kind}: {:?}", reply.outcome);
        }
    }
}
