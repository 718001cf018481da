//! The command line: its flags, and the `KERBOX_*` variables that can replace them.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::environment::Shell;
use crate::flags::SettingsArgs;
use crate::{cli_admin, cli_control};
use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand};

/// A Kerberos realm and a secure HDFS on your laptop.
#[derive(Debug, Parser)]
#[command(name = "kerbox", version, max_term_width = 110, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  kerbox up                               a realm, a NameNode, three DataNodes, and the users
                                          alice, bob and jupyter (password = name)
  eval \"$(kerbox env)\" && kinit alice      in another terminal
  kerbox up --data-dir ~/kerbox           the same one again after a restart
  kerbox exec -- pytest -q                a fresh one on free ports for one command
  kerbox exec --protection privacy -D dfs.replication=1 -- go test ./...
  kerbox kdc --dir k & kerbox namenode --kdc-dir k & kerbox datanode --kdc-dir k
                                          each in a process of its own
  kerbox clock advance 11h                eleven hours pass at once
  kerbox events --follow                  what the servers see
  kerbox fault add krb-error KDC_ERR_POLICY --of alice --times 1

Exit codes: 0 done, 1 failure, 2 usage, 3 bad configuration, 4 cannot bind; `exec` gives the
command's own (128 + n for a signal). Each long flag that sets a value can be given by a variable,
for instance KERBOX_DATANODES=1. KERBOX_KEEP=1 keeps the files at the end, KERBOX_KEEP=on-failure
those of what fails. Not for production.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a realm and an HDFS, and serve until Ctrl-C or SIGTERM
    Up(Up),
    /// Start a KDC alone, and serve until Ctrl-C or SIGTERM: for `kerbox namenode`, or for any
    /// other service
    Kdc(Up),
    /// Start a NameNode without DataNodes, whose KDC is another process, such as `kerbox kdc` or
    /// MIT's krb5kdc, and serve until Ctrl-C or SIGTERM
    Namenode(Namenode),
    /// Start a DataNode for a NameNode in another process, such as `kerbox namenode` or
    /// `kerbox up --datanodes 0`, and serve until Ctrl-C or SIGTERM
    Datanode(Datanode),
    /// Start on free ports, run a command with the environment, stop, and exit with its code
    Exec(Exec),
    /// Print the environment of a running sandbox: eval "$(kerbox env)"
    Env(Env),
    /// Add, list, show, change or remove principals of a running sandbox
    Principal(cli_admin::Principal),
    /// Write the keys of principals of a running sandbox into a keytab
    Keytab(cli_admin::Keytab),
    /// Write a ticket made to order into a credential cache: expired, not yet valid, not renewable,
    /// of another key
    Ccache(cli_admin::Ccache),
    /// Log a user of a running sandbox in, and print the name of the credential cache:
    /// KRB5CCNAME=$(kerbox login alice)
    Login(cli_control::Login),
    /// Write a delegation token of a running sandbox's NameNode into a token file
    Token(cli_control::Token),
    /// Replace keys while everything runs
    Roll(cli_control::Roll),
    /// Show a running sandbox's time, or move, stop and resume it
    Clock(cli_control::Clock),
    /// Print what the servers of a running sandbox see
    Events(cli_control::Events),
    /// Make a running sandbox fail on purpose
    Fault(cli_control::Fault),
    /// List the servers of a running sandbox, or stop, pause and restart one
    Node(cli_control::Node),
    /// Check a configuration file, or show what is in effect
    Config(Config),
    /// Process that `exec` starts in between, so that the command dies with it
    #[command(name = "__child", hide = true)]
    Child(Child),
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Where the files go, a new or an empty folder, or one of an earlier run; kept at the end.
    /// Default: a folder of its own, removed at the end [env: KERBOX_DIR]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
    #[command(flatten)]
    pub(crate) ready: ReadyArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Namenode {
    /// Where its files go, a new or an empty folder, or one of an earlier run; kept at the end.
    /// Default: a folder of its own, removed at the end
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// The folder of the KDC's process, as `kerbox kdc --dir` has it: the keytabs, and the clock,
    /// which this process then lives by
    #[arg(long, value_name = "DIR", conflicts_with = "simple")]
    pub(crate) kdc_dir: Option<PathBuf>,
    /// The folder with the keytabs of nn/localhost and HTTP/localhost, if another KDC made them
    #[arg(long, value_name = "DIR", conflicts_with_all = ["simple", "kdc_dir"])]
    pub(crate) keytabs: Option<PathBuf>,
    /// The realm, and whatever else is set, are as for `kerbox up`. The DataNodes are processes of
    /// their own; their number is only the usual dfs.replication.
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
    #[command(flatten)]
    pub(crate) ready: ReadyArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Datanode {
    /// Where its files go, a new or an empty folder, or one of an earlier run. Default: a folder of
    /// its own, removed at the end
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// The folder of the KDC's process, as `kerbox kdc --dir` has it: where the KDC listens, the
    /// keytab, and the clock, which this process then lives by
    #[arg(long, value_name = "DIR", conflicts_with_all = ["kdc_port", "simple"])]
    pub(crate) kdc_dir: Option<PathBuf>,
    /// The file with the keys of the DataNodes' principal: dn.service.keytab in the KDC's folder
    #[arg(long, value_name = "FILE")]
    pub(crate) keytab: Option<PathBuf>,
    /// The ports are those of the KDC and of the NameNode to which it belongs.
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
    #[command(flatten)]
    pub(crate) ready: ReadyArgs,
}

// KERBOX_DIR is left out on purpose: every shell that has read a sandbox's env.sh has it in its
// environment, but `exec` in such a shell needs a separate sandbox.
#[derive(Debug, Args)]
pub(crate) struct Exec {
    /// Where the files go, a new or an empty folder, or one of an earlier run; kept at the end.
    /// Default: a folder of its own, removed at the end
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
    #[command(flatten)]
    pub(crate) ready: ReadyArgs,
    /// The command sees the sandbox's time as its own, and so do programs on glibc that it starts
    /// (Linux)
    #[arg(long)]
    pub(crate) clock: bool,
    /// The same, and Go and static programs that it starts follow, too: for shells and `go test`
    #[arg(long)]
    pub(crate) clock_children: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// The flags for whoever waits until it serves.
#[derive(Debug, Default, Args)]
pub(crate) struct ReadyArgs {
    /// One JSON line when everything serves, also on a terminal (`exec`: on stderr)
    #[arg(long, env = "KERBOX_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
    /// Write the same line to this open descriptor, and close it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(3..))]
    pub(crate) ready_fd: Option<i32>,
    /// Say on stderr what the servers see: each exchange, call and transfer on a line
    #[arg(long, short, env = "KERBOX_VERBOSE", value_parser = BoolishValueParser::new())]
    pub(crate) verbose: bool,
    /// Stop when standard input is closed: nothing is left over when the parent dies
    #[arg(long, env = "KERBOX_EXIT_ON_STDIN_EOF", value_parser = BoolishValueParser::new())]
    pub(crate) exit_on_stdin_eof: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Env {
    /// The sandbox's folder. Default: KERBOX_DIR if a sandbox serves from it, else that of the only
    /// one that runs
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// For which shell
    #[arg(long, value_enum, default_value = "bash")]
    pub(crate) shell: Shell,
    /// Programs on glibc see the sandbox's time as their own (Linux)
    #[arg(long)]
    pub(crate) clock: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read FILE and name everything that is wrong with it
    Check {
        /// The file
        file: PathBuf,
    },
    /// Print a configuration file that has every setting, each with its meaning
    Example,
    /// Print what is in effect, as a configuration file: flags, then KERBOX_* variables, then the
    /// file, then the defaults
    Show(Box<SettingsArgs>),
}

#[derive(Debug, Args)]
pub(crate) struct Child {
    /// The process that must be alive for the command to start
    #[arg(long)]
    pub(crate) parent: i32,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}

/// Returns the environment variables that replace flags, and the others that kerbox reads.
pub(crate) fn variables() -> Vec<String> {
    use clap::CommandFactory;
    let command = Cli::command();
    let arguments = command
        .get_subcommands()
        .flat_map(clap::Command::get_arguments);
    let flags = arguments.filter_map(|argument| argument.get_env()?.to_str().map(str::to_owned));
    // The last two are for this project's own tests.
    let others = [
        "KERBOX_CLOCK_PAGE",
        "KERBOX_DIR",
        "KERBOX_KEEP",
        "KERBOX_PEERS",
        "KERBOX_PEERS_DIR",
    ];
    flags.chain(others.map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_are_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
