//! Recorded actions.

use super::entity::action;
use super::snapshot::{Snapshot, json};
use super::writer::Tx;
use crate::model::{Action, ActionId, Entity, Error, Micros, Result};
use sea_orm::{ActiveModelTrait, NotSet, Set};
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
        })
    }
}

impl Snapshot {
    /// The actions of these ids, whether they may be seen or not.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn actions_unfiltered(&self, ids: &[ActionId]) -> Result<HashMap<ActionId, Arc<Action>>> {
        let sql = "SELECT a.* FROM {each} JOIN action a ON a.id = {number}";
        let rows: Vec<action::Model> = self.all(sql, [json(&ids)]).await?;
        rows.into_iter()
            .map(|row| Ok((ActionId(row.id), Arc::new(Action::try_from(row)?))))
            .collect()
    }
}

impl Tx {
    /// Records an action that happens now.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn insert_action(
        &self,
        actor: &Entity,
        verb: &str,
        object: Option<&Entity>,
        target: Option<&Entity>,
    ) -> Result<ActionId> {
        let row = action::ActiveModel {
            id: NotSet,
            verb: Set(verb.to_owned()),
            actor_kind: Set(actor.kind().to_owned()),
            actor_key: Set(actor.key()),
            object_kind: Set(object.map(|object| object.kind().to_owned())),
            object_key: Set(object.map(Entity::key)),
            target_kind: Set(target.map(|target| target.kind().to_owned())),
            target_key: Set(target.map(Entity::key)),
            created_at: Set(self.now().0),
        };
        Ok(ActionId(row.insert(self.conn()).await?.id))
    }

    /// Names an action's object, when the object came after it.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn set_action_object(&self, id: ActionId, object: &Entity) -> Result<()> {
        let sql = "UPDATE action SET object_kind = ?, object_key = ? WHERE id = ?";
        self.execute(sql, [object.kind().into(), object.key().into(), id.0.into()])
            .await?;
        Ok(())
    }

    /// Takes actions back, with their entries in every topic.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn delete_actions(&self, ids: &[ActionId]) -> Result<()> {
        let ids = json(&ids);
        let sql = "DELETE FROM feed_entry WHERE id IN (SELECT {number} FROM {each})";
        self.execute(sql, [ids.clone()]).await?;
        let sql = "DELETE FROM action WHERE id IN (SELECT {number} FROM {each})";
        self.execute(sql, [ids]).await?;
        Ok(())
    }
}
