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
}

impl Writer {
    pub(super) fn new(
        store: Store,
        metrics: Metrics,
        rate: f64,
        newcomers: Option<mpsc::Sender<String>>,
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
        };
        (writer, telling)
    }

    pub(super) async fn run(mut self) {
        let mut told = Vec::new();
        loop {
            let most = self.pace.rows();
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
            if is_over {
                return;
            }
        }
    }

    /// Writes what concerns anybody, and the positions.
    async fn take(&mut self, mut facts: Facts, is_over: bool) {
        self.narrow(&mut facts).await;
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
        tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
    }

    /// Leaves what concerns what is stored, or is wanted: asked until the database answers.
    async fn narrow(&self, facts: &mut Facts) {
        let mut wait = AGAIN.0;
        while let Err(error) = commit::narrow(&self.store, facts).await {
            tracing::warn!(?error, "can't read; trying again");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(AGAIN.1);
        }
    }

    /// Writes facts with the positions, until it has succeeded.
    async fn write(&mut self, facts: Facts) -> Written {
        let reached: Vec<Followed> = self.reached.drain().map(|(_, followed)| followed).collect();
        let facts = Arc::new(facts);
        let mut wait = AGAIN.0;
        for _ in 0..TRIES {
            match self.commit(&facts, &reached).await {
                Ok(written) => return written,
                Err(error) => tracing::warn!(?error, "can't write; trying again"),
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        self.one_by_one(&facts, &reached).await
    }

    /// Writes facts each by itself, and then the positions. Where these can be written, what
    /// can't be is at fault itself, and left out.
    async fn one_by_one(&self, facts: &Facts, reached: &[Followed]) -> Written {
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
            open = failed.into_iter().map(|(part, _)| part).collect();
            tokio::time::sleep(wait).await;
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
