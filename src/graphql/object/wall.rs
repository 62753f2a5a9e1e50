//! Walls.

use super::top::{TopUser, top_tweets, top_users};
use super::{Hashtag, Tweet, TweetConnection, User, UserConnection, window};
use crate::graphql::error::Result;
use crate::graphql::loader::ListPage;
use crate::graphql::request::Ask;
use crate::graphql::scalar::DateTime;
use crate::model::id::GlobalId;
use crate::model::wall::Filling;
use crate::model::{self, Micros, Topic};
use crate::store::list::{List, ListKind};
use async_graphql::{Context, ID, Object};
use futures_util::future::try_join_all;
use std::sync::Arc;

/// A wall.
#[derive(Clone)]
pub struct Wall(pub Arc<model::Wall>);

impl Wall {
    fn topic(&self) -> Topic {
        Topic::wall(self.0.id)
    }
}

/// A tweet wall for an event or a topic: every tweet that carries one of its hashtags, contains one
/// of its keywords or was written by one of its accounts, except those by banned users.
#[Object]
impl Wall {
    /// The global identifier.
    pub async fn id(&self) -> ID {
        ID(GlobalId::Wall(self.0.id).to_string())
    }

    /// The name in addresses: 1 to 64 of [a-z0-9_-].
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// The name for people.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// Tweets with one of these belong to it.
    async fn hashtags(&self, ctx: &Context<'_>) -> Result<Vec<Hashtag>> {
        let load = ctx.load();
        let names = &self.0.rules.hashtags;
        let tags = try_join_all(names.iter().map(|name| load.hashtag(name.clone()))).await?;
        let tags = names.iter().zip(tags);
        Ok(tags
            .map(|(name, tag)| tag.map_or_else(|| Hashtag::unused(name), Hashtag))
            .collect())
    }

    /// Tweets that contain one of these belong to it, whatever their case.
    async fn keywords(&self) -> &[String] {
        &self.0.rules.keywords
    }

    /// Tweets by these belong to it.
    async fn accounts(&self, ctx: &Context<'_>) -> Result<Vec<User>> {
        let load = ctx.load();
        let users = try_join_all(self.0.rules.accounts.iter().map(|id| load.user(*id))).await?;
        Ok(users.into_iter().flatten().map(User).collect())
    }

    /// How many tweets it has, retweets aside.
    async fn tweet_count(&self) -> i64 {
        self.0.tweet_count
    }

    /// Whether it has taken in everything that was stored before its rules. It begins with the newest.
    async fn is_complete(&self) -> bool {
        self.0.filling == Filling::Done
    }

    /// While it is not complete: since when it has everything; null while what no longer belongs is
    /// taken out.
    async fn complete_since(&self) -> Option<DateTime> {
        match self.0.filling {
            Filling::Filling(place) => {
                // Of that very moment some are still to be looked at.
                let at = Micros(place.at.saturating_add(1));
                (Micros::MIN..=Micros::MAX).contains(&at).then_some(DateTime(at))
            }
            Filling::Emptying(_) | Filling::Done => None,
        }
    }

    /// Newest first; with retweets a tweet stands at its newest retweet.
    async fn tweets(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = true)] include_retweets: bool,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<TweetConnection> {
        let kind = match include_retweets {
            true => ListKind::WallTweets,
            false => ListKind::WallPosts,
        };
        let page = ListPage(List::of_wall(kind, self.0.id), window(first, after, last, before)?);
        TweetConnection::of_list(ctx, &*ctx.load().list(page).await?).await
    }

    /// Who wrote most of its tweets.
    async fn top_users(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 10)] first: i32,
        since: Option<DateTime>,
    ) -> Result<Vec<TopUser>> {
        top_users(ctx, self.topic(), first, since).await
    }

    /// The most retweeted of its tweets, of those posted since then.
    async fn top_tweets(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 10)] first: i32,
        since: Option<DateTime>,
    ) -> Result<Vec<Tweet>> {
        top_tweets(ctx, self.topic(), first, since).await
    }

    /// Everyone who wrote an original tweet on this wall, the newest first.
    async fn participants(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<UserConnection> {
        let list = List::of_wall(ListKind::Participants, self.0.id);
        let page = ListPage(list, window(first, after, last, before)?);
        UserConnection::of_list(ctx, &*ctx.load().list(page).await?).await
    }
}
