//! Logins whose messages are lost, held or forged, and what the journal says of them.

use std::time::Duration;

use kerbox::{ClearField, Clock, Event, Facts, Fault, Latch, Realm, Verdict};

use crate::support::{Peer, TestResult, on, run, trials};

trials! {
    [Peer::Mit] =>
        kinit_asks_again_when_an_answer_is_lost,
        kinit_whose_request_is_held_too_long_is_out_of_time,
        kinit_detects_a_forged_reply,
        the_journal_says_what_kinit_was_given;
}

fn kinit_asks_again_when_an_answer_is_lost() -> TestResult {
    let realm = Realm::start_blocking()?;
    // Without pre-authentication, the first answer would be the ticket; with it, a refusal.
    let fault = realm.inject(Fault::on_logins().of("alice").lose_reply().once());
    on(&realm, "kinit", &["alice"], "alice\n")?.ok()?;
    assert_eq!(fault.struck(), 1);
    Ok(())
}

fn kinit_whose_request_is_held_too_long_is_out_of_time() -> TestResult {
    let realm = Realm::start_blocking()?;
    let latch = Latch::new();
    // MIT's kinit sends the time only in its second request.
    let second = Fault::on_logins().of("alice").hold(&latch).after(1);
    let _fault = realm.inject(second);
    let held = |event: &Event| {
        matches!(
            event,
            Event::Fault {
                verdict: Verdict::Hold(_),
                ..
            }
        )
    };
    let said = std::thread::scope(|scope| {
        let kinit = scope.spawn(|| on(&realm, "kinit", &["alice"], "alice\n")?.refused());
        let seen = realm.journal().wait_blocking(held, Duration::from_secs(30));
        // The machine's clock is still the client's: only the KDC's moves.
        let later = realm.clock().now() + Duration::from_secs(3600);
        let moved = seen.and_then(|_| realm.jump_blocking(later));
        latch.open();
        let said = kinit.join().map_err(|_| "kinit's thread panicked")?;
        moved?;
        said
    })?;
    assert!(said.contains("Clock skew too great"), "{said}");
    Ok(())
}

fn kinit_detects_a_forged_reply() -> TestResult {
    let realm = Realm::start_blocking()?;
    for field in [ClearField::Client, ClearField::ClientRealm] {
        let fault = realm.inject(Fault::on_logins().of("alice").forge(field).once());
        let said = on(&realm, "kinit", &["alice"], "alice\n")?.refused()?;
        assert!(
            said.contains("KDC reply did not match expectations"),
            "{field}: {said}"
        );
        // The error that asked for pre-authentication came first, and had no such field.
        assert_eq!(fault.struck(), 1);
    }
    // The ticket's own fields are of no interest to kinit. Whoever gets the ticket complains.
    let fault = realm.inject(Fault::on_ticket_requests().forge(ClearField::TicketKvno));
    on(&realm, "kinit", &["alice"], "alice\n")?.ok()?;
    drop(fault);
    let said = on(&realm, "kvno", &["host/localhost"], "")?.refused()?;
    assert!(said.contains("PROCESS_TGS"), "{said}");
    Ok(())
}

fn the_journal_says_what_kinit_was_given() -> TestResult {
    // Client and KDC compute a lifetime from two readings, which must be of the same second.
    let clock = Clock::frozen(Clock::system().now());
    let realm = Realm::builder().clock(clock).start_blocking()?;
    let mut kinit = realm.command_under_clock("kinit")?;
    kinit.args(["-l", "1h", "-r", "2h", "-f", "alice"]);
    run(&mut kinit, "alice\n")?.ok()?;
    let entries = realm.journal().entries();
    let refused = entries.iter().find_map(|entry| match &entry.facts {
        Some(Facts::Refusal { reason, offered }) => Some((reason, offered)),
        _ => None,
    });
    let (reason, offered) = refused.ok_or("kinit asks without pre-authentication first")?;
    assert_eq!(&**reason, "NEEDED_PREAUTH");
    assert!(offered.len() > 1, "{offered:?}");
    let granted = entries.iter().find_map(|entry| match &entry.facts {
        Some(Facts::Ticket(ticket)) => Some((entry, ticket)),
        _ => None,
    });
    let (entry, ticket) = granted.ok_or("a ticket")?;
    assert_eq!(&ticket.offered, offered);
    let hour = Duration::from_secs(3600);
    assert_eq!(ticket.end_time.since(ticket.start_time), hour);
    let renew_till = ticket.renew_till.ok_or("it is renewable")?;
    assert_eq!(renew_till.since(ticket.start_time), 2 * hour);
    let text = entry.to_string();
    for part in [
        "session aes256-cts-hmac-sha1-96",
        "flags ",
        "pre-authentication ",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(entry.to_json().contains(r#""facts":{"offered":["#));
    // What MIT's client says about the same ticket.
    let listed = on(&realm, "klist", &["-f", "-e"], "")?.ok()?;
    let flags = format!("Flags: {}", ticket.flags.letters());
    assert!(listed.contains(&flags), "{flags} in {listed}");
    assert!(listed.contains(&ticket.session.to_string()), "{listed}");
    Ok(())
}
