//! Subscriptions.

use super::error::{ApiError, Result};
use super::object::{Hashtag, Tweet, User};
use super::request::{Ask, Request, Scope};
use super::scalar::DateTime;
use crate::delivery::stream::Reader;
use crate::model::id::GlobalId;
use crate::model::{Change, Error, Event, Position, Topic, text};
use async_graphql::{Context, Enum, ID, SimpleObject, Subscription};
use futures_util::Stream;
use futures_util::stream::try_unfold;
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
        let after = after.as_deref().map(position).transpose()?;
        let scope = ctx.scope().clone();
        let reader = Reader::open(scope.store(), scope.broker(), Topic::hashtag(&name), after).await?;
        let request = Arc::clone(ctx.data_unchecked::<Arc<Request>>());
        Ok(try_unfold(
            (reader, scope, request),
            move |(mut reader, scope, request)| {
                let name = name.clone();
                async move {
                    loop {
                        let event = reader.next().await?;
                        let Some(change) = event.body.change_in(reader.topic()) else {
                            continue;
                        };
                        if change == Change::Retweeted && !include_retweets {
                            continue;
                        }
                        request.renew();
                        if let Some(event) = tweet_event(&scope, &event, change, &name).await? {
                            return Ok(Some((event, (reader, scope, request))));
                        }
                    }
                }
            },
        ))
    }
}

fn position(cursor: &str) -> Result<Position> {
    Position::decode(cursor).ok_or_else(|| Error::invalid("after", "not a cursor of a stream").into())
}

/// The event as it is told now: with the tweet's text of today, or without when it is gone.
async fn tweet_event(scope: &Scope, event: &Event, change: Change, hashtag: &str) -> Result<Option<TweetEvent>> {
    let Some(id) = event.body.tweet else { return Ok(None) };
    let store = scope.store();
    let tweet = match change {
        Change::Deleted => None,
        _ => crate::reading::visible::tweets(store, &[id]).await?.remove(&id),
    };
    let retweeted_by = match event.body.actor {
        Some(actor) if change == Change::Retweeted => store.users([actor]).await?.remove(&actor),
        _ => None,
    };
    let hashtag = store.hashtags([hashtag.to_owned()]).await?.into_values().next();
    Ok(Some(TweetEvent {
        kind: change.into(),
        tweet_id: ID(GlobalId::Tweet(id).to_string()),
        tweet: tweet.map(Tweet),
        retweeted_by: retweeted_by.map(User),
        hashtag: hashtag.map(Hashtag),
        cursor: event.position.encode(),
        occurred_at: DateTime(event.at),
    }))
}
