use super::*;
use kerbox_events::{ClearField, Latch, Mechanism, Operation, Outcome, Server, StateChange};
use kerbox_krb5::ErrorCode;

fn login(client: &str) -> Event {
    Event::AsExchange {
        client: client.into(),
        service: "krbtgt/R@R".into(),
        outcome: Outcome::Asked,
    }
}

fn ask(faults: &Faults, client: &str) -> Verdict {
    faults.ask(&login(client)).verdict
}

fn refuse() -> Verdict {
    Verdict::KrbError(ErrorCode::KDC_ERR_POLICY)
}

#[test]
fn a_fault_lasts_as_long_as_its_guard() {
    let faults = Arc::new(Faults::new(0));
    let guard = faults.inject(|_: &Event| Verdict::Drop);
    assert!(faults.watching());
    assert_eq!(ask(&faults, "alice@R"), Verdict::Drop);
    assert_eq!(guard.struck(), 1);
    drop(guard);
    assert!(!faults.watching());
    assert_eq!(ask(&faults, "alice@R"), Verdict::Pass);
}

#[test]
fn the_newest_rule_is_asked_first_and_those_that_pass_let_the_next_speak() {
    let faults = Arc::new(Faults::new(0));
    let _old = faults.inject(|_: &Event| Verdict::Drop);
    let _new = faults.inject(|event: &Event| match event {
        Event::AsExchange { client, .. } if &**client == "bob@R" => Verdict::Disconnect,
        _ => Verdict::Pass,
    });
    assert_eq!(ask(&faults, "bob@R"), Verdict::Disconnect);
    assert_eq!(ask(&faults, "alice@R"), Verdict::Drop);
}

#[test]
fn a_ready_made_fault_strikes_whom_and_as_often_as_it_says() {
    let faults = Arc::new(Faults::new(0));
    let _fault = faults.inject(
        Fault::krb_error(ErrorCode::KDC_ERR_POLICY)
            .of("alice")
            .after(1)
            .times(2),
    );
    assert_eq!(ask(&faults, "alicebob@R"), Verdict::Pass);
    let verdicts: Vec<Verdict> = (0..4).map(|_| ask(&faults, "alice@R")).collect();
    assert_eq!(verdicts, [Verdict::Pass, refuse(), refuse(), Verdict::Pass]);
}

#[test]
fn a_forgery_counts_only_once_it_is_done() {
    let faults = Arc::new(Faults::new(0));
    let forge = Verdict::Forge(ClearField::Client);
    let fault = faults.inject(Fault::new(|_| true, forge.clone()).once());
    let event = login("alice@R");
    assert_eq!(ask(&faults, "alice@R"), forge);
    assert_eq!(faults.forged(&event, false), None);
    assert_eq!(fault.struck(), 0);

    assert_eq!(ask(&faults, "alice@R"), forge);
    let recorded = faults.forged(&event, true).expect("it was done");
    assert!(matches!(&recorded, Event::Fault { on, struck: true, .. } if **on == event));
    assert_eq!(fault.struck(), 1);
    assert_eq!(ask(&faults, "alice@R"), Verdict::Pass);
}

