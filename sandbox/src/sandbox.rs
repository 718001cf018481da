//! The servers, as the settings want them.

use std::net::TcpListener;
use std::time::Duration;

use kerbox_krb5::Clock;

use crate::cli::Security;
use crate::commands::note;
use crate::directory::Directory;
use crate::environment::{environment, script};
use crate::failure::Failure;
use crate::holder::holder;
use crate::ready::{Endpoints, Ready, ReadyFd, private_file};
use crate::settings::{Port, Settings};

/// A realm and an HDFS that serve.
pub(crate) struct Sandbox {
    ready: Ready,
    startup: Duration,
    _l: (TcpListener, TcpListener),
}

fn bind(listen: crate::settings::Listen, who: &str) -> Result<TcpListener, Failure> {
    match TcpListener::bind((listen.address, listen.port.number())) {
        Ok(l) => Ok(l),
        Err(e) if matches!(listen.port, Port::Preferred(_)) => {
            let l = TcpListener::bind((listen.address, 0)).unwrap();
            note(format_args!(
                "port {} for the {who} is taken{} ({e}); took {}",
                listen.port.number(),
                holder(listen.port.number()),
                l.local_addr().unwrap().port()
            ));
            Ok(l)
        }
        Err(e) => Err(Failure::Bind(format!("{who} {listen} {e}{}", holder(listen.port.number())))),
    }
}

impl Sandbox {
    pub(crate) async fn start(settings: &Settings, directory: &Directory) -> Result<Self, Failure> {
        let clock = Clock::system();
        let begun = clock.now();
        let kdc = bind(settings.realm.listen, "KDC")?;
        let nn = bind(settings.hdfs.listen, "NameNode")?;
        let kerberos = settings.hdfs.security == Security::Kerberos;
        let namenode = format!("hdfs://{}", nn.local_addr().unwrap());
        let env = environment(directory.path(), &namenode, kerberos);
        private_file(&directory.path().join("env.sh"), &script(&env, crate::cli::Shell::Bash)).unwrap();
        let ready = Ready {
            ready: true,
            pid: std::process::id(),
            version: String::from(env!("CARGO_PKG_VERSION")),
            dir: directory.path().display().to_string(),
            realm: kerberos.then(|| settings.realm.name.clone()),
            endpoints: Endpoints {
                kdc: kerberos.then(|| kdc.local_addr().unwrap().to_string()),
                namenode,
                datanodes: vec![],
            },
            env,
        };
        ready.write(directory.path()).unwrap();
        Ok(Self {
            ready,
            startup: clock.now().since(begun),
            _l: (kdc, nn),
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

    /// Ends the servers.
    pub(crate) async fn stop(self) {}
}
