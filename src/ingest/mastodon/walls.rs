//! What a Mastodon server is followed for: hashtags that were given, and those and the accounts that walls have now.

use super::Mastodon;
use super::accounts::Accounts;
use super::server::Server;
use crate::ingest::{Ground, interest, keep};
use crate::store::ingest::Wanted;
use std::collections::{BTreeSet, HashMap};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Follows a server for walls, and for hashtags beside theirs.
pub(in crate::ingest) struct Walls {
    server: Server,
    hashtags: Vec<String>,
    slugs: Vec<String>,
    ground: Ground,
    tasks: TaskTracker,
    /// What ends the stream of each hashtag that is followed.
    streams: HashMap<String, CancellationToken>,
}

impl Walls {
    pub(in crate::ingest) fn new(
        server: Server,
        hashtags: Vec<String>,
        slugs: Vec<String>,
        ground: Ground,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            server,
            hashtags,
            slugs,
            ground,
            tasks,
            streams: HashMap::new(),
        }
    }

    /// Follows what the walls want now, until it is cancelled.
    pub(in crate::ingest) async fn run(mut self, stop: CancellationToken) {
        let (naming, named) = watch::channel(BTreeSet::new());
        let accounts = Accounts::new(self.server.clone(), &self.slugs, self.ground.clone(), named);
        self.tasks
            .spawn(keep(self.ground.store.clone(), accounts, stop.clone()));
        let mut before = Wanted::default();
        loop {
            match self.ground.store.wanted_by(&self.slugs).await {
                Ok(wanted) => {
                    let gone = before
                        .slugs()
                        .filter(|slug| !wanted.slugs().any(|other| other == *slug));
                    gone.for_each(|slug| tracing::warn!(wall = slug, "the wall is gone"));
                    self.stream(&wanted, &stop);
                    naming.send_if_modified(|names| {
                        let is_other = *names != wanted.fediverse;
                        names.clone_from(&wanted.fediverse);
                        is_other
                    });
                    before = wanted;
                }
                Err(error) => tracing::warn!(?error, "can't read the walls"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(interest::INTERVAL) => {}
            }
        }
    }

    /// Begins the streams that are wanted, and ends the others.
    fn stream(&mut self, wanted: &Wanted, stop: &CancellationToken) {
        let rules = wanted.walls.iter().flat_map(|(_, rules)| &rules.hashtags);
        let hashtags: BTreeSet<&String> = rules.chain(&self.hashtags).collect();
        self.streams.retain(|hashtag, end| {
            let stays = hashtags.contains(hashtag);
            if !stays {
                end.cancel();
            }
            stays
        });
        for hashtag in hashtags {
            if self.streams.contains_key(hashtag) {
                continue;
            }
            let end = stop.child_token();
            let stream = Mastodon::new(self.server.clone(), hashtag.clone(), self.ground.clone());
            self.tasks.spawn(keep(self.ground.store.clone(), stream, end.clone()));
            self.streams.insert(hashtag.clone(), end);
        }
    }
}
