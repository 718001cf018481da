//! Exchanges with a KDC over its TCP port (RFC 4120, 7.2.2).

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Maximum size of a KDC's answer. Tickets with much authorization data have tens of kilobytes.
const LONGEST: u32 = 1 << 20;

/// Sends a request to the first server that answers; returns its answer. `limit` is in real time,
/// for each step of the exchange with one server.
pub(super) fn exchange(
    servers: &[SocketAddr],
    request: &[u8],
    limit: Duration,
) -> io::Result<Vec<u8>> {
    let mut failure = io::Error::other("no KDC is configured");
    for server in servers {
        match ask(server, request, limit) {
            Ok(answer) => return Ok(answer),
            Err(error) => failure = io::Error::new(error.kind(), format!("{server}: {error}")),
        }
    }
    Err(failure)
}

fn ask(server: &SocketAddr, request: &[u8], limit: Duration) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(server, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    let length = u32::try_from(request.len()).map_err(io::Error::other)?;
    let mut message = length.to_be_bytes().to_vec();
    message.extend(request);
    stream.write_all(&message)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > LONGEST {
        let text = format!("an answer of {length} bytes, more than {LONGEST}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let mut answer = Vec::new();
    stream.take(length.into()).read_to_end(&mut answer)?;
    if answer.len() < length as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use kerbox_net::bind::hold_tcp;

    use super::*;

    /// Answers each connection with the next of these bytes.
    fn server(answers: &'static [&'static [u8]]) -> (SocketAddr, thread::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it has one");
        let thread = thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().expect("a client");
                let mut request = [0; 6];
                stream.read_exact(&mut request).expect("a request");
                assert_eq!(request, *b"\0\0\0\x02hi");
                stream.write_all(answer).expect("it reads");
            }
        });
        (address, thread)
    }

    #[test]
    fn whole_answers_are_returned_and_others_refused() {
        let limit = Duration::from_secs(10);
        let (address, thread) = server(&[b"\0\0\0\x03yes", b"\0\0\0\x03ye", b"\0\x10\0\x01"]);
        let ask = || exchange(&[address], b"hi", limit);
        assert_eq!(ask().expect("whole"), b"yes");
        assert_eq!(ask().expect_err("cut").kind(), io::ErrorKind::UnexpectedEof);
        let long = ask().expect_err("long").to_string();
        assert!(long.contains("1048577 bytes"), "{long}");
        thread.join().expect("it answers");
    }

    #[test]
    fn the_next_server_is_asked_if_one_is_gone() {
        // Held, so that no other process listens there.
        let held = hold_tcp(([127, 0, 0, 1], 0).into()).expect("a port");
        let gone = held.local_addr().expect("it has one");
        let (address, thread) = server(&[b"\0\0\0\x03yes"]);
        let answer = exchange(&[gone, address], b"hi", Duration::from_secs(10));
        assert_eq!(answer.expect("the second answers"), b"yes");
        thread.join().expect("it answers");
        let none = exchange(&[gone], b"hi", Duration::from_secs(10)).expect_err("gone");
        assert!(none.to_string().starts_with("127.0.0.1:"), "{none}");
    }
}
