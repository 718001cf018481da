//! A NameNode that cannot be reached for a while.

use super::*;

#[tokio::test]
async fn what_the_namenode_has_missed_is_reported_with_a_later_heartbeat() {
    let fixture = Fixture::new(1, &[]);
    fixture.namenode.set_down(true);
    fixture.write(&content(1000)).await;
    fixture.nodes[0].heartbeat(NOW);
    assert_eq!(fixture.namenode.finalized(), [""; 0], "it was not reached");
    fixture.namenode.set_down(false);
    fixture.nodes[0].heartbeat(NOW);
    assert_eq!(fixture.namenode.finalized(), ["dn1"]);
    fixture.nodes[0].heartbeat(NOW);
    assert_eq!(fixture.namenode.finalized(), ["dn1"], "once");
}

#[tokio::test]
async fn a_datanode_starts_before_its_namenode() {
    let fixture = Fixture::new(1, &[]);
    let node = &fixture.nodes[0];
    node.stop();
    node.hurry(NOW);
    fixture.namenode.forget();
    fixture.namenode.set_down(true);
    node.start(NOW).expect("it waits for its NameNode");
    assert!(node.is_alive());
    node.hurry(NOW);
    assert_eq!(fixture.namenode.registered(), [""; 0]);
    fixture.namenode.set_down(false);
    node.hurry(NOW);
    assert_eq!(fixture.namenode.registered(), ["dn1"]);
}
