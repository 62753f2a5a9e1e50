//! Actions and their entries.

use super::Script;
use crate::model::{ActionId, Entity, Entry, Micros, Topic, UserId};

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

impl Script {
    /// Records actions of users.
    pub fn insert_actions(&mut self, actions: &[NewAction]) {
        let parts = |entity: &Option<Entity>| entity.as_ref().map(|entity| (entity.kind(), entity.key())).unzip();
        let rows: Vec<_> = actions
            .iter()
            .map(|new| {
                let (object_kind, object_key) = parts(&new.object);
                let (target_kind, target_key) = parts(&new.target);
                let (of, to) = ((object_kind, object_key), (target_kind, target_key));
                (
                    new.id,
                    new.verb,
                    new.actor.to_string(),
                    of.0,
                    of.1,
                    to.0,
                    to.1,
                    new.created_at,
                )
            })
            .collect();
        self.each(
            "INSERT INTO action (id, verb, actor_kind, actor_key, object_kind, object_key, target_kind, target_key, \
             created_at) SELECT {int:0}, {text:1}, 'user', {text:2}, {text:3}, {text:4}, {text:5}, {text:6}, {int:7} \
             FROM {each}",
            &rows,
        );
    }

    /// Writes entries into topics.
    pub fn insert_entries(&mut self, entries: &[(Topic, Entry)]) {
        let rows: Vec<_> = entries
            .iter()
            .map(|(topic, entry)| {
                let (kind, place) = (i16::from(entry.kind), entry.place);
                (topic, kind, place.at, place.id, &*entry.verb, entry.actor, entry.tweet)
            })
            .collect();
        self.each(
            "INSERT INTO feed_entry (topic, kind, created_at, id, verb, actor_id, tweet_id) \
             SELECT {text:0}, {int:1}, {int:2}, {int:3}, {text:4}, {int:5}, {int:6} FROM {each}",
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
