//! Limits in real time, for peers that are not identified yet and for messages under way. They
//! protect a server, so they do not follow a fixture's clock: a frozen clock must not open a door.
//! Idle connections of identified peers have an [`IdleRule`](crate::IdleRule).

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Sleep, sleep, timeout};

/// Waits for `action`.
///
/// # Errors
/// Fails with [`ErrorKind::TimedOut`] if it takes longer than `limit`.
pub async fn within<T>(
    limit: Duration,
    action: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let mut action = pin!(action);
    // Most actions, such as writing a short response, need not wait, and so no timer either.
    let at_once = poll_fn(|context| Poll::Ready(action.as_mut().poll(context)));
    if let Poll::Ready(done) = at_once.await {
        return done;
    }
    timeout(limit, action)
        .await
        .unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

/// One limit for several steps. A peer that sends a byte now and then does not extend it.
///
/// ```
/// use std::io::ErrorKind;
/// use std::time::Duration;
/// use kerbox_net::Deadline;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut handshake = Deadline::after(Duration::from_millis(1));
/// handshake.within(async { Ok(()) }).await?; // the first step
/// let second = handshake.within(std::future::pending::<std::io::Result<()>>()).await;
/// assert_eq!(second.expect_err("too late").kind(), ErrorKind::TimedOut);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Deadline(Pin<Box<Sleep>>);

impl Deadline {
    /// Begins now.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Self(Box::pin(sleep(limit)))
    }

    /// Waits for `action`.
    ///
    /// # Errors
    /// Fails with [`ErrorKind::TimedOut`] once the limit is over.
    pub async fn within<T>(
        &mut self,
        action: impl Future<Output = io::Result<T>>,
    ) -> io::Result<T> {
        tokio::select! {
            biased;
            done = action => done,
            () = &mut self.0 => Err(ErrorKind::TimedOut.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(5);

    #[tokio::test]
    async fn what_takes_too_long_fails() {
        let failed = within(SHORT, std::future::pending::<io::Result<()>>()).await;
        assert_eq!(failed.expect_err("too long").kind(), ErrorKind::TimedOut);
        let done = within(SHORT, async { Ok(1) }).await;
        assert_eq!(done.expect("in time"), 1);
    }

    #[tokio::test]
    async fn a_deadline_does_not_begin_anew_with_every_step() {
        let mut deadline = Deadline::after(SHORT);
        let mut steps = 0;
        let failed = loop {
            let step = async {
                sleep(SHORT / 5).await;
                Ok(())
            };
            match deadline.within(step).await {
                Ok(()) => steps += 1,
                Err(error) => break error,
            }
            assert!(steps < 6, "each step is short, all together are not");
        };
        assert_eq!(failed.kind(), ErrorKind::TimedOut);
    }
}
