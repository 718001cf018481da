//! Opening the connection.

use std::net::SocketAddr;

use kerbox_krb5::Clock;
use tokio::net::TcpStream;

use super::timer::{pause, reached};
use crate::rpc::client::{ClientSettings, RpcError};

/// Connects to a server, in as many attempts as the settings allow.
pub(super) async fn connect(
    address: SocketAddr,
    settings: &ClientSettings,
    clock: &Clock,
) -> Result<TcpStream, RpcError> {
    let (mut failures, mut timeouts) = (0, 0);
    loop {
        let deadline = clock.now() + settings.connect_timeout;
        tokio::select! {
            connected = TcpStream::connect(address) => match connected {
                Ok(stream) => {
                    // A socket that refuses the option still works.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) if failures >= settings.connect_max_retries => {
                    return Err(RpcError::Connect { address, why: error.to_string() });
                }
                Err(error) => {
                    failures += 1;
                    tracing::debug!(%address, %error, failures, "connecting again");
                    pause(clock, settings.connect_retry_interval).await;
                }
            },
            () = reached(clock, Some(deadline)) => {
                if timeouts >= settings.connect_max_retries_on_timeouts {
                    return Err(RpcError::TimedOut(settings.connect_timeout));
                }
                timeouts += 1;
            }
        }
    }
}
