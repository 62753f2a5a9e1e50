//! The event log: every event once, strictly in order, into the caches and to whoever waits.
//!
//! An event is taken only as the one after the last; where one is missing, it is another
//! process's, and the hole is read from the table first. So the caches see the same history,
//! whoever wrote it.

#[cfg(test)]
mod tests;

use super::cache::Caches;
use super::entity::event;
use super::fresh::Fresh;
use super::pool;
use super::snapshot::json;
use crate::metrics::Metrics;
use crate::model::{Batch, Clock, Error, Event, EventKind, Micros, NewEvent, Position, Result, Seq, Topic};
use parking_lot::RwLock;
use sea_orm::{DatabaseConnection, FromQueryResult, Value};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, broadcast, watch};

/// How many events stay in memory for streams.
const RECENT: usize = 8_192;
/// How many events are read from the table at once.
const BATCH: u64 = 500;
/// How many commits wait for whoever tells other processes of them.
const COMMITS: usize = 256;
/// How long events that other processes have committed may take to be handed over, where that is
/// to be expected, before they are read.
const GRACE: Duration = Duration::from_millis(30);

/// The log, as one process sees it. Cheap to clone.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    /// What streams read with.
    db: DatabaseConnection,
    /// What events are taken with. Nobody else uses it: a snapshot waits for them, so they can't
    /// wait for the connections that snapshots hold.
    taker: DatabaseConnection,
    caches: Arc<Caches>,
    recent: RwLock<VecDeque<Arc<Event>>>,
    /// The last event that the caches have.
    applied: watch::Sender<Position>,
    /// Held by whoever takes events, so that they are taken in order.
    taking: Mutex<()>,
    /// What this process commits at present: nobody else brings it.
    committing: parking_lot::Mutex<Vec<Position>>,
    /// What this process has committed.
    committed: broadcast::Sender<Batch>,
    /// What tells this process's commits from others'.
    process: u32,
    /// Whether other processes' events are handed over at present.
    is_fed: AtomicBool,
    metrics: Metrics,
}

impl Log {
    /// Begins at the newest event; a new database's first event is made here.
    pub(super) async fn open(
        db: DatabaseConnection,
        taker: DatabaseConnection,
        caches: Arc<Caches>,
        metrics: Metrics,
    ) -> Result<Self> {
        let newest = newest(&db)
            .await?
            .ok_or_else(|| Error::internal("the event log is empty"))?;
        caches.begin(newest.seq);
        Ok(Self(Arc::new(Inner {
            db,
            taker,
            caches,
            recent: RwLock::new(VecDeque::new()),
            applied: watch::Sender::new(newest),
            taking: Mutex::new(()),
            committing: parking_lot::Mutex::default(),
            committed: broadcast::Sender::new(COMMITS),
            process: rand::random(),
            is_fed: AtomicBool::new(false),
            metrics,
        })))
    }

    /// The last event that the caches have: what is read now shows everything up to it.
    #[must_use]
    pub fn position(&self) -> Position {
        *self.0.applied.borrow()
    }

    /// Tells of each position that the caches reach.
    #[must_use]
    pub fn positions(&self) -> watch::Receiver<Position> {
        self.0.applied.subscribe()
    }

    /// What tells this process from the others that commit to the same log.
    pub(super) fn process(&self) -> u32 {
        self.0.process
    }

    /// Takes no further event.
    pub(super) async fn close(&self) -> Result<()> {
        Ok(self.0.taker.close_by_ref().await?)
    }

    /// Notes what this process is about to commit, so that it passes for nobody else's where it is
    /// read from the table before it is taken.
    pub(super) fn commits(&self, events: &[Arc<Event>]) {
        *self.0.committing.lock() = events.iter().map(|event| event.position).collect();
    }

    /// Takes what this process has just committed, with the rows that it has left.
    pub(super) async fn take(&self, events: Vec<Arc<Event>>, fresh: &Fresh) -> Result<()> {
        let Some(first) = events.first().map(|event| event.position.seq) else {
            return Ok(());
        };
        let _taking = self.0.taking.lock().await;
        if self.position().seq + 1 < first {
            self.read_up_to(Some(first - 1)).await?;
        }
        let (after, last) = (self.position(), events.last().map_or(first, |event| event.position.seq));
        fresh.keep(&self.0.caches, last);
        self.apply(events.clone());
        // Where there is no other node, nobody is told.
        drop(self.0.committed.send(Batch { after, events, last }));
        Ok(())
    }

