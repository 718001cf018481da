use std::net::UdpSocket as Client;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use super::*;

/// Longer than any answer takes.
const LIMIT: Duration = Duration::from_secs(30);

fn server() -> (Datagrams, SocketAddr) {
    let socket = Client::bind("127.0.0.1:0").expect("a port");
    let server = Datagrams::new(socket).expect("a socket");
    let address = server.local_addr().expect("bound");
    (server, address)
}

fn client(server: SocketAddr) -> Client {
    let client = Client::bind("127.0.0.1:0").expect("a port");
    client.connect(server).expect("an address");
    client.set_read_timeout(Some(LIMIT)).expect("a time");
    client
}

fn answer(client: &Client) -> Vec<u8> {
    let mut answer = [0; 16];
    let length = client.recv(&mut answer).expect("an answer");
    answer[..length].to_vec()
}

/// Runs clients on a thread of their own, beside a server on `threads` threads.
fn beside<A>(threads: usize, answers: A, clients: impl FnOnce(SocketAddr) + Send + 'static)
where
    A: Fn(&[u8], SocketAddr) -> Answer + Send + Sync + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .expect("threads");
    runtime.block_on(async {
        let (server, address) = server();
        let clients = tokio::task::spawn_blocking(move || clients(address));
        // As a server runs: in a task.
        let mut served = JoinSet::new();
        served.spawn(async move { server.serve(answers).await });
        clients.await.expect("they do not panic");
        served.shutdown().await;
    });
}

#[test]
fn a_slow_answer_holds_up_no_other_client() {
    let (go, gone) = mpsc::channel::<()>();
    let gone = Mutex::new(gone);
    let answers = move |request: &[u8], _: SocketAddr| {
        if request == b"slow" {
            let gone = gone.lock().expect("one waits");
            gone.recv_timeout(LIMIT)
                .expect("the quick ones are answered");
        }
        Answer::Now(request.to_vec())
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads");
    let (server, address) = {
        let _inside = runtime.enter();
        server()
    };
    let slow = client(address);
    let quick = [(); 8].map(|()| client(address));
    // They are all there when the server begins.
    slow.send(b"slow").expect("sent");
    for client in &quick {
        client.send(b"quick").expect("sent");
    }
    runtime.spawn(async move { server.serve(answers).await });
    for client in &quick {
        assert_eq!(answer(client), b"quick");
    }
    go.send(()).expect("it waits");
    assert_eq!(answer(&slow), b"slow");
}

#[test]
fn a_client_is_answered_in_order_and_an_answer_that_comes_later_holds_up_none() {
    let count = AtomicUsize::new(0);
    let answers = move |request: &[u8], _| {
        let request = request.to_vec();
        match count.fetch_add(1, Ordering::Relaxed) {
            0 => Answer::None,
            1 => Answer::Later(Box::pin(std::future::pending())),
            _ => Answer::Now(request),
        }
    };
    beside(4, answers, |server| {
        let client = client(server);
        for number in 0..100_u8 {
            client.send(&[number]).expect("sent");
        }
        for number in 2..100 {
            assert_eq!(answer(&client), [number]);
        }
    });
}

#[test]
fn what_waits_is_limited_and_a_client_that_was_answered_is_forgotten() {
    let mut waiting = Waiting::default();
    let [first, second] = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let datagram = vec![0; MAX_BYTES / 2 - OVERHEAD];
    assert!(waiting.add(first, &datagram));
    assert!(!waiting.add(first, &datagram), "its task is there");
    assert!(!waiting.add(second, b"x"), "too much waits");
    assert!(waiting.next(first).is_some());
    assert!(waiting.add(second, b"x"));
    assert!(waiting.next(first).is_some() && waiting.next(first).is_none());
    waiting.forget(second);
    assert!(waiting.clients.is_empty() && waiting.bytes == 0);
}

#[test]
fn empty_datagrams_do_not_wait_without_a_limit() {
    let mut waiting = Waiting::default();
    let client = SocketAddr::from(([127, 0, 0, 1], 1));
    for _ in 0..MAX_BYTES / OVERHEAD {
        waiting.add(client, b"");
    }
    let waits = |waiting: &Waiting| waiting.clients[&client].len();
    let most = waits(&waiting);
    waiting.add(client, b"");
    assert_eq!(waits(&waiting), most);
    waiting.forget(client);
    assert!(waiting.clients.is_empty() && waiting.bytes == 0);
}

#[tokio::test]
async fn after_a_shutdown_the_port_is_free() {
    let (server, address) = server();
    let client = client(address);
    let pending = |_: &[u8], _| Answer::Later(Box::pin(std::future::pending()));
    client.send(b"x").expect("sent");
    tokio::select! {
        never = server.serve(pending) => match never {},
        () = async {
            let has_none = || server.0.tasks().as_ref().is_none_or(JoinSet::is_empty);
            while has_none() || !server.0.waiting().clients.is_empty() {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    server.shutdown().await;
    Client::bind(address).expect("it is free");
}

/// Waits for an answer beside a server on the same thread.
async fn answered(client: &Client) -> Vec<u8> {
    let mut answer = [0; 16];
    loop {
        match client.recv(&mut answer) {
            Ok(length) => return answer[..length].to_vec(),
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

#[tokio::test]
async fn on_one_thread_no_datagram_takes_a_task() {
    let (server, address) = server();
    let clients = [(); 2].map(|()| client(address));
    for client in &clients {
        client.set_nonblocking(true).expect("a socket");
        // Both are there when the server begins.
        client.send(b"1").expect("sent");
    }
    let (tell, told) = mpsc::channel();
    let mut served = JoinSet::new();
    let task = served.spawn(async move {
        server
            .serve(move |request, _| {
                tell.send(tokio::task::id()).expect("the test listens");
                Answer::Now(request.to_vec())
            })
            .await
    });
    for request in [b"1", b"2"] {
        for client in &clients {
            assert_eq!(answered(client).await, request);
            assert_eq!(told.try_recv(), Ok(task.id()));
            client.send(b"2").expect("sent");
        }
    }
}

#[tokio::test]
async fn a_closed_gate_holds_up_what_comes_during_an_answer() {
    let gate = Gate::default();
    let (server, address) = server();
    let client = Arc::new(client(address));
    client.set_nonblocking(true).expect("a socket");
    let (closing, sender) = (gate.clone(), Arc::clone(&client));
    let answers = move |request: &[u8], _| {
        if request == b"first" {
            closing.close();
            sender.send(b"second").expect("sent");
        }
        Answer::Now(request.to_vec())
    };
    let mut served = JoinSet::new();
    served.spawn(gate.clone().run(async move { server.serve(answers).await }));
    client.send(b"first").expect("sent");
    assert_eq!(answered(&client).await, b"first");
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let held_up = client.recv(&mut [0; 16]).map_err(|error| error.kind());
    assert_eq!(held_up, Err(io::ErrorKind::WouldBlock));
    gate.open();
    assert_eq!(answered(&client).await, b"second");
}
