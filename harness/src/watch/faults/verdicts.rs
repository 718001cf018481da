//! The verdicts that each kind of event can take. They make a fault of a builder.

use std::sync::Arc;
use std::time::Duration;

use kerbox_events::{ClearField, Event, Latch, Verdict};
use kerbox_krb5::ErrorCode;

use super::Rule;
use super::fault::Fault;
use super::kinds::{
    BlockData, Dials, Exchange, Handshake, Heartbeats, KdcExchange, Packets, ReadPackets, Reports,
    Rpc, SpoilsBytes, Throws,
};
use super::on::On;

impl On<Heartbeats> {
    /// Loses them on the way. What else the DataNode reports still arrives.
    pub fn lose(self) -> Fault {
        self.verdict(Verdict::Drop)
    }
}

impl On<Reports> {
    /// Makes the NameNode unreachable.
    pub fn unreachable(self) -> Fault {
        self.verdict(Verdict::Disconnect)
    }
}

impl On<Dials> {
    /// Makes the next DataNode unreachable.
    pub fn unreachable(self) -> Fault {
        self.verdict(Verdict::Disconnect)
    }

    /// Waits until the fixture's clock has gone on by this much, then goes on.
    pub fn delay(self, delay: Duration) -> Fault {
        self.verdict(Verdict::Delay(delay))
    }

    /// Waits until the test opens the latch, then goes on.
    pub fn hold(self, latch: &Latch) -> Fault {
        self.verdict(Verdict::Hold(latch.clone()))
    }
}

/// The verdicts that all exchanges, connections and packets take.
impl<K: Exchange> On<K> {
    /// Waits this long in real time, then goes on.
    pub fn delay_in_real_time(self, delay: Duration) -> Fault {
        self.verdict(Verdict::DelayInRealTime(delay))
    }

    /// Waits until the fixture's clock has gone on by this much, then goes on, at the time that it
    /// is by then. A running clock goes on by itself; a frozen one only when the test moves it.
    ///
    /// ```
    /// use kerbox::{Event, Fault, Realm};
    /// use std::time::Duration;
    ///
    /// let realm = Realm::start_blocking()?;
    /// let hour = Duration::from_secs(3600);
    /// let _slow = realm.inject(Fault::on_logins().delay(hour).once());
    /// let struck = |event: &Event| matches!(event, Event::Fault { .. });
    /// std::thread::scope(|scope| {
    ///     let login = scope.spawn(|| realm.login_blocking("alice"));
    ///     realm.journal().wait_blocking(struck, Duration::from_secs(5))?;
    ///     realm.advance_blocking(hour)?;
    ///     // The request is an hour old by now.
    ///     assert!(login.join().expect("no panic").is_err());
    ///     Ok::<(), kerbox::Error>(())
    /// })?;
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    pub fn delay(self, delay: Duration) -> Fault {
        self.verdict(Verdict::Delay(delay))
    }

    /// Waits until the test opens the latch, then goes on, at the time that it is by then.
    ///
    /// ```
    /// use kerbox::{Event, Fault, Latch, Realm, Verdict};
    /// use std::time::Duration;
    ///
    /// let realm = Realm::start_blocking()?;
    /// let latch = Latch::new();
    /// let _fault = realm.inject(Fault::on_logins().hold(&latch).once());
    /// let held = |event: &Event| matches!(event, Event::Fault { verdict: Verdict::Hold(_), .. });
    /// std::thread::scope(|scope| {
    ///     let login = scope.spawn(|| realm.login_blocking("alice"));
    ///     realm.journal().wait_blocking(held, Duration::from_secs(5))?;
    ///     realm.advance_blocking(Duration::from_secs(3600))?;
    ///     latch.open();
    ///     // The request is an hour old by now.
    ///     assert!(login.join().expect("no panic").is_err());
    ///     Ok::<(), kerbox::Error>(())
    /// })?;
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    pub fn hold(self, latch: &Latch) -> Fault {
        self.verdict(Verdict::Hold(latch.clone()))
    }

    /// Does nothing and says nothing, but keeps the connection.
    pub fn silence(self) -> Fault {
        self.verdict(Verdict::Drop)
    }

    /// Closes the connection instead of acting.
    pub fn disconnect(self) -> Fault {
        self.verdict(Verdict::Disconnect)
    }

    /// Closes the sending half of the connection instead of acting, and goes on reading.
    pub fn half_close(self) -> Fault {
        self.verdict(Verdict::HalfClose)
    }

