//! Requests about what there is at this moment: tickets, tokens, connections. None has a key.

use kerbox_events::{Event, Facts, TicketFacts};
use kerbox_krb5::Timestamp;
use serde_json::{Value, json};

use super::Target;
use crate::Entry;

/// Maximum number of delegation tokens, and of connections, in an answer.
const MOST: usize = 1_000;

/// Returns the newest tickets that the KDC has issued, oldest first, with what is left of their
/// lives in seconds.
pub(super) fn tickets(target: &Target) -> Value {
    let world = target.world();
    let now = world.clock.now();
    let issued = world.journal().tickets();
    issued
        .iter()
        .filter_map(|entry| ticket(entry, now))
        .collect()
}

fn ticket(entry: &Entry, now: Timestamp) -> Option<Value> {
    let (exchange, client, service) = match &entry.event {
        Event::AsExchange {
            client, service, ..
        } => ("AS".to_owned(), client, service),
        Event::TgsExchange {
            client,
            service,
            kind,
            ..
        } => (format!("TGS {kind}"), client, service),
        _ => return None,
    };
    let Some(Facts::Ticket(facts)) = &entry.facts else {
        return None;
    };
    let TicketFacts {
        session,
        kvno,
        flags,
        start_time,
        end_time,
        renew_till,
        ..
    } = &**facts;
    Some(json!({
        "number": entry.number,
        "exchange": exchange,
        "client": &**client,
        "service": &**service,
        "enctype": session.to_string(),
        "kvno": kvno,
        "flags": flags.letters(),
        "issued": entry.at.as_secs(),
        "start": start_time.as_secs(),
        "end": end_time.as_secs(),
        "renew_till": renew_till.map(Timestamp::as_secs),
        "left": left(*end_time, now),
        "renewable_left": renew_till.map(|till| left(till, now)),
    }))
}

/// Returns the delegation tokens that the NameNode keeps, ordered by owner.
pub(super) fn tokens(target: &Target) -> Value {
    let Some(hdfs) = &target.hdfs else {
        return json!([]);
    };
    let now = hdfs.now();
    let namenode = hdfs.namenode();
    let manager = namenode.delegation_tokens();
    let tokens = manager.tokens().into_iter().take(MOST);
    tokens
        .map(|token| {
            let renew_date = manager.renew_date(&token).unwrap_or(token.max_date);
            json!({
                "sequence": token.sequence_number,
                "owner": token.owner,
                "renewer": token.renewer,
                "real_user": token.real_user,
                "master_key": token.master_key_id,
                "start": token.issue_date.as_secs(),
                "end": renew_date.as_secs(),
                "renew_till": token.max_date.as_secs(),
                "left": left(renew_date, now),
                "renewable_left": left(token.max_date, now),
            })
        })
        .collect()
}

/// Returns the open connections of all servers.
pub(super) fn connections(target: &Target) -> Value {
    let mut found = Vec::new();
    for node in target.nodes() {
        let name = node.name();
        node.show_connections(&mut |peer| {
            if found.len() < MOST {
                found.push(json!({
                    "server": name,
                    "peer": peer.address.map(|address| address.to_string()),
                    "user": peer.user,
                    "protection": peer.protection,
                }));
            }
        });
    }
    Value::Array(found)
}

/// Returns the seconds until a time; negative ones are past.
fn left(end: Timestamp, now: Timestamp) -> i64 {
    end.as_secs().saturating_sub(now.as_secs())
}
