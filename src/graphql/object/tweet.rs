//! Tweets.

use super::{ActionConnection, Hashtag, Row, TweetConnection, User, UserConnection, window};
use crate::graphql::error::{Nullable, Result};
use crate::graphql::loader::{ActionsPage, ListPage};
use crate::graphql::request::Ask;
use crate::graphql::scalar::DateTime;
use crate::model::id::GlobalId;
use crate::model::{self, Error, Window};
use crate::reading::feed::ActionsOf;
use crate::store::list::{List, ListKind};
use async_graphql::{Context, ID, Object};
use futures_util::future::try_join_all;
use std::sync::Arc;

/// A tweet.
#[derive(Clone)]
pub struct Tweet(pub Arc<model::Tweet>);

impl Tweet {
    fn list(&self, kind: ListKind, window: Window) -> ListPage {
        ListPage(List::of_tweet(kind, self.0.id), window)
    }
}

/// A short text that somebody posted.
#[Object]
impl Tweet {
    /// The global identifier.
    pub async fn id(&self) -> ID {
        ID(GlobalId::Tweet(self.0.id).to_string())
    }

    /// As it was written.
    async fn text(&self, ctx: &Context<'_>) -> Result<&str> {
        ctx.request().fill(self.0.text.len())?;
        Ok(&self.0.text)
    }

    /// Who wrote it.
    async fn author(&self, ctx: &Context<'_>) -> Result<Row<User>> {
        let author = ctx.load().user(self.0.author).await?.map(User);
        Ok(author.map(Row).ok_or(Error::NotFound("author"))?)
    }

    /// When it was posted.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Null until the text is first edited.
    async fn edited_at(&self) -> Option<DateTime> {
        self.0.edited_at.map(DateTime)
    }

    /// In order of first appearance in the text, each once.
    async fn hashtags(&self, ctx: &Context<'_>) -> Result<Vec<Hashtag>> {
        let load = ctx.load();
        let tags = try_join_all(self.0.hashtags.iter().map(|name| load.hashtag(name.clone()))).await?;
        Ok(tags.into_iter().flatten().map(Hashtag).collect())
    }

    /// Existing users mentioned in the text, in order of first appearance, each once.
    async fn mentions(&self, ctx: &Context<'_>) -> Result<Vec<User>> {
        let load = ctx.load();
        let users = try_join_all(self.0.mentions.iter().map(|id| load.user(*id))).await?;
        Ok(users.into_iter().flatten().map(User).collect())
    }

    /// The tweet that this one answers; null when it is gone.
    async fn in_reply_to(&self, ctx: &Context<'_>) -> Nullable<Tweet> {
        let parent = ctx.load().tweet(self.0.in_reply_to?).await;
        parent.map(|tweet| tweet.map(Tweet)).map_err(Into::into).transpose()
    }

    /// Oldest first.
    async fn replies(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<TweetConnection> {
        let page = self.list(ListKind::Replies, window(first, after, last, before)?);
        TweetConnection::of_list(ctx, &*ctx.load().list(page).await?).await
    }

    /// How many like it, with those at its origin.
    async fn like_count(&self) -> i64 {
        self.0.like_count
    }

    /// How many retweeted it, with those at its origin.
    async fn retweet_count(&self) -> i64 {
        self.0.retweet_count
    }

    /// How many tweets answer it, with those at its origin.
    async fn reply_count(&self) -> i64 {
        self.0.reply_count
    }

    /// Who likes it, the newest like first.
    async fn likers(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<UserConnection> {
        let page = self.list(ListKind::Likers, window(first, after, last, before)?);
        UserConnection::of_list(ctx, &*ctx.load().list(page).await?).await
    }

    /// Who retweeted it, the newest retweet first.
    async fn retweeters(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<UserConnection> {
        let page = self.list(ListKind::Retweeters, window(first, after, last, before)?);
        UserConnection::of_list(ctx, &*ctx.load().list(page).await?).await
    }

    /// False for an anonymous viewer.
    async fn viewer_has_liked(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(ctx.load().reacted(self.0.id).await?.liked)
    }

    /// False for an anonymous viewer.
    async fn viewer_has_retweeted(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(ctx.load().reacted(self.0.id).await?.retweeted)
    }

    /// Every public action in which this tweet is the object or the target.
    async fn actions(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<ActionConnection> {
        let page = ActionsPage {
            of: ActionsOf::Tweet(self.0.id),
            verbs: None,
            window: window(first, after, last, before)?,
        };
        Ok(ActionConnection::of_page(&*ctx.load().feed_actions(page).await?))
    }

    /// The address of the original, for a tweet that was imported or ingested.
    async fn url(&self, ctx: &Context<'_>) -> Nullable<&str> {
        ctx.request().held(self.0.url.as_deref())
    }

    /// The language that the origin names, as BCP 47 has it: `pt-BR`; null where it names none.
    async fn language(&self) -> Option<&str> {
        self.0.language.as_deref()
    }
}
