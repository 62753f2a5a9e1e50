//! Notifications.

use super::user;
use crate::graphql::error::Result;
use crate::graphql::object::Feed;
use crate::graphql::request::Ask;
use crate::store::mark::Mark;
use async_graphql::{Context, ID, Object};

async fn mark(ctx: &Context<'_>, mark: Mark, ids: Option<Vec<ID>>) -> Result<Feed> {
    let ids = ids.map(|ids| ids.into_iter().map(|id| id.0).collect());
    let owner = ctx.social().mark(ctx.viewer(), mark, ids).await?;
    Ok(Feed::notifications(&user(ctx, owner).await?.0))
}

#[derive(Default)]
pub(super) struct NotificationMutations;

#[Object]
impl NotificationMutations {
    /// Marks the viewer's notification groups as seen; all of them when `ids` is left out.
    async fn mark_seen(&self, ctx: &Context<'_>, ids: Option<Vec<ID>>) -> Result<Feed> {
        mark(ctx, Mark::Seen, ids).await
    }

    /// Marks the viewer's notification groups as read, and seen; all of them when `ids` is left
    /// out.
    async fn mark_read(&self, ctx: &Context<'_>, ids: Option<Vec<ID>>) -> Result<Feed> {
        mark(ctx, Mark::Read, ids).await
    }
}
