//! The servers after the process has run out of file descriptors.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use kerbox_krb5::client::{AsExchange, InitialRequest, Secret};
use kerbox_krb5::{Clock, Principal};
use kerbox_testing::{Place, Up};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// Open files that the process may have. It needs fewer without clients.
const FILES: usize = 96;

/// Starts a sandbox with few descriptors.
fn up(place: &Place) -> Up {
    let kerbox = place.kerbox(&["up"]);
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("ulimit -n {FILES} && exec \"$0\" up")])
        .arg(kerbox.get_program())
        .current_dir(place.path());
    for (name, value) in kerbox.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Up::start(&mut command)
}

/// Sends a request until it is answered. A connection may be closed to make room for another one,
/// and then a client tries again.
fn is_served(address: &str, request: &[u8]) -> bool {
    (0..20).any(|_| answer(address, request).is_ok_and(|answer| !answer.is_empty()))
}

/// Sends a request on a new connection and returns the beginning of the answer.
fn answer(address: &str, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).expect("the queue takes it");
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("a time");
    stream.write_all(request)?;
    let mut bytes = vec![0; 1024];
    let length = loop {
        match stream.read(&mut bytes) {
            // The signal of another test's child.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => break read?,
        }
    };
    bytes.truncate(length);
    Ok(bytes)
}

/// Returns a login without pre-authentication, as TCP carries it.
fn login() -> Vec<u8> {
    let alice = Principal::new("KERBOX.TEST", ["alice"]);
    let request = InitialRequest::new(alice);
    let now = Clock::system().now();
    let mut rng = StdRng::seed_from_u64(1);
    let (_, bytes) =
        AsExchange::new(request, Secret::Keys(Vec::new()), now, &mut rng).expect("a request");
    let length = u32::try_from(bytes.len()).expect("short");
    [&length.to_be_bytes()[..], &bytes].concat()
}

#[test]
fn the_kdc_and_the_namenode_serve_when_descriptors_have_run_out_and_after_that() {
    let place = Place::new();
    let up = up(&place);
    let endpoint = |name: &str| {
        let text = up.ready["endpoints"][name].as_str().expect("an address");
        text.trim_start_matches("hdfs://")
    };
    // A browser's first bytes; the rest, unread, could take the answer away.
    let web = b"GET ".to_vec();
    let servers = [(endpoint("kdc"), login()), (endpoint("namenode"), web)];
    for (address, request) in &servers {
        assert!(is_served(address, request), "{address}");
        // More than the process can hold; those that it cannot accept wait in the queue.
        let held: Vec<TcpStream> = (0..FILES + 30)
            .map(|_| TcpStream::connect(address).expect("the queue takes it"))
            .collect();
        assert!(is_served(address, request), "{address} while full");
        drop(held);
        for (address, request) in &servers {
            assert!(is_served(address, request), "{address} afterwards");
        }
    }
    let said = up.stop();
    assert!(!said.contains("panicked"), "{said}");
}
