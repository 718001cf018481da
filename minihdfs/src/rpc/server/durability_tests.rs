//! Responses to calls whose changes are not durable yet.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use kerbox_events::NoHook;

use super::tests::{greeting, read_all, serve_client};
use super::*;
use crate::HdfsError;
use crate::rpc::service::{Call, Durable, RpcService};
use crate::rpc::session::tests::client::{call, replies};
use crate::rpc::testing::endpoint_of;

/// A service whose changes become durable when a permit is there.
struct Disk {
    served: Sender<()>,
    permits: Arc<Semaphore>,
}

impl RpcService for Disk {
    fn call(&self, _call: &Call<'_>, response: &mut Vec<u8>) -> Result<(), HdfsError> {
        response.push(0); // An empty message.
        self.served
            .send(())
            .map_err(|_| HdfsError::io("nobody waits"))
    }

    fn durable(&self) -> Option<Durable> {
        let permits = Arc::clone(&self.permits);
        Some(Box::pin(async move {
            let permit = permits.acquire_owned().await;
            permit.map_err(|_| io::Error::other("full"))?.forget();
            Ok(())
        }))
    }
}

/// Serves a client beside the disk that it waits for.
fn with_disk<T: Send + 'static>(
    client: impl FnOnce(TcpStream, Receiver<()>, Arc<Semaphore>) -> T + Send + 'static,
) -> T {
    let (sender, served) = channel();
    let permits = Arc::new(Semaphore::new(0));
    let disk = Disk {
        served: sender,
        permits: Arc::clone(&permits),
    };
    let endpoint = endpoint_of(Arc::new(disk), None, &[], Arc::new(NoHook));
    serve_client(endpoint, move |stream| client(stream, served, permits))
}

/// Sends calls, each after the one before was served.
fn send(stream: &mut TcpStream, served: &Receiver<()>, calls: std::ops::Range<i32>) {
    stream.write_all(&greeting()).expect("written");
    served.recv().expect("served");
    for id in calls {
        let call = call(id, "getGroupsForUser");
        stream.write_all(&call).expect("written");
        served.recv().expect("served");
    }
}

fn ids(output: &[u8]) -> Vec<u32> {
    let replies = replies(output).into_iter();
    replies.map(|reply| reply.header.call_id).collect()
}

#[test]
fn calls_are_served_while_the_disk_is_busy_and_answered_in_their_order() {
    let output = with_disk(|mut stream, served, permits| {
        send(&mut stream, &served, 2..20);
        stream.set_nonblocking(true).expect("set");
        let early = stream.read(&mut [0]).expect_err("not durable");
        assert_eq!(early.kind(), ErrorKind::WouldBlock);
        stream.set_nonblocking(false).expect("set");
        permits.add_permits(1000);
        stream.shutdown(Shutdown::Write).expect("shut down");
        read_all(stream).expect("read")
    });
    assert_eq!(ids(&output), (1..20).collect::<Vec<_>>());
}

#[test]
fn a_client_that_has_said_all_gets_its_answers_when_they_are_durable() {
    let output = with_disk(|mut stream, served, permits| {
        send(&mut stream, &served, 2..4);
        stream.shutdown(Shutdown::Write).expect("shut down");
        permits.add_permits(1000);
        read_all(stream).expect("read")
    });
    assert_eq!(ids(&output), [1, 2, 3]);
}

#[test]
fn what_never_becomes_durable_is_never_answered() {
    let output = with_disk(|mut stream, served, permits| {
        send(&mut stream, &served, 2..4);
        permits.add_permits(1);
        permits.close();
        read_all(stream)
    });
    // The end of the connection may be a reset.
    assert!(output.is_err() || output.is_ok_and(|output| ids(&output).len() <= 1));
}
