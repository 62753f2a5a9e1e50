//! Recorded actions.

use super::bulk::Numbered;
use super::entity::{action, columns};
use super::snapshot::{Snapshot, json};
use super::tx::Tx;
use crate::model::{Action, ActionId, Entity, Error, Micros, Result};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::collections::HashMap;
use std::sync::Arc;

impl TryFrom<action::Model> for Action {
    type Error = Error;

    fn try_from(row: action::Model) -> Result<Self> {
        let entity = |kind: Option<String>, key: Option<String>| {
            kind.zip(key).and_then(|(kind, key)| Entity::from_row(&kind, &key))
        };
        Ok(Self {
            id: ActionId(row.id),
            actor: entity(Some(row.actor_kind), Some(row.actor_key))
                .ok_or_else(|| Error::internal("an action has an actor of an unknown kind"))?,
            verb: row.verb,
            object: entity(row.object_kind, row.object_key),
            target: entity(row.target_kind, row.target_key),
            created_at: Micros(row.created_at),
            description: row.description,
            data: row
                .data
                .map(|data| serde_json::from_str(&data))
                .transpose()
                .map_err(Error::internal)?,
            public: row.public,
        })
    }
}

impl Snapshot {
    /// The actions of these ids, whether they may be seen or not.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn actions_unfiltered(&self, ids: &[ActionId]) -> Result<HashMap<ActionId, Arc<Action>>> {
        let columns = columns::<action::Entity>("a");
        let sql = format!("SELECT {columns} FROM {{each}} JOIN action a ON a.id = {{number}}");
        let rows: Vec<action::Model> = self.all(&sql, [json(&ids)]).await?;
        rows.into_iter()
            .map(|row| Ok((ActionId(row.id), Arc::new(Action::try_from(row)?))))
            .collect()
    }
}

impl Tx {
    /// A number for a new action.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn next_action(&self) -> Result<ActionId> {
        Ok(ActionId(self.next(Numbered::Actions).await?))
    }

    /// An action.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn action(&self, id: ActionId) -> Result<Option<Action>> {
        let row = action::Entity::find_by_id(id.0).one(self.conn()).await?;
        row.map(Action::try_from).transpose()
    }

    /// What an actor did under an identifier of their own.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn action_under(&self, foreign_id: &str, actor: &Entity, verb: &str) -> Result<Option<Action>> {
        let row = action::Entity::find()
            .filter(action::Column::ForeignId.eq(foreign_id))
            .filter(action::Column::ActorKind.eq(actor.kind()))
            .filter(action::Column::ActorKey.eq(actor.key()))
            .filter(action::Column::Verb.eq(verb))
            .one(self.conn())
            .await?;
        row.map(Action::try_from).transpose()
    }

    /// Notes under which identifier of its actor's an action was recorded.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn name_action(&self, id: ActionId, foreign_id: &str) -> Result<()> {
        let sql = "UPDATE action SET foreign_id = ? WHERE id = ?";
        self.execute(sql, [foreign_id.into(), id.0.into()]).await?;
        Ok(())
    }
}
