//! The file `realm`: the principals, with their keys.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use kerbox_kdc::{DatabaseError, DatabaseFile, Keeper, PrincipalDatabase};
use kerbox_krb5::Principal;

use super::Persistent;
use super::durable::{self, unusable};
use crate::Error;

const FILE: &str = "realm";

/// The file in which a KDC's database is kept.
pub(crate) struct RealmFile {
    persistent: Arc<Persistent>,
    path: PathBuf,
    /// The principals that were added because a description names them.
    described: BTreeSet<Principal>,
}

impl RealmFile {
    /// Reads the realm of a folder; `None` if it is new.
    ///
    /// # Errors
    /// Fails if the folder had a realm and has lost it, if the file cannot be read, or if it keeps
    /// another realm than `name`.
    pub(crate) fn read(
        persistent: &Arc<Persistent>,
        name: Option<&str>,
    ) -> Result<Option<DatabaseFile>, Error> {
        let path = persistent.folder.join(FILE);
        let known = persistent.state().realm.clone();
        let Some(bytes) = durable::read(&path)? else {
            return match known {
                Some(realm) => {
                    let why = format!(
                        "it is missing, and the folder has been used with the realm {realm}, \
                         whose keys were in it: restore it, or name another folder"
                    );
                    Err(unusable(&path, why))
                }
                None => Ok(None),
            };
        };
        let file = DatabaseFile::parse(&bytes);
        let file = file.map_err(|error| {
            unusable(
                &path,
                format!("{error}; restore it from a copy, or name another folder"),
            )
        })?;
        let kept = file
            .database
            .realms()
            .first()
            .map(|realm| realm.name.as_str());
        match (kept, name) {
            (Some(kept), Some(name)) if kept != name => Err(Error::Setting {
                key: "realm_name".to_owned(),
                value: name.to_owned(),
                why: format!(
                    "{} keeps the realm {kept}: name that one, or another folder",
                    persistent.folder.display()
                ),
            }),
            _ => Ok(Some(file)),
        }
    }

    /// Keeps the realm `name` as a start begins with it, and returns the keeper of later changes.
    pub(crate) fn begin(
        persistent: &Arc<Persistent>,
        name: &str,
        DatabaseFile {
            database,
            described,
        }: &DatabaseFile,
    ) -> Result<Self, Error> {
        let file = Self {
            persistent: Arc::clone(persistent),
            path: persistent.folder.join(FILE),
            described: described.clone(),
        };
        file.write(database)?;
        // Last: once the folder has a realm, the file must be there.
        persistent.change(|state| state.realm = Some(name.to_owned()))?;
        Ok(file)
    }

    fn write(&self, database: &PrincipalDatabase) -> Result<(), Error> {
        let _held = self.persistent.held()?;
        let bytes = DatabaseFile::encode(database, &self.described);
        durable::replace(&self.path, &bytes, DatabaseFile::is_begun)
    }
}

impl Keeper for RealmFile {
    fn keep(&self, database: &PrincipalDatabase) -> Result<(), DatabaseError> {
        self.write(database)
            .map_err(|error| DatabaseError::NotKept(error.to_string()))
    }
}