    /// Tells of each commit of this process from now on. Who is slow misses some.
    #[must_use]
    pub fn committed(&self) -> broadcast::Receiver<Batch> {
        self.0.committed.subscribe()
    }

    /// Whether other processes' events are handed over from now on: then they are read only when
    /// they don't come.
    pub fn expect_events(&self, expected: bool) {
        self.0.is_fed.store(expected, Ordering::Relaxed);
    }

    /// Takes what another process has committed, as it says itself. Where that is not just what
    /// comes next in this log, the log is read.
    ///
    /// # Errors
    /// [`Error::Internal`] when the log can't be read.
    pub async fn hand_over(&self, batch: Batch) -> Result<()> {
        if batch.last <= self.position().seq {
            return Ok(());
        }
        let _taking = self.0.taking.lock().await;
        if !follows(&batch, self.position()) {
            return self.fill_hole().await;
        }
        self.observe(&batch.events);
        self.apply(batch.events);
        Ok(())
    }

    /// Whether this process hands its commits over to others.
    pub(super) fn hands_over(&self) -> bool {
        self.0.committed.receiver_count() > 0
    }

    /// Takes what another process has committed up to an event. Where that process hands its events
    /// over, they may be just about to come.
    pub(super) async fn hear(&self, seq: Seq, is_handed_over: bool) -> Result<()> {
        if is_handed_over && self.0.is_fed.load(Ordering::Relaxed) {
            let mut positions = self.positions();
            let reached = positions.wait_for(|position| position.seq >= seq);
            // Late or lost, it is read.
            drop(tokio::time::timeout(GRACE, reached).await);
        }
        if self.position().seq >= seq {
            return Ok(());
        }
        self.catch_up().await
    }

    /// Forgets what is in memory, when events could not be taken. The next snapshot takes them.
    pub(super) fn distrust(&self) {
        self.0.caches.clear(Seq::MAX);
    }

    /// Takes what other processes have committed since.
    ///
    /// # Errors
    /// [`Error::Internal`] when the log can't be read.
    pub async fn catch_up(&self) -> Result<()> {
        let _taking = self.0.taking.lock().await;
        self.fill_hole().await
    }

    /// Makes sure that the caches have reached an event that is committed.
    pub(super) async fn reach(&self, seq: Seq) -> Result<()> {
        if self.position().seq >= seq {
            return Ok(());
        }
        let _taking = self.0.taking.lock().await;
        if self.position().seq >= seq {
            return Ok(());
        }
        // Who sees an event before it is brought has found no hole.
        self.read_up_to(None).await.map(drop)
    }

    /// Reads what other processes have committed.
    async fn fill_hole(&self) -> Result<()> {
        if self.read_up_to(None).await? > 0 {
            self.0.metrics.log_holes.inc();
        }
        Ok(())
    }

    /// Notes how late events of other processes are, and how many are new.
    fn observe(&self, events: &[Arc<Event>]) -> usize {
        let (now, known) = (Clock.now(), self.position().seq);
        let own = self.0.committing.lock();
        let is_new = |event: &&Arc<Event>| event.position.seq > known && own.binary_search(&event.position).is_err();
        let mut new = 0;
        for event in events.iter().filter(is_new) {
            let late = now.0.saturating_sub(event.at.0).max(0);
            self.0.metrics.log_lag.observe(late as f64 / 1e6);
            new += 1;
        }
        new
    }

    /// Reads events, and returns how many of them are other processes'.
    async fn read_up_to(&self, last: Option<Seq>) -> Result<usize> {
        let mut others = 0;
        loop {
            let after = self.position().seq;
            if last.is_some_and(|last| after >= last) {
                return Ok(others);
            }
            let events = read(&self.0.taker, after, last, BATCH).await?;
            let Some(first) = events.first() else {
                return Ok(others);
            };
            if first.position.seq > after + 1 {
                // Pruned while nobody looked: nothing in memory can be trusted any more.
                self.0.caches.clear(first.position.seq - 1);
                self.0.recent.write().clear();
            }
            others += self.observe(&events);
            self.apply(events);
        }
    }

