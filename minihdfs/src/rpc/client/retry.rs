//! The calls that are made again, and when (Hadoop's `RetryPolicies`).

use std::time::Duration;

use rand::{Rng, RngExt};

use super::RpcError;

/// Decides whether a failed call is made again.
///
/// ```
/// use std::time::Duration;
/// use minihdfs::rpc::client::{RetryPolicy, RpcError};
/// # use rand::SeedableRng;
/// # let mut rng = rand::rngs::StdRng::seed_from_u64(1);
///
/// let sleep = Duration::from_secs(1);
/// let policy = RetryPolicy::FixedSleep { max_retries: 2, sleep };
/// let lost = RpcError::Lost("reset".to_owned());
/// assert_eq!(policy.next_attempt(&lost, 1, &mut rng), Some(sleep));
/// assert_eq!(policy.next_attempt(&lost, 2, &mut rng), None);
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum RetryPolicy {
    /// `TRY_ONCE_THEN_FAIL`
    #[default]
    TryOnceThenFail,
    /// `RETRY_FOREVER`: at once, and without a limit.
    RetryForever,
    /// `retryUpToMaximumCountWithFixedSleep`
    FixedSleep {
        /// The maximum number of further attempts.
        max_retries: u32,
        /// The pause before each.
        sleep: Duration,
    },
    /// `retryUpToMaximumCountWithProportionalSleep`: the pause grows by `sleep` each time.
    ProportionalSleep {
        /// The maximum number of further attempts.
        max_retries: u32,
        /// The first pause.
        sleep: Duration,
    },
    /// `exponentialBackoffRetry`: the pause doubles each time, and is drawn between half of that
    /// and half more.
    ExponentialBackoff {
        /// The maximum number of further attempts.
        max_retries: u32,
        /// The first pause.
        sleep: Duration,
    },
    /// `retryByRemoteException`: one policy for each class of exceptions, and one for the rest.
    ByRemoteException {
        /// The policies, by the full name of the Java class.
        classes: Vec<(String, Self)>,
        /// The policy for all other failures.
        default: Box<Self>,
    },
}

impl RetryPolicy {
    /// Returns the pause before the next attempt, or `None` if the call has failed. `retries`
    /// counts the attempts after the first.
    pub fn next_attempt(
        &self,
        error: &RpcError,
        retries: u32,
        rng: &mut impl Rng,
    ) -> Option<Duration> {
        match self {
            Self::TryOnceThenFail => None,
            Self::RetryForever => Some(Duration::ZERO),
            Self::FixedSleep { max_retries, sleep } => (retries < *max_retries).then_some(*sleep),
            Self::ProportionalSleep { max_retries, sleep } => {
                let factor = retries.saturating_add(1);
                (retries < *max_retries).then(|| sleep.saturating_mul(factor))
            }
            Self::ExponentialBackoff { max_retries, sleep } => {
                (retries < *max_retries).then(|| {
                    let factor = 2_u32.saturating_pow(retries);
                    let pause = sleep.saturating_mul(factor);
                    let share = rng.random_range(0..1000);
                    pause / 2 + (pause / 1000).saturating_mul(share)
                })
            }
            Self::ByRemoteException { classes, default } => {
                let class = error.remote().map(|exception| exception.class());
                let policy = classes
                    .iter()
                    .find(|(name, _)| Some(name.as_str()) == class)
                    .map_or(&**default, |(_, policy)| policy);
                policy.next_attempt(error, retries, rng)
            }
        }
    }
}
