//! Rows of likes.

use super::batch::Batch;
use super::fields::Fields;
use super::named::{self, DELETED, Named};
use super::tweet::reference;
use super::{Line, Outcome, Record};
use crate::model::user::username_key;
use crate::model::{ActionId, Deed, Micros, Reaction, Result as StoreResult, TweetId, UserId};
use crate::store::bulk::Numbered;
use crate::store::bulk::tweet::{Crowded, Identity};
use crate::store::bulk::unresolved::{Reference, Unresolved};
use crate::store::tx::Tx;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// A like.
#[derive(Clone)]
pub(super) struct Row {
    username: String,
    tweet: Identity,
    created_at: Option<Micros>,
    action_key: Option<i64>,
}

/// What of a like is kept while its tweet has not come.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Given {
    at: Micros,
    is_dated: bool,
    action_key: Option<i64>,
}

impl Record for Row {
    fn read(fields: &Fields) -> Result<Self, String> {
        let source = fields.name("source")?.unwrap_or_default();
        Ok(Self {
            username: fields.username("username")?,
            tweet: reference(fields, "tweetId", "tweetSource", &source)?.ok_or("tweetId: missing")?,
            created_at: fields.time("createdAt")?,
            action_key: fields.key("actionKey")?,
        })
    }

    fn write<'t>(
        tx: &'t Tx,
        batch: &'t mut Batch,
        rows: Vec<Line<Self>>,
        _: &'t mut Crowded,
    ) -> BoxFuture<'t, StoreResult<Outcome>> {
        Box::pin(write(tx, batch, rows))
    }
}

async fn write(tx: &Tx, batch: &mut Batch, rows: Vec<Line<Row>>) -> StoreResult<Outcome> {
    let mut outcome = Outcome::default();
    let at = |row: &Row| row.created_at.map_or(tx.now(), |at| at.min(tx.now()));
    let named = rows.iter().map(|(_, row)| Named {
        username: &row.username,
        display_name: None,
        at: at(row),
    });
    let accounts = named::accounts(tx, batch, named).await?;
    let wanted: Vec<&Identity> = rows.iter().map(|(_, row)| &row.tweet).collect();
    let found = tx.tweets_meant(&wanted).await?;
    let (mut known, mut waiting) = (Vec::new(), Vec::new());
    for (place, (line, row)) in rows.iter().enumerate() {
        let account = accounts.get(&username_key(&row.username));
        let Some(user) = account.filter(|account| !account.is_deleted) else {
            outcome.bad.push((*line, format!("username: {DELETED}")));
            continue;
        };
        let given = Given {
            at: at(row),
            is_dated: row.created_at.is_some(),
            action_key: row.action_key,
        };
        match found.get(&place) {
            Some(tweet) => known.push((*tweet, user.id, given)),
            None => waiting.push(Unresolved {
                reference: Reference::Like,
                holder: user.id.0,
                wanted: row.tweet.clone(),
                own: Identity::default(),
                body: serde_json::to_string(&given).unwrap_or_default(),
            }),
        }
    }
    outcome.changed = insert(tx, batch, known).await? + tx.insert_unresolved(&waiting).await?;
    Ok(outcome)
}

/// Writes likes of tweets that are there. Returns how many were new.
pub(super) async fn insert(tx: &Tx, batch: &mut Batch, likes: Vec<(TweetId, UserId, Given)>) -> StoreResult<u64> {
    let pairs: Vec<_> = likes.iter().map(|(tweet, user, _)| (*tweet, *user)).collect();
    let standing = tx.standing_likes(&pairs).await?;
    let mut seen = HashSet::new();
    let new: Vec<_> = likes
        .into_iter()
        .enumerate()
        .filter(|(place, (tweet, user, _))| !standing.contains(place) && seen.insert((*tweet, *user)))
        .map(|(_, like)| like)
        .collect();
    let keys: Vec<_> = new.iter().map(|(_, _, given)| given.action_key).collect();
    let actions = tx.number(Numbered::Actions, &keys).await?.into_iter().map(ActionId);
    let rows: Vec<_> = new
        .iter()
        .zip(actions)
        .map(|((tweet, user, given), action)| (*tweet, *user, given.at, action))
        .collect();
    batch.script().insert_likes(&rows);
    let authors = tx.authors_of(rows.iter().map(|row| row.0)).await?;
    for ((tweet, user, created_at, id), (.., given)) in rows.iter().zip(&new) {
        let Some(author) = authors.get(tweet) else { continue };
        let deed = Deed::reaction(Reaction::Like, *id, *user, (*tweet, *author), *created_at);
        batch.record(&deed, given.is_dated);
        batch.count_tweet(*tweet, [1, 0, 0]);
    }
    Ok(rows.len() as u64)
}
