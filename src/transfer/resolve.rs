//! The end of a file: what rows refer to is looked for once more, whenever it came.

use super::batch::Batch;
use super::pace::Pace;
use super::tweet::Row;
use super::{like, named, retweet, tweet};
use crate::model::{ActionId, Key, Result, TweetId, UserId};
use crate::store::Store;
use crate::store::bulk::ROWS;
use crate::store::bulk::tweet::{Crowded, Identity};
use crate::store::bulk::unresolved::{Reference, Unresolved};
use crate::store::tx::Tx;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::Mutex;

/// What a walk over references does with those that it can resolve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walk {
    /// Replies get what they answer.
    Replies,
    /// Mentions get whom they name.
    Mentions,
    /// Likes come to be.
    Likes,
    /// Retweets come to be.
    Retweets,
    /// Retweets of what neither came nor waits become tweets.
    Orphans,
    /// Retweets of each other become tweets.
    Rest,
}

impl Walk {
    fn reference(self) -> Reference {
        match self {
            Self::Replies => Reference::Reply,
            Self::Mentions => Reference::Mention,
            Self::Likes => Reference::Like,
            Self::Retweets | Self::Orphans | Self::Rest => Reference::Retweet,
        }
    }
}

/// Resolves all references that can be. Returns how many that were.
pub(super) async fn all(store: &Store, crowded: &Arc<Mutex<Crowded>>, pace: &mut Pace) -> Result<u64> {
    let mut resolved = 0;
    // Retweets first: what becomes a tweet may be wanted by the others.
    let mut walk = Walk::Retweets;
    loop {
        let done = over(store, crowded, pace, walk).await?;
        resolved += done;
        walk = match walk {
            _ if done > 0 && walk != Walk::Rest => Walk::Retweets,
            Walk::Retweets => Walk::Orphans,
            Walk::Orphans => Walk::Rest,
            _ => break,
        };
    }
    for walk in [Walk::Replies, Walk::Mentions, Walk::Likes] {
        resolved += over(store, crowded, pace, walk).await?;
    }
    Ok(resolved)
}

/// Walks over all references of a kind, a page a transaction.
async fn over(store: &Store, crowded: &Arc<Mutex<Crowded>>, pace: &mut Pace, walk: Walk) -> Result<u64> {
    let mut resolved = 0;
    let mut last = None;
    loop {
        let (after, crowded) = (last.take(), Arc::clone(crowded));
        let step = pace.step(pace.rows());
        let (end, done) = store
            .write_background(move |tx| {
                Box::pin(async move {
                    let page = tx.unresolved_after(walk.reference(), after.as_ref(), ROWS).await?;
                    let end = page.last().cloned();
                    let mut batch = Batch::new(tx);
                    let done = resolve(tx, &mut batch, walk, page, &mut *crowded.lock().await).await?;
                    batch.script().delete_unresolved(&done);
                    batch.finish(tx).await?;
                    Ok((end, done.len() as u64))
                })
            })
            .await?;
        resolved += done;
        if end.is_none() {
            return Ok(resolved);
        }
        last = end;
        pace.rest(step, store.is_served()).await;
    }
}

/// Resolves what can be of a page, and returns it.
async fn resolve(
    tx: &Tx,
    batch: &mut Batch,
    walk: Walk,
    page: Vec<Unresolved>,
    crowded: &mut Crowded,
) -> Result<Vec<Unresolved>> {
    if page.is_empty() {
        return Ok(page);
    }
    match walk {
        Walk::Replies => replies(tx, batch, page).await,
        Walk::Mentions => mentions(tx, batch, page).await,
        Walk::Likes => likes(tx, batch, page).await,
        Walk::Retweets => retweets(tx, batch, page).await,
        Walk::Orphans => {
            let waiting = tx.waiting_retweets(&wanted(&page)).await?;
            let mut place = 0..;
            let orphans = page
                .into_iter()
                .filter(|_| place.next().is_some_and(|n| !waiting.contains(&n)));
            tweets(tx, batch, orphans.collect(), crowded).await
        }
        Walk::Rest => tweets(tx, batch, page, crowded).await,
    }
}

fn wanted(page: &[Unresolved]) -> Vec<&Identity> {
    page.iter().map(|one| &one.wanted).collect()
}

/// The references to tweets that are there, with the tweets.
async fn to_tweets(tx: &Tx, page: Vec<Unresolved>) -> Result<Vec<(TweetId, Unresolved)>> {
    let found = tx.tweets_meant(&wanted(&page)).await?;
    let page = page.into_iter().enumerate();
    Ok(page
        .filter_map(|(place, one)| found.get(&place).map(|tweet| (*tweet, one)))
        .collect())
}

