//! An HDFS for trying out clients: `cargo run -p minihdfs --example minihdfs -- DIR [OPTION...]
//! [KEY=VALUE...]`.
//!
//! - `--datanodes N` (1)
//! - `--keytab FILE --realm REALM`: Kerberos, as `nn/localhost@REALM` (or `--principal NAME`);
//!   without them, `simple`
//! - `KEY=VALUE`: Hadoop configuration keys
//!
//! Writes `DIR/core-site.xml` and `DIR/hdfs-site.xml`, prints the NameNode's address and then each
//! event, and exits when its standard input ends.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kerbox_events::{Event, Hook, Server, Verdict};
use kerbox_krb5::{Clock, Keytab, Principal, Timestamp};
use minihdfs::config::HdfsConfig;
use minihdfs::datanode::{self, DataNode, DataNodeContext, LocalPeers};
use minihdfs::namenode::{NameNode, NameNodeIdentity};
use minihdfs::protocol::DatanodeRegistration;
use minihdfs::rpc::{self, RpcEndpoint, RpcSecurity, RpcService};
use minihdfs::sasl::GssapiSettings;
use minihdfs::secret_manager::SecretManager;
use minihdfs::user::AuthToLocal;
use rand::SeedableRng;
use rand::rngs::StdRng;

/// Prints events.
struct Print;

impl Hook for Print {
    fn ask(&self, _now: Timestamp, _event: &Event) -> Verdict {
        Verdict::Pass
    }

    fn record(&self, now: Timestamp, event: Event) {
        println!("{now} {event}");
    }

    fn watching(&self) -> bool {
        false
    }
}

/// The command-line options.
struct Options {
    directory: PathBuf,
    datanodes: usize,
    keytab: Option<PathBuf>,
    realm: String,
    principal: Option<String>,
    keys: BTreeMap<String, String>,
}

impl Options {
    fn parse() -> Result<Self, Box<dyn Error>> {
        let mut arguments = std::env::args().skip(1);
        let mut options = Self {
            directory: arguments.next().ok_or("which directory?")?.into(),
            datanodes: 1,
            keytab: None,
            realm: "EXAMPLE.COM".to_owned(),
            principal: None,
            keys: BTreeMap::new(),
        };
        while let Some(argument) = arguments.next() {
            if let Some((key, value)) = argument.split_once('=') {
                options.keys.insert(key.to_owned(), value.to_owned());
                continue;
            }
            let value = arguments
                .next()
                .ok_or_else(|| format!("{argument} needs a value"))?;
            match argument.as_str() {
                "--datanodes" => options.datanodes = value.parse()?,
                "--keytab" => options.keytab = Some(value.into()),
                "--realm" => options.realm = value,
                "--principal" => options.principal = Some(value),
                _ => return Err(format!("{argument} is no option").into()),
            }
        }
        Ok(options)
    }

    fn principal(&self) -> String {
        self.principal
            .clone()
            .unwrap_or_else(|| format!("nn/localhost@{}", self.realm))
    }

    /// Returns the Hadoop keys for the servers and for clients.
    fn keys(&self, namenode: SocketAddr) -> BTreeMap<String, String> {
        let mut keys = BTreeMap::new();
        let mut set = |key: &str, value: String| keys.insert(key.to_owned(), value);
        set("fs.defaultFS", format!("hdfs://{namenode}"));
        set("dfs.replication", self.datanodes.clamp(1, 3).to_string());
        if self.keytab.is_some() {
            set("hadoop.security.authentication", "kerberos".to_owned());
            set("dfs.namenode.kerberos.principal", self.principal());
            set("dfs.datanode.kerberos.principal", self.principal());
            set("hadoop.rpc.protection", "authentication".to_owned());
            set("dfs.data.transfer.protection", "authentication".to_owned());
            set("dfs.block.access.token.enable", "true".to_owned());
            set("ignore.secure.ports.for.testing", "true".to_owned());
        }
        keys.extend(self.keys.clone());
        keys
    }

    /// Returns the authentication of an RPC port.
    fn security(
        &self,
        config: &HdfsConfig,
        tokens: Arc<dyn SecretManager>,
    ) -> Result<Option<RpcSecurity>, Box<dyn Error>> {
        let Some(keytab) = &self.keytab else {
            return Ok(None);
        };
        let principal = Principal::parse(&self.principal(), &self.realm)?;
        Ok(Some(RpcSecurity {
            gssapi: GssapiSettings::new(principal, Keytab::read(keytab)?, &config.rpc_protection),
            tokens: Some(tokens),
        }))
    }
}

