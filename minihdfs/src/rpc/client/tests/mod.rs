//! A connection and a server's session, or bytes by hand, without sockets.

mod hostile;
mod recorded;
mod refusals;
mod sessions;
mod timers;

use std::sync::Arc;

use kerbox_events::NoHook;
use kerbox_krb5::testing::{NOW, Parties};
use kerbox_krb5::{EncryptionType, Timestamp};
use prost::Message;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::base64;
use crate::proto::common::{GetGroupsForUserRequestProto, GetGroupsForUserResponseProto};
use crate::rpc::testing::{self, PASSWORD, PROXY, endpoint, parties, security};
use crate::rpc::{RpcSecurity, Step};
use crate::sasl::{GssapiSettings, QualityOfProtection};
use crate::token::Token;
use QualityOfProtection::{Authentication, Integrity, Privacy};

const PROTOCOL: (&str, u64) = ("org.apache.hadoop.hdfs.protocol.ClientProtocol", 1);

/// A client and the server that it is connected to.
type Pair = testing::Pair<ClientConnection>;

impl Pair {
    /// Connects to a server with security, which offers `qop`.
    fn secure(qop: QualityOfProtection, identity: Identity) -> Self {
        let mut settings = settings();
        settings.protection = vec![qop];
        Self::new(Some(qop), identity, settings)
    }

    fn simple(identity: Identity) -> Self {
        Self::new(None, identity, settings())
    }

    fn new(qop: Option<QualityOfProtection>, identity: Identity, settings: ClientSettings) -> Self {
        let parties = parties();
        let security = qop.map(|qop| RpcSecurity {
            gssapi: GssapiSettings::new(parties.service.clone(), parties.keytab.clone(), &[qop]),
            ..security(qop)
        });
        let endpoint = endpoint(security, PROXY, Arc::new(NoHook));
        Self::connect(connection(identity, settings), endpoint)
    }

    /// Moves bytes until both sides wait for more. Returns the client's last step.
    fn drive(&mut self) -> ClientStep {
        loop {
            let mut step = self.client.advance(self.now, &mut self.rng);
            if let ClientStep::Ticket(server) = &step {
                assert_eq!(*server, self.parties.service);
                let ticket = self.parties.credentials();
                self.client.ticket(Ok(ticket), self.now, &mut self.rng);
                step = self.client.advance(self.now, &mut self.rng);
            }
            let mut output = std::mem::take(self.client.output());
            if output.is_empty() || step == ClientStep::Close {
                return step;
            }
            loop {
                let (answer, step) = self.feed(&output);
                self.client.input().extend_from_slice(&answer);
                output.clear();
                if step != Step::Write {
                    break;
                }
            }
        }
    }

    /// Calls the service, which returns the names of its caller.
    fn who(&mut self, call_id: i32) -> Result<Vec<String>, RpcError> {
        self.client
            .call(call(call_id, "getGroupsForUser"), self.now);
        self.drive();
        let reply = self.client.next_reply().expect("a reply");
        assert_eq!(reply.call_id, call_id);
        reply.outcome.map(|message| {
            let groups = GetGroupsForUserResponseProto::decode(message.as_slice());
            groups.expect("a response").groups
        })
    }
}

fn settings() -> ClientSettings {
    ClientSettings {
        server_principal: Some(parties().service),
        ..ClientSettings::default()
    }
}

fn connection(identity: Identity, settings: ClientSettings) -> ClientConnection {
    ClientConnection::new(identity, PROTOCOL, [7; 16], Arc::new(settings), NOW)
}

fn call(call_id: i32, method: &str) -> Outgoing {
    let request = GetGroupsForUserRequestProto {
        user: "?".to_owned(),
    };
    Outgoing {
        call_id,
        retry_count: 0,
        state_id: None,
        method: method.to_owned(),
        request: request.encode_to_vec(),
    }
}

fn alice() -> Identity {
    Identity::kerberos(&"alice@EXAMPLE.COM".parse().expect("a name"))
}

/// A token whose owner is `identifier`; the test server knows its password.
fn token(identifier: &str) -> Token {
    Token {
        identifier: identifier.as_bytes().to_vec().into(),
        password: base64::decode(PASSWORD).expect("base64").into(),
        kind: Token::DELEGATION.to_owned(),
        service: String::new(),
    }
}
