//! Our RPC client with sockets: against our NameNode, and against Hadoop's.

pub(crate) mod reference;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use kerbox::{Clock, Cluster, Event, Fault, Login, Outcome, Protection, Server, Timestamp};
use minihdfs::proto::common::{
    CancelDelegationTokenRequestProto, CancelDelegationTokenResponseProto,
    GetDelegationTokenRequestProto, GetDelegationTokenResponseProto,
};
use minihdfs::proto::hdfs::{
    DeleteRequestProto, DeleteResponseProto, FsPermissionProto, GetFileInfoRequestProto,
    GetFileInfoResponseProto, MkdirsRequestProto, MkdirsResponseProto, SetPermissionRequestProto,
    SetPermissionResponseProto,
};
use minihdfs::rpc::client::driver::{KdcTickets, RpcClient, RpcTarget};
use minihdfs::rpc::client::{ClientSettings, Identity, RetryPolicy, RpcError};
use minihdfs::sasl::QualityOfProtection;
use minihdfs::token::Token;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::net::TcpSocket;

use crate::support::{Peer, TestResult, block_on, trials};
use reference::{
    hadoops_namenode_serves_it_at_every_protection_and_with_a_token,
    hadoops_namenode_serves_it_without_security,
};

trials! {
    [] =>
        our_namenode_serves_it_at_every_protection_and_with_a_token,
        a_call_that_was_cut_is_made_again_with_the_same_id,
        a_server_that_does_not_answer_is_given_up_by_the_clock,
        a_server_that_is_not_there_is_tried_as_often_as_hadoop_tries;
    [Peer::Reference] =>
        hadoops_namenode_serves_it_without_security,
        hadoops_namenode_serves_it_at_every_protection_and_with_a_token;
}

const CLIENT_PROTOCOL: (&str, u64) = ("org.apache.hadoop.hdfs.protocol.ClientProtocol", 1);
const PROTECTIONS: [QualityOfProtection; 3] = [
    QualityOfProtection::Authentication,
    QualityOfProtection::Integrity,
    QualityOfProtection::Privacy,
];

type Error = Box<dyn std::error::Error + Send + Sync>;

/// A NameNode, and the realm of its users.
struct Target {
    address: SocketAddr,
    kdc: SocketAddr,
    /// The NameNode's principal.
    principal: kerbox::Principal,
    clock: Clock,
}

impl Target {
    fn client(
        &self,
        qop: QualityOfProtection,
        identity: Identity,
        login: Option<&Login>,
    ) -> RpcClient {
        let mut rng = StdRng::seed_from_u64(qop as u64);
        let settings = ClientSettings {
            protection: vec![qop],
            server_principal: Some(self.principal.clone()),
            connect_max_retries_on_sasl: 0,
            ..ClientSettings::default()
        };
        let target = RpcTarget {
            address: self.address,
            protocol: CLIENT_PROTOCOL,
            identity,
            settings: Arc::new(settings),
            tickets: login.map(|login| {
                Arc::new(KdcTickets::new(self.kdc, login.ticket(), &mut rng)) as Arc<_>
            }),
        };
        RpcClient::new(target, self.clock.clone(), &mut rng)
    }

    /// Makes calls with a ticket at each protection, gets a token and uses it, and is refused.
    async fn exercise(&self, alice: &Login) -> TestResult {
        for qop in PROTECTIONS {
            let with_ticket = self.client(qop, Identity::kerberos(alice.principal()), Some(alice));
            calls(
                &with_ticket,
                &format!("/user/alice/by-ticket-{qop}"),
                "alice",
            )
            .await?;
            let token = token(&with_ticket).await?;
            let with_token = self.client(qop, Identity::token(token.clone()), None);
            calls(&with_token, &format!("/user/alice/by-token-{qop}"), "alice").await?;
            let refused = with_token
                .call::<GetDelegationTokenResponseProto>("getDelegationToken", &renewer())
                .await
                .expect_err("a token gets no other");
            let text = "Delegation Token can be issued only with kerberos or web authentication";
            assert!(refused.to_string().contains(text), "{refused}");

            with_ticket
                .call::<CancelDelegationTokenResponseProto>(
                    "cancelDelegationToken",
                    &CancelDelegationTokenRequestProto {
                        token: minihdfs::proto::common::TokenProto {
                            identifier: token.identifier.clone(),
                            password: token.password.clone(),
                            kind: token.kind.clone(),
                            service: token.service.clone(),
                        },
                    },
                )
                .await?;
            let cancelled = self.client(qop, Identity::token(token), None);
            let RpcError::Fatal(exception) = refusal(&cancelled).await else {
                return Err("a cancelled token is refused as the connection begins".into());
            };
            let class = "org.apache.hadoop.security.token.SecretManager$InvalidToken";
            assert_eq!(exception.class(), class);
        }
        let qop = QualityOfProtection::Privacy;
        let without = self.client(qop, Identity::simple("alice"), None);
        assert_eq!(
            refusal(&without).await.to_exception().to_string(),
            "org.apache.hadoop.security.AccessControlException: SIMPLE authentication is not \
             enabled.  Available:[TOKEN, KERBEROS]"
        );
        let bob = Identity::kerberos(alice.principal()).impersonating("bob");
        let RpcError::Fatal(exception) = refusal(&self.client(qop, bob, Some(alice))).await else {
            return Err("alice is no proxy user".into());
        };
        assert_eq!(
            exception.to_string(),
            "org.apache.hadoop.security.authorize.AuthorizationException: User: \
             alice@EXAMPLE.COM is not allowed to impersonate bob"
        );
        Ok(())
    }
}

