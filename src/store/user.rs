//! Users.

use super::bulk::Numbered;
use super::cache::Kept;
use super::dialect::statement;
use super::entity::{columns, users};
use super::snapshot::{Snapshot, json};
use super::tx::Tx;
use super::{Store, search, tombstone};
use crate::model::user::username_key;
use crate::model::{Entity, Key, Micros, Result, User, UserId};
use sea_orm::{ActiveModelTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, Set, Value};
use std::collections::HashMap;
use std::sync::Arc;

fn user(row: users::Model, is_banned: bool) -> User {
    User {
        id: UserId(row.id),
        username: row.username,
        display_name: row.display_name,
        bio: row.bio,
        avatar_url: row.avatar_url,
        handle: row.handle,
        url: row.url,
        is_moderator: row.is_moderator,
        is_banned,
        created_at: Micros(row.created_at),
        tweet_count: row.tweet_count,
        follower_count: row.follower_count,
        following_count: row.following_count,
    }
}

/// A row of a user, with whether they are banned.
#[derive(FromQueryResult)]
struct Row {
    #[sea_orm(nested)]
    user: users::Model,
    is_banned: bool,
}

impl From<Row> for User {
    fn from(row: Row) -> Self {
        user(row.user, row.is_banned)
    }
}

fn chosen() -> String {
    let columns = columns::<users::Entity>("u");
    format!("{columns}, EXISTS (SELECT 1 FROM ban b WHERE b.user_id = u.id) AS is_banned")
}

impl Kept for User {
    type Id = UserId;

    fn key(id: &UserId) -> Key {
        Key::User(*id)
    }

    fn weight(&self) -> usize {
        let texts = [
            Some(&self.username),
            Some(&self.display_name),
            Some(&self.bio),
            self.avatar_url.as_ref(),
        ];
        size_of::<Self>() + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }
}

/// What a new account is made of.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub struct NewUser {
    pub username: String,
    pub display_name: Option<String>,
    pub bio: String,
    pub avatar_url: Option<String>,
    pub password_hash: Option<String>,
    pub created_at: Micros,
}

/// A user with what only the account's own rules may see.
#[derive(Clone, Debug)]
pub struct Account {
    /// The user.
    pub user: User,
    /// The password's hash, as argon2 writes it. None for who can't log in.
    pub password_hash: Option<String>,
}

/// The users of some names, by their keys.
const NAMED: &str = "SELECT {pack:u.username_key, u.id} FROM {each} JOIN users u ON u.username_key = {value} WHERE u.deleted_at IS NULL";

impl Store {
    /// The users of these ids; absent are those who don't exist or are deleted.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn users(&self, ids: impl IntoIterator<Item = UserId>) -> Result<HashMap<UserId, Arc<User>>> {
        let (mut found, missing) = self.caches().get::<User>(ids);
        if !missing.is_empty() {
            let snapshot = self.snapshot().await?;
            let read = snapshot.users(&missing).await?;
            self.caches()
                .put(snapshot.seq(), read.iter().map(|(id, user)| (*id, user)));
            found.extend(read);
        }
        Ok(found)
    }

    /// A user as memory has them.
    #[must_use]
    pub fn cached_user(&self, id: UserId) -> Option<Arc<User>> {
        self.caches().one::<User>(&id)
    }

    /// Who has a username, whatever its case.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn users_named(&self, names: &[String]) -> Result<HashMap<String, UserId>> {
        let keys: Vec<String> = names.iter().map(|name| username_key(name)).collect();
        let snapshot = self.snapshot().await?;
        let users: Vec<(String, UserId)> = snapshot.packed(NAMED, [json(&keys)]).await?;
        Ok(users.into_iter().collect())
    }

    /// The account of a username, for logging in.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn account_named(&self, name: &str) -> Result<Option<Account>> {
        self.account_where("u.username_key = ?", username_key(name).into())
            .await
    }

    /// The account of a user.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn account(&self, id: UserId) -> Result<Option<Account>> {
        self.account_where("u.id = ?", id.0.into()).await
    }

    async fn account_where(&self, which: &str, value: Value) -> Result<Option<Account>> {
        let sql = format!(
            "SELECT {} FROM users u WHERE {which} AND u.deleted_at IS NULL",
            chosen()
        );
        let rows: Vec<Row> = self.snapshot().await?.all(&sql, [value]).await?;
        Ok(rows.into_iter().next().map(Account::from))
    }
}

