//! The body of a change that a console asks for.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use http::StatusCode;
use http_body::Body;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::web::response::{self, WebResponse};

/// The longest body in bytes, and the real time in which it must arrive.
const LIMIT: (usize, Duration) = (64 << 10, Duration::from_secs(30));

/// Reads the body; the empty one if the request changes nothing.
///
/// # Errors
/// Fails with the response if it is too long, or does not arrive.
pub(super) async fn read(
    is_change: bool,
    body: &mut Incoming,
) -> Result<Vec<u8>, Box<WebResponse>> {
    if !is_change {
        return Ok(Vec::new());
    }
    let (longest, time) = LIMIT;
    let reading = async {
        let mut all = Vec::new();
        while let Some(frame) = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
            let data = frame.ok().and_then(|frame| frame.into_data().ok());
            let data = data.unwrap_or_default();
            if all.len() + data.len() > longest {
                let reason = format!("A change has at most {longest} bytes");
                return Err(Box::new(response::page(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    &reason,
                )));
            }
            all.extend_from_slice(&data);
        }
        Ok(all)
    };
    timeout(time, reading).await.unwrap_or_else(|_| {
        let reason = "The body did not arrive in time";
        Err(Box::new(response::page(
            StatusCode::REQUEST_TIMEOUT,
            reason,
        )))
    })
}
