//! Actions and their entries.

use crate::model::{ActionId, Entity, Entry, Micros, Result, Topic, UserId};
use crate::store::writer::Tx;
use sea_orm::Value;

/// An action to be recorded.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of `Action`")]
pub struct NewAction {
    pub id: ActionId,
    pub verb: &'static str,
    pub actor: UserId,
    pub object: Option<Entity>,
    pub target: Option<Entity>,
    pub created_at: Micros,
}

impl Tx {
    /// Records actions of users.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_actions(&self, actions: &[NewAction]) -> Result<()> {
        let into =
            "action (id, verb, actor_kind, actor_key, object_kind, object_key, target_kind, target_key, created_at)";
        let rows = actions.iter().map(row).collect();
        self.write_rows(into, "", 9, rows).await?;
        Ok(())
    }

    /// Writes many entries into topics.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_entries_each(&self, entries: &[(Topic, Entry)]) -> Result<()> {
        let into = "feed_entry (topic, kind, created_at, id, verb, actor_id, tweet_id)";
        let rows = entries
            .iter()
            .map(|(topic, entry)| {
                vec![
                    topic.as_str().into(),
                    i16::from(entry.kind).into(),
                    entry.place.at.into(),
                    entry.place.id.into(),
                    (&*entry.verb).into(),
                    entry.actor.0.into(),
                    entry.tweet.map(|id| id.0).into(),
                ]
            })
            .collect();
        self.write_rows(into, "", 7, rows).await?;
        Ok(())
    }

    /// Moves actions and their entries to other times.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn move_actions(&self, times: &[(ActionId, Micros)]) -> Result<()> {
        for table in ["action", "feed_entry"] {
            let sql = format!(
                "UPDATE {table} SET created_at = d.at FROM (SELECT {{int:0}} AS id, {{int:1}} AS at FROM {{each}}) d \
                 WHERE {table}.id = d.id"
            );
            self.write_each(&sql, times).await?;
        }
        Ok(())
    }
}

fn row(action: &NewAction) -> Vec<Value> {
    let kind = |entity: &Option<Entity>| entity.as_ref().map(Entity::kind).into();
    let key = |entity: &Option<Entity>| entity.as_ref().map(Entity::key).into();
    vec![
        action.id.0.into(),
        action.verb.into(),
        "user".into(),
        action.actor.to_string().into(),
        kind(&action.object),
        key(&action.object),
        kind(&action.target),
        key(&action.target),
        action.created_at.0.into(),
    ]
}
