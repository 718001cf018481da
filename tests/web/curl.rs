//! `curl`, without security and with `--negotiate`.

use std::time::Duration;

use kerbox::{ClientEnv, Cluster, Event, Server, Verdict};

use crate::support::{Peer, TestResult, Text, command, run, trials};

trials! {
    [Peer::Curl] =>
        a_status_without_security,
        a_file_is_written_appended_and_read,
        ranges_redirections_and_refusals,
        a_fault_refuses_an_operation,
        figures_are_those_of_the_cluster;
    [Peer::Curl, Peer::Mit] =>
        spnego_gives_a_cookie_that_ends_with_the_clock,
        a_token_stands_for_its_owner_until_it_ends,
        a_secure_file_is_written_and_read;
}

/// Returns the URL of a path, with a query.
pub(super) fn url(cluster: &Cluster, path_and_query: &str) -> String {
    format!("{}/webhdfs/v1{path_and_query}", cluster.web_url())
}

/// Runs `curl -s`, and returns what it prints.
pub(crate) fn curl(env: &ClientEnv, arguments: &[&str]) -> Text {
    let words = [&["-s", "-S", "--max-time", "60"], arguments].concat();
    run(&mut command(env, "curl", &words), "")?.ok()
}

pub(crate) fn has(text: &str, part: &str) -> TestResult {
    if text.contains(part) {
        return Ok(());
    }
    Err(format!("{part:?} is not in {text}").into())
}

fn a_status_without_security() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    let env = cluster.env();
    let status = url(&cluster, "/user/alice?op=GETFILESTATUS&user.name=alice");
    let answer = curl(&env, &["-i", &status])?;
    has(&answer, "HTTP/1.1 200 OK")?;
    has(&answer, "content-type: application/json")?;
    has(
        &answer,
        "set-cookie: hadoop.auth=\"u=alice&p=alice&t=simple&e=",
    )?;
    has(&answer, "\"owner\":\"alice\"")?;
    has(&answer, "\"type\":\"DIRECTORY\"")?;
    let missing = curl(&env, &["-i", &url(&cluster, "/no?op=GETFILESTATUS")])?;
    has(&missing, "HTTP/1.1 404 Not Found")?;
    has(
        &missing,
        r#"{"RemoteException":{"exception":"FileNotFoundException","javaClassName":"java.io.FileNotFoundException","message":"File does not exist: /no"}}"#,
    )?;
    let calls = |event: &Event| event.to_string().contains("getFileInfo by alice");
    assert_eq!(cluster.journal().count(calls), 1);
    Ok(())
}

/// Writes text into a file of the fixture's folder.
pub(super) fn local(cluster: &Cluster, name: &str, text: &str) -> Text {
    let path = cluster.path().join(name);
    std::fs::write(&path, text)?;
    Ok(path.display().to_string())
}

pub(super) fn lines(count: usize) -> String {
    (0..count).map(|i| format!("line {i}\n")).collect()
}

fn a_file_is_written_appended_and_read() -> TestResult {
    let cluster = Cluster::simple()
        .datanodes(3)
        .set("dfs.blocksize", "65536")
        .start_blocking()?;
    let env = cluster.env();
    let (first, second) = (lines(30_000), lines(7));
    let (one, two) = (
        local(&cluster, "one", &first)?,
        local(&cluster, "two", &second)?,
    );
    let file = "/user/alice/f%20%C3%A4";
    let create = url(&cluster, &format!("{file}?op=CREATE&user.name=alice"));
    let created = curl(&env, &["-i", "-L", "-X", "PUT", "-T", &one, &create])?;
    has(&created, "HTTP/1.1 307 Temporary Redirect")?;
    has(&created, "HTTP/1.1 201 Created")?;
    has(
        &created,
        &format!("location: {}/user/alice/f%20%C3%A4", cluster.url()),
    )?;
    let append = url(&cluster, &format!("{file}?op=APPEND&user.name=alice"));
    let appended = curl(&env, &["-i", "-L", "-X", "POST", "-T", &two, &append])?;
    has(&appended, "HTTP/1.1 200 OK")?;
    let open = url(&cluster, &format!("{file}?op=OPEN&user.name=alice"));
    let read = curl(&env, &["-L", &open])?;
    assert!(
        read == first.clone() + &second,
        "the file came back changed"
    );
    let status = url(
        &cluster,
        &format!("{file}?op=GETFILESTATUS&user.name=alice"),
    );
    let status = curl(&env, &[&status])?;
    has(
        &status,
        &format!("\"length\":{}", first.len() + second.len()),
    )?;
    has(&status, "\"permission\":\"644\"")?;
    let checksum = url(
        &cluster,
        &format!("{file}?op=GETFILECHECKSUM&user.name=alice"),
    );
    let checksum = curl(&env, &["-L", &checksum])?;
    has(&checksum, "\"algorithm\":\"MD5-of-128MD5-of-512CRC32C\"")?;
    let again = curl(&env, &["-i", "-L", "-X", "PUT", "-T", &two, &create])?;
    has(&again, "HTTP/1.1 403 Forbidden")?;
    has(&again, "org.apache.hadoop.fs.FileAlreadyExistsException")
}

