//! The flags that change what is started, and the `KERBOX_*` variables that can replace them.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use kerbox::spec::MOST_DATANODES;

/// The flags that change what is started.
#[derive(Debug, Default, Args)]
pub(crate) struct SettingsArgs {
    /// The configuration file. Default: kerbox.toml in the working directory, if there is one
    #[arg(long, value_name = "FILE", env = "KERBOX_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// HDFS without Kerberos: clients are believed who they say they are
    #[arg(long, conflicts_with = "secure")]
    pub(crate) simple: bool,
    /// HDFS with Kerberos (the default)
    #[arg(long)]
    pub(crate) secure: bool,
    /// The variable's value, which the two flags above override.
    #[arg(long, value_enum, env = "KERBOX_SECURITY", hide = true)]
    pub(crate) security: Option<Security>,
    /// The KDC alone, without HDFS
    #[arg(long, env = "KERBOX_KDC_ONLY", value_parser = BoolishValueParser::new(), conflicts_with = "simple")]
    pub(crate) kdc_only: bool,
    /// Number of DataNodes [default: 3]
    #[arg(long, value_name = "N", env = "KERBOX_DATANODES", value_parser = clap::value_parser!(u16).range(0..=MOST_DATANODES as i64))]
    pub(crate) datanodes: Option<u16>,
    /// hadoop.rpc.protection and dfs.data.transfer.protection at once
    #[arg(long, value_name = "QOP", env = "KERBOX_PROTECTION")]
    pub(crate) protection: Option<Protection>,
    /// A Hadoop key for servers and clients, for instance -D dfs.blocksize=16m; may be repeated
    #[arg(short = 'D', value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub(crate) hadoop: Vec<(String, String)>,
    /// Keeps everything in DIR for the next run with it: principals and their keys, the clock, the
    /// tree, tokens and blocks. A new or an empty folder, or one of an earlier run. Default:
    /// nothing is kept
    #[arg(long, value_name = "DIR", env = "KERBOX_DATA_DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Upgrades the NameNode's folder in the data directory, as `hdfs namenode -upgrade` does. One
    /// of Hadoop 2.10 or 3.3 is refused otherwise. What there was is kept until `hdfs dfsadmin
    /// -finalizeUpgrade`
    #[arg(long, conflicts_with_all = ["fsimage", "kdc_only"])]
    pub(crate) upgrade: bool,
    /// Show the namespace of an image (fsimage_N) of Hadoop 2.10 to 3.5, without its blocks. FILE
    /// is only read, there are no DataNodes, and safe mode stays on
    #[arg(long, value_name = "FILE", env = "KERBOX_FSIMAGE", conflicts_with_all = ["datanodes", "data_dir", "kdc_only"])]
    pub(crate) fsimage: Option<PathBuf>,
    /// The address to listen on. Anything but loopback lets others on the network in
    #[arg(long, value_name = "ADDRESS", env = "KERBOX_BIND")]
    pub(crate) bind: Option<IpAddr>,
    /// The KDC's port, UDP and TCP; 0: any free one
    #[arg(long, value_name = "PORT", env = "KERBOX_KDC_PORT")]
    pub(crate) kdc_port: Option<u16>,
    /// The NameNode's RPC port; 0: any free one
    #[arg(long, value_name = "PORT", env = "KERBOX_NAMENODE_PORT")]
    pub(crate) namenode_port: Option<u16>,
    /// The HTTP port of the console of a KDC alone; 0: any free one [default: 0]
    #[arg(long, value_name = "PORT", env = "KERBOX_CONSOLE_PORT")]
    pub(crate) console_port: Option<u16>,
    /// Makes keys, block ids and whatever else is random the same in every run. Default: a new one
    /// each time
    #[arg(long, value_name = "NUMBER", env = "KERBOX_SEED")]
    pub(crate) seed: Option<u64>,
    /// Fail if a port is taken, instead of taking another
    #[arg(long, env = "KERBOX_STRICT_PORTS", value_parser = BoolishValueParser::new())]
    pub(crate) strict_ports: bool,
}

/// The quality of protection, in Hadoop's terms.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Protection {
    /// The peers are known, and no more
    Authentication,
    /// Nothing is changed on the way
    Integrity,
    /// Nothing is read on the way
    Privacy,
}

impl From<Protection> for kerbox::Protection {
    fn from(protection: Protection) -> Self {
        match protection {
            Protection::Authentication => Self::Authentication,
            Protection::Integrity => Self::Integrity,
            Protection::Privacy => Self::Privacy,
        }
    }
}

/// The authentication of clients: `hdfs.security`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Security {
    /// By Kerberos tickets and tokens.
    Kerberos,
    /// They are believed.
    Simple,
}

impl From<Security> for kerbox::spec::Security {
    fn from(security: Security) -> Self {
        match security {
            Security::Kerberos => Self::Kerberos,
            Security::Simple => Self::Simple,
        }
    }
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.to_owned()))
        }
        _ => Err(String::from(
            "write KEY=VALUE, for instance dfs.blocksize=16m",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hadoop_value_may_hold_an_equals_sign_or_nothing() {
        assert_eq!(
            key_and_value("a.b=c=d"),
            Ok((String::from("a.b"), String::from("c=d")))
        );
        assert_eq!(
            key_and_value("a.b="),
            Ok((String::from("a.b"), String::new()))
        );
        assert!(key_and_value("a.b").is_err());
        assert!(key_and_value("=b").is_err());
    }
}
