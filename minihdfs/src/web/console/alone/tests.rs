//! The console of a realm without sockets: who is let in, and who may see and change what.

use std::future::{Future, ready};
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kerbox_krb5::testing::{NOW, Parties};
use kerbox_krb5::{EncryptionType, Keytab};
use serde_json::{Value, json};

use super::*;
use crate::base64;
use crate::testing::Recorder;
use crate::web::console::{ConsoleAccess, ConsoleAnswer, ConsoleCall};
use crate::web::content::WebContent;
use kerbox_krb5::gss::{GssInitiator, GssInitiatorOptions};

/// Verbs that answer what they were asked.
struct Echo;

impl ConsoleVerbs for Echo {
    fn files(&self) -> &'static [ConsoleFile] {
        const FILE: ConsoleFile = ConsoleFile {
            name: "echo.js",
            bytes: b"export const groups = [];",
        };
        &[FILE]
    }

    fn access(&self, verb: &str, is_change: bool) -> Option<ConsoleAccess> {
        match (verb, is_change) {
            ("clock", false) => Some(ConsoleAccess::Everyone),
            ("tickets", false) | ("control", true) => Some(ConsoleAccess::Administrators),
            _ => None,
        }
    }

    fn answer(&self, call: ConsoleCall) -> Pin<Box<dyn Future<Output = ConsoleAnswer> + Send>> {
        let value = json!({"verb": call.verb, "change": call.change});
        Box::pin(ready(ConsoleAnswer::Done(value)))
    }
}

/// A console, and the keys of its service.
struct Stage {
    web: ConsoleWeb,
    recorder: Arc<Recorder>,
    parties: Parties,
    now: Timestamp,
}

/// What came back.
struct Told {
    status: u16,
    body: String,
    cookie: Option<String>,
    asks: Option<String>,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// Returns `HTTP/localhost` and its clients with keys of this seed.
fn parties(seed: u64, service: [&str; 2]) -> Parties {
    Parties::new(seed, EncryptionType::AES256_CTS_HMAC_SHA1_96, service)
}

fn stage() -> Stage {
    let parties = parties(3, ["HTTP", "localhost"]);
    let recorder = Arc::new(Recorder::default());
    let console = Arc::new(Console::default());
    console.attach(Arc::new(Echo));
    let settings = ConsoleWebSettings {
        spnego: GssapiSettings::new(parties.service.clone(), parties.keytab.clone(), &[]),
        realm: "EXAMPLE.COM".to_owned(),
        administrators: vec![Principal::new("EXAMPLE.COM", ["hdfs"])],
        hook: Arc::clone(&recorder) as Arc<dyn Hook>,
        console,
    };
    Stage {
        web: ConsoleWeb::new(settings, &mut StdRng::seed_from_u64(5)),
        recorder,
        parties,
        now: NOW,
    }
}

/// Returns the field that shows a ticket of `client`.
fn shown(parties: &mut Parties, client: Principal) -> String {
    parties.part.client = client;
    let credentials = parties.credentials();
    let options = GssInitiatorOptions::default();
    let (_, token) =
        GssInitiator::new(&credentials, options, NOW, &mut parties.rng).expect("a known type");
    format!("Negotiate {}", base64::encode(&token))
}

impl Stage {
    /// Returns what happened, an event a line.
    fn seen(&self) -> Vec<String> {
        let events = self.recorder.events();
        events.iter().map(ToString::to_string).collect()
    }

    fn ticket(&mut self, name: &str) -> String {
        let client = Principal::parse(name, "EXAMPLE.COM").expect("a name");
        shown(&mut self.parties, client)
    }

