//! Rows of what no other row tells: external objects, hashtags, and what was deleted.

use super::batch::Batch;
use super::entity::{Meant, Reference};
use super::fields::Fields;
use super::object::Telling;
use super::{Line, Outcome, Record};
use crate::model::{Entity, Key, Micros, Result as StoreResult};
use crate::store::bulk::Numbered;
use crate::store::bulk::tweet::Crowded;
use crate::store::tx::Tx;
use futures_util::future::BoxFuture;
use std::collections::BTreeSet;

/// What is there, or is no longer.
#[derive(Clone)]
pub(super) enum Row {
    Object(Reference, Option<Micros>),
    Hashtag(String),
    Deleted(Entity, Micros),
}

impl Record for Row {
    fn read(fields: &Fields) -> Result<Self, String> {
        let reference = Reference::from_fields(fields)?;
        match reference.meant {
            Meant::Object(_) => Ok(Self::Object(reference, fields.time("createdAt")?)),
            Meant::Hashtag(name) => Ok(Self::Hashtag(name)),
            Meant::Deleted(entity) => {
                let at = fields.time("deletedAt")?.ok_or("deletedAt: missing")?;
                Ok(Self::Deleted(entity, at))
            }
            Meant::User(_) | Meant::Tweet(_) => Err("type: users and tweets have rows of their own".to_owned()),
        }
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
    let (mut tellings, mut hashtags, mut deleted) = (Vec::<Telling>::new(), BTreeSet::new(), Vec::new());
    for (_, row) in rows {
        match row {
            Row::Object(reference, at) => {
                let at = batch.past(at.unwrap_or(tx.now()));
                tellings.extend(reference.telling(at));
            }
            Row::Hashtag(name) => drop(hashtags.insert(name)),
            Row::Deleted(entity, at) => deleted.push((entity, batch.past(at))),
        }
    }
    let changed = super::object::tell(tx, batch, tellings).await?
        + make_hashtags(tx, batch, hashtags).await?
        + bury(tx, batch, deleted).await?;
    let bad = Vec::new();
    Ok(Outcome { changed, bad })
}

async fn make_hashtags(tx: &Tx, batch: &mut Batch, names: BTreeSet<String>) -> StoreResult<u64> {
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    let there = tx.hashtags_there(&asked).await?;
    let mut made = 0;
    for name in names.iter().filter(|name| !there.contains(*name)) {
        batch.count_hashtag(name, [0, 0]);
        made += 1;
    }
    Ok(made)
}

/// Buries what has a number that is free here, so that it is given to nobody else.
async fn bury(tx: &Tx, batch: &mut Batch, deleted: Vec<(Entity, Micros)>) -> StoreResult<u64> {
    let mut buried = Vec::new();
    for of in [Numbered::Users, Numbered::Tweets] {
        let number = |entity: &Entity| match (of, entity) {
            (Numbered::Users, Entity::User(id)) => Some(id.0),
            (Numbered::Tweets, Entity::Tweet(id)) => Some(id.0),
            _ => None,
        };
        let keys: Vec<i64> = deleted.iter().filter_map(|(entity, _)| number(entity)).collect();
        let free = tx.retire(of, &keys).await?;
        let tombs = deleted
            .iter()
            .filter(|(entity, _)| number(entity).is_some_and(|key| free.contains(&key)));
        buried.extend(tombs.cloned());
    }
    batch.touch(buried.iter().map(|(entity, _)| match entity {
        Entity::User(id) => Key::User(*id),
        Entity::Tweet(id) => Key::Tweet(*id),
        Entity::Hashtag(name) => Key::Hashtag(name.clone()),
        Entity::Object(key) => Key::Object(key.clone()),
    }));
    batch.script().bury(&buried);
    Ok(buried.len() as u64)
}