fn write_xml(directory: &Path, keys: &BTreeMap<String, String>) -> std::io::Result<()> {
    let mut xml = String::from("<configuration>\n");
    for (key, value) in keys {
        xml.push_str(&format!(
            "  <property><name>{key}</name><value>{value}</value></property>\n"
        ));
    }
    xml.push_str("</configuration>\n");
    std::fs::create_dir_all(directory)?;
    for name in ["core-site.xml", "hdfs-site.xml"] {
        // Does not overwrite an existing file, which may be the user's.
        File::create_new(directory.join(name))?.write_all(xml.as_bytes())?;
    }
    Ok(())
}

fn bind() -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (clock, hook) = (Clock::system(), Arc::new(Print) as Arc<dyn Hook>);
    let (listener, address) = bind()?;
    let keys = options.keys(address);
    let (config, unknown) = HdfsConfig::from_pairs(
        keys.iter()
            .map(|(key, value)| (key.as_str(), value.as_str())),
    )?;
    for key in unknown {
        println!("{key}");
    }
    write_xml(&options.directory, &keys)?;

    let identity = NameNodeIdentity {
        superuser: "hdfs".to_owned(),
        default_realm: options.realm.clone(),
        address: address.ip(),
    };
    let mut rng = StdRng::seed_from_u64(1);
    let namenode = Arc::new(NameNode::new(
        config.clone(),
        &identity,
        clock.now(),
        Arc::clone(&hook),
        &mut rng,
    )?);
    namenode.make_directory(clock.now(), "/user/alice", "alice", "alice", 0o755)?;
    namenode.make_directory(clock.now(), "/tmp", "hdfs", "supergroup", 0o1777)?;
    let port = |server, service: Arc<dyn RpcService>, tokens| -> Result<_, Box<dyn Error>> {
        let rules = AuthToLocal::from_config(&config, options.realm.as_str())?;
        let security = options.security(&config, tokens)?;
        Ok(Arc::new(RpcEndpoint::new(
            server,
            service,
            security,
            rules,
            &config,
            Arc::clone(&hook),
        )))
    };
    let endpoint = port(
        Server::NameNode(1),
        Arc::clone(&namenode) as _,
        Arc::clone(namenode.delegation_tokens()) as _,
    )?;
    runtime.spawn(rpc::serve(
        endpoint,
        listener,
        clock.clone(),
        1,
        std::future::pending(),
    ));

    let peers = Arc::new(LocalPeers::default());
    let mut datanodes = Vec::new();
    for number in 1..=options.datanodes {
        let ((transfer, transfer_address), (ipc, ipc_address)) = (bind()?, bind()?);
        let registration = DatanodeRegistration {
            uuid: format!("dn-{number}").into(),
            ip: transfer_address.ip(),
            host_name: "localhost".into(),
            transfer_port: transfer_address.port(),
            ipc_port: ipc_address.port(),
            info_port: 0,
        };
        let context = DataNodeContext {
            number,
            namenode: Arc::clone(&namenode) as _,
            peers: Arc::clone(&peers) as _,
            storage_id: format!("DS-{number}").into(),
            clock: clock.clone(),
            hook: Arc::clone(&hook),
            superuser: "hdfs".to_owned(),
        };
        let directory = options.directory.join(format!("blocks/dn{number}"));
        let node = DataNode::open(registration, &directory, &config, context, number as u64)?;
        peers.add(&node);
        node.start(clock.now())?;
        let endpoint = port(
            Server::DataNode(number),
            Arc::clone(&node) as _,
            Arc::clone(node.block_tokens()) as _,
        )?;
        runtime.spawn(rpc::serve(
            endpoint,
            ipc,
            clock.clone(),
            number as u64,
            std::future::pending(),
        ));
        runtime.spawn(datanode::serve(
            Arc::clone(&node),
            transfer,
            std::future::pending(),
        ));
        datanodes.push(node);
    }
    let timers = clock;
    runtime.spawn(async move {
        loop {
            for node in &datanodes {
                node.tick(timers.now());
            }
            namenode.tick(timers.now());
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    println!("hdfs://{address}");
    runtime.block_on(async {
        let end = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        let _ = end.await;
    });
    Ok(())
}
