//! The accounts of walls: no stream of a Mastodon server brings what they write, so it is asked for that, one account
//! after another.

use super::server::Server;
use super::status::{self, Account};
use crate::ingest::line::Broken;
use crate::ingest::news::News;
use crate::ingest::writer::Told;
use crate::ingest::{Failure, Follow, Ground};
use crate::store::ingest::Followed;
use futures_util::future::BoxFuture;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// When an account is asked for again, and at the latest where it was refused.
const AGAIN: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3_600));
/// The shortest time between two requests: servers allow about one a second.
const PAUSE: Duration = Duration::from_secs(1);
/// How many pages of an account's statuses are asked for at a time, and how many statuses are on one.
const PAGES: usize = 10;
const PAGE: &str = "40";

/// The accounts that a server is asked for.
pub(in crate::ingest) struct Accounts {
    server: Server,
    name: String,
    /// The walls that want them.
    walls: Vec<String>,
    ground: Ground,
    /// Their handles, by their keys.
    wanted: watch::Receiver<BTreeSet<String>>,
    known: HashMap<String, Known>,
}

/// What is known of an account.
struct Known {
    /// What the server calls it.
    id: Option<String>,
    /// The newest of its statuses that was taken.
    position: Option<String>,
    due: Instant,
    refusals: u32,
}

impl Accounts {
    pub(in crate::ingest) fn new(
        server: Server,
        walls: &[String],
        ground: Ground,
        wanted: watch::Receiver<BTreeSet<String>>,
    ) -> Self {
        let mut walls = walls.to_vec();
        walls.sort_unstable();
        Self {
            name: format!("{} accounts", server.name()),
            server,
            walls,
            ground,
            wanted,
            known: HashMap::new(),
        }
    }

    /// Waits until it is an account's turn.
    async fn turn(&mut self) -> Result<String, Failure> {
        loop {
            let handles = self.wanted.borrow_and_update().clone();
            self.known.retain(|handle, _| handles.contains(handle));
            if handles.iter().any(|handle| !self.known.contains_key(handle)) {
                self.meet(handles).await?;
            }
            let next = self.known.iter().min_by_key(|(_, known)| known.due);
            let next = next.map(|(handle, known)| (handle.clone(), known.due));
            let due = next.as_ref().map_or_else(Instant::now, |(_, due)| *due);
            tokio::select! {
                changed = self.wanted.changed() => changed.map_err(|_| Failure::Over)?,
                () = tokio::time::sleep_until(due), if next.is_some() => {
                    if let Some((handle, _)) = next {
                        return Ok(handle);
                    }
                }
            }
        }
    }

    /// Takes in accounts that are wanted now, each where it was followed to.
    async fn meet(&mut self, handles: BTreeSet<String>) -> Result<(), Failure> {
        let mut positions = self.ground.store.ingest_positions(self.server.name()).await?;
        for handle in handles {
            let position = positions.remove(&handle);
            self.known.entry(handle).or_insert_with(|| Known {
                id: None,
                position,
                due: Instant::now(),
                refusals: 0,
            });
        }
        Ok(())
    }

    /// Asks for what an account has written. Where the server refuses that one, the others have their turns all the
    /// same.
    async fn ask(&mut self, handle: &str) -> Result<(), Failure> {
        let asked = self.bring(handle).await;
        let Some(known) = self.known.get_mut(handle) else {
            return Ok(());
        };
        match asked {
            Ok(()) => {
                known.refusals = 0;
                known.due = Instant::now() + AGAIN.0;
            }
            Err(Failure::Line(Broken::Refused(status, _))) if status.is_client_error() && status != 429 => {
                tracing::info!(source = self.name, handle, %status, "the server does not give this account");
                let wait = AGAIN.0.saturating_mul(1 << known.refusals.min(16)).min(AGAIN.1);
                known.refusals = known.refusals.saturating_add(1);
                known.id = None;
                known.due = Instant::now() + wait;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn bring(&mut self, handle: &str) -> Result<(), Failure> {
        let id = match self.known.get(handle).and_then(|known| known.id.clone()) {
            Some(id) => id,
            None => self.look_up(handle).await?,
        };
        let path = format!("/api/v1/accounts/{id}/statuses");
        for _ in 0..PAGES {
            let since = self.known.get(handle).and_then(|known| known.position.clone());
            let newer = since.as_deref().map(|since| ("min_id", since));
            let query: Vec<_> = [("limit", PAGE)].into_iter().chain(newer).collect();
            let page: Vec<serde_json::Value> = self.server.ask(&self.ground.outside, &path, &query).await?;
            let newest = page.first().and_then(|status| status.get("id")?.as_str());
            let Some(newest) = newest.map(ToOwned::to_owned) else {
                return Ok(());
            };
            for status in page.into_iter().rev() {
                self.take(status, since.is_some()).await?;
            }
            self.reach(handle, newest).await?;
            if since.is_none() {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Asks who an account is, and tells what it is called.
    async fn look_up(&mut self, handle: &str) -> Result<String, Failure> {
        let name = handle.trim_start_matches('@');
        let query = [("acct", name)];
        let found: Account = self
            .server
            .ask(&self.ground.outside, "/api/v1/accounts/lookup", &query)
            .await?;
        let (id, author) = found.identity().ok_or(Broken::Strange)?;
        self.tell(Some(News::Known(Box::new(author))), None).await?;
        if let Some(known) = self.known.get_mut(handle) {
            known.id = Some(id.clone());
        }
        tokio::time::sleep(PAUSE).await;
        Ok(id)
    }

    /// Takes a status, `is_new` or from before the account was followed.
    async fn take(&mut self, status: serde_json::Value, is_new: bool) -> Result<(), Failure> {
        let meter = &self.ground.meter;
        meter.frame();
        let status = serde_json::from_value(status).map_err(|_| status::Malformed);
        let Ok(news) = status.and_then(|status| status::news(self.server.name(), status, |_| true)) else {
            meter.skip("malformed");
            return Ok(());
        };
        if let Some(News::Posted(post)) = &news {
            meter.matched.inc();
            if is_new {
                meter.read(post.created_at);
            }
        }
        self.tell(news, None).await
    }

    /// Notes how far an account was followed.
    async fn reach(&mut self, handle: &str, position: String) -> Result<(), Failure> {
        let followed = Followed {
            source: self.server.name().to_string(),
            part: handle.to_owned(),
            position: position.clone(),
        };
        if let Some(known) = self.known.get_mut(handle) {
            known.position = Some(position);
        }
        self.tell(None, Some(followed)).await
    }

    async fn tell(&self, news: Option<News>, followed: Option<Followed>) -> Result<(), Failure> {
        let told = Told {
            news,
            reached: followed.into_iter().collect(),
        };
        self.ground.telling.send(told).await.map_err(|_| Failure::Over)
    }
}

impl Follow for Accounts {
    fn name(&self) -> &str {
        &self.name
    }

    /// Other walls are other work.
    fn work(&self) -> String {
        format!("ingest {} {}", self.name, self.walls.join(" "))
    }

    fn follow<'f>(&'f mut self, alive: &'f mut (dyn FnMut() + Send)) -> BoxFuture<'f, Result<(), Failure>> {
        Box::pin(async move {
            loop {
                let handle = self.turn().await?;
                self.ask(&handle).await?;
                alive();
                tokio::time::sleep(PAUSE).await;
            }
        })
    }
}
