//! Actions and their entries.

use crate::model::{ActionId, Entity, Entry, Micros, Result, Topic, UserId};
use crate::store::writer::Tx;

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
        let sql = "INSERT INTO action (id, verb, actor_kind, actor_key, object_kind, object_key, target_kind, target_key, created_at) \
                   SELECT {int:0}, {text:1}, 'user', {text:2}, {text:3}, {text:4}, {text:5}, {text:6}, {int:7} FROM {each}";
        let parts = |entity: &Option<Entity>| entity.as_ref().map(|entity| (entity.kind(), entity.key())).unzip();
        let rows: Vec<_> = actions
            .iter()
            .map(|action| {
                let (object_kind, object_key) = parts(&action.object);
                let (target_kind, target_key) = parts(&action.target);
                let actor = action.actor.to_string();
                (
                    action.id,
                    action.verb,
                    actor,
                    object_kind,
                    object_key,
                    target_kind,
                    target_key,
                    action.created_at,
                )
            })
            .collect();
        self.write_each(sql, &rows).await?;
        Ok(())
    }

    /// Writes many entries into topics.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_entries_each(&self, entries: &[(Topic, Entry)]) -> Result<()> {
        let sql = "INSERT INTO feed_entry (topic, kind, created_at, id, verb, actor_id, tweet_id) \
                   SELECT {text:0}, {int:1}, {int:2}, {int:3}, {text:4}, {int:5}, {int:6} FROM {each}";
        let rows: Vec<_> = entries
            .iter()
            .map(|(topic, entry)| {
                (
                    topic,
                    i16::from(entry.kind),
                    entry.place.at,
                    entry.place.id,
                    &*entry.verb,
                    entry.actor,
                    entry.tweet,
                )
            })
            .collect();
        self.write_each(sql, &rows).await?;
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
