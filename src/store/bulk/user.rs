//! Many users at once, and what is only provisional of those who were named by rows.

use crate::model::{Micros, Result, UserId};
use crate::store::script::Script;
use crate::store::search::names;
use crate::store::snapshot::json;
use crate::store::tx::Tx;
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// What of an account came from rows that only named it, and gives way to what says more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provisional {
    /// The user's own row has not come.
    pub profile: bool,
    /// `createdAt` is the time of the oldest row that named it.
    pub born: bool,
    /// The display name is that of the newest row that gave one, with its time.
    pub name: Option<(Micros, String)>,
}

impl Provisional {
    fn is_settled(&self) -> bool {
        *self == Self::default()
    }
}

/// An account as an import sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `User`")]
pub struct Account {
    pub id: UserId,
    pub username: String,
    pub display_name: String,
    pub bio: String,
    pub avatar_url: Option<String>,
    pub handle: Option<String>,
    pub url: Option<String>,
    pub created_at: Micros,
    /// Whether somebody can log in to it: then only they change it.
    pub is_local: bool,
    /// Whether it is being deleted.
    pub is_deleted: bool,
    /// Whether they are banned.
    pub is_banned: bool,
    /// What gives way.
    pub provisional: Provisional,
}

/// An account as it is read: beside itself its key, whether it has a password, whether it is being
/// deleted or banned, and what is provisional.
#[derive(Deserialize)]
struct Read(
    String,
    UserId,
    String,
    String,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Micros,
    u8,
    u8,
    u8,
    Option<String>,
);

impl Read {
    fn account(self) -> (String, Account) {
        let Self(
            key,
            id,
            username,
            display_name,
            bio,
            avatar_url,
            handle,
            url,
            created_at,
            local,
            deleted,
            banned,
            mark,
        ) = self;
        let account = Account {
            id,
            username,
            display_name,
            bio,
            avatar_url,
            handle,
            url,
            created_at,
            is_local: local == 1,
            is_deleted: deleted == 1,
            is_banned: banned == 1,
            provisional: mark
                .and_then(|mark| serde_json::from_str(&mark).ok())
                .unwrap_or_default(),
        };
        (key, account)
    }
}

impl Tx {
    /// The accounts of usernames, by their keys.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn accounts_named(&self, keys: &[&str]) -> Result<HashMap<String, Account>> {
        self.accounts("u.username_key", "u.username_key = {value}", keys).await
    }

    /// The accounts of outside profiles, by the addresses of these; not those that somebody can log
    /// in to.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn accounts_at(&self, urls: &[&str]) -> Result<HashMap<String, Account>> {
        self.accounts("u.url", "u.url = {value} AND u.password_hash IS NULL", urls)
            .await
    }

    /// The accounts of outside handles, by the keys of these, the oldest first; not those that somebody can log
    /// in to.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn accounts_called(&self, handles: &[String]) -> Result<HashMap<String, Vec<Account>>> {
        let matches = "u.handle IS NOT NULL AND lower(u.handle) = {value} AND u.password_hash IS NULL";
        let mut called: HashMap<String, Vec<Account>> = HashMap::new();
        for (handle, account) in self.matching("lower(u.handle)", matches, json(&handles)).await? {
            called.entry(handle).or_default().push(account);
        }
        Ok(called)
    }

    /// The accounts that match one of the keys, by a column; of several the oldest.
    async fn accounts(&self, key: &str, matches: &str, keys: &[&str]) -> Result<HashMap<String, Account>> {
        let found = self.matching(key, matches, json(&keys)).await?;
        Ok(found.into_iter().rev().collect())
    }

    /// The accounts that match one of the keys, each with its own, the oldest first.
    async fn matching(&self, key: &str, matches: &str, keys: Value) -> Result<Vec<(String, Account)>> {
        let sql = format!(
            "SELECT {{pack:{key}, u.id, u.username, u.display_name, u.bio, u.avatar_url, u.handle, u.url, \
             u.created_at, CASE WHEN u.password_hash IS NULL THEN 0 ELSE 1 END, \
             CASE WHEN u.deleted_at IS NULL THEN 0 ELSE 1 END, (SELECT COUNT(*) FROM ban b WHERE b.user_id = u.id), p.body}} \
             FROM {{each}} JOIN users u ON {matches} \
             LEFT JOIN unresolved p ON p.kind = 'user' AND p.holder = u.id"
        );
        let mut rows: Vec<Read> = self.packed(&sql, [keys]).await?;
        rows.sort_unstable_by_key(|read| read.1);
        Ok(rows.into_iter().map(Read::account).collect())
    }

    /// Which of these users are there.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn users_there(&self, ids: &[UserId]) -> Result<HashSet<UserId>> {
        let sql = "SELECT u.id FROM {each} JOIN users u ON u.id = {number} WHERE u.deleted_at IS NULL";
        let rows = self.rows(sql, [json(&ids)]).await?;
        rows.iter().map(|row| Ok(UserId(row.try_get_by_index(0)?))).collect()
    }
}

