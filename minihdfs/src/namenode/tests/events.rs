//! Edits as events (inotify).

use super::*;

fn edits_from(fixture: &Fixture, txid: i64) -> EventsListProto {
    let request = GetEditsFromTxidRequestProto { txid };
    let response = fixture
        .hdfs()
        .call::<GetEditsFromTxidResponseProto>("getEditsFromTxid", &request);
    response.expect("the superuser").events_list
}

fn last(fixture: &Fixture) -> i64 {
    let request = GetCurrentEditLogTxidRequestProto {};
    fixture
        .hdfs()
        .call::<GetCurrentEditLogTxidResponseProto>("getCurrentEditLogTxid", &request)
        .expect("the superuser")
        .txid
}

fn kinds(list: &EventsListProto) -> Vec<EventType> {
    let events = list.batch.iter().flat_map(|batch| &batch.events);
    events.map(EventProto::r#type).collect()
}

#[test]
fn edits_become_events_from_the_first_question_on() {
    let fixture = Fixture::new().with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.mkdirs("/before", 0o755).expect("made");
    let start = last(&fixture);
    hdfs.write("/f", &[10]);
    hdfs.chmod("/f", 0o600).expect("changed");
    hdfs.delete("/f", false).expect("deleted");
    let end = last(&fixture);
    let list = edits_from(&fixture, start + 1);
    assert_eq!(
        (list.first_txid, list.last_txid, list.sync_txid),
        (start + 1, end, end)
    );
    assert_eq!(
        kinds(&list),
        [
            EventType::EventCreate,
            EventType::EventClose,
            EventType::EventMetadata,
            EventType::EventUnlink
        ]
    );
    let created = CreateEventProto::decode(&*list.batch[0].events[0].contents).expect("created");
    assert_eq!(
        (&*created.path, &*created.owner_name, created.replication()),
        ("/f", "hdfs", 1)
    );
    // Earlier events were not kept, which the client sees by the first transaction.
    assert_eq!(edits_from(&fixture, 1).first_txid, start + 1);
    let none = edits_from(&fixture, end + 1);
    assert_eq!((none.first_txid, none.last_txid), (-1, -1));
}

#[test]
fn a_response_has_a_thousand_events_and_old_ones_are_dropped() {
    let fixture = Fixture::new();
    let start = last(&fixture);
    let hdfs = fixture.hdfs();
    for number in 0..1500 {
        hdfs.mkdirs(&format!("/{number}"), 0o755).expect("made");
    }
    let list = edits_from(&fixture, start + 1);
    assert_eq!((list.batch.len(), list.last_txid), (1000, start + 1000));
    let rest = edits_from(&fixture, list.last_txid + 1);
    assert_eq!((rest.batch.len(), rest.last_txid), (500, start + 1500));
    // Values of attributes fill the room for events.
    for number in 0..1100_u32 {
        let request = SetXAttrRequestProto {
            src: "/0".to_owned(),
            x_attr: Some(XAttrProto {
                namespace: 0,
                name: "n".to_owned(),
                value: Some(vec![number as u8; 8000].into()),
            }),
            flag: Some(3),
        };
        hdfs.call::<SetXAttrResponseProto>("setXAttr", &request)
            .expect("set");
    }
    assert!(edits_from(&fixture, start + 1).first_txid > start + 1500);
}
