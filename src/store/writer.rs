//! The one writer: commits together what has queued up.
//!
//! A mutation is one job: a function over a [`Tx`]. What is frequent and simple is *staged*: it
//! says beforehand what it looks up ([`Brief`]), all of a group's is looked up at once, each job
//! checks its rules and stages its rows, and these are written table by table. A job that reads or
//! takes what an earlier one of the group writes waits for the next group. When the rows of a
//! group can't be written, its jobs are repeated one by one, each in a savepoint.
//!
//! Every other job runs by itself after them, in a savepoint of the same transaction, so that one
//! that fails takes only itself back. Nothing is answered before the commit is durable and the
//! caches have it.
//!
//! Where the connection is lost before the commit was sent, nothing has happened: jobs that have not
//! run or that can be repeated run again over another one. Where it is lost with the commit, the log
//! tells whether that has happened.

#[cfg(test)]
mod staging;

use super::cache::Caches;
use super::dialect::statement;
use super::known::{Brief, Known, Taken};
use super::log::Log;
use super::prepared::Prepared;
use super::script::Script;
use super::stage::Stage;
use super::tx::{Ground, Manner, Tx};
use super::{pool, postgres, sqlite};
use crate::metrics::Metrics;
use crate::model::wall::Matcher;
use crate::model::{Clock, Error, Event, Micros, NewEvent, Position, Result, Seq};
use crate::trace::{Cause, Span};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, TransactionTrait};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// How many jobs may wait. Beyond it, callers wait to queue up.
const QUEUE: usize = 1_024;
/// How many jobs one commit takes.
const GROUP: usize = 128;

type Once = Box<dyn for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<()>> + Send>;
type Again = Box<dyn for<'t> Fn(&'t Tx) -> BoxFuture<'t, Result<()>> + Send + Sync>;

enum Work {
    /// Checked and staged with others; may have to be repeated.
    Staged(Box<Brief>, Again),
    /// By itself.
    Alone(Once),
}

struct Job {
    work: Work,
    asker: Asker,
}

/// The jobs of one transaction: first those that are staged, then the others.
#[derive(Default)]
struct Group {
    staged: Vec<Staged>,
    alone: Vec<Alone>,
}

struct Staged {
    brief: Box<Brief>,
    work: Again,
    asker: Asker,
}

struct Alone {
    /// None once it has run.
    work: Option<Once>,
    asker: Asker,
}

/// Who waits for a job.
struct Asker {
    /// Whether its statements are a request's.
    counted: bool,
    /// In whose trace it is.
    cause: Cause,
    done: oneshot::Sender<Result<()>>,
}

impl Group {
    /// The span of the transaction.
    fn span(&self) -> Span {
        let askers = self.staged.iter().map(|job| &job.asker);
        Span::commit(
            askers
                .chain(self.alone.iter().map(|job| &job.asker))
                .map(|asker| &asker.cause),
        )
    }

    /// Those that can go together, and those that have to wait for them.
    fn new(jobs: Vec<Job>) -> (Self, Vec<Job>) {
        let (mut group, mut later) = (Self::default(), Vec::new());
        let mut taken = Taken::default();
        for Job { work, asker } in jobs {
            match work {
                Work::Staged(brief, work) if taken.admits(&brief) => {
                    group.staged.push(Staged { brief, work, asker });
                }
                Work::Staged(..) => later.push(Job { work, asker }),
                Work::Alone(work) => group.alone.push(Alone {
                    work: Some(work),
                    asker,
                }),
            }
        }
        (group, later)
    }

    fn is_empty(&self) -> bool {
        self.staged.is_empty() && self.alone.is_empty()
    }

    /// Tells everybody what became of their job.
    fn answer(self, results: Results) {
        let staged = self.staged.into_iter().map(|job| job.asker).zip(results.staged);
        let alone = self.alone.into_iter().map(|job| job.asker).zip(results.alone);
        staged.chain(alone).for_each(|(asker, result)| asker.tell(result));
    }