    fn send(&self, method: &str, uri: &str, fields: &[(&str, &str)], body: &str) -> Told {
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
        let mut rng = StdRng::seed_from_u64(2);
        let answer = match self.web.admit(self.now, &request, &mut rng) {
            Err(response) => response.map(WebContent::from),
            Ok(visitor) => {
                let mut called = Box::pin(self.web.call(self.now, visitor, body.as_bytes()));
                let context = &mut Context::from_waker(Waker::noop());
                match called.as_mut().poll(context) {
                    Poll::Ready(answer) => answer,
                    Poll::Pending => unreachable!("it is ready"),
                }
            }
        };
        let field = |name: &str| {
            let value = answer.headers().get(name)?;
            Some(value.to_str().expect("text").to_owned())
        };
        let (cookie, asks) = (field("set-cookie"), field("www-authenticate"));
        let status = answer.status().as_u16();
        let WebContent::Whole(body) = answer.into_body() else {
            unreachable!("no test asks for events");
        };
        Told {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
            cookie,
            asks,
        }
    }

    fn get(&mut self, client: &str, path: &str) -> Told {
        let ticket = self.ticket(client);
        self.send("GET", path, &[("authorization", &ticket)], "")
    }

    /// Sends a change with the fields that it needs, but for one.
    fn change(&mut self, client: &str, without: &str, body: &str) -> Told {
        let ticket = self.ticket(client);
        let mut fields = vec![
            ("authorization", &*ticket),
            ("content-type", "application/json"),
            ("x-xsrf-header", "console"),
        ];
        fields.retain(|(name, _)| *name != without);
        self.send("POST", "/console/api/control", &fields, body)
    }
}

#[test]
fn without_a_ticket_there_is_nothing_but_how_to_get_one() {
    let stage = stage();
    for path in [
        "/console/",
        "/console/main.js",
        "/console/api/state",
        "/console/api/clock",
        "/webhdfs/v1/?op=LISTSTATUS&user.name=hdfs",
        "/jmx",
    ] {
        let told = stage.send("GET", path, &[], "");
        assert_eq!(
            (told.status, told.asks.as_deref()),
            (401, Some("Negotiate"))
        );
    }
    let html = [("accept", "text/html")];
    let page = stage.send("GET", "/console/", &html, "");
    assert_eq!((page.status, page.asks.is_some()), (401, true));
    assert!(page.body.contains("kinit"), "{}", page.body);
    assert_eq!(stage.send("GET", "/", &[], "").status, 302);
    assert!(stage.seen().is_empty());
}

#[test]
fn a_ticket_lets_in_and_its_cookie_again() {
    let mut stage = stage();
    let first = stage.get("alice", "/console/api/state");
    assert_eq!(first.status, 200);
    let state = first.json();
    assert_eq!(state["user"], "alice@EXAMPLE.COM");
    assert_eq!(
        (&state["administrator"], &state["secure"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        (&state["realm"], &state["modules"]),
        (&json!("EXAMPLE.COM"), &json!(["echo.js"]))
    );
    let cookie = first.cookie.expect("a cookie");
    let cookie = cookie.split(';').next().expect("a value").to_owned();
    let again = |stage: &Stage| {
        let fields = [("cookie", &*cookie)];
        stage.send("GET", "/console/api/clock", &fields, "").status
    };
    assert_eq!(again(&stage), 200);
    stage.now = NOW + Duration::from_secs(10 * 3600 + 1);
    assert_eq!(again(&stage), 401);
    // The same seed gives the same secret, another one another.
    let mut same = self::stage();
    assert_eq!(again(&same), 200);
    same.web.users.auth = WebAuth::kerberos(
        GssapiSettings::new(same.parties.service.clone(), Keytab::default(), &[]),
        &same.web.config.web,
        &mut StdRng::seed_from_u64(6),
    );
    assert_eq!(again(&same), 401);
    let shown = stage.seen().join("\n");
    assert!(shown.contains("console: "), "{shown}");
}

#[test]
fn foreign_old_and_repeated_tickets_are_refused() {
    let mut stage = stage();
    let send = |stage: &Stage, ticket: &str| {
        let fields = [("authorization", ticket)];
        stage.send("GET", "/console/api/clock", &fields, "").status
    };
    let alice = || Principal::new("EXAMPLE.COM", ["alice"]);
    let of_other_keys = shown(&mut parties(4, ["HTTP", "localhost"]), alice());
    let of_other_service = shown(&mut parties(3, ["nn", "localhost"]), alice());
    for foreign in [
        &*of_other_keys,
        &of_other_service,
        "Negotiate !",
        "Negotiate YQ==",
    ] {
        assert_eq!(send(&stage, foreign), 403, "{foreign}");
    }
    assert_eq!(send(&stage, "Basic aGRmczpoZGZz"), 401);
    let ticket = stage.ticket("alice");
    assert_eq!(send(&stage, &ticket), 200);
    assert_eq!(send(&stage, &ticket), 403, "a replay");
    stage.now = NOW + Duration::from_secs(2 * 3600);
    let old = stage.ticket("alice");
    assert_eq!(send(&stage, &old), 403);
}

#[test]
fn tokens_other_names_and_other_users_are_refused() {
    let mut stage = stage();
    let text = "/console/api/clock?delegation=JAAIaGRmcwRoZGZzAIoBjgGcVeeKAY4lqNnnAQESV0VCSERGUyBkZWxlZ2F0aW9uAA";
    for uri in [text, "/console/api/clock?delegation=x"] {
        assert_eq!(stage.send("GET", uri, &[], "").status, 403, "{uri}");
        assert_eq!(stage.get("hdfs", uri).status, 403, "{uri}");
    }
    for uri in [
        "/console/api/clock?doas=alice",
        "/console/api/clock?DOAS=alice",
        "/console/api/clock?user.name=hdfs",
    ] {
        assert_eq!(stage.get("bob", uri).status, 403, "{uri}");
    }
    assert_eq!(
        stage.get("hdfs", "/console/api/tickets?doas=bob").status,
        403
    );
}

#[test]
fn administrators_are_who_is_named_to_the_letter() {
    let mut stage = stage();
    for (client, status) in [
        ("hdfs", 200),
        ("alice", 403),
        ("hdfs/admin", 403),
        ("hdfs/localhost", 403),
        ("hdfs@OTHER.TEST", 403),
        ("HDFS", 403),
    ] {
        assert_eq!(
            stage.get(client, "/console/api/tickets").status,
            status,
            "{client}"
        );
        assert_eq!(stage.get(client, "/console/api/clock").status, 200);
        let changed = stage.change(client, "", r#"{"clock":"freeze"}"#);
        assert_eq!(changed.status, status, "{client}");
        assert!(status == 200 || changed.body.contains("list of administrators"));
    }
    let seen = stage.seen();
    let changes = seen.iter().filter(|line| line.contains("/console by"));
    let changes: Vec<_> = changes.collect();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert!(changes[0].contains("/console by hdfs@EXAMPLE.COM"));
}

#[test]
fn a_change_needs_its_header_its_type_and_a_verb() {
    let mut stage = stage();
    for (without, status) in [("x-xsrf-header", 400), ("content-type", 415)] {
        assert_eq!(stage.change("hdfs", without, "1").status, status);
    }
    assert_eq!(stage.change("hdfs", "authorization", "1").status, 401);
    assert_eq!(stage.change("hdfs", "", "{").status, 400);
    assert_eq!(stage.change("hdfs", "", "1").json()["change"], 1);
    for (path, status) in [
        ("/console/api/none", 404),
        ("/console/api/control", 404),
        ("/console/api/", 404),
        ("/console/none.js", 404),
        ("/console/hdfs.js", 404),
        ("/console/echo.js", 200),
        ("/console/main.js", 200),
        ("/jmx", 404),
        ("/webhdfs/v1/?op=LISTSTATUS", 404),
    ] {
        assert_eq!(stage.get("hdfs", path).status, status, "{path}");
    }
    for (method, path) in [
        ("PUT", "/console/api/clock"),
        ("DELETE", "/console/api/control"),
        ("POST", "/console/main.js"),
        ("PUT", "/webhdfs/v1/x?op=MKDIRS"),
    ] {
        let ticket = stage.ticket("hdfs");
        let told = stage.send(method, path, &[("authorization", &ticket)], "");
        assert_eq!(told.status, 405, "{method} {path}");
    }
}
