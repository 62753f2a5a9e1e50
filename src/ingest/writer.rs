//! The one who writes what sources tell: takes what has queued up, and commits it with the
//! positions that the sources have reached.

use super::commit::{self, Written};
use super::facts::Facts;
use super::metrics::Metrics;
use super::news::News;
use super::recent::Recent;
use crate::model::Result;
use crate::store::Store;
use crate::store::bulk::tweet::Crowded;
use crate::store::ingest::Followed;
use crate::transfer::pace::Pace;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

/// How much news may wait.
const QUEUE: usize = 1_024;
/// How often positions are stored that nothing else has to be stored with.
const POSITIONS: Duration = Duration::from_secs(2);
/// How long to wait before a write that failed is tried again, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));
/// How often a write is tried before its news are tried one by one.
const TRIES: u32 = 3;

/// What a source tells, and how far it was followed with that.
#[derive(Debug)]
pub(super) struct Told {
    pub news: Option<News>,
    pub reached: Vec<Followed>,
}

/// Where sources tell what they have.
pub(super) type Telling = mpsc::Sender<Told>;

/// Writes until nobody is left to tell anything.
pub(super) struct Writer {
    store: Store,
    metrics: Metrics,
    queue: mpsc::Receiver<Told>,
    pace: Pace,
    crowded: Arc<Mutex<Crowded>>,
    recent: Recent,
    /// Positions that are not stored yet, by source and part.
    reached: HashMap<(String, String), Followed>,
    stored: Instant,
    /// How many tweets a second at the most.
    rate: f64,
    /// Who is told of the profiles of new users.
    newcomers: Option<mpsc::Sender<String>>,
    /// What ends all waiting: then what was told is written as fast as it can be.
    stop: CancellationToken,
    /// Whether something could not be written before the end: no later position may be stored then.
    has_given_up: bool,
}

impl Writer {
    pub(super) fn new(
        store: Store,
        metrics: Metrics,
        rate: f64,
        newcomers: Option<mpsc::Sender<String>>,
        stop: CancellationToken,
    ) -> (Self, Telling) {
        let (telling, queue) = mpsc::channel(QUEUE);
        let writer = Self {
            store,
            metrics,
            queue,
            pace: Pace::default(),
            crowded: Arc::default(),
            recent: Recent::default(),
            reached: HashMap::new(),
            stored: Instant::now(),
            rate,
            newcomers,
            stop,
            has_given_up: false,
        };
        (writer, telling)
    }

    pub(super) async fn run(mut self) {
        let mut told = Vec::new();
        loop {
            let most = self.pace.rows().min(self.burst());
            let waiting = tokio::time::timeout(POSITIONS, self.queue.recv_many(&mut told, most)).await;
            let is_over = waiting == Ok(0);
            for one in &mut told {
                for followed in one.reached.drain(..) {
                    let key = (followed.source.clone(), followed.part.clone());
                    self.reached.insert(key, followed);
                }
            }
            let news = told.drain(..).filter_map(|one| one.news);
            let facts = Facts::of(news, &mut self.recent);
            self.take(facts, is_over).await;
            if is_over || self.has_given_up {
                return;
            }
        }
    }

    /// How much may be written at once: what a second brings, and one at least.
    fn burst(&self) -> usize {
        (self.rate as usize).max(1)
    }

    /// Waits; not when it is to end.
    async fn pause(&self, time: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(time) => {}
        }
    }

    /// Writes what concerns anybody, and the positions.
    async fn take(&mut self, mut facts: Facts, is_over: bool) {
        self.narrow(&mut facts).await;
        if self.has_given_up {
            return;
        }
        let is_time = is_over || self.stored.elapsed() >= POSITIONS;
        if facts.is_empty() && (self.reached.is_empty() || !is_time) {
            return;
        }
        let begun = Instant::now();
        let step = self.pace.step(facts.posts.len().max(1));
        let written = self.write(facts).await;
        self.stored = Instant::now();
        self.metrics.written(&written);
        if let Some(newcomers) = &self.newcomers {
            // Who is looked up late, or never, is only less well known.
            written
                .newcomers
                .into_iter()
                .for_each(|url| drop(newcomers.try_send(url)));
        }
        self.pace.rest(step, self.store.is_served()).await;
        let due = Duration::from_secs_f64(written.posted as f64 / self.rate);
        self.pause(due.saturating_sub(begun.elapsed())).await;
    }

    /// Leaves what concerns what is stored, or is wanted: asked until the database answers, or nobody waits for
    /// it any more.
    async fn narrow(&mut self, facts: &mut Facts) {
        let mut wait = AGAIN.0;
        while let Err(error) = commit::narrow(&self.store, facts).await {
            tracing::warn!(?error, "can't read; trying again");
            if self.stop.is_cancelled() {
                self.has_given_up = true;
                return;
            }
            self.pause(wait).await;
            wait = (wait * 2).min(AGAIN.1);
        }
    }

    /// Writes facts with the positions, until it has succeeded, or is to end: then the positions
    /// are not stored either, and the source is asked again.
    async fn write(&mut self, facts: Facts) -> Written {
        let reached: Vec<Followed> = self.reached.drain().map(|(_, followed)| followed).collect();
        let facts = Arc::new(facts);
        let mut wait = AGAIN.0;
        for _ in 0..TRIES {
            match self.commit(&facts, &reached).await {
                Ok(written) => return written,
                Err(error) => tracing::warn!(?error, "can't write; trying again"),
            }
            self.pause(wait).await;
            wait *= 2;
        }
        self.one_by_one(&facts, &reached).await
    }

    /// Writes facts each by itself, and then the positions. Where these can be written, what
    /// can't be is at fault itself, and left out.
    async fn one_by_one(&mut self, facts: &Facts, reached: &[Followed]) -> Written {
        let mut all = Written::default();
        let mut open = facts.apart();
        let mut wait = AGAIN.0;
        loop {
            let mut failed = Vec::new();
            for part in open {
                match self.commit(&part, &[]).await {
                    Ok(written) => all.add(written),
                    Err(error) => failed.push((part, error)),
                }
            }
            if self.commit(&Arc::default(), reached).await.is_ok() {
                for (part, error) in failed {
                    tracing::error!(?error, ?part, "can't be written, and is left out");
                    all.failed += 1;
                }
                return all;
            }
            if self.stop.is_cancelled() {
                tracing::error!("can't write, and ends: its sources are asked again for what is left");
                self.has_given_up = true;
                return all;
            }
            open = failed.into_iter().map(|(part, _)| part).collect();
            self.pause(wait).await;
            wait = (wait * 2).min(AGAIN.1);
        }
    }

    async fn commit(&self, facts: &Arc<Facts>, reached: &[Followed]) -> Result<Written> {
        let (facts, reached) = (Arc::clone(facts), reached.to_vec());
        let crowded = Arc::clone(&self.crowded);
        self.store
            .write_background(move |tx| {
                Box::pin(async move { commit::write(tx, &facts, &reached, &mut *crowded.lock().await).await })
            })
            .await
    }
}
