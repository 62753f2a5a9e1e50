//! What a job writes with: one transaction, or its part of one.

use super::bulk::Numbered;
use super::dialect::{statement, unpack};
use super::known::Known;
use super::prepared::Prepared;
use super::script::Script;
use super::stage::Stage;
use super::wall;
use crate::model::wall::Matcher;
use crate::model::{Clock, Deed, Error, Micros, NewEvent, Result, Seq};
use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult, Value};
use serde::de::DeserializeOwned;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

/// What a job writes with. Dropped without effect when the job fails.
pub struct Tx {
    conn: Arc<DatabaseTransaction>,
    ground: Arc<Ground>,
    now: Micros,
    manner: Manner,
    stage: Mutex<Stage>,
    events: Mutex<Vec<NewEvent>>,
    walls: Mutex<Arc<Matcher>>,
}

/// When what a job writes is in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// At once, for jobs that read what they have written.
    Through,
    /// With what the others of its group write.
    Staged,
}

/// What the jobs of one transaction share.
pub(super) struct Ground {
    /// The newest event before them.
    pub newest: Seq,
    /// When they began, and by this process's watch.
    began: (Micros, Instant),
    /// What was looked up for all of them.
    pub known: Known,
    /// The last numbers that were given, by table.
    numbers: Mutex<HashMap<Numbered, i64>>,
    /// Those of which PostgreSQL does not know yet.
    untold: Mutex<BTreeSet<Numbered>>,
    /// What the session has prepared.
    pub prepared: Arc<Prepared>,
    /// The rules of walls as they are now.
    walls: Mutex<Arc<Matcher>>,
}

impl Ground {
    /// Reads where a transaction begins. `walls` are the rules as they were last.
    pub(super) async fn read(conn: &DatabaseTransaction, walls: Arc<Matcher>, prepared: Arc<Prepared>) -> Result<Self> {
        let backend = conn.get_database_backend();
        let (session, now) = match backend {
            DbBackend::Sqlite => ("0", "0"),
            _ => ("pg_backend_pid()", "{now}"),
        };
        let mut columns = vec![
            "(SELECT MAX(seq) FROM event)".to_owned(),
            wall::VERSION.to_owned(),
            session.to_owned(),
            now.to_owned(),
        ];
        columns.extend(Numbered::ALL.iter().map(|of| of.last(backend)));
        let sql = format!("SELECT {}", columns.join(", "));
        let row = conn
            .query_one_raw(statement(backend, &sql, []))
            .await?
            .ok_or_else(|| Error::internal("no row came back"))?;
        let mut numbers = HashMap::new();
        for (place, of) in Numbered::ALL.into_iter().enumerate() {
            let last: Option<i64> = row.try_get_by_index(place + 4)?;
            numbers.insert(of, last.unwrap_or_default());
        }
        prepared.begin(row.try_get_by_index(2)?);
        let newest: Option<Seq> = row.try_get_by_index(0)?;
        let walls = match row.try_get_by_index::<i64>(1)? == walls.version() {
            true => walls,
            false => wall::matcher(conn).await?,
        };
        // The clocks of several machines differ.
        let now = match backend {
            DbBackend::Sqlite => Clock.now(),
            _ => Micros(row.try_get_by_index(3)?),
        };
        Ok(Self {
            newest: newest.unwrap_or_default(),
            began: (now, Instant::now()),
            known: Known::default(),
            numbers: Mutex::new(numbers),
            untold: Mutex::default(),
            prepared,
            walls: Mutex::new(walls),
        })
    }

    /// The time of what is written now. It follows the order of commits, whichever process writes.
    pub(super) fn now(&self) -> Micros {
        let (began, since) = self.began;
        began.after(since.elapsed())
    }

    /// Tells PostgreSQL which numbers were given. SQLite sees it from the rows.
    pub(super) fn tell_numbers(&self, script: &mut Script) {
        let numbers = self.numbers.lock();
        for of in std::mem::take(&mut *self.untold.lock()) {
            let last = numbers.get(&of).copied().unwrap_or_default();
            script.push(of.raise(), [last.into()]);
        }
    }

    /// The rules of walls, for the next job.
    pub(super) fn walls(&self) -> Arc<Matcher> {
        Arc::clone(&self.walls.lock())
    }

    /// Takes over the rules that a job leaves behind.
    pub(super) fn keep_walls(&self, of: &Tx) {
        *self.walls.lock() = of.walls();
    }
}