fn ranges_redirections_and_refusals() -> TestResult {
    let cluster = Cluster::simple().datanodes(2).start_blocking()?;
    let env = cluster.env();
    let text = lines(20_000);
    let file = local(&cluster, "file", &text)?;
    let create = url(
        &cluster,
        "/user/alice/f?op=CREATE&user.name=alice&permission=600",
    );
    curl(&env, &["-f", "-L", "-X", "PUT", "-T", &file, &create])?;
    let open = url(
        &cluster,
        "/user/alice/f?op=OPEN&user.name=alice&offset=1000&length=70000",
    );
    assert!(
        curl(&env, &["-L", &open])? == text[1000..71_000],
        "the range is another one"
    );
    let told = curl(&env, &[&format!("{open}&noredirect=true")])?;
    has(&told, "{\"Location\":\"http://localhost:")?;
    has(
        &told,
        &format!("&namenoderpcaddress={}", cluster.namenode_address()),
    )?;
    let bob = url(&cluster, "/user/alice/f?op=OPEN&user.name=bob");
    let refused = curl(&env, &["-i", "-L", &bob])?;
    has(&refused, "HTTP/1.1 403 Forbidden")?;
    has(
        &refused,
        "org.apache.hadoop.security.AccessControlException",
    )?;
    let beyond = url(
        &cluster,
        "/user/alice/f?op=OPEN&user.name=alice&offset=999999999",
    );
    has(
        &curl(&env, &[&beyond])?,
        "Offset=999999999 out of the range [0, 208890); OPEN, path=/user/alice/f",
    )?;
    let other = format!(
        "http://{}/webhdfs/v1/?op=LISTSTATUS",
        cluster.datanode(1)?.http_address()
    );
    let other = curl(&env, &["-i", &other])?;
    has(&other, "HTTP/1.1 400 Bad Request")?;
    has(&other, "content-type: application/json; charset=utf-8")?;
    has(&other, "Invalid operation LISTSTATUS")
}

fn a_fault_refuses_an_operation() -> TestResult {
    let cluster = Cluster::simple().start_blocking()?;
    let _fault = cluster.inject(|event: &Event| match event {
        Event::RpcCall { method, .. } if &**method == "mkdirs" => Verdict::Exception {
            class: "org.apache.hadoop.ipc.StandbyException".into(),
            message: "not now".into(),
        },
        _ => Verdict::Pass,
    });
    let mkdirs = url(&cluster, "/user/alice/d?op=MKDIRS&user.name=alice");
    let refused = curl(&cluster.env(), &["-i", "-X", "PUT", &mkdirs])?;
    has(&refused, "HTTP/1.1 403 Forbidden")?;
    has(
        &refused,
        "\"javaClassName\":\"org.apache.hadoop.ipc.StandbyException\"",
    )?;
    has(&refused, "\"message\":\"not now\"")
}

fn figures_are_those_of_the_cluster() -> TestResult {
    let cluster = Cluster::simple().datanodes(2).start_blocking()?;
    let env = cluster.env();
    let file = local(&cluster, "file", "42")?;
    let create = url(&cluster, "/user/alice/f?op=CREATE&user.name=alice");
    curl(&env, &["-f", "-L", "-T", &file, &create])?;
    let state = format!(
        "{}/jmx?qry=Hadoop:*,name=FSNamesystemState",
        cluster.web_url()
    );
    let state = curl(&env, &[&state])?;
    for figure in [
        "\"NumLiveDataNodes\": 2",
        "\"BlocksTotal\": 1",
        "\"FSState\": \"Operational\"",
    ] {
        has(&state, figure)?;
    }
    let info = "get=Hadoop:service=DataNode,name=DataNodeInfo::DataPort";
    let first = cluster.datanode(1)?;
    let info = format!("http://{}/jmx?{info}", first.http_address());
    let port = first.address().port();
    has(&curl(&env, &[&info])?, &format!("\"DataPort\": \"{port}\""))?;
    let conf = format!("{}/conf?name=dfs.replication", cluster.web_url());
    let conf = curl(&env, &["-H", "Accept: application/json", &conf])?;
    has(&conf, "\"key\":\"dfs.replication\"")?;
    has(&conf, "\"value\":\"2\"")?;
    let active = format!("{}/isActive", cluster.web_url());
    has(&curl(&env, &[&active])?, "Namenode is Active!")
}

