//! A transaction of several jobs.

use super::super::postgres;
use super::super::script::Script;
use super::super::tx::Ground;
use crate::model::{Error, Event, Micros, NewEvent, Position, Result, Seq};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};
use std::sync::Arc;

/// What jobs have to say, with the time of it.
pub(super) type Said = Vec<(Micros, NewEvent)>;

/// A transaction of several jobs.
pub(super) struct Base {
    pub conn: Arc<DatabaseTransaction>,
    pub ground: Arc<Ground>,
    /// Which process it is of, and whether others have its events from that.
    pub process: u32,
    pub is_handed_over: bool,
    /// The newest event so far.
    pub newest: Seq,
    /// What the jobs say and the log does not have yet.
    pub said: Said,
    /// What it has.
    pub events: Vec<Arc<Event>>,
}

impl Base {
    /// Gives the events their numbers, and writes them with the other rows.
    pub fn append(&mut self, script: &mut Script) -> Result<()> {
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
    pub async fn write_rest(&mut self) -> Result<()> {
        let mut script = Script::default();
        self.append(&mut script)?;
        script.run(&self.conn, &self.ground.prepared).await
    }

    pub async fn rollback(self) -> Result<()> {
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

pub(super) fn still_used() -> Error {
    Error::internal("a job has kept its transaction")
}
