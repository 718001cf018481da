//! A DataNode whose folder goes away.

use super::*;

#[tokio::test]
async fn a_datanode_without_its_folder_says_so_and_ends() {
    let fixture = Fixture::new(1, &[]);
    fixture.write(&content(1000)).await;
    let node = &fixture.nodes[0];
    let folder = fixture.folder.path().join("dn1");
    std::fs::rename(&folder, fixture.folder.path().join("away")).expect("a folder");
    assert!(node.tick(node.next_deadline()));
    assert!(!node.is_alive());
    let (error, message) = fixture.namenode.errors().remove(0);
    assert_eq!(error, DatanodeError::FatalDiskError);
    let start = format!("All volumes have failed: {}", folder.display());
    assert!(message.starts_with(&start), "{message}");
}
