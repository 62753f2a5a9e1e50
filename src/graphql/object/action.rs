//! Actions.

use super::{Entity, entity};
use crate::graphql::error::{Nullable, Result};
use crate::graphql::request::Ask as _;
use crate::graphql::scalar::{DateTime, Json};
use crate::model::id::GlobalId;
use crate::model::{self, Error};
use async_graphql::{Context, ID, Object};
use std::sync::Arc;

/// A recorded action.
#[derive(Clone)]
pub struct Action(pub Arc<model::Action>);

/// Somebody (actor) did something (verb), perhaps to an object, perhaps within a target.
#[Object]
impl Action {
    /// The global identifier.
    pub async fn id(&self) -> ID {
        ID(GlobalId::Action(self.0.id).to_string())
    }

    /// Who did it.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Entity> {
        let actor = entity(ctx, &self.0.actor).await?;
        Ok(actor.ok_or(Error::NotFound("actor"))?)
    }

    /// What they did: `tweet`, `reply`, `retweet`, `like`, `follow`, or a verb of their own.
    async fn verb(&self) -> &str {
        &self.0.verb
    }

    /// What they did it to.
    async fn object(&self, ctx: &Context<'_>) -> Nullable<Entity> {
        entity(ctx, self.0.object.as_ref()?).await.transpose()
    }

    /// Within what they did it.
    async fn target(&self, ctx: &Context<'_>) -> Nullable<Entity> {
        entity(ctx, self.0.target.as_ref()?).await.transpose()
    }

    /// In words.
    async fn description(&self, ctx: &Context<'_>) -> Nullable<&str> {
        ctx.request().held(self.0.description.as_deref())
    }

    /// What else belongs to it.
    async fn data(&self, ctx: &Context<'_>) -> Nullable<Json> {
        ctx.request().held_data(self.0.data.as_ref())
    }

    /// False: only its actor sees it.
    async fn public(&self) -> bool {
        self.0.public
    }

    /// When they did it.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
}
