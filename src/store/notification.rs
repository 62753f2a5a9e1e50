//! What users are told of: groups by verb, object and day, kept by what changes them.
//!
//! An action is told to a user by its entry in the topic of their notifications. Beside it stand
//! the group's row, with exact counts, and a row for each of the group's actors.

#[cfg(test)]
mod recount;

use super::dialect::statement;
use super::script::Script;
use super::tx::Tx;
use crate::model::action::AUTOMATIC;
use crate::model::feed::day_of;
use crate::model::{Entity, Entry, Place, Result, Topic, UserId};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// An action that a user is told of, or no longer.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    group: GroupKey,
    actor: String,
    place: Place,
}

/// What makes a group: user, verb, object and day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct GroupKey(pub(super) UserId, String, String, i64);

impl Notice {
    /// The group that it belongs to.
    pub fn group(&self) -> &GroupKey {
        &self.group
    }

    /// The notice that an actor's entry is in a topic, if the topic is somebody's notifications.
    pub fn of(topic: &Topic, entry: &Entry, actor: &Entity) -> Option<Self> {
        let object = entry.object.as_ref().map(Entity::to_string).unwrap_or_default();
        let day = day_of(entry.place.at);
        Some(Self {
            group: GroupKey(topic.notified()?, entry.verb.to_string(), object, day),
            actor: actor.to_string(),
            place: entry.place,
        })
    }
}

/// How many, and the newest place of them.
#[derive(Clone, Copy, Debug)]
struct Sum(i64, Place);

impl Sum {
    fn add<K: Ord>(sums: &mut BTreeMap<K, Self>, key: K, place: Place) {
        let sum = sums.entry(key).or_insert(Self(0, place));
        *sum = Self(sum.0 + 1, sum.1.max(place));
    }
}

/// User, verb, object, day, actor, actions, newest time and action.
type ActorRow = (UserId, String, String, i64, String, i64, i64, i64);

/// Notices added up: what each statement takes as its rows.
struct Tally {
    users: Vec<UserId>,
    /// User, verb, object, day, actions, newest time and action.
    groups: Vec<(UserId, String, String, i64, i64, i64, i64)>,
    /// The same of actors.
    actors: Vec<ActorRow>,
}

impl Tally {
    fn new(notices: &[Notice]) -> Self {
        let (mut groups, mut actors) = (BTreeMap::new(), BTreeMap::new());
        for notice in notices {
            Sum::add(&mut groups, &notice.group, notice.place);
            Sum::add(&mut actors, (&notice.group, &notice.actor), notice.place);
        }
        let users: BTreeSet<UserId> = groups.keys().map(|group| group.0).collect();
        let own = |GroupKey(user, verb, object, day): &GroupKey| (*user, verb.clone(), object.clone(), *day);
        Self {
            users: users.into_iter().collect(),
            groups: groups
                .into_iter()
                .map(|(group, Sum(n, newest))| {
                    let (user, verb, object, day) = own(group);
                    (user, verb, object, day, n, newest.at, newest.id)
                })
                .collect(),
            actors: actors
                .into_iter()
                .map(|((group, actor), Sum(n, newest))| {
                    let (user, verb, object, day) = own(group);
                    (user, verb, object, day, actor.clone(), n, newest.at, newest.id)
                })
                .collect(),
        }
    }
}

/// Rows `k` of groups or actors, each with its group `g`.
const GROUP: &str =
    "notification_group g ON g.user_id = {int:0} AND g.verb = {text:1} AND g.object = {text:2} AND g.day = {int:3}";
/// And with its actor `a`.
const ACTOR: &str = "notification_actor a ON a.group_id = g.id AND a.actor = {text:4}";
/// Whether a group is not seen, or not read, by its user's state `s`.
pub(super) const UNSEEN: &str = "g.version > g.seen AND g.version > s.seen";
pub(super) const UNREAD: &str = "g.version > g.read AND g.version > s.read";

/// The newer of what a row has and what is put in.
fn newer(table: &str) -> String {
    let is_newer = format!("(excluded.newest_at, excluded.newest_id) > ({table}.newest_at, {table}.newest_id)");
    format!(
        "newest_at = CASE WHEN {is_newer} THEN excluded.newest_at ELSE {table}.newest_at END, \
         newest_id = CASE WHEN {is_newer} THEN excluded.newest_id ELSE {table}.newest_id END"
    )
}

