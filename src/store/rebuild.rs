//! Making notifications anew from what happened, when the rule changes by which they are made.
//!
//! Which rule they follow is a row, with how far the rebuilding is. Each step is one transaction
//! with its position, so a crash repeats nothing. First every action's entries are corrected, then
//! every group is counted from its entries, then what users have not seen. A group is counted
//! whole in one transaction; what happens meanwhile is exact again as soon as its group was. Marks
//! stay; a group that had no row counts as seen, since nobody knows.

use super::bulk::ROWS;
use super::entity::{action, columns};
use super::feed::entry;
use super::notification::{Notice, UNREAD, UNSEEN};
use super::script::Script;
use super::snapshot::json;
use super::tx::Tx;
use crate::model::action::AUTOMATIC;
use crate::model::{Action, ActionId, Entry, Result, Topic};
use sea_orm::FromQueryResult;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The rule by which notifications are made today. Whoever changes whom an action is told, or what
/// groups are made of, raises it.
pub const RULE: i64 = 1;

/// What of the rebuilding is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The entries of actions behind this one.
    Entries(i64),
    /// The groups behind this one.
    Groups(i64),
    /// What users behind this one have not seen.
    Counts(i64),
    /// Nothing: all is made by today's rule.
    Done,
}

impl Phase {
    fn parts(self) -> (i64, i64) {
        match self {
            Self::Done => (0, 0),
            Self::Entries(position) => (1, position),
            Self::Groups(position) => (2, position),
            Self::Counts(position) => (3, position),
        }
    }
}

/// An action, and in whose notifications it belongs.
pub struct Due {
    /// The action.
    pub action: Action,
    /// The topics.
    pub topics: Vec<Topic>,
    /// Whether somebody else may have been told with good reason, which nobody can tell any more.
    pub is_vague: bool,
}

/// How many groups one transaction counts.
const GROUPS: i64 = 50;
/// The notifications of all users, as a range of topics.
const TOPICS: &str = "x.topic >= 'notifications:' AND x.topic < 'notifications;'";

impl super::Store {
    /// Whether notifications have to be made anew.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn needs_rebuild(&self) -> Result<bool> {
        let sql = "SELECT 1 FROM derived WHERE name = 'notifications' AND rule = ? AND phase = 0";
        let rows = self.background_snapshot().await?.rows(sql, [RULE.into()]).await?;
        Ok(rows.is_empty())
    }
}