async fn replies(tx: &Tx, batch: &mut Batch, page: Vec<Unresolved>) -> Result<Vec<Unresolved>> {
    let found = to_tweets(tx, page).await?;
    let children: Vec<TweetId> = found.iter().map(|(_, one)| TweetId(one.holder)).collect();
    let open: HashMap<TweetId, ActionId> = tx.answerless(&children).await?;
    let answers: Vec<_> = found
        .iter()
        .filter(|(parent, one)| parent.0 != one.holder)
        .filter_map(|(parent, one)| {
            let child = TweetId(one.holder);
            open.get(&child).map(|action| (child, *action, *parent))
        })
        .collect();
    let actions: Vec<ActionId> = answers.iter().map(|(_, action, _)| *action).collect();
    batch.withdraw(tx, &actions).await?;
    batch.script().set_parents(&answers);
    let children: Vec<TweetId> = answers.iter().map(|(child, ..)| *child).collect();
    batch.reenter_postings(tx, &children).await?;
    let uncounted = tx.uncounted(&children).await?;
    for (child, _, parent) in answers {
        batch.touch([Key::Tweet(child)]);
        batch.count_tweet(parent, [0, 0, i64::from(!uncounted.contains(&child))]);
    }
    Ok(found.into_iter().map(|(_, one)| one).collect())
}

async fn mentions(tx: &Tx, batch: &mut Batch, page: Vec<Unresolved>) -> Result<Vec<Unresolved>> {
    let names: HashSet<&String> = page.iter().map(|one| &one.wanted.id).collect();
    let users = tx.users_named(&names.into_iter().cloned().collect::<Vec<_>>()).await?;
    let found: Vec<Unresolved> = page
        .into_iter()
        .filter(|one| users.contains_key(&one.wanted.id))
        .collect();
    let tweets: Vec<TweetId> = found.iter().map(|one| TweetId(one.holder)).collect();
    let there = tx.tweets_there(&tweets).await?;
    let mentions: Vec<(TweetId, usize, UserId)> = found
        .iter()
        .filter_map(|one| {
            let tweet = TweetId(one.holder);
            let user = users.get(&one.wanted.id).filter(|_| there.contains(&tweet))?;
            Some((tweet, one.body.parse().ok()?, *user))
        })
        .collect();
    let tweets: HashSet<TweetId> = mentions.iter().map(|(tweet, _, _)| *tweet).collect();
    let tweets: Vec<TweetId> = tweets.into_iter().collect();
    batch.withdraw(tx, &tx.actions_of_tweets(&tweets).await?).await?;
    batch.script().insert_mentions(&mentions);
    batch.reenter_postings(tx, &tweets).await?;
    batch.touch(tweets.into_iter().map(Key::Tweet));
    Ok(found)
}

async fn likes(tx: &Tx, batch: &mut Batch, page: Vec<Unresolved>) -> Result<Vec<Unresolved>> {
    let found = to_tweets(tx, page).await?;
    let there = there(tx, &found).await?;
    let likes = found.iter().filter_map(|(tweet, one)| {
        let given = serde_json::from_str(&one.body).ok()?;
        let user = UserId(one.holder);
        there.contains(&user).then_some((*tweet, user, given))
    });
    let likes = likes.collect();
    like::insert(tx, batch, likes).await?;
    Ok(found.into_iter().map(|(_, one)| one).collect())
}

async fn retweets(tx: &Tx, batch: &mut Batch, page: Vec<Unresolved>) -> Result<Vec<Unresolved>> {
    let found = to_tweets(tx, page).await?;
    let there = there(tx, &found).await?;
    let rows = found.iter().filter_map(|(tweet, one)| {
        let row = serde_json::from_str(&one.body).ok()?;
        let user = UserId(one.holder);
        there.contains(&user).then_some((*tweet, user, row))
    });
    let rows = rows.collect();
    retweet::insert(tx, batch, rows).await?;
    Ok(found.into_iter().map(|(_, one)| one).collect())
}

/// Those of the users who refer that are there.
async fn there(tx: &Tx, found: &[(TweetId, Unresolved)]) -> Result<HashSet<UserId>> {
    let users: Vec<UserId> = found.iter().map(|(_, one)| UserId(one.holder)).collect();
    tx.users_there(&users).await
}

/// Makes tweets of retweets.
async fn tweets(tx: &Tx, batch: &mut Batch, found: Vec<Unresolved>, crowded: &mut Crowded) -> Result<Vec<Unresolved>> {
    let rows: Vec<Row> = found
        .iter()
        .filter_map(|one| serde_json::from_str(&one.body).ok())
        .map(Row::into_tweet)
        .collect();
    let accounts = named::accounts(tx, batch, rows.iter().map(Row::named)).await?;
    tweet::insert(tx, batch, rows, &accounts, crowded).await?;
    Ok(found)
}
