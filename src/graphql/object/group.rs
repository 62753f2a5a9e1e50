//! Groups of actions.

use super::{ActionConnection, Entity, entity, window};
use crate::graphql::error::{Nullable, Result};
use crate::graphql::loader::{GroupActionsPage, GroupActors};
use crate::graphql::request::Ask;
use crate::graphql::scalar::DateTime;
use crate::model::id::GlobalId;
use crate::model::{Micros, page};
use crate::reading::group::Group;
use async_graphql::{Context, ID, Object};
use futures_util::future::try_join_all;

/// Actions of a feed with one verb and one object, on one day.
#[derive(Clone)]
pub struct ActionGroup(pub Group);

/// What is kept of more actions than these is more than the API's numbers hold.
fn number(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// The actions of a feed with one verb and one object, on one day (UTC): 'alice and 3 others
/// liked your tweet'.
#[Object]
impl ActionGroup {
    /// The global identifier: always the same for the same feed, verb, object and day.
    pub async fn id(&self) -> ID {
        ID(GlobalId::Group(self.0.id()).to_string())
    }

    /// What was done.
    async fn verb(&self) -> &str {
        &self.0.key.verb
    }

    /// What it was done to; null where the verb has none.
    async fn object(&self, ctx: &Context<'_>) -> Nullable<Entity> {
        entity(ctx, self.0.key.object.as_ref()?).await.transpose()
    }

    /// Who did it, the newest first, each once.
    async fn actors(&self, ctx: &Context<'_>, #[graphql(default = 3)] first: i32) -> Result<Vec<Entity>> {
        let asked = GroupActors {
            group: self.0.clone(),
            first: page::size("first", first)?,
        };
        let actors = ctx.load().group_actors(asked).await?;
        let found = try_join_all(actors.iter().map(|actor| entity(ctx, actor))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// How many did it. Outside of NOTIFICATION, 1,000 may be more.
    async fn actor_count(&self, ctx: &Context<'_>) -> Result<i32> {
        if let Some(notice) = &self.0.notice {
            return Ok(number(notice.actor_count));
        }
        Ok(number(ctx.load().group_counts(self.0.clone()).await?.actors))
    }

    /// How often it was done. Outside of NOTIFICATION, 1,000 may be more.
    async fn action_count(&self, ctx: &Context<'_>) -> Result<i32> {
        if let Some(notice) = &self.0.notice {
            return Ok(number(notice.action_count));
        }
        Ok(number(ctx.load().group_counts(self.0.clone()).await?.actions))
    }

    /// The actions, newest first.
    async fn actions(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Result<ActionConnection> {
        let page = GroupActionsPage {
            group: self.0.clone(),
            window: window(first, after, last, before)?,
        };
        Ok(ActionConnection::of_page(&*ctx.load().group_actions(page).await?))
    }

    /// When the newest action happened.
    async fn updated_at(&self) -> DateTime {
        DateTime(Micros(self.0.newest.at))
    }

    /// Whether the owner has seen all of it. Always true outside of NOTIFICATION.
    async fn is_seen(&self) -> bool {
        self.0.notice.as_ref().is_none_or(|notice| notice.is_seen)
    }

    /// Whether the owner has read all of it. Always true outside of NOTIFICATION.
    async fn is_read(&self) -> bool {
        self.0.notice.as_ref().is_none_or(|notice| notice.is_read)
    }
}