fn renewer() -> GetDelegationTokenRequestProto {
    GetDelegationTokenRequestProto {
        renewer: "alice".to_owned(),
    }
}

async fn token(client: &RpcClient) -> Result<Token, Error> {
    let answer: GetDelegationTokenResponseProto =
        client.call("getDelegationToken", &renewer()).await?;
    Ok(answer.token.ok_or("no token")?.into())
}

async fn refusal(client: &RpcClient) -> RpcError {
    file_info(client, "/").await.expect_err("refused")
}

async fn file_info(client: &RpcClient, path: &str) -> Result<GetFileInfoResponseProto, RpcError> {
    let request = GetFileInfoRequestProto {
        src: path.to_owned(),
    };
    client.call("getFileInfo", &request).await
}

/// Makes a folder, asks for it by many calls at once, fails in two ways, and removes it.
async fn calls(client: &RpcClient, path: &str, owner: &str) -> TestResult {
    let permission = FsPermissionProto { perm: 0o750 };
    let request = MkdirsRequestProto {
        src: path.to_owned(),
        masked: permission,
        create_parent: true,
        unmasked: None,
    };
    let made: MkdirsResponseProto = client.call("mkdirs", &request).await?;
    assert!(made.result);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (client, path) = (client.clone(), path.to_owned());
        tasks.spawn(async move { file_info(&client, &path).await });
    }
    while let Some(answer) = tasks.join_next().await {
        let status = answer??.fs.ok_or("the folder is there")?;
        assert_eq!(
            (status.owner.as_str(), status.permission.perm),
            (owner, 0o750)
        );
    }
    let request = SetPermissionRequestProto {
        src: format!("{path}/nothing"),
        permission,
    };
    let error = client
        .call::<SetPermissionResponseProto>("setPermission", &request)
        .await
        .expect_err("nothing is there");
    let exception = error.remote().ok_or("an exception")?;
    assert_eq!(
        exception.to_string(),
        format!("java.io.FileNotFoundException: Directory/File does not exist {path}/nothing")
    );
    let error = client
        .call::<SetPermissionResponseProto>("noSuchMethod", &request)
        .await
        .expect_err("there is no such method");
    assert_eq!(
        error.to_exception().class(),
        "org.apache.hadoop.ipc.RpcNoSuchMethodException"
    );
    let request = DeleteRequestProto {
        src: path.to_owned(),
        recursive: true,
    };
    let gone: DeleteResponseProto = client.call("delete", &request).await?;
    assert!(gone.result);
    Ok(())
}

fn our_namenode_serves_it_at_every_protection_and_with_a_token() -> TestResult {
    for protection in [
        Protection::Authentication,
        Protection::Integrity,
        Protection::Privacy,
    ] {
        let cluster = Cluster::secure().protection(protection).start_blocking()?;
        let realm = cluster.realm().ok_or("a realm")?;
        let target = Target {
            address: cluster.namenode_address(),
            kdc: realm.kdc_address(),
            principal: realm.principal("nn/localhost")?,
            clock: cluster.clock().clone(),
        };
        let alice = cluster.login_blocking("alice")?;
        let qop = PROTECTIONS[protection as usize];
        block_on(async {
            let client = target.client(qop, Identity::kerberos(alice.principal()), Some(&alice));
            calls(&client, "/user/alice/x", "alice").await?;
            let token = token(&client).await?;
            let client = target.client(qop, Identity::token(token), None);
            calls(&client, "/user/alice/x", "alice").await?;
            let other = PROTECTIONS[(protection as usize + 1) % 3];
            let client = target.client(other, Identity::kerberos(alice.principal()), Some(&alice));
            let why = refusal(&client).await.to_string();
            assert!(why.contains("No common protection layer"), "{why}");
            Ok(())
        })?;
    }
    Ok(())
}

