//! Accounts and sessions.

use super::user;
use crate::graphql::error::Result;
use crate::graphql::object::User;
use crate::graphql::request::Ask;
use crate::graphql::scalar::DateTime;
use crate::social::account::ProfileChange;
use crate::social::token::Grant;
use async_graphql::{Context, InputObject, MaybeUndefined, Object, SimpleObject};

/// Who signs up.
#[derive(InputObject)]
struct SignUpInput {
    username: String,
    password: String,
    display_name: Option<String>,
}

/// Who logs in.
#[derive(InputObject)]
struct LogInInput {
    username: String,
    password: String,
}

/// What of the profile changes; what is left out stays.
#[derive(InputObject)]
struct UpdateProfileInput {
    display_name: Option<String>,
    bio: Option<String>,
    avatar_url: MaybeUndefined<String>,
}

/// The password that is, and the one that shall be.
#[derive(InputObject)]
struct ChangePasswordInput {
    password: String,
    new_password: String,
}

/// The password, to confirm it.
#[derive(InputObject)]
struct DeleteAccountInput {
    password: String,
}

/// A session that was opened.
#[derive(SimpleObject)]
struct AuthPayload {
    /// Send it as `Authorization: Bearer TOKEN`.
    token: String,
    /// When the session ends by itself.
    expires_at: DateTime,
    /// Whose session it is.
    user: User,
}

/// A user who was changed.
#[derive(SimpleObject)]
pub(super) struct UserPayload {
    /// The user, as they are now.
    pub user: User,
}

async fn granted(ctx: &Context<'_>, grant: Grant) -> Result<AuthPayload> {
    Ok(AuthPayload {
        user: user(ctx, grant.user).await?,
        token: grant.token,
        expires_at: DateTime(grant.expires_at),
    })
}

#[derive(Default)]
pub(super) struct AccountMutations;

#[Object]
impl AccountMutations {
    /// Makes an account and opens a session.
    async fn sign_up(&self, ctx: &Context<'_>, input: SignUpInput) -> Result<AuthPayload> {
        ctx.request().account.sign_up().await?;
        let social = ctx.social();
        let grant = social
            .sign_up(input.username, input.password, input.display_name)
            .await?;
        granted(ctx, grant).await
    }

    /// Opens a session.
    async fn log_in(&self, ctx: &Context<'_>, input: LogInInput) -> Result<AuthPayload> {
        let attempt = ctx.request().account.log_in(&input.username).await?;
        let grant = ctx.social().log_in(&input.username, input.password).await?;
        attempt.was_right().await;
        granted(ctx, grant).await
    }

    /// Ends the session whose token made the request.
    async fn log_out(&self, ctx: &Context<'_>) -> Result<bool> {
        ctx.social().log_out(ctx.viewer()).await?;
        Ok(true)
    }

    /// A new token with a full lifetime; the old one ends.
    async fn renew_session(&self, ctx: &Context<'_>) -> Result<AuthPayload> {
        let grant = ctx.social().renew_session(ctx.viewer()).await?;
        granted(ctx, grant).await
    }

    /// Ends all other sessions of the viewer.
    async fn change_password(&self, ctx: &Context<'_>, input: ChangePasswordInput) -> Result<bool> {
        let attempt = ctx.request().account.confirm().await?;
        let social = ctx.social();
        social
            .change_password(ctx.viewer(), input.password, input.new_password)
            .await?;
        attempt.was_right().await;
        Ok(true)
    }

    /// Changes what is given; an empty display name becomes the username.
    async fn update_profile(&self, ctx: &Context<'_>, input: UpdateProfileInput) -> Result<UserPayload> {
        let change = ProfileChange {
            display_name: input.display_name,
            bio: input.bio,
            avatar_url: match input.avatar_url {
                MaybeUndefined::Undefined => None,
                MaybeUndefined::Null => Some(None),
                MaybeUndefined::Value(url) => Some(Some(url)),
            },
        };
        let id = ctx.social().update_profile(ctx.viewer(), change).await?;
        let user = user(ctx, id).await?;
        Ok(UserPayload { user })
    }

    /// Deletes the viewer with everything that they wrote.
    async fn delete_account(&self, ctx: &Context<'_>, input: DeleteAccountInput) -> Result<bool> {
        let attempt = ctx.request().account.confirm().await?;
        ctx.social().delete_account(ctx.viewer(), input.password).await?;
        attempt.was_right().await;
        Ok(true)
    }
}
