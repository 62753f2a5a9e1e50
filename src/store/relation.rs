//! Whom users block and mute.

use super::Store;
use super::cache::Kept;
use super::snapshot::Snapshot;
use super::tx::Tx;
use crate::model::{Hides, Key, Relation, Result, Sight, UserId};
use std::sync::Arc;

/// Where they are kept, both alike.
pub(super) fn table(relation: Relation) -> &'static str {
    match relation {
        Relation::Block => "block",
        Relation::Mute => "mute",
    }
}

impl Kept for Hides {
    type Id = UserId;

    fn key(id: &UserId) -> Key {
        Key::Hides(*id)
    }

    fn weight(&self) -> usize {
        // A set has room for up to twice as many as it holds.
        size_of::<Self>() + (self.blocked.len() + self.muted.len()) * 2 * (size_of::<UserId>() + 1)
    }
}

impl Store {
    /// Whom a user hides, as memory has it.
    #[must_use]
    pub fn cached_hides(&self, user: UserId) -> Option<Arc<Hides>> {
        self.caches().get::<Hides>([user]).0.remove(&user)
    }

    /// Whom a user hides.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn hides(&self, user: UserId) -> Result<Arc<Hides>> {
        if let Some(hides) = self.cached_hides(user) {
            return Ok(hides);
        }
        let snapshot = self.snapshot().await?;
        let hides = Arc::new(snapshot.hides(user).await?);
        self.caches().put(snapshot.seq(), [(user, &hides)]);
        Ok(hides)
    }

    /// What somebody may see today; who is gone sees what a stranger sees.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn sight(&self, viewer: Option<UserId>) -> Result<Sight> {
        let Some(id) = viewer else {
            return Ok(Sight::default());
        };
        let Some(viewer) = self.users([id]).await?.remove(&id) else {
            return Ok(Sight::default());
        };
        Ok(Sight::new(&viewer, self.hides(id).await?))
    }
}

impl Snapshot {
    pub(super) async fn hides(&self, user: UserId) -> Result<Hides> {
        let sql = "SELECT target_id, 0 AS is_mute FROM block WHERE user_id = ? UNION ALL \
                   SELECT target_id, 1 FROM mute WHERE user_id = ?";
        let mut hides = Hides::default();
        for row in &self.rows(sql, [user.0.into(), user.0.into()]).await? {
            let target = UserId(row.try_get_by_index(0)?);
            match row.try_get_by_index::<i32>(1)? {
                0 => hides.blocked.insert(target),
                _ => hides.muted.insert(target),
            };
        }
        Ok(hides)
    }
}

impl Tx {
    /// Notes that a user blocks or mutes another. False when they did already.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_relation(&self, relation: Relation, user: UserId, target: UserId) -> Result<bool> {
        let sql = format!(
            "INSERT INTO {} (user_id, target_id, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            table(relation)
        );
        let values = [user.0.into(), target.0.into(), self.now().0.into()];
        Ok(self.execute(&sql, values).await? > 0)
    }

    /// Notes that a user blocks or mutes another no longer. False when they did not.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn delete_relation(&self, relation: Relation, user: UserId, target: UserId) -> Result<bool> {
        let sql = format!("DELETE FROM {} WHERE user_id = ? AND target_id = ?", table(relation));
        Ok(self.execute(&sql, [user.0.into(), target.0.into()]).await? > 0)
    }

    /// Whether a user blocks another.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn blocks(&self, user: UserId, target: UserId) -> Result<bool> {
        if let Some(known) = self.known() {
            return Ok(known.blocks.contains(&(user, target)));
        }
        let sql = "SELECT 1 FROM block WHERE user_id = ? AND target_id = ?";
        Ok(!self.rows(sql, [user.0.into(), target.0.into()]).await?.is_empty())
    }

    /// Whether one of two users blocks the other.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn are_apart(&self, one: UserId, other: UserId) -> Result<bool> {
        Ok(self.blocks(one, other).await? || self.blocks(other, one).await?)
    }

    /// Takes away a step's number of the blocks and mutes by a deleted user and of them. Returns
    /// how many.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn sweep_relations(&self, user: UserId) -> Result<usize> {
        let mut event = crate::model::NewEvent::new(crate::model::EventKind::Relation);
        for relation in Relation::ALL {
            let table = table(relation);
            for side in ["user_id", "target_id"] {
                let sql = format!(
                    "DELETE FROM {table} WHERE (user_id, target_id) IN \
                     (SELECT user_id, target_id FROM {table} WHERE {side} = ? LIMIT ?) RETURNING user_id"
                );
                for row in &self.rows(&sql, [user.0.into(), super::sweep::STEP.into()]).await? {
                    event.keys.push(Key::Hides(UserId(row.try_get_by_index(0)?)));
                }
            }
        }
        let gone = event.keys.len();
        if gone > 0 {
            self.emit(event);
        }
        Ok(gone)
    }
}