    fn apply(&self, events: Vec<Arc<Event>>) {
        let applied = self.position().seq;
        let events: Vec<_> = events
            .into_iter()
            .filter(|event| event.position.seq > applied)
            .collect();
        let Some(newest) = events.last().map(|event| event.position) else {
            return;
        };
        self.0.caches.apply(&events);
        let mut recent = self.0.recent.write();
        recent.extend(events.into_iter().map(without_rows));
        let surplus = recent.len().saturating_sub(RECENT);
        recent.drain(..surplus);
        drop(recent);
        self.0.applied.send_replace(newest);
    }

    /// The events of topics behind `after`, oldest first, up to the position that the caches
    /// have, and the number up to which the answer is complete.
    ///
    /// # Errors
    /// [`Error::CursorExpired`] when the next of them are no longer kept, [`Error::Internal`] when
    /// the log can't be read.
    pub async fn since(&self, topics: &[Topic], after: Seq) -> Result<(Vec<Arc<Event>>, Seq)> {
        let upto = self.position().seq;
        if after >= upto {
            return Ok((Vec::new(), after));
        }
        if let Some(mut events) = self.recent(after) {
            let concerns = |event: &Arc<Event>| topics.iter().any(|topic| event.body.change_in(topic).is_some());
            events.retain(|event| event.position.seq <= upto && concerns(event));
            return Ok((events, upto));
        }
        let events = of_topics(&self.0.db, topics, after, upto).await?;
        // Asked last: what was cut before is no longer among the events.
        if oldest(&self.0.db).await? > after + 1 {
            return Err(Error::CursorExpired);
        }
        let full = u64::try_from(events.len()).is_ok_and(|len| len == BATCH);
        let reached = events.last().filter(|_| full).map_or(upto, |last| last.position.seq);
        Ok((events, reached))
    }

    /// All events behind `after`, if they are in memory.
    #[must_use]
    pub fn recent(&self, after: Seq) -> Option<Vec<Arc<Event>>> {
        let recent = self.0.recent.read();
        let first = recent.front()?.position.seq;
        let skip = usize::try_from(after + 1 - first).ok()?;
        Some(recent.iter().skip(skip).cloned().collect())
    }

    /// Forgets the events in memory that are no longer kept.
    pub fn forget(&self, before: Micros) {
        let mut recent = self.0.recent.write();
        while recent.get(1).is_some_and(|next| next.at <= before) {
            recent.pop_front();
        }
    }

    /// All events behind `after` up to the position that the caches have, oldest first; at most
    /// 500.
    ///
    /// # Errors
    /// [`Error::Internal`] when the log can't be read.
    pub async fn all_since(&self, after: Seq) -> Result<Vec<Arc<Event>>> {
        let upto = self.position().seq;
        if let Some(mut events) = self.recent(after) {
            events.truncate(500);
            return Ok(events);
        }
        read(&self.0.db, after, Some(upto), BATCH).await
    }

    /// Checks that a stream can go on behind a position: this log has that very event there.
    ///
    /// # Errors
    /// [`Error::CursorExpired`] when it has another, or none any more.
    pub async fn check(&self, position: Position) -> Result<()> {
        let kept = {
            let recent = self.0.recent.read();
            let first = recent.front().map(|event| event.position.seq);
            first
                .and_then(|first| usize::try_from(position.seq - first).ok())
                .and_then(|index| recent.get(index))
                .map(|event| event.position)
        };
        let kept = match kept {
            Some(kept) => Some(kept),
            None => at(&self.0.db, position.seq).await?,
        };
        if kept == Some(position) {
            Ok(())
        } else {
            Err(Error::CursorExpired)
        }
    }
}

/// Whether a batch has what comes next behind a position, event by event.
fn follows(batch: &Batch, position: Position) -> bool {
    let places = || std::iter::once(batch.after).chain(batch.events.iter().map(|event| event.position));
    let is_dense = places().zip(batch.after.seq..).all(|(place, seq)| place.seq == seq);
    is_dense && places().any(|place| place == position) && places().last().is_some_and(|last| last.seq == batch.last)
}

