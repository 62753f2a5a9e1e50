//! Following outside sources: their posts become tweets while they are written.
//!
//! - A source is read over one line at a time (`jetstream`, `mastodon`), which is begun anew
//!   when it breaks.
//! - What it tells waits in one bounded queue for the `writer`, which commits it with the
//!   positions that the sources have reached. A full queue slows the lines down, and nothing is
//!   thrown away.

mod account;
mod backoff;
mod commit;
mod facts;
mod html;
mod interest;
mod jetstream;
mod line;
mod mastodon;
pub mod metrics;
mod namesake;
mod news;
mod profile;
pub mod progress;
mod recent;
mod sse;
mod writer;

use crate::store::Store;
use crate::store::lease::{self, Lease};
use backoff::Backoff;
use futures_util::future::BoxFuture;
use interest::Watch;
use jetstream::Jetstream;
use line::{Broken, Outside};
use mastodon::{Mastodon, Server, Walls};
use metrics::{Meter, Metrics};
use profile::Profiles;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;
use writer::{Telling, Writer};

/// What is to be followed, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The sources.
    pub sources: Vec<Source>,
    /// Where Bluesky's profiles are looked up; none: not at all.
    pub profiles: Option<Url>,
    /// How many tweets a second are written at the most.
    pub rate: f64,
}

/// A source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Bluesky, over a Jetstream, for some walls.
    Jetstream {
        /// A WebSocket's address.
        url: Url,
        /// The slugs of the walls.
        walls: Vec<String>,
    },
    /// A Mastodon server, by hashtags, and by those and the accounts of some walls.
    Mastodon {
        /// The server's address: a WebSocket's for its WebSocket, else for server-sent events.
        url: Url,
        /// What the server knows the reader by, where it wants to.
        token: Option<String>,
        /// The hashtags, by their keys.
        hashtags: Vec<String>,
        /// The slugs of the walls.
        walls: Vec<String>,
    },
}

/// Why ingestion can't begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A wall is not there.
    #[error("there is no wall {0}")]
    NoWall(String),
    /// The database fails.
    #[error("the database failed")]
    Store(#[from] crate::model::Error),
}

/// Why a source is no longer followed over a line.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Line(#[from] Broken),
    #[error("can't read how far it was followed: {0}")]
    Store(#[from] crate::model::Error),
    #[error("the source ended it: {0}")]
    Ended(String),
    #[error("nobody writes any more")]
    Over,
}

/// What a source is followed with.
#[derive(Clone)]
struct Ground {
    store: Store,
    outside: Outside,
    telling: Telling,
    meter: Meter,
    /// What is wanted of it, where that is not said by itself.
    watch: Watch,
}

/// A source that is read over one line at a time.
trait Follow: Send {
    /// What it is called in the log.
    fn name(&self) -> &str;

    /// What one process at a time does for all.
    fn work(&self) -> String {
        format!("ingest {}", self.name())
    }

    /// Follows it over one line, until that ends. `alive` is told of each sign of life.
    fn follow<'f>(&'f mut self, alive: &'f mut (dyn FnMut() + Send)) -> BoxFuture<'f, Result<(), Failure>>;
}

/// Follows sources until it is cancelled; what was taken by then is written.
///
/// # Errors
/// [`Error`], when it can't begin. What fails later is tried again.
pub async fn run(store: &Store, options: Options, metrics: Metrics, stop: CancellationToken) -> Result<(), Error> {
    let outside = Outside::new();
    let lookup = options.profiles.map(|url| Profiles::new(url, outside.clone()));
    let (profiles, asked) = lookup.unzip();
    let (writer, telling) = Writer::new(
        store.clone(),
        metrics.clone(),
        options.rate,
        asked.clone(),
        stop.clone(),
    );
    let tasks = TaskTracker::new();
    let mut watches = Vec::new();
    for source in options.sources {
        let ground = |name: &str, watch: Watch| Ground {
            store: store.clone(),
            outside: outside.clone(),
            telling: telling.clone(),
            meter: metrics.of(name),
            watch,
        };
        match source {
            Source::Jetstream { url, walls } => {
                let watch = Watch::begin(store, &walls, asked.clone()).await?;
                tasks.spawn(watch.clone().run(store.clone(), stop.clone()));
                watches.push(watch.clone());
                let ground = ground(url.host_str().unwrap_or_default(), watch);
                tasks.spawn(keep(store.clone(), Jetstream::new(url, walls, ground), stop.clone()));
            }
            Source::Mastodon {
                url,
                token,
                hashtags,
                walls,
            } => {
                let ground = ground(url.host_str().unwrap_or_default(), Watch::default());
                let server = Server::new(url, token);
                if walls.is_empty() {
                    for hashtag in hashtags {
                        let source = Mastodon::new(server.clone(), hashtag, ground.clone());
                        tasks.spawn(keep(store.clone(), source, stop.clone()));
                    }
                    continue;
                }
                interest::require(store, &walls).await?;
                let walls = Walls::new(server, hashtags, walls, ground, tasks.clone());
                tasks.spawn(walls.run(stop.clone()));
            }
        }
    }
    if let Some(profiles) = profiles {
        tasks.spawn(profiles.run(telling.clone(), watches, stop.clone()));
    }
    drop((telling, asked));
    tasks.close();
    writer.run().await;
    tasks.wait().await;
    Ok(())
}

/// Follows a source whenever no other process does.
async fn keep(store: Store, mut source: impl Follow, stop: CancellationToken) {
    let mut lease = store.lease(source.work());
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = stand_by(&mut lease, source.name()) => {}
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = lease.lost() => {}
            () = follow(&mut source) => break,
        }
    }
    lease.release().await;
}

/// Waits until a source is this process's to follow.
async fn stand_by(lease: &mut Lease, source: &str) {
    let mut told = false;
    loop {
        match lease.hold().await {
            Ok(true) => return,
            Ok(false) if told => {}
            Ok(false) => {
                tracing::info!(source, "standing by: another process follows it");
                told = true;
            }
            Err(error) => tracing::warn!(source, ?error, "can't see who follows it"),
        }
        tokio::time::sleep(lease::STAND_BY).await;
    }
}

/// Begins lines to a source, one after another, for as long as anybody writes what it tells.
async fn follow(source: &mut impl Follow) {
    let mut backoff = Backoff::default();
    loop {
        let mut alive = || backoff.reset();
        let ended = source.follow(&mut alive).await;
        let wait = backoff.next();
        let again = wait.as_secs_f64();
        match ended {
            Ok(()) => tracing::info!(source = source.name(), again, "disconnected"),
            Err(Failure::Over) => return,
            Err(error) => tracing::warn!(source = source.name(), again, %error, "disconnected"),
        }
        tokio::time::sleep(wait).await;
    }
}
