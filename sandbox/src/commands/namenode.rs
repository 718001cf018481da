//! `kerbox namenode`.

use std::path::PathBuf;

use kerbox::spec::Security;

use super::kdc_dir::KdcDir;
use super::up;
use crate::cli::{Namenode, variables};
use crate::directory::Directory;
use crate::failure::Failure;
use crate::note::note;
use crate::ready::ReadyFd;
use crate::settings::{self, Purpose, Settings, warn};

/// Serves until a signal arrives.
pub(crate) fn namenode(args: &Namenode) -> Result<(), Failure> {
    let kdc = args.kdc_dir.as_deref().map(KdcDir::join).transpose()?;
    let ready_fd = ReadyFd::take(args.ready.ready_fd)?;
    let mut settings = settings::effective(&args.settings, Purpose::Part)?;
    settings.data_dir_is_shared("namenode", &args.settings);
    if let Some(kdc) = &kdc {
        kdc.check(&settings)?;
        // The KDC has begun then, and time has gone on.
        settings.start = None;
        settings.kdc_dir = Some(kdc.dir.clone());
    }
    settings.spec.realm.keytabs = keytabs(args, &settings, kdc.as_ref())?;
    leave_datanodes(&mut settings);
    warn(&settings, Purpose::Part, &variables());
    let directory = Directory::open(args.dir.as_deref(), "namenode")?;
    up::serve_in(&args.ready, &settings, &directory, ready_fd)
}

/// Returns the folder with the NameNode's keytabs; `None` with simple security.
fn keytabs(
    args: &Namenode,
    settings: &Settings,
    kdc: Option<&KdcDir>,
) -> Result<Option<PathBuf>, Failure> {
    let named = args.keytabs.clone().or_else(|| kdc.map(KdcDir::keytabs));
    match (settings.spec.hdfs.security, named) {
        (Security::Simple, None) => Ok(None),
        (Security::Simple, Some(_)) => Err(Failure::Usage(String::from(
            "--kdc-dir or --keytabs: [hdfs] security is \"simple\", which needs no KDC; leave them \
             out, or say --secure",
        ))),
        (_, Some(keytabs)) => Ok(Some(keytabs)),
        (_, None) => Err(Failure::Usage(String::from(
            "where are the NameNode's keys? Name the folder of `kerbox kdc` by --kdc-dir, or that \
             with the keytabs of another KDC by --keytabs, or say --simple; `kerbox up` has a KDC \
             of its own",
        ))),
    }
}

/// Leaves the DataNodes to processes of their own.
fn leave_datanodes(settings: &mut Settings) {
    let hdfs = &mut settings.spec.hdfs;
    let replication = hdfs.datanodes.clamp(1, 3).to_string();
    let keys = &mut hdfs.keys;
    keys.entry("dfs.replication".to_owned())
        .or_insert(replication);
    hdfs.datanodes = 0;
    if !std::mem::take(&mut hdfs.racks).is_empty() {
        note("warning: [hdfs] racks: the DataNodes of other processes are on /default-rack");
    }
}
