//! The events that a hook is asked about, and the effects of its verdicts. Events have the names
//! inside tickets and armors, which are the ones that count.

use std::sync::{Arc, Mutex};

use kerbox_events::{ClearField, Event, Hook, Latch, Outcome, Verdict};
use kerbox_krb5::client::{AsExchange, Credentials, InitialRequest, Secret, TgsRequest};
use kerbox_krb5::messages::{ChangePasswordData, KdcReply};
use kerbox_krb5::{ErrorCode, Timestamp};

use crate::fast::inside;
use crate::kpasswd::{self, SET};
use crate::support::{Pair, krb_error, principal};
use kerbox_kdc::testing::armor;

/// Gives its verdict on every event whose line contains a text, and remembers the events.
struct Rule {
    of: &'static str,
    verdict: Verdict,
    asked: Mutex<Vec<String>>,
    recorded: Mutex<Vec<String>>,
    /// The events on which a field was to be forged, and if there was one.
    forged: Mutex<Vec<(String, bool)>>,
}

impl Hook for Rule {
    fn ask(&self, _now: Timestamp, event: &Event) -> Verdict {
        let line = event.to_string();
        let strikes = line.contains(self.of);
        self.asked.lock().expect("not poisoned").push(line);
        if strikes {
            self.verdict.clone()
        } else {
            Verdict::Pass
        }
    }

    fn record(&self, _now: Timestamp, event: Event) {
        self.recorded
            .lock()
            .expect("not poisoned")
            .push(event.to_string());
    }

    fn forged(&self, _now: Timestamp, event: &Event, done: bool) {
        let mut forged = self.forged.lock().expect("not poisoned");
        forged.push((event.to_string(), done));
    }

    fn watching(&self) -> bool {
        true
    }
}

fn under(of: &'static str, verdict: Verdict) -> (Pair, Arc<Rule>) {
    let rule = Arc::new(Rule {
        of,
        verdict,
        asked: Mutex::default(),
        recorded: Mutex::default(),
        forged: Mutex::default(),
    });
    let pair = Pair::new();
    let pair = Pair {
        kdc: pair.kdc.with_hook(rule.clone()),
        ..pair
    };
    (pair, rule)
}

fn last(lines: &Mutex<Vec<String>>) -> String {
    let lines = lines.lock().expect("not poisoned");
    lines.last().cloned().unwrap_or_default()
}

fn policy() -> Verdict {
    Verdict::KrbError(ErrorCode::KDC_ERR_POLICY)
}

#[test]
fn a_ticket_request_is_asked_about_by_its_tickets_client() {
    let (mut pair, rule) = under("TGS TICKET alice@", policy());
    let [alice, bob] = ["alice", "bob"].map(|name| pair.login(name));
    assert!(pair.service(&bob, "nn/localhost").is_ok());
    assert_eq!(
        last(&rule.asked),
        "TGS TICKET bob@EXAMPLE.COM for nn/localhost@EXAMPLE.COM: asked"
    );
    let refused = pair.service(&alice, "nn/localhost");
    assert!(matches!(refused, Err(kerbox_krb5::Error::Kdc(error))
        if error.code == ErrorCode::KDC_ERR_POLICY && error.client == Some(principal("alice"))));
    assert_eq!(
        last(&rule.recorded),
        "TGS TICKET alice@EXAMPLE.COM for nn/localhost@EXAMPLE.COM: KDC_ERR_POLICY"
    );
    // A ticket that cannot be decrypted names no client. The request is refused for that reason.
    let mut spoilt: Credentials = alice;
    spoilt.ticket.enc_part.cipher[20] ^= 1;
    let refused = pair.tgs(
        &spoilt,
        TgsRequest::service(principal("nn/localhost"), &spoilt),
    );
    assert!(matches!(refused, Err(kerbox_krb5::Error::Kdc(error))
        if error.code == ErrorCode::KRB_AP_ERR_BAD_INTEGRITY));
}

