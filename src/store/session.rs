//! Sessions of users and tokens of services.

use super::Store;
use super::cache::Kept;
use super::entity::session;
use super::snapshot::Snapshot;
use super::tx::Tx;
use crate::model::viewer::TokenHash;
use crate::model::{Key, Micros, Result, UserId};
use sea_orm::{EntityTrait, Set};
use std::sync::Arc;

/// Whom a token lets in, and until when.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// The user, or none for a service.
    pub user: Option<UserId>,
    /// The service's name.
    pub service: Option<String>,
    /// None: it does not end by itself.
    pub expires_at: Option<Micros>,
}

impl Kept for Session {
    type Id = TokenHash;

    fn key(id: &TokenHash) -> Key {
        Key::Session(*id)
    }

    fn weight(&self) -> usize {
        size_of::<Self>() + self.service.as_ref().map_or(0, String::len)
    }
}

impl From<session::Model> for Session {
    fn from(row: session::Model) -> Self {
        Self {
            user: row.user_id.map(UserId),
            service: row.service,
            expires_at: row.expires_at.map(Micros),
        }
    }
}

impl Store {
    /// The session that a token opened, also one that has run out.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn session(&self, hash: TokenHash) -> Result<Option<Arc<Session>>> {
        if let Some(session) = self.caches().one::<Session>(&hash) {
            return Ok(Some(session));
        }
        let snapshot = self.snapshot().await?;
        let session = snapshot.session(hash).await?;
        self.caches()
            .put(snapshot.seq(), session.iter().map(|session| (hash, session)));
        Ok(session)
    }
}

impl Snapshot {
    pub(super) async fn session(&self, hash: TokenHash) -> Result<Option<Arc<Session>>> {
        let row = session::Entity::find_by_id(hash.to_vec()).one(self.conn()).await?;
        Ok(row.map(|row| Arc::new(Session::from(row))))
    }
}

impl Tx {
    /// Opens a session.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_session(&self, hash: TokenHash, new: Session) -> Result<()> {
        let row = session::ActiveModel {
            token_hash: Set(hash.to_vec()),
            user_id: Set(new.user.map(|id| id.0)),
            service: Set(new.service),
            created_at: Set(self.now().0),
            expires_at: Set(new.expires_at.map(|at| at.0)),
        };
        session::Entity::insert(row).exec_without_returning(self.conn()).await?;
        Ok(())
    }

    /// Ends a session. False when it had ended already.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn delete_session(&self, hash: TokenHash) -> Result<bool> {
        let sql = "DELETE FROM session WHERE token_hash = ?";
        Ok(self.execute(sql, [hash.to_vec().into()]).await? > 0)
    }

    /// Ends the sessions of a user, all but one. Returns which.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn delete_sessions(&self, user: UserId, but: Option<TokenHash>) -> Result<Vec<TokenHash>> {
        let but = but.map(|hash| hash.to_vec()).unwrap_or_default();
        let sql = "DELETE FROM session WHERE user_id = ? AND token_hash <> ? RETURNING token_hash";
        let rows = self.rows(sql, [user.0.into(), but.into()]).await?;
        let mut ended = Vec::with_capacity(rows.len());
        for row in rows {
            let hash: Vec<u8> = row.try_get_by_index(0)?;
            ended.extend(TokenHash::try_from(hash));
        }
        Ok(ended)
    }

    /// Removes sessions that ran out, at most 500. Returns how many.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn delete_expired_sessions(&self) -> Result<u64> {
        let sql = "DELETE FROM session WHERE token_hash IN \
                   (SELECT token_hash FROM session WHERE expires_at <= ? LIMIT 500)";
        self.execute(sql, [self.now().0.into()]).await
    }
}
