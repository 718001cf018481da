//! Requests without sockets: the responses, and each refusal with its status, class and text.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use kerbox_events::NoHook;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::*;
use crate::config::HdfsConfig;
use crate::namenode::NameNodeIdentity;
use crate::web::content::Part;

mod console;
mod pages;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// A port without security.
fn port(keys: &[(&str, &str)]) -> NameNodeWeb {
    let mut rng = StdRng::seed_from_u64(1);
    let (config, _) = HdfsConfig::from_pairs(keys.iter().copied()).expect("a configuration");
    let identity = NameNodeIdentity {
        superuser: "hdfs".to_owned(),
        default_realm: String::new(),
        address: Ipv4Addr::LOCALHOST.into(),
    };
    let auth_to_local = AuthToLocal::from_config(&config, "").expect("rules");
    let settings = NameNodeWebSettings {
        auth: WebAuth::simple(&config.web, &mut rng),
        auth_to_local,
        rpc_address: "127.0.0.1:8020".to_owned(),
        hook: Arc::new(NoHook),
        configuration: vec![("dfs.replication".to_owned(), "3".to_owned())],
        gates: Arc::default(),
        console: Arc::default(),
    };
    let namenode = NameNode::new(config, &identity, NOW, Arc::new(NoHook), &mut rng);
    NameNodeWeb::new(Arc::new(namenode.expect("a NameNode")), settings)
}

fn ask(port: &NameNodeWeb, method: &str, uri: &str) -> WebResponse {
    ask_as(port, method, uri, "curl/8")
}

fn ask_as(port: &NameNodeWeb, method: &str, uri: &str, agent: &str) -> WebResponse {
    let request = http::Request::builder().method(method).uri(uri);
    let request = request.header("user-agent", agent);
    let (head, ()) = request.body(()).expect("a request").into_parts();
    let request = WebRequest {
        head: &head,
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        is_https: false,
    };
    match port.admit(NOW, &request, &mut StdRng::seed_from_u64(2)) {
        Ok(admitted) => port.serve(NOW, admitted).map(whole),
        Err(response) => *response,
    }
}

fn whole(content: WebContent) -> Bytes {
    match content {
        WebContent::Whole(bytes) => bytes,
        WebContent::Parts(mut parts) => {
            let mut all = Vec::new();
            while let Some(Part::Bytes(part)) = parts.next(NOW) {
                all.extend(part);
            }
            all.into()
        }
        WebContent::Live(_) => unreachable!("no test asks for events"),
    }
}

fn value(response: &WebResponse) -> Value {
    serde_json::from_slice(response.body()).expect("JSON")
}

/// Returns status, class and message of a refusal.
fn refusal(port: &NameNodeWeb, method: &str, uri: &str) -> (u16, String, String) {
    let response = ask(port, method, uri);
    let exception = value(&response)["RemoteException"].clone();
    let text = |key: &str| exception[key].as_str().unwrap_or_default().to_owned();
    (
        response.status().as_u16(),
        text("javaClassName"),
        text("message"),
    )
}

#[test]
fn a_directory_is_made_listed_and_removed() {
    let port = port(&[]);
    let made = ask(
        &port,
        "PUT",
        "/webhdfs/v1/a/b?op=MKDIRS&user.name=hdfs&permission=700",
    );
    assert_eq!(value(&made), json!({ "boolean": true }));
    assert_eq!(made.headers()["content-type"], "application/json");
    let cookie = made.headers()["set-cookie"].to_str().expect("text");
    assert!(
        cookie.starts_with("hadoop.auth=\"u=hdfs&p=hdfs&t=simple&e="),
        "{cookie}"
    );
    let status = ask(
        &port,
        "GET",
        "/webhdfs/v1/a/b?op=getfilestatus&user.name=hdfs",
    );
    let status = &value(&status)["FileStatus"];
    assert_eq!(status["type"], "DIRECTORY");
    assert_eq!(status["permission"], "700");
    assert_eq!(status["owner"], "hdfs");
    let listed = ask(&port, "GET", "/webhdfs/v1/a?op=LISTSTATUS&user.name=hdfs");
    assert_eq!(
        value(&listed)["FileStatuses"]["FileStatus"][0]["pathSuffix"],
        "b"
    );
    let removed = ask(
        &port,
        "DELETE",
        "/webhdfs/v1/a?op=DELETE&recursive=true&user.name=hdfs",
    );
    assert_eq!(value(&removed), json!({ "boolean": true }));
}

