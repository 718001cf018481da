//! Ends a server from one of its own connections.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::Notify;

/// Ends a server, as if its process were killed. Clones end the same server.
///
/// ```
/// use kerbox_net::Stop;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let stop = Stop::default();
/// let of_a_connection = stop.clone();
/// of_a_connection.stop();
/// stop.or(std::future::pending()).await; // no need to wait for the shutdown
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Notify>);

impl Stop {
    /// Ends the server. It need not be waiting yet.
    pub fn stop(&self) {
        self.0.notify_one();
    }

    /// Waits until the server is to end: by `shutdown`, or by a call of [`stop`](Self::stop).
    pub async fn or(&self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            () = self.0.notified() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_is_stopped_before_it_waits_ends_at_once() {
        let stop = Stop::default();
        stop.clone().stop();
        stop.or(std::future::pending()).await;
        stop.or(std::future::ready(())).await;
    }
}