/// Returns a client of a cluster without security.
fn simple(cluster: &Cluster, settings: ClientSettings) -> RpcClient {
    let target = RpcTarget {
        address: cluster.namenode_address(),
        protocol: CLIENT_PROTOCOL,
        identity: Identity::simple(cluster.superuser()),
        settings: Arc::new(settings),
        tickets: None,
    };
    let mut rng = StdRng::seed_from_u64(1);
    RpcClient::new(target, cluster.clock().clone(), &mut rng)
}

fn a_call_that_was_cut_is_made_again_with_the_same_id() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    let client = simple(&cluster, ClientSettings::default());
    let cut = cluster.inject(
        Fault::disconnect(Server::NameNode(1))
            .on_method("getFileInfo")
            .times(2),
    );
    let policy = RetryPolicy::FixedSleep {
        max_retries: 2,
        sleep: Duration::from_millis(1),
    };
    let request = GetFileInfoRequestProto {
        src: "/".to_owned(),
    };
    block_on(async {
        let once = client
            .call::<GetFileInfoResponseProto>("getFileInfo", &request)
            .await;
        assert!(matches!(once, Err(RpcError::Lost(_))), "{once:?}");
        let answer: GetFileInfoResponseProto =
            client.call_with(&policy, "getFileInfo", &request).await?;
        assert!(answer.fs.is_some());
        Ok(())
    })?;
    assert_eq!(cut.struck(), 2);
    Ok(())
}

fn a_server_that_does_not_answer_is_given_up_by_the_clock() -> TestResult {
    let start = Timestamp::from_secs(1_800_000_000);
    let cluster = Cluster::simple()
        .clock(Clock::frozen(start))
        .start_blocking()?;
    let client = simple(&cluster, ClientSettings::default());
    let _silent = cluster.inject(Fault::silence(Server::NameNode(1)).on_method("getFileInfo"));
    block_on(async {
        let call = tokio::spawn(async move { file_info(&client, "/").await });
        let journal = cluster.journal();
        let dropped = |event: &Event| {
            matches!(
                event,
                Event::RpcCall {
                    outcome: Outcome::Dropped,
                    ..
                }
            )
        };
        journal.wait(dropped, Duration::from_secs(60)).await?;
        cluster.advance(Duration::from_secs(60)).await?;
        assert!(!call.is_finished(), "it is pinged first");
        cluster.advance(Duration::from_secs(60)).await?;
        let silence = Duration::from_secs(120);
        assert_eq!(call.await?, Err(RpcError::TimedOut(silence)));
        Ok(())
    })
}

fn a_server_that_is_not_there_is_tried_as_often_as_hadoop_tries() -> TestResult {
    // Bound but not listening: no other process gets the port.
    let held = TcpSocket::new_v4()?;
    held.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let address = held.local_addr()?;
    let start = Timestamp::from_secs(1_800_000_000);
    let clock = Clock::frozen(start);
    let target = RpcTarget {
        address,
        protocol: CLIENT_PROTOCOL,
        identity: Identity::simple("alice"),
        settings: Arc::new(ClientSettings {
            connect_retry_interval: Duration::from_secs(3600),
            ..ClientSettings::default()
        }),
        tickets: None,
    };
    let client = RpcClient::new(target, clock.clone(), &mut StdRng::seed_from_u64(1));
    block_on(async {
        let call = tokio::spawn(async move { file_info(&client, "/").await });
        while !call.is_finished() {
            clock.advance(Duration::from_secs(3600));
            tokio::task::yield_now().await;
        }
        let error = call.await?.expect_err("nobody listens");
        assert!(matches!(error, RpcError::Connect { .. }), "{error}");
        assert_eq!(error.to_exception().class(), "java.net.ConnectException");
        // The first attempt and ten more.
        assert!(clock.now().since(start) >= Duration::from_secs(10 * 3600));
        Ok(())
    })
}
