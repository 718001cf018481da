//! The servers, as the settings want them.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use kerbox::{Clock, Error, NewPrincipal, Realm, Server};
use tokio::net::UnixListener;

use crate::cli::Shell;
use crate::commands::note;
use crate::control;
use crate::directory::Directory;
use crate::environment::{environment, script};
use crate::failure::Failure;
use crate::holder::holder;
use crate::randomness;
use crate::ready::{Endpoints, Ready, ReadyFd, private_file};
use crate::settings::{Listen, Port, PrincipalSettings, Settings};

/// Gives a builder of the harness what every sandbox has: the two builders share these methods, and no trait.
macro_rules! with_realm {
    ($builder:expr, $settings:expr, $directory:expr) => {{
        let realm = &$settings.realm;
        let mut builder = $builder
            .directory($directory)
            .seed($settings.seed.unwrap_or_else(randomness::seed))
            .threads(std::thread::available_parallelism().map_or(1, usize::from))
            .realm_name(&realm.name)
            .kdc_listen(address(realm.listen))
            .max_life(realm.max_life)
            .max_renewable_life(realm.max_renewable_life)
            .enctypes(realm.enctypes.iter().copied())
            .clock_skew(realm.clock_skew);
        for attribute in &realm.attributes {
            builder = builder.attribute(&attribute.to_string());
        }
        for (key, value) in &realm.libdefaults {
            builder = builder.libdefault(key, value);
        }
        for principal in &$settings.principals {
            builder = builder.principal(new_principal(principal));
        }
        builder
    }};
}

/// A realm and an HDFS that serve.
pub(crate) struct Sandbox {
    servers: Servers,
    control: Option<UnixListener>,
    ready: Ready,
    startup: Duration,
}

impl Sandbox {
    /// Starts everything; all of it serves when this returns.
    pub(crate) async fn start(settings: &Settings, directory: &Directory) -> Result<Self, Failure> {
        let clock = Clock::system();
        let begun = clock.now();
        let mut possible = settings.clone();
        let servers = loop {
            match Servers::start(&possible, directory.path()).await {
                Ok(servers) => break servers,
                Err(Error::Bind { server, address, source }) => possible = with_another_port(possible, server, address, &source)?,
                Err(error @ Error::Setting { .. }) => return Err(Failure::Configuration(vec![error.to_string()])),
                Err(error) => return Err(Failure::Failed(error.to_string())),
            }
        };
        tell_other_ports(settings, &servers);
        let control = servers.realm().and_then(|_| control::server::bind(directory.path()));
        let ready = ready(&servers, settings, directory.path());
        let written =
            private_file(&directory.path().join("env.sh"), &script(&ready.env, Shell::Bash)).and_then(|()| ready.write(directory.path()));
        written.map_err(|error| Failure::io(format_args!("the files in {} cannot be written", ready.dir), error))?;
        Ok(Self {
            servers,
            control,
            ready,
            startup: clock.now().since(begun),
        })
    }

    /// Says that everything serves to whoever waits at `--ready-fd`.
    pub(crate) fn announce(&self, ready_fd: Option<ReadyFd>) -> Result<(), Failure> {
        match ready_fd {
            Some(descriptor) => descriptor
                .write(&self.ready.line())
                .map_err(|error| Failure::io("--ready-fd cannot be written to", error)),
            None => Ok(()),
        }
    }

    /// What there is.
    pub(crate) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// How long it took to start.
    pub(crate) fn startup(&self) -> Duration {
        self.startup
    }

    /// Answers at the control socket for as long as it is polled.
    pub(crate) async fn answer(&self) -> Infallible {
        match (&self.control, self.servers.realm()) {
            (Some(listener), Some(realm)) => control::server::serve(listener, realm).await,
            _ => std::future::pending().await,
        }
    }

    /// Ends the servers.
    pub(crate) async fn stop(self) {
        // Dropping it waits for its thread, which a second signal must be able to interrupt.
        let _ = tokio::task::spawn_blocking(move || drop(self.servers)).await;
    }
}

/// What runs.
enum Servers {
    /// The KDC alone.
    Realm(Realm),
}

impl Servers {
    async fn start(settings: &Settings, directory: &Path) -> Result<Self, Error> {
        if settings.kdc_only {
            return Ok(Self::Realm(with_realm!(Realm::builder(), settings, directory).start().await?));
        }
        Err(Error::NoSuchServer {
            server: String::from("NameNode"),
            has: String::from("the KDC: give --kdc-only"),
        })
    }

