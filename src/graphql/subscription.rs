//! Subscriptions.

mod feed_event;
mod source;
mod tweet_event;

pub use feed_event::{FeedEvent, FeedEventKind};
pub use source::Source;
pub use tweet_event::TweetEvent;

use super::error::{ApiError, Result};
use super::object::{Feed, FeedGroup, Hashtag, Wall, find_feed};
use super::request::Ask;
use crate::model::wall::slug_key;
use crate::model::{self, Error, WallId, text};
use crate::reading::feed::FeedKey;
use async_graphql::{Context, Subscription};
use feed_event::feed_event;
use futures_util::stream::{self, Stream, StreamExt as _};
use std::sync::Arc;
use tweet_event::{Whose, tweet_event};

/// The root of subscriptions.
pub struct SubscriptionRoot;

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
        let told = event.and_then(|event| Some((source.tweet_change(&event)?, event)));
        let (scope, load) = (ctx.scope().clone(), ctx.load());
        let with_hashtag = ctx.look_ahead().field("hashtag").exists();
        Ok(stream::iter(told).then(move |(change, event)| {
            let (scope, load, name) = (scope.clone(), Arc::clone(&load), name.clone());
            async move {
                let hashtag = match with_hashtag {
                    true => load.hashtag(name).await?.map(Hashtag),
                    false => None,
                };
                let whose = Whose { hashtag, wall: None };
                tweet_event(&scope, &load, &event, change, whose).await
            }
        }))
    }

    /// A wall's tweets as they are posted, edited and deleted. It ends when the wall is deleted.
    async fn wall_stream<'ctx>(
        &self,
        ctx: &Context<'ctx>,
        slug: String,
        after: Option<String>,
        #[graphql(default = true)] include_retweets: bool,
    ) -> Result<impl Stream<Item = Result<TweetEvent>> + 'ctx> {
        let id = streamed_wall(ctx, &slug).await?;
        let source = Source::Wall {
            id,
            retweets: include_retweets,
        };
        let event = ctx.request().turn(source.clone(), after).await?;
        let told = event.and_then(|event| Some((source.tweet_change(&event)?, event)));
        let (scope, load) = (ctx.scope().clone(), ctx.load());
        let with_wall = ctx.look_ahead().field("wall").exists();
        Ok(stream::iter(told).then(move |(change, event)| {
            let (scope, load) = (scope.clone(), Arc::clone(&load));
            async move {
                let wall = match with_wall {
                    true => load.wall(id).await?.map(Wall),
                    false => None,
                };
                let whose = Whose { hashtag: None, wall };
                tweet_event(&scope, &load, &event, change, whose).await
            }
        }))
    }

    /// A feed as it changes. TIMELINE and NOTIFICATION: only for their owner.
    async fn feed_stream<'ctx>(
        &self,
        ctx: &Context<'ctx>,
        group: FeedGroup,
        slug: String,
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<FeedEvent>> + 'ctx> {
        let feed = streamed_feed(ctx, group.into(), &slug).await?;
        let key = feed.key().clone();
        let owned = match key {
            // Asked at the opening only: what a group hears is decided then.
            FeedKey::User(id) => !ctx.request().is_opening() || ctx.viewer().user() == Some(id),
            FeedKey::Timeline(_) | FeedKey::Notification(_) => true,
            FeedKey::Hashtag(_) | FeedKey::Object(_) => false,
        };
        let source = Source::Feed { key, owned };
        let event = ctx.request().turn(source.clone(), after).await?;
        let mut told = None;
        if let Some(event) = event {
            let follows = match feed.key() {
                FeedKey::Timeline(owner) => Some(ctx.scope().store().follows(*owner).await?),
                _ => None,
            };
            told = source.feed_change(&event, follows.as_deref()).map(|kind| (kind, event));
        }
        let (scope, load) = (ctx.scope().clone(), ctx.load());
        Ok(stream::iter(told).then(move |(kind, event)| {
            let (scope, load, feed) = (scope.clone(), Arc::clone(&load), feed.clone());
            async move { feed_event(&scope, &load, &event, kind, feed).await }
        }))
    }
}

/// The wall that a stream is of: the one that has the slug at the opening, whatever comes after it.
async fn streamed_wall(ctx: &Context<'_>, slug: &str) -> Result<WallId> {
    if let Some(Source::Wall { id, .. }) = ctx.request().telling() {
        return Ok(*id);
    }
    let id = match slug_key(slug) {
        Some(slug) => ctx.load().wall_named(slug).await?,
        None => None,
    };
    Ok(id.ok_or(Error::NotFound("wall"))?)
}

/// The feed that a stream is opened of. A hashtag's may be opened before its first use.
async fn streamed_feed(ctx: &Context<'_>, group: model::FeedGroup, slug: &str) -> Result<Feed> {
    if group == model::FeedGroup::Hashtag {
        let name = text::hashtag_key(slug).ok_or_else(|| ApiError::from(Error::invalid("slug", "not a hashtag")))?;
        return Ok(Feed::of_hashtag(&name));
    }
    let feed = find_feed(ctx, group, slug).await?;
    Ok(feed.ok_or(Error::NotFound("feed"))?)
}