#[test]
fn an_armored_login_is_asked_about_by_the_name_inside_and_refused_inside() {
    let (mut pair, rule) = under("AS bob@", policy());
    let armor = pair.login("nn/localhost");
    let (request, key) = armor::request(
        &armor,
        principal("alice"),
        pair.now,
        &mut pair.rng,
        |parts| parts.body.client = Some(principal("bob")),
    );
    let answer = pair.answer(&request);
    assert_eq!(
        last(&rule.asked),
        "AS bob@EXAMPLE.COM for krbtgt/EXAMPLE.COM@EXAMPLE.COM: asked"
    );
    assert_eq!(inside(&answer, &key).0.code, ErrorCode::KDC_ERR_POLICY);
}

#[test]
fn a_password_change_is_asked_about_by_who_asks_and_whose_it_is() {
    let (mut pair, rule) = under("kpasswd alice@EXAMPLE.COM for bob@", policy());
    let ticket = kpasswd::changepw(&mut pair, "alice");
    let mut set = |target: &str| {
        let data = ChangePasswordData {
            password: b"new".to_vec(),
            target: Some(principal(target)),
        };
        let request = kpasswd::request(&mut pair, &ticket, SET, &data.encode());
        pair.answer(&request)
    };
    // Reading the request for the hook does not count as its use: it is not a replay of itself.
    assert_eq!(kpasswd::result(&set("alice"), &ticket), 0);
    assert_eq!(krb_error(&set("bob")).code, ErrorCode::KDC_ERR_POLICY);
    assert_eq!(
        last(&rule.recorded),
        "kpasswd alice@EXAMPLE.COM for bob@EXAMPLE.COM: KDC_ERR_POLICY"
    );
}

#[test]
fn every_verdict_that_an_exchange_takes_is_obeyed_and_recorded() {
    let tried = [
        (policy(), "KDC_ERR_POLICY"),
        (Verdict::Delay(std::time::Duration::from_secs(3)), "ok"),
        (Verdict::Drop, "no answer"),
        (Verdict::Disconnect, "disconnected"),
        (Verdict::HalfClose, "disconnected"),
        (Verdict::Corrupt, "ok"),
        (Verdict::Forge(ClearField::Client), "ok"),
        (Verdict::LoseReply, "ok"),
        (Verdict::CutReply(9), "ok"),
        (Verdict::Kill, "disconnected"),
    ];
    for (verdict, recorded) in tried {
        let (mut pair, rule) = under("TGS", verdict.clone());
        let alice = pair.login("alice");
        let request = TgsRequest::service(principal("nn/localhost"), &alice);
        let (exchange, bytes) =
            kerbox_krb5::client::TgsExchange::new(&alice, request, pair.now, &mut pair.rng)
                .expect("a request");
        let reply = pair.send(&bytes);
        let line = last(&rule.recorded);
        assert!(
            line.starts_with("TGS") && line.ends_with(recorded),
            "{line}"
        );
        let answered = reply
            .message
            .as_ref()
            .map(|message| exchange.finish(message).is_ok());
        let done = (answered, reply.delay.as_secs(), reply.close, reply.stop);
        let expected = match verdict {
            Verdict::KrbError(_) | Verdict::Corrupt | Verdict::Forge(_) => {
                (Some(false), 0, false, false)
            }
            Verdict::Delay(_) => (Some(true), 3, false, false),
            Verdict::Drop | Verdict::LoseReply | Verdict::HalfClose => (None, 0, false, false),
            Verdict::CutReply(_) => (Some(true), 0, true, false),
            Verdict::Disconnect => (None, 0, true, false),
            _ => (None, 0, true, true),
        };
        assert_eq!(done, expected, "{verdict}");
        assert_eq!(reply.cut, (verdict == Verdict::CutReply(9)).then_some(9));
        assert_eq!(reply.half_close, verdict == Verdict::HalfClose);
        let event = Event::TgsExchange {
            client: "".into(),
            service: "".into(),
            kind: kerbox_events::TgsKind::Ticket,
            outcome: Outcome::Asked,
        };
        assert!(event.takes(&verdict));
    }
}