impl Tx {
    pub(super) fn new(conn: Arc<DatabaseTransaction>, ground: Arc<Ground>, now: Micros, manner: Manner) -> Self {
        Self {
            walls: Mutex::new(ground.walls()),
            conn,
            ground,
            now,
            manner,
            stage: Mutex::default(),
            events: Mutex::default(),
        }
    }

    /// What tells to which walls tweets belong.
    #[must_use]
    pub fn walls(&self) -> Arc<Matcher> {
        Arc::clone(&self.walls.lock())
    }

    /// Matches by other rules from now on.
    pub(super) fn set_walls(&self, walls: Arc<Matcher>) {
        *self.walls.lock() = walls;
    }

    /// The time of what is written.
    #[must_use]
    pub fn now(&self) -> Micros {
        self.now
    }

    /// Appends to the log, when the job is committed.
    pub fn emit(&self, event: NewEvent) {
        self.events.lock().push(event);
    }

    /// Records what somebody did: the action, its entries, whom it is told, and the event.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn record(&self, deed: &Deed) -> Result<()> {
        self.put(|stage| stage.record(deed)).await?;
        self.emit(deed.event());
        Ok(())
    }

    /// Writes rows, at once or with the group.
    pub(super) async fn put(&self, put: impl FnOnce(&mut Stage)) -> Result<()> {
        put(&mut self.stage.lock());
        match self.manner {
            Manner::Through => self.flush().await,
            Manner::Staged => Ok(()),
        }
    }

    /// Writes what is staged.
    pub(super) async fn flush(&self) -> Result<()> {
        let stage = std::mem::take(&mut *self.stage.lock());
        let walls = !self.walls().is_empty();
        self.run(stage.into_script(self.now, walls)).await
    }

    /// What was said, with the time of it, and what is still to be written.
    pub(super) fn into_parts(self) -> (Vec<(Micros, NewEvent)>, Stage) {
        let now = self.now;
        let events = self.events.into_inner().into_iter();
        (events.map(|event| (now, event)).collect(), self.stage.into_inner())
    }

    pub(super) fn conn(&self) -> &DatabaseTransaction {
        &self.conn
    }

    /// What was looked up for the whole group, as long as nobody writes what they read back.
    pub(super) fn known(&self) -> Option<&Known> {
        (self.manner == Manner::Staged).then_some(&self.ground.known)
    }

    /// Runs a query in the dialect's words (see [`super::dialect`]).
    pub(super) async fn rows(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<Vec<QueryResult>> {
        let backend = self.conn.get_database_backend();
        Ok(self.conn.query_all_raw(statement(backend, sql, values)).await?)
    }

    /// Runs a query of `{pack:...}`, whose rows come as one.
    pub(super) async fn packed<T: DeserializeOwned>(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<T>> {
        unpack(&self.rows(sql, values).await?)
    }

    /// Runs a statement in the dialect's words, and tells how many rows it changed.
    pub(super) async fn execute(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<u64> {
        let backend = self.conn.get_database_backend();
        let done = self.conn.execute_raw(statement(backend, sql, values)).await?;
        Ok(done.rows_affected())
    }

    /// Runs statements with as few turns as the engine allows.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn run(&self, script: Script) -> Result<()> {
        script.run(&self.conn, &self.ground.prepared).await
    }

    /// A number for a new row.
    pub(super) async fn next(&self, of: Numbered) -> Result<i64> {
        self.reserve(of, 1, 0)
            .await?
            .first()
            .copied()
            .ok_or_else(|| Error::internal("no number came back"))
    }

    /// Makes sure that new rows get numbers above this one, though no row has it.
    pub(super) async fn number_above(&self, of: Numbered, last: i64) -> Result<()> {
        self.reserve(of, 0, last).await?;
        if self.conn.get_database_backend() == DbBackend::Sqlite {
            let sql = "INSERT INTO sqlite_sequence (name, seq) SELECT ?, 0 \
                       WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)";
            self.execute(sql, [of.table().into(), of.table().into()]).await?;
            let sql = "UPDATE sqlite_sequence SET seq = ? WHERE name = ? AND seq < ?";
            self.execute(sql, [last.into(), of.table().into(), last.into()]).await?;
        }
        Ok(())
    }

    /// Numbers above `above` and above all that were ever given.
    pub(super) async fn reserve(&self, of: Numbered, count: usize, above: i64) -> Result<Vec<i64>> {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let mut numbers = self.ground.numbers.lock();
        let last = numbers.entry(of).or_default();
        let first = above.max(*last) + 1;
        *last = first + count - 1;
        if self.conn.get_database_backend() != DbBackend::Sqlite && *last > 0 {
            self.ground.untold.lock().insert(of);
        }
        Ok((first..first + count).collect())
    }
}
