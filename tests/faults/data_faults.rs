//! Disks that fail or are full, slow DataNodes, wrong checksums, late acknowledgements.

use std::time::Duration;

use kerbox::{Cluster, Event, Fault};

use super::cluster_of;
use crate::clients::hdfs_native::{client, pattern, read, write};
use crate::support::{Peer, TestResult, block_on, trials};

trials! {
    [Peer::LibGssapi] =>
        wrong_checksums_make_the_reader_try_another_datanode,
        a_full_disk_fails_writes_until_there_is_room,
        a_slow_datanode_takes_its_time,
        a_disk_error_makes_the_reader_try_another_datanode,
        a_disk_error_makes_the_writer_rebuild_its_pipeline,
        acks_are_late_by_the_clock;
}

fn wrong_checksums_make_the_reader_try_another_datanode() -> TestResult {
    let cluster = Cluster::secure().datanodes(2).start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(200_000);
        write(&client, "/user/alice/f", bytes.clone()).await?;
        let fault = cluster.inject(Fault::on_read_packets().wrong_checksums().once());
        let journals = [1, 2].map(|number| (number, cluster.journal().from_here()));
        assert!(read(&client, "/user/alice/f").await? == bytes);
        assert_eq!(fault.struck(), 1);
        // A read is recorded when it ends, which the client does not wait for.
        for (number, seen) in journals {
            let read = move |event: &Event| {
                matches!(
                    event,
                    Event::ReadBlock { datanode, .. }
                        if *datanode == number
                )
            };
            seen.wait(read, Duration::from_secs(30)).await?;
        }
        Ok(())
    })
}

fn a_full_disk_fails_writes_until_there_is_room() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(10_000);
        let fault = cluster.inject(Fault::on_writes().disk_full());
        let refused = write(&client, "/user/alice/refused", bytes.clone()).await;
        assert!(refused.is_err(), "{}", cluster.journal().last(20));
        assert!(fault.struck() > 0);
        drop(fault);
        write(&client, "/user/alice/f", bytes.clone()).await?;
        assert!(read(&client, "/user/alice/f").await? == bytes);
        Ok(())
    })
}

fn a_slow_datanode_takes_its_time() -> TestResult {
    let cluster = Cluster::secure().start_blocking()?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(100_000);
        write(&client, "/user/alice/f", bytes.clone()).await?;
        let before = cluster.clock().real_now();
        let fault = cluster.inject(Fault::on_read_packets().bandwidth(500_000));
        assert!(read(&client, "/user/alice/f").await? == bytes);
        assert!(fault.struck() > 0);
        let took = cluster.clock().real_now().since(before);
        assert!(took >= Duration::from_millis(200), "{took:?}");
        Ok(())
    })
}

fn a_disk_error_makes_the_reader_try_another_datanode() -> TestResult {
    let cluster = cluster_of(2)?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(200_000);
        write(&client, "/user/alice/f", bytes.clone()).await?;
        let fault = cluster.inject(Fault::on_read_packets().packet(2).disk_error().once());
        assert!(read(&client, "/user/alice/f").await? == bytes);
        assert_eq!(fault.struck(), 1);
        Ok(())
    })
}

fn a_disk_error_makes_the_writer_rebuild_its_pipeline() -> TestResult {
    // The client asks for another DataNode in place of the bad one.
    let cluster = cluster_of(4)?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        let bytes = pattern(300_000);
        let fault = cluster.inject(Fault::on_written_packets().packet(2).disk_error().once());
        write(&client, "/user/alice/f", bytes.clone()).await?;
        assert_eq!(fault.struck(), 1);
        assert!(read(&client, "/user/alice/f").await? == bytes);
        Ok(())
    })
}

fn acks_are_late_by_the_clock() -> TestResult {
    let cluster = cluster_of(1)?;
    let alice = cluster.login_blocking("alice")?;
    block_on(async {
        let client = client(&cluster, &alice)?;
        // A login and a ticket for the NameNode first, while time runs.
        client.get_file_info("/").await?;
        cluster.clock().freeze();
        // Less than the lease's hard limit, after which the file would be closed.
        let late = Duration::from_secs(5 * 60);
        let fault = cluster.inject(Fault::on_acks().ack(1).delay(late).once());
        let written = write(&client, "/user/alice/f", pattern(100_000));
        let moved = async {
            let held = |event: &Event| matches!(event, Event::Fault { .. });
            let seen = cluster.journal().wait(held, Duration::from_secs(30)).await;
            let before = cluster.clock().now();
            cluster.advance(late).await?;
            seen.map(|_| before)
        };
        let (written, before) = tokio::join!(written, moved);
        written?;
        assert_eq!(fault.struck(), 1);
        let closed = cluster
            .journal()
            .filter(|event| matches!(event, Event::WriteBlock { outcome, .. } if outcome.is_ok()));
        let at = closed.last().ok_or("it was written")?.at;
        assert!(at >= before? + late, "{at}");
        Ok(())
    })
}
