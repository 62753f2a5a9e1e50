//! Rows of actions that are not recorded by themselves.

use super::batch::Batch;
use super::entity::{Entities, Reference, sorted};
use super::fields::Fields;
use super::{Line, Outcome, Record};
use crate::model::action::{AUTOMATIC, DESCRIPTION_LENGTH, check_data, is_verb};
use crate::model::id::GlobalId;
use crate::model::{Action, ActionId, Deed, Entity, Micros, Result as StoreResult};
use crate::store::bulk::Numbered;
use crate::store::bulk::action::ActionName;
use crate::store::bulk::tweet::Crowded;
use crate::store::tx::Tx;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// The most characters of an actor's own identifier.
const FOREIGN_ID_LENGTH: usize = 255;

/// An action.
#[derive(Clone)]
pub(super) struct Row {
    /// What a second import recognises it by.
    identity: String,
    key: Option<i64>,
    actor: Reference,
    verb: String,
    object: Option<Reference>,
    target: Option<Reference>,
    at: Option<Micros>,
    description: Option<String>,
    data: Option<Value>,
    public: bool,
    foreign_id: Option<String>,
}

impl Record for Row {
    fn read(fields: &Fields) -> Result<Self, String> {
        let verb = fields.required("verb")?;
        if !is_verb(&verb) {
            return Err("verb: 1 to 64 characters".to_owned());
        }
        if AUTOMATIC.contains(&verb.as_str()) {
            return Err(format!("verb: {verb} is recorded by itself"));
        }
        let data = fields.json("data")?;
        if let Some(data) = &data {
            check_data("data", data).map_err(|error| format!("data: {error}"))?;
        }
        let mut row = Self {
            identity: String::new(),
            key: fields.key("key")?,
            actor: Reference::read(fields, "actor")?.ok_or("actor: missing")?,
            verb,
            object: Reference::read(fields, "object")?,
            target: Reference::read(fields, "target")?,
            at: fields.time("timestamp")?,
            description: fields.text("description", DESCRIPTION_LENGTH)?,
            data,
            public: fields.flag("public")?.unwrap_or(true),
            foreign_id: fields.text("foreignId", FOREIGN_ID_LENGTH)?.filter(|id| !id.is_empty()),
        };
        row.identity = fields.name("id")?.unwrap_or_else(|| row.content());
        Ok(row)
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

impl Row {
    /// What stands for the content of a row without an identifier.
    fn content(&self) -> String {
        let content = json!([
            self.actor.content(),
            self.verb,
            self.object.as_ref().map(Reference::content),
            self.target.as_ref().map(Reference::content),
            self.at.map(|at| at.0),
            self.description,
            self.data.as_ref().map(sorted),
            self.public,
            self.foreign_id,
        ]);
        let hash = Sha256::digest(content.to_string());
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("content:{hex}")
    }

    /// By what an action that was added here is recognised.
    fn claim(&self) -> Option<(ActionId, &str, Micros)> {
        match GlobalId::parse(&self.identity) {
            Some(GlobalId::Action(id)) => Some((id, &self.verb, self.at?)),
            _ => None,
        }
    }

    fn references(&self) -> impl Iterator<Item = &Reference> {
        std::iter::once(&self.actor).chain(&self.object).chain(&self.target)
    }
}

async fn write(tx: &Tx, batch: &mut Batch, rows: Vec<Line<Row>>) -> StoreResult<Outcome> {
    let rows = unknown(tx, rows).await?;
    let at = |row: &Row| row.at.map_or(tx.now(), |at| at.min(tx.now()));
    let references: Vec<(&Reference, Micros)> = rows
        .iter()
        .flat_map(|(_, row)| row.references().map(|one| (one, at(row))))
        .collect();
    let (entities, _) = Entities::find(tx, batch, &references).await?;
    let mut outcome = Outcome::default();
    let mut meant = Vec::with_capacity(rows.len());
    for (line, row) in rows {
        let created_at = at(&row);
        match parties(&entities, &row) {
            Ok(parties) => meant.push((row, parties, created_at)),
            Err(reason) => outcome.bad.push((line, reason)),
        }
    }
    outcome.changed = insert(tx, batch, meant).await?;
    Ok(outcome)
}

/// The rows that were never imported, each once.
async fn unknown(tx: &Tx, rows: Vec<Line<Row>>) -> StoreResult<Vec<Line<Row>>> {
    let identities: Vec<&str> = rows.iter().map(|(_, row)| row.identity.as_str()).collect();
    let mut known = tx.known_actions(&identities).await?;
    let (places, claims): (Vec<usize>, Vec<_>) = rows
        .iter()
        .enumerate()
        .filter_map(|(place, (_, row))| row.claim().map(|claim| (place, claim)))
        .unzip();
    let own = tx.own_actions(&claims).await?;
    known.extend(own.into_iter().filter_map(|n| places.get(n)));
    let mut seen = HashSet::new();
    let fresh: Vec<bool> = identities
        .iter()
        .enumerate()
        .map(|(place, identity)| seen.insert(*identity) && !known.contains(&place))
        .collect();
    let rows = rows.into_iter().zip(fresh);
    Ok(rows.filter_map(|(row, fresh)| fresh.then_some(row)).collect())
}

/// Actor, object and target.
type Parties = (Entity, Option<Entity>, Option<Entity>);

fn parties(entities: &Entities, row: &Row) -> Result<Parties, String> {
    let get = |field, one: &Option<Reference>| one.as_ref().map(|one| entities.get(field, one)).transpose();
    Ok((
        entities.get("actor", &row.actor)?,
        get("object", &row.object)?,
        get("target", &row.target)?,
    ))
}

/// Writes actions that are new; of those under an actor's own identifier the first. Returns how
/// many those were.
async fn insert(tx: &Tx, batch: &mut Batch, rows: Vec<(Row, Parties, Micros)>) -> StoreResult<u64> {
    let under: Vec<_> = rows
        .iter()
        .map(|(row, (actor, ..), _)| (row.foreign_id.as_deref(), actor, row.verb.as_str()))
        .collect();
    let known = tx.actions_under_names(&under).await?;
    let mut seen = HashSet::new();
    let fresh: Vec<bool> = under
        .iter()
        .enumerate()
        .map(|(place, one)| one.0.is_none() || (seen.insert(*one) && !known.contains(&place)))
        .collect();
    let rows: Vec<_> = rows
        .into_iter()
        .zip(fresh)
        .filter_map(|(row, fresh)| fresh.then_some(row))
        .collect();
    let keys: Vec<Option<i64>> = rows.iter().map(|(row, ..)| row.key).collect();
    let ids = tx.number(Numbered::Actions, &keys).await?;
    let mut names = Vec::with_capacity(rows.len());
    for ((row, (actor, object, target), created_at), id) in rows.into_iter().zip(ids) {
        let id = ActionId(id);
        for entity in [&object, &target].into_iter().flatten() {
            if let Entity::Hashtag(name) = entity {
                batch.count_hashtag(name, [0, 0]);
            }
        }
        let deed = Deed::given(Action {
            id,
            verb: row.verb,
            actor,
            object,
            target,
            created_at,
            description: row.description,
            data: row.data,
            public: row.public,
        });
        batch.record(&deed, row.at.is_some());
        names.push(ActionName {
            id,
            external_id: row.identity,
            foreign_id: row.foreign_id,
        });
    }
    batch.flush(tx).await?;
    batch.script().name_actions(&names);
    Ok(names.len() as u64)
}
