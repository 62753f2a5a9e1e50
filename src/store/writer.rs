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
//! Where the connection is lost before the commit was sent, nothing has happened: all jobs run again
//! over another one. Where it is lost with the commit, the log tells whether that has happened; of
//! what is not in the log nobody can say, and it fails.

mod base;
mod group;
#[cfg(test)]
mod staging;

use super::cache::Caches;
use super::dialect::statement;
use super::fresh::Fresh;
use super::known::{Brief, Known};
use super::log::Log;
use super::prepared::Prepared;
use super::stage::Stage;
use super::tx::{Ground, Manner, Tx};
use super::{pool, postgres, sqlite};
use crate::metrics::Metrics;
use crate::model::wall::Matcher;
use crate::model::{Error, Micros, Position, Result};
use crate::trace::Cause;
use base::{Base, Said, still_used};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use group::{Alone, Asker, Group, Job, Repeatable, Results, Staged, Work};
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

/// The queue before the one connection that writes.
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    /// Starts the task that writes. It ends when the writer is dropped.
    pub(super) fn start(mut db: DatabaseConnection, log: Log, caches: Arc<Caches>, metrics: &Metrics) -> Self {
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
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T>> + Clone + Send + Sync + 'static,
    {
        let (work, result) = repeatable(move |tx| job.clone()(tx));
        self.queue(Work::Alone(work), counted).await?;
        taken(&result)
    }

    async fn stage<T, F>(&self, brief: Brief, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t Tx) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
    {
        let (work, result) = repeatable(job);
        self.queue(Work::Staged(Box::new(brief), work), true).await?;
        taken(&result)
    }
}

/// A job as the writer runs it, and where the result of its last run is found.
fn repeatable<T, F>(job: F) -> (Repeatable, Arc<Mutex<Option<T>>>)
where
    T: Send + 'static,
    F: for<'t> Fn(&'t Tx) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static,
{
    let result = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&result);
    let work: Repeatable = Box::new(move |tx| {
        let (job, slot) = (job(tx), Arc::clone(&slot));
        Box::pin(async move {
            *slot.lock() = Some(job.await?);
            Ok(())
        })
    });
    (work, result)
}

fn taken<T>(result: &Mutex<Option<T>>) -> Result<T> {
    let result = result.lock().take();
    result.ok_or_else(|| Error::internal("the writer gave no result"))
}

impl super::Store {
    /// Runs a mutation's job: one transaction, durable and in the caches when this returns. It is
    /// run again where its connection is lost before the commit.
    ///
    /// # Errors
    /// What the job answers; [`Error::Internal`] when the commit fails.
    pub async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T>> + Clone + Send + Sync + 'static,
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
        F: for<'t> FnOnce(&'t Tx) -> BoxFuture<'t, Result<T>> + Clone + Send + Sync + 'static,
    {
        self.writer().write(false, job).await
    }
}

struct Task {
    db: DatabaseConnection,
    log: Log,
    caches: Arc<Caches>,
    counting: Arc<AtomicBool>,
    prepared: Arc<Prepared>,
    /// The rules of walls as the last commit left them.
    walls: Mutex<Arc<Matcher>>,
}

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
    async fn serve(&self, group: Group) {
        let since = Instant::now();
        loop {
            let span = group.span();
            let committed = span.around(self.commit(&group)).await;
            if committed.is_err() {
                span.fail();
            }
            span.end();
            match committed {
                Ok(results) => return group.answer(results),
                Err(cause) if pool::is_of_loss(&cause) && since.elapsed() < pool::PATIENCE => {
                    tracing::warn!(?cause, "lost the connection that writes");
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
    async fn commit(&self, group: &Group) -> Result<Results> {
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
        for Alone { work, asker } in &group.alone {
            let result = match only {
                true => self.by_itself(&mut base, asker.counted, work).await?,
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
        let fresh = Fresh::read(&base.conn, &base.events).await?;
        let Base { conn, events, .. } = base;
        let conn = Arc::into_inner(conn).ok_or_else(still_used)?;
        self.log.commits(&events);
        if let Err(error) = conn.commit().await {
            match events.last() {
                Some(last) if pool::is_lost(&error) && self.has(last.position).await? => {}
                None if pool::is_lost(&error) => return Err(Error::internal(error.to_string())),
                _ => return Err(error.into()),
            }
        }
        *self.walls.lock() = walls;
        if let Err(error) = self.log.take(events, &fresh).await {
            // The commit stands. What is in memory may be older now: nobody may see it.
            tracing::warn!(?error, "can't read the event log");
            self.log.distrust();
        }
        Ok(())
    }

    /// Whether an event was committed by a session that is gone: nobody can say before that has
    /// given its lock back.
    async fn has(&self, Position { seq, nonce }: Position) -> Result<bool> {
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
        let mut now = base.ground.now();
        for job in staged {
            let tx = Tx::new(Arc::clone(&base.conn), Arc::clone(&base.ground), now, Manner::Staged);
            let result = attempt(&tx, &job.work).await?;
            if result.is_ok() {
                let (said, rows) = tx.into_parts();
                base.said.extend(said);
                stage.append(rows);
            }
            results.push(result);
            now = Micros(now.0 + 1).max(base.ground.now());
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
    async fn apart(&self, base: &mut Base, counted: bool, work: &Repeatable) -> Result<Result<()>> {
        self.count(counted);
        let conn = Arc::new(base.conn.begin().await?);
        let tx = self.through(&conn, base);
        let result = attempt(&tx, work).await?;
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

    /// Runs a job that has the transaction for itself, and needs no savepoint in it. The outer error
    /// is the transaction's.
    async fn by_itself(&self, base: &mut Base, counted: bool, work: &Repeatable) -> Result<Result<()>> {
        self.count(counted);
        let tx = self.through(&base.conn, base);
        let result = attempt(&tx, work).await?;
        base.ground.keep_walls(&tx);
        base.said.extend(tx.into_parts().0);
        Ok(result)
    }

    fn through(&self, conn: &Arc<DatabaseTransaction>, base: &Base) -> Tx {
        Tx::new(
            Arc::clone(conn),
            Arc::clone(&base.ground),
            base.ground.now(),
            Manner::Through,
        )
    }

    fn count(&self, counted: bool) {
        self.counting.store(counted, Ordering::Relaxed);
    }
}

/// Runs a job. One that panics takes only itself back: the writer serves all others. The outer error
/// is the loss of the connection, which is everybody's.
async fn attempt(tx: &Tx, work: &Repeatable) -> Result<Result<()>> {
    let result = AssertUnwindSafe(async { work(tx).await }).catch_unwind().await;
    match result.unwrap_or_else(|_| Err(Error::internal("a write panicked"))) {
        Err(error) if pool::is_of_loss(&error) => Err(error),
        result => Ok(result),
    }
}
