//! Follows.

use super::user;
use crate::graphql::error::Result;
use crate::graphql::object::{Entity, User, entity};
use crate::graphql::request::Ask;
use crate::model::Error;
use crate::social::follow::{Followed, NewFollow};
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

/// What is followed, and how.
#[derive(InputObject)]
struct FollowInput {
    target_id: ID,
    #[graphql(default = "following")]
    flag: String,
    /// How many of the target's newest actions go into the timeline at once; 0 to 1,000.
    #[graphql(default = 100)]
    backfill: i32,
}

/// What is followed no longer.
#[derive(InputObject)]
struct UnfollowInput {
    target_id: ID,
    #[graphql(default = "following")]
    flag: String,
    /// Leaves what the timeline has of the target where it is.
    #[graphql(default = false)]
    keep_history: bool,
}

/// What was followed or is no longer.
#[derive(SimpleObject)]
struct FollowPayload {
    /// What.
    target: Entity,
    /// Who.
    viewer: User,
}

async fn payload(ctx: &Context<'_>, followed: Followed) -> Result<FollowPayload> {
    let viewer = user(ctx, followed.follower).await?;
    let target = entity(ctx, &followed.target).await?;
    Ok(FollowPayload {
        target: target.ok_or(Error::NotFound("target"))?,
        viewer,
    })
}

#[derive(Default)]
pub(super) struct FollowMutations;

#[Object]
impl FollowMutations {
    /// Follows a user, a hashtag or an external object. Idempotent.
    async fn follow(&self, ctx: &Context<'_>, input: FollowInput) -> Result<FollowPayload> {
        let new = NewFollow {
            target: input.target_id.0,
            flag: input.flag,
            backfill: input.backfill,
        };
        payload(ctx, ctx.social().follow(ctx.viewer(), new).await?).await
    }

    /// Ends a follow. Idempotent.
    async fn unfollow(&self, ctx: &Context<'_>, input: UnfollowInput) -> Result<FollowPayload> {
        let social = ctx.social();
        let followed = social
            .unfollow(ctx.viewer(), &input.target_id, input.flag, input.keep_history)
            .await?;
        payload(ctx, followed).await
    }
}
