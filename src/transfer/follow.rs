//! Rows of follows.

use super::batch::Batch;
use super::fields::Fields;
use super::named::{self, DELETED, Named};
use super::{Line, Outcome, Record};
use crate::model::user::{check_username, username_key};
use crate::model::{ActionId, Deed, Entity, FollowId, Micros, Result as StoreResult, Topic, UserId, text};
use crate::store::bulk::Numbered;
use crate::store::bulk::tweet::Crowded;
use crate::store::bulk::user::Account;
use crate::store::follow::FOLLOWING;
use crate::store::stage::NewFollow;
use crate::store::tx::Tx;
use futures_util::future::BoxFuture;
use std::collections::{HashMap, HashSet};

/// The most characters of a flag.
const FLAG_LENGTH: usize = 64;

/// What a row says is followed.
enum Followee {
    User(String),
    Hashtag(String),
}

/// A follow.
pub(super) struct Row {
    follower: String,
    followee: Followee,
    flag: String,
    created_at: Option<Micros>,
    key: Option<i64>,
    action_key: Option<i64>,
}

impl Record for Row {
    fn read(fields: &Fields) -> Result<Self, String> {
        let follower = fields.username("follower")?;
        let followee = followee(fields)?;
        if matches!(&followee, Followee::User(name) if username_key(name) == username_key(&follower)) {
            return Err("followee: nobody follows themselves".to_owned());
        }
        let flag = fields.text("flag", FLAG_LENGTH)?.filter(|flag| !flag.is_empty());
        Ok(Self {
            follower,
            followee,
            flag: flag.unwrap_or_else(|| FOLLOWING.to_owned()),
            created_at: fields.time("createdAt")?,
            key: fields.key("key")?,
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

fn followee(fields: &Fields) -> Result<Followee, String> {
    let name = fields.required("followee")?;
    if name.starts_with(['#', '＃']) {
        let key = text::hashtag_key(&name).ok_or("followee: not a hashtag")?;
        return Ok(Followee::Hashtag(key));
    }
    check_username("followee", &name).map_err(|error| format!("followee: {error}"))?;
    Ok(Followee::User(name))
}

impl Row {
    fn at(&self, tx: &Tx) -> Micros {
        self.created_at.map_or(tx.now(), |at| at.min(tx.now()))
    }

    fn named(&self, tx: &Tx) -> impl Iterator<Item = Named<'_>> {
        let followee = match &self.followee {
            Followee::User(name) => Some(name),
            Followee::Hashtag(_) => None,
        };
        let at = self.at(tx);
        std::iter::once(&self.follower).chain(followee).map(move |name| Named {
            username: name,
            display_name: None,
            at,
        })
    }

    fn target(&self, accounts: &HashMap<String, Account>) -> Option<Entity> {
        match &self.followee {
            Followee::User(name) => user(accounts, name).map(Entity::User),
            Followee::Hashtag(name) => Some(Entity::Hashtag(name.clone())),
        }
    }
}

fn user(accounts: &HashMap<String, Account>, name: &str) -> Option<UserId> {
    let account = accounts.get(&username_key(name));
    account.filter(|account| !account.is_deleted).map(|account| account.id)
}

async fn write(tx: &Tx, batch: &mut Batch, rows: Vec<Line<Row>>) -> StoreResult<Outcome> {
    let mut outcome = Outcome::default();
    let accounts = named::accounts(tx, batch, rows.iter().flat_map(|(_, row)| row.named(tx))).await?;
    let mut meant = Vec::with_capacity(rows.len());
    for (line, row) in rows {
        let follower = user(&accounts, &row.follower);
        match (follower, row.target(&accounts)) {
            (Some(follower), Some(target)) => meant.push((follower, target, row)),
            (None, _) => outcome.bad.push((line, format!("follower: {DELETED}"))),
            (_, None) => outcome.bad.push((line, format!("followee: {DELETED}"))),
        }
    }
    let new = unknown(tx, meant).await?;
    outcome.changed = new.len() as u64;
    insert(tx, batch, new).await?;
    Ok(outcome)
}

/// The follows that do not stand yet, each once.
async fn unknown(tx: &Tx, meant: Vec<(UserId, Entity, Row)>) -> StoreResult<Vec<(UserId, Entity, Row)>> {
    let keys: Vec<_> = meant
        .iter()
        .map(|(follower, target, row)| (*follower, target, row.flag.as_str()))
        .collect();
    let standing = tx.standing_follows(&keys).await?;
    let mut seen = HashSet::new();
    let fresh: Vec<bool> = keys
        .iter()
        .enumerate()
        .map(|(place, key)| seen.insert(*key) && !standing.contains(&place))
        .collect();
    let meant = meant.into_iter().zip(fresh);
    Ok(meant.filter_map(|(one, fresh)| fresh.then_some(one)).collect())
}

async fn insert(tx: &Tx, batch: &mut Batch, new: Vec<(UserId, Entity, Row)>) -> StoreResult<()> {
    let keys: Vec<_> = new.iter().map(|(_, _, row)| row.key).collect();
    let ids = tx.number(Numbered::Follows, &keys).await?;
    let keys: Vec<_> = new
        .iter()
        .filter(|(_, _, row)| row.flag == FOLLOWING)
        .map(|(_, _, row)| row.action_key)
        .collect();
    let mut actions = tx.number(Numbered::Actions, &keys).await?.into_iter();
    let dated: Vec<bool> = new.iter().map(|(_, _, row)| row.created_at.is_some()).collect();
    let follows: Vec<NewFollow> = new
        .into_iter()
        .zip(ids)
        .map(|((follower, target, row), id)| NewFollow {
            id: FollowId(id),
            follower,
            target,
            created_at: row.at(tx),
            action: (row.flag == FOLLOWING).then(|| actions.next().map(ActionId)).flatten(),
            flag: row.flag,
        })
        .collect();
    batch.script().insert_follows(&follows);
    let spans: Vec<_> = follows
        .iter()
        .filter(|follow| follow.flag == FOLLOWING)
        .filter_map(|follow| Some((follow.follower, Topic::followed(&follow.target)?)))
        .collect();
    batch.script().open_whole_spans(&spans);
    for (follow, is_dated) in follows.into_iter().zip(dated) {
        note(batch, &follow, is_dated);
    }
    Ok(())
}

fn note(batch: &mut Batch, follow: &NewFollow, is_dated: bool) {
    let counted = i64::from(follow.action.is_some());
    if let Entity::Hashtag(name) = &follow.target {
        batch.count_hashtag(name, [0, counted]);
    }
    let Some(action) = follow.action else { return };
    batch.count_user(follow.follower, [0, 0, 1]);
    if let Entity::User(id) = &follow.target {
        batch.count_user(*id, [0, 1, 0]);
    }
    let deed = Deed::follow(action, follow.follower, &follow.target, follow.created_at);
    batch.record(&deed, is_dated);
}
