//! What is wanted of a source: what its walls' rules match.

use super::Error;
use super::news::{Author, Post};
use crate::model::wall::Matcher;
use crate::model::{Result, WallId};
use crate::store::Store;
use crate::store::ingest::Wanted;
use parking_lot::RwLock;
use quick_cache::sync::Cache;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How often the walls are looked at.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);
/// How often accounts are looked up of which not all is known still.
const REMINDER: Duration = Duration::from_secs(600);

/// How many handles are remembered.
const HANDLES: usize = 50_000;

/// Makes sure that walls are there.
pub(super) async fn require(store: &Store, slugs: &[String]) -> Result<(), Error> {
    let wanted = store.wanted_by(slugs).await?;
    match slugs.iter().find(|slug| wanted.slugs().all(|there| there != *slug)) {
        Some(slug) => Err(Error::NoWall(slug.clone())),
        None => Ok(()),
    }
}

/// What some walls want.
#[derive(Clone, Debug, Default)]
pub(super) struct Interest {
    /// Of their hashtags and keywords.
    matcher: Arc<Matcher>,
    wanted: Wanted,
    /// The handles of profiles of which the walls only know those.
    called: HashMap<String, String>,
}

impl Interest {
    fn has(&self, slug: &str) -> bool {
        self.wanted.walls.iter().any(|(wall, _)| wall == slug)
    }

    /// Whether a wall wants a post.
    pub(super) fn wants(&self, post: &Post) -> bool {
        self.wanted.profiles.contains(&post.author.url)
            || !self.matcher.walls_of(&post.text, &post.hashtags, None).is_empty()
    }

    /// The handle by which a wall knows a profile and nobody here does.
    pub(super) fn handle_of(&self, profile: &str) -> Option<String> {
        self.called.get(profile).cloned()
    }
}

/// What some walls want, as it is now. Clones see the same.
#[derive(Clone, Default)]
pub(super) struct Watch(Arc<State>);

#[derive(Default)]
struct State {
    slugs: Vec<String>,
    interest: RwLock<Arc<Interest>>,
    told: Told,
    asking: Option<mpsc::Sender<String>>,
}

/// The profiles that sources have told of handles of late, wanted or not: a wall may name one later.
struct Told(Cache<String, String>);

impl Default for Told {
    fn default() -> Self {
        Self(Cache::new(HANDLES))
    }
}

impl Watch {
    /// Reads what walls want. `asking`: where handles are looked up.
    pub(super) async fn begin(
        store: &Store,
        slugs: &[String],
        asking: Option<mpsc::Sender<String>>,
    ) -> Result<Self, Error> {
        let watch = Self(Arc::new(State {
            slugs: slugs.to_vec(),
            asking,
            ..State::default()
        }));
        let missing = watch.refresh(store).await?;
        match missing.into_iter().next() {
            Some(slug) => Err(Error::NoWall(slug)),
            None => Ok(watch),
        }
    }

    /// What is wanted now.
    pub(super) fn interest(&self) -> Arc<Interest> {
        Arc::clone(&self.0.interest.read())
    }

    /// Takes over what a handle's profile is, where a wall wants to know.
    pub(super) fn learn(&self, author: &Author) {
        let Some(handle) = &author.handle else {
            return;
        };
        self.0.told.0.insert(handle.clone(), author.url.clone());
        if !self.interest().wanted.handles.contains(handle) {
            return;
        }
        tracing::info!(handle, profile = author.url, "a wall's account is known now");
        let mut interest = self.0.interest.write();
        let wanted = &mut Arc::make_mut(&mut interest).wanted;
        wanted.handles.remove(handle);
        wanted.profiles.insert(author.url.clone());
    }

    /// Reads anew what the walls want, again and again.
    pub(super) async fn run(self, store: Store, stop: CancellationToken) {
        let mut since_reminder = Duration::ZERO;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(INTERVAL) => {}
            }
            let before = self.interest();
            match self.refresh(&store).await {
                Ok(missing) => {
                    for slug in missing.iter().filter(|slug| before.has(slug)) {
                        tracing::warn!(wall = slug, "the wall is gone");
                    }
                }
                Err(error) => tracing::warn!(?error, "can't read the walls"),
            }
            since_reminder += INTERVAL;
            if since_reminder >= REMINDER {
                since_reminder = Duration::ZERO;
                let interest = self.interest();
                self.ask(interest.wanted.handles.union(&interest.wanted.nameless));
            }
        }
    }

    /// Reads what the walls want, and gives those that are not there.
    async fn refresh(&self, store: &Store) -> Result<Vec<String>> {
        let mut wanted = store.wanted_by(&self.0.slugs).await?;
        let mut called = HashMap::new();
        wanted.handles.retain(|handle| match self.0.told.0.get(handle) {
            Some(url) => {
                wanted.profiles.insert(url.clone());
                called.insert(url, handle.clone());
                false
            }
            None => true,
        });
        let before = self.interest();
        if before.wanted == wanted {
            return Ok(self.missing());
        }
        let new: HashSet<&String> = wanted.handles.difference(&before.wanted.handles).collect();
        for handle in &new {
            tracing::info!(handle, "a wall's account is matched once its DID is known");
        }
        self.ask(
            new.into_iter()
                .chain(wanted.nameless.difference(&before.wanted.nameless)),
        );
        let rules = (0..).map(WallId).zip(wanted.walls.iter().map(|(_, rules)| rules));
        let interest = Interest {
            matcher: Arc::new(Matcher::new(0, rules)?),
            wanted,
            called,
        };
        *self.0.interest.write() = Arc::new(interest);
        Ok(self.missing())
    }

    /// The walls that are not there.
    fn missing(&self) -> Vec<String> {
        let interest = self.interest();
        self.0
            .slugs
            .iter()
            .filter(|slug| !interest.has(slug))
            .cloned()
            .collect()
    }

    /// Has accounts looked up, by handles or profiles, where that is wanted.
    fn ask<'n>(&self, names: impl Iterator<Item = &'n String>) {
        if let Some(asking) = &self.0.asking {
            names.for_each(|name| drop(asking.try_send(name.clone())));
        }
    }
}
