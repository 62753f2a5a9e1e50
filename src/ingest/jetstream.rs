//! Bluesky, over a Jetstream.
//!
//! Its cursor is where to begin again. What comes twice is recognised, and times do not only grow,
//! so a line begins a little before where the last one was.

mod frame;
mod record;

use super::interest::Watch;
use super::line::{Broken, Outside, Socket, Unusable};
use super::metrics::Meter;
use super::news::{News, line};
use super::writer::{Telling, Told};
use super::{Failure, Follow, Ground};
use crate::model::user::BIO_LENGTH;
use crate::model::{Clock, Micros};
use crate::store::Store;
use crate::store::ingest::Followed;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frame::{Body, Frame, Malformed, Message, Version};
use futures_util::future::BoxFuture;
use http::StatusCode;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

pub(super) use frame::is_did;
use record::SOURCE;
pub(super) use record::{author, did_of, profile};

/// How far before the last position a line begins.
const OVERLAP: Duration = Duration::from_secs(5);
/// How often a position is told that nothing else is told with.
const POSITIONS: Duration = Duration::from_secs(1);
/// How far clocks may differ.
const SKEW: Duration = Duration::from_secs(300);
/// What ends an account with all that it wrote.
const FINAL: [&str; 2] = ["deleted", "takendown"];

/// A Jetstream that is followed.
pub(super) struct Jetstream {
    url: Url,
    version: Version,
    name: Arc<str>,
    walls: Vec<String>,
    watch: Watch,
    store: Store,
    outside: Outside,
    telling: Telling,
    meter: Meter,
    network: Arc<str>,
    /// How far it was followed; none before the first frame.
    position: Option<i64>,
    /// When a position was told last.
    told: Instant,
}

impl Jetstream {
    pub(super) fn new(url: Url, walls: Vec<String>, ground: Ground) -> Self {
        let mut url = url;
        if matches!(url.path(), "" | "/") {
            url.set_path("/subscribe");
        }
        let version = match url.path().ends_with("subscribeEvents") {
            true => Version::Second,
            false => Version::First,
        };
        let Ground {
            store,
            outside,
            telling,
            meter,
            watch,
        } = ground;
        Self {
            name: url.as_str().split('?').next().unwrap_or_default().into(),
            url,
            version,
            walls,
            watch,
            store,
            outside,
            telling,
            meter,
            network: SOURCE.into(),
            position: None,
            told: Instant::now(),
        }
    }

    /// Where to begin: where this process was; else with the wall that was followed least far.
    async fn start(&self) -> Result<Option<i64>, Failure> {
        let known = self.store.ingest_positions(&self.name).await?;
        let followed = self.walls.iter().filter_map(|wall| known.get(wall)?.parse().ok());
        Ok(self.position.or(followed.min()).map(|position| match self.version {
            Version::First => Micros(position).before(OVERLAP).0,
            Version::Second => position,
        }))
    }

    fn address(&self, cursor: Option<i64>) -> Url {
        let mut url = self.url.clone();
        let mut query = url.query_pairs_mut();
        let (collections, largest) = match self.version {
            Version::First => ("wantedCollections", Some("maxMessageSizeBytes")),
            Version::Second => ("collections", None),
        };
        for collection in [record::POST, record::REPOST] {
            query.append_pair(collections, collection);
        }
        if let Some(largest) = largest {
            query.append_pair(largest, &super::line::LARGEST.to_string());
        }
        if let Some(cursor) = cursor {
            query.append_pair("cursor", &cursor.to_string());
        }
        drop(query);
        url
    }

    async fn connect(&self) -> Result<Socket, Failure> {
        let protocol = (self.version == Version::Second).then_some("xrpc.v1.json");
        let cursor = self.start().await?;
        let connected = self.outside.socket(&self.address(cursor), protocol, None).await;
        match connected {
            Err(Broken::Refused(StatusCode::BAD_REQUEST, reason)) if cursor.is_some() && reason.contains("Cursor") => {
                tracing::warn!(source = &*self.name, reason, "what was missed is no longer kept there");
                Ok(self.outside.socket(&self.address(None), protocol, None).await?)
            }
            connected => Ok(connected?),
        }
    }

