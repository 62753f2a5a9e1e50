//! Hashtags.

use super::top::{TopUser, top_tweets, top_users};
use super::{Feed, FollowerConnection, Tweet, TweetConnection, window};
use crate::graphql::error::Result;
use crate::graphql::loader::{ListPage, TweetsPage};
use crate::graphql::request::Ask;
use crate::graphql::scalar::DateTime;
use crate::model::id::GlobalId;
use crate::model::{self, Entity, Topic};
use crate::reading::feed::FeedKey;
use crate::store::follow::FOLLOWING;
use crate::store::list::List;
use async_graphql::{Context, ID, Object};
use std::sync::Arc;

/// A hashtag.
#[derive(Clone)]
pub struct Hashtag(pub Arc<model::Hashtag>);

impl Hashtag {
    /// One that nobody has used or followed yet.
    #[must_use]
    pub fn unused(name: &str) -> Self {
        Self(Arc::new(model::Hashtag {
            name: name.to_owned(),
            tweet_count: 0,
            follower_count: 0,
        }))
    }
}

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

    /// Who tweets most with this hashtag.
    async fn top_users(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 10)] first: i32,
        since: Option<DateTime>,
    ) -> Result<Vec<TopUser>> {
        top_users(ctx, Topic::hashtag(&self.0.name), first, since).await
    }

    /// The most retweeted tweets with this hashtag, of those posted since then.
    async fn top_tweets(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 10)] first: i32,
        since: Option<DateTime>,
    ) -> Result<Vec<Tweet>> {
        top_tweets(ctx, Topic::hashtag(&self.0.name), first, since).await
    }

    /// False for an anonymous viewer.
    async fn viewer_is_following(&self, ctx: &Context<'_>) -> Result<bool> {
        let target = Entity::Hashtag(self.0.name.clone());
        Ok(ctx.load().is_following(ctx.viewer().user(), &target).await?)
    }
}