impl From<Row> for Account {
    fn from(mut row: Row) -> Self {
        let password_hash = row.user.password_hash.take();
        Self {
            user: row.into(),
            password_hash,
        }
    }
}

impl Snapshot {
    pub(super) async fn users(&self, ids: &[UserId]) -> Result<HashMap<UserId, Arc<User>>> {
        read(self.conn(), ids).await
    }
}

/// The users of these ids, as far as they are there.
pub(super) async fn read(conn: &DatabaseTransaction, ids: &[UserId]) -> Result<HashMap<UserId, Arc<User>>> {
    let sql = format!(
        "SELECT {} FROM {{each}} JOIN users u ON u.id = {{number}} WHERE u.deleted_at IS NULL",
        chosen()
    );
    let rows = conn
        .query_all_raw(statement(conn.get_database_backend(), &sql, [json(&ids)]))
        .await?;
    rows.iter()
        .map(|row| {
            let user = User::from(Row::from_query_result(row, "")?);
            Ok((user.id, Arc::new(user)))
        })
        .collect()
}

impl Tx {
    /// Makes an account. `None` when the username is taken, or was by who is being deleted.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_user(&self, new: NewUser) -> Result<Option<User>> {
        if self.user_id(&new.username).await?.is_some() {
            return Ok(None);
        }
        let display_name = new.display_name.unwrap_or_else(|| new.username.clone());
        let row = users::ActiveModel {
            id: Set(self.next(Numbered::Users).await?),
            username_key: Set(username_key(&new.username)),
            names: Set(search::names(&new.username, &display_name)),
            display_name: Set(display_name),
            username: Set(new.username),
            bio: Set(new.bio),
            avatar_url: Set(new.avatar_url),
            password_hash: Set(new.password_hash),
            created_at: Set(new.created_at.0),
            ..Default::default()
        };
        let user = user(row.insert(self.conn()).await?, false);
        self.index_user(&user, false).await?;
        Ok(Some(user))
    }

    /// The id behind a username, also of an account that is being deleted.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn user_id(&self, username: &str) -> Result<Option<UserId>> {
        let sql = "SELECT id FROM users WHERE username_key = ?";
        let rows = self.rows(sql, [username_key(username).into()]).await?;
        Ok(rows.first().map(|row| row.try_get_by_index(0)).transpose()?.map(UserId))
    }

    /// The users behind these names, by their key.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn users_named(&self, keys: &[String]) -> Result<HashMap<String, UserId>> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        if let Some(known) = self.known() {
            let known = keys
                .iter()
                .filter_map(|key| Some((key.clone(), *known.names.get(key)?)));
            return Ok(known.collect());
        }
        let users: Vec<(String, UserId)> = self.packed(NAMED, [json(&keys)]).await?;
        Ok(users.into_iter().collect())
    }

    /// A user who is there, banned or not.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn user(&self, id: UserId) -> Result<Option<Arc<User>>> {
        if let Some(known) = self.known() {
            return Ok(known.users.get(&id).cloned());
        }
        Ok(read(self.conn(), &[id]).await?.remove(&id))
    }

    /// Writes a user's profile.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn update_profile(&self, user: &User) -> Result<()> {
        let row = users::ActiveModel {
            id: Set(user.id.0),
            names: Set(search::names(&user.username, &user.display_name)),
            display_name: Set(user.display_name.clone()),
            bio: Set(user.bio.clone()),
            avatar_url: Set(user.avatar_url.clone()),
            is_moderator: Set(user.is_moderator),
            ..Default::default()
        };
        users::Entity::update(row).exec(self.conn()).await?;
        self.index_user(user, true).await
    }

    /// Writes the hash of a user's password.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn set_password(&self, id: UserId, hash: String) -> Result<()> {
        self.execute(
            "UPDATE users SET password_hash = ? WHERE id = ?",
            [hash.into(), id.0.into()],
        )
        .await?;
        Ok(())
    }

    /// Hides a user and everything that they wrote; the sweep takes it away.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn hide_user(&self, id: UserId) -> Result<()> {
        let sql = "UPDATE users SET deleted_at = ?, password_hash = NULL WHERE id = ?";
        self.execute(sql, [self.now().0.into(), id.0.into()]).await?;
        self.execute("DELETE FROM user_search WHERE rowid = ?", [id.0.into()])
            .await?;
        tombstone::bury(self, &Entity::User(id)).await
    }

    /// Adds to a user's tweets, followers and what they follow.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn count_user(&self, id: UserId, counts: [i64; 3]) -> Result<()> {
        self.put(|stage| stage.count_user(id, counts)).await
    }
}
