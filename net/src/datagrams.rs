//! A server of datagrams.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// The maximum number of answers that may be waiting at once. Further ones are lost, as datagrams
/// may be.
const MAX_WAITING: usize = 4096;

/// The largest datagram.
const MAX_DATAGRAM: usize = 65_536;

/// The answer to a datagram.
///
/// ```
/// use kerbox_net::Answer;
///
/// /// Echoes requests at once, but for empty ones.
/// fn echo(request: &[u8]) -> Answer {
///     match request {
///         [] => Answer::None,
///         request => Answer::Now(request.to_vec()),
///     }
/// }
/// ```
pub enum Answer {
    /// No answer.
    None,
    /// This datagram, at once.
    Now(Vec<u8>),
    /// An answer that comes later, if at all. Meanwhile the server goes on.
    Later(Pin<Box<dyn Future<Output = Option<Vec<u8>>> + Send>>),
}

/// Answers datagrams until it is dropped, which loses the answers that are still to come.
pub async fn serve_datagrams(
    socket: Arc<UdpSocket>,
    mut answer: impl FnMut(&[u8], SocketAddr) -> Answer,
) -> Infallible {
    let mut buffer = vec![0; MAX_DATAGRAM];
    let mut waiting = JoinSet::new();
    loop {
        // This error is about an earlier answer that could not be delivered; the socket still
        // works.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        match answer(&buffer[..length], from) {
            Answer::None => {}
            Answer::Now(message) => {
                let _ = socket.send_to(&message, from).await;
            }
            Answer::Later(answer) => {
                while waiting.try_join_next().is_some() {}
                if waiting.len() < MAX_WAITING {
                    let socket = Arc::clone(&socket);
                    waiting.spawn(crate::inherited(async move {
                        if let Some(message) = answer.await {
                            let _ = socket.send_to(&message, from).await;
                        }
                    }));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_that_comes_later_holds_up_no_other() {
        let local = "127.0.0.1:0";
        let server = Arc::new(UdpSocket::bind(local).await.expect("a port"));
        let address = server.local_addr().expect("bound");
        let mut first = true;
        let served = serve_datagrams(server, move |request, _| {
            let request = request.to_vec();
            if std::mem::take(&mut first) {
                return Answer::None;
            }
            match &request[..] {
                b"now" => Answer::Now(request),
                _ => Answer::Later(Box::pin(async move {
                    tokio::task::yield_now().await;
                    Some(request)
                })),
            }
        });
        let served = tokio::spawn(served);
        let client = UdpSocket::bind(local).await.expect("a port");
        client.connect(address).await.expect("an address");
        for request in ["lost", "later", "now"] {
            client.send(request.as_bytes()).await.expect("sent");
        }
        let mut answers = Vec::new();
        for _ in 0..2 {
            let mut answer = [0; 16];
            let length = client.recv(&mut answer).await.expect("an answer");
            answers.push(answer[..length].to_vec());
        }
        answers.sort();
        assert_eq!(answers, [b"later".to_vec(), b"now".to_vec()]);
        served.abort();
    }
}
