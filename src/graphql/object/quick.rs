//! Objects of which most is known at once.
//!
//! The executor makes a future of every field and waits for all of an object's together. Of a
//! page's tweets and authors nearly always just what their rows hold is asked for: then their
//! fields are taken one after the other, from the same resolvers, which have nothing to wait for.

use super::{Tweet, User};
use crate::graphql::request::Ask as _;
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection};
use async_graphql::registry::Registry;
use async_graphql::{ContainerType, Context, ContextSelectionSet, OutputType, Positioned, ServerResult, Value};
use futures_util::FutureExt as _;
use std::borrow::Cow;

/// An object whose fields are taken at once where nothing has to be waited for.
#[derive(Clone)]
pub struct Quick<T>(pub T);

/// A kind of such objects.
pub trait Rows: ContainerType {
    /// Whether the resolver of a field has all that it needs.
    fn has(&self, field: &str, ctx: &Context<'_>) -> bool;
}

impl Rows for Tweet {
    fn has(&self, field: &str, ctx: &Context<'_>) -> bool {
        match field {
            "id" | "text" | "createdAt" | "editedAt" | "likeCount" | "retweetCount" | "replyCount" | "url" => true,
            "author" => ctx.scope().store().cached_user(self.0.author).is_some(),
            _ => false,
        }
    }
}

impl Rows for User {
    fn has(&self, field: &str, _: &Context<'_>) -> bool {
        matches!(
            field,
            "id" | "username"
                | "displayName"
                | "bio"
                | "avatarUrl"
                | "createdAt"
                | "tweetCount"
                | "followerCount"
                | "followingCount"
        )
    }
}

impl<T: Rows> Quick<T> {
    /// The object, unless something in it has to be waited for, or the selection is more than
    /// fields with keys of their own.
    fn at_once(&self, ctx: &ContextSelectionSet<'_>) -> Option<ServerResult<Value>> {
        let items = &ctx.item.node.items;
        let mut object = IndexMap::with_capacity(items.len());
        for item in items {
            let Selection::Field(field) = &item.node else {
                return None;
            };
            let within = ctx.with_field(field);
            if !field.node.directives.is_empty() || !self.0.has(&field.node.name.node, &within) {
                return None;
            }
            let value = match self.0.resolve_field(&within).now_or_never()? {
                Ok(value) => value.unwrap_or_default(),
                Err(error) => return Some(Err(error)),
            };
            if object.insert(field.node.response_key().node.clone(), value).is_some() {
                return None;
            }
        }
        Some(Ok(Value::Object(object)))
    }
}

impl<T: Rows> OutputType for Quick<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match self.at_once(ctx) {
            Some(object) => object,
            None => self.0.resolve(ctx, field).await,
        }
    }
}
