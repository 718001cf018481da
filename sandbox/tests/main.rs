//! The `kerbox` command, used as a user would. All tests are in one binary, so that it is linked
//! only once.

mod admin;
mod clock;
mod config;
mod control;
mod data_dir;
mod descriptors;
mod env;
mod exec;
mod folders;
mod fsimage;
mod mit;
mod mit_settings;
mod other_realms;
mod ports;
mod processes;
mod settings;
mod up;
