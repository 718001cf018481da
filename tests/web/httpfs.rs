//! HttpFS by `curl` and by Hadoop's client of it.

use kerbox::{ClientEnv, Cluster};

use super::curl::{curl, has, lines, local};
use super::java::shells_with;
use crate::support::{Peer, TestResult, trials};

trials! {
    [Peer::Curl] =>
        files_are_read_and_written_at_one_address,
        errors_have_statuses_of_their_own;
    [Peer::Curl, Peer::Mit] =>
        spnego_tokens_and_proxy_users_work,
        its_own_tokens_are_renewed_expire_and_end;
    [Peer::HttpFs] =>
        fs_shell_works_by_the_client_of_httpfs,
        fs_shell_works_by_the_client_of_httpfs_with_spnego;
}

/// Returns the URL of a path below HttpFS, with a query.
fn url(cluster: &Cluster, path_and_query: &str) -> String {
    let base = cluster.httpfs_url().unwrap_or_default();
    format!("{base}/webhdfs/v1{path_and_query}")
}

const OCTETS: [&str; 2] = ["-H", "Content-Type: application/octet-stream"];

fn files_are_read_and_written_at_one_address() -> TestResult {
    let cluster = Cluster::simple().datanodes(2).httpfs().start_blocking()?;
    let env = cluster.env();
    let (first, second) = (lines(30_000), lines(7));
    let (one, two) = (
        local(&cluster, "one", &first)?,
        local(&cluster, "two", &second)?,
    );
    let file = "/user/alice/f%20%C3%A4";
    let at = |query: &str| url(&cluster, &format!("{file}?user.name=alice&{query}"));
    let asked = curl(&env, &["-i", "-X", "PUT", &at("op=CREATE")])?;
    has(&asked, "HTTP/1.1 307 Temporary Redirect")?;
    let onward = url(
        &cluster,
        &format!("{file}?user.name=alice&op=CREATE&data=true"),
    );
    has(&asked, &format!("location: {onward}\r\n"))?;
    let untyped = curl(
        &env,
        &["-i", "-T", &one, "-H", "Content-Type: text/plain", &onward],
    )?;
    has(&untyped, "HTTP/1.1 400 Bad Request")?;
    assert!(untyped.ends_with("\r\n\r\n"), "PUT gets no page: {untyped}");
    let untyped = curl(&env, &["-i", "-d", "x", &at("op=APPEND&data=true")])?;
    has(
        &untyped,
        "must have content-type set to 'application/octet-stream'",
    )?;
    let create = at("op=CREATE");
    let put = [&OCTETS[..], &["-i", "-L", "-T", &one, &create]].concat();
    let created = curl(&env, &put)?;
    has(&created, "HTTP/1.1 307 Temporary Redirect")?;
    has(&created, "HTTP/1.1 201 Created")?;
    has(&created, &format!("location: {}\r\n", url(&cluster, file)))?;
    let append = at("op=APPEND&data=true");
    let post = [&OCTETS[..], &["-i", "-X", "POST", "-T", &two, &append]].concat();
    has(&curl(&env, &post)?, "HTTP/1.1 200 OK")?;
    let whole = first + &second;
    let read = curl(&env, &["-i", &at("op=OPEN")])?;
    has(&read, "HTTP/1.1 200 OK\r\n")?;
    has(&read, "content-type: application/octet-stream\r\n")?;
    assert!(read.ends_with(&whole), "the file came back changed");
    let part = curl(&env, &[&at("op=OPEN&offset=1000&length=70000")])?;
    assert!(part == whole[1000..71_000], "the range is another one");
    has(
        &curl(&env, &[&at("op=GETFILECHECKSUM")])?,
        "MD5-of-0MD5-of-512CRC32C",
    )?;
    let told = curl(&env, &[&at("op=OPEN&noredirect=true")])?;
    let location = url(&cluster, &format!("{file}?user.name=alice&op=OPEN"));
    assert_eq!(told, format!("{{\"Location\":\"{location}\"}}"));
    let told = curl(&env, &["-X", "PUT", &at("op=CREATE&noredirect=true")])?;
    assert_eq!(told, format!("{{\"Location\":\"{onward}\"}}"));
    cluster.restart_namenode()?;
    has(
        &curl(&env, &[&at("op=GETFILESTATUS")])?,
        "\"owner\":\"alice\"",
    )
}