    async fn take(&mut self, text: &str) -> Result<(), Failure> {
        let frame = match frame::read(self.version, text) {
            Ok(Message::Frame(frame)) => frame,
            Ok(Message::End(reason)) => return Err(Failure::Ended(reason)),
            Err(Malformed) => {
                self.meter.skip("malformed");
                return Ok(());
            }
        };
        if frame.seen_at > Micros(0) {
            self.meter.read(frame.seen_at);
        }
        let position = frame.position;
        let news = self.news(frame).unwrap_or_else(|Malformed| {
            self.meter.skip("malformed");
            None
        });
        // A time that lies ahead would skip what is still to come.
        let is_sane = self.version == Version::Second || position <= Clock.now().after(SKEW).0;
        if is_sane && self.position.is_none_or(|last| position > last) {
            self.position = Some(position);
        }
        if news.is_none() && self.told.elapsed() < POSITIONS {
            return Ok(());
        }
        self.told = Instant::now();
        let position = self.position.map(|position| position.to_string());
        let reached = self.walls.iter().filter_map(|wall| {
            Some(Followed {
                source: self.name.to_string(),
                part: wall.clone(),
                position: position.clone()?,
            })
        });
        let told = Told {
            news,
            reached: reached.collect(),
        };
        self.telling.send(told).await.map_err(|_| Failure::Over)
    }

    /// What a frame tells, if it can concern anybody.
    fn news(&mut self, frame: Frame<'_>) -> Result<Option<News>, Malformed> {
        let Frame { did, seen_at, .. } = frame;
        match frame.body {
            Body::Commit(commit) => {
                let is_edit = commit.operation == frame::Operation::Update;
                let news = record::news(&self.network, &did, seen_at, commit)?;
                let Some(News::Posted(mut post)) = news else {
                    return Ok(news);
                };
                let interest = self.watch.interest();
                post.is_wanted = interest.wants(&post);
                if post.is_wanted {
                    post.author.handle = interest.handle_of(&post.author.url);
                    self.meter.matched.inc();
                }
                Ok((post.is_wanted || is_edit).then_some(News::Posted(post)))
            }
            Body::Identity { handle: Some(handle) } => {
                let mut known = author(&did);
                known.handle = line(&handle.to_lowercase(), BIO_LENGTH);
                self.watch.learn(&known);
                Ok(Some(News::Known(Box::new(known))))
            }
            Body::Account { active: false, status } if FINAL.contains(&status.as_deref().unwrap_or_default()) => {
                Ok(Some(News::AccountGone(profile(&did))))
            }
            _ => Ok(None),
        }
    }
}

impl Follow for Jetstream {
    fn name(&self) -> &str {
        &self.name
    }

    /// Other walls are other work.
    fn work(&self) -> String {
        let mut walls: Vec<&str> = self.walls.iter().map(String::as_str).collect();
        walls.sort_unstable();
        let walls = URL_SAFE_NO_PAD.encode(Sha256::digest(walls.join(" ")));
        format!("ingest {} {walls}", self.name)
    }

    /// Follows the stream over one line.
    fn follow<'f>(&'f mut self, alive: &'f mut (dyn FnMut() + Send)) -> BoxFuture<'f, Result<(), Failure>> {
        Box::pin(async move {
            let mut socket = self.connect().await?;
            let _standing = self.meter.line();
            tracing::info!(source = &*self.name, walls = self.walls.join(","), "connected");
            while let Some(frame) = socket.next().await? {
                alive();
                self.meter.frame();
                match frame {
                    Ok(text) => self.take(&text).await?,
                    Err(Unusable::TooLarge) => self.meter.skip("too_large"),
                    Err(Unusable::NoText) => self.meter.skip("malformed"),
                }
            }
            Ok(())
        })
    }
}
