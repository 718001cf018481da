//! The flags of the commands for the clock, the events, the faults and the servers of a running
//! sandbox.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use kerbox_krb5::Timestamp;

use crate::cli_admin::Which;
use crate::settings::{parse_duration, parse_time};

#[derive(Debug, Args)]
pub(crate) struct Clock {
    #[command(subcommand)]
    pub(crate) command: ClockCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClockCommand {
    /// Print the sandbox's time
    Show(Which),
    /// Move the time forward; every timer on the way runs, and is printed
    Advance {
        /// Distance, as in 9h or 1d12h
        #[arg(value_parser = parse_duration)]
        by: Duration,
        #[command(flatten)]
        which: Which,
    },
    /// Set the time at once, forward or backward, like an NTP step
    Jump {
        /// To when, as in 2030-01-01T00:00:00Z
        #[arg(value_parser = parse_time)]
        to: Timestamp,
        #[command(flatten)]
        which: Which,
    },
    /// Stop the time
    Freeze(Which),
    /// Let the time run again
    Resume(Which),
}

#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Go on with the events to come, until the sandbox ends
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) which: Which,
}

#[derive(Debug, Args)]
pub(crate) struct Fault {
    #[command(subcommand)]
    pub(crate) command: FaultCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FaultCommand {
    /// Add a fault and print its number; it stays until it is removed
    Add(AddFault),
    /// Print the faults that were added, and how often each has struck
    List(Which),
    /// Remove a fault
    Remove {
        /// Its number
        number: u64,
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddFault {
    #[command(subcommand)]
    pub(crate) action: FaultAction,
    /// Only requests of this user
    #[arg(long, value_name = "USER", global = true)]
    pub(crate) of: Option<String>,
    /// Only calls of this method, as in getFileInfo
    #[arg(long, value_name = "METHOD", global = true)]
    pub(crate) method: Option<String>,
    /// Let so many matching requests pass first
    #[arg(long, value_name = "N", default_value_t = 0, global = true)]
    pub(crate) after: u64,
    /// Strike so often at most
    #[arg(long, value_name = "N", global = true)]
    pub(crate) times: Option<u64>,
    /// Strike with this probability, from 0 to 1
    #[arg(long, value_name = "P", global = true)]
    pub(crate) probability: Option<f64>,
    /// The sandbox's folder. Default: KERBOX_DIR if a sandbox serves from it, else that of the only
    /// one that runs
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FaultAction {
    /// The KDC answers ticket requests with this error
    KrbError {
        /// Its name or number, as in KDC_ERR_POLICY
        code: String,
    },
    /// The NameNode answers calls with this exception
    Exception {
        /// The Java class, as in java.io.IOException
        class: String,
        /// The message
        message: String,
    },
    /// A server accepts requests and never answers
    Silence {
        /// kdc, namenode or datanode1
        server: String,
    },
    /// A server closes the connection instead of answering
    Disconnect {
        /// kdc, namenode or datanode1
        server: String,
    },
    /// A server closes the sending half of the connection instead of answering, and reads on
    HalfClose {
        /// kdc, namenode or datanode1
        server: String,
    },
    /// A server acts, but its answer is lost
    LoseReply {
        /// kdc or namenode
        server: String,
    },
    /// The KDC changes a field of its replies that no key protects
    Forge {
        /// client, client-realm, service, ticket-kvno or reply-kvno
        field: String,
    },
    /// A DataNode's disk fails in the middle of a block
    DiskError {
        /// Its number, from 1
        datanode: usize,
    },
    /// A server waits before it answers, by the sandbox's clock
    Delay {
        /// kdc, namenode or datanode1
        server: String,
        /// Duration, as in 3s
        #[arg(value_parser = parse_duration)]
        by: Duration,
    },
    /// A DataNode sends or stores corrupt bytes
    Corrupt {
        /// Its number, from 1
        datanode: usize,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Roll {
    /// krbtgt, delegation-tokens, block-tokens, data-encryption, certificates, or a service as in
    /// nn/localhost
    pub(crate) keys: String,
    #[command(flatten)]
    pub(crate) which: Which,
}

#[derive(Debug, Args)]
pub(crate) struct Node {
    #[command(subcommand)]
    pub(crate) command: NodeCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Print the servers, their addresses and their states
    List(Which),
    /// End a server
    Stop(NodeName),
    /// End a server at once, with its connections cut
    Kill(NodeName),
    /// Hold a server, as SIGSTOP does
    Pause(NodeName),
    /// Let a server go on
    Resume(NodeName),
    /// Start a server at its address; a NameNode keeps its namespace and waits for its DataNodes
    Restart(NodeName),
}

#[derive(Debug, Args)]
pub(crate) struct NodeName {
    /// kdc, namenode, datanode1, or console, which a KDC alone has
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) which: Which,
}

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// Whose ticket
    pub(crate) user: String,
    #[command(flatten)]
    pub(crate) which: Which,
}

#[derive(Debug, Args)]
pub(crate) struct Token {
    /// Whose token
    pub(crate) user: String,
    /// The short name of the user who may renew it
    #[arg(long, value_name = "NAME", default_value = "")]
    pub(crate) renewer: String,
    /// The file to write, for HADOOP_TOKEN_FILE_LOCATION
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) which: Which,
}