impl Tx {
    /// Where the rebuilding is.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn rebuild_phase(&self) -> Result<Phase> {
        let sql = "SELECT phase, position FROM derived WHERE name = 'notifications' AND rule = ?";
        let rows = self.rows(sql, [RULE.into()]).await?;
        let Some(row) = rows.first() else {
            return Ok(Phase::Entries(0));
        };
        let position = row.try_get("", "position")?;
        Ok(match row.try_get::<i64>("", "phase")? {
            0 => Phase::Done,
            1 => Phase::Entries(position),
            2 => Phase::Groups(position),
            _ => Phase::Counts(position),
        })
    }

    /// Notes where the rebuilding is.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn set_rebuild_phase(&self, phase: Phase) -> Result<()> {
        let (phase, position) = phase.parts();
        let sql = "INSERT INTO derived (name, rule, phase, position) VALUES ('notifications', ?, ?, ?) \
                   ON CONFLICT (name) DO UPDATE SET rule = excluded.rule, phase = excluded.phase, \
                   position = excluded.position";
        self.execute(sql, [RULE.into(), phase.into(), position.into()]).await?;
        Ok(())
    }

    /// The next of the actions.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn actions_after(&self, position: i64) -> Result<Vec<Action>> {
        let sql = format!(
            "SELECT {} FROM action a WHERE a.id > ? ORDER BY a.id LIMIT {ROWS}",
            columns::<action::Entity>("a")
        );
        let rows = self.rows(&sql, [position.into()]).await?;
        rows.iter()
            .map(|row| Action::try_from(action::Model::from_query_result(row, "")?))
            .collect()
    }

    /// Makes the entries of actions in notifications those that are due. Returns the topics that
    /// changed.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn correct_notifications(&self, due: &[Due]) -> Result<BTreeSet<Topic>> {
        let stand = self.notifications_of(due).await?;
        let (mut missing, mut changed, mut notices) = (Vec::new(), Vec::new(), Vec::new());
        let mut wrong: Vec<(Topic, Entry)> = Vec::new();
        for due in due {
            let own = Entry::of(&due.action);
            let standing = stand.get(&due.action.id).map(Vec::as_slice).unwrap_or_default();
            for topic in &due.topics {
                notices.extend(Notice::of(topic, &own, &due.action.actor));
                if !standing.contains(&(topic.clone(), own.clone())) {
                    missing.push((topic.clone(), own.clone()));
                    changed.extend(Notice::of(topic, &own, &due.action.actor));
                }
            }
            for (topic, entry) in standing {
                let is_due = *entry == own && (due.is_vague || due.topics.contains(topic));
                if !is_due {
                    changed.extend(Notice::of(topic, entry, &due.action.actor));
                    wrong.push((topic.clone(), entry.clone()));
                }
            }
        }
        let keys: Vec<_> = wrong
            .iter()
            .map(|(topic, entry)| (topic, i16::from(entry.kind), entry.place.at, entry.place.id))
            .collect();
        let mut script = Script::default();
        script.each(
            "DELETE FROM feed_entry WHERE (topic, kind, created_at, id) IN \
             (SELECT {text:0}, {int:1}, {int:2}, {int:3} FROM {each})",
            &keys,
        );
        script.insert_entries(&missing);
        self.run(script).await?;
        let mut groups = self.found_groups(&notices).await?;
        groups.extend(self.groups_of(&changed).await?);
        self.recount(&groups.into_iter().collect::<Vec<_>>()).await?;
        Ok(wrong.into_iter().chain(missing).map(|(topic, _)| topic).collect())
    }

    async fn notifications_of(&self, due: &[Due]) -> Result<HashMap<ActionId, Vec<(Topic, Entry)>>> {
        let sql = format!(
            "SELECT x.topic, x.created_at, x.id, x.kind, x.verb, x.actor_id, \
             x.tweet_id, x.object FROM {{each}} JOIN feed_entry x ON x.id = {{number}} WHERE {TOPICS}"
        );
        let ids: Vec<ActionId> = due.iter().map(|due| due.action.id).collect();
        let mut found: HashMap<ActionId, Vec<(Topic, Entry)>> = HashMap::new();
        for row in &self.rows(&sql, [json(&ids)]).await? {
            let (topic, entry): (String, Entry) = (row.try_get("", "topic")?, entry(row)?);
            let standing = found.entry(entry.action()).or_default();
            standing.push((Topic::from_row(&topic), entry));
        }
        Ok(found)
    }

    /// Makes rows for groups that have none, still empty. Returns them.
    async fn found_groups(&self, notices: &[Notice]) -> Result<HashSet<i64>> {
        let keys: BTreeSet<_> = notices.iter().map(Notice::group).collect();
        let users: BTreeSet<_> = keys.iter().map(|group| group.0).collect();
        let sql =
            "INSERT INTO notification_state (user_id) SELECT {number} FROM {each} WHERE TRUE ON CONFLICT DO NOTHING";
        self.execute(sql, [json(&users)]).await?;
        let sql = "INSERT INTO notification_group (user_id, verb, object, day, newest_at, newest_id, action_count, version) \
                   SELECT {int:0}, {text:1}, {text:2}, {int:3}, 0, 0, 0, 0 FROM {each} WHERE TRUE \
                   ON CONFLICT DO NOTHING RETURNING id";
        let rows = self.rows(sql, [json(&keys)]).await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    async fn groups_of(&self, notices: &[Notice]) -> Result<HashSet<i64>> {
        let keys: BTreeSet<_> = notices.iter().map(Notice::group).collect();
        let sql = "SELECT g.id FROM {each} JOIN notification_group g ON g.user_id = {int:0} AND g.verb = {text:1} \
                   AND g.object = {text:2} AND g.day = {int:3}";
        let rows = self.rows(sql, [json(&keys)]).await?;
        rows.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
    }

    /// Counts the next groups from their entries. Returns the last of them; none when all are.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn recount_groups_after(&self, position: i64) -> Result<Option<i64>> {
        let sql = "SELECT id FROM notification_group WHERE id > ? ORDER BY id LIMIT ?";
        let rows = self.rows(sql, [position.into(), GROUPS.into()]).await?;
        let groups = rows
            .iter()
            .map(|row| Ok(row.try_get_by_index(0)?))
            .collect::<Result<Vec<i64>>>()?;
        self.recount(&groups).await?;
        Ok(groups.last().copied())
    }

    /// Counts groups, and who stands in them, from their entries. Those that have none go.
    async fn recount(&self, groups: &[i64]) -> Result<()> {
        let own = "g.id = {number}";
        let day = "x.created_at >= g.day * 86400000000 AND x.created_at < (g.day + 1) * 86400000000";
        let members = format!(
            "SELECT g.id AS group_id, g.user_id, w.actor_kind || ':' || w.actor_key AS actor, x.created_at, x.id \
             FROM {{each}} JOIN notification_group g ON {own} JOIN feed_entry x \
             ON x.topic = 'notifications:' || g.user_id AND x.kind <> 0 AND x.verb = g.verb AND x.object = g.object \
             AND {day} JOIN action w ON w.id = x.id UNION ALL \
             SELECT g.id, g.user_id, w.actor_kind || ':' || w.actor_key, x.created_at, x.id \
             FROM {{each}} JOIN notification_group g ON {own} JOIN tweet t ON g.verb IN ('tweet', 'reply') \
             AND t.id = CAST(substr(g.object, 7) AS BIGINT) JOIN feed_entry x ON x.id = t.action_id AND x.kind = 0 \
             AND x.topic = 'notifications:' || g.user_id AND x.verb = g.verb AND {day} JOIN action w ON w.id = x.id"
        );
        let newest = |column: &str| {
            format!(
                "(SELECT a.{column} FROM notification_actor a WHERE a.group_id = notification_group.id \
                 ORDER BY a.newest_at DESC, a.newest_id DESC LIMIT 1)"
            )
        };
        let mut script = Script::default();
        script.each(
            "DELETE FROM notification_actor WHERE group_id IN (SELECT {number} FROM {each})",
            groups,
        );
        script.each_with(
            format!(
                "INSERT INTO notification_actor (group_id, actor, user_id, action_count, newest_at, newest_id, version, \
                 banned) SELECT r.group_id, r.actor, r.user_id, r.n, r.created_at, r.id, g.version, \
                 r.actor IN (SELECT 'user:' || b.user_id FROM ban b) FROM (SELECT m.*, \
                 COUNT(*) OVER (PARTITION BY group_id, actor) AS n, \
                 ROW_NUMBER() OVER (PARTITION BY group_id, actor ORDER BY created_at DESC, id DESC) AS turn \
                 FROM ({members}) m) r JOIN notification_group g ON g.id = r.group_id WHERE r.turn = 1"
            ),
            [json(&groups)],
            groups,
        );
        script.each(
            "DELETE FROM notification_group WHERE id IN (SELECT {number} FROM {each}) AND NOT EXISTS \
             (SELECT 1 FROM notification_actor a WHERE a.group_id = notification_group.id)",
            groups,
        );
        script.each(
            format!(
                "UPDATE notification_group SET newest_at = {}, newest_id = {}, \
                 action_count = (SELECT CAST(SUM(a.action_count) AS BIGINT) FROM notification_actor a \
                 WHERE a.group_id = notification_group.id), \
                 actor_count = (SELECT COUNT(*) FROM notification_actor a WHERE a.group_id = notification_group.id), \
                 hidden = (verb IN ('{}') AND object LIKE 'tweet:%' AND EXISTS (SELECT 1 FROM tweet t \
                 WHERE t.id = CAST(substr(object, 7) AS BIGINT) AND t.deleted_at IS NOT NULL)) \
                 WHERE id IN (SELECT {{number}} FROM {{each}})",
                newest("newest_at"),
                newest("newest_id"),
                AUTOMATIC.join("', '")
            ),
            groups,
        );
        self.run(script).await
    }

    /// Counts what the next users have not seen, and not read. Returns the last of them; none when
    /// all are counted.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn recount_new_after(&self, position: i64) -> Result<Option<i64>> {
        let sql = "SELECT user_id FROM notification_state WHERE user_id > ? ORDER BY user_id LIMIT ?";
        let rows = self.rows(sql, [position.into(), GROUPS.into()]).await?;
        let users = rows
            .iter()
            .map(|row| Ok(row.try_get_by_index(0)?))
            .collect::<Result<Vec<i64>>>()?;
        let count = |is_new: &str| {
            format!(
                "(SELECT COUNT(*) FROM notification_group g JOIN notification_state s ON s.user_id = g.user_id \
                 WHERE g.user_id = notification_state.user_id AND NOT g.hidden AND {is_new})"
            )
        };
        let sql = format!(
            "UPDATE notification_state SET unseen_count = {}, unread_count = {} \
             WHERE user_id IN (SELECT {{number}} FROM {{each}})",
            count(UNSEEN),
            count(UNREAD)
        );
        self.execute(&sql, [json(&users)]).await?;
        Ok(users.last().copied())
    }
}
