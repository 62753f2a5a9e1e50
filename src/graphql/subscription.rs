//! Subscriptions.

use super::error::{ApiError, Result};
use super::loader::Loaders;
use super::object::{Hashtag, Tweet, User};
use super::request::{Ask, Scope};
use super::scalar::DateTime;
use crate::delivery;
use crate::delivery::source::Topics;
use crate::model::id::GlobalId;
use crate::model::{Change, Error, Event, Topic, text};
use async_graphql::{Context, Enum, ID, SimpleObject, Subscription};
use futures_util::stream::{self, Stream, StreamExt as _};
use std::sync::Arc;

/// The root of subscriptions.
pub struct SubscriptionRoot;

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
    /// Pass it as `after` to go on from here.
    cursor: String,
    /// When it happened.
    occurred_at: DateTime,
}

/// Which events a stream tells. The only place that says what an event means in a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The tweets with a hashtag.
    Hashtag {
        /// Its name in canonical form.
        name: String,
        /// Whether retweets are told too.
        retweets: bool,
    },
}

impl Source {
    /// What an event means in the stream, if anything.
    fn meaning(&self, event: &Event) -> Option<Change> {
        match self {
            Self::Hashtag { name, retweets } => event
                .body
                .change_in(&Topic::hashtag(name))
                .filter(|change| *retweets || *change != Change::Retweeted),
        }
    }
}

impl delivery::source::Source for Source {
    fn topics(&self) -> Topics {
        match self {
            Self::Hashtag { name, .. } => Topics::These(vec![Topic::hashtag(name)]),
        }
    }

    fn concerns(&self, event: &Event) -> bool {
        self.meaning(event).is_some()
    }
}

// Each field is asked twice: at the opening for its `Source`, and then for each event, with the
// arguments of the group's first subscriber.
#[Subscription(name = "Subscription")]
impl SubscriptionRoot {
    /// Tweets with a hashtag as they are posted, edited and deleted. With `after`, first every
    /// event since that cursor, then the live ones: none missing, none twice.
    async fn hashtag_stream<'ctx>(
        &self,
        ctx: &Context<'ctx>,
        hashtag: String,
        after: Option<String>,
        #[graphql(default = false)] include_retweets: bool,
    ) -> Result<impl Stream<Item = Result<TweetEvent>> + 'ctx> {
        let name =
            text::hashtag_key(&hashtag).ok_or_else(|| ApiError::from(Error::invalid("hashtag", "not a hashtag")))?;
        let source = Source::Hashtag {
            name: name.clone(),
            retweets: include_retweets,
        };
        let event = ctx.request().turn(source.clone(), after).await?;
        let told = event.and_then(|event| Some((source.meaning(&event)?, event)));
        let (scope, load) = (ctx.scope().clone(), ctx.load());
        let with_hashtag = ctx.look_ahead().field("hashtag").exists();
        Ok(stream::iter(told).then(move |(change, event)| {
            let (scope, load, name) = (scope.clone(), Arc::clone(&load), name.clone());
            async move {
                let hashtag = match with_hashtag {
                    true => load.hashtag(name).await?.map(Hashtag),
                    false => None,
                };
                tweet_event(&scope, &load, &event, change, hashtag).await
            }
        }))
    }
}

/// The event as it is told now: with the tweet's text of today, or without when it is gone.
async fn tweet_event(
    scope: &Scope,
    load: &Loaders,
    event: &Event,
    change: Change,
    hashtag: Option<Hashtag>,
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
        hashtag,
        cursor: event.position.encode(),
        occurred_at: DateTime(event.at),
    })
}