fn errors_have_statuses_of_their_own() -> TestResult {
    let cluster = Cluster::simple().httpfs().start_blocking()?;
    let env = cluster.env();
    let ask = |query: &str| curl(&env, &["-i", &url(&cluster, query)]);
    let missing = ask("/no?op=GETFILESTATUS&user.name=alice")?;
    has(&missing, "HTTP/1.1 404 Not Found")?;
    has(&missing, "\"message\":\"File does not exist: /no\"")?;
    let mkdirs = url(
        &cluster,
        "/user/alice/secret?op=MKDIRS&permission=700&user.name=alice",
    );
    curl(&env, &["-f", "-X", "PUT", &mkdirs])?;
    let denied = ask("/user/alice/secret?op=LISTSTATUS&user.name=bob")?;
    has(&denied, "HTTP/1.1 500 Internal Server Error")?;
    has(&denied, "org.apache.hadoop.security.AccessControlException")?;
    let absent = ask("/user/alice/no?op=OPEN&user.name=alice")?;
    has(&absent, "HTTP/1.1 404 Not Found")?;
    let unknown = ask("/?op=NONE&user.name=alice")?;
    has(&unknown, "HTTP/1.1 500 Internal Server Error")?;
    has(&unknown, "\"exception\":\"QueryParamException\"")?;
    let jmx = format!("{}/jmx", cluster.httpfs_url().unwrap_or_default());
    has(&curl(&env, &["-i", &jmx])?, "HTTP/1.1 404 Not Found")?;
    cluster.datanode(1)?.stop();
    let without = ask("/user/alice?op=GETFILESTATUS&user.name=alice")?;
    has(&without, "HTTP/1.1 200 OK")
}

fn spnego_tokens_and_proxy_users_work() -> TestResult {
    let cluster = Cluster::secure()
        .httpfs()
        .set("hadoop.proxyuser.alice.users", "bob")
        .set("hadoop.proxyuser.alice.hosts", "*")
        .start_blocking()?;
    let alice = cluster.login_blocking("alice")?.env();
    let negotiate = ["-i", "--negotiate", "-u", ":", "-L"];
    let file = local(&cluster, "file", "42")?;
    let create = url(&cluster, "/user/alice/f?op=CREATE");
    let without = curl(&alice, &["-i", "-X", "PUT", &create])?;
    has(&without, "HTTP/1.1 401 Unauthorized")?;
    let put = [&negotiate[..], &OCTETS, &["-T", &file, &create]].concat();
    has(&curl(&alice, &put)?, "HTTP/1.1 201 Created")?;
    let open = url(&cluster, "/user/alice/f?op=OPEN");
    let read = curl(&alice, &[&negotiate[..], &[&open]].concat())?;
    has(&read, "set-cookie: hadoop.auth=\"u=alice&p=alice@")?;
    assert!(read.ends_with("42"), "{read}");
    // On behalf of another.
    let as_bob = url(&cluster, "/user/bob/f?op=CREATE&doas=bob");
    let put = [&negotiate[..], &OCTETS, &["-T", &file, &as_bob]].concat();
    has(&curl(&alice, &put)?, "HTTP/1.1 201 Created")?;
    let status = url(&cluster, "/user/bob/f?op=GETFILESTATUS&doas=bob");
    let status = curl(&alice, &[&negotiate[..], &[&status]].concat())?;
    has(&status, "\"owner\":\"bob\"")?;
    let bob = cluster.login_blocking("bob")?.env();
    let as_alice = url(&cluster, "/user/alice/f?op=OPEN&doas=alice");
    let refused = curl(&bob, &[&negotiate[..], &[&as_alice]].concat())?;
    has(&refused, "User: bob is not allowed to impersonate alice")?;
    // By a token, in the field in which Java's client sends it.
    let get = url(&cluster, "/?op=GETDELEGATIONTOKEN&renewer=alice");
    let answer = curl(&alice, &["--negotiate", "-u", ":", &get])?;
    let token = answer.split('"').nth(5).ok_or("no token")?;
    let field = format!("X-Hadoop-Delegation-Token: {token}");
    let nobody = cluster.env();
    assert_eq!(curl(&nobody, &["-H", &field, &open])?, "42");
    let changed = field.replace(&token[..12], "AAAAAAAAAAAA");
    let refused = curl(&nobody, &["-i", "-H", &changed, &open])?;
    has(&refused, "HTTP/1.1 403 Forbidden")?;
    has(&refused, "AuthenticationException")
}

