//! Bulk import of users, tweets, follows, likes and actions, and export of everything.
//!
//! - [`source`] reads rows on a thread of its own and hands them over through a bounded
//!   channel, so that memory does not grow with the file.
//! - Rows are written some hundred a transaction, each transaction with one event that names
//!   all rows that it changed; `pace` leaves time between them for whoever else writes.
//! - What rows refer to and has not come yet is kept with them, and resolved at the end.

mod action;
pub(crate) mod batch;
mod entity;
pub mod export;
mod fields;
mod follow;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod like;
mod mark;
mod named;
mod object;
pub(crate) mod pace;
pub mod progress;
mod relation;
mod resolve;
pub(crate) mod retweet;
pub mod source;
mod trace;
pub(crate) mod tweet;
mod user;
mod wall;

use crate::model::Result as StoreResult;
use crate::social::wall::fill;
use crate::store::Store;
use crate::store::bulk::tweet::Crowded;
use crate::store::tx::Tx;
use batch::Batch;
use fields::Fields;
use futures_util::future::BoxFuture;
use pace::{LONG_ROWS, Pace};
use progress::Progress;
use source::{Reader, Source};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

/// How many rows are handed over at once, and how many such hands may wait to be written: those of the
/// largest transaction are read while the one before is written.
const HAND: usize = 50;
const QUEUE: usize = LONG_ROWS / HAND;

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Accounts.
    Users,
    /// Walls.
    Walls,
    /// Tweets, replies and retweets.
    Tweets,
    /// Who follows what.
    Follows,
    /// Who likes what.
    Likes,
    /// What is not recorded by itself.
    Actions,
    /// What no row of the others tells: external objects, hashtags, and what was deleted.
    Entities,
    /// Blocks, mutes, bans, roles, and what moderators did.
    Relations,
    /// Which notifications are seen and read.
    Marks,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many rows were read, the bad ones among them.
    pub read: u64,
    /// How many of them changed anything.
    pub changed: u64,
    /// How many references, also of earlier files, were resolved at the end.
    pub resolved: u64,
    /// How many rows were bad.
    pub bad: u64,
}

/// Why an import ended early. What was committed until then stays.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be opened or read on.
    #[error("can't read {name}: {cause}")]
    Read {
        /// Which.
        name: String,
        /// Why.
        cause: std::io::Error,
    },
    /// A file can't be written.
    #[error("can't write {name}: {cause}")]
    Write {
        /// Which.
        name: String,
        /// Why.
        cause: std::io::Error,
    },
    /// The folder for an export holds something.
    #[error("{0} is not empty")]
    NotEmpty(String),
    /// The folder to import has none of an export's files.
    #[error("{0} has none of the files of an export")]
    NoExport(String),
    /// The file's ending names no form of rows.
    #[error("{0}: the name has to end in .ndjson or .csv, perhaps followed by .gz or .zst")]
    Form(String),
    /// The database fails.
    #[error("the database failed: {}", root(.0))]
    Store(#[from] crate::model::Error),
}

/// The innermost cause: the outer ones are for clients and say nothing.
fn root(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), root)
}

/// A row with the line that it began on.
type Line<R> = (u64, R);

/// What a transaction made of its rows.
#[derive(Debug, Default)]
struct Outcome {
    changed: u64,
    bad: Vec<Line<String>>,
}

/// A kind of row.
trait Record: Clone + Send + Sync + 'static {
    /// Reads a row; an error says which field is wrong, and why.
    fn read(fields: &Fields) -> Result<Self, String>;

    /// Writes rows within a transaction.
    fn write<'t>(
        tx: &'t Tx,
        batch: &'t mut Batch,
        rows: Vec<Line<Self>>,
        crowded: &'t mut Crowded,
    ) -> BoxFuture<'t, StoreResult<Outcome>>;
}

/// What the reading thread hands over.
enum Item<R> {
    Row(Line<R>),
    Bad(Line<String>),
}

/// Imports a file. Each bad row is reported at once and the others go in.
///
/// # Errors
/// [`Error`], when the file can't be read or the database fails.
pub async fn import(store: &Store, kind: Kind, source: Source, progress: &mut dyn Progress) -> Result<Report, Error> {
    match kind {
        Kind::Users => run::<user::Row>(store, source, progress).await,
        Kind::Walls => run::<wall::Row>(store, source, progress).await,
        Kind::Tweets => run::<tweet::Row>(store, source, progress).await,
        Kind::Follows => run::<follow::Row>(store, source, progress).await,
        Kind::Likes => run::<like::Row>(store, source, progress).await,
        Kind::Actions => run::<action::Row>(store, source, progress).await,
        Kind::Entities => run::<trace::Row>(store, source, progress).await,
        Kind::Relations => run::<relation::Row>(store, source, progress).await,
        Kind::Marks => run::<mark::Row>(store, source, progress).await,
    }
}

