//! Reading what users are told of.
//!
//! Whom a user may not see is subtracted here: the groups' own counts are of everybody.

use super::list::Stretch;
use super::notification::{UNREAD, UNSEEN, hidden_actors, names};
use super::snapshot::{Snapshot, json};
use crate::model::{Entity, GroupKey, Place, Result, UserId};
use sea_orm::QueryResult;
use std::collections::HashMap;

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
    /// By how many actors. With none, it is not shown.
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

fn select() -> String {
    format!(
        "SELECT g.id, g.verb, g.object, g.day, g.newest_at, g.newest_id, g.action_count, g.actor_count, \
         CASE WHEN {UNSEEN} THEN 0 ELSE 1 END AS is_seen, CASE WHEN {UNREAD} THEN 0 ELSE 1 END AS is_read"
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

    /// A stretch of a user's groups, those too of which nothing is left to be seen.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn notice_groups(&self, user: UserId, stretch: Stretch) -> Result<Vec<NoticeGroup>> {
        let order = if stretch.newest_first { "DESC" } else { "ASC" };
        let sql = format!(
            "{} FROM notification_state s CROSS JOIN notification_group g WHERE s.user_id = ? AND g.user_id = s.user_id \
             AND g.hidden = FALSE AND (g.newest_at, g.newest_id) < (?, ?) AND (g.newest_at, g.newest_id) > (?, ?) \
             ORDER BY g.newest_at {order}, g.newest_id {order} LIMIT ?",
            select()
        );
        let (below, above) = (stretch.below, stretch.above);
        let limit = i64::try_from(stretch.limit).unwrap_or(i64::MAX);
        let values = [user.0, below.at, below.id, above.at, above.id, limit];
        let rows = self.rows(&sql, values.map(sea_orm::Value::from)).await?;
        let mut groups = rows.iter().map(group).collect::<Result<Vec<_>>>()?;
        self.subtract_hidden(user, &mut groups).await?;
        Ok(groups)
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
            select()
        );
        let asked: Vec<_> = keys.iter().map(|key| (&key.verb, key.object_name(), key.day)).collect();
        let rows = self.rows(&sql, [json(&asked), user.0.into()]).await?;
        let mut groups = rows.iter().map(group).collect::<Result<Vec<_>>>()?;
        self.subtract_hidden(user, &mut groups).await?;
        Ok(groups)
    }

    async fn subtract_hidden(&self, user: UserId, groups: &mut [NoticeGroup]) -> Result<()> {
        let hidden = self.hidden_actors(user).await?;
        if hidden.is_empty() || groups.is_empty() {
            return Ok(());
        }
        let sql = "SELECT a.group_id, COUNT(*) AS actors, CAST(SUM(a.action_count) AS BIGINT) AS actions \
                   FROM {each} JOIN notification_actor a ON a.actor = {value} AND a.user_id = ? \
                   WHERE a.group_id IN (SELECT {number} FROM {each}) GROUP BY a.group_id";
        let ids: Vec<i64> = groups.iter().map(|group| group.id).collect();
        let rows = self
            .rows(sql, [json(&names(&hidden)), user.0.into(), json(&ids)])
            .await?;
        let mut gone: HashMap<i64, (i64, i64)> = HashMap::new();
        for row in &rows {
            let counts = (row.try_get("", "actors")?, row.try_get("", "actions")?);
            gone.insert(row.try_get("", "group_id")?, counts);
        }
        for group in groups {
            let (actors, actions) = gone.get(&group.id).copied().unwrap_or_default();
            group.actor_count -= actors;
            group.action_count -= actions;
        }
        Ok(())
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
        let sql = format!(
            "SELECT COALESCE(SUM(CASE WHEN {UNSEEN} THEN 1 ELSE 0 END), 0), \
             COALESCE(SUM(CASE WHEN {UNREAD} THEN 1 ELSE 0 END), 0) \
             FROM (SELECT a.group_id, COUNT(*) AS actors FROM {{each}} JOIN notification_actor a \
             ON a.actor = {{value}} AND a.user_id = ? GROUP BY a.group_id) h \
             JOIN notification_group g ON g.id = h.group_id JOIN notification_state s ON s.user_id = g.user_id \
             WHERE NOT g.hidden AND g.actor_count <= h.actors"
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
