//! Who posts most, and what is retweeted most, in hashtags and on walls.

use super::page::PAST;
use super::visible;
use crate::model::tally::{ALWAYS, Range, by_user};
use crate::model::{Micros, Result, Topic, TweetId, UserId};
use crate::store::Store;
use crate::store::tally::Counted;
use std::cmp::Reverse;
use std::collections::HashSet;

/// A topic, and since when.
pub type Asked = (Topic, Option<Micros>);

/// How many are looked at for so many that may be seen: as few as needed.
fn steps(first: usize) -> [usize; 2] {
    [2 * first + 20, first + PAST]
}

/// Who posted most in topics, each list with how often; of those with the same number who came first.
/// The number of statements is the same for any number of topics.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn users(store: &Store, asked: &[Asked], first: usize) -> Result<Vec<Vec<(UserId, u64)>>> {
    let view = store.view();
    let range = |since: &Option<Micros>| since.map_or(ALWAYS, Range::since);
    let counted: Vec<_> = asked
        .iter()
        .map(|(topic, since)| (Counted::Posts(topic.clone()), range(since)))
        .collect();
    let tallies = view.snapshot().await?.tallies(&counted).await?;
    let ranked: Vec<Vec<(UserId, u64)>> = tallies.iter().map(|tallies| ranked(tallies)).collect();
    let mut seen = HashSet::new();
    let mut looked = 0;
    for limit in steps(first) {
        let is_short = |all: &&Vec<(UserId, u64)>| {
            let before = all.iter().take(looked).filter(|(user, _)| seen.contains(user)).count();
            before < first && all.len() > looked
        };
        let short = ranked.iter().filter(is_short);
        let ask: Vec<UserId> = short
            .flat_map(|all| all.iter().take(limit).skip(looked))
            .map(|(user, _)| *user)
            .collect();
        if ask.is_empty() {
            break;
        }
        seen.extend(visible::look(&view, None, &ask).await?.users);
        looked = limit;
    }
    let best = |all: Vec<(UserId, u64)>| {
        let shown = all.into_iter().take(looked).filter(|(user, _)| seen.contains(user));
        shown.take(first).collect()
    };
    Ok(ranked.into_iter().map(best).collect())
}

/// Those whom tallies have, the most frequent first.
fn ranked(tallies: &[Vec<u8>]) -> Vec<(UserId, u64)> {
    let mut all: Vec<(UserId, u64)> = by_user(tallies).into_iter().collect();
    all.sort_unstable_by_key(|(user, uses)| (Reverse(*uses), *user));
    all
}

/// What is retweeted most of the posts of topics, the newest first of those with the same number.
/// Nothing that never was. The number of statements is the same for any number of topics.
///
/// # Errors
/// [`crate::model::Error::Internal`] when the database fails.
pub async fn tweets(store: &Store, asked: &[Asked], first: usize) -> Result<Vec<Vec<TweetId>>> {
    let view = store.view();
    let mut best = vec![Vec::new(); asked.len()];
    let mut short: Vec<usize> = (0..asked.len()).collect();
    for limit in steps(first) {
        let again: Vec<Asked> = short.iter().filter_map(|place| asked.get(*place).cloned()).collect();
        if again.is_empty() {
            break;
        }
        let found = view.snapshot().await?.most_retweeted(&again, limit).await?;
        let all: Vec<TweetId> = found.iter().flatten().copied().collect();
        let seen = visible::look(&view, Some(&all), &[]).await?;
        let mut still = Vec::new();
        for (place, found) in short.into_iter().zip(found) {
            let is_whole = found.len() < limit;
            let shown = found.into_iter().filter(|id| seen.tweets.contains_key(id));
            let shown: Vec<TweetId> = shown.take(first).collect();
            if shown.len() < first && !is_whole {
                still.push(place);
            }
            if let Some(slot) = best.get_mut(place) {
                *slot = shown;
            }
        }
        short = still;
    }
    Ok(best)
}
