//! Events of streams of tweets.

use crate::graphql::error::Result;
use crate::graphql::loader::Loaders;
use crate::graphql::object::{Hashtag, Tweet, User, Wall};
use crate::graphql::request::Scope;
use crate::graphql::scalar::DateTime;
use crate::model::id::GlobalId;
use crate::model::{Change, Error, Event};
use async_graphql::{Enum, ID, SimpleObject};

/// What happened to a tweet, as a stream sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TweetEventKind {
    /// Posted, or edited so that it came in (it now carries the hashtag, or matches the wall).
    Created,
    /// Edited, and it stays in.
    Updated,
    /// Deleted, or edited so that it no longer belongs.
    Deleted,
    /// Retweeted.
    Retweeted,
}

impl From<Change> for TweetEventKind {
    fn from(change: Change) -> Self {
        match change {
            Change::Created => Self::Created,
            Change::Updated => Self::Updated,
            Change::Deleted => Self::Deleted,
            Change::Retweeted => Self::Retweeted,
        }
    }
}

/// An event of a stream of tweets.
#[derive(Clone, SimpleObject)]
pub struct TweetEvent {
    /// What happened.
    kind: TweetEventKind,
    /// To which tweet.
    tweet_id: ID,
    /// Null where kind is DELETED, or, in a replay, where it is gone since.
    tweet: Option<Tweet>,
    /// Set where kind is RETWEETED.
    retweeted_by: Option<User>,
    /// The hashtag whose stream this is, with its counts as they are now.
    hashtag: Option<Hashtag>,
    /// The wall whose stream this is, with its counts as they are now.
    wall: Option<Wall>,
    /// Pass it as `after` to go on from here.
    cursor: String,
    /// When it happened.
    occurred_at: DateTime,
}

/// Whose stream an event is told in, as far as the subscriber asks for it.
#[derive(Clone, Default)]
pub(super) struct Whose {
    /// The hashtag.
    pub hashtag: Option<Hashtag>,
    /// The wall.
    pub wall: Option<Wall>,
}

/// The event as it is told now: with the tweet's text of today, or without when it is gone.
pub(super) async fn tweet_event(
    scope: &Scope,
    load: &Loaders,
    event: &Event,
    change: Change,
    whose: Whose,
) -> Result<TweetEvent> {
    let id = event
        .body
        .tweet
        .ok_or_else(|| Error::internal("an event without its tweet"))?;
    let tweet = match change {
        Change::Deleted => None,
        _ => load.tweet(id).await?,
    };
    let retweeted_by = match event.body.actor {
        Some(actor) if change == Change::Retweeted => load.user(actor).await?,
        _ => None,
    };
    let author = tweet.as_ref().map(|tweet| tweet.author);
    for user in author.into_iter().chain(event.body.actor) {
        scope.told_by(user);
    }
    Ok(TweetEvent {
        kind: change.into(),
        tweet_id: ID(GlobalId::Tweet(id).to_string()),
        tweet: tweet.map(Tweet),
        retweeted_by: retweeted_by.map(User),
        hashtag: whose.hashtag,
        wall: whose.wall,
        cursor: event.position.encode(),
        occurred_at: DateTime(event.at),
    })
}
