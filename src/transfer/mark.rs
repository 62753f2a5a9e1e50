//! Rows of marks: which groups of notifications somebody has seen and read.

use super::batch::Batch;
use super::entity::{Entities, Reference};
use super::fields::Fields;
use super::{Line, Outcome, Record};
use crate::model::action::is_verb;
use crate::model::{Key, Micros, Result as StoreResult, Topic};
use crate::store::bulk::mark::Mark;
use crate::store::bulk::tweet::Crowded;
use crate::store::tx::Tx;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;

/// A group that was seen as it was then, and perhaps read.
#[derive(Clone)]
pub(super) struct Row {
    user: Reference,
    verb: String,
    object: Option<Reference>,
    updated_at: Micros,
    action_count: i64,
    read: bool,
}

impl Record for Row {
    fn read(fields: &Fields) -> Result<Self, String> {
        Ok(Self {
            user: Reference::user(fields.username("username")?),
            verb: fields.required("verb").and_then(|verb| {
                is_verb(&verb)
                    .then_some(verb)
                    .ok_or("verb: 1 to 64 characters".to_owned())
            })?,
            object: Reference::read(fields, "object")?,
            updated_at: fields.time("updatedAt")?.ok_or("updatedAt: missing")?,
            action_count: fields.count("actionCount")?.ok_or("actionCount: missing")?,
            read: fields.flag("read")?.unwrap_or_default(),
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
    let references: Vec<(&Reference, Micros)> = rows
        .iter()
        .flat_map(|(_, row)| {
            std::iter::once(&row.user)
                .chain(&row.object)
                .map(|one| (one, row.updated_at))
        })
        .collect();
    let (entities, _) = Entities::find(tx, batch, &references).await?;
    let mut outcome = Outcome::default();
    let mut marks: BTreeMap<_, Mark> = BTreeMap::new();
    for (line, row) in &rows {
        match mark(&entities, row) {
            Ok(Some(mark)) => {
                let group = (mark.user, mark.verb.clone(), mark.object.clone(), mark.newest_at);
                let known = marks.entry(group).or_insert_with(|| mark.clone());
                *known = mark.max(known.clone());
            }
            Ok(None) => {}
            Err(reason) => outcome.bad.push((*line, reason)),
        }
    }
    let marks: Vec<Mark> = marks.into_values().collect();
    let marks = tx.open_marks(&marks).await?;
    batch.script().mark(&marks);
    for mark in &marks {
        batch.touch([Key::User(mark.user), Key::Topic(Topic::notifications(mark.user))]);
    }
    outcome.changed = marks.len() as u64;
    Ok(outcome)
}

/// The mark that a row means, if what its group was about is there.
fn mark(entities: &Entities, row: &Row) -> Result<Option<Mark>, String> {
    let user = entities.get("username", &row.user)?;
    let object = row.object.as_ref().map(|object| entities.get("object", object));
    let (Some(user), Ok(object)) = (user.user(), object.transpose()) else {
        return Ok(None);
    };
    Ok(Some(Mark {
        user,
        verb: row.verb.clone(),
        object,
        newest_at: row.updated_at,
        action_count: row.action_count,
        is_read: row.read,
    }))
}
