//! Actions and their entries.

use crate::model::{Action, ActionId, Entity, Entry, EntryKind, Micros, Topic};
use crate::store::feed::grouped_object;
use crate::store::script::Script;

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
