//! What processes that serve one database tell each other without keeping it.
//!
//! PostgreSQL carries it to whoever listens. Nobody waits for it, and what can't go is lost.

use super::{Store, pool, postgres};
use sea_orm::DatabaseConnection;
use std::time::Duration;
use tokio::sync::{broadcast, mpsc};

/// The longest notice, in bytes: PostgreSQL takes just under 8,000.
pub const LONGEST: usize = 7_900;
/// How many wait to be sent, or to be taken.
const WAITING: usize = 64;
/// How long a notice may take to be sent.
const PATIENCE: Duration = Duration::from_secs(2);

/// The notices of a process. Cheap to clone.
#[derive(Clone)]
pub struct Notices {
    outgoing: mpsc::Sender<String>,
    incoming: broadcast::Sender<String>,
    /// What tells the process's own notices from those of others.
    own: u32,
}

impl Notices {
    /// Begins to send, where the database carries notices.
    pub(super) fn start(db: DatabaseConnection, carried: bool, own: u32) -> Self {
        let (outgoing, queue) = mpsc::channel(WAITING);
        if carried {
            tokio::spawn(send(db, queue));
        }
        Self {
            outgoing,
            incoming: broadcast::Sender::new(WAITING),
            own,
        }
    }

    /// Sends a notice. Never waits: false when it can't go.
    pub fn send(&self, notice: &str) -> bool {
        self.outgoing.try_send(format!("{} {notice}", self.own)).is_ok()
    }

    /// What other processes send from now on. Who is slow misses some.
    #[must_use]
    pub fn receive(&self) -> broadcast::Receiver<String> {
        self.incoming.subscribe()
    }

    /// Takes what has come in.
    pub(super) fn hear(&self, notice: &str) {
        match notice.split_once(' ') {
            Some((from, notice)) if from != self.own.to_string() => {
                // Perhaps nobody wants to know.
                drop(self.incoming.send(notice.to_owned()));
            }
            _ => {}
        }
    }
}

impl Store {
    /// What processes tell each other over the database.
    #[must_use]
    pub fn notices(&self) -> &Notices {
        &self.0.notices
    }
}

async fn send(db: DatabaseConnection, mut queue: mpsc::Receiver<String>) {
    let sql = format!("SELECT pg_notify('{}', ?)", postgres::NOTICES);
    while let Some(notice) = queue.recv().await {
        let sent = pool::ask(&db, &sql, vec![notice.into()]);
        match tokio::time::timeout(PATIENCE, sent).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(?error, "a notice could not be sent"),
            Err(_) => tracing::debug!("a notice could not be sent in time"),
        }
    }
}
