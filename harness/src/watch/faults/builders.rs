//! The builders of faults, one for each kind of event.

use kerbox_events::{Event, Operation};

use super::fault::Fault;
use super::kinds::{
    Acks, BlockData, BlockOperation, Connecting, Dials, Handshake, Heartbeats, KdcExchange,
    ReadPackets, Reports, Rpc, WrittenPackets,
};
use super::on::On;

/// The builders.
impl Fault {
    /// Strikes AS exchanges: logins.
    pub fn on_logins() -> On<KdcExchange> {
        On::new(|event| matches!(event, Event::AsExchange { .. }))
    }

    /// Strikes AS and TGS exchanges: logins, renewals, service tickets.
    pub fn on_ticket_requests() -> On<KdcExchange> {
        On::new(|event| matches!(event, Event::AsExchange { .. } | Event::TgsExchange { .. }))
    }

    /// Strikes TGS exchanges for this service, for instance `nn/localhost`, with or without its
    /// realm.
    pub fn on_service_tickets(service: &str) -> On<KdcExchange> {
        let wanted = service.to_owned();
        let tickets = On::new(|event| matches!(event, Event::TgsExchange { .. }));
        tickets.when(move |event| {
            matches!(event, Event::TgsExchange { service, .. } if service
                .strip_prefix(&*wanted)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('@')))
        })
    }

    /// Strikes password changes.
    pub fn on_password_changes() -> On<KdcExchange> {
        On::new(|event| matches!(event, Event::PasswordChange { .. }))
    }

    /// Strikes the checks of clients' tickets at RPC ports.
    pub fn on_ticket_checks() -> On<Handshake> {
        On::new(|event| matches!(event, Event::ApExchange { .. }))
    }

    /// Strikes the ends of SASL handshakes at RPC ports.
    pub fn on_handshakes() -> On<Handshake> {
        On::new(|event| matches!(event, Event::Sasl { .. }))
    }

    /// Strikes new connections to Hadoop's servers.
    pub fn on_connections() -> On<Connecting> {
        On::new(|event| matches!(event, Event::Connection { opened: true, .. }))
    }

    /// Strikes all RPC calls.
    pub fn on_calls() -> On<Rpc> {
        On::new(|event| matches!(event, Event::RpcCall { .. }))
    }

    /// Strikes calls of this method: `getFileInfo`, `addBlock`, ….
    pub fn on_rpc(method: &str) -> On<Rpc> {
        let wanted = method.to_owned();
        Self::on_calls().when(
            move |event| matches!(event, Event::RpcCall { method, .. } if **method == *wanted),
        )
    }

    /// Strikes READ_BLOCK.
    pub fn on_reads() -> On<BlockData> {
        On::new(|event| matches!(event, Event::ReadBlock { .. }))
    }

    /// Strikes WRITE_BLOCK.
    pub fn on_writes() -> On<BlockData> {
        On::new(|event| matches!(event, Event::WriteBlock { .. }))
    }

    /// Strikes another operation of the DataTransferProtocol.
    pub fn on_operation(operation: Operation) -> On<BlockOperation> {
        On::new(|event| matches!(event, Event::DataTransfer { .. })).when(move |event| {
            matches!(
                event,
                Event::DataTransfer { operation: at, .. }
                    if *at == operation
            )
        })
    }

    /// Strikes the heartbeats of DataNodes.
    pub fn on_heartbeats() -> On<Heartbeats> {
        On::new(|event| matches!(event, Event::Heartbeat { .. }))
    }

    /// Strikes the calls of DataNodes to the NameNode: heartbeats, reports, registrations.
    pub fn on_reports() -> On<Reports> {
        On::new(|event| matches!(event, Event::Report { .. }))
    }

    /// Strikes connections and packets from one DataNode to the next.
    pub fn on_dials() -> On<Dials> {
        On::new(|event| matches!(event, Event::Dial { .. }))
    }

    /// Strikes the acknowledgements of written packets, which come back along the pipeline.
    ///
    /// ```
    /// use kerbox::{Cluster, Fault};
    /// use std::time::Duration;
    ///
    /// let cluster = Cluster::simple().start_blocking()?;
    /// // The first ack of each block is an hour late by the fixture's clock.
    /// let _late = cluster.inject(Fault::on_acks().ack(1).delay(Duration::from_secs(3600)));
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    pub fn on_acks() -> On<Acks> {
        On::new(|event| matches!(event, Event::Ack { .. }))
    }

    /// Strikes packets that are sent to a reader.
    pub fn on_read_packets() -> On<ReadPackets> {
        On::new(|event| matches!(event, Event::Packet { writing: false, .. }))
    }

    /// Strikes packets that are about to be stored.
    pub fn on_written_packets() -> On<WrittenPackets> {
        On::new(|event| matches!(event, Event::Packet { writing: true, .. }))
    }
}
