//! Clients' environments, perpetual logins, credential caches, keytabs and configuration files.

pub(crate) mod ccaches;
pub(crate) mod env_guard;
pub(crate) mod environment;
pub(crate) mod hadoop_conf;
mod kdc_socket;
pub(crate) mod keytab_files;
pub(crate) mod krb5_conf;
pub(crate) mod perpetual_login;
mod relogin;
pub(crate) mod secure_layout;
mod waiting;