impl Script {
    /// Tells users of actions: their groups get new counts and actors, and are unseen again.
    pub(super) fn notify(&mut self, notices: &[Notice]) {
        if notices.is_empty() {
            return;
        }
        let tally = Tally::new(notices);
        self.each(
            "INSERT INTO notification_state (user_id, version) SELECT {number}, 1 FROM {each} WHERE TRUE \
             ON CONFLICT (user_id) DO UPDATE SET version = notification_state.version + 1",
            &tally.users,
        );
        // A group that is new, or was seen so far, is one more that is not.
        self.each(
            format!(
                "UPDATE notification_state SET unseen_count = unseen_count + d.unseen, \
                 unread_count = unread_count + d.unread FROM (SELECT s.user_id, \
                 SUM(CASE WHEN g.id IS NOT NULL AND (g.hidden OR ({UNSEEN})) THEN 0 ELSE 1 END) AS unseen, \
                 SUM(CASE WHEN g.id IS NOT NULL AND (g.hidden OR ({UNREAD})) THEN 0 ELSE 1 END) AS unread \
                 FROM {{each}} JOIN notification_state s ON s.user_id = {{int:0}} LEFT JOIN {GROUP} \
                 GROUP BY s.user_id) d WHERE notification_state.user_id = d.user_id"
            ),
            &tally.groups,
        );
        self.each(
            format!(
                "INSERT INTO notification_group (user_id, verb, object, day, action_count, newest_at, newest_id, version) \
                 SELECT {{int:0}}, {{text:1}}, {{text:2}}, {{int:3}}, {{int:4}}, {{int:5}}, {{int:6}}, s.version \
                 FROM {{each}} JOIN notification_state s ON s.user_id = {{int:0}} WHERE TRUE \
                 ON CONFLICT (user_id, verb, object, day) DO UPDATE SET version = excluded.version, \
                 action_count = notification_group.action_count + excluded.action_count, {}",
                newer("notification_group")
            ),
            &tally.groups,
        );
        self.each(
            format!(
                "UPDATE notification_group SET actor_count = actor_count + d.actors FROM \
                 (SELECT g.id, COUNT(*) AS actors FROM {{each}} JOIN {GROUP} LEFT JOIN {ACTOR} \
                 WHERE a.actor IS NULL GROUP BY g.id) d WHERE notification_group.id = d.id"
            ),
            &tally.actors,
        );
        self.each(
            format!(
                "INSERT INTO notification_actor (group_id, actor, user_id, action_count, newest_at, newest_id, version) \
                 SELECT g.id, {{text:4}}, g.user_id, {{int:5}}, {{int:6}}, {{int:7}}, g.version \
                 FROM {{each}} JOIN {GROUP} WHERE TRUE \
                 ON CONFLICT (group_id, actor) DO UPDATE SET version = excluded.version, \
                 action_count = notification_actor.action_count + excluded.action_count, {}",
                newer("notification_actor")
            ),
            &tally.actors,
        );
    }

    /// Takes notices back, after their entries: groups and actors of whom nothing is left go.
    pub(super) fn unnotify(&mut self, notices: &[Notice]) {
        if notices.is_empty() {
            return;
        }
        let tally = Tally::new(notices);
        self.each(
            format!(
                "UPDATE notification_state SET unseen_count = unseen_count - d.unseen, \
                 unread_count = unread_count - d.unread FROM (SELECT s.user_id, \
                 SUM(CASE WHEN {UNSEEN} THEN 1 ELSE 0 END) AS unseen, \
                 SUM(CASE WHEN {UNREAD} THEN 1 ELSE 0 END) AS unread FROM {{each}} \
                 JOIN notification_state s ON s.user_id = {{int:0}} JOIN {GROUP} \
                 WHERE g.action_count <= {{int:4}} AND NOT g.hidden GROUP BY s.user_id) d \
                 WHERE notification_state.user_id = d.user_id"
            ),
            &tally.groups,
        );
        self.each(
            format!(
                "UPDATE notification_group SET actor_count = actor_count - d.actors FROM \
                 (SELECT g.id, COUNT(*) AS actors FROM {{each}} JOIN {GROUP} JOIN {ACTOR} \
                 WHERE a.action_count <= {{int:5}} GROUP BY g.id) d WHERE notification_group.id = d.id"
            ),
            &tally.actors,
        );
        self.each(
            format!(
                "UPDATE notification_actor SET action_count = action_count - d.actions FROM \
                 (SELECT g.id, {{text:4}} AS actor, {{int:5}} AS actions FROM {{each}} JOIN {GROUP}) d \
                 WHERE notification_actor.group_id = d.id AND notification_actor.actor = d.actor"
            ),
            &tally.actors,
        );
        self.each(
            format!(
                "DELETE FROM notification_actor WHERE action_count <= 0 AND (group_id, actor) IN \
                 (SELECT g.id, {{text:4}} FROM {{each}} JOIN {GROUP})"
            ),
            &tally.actors,
        );
        self.stand_at_newest(&tally);
        self.each(
            format!(
                "UPDATE notification_group SET action_count = action_count - d.actions FROM \
                 (SELECT g.id, {{int:4}} AS actions FROM {{each}} JOIN {GROUP}) d WHERE notification_group.id = d.id"
            ),
            &tally.groups,
        );
        self.each(
            format!(
                "DELETE FROM notification_group WHERE action_count <= 0 AND id IN (SELECT g.id FROM {{each}} JOIN {GROUP})"
            ),
            &tally.groups,
        );
    }