    fn realm(&self) -> Option<&Realm> {
        match self {
            Self::Realm(realm) => Some(realm),
        }
    }

    fn namenode(&self) -> Option<SocketAddr> {
        match self {
            Self::Realm(_) => None,
        }
    }

    fn datanodes(&self) -> Vec<SocketAddr> {
        match self {
            Self::Realm(_) => Vec::new(),
        }
    }
}

fn new_principal(settings: &PrincipalSettings) -> NewPrincipal {
    let mut principal = NewPrincipal::new(&settings.name);
    if let Some(password) = &settings.password {
        principal = principal.password(password);
    }
    if let Some(file) = &settings.keytab {
        principal = principal.keytab(file);
    }
    if let Some(enctypes) = &settings.enctypes {
        principal = principal.enctypes(enctypes.iter().copied());
    }
    if let Some(kvno) = settings.kvno {
        principal = principal.kvno(kvno);
    }
    if let Some(life) = settings.max_life {
        principal = principal.max_life(life);
    }
    if let Some(life) = settings.max_renewable_life {
        principal = principal.max_renewable_life(life);
    }
    if let Some(at) = settings.expires {
        principal = principal.expires(at);
    }
    if let Some(at) = settings.password_expires {
        principal = principal.password_expires(at);
    }
    for attribute in &settings.attributes {
        principal = principal.attribute(attribute.to_string());
    }
    for service in &settings.delegates_to {
        principal = principal.delegates_to(service);
    }
    principal
}

fn address(listen: Listen) -> SocketAddr {
    SocketAddr::new(listen.address, listen.port.number())
}

/// The same settings with a random port in place of one that is merely preferred; else the failure that names flag, port and holder.
fn with_another_port(mut settings: Settings, server: Server, wanted: SocketAddr, why: &io::Error) -> Result<Settings, Failure> {
    let (listen, key, flag) = match server {
        Server::Kdc => (&mut settings.realm.listen, "[realm] listen", "--kdc-port"),
        _ => (&mut settings.hdfs.listen, "[hdfs] listen", "--namenode-port"),
    };
    let taken = why.kind() == io::ErrorKind::AddrInUse;
    if let (true, Port::Preferred(_)) = (taken, listen.port) {
        listen.port = Port::Random;
        return Ok(settings);
    }
    let what = if taken {
        format!("port {} is taken{}", wanted.port(), holder(wanted.port()))
    } else {
        why.to_string()
    };
    let asked = if settings.strict_ports { "--strict-ports, " } else { "" };
    Err(Failure::Bind(format!(
        "the {server} cannot listen on {wanted} ({asked}{flag}, --bind or {key}): {what}; stop that one, or give another, 0 being any free port"
    )))
}

/// Says which ports were taken in place of the stable ones.
fn tell_other_ports(wanted: &Settings, servers: &Servers) {
    let kdc = servers.realm().map(|realm| (Server::Kdc, wanted.realm.listen, realm.kdc_address()));
    let namenode = servers.namenode().map(|address| (Server::NameNode, wanted.hdfs.listen, address));
    for (server, listen, took) in kdc.into_iter().chain(namenode) {
        if let Port::Preferred(port) = listen.port
            && took.port() != port
        {
            note(format_args!(
                "port {port} is taken{}; the {server} took {}",
                holder(port),
                took.port()
            ));
        }
    }
}

fn ready(servers: &Servers, settings: &Settings, directory: &Path) -> Ready {
    let namenode = servers.namenode().map(|address| format!("hdfs://{}", reachable(address)));
    let realm = servers.realm();
    Ready {
        ready: true,
        pid: std::process::id(),
        version: String::from(env!("CARGO_PKG_VERSION")),
        dir: directory.display().to_string(),
        realm: realm.map(|_| settings.realm.name.clone()),
        env: environment(directory, namenode.as_deref(), realm.is_some()),
        endpoints: Endpoints {
            kdc: realm.map(|realm| reachable(realm.kdc_address()).to_string()),
            namenode,
            datanodes: servers
                .datanodes()
                .into_iter()
                .map(|address| reachable(address).to_string())
                .collect(),
        },
    }
}

/// An address that a client of this machine can connect to: a server that listens everywhere also listens on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