    /// Stops the server, as if its process were killed.
    pub fn kill(self) -> Fault {
        self.verdict(Verdict::Kill)
    }
}

impl On<KdcExchange> {
    /// Answers with this KRB-ERROR.
    pub fn krb_error(self, code: ErrorCode) -> Fault {
        self.verdict(Verdict::KrbError(code))
    }

    /// Carries out the exchange, but changes a field of the reply that no key protects, as anyone
    /// on the way could. An error has no such field: it is sent as it is and does not count as a
    /// strike. Password changes have none either.
    ///
    /// ```
    /// use kerbox::{ClearField, Fault, Realm};
    ///
    /// let realm = Realm::start_blocking()?;
    /// let _forged = realm.inject(Fault::on_logins().forge(ClearField::Client));
    /// realm.login_blocking("alice").expect_err("the reply is about another client");
    /// # Ok::<(), kerbox::Error>(())
    /// ```
    pub fn forge(self, field: ClearField) -> Fault {
        self.verdict(Verdict::Forge(field))
    }

    /// Carries out the exchange, but loses the answer.
    pub fn lose_reply(self) -> Fault {
        self.verdict(Verdict::LoseReply)
    }

    /// Carries out the exchange, but sends only this many bytes of the answer. On a connection
    /// these include the length in front, and the connection is closed.
    pub fn cut_reply(self, bytes: usize) -> Fault {
        self.verdict(Verdict::CutReply(bytes))
    }
}

impl<K: Packets> On<K> {
    /// Fails like a disk that cannot read or store the bytes, in the middle of a block: the
    /// connection ends.
    pub fn disk_error(self) -> Fault {
        self.verdict(Verdict::DiskError)
    }

    /// Lets this many bytes a second through, in real time, in each operation.
    ///
    /// # Panics
    /// Panics if the rate is 0; [`silence`](On::silence) stops the packets.
    pub fn bandwidth(mut self, bytes_per_second: u32) -> impl Rule + use<K> {
        assert!(
            bytes_per_second > 0,
            "a rate of 0 bytes a second: use .silence()"
        );
        move |event: &Event| match event {
            Event::Packet { length, .. } if (self.matches)(event) => {
                let seconds = *length as f64 / f64::from(bytes_per_second);
                Verdict::DelayInRealTime(Duration::from_secs_f64(seconds))
            }
            _ => Verdict::Pass,
        }
    }
}

impl On<ReadPackets> {
    /// Sends wrong checksums with intact data.
    pub fn wrong_checksums(self) -> Fault {
        self.verdict(Verdict::WrongChecksums)
    }
}

impl On<BlockData> {
    /// Answers as a DataNode whose disk is full.
    pub fn disk_full(self) -> Fault {
        self.exception(
            "org.apache.hadoop.util.DiskChecker$DiskOutOfSpaceException",
            "Out of space: The volume with the most available space (=0 B) is less than the block \
             size.",
        )
    }
}

impl On<Handshake> {
    /// Fails the handshake with this KRB-ERROR.
    pub fn krb_error(self, code: ErrorCode) -> Fault {
        self.verdict(Verdict::KrbError(code))
    }
}

impl<K: Throws> On<K> {
    /// Answers with an exception of this Java class; data transfer with an error status and this
    /// message.
    pub fn exception(self, class: &str, message: impl Into<Arc<str>>) -> Fault {
        self.verdict(Verdict::Exception {
            class: class.into(),
            message: message.into(),
        })
    }
}

impl<K: SpoilsBytes> On<K> {
    /// Goes on, but corrupts the bytes that are sent or stored. Their number stays the same.
    pub fn corrupt(self) -> Fault {
        self.verdict(Verdict::Corrupt)
    }
}

impl On<Rpc> {
    /// Carries out the call, but loses the response. The connection stays.
    pub fn lose_reply(self) -> Fault {
        self.verdict(Verdict::LoseReply)
    }

    /// Carries out the call, but sends only this many bytes of the response, the length in front
    /// included, and closes the connection.
    pub fn cut_reply(self, bytes: usize) -> Fault {
        self.verdict(Verdict::CutReply(bytes))
    }

    /// Sends the response in pieces of this many bytes.
    pub fn chop_reply(self, bytes: usize) -> Fault {
        self.verdict(Verdict::ChopReply(bytes))
    }

    /// Keeps the response back, and sends it together with the next one on the connection. A client
    /// that waits for each response before its next call waits forever.
    pub fn join_reply(self) -> Fault {
        self.verdict(Verdict::JoinReply)
    }
}
