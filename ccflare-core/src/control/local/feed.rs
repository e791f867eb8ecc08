//! What happens, shown once and heard by many.
//!
//! One task takes events from their queue, puts each into the shape that operators see, and keeps the last of them in a
//! ring. Listeners read from the ring at their own pace: a slow one costs nobody anything and holds nothing back.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::present;
use crate::{
    control::{
        EventStream,
        views::{EventDetail, EventView},
    },
    domain::Timestamp,
    record::{Event, Events, Topics, Watching},
};

/// So many events are kept for listeners that are slow or come back.
const KEPT: usize = 8192;

/// So many are taken in one go.
const BATCH: usize = 256;

/// So many are given in one go. A listener that is slow holds them long after the ring has let them go, and each listener
/// others, so this bounds what all of them hold together.
const GIVEN: usize = 16;

/// Listeners are woken no more often than this, whatever happens.
const PAUSE: Duration = Duration::from_millis(20);

/// Where listeners listen. Cheap to clone; the default never has anything to tell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feed(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    events: Events,
    ring: Mutex<Ring>,
    news: watch::Sender<News>,
}

#[derive(Clone, Copy, Debug, Default)]
struct News {
    /// How many events there have been.
    count: u64,
    /// There will be no more.
    over: bool,
}

/// The last events, and how many there were before them.
#[derive(Debug, Default)]
struct Ring {
    kept: VecDeque<Arc<EventView>>,
    before: u64,
    last_id: u64,
}

impl Ring {
    fn push(&mut self, at: Timestamp, detail: EventDetail) {
        // Later runs of the server have greater ids, as long as its clock goes forward.
        self.last_id = (self.last_id + 1).max(u64::try_from(at.as_micros()).unwrap_or_default());
        if self.kept.len() == KEPT {
            self.kept.pop_front();
            self.before += 1;
        }
        self.kept.push_back(Arc::new(EventView::new(self.last_id, at.to_string(), detail)));
    }

    fn count(&self) -> u64 {
        self.before + self.kept.len() as u64
    }

    /// The position behind the event with this id, and whether some of those behind it are not kept any more.
    fn behind(&self, id: u64) -> (u64, bool) {
        let behind = self.kept.partition_point(|event| event.id <= id);
        (self.before + behind as u64, behind == 0 && self.before > 0)
    }
}

/// The task that fills the ring.
#[derive(Debug)]
pub(crate) struct Showing {
    feed: Feed,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Showing {
    /// Shows what has been told, and ends every listener's stream.
    pub(crate) async fn finish(mut self) {
        self.stop.cancel();
        let _ = (&mut self.task).await;
        self.feed.end();
    }
}

impl Drop for Showing {
    fn drop(&mut self) {
        self.stop.cancel();
        self.feed.end();
    }
}

impl Feed {
    /// Shows what `told` brings, on the current tokio runtime.
    pub(crate) fn start(events: Events, told: mpsc::Receiver<Event>) -> (Self, Showing) {
        let feed = Self(Arc::new(Shared { events, ..Shared::default() }));
        let stop = CancellationToken::new();
        let task = tokio::spawn(feed.clone().show(told, stop.clone()));
        (feed.clone(), Showing { feed, stop, task })
    }

    async fn show(self, mut told: mpsc::Receiver<Event>, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let stops = tokio::select! {
                biased;
                taken = told.recv_many(&mut batch, BATCH) => taken == 0,
                () = stop.cancelled() => true,
            };
            self.push(&mut batch);
            if stops {
                return;
            }
            if told.is_empty() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    fn push(&self, batch: &mut Vec<Event>) {
        let lost = self.0.events.take_lost();
        let mut ring = self.0.ring.lock();
        let mut at = Timestamp::default();
        for event in batch.drain(..) {
            at = event.at;
            ring.push(event.at, present::event(event.kind));
        }
        if lost > 0 {
            ring.push(at, EventDetail::Missed { count: Some(lost), slow: false });
        }
        let count = ring.count();
        drop(ring);
        self.0.news.send_modify(|news| news.count = count);
    }

    fn end(&self) {
        self.0.news.send_modify(|news| news.over = true);
    }

    /// Listens from now on, or from behind the event with the id `after`.
    pub(crate) fn listen(&self, topics: Topics, after: Option<u64>) -> EventStream {
        let watching = self.0.events.watch();
        let ring = self.0.ring.lock();
        let (next, has_gap) = after.map_or((ring.count(), false), |after| ring.behind(after));
        drop(ring);
        let ready = has_gap.then(|| self.gap(None)).into_iter().collect();
        let news = self.0.news.subscribe();
        let listener = Listener { shared: Arc::clone(&self.0), _watching: watching, topics, next, ready, news };
        // Fused: one who takes what is there may look behind the end.
        stream::unfold(listener, |mut listener| async move { Some((listener.next().await?, listener)) }).fuse().boxed()
    }

    fn gap(&self, count: Option<u64>) -> Arc<EventView> {
        self.0.gap(count)
    }
}

impl Shared {
    /// A notice that stands right before the first event that is kept.
    fn gap(&self, count: Option<u64>) -> Arc<EventView> {
        let ring = self.ring.lock();
        let first = ring.kept.front();
        let id = first.map_or(ring.last_id, |event| event.id.saturating_sub(1));
        let at = first.map_or_else(|| Timestamp::default().to_string(), |event| event.at.clone());
        Arc::new(EventView::new(id, at, EventDetail::Missed { count, slow: count.is_some() }))
    }

