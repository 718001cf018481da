use std::net::Ipv4Addr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Returns both ends of a connection, the first one with a place among a port's connections.
async fn pair() -> (Connection, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let client = TcpStream::connect(listener.local_addr().expect("bound"))
        .await
        .expect("connected");
    let (stream, peer) = listener.accept().await.expect("accepted");
    (
        Connection::accepted(Accepted {
            stream,
            peer,
            place: Place::alone("eve"),
        }),
        client,
    )
}

fn held(connection: &Connection) -> usize {
    connection.place.as_ref().expect("accepted").held()
}

#[tokio::test]
async fn data_that_a_reader_does_not_take_is_counted_until_it_does() {
    let (mut connection, mut client) = pair().await;
    connection.outbox.unit(&vec![7; 32 << 20]);
    connection.try_flush().expect("connected");
    assert!(!connection.outbox.bytes().is_empty(), "the client is slow");
    assert!(held(&connection) >= 32 << 20, "{}", held(&connection));
    let mut taken = vec![0; 32 << 20];
    let (flushed, read) = tokio::join!(connection.flush(), client.read_exact(&mut taken));
    flushed.expect("taken");
    read.expect("sent");
    assert_eq!(held(&connection), 0);
    assert_eq!(connection.outbox.held(), 0);
}

#[tokio::test]
async fn a_peer_that_is_written_to_is_active() {
    let (mut connection, _client) = pair().await;
    let activity = |connection: &Connection| connection.place.as_ref().expect("one").activity();
    let before = activity(&connection);
    connection.try_flush().expect("nothing to do");
    assert_eq!(activity(&connection), before);
    connection.outbox.unit(b"data");
    connection.try_flush().expect("taken");
    assert!(activity(&connection) > before);
}

#[tokio::test]
async fn consumed_bytes_are_no_longer_counted() {
    let (mut connection, mut client) = pair().await;
    let message = [0x02, 0x08, 0x06];
    let sent = [&[1, 2, 3][..], &message, &[9; 4]].concat();
    client.write_all(&sent).await.expect("sent");
    connection.fill().await.expect("arrived");
    assert_eq!(held(&connection), 10);
    let taken = connection.bytes::<3>(READ_TIMEOUT).await.expect("arrived");
    assert_eq!((taken, held(&connection)), ([1, 2, 3], 7));
    let _: crate::proto::hdfs::ClientReadStatusProto =
        connection.message(READ_TIMEOUT).await.expect("whole");
    assert_eq!(held(&connection), 4);
}

#[tokio::test]
async fn a_mirror_counts_for_the_one_that_it_serves() {
    let (mut connection, _client) = pair().await;
    let (mut mirror, _next) = pair().await;
    mirror.outbox.unit(&[7; 1000]);
    connection.counts(Some(&mirror));
    assert_eq!(held(&connection), 1000);
    connection.counts(None);
    assert_eq!(held(&connection), 0);
    mirror.serves(&connection);
    mirror.count();
    assert_eq!(held(&connection), 1000);
}

#[tokio::test]
async fn a_connection_between_operations_keeps_little() {
    let (mut connection, mut client) = pair().await;
    client.write_all(&[7; 3]).await.expect("sent");
    connection.stream.readable().await.expect("connected");
    while connection.try_fill(300_000).expect("connected") == 0 {}
    connection.bytes::<3>(READ_TIMEOUT).await.expect("arrived");
    connection.rest();
    assert!(connection.inbox.room(1).len() <= 64 << 10);
}
