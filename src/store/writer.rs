//! The one writer: commits together what has queued up.
//!
//! A mutation is one job: a function over a [`Tx`]. The jobs that wait when a commit begins
//! share its `fsync`, each in a savepoint of its own, so that one that fails takes only itself
//! back. Nothing is answered before the commit is durable and the caches have it.

use super::dialect::statement;
use super::entity::{event, event_topic};
use super::log::Log;
use super::sqlite;
use crate::metrics::Metrics;
use crate::model::{Clock, Error, Event, Micros, NewEvent, Position, Result, Seq};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, EntityTrait, QueryResult, Set, SqliteTransactionMode,
    TransactionOptions, TransactionTrait, Value,
};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// How many jobs may wait. Beyond it, callers wait to queue up.
const QUEUE: usize = 1_024;
/// How long another process may keep the lock.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many jobs one commit takes.
const GROUP: usize = 128;

/// What a job writes with. Dropped without effect when the job fails.
pub struct Tx {
    conn: DatabaseTransaction,
    now: Micros,
    events: Mutex<Vec<NewEvent>>,
}

impl Tx {
    /// The time of what is written.
    #[must_use]
    pub fn now(&self) -> Micros {
        self.now
    }

    /// Appends to the log, when the job is committed.
    pub fn emit(&self, event: NewEvent) {
        self.events.lock().push(event);
    }

    /// What was said, with the time of it.
    fn said(&self) -> Vec<(Micros, NewEvent)> {
        let events = std::mem::take(&mut *self.events.lock());
        events.into_iter().map(|event| (self.now, event)).collect()
    }

    pub(super) fn conn(&self) -> &DatabaseTransaction {
        &self.conn
    }

    /// Runs a query in the dialect's words (see [`super::dialect`]).
    pub(super) async fn rows(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Vec<QueryResult>> {
        let backend = self.conn.get_database_backend();
        Ok(self.conn.query_all_raw(statement(backend, sql, values)).await?)
    }

    /// Runs a statement in the dialect's words, and tells how many rows it changed.
    pub(super) async fn execute(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<u64> {
        let backend = self.conn.get_database_backend();
        let done = self.conn.execute_raw(statement(backend, sql, values)).await?;
        Ok(done.rows_affected())
    }
}

type Work = Box<dyn for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<()>> + Send>;

struct Job {
    work: Work,
    counted: bool,
    done: oneshot::Sender<Result<()>>,
}

/// The queue before the one connection that writes.
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    /// Starts the task that writes. It ends when the writer is dropped.
    pub(super) fn start(mut db: DatabaseConnection, log: Log, clock: Clock, metrics: &Metrics) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let counting = Arc::new(AtomicBool::new(false));
        let statements = metrics.sql_statements.clone();
        let counted = Arc::clone(&counting);
        db.set_metric_callback(move |_| {
            if counted.load(Ordering::Relaxed) {
                statements.inc();
            }
        });
        let task = Task {
            db,
            log,
            clock,
            counting,
        };
        tokio::spawn(task.run(queue));
        Self { jobs }
    }

    /// Runs a job and returns when it is durable. `counted`: its statements are a request's.
    pub(super) async fn write<T, F>(&self, counted: bool, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        let result = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        let work: Work = Box::new(move |tx| {
            let job = job(tx);
            Box::pin(async move {
                *slot.lock() = Some(job.await?);
                Ok(())
            })
        });
        let (done, committed) = oneshot::channel();
        let gone = || Error::internal("the writer has stopped");
        self.jobs.send(Job { work, counted, done }).await.map_err(|_| gone())?;
        committed.await.map_err(|_| gone())??;
        result.lock().take().ok_or_else(gone)
    }
}

impl super::Store {
    /// Runs a mutation's job: one transaction, durable and in the caches when this returns.
    ///
    /// # Errors
    /// What the job answers; [`Error::Internal`] when the commit fails.
    pub async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        self.writer().write(true, job).await
    }

    /// Runs a job of the background, whose statements are not counted as a request's.
    ///
    /// # Errors
    /// As [`Store::write`](super::Store::write).
    pub async fn write_background<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        self.writer().write(false, job).await
    }
}

struct Task {
    db: DatabaseConnection,
    log: Log,
    clock: Clock,
    counting: Arc<AtomicBool>,
}

/// Whoever waits for a job, and what it came to.
type Answer = (oneshot::Sender<Result<()>>, Result<()>);

impl Task {
    async fn run(self, mut queue: mpsc::Receiver<Job>) {
        let mut group = Vec::with_capacity(GROUP);
        while queue.recv_many(&mut group, GROUP).await > 0 {
            let jobs = std::mem::replace(&mut group, Vec::with_capacity(GROUP));
            let mut answers = Vec::with_capacity(jobs.len());
            let failed = self.commit(jobs, &mut answers).await.err();
            for (done, result) in answers {
                let result = match &failed {
                    Some(cause) => Err(Error::internal(cause.to_string())),
                    None => result,
                };
                // Nobody waits any more when the request was cancelled; the write stands.
                drop(done.send(result));
            }
        }
    }

