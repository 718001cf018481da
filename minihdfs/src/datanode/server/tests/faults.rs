//! Faults that a test asks for: closed connections, delays, damage, disk errors, lost answers.

use super::*;

#[tokio::test]
async fn faults_close_delay_spoil_and_refuse() {
    let fixture = Fixture::new(1, &[]);
    let data = content(100_000);
    fixture.write(&data).await;
    fixture.rule(|event| match event {
        Event::ReadBlock { .. } => Verdict::Disconnect,
        _ => Verdict::Pass,
    });
    assert!(fixture.read(0, data.len()).await.is_err());
    let reads = fixture.outcomes(|event| matches!(event, Event::ReadBlock { .. }));
    assert_eq!(reads, [Outcome::Disconnected]);
    fixture.rule(|event| match event {
        Event::Packet {
            nth: 2,
            writing: false,
            ..
        } => Verdict::Corrupt,
        _ => Verdict::Pass,
    });
    assert!(
        fixture
            .read(0, data.len())
            .await
            .expect_err("spoilt")
            .to_string()
            .starts_with("damaged at")
    );
    fixture.rule(|event| match event {
        Event::ReadBlock {
            outcome: Outcome::Asked,
            ..
        } => Verdict::Exception {
            class: "java.io.IOException".into(),
            message: "out of order".into(),
        },
        _ => Verdict::Pass,
    });
    let error = fixture
        .read(0, data.len())
        .await
        .expect_err("refused")
        .to_string();
    assert_eq!(error, "ERROR: java.io.IOException: out of order");
    fixture.rule(|_| Verdict::Delay(Duration::from_millis(1)));
    assert_eq!(fixture.read(0, data.len()).await.expect("late"), data);
    assert!(fixture.namenode.bad().is_empty(), "the disk is sound");
}

#[tokio::test]
async fn a_disk_error_and_a_half_close_end_a_read_without_harm_to_the_replica() {
    let fixture = Fixture::new(1, &[]);
    let data = content(100_000);
    fixture.write(&data).await;
    fixture.rule(|event| match event {
        Event::Packet { nth: 2, .. } => Verdict::DiskError,
        _ => Verdict::Pass,
    });
    assert!(fixture.read(0, data.len()).await.is_err());
    fixture.rule(|event| match event {
        Event::ReadBlock { .. } => Verdict::HalfClose,
        _ => Verdict::Pass,
    });
    let ended = fixture.read(0, data.len()).await.expect_err("no answer");
    assert_eq!(ended.kind(), ErrorKind::UnexpectedEof);
    fixture.rule(|_| Verdict::Pass);
    assert_eq!(fixture.read(0, data.len()).await.expect("sound"), data);
    assert!(fixture.namenode.bad().is_empty(), "the disk is sound");
    let reads = fixture.outcomes(|event| matches!(event, Event::ReadBlock { .. }));
    assert_eq!(
        reads,
        [Outcome::Disconnected, Outcome::Disconnected, Outcome::Ok]
    );
}

#[tokio::test]
async fn an_operation_that_gets_no_answer_is_seen_while_its_client_waits() {
    let fixture = Fixture::new(1, &[]);
    let data = content(1000);
    fixture.write(&data).await;
    fixture.rule(|event| match event {
        Event::ReadBlock { .. } => Verdict::Drop,
        _ => Verdict::Pass,
    });
    let reads = || fixture.outcomes(|event| matches!(event, Event::ReadBlock { .. }));
    let mut waiting = std::pin::pin!(fixture.read(0, data.len()));
    tokio::select! {
        read = &mut waiting => panic!("no answer was to come: {read:?}"),
        () = async {
            while reads().is_empty() {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    assert_eq!(reads(), [Outcome::Dropped]);
}