    fn fail(self, cause: &Error) {
        let staged = self.staged.into_iter().map(|job| job.asker);
        let alone = self.alone.into_iter().map(|job| job.asker);
        staged
            .chain(alone)
            .for_each(|asker| asker.tell(Err(Error::internal(cause.to_string()))));
    }

    /// Leaves those that can run again, and tells the others that they failed.
    fn again(self, cause: &Error) -> Self {
        let (alone, failed) = self.alone.into_iter().partition(|job| job.work.is_some());
        let failed = Self {
            staged: Vec::new(),
            alone: failed,
        };
        failed.fail(cause);
        Self { alone, ..self }
    }
}

impl Asker {
    /// Nobody waits any more when the request was cancelled; the write stands.
    fn tell(self, result: Result<()>) {
        drop(self.done.send(result));
    }
}

/// What became of the jobs of a group.
struct Results {
    staged: Vec<Result<()>>,
    alone: Vec<Result<()>>,
}

/// The queue before the one connection that writes.
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    /// Starts the task that writes. It ends when the writer is dropped.
    pub(super) fn start(
        mut db: DatabaseConnection,
        log: Log,
        caches: Arc<Caches>,
        clock: Clock,
        metrics: &Metrics,
    ) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let counting = Arc::new(AtomicBool::new(false));
        let statements = metrics.sql_statements.clone();
        let counted = Arc::clone(&counting);
        db.set_metric_callback(move |done| {
            super::note(done);
            if counted.load(Ordering::Relaxed) {
                statements.inc();
            }
        });
        let task = Task {
            db,
            log,
            caches,
            clock,
            counting,
            prepared: Arc::default(),
            walls: Mutex::default(),
        };
        tokio::spawn(task.run(queue));
        Self { jobs }
    }

    async fn queue(&self, work: Work, counted: bool) -> Result<()> {
        let (done, committed) = oneshot::channel();
        let gone = || Error::internal("the writer has stopped");
        let cause = Cause::current();
        let asker = Asker { counted, cause, done };
        self.jobs.send(Job { work, asker }).await.map_err(|_| gone())?;
        committed.await.map_err(|_| gone())?
    }

    /// Runs a job and returns when it is durable. `counted`: its statements are a request's.
    pub(super) async fn write<T, F>(&self, counted: bool, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T>> + Send + 'static,
    {
        let result = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        let work: Once = Box::new(move |tx| {
            let job = job(tx);
            Box::pin(async move {
                *slot.lock() = Some(job.await?);
                Ok(())
            })
        });
        self.queue(Work::Alone(work), counted).await?;
        taken(&result)
    }

    async fn stage<T, F>(&self, brief: Brief, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t Tx) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
    {
        let result = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&result);
        let work: Again = Box::new(move |tx| {
            let (job, slot) = (job(tx), Arc::clone(&slot));
            Box::pin(async move {
                *slot.lock() = Some(job.await?);
                Ok(())
            })
        });
        self.queue(Work::Staged(Box::new(brief), work), true).await?;
        taken(&result)
    }
}

