//! Looking up what Bluesky's accounts are called: beside the stream, which never waits for it.

use super::jetstream::{author, did_of, is_did};
use super::line::{Broken, Outside};
use super::news::{Author, News, address, line};
use super::writer::{Telling, Told};
use crate::model::user::{AVATAR_URL_LENGTH, BIO_LENGTH, DISPLAY_NAME_LENGTH};
use quick_cache::sync::Cache;
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::Url;

/// How many accounts may wait to be looked up; who comes then is not.
const QUEUE: usize = 10_000;
/// How many accounts one request asks for.
const TOGETHER: usize = 25;
/// How many accounts are remembered to have been looked up.
const REMEMBERED: usize = 50_000;
/// The shortest time between two requests.
const PAUSE: Duration = Duration::from_millis(500);
/// How long to wait after a request that failed.
const LONG_PAUSE: Duration = Duration::from_secs(30);

/// Looks up profiles.
pub(super) struct Profiles {
    url: Url,
    outside: Outside,
    queue: mpsc::Receiver<String>,
    asked: Cache<String, ()>,
}

#[derive(Deserialize)]
struct Answer {
    profiles: Vec<Profile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    did: String,
    handle: String,
    display_name: Option<String>,
    description: Option<String>,
    avatar: Option<String>,
}

impl Profiles {
    /// What looks up, and where to say whom: by a profile's address, a DID or a handle.
    pub(super) fn new(url: Url, outside: Outside) -> (Self, mpsc::Sender<String>) {
        let (asking, queue) = mpsc::channel(QUEUE);
        let profiles = Self {
            url,
            outside,
            queue,
            asked: Cache::new(REMEMBERED),
        };
        (profiles, asking)
    }

    pub(super) async fn run(mut self, telling: Telling, stop: CancellationToken) {
        let mut names = Vec::new();
        loop {
            let waiting = self.queue.recv_many(&mut names, TOGETHER);
            let came = tokio::select! {
                () = stop.cancelled() => return,
                came = waiting => came,
            };
            if came == 0 {
                return;
            }
            let actors = names.drain(..).filter_map(|name| actor(&name));
            let mut actors: Vec<String> = actors.filter(|actor| self.asked.get(actor).is_none()).collect();
            actors.sort_unstable();
            actors.dedup();
            let pause = match self.look_up(&actors).await {
                Ok(found) => {
                    actors.into_iter().for_each(|actor| self.asked.insert(actor, ()));
                    for author in found {
                        let told = Told {
                            news: Some(News::Known(Box::new(author))),
                            reached: Vec::new(),
                        };
                        if telling.send(told).await.is_err() {
                            return;
                        }
                    }
                    PAUSE
                }
                Err(error) => {
                    tracing::warn!(%error, "can't look up profiles");
                    LONG_PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn look_up(&self, actors: &[String]) -> Result<Vec<Author>, Broken> {
        if actors.is_empty() {
            return Ok(Vec::new());
        }
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/xrpc/app.bsky.actor.getProfiles"));
        url.query_pairs_mut()
            .extend_pairs(actors.iter().map(|actor| ("actors", actor)));
        let answer: Answer = self.outside.json(&url, None).await?;
        let profiles = answer.profiles.into_iter();
        Ok(profiles
            .filter(|profile| is_did(&profile.did))
            .map(Profile::author)
            .collect())
    }
}

impl Profile {
    fn author(self) -> Author {
        let text = |text: Option<String>, most| text.and_then(|text| line(&text, most));
        Author {
            handle: line(&self.handle.to_lowercase(), BIO_LENGTH).filter(|handle| handle != "handle.invalid"),
            display_name: text(self.display_name, DISPLAY_NAME_LENGTH),
            bio: text(self.description, BIO_LENGTH),
            avatar_url: self
                .avatar
                .as_deref()
                .and_then(address)
                .filter(|url| url.len() <= AVATAR_URL_LENGTH),
            ..author(&self.did)
        }
    }
}

/// What Bluesky is asked for: a DID or a handle; nobody of another network.
fn actor(name: &str) -> Option<String> {
    match did_of(name) {
        Some(did) => Some(did.to_owned()),
        None if name.starts_with("http") || name.contains('@') || name.contains('/') => None,
        None => Some(name.to_owned()),
    }
}