fn its_own_tokens_are_renewed_expire_and_end() -> TestResult {
    let cluster = Cluster::secure().httpfs().start_blocking()?;
    let alice = cluster.login_blocking("alice")?.env();
    let bob = cluster.login_blocking("bob")?.env();
    let nobody = cluster.env();
    let negotiate = ["-i", "--negotiate", "-u", ":"];
    let issue = |renewer: &str| {
        let get = url(
            &cluster,
            &format!("/?op=GETDELEGATIONTOKEN&renewer={renewer}"),
        );
        let answer = curl(&alice, &["--negotiate", "-u", ":", &get])?;
        let token = answer.split('"').nth(5).ok_or("no token")?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(token.to_owned())
    };
    let ask = |query: &str| curl(&nobody, &["-i", &url(&cluster, query)]);
    let change = |env: &ClientEnv, op: &str, token: &str| {
        let query = url(&cluster, &format!("/?op={op}DELEGATIONTOKEN&token={token}"));
        curl(env, &[&negotiate[..], &["-X", "PUT", &query]].concat())
    };
    let home = |token: &str| ask(&format!("/?op=GETHOMEDIRECTORY&delegation={token}"));
    let token = issue("bob")?;
    has(&home(&token)?, "/user/alice")?;
    let status = format!("/user/alice?op=GETFILESTATUS&delegation={token}");
    has(&ask(&status)?, "\"owner\":\"alice\"")?;
    // It is no token of the NameNode, and gets no other one.
    let namenode = cluster.webhdfs_url().replacen("webhdfs://", "http://", 1);
    let foreign = format!("{namenode}/webhdfs/v1{status}");
    has(
        &curl(&nobody, &["-i", &foreign])?,
        "SecretManager$InvalidToken",
    )?;
    let another = ask(&format!("/?op=GETDELEGATIONTOKEN&delegation={token}"))?;
    has(&another, "HTTP/1.1 401 Unauthorized")?;
    // Only its renewer renews it, and it outlives a restart of the NameNode.
    has(&change(&alice, "RENEW", &token)?, "HTTP/1.1 403 Forbidden")?;
    cluster.advance_blocking(std::time::Duration::from_secs(9 * 3600))?;
    has(&change(&bob, "RENEW", &token)?, "{\"long\":")?;
    cluster.advance_blocking(std::time::Duration::from_secs(16 * 3600))?;
    cluster.restart_namenode()?;
    has(&home(&token)?, "/user/alice")?;
    cluster.advance_blocking(std::time::Duration::from_secs(9 * 3600))?;
    let expired = home(&token)?;
    has(&expired, "HTTP/1.1 403 Forbidden")?;
    has(&expired, "AuthenticationException")
}

/// Runs the shell's commands by `HttpFSFileSystem`. It puts spaces and, for a renaming, whole URLs
/// into its requests, which no server takes, so neither is among them.
fn workflow(cluster: &Cluster, env: &ClientEnv) -> TestResult {
    let url = cluster.httpfs_url().unwrap_or_default();
    let url = url.replacen("http://", "webhdfs://", 1);
    let class = "fs.webhdfs.impl=org.apache.hadoop.fs.http.client.HttpFSFileSystem";
    let text = lines(30_000);
    let file = local(cluster, "local", &text)?;
    let answers = shells_with(
        env,
        &["-D", class, "-fs", &url],
        &[
            &["-mkdir", "-p", "/data/a/b"],
            &["-put", "-d", &file, "/data/a/f"],
            &["-cat", "/data/a/f"],
            &["-appendToFile", &file, "/data/a/f"],
            &["-chmod", "750", "/data/a"],
            &["-setfacl", "-m", "user:bob:r-x", "/data/a"],
            &["-getfacl", "/data/a"],
            &["-setfattr", "-n", "user.k", "-v", "v", "/data/a/f"],
            &["-getfattr", "-d", "/data/a/f"],
            &["-checksum", "/data/a/f"],
            &["-count", "-q", "/data"],
            &["-ls", "-R", "/data"],
            &["-truncate", "0", "/data/a/f"],
            &["-rm", "-R", "-skipTrash", "/data/a"],
            &["-ls", "/data"],
        ],
    )?;
    assert!(answers[2] == text, "the file came back changed");
    has(&answers[6], "user:bob:r-x")?;
    has(&answers[8], "user.k=\"v\"")?;
    has(&answers[9], "MD5-of-0MD5-of-512CRC32C")?;
    has(&answers[11], &format!(" {} ", 2 * text.len()))?;
    assert_eq!(answers[14], "");
    Ok(())
}

fn fs_shell_works_by_the_client_of_httpfs() -> TestResult {
    let cluster = Cluster::simple().datanodes(2).httpfs().start_blocking()?;
    workflow(&cluster, &cluster.env_of("hdfs"))
}

fn fs_shell_works_by_the_client_of_httpfs_with_spnego() -> TestResult {
    let cluster = Cluster::secure().datanodes(2).httpfs().start_blocking()?;
    let hdfs = cluster.login_blocking("hdfs")?;
    workflow(&cluster, &hdfs.env())
}