fn taken<T>(result: &Mutex<Option<T>>) -> Result<T> {
    let result = result.lock().take();
    result.ok_or_else(|| Error::internal("the writer gave no result"))
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

    /// Runs a mutation that is frequent and simple: it is checked with what its brief looks up,
    /// and its rows are written with those of others. It reads nothing that it has written, and it
    /// may be run twice.
    ///
    /// # Errors
    /// As [`Store::write`](super::Store::write).
    pub async fn stage<T, F>(&self, brief: Brief, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t Tx) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
    {
        self.writer().stage(brief, job).await
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
    caches: Arc<Caches>,
    clock: Clock,
    counting: Arc<AtomicBool>,
    prepared: Arc<Prepared>,
    /// The rules of walls as the last commit left them.
    walls: Mutex<Arc<Matcher>>,
}

/// What jobs have to say, with the time of it.
type Said = Vec<(Micros, NewEvent)>;

impl Task {
    async fn run(self, mut queue: mpsc::Receiver<Job>) {
        let mut waiting = Vec::with_capacity(GROUP);
        loop {
            while !waiting.is_empty() && waiting.len() < GROUP {
                let Ok(job) = queue.try_recv() else { break };
                waiting.push(job);
            }
            if waiting.is_empty() && queue.recv_many(&mut waiting, GROUP).await == 0 {
                return;
            }
            let (group, later) = Group::new(std::mem::take(&mut waiting));
            waiting = later;
            self.serve(group).await;
        }
    }

    /// Runs a group until it is committed or has failed.
    async fn serve(&self, mut group: Group) {
        let since = Instant::now();
        while !group.is_empty() {
            let span = group.span();
            let committed = span.around(self.commit(&mut group)).await;
            if committed.is_err() {
                span.fail();
            }
            span.end();
            match committed {
                Ok(results) => return group.answer(results),
                Err(cause) if pool::is_of_loss(&cause) && since.elapsed() < pool::PATIENCE => {
                    tracing::warn!(?cause, "lost the connection that writes");
                    group = group.again(&cause);
                    tokio::time::sleep(pool::PAUSE).await;
                }
                Err(cause) => {
                    tracing::error!(?cause, "a commit failed");
                    return group.fail(&cause);
                }
            }
        }
    }

    /// One transaction for a group of jobs. An error here is everybody's.
    async fn commit(&self, group: &mut Group) -> Result<Results> {
        let mut base = self.begin(&group.staged).await?;
        let staged = match self.together(&mut base, &group.staged).await {
            Ok(results) => results,
            Err(error) if pool::is_of_loss(&error) => return Err(error),
            Err(error) => {
                tracing::warn!(?error, "staged rows could not be written together");
                base.rollback().await?;
                base = self.begin(&[]).await?;
                self.one_by_one(&mut base, &group.staged).await?
            }
        };
        let only = staged.is_empty() && group.alone.len() == 1;
        let mut alone = Vec::with_capacity(group.alone.len());
        for Alone { work, asker } in &mut group.alone {
            let Some(work) = work.take() else { continue };
            let result = match only {
                true => self.by_itself(&mut base, asker.counted, work).await,
                false => self.apart(&mut base, asker.counted, work).await?,
            };
            let failed = only && result.is_err();
            alone.push(result);
            if failed {
                base.rollback().await?;
                return Ok(Results { staged, alone });
            }
        }
        self.finish(base).await?;
        Ok(Results { staged, alone })
    }

    /// Commits, and brings the caches up to it.
    async fn finish(&self, mut base: Base) -> Result<()> {
        self.count(false);
        let walls = base.ground.walls();
        base.write_rest().await?;
        let Base { conn, events, .. } = base;
        let conn = Arc::into_inner(conn).ok_or_else(still_used)?;
        if let Err(error) = conn.commit().await {
            let last = events.last().map(|event| event.position);
            if !(pool::is_lost(&error) && self.has(last).await?) {
                return Err(error.into());
            }
        }
        *self.walls.lock() = walls;
        if let Err(error) = self.log.take(events).await {
            // The commit stands. What is in memory may be older now: nobody may see it.
            tracing::warn!(?error, "can't read the event log");
            self.log.distrust();
        }
        Ok(())
    }

    /// Whether an event was committed by a session that is gone: nobody can say before that has
    /// given its lock back.
    async fn has(&self, event: Option<Position>) -> Result<bool> {
        let Some(Position { seq, nonce }) = event else {
            return Ok(false);
        };
        let since = Instant::now();
        loop {
            let asked = async {
                let conn = self.lock().await?;
                let sql = "SELECT seq FROM event WHERE seq = ? AND nonce = ?";
                let sql = statement(
                    self.db.get_database_backend(),
                    sql,
                    [seq.into(), i64::from(nonce).into()],
                );
                let row = conn.query_one_raw(sql).await?;
                conn.rollback().await?;
                Ok(row.is_some())
            };
            match asked.await {
                Err(error) if pool::is_of_loss(&error) && since.elapsed() < pool::PATIENCE => {
                    tokio::time::sleep(pool::PAUSE).await;
                }
                // That this fails must not pass for the loss of what has not happened.
                Err(error) => return Err(Error::internal(error.to_string())),
                known => return known,
            }
        }
    }

    /// Begins a transaction, and looks up what staged jobs are about to.
    async fn begin(&self, staged: &[Staged]) -> Result<Base> {
        let conn = self.lock().await?;
        let walls = Arc::clone(&self.walls.lock());
        let mut ground = Ground::read(&conn, walls, Arc::clone(&self.prepared)).await?;
        if !staged.is_empty() {
            self.count(staged.iter().any(|job| job.asker.counted));
            let is_current = self.log.position().seq == ground.newest;
            let briefs: Vec<&Brief> = staged.iter().map(|job| &*job.brief).collect();
            ground.known = Known::read(&conn, is_current.then_some(&*self.caches), &briefs).await?;
        }
        Ok(Base {
            conn: Arc::new(conn),
            process: self.log.process(),
            is_handed_over: self.log.hands_over(),
            newest: ground.newest,
            ground: Arc::new(ground),
            said: Said::new(),
            events: Vec::new(),
        })
    }

    /// Begins to write when nobody else does.
    async fn lock(&self) -> Result<DatabaseTransaction> {
        match self.db.get_database_backend() {
            DbBackend::Sqlite => sqlite::begin(&self.db).await,
            _ => postgres::begin(&self.db).await,
        }
    }

    /// Runs staged jobs, and writes what they staged and said. What each came to; an error when
    /// the rows can't be written.
    async fn together(&self, base: &mut Base, staged: &[Staged]) -> Result<Vec<Result<()>>> {
        let mut stage = Stage::default();
        let mut results = Vec::with_capacity(staged.len());
        let mut now = self.clock.now();
        for job in staged {
            let tx = Tx::new(Arc::clone(&base.conn), Arc::clone(&base.ground), now, Manner::Staged);
            let result = attempt(&tx, &job.work).await;
            if result.is_ok() {
                let (said, rows) = tx.into_parts();
                base.said.extend(said);
                stage.append(rows);
            }
            results.push(result);
            now = Micros(now.0 + 1).max(self.clock.now());
        }
        let mut script = stage.into_script(now, !base.ground.walls().is_empty());
        base.append(&mut script)?;
        script.run(&base.conn, &self.prepared).await?;
        Ok(results)
    }

    /// Runs staged jobs that can't be written together, each in a savepoint.
    async fn one_by_one(&self, base: &mut Base, staged: &[Staged]) -> Result<Vec<Result<()>>> {
        let mut results = Vec::with_capacity(staged.len());
        for Staged { work, asker, .. } in staged {
            results.push(self.apart(base, asker.counted, work).await?);
        }
        Ok(results)
    }

    /// Runs a job in a savepoint. The outer error is everybody's.
    async fn apart<W>(&self, base: &mut Base, counted: bool, work: W) -> Result<Result<()>>
    where
        W: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<()>>,
    {
        self.count(counted);
        let conn = Arc::new(base.conn.begin().await?);
        let tx = self.through(&conn, base);
        let result = attempt(&tx, work).await;
        if result.is_ok() {
            base.ground.keep_walls(&tx);
        }
        let (said, _) = tx.into_parts();
        let conn = Arc::into_inner(conn).ok_or_else(still_used)?;
        if result.is_ok() {
            conn.commit().await?;
            base.said.extend(said);
        } else {
            conn.rollback().await?;
        }
        Ok(result)
    }

    /// Runs a job that has the transaction for itself, and needs no savepoint in it.
    async fn by_itself(&self, base: &mut Base, counted: bool, work: Once) -> Result<()> {
        self.count(counted);
        let tx = self.through(&base.conn, base);
        let result = attempt(&tx, work).await;
        base.ground.keep_walls(&tx);
        base.said.extend(tx.into_parts().0);
        result
    }

    fn through(&self, conn: &Arc<DatabaseTransaction>, base: &Base) -> Tx {
        Tx::new(
            Arc::clone(conn),
            Arc::clone(&base.ground),
            self.clock.now(),
            Manner::Through,
        )
    }

    fn count(&self, counted: bool) {
        self.counting.store(counted, Ordering::Relaxed);
    }
}

/// Runs a job. One that panics takes only itself back: the writer serves all others.
async fn attempt<W>(tx: &Tx, work: W) -> Result<()>
where
    W: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<()>>,
{
    let result = AssertUnwindSafe(async { work(tx).await }).catch_unwind().await;
    result.unwrap_or_else(|_| Err(Error::internal("a write panicked")))
}

fn still_used() -> Error {
    Error::internal("a job has kept its transaction")
}

/// A transaction of several jobs.
struct Base {
    conn: Arc<DatabaseTransaction>,
    ground: Arc<Ground>,
    /// Which process it is of, and whether others have its events from that.
    process: u32,
    is_handed_over: bool,
    /// The newest event so far.
    newest: Seq,
    /// What the jobs say and the log does not have yet.
    said: Said,
    /// What it has.
    events: Vec<Arc<Event>>,
}

impl Base {
    /// Gives the events their numbers, and writes them with the other rows.
    fn append(&mut self, script: &mut Script) -> Result<()> {
        let first = self.events.len();
        for (at, body) in self.said.drain(..) {
            self.newest += 1;
            let position = Position {
                seq: self.newest,
                nonce: rand::random(),
            };
            self.events.push(Arc::new(Event { position, at, body }));
        }
        let new = self.events.get(first..).unwrap_or_default();
        script.append_events(new)?;
        self.ground.tell_numbers(script);
        if !new.is_empty() && self.conn.get_database_backend() != DbBackend::Sqlite {
            let sql = format!("SELECT pg_notify('{}', ?)", postgres::CHANNEL);
            let commit = postgres::Commit {
                last: self.newest,
                process: self.process,
                is_handed_over: self.is_handed_over,
            };
            script.push(sql, [commit.encode().into()]);
        }
        Ok(())
    }

    /// Writes what is left to be written before the commit.
    async fn write_rest(&mut self) -> Result<()> {
        let mut script = Script::default();
        self.append(&mut script)?;
        script.run(&self.conn, &self.ground.prepared).await
    }

    async fn rollback(self) -> Result<()> {
        let conn = Arc::into_inner(self.conn).ok_or_else(still_used)?;
        Ok(conn.rollback().await?)
    }
}

impl Script {
    /// Writes events into the log, and which topics they concern.
    fn append_events(&mut self, events: &[Arc<Event>]) -> Result<()> {
        let rows = events
            .iter()
            .map(|event| {
                let body = serde_json::to_string(&event.body).map_err(Error::internal)?;
                Ok((event.position.seq, event.position.nonce, event.at, body))
            })
            .collect::<Result<Vec<_>>>()?;
        self.each(
            "INSERT INTO event (seq, nonce, created_at, body) SELECT {int:0}, {int:1}, {int:2}, {text:3} FROM {each}",
            &rows,
        );
        let topics: Vec<_> = events
            .iter()
            .flat_map(|event| event.body.topics.iter().map(|(topic, _)| (topic, event.position.seq)))
            .collect();
        self.each(
            "INSERT INTO event_topic (topic, seq) SELECT {text:0}, {int:1} FROM {each} WHERE TRUE ON CONFLICT DO NOTHING",
            &topics,
        );
        Ok(())
    }
}
