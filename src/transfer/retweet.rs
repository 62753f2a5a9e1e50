//! Retweets, which come among the rows of tweets.

use super::batch::Batch;
use super::tweet::Row;
use crate::model::{ActionId, Change, Deed, Key, Reaction, Result, Topic, TweetId, UserId, WallId};
use crate::store::bulk::Numbered;
use crate::store::bulk::retweet::{NewRetweet, Standing};
use crate::store::bulk::tweet::Identity;
use crate::store::bulk::unresolved::{Reference, Unresolved};
use crate::store::tx::Tx;
use std::collections::{HashMap, HashSet};

/// Writes the rows whose originals are there, and keeps the others until the end of the file.
/// Returns how many changed anything.
pub(super) async fn write(tx: &Tx, batch: &mut Batch, rows: Vec<(UserId, Row)>) -> Result<u64> {
    let wanted: Vec<&Identity> = rows.iter().filter_map(|(_, row)| row.retweet_of.as_ref()).collect();
    let found = tx.tweets_identified(&wanted).await?;
    let (mut known, mut waiting) = (Vec::new(), Vec::new());
    for (place, (user, row)) in rows.into_iter().enumerate() {
        match found.get(&place) {
            Some(tweet) => known.push((*tweet, user, row)),
            None => waiting.extend(wait(user, row)),
        }
    }
    Ok(insert(tx, batch, known).await? + tx.insert_unresolved(&waiting).await?)
}

fn wait(user: UserId, row: Row) -> Option<Unresolved> {
    Some(Unresolved {
        reference: Reference::Retweet,
        holder: user.0,
        wanted: row.retweet_of.clone()?,
        own: row.identity.clone(),
        body: serde_json::to_string(&row).ok()?,
    })
}

/// Writes retweets of tweets that are there. Of several by one user only the oldest counts, in
/// whatever order they come. Returns how many changed anything.
pub(super) async fn insert(tx: &Tx, batch: &mut Batch, rows: Vec<(TweetId, UserId, Row)>) -> Result<u64> {
    let rows = oldest(rows);
    let pairs: Vec<_> = rows.iter().map(|(tweet, user, _)| (*tweet, *user)).collect();
    let mut standing = tx.standing_retweets(&pairs).await?;
    let (mut new, mut moved) = (Vec::new(), Vec::new());
    for (place, (tweet, user, row)) in rows.into_iter().enumerate() {
        match standing.remove(&place) {
            None => new.push((tweet, user, row)),
            Some(old) if is_older(&row, &old) => moved.push(retweet(tweet, user, row, old.action)),
            Some(_) => {}
        }
    }
    let actions: Vec<ActionId> = moved.iter().map(|one| one.action).collect();
    batch.withdraw(tx, &actions).await?;
    batch.script().move_retweets(&moved);
    batch.touch(moved.iter().map(|one| Key::Topic(Topic::user(one.user))));
    batch.touch(moved.iter().map(|one| Key::Tweet(one.tweet)));
    moved.iter().for_each(|one| batch.rank(one.tweet));
    let authors = tx.authors_of(moved.iter().map(|one| one.tweet)).await?;
    for one in &moved {
        let Some(author) = authors.get(&one.tweet) else {
            continue;
        };
        let to = (one.tweet, *author);
        let deed = Deed::reaction(Reaction::Retweet, one.action, one.user, to, one.created_at);
        batch.reenter(&deed);
    }
    let changed = new.len() + moved.len();
    let keys: Vec<_> = new.iter().map(|(_, _, row)| row.action_key).collect();
    let actions = tx.number(Numbered::Actions, &keys).await?.into_iter().map(ActionId);
    let new: Vec<NewRetweet> = new
        .into_iter()
        .zip(actions)
        .map(|((tweet, user, row), action)| retweet(tweet, user, row, action))
        .collect();
    batch.script().insert_retweets(&new);
    note(tx, batch, &new).await?;
    Ok(changed as u64)
}

fn retweet(tweet: TweetId, user: UserId, row: Row, action: ActionId) -> NewRetweet {
    NewRetweet {
        tweet,
        user,
        created_at: row.created_at,
        action,
        identity: row.identity,
    }
}

/// One row of each user for each tweet, in the order of the rows.
fn oldest(rows: Vec<(TweetId, UserId, Row)>) -> Vec<(TweetId, UserId, Row)> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|place| rows.get(*place).map(|(_, _, row)| (row.created_at, &row.identity)));
    let mut seen = HashSet::new();
    let kept: HashSet<usize> = order
        .into_iter()
        .filter(|place| {
            rows.get(*place)
                .is_some_and(|(tweet, user, _)| seen.insert((*tweet, *user)))
        })
        .collect();
    let rows = rows.into_iter().enumerate();
    rows.filter_map(|(place, row)| kept.contains(&place).then_some(row))
        .collect()
}

/// Whether a row takes the place of a retweet that was imported before.
fn is_older(row: &Row, old: &Standing) -> bool {
    old.identity
        .as_ref()
        .is_some_and(|identity| (row.created_at, &row.identity) < (old.created_at, identity))
}

async fn note(tx: &Tx, batch: &mut Batch, retweets: &[NewRetweet]) -> Result<()> {
    let recent = retweets.iter().filter(|new| batch.is_recent(new.created_at));
    let recent: Vec<TweetId> = recent.map(|new| new.tweet).collect();
    let hashtags: HashMap<TweetId, Vec<String>> = tx.hashtags_of(&recent).await?;
    let walls = walls(tx, &recent).await?;
    let authors = tx.authors_of(retweets.iter().map(|new| new.tweet)).await?;
    for new in retweets {
        let Some(author) = authors.get(&new.tweet) else {
            continue;
        };
        let heard = hashtags.get(&new.tweet).map(Vec::as_slice).unwrap_or_default();
        let (id, by, at) = (new.action, new.user, new.created_at);
        let walls = walls.get(&new.tweet).map(Vec::as_slice).unwrap_or_default();
        let deed = Deed::reaction(Reaction::Retweet, id, by, (new.tweet, *author), at)
            .heard_in(heard, Change::Retweeted)
            .heard_on(walls, Change::Retweeted);
        batch.record(&deed, true);
        batch.count_tweet(new.tweet, [0, 1, 0]);
    }
    Ok(())
}

/// The walls that tweets belong to; nothing is read where there are none.
async fn walls(tx: &Tx, tweets: &[TweetId]) -> Result<HashMap<TweetId, Vec<WallId>>> {
    if tx.walls().is_empty() {
        return Ok(HashMap::new());
    }
    let tweets = tx.tweets_as_they_are(tweets).await?;
    Ok(tweets
        .into_iter()
        .map(|(id, tweet)| (id, tx.walls_of(&tweet)))
        .collect())
}
