//! The logins of the servers of an HDFS: the keys of their principals, from the fixture's own
//! KDC or from keytabs of another.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kerbox_krb5::{Keytab, Principal};

use crate::Error;
use crate::servers::realm_core::RealmCore;
use crate::spec::RealmSpec;

/// The ending of a keytab's name.
const KEYTAB: &str = "keytab";

/// The logins of the servers of an HDFS.
pub(crate) struct Logins {
    /// The name of the realm.
    pub(crate) realm: String,
    pub(crate) clock_skew: Duration,
    /// The folder with the servers' keytabs.
    pub(crate) keytabs: PathBuf,
    /// `None` if the KDC is another's.
    kdc: Option<Arc<RealmCore>>,
}

impl Logins {
    /// Returns those of a fixture's own realm.
    pub(crate) fn of(core: &Arc<RealmCore>) -> Self {
        Self {
            realm: core.name.clone(),
            clock_skew: core.clock_skew,
            keytabs: core.keytabs(),
            kdc: Some(Arc::clone(core)),
        }
    }

    /// Returns those in a folder with keytabs, which another KDC has written.
    pub(crate) fn elsewhere(spec: &RealmSpec, keytabs: &Path) -> Self {
        Self {
            realm: spec.name.clone().unwrap_or_default(),
            clock_skew: spec.clock_skew,
            keytabs: keytabs.to_owned(),
            kdc: None,
        }
    }

    /// Returns whether the KDC is another's.
    pub(crate) fn are_elsewhere(&self) -> bool {
        self.kdc.is_none()
    }

    /// Returns the address of the fixture's own KDC, if it has one.
    pub(crate) fn kdc_address(&self) -> Option<SocketAddr> {
        let kdcs = self.kdc.as_ref()?.kdcs.addresses();
        kdcs.first().copied()
    }

    /// Returns whether they have those of DataNodes, of which there are as many here. If there are
    /// none, the keys are in the processes of the DataNodes.
    pub(crate) fn have_datanodes(&self, here: usize) -> bool {
        here > 0 || !self.are_elsewhere()
    }

    /// Returns the keys of a principal.
    ///
    /// # Errors
    /// Fails if the realm has no such principal, or no keytab of the folder has its keys.
    pub(crate) fn keytab_of(&self, name: &str) -> Result<Keytab, Error> {
        match &self.kdc {
            Some(core) => core.keytab_of(&[name]),
            None => in_folder(&self.keytabs, &Principal::parse(name, &self.realm)?),
        }
    }
}

/// Returns the keys of a principal in all keytabs of a folder.
fn in_folder(folder: &Path, principal: &Principal) -> Result<Keytab, Error> {
    let cannot = || Error::io(format!("read the keytabs in {}", folder.display()));
    let mut own = Keytab::default();
    for entry in fs::read_dir(folder).map_err(cannot())? {
        let path = entry.map_err(cannot())?.path();
        if path.extension().is_none_or(|extension| extension != KEYTAB) {
            continue;
        }
        let keytab = Keytab::read(&path)?;
        let entries = keytab.entries();
        let entries =
            entries.filter(|entry| entry.principal() == principal && entry.key().is_some());
        entries.for_each(|entry| own.push(entry.clone()));
    }
    if own.entries().next().is_none() {
        return Err(Error::NoKeys {
            principal: principal.clone(),
            keytab: folder.to_owned(),
        });
    }
    Ok(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cluster, NewPrincipal, Realm};

    #[test]
    fn a_cluster_has_its_keys_from_the_keytabs_of_another_kdc() {
        let realm = Realm::builder().realm_name("A.TEST").start_blocking();
        let realm = realm.expect("it starts");
        let keytabs = realm.path().join("keytabs");
        let start = || {
            let cluster = Cluster::secure().realm_name("A.TEST").keytabs(&keytabs);
            cluster.start_blocking()
        };
        let cluster = start().expect("all keys are there");
        assert!(cluster.realm().is_none());
        let keys = cluster.hadoop_keys();
        assert_eq!(
            keys["dfs.namenode.kerberos.principal"],
            "nn/localhost@A.TEST"
        );
        let error = cluster
            .login_blocking("alice")
            .expect_err("no KDC")
            .to_string();
        assert!(error.contains("leave out `keytabs`"), "{error}");
        drop(cluster);
        fs::remove_file(keytabs.join("dn.service.keytab")).expect("there");
        let error = start().expect_err("one lacks its keys").to_string();
        assert!(
            error.contains("has no usable key of dn/localhost@A.TEST"),
            "{error}"
        );
        // Keys may be in any keytab.
        let new = NewPrincipal::new("x").keytab("all.keytab");
        realm.add_principal(new).expect("new");
        let other = Cluster::secure().realm_name("B.TEST").keytabs(&keytabs);
        let error = other
            .start_blocking()
            .expect_err("another realm")
            .to_string();
        assert!(error.contains("nn/localhost@B.TEST"), "{error}");
    }

    #[test]
    fn settings_of_a_kdc_that_is_elsewhere_are_refused() {
        let refused = |builder: crate::ClusterBuilder| {
            let error = builder
                .keytabs("/nowhere")
                .start_blocking()
                .expect_err("refused");
            error.to_string()
        };
        let named = || Cluster::secure().realm_name("A.TEST");
        assert!(refused(Cluster::secure()).starts_with("keytabs = \"/nowhere\": name the realm"));
        let error = refused(named().kdcs(2));
        assert!(
            error.starts_with("kdcs = \"set\": the KDC is another's"),
            "{error}"
        );
        assert!(refused(Cluster::simple()).contains("start it with Cluster::secure()"));
        assert!(refused(named()).contains("read the keytabs in /nowhere"));
    }
}
