//! Looking up what Bluesky's accounts are called: beside the stream, which never waits for it.

mod waiting;

use super::backoff::Backoff;
use super::interest::Watch;
use super::jetstream::{author, did_of, is_did};
use super::line::{Broken, Outside};
use super::news::{Author, News, address, line};
use super::writer::{Telling, Told};
use crate::model::user::{AVATAR_URL_LENGTH, BIO_LENGTH, DISPLAY_NAME_LENGTH};
use http::StatusCode;
use quick_cache::sync::Cache;
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;
use waiting::Waiting;

/// How many names may queue up while a request is under way; who comes then is not looked up.
const QUEUE: usize = 10_000;
/// How many accounts are remembered to have been looked up.
const REMEMBERED: usize = 50_000;
/// The shortest time between two requests.
const PAUSE: Duration = Duration::from_millis(500);

/// Looks up profiles.
pub(super) struct Profiles {
    url: Url,
    outside: Outside,
    queue: mpsc::Receiver<String>,
    waiting: Waiting,
    asked: Cache<String, ()>,
    backoff: Backoff,
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
            waiting: Waiting::default(),
            asked: Cache::new(REMEMBERED),
            backoff: Backoff::default(),
        };
        (profiles, asking)
    }

    /// Looks up until it is cancelled, and tells the writer and those who watch walls.
    pub(super) async fn run(mut self, telling: Telling, watches: Vec<Watch>, stop: CancellationToken) {
        let mut names = Vec::new();
        let mut rested = Instant::now();
        loop {
            let due = self.waiting.next().map(|due| due.max(rested));
            tokio::select! {
                () = stop.cancelled() => return,
                came = self.queue.recv_many(&mut names, QUEUE) => {
                    if came == 0 {
                        return;
                    }
                    self.admit(names.drain(..));
                }
                () = tokio::time::sleep_until(due.unwrap_or(rested)), if due.is_some() => {
                    let turn = tokio::select! {
                        () = stop.cancelled() => return,
                        turn = self.turn(&telling, &watches) => turn,
                    };
                    let Ok(pause) = turn else { return };
                    rested = Instant::now() + pause;
                }
            }
        }
    }

    /// Lets those wait who are not known.
    fn admit(&mut self, names: impl Iterator<Item = String>) {
        for actor in names.filter_map(|name| actor(&name)) {
            if self.asked.get(&actor).is_none() {
                self.waiting.add(actor, Instant::now());
            }
        }
    }

    /// Asks for those whose turn it is. How long to rest before the next request.
    async fn turn(&mut self, telling: &Telling, watches: &[Watch]) -> Result<Duration, mpsc::error::SendError<Told>> {
        let turns = self.waiting.take(Instant::now());
        let actors: Vec<&str> = turns.iter().map(|(actor, _)| actor.as_str()).collect();
        let found = match self.look_up(&actors).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "can't look up profiles");
                match error {
                    Broken::Refused(StatusCode::BAD_REQUEST, _) => self.waiting.part(turns, Instant::now()),
                    _ => self.waiting.give_back(turns),
                }
                return Ok(self.backoff.next());
            }
        };
        self.backoff.reset();
        for (actor, turn) in turns {
            let is_it = |author: &Author| author.name == actor || author.handle.as_ref() == Some(&actor);
            match found.iter().any(is_it) {
                true => self.asked.insert(actor, ()),
                false => self.waiting.again(actor, turn, Instant::now()),
            }
        }
        for author in found {
            watches.iter().for_each(|watch| watch.learn(&author));
            let told = Told {
                news: Some(News::Known(Box::new(author))),
                reached: Vec::new(),
            };
            telling.send(told).await?;
        }
        Ok(PAUSE)
    }

    async fn look_up(&self, actors: &[&str]) -> Result<Vec<Author>, Broken> {
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