impl Script {
    /// Makes accounts, without passwords.
    pub fn insert_accounts(&mut self, accounts: &[&Account]) {
        self.each(
            "INSERT INTO users (id, username, username_key, names, display_name, bio, avatar_url, created_at, handle, \
             url) SELECT {int:0}, {text:1}, {text:2}, {text:3}, {text:4}, {text:5}, {text:6}, {int:7}, {text:8}, {text:9} \
             FROM {each}",
            &rows(accounts),
        );
        self.index_accounts(accounts);
        self.mark_accounts(accounts);
    }

    /// Writes what changed of accounts.
    pub fn update_accounts(&mut self, accounts: &[&Account]) {
        self.each(
            "UPDATE users SET username = d.username, names = d.names, display_name = d.display_name, bio = d.bio, \
             avatar_url = d.avatar_url, created_at = d.created_at, handle = d.handle, url = d.url \
             FROM (SELECT {int:0} AS id, {text:1} AS username, {text:3} AS names, {text:4} AS display_name, \
             {text:5} AS bio, {text:6} AS avatar_url, {int:7} AS created_at, {text:8} AS handle, {text:9} AS url \
             FROM {each}) d WHERE users.id = d.id",
            &rows(accounts),
        );
        let ids: Vec<UserId> = accounts.iter().map(|account| account.id).collect();
        self.each(
            "DELETE FROM user_search WHERE rowid IN (SELECT {number} FROM {each})",
            &ids,
        );
        self.index_accounts(accounts);
        self.each(
            "DELETE FROM unresolved WHERE kind = 'user' AND holder IN (SELECT {number} FROM {each})",
            &ids,
        );
        self.mark_accounts(accounts);
    }

    fn index_accounts(&mut self, accounts: &[&Account]) {
        let mut rows: Vec<_> = accounts
            .iter()
            .map(|account| (account.id, names(&account.username, &account.display_name)))
            .collect();
        rows.sort_unstable();
        self.each(
            "INSERT INTO user_search (rowid, names) SELECT {int:0}, {text:1} FROM {each}",
            &rows,
        );
    }

    fn mark_accounts(&mut self, accounts: &[&Account]) {
        let marks: Vec<_> = accounts
            .iter()
            .filter(|account| !account.provisional.is_settled())
            .map(|account| {
                (
                    account.id,
                    serde_json::to_string(&account.provisional).unwrap_or_default(),
                )
            })
            .collect();
        self.each(
            "INSERT INTO unresolved (kind, holder, wanted, wanted_source, external_id, source, body) \
             SELECT 'user', {int:0}, '', '', '', '', {text:1} FROM {each}",
            &marks,
        );
    }

    /// Gives accounts that have none the hashes of their passwords.
    pub fn set_passwords(&mut self, hashes: &[(UserId, String)]) {
        self.each(
            "UPDATE users SET password_hash = d.hash FROM (SELECT {int:0} AS id, {text:1} AS hash FROM {each}) d \
             WHERE users.id = d.id AND users.password_hash IS NULL",
            hashes,
        );
    }

    /// Adds to the counts of users: tweets, followers, following.
    pub fn count_users(&mut self, counts: &[(UserId, [i64; 3])]) {
        let rows: Vec<_> = counts.iter().map(|(id, [a, b, c])| (id, a, b, c)).collect();
        self.each(
            "UPDATE users SET tweet_count = tweet_count + d.tweets, follower_count = follower_count + d.followers, \
             following_count = following_count + d.following \
             FROM (SELECT {int:0} AS id, {int:1} AS tweets, {int:2} AS followers, {int:3} AS following FROM {each}) d \
             WHERE users.id = d.id",
            &rows,
        );
    }
}

type Row<'r> = (
    UserId,
    &'r str,
    String,
    String,
    &'r str,
    &'r str,
    Option<&'r str>,
    Micros,
    Option<&'r str>,
    Option<&'r str>,
);

fn rows<'a>(accounts: &[&'a Account]) -> Vec<Row<'a>> {
    accounts
        .iter()
        .map(|account| {
            (
                account.id,
                account.username.as_str(),
                crate::model::user::username_key(&account.username),
                names(&account.username, &account.display_name),
                account.display_name.as_str(),
                account.bio.as_str(),
                account.avatar_url.as_deref(),
                account.created_at,
                account.handle.as_deref(),
                account.url.as_deref(),
            )
        })
        .collect()
}
