//! The words for what servers do, in Hadoop's own spelling where it has one.

use std::fmt;

/// Declares an enum whose variants are displayed as a word each.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident => $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$about])* $variant,)*
        }

        impl $name {
            /// Returns the word for it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

words! {
    /// A SASL mechanism.
    ///
    /// ```
    /// assert_eq!(kerbox_events::Mechanism::DigestMd5.to_string(), "DIGEST-MD5");
    /// ```
    Mechanism {
        /// Kerberos (RFC 4752).
        Gssapi => "GSSAPI",
        /// Tokens (RFC 2831).
        DigestMd5 => "DIGEST-MD5",
    }
}

words! {
    /// An operation of the DataTransferProtocol that has no event of its own, under the name of
    /// Hadoop's `Op`.
    ///
    /// ```
    /// assert_eq!(kerbox_events::Operation::BlockChecksum.name(), "BLOCK_CHECKSUM");
    /// ```
    Operation {
        /// Returns a checksum of a block's checksums.
        BlockChecksum => "BLOCK_CHECKSUM",
        /// Copies a replica to other DataNodes, asked for by a client.
        TransferBlock => "TRANSFER_BLOCK",
        /// Sends a whole block to a balancer's DataNode.
        CopyBlock => "COPY_BLOCK",
        /// Fetches a whole block from another DataNode, asked for by a balancer.
        ReplaceBlock => "REPLACE_BLOCK",
        /// Copies a replica to other DataNodes, asked for by the NameNode
        /// (`DatanodeProtocol.DNA_TRANSFER`).
        ReplicateBlock => "REPLICATE_BLOCK",
    }
}

words! {
    /// A timer of a server.
    ///
    /// ```
    /// use kerbox_events::{Event, TimerKind};
    ///
    /// /// Returns whether a writer has lost its lease.
    /// fn is_lapsed(event: &Event) -> bool {
    ///     matches!(event, Event::Timer { timer: TimerKind::LeaseHardLimit, .. })
    /// }
    /// ```
    TimerKind {
        /// A DataNode was silent for too long.
        Heartbeat => "heartbeat",
        /// The holder of a lease was silent for too long; its files are closed.
        LeaseHardLimit => "lease hard limit",
        /// The recovery of a block did not finish and begins again.
        BlockRecovery => "block recovery",
        /// A delegation token was removed after its end.
        DelegationTokenExpired => "delegation token expired",
        /// A snapshot was removed that had been deleted before an earlier one.
        SnapshotDeletion => "snapshot deletion",
        /// The NameNode made new keys for block tokens.
        BlockKeyUpdate => "block key update",
    }
}

words! {
    /// A change of a server's state.
    ///
    /// ```
    /// use kerbox_events::{Event, Server, StateChange};
    ///
    /// let dead = Event::State {
    ///     server: Server::DataNode(2),
    ///     change: StateChange::Dead,
    ///     subject: "".into(),
    /// };
    /// assert_eq!(dead.to_string(), "DataNode 2: dead");
    /// ```
    StateChange {
        /// It serves.
        Started => "started",
        /// It has ended.
        Stopped => "stopped",
        /// It accepts and does not answer.
        Silent => "silent",
        /// It is held, as by SIGSTOP.
        Paused => "paused",
        /// It goes on after a pause.
        Resumed => "resumed",
        /// A DataNode has registered with the NameNode.
        Registered => "registered",
        /// The NameNode considers a DataNode dead.
        Dead => "dead",
        /// A DataNode serves as usual.
        InService => "in service",
        /// The blocks of a DataNode are copied, so that it can leave.
        Decommissioning => "decommissioning",
        /// No block needs a DataNode any more.
        Decommissioned => "decommissioned",
        /// The blocks that only a DataNode has are copied, so that it can be away for a while.
        EnteringMaintenance => "entering maintenance",
        /// A DataNode may be away for a while.
        InMaintenance => "in maintenance",
        /// The NameNode refuses changes.
        SafeModeOn => "safe mode on",
        /// The NameNode accepts changes again.
        SafeModeOff => "safe mode off",
        /// The fixture made new keys.
        KeysRolled => "keys rolled",
        /// The fixture issued a delegation token.
        TokenIssued => "token issued",
        /// The fixture renewed a delegation token.
        TokenRenewed => "token renewed",
        /// The fixture let a delegation token expire.
        TokenExpired => "token expired",
        /// The fixture cancelled a delegation token.
        TokenCancelled => "token cancelled",
    }
}