#[test]
fn chance_comes_from_the_seed() {
    let run = |seed| {
        let faults = Arc::new(Faults::new(seed));
        let _fault =
            faults.inject(Fault::krb_error(ErrorCode::KDC_ERR_POLICY).with_probability(0.5));
        (0..64)
            .map(|_| ask(&faults, "a@R") == Verdict::Pass)
            .collect::<Vec<bool>>()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
    assert!(run(7).contains(&true) && run(7).contains(&false));
}

#[test]
fn a_verdict_that_the_event_does_not_take_is_reported_once_and_does_not_strike() {
    let faults = Arc::new(Faults::new(0));
    let _old = faults.inject(|_: &Event| Verdict::Drop);
    let exception = Verdict::Exception {
        class: "java.io.IOException".into(),
        message: "no".into(),
    };
    let fault = faults.inject(Fault::new(|_| true, exception).once());
    let first = faults.ask(&login("alice@R"));
    assert_eq!(first.verdict, Verdict::Drop, "the next rule is asked");
    assert!(matches!(
        first.events[..],
        [
            Event::Fault { struck: false, .. },
            Event::Fault { struck: true, .. }
        ]
    ));
    let said = first.events[0].to_string();
    assert!(
        said.contains("not carried out") && said.contains("KrbError, Delay"),
        "{said}"
    );
    assert_eq!(faults.ask(&login("alice@R")).events.len(), 1);
    assert_eq!(fault.struck(), 0);
    let call = Event::RpcCall {
        server: Server::NameNode(1),
        user: "alice".into(),
        method: "mkdirs".into(),
        path: None,
        outcome: Outcome::Asked,
    };
    assert!(matches!(
        faults.ask(&call).verdict,
        Verdict::Exception { .. }
    ));
    assert_eq!(fault.struck(), 1, "`once` was not used up by the login");
}

#[test]
fn a_builder_strikes_its_kind_of_event_as_far_as_it_was_restricted() {
    let faults = Arc::new(Faults::new(0));
    let call = |user: &str, method: &str, server| Event::RpcCall {
        server,
        user: user.into(),
        method: method.into(),
        path: Some("/tmp/x".into()),
        outcome: Outcome::Asked,
    };
    let at = Server::DataNode(2);
    let _fault = faults.inject(
        Fault::on_rpc("mkdirs")
            .of("alice")
            .at(at)
            .under("/tmp")
            .path("/tmp/x")
            .lose_reply()
            .nth(2),
    );
    for passed in [
        call("alice", "mkdirs", at),
        call("bob", "mkdirs", at),
        call("alice", "delete", at),
        call("alice", "mkdirs", Server::NameNode(1)),
        login("alice"),
    ] {
        assert_eq!(faults.ask(&passed).verdict, Verdict::Pass, "{passed}");
    }
    let struck = call("alice", "mkdirs", at);
    assert_eq!(faults.ask(&struck).verdict, Verdict::LoseReply);
    assert_eq!(faults.ask(&struck).verdict, Verdict::Pass);
}

#[test]
fn every_verdict_of_a_builder_is_one_that_its_event_takes() {
    let latch = Latch::new();
    let outcome = Outcome::Asked;
    let class = "java.io.IOException";
    let sasl = Event::Sasl {
        server: Server::NameNode(1),
        mechanism: Mechanism::Gssapi,
        user: "alice".into(),
        outcome: outcome.clone(),
    };
    let read = Event::ReadBlock {
        datanode: 1,
        block: 7,
        offset: 0,
        length: 1,
        outcome: outcome.clone(),
    };
    let copy = Event::DataTransfer {
        datanode: 1,
        operation: Operation::CopyBlock,
        block: 7,
        outcome,
    };
    let packet = Event::Packet {
        datanode: 1,
        block: 7,
        nth: 1,
        writing: true,
        length: 1_000,
    };
    let opened = Event::Connection {
        server: Server::DataNode(1),
        peer: "127.0.0.1:1".parse().expect("an address"),
        opened: true,
    };
    let home = "127.0.0.1".parse().expect("an address");
    for (event, fault) in [
        (
            login("a"),
            Fault::on_logins().krb_error(ErrorCode::KDC_ERR_POLICY),
        ),
        (login("a"), Fault::on_ticket_requests().cut_reply(1)),
        (login("a"), Fault::on_logins().corrupt()),
        (
            sasl.clone(),
            Fault::on_handshakes().krb_error(ErrorCode::KDC_ERR_POLICY),
        ),
        (sasl.clone(), Fault::on_handshakes().exception(class, "no")),
        (sasl, Fault::on_handshakes().hold(&latch)),
        (opened.clone(), Fault::on_connections().peer(home).silence()),
        (opened, Fault::on_connections().hold(&latch)),
        (read.clone(), Fault::on_reads().block(7).corrupt()),
        (read, Fault::on_reads().exception(class, "no")),
        (
            copy,
            Fault::on_operation(Operation::CopyBlock).exception(class, "no"),
        ),
        (
            packet.clone(),
            Fault::on_written_packets().packet(1).of_block(7).corrupt(),
        ),
        (packet, Fault::on_written_packets().kill()),
    ] {
        let faults = Arc::new(Faults::new(0));
        let guard = faults.inject(fault);
        assert_ne!(faults.ask(&event).verdict, Verdict::Pass, "{event}");
        assert_eq!(guard.struck(), 1, "{event}");
    }
}

#[test]
fn a_datanode_whose_heartbeats_are_lost_is_thought_dead_and_comes_back() -> Result<(), crate::Error>
{
    let cluster = crate::Cluster::simple().datanodes(2).start_blocking()?;
    let second = Server::DataNode(2);
    let is = |wanted| {
        move |event: &Event| {
            matches!(
                event,
                Event::State { server, change, .. }
                    if (*server, *change) == (second, wanted)
            )
        }
    };
    let lost = cluster.inject(Fault::on_heartbeats().at(second).lose());
    cluster.advance_blocking(std::time::Duration::from_secs(700))?;
    assert!(lost.struck() > 0);
    assert_eq!(cluster.journal().count(is(StateChange::Dead)), 1);
    assert!(cluster.datanode(2)?.is_running());
    drop(lost);
    let later = cluster.journal().from_here();
    cluster.advance_blocking(std::time::Duration::from_secs(10))?;
    assert_eq!(later.count(is(StateChange::Registered)), 1);
    assert_eq!(
        later.count(|event| matches!(
            event,
            Event::State {
                server: Server::DataNode(1),
                ..
            }
        )),
        0
    );
    Ok(())
}

#[test]
fn a_bandwidth_delays_a_packet_by_its_length() {
    let faults = Arc::new(Faults::new(0));
    let slow = faults.inject(Fault::on_written_packets().bandwidth(10_000));
    let packet = |length, writing| Event::Packet {
        datanode: 1,
        block: 7,
        nth: 1,
        writing,
        length,
    };
    let delay = Verdict::DelayInRealTime(std::time::Duration::from_millis(100));
    assert_eq!(faults.ask(&packet(1_000, true)).verdict, delay);
    assert_eq!(faults.ask(&packet(1_000, false)).verdict, Verdict::Pass);
    assert_eq!(slow.struck(), 1);
}

#[test]
fn the_names_of_those_who_ask_are_not_kept() {
    let faults = Arc::new(Faults::new(0));
    let _fault = faults.inject(|_: &Event| Verdict::Pass);
    let client: Arc<str> = "m".repeat(1 << 20).into();
    faults.ask(&Event::AsExchange {
        client: Arc::clone(&client),
        service: "krbtgt/R@R".into(),
        outcome: Outcome::Asked,
    });
    assert_eq!(Arc::strong_count(&client), 1);
}
