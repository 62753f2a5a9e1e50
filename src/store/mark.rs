//! What users have seen and read of their notifications.

use super::notification::{UNREAD, UNSEEN, hidden_actors, names};
use super::snapshot::json;
use super::tx::Tx;
use crate::model::{GroupKey, Result, UserId};
use std::collections::HashMap;

/// How far notifications are marked: reading implies seeing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// They were seen.
    Seen,
    /// They were read.
    Read,
}

impl Mark {
    fn columns(self) -> &'static [(&'static str, &'static str, &'static str)] {
        const SEEN: (&str, &str, &str) = ("seen", "unseen_count", UNSEEN);
        const READ: (&str, &str, &str) = ("read", "unread_count", UNREAD);
        match self {
            Self::Seen => &[SEEN],
            Self::Read => &[SEEN, READ],
        }
    }
}

impl Tx {
    /// Marks all that a user is told of so far.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn mark_all(&self, user: UserId, mark: Mark) -> Result<()> {
        for (seen, count, _) in mark.columns() {
            let sql = format!("UPDATE notification_state SET {seen} = version, {count} = 0 WHERE user_id = ?");
            self.execute(&sql, [user.0.into()]).await?;
        }
        Ok(())
    }

    /// Marks groups, with the actions that they have so far.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn mark(&self, user: UserId, groups: &[i64], mark: Mark) -> Result<()> {
        for (seen, count, is_new) in mark.columns() {
            let sql = format!(
                "UPDATE notification_state SET {count} = {count} - (SELECT COUNT(*) FROM notification_group g \
                 JOIN notification_state s ON s.user_id = g.user_id WHERE {is_new} AND NOT g.hidden \
                 AND g.id IN (SELECT {{number}} FROM {{each}})) WHERE user_id = ?"
            );
            self.execute(&sql, [json(&groups), user.0.into()]).await?;
            let sql =
                format!("UPDATE notification_group SET {seen} = version WHERE id IN (SELECT {{number}} FROM {{each}})");
            self.execute(&sql, [json(&groups)]).await?;
        }
        Ok(())
    }

    /// The rows of those of a user's groups that are shown.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn notice_groups_shown(&self, user: UserId, keys: &[GroupKey]) -> Result<HashMap<GroupKey, i64>> {
        let hidden = hidden_actors(self.conn(), user).await?;
        let sql = "SELECT g.id, g.verb, g.object, g.day FROM {each} JOIN notification_group g ON g.user_id = ? \
                   AND g.verb = {text:0} AND g.object = {text:1} AND g.day = {int:2} WHERE NOT g.hidden \
                   AND g.actor_count > (SELECT COUNT(*) FROM notification_actor a WHERE a.group_id = g.id \
                   AND a.actor IN (SELECT {value} FROM {each}))";
        let asked: Vec<_> = keys.iter().map(|key| (&key.verb, key.object_name(), key.day)).collect();
        let rows = self
            .rows(sql, [json(&asked), user.0.into(), json(&names(&hidden))])
            .await?;
        rows.iter()
            .map(|row| {
                let object: String = row.try_get("", "object")?;
                let key = GroupKey::from_row(row.try_get("", "verb")?, &object, row.try_get("", "day")?);
                Ok((key, row.try_get("", "id")?))
            })
            .collect()
    }
}
