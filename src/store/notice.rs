//! Reading what users are told of.
//!
//! Whom a user may not see is subtracted here: the groups' own counts are of everybody. A group stands
//! where the newest action of those stands who are left; with nobody left, it is not there.

use super::list::Stretch;
use super::notification::{UNREAD, UNSEEN, hidden_actors, names};
use super::snapshot::{Snapshot, json};
use crate::model::{Entity, GroupKey, Place, Result, UserId};
use sea_orm::{QueryResult, Value};
use std::collections::HashSet;

/// A group of what a user is told of, as that user may see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NoticeGroup {
    /// Its row.
    pub id: i64,
    /// What its actions have in common.
    pub key: GroupKey,
    /// Where it stands: its newest action.
    pub newest: Place,
    /// How many actions it has.
    pub action_count: i64,
    /// By how many actors.
    pub actor_count: i64,
    /// Whether the user has seen all of it.
    pub is_seen: bool,
    /// Whether the user has read all of it.
    pub is_read: bool,
}

/// How many groups a user has not seen, and not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NewNotices {
    /// Not seen.
    pub unseen: i64,
    /// Not read.
    pub unread: i64,
}

/// A group `g` of a user with the state `s`, as it is of everybody.
fn plain() -> String {
    format!(
        "SELECT g.id, g.verb, g.object, g.day, g.newest_at, g.newest_id, g.action_count, g.actor_count, \
         CASE WHEN {UNSEEN} THEN 0 ELSE 1 END AS is_seen, CASE WHEN {UNREAD} THEN 0 ELSE 1 END AS is_read"
    )
}

/// The groups of a user in which somebody hidden stands, as rows `touched`, with how much of them is
/// theirs. Takes the hidden actors, and the user.
const TOUCHED: &str = "WITH hidden AS MATERIALIZED (SELECT {value} AS actor FROM {each}), \
    touched AS MATERIALIZED (SELECT a.group_id AS id, COUNT(*) AS actors, \
    CAST(SUM(a.action_count) AS BIGINT) AS actions FROM hidden h CROSS JOIN notification_actor a \
    WHERE a.actor = h.actor AND a.user_id = ? GROUP BY a.group_id)";
/// The actors `v` of a group `g` who are not hidden.
const VISIBLE: &str = "notification_actor v WHERE v.group_id = g.id AND v.actor NOT IN (SELECT actor FROM hidden)";
/// Whether one of them did something since the group was seen, or read.
const NEWLY_SEEN: &str = "v.version > g.seen AND v.version > s.seen";
const NEWLY_READ: &str = "v.version > g.read AND v.version > s.read";

/// The touched groups as they are without whoever is hidden, those of which something is left.
fn subtracted() -> String {
    let newest = |column: &str| {
        format!("(SELECT v.{column} FROM {VISIBLE} ORDER BY v.newest_at DESC, v.newest_id DESC LIMIT 1) AS {column}")
    };
    let done = |is_new: &str| format!("CASE WHEN EXISTS (SELECT 1 FROM {VISIBLE} AND {is_new}) THEN 0 ELSE 1 END");
    format!(
        "SELECT g.id, g.verb, g.object, g.day, {}, {}, g.action_count - t.actions AS action_count, \
         g.actor_count - t.actors AS actor_count, {} AS is_seen, {} AS is_read \
         FROM touched t JOIN notification_group g ON g.id = t.id JOIN notification_state s ON s.user_id = g.user_id \
         WHERE NOT g.hidden AND g.actor_count > t.actors",
        newest("newest_at"),
        newest("newest_id"),
        done(NEWLY_SEEN),
        done(NEWLY_READ)
    )
}

fn group(row: &QueryResult) -> Result<NoticeGroup> {
    let object: String = row.try_get("", "object")?;
    Ok(NoticeGroup {
        id: row.try_get("", "id")?,
        key: GroupKey::from_row(row.try_get("", "verb")?, &object, row.try_get("", "day")?),
        newest: Place {
            at: row.try_get("", "newest_at")?,
            id: row.try_get("", "newest_id")?,
        },
        action_count: row.try_get("", "action_count")?,
        actor_count: row.try_get("", "actor_count")?,
        is_seen: row.try_get::<i32>("", "is_seen")? != 0,
        is_read: row.try_get::<i32>("", "is_read")? != 0,
    })
}

