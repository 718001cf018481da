//! The console without sockets: who may see and change what, before anything is done.

use std::future::{Future, ready};
use std::pin::Pin;
use std::task::Waker;

use super::*;
use crate::web::console::{ConsoleAccess, ConsoleAnswer, ConsoleCall, ConsoleFile, ConsoleVerbs};

/// Verbs that answer what they were asked.
struct Echo;

impl ConsoleVerbs for Echo {
    fn files(&self) -> &'static [ConsoleFile] {
        const FILE: ConsoleFile = ConsoleFile {
            name: "echo.js",
            bytes: b"export {};",
        };
        &[FILE]
    }

    fn access(&self, verb: &str, is_change: bool) -> Option<ConsoleAccess> {
        match (verb, is_change) {
            ("hello" | "set", _) => Some(ConsoleAccess::Everyone),
            ("secret", false) => Some(ConsoleAccess::Administrators),
            _ => None,
        }
    }

    fn answer(&self, call: ConsoleCall) -> Pin<Box<dyn Future<Output = ConsoleAnswer> + Send>> {
        let from = call.from;
        let value = json!({"verb": call.verb, "from": from, "change": call.change});
        Box::pin(ready(ConsoleAnswer::Done(value)))
    }
}

/// Sends a request with header fields, and returns status and body.
fn send(
    port: &NameNodeWeb,
    method: &str,
    uri: &str,
    fields: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let (head, ()) = request.body(()).expect("a request").into_parts();
    let request = WebRequest {
        head: &head,
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        is_https: false,
    };
    let answered = match port.admit(NOW, &request, &mut StdRng::seed_from_u64(2)) {
        Err(response) => *response,
        Ok(admitted) => {
            let mut called = Box::pin(port.call(NOW, admitted, body.as_bytes()));
            match called
                .as_mut()
                .poll(&mut std::task::Context::from_waker(Waker::noop()))
            {
                std::task::Poll::Ready(answer) => answer.map(whole),
                std::task::Poll::Pending => unreachable!("it is ready"),
            }
        }
    };
    let text = String::from_utf8_lossy(answered.body()).into_owned();
    (answered.status().as_u16(), text)
}

fn console() -> NameNodeWeb {
    let port = port(&[("dfs.cluster.administrators", "carol")]);
    port.0.console.attach(Arc::new(Echo));
    port
}

#[test]
fn the_state_says_who_looks_and_what_there_is() {
    let alone = value(&ask(&port(&[]), "GET", "/console/api/state?user.name=bob"));
    assert_eq!(alone["user"], "bob");
    assert_eq!(alone["administrator"], false);
    assert_eq!(alone["modules"], json!(["hdfs.js"]));
    for (user, is_administrator) in [("hdfs", true), ("carol", true), ("bob", false)] {
        let uri = format!("/console/api/state?user.name={user}");
        let state = value(&ask(&console(), "GET", &uri));
        assert_eq!(state["administrator"], is_administrator, "{user}");
        assert_eq!(state["modules"], json!(["hdfs.js", "echo.js"]));
    }
    assert_eq!(ask(&console(), "GET", "/console/echo.js").status(), 200);
    assert_eq!(ask(&port(&[]), "GET", "/console/echo.js").status(), 404);
}

#[test]
fn readers_see_what_is_for_everyone_and_administrators_the_rest() {
    let port = console();
    let get = |uri: &str| send(&port, "GET", uri, &[], "").0;
    assert_eq!(get("/console/api/hello?user.name=bob"), 200);
    assert_eq!(get("/console/api/secret?user.name=bob"), 403);
    assert_eq!(get("/console/api/secret?user.name=carol"), 200);
    assert_eq!(get("/console/api/nothing?user.name=hdfs"), 404);
    let (_, text) = send(&port, "GET", "/console/api/hello?from=7", &[], "");
    assert!(text.contains("\"from\":7"), "{text}");
    let last = [("last-event-id", "41")];
    let (_, text) = send(&port, "GET", "/console/api/hello?from=7", &last, "");
    assert!(text.contains("\"from\":42"), "{text}");
    let most = [("last-event-id", "18446744073709551615")];
    let (status, text) = send(&port, "GET", "/console/api/hello", &most, "");
    assert_eq!(
        (status, text.contains("\"from\":null")),
        (200, true),
        "{text}"
    );
}

#[test]
fn a_change_needs_the_header_the_type_and_an_administrator() {
    let port = console();
    let json = ("content-type", "application/json; charset=utf-8");
    let header = ("x-xsrf-header", "");
    let set = |user: &str, fields: &[(&str, &str)], body: &str| {
        let uri = format!("/console/api/set?user.name={user}");
        send(&port, "POST", &uri, fields, body)
    };
    assert_eq!(set("hdfs", &[json], "1").0, 400);
    assert_eq!(set("hdfs", &[header], "1").0, 415);
    let form = ("content-type", "application/x-www-form-urlencoded");
    assert_eq!(set("hdfs", &[header, form], "1").0, 415);
    assert_eq!(set("bob", &[header, json], "1").0, 403);
    assert_eq!(set("hdfs", &[header, json], "{").0, 400);
    let (status, text) = set("carol", &[header, json], "{\"a\":1}");
    assert_eq!(status, 200);
    assert!(text.contains("\"change\":{\"a\":1}"), "{text}");
    let uri = "/console/api/secret?user.name=hdfs";
    assert_eq!(send(&port, "POST", uri, &[header, json], "1").0, 404);
    assert_eq!(send(&port, "DELETE", uri, &[header, json], "1").0, 405);
    let renamed = port_with_header();
    let uri = "/console/api/set?user.name=hdfs";
    assert_eq!(send(&renamed, "POST", uri, &[header, json], "1").0, 400);
    let own = ("x-mine", "");
    assert_eq!(send(&renamed, "POST", uri, &[own, json], "1").0, 200);
}

/// A port whose header against forms has another name.
fn port_with_header() -> NameNodeWeb {
    let port = port(&[("dfs.webhdfs.rest-csrf.custom-header", "X-Mine")]);
    port.0.console.attach(Arc::new(Echo));
    port
}
