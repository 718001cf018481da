//! Requests that must not pass, and reads that must not be short.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use kerbox::{Cluster, Datanode, Event, Server, Verdict};

use super::curl::{curl, has, url};
use crate::support::{Peer, TestResult, trials};

trials! {
    [Peer::Curl] =>
        an_open_file_whose_length_no_datanode_gives_is_not_read_as_empty,
        a_partition_keeps_a_datanode_from_reading_at_another,
        a_browser_must_send_a_header_to_datanodes_too;
    [] =>
        an_upload_goes_on_without_a_datanode_of_its_pipeline,
        a_slow_upload_is_written;
    [Peer::Curl, Peer::Mit] =>
        a_name_that_reads_as_another_cookie_gets_none,
        an_empty_token_is_replaced_by_a_new_one;
}

/// Begins a file with `hello`, and leaves it open.
fn begin_upload(port: SocketAddr) -> std::io::Result<TcpStream> {
    let mut writer = TcpStream::connect(port)?;
    write!(
        writer,
        "PUT /webhdfs/v1/user/alice/f?op=CREATE&user.name=alice HTTP/1.1\r\n\
         Host: {port}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
    )?;
    Ok(writer)
}

fn an_open_file_whose_length_no_datanode_gives_is_not_read_as_empty() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    let env = cluster.env();
    let seen = cluster.journal().from_here();
    let port = cluster.datanode(1)?.http_address();
    let _writer = begin_upload(port)?;
    let located = |event: &Event| {
        matches!(event, Event::RpcCall { method, outcome, .. }
            if &**method == "addBlock" && outcome.is_ok())
    };
    seen.wait_blocking(located, Duration::from_secs(30))?;
    let open = format!("http://{port}/webhdfs/v1/user/alice/f?op=OPEN&user.name=alice");
    has(&curl(&env, &["-i", &open])?, "HTTP/1.1 200 OK")?;
    let fault = cluster.inject(|event: &Event| match event {
        Event::RpcCall {
            server: Server::DataNode(1),
            ..
        } => Verdict::Exception {
            class: "java.io.IOException".into(),
            message: "not now".into(),
        },
        _ => Verdict::Pass,
    });
    let unknown = curl(&env, &["-i", &open])?;
    has(&unknown, "HTTP/1.1 403 Forbidden")?;
    has(
        &unknown,
        "org.apache.hadoop.hdfs.CannotObtainBlockLengthException",
    )?;
    has(&unknown, "Cannot obtain block length for LocatedBlock{BP-")?;
    drop(fault);
    has(&curl(&env, &["-i", &open])?, "HTTP/1.1 200 OK")
}

fn an_upload_goes_on_without_a_datanode_of_its_pipeline() -> TestResult {
    const PART: usize = 400_000;
    for killed in [2, 3] {
        let cluster = Cluster::simple().datanodes(3).start_blocking()?;
        let seen = cluster.journal().from_here();
        let port = cluster.datanode(1)?.http_address();
        let mut writer = begin_upload(port)?;
        let mut part = |letter: u8| {
            write!(writer, "{PART:x}\r\n")?;
            writer.write_all(&vec![letter; PART])?;
            writer.write_all(b"\r\n")?;
            Ok::<_, std::io::Error>(())
        };
        let called = |wanted: &'static str| {
            move |event: &Event| {
                matches!(event, Event::RpcCall { method, outcome, .. }
                    if &**method == wanted && outcome.is_ok())
            }
        };
        part(b'a')?;
        // The pipeline is there once a DataNode has bytes of the block.
        while !has_bytes(cluster.datanode(killed)?.directory()) {
            std::thread::yield_now();
        }
        cluster.datanode(killed)?.kill();
        part(b'b')?;
        writer.write_all(b"0\r\n\r\n")?;
        let mut answer = String::new();
        writer.read_to_string(&mut answer)?;
        has(&answer, "HTTP/1.1 201 Created")?;
        assert_eq!(seen.count(called("updatePipeline")), 1);
        let open = "/webhdfs/v1/user/alice/f?op=OPEN&user.name=alice";
        let expected = format!("hello{}{}", "a".repeat(PART), "b".repeat(PART));
        assert!(get(port, open)?.ends_with(&expected), "another file");
    }
    Ok(())
}

/// Returns whether a DataNode has bytes of a block.
fn has_bytes(directory: &Path) -> bool {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_block = name.starts_with("blk_") && !name.ends_with(".meta");
        let length = entry.metadata().map_or(0, |metadata| metadata.len());
        (is_block && length > 0) || has_bytes(&entry.path())
    })
}

