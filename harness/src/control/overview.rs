//! The overview of a realm, with nothing secret in it.

use kerbox_events::{Event, Facts};
use kerbox_kdc::RealmConfig;
use kerbox_krb5::ErrorCode;
use serde_json::{Value, json};

use super::nodes::{self, Node};
use super::target::Target;
use crate::spec::duration;
use crate::{Outcome, Realm};

/// Maximum number of trusts, and of further realms, in an answer.
const MOST: usize = 100;

/// Returns the realm's settings, the servers of its KDC, and figures. Those of tickets are of the
/// journal, which keeps the newest events.
pub(super) fn show(target: &Target, realm: &Realm) -> Value {
    let kdcs: Vec<_> = target
        .nodes()
        .into_iter()
        .filter(|node| matches!(node, Node::Kdc(_)))
        .collect();
    let mut shown = of_database(realm);
    shown["kdcs"] = nodes::list(&kdcs);
    let world = target.world();
    let (now, journal) = (world.clock.now(), world.journal());
    let tickets = journal.tickets();
    let is_valid = |facts: &Option<Facts>| match facts {
        Some(Facts::Ticket(facts)) => facts.end_time > now,
        _ => false,
    };
    let valid = tickets.iter().filter(|entry| is_valid(&entry.facts));
    shown["tickets"] = json!(valid.count());
    shown["issued"] = json!(journal.count(|event| exchange(event).is_some_and(Outcome::is_ok)));
    shown["refused"] = json!(journal.count(|event| exchange(event).is_some_and(is_refusal)));
    shown
}

/// Returns what the KDC's database says of its first realm, and the names of the others.
fn of_database(realm: &Realm) -> Value {
    let database = realm.kdc().database();
    let own = database.realm(realm.name());
    let trusts = database.principals().map(|entry| &entry.principal);
    let trusts = trusts.filter(|name| name.is_krbtgt() && name.components()[1] != name.realm());
    let trusts: Vec<String> = trusts.take(MOST).map(ToString::to_string).collect();
    let further = database.realms().iter().map(|it| it.name.as_str());
    let further = further.filter(|name| *name != realm.name()).take(MOST);
    let further: Vec<&str> = further.collect();
    let mut shown = own.map_or_else(|| json!({}), settings);
    shown["name"] = json!(realm.name());
    shown["principals"] = json!(database.principals().count());
    shown["trusts"] = json!(trusts);
    shown["further"] = json!(further);
    shown
}

fn settings(realm: &RealmConfig) -> Value {
    let enctypes = realm.enctypes.iter().map(ToString::to_string);
    json!({
        "max_life": duration::to_text(realm.max_life),
        "max_renewable_life": duration::to_text(realm.max_renewable_life),
        "clock_skew": duration::to_text(realm.clock_skew),
        "enctypes": enctypes.collect::<Vec<_>>(),
        "attributes": realm.attributes.to_string(),
        "pac": realm.pac.name(),
    })
}

/// Returns the outcome of an exchange for a ticket.
fn exchange(event: &Event) -> Option<&Outcome> {
    let is_exchange = matches!(event, Event::AsExchange { .. } | Event::TgsExchange { .. });
    event.outcome().filter(|_| is_exchange)
}

/// Returns whether a client got no ticket. A question for a proof of the password is no refusal.
fn is_refusal(outcome: &Outcome) -> bool {
    const QUESTIONS: [ErrorCode; 2] = [
        ErrorCode::KDC_ERR_PREAUTH_REQUIRED,
        ErrorCode::KDC_ERR_MORE_PREAUTH_DATA_REQUIRED,
    ];
    matches!(outcome, Outcome::KrbError(code) if !QUESTIONS.contains(code))
}
