//! A running sandbox: its servers, its files, and its announcements.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kerbox::spec::Security;
use kerbox::{Clock, Control, Error, Journal, Server};

use crate::control;
use crate::directory::Directory;
use crate::environment::{self, environment};
use crate::failure::Failure;
use crate::holder::holder;
use crate::note::note;
use crate::ready::{Endpoints, Ready, ReadyFd};
use crate::servers::Servers;
use crate::settings::Settings;

/// A running realm and HDFS.
pub(crate) struct Sandbox {
    servers: Servers,
    control: Option<Control>,
    ready: Ready,
    startup: Duration,
}

impl Sandbox {
    /// Starts everything. All servers answer when this returns.
    pub(crate) async fn start(settings: &Settings, directory: &Directory) -> Result<Self, Failure> {
        let clock = Clock::system();
        let begun = clock.now();
        let mut possible = settings.clone();
        let servers = loop {
            match Servers::start(&possible, directory.files()).await {
                Ok(servers) => break servers,
                Err(Error::Bind {
                    server,
                    address,
                    source,
                }) => possible = with_another_port(possible, server, address, &source)?,
                Err(error @ Error::Setting { .. }) => {
                    return Err(Failure::Configuration(vec![error.to_string()]));
                }
                Err(error) => return Err(Failure::Failed(error.to_string())),
            }
        };
        tell_other_ports(settings, &servers);
        let failed = |error: Error| Failure::Failed(error.to_string());
        let files = directory.files();
        if servers.realm().is_some() {
            // `env` makes kinit write its cache here.
            files.expect("ccache/krb5cc").map_err(failed)?;
        }
        let socket = files.expect(control::SOCKET).map_err(failed)?;
        // A killed run may have left its socket.
        let _ = fs::remove_file(&socket);
        let control = servers.serve_control(&socket).inspect_err(|error| {
            note(format_args!(
                "warning: {error}; neither principals nor the clock can be changed from outside"
            ));
        });
        add_faults(settings, control.as_ref().ok())?;
        let ready = ready(&servers, settings, directory.path());
        let script = environment::file(&ready.env);
        files.write("env.sh", script.as_bytes()).map_err(failed)?;
        // Written last: once it exists, everything else does.
        files
            .write("ready.json", ready.line().as_bytes())
            .map_err(failed)?;
        Ok(Self {
            servers,
            control: control.ok(),
            ready,
            startup: clock.now().since(begun),
        })
    }

    /// Announces on `--ready-fd` that everything serves.
    pub(crate) fn announce(&self, ready_fd: Option<ReadyFd>) -> Result<(), Failure> {
        match ready_fd {
            Some(descriptor) => descriptor
                .write(&self.ready.line())
                .map_err(|error| Failure::io("--ready-fd cannot be written to", error)),
            None => Ok(()),
        }
    }

    /// Returns the ready line's data.
    pub(crate) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Returns a command that runs in the sandbox's time, with the variables that this needs.
    pub(crate) fn under_clock(
        &self,
        words: &[OsString],
        with_children: bool,
    ) -> Result<Command, Failure> {
        let (program, arguments) = words.split_first().expect("clap asks for one at least");
        let mut command = self
            .servers
            .under_clock(program, with_children)
            .map_err(|error| Failure::Failed(error.to_string()))?;
        command.args(arguments);
        Ok(command)
    }

    /// Returns the start-up time.
    pub(crate) fn startup(&self) -> Duration {
        self.startup
    }

    /// Prints the servers' events to standard error as long as it is polled.
    pub(crate) async fn tell_events(&self) -> Infallible {
        tell(self.servers.journal()).await
    }

    /// Ends the servers.
    pub(crate) async fn stop(self) {
        // The drop waits for the servers' thread, and a second signal must be able to interrupt
        // that.
        let _ = tokio::task::spawn_blocking(move || drop((self.control, self.servers))).await;
    }
}

/// Prints the events of a journal to standard error as long as it is polled.
pub(crate) async fn tell(mut view: Journal) -> Infallible {
    let mut last = None;
    loop {
        // A day without events is not an error.
        let _ = view.wait(|_| true, Duration::from_secs(24 * 3600)).await;
        let next = view.from_here();
        for entry in view.entries() {
            // Events between the two lines above appear in both views.
            if last < Some(entry.number) {
                note(&entry);
                last = Some(entry.number);
            }
        }
        view = next;
    }
}

