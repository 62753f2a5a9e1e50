//! Walls.

use crate::graphql::error::Result;
use crate::graphql::object::Wall;
use crate::graphql::request::Ask;
use crate::model::Error;
use crate::social::wall::NewWall;
use async_graphql::{Context, InputObject, Object, SimpleObject};

/// `accounts`: usernames, and outside accounts as `@user@server`, a Bluesky handle or a DID, which
/// ingestion then follows.
#[derive(InputObject)]
struct PutWallInput {
    /// 1 to 64 of [a-z0-9_-]; capitals are taken as small letters.
    slug: String,
    /// 1 to 100 characters.
    title: String,
    /// At most 50.
    #[graphql(default)]
    hashtags: Vec<String>,
    /// At most 50, of 1 to 100 characters.
    #[graphql(default)]
    keywords: Vec<String>,
    /// At most 1,000.
    #[graphql(default)]
    accounts: Vec<String>,
}

/// A wall that was made or replaced.
#[derive(SimpleObject)]
struct WallPayload {
    /// The wall.
    wall: Wall,
}

#[derive(Default)]
pub(super) struct WallMutations;

#[Object]
impl WallMutations {
    /// Moderators only. Creates the wall, or replaces the one with this slug. It takes in what is
    /// stored already in the background.
    async fn put_wall(&self, ctx: &Context<'_>, input: PutWallInput) -> Result<WallPayload> {
        let new = NewWall {
            slug: input.slug,
            title: input.title,
            hashtags: input.hashtags,
            keywords: input.keywords,
            accounts: input.accounts,
        };
        let id = ctx.social().put_wall(ctx.viewer(), new).await?;
        ctx.request().renew();
        let wall = ctx.load().wall(id).await?;
        Ok(WallPayload {
            wall: Wall(wall.ok_or(Error::NotFound("wall"))?),
        })
    }

    /// Moderators only. Deletes the wall and ends its streams.
    async fn delete_wall(&self, ctx: &Context<'_>, slug: String) -> Result<bool> {
        ctx.social().delete_wall(ctx.viewer(), &slug).await?;
        ctx.request().renew();
        Ok(true)
    }
}
