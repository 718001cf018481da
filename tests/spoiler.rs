//! A proxy in front of a NameNode that spoils the block tokens that it issues.

use std::sync::{Arc, Mutex, PoisonError};

use kerbox::Cluster;

use crate::block_token_bytes::{BlockToken, for_each_block_token};
use crate::proxy::{Direction, Proxy};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The proxy's action on each block token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spoiling {
    /// Passes them on, and remembers the last one.
    None,
    /// Removes the token.
    Missing,
    /// Flips a bit of the password.
    Password,
    /// Replaces the user's name in the identifier.
    User,
    /// Changes the key id to one that no server knows.
    Key,
    /// Replaces the token by the remembered one.
    Other,
}

/// A proxy that spoils block tokens as the test demands.
pub(crate) struct Spoiler {
    pub(crate) proxy: Proxy,
    how: Arc<Mutex<(Spoiling, Option<BlockToken>)>>,
    /// The number of answers in which tokens were changed.
    spoilt: Arc<Mutex<usize>>,
}

/// The limit for spoiling every token.
pub(crate) const ALL: usize = usize::MAX;

impl Spoiler {
    pub(crate) fn start(cluster: &Cluster, at_most: usize) -> Result<Self, Error> {
        let how = Arc::new(Mutex::new((Spoiling::None, None)));
        let spoilt = Arc::new(Mutex::new(0));
        let (orders, count) = (Arc::clone(&how), Arc::clone(&spoilt));
        let proxy = Proxy::start(cluster.namenode_address(), move |direction, _, bytes| {
            if direction == Direction::ToServer {
                return;
            }
            let mut orders = orders.lock().unwrap_or_else(PoisonError::into_inner);
            let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
            let (spoiling, remembered) = &mut *orders;
            let mut changed = false;
            for_each_block_token(bytes, |token| {
                if *spoiling == Spoiling::None {
                    *remembered = Some(token.clone());
                } else if *count < at_most {
                    spoil(*spoiling, token, remembered.as_ref());
                    changed = true;
                }
            });
            // One answer may contain the same block twice, among the file's blocks and as its last
            // one.
            *count += usize::from(changed);
        })?;
        Ok(Self { proxy, how, spoilt })
    }

    /// Sets what happens to tokens from now on.
    pub(crate) fn spoil(&self, spoiling: Spoiling) {
        self.how.lock().unwrap_or_else(PoisonError::into_inner).0 = spoiling;
    }

    pub(crate) fn remembered(&self) -> Option<BlockToken> {
        self.how
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .clone()
    }

    pub(crate) fn remember(&self, token: BlockToken) {
        self.how.lock().unwrap_or_else(PoisonError::into_inner).1 = Some(token);
    }

    pub(crate) fn count(&self) -> usize {
        *self.spoilt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("hdfs://{}{path}", self.proxy.address())
    }
}

fn spoil(spoiling: Spoiling, token: &mut BlockToken, remembered: Option<&BlockToken>) {
    match spoiling {
        Spoiling::None => {}
        Spoiling::Missing => *token = BlockToken::default(),
        Spoiling::Password => token.password[7] ^= 1,
        Spoiling::User => {
            let at = token
                .identifier
                .windows(5)
                .position(|bytes| bytes == b"alice");
            let at = at.expect("the token is alice's");
            token.identifier[at..at + 5].copy_from_slice(b"mallo");
        }
        // The expiry date comes first, in 7 bytes; then the length of the key id, and the key id.
        Spoiling::Key => token.identifier[8] ^= 1,
        Spoiling::Other => *token = remembered.expect("a token was seen before").clone(),
    }
}