    /// Moves actors whose newest action went to the newest of those that they are left with, and
    /// groups to that of their actors.
    fn stand_at_newest(&mut self, tally: &Tally) {
        let newest = |column: &str| {
            format!(
                "(SELECT x.{column} FROM feed_entry x JOIN action w ON w.id = x.id WHERE x.kind <> 0 \
                 AND x.topic = 'notifications:' || d.user_id AND x.verb = d.verb AND x.object = d.object \
                 AND x.created_at >= d.day * 86400000000 AND x.created_at < (d.day + 1) * 86400000000 \
                 AND w.actor_kind || ':' || w.actor_key = d.actor ORDER BY x.created_at DESC, x.id DESC LIMIT 1)"
            )
        };
        self.each(
            format!(
                "UPDATE notification_actor SET newest_at = COALESCE({}, newest_at), newest_id = COALESCE({}, newest_id) \
                 FROM (SELECT g.id AS group_id, g.user_id, g.verb, g.object, g.day, {{text:4}} AS actor, \
                 {{int:6}} AS at, {{int:7}} AS id FROM {{each}} JOIN {GROUP}) d \
                 WHERE notification_actor.group_id = d.group_id AND notification_actor.actor = d.actor \
                 AND notification_actor.newest_at = d.at AND notification_actor.newest_id = d.id",
                newest("created_at"),
                newest("id")
            ),
            &tally.actors,
        );
        let newest = |column: &str| {
            format!(
                "(SELECT a.{column} FROM notification_actor a WHERE a.group_id = notification_group.id \
                 ORDER BY a.newest_at DESC, a.newest_id DESC LIMIT 1)"
            )
        };
        self.each(
            format!(
                "UPDATE notification_group SET newest_at = COALESCE({}, newest_at), newest_id = COALESCE({}, newest_id) \
                 WHERE id IN (SELECT g.id FROM {{each}} JOIN {GROUP})",
                newest("newest_at"),
                newest("newest_id")
            ),
            &tally.groups,
        );
    }
}

impl Tx {
    /// Hides the groups of what goes with something that is deleted, until their actions are gone.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn hide_groups_about(&self, object: &Entity) -> Result<()> {
        let object = object.to_string();
        let goes = format!(
            "g.object = ? AND NOT g.hidden AND g.verb IN ('{}')",
            AUTOMATIC.join("', '")
        );
        let sql = format!(
            "UPDATE notification_state SET unseen_count = unseen_count - d.unseen, \
             unread_count = unread_count - d.unread FROM (SELECT s.user_id, \
             SUM(CASE WHEN {UNSEEN} THEN 1 ELSE 0 END) AS unseen, \
             SUM(CASE WHEN {UNREAD} THEN 1 ELSE 0 END) AS unread \
             FROM notification_group g JOIN notification_state s ON s.user_id = g.user_id \
             WHERE {goes} GROUP BY s.user_id) d WHERE notification_state.user_id = d.user_id"
        );
        self.execute(&sql, [object.clone().into()]).await?;
        let sql = format!("UPDATE notification_group AS g SET hidden = TRUE WHERE {goes}");
        self.execute(&sql, [object.into()]).await?;
        Ok(())
    }
}

/// Who is being deleted.
pub(super) const LEAVING: &str = "SELECT key FROM sweep WHERE kind = 'user'";

/// Whom a user is not told of, though their rows are there: those who are being deleted, whom the
/// user blocks or mutes, and, unless the user is a moderator, who is banned. Of these last only
/// those who stand in one of the user's groups, or may do.
pub(super) async fn hidden_actors(conn: &DatabaseTransaction, user: UserId) -> Result<Vec<UserId>> {
    let sql = format!(
        "{LEAVING} UNION SELECT target_id FROM block WHERE user_id = ? UNION SELECT target_id FROM mute WHERE user_id = ? \
         UNION SELECT b.user_id FROM ban b WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = ? AND u.is_moderator) \
         AND b.user_id IN (SELECT s.key FROM sweep s WHERE s.kind = 'ban' UNION \
         SELECT CAST(substr(a.actor, 6) AS BIGINT) FROM notification_actor a WHERE a.user_id = ? AND a.banned)"
    );
    let values = [user.0; 4].map(sea_orm::Value::from);
    let rows = conn
        .query_all_raw(statement(conn.get_database_backend(), &sql, values))
        .await?;
    rows.iter().map(|row| Ok(UserId(row.try_get_by_index(0)?))).collect()
}

/// Users as groups name their actors.
pub(super) fn names(users: &[UserId]) -> Vec<String> {
    users.iter().map(|id| Entity::User(*id).to_string()).collect()
}
