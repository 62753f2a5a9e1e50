//! Queries. What does not exist is null.

use super::error::{Nullable, Result};
use super::loader::ListPage;
use super::object::{
    Action, ExternalObject, Feed, FeedGroup, Hashtag, ModerationActConnection, Node, Tweet, TweetConnection, User,
    UserConnection, Wall, find_feed, of_group, window,
};
use super::request::Ask;
use super::scalar::DateTime;
use crate::model::id::GlobalId;
use crate::model::user::{check_line, username_key};
use crate::model::wall::slug_key;
use crate::model::{self, Entity, Error, ObjectKey, Relation, UserId, Window, page, text};
use crate::reading::{moderation, search, trend};
use crate::store::list::List;
use async_graphql::{Context, ID, Object};
use futures_util::future::{join_all, try_join_all};
use std::sync::Arc;

/// The root of queries.
pub struct Query;

/// How many nodes may be asked for at once.
const MOST_NODES: usize = 100;

#[Object]
impl Query {
    /// The object with a global identifier; null where there is none that the viewer may see.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Nullable<Node> {
        node(ctx, &id).await.transpose()
    }

    /// In the order asked; null where there is no such object. At most 100.
    async fn nodes(&self, ctx: &Context<'_>, ids: Vec<ID>) -> Result<Vec<Nullable<Node>>> {
        if ids.len() > MOST_NODES {
            return Err(Error::invalid("ids", format!("at most {MOST_NODES} ids")).into());
        }
        let nodes = join_all(ids.iter().map(|id| node(ctx, id))).await;
        Ok(nodes.into_iter().map(Result::transpose).collect())
    }

    /// Who is asking; null when anonymous.
    async fn viewer(&self, ctx: &Context<'_>) -> Nullable<User> {
        user(ctx, ctx.viewer().user()).await.transpose()
    }

    /// The user of a username, whatever its case.
    async fn user(&self, ctx: &Context<'_>, username: String) -> Nullable<User> {
        match ctx.load().user_named(username_key(&username)).await {
            Ok(id) => user(ctx, id).await.transpose(),
            Err(error) => Some(Err(error.into())),
        }
    }

    /// The tweet of an id.
    async fn tweet(&self, ctx: &Context<'_>, id: ID) -> Nullable<Tweet> {
        let Some(GlobalId::Tweet(id)) = GlobalId::parse(&id) else {
            return None;
        };
        let tweet = ctx.load().tweet(id).await;
        tweet.map(|tweet| tweet.map(Tweet)).map_err(Into::into).transpose()
    }

    /// All public tweets, newest first. `contains` matches a part of the text, ignoring case.
    #[expect(clippy::too_many_arguments, reason = "they are the field's arguments")]
    async fn tweets(
        &self,
        ctx: &Context<'_>,
        contains: Option<String>,
        author: Option<String>,
        hashtag: Option<String>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<TweetConnection> {
        let window = window(first, after, last, before)?;
        let nothing = page::Page::default();
        let mut filter = search::Filter {
            contains: contains.map(|part| text::normalize(&part).into_owned()),
            ..search::Filter::default()
        };
        check_line("contains", filter.contains.as_deref().unwrap_or_default(), LONGEST_PART)?;
        if let Some(name) = author {
            let key = username_key(&name);
            let id = ctx.load().user_named(key.clone()).await?;
            let Some(author) = user(ctx, id).await? else {
                return TweetConnection::of_ids(ctx, &nothing).await;
            };
            filter.author = Some((author.0.id, key));
        }
        if let Some(name) = hashtag {
            let Some(key) = text::hashtag_key(&name) else {
                return TweetConnection::of_ids(ctx, &nothing).await;
            };
            filter.hashtag = Some(key);
        }
        let page = search::tweets(ctx.scope().store(), &ctx.scope().sight().await?, filter, window).await?;
        TweetConnection::of_ids(ctx, &page).await
    }

    /// A hashtag; null until it is first used or followed.
    async fn hashtag(&self, ctx: &Context<'_>, name: String) -> Nullable<Hashtag> {
        let tag = ctx.load().hashtag(text::hashtag_key(&name)?).await;
        tag.map(|tag| tag.map(Hashtag)).map_err(Into::into).transpose()
    }

    /// The hashtags used most since then (24 hours back when left out).
    async fn trending_hashtags(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 10)] first: i32,
        since: Option<DateTime>,
    ) -> Result<Vec<Hashtag>> {
        let first = page::size("first", first)?;
        let since = since.map(|since| since.0);
        let trending = trend::trending(ctx.scope().store(), since, first).await?;
        hashtags(ctx, trending.into_iter().map(|(name, _)| name)).await
    }

    /// The hashtags that more people use now than is usual for them, the furthest above it first.
    async fn rising_hashtags(&self, ctx: &Context<'_>, #[graphql(default = 10)] first: i32) -> Result<Vec<Hashtag>> {
        let first = page::size("first", first)?;
        hashtags(ctx, trend::rising(ctx.scope().store(), first).await?.into_iter()).await
    }

    /// Users whose username or display name contains this, ignoring case, the most followed first.
    async fn users(
        &self,
        ctx: &Context<'_>,
        contains: String,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<UserConnection> {
        let window = window(first, after, last, before)?;
        check_line("contains", &contains, LONGEST_PART)?;
        let part = text::normalize(&contains);
        let page = search::users(ctx.scope().store(), &ctx.scope().sight().await?, &part, window).await?;
        UserConnection::of_list(ctx, &page.map(Entity::User)).await
    }

    /// Hashtags that begin with this, the most used first.
    async fn hashtags(
        &self,
        ctx: &Context<'_>,
        prefix: String,
        #[graphql(default = 10)] first: i32,
    ) -> Result<Vec<Hashtag>> {
        let first = page::size("first", first)?;
        let prefix = text::normalize(prefix.trim_start_matches(['#', '＃'])).to_lowercase();
        check_line("prefix", &prefix, LONGEST_PART)?;
        let found = ctx.scope().store().hashtags_with_prefix(&prefix, first).await?;
        Ok(found.into_iter().map(|tag| Hashtag(Arc::new(tag))).collect())
    }

    /// Whom the viewer blocks, the newest first.
    async fn blocked_users(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<UserConnection> {
        let list = List::of_relation(Relation::Block, ctx.viewer().require_user()?);
        hidden_users(ctx, list, window(first, after, last, before)?).await
    }

    /// Whom the viewer mutes, the newest first.
    async fn muted_users(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<UserConnection> {
        let list = List::of_relation(Relation::Mute, ctx.viewer().require_user()?);
        hidden_users(ctx, list, window(first, after, last, before)?).await
    }

    /// Who is banned, the newest first. Moderators only.
    async fn banned_users(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<UserConnection> {
        ctx.social().check_moderator(ctx.viewer()).await?;
        hidden_users(ctx, List::banned(), window(first, after, last, before)?).await
    }

    /// What moderators did, and the operator of the server by commands, the newest first: bans, roles,
    /// passwords, walls. With `userId` what was done to that user. Moderators only.
    async fn moderation_log(
        &self,
        ctx: &Context<'_>,
        user_id: Option<ID>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<ModerationActConnection> {
        ctx.social().check_moderator(ctx.viewer()).await?;
        let window = window(first, after, last, before)?;
        let to = match user_id.map(|id| GlobalId::parse(&id)) {
            Some(Some(GlobalId::User(id))) => Some(id),
            Some(_) => return Ok(ModerationActConnection::of_page(&page::Page::default())),
            None => None,
        };
        let page = moderation::acts(ctx.scope().store(), to, window).await?;
        Ok(ModerationActConnection::of_page(&page))
    }

    /// The feed of a group and slug; null where there is none.
    async fn feed(&self, ctx: &Context<'_>, group: FeedGroup, slug: String) -> Nullable<Feed> {
        find_feed(ctx, group.into(), &slug).await.transpose()
    }

    /// The wall of a slug, whatever its case.
    async fn wall(&self, ctx: &Context<'_>, slug: String) -> Nullable<Wall> {
        let slug = slug_key(&slug)?;
        let wall = async {
            match ctx.load().wall_named(slug).await? {
                Some(id) => Ok(ctx.load().wall(id).await?.map(Wall)),
                None => Ok(None),
            }
        };
        wall.await.transpose()
    }

    /// All walls, the newest first.
    async fn walls(&self, ctx: &Context<'_>) -> Result<Vec<Wall>> {
        let load = ctx.load();
        let ids = ctx.scope().store().wall_ids().await?;
        let walls = try_join_all(ids.into_iter().map(|id| load.wall(id))).await?;
        Ok(walls.into_iter().flatten().map(Wall).collect())
    }

    /// What lives outside; null until an action first names it.
    async fn external_object(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "type")] kind: String,
        key: String,
    ) -> Nullable<ExternalObject> {
        let object = ctx.load().object(ObjectKey::new(&kind, &key)?).await;
        let object = object.map(|object| object.map(ExternalObject));
        object.map_err(Into::into).transpose()
    }

    /// Where the event log stands, taken before anything else in the operation is read. Query,
    /// then subscribe with this as `after`: nothing that happened in between is missed.
    async fn event_cursor(&self, ctx: &Context<'_>) -> String {
        ctx.request().position.encode()
    }
}

/// The most characters of a text to look for.
const LONGEST_PART: usize = 1_000;

/// A page of users whom somebody hides.
async fn hidden_users(ctx: &Context<'_>, list: List, window: Window) -> Result<UserConnection> {
    let page = ctx.load().list(ListPage(list, window)).await?;
    UserConnection::of_hidden(ctx, &page).await
}

/// The hashtags of these names, in their order.
async fn hashtags(ctx: &Context<'_>, names: impl Iterator<Item = String>) -> Result<Vec<Hashtag>> {
    let load = ctx.load();
    let tags = try_join_all(names.map(|name| load.hashtag(name))).await?;
    Ok(tags.into_iter().flatten().map(Hashtag).collect())
}

async fn user(ctx: &Context<'_>, id: Option<UserId>) -> Result<Option<User>> {
    match id {
        Some(id) => Ok(ctx.load().user(id).await?.map(User)),
        None => Ok(None),
    }
}

async fn node(ctx: &Context<'_>, id: &str) -> Result<Option<Node>> {
    let load = ctx.load();
    Ok(match GlobalId::parse(id) {
        Some(GlobalId::User(id)) => load.user(id).await?.map(|user| Node::User(User(user))),
        Some(GlobalId::Tweet(id)) => load.tweet(id).await?.map(|tweet| Node::Tweet(Tweet(tweet))),
        Some(GlobalId::Hashtag(name)) => match text::hashtag_key(&name).filter(|key| *key == name) {
            Some(key) => load.hashtag(key).await?.map(|tag| Node::Hashtag(Hashtag(tag))),
            None => None,
        },
        Some(GlobalId::Action(id)) => load.action(id).await?.map(|action| Node::Action(Action(action))),
        Some(GlobalId::Feed(group, slug)) => feed_node(ctx, group, &slug).await?,
        Some(GlobalId::Group(id)) => of_group(ctx, id).await?.map(Node::ActionGroup),
        Some(GlobalId::Wall(id)) => load.wall(id).await?.map(|wall| Node::Wall(Wall(wall))),
        Some(GlobalId::Object(key)) => load
            .object(key)
            .await?
            .map(|object| Node::ExternalObject(ExternalObject(object))),
        None => None,
    })
}

/// A feed whose viewer may see it; a private one of somebody else is nothing.
async fn feed_node(ctx: &Context<'_>, group: model::FeedGroup, slug: &str) -> Result<Option<Node>> {
    if group.is_private() {
        let owner = ctx.load().user_named(username_key(slug)).await?;
        if owner.is_none() || owner != ctx.viewer().user() {
            return Ok(None);
        }
    }
    Ok(find_feed(ctx, group, slug).await?.map(Node::Feed))
}