#[test]
fn a_lost_reply_is_given_again_when_the_client_resends() {
    let (mut pair, _) = under("TGS", Verdict::LoseReply);
    let alice = pair.login("alice");
    let request = TgsRequest::service(principal("nn/localhost"), &alice);
    let (exchange, bytes) =
        kerbox_krb5::client::TgsExchange::new(&alice, request, pair.now, &mut pair.rng)
            .expect("a request");
    assert_eq!(pair.send(&bytes).message, None);
    let again = pair.send(&bytes).message.expect("it was kept");
    assert!(exchange.finish(&again).is_ok());
}

#[test]
fn a_held_request_is_handled_at_the_time_of_its_release() {
    let latch = Latch::new();
    let (mut pair, rule) = under("TGS", Verdict::Hold(latch.clone()));
    let alice = pair.login("alice");
    for late in [true, false] {
        let request = TgsRequest::service(principal("nn/localhost"), &alice);
        let (exchange, bytes) =
            kerbox_krb5::client::TgsExchange::new(&alice, request, pair.now, &mut pair.rng)
                .expect("a request");
        let reply = pair.send(&bytes);
        assert_eq!((reply.message, reply.hold), (None, Some(latch.clone())));
        let asked = || rule.asked.lock().expect("not poisoned").len();
        let before = asked();
        let then = pair.now + std::time::Duration::from_secs(if late { 3600 } else { 1 });
        let reply = pair.kdc.handle_held(then, &bytes, pair.peer);
        let answer = reply.message.expect("an answer");
        assert_eq!(asked(), before, "it is not asked about again");
        if late {
            assert_eq!(krb_error(&answer).code, ErrorCode::KRB_AP_ERR_SKEW);
        } else {
            assert!(exchange.finish(&answer).is_ok());
        }
    }
}

#[test]
fn a_forged_reply_differs_in_one_clear_field() {
    for field in [
        ClearField::Client,
        ClearField::ClientRealm,
        ClearField::Service,
        ClearField::TicketKvno,
        ClearField::ReplyKvno,
    ] {
        let (mut pair, _) = under("TGS", Verdict::Forge(field));
        let alice = pair.login("alice");
        let request = TgsRequest::service(principal("nn/localhost"), &alice);
        let (_, bytes) =
            kerbox_krb5::client::TgsExchange::new(&alice, request, pair.now, &mut pair.rng)
                .expect("a request");
        let answer = pair.send(&bytes).message.expect("an answer");
        let reply = KdcReply::decode(&answer).expect("still a reply");
        let changed = (
            reply.client.name() == "forged",
            reply.client.realm() == "forged",
            reply.ticket.server.name() == "forged",
            reply.ticket.enc_part.kvno,
            reply.enc_part.kvno,
        );
        let expected = match field {
            ClearField::Client => (true, false, false, Some(1), None),
            ClearField::ClientRealm => (false, true, false, Some(1), None),
            ClearField::Service => (false, false, true, Some(1), None),
            ClearField::TicketKvno => (false, false, false, Some(2), None),
            _ => (false, false, false, Some(1), Some(1)),
        };
        assert_eq!(changed, expected, "{field}");
    }
}

#[test]
fn the_hook_learns_that_an_error_had_nothing_to_forge() {
    let (mut pair, rule) = under("AS", Verdict::Forge(ClearField::Client));
    let keys = pair.keys("alice");
    let mut ask = |preauthenticate| {
        let mut request = InitialRequest::new(principal("alice"));
        request.preauthenticate = preauthenticate;
        let secret = Secret::Keys(keys.clone());
        let (_, bytes) =
            AsExchange::new(request, secret, pair.now, &mut pair.rng).expect("a request");
        pair.answer(&bytes)
    };
    assert_eq!(
        krb_error(&ask(false)).code,
        ErrorCode::KDC_ERR_PREAUTH_REQUIRED
    );
    let reply = KdcReply::decode(&ask(true)).expect("a ticket");
    assert_eq!(reply.client.name(), "forged");
    let line = "AS alice@EXAMPLE.COM for krbtgt/EXAMPLE.COM@EXAMPLE.COM: asked".to_owned();
    assert_eq!(
        *rule.forged.lock().expect("not poisoned"),
        [(line.clone(), false), (line, true)]
    );
}
