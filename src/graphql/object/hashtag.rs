//! Hashtags.

use super::{Feed, FollowerConnection, TweetConnection, window};
use crate::graphql::error::Result;
use crate::graphql::loader::{ListPage, TweetsPage};
use crate::graphql::request::Ask;
use crate::model::id::GlobalId;
use crate::model::{self, Entity};
use crate::reading::feed::FeedKey;
use crate::store::follow::FOLLOWING;
use crate::store::list::List;
use async_graphql::{Context, ID, Object};
use std::sync::Arc;

/// A hashtag.
#[derive(Clone)]
pub struct Hashtag(pub Arc<model::Hashtag>);

/// A hashtag that was ever used or followed.
#[Object]
impl Hashtag {
    /// The global identifier.
    pub async fn id(&self) -> ID {
        ID(GlobalId::Hashtag(self.0.name.clone()).to_string())
    }

    /// Lower case, without the #.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// How many tweets carry it.
    async fn tweet_count(&self) -> i64 {
        self.0.tweet_count
    }

    /// Newest first.
    async fn tweets(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<TweetConnection> {
        let page = TweetsPage {
            feed: FeedKey::Hashtag(self.0.name.clone()),
            retweets: false,
            window: window(first, after, last, before)?,
        };
        TweetConnection::of_ids(ctx, &*ctx.load().feed_tweets(page).await?).await
    }

    /// The tweets that carry it, as a feed.
    async fn feed(&self) -> Feed {
        Feed::of_hashtag(&self.0.name)
    }

    /// How many users follow it.
    async fn follower_count(&self) -> i64 {
        self.0.follower_count
    }

    /// Who follows it, the newest follow first.
    async fn followers(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<FollowerConnection> {
        let list = List::followers(&Entity::Hashtag(self.0.name.clone()), FOLLOWING);
        let page = ListPage(list, window(first, after, last, before)?);
        FollowerConnection::of_list(ctx, &*ctx.load().list(page).await?).await
    }

    /// False for an anonymous viewer.
    async fn viewer_is_following(&self, ctx: &Context<'_>) -> Result<bool> {
        let target = Entity::Hashtag(self.0.name.clone());
        Ok(ctx.load().is_following(ctx.viewer().user(), &target).await?)
    }
}
