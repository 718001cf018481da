//! A NameNode's address at which it gives out block tokens that are no good.

use std::sync::{Arc, Mutex, PoisonError};

use kerbox::Cluster;

use crate::block_token_bytes::{BlockToken, for_each_block_token};
use crate::proxy::{Direction, Proxy};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What happens to the block tokens that a NameNode gives out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Spoiling {
    /// They pass, and the last is remembered.
    None,
    /// None arrives.
    Missing,
    /// The password has another bit.
    Password,
    /// It names another user, as if that one's token served this one.
    User,
    /// It names another key, which nobody has.
    Key,
    /// It is the one that was remembered.
    Other,
}

/// A NameNode's address at which block tokens are spoilt, or not, as the test says.
pub(crate) struct Spoiler {
    pub(crate) proxy: Proxy,
    how: Arc<Mutex<(Spoiling, Option<BlockToken>)>>,
    /// How many tokens were changed.
    spoilt: Arc<Mutex<usize>>,
}

/// How many tokens to spoil when all of them are.
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
            // One answer may tell of one block twice, as that of a file and as its last.
            *count += usize::from(changed);
        })?;
        Ok(Self { proxy, how, spoilt })
    }

    /// From now on.
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
        // The expiry date, of 7 bytes, comes first; then the number's length, and the number.
        Spoiling::Key => token.identifier[8] ^= 1,
        Spoiling::Other => *token = remembered.expect("a token was seen before").clone(),
    }
}
