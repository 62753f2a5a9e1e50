//! Users.

use super::feed::require_owner;
use super::{ActionConnection, Feed, FollowerConnection, FollowingConnection, TweetConnection, window};
use crate::graphql::error::{Nullable, Result};
use crate::graphql::loader::{ActionsPage, ListPage, TweetsPage};
use crate::graphql::request::Ask;
use crate::graphql::scalar::DateTime;
use crate::model::id::GlobalId;
use crate::model::{self, Entity, Relation};
use crate::reading::feed::{ActionsOf, FeedKey};
use crate::social::follow::check_flag;
use crate::store::list::List;
use async_graphql::{Context, ID, Object};
use std::sync::Arc;

/// A user.
#[derive(Clone)]
pub struct User(pub Arc<model::User>);

/// Somebody who has an account.
#[Object]
impl User {
    /// The global identifier.
    pub async fn id(&self) -> ID {
        ID(GlobalId::User(self.0.id).to_string())
    }

    /// Unique, case-insensitively; 1 to 20 of [A-Za-z0-9_].
    async fn username(&self) -> &str {
        &self.0.username
    }

    /// The name to show.
    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// What they say of themselves.
    async fn bio(&self, ctx: &Context<'_>) -> Result<&str> {
        ctx.request().fill(self.0.bio.len())?;
        Ok(&self.0.bio)
    }

    /// Their picture.
    async fn avatar_url(&self, ctx: &Context<'_>) -> Nullable<&str> {
        ctx.request().held(self.0.avatar_url.as_deref())
    }

    /// The name at the origin of an ingested account: `alice.bsky.social`, `@alice@example.social`.
    async fn handle(&self) -> Option<&str> {
        self.0.handle.as_deref()
    }

    /// The profile at the origin of an ingested account.
    async fn url(&self, ctx: &Context<'_>) -> Nullable<&str> {
        ctx.request().held(self.0.url.as_deref())
    }

    /// Whether they keep order here.
    async fn is_moderator(&self) -> bool {
        self.0.is_moderator
    }

    /// Whether they are banned. Only moderators ever see somebody who is.
    async fn is_banned(&self) -> bool {
        self.0.is_banned
    }

    /// When the account was made.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// How many tweets and replies they wrote.
    async fn tweet_count(&self) -> i64 {
        self.0.tweet_count
    }

    /// How many follow them.
    async fn follower_count(&self) -> i64 {
        self.0.follower_count
    }

    /// How many users, hashtags and other things they follow.
    async fn following_count(&self) -> i64 {
        self.0.following_count
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
            feed: FeedKey::User(self.0.id),
            retweets: false,
            window: window(first, after, last, before)?,
        };
        TweetConnection::of_ids(ctx, &*ctx.load().feed_tweets(page).await?).await
    }

    /// What they like, the newest like first.
    async fn likes(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<TweetConnection> {
        let page = ListPage(List::likes(self.0.id), window(first, after, last, before)?);
        TweetConnection::of_list(ctx, &*ctx.load().list(page).await?).await
    }

    /// Who follows this user, the newest follow first.
    async fn followers(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = "following")] flag: String,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<FollowerConnection> {
        check_flag("flag", &flag)?;
        let list = List::followers(&Entity::User(self.0.id), &flag);
        let page = ListPage(list, window(first, after, last, before)?);
        FollowerConnection::of_list(ctx, &*ctx.load().list(page).await?).await
    }

    /// Everything that this user follows: users, hashtags and external objects.
    async fn following(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = "following")] flag: String,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<FollowingConnection> {
        check_flag("flag", &flag)?;
        let page = ListPage(List::following(self.0.id, &flag), window(first, after, last, before)?);
        FollowingConnection::of_list(ctx, &*ctx.load().list(page).await?).await
    }

    /// The actions this user performed.
    async fn feed(&self) -> Feed {
        Feed::of_user(&self.0)
    }

    /// Home: what those whom this user follows did. Null, with FORBIDDEN, for anybody else.
    async fn timeline(&self, ctx: &Context<'_>) -> Nullable<Feed> {
        Some(require_owner(ctx, self.0.id).map(|()| Feed::timeline(&self.0)))
    }

    /// Every public action in which this user is the actor, the object or the target, newest first.
    async fn actions(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<ActionConnection> {
        let page = ActionsPage {
            of: ActionsOf::User(self.0.id),
            verbs: None,
            window: window(first, after, last, before)?,
        };
        Ok(ActionConnection::of_page(&*ctx.load().feed_actions(page).await?))
    }

    /// Mentions, replies, likes, retweets and new followers. Null, with FORBIDDEN, for anybody
    /// else.
    async fn notifications(&self, ctx: &Context<'_>) -> Nullable<Feed> {
        Some(require_owner(ctx, self.0.id).map(|()| Feed::notifications(&self.0)))
    }

    /// False for an anonymous viewer.
    async fn viewer_is_following(&self, ctx: &Context<'_>) -> Result<bool> {
        let target = Entity::User(self.0.id);
        Ok(ctx.load().is_following(ctx.viewer().user(), &target).await?)
    }

    /// False for an anonymous viewer.
    async fn follows_viewer(&self, ctx: &Context<'_>) -> Result<bool> {
        if ctx.viewer().user().is_none() {
            return Ok(false);
        }
        Ok(ctx.load().follows_viewer(self.0.id).await?)
    }

    /// False for an anonymous viewer.
    async fn viewer_is_blocking(&self, ctx: &Context<'_>) -> Result<bool> {
        self.viewer_has(ctx, Relation::Block).await
    }

    /// False for an anonymous viewer.
    async fn viewer_is_muting(&self, ctx: &Context<'_>) -> Result<bool> {
        self.viewer_has(ctx, Relation::Mute).await
    }
}

impl User {
    /// Whether the viewer blocks or mutes this user.
    async fn viewer_has(&self, ctx: &Context<'_>, relation: Relation) -> Result<bool> {
        if ctx.viewer().user().is_none() {
            return Ok(false);
        }
        Ok(ctx.scope().sight().await?.hides().has(relation, self.0.id))
    }
}