/// Imports the files of an export, in the right order.
///
/// # Errors
/// [`Error`], when none is there or one can't be read, or the database fails.
pub async fn import_folder(store: &Store, folder: &Path, progress: &mut dyn Progress) -> Result<Report, Error> {
    let mut all = Report::default();
    let mut found = false;
    for content in export::FILES {
        let endings = ["ndjson", "ndjson.gz", "ndjson.zst"];
        let paths = endings.map(|ending| folder.join(format!("{}.{ending}", content.name)));
        for path in paths.into_iter().filter(|path| path.exists()) {
            found = true;
            progress.file(&path);
            let report = import(store, content.kind, Source::File(path), progress).await?;
            all.read += report.read;
            all.changed += report.changed;
            all.resolved += report.resolved;
            all.bad += report.bad;
        }
    }
    found
        .then_some(all)
        .ok_or_else(|| Error::NoExport(folder.display().to_string()))
}

async fn run<R: Record>(store: &Store, source: Source, progress: &mut dyn Progress) -> Result<Report, Error> {
    let name = source.to_string();
    let mut reader = source.open()?;
    progress.begin(reader.size(), reader.position());
    let (items, mut queue) = mpsc::channel(QUEUE);
    let reading = tokio::task::spawn_blocking(move || read::<R>(&mut reader, &items));
    let mut import = Import::new(store, progress);
    let written = import.write_all::<R>(&mut queue).await;
    drop(queue);
    let read = reading
        .await
        .map_err(|error| Error::Store(crate::model::Error::internal(error)))?;
    written?;
    import.report.resolved = resolve::all(store, &import.crowded, &mut import.pace).await?;
    crate::social::ban::settle(store).await?;
    fill(store).await?;
    let report = import.report;
    progress.end(&report);
    read.map_err(|cause| Error::Read { name, cause })?;
    Ok(report)
}

/// Reads rows until the file ends or nobody takes them any more.
fn read<R: Record>(reader: &mut Reader, items: &mpsc::Sender<Vec<Item<R>>>) -> std::io::Result<()> {
    loop {
        let mut hand = Vec::with_capacity(HAND);
        let read = fill_hand(reader, &mut hand);
        let is_last = hand.len() < HAND;
        if items.blocking_send(hand).is_err() || is_last {
            return read;
        }
    }
}

/// Reads rows until the hand is full or the file ends.
fn fill_hand<R: Record>(reader: &mut Reader, hand: &mut Vec<Item<R>>) -> std::io::Result<()> {
    while hand.len() < HAND
        && let Some((line, fields)) = reader.next()?
    {
        hand.push(match fields.and_then(|fields| R::read(&fields)) {
            Ok(row) => Item::Row((line, row)),
            Err(reason) => Item::Bad((line, reason)),
        });
    }
    Ok(())
}

/// An import under way.
struct Import<'i> {
    store: &'i Store,
    progress: &'i mut dyn Progress,
    report: Report,
    pace: Pace,
    crowded: Arc<Mutex<Crowded>>,
}

impl<'i> Import<'i> {
    fn new(store: &'i Store, progress: &'i mut dyn Progress) -> Self {
        Self {
            store,
            progress,
            report: Report::default(),
            pace: Pace::default(),
            crowded: Arc::default(),
        }
    }

    async fn write_all<R: Record>(&mut self, queue: &mut mpsc::Receiver<Vec<Item<R>>>) -> StoreResult<()> {
        let mut rows = Vec::new();
        while let Some(hand) = queue.recv().await {
            self.take(hand, &mut rows);
            while rows.len() >= self.pace.rows() {
                let rest = rows.split_off(self.pace.rows());
                self.write(std::mem::replace(&mut rows, rest)).await?;
            }
        }
        if !rows.is_empty() {
            self.write(rows).await?;
        }
        Ok(())
    }

    fn take<R>(&mut self, hand: Vec<Item<R>>, rows: &mut Vec<Line<R>>) {
        for item in hand {
            self.report.read += 1;
            match item {
                Item::Row(row) => rows.push(row),
                Item::Bad(bad) => self.reject(bad),
            }
        }
    }

    async fn write<R: Record>(&mut self, rows: Vec<Line<R>>) -> StoreResult<()> {
        let crowded = Arc::clone(&self.crowded);
        let step = self.pace.step(rows.len());
        let outcome = self
            .store
            .write_background(move |tx| {
                Box::pin(async move {
                    let mut batch = Batch::new(tx);
                    let outcome = R::write(tx, &mut batch, rows, &mut *crowded.lock().await).await?;
                    batch.finish(tx).await?;
                    Ok(outcome)
                })
            })
            .await?;
        self.report.changed += outcome.changed;
        for bad in outcome.bad {
            self.reject(bad);
        }
        self.progress.rows(self.report.read);
        self.pace.rest(step, self.store.is_served()).await;
        Ok(())
    }

    fn reject(&mut self, (line, reason): Line<String>) {
        self.report.bad += 1;
        self.progress.bad(line, &reason);
    }
}