#[test]
fn a_listing_of_many_pages_is_whole() {
    let port = port(&[("dfs.ls.limit", "2")]);
    for name in ["a", "b", "c", "d", "e"] {
        ask(
            &port,
            "PUT",
            &format!("/webhdfs/v1/{name}?op=MKDIRS&user.name=hdfs"),
        );
    }
    let listed = value(&ask(
        &port,
        "GET",
        "/webhdfs/v1/?op=LISTSTATUS&user.name=hdfs",
    ));
    let names: Vec<_> = listed["FileStatuses"]["FileStatus"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|status| status["pathSuffix"].as_str().expect("text"))
        .collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    let page = "/webhdfs/v1/?op=LISTSTATUS_BATCH&startafter=b&user.name=hdfs";
    let page = value(&ask(&port, "GET", page));
    assert_eq!(page["DirectoryListing"]["remainingEntries"], 1);
}

#[test]
fn refusals_have_hadoops_status_class_and_text() {
    let port = port(&[]);
    let io = "java.io.IOException";
    let illegal = "java.lang.IllegalArgumentException";
    for (method, uri, expected) in [
        (
            "GET",
            "/x?op=GETFILESTATUS",
            (
                404,
                "java.io.FileNotFoundException",
                "File does not exist: /x",
            ),
        ),
        (
            "GET",
            "/x?op=LISTSTATUS",
            (
                404,
                "java.io.FileNotFoundException",
                "File /x does not exist.",
            ),
        ),
        (
            "GET",
            "/x?op=OPEN",
            (404, "java.io.FileNotFoundException", "File /x not found."),
        ),
        (
            "GET",
            "/x?op=FOO",
            (
                400,
                illegal,
                "Invalid value for webhdfs parameter \"op\": FOO is not a valid GET operation.",
            ),
        ),
        (
            "PUT",
            "/x",
            (
                400,
                "java.lang.UnsupportedOperationException",
                "op=NULL  is not supported",
            ),
        ),
        (
            "PUT",
            "/x?op=SETOWNER",
            (400, illegal, "Both owner and group are empty."),
        ),
        (
            "PUT",
            "/x?op=MKDIRS&user.name=alice",
            (
                403,
                "org.apache.hadoop.security.AccessControlException",
                "Permission denied: user=alice, access=WRITE, inode=\"/\":hdfs:supergroup:drwxr-xr-x",
            ),
        ),
        (
            "GET",
            "/?op=GETFILESTATUS&user.name=alice&doas=bob",
            (
                403,
                "org.apache.hadoop.security.authorize.AuthorizationException",
                "User: alice is not allowed to impersonate bob",
            ),
        ),
        (
            "PUT",
            "/f?op=CREATE",
            (
                403,
                io,
                "Failed to find datanode, suggest to check cluster health. excludeDatanodes=",
            ),
        ),
    ] {
        let (status, class, message) = refusal(&port, method, &format!("/webhdfs/v1{uri}"));
        assert_eq!((status, &*class, &*message), expected, "{method} {uri}");
    }
    assert_eq!(ask(&port, "GET", "/elsewhere").status(), 404);
}

#[test]
fn a_browser_must_send_a_header_if_that_is_configured() {
    let port = port(&[("dfs.webhdfs.rest-csrf.enabled", "true")]);
    let uri = "/webhdfs/v1/a?op=MKDIRS&user.name=hdfs";
    let refused = ask_as(&port, "PUT", uri, "Mozilla/5.0");
    assert_eq!(refused.status(), 400);
    let body = String::from_utf8_lossy(refused.body()).into_owned();
    assert!(
        body.contains("Missing Required Header for CSRF Vulnerability Protection"),
        "{body}"
    );
    assert_eq!(ask_as(&port, "PUT", uri, "curl/8").status(), 200);
    let read = "/webhdfs/v1/a?op=GETFILESTATUS";
    assert_eq!(ask_as(&port, "GET", read, "Mozilla/5.0").status(), 200);
}