/// Returns the answer to a request.
fn get(port: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(port)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {port}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// A pipeline gives up a writer that is silent for a minute. Such an upload takes real time, so
/// only a long run (`.ci/long writes`) plays it.
fn a_slow_upload_is_written() -> TestResult {
    let is_long = std::env::var_os("KERBOX_LONG").is_some_and(|value| value == "1");
    let bytes = if is_long { 14 } else { 0 };
    let cluster = Cluster::simple().start_blocking()?;
    let mut writer = begin_upload(cluster.datanode(1)?.http_address())?;
    for _ in 0..bytes {
        std::thread::sleep(Duration::from_secs(5));
        writer.write_all(b"1\r\nx\r\n")?;
    }
    writer.write_all(b"0\r\n\r\n")?;
    let mut answer = String::new();
    writer.read_to_string(&mut answer)?;
    has(&answer, "HTTP/1.1 201 Created")
}

fn a_partition_keeps_a_datanode_from_reading_at_another() -> TestResult {
    let cluster = Cluster::simple()
        .datanodes(2)
        .set("dfs.replication", "1")
        .start_blocking()?;
    let env = cluster.env();
    // The client's DataNode stores the only replica of a file.
    let port = |number| Ok::<_, kerbox::Error>(cluster.datanode(number)?.http_address());
    let at = |port, op| format!("http://{port}/webhdfs/v1/user/alice/f?user.name=alice&op={op}");
    let create = at(port(1)?, "CREATE");
    let written = curl(&env, &["-i", "-X", "PUT", "-d", "hello", &create])?;
    has(&written, "HTTP/1.1 201 Created")?;
    let stores = |number| Ok::<_, kerbox::Error>(has_block(&cluster.datanode(number)?));
    let (holder, other) = if stores(1)? { (1, 2) } else { (2, 1) };
    let partition = cluster.partition(Server::DataNode(1), Server::DataNode(2))?;
    let whole = curl(&env, &[&at(port(holder)?, "OPEN")])?;
    assert_eq!(whole, "hello", "it reads its own replica");
    let cut = curl(&env, &["-i", &at(port(other)?, "GETFILECHECKSUM")])?;
    has(&cut, "HTTP/1.1 403 Forbidden")?;
    has(&cut, "Fail to get block MD5 for blk_")?;
    drop(partition);
    let read = curl(&env, &[&at(port(other)?, "OPEN")])?;
    assert_eq!(read, "hello");
    Ok(())
}

/// Returns whether a DataNode stores a block.
fn has_block(datanode: &Datanode<'_>) -> bool {
    has_file(datanode.directory(), "blk_")
}

fn has_file(directory: &Path, prefix: &str) -> bool {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        entry.file_name().to_string_lossy().starts_with(prefix) || has_file(&entry.path(), prefix)
    })
}

fn a_browser_must_send_a_header_to_datanodes_too() -> TestResult {
    let cluster = Cluster::simple()
        .set("dfs.webhdfs.rest-csrf.enabled", "true")
        .start_blocking()?;
    let env = cluster.env();
    let port = cluster.datanode(1)?.http_address();
    let create = format!("http://{port}/webhdfs/v1/user/alice/f?op=CREATE&user.name=alice");
    let from_a_form = ["-i", "-A", "Mozilla/5.0", "-X", "PUT", "-d", "x", &create];
    let refused = curl(&env, &from_a_form)?;
    has(&refused, "HTTP/1.1 400 Bad Request")?;
    has(&refused, "Missing Required Header for CSRF Vulnerability")?;
    let header = [&["-H", "X-XSRF-HEADER: any"], &from_a_form[..]].concat();
    has(&curl(&env, &header)?, "HTTP/1.1 201 Created")
}

fn a_name_that_reads_as_another_cookie_gets_none() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let mallory = cluster.login_blocking("hdfs&p=x")?.env();
    let home = url(&cluster, "/?op=GETHOMEDIRECTORY");
    let answer = curl(&mallory, &["-i", "--negotiate", "-u", ":", &home])?;
    has(&answer, "HTTP/1.1 403 Forbidden")?;
    has(&answer, "userName is NULL, empty or contains a '&amp;'")
}

fn an_empty_token_is_replaced_by_a_new_one() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?.env();
    let create = url(
        &cluster,
        "/user/alice/f?op=CREATE&delegation=&noredirect=true",
    );
    let located = ["-i", "--negotiate", "-u", ":", "-X", "PUT", "-L", &create];
    let located = curl(&alice, &located)?;
    has(&located, "&delegation=")?;
    assert!(!located.contains("&delegation=&"), "{located}");
    Ok(())
}