fn spnego_gives_a_cookie_that_ends_with_the_clock() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?.env();
    let home = url(&cluster, "/?op=GETHOMEDIRECTORY");
    let without = curl(&alice, &["-i", &home])?;
    has(&without, "HTTP/1.1 401 Unauthorized")?;
    has(&without, "www-authenticate: Negotiate\r\n")?;
    has(&without, "set-cookie: hadoop.auth=; Path=/; HttpOnly")?;
    let jar = cluster.path().join("jar").display().to_string();
    let negotiated = ["-i", "--negotiate", "-u", ":", "-c", &jar, &home];
    let answer = curl(&alice, &negotiated)?;
    has(&answer, "HTTP/1.1 200 OK")?;
    has(&answer, "www-authenticate: Negotiate o")?;
    has(&answer, "{\"Path\":\"/user/alice\"}")?;
    let accepted = cluster.journal().count(|event| {
        matches!(
            event,
            Event::ApExchange { server: Server::NameNode(1), client, outcome }
                if client.starts_with("alice@") && outcome.is_ok()
        )
    });
    assert_eq!(accepted, 1, "{}", cluster.journal().last(20));
    let cookie = ["-i", "-b", &jar, &home];
    has(&curl(&alice, &cookie)?, "{\"Path\":\"/user/alice\"}")?;
    cluster.advance_blocking(Duration::from_secs(36_001))?;
    let late = curl(&alice, &cookie)?;
    has(&late, "HTTP/1.1 401 Unauthorized")?;
    has(&late, "AuthenticationToken expired")?;
    let bad = curl(
        &alice,
        &["-i", "-H", "Authorization: Negotiate YIIB", &home],
    )?;
    has(&bad, "HTTP/1.1 403 Forbidden")?;
    let named = url(&cluster, "/?op=GETHOMEDIRECTORY&doas=alice");
    let bob = cluster.login_blocking("bob")?.env();
    let named = curl(&bob, &["-i", "--negotiate", "-u", ":", &named])?;
    has(&named, "HTTP/1.1 403 Forbidden")?;
    has(&named, "User: bob is not allowed to impersonate alice")
}

fn a_token_stands_for_its_owner_until_it_ends() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?.env();
    let get = url(&cluster, "/?op=GETDELEGATIONTOKEN&renewer=alice");
    let answer = curl(&alice, &["--negotiate", "-u", ":", &get])?;
    let token = answer
        .split('"')
        .nth(5)
        .filter(|token| token.len() > 40)
        .ok_or_else(|| format!("no token: {answer}"))?;
    let with = |query: &str| url(&cluster, &format!("{query}&delegation={token}"));
    let home = with("/?op=GETHOMEDIRECTORY&user.name=bob");
    has(&curl(&alice, &[&home])?, "{\"Path\":\"/user/alice\"}")?;
    has(
        &curl(&alice, &[&with("/?op=GETDELEGATIONTOKEN")])?,
        "delegation parameter is not null.",
    )?;
    cluster.advance_blocking(Duration::from_secs(24 * 3600 + 1))?;
    let late = curl(&alice, &["-i", &home])?;
    has(&late, "HTTP/1.1 403 Forbidden")?;
    has(&late, "\"javaClassName\":\"java.lang.SecurityException\"")?;
    has(
        &late,
        "Failed to obtain user group information: org.apache.hadoop.security.token.SecretManager$InvalidToken: ",
    )?;
    let foreign = url(&cluster, "/?op=GETHOMEDIRECTORY&delegation=AAAA");
    has(&curl(&alice, &["-i", &foreign])?, "HTTP/1.1 403 Forbidden")
}

fn a_secure_file_is_written_and_read() -> TestResult {
    for protection in ["authentication", "privacy"] {
        let cluster = Cluster::secure()
            .datanodes(2)
            .set("dfs.data.transfer.protection", protection)
            .set("hadoop.rpc.protection", protection)
            .start_blocking()?;
        let alice = cluster.login_blocking("alice")?.env();
        let text = lines(20_000);
        let file = local(&cluster, "file", &text)?;
        let negotiate = ["-i", "--negotiate", "-u", ":", "-L"];
        let create = url(&cluster, "/user/alice/f?op=CREATE&overwrite=true");
        let put = [&negotiate[..], &["-X", "PUT", "-T", &file, &create]].concat();
        has(&curl(&alice, &put)?, "HTTP/1.1 201 Created")?;
        let open = url(&cluster, "/user/alice/f?op=OPEN");
        let read = curl(&alice, &[&negotiate[1..], &[&open]].concat())?;
        assert!(
            read == text,
            "the file came back changed: {} bytes",
            read.len()
        );
        let noredirect = format!("{create}&noredirect=true");
        let told = [&negotiate[..], &["-X", "PUT", &noredirect]].concat();
        has(&curl(&alice, &told)?, "op=CREATE&delegation=")?;
    }
    Ok(())
}