/// The event of an import without the many rows that it names: those are for the caches, which
/// have them by now.
fn without_rows(event: Arc<Event>) -> Arc<Event> {
    match event.body.kind {
        EventKind::Import => Arc::new(Event {
            body: NewEvent::new(EventKind::Import),
            ..*event
        }),
        _ => event,
    }
}

fn position(row: &event::Model) -> Result<Position> {
    let nonce = u32::try_from(row.nonce).map_err(Error::internal)?;
    Ok(Position { seq: row.seq, nonce })
}

async fn query(db: &DatabaseConnection, sql: &str, values: Vec<Value>) -> Result<Vec<Arc<Event>>> {
    let rows = pool::ask(db, sql, values).await?;
    rows.iter()
        .map(|row| {
            let row = event::Model::from_query_result(row, "")?;
            let body: NewEvent = serde_json::from_str(&row.body).map_err(Error::internal)?;
            Ok(Arc::new(Event {
                position: position(&row)?,
                at: Micros(row.created_at),
                body,
            }))
        })
        .collect()
}

async fn read(db: &DatabaseConnection, after: Seq, last: Option<Seq>, limit: u64) -> Result<Vec<Arc<Event>>> {
    let sql = "SELECT seq, nonce, created_at, body FROM event WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?";
    let last = last.unwrap_or(Seq::MAX);
    query(db, sql, vec![after.into(), last.into(), limit.into()]).await
}

/// The events of topics, each once. A single topic's are found in their order.
async fn of_topics(db: &DatabaseConnection, topics: &[Topic], after: Seq, upto: Seq) -> Result<Vec<Arc<Event>>> {
    let (which, value) = match topics {
        [topic] => ("SELECT seq FROM event_topic WHERE topic = ?", topic.as_str().into()),
        topics => (
            "SELECT DISTINCT seq FROM event_topic WHERE topic IN (SELECT {value} FROM {each})",
            json(&topics),
        ),
    };
    let sql = format!(
        "SELECT seq, nonce, created_at, body FROM event WHERE seq IN \
         ({which} AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?) ORDER BY seq"
    );
    query(db, &sql, vec![value, after.into(), upto.into(), BATCH.into()]).await
}

async fn at(db: &DatabaseConnection, seq: Seq) -> Result<Option<Position>> {
    let sql = "SELECT seq, nonce, created_at, body FROM event WHERE seq = ?";
    Ok(query(db, sql, vec![seq.into()])
        .await?
        .first()
        .map(|event| event.position))
}

async fn oldest(db: &DatabaseConnection) -> Result<Seq> {
    let rows = pool::ask(db, "SELECT MIN(seq) AS seq FROM event", Vec::new()).await?;
    let row = rows.first();
    Ok(row.map(|row| row.try_get("", "seq")).transpose()?.unwrap_or(Seq::MAX))
}

async fn newest(db: &DatabaseConnection) -> Result<Option<Position>> {
    let sql = "SELECT seq, nonce, created_at, body FROM event ORDER BY seq DESC LIMIT 1";
    Ok(query(db, sql, Vec::new()).await?.first().map(|event| event.position))
}

/// How a log is cut: events whose successor is older than `before` go, so the newest stays.
impl super::Store {
    /// Removes the events that are no longer kept, at most 500. Returns how many there were.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn prune_log(&self, before: Micros) -> Result<u64> {
        self.write_background(move |tx| {
            Box::pin(async move {
                // Numbers are dense, so a range of them has that many events.
                let sql = "DELETE FROM event WHERE seq < (SELECT MIN(seq) + 500 FROM event) AND seq < \
                           (SELECT seq FROM event WHERE created_at <= ? ORDER BY created_at DESC, seq DESC LIMIT 1)";
                let pruned = tx.execute(sql, [before.0.into()]).await?;
                let sql = "DELETE FROM event_topic WHERE seq < (SELECT MIN(seq) FROM event)";
                tx.execute(sql, []).await?;
                Ok(pruned)
            })
        })
        .await
    }
}
