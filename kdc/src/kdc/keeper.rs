//! Changes of the database that are durable before they are acknowledged.

use std::sync::{Arc, PoisonError};

use rand::rngs::StdRng;

use super::Kdc;
use crate::{DatabaseError, PrincipalDatabase};

/// Makes changes of a [`Kdc`]'s database durable, for instance by writing a
/// [`DatabaseFile`](crate::DatabaseFile).
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use kerbox_kdc::{DatabaseError, Kdc, Keeper, PrincipalDatabase, RealmConfig};
///
/// #[derive(Default)]
/// struct Last(Mutex<PrincipalDatabase>);
///
/// impl Keeper for Last {
///     fn keep(&self, database: &PrincipalDatabase) -> Result<(), DatabaseError> {
///         *self.0.lock().expect("no panic before") = database.clone();
///         Ok(())
///     }
/// }
///
/// let last = Arc::new(Last::default());
/// let kdc = Kdc::new(PrincipalDatabase::new(), 1).with_keeper(last.clone());
/// kdc.update(|database, rng| database.add_realm(RealmConfig::new("EXAMPLE.COM"), rng))?;
/// assert_eq!(last.0.lock().expect("no panic before").realms().len(), 1);
/// # Ok::<(), DatabaseError>(())
/// ```
pub trait Keeper: Send + Sync {
    /// Keeps the whole database. A change is acknowledged when this has returned.
    ///
    /// # Errors
    /// Fails with [`DatabaseError::NotKept`] if it cannot be kept; then the change is not made.
    fn keep(&self, database: &PrincipalDatabase) -> Result<(), DatabaseError>;
}

impl Kdc {
    /// Has every change kept: password changes by clients, and [updates](Self::update).
    #[must_use]
    pub fn with_keeper(mut self, keeper: Arc<dyn Keeper>) -> Self {
        self.keeper = Some(keeper);
        self
    }

    /// Changes the database using the KDC's own random numbers, to add principals and to change
    /// keys. With a [`Keeper`], a change that fails or cannot be kept leaves the database as it
    /// was. Requests wait until the change is kept.
    ///
    /// # Errors
    /// Fails if `update` does, or if the change cannot be kept.
    pub fn update<T>(
        &self,
        update: impl FnOnce(&mut PrincipalDatabase, &mut StdRng) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let mut database = self.database_mut();
        let Some(keeper) = &self.keeper else {
            return update(&mut database, &mut rng);
        };
        let mut changed = database.clone();
        let updated = update(&mut changed, &mut rng)?;
        keeper.keep(&changed)?;
        *database = changed;
        Ok(updated)
    }

    /// Keeps the database after a change, if there is a keeper.
    pub(super) fn keep(&self, database: &PrincipalDatabase) -> Result<(), DatabaseError> {
        let keeper = self.keeper.as_ref();
        keeper.map_or(Ok(()), |keeper| keeper.keep(database))
    }
}
