//! Rows of actions that are not recorded by themselves.

use super::{Page, Reference, time};
use crate::model::action::AUTOMATIC;
use crate::model::{Action, Entity, Result};
use crate::store::entity::action;
use crate::store::snapshot::Snapshot;
use sea_orm::{FromQueryResult, Value};
use serde::Serialize;
use std::collections::HashSet;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    key: i64,
    actor: Reference,
    verb: String,
    object: Option<Reference>,
    target: Option<Reference>,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<serde_json::Value>,
    public: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    foreign_id: Option<String>,
}

#[derive(FromQueryResult)]
struct Found {
    name: String,
    #[sea_orm(nested)]
    row: action::Model,
}

pub(super) async fn page(snapshot: &Snapshot, after: Option<Vec<Value>>) -> Result<Page> {
    let automatic = AUTOMATIC.map(|verb| format!("'{verb}'")).join(", ");
    let sql = format!(
        "SELECT a.id, COALESCE(a.external_id, 'Action:' || a.id) AS name, a.verb, a.actor_kind, a.actor_key, \
         a.object_kind, a.object_key, a.target_kind, a.target_key, a.created_at, a.description, a.data, a.public, \
         a.foreign_id, a.external_id FROM action a WHERE a.id > ? AND a.verb NOT IN ({automatic}) ORDER BY a.id LIMIT ?"
    );
    let found = snapshot.page::<Found>(&sql, after, &[0_i64.into()]).await?;
    let entity = |kind: &Option<String>, key: &Option<String>| Entity::from_row(kind.as_deref()?, key.as_deref()?);
    let named: HashSet<Entity> = found
        .rows
        .iter()
        .map(|found| &found.row)
        .flat_map(|row| {
            let object = entity(&row.object_kind, &row.object_key);
            let target = entity(&row.target_kind, &row.target_key);
            let actor = Entity::from_row(&row.actor_kind, &row.actor_key);
            [actor, object, target].into_iter().flatten()
        })
        .collect();
    let references = snapshot.references(&named).await?;
    let refer = |entity: Option<&Entity>| entity.and_then(|entity| references.get(entity)).cloned();
    found.page(|found| {
        let foreign_id = found.row.foreign_id.clone();
        let action = Action::try_from(found.row)?;
        // What a deleted account did goes with it.
        let Some(actor) = refer(Some(&action.actor)).filter(|actor| !actor.is_deleted()) else {
            return Ok(None);
        };
        Ok(Some(Row {
            id: found.name,
            key: action.id.0,
            actor,
            object: refer(action.object.as_ref()),
            target: refer(action.target.as_ref()),
            verb: action.verb,
            timestamp: time(action.created_at.0),
            description: action.description,
            data: action.data,
            public: action.public,
            foreign_id,
        }))
    })
}
