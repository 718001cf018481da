//! Delegation tokens that a test issues, renews, lets expire and cancels by name.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use kerbox_events::{Server, StateChange};
use kerbox_krb5::Timestamp;
use minihdfs::token::{DelegationTokenIdentifier, Token};

use crate::cluster::Cluster;
use crate::servers::token_file::token_file;
use crate::spec::file_names::file_name;
use crate::{ClientEnv, Error};

/// The name of the variable by which Hadoop's clients find a token file.
const VARIABLE: &str = "HADOOP_TOKEN_FILE_LOCATION";

impl Cluster {
    /// Returns the settings of a delegation token of this user.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let cluster = kerbox::Cluster::secure().start_blocking()?;
    /// let token = cluster.token("alice").renewer("yarn").issue()?;
    /// let list = token.command("hdfs"); // with the token alone, and no ticket
    ///
    /// cluster.advance_blocking(Duration::from_secs(20 * 3600))?;
    /// token.renew()?; // as yarn would
    /// cluster.advance_blocking(Duration::from_secs(20 * 3600))?;
    /// assert!(token.is_valid());
    /// token.expire()?;
    /// assert!(!token.is_valid());
    /// # let _ = list;
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    pub fn token(&self, user: &str) -> TokenBuilder<'_> {
        TokenBuilder {
            cluster: self,
            user: user.to_owned(),
            renewer: String::new(),
        }
    }
}

/// The settings of a delegation token, from [`Cluster::token`].
///
/// ```
/// use kerbox::{Cluster, IssuedToken, TokenBuilder};
///
/// let cluster = Cluster::secure().start_blocking()?;
/// let builder: TokenBuilder<'_> = cluster.token("alice").renewer("yarn");
/// let token: IssuedToken<'_> = builder.issue()?;
/// assert!(token.file().exists() && token.expires().is_some());
/// token.cancel()?;
/// assert_eq!(token.expires(), None);
/// # Ok::<(), kerbox::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `.issue()`"]
pub struct TokenBuilder<'a> {
    cluster: &'a Cluster,
    user: String,
    renewer: String,
}

impl<'a> TokenBuilder<'a> {
    /// Sets the short name of the user who may renew it; by default it cannot be renewed.
    pub fn renewer(mut self, short_name: &str) -> Self {
        short_name.clone_into(&mut self.renewer);
        self
    }

    /// Issues the token, and writes it into a file of the fixture in Hadoop's format: once for the
    /// NameNode's RPC port, and with the feature `web` once for each of its WebHDFS ports.
    pub fn issue(self) -> Result<IssuedToken<'a>, Error> {
        let Self {
            cluster,
            user,
            renewer,
        } = self;
        let realm = cluster.realm().ok_or(Error::NoRealm)?;
        let owner = realm.principal(&user)?.to_string();
        let hdfs = cluster.hdfs();
        let issued = hdfs
            .namenode()
            .issue_delegation_token(hdfs.now(), &owner, &renewer)?;
        let token = issued.with_service(hdfs.address.to_string());
        let identifier = DelegationTokenIdentifier::from_bytes(&token.identifier)?;
        let bytes = token_file(hdfs, &token);
        let name = file_name(&format!("{user}-{}", identifier.sequence_number));
        let file = hdfs
            .world()
            .files()
            .write(&format!("tokens/{name}"), &bytes)?;
        let issued = IssuedToken {
            cluster,
            token,
            identifier,
            file,
        };
        issued.record(StateChange::TokenIssued);
        Ok(issued)
    }
}

/// A delegation token, from [`Cluster::token`]. Dropping it leaves the token as it is.
pub struct IssuedToken<'a> {
    cluster: &'a Cluster,
    token: Token,
    identifier: DelegationTokenIdentifier,
    file: PathBuf,
}

impl IssuedToken<'_> {
    /// Returns its file, for `HADOOP_TOKEN_FILE_LOCATION`.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns the environment of a client that has this token and no ticket.
    #[must_use]
    pub fn env(&self) -> ClientEnv {
        self.cluster.env().with(VARIABLE, &self.file)
    }

    /// Returns a command that runs in that environment and, where possible, in the fixture's time.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let world = self.cluster.hdfs().world();
        world.command(self.env(), program.as_ref())
    }

    /// Returns its sequence number.
    #[must_use]
    pub fn sequence_number(&self) -> i32 {
        self.identifier.sequence_number
    }

    /// Returns when it expires unless it is renewed; `None` if it was cancelled or removed.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        let namenode = self.cluster.namenode();
        let tokens = namenode.delegation_tokens();
        tokens.renew_date(&self.identifier)
    }

    /// Returns whether the NameNode accepts it now.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let hdfs = self.cluster.hdfs();
        let namenode = hdfs.namenode();
        let tokens = namenode.delegation_tokens();
        tokens.verify(hdfs.now(), &self.token).is_ok()
    }

    /// Renews it as its renewer would, and returns the new time of expiry. Fails as the renewer's
    /// call would.
    pub fn renew(&self) -> Result<Timestamp, Error> {
        let hdfs = self.cluster.hdfs();
        let until = hdfs
            .namenode()
            .renew_issued_token(hdfs.now(), &self.token)?;
        self.record(StateChange::TokenRenewed);
        Ok(until)
    }

    /// Lets it expire now. Fails if it was cancelled or removed.
    pub fn expire(&self) -> Result<(), Error> {
        let hdfs = self.cluster.hdfs();
        hdfs.namenode()
            .expire_issued_token(hdfs.now(), &self.token)?;
        self.record(StateChange::TokenExpired);
        Ok(())
    }

    /// Cancels it as its owner would.
    pub fn cancel(&self) -> Result<(), Error> {
        self.cluster.namenode().cancel_issued_token(&self.token)?;
        self.record(StateChange::TokenCancelled);
        Ok(())
    }

    fn record(&self, change: StateChange) {
        let world = self.cluster.hdfs().world();
        world.record_state(Server::NameNode(1), change, &self.identifier.to_string());
    }
}

impl fmt::Debug for IssuedToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuedToken({})", self.identifier)
    }
}

#[cfg(test)]
mod tests {
    use minihdfs::token::Credentials;

    use super::*;

    #[test]
    fn a_token_lives_as_long_as_its_verbs_say_and_each_is_in_the_journal() {
        let cluster = Cluster::secure().start_blocking().expect("it starts");
        let token = cluster.token("alice").renewer("yarn").issue().expect("one");
        assert!(token.is_valid());
        let bytes = std::fs::read(token.file()).expect("a file");
        let file = Credentials::from_bytes(&bytes).expect("a token file");
        let kinds: Vec<&str> = file.tokens.iter().map(|(_, token)| &*token.kind).collect();
        let expected = [Token::DELEGATION, Token::WEBHDFS];
        assert_eq!(kinds, expected[..kinds.len()]);
        assert_eq!(kinds.len() == 2, cfg!(feature = "web"));
        token.expire().expect("it is there");
        assert!(!token.is_valid());
        let until = token.renew().expect("yarn may");
        assert_eq!((token.expires(), token.is_valid()), (Some(until), true));
        token.cancel().expect("alice may");
        assert!(!token.is_valid() && token.renew().is_err() && token.expire().is_err());
        let said = cluster.journal().last(4);
        let shown = ["issued", "expired", "renewed", "cancelled"];
        for (line, change) in said.lines().zip(shown) {
            assert!(line.contains(&format!("token {change}: ")), "{said}");
        }
        let without = cluster.token("alice").issue().expect("one");
        let refused = without.renew().expect_err("it has no renewer").to_string();
        assert!(refused.contains("without a renewer"), "{refused}");
    }
}