    /// What is kept from a position on, the position behind it, and how many were not kept long enough.
    fn read(&self, from: u64, topics: Topics) -> (VecDeque<Arc<EventView>>, u64, u64) {
        let ring = self.ring.lock();
        let missed = ring.before.saturating_sub(from);
        let start = usize::try_from(from.max(ring.before) - ring.before).unwrap_or(usize::MAX);
        let given = ring.kept.len().saturating_sub(start).min(GIVEN);
        let wanted = |event: &&Arc<EventView>| event.topic().is_none_or(|topic| topics.contains(topic));
        let events = ring.kept.iter().skip(start).take(given).filter(wanted).cloned().collect();
        (events, ring.before + (start + given) as u64, missed)
    }
}

/// One who listens.
struct Listener {
    shared: Arc<Shared>,
    _watching: Watching,
    topics: Topics,
    /// The position of the next event to be read.
    next: u64,
    ready: VecDeque<Arc<EventView>>,
    news: watch::Receiver<News>,
}

impl Listener {
    async fn next(&mut self) -> Option<Arc<EventView>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let news = *self.news.borrow_and_update();
            if self.next < news.count {
                let (events, next, missed) = self.shared.read(self.next, self.topics);
                (self.ready, self.next) = (events, next);
                if missed > 0 {
                    return Some(self.shared.gap(Some(missed)));
                }
                // One who wants little of much must let others have their turn.
                tokio::task::consume_budget().await;
            } else if news.over {
                return None;
            } else {
                self.news.changed().await.ok()?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::ManualClock,
        record::{EventKind, Renewal, Topic},
    };

    fn stage() -> (Events, Feed, Showing) {
        let clock = Arc::new(ManualClock::new(Timestamp::from_seconds(1_800_000_000)));
        let (events, told) = Events::new(clock, Vec::new());
        let (feed, showing) = Feed::start(events.clone(), told);
        (events, feed, showing)
    }

    fn tell(events: &Events, account: &str) {
        events.emit(EventKind::Renewal { account: account.into(), result: Renewal::Renewed });
    }

    fn account(event: &EventView) -> String {
        match &event.detail {
            EventDetail::Renewal { account, .. } => account.clone(),
            other => other.name().to_owned(),
        }
    }

    async fn hear(stream: &mut EventStream, count: usize) -> Vec<Arc<EventView>> {
        let heard = stream.take(count).collect::<Vec<_>>();
        tokio::time::timeout(Duration::from_secs(10), heard).await.expect("events come")
    }

    #[tokio::test]
    async fn whoever_comes_back_hears_what_it_has_not_heard() {
        let (events, feed, showing) = stage();
        let mut stream = feed.listen(Topics::all(), None);
        for account in ["a", "b", "c"] {
            tell(&events, account);
        }
        let heard = hear(&mut stream, 3).await;
        assert!(heard.windows(2).all(|pair| pair[0].id < pair[1].id), "ids grow though the clock stands still");
        drop(stream);
        tell(&events, "d");
        let again = hear(&mut feed.listen(Topics::all(), Some(heard[0].id)), 3).await;
        assert_eq!(again.iter().map(|event| account(event)).collect::<Vec<_>>(), ["b", "c", "d"]);
        showing.finish().await;
    }

    #[tokio::test]
    async fn who_is_too_slow_is_told_how_much_it_missed_and_goes_on() {
        let (events, feed, showing) = stage();
        let mut slow = feed.listen(Topics::all(), None);
        let mut quick = feed.listen(Topics::all(), None);
        let told = KEPT + 100;
        for number in 0..told {
            tell(&events, &number.to_string());
            if number % 1000 == 999 {
                hear(&mut quick, 1000).await;
            }
        }
        let last = hear(&mut quick, told % 1000).await;
        let heard = hear(&mut slow, KEPT + 1).await;
        assert_eq!(heard[0].detail, EventDetail::Missed { count: Some(100), slow: true });
        assert_eq!(account(&heard[1]), "100");
        assert_eq!(heard.last().map(|event| event.id), last.last().map(|event| event.id));
        let late = hear(&mut feed.listen(Topics::all(), Some(1)), 1).await;
        assert_eq!(late[0].detail, EventDetail::Missed { count: None, slow: false });
        showing.finish().await;
    }

    #[tokio::test]
    async fn only_the_wanted_topics_are_heard_and_the_end_is_an_end() {
        let (events, feed, showing) = stage();
        let mut moves = feed.listen(Topic::Moves.into(), None);
        tell(&events, "a");
        let moved = EventKind::Moved {
            conversation: "c".into(),
            from: None,
            to: "b".into(),
            reason: crate::domain::Leaving::Idle,
            cache_lost: 0,
            price: None,
        };
        events.emit(moved);
        let heard = hear(&mut moves, 1).await;
        assert_eq!(heard[0].detail.name(), "moved");
        showing.finish().await;
        assert!(moves.next().await.is_none() && moves.next().await.is_none(), "the end stays the end");
        assert!(feed.listen(Topics::all(), None).next().await.is_none());
    }
}