impl Snapshot {
    /// Who is being deleted, though their rows are there.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn leaving(&self) -> Result<Vec<UserId>> {
        let rows = self.rows(super::notification::LEAVING, []).await?;
        rows.iter().map(|row| Ok(UserId(row.try_get_by_index(0)?))).collect()
    }

    async fn hidden_actors(&self, user: UserId) -> Result<Vec<UserId>> {
        hidden_actors(self.conn(), user).await
    }

    /// A stretch of a user's groups.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn notice_groups(&self, user: UserId, stretch: Stretch) -> Result<Vec<NoticeGroup>> {
        const RANGE: &str = "(~.newest_at, ~.newest_id) < (?, ?) AND (~.newest_at, ~.newest_id) > (?, ?)";
        let order = if stretch.newest_first { "DESC" } else { "ASC" };
        let limited = |of: &str| format!("ORDER BY {of}newest_at {order}, {of}newest_id {order} LIMIT ?");
        let (below, above) = (stretch.below, stretch.above);
        let limit = i64::try_from(stretch.limit).unwrap_or(i64::MAX);
        let range = [below.at, below.id, above.at, above.id].map(Value::from);
        let mut values: Vec<Value> = vec![user.0.into()];
        values.extend(range.iter().cloned().chain([limit.into()]));
        let mut sql = format!(
            "{} FROM notification_state s CROSS JOIN notification_group g WHERE s.user_id = ? AND g.user_id = s.user_id \
             AND g.hidden = FALSE AND {}",
            plain(),
            RANGE.replace('~', "g")
        );
        let hidden = self.hidden_actors(user).await?;
        if hidden.is_empty() {
            sql = format!("{sql} {}", limited("g."));
        } else {
            sql = format!(
                "{TOUCHED} SELECT * FROM (SELECT * FROM ({sql} AND g.id NOT IN (SELECT id FROM touched) {}) p \
                 UNION ALL SELECT * FROM ({}) q WHERE {}) r {}",
                limited("g."),
                subtracted(),
                RANGE.replace('~', "q"),
                limited("")
            );
            values.splice(0..0, [json(&names(&hidden)), user.0.into()]);
            values.extend(range.into_iter().chain([limit.into()]));
        }
        self.rows(&sql, values).await?.iter().map(group).collect()
    }

    /// Some of a user's groups.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn notice_groups_of(&self, user: UserId, keys: &[&GroupKey]) -> Result<Vec<NoticeGroup>> {
        let sql = format!(
            "{} FROM {{each}} JOIN notification_state s ON s.user_id = ? JOIN notification_group g \
             ON g.user_id = s.user_id AND g.verb = {{text:0}} AND g.object = {{text:1}} AND g.day = {{int:2}} \
             WHERE NOT g.hidden",
            plain()
        );
        let asked: Vec<_> = keys.iter().map(|key| (&key.verb, key.object_name(), key.day)).collect();
        let rows = self.rows(&sql, [json(&asked), user.0.into()]).await?;
        let groups = rows.iter().map(group).collect::<Result<Vec<_>>>()?;
        let hidden = self.hidden_actors(user).await?;
        if hidden.is_empty() || groups.is_empty() {
            return Ok(groups);
        }
        let ids: Vec<i64> = groups.iter().map(|group| group.id).collect();
        let (ids, hidden) = (json(&ids), json(&names(&hidden)));
        let sql = format!("{TOUCHED} SELECT id FROM touched WHERE id IN (SELECT {{number}} FROM {{each}})");
        let mut touched = HashSet::new();
        for row in &self.rows(&sql, [hidden.clone(), user.0.into(), ids.clone()]).await? {
            touched.insert(row.try_get_by_index::<i64>(0)?);
        }
        let sql = format!(
            "{TOUCHED} {} AND t.id IN (SELECT {{number}} FROM {{each}})",
            subtracted()
        );
        let left = self.rows(&sql, [hidden, user.0.into(), ids]).await?;
        let untouched = groups.into_iter().filter(|group| !touched.contains(&group.id)).map(Ok);
        untouched.chain(left.iter().map(group)).collect()
    }

    /// How many groups a user has not seen, and not read.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn new_notices(&self, user: UserId) -> Result<NewNotices> {
        let sql = "SELECT unseen_count, unread_count FROM notification_state WHERE user_id = ?";
        let rows = self.rows(sql, [user.0.into()]).await?;
        let Some(row) = rows.first() else {
            return Ok(NewNotices::default());
        };
        let mut new = NewNotices {
            unseen: row.try_get_by_index(0)?,
            unread: row.try_get_by_index(1)?,
        };
        let hidden = self.hidden_actors(user).await?;
        if hidden.is_empty() {
            return Ok(new);
        }
        let by_hidden = |is_new: &str, by_visible: &str| {
            let is_by_hidden = format!("{is_new} AND NOT EXISTS (SELECT 1 FROM {VISIBLE} AND {by_visible})");
            format!("COALESCE(SUM(CASE WHEN {is_by_hidden} THEN 1 ELSE 0 END), 0)")
        };
        let sql = format!(
            "{TOUCHED} SELECT {}, {} FROM touched t JOIN notification_group g ON g.id = t.id \
             JOIN notification_state s ON s.user_id = g.user_id WHERE NOT g.hidden",
            by_hidden(UNSEEN, NEWLY_SEEN),
            by_hidden(UNREAD, NEWLY_READ)
        );
        if let Some(row) = self.rows(&sql, [json(&names(&hidden)), user.0.into()]).await?.first() {
            new.unseen -= row.try_get_by_index::<i64>(0)?;
            new.unread -= row.try_get_by_index::<i64>(1)?;
        }
        Ok(new)
    }

    /// The first actors of a user's groups, by their rows: the newest first, each once.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn notice_actors(&self, user: UserId, groups: &[i64], first: usize) -> Result<Vec<Vec<Entity>>> {
        let hidden = self.hidden_actors(user).await?;
        let sql = "SELECT k.key AS list, x.actor FROM {each} CROSS JOIN notification_actor x WHERE x.group_id = {number} \
                   AND (x.newest_at, x.newest_id) IN (SELECT y.newest_at, y.newest_id FROM notification_actor y \
                   WHERE y.group_id = {number} AND y.actor NOT IN (SELECT {value} FROM {each}) \
                   ORDER BY y.newest_at DESC, y.newest_id DESC LIMIT ?) ORDER BY k.key, x.newest_at DESC, x.newest_id DESC";
        let first = i64::try_from(first).unwrap_or(i64::MAX);
        let rows = self
            .rows(sql, [json(&groups), json(&names(&hidden)), first.into()])
            .await?;
        let mut found = vec![Vec::new(); groups.len()];
        for row in &rows {
            let (list, actor): (i64, String) = (row.try_get("", "list")?, row.try_get("", "actor")?);
            let slot = usize::try_from(list).ok().and_then(|list| found.get_mut(list));
            if let Some(slot) = slot {
                slot.extend(Entity::parse(&actor));
            }
        }
        Ok(found)
    }
}
