//! The `kerbox` command, driven as a user drives it. One binary, so that it links once.

mod admin;
mod config;
mod env;
mod exec;
mod folders;
mod mit;
mod mit_realm;
mod mit_settings;
mod other_realms;
mod ports;
mod support;
mod up;
