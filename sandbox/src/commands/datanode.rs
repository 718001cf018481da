//! `kerbox datanode`.

use std::net::SocketAddr;
use std::path::Path;

use kerbox::spec::Security;
use kerbox::{DatanodeDaemon, DatanodeDaemonBuilder, Principal};

use super::kdc_dir::KdcDir;
use crate::cli::{Datanode, variables};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::ready::{Endpoints, Ready, ReadyFd};
use crate::sandbox::tell;
use crate::settings::{self, Purpose, Settings, warn};
use crate::signals::Ends;

/// Serves until a signal arrives.
pub(crate) fn datanode(args: &Datanode) -> Result<(), Failure> {
    let kdc = args.kdc_dir.as_deref().map(KdcDir::join).transpose()?;
    let ready_fd = ReadyFd::take(args.ready.ready_fd)?;
    let mut settings = settings::effective(&args.settings, Purpose::Part)?;
    settings.data_dir_is_shared("datanode", &args.settings);
    warn(&settings, Purpose::Part, &variables());
    let builder = builder(args, &settings, kdc.as_ref())?;
    super::serve(serve(args, &settings, builder, ready_fd))
}

async fn serve(
    args: &Datanode,
    settings: &Settings,
    builder: DatanodeDaemonBuilder,
    ready_fd: Option<ReadyFd>,
) -> Result<(), Failure> {
    let mut ends = Ends::watch(args.ready.exit_on_stdin_eof)?;
    let started = tokio::task::spawn_blocking(move || builder.start_blocking()).await;
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let started = started.map_err(|error| failed(&error))?;
    let daemon = started.map_err(|error| failed(&error))?;
    let line = ready(settings, daemon.address(), daemon.path()).line();
    if let Some(descriptor) = ready_fd {
        let written = descriptor.write(&line);
        written.map_err(|error| Failure::io("--ready-fd cannot be written to", error))?;
    }
    super::print(&line);
    tokio::select! {
        _ = ends.next() => {}
        never = tell(daemon.journal()), if args.ready.verbose => match never {},
    }
    let _ended = tokio::task::spawn_blocking(move || drop(daemon)).await;
    Ok(())
}

fn builder(
    args: &Datanode,
    settings: &Settings,
    kdc: Option<&KdcDir>,
) -> Result<DatanodeDaemonBuilder, Failure> {
    let spec = &settings.spec;
    let namenode = known(
        spec.hdfs.listen,
        "NameNode",
        "--namenode-port or [hdfs] listen",
    )?;
    let mut builder = DatanodeDaemon::of(namenode).described_by(spec);
    if let Some(seed) = settings.seed {
        builder = builder.seed(seed);
    }
    if let Some(directory) = &args.dir {
        builder = builder.directory(directory);
    }
    if let Some(data_dir) = &settings.data_dir {
        builder = builder.persistent(data_dir);
    }
    if spec.hdfs.security != Security::Kerberos {
        return Ok(builder);
    }
    if let Some(kdc) = kdc {
        kdc.check(settings)?;
    }
    let address = match kdc {
        Some(kdc) => kdc.address,
        None => known(spec.realm.listen, "KDC", "--kdc-port or [realm] listen")?,
    };
    let of_kdc = kdc.map(|kdc| kdc.keytabs().join("dn.service.keytab"));
    let keytab = args.keytab.clone().or(of_kdc).ok_or_else(|| {
        Failure::Usage(
            "--keytab is missing: name the folder of `kerbox kdc` by --kdc-dir, or by --keytab the \
             file with the DataNodes' keys, or say --simple"
                .to_owned(),
        )
    })?;
    let name = spec.hdfs.keys.get("dfs.datanode.kerberos.principal");
    let name = name.map_or("dn/localhost", String::as_str);
    let principal = Principal::parse(&name.replace("_HOST", "localhost"), settings.realm());
    let principal = principal.map_err(|error| {
        let key = "dfs.datanode.kerberos.principal";
        Failure::Configuration(vec![format!("{key} = {name:?}: {error}")])
    })?;
    Ok(builder.kerberos(principal, keytab, address))
}

/// Fails unless the address of a server has a port.
fn known(address: SocketAddr, server: &str, how: &str) -> Result<SocketAddr, Failure> {
    if address.port() != 0 {
        return Ok(address);
    }
    Err(Failure::Usage(format!(
        "the {server}'s port is not known: name it by {how}"
    )))
}

fn ready(settings: &Settings, address: SocketAddr, directory: &Path) -> Ready {
    let secure = settings.spec.hdfs.security == Security::Kerberos;
    Ready {
        ready: true,
        pid: std::process::id(),
        version: String::from(env!("CARGO_PKG_VERSION")),
        dir: directory.display().to_string(),
        realm: secure.then(|| settings.realm().to_owned()),
        env: Environment::new(),
        endpoints: Endpoints {
            kdc: None,
            namenode: None,
            datanodes: vec![address.to_string()],
            webhdfs: None,
            swebhdfs: None,
            httpfs: None,
            console: None,
        },
    }
}