    /// One transaction for a group of jobs. An error here is everybody's.
    async fn commit(&self, jobs: Vec<Job>, answers: &mut Vec<Answer>) -> Result<()> {
        let begun = self.begin().await;
        let conn = match begun {
            Ok(conn) => conn,
            Err(error) => {
                answers.extend(jobs.into_iter().map(|job| (job.done, Ok(()))));
                return Err(error);
            }
        };
        let events = match <[Job; 1]>::try_from(jobs) {
            Ok([job]) => self.alone(conn, job, answers).await?,
            Err(jobs) => self.together(conn, jobs, answers).await?,
        };
        if let Err(error) = self.log.take(events).await {
            // The commit stands. What is in memory may be older now: nobody may see it.
            tracing::warn!(?error, "can't read the event log");
            self.log.distrust();
        }
        Ok(())
    }

    async fn begin(&self) -> Result<DatabaseTransaction> {
        let waiting = Instant::now();
        loop {
            let options = TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            };
            match self.db.begin_with_options(options).await {
                Err(error) if sqlite::is_locked(&error) && waiting.elapsed() < PATIENCE => {}
                begun => return Ok(begun?),
            }
        }
    }

    /// A job that nobody shares the transaction with needs no savepoint in it.
    async fn alone(&self, conn: DatabaseTransaction, job: Job, answers: &mut Vec<Answer>) -> Result<Vec<Arc<Event>>> {
        let tx = self.tx(conn, job.counted);
        let result = attempt(&tx, job.work).await;
        self.counting.store(false, Ordering::Relaxed);
        let failed = result.is_err();
        answers.push((job.done, result));
        if failed {
            tx.conn.rollback().await?;
            return Ok(Vec::new());
        }
        let events = append(&tx.conn, tx.said()).await?;
        tx.conn.commit().await?;
        Ok(events)
    }

    async fn together(
        &self,
        conn: DatabaseTransaction,
        jobs: Vec<Job>,
        answers: &mut Vec<Answer>,
    ) -> Result<Vec<Arc<Event>>> {
        let mut events = Vec::new();
        for job in jobs {
            let tx = self.tx(conn.begin().await?, job.counted);
            let result = attempt(&tx, job.work).await;
            if result.is_ok() {
                events.extend(tx.said());
                tx.conn.commit().await?;
            } else {
                tx.conn.rollback().await?;
            }
            answers.push((job.done, result));
        }
        self.counting.store(false, Ordering::Relaxed);
        let events = append(&conn, events).await?;
        conn.commit().await?;
        Ok(events)
    }

    fn tx(&self, conn: DatabaseTransaction, counted: bool) -> Tx {
        self.counting.store(counted, Ordering::Relaxed);
        Tx {
            conn,
            now: self.clock.now(),
            events: Mutex::new(Vec::new()),
        }
    }
}

/// Runs a job. One that panics takes only itself back: the writer serves all others.
async fn attempt(tx: &Tx, work: Work) -> Result<()> {
    let result = AssertUnwindSafe(work(tx)).catch_unwind().await;
    result.unwrap_or_else(|_| Err(Error::internal("a write panicked")))
}

/// Gives the events their numbers and writes them: the last statements before the commit.
async fn append(conn: &DatabaseTransaction, events: Vec<(Micros, NewEvent)>) -> Result<Vec<Arc<Event>>> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let backend = conn.get_database_backend();
    let newest = conn
        .query_one_raw(statement(backend, "SELECT MAX(seq) AS seq FROM event", []))
        .await?
        .map(|row| row.try_get::<Option<Seq>>("", "seq"))
        .transpose()?
        .flatten()
        .unwrap_or_default();
    let events: Vec<Arc<Event>> = events
        .into_iter()
        .zip(newest + 1..)
        .map(|((at, body), seq)| {
            let nonce = rand::random();
            let position = Position { seq, nonce };
            Arc::new(Event { position, at, body })
        })
        .collect();
    let rows = events.iter().map(|event| row(event)).collect::<Result<Vec<_>>>()?;
    event::Entity::insert_many(rows).exec_without_returning(conn).await?;
    let topics: Vec<_> = events
        .iter()
        .flat_map(|event| event.body.topics.iter().map(|(topic, _)| (topic, event.position.seq)))
        .map(|(topic, seq)| event_topic::ActiveModel {
            topic: Set(topic.as_str().to_owned()),
            seq: Set(seq),
        })
        .collect();
    for chunk in topics.chunks(super::bulk::ROWS) {
        event_topic::Entity::insert_many(chunk.to_vec())
            .exec_without_returning(conn)
            .await?;
    }
    Ok(events)
}

fn row(event: &Event) -> Result<event::ActiveModel> {
    Ok(event::ActiveModel {
        seq: Set(event.position.seq),
        nonce: Set(i64::from(event.position.nonce)),
        created_at: Set(event.at.0),
        body: Set(serde_json::to_string(&event.body).map_err(Error::internal)?),
    })
}
