//! Who posts most, and what is retweeted most.

use super::{Tweet, User};
use crate::graphql::error::Result;
use crate::graphql::loader::Top;
use crate::graphql::request::Ask;
use crate::graphql::scalar::DateTime;
use crate::model::{Topic, page};
use async_graphql::{Context, SimpleObject};
use futures_util::future::try_join_all;

/// Somebody who posts much.
#[derive(Clone, SimpleObject)]
pub struct TopUser {
    /// Who.
    user: User,
    /// How many tweets it were.
    tweet_count: i32,
}

fn top(topic: Topic, first: i32, since: Option<DateTime>) -> Result<Top> {
    Ok(Top {
        topic,
        first: page::size("first", first)?,
        since: since.map(|since| since.0),
    })
}

/// Who posted most in a topic since a time, with how often.
pub(super) async fn top_users(
    ctx: &Context<'_>,
    topic: Topic,
    first: i32,
    since: Option<DateTime>,
) -> Result<Vec<TopUser>> {
    let load = ctx.load();
    let best = load.top_users(top(topic, first, since)?).await?;
    let users = try_join_all(best.iter().map(|(user, _)| load.user(*user))).await?;
    let counted = users.into_iter().zip(best.iter().map(|(_, tweets)| *tweets));
    Ok(counted
        .filter_map(|(user, tweets)| {
            Some(TopUser {
                user: User(user?),
                tweet_count: i32::try_from(tweets).unwrap_or(i32::MAX),
            })
        })
        .collect())
}

/// What was retweeted most of the posts of a topic since a time.
pub(super) async fn top_tweets(
    ctx: &Context<'_>,
    topic: Topic,
    first: i32,
    since: Option<DateTime>,
) -> Result<Vec<Tweet>> {
    let load = ctx.load();
    let best = load.top_tweets(top(topic, first, since)?).await?;
    let tweets = try_join_all(best.iter().map(|tweet| load.tweet(*tweet))).await?;
    Ok(tweets.into_iter().flatten().map(Tweet).collect())
}
