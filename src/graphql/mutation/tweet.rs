//! Tweets, likes and retweets.

use super::tweet_id;
use crate::graphql::error::Result;
use crate::graphql::object::Tweet;
use crate::graphql::request::Ask;
use crate::model::id::GlobalId;
use crate::model::{Error, Reaction, TweetId};
use crate::social::tweet::{Post, Posted};
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

/// What is posted.
#[derive(InputObject)]
struct PostTweetInput {
    text: String,
    in_reply_to: Option<ID>,
    /// The same key from the same user within 24 hours returns the first result and posts nothing.
    idempotency_key: Option<String>,
}

/// What a tweet's text becomes.
#[derive(InputObject)]
struct EditTweetInput {
    id: ID,
    text: String,
}

/// Which tweet goes.
#[derive(InputObject)]
struct DeleteTweetInput {
    id: ID,
}

/// Which tweet.
#[derive(InputObject)]
struct TweetRefInput {
    id: ID,
}

/// A tweet that was written or changed.
#[derive(SimpleObject)]
struct TweetPayload {
    /// The tweet, as it is now.
    tweet: Tweet,
}

/// A tweet that was deleted.
#[derive(SimpleObject)]
struct DeleteTweetPayload {
    /// The id that it had.
    deleted_id: ID,
}

async fn payload(ctx: &Context<'_>, id: TweetId) -> Result<TweetPayload> {
    ctx.request().renew();
    let tweet = ctx.load().tweet(id).await?;
    let tweet = tweet.map(Tweet).ok_or(Error::NotFound("tweet"))?;
    Ok(TweetPayload { tweet })
}

#[derive(Default)]
pub(super) struct TweetMutations;

#[Object]
impl TweetMutations {
    /// Posts a tweet or a reply.
    async fn post_tweet(&self, ctx: &Context<'_>, input: PostTweetInput) -> Result<TweetPayload> {
        ctx.viewer().require_user()?;
        let post = Post {
            text: input.text,
            in_reply_to: input.in_reply_to.map(|id| tweet_id(&id)).transpose()?,
            idempotency_key: input.idempotency_key,
        };
        match ctx.social().post_tweet(ctx.viewer(), post).await? {
            Posted::New(tweet) => {
                ctx.request().renew();
                Ok(TweetPayload { tweet: Tweet(tweet) })
            }
            Posted::Before(id) => payload(ctx, id).await,
        }
    }

    /// Author only.
    async fn edit_tweet(&self, ctx: &Context<'_>, input: EditTweetInput) -> Result<TweetPayload> {
        ctx.viewer().require_user()?;
        let id = tweet_id(&input.id)?;
        payload(ctx, ctx.social().edit_tweet(ctx.viewer(), id, &input.text).await?).await
    }

    /// Author only.
    async fn delete_tweet(&self, ctx: &Context<'_>, input: DeleteTweetInput) -> Result<DeleteTweetPayload> {
        ctx.viewer().require_user()?;
        let id = tweet_id(&input.id)?;
        ctx.social().delete_tweet(ctx.viewer(), id).await?;
        Ok(DeleteTweetPayload {
            deleted_id: ID(GlobalId::Tweet(id).to_string()),
        })
    }

    /// Nothing changes when the viewer likes it already.
    async fn like_tweet(&self, ctx: &Context<'_>, input: TweetRefInput) -> Result<TweetPayload> {
        react(ctx, Reaction::Like, &input).await
    }

    /// Nothing changes when the viewer does not like it.
    async fn unlike_tweet(&self, ctx: &Context<'_>, input: TweetRefInput) -> Result<TweetPayload> {
        undo_reaction(ctx, Reaction::Like, &input).await
    }

    /// Nothing changes when the viewer has retweeted it already.
    async fn retweet(&self, ctx: &Context<'_>, input: TweetRefInput) -> Result<TweetPayload> {
        react(ctx, Reaction::Retweet, &input).await
    }

    /// Nothing changes when the viewer has not retweeted it.
    async fn undo_retweet(&self, ctx: &Context<'_>, input: TweetRefInput) -> Result<TweetPayload> {
        undo_reaction(ctx, Reaction::Retweet, &input).await
    }
}

async fn react(ctx: &Context<'_>, reaction: Reaction, input: &TweetRefInput) -> Result<TweetPayload> {
    ctx.viewer().require_user()?;
    let id = tweet_id(&input.id)?;
    payload(ctx, ctx.social().react(ctx.viewer(), reaction, id).await?).await
}

async fn undo_reaction(ctx: &Context<'_>, reaction: Reaction, input: &TweetRefInput) -> Result<TweetPayload> {
    ctx.viewer().require_user()?;
    let id = tweet_id(&input.id)?;
    payload(ctx, ctx.social().undo_reaction(ctx.viewer(), reaction, id).await?).await
}
