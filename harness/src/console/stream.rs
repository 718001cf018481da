//! The journal as server-sent events (HTML, section 9.2), for as long as a reader keeps up.
//!
//! Each event has the entry's number as its id, so that a browser that connects again goes on where
//! it was. The event `missed` counts what the journal has dropped meanwhile. Between the journal
//! and a reader there are a few batches at most; a reader that takes none for a while gets
//! `dropped`, and its stream ends.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use minihdfs::web::{ConsoleAnswer, LiveBody};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::timeout;

use crate::{Entry, Journal};

/// The most streams at once.
const STREAMS: usize = 16;
/// The batches that wait for a reader, and the most entries in one.
const WAITING: (usize, usize) = (4, 200);
/// The entries before the first one that a reader without a number gets.
const BEFORE: u64 = 500;
/// The real time for which a reader may take nothing.
const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 30_000 });
/// The real time after which a silent stream says that it lives.
const BEAT: Duration = Duration::from_secs(15);

/// The open streams of a fixture.
pub(super) struct Streams {
    pub(super) open: Arc<AtomicUsize>,
    pub(super) runtime: Handle,
}

/// One of the open streams.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Streams {
    /// Begins a stream of the entries from this number on, or of the newest ones.
    pub(super) fn begin(&self, journal: Journal, from: Option<u64>) -> ConsoleAnswer {
        let before = self.open.fetch_add(1, Ordering::SeqCst);
        let open = Open(Arc::clone(&self.open));
        if before >= STREAMS {
            let why = format!("{STREAMS} others follow the journal already; close one of them");
            return ConsoleAnswer::Busy(why);
        }
        let from = from.unwrap_or_else(|| journal.next().saturating_sub(BEFORE));
        let (waiting, _) = WAITING;
        // One more, which is kept for the notice.
        let (sender, mut parts) = channel(waiting + 1);
        self.runtime.spawn(async move {
            let _open = open;
            tell(&journal, from, &sender).await;
        });
        ConsoleAnswer::Live(LiveBody::new(move |context| parts.poll_recv(context)))
    }
}

/// Tells the entries from this number on, until the reader leaves or falls behind.
async fn tell(journal: &Journal, mut next: u64, sender: &Sender<Bytes>) {
    let Ok(notice) = sender.reserve().await else {
        return;
    };
    let mut growth = journal.growth();
    // Shows the reader that the stream is open.
    let mut part = "retry: 1000\n\n".to_owned();
    loop {
        growth.mark_unchanged();
        let (_, most) = WAITING;
        let (entries, missed) = journal.read(next, most);
        if missed > 0 {
            // Writing to a String cannot fail.
            let _ = write!(part, "event: missed\ndata: {missed}\n\n");
        }
        for entry in &entries {
            let _ = write!(part, "id: {}\ndata: {}\n\n", entry.number, line(entry));
        }
        if let Some(last) = entries.last() {
            next = last.number + 1;
        }
        if part.is_empty() {
            tokio::select! {
                grown = timeout(BEAT, growth.changed()) => match grown {
                    Ok(_) => continue,
                    // A comment, which browsers skip.
                    Err(_) => part.push_str(":\n\n"),
                },
                () = sender.closed() => return,
            }
        }
        match timeout(PATIENCE, sender.send(std::mem::take(&mut part).into())).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                let seconds = PATIENCE.as_secs();
                let text = format!("event: dropped\ndata: {seconds}\n\n");
                notice.send(text.into());
                return;
            }
        }
    }
}

/// Returns an entry as JSON, with the line for people in `text`.
fn line(entry: &Entry) -> String {
    let text = serde_json::to_string(&entry.text()).unwrap_or_default();
    let json = entry.to_json();
    let members = json.strip_suffix('}').unwrap_or(&json);
    format!("{members},\"text\":{text}}}")
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::thread;

    use kerbox_events::{Event, Server, StateChange};
    use kerbox_krb5::{Clock, Timestamp};

    use super::*;
    use crate::world::runtime::{Runtime, ThreadIds};

    struct Reader {
        runtime: Runtime,
        journal: Journal,
        streams: Streams,
    }

    impl Reader {
        fn new() -> Self {
            let runtime = Runtime::start(1, &ThreadIds::default()).expect("a thread");
            let clock = Clock::frozen(Timestamp::EPOCH);
            let journal = Journal::new(clock, runtime.handle().clone());
            let streams = Streams {
                open: Arc::default(),
                runtime: runtime.handle().clone(),
            };
            Self {
                runtime,
                journal,
                streams,
            }
        }

        fn record(&self, number: usize) {
            for _ in 0..number {
                let event = Event::State {
                    server: Server::NameNode(1),
                    change: StateChange::Started,
                    subject: "<b>\n".into(),
                };
                self.journal.record(Timestamp::EPOCH, event);
            }
        }

        fn begin(&self, from: Option<u64>) -> LiveBody {
            match self.streams.begin(self.journal.clone(), from) {
                ConsoleAnswer::Live(body) => body,
                other => unreachable!("{other:?}"),
            }
        }

        /// Returns the next part, or an empty text at the end.
        fn next(&self, body: &mut LiveBody) -> String {
            let part = poll_fn(|context| body.poll_next(context));
            let part = self.runtime.handle().block_on(part).unwrap_or_default();
            String::from_utf8(part.to_vec()).expect("UTF-8")
        }
    }

    #[test]
    fn a_stream_begins_where_its_reader_wants_and_goes_on() {
        let reader = Reader::new();
        reader.record(3);
        let mut body = reader.begin(Some(2));
        let first = reader.next(&mut body);
        assert!(
            first.starts_with("retry: 1000\n\nid: 2\ndata: {"),
            "{first}"
        );
        assert!(first.ends_with("<b>\\\\n\"}\n\n"), "one line: {first}");
        reader.record(1);
        assert!(reader.next(&mut body).starts_with("id: 3\n"));
        let newest = reader.next(&mut reader.begin(None));
        assert!(newest.contains("id: 0\n"), "{newest}");
    }

    #[test]
    fn a_reader_hears_how_much_is_gone() {
        let reader = Reader::new();
        reader.record(20_005);
        let first = reader.next(&mut reader.begin(Some(0)));
        assert!(
            first.contains("event: missed\ndata: 5\n\nid: 5\n"),
            "{first}"
        );
    }

    #[test]
    fn a_reader_that_takes_nothing_is_dropped_with_a_notice() {
        let reader = Reader::new();
        reader.record(10_000);
        let mut body = reader.begin(Some(0));
        while reader.streams.open.load(Ordering::SeqCst) > 0 {
            thread::yield_now();
        }
        let (waiting, most) = WAITING;
        let mut parts: Vec<String> = Vec::new();
        loop {
            let part = reader.next(&mut body);
            if part.is_empty() {
                break;
            }
            parts.push(part);
        }
        assert_eq!(parts.len(), waiting + 1, "no more is kept for it");
        assert!(parts[0].matches("id: ").count() <= most);
        assert!(parts[waiting].starts_with("event: dropped\ndata: "));
    }

    #[test]
    fn there_is_room_for_a_few_readers_and_again_when_one_leaves() {
        let reader = Reader::new();
        let mut open: Vec<_> = (0..STREAMS).map(|_| reader.begin(None)).collect();
        let refused = reader.streams.begin(reader.journal.clone(), None);
        assert!(matches!(refused, ConsoleAnswer::Busy(_)), "{refused:?}");
        open.pop();
        while reader.streams.open.load(Ordering::SeqCst) >= STREAMS {
            thread::yield_now();
        }
        reader.begin(None);
    }
}
