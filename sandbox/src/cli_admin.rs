//! The flags of the commands for the principals and tickets of a running sandbox.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use kerbox::EncryptionType;
use kerbox::control::{PrincipalRequest, TicketRequest, When};

use crate::settings::{Attribute, parse_duration, parse_enctype, parse_time};

/// The choice of a sandbox.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The sandbox's folder. Default: KERBOX_DIR if a sandbox serves from it, else that of the only
    /// one that runs
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Principal {
    #[command(subcommand)]
    pub(crate) command: PrincipalCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PrincipalCommand {
    /// Add principals; they get random keys unless a password is given, and a user /user/NAME in
    /// HDFS
    Add(WithWhich<AddArgs>),
    /// Print the names of all principals
    List(Which),
    /// Print what the KDC knows of a principal, without its keys
    Show(WithWhich<Name>),
    /// Change a principal; what is not named stays
    Change(WithWhich<PrincipalArgs>),
    /// Remove a principal
    Remove(WithWhich<Name>),
}

/// Arguments, and of which sandbox.
#[derive(Debug, Args)]
pub(crate) struct WithWhich<T: Args> {
    #[command(flatten)]
    pub(crate) args: T,
    #[command(flatten)]
    pub(crate) which: Which,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Name {
    /// alice, nn/localhost, or with @REALM
    pub(crate) name: String,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct AddArgs {
    /// alice, nn/localhost, or with @REALM
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) options: PrincipalOptions,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PrincipalArgs {
    /// alice, nn/localhost, or with @REALM
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) options: PrincipalOptions,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct PrincipalOptions {
    /// Keys of this password
    #[arg(long, value_name = "TEXT", conflicts_with = "random_key")]
    pub(crate) password: Option<String>,
    /// New random keys (`change`; `add` makes them anyway)
    #[arg(long)]
    pub(crate) random_key: bool,
    /// Keep the older keys beside the new ones (`change`)
    #[arg(long)]
    pub(crate) keep_old: bool,
    /// The keys' types, the best first
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = parse_enctype)]
    pub(crate) enctypes: Vec<EncryptionType>,
    /// The keys' version (`add`)
    #[arg(long, value_name = "N")]
    pub(crate) kvno: Option<u32>,
    /// The longest life of its tickets, as in 30s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) max_life: Option<Duration>,
    /// Longest renewable life of its tickets
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) max_renewable_life: Option<Duration>,
    /// When it expires, as in 2030-01-01T00:00:00Z, or `never`
    #[arg(long, value_name = "TIME", value_parser = parse_when)]
    pub(crate) expires: Option<When>,
    /// When its password expires, or `never`
    #[arg(long, value_name = "TIME", value_parser = parse_when)]
    pub(crate) password_expires: Option<When>,
    /// kadmin's attributes, as in --attribute=-allow_tix; may be repeated
    #[arg(long = "attribute", value_name = "+|-NAME", allow_hyphen_values = true, value_parser = Attribute::parse)]
    pub(crate) attributes: Vec<Attribute>,
    /// Services to which it may pass its callers on (S4U2Proxy); may be repeated
    #[arg(long, value_name = "SERVICE")]
    pub(crate) delegates_to: Vec<String>,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct KeytabArgs {
    /// Whose keys
    #[arg(required = true, value_name = "PRINCIPAL")]
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Keytab {
    #[command(flatten)]
    pub(crate) args: KeytabArgs,
    /// The file to write
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) which: Which,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct TicketArgs {
    /// Whose ticket
    pub(crate) name: String,
    /// A ticket for this service, as in nn/localhost [default: a ticket-granting ticket]
    #[arg(long, value_name = "PRINCIPAL")]
    pub(crate) service: Option<String>,
    /// Its lifetime [default: 10h]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with = "expired")]
    pub(crate) life: Option<Duration>,
    /// Its renewable life, from its start [default: 7d]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, conflicts_with = "not_renewable")]
    pub(crate) renewable_life: Option<Duration>,
    /// It ended an hour ago
    #[arg(long, conflicts_with = "not_yet_valid")]
    pub(crate) expired: bool,
    /// It begins in an hour
    #[arg(long)]
    pub(crate) not_yet_valid: bool,
    /// It cannot be renewed
    #[arg(long)]
    pub(crate) not_renewable: bool,
    /// It cannot be forwarded
    #[arg(long)]
    pub(crate) not_forwardable: bool,
    /// It says that the service's key has this version
    #[arg(long, value_name = "N")]
    pub(crate) kvno: Option<u32>,
    /// It is sealed with a key that is not the service's
    #[arg(long)]
    pub(crate) wrong_key: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ccache {
    #[command(flatten)]
    pub(crate) args: TicketArgs,
    /// The file to write
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) which: Which,
}

/// Parses a time, or `never`.
fn parse_when(text: &str) -> Result<When, String> {
    match text {
        "never" => Ok(When::Never),
        text => parse_time(text).map(|time| When::At(time.as_micros())),
    }
}

impl From<PrincipalArgs> for PrincipalRequest {
    fn from(PrincipalArgs { name, options }: PrincipalArgs) -> Self {
        Self {
            name,
            password: options.password,
            random_key: options.random_key,
            keep_old: options.keep_old,
            enctypes: options.enctypes.iter().map(|enctype| enctype.0).collect(),
            kvno: options.kvno,
            max_life: options.max_life,
            max_renewable_life: options.max_renewable_life,
            expires: options.expires,
            password_expires: options.password_expires,
            attributes: options.attributes.iter().map(ToString::to_string).collect(),
            delegates_to: options.delegates_to,
        }
    }
}

impl From<TicketArgs> for TicketRequest {
    fn from(args: TicketArgs) -> Self {
        Self {
            name: args.name,
            service: args.service,
            life: args.life,
            renewable_life: args.renewable_life,
            expired: args.expired,
            not_yet_valid: args.not_yet_valid,
            not_renewable: args.not_renewable,
            not_forwardable: args.not_forwardable,
            kvno: args.kvno,
            wrong_key: args.wrong_key,
        }
    }
}
