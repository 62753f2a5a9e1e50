//! A Mastodon server, by hashtags: over server-sent events or a WebSocket. For walls it is asked for accounts, too.
//!
//! Its streams have no past. So a line that begins anew first asks the hashtag's timeline for what
//! has come since the newest status that was taken.

mod accounts;
mod server;
mod status;
mod walls;

use super::line::{Broken, Events, Socket, Unusable};
use super::news::{Item, News};
use super::writer::Told;
use super::{Failure, Follow, Ground};
use crate::store::ingest::Followed;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use status::{Malformed, Status};
use std::sync::Arc;

pub(super) use server::Server;
pub(super) use walls::Walls;

/// How many pages of a timeline are asked for after a break, and how many statuses are on one.
const PAGES: usize = 25;
const PAGE: &str = "40";

/// A hashtag of a server that is followed.
pub(super) struct Mastodon {
    server: Server,
    /// As it stands in addresses.
    hashtag: String,
    name: String,
    ground: Ground,
    /// The newest status that was taken.
    position: Option<String>,
}

enum Line {
    Socket(Socket),
    Events(Events),
}

/// What came over a line.
struct Message {
    event: String,
    payload: String,
}

/// A message of a WebSocket.
#[derive(Deserialize)]
struct Frame {
    event: String,
    #[serde(default)]
    payload: serde_json::Value,
}

impl Mastodon {
    /// Follows a hashtag, given by its key.
    pub(super) fn new(server: Server, hashtag: String, ground: Ground) -> Self {
        Self {
            name: format!("{}#{hashtag}", server.name()),
            server,
            hashtag,
            ground,
            position: None,
        }
    }

    async fn connect(&self) -> Result<Line, Broken> {
        let (outside, token) = (&self.ground.outside, self.server.token());
        let tag = ("tag", self.hashtag.as_str());
        if self.server.is_socket() {
            let url = self.server.address("/api/v1/streaming", &[("stream", "hashtag"), tag]);
            return outside.socket(&url, None, token).await.map(Line::Socket);
        }
        let url = self.server.address("/api/v1/streaming/hashtag", &[tag]);
        outside.events(&url, token).await.map(Line::Events)
    }

    /// Takes what has come to the hashtag since the newest status that was taken, oldest first.
    async fn catch_up(&mut self) -> Result<(), Failure> {
        let mut since = match self.position.clone() {
            Some(position) => position,
            None => {
                let known = self.ground.store.ingest_positions(self.server.name()).await?;
                match known.get(&self.hashtag) {
                    Some(position) => position.clone(),
                    None => return Ok(()),
                }
            }
        };
        let path = format!("/api/v1/timelines/tag/{}", self.hashtag);
        for _ in 0..PAGES {
            let query = [("min_id", since.as_str()), ("limit", PAGE)];
            let page: Result<Vec<serde_json::Value>, Broken> =
                self.server.ask(&self.ground.outside, &path, &query).await;
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(source = self.name, %error, "can't ask for what was missed");
                    return Ok(());
                }
            };
            let Some(newest) = page.first().and_then(|status| status.get("id")?.as_str()) else {
                return Ok(());
            };
            newest.clone_into(&mut since);
            for status in page.into_iter().rev() {
                self.ground.meter.frame();
                self.take_status(serde_json::from_value(status)).await?;
            }
        }
        tracing::warn!(source = self.name, "more was missed than is asked for");
        Ok(())
    }

    async fn take(&mut self, message: Message) -> Result<(), Failure> {
        match message.event.as_str() {
            "update" | "status.update" => self.take_status(serde_json::from_str(&message.payload)).await,
            "delete" => {
                let id = message.payload.trim().to_owned();
                if !status::is_id(&id) {
                    self.ground.meter.skip("malformed");
                    return Ok(());
                }
                let source = Arc::clone(self.server.name());
                self.tell(Some(News::Gone(Item { source, id }))).await
            }
            _ => Ok(()),
        }
    }

    async fn take_status(&mut self, status: Result<Status, serde_json::Error>) -> Result<(), Failure> {
        let wants = |hashtags: &[String]| hashtags.contains(&self.hashtag);
        let read = status.map_err(|_| Malformed).and_then(|status| {
            let id = status.id.clone();
            Ok((id, status::news(self.server.name(), status, wants)?))
        });
        let Ok((id, news)) = read else {
            self.ground.meter.skip("malformed");
            return Ok(());
        };
        if let Some(News::Posted(post)) = &news
            && post.is_wanted
        {
            self.ground.meter.matched.inc();
            let is_newer = |last: &String| (id.len(), &id) > (last.len(), last);
            if self.position.as_ref().is_none_or(is_newer) {
                self.position = Some(id);
            }
        }
        match &news {
            Some(News::Posted(post)) => self.ground.meter.read(post.edited_at.unwrap_or(post.created_at)),
            Some(News::Reposted(repost)) => self.ground.meter.read(repost.created_at),
            _ => {}
        }
        self.tell(news).await
    }

    async fn tell(&mut self, news: Option<News>) -> Result<(), Failure> {
        if news.is_none() {
            return Ok(());
        }
        let followed = self.position.clone().map(|position| Followed {
            source: self.server.name().to_string(),
            part: self.hashtag.clone(),
            position,
        });
        let told = Told {
            news,
            reached: followed.into_iter().collect(),
        };
        self.ground.telling.send(told).await.map_err(|_| Failure::Over)
    }
}

impl Line {
    /// The next message; an error within is a frame that is no use.
    async fn next(&mut self) -> Result<Option<Result<Message, &'static str>>, Broken> {
        let reason = |unusable| match unusable {
            Unusable::TooLarge => "too_large",
            Unusable::NoText => "malformed",
        };
        match self {
            Self::Events(events) => {
                let event = events.next().await?;
                Ok(event.map(|event| {
                    event.map_err(reason).map(|event| Message {
                        event: event.name,
                        payload: event.data,
                    })
                }))
            }
            Self::Socket(socket) => {
                let frame = socket.next().await?;
                Ok(frame.map(|text| text.map_err(reason).and_then(|text| read(&text))))
            }
        }
    }
}

/// Reads a message of a WebSocket, whose payload is JSON within a text, or an id.
fn read(text: &str) -> Result<Message, &'static str> {
    let frame: Frame = serde_json::from_str(text).map_err(|_| "malformed")?;
    let payload = match frame.payload {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(Message {
        event: frame.event,
        payload,
    })
}

impl Follow for Mastodon {
    fn name(&self) -> &str {
        &self.name
    }

    fn follow<'f>(&'f mut self, alive: &'f mut (dyn FnMut() + Send)) -> BoxFuture<'f, Result<(), Failure>> {
        Box::pin(async move {
            let mut line = self.connect().await?;
            let _standing = self.ground.meter.line();
            tracing::info!(source = self.name, "connected");
            self.catch_up().await?;
            while let Some(message) = line.next().await? {
                alive();
                self.ground.meter.frame();
                match message {
                    Ok(message) => self.take(message).await?,
                    Err(reason) => self.ground.meter.skip(reason),
                }
            }
            Ok(())
        })
    }
}