/// Adds the configuration's faults.
fn add_faults(settings: &Settings, control: Option<&Control>) -> Result<(), Failure> {
    let problem = |why: &str| Failure::Configuration(vec![format!("[[fault]]: {why}")]);
    for fault in &settings.faults {
        let control = control.ok_or_else(|| problem("without a control socket there are none"))?;
        control.add_fault(fault).map_err(|why| problem(&why))?;
    }
    Ok(())
}

/// Returns the same settings with a random port if the taken one was only preferred. Otherwise
/// fails with the flag, the port and its holder.
fn with_another_port(
    mut settings: Settings,
    server: Server,
    wanted: SocketAddr,
    why: &io::Error,
) -> Result<Settings, Failure> {
    let spec = &mut settings.spec;
    let (listen, key, flag) = match server {
        Server::Kdc => (Some(&mut spec.realm.listen), "[realm] listen", "--kdc-port"),
        Server::Console => (None, "[console] listen", "--console-port"),
        _ => (
            Some(&mut spec.hdfs.listen),
            "[hdfs] listen",
            "--namenode-port",
        ),
    };
    let is_namenode = !matches!(server, Server::Kdc | Server::Console);
    let is_other = is_namenode && listen.as_deref() != Some(&wanted);
    let taken = why.kind() == io::ErrorKind::AddrInUse;
    if taken
        && !is_other
        && let Some(listen) = listen
        && settings.movable.contains(&server)
    {
        listen.set_port(0);
        settings.movable.retain(|movable| *movable != server);
        return Ok(settings);
    }
    let what = if taken {
        format!("port {} is taken{}", wanted.port(), holder(wanted.port()))
    } else {
        why.to_string()
    };
    let port = format!(":{}", wanted.port());
    let mut keys = settings.spec.hdfs.keys.iter();
    let of_web = keys.find(|(key, value)| key.contains("http") && value.ends_with(&port));
    if let (true, Some((key, _))) = (is_other, of_web) {
        return Err(Failure::Bind(format!(
            "the {server} cannot listen on {wanted} ({key}): {what}; stop that one, or give another, 0 being any free port"
        )));
    }
    let asked = if settings.strict_ports {
        "--strict-ports, "
    } else {
        ""
    };
    Err(Failure::Bind(format!(
        "the {server} cannot listen on {wanted} ({asked}{flag}, --bind or {key}): {what}; stop that one, or give another, 0 being any free port"
    )))
}

/// Prints which ports replace the stable ones.
fn tell_other_ports(wanted: &Settings, servers: &Servers) {
    let kdc = servers
        .realm()
        .map(|realm| (wanted.spec.realm.listen, realm.kdc_address()));
    let namenode = servers
        .namenode()
        .map(|address| (wanted.spec.hdfs.listen, address));
    for server in &wanted.movable {
        let ports = match server {
            Server::Kdc => kdc,
            _ => namenode,
        };
        if let Some((listen, took)) = ports
            && listen.port() != took.port()
        {
            let port = listen.port();
            note(format_args!(
                "port {port} is taken{}; the {server} took {}",
                holder(port),
                took.port()
            ));
        }
    }
}

fn ready(servers: &Servers, settings: &Settings, directory: &Path) -> Ready {
    let namenode = servers
        .namenode()
        .map(|address| format!("hdfs://{address}"));
    let realm = servers.realm();
    let webhdfs = servers.webhdfs();
    let is_secure = settings.kdc_only || settings.spec.hdfs.security == Security::Kerberos;
    Ready {
        ready: true,
        pid: std::process::id(),
        version: String::from(env!("CARGO_PKG_VERSION")),
        dir: directory.display().to_string(),
        realm: is_secure.then(|| settings.realm().to_owned()),
        env: environment(
            directory,
            namenode.as_deref(),
            webhdfs.as_deref(),
            realm.map(|_| directory).or(settings.kdc_dir.as_deref()),
        ),
        endpoints: Endpoints {
            kdc: realm.map(|realm| realm.kdc_address().to_string()),
            namenode,
            datanodes: servers
                .datanodes()
                .into_iter()
                .map(|address| address.to_string())
                .collect(),
            webhdfs,
            swebhdfs: servers.swebhdfs(),
            httpfs: servers.httpfs(),
            console: servers.console(),
        },
    }
}
