//! Actions and their entries.

use crate::model::{Action, ActionId, Entity, Entry, EntryKind, Micros, Result, Topic};
use crate::store::feed::grouped_object;
use crate::store::script::Script;
use crate::store::snapshot::json;
use crate::store::tx::Tx;
use std::collections::HashSet;

/// By what an action is recognised.
#[derive(Clone, Debug)]
pub struct ActionName {
    /// Which action.
    pub id: ActionId,
    /// The identity of the row that brought it.
    pub external_id: String,
    /// Its actor's own identifier.
    pub foreign_id: Option<String>,
}

impl Tx {
    /// Which of these are the identities of actions that were imported, by their place in the
    /// list.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn known_actions(&self, identities: &[&str]) -> Result<HashSet<usize>> {
        let sql = "SELECT k.key FROM {each} JOIN action a ON a.external_id = {value}";
        super::places(&self.rows(sql, [json(&identities)]).await?)
    }

    /// Which of these actions were added here with that verb at that time, by their place in the
    /// list.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn own_actions(&self, actions: &[(ActionId, &str, Micros)]) -> Result<HashSet<usize>> {
        if actions.is_empty() {
            return Ok(HashSet::new());
        }
        let sql = "SELECT k.key FROM {each} JOIN action a ON a.id = {int:0} \
                   WHERE a.external_id IS NULL AND a.verb = {text:1} AND a.created_at = {int:2}";
        super::places(&self.rows(sql, [json(&actions)]).await?)
    }

    /// Which of these are recorded under their actors' own identifiers, by their place in the
    /// list.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn actions_under_names(&self, names: &[(Option<&str>, &Entity, &str)]) -> Result<HashSet<usize>> {
        let keys: Vec<_> = names
            .iter()
            .map(|(id, actor, verb)| (id, actor.kind(), actor.key(), verb))
            .collect();
        let sql = "SELECT k.key FROM {each} JOIN action a ON a.foreign_id = {text:0} AND a.actor_kind = {text:1} \
                   AND a.actor_key = {text:2} AND a.verb = {text:3}";
        super::places(&self.rows(sql, [json(&keys)]).await?)
    }
}

impl Script {
    /// Records actions.
    pub fn insert_actions(&mut self, actions: &[Action]) {
        let parts = |entity: &Option<Entity>| entity.as_ref().map(|entity| (entity.kind(), entity.key())).unzip();
        let rows: Vec<_> = actions
            .iter()
            .map(|action| {
                let (object, target) = (parts(&action.object), parts(&action.target));
                (
                    (action.id, &action.verb, action.actor.kind(), action.actor.key()),
                    (object, target, action.created_at),
                    (
                        &action.description,
                        action.data.as_ref().map(ToString::to_string),
                        action.public,
                    ),
                )
            })
            .collect();
        let rows: Vec<_> = rows
            .iter()
            .map(
                |((id, verb, kind, key), ((of, of_key), (to, to_key), at), (description, data, public))| {
                    (
                        id,
                        verb,
                        kind,
                        key,
                        of,
                        of_key,
                        to,
                        to_key,
                        at,
                        description,
                        data,
                        public,
                    )
                },
            )
            .collect();
        self.each(
            "INSERT INTO action (id, verb, actor_kind, actor_key, object_kind, object_key, target_kind, target_key, \
             created_at, description, data, public) SELECT {int:0}, {text:1}, {text:2}, {text:3}, {text:4}, {text:5}, \
             {text:6}, {text:7}, {int:8}, {text:9}, {text:10}, {bool:11} FROM {each}",
            &rows,
        );
    }

    /// Writes entries into topics.
    pub fn insert_entries(&mut self, entries: &[(Topic, Entry)]) {
        let rows: Vec<_> = entries
            .iter()
            .map(|(topic, entry)| {
                let (place, object) = (entry.place, grouped_object(entry));
                let tweet = entry.tweet().filter(|_| entry.kind != EntryKind::Other);
                let kind = i16::from(entry.kind);
                (
                    topic,
                    kind,
                    place.at,
                    place.id,
                    &*entry.verb,
                    entry.actor,
                    tweet,
                    object,
                )
            })
            .collect();
        self.each(
            "INSERT INTO feed_entry (topic, kind, created_at, id, verb, actor_id, tweet_id, object) \
             SELECT {text:0}, {int:1}, {int:2}, {int:3}, {text:4}, {int:5}, {int:6}, {text:7} FROM {each}",
            &rows,
        );
    }

    /// Notes by what actions are recognised.
    pub fn name_actions(&mut self, names: &[ActionName]) {
        let rows: Vec<_> = names
            .iter()
            .map(|name| (name.id, &name.external_id, &name.foreign_id))
            .collect();
        self.each(
            "UPDATE action SET external_id = d.external_id, foreign_id = d.foreign_id \
             FROM (SELECT {int:0} AS id, {text:1} AS external_id, {text:2} AS foreign_id FROM {each}) d \
             WHERE action.id = d.id",
            &rows,
        );
    }

    /// Moves actions and their entries to other times.
    pub(super) fn move_actions(&mut self, times: &[(ActionId, Micros)]) {
        self.each(
            "UPDATE action SET created_at = d.at FROM (SELECT {int:0} AS id, {int:1} AS at FROM {each}) d \
             WHERE action.id = d.id",
            times,
        );
        self.each(
            "UPDATE feed_entry SET created_at = d.at FROM (SELECT {int:0} AS id, {int:1} AS at FROM {each}) d \
             WHERE feed_entry.id = d.id",
            times,
        );
    }
}
