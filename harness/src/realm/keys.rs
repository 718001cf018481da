//! Rolls keys while everything runs.

use kerbox_events::{Server, StateChange};
use kerbox_krb5::Principal;

use crate::Error;
use crate::realm::Realm;
use crate::servers::hdfs::Hdfs;
use crate::spec::KeyKind;

impl Realm {
    /// Replaces the KDC's or a service's keys while the KDC runs; see
    /// [`Cluster::roll_keys`](crate::Cluster::roll_keys). The other keys belong to a cluster.
    pub fn roll_keys(&self, keys: &KeyKind) -> Result<i64, Error> {
        roll(Some(self), None, keys)
    }
}

impl Hdfs {
    /// Replaces keys of these servers, or of their realm.
    pub(crate) fn roll_keys(&self, realm: Option<&Realm>, keys: &KeyKind) -> Result<i64, Error> {
        roll(realm, Some(self), keys)
    }

    fn roll_master_key(&self) -> Result<i64, Error> {
        let key_id = self.namenode().roll_master_key(self.now())?;
        self.rolled(&format!("delegation tokens, key {key_id}"));
        Ok(key_id.into())
    }

    fn roll_block_keys(&self) -> i64 {
        let namenode = self.namenode();
        let keys = namenode.block_tokens();
        keys.update_keys(self.now());
        let key_id = keys.current_key_id();
        self.rolled("block tokens and data encryption");
        key_id.into()
    }

    #[cfg(feature = "web")]
    fn roll_certificates(&self) -> Result<i64, Error> {
        let https = self.https().ok_or_else(no_https)?;
        let number = https.roll(self.now())?;
        self.rolled(&format!("HTTPS, certificate {number}"));
        Ok(number)
    }

    #[cfg(not(feature = "web"))]
    fn roll_certificates(&self) -> Result<i64, Error> {
        Err(no_https())
    }

    fn rolled(&self, subject: &str) {
        self.world()
            .record_state(Server::NameNode(1), StateChange::KeysRolled, subject);
    }
}

fn no_https() -> Error {
    Error::Setting {
        key: "keys".to_owned(),
        value: format!("{:?}", KeyKind::Certificates),
        why: "no port has TLS: set dfs.http.policy to HTTPS_ONLY or HTTP_AND_HTTPS".to_owned(),
    }
}

fn roll(realm: Option<&Realm>, hdfs: Option<&Hdfs>, keys: &KeyKind) -> Result<i64, Error> {
    let of_realm = || realm.ok_or(Error::NoRealm);
    let of_hdfs = || {
        hdfs.ok_or_else(|| Error::Setting {
            key: "keys".to_owned(),
            value: format!("{keys:?}"),
            why: "they belong to a NameNode, and a realm alone has none: start a Cluster"
                .to_owned(),
        })
    };
    match keys {
        KeyKind::Krbtgt => {
            let realm = of_realm()?;
            let krbtgt = Principal::krbtgt(realm.name(), realm.name());
            roll_principal(realm, hdfs, &krbtgt)
        }
        KeyKind::Service(name) => {
            let realm = of_realm()?;
            roll_principal(realm, hdfs, &realm.principal(name)?)
        }
        KeyKind::DelegationTokens => of_hdfs()?.roll_master_key(),
        KeyKind::BlockTokens | KeyKind::DataEncryption => Ok(of_hdfs()?.roll_block_keys()),
        KeyKind::Certificates => of_hdfs()?.roll_certificates(),
    }
}

/// Replaces a principal's keys in the KDC, its keytabs, and the servers that run as it. The old
/// ones stay beside the new ones.
fn roll_principal(realm: &Realm, hdfs: Option<&Hdfs>, principal: &Principal) -> Result<i64, Error> {
    let name = principal.to_string();
    let kvno = realm.change_keys(&name, true)?;
    let core = realm.core();
    // The servers first: the KDC issues tickets for the new keys already.
    for keytab in hdfs.iter().flat_map(|hdfs| hdfs.keytabs_of(principal)) {
        keytab.replace(core.keytab_of(&[&name])?);
    }
    realm.follow_keys(principal);
    if !principal.is_krbtgt() {
        core.update_keytabs(principal)?;
    }
    let subject = format!("{name} version {kvno}");
    core.world
        .record_state(Server::Kdc, StateChange::KeysRolled, &subject);
    Ok(kvno.into())
}

#[cfg(test)]
mod tests {
    use kerbox_krb5::Keytab;

    use super::*;

    #[test]
    fn a_service_gets_new_keys_in_its_keytab_and_a_realm_has_no_namenodes_keys() {
        let realm = Realm::start_blocking().expect("it starts");
        let keytab = realm.keytab("nn/localhost").expect("a file");
        let versions = || {
            let keytab = Keytab::read(&keytab).expect("a keytab");
            let mut versions: Vec<_> = keytab.entries().map(|entry| entry.kvno()).collect();
            versions.sort_unstable();
            versions.dedup();
            versions
        };
        assert_eq!(versions(), [1]);
        let service = KeyKind::Service("nn/localhost".to_owned());
        assert_eq!(realm.roll_keys(&service).expect("it is there"), 2);
        assert_eq!(versions(), [1, 2]);
        let refused = realm
            .roll_keys(&KeyKind::BlockTokens)
            .expect_err("no NameNode");
        assert!(refused.to_string().contains("start a Cluster"), "{refused}");
        let rolled = realm.journal().last(1);
        assert!(rolled.contains("keys rolled: nn/localhost@"), "{rolled}");
    }
}
