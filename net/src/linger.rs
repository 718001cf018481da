//! Closing a connection whose peer may still be sending.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// The limits on further reading after the last answer, in real time and in bytes.
///
/// Closing a socket with unread input resets the connection, and the peer loses the answer. So a
/// server ends its own direction first and reads on until the peer has closed the other.
///
/// ```
/// use std::time::Duration;
/// use kerbox_net::Linger;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (mut server, mut client) = tokio::io::duplex(64);
/// server.write_all(b"refused").await?;
/// let linger = Linger { time: Duration::from_secs(1), bytes: 1 << 20 };
/// let closing = tokio::spawn(linger.close(server));
/// let mut answer = String::new();
/// client.read_to_string(&mut answer).await?;
/// assert_eq!(answer, "refused");
/// drop(client);
/// closing.await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Linger {
    /// The longest wait for the peer's end.
    pub time: Duration,
    /// The number of bytes after which a peer that keeps sending is cut off.
    pub bytes: u64,
}

impl Linger {
    /// Closes a connection. It ends even if the peer is gone already.
    pub async fn close(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let _ = stream.shutdown().await;
        self.drain(&mut stream).await;
    }

    /// Reads until the peer closes its direction.
    pub async fn drain(self, stream: &mut (impl AsyncRead + Unpin)) {
        let _ = timeout(
            self.time,
            tokio::io::copy(&mut stream.take(self.bytes), &mut tokio::io::sink()),
        )
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_peer_reads_the_answer_and_is_cut_off_if_it_sends_on_and_on() {
        let linger = Linger {
            time: Duration::from_secs(60),
            bytes: 100,
        };
        let (mut ours, mut theirs) = tokio::io::duplex(1 << 10);
        ours.write_all(b"answer").await.expect("sent");
        let closed = tokio::spawn(linger.close(ours));
        theirs.write_all(&[0; 50]).await.expect("it still reads");
        let mut answer = Vec::new();
        theirs.read_to_end(&mut answer).await.expect("an end");
        assert_eq!(answer, b"answer");
        theirs.write_all(&[0; 50]).await.expect("it still reads");
        closed.await.expect("it closed");
        assert!(theirs.write_all(&[0; 1]).await.is_err());
    }

    #[tokio::test]
    async fn a_peer_that_never_closes_is_left() {
        let linger = Linger {
            time: Duration::from_millis(5),
            bytes: 100,
        };
        let (ours, _theirs) = tokio::io::duplex(1 << 10);
        linger.close(ours).await;
    }
}
