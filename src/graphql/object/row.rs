//! Objects that are written as JSON while they are read.
//!
//! The executor makes a future and a value of every field. Of a page's tweets and authors nearly
//! always just what their rows hold is asked for: where the answer may have it so (see
//! [`crate::graphql::written`]), such an object is written at once, and stands in the result as
//! bytes. Whatever has to be waited for, or fails, is left to the executor.

use super::{Tweet, User};
use crate::graphql::error::ApiError;
use crate::graphql::request::Ask as _;
use crate::graphql::written::Json;
use crate::model::id::GlobalId;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::{ContainerType, ContextSelectionSet, OutputType, Positioned, ServerResult, Value};
use futures_util::FutureExt as _;
use std::borrow::Cow;

/// An object that is written at once where nothing has to be waited for.
#[derive(Clone)]
pub struct Row<T>(pub T);

/// A kind of such objects.
pub trait Columns: ContainerType + OutputType {
    /// Writes what the resolver of a field would answer. None where that is not at hand.
    fn write(&self, field: &Field, ctx: &ContextSelectionSet<'_>, json: &mut Json) -> Option<()>;
}

impl Columns for Tweet {
    fn write(&self, field: &Field, ctx: &ContextSelectionSet<'_>, json: &mut Json) -> Option<()> {
        let tweet = &*self.0;
        match field.name.node.as_str() {
            "id" => json.plain(GlobalId::Tweet(tweet.id)),
            "text" => json.text(&tweet.text),
            "createdAt" => json.plain(tweet.created_at),
            "editedAt" => json.some(tweet.edited_at, Json::plain),
            "likeCount" => json.number(tweet.like_count),
            "retweetCount" => json.number(tweet.retweet_count),
            "replyCount" => json.number(tweet.reply_count),
            "url" => json.some(tweet.url.as_deref(), Json::text),
            "language" => json.some(tweet.language.as_deref(), Json::text),
            "author" => {
                let author = ctx.load().user(tweet.author).now_or_never()?.ok()??;
                object(&User(author), &field.selection_set.node, ctx, json)?;
            }
            _ => return None,
        }
        Some(())
    }
}

impl Columns for User {
    fn write(&self, field: &Field, _: &ContextSelectionSet<'_>, json: &mut Json) -> Option<()> {
        let user = &*self.0;
        match field.name.node.as_str() {
            "id" => json.plain(GlobalId::User(user.id)),
            "username" => json.text(&user.username),
            "displayName" => json.text(&user.display_name),
            "bio" => json.text(&user.bio),
            "avatarUrl" => json.some(user.avatar_url.as_deref(), Json::text),
            "handle" => json.some(user.handle.as_deref(), Json::text),
            "url" => json.some(user.url.as_deref(), Json::text),
            "createdAt" => json.plain(user.created_at),
            "tweetCount" => json.number(user.tweet_count),
            "followerCount" => json.number(user.follower_count),
            "followingCount" => json.number(user.following_count),
            _ => return None,
        }
        Some(())
    }
}

/// Writes an object. None where a part of it is not at hand, or stands in the selection twice.
fn object<T: Columns>(row: &T, selected: &SelectionSet, ctx: &ContextSelectionSet<'_>, json: &mut Json) -> Option<()> {
    json.begin();
    fields(row, selected, ctx, json, &mut Vec::with_capacity(selected.items.len()))?;
    json.end();
    Some(())
}

fn fields<'s, T: Columns>(
    row: &T,
    selected: &'s SelectionSet,
    ctx: &ContextSelectionSet<'s>,
    json: &mut Json,
    keys: &mut Vec<&'s str>,
) -> Option<()> {
    for item in &selected.items {
        match &item.node {
            Selection::Field(field) => {
                let (field, key) = (&field.node, field.node.response_key().node.as_str());
                if !field.directives.is_empty() || keys.contains(&key) {
                    return None;
                }
                keys.push(key);
                json.key(key);
                match field.name.node.as_str() {
                    "__typename" => json.text(&<T as OutputType>::type_name()),
                    _ => row.write(field, ctx, json)?,
                }
            }
            Selection::FragmentSpread(spread) if spread.node.directives.is_empty() => {
                let fragment = ctx.query_env.fragments.get(&spread.node.fragment_name.node)?;
                let of = &fragment.node.type_condition.node.on.node;
                if **of != *<T as OutputType>::type_name() {
                    return None;
                }
                fields(row, &fragment.node.selection_set.node, ctx, json, keys)?;
            }
            Selection::FragmentSpread(_) | Selection::InlineFragment(_) => return None,
        }
    }
    Some(())
}

impl<T: Columns> OutputType for Row<T> {
    fn type_name() -> Cow<'static, str> {
        <T as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let mut json = Json::default();
        if ctx.request().is_written && object(&self.0, &ctx.item.node, ctx, &mut json).is_some() {
            let filled = ctx.request().fill(json.bytes());
            let refused = |error| ApiError::from(error).at(field.pos);
            return filled
                .map(|()| json.into())
                .map_err(|error| ctx.set_error_path(refused(error)));
        }
        self.0.resolve(ctx, field).await
    }
}
