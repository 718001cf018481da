//! The `kerbox` command: a Kerberos realm and a secure HDFS, for people and for test suites in
//! other languages.
//!
//! - `cli`: the flags; `settings`: the result of flags, variables and `kerbox.toml`
//! - `commands`: one file for each command
//! - `sandbox`: the servers, from the harness; `directory`, `ready`, `environment`: their interface
//!   to other programs
//! - `signals`: reasons to stop; `failure`: the exit codes; `note`: messages that are not failures;
//!   `memory`: the allocator's settings

use std::process::ExitCode;

use clap::Parser;

mod cli;
mod cli_admin;
mod cli_control;
mod commands;
mod control;
mod directory;
mod environment;
mod failure;
mod flags;
mod holder;
mod human;
mod memory;
mod mit;
mod note;
mod randomness;
mod ready;
mod sandbox;
mod servers;
mod settings;
mod signals;

use cli::{Cli, Command};

fn main() -> ExitCode {
    memory::return_large_blocks();
    let mut arguments = std::env::args_os();
    if let Some(program) = mit::called_as(arguments.next().as_deref()) {
        let arguments: Vec<String> = arguments
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect();
        return program(&arguments);
    }
    let done = match Cli::parse().command {
        Command::Up(args) => commands::up::up(&args).map(|()| ExitCode::SUCCESS),
        Command::Kdc(args) => commands::up::kdc(args).map(|()| ExitCode::SUCCESS),
        Command::Namenode(args) => commands::namenode::namenode(&args).map(|()| ExitCode::SUCCESS),
        Command::Datanode(args) => commands::datanode::datanode(&args).map(|()| ExitCode::SUCCESS),
        Command::Exec(args) => commands::exec::exec(&args),
        Command::Env(args) => commands::env::env(&args).map(|()| ExitCode::SUCCESS),
        Command::Principal(args) => commands::admin::principal(args).map(|()| ExitCode::SUCCESS),
        Command::Keytab(args) => commands::admin::keytab(args).map(|()| ExitCode::SUCCESS),
        Command::Ccache(args) => commands::admin::ccache(args).map(|()| ExitCode::SUCCESS),
        Command::Clock(args) => commands::control::clock(args).map(|()| ExitCode::SUCCESS),
        Command::Events(args) => commands::control::events(&args).map(|()| ExitCode::SUCCESS),
        Command::Fault(args) => commands::control::fault(args).map(|()| ExitCode::SUCCESS),
        Command::Node(args) => commands::control::node(args).map(|()| ExitCode::SUCCESS),
        Command::Login(args) => commands::admin::login(args).map(|()| ExitCode::SUCCESS),
        Command::Token(args) => commands::admin::token(args).map(|()| ExitCode::SUCCESS),
        Command::Roll(args) => commands::control::roll(args).map(|()| ExitCode::SUCCESS),
        Command::Config(args) => commands::config::config(args).map(|()| ExitCode::SUCCESS),
        Command::Child(args) => Ok(commands::exec::child(&args)),
    };
    done.unwrap_or_else(|failure| {
        for line in failure.to_string().lines() {
            eprintln!("kerbox: {}", kerbox_events::Printable(line));
        }
        failure.exit_code()
    })
}
