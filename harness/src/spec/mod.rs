//! The description of a fixture: what its builders collect before anything starts.

pub(crate) mod builder;
pub(crate) mod checks;
pub(crate) mod cluster_builder;
pub(crate) mod other_realms;
pub(crate) mod principals;
pub(crate) mod settings;
