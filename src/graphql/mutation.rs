//! Mutations: each calls one rule and answers with what it changed, as it stands now.

mod account;
mod action;
mod follow;
mod notification;
mod tweet;
mod wall;

use super::error::Result;
use super::object::User;
use super::request::Ask;
use crate::model::id::GlobalId;
use crate::model::{Error, TweetId, UserId};
use async_graphql::{Context, MergedObject};

/// The root of mutations.
#[derive(Default, MergedObject)]
pub struct Mutation(
    account::AccountMutations,
    tweet::TweetMutations,
    follow::FollowMutations,
    action::ActionMutations,
    notification::NotificationMutations,
    wall::WallMutations,
);

/// The tweet that an id names.
fn tweet_id(id: &str) -> Result<TweetId> {
    match GlobalId::parse(id) {
        Some(GlobalId::Tweet(id)) => Ok(id),
        _ => Err(Error::NotFound("tweet").into()),
    }
}

/// A user who was just written. The loaders begin anew, since mutations run one after another.
async fn user(ctx: &Context<'_>, id: UserId) -> Result<User> {
    ctx.request().renew();
    let user = ctx.load().user(id).await?;
    Ok(user.map(User).ok_or(Error::NotFound("user"))?)
}
