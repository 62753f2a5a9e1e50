//! Blocks, mutes and bans.

use super::account::UserPayload;
use crate::graphql::error::Result;
use crate::graphql::object::User;
use crate::graphql::request::Ask;
use crate::model::{Error, Relation, UserId};
use async_graphql::{Context, ID, InputObject, Object};

/// Which user.
#[derive(InputObject)]
struct UserRefInput {
    user_id: ID,
}

/// Who is banned, or no longer, and why.
#[derive(InputObject)]
struct BanUserInput {
    user_id: ID,
    /// For moderators; up to 1,000 characters.
    reason: Option<String>,
}

/// Somebody who may be hidden from the viewer by now.
async fn payload(ctx: &Context<'_>, id: UserId) -> Result<UserPayload> {
    ctx.request().renew();
    let user = ctx.load().account(id).await?;
    let user = user.map(User).ok_or(Error::NotFound("user"))?;
    Ok(UserPayload { user })
}

async fn relate(ctx: &Context<'_>, relation: Relation, input: &UserRefInput) -> Result<UserPayload> {
    payload(ctx, ctx.social().relate(ctx.viewer(), relation, &input.user_id).await?).await
}

async fn end_relation(ctx: &Context<'_>, relation: Relation, input: &UserRefInput) -> Result<UserPayload> {
    let social = ctx.social();
    payload(ctx, social.end_relation(ctx.viewer(), relation, &input.user_id).await?).await
}

#[derive(Default)]
pub(super) struct ModerationMutations;

#[Object]
impl ModerationMutations {
    /// Moderators only. A banned user can't log in or write, and nothing of them shows to anybody
    /// but moderators. Idempotent.
    async fn ban_user(&self, ctx: &Context<'_>, input: BanUserInput) -> Result<UserPayload> {
        let social = ctx.social();
        let id = social.ban_user(ctx.viewer(), input.user_id.0, input.reason).await?;
        payload(ctx, id).await
    }

    /// Moderators only. All that is theirs is there again. Idempotent.
    async fn unban_user(&self, ctx: &Context<'_>, input: BanUserInput) -> Result<UserPayload> {
        let social = ctx.social();
        let id = social.unban_user(ctx.viewer(), input.user_id.0, input.reason).await?;
        payload(ctx, id).await
    }

    /// The viewer sees nothing of a blocked user, and neither can follow, mention or reply to the
    /// other. Idempotent.
    async fn block_user(&self, ctx: &Context<'_>, input: UserRefInput) -> Result<UserPayload> {
        relate(ctx, Relation::Block, &input).await
    }

    /// Follows that the block has ended stay ended. Idempotent.
    async fn unblock_user(&self, ctx: &Context<'_>, input: UserRefInput) -> Result<UserPayload> {
        end_relation(ctx, Relation::Block, &input).await
    }

    /// The viewer's timeline, notifications and streams leave a muted user out. Idempotent.
    async fn mute_user(&self, ctx: &Context<'_>, input: UserRefInput) -> Result<UserPayload> {
        relate(ctx, Relation::Mute, &input).await
    }

    /// What was left out is there again. Idempotent.
    async fn unmute_user(&self, ctx: &Context<'_>, input: UserRefInput) -> Result<UserPayload> {
        end_relation(ctx, Relation::Mute, &input).await
    }
}
