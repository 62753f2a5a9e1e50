//! What moderators did.

use super::User;
use crate::graphql::error::{Nullable, Result};
use crate::graphql::request::Ask;
use crate::graphql::scalar::DateTime;
use crate::model::{Micros, UserId};
use crate::store::moderation::Act;
use async_graphql::{Context, Object};

/// What a moderator did.
#[derive(Clone)]
pub struct ModerationAct(pub Act);

/// Something that a moderator did, or the operator of the server by a command.
#[Object]
impl ModerationAct {
    /// What: `ban`, `unban`, `promote`, `setPassword`, `putWall`, `deleteWall`.
    async fn act(&self) -> &str {
        &self.0.act
    }

    /// To whom; null where it was done to a wall, or the account is deleted.
    async fn user(&self, ctx: &Context<'_>) -> Nullable<User> {
        whoever(ctx, self.0.user).await.transpose()
    }

    /// To the wall of which slug.
    async fn wall(&self) -> Option<&str> {
        self.0.wall.as_deref()
    }

    /// Who did; null where it was the operator, or the account is deleted.
    async fn moderator(&self, ctx: &Context<'_>) -> Nullable<User> {
        whoever(ctx, self.0.moderator).await.transpose()
    }

    /// Whether it was done by a command, on the server's machine.
    async fn by_operator(&self) -> bool {
        self.0.moderator.is_none()
    }

    /// Why, as far as they said it.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// When.
    async fn created_at(&self) -> DateTime {
        DateTime(Micros(self.0.place.at))
    }
}

/// A user, whomever the viewer hides: the trail has no holes.
async fn whoever(ctx: &Context<'_>, id: Option<UserId>) -> Result<Option<User>> {
    match id {
        Some(id) => Ok(ctx.load().account(id).await?.map(User)),
        None => Ok(None),
    }
}
