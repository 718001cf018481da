//! The servers of a fixture, wired to its clock, hook and runtime.

pub(crate) mod configuration;
#[cfg(feature = "web")]
pub(crate) mod console;
pub(crate) mod data_folders;
mod database;
pub(crate) mod datanodes;
mod descriptors;
mod handle;
pub(crate) mod hdfs;
pub(crate) mod hosts;
#[cfg(feature = "web")]
mod https;
mod kdc_core;
pub(crate) mod kdcs;
pub(crate) mod listen;
pub(crate) mod logins;
pub(crate) mod namenode;
pub(crate) mod namenode_link;
pub(crate) mod namenode_start;
pub(crate) mod peers;
pub(crate) mod realm_core;
pub(crate) mod running;
pub(crate) mod slot;
pub(crate) mod timers;
pub(crate) mod token_file;
#[cfg(feature = "web")]
pub(crate) mod web;
#[cfg(feature = "web")]
pub(crate) mod web_ports;
