//! Rows of users.

use super::batch::Batch;
use super::fields::Fields;
use super::named::DELETED;
use super::{Line, Outcome, Record};
use crate::model::user::{AVATAR_URL_LENGTH, BIO_LENGTH, DISPLAY_NAME_LENGTH, username_key};
use crate::model::{Key, Micros, Result as StoreResult, UserId};
use crate::store::bulk::Numbered;
use crate::store::bulk::tweet::Crowded;
use crate::store::bulk::user::{Account, Provisional};
use crate::store::tx::Tx;
use argon2::password_hash::phc::PasswordHash;
use futures_util::future::BoxFuture;
use std::collections::HashMap;

/// A user.
#[derive(Clone)]
pub(super) struct Row {
    username: String,
    display_name: Option<String>,
    bio: Option<String>,
    avatar_url: Option<String>,
    handle: Option<String>,
    url: Option<String>,
    created_at: Option<Micros>,
    key: Option<i64>,
    password_hash: Option<String>,
    /// What gives way to other rows, of somebody who was only named by such.
    provisional: Option<Provisional>,
}

impl Record for Row {
    fn read(fields: &Fields) -> Result<Self, String> {
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        Ok(Self {
            username: fields.username("username")?,
            display_name: filled(fields.text("displayName", DISPLAY_NAME_LENGTH)?),
            bio: fields.text("bio", BIO_LENGTH)?,
            avatar_url: filled(fields.text("avatarUrl", AVATAR_URL_LENGTH)?),
            handle: fields.name("handle")?,
            url: fields.name("url")?,
            created_at: fields.time("createdAt")?,
            key: fields.key("key")?,
            password_hash: password_hash(fields)?,
            provisional: provisional(fields)?,
        })
    }

    fn write<'t>(
        tx: &'t Tx,
        batch: &'t mut Batch,
        rows: Vec<Line<Self>>,
        _: &'t mut Crowded,
    ) -> BoxFuture<'t, StoreResult<Outcome>> {
        Box::pin(write(tx, batch, rows))
    }
}

fn password_hash(fields: &Fields) -> Result<Option<String>, String> {
    let hash = fields.name("passwordHash")?;
    if hash.as_deref().is_some_and(|hash| PasswordHash::new(hash).is_err()) {
        return Err("passwordHash: not a hash of a password".to_owned());
    }
    Ok(hash)
}

fn provisional(fields: &Fields) -> Result<Option<Provisional>, String> {
    let given = fields.json("provisional")?;
    let given = given.map(serde_json::from_value).transpose();
    given.map_err(|_| "provisional: malformed".to_owned())
}

async fn write(tx: &Tx, batch: &mut Batch, rows: Vec<Line<Row>>) -> StoreResult<Outcome> {
    let keys: Vec<String> = rows.iter().map(|(_, row)| username_key(&row.username)).collect();
    let mut accounts = tx
        .accounts_named(&keys.iter().map(String::as_str).collect::<Vec<_>>())
        .await?;
    let before = accounts.clone();
    let mut new: Vec<(String, Option<i64>)> = Vec::new();
    let mut outcome = Outcome::default();
    let mut passwords: Vec<(String, String)> = Vec::new();
    for (key, (line, mut row)) in keys.into_iter().zip(rows) {
        row.created_at = row.created_at.map(|at| batch.past(at));
        let password = row.password_hash.take();
        let is_free = accounts
            .get(&key)
            .is_none_or(|account| account.provisional.profile && !account.is_local && !account.is_deleted);
        passwords.extend(password.filter(|_| is_free).map(|hash| (key.clone(), hash)));
        match accounts.get_mut(&key) {
            Some(account) if account.is_deleted => outcome.bad.push((line, format!("username: {DELETED}"))),
            Some(account) => outcome.changed += u64::from(fill(account, row)),
            None => {
                new.push((key.clone(), row.key));
                accounts.insert(key, newcomer(row, tx.now()));
                outcome.changed += 1;
            }
        }
    }
    let wishes: Vec<Option<i64>> = new.iter().map(|(_, wish)| *wish).collect();
    let ids = tx.number(Numbered::Users, &wishes).await?;
    for ((key, _), id) in new.iter().zip(ids) {
        if let Some(account) = accounts.get_mut(key) {
            account.id = UserId(id);
        }
    }
    save(batch, &accounts, &before, &new);
    let hashes = passwords
        .into_iter()
        .filter_map(|(key, hash)| Some((accounts.get(&key)?.id, hash)));
    batch.script().set_passwords(&hashes.collect::<Vec<_>>());
    Ok(outcome)
}

fn save(
    batch: &mut Batch,
    accounts: &HashMap<String, Account>,
    before: &HashMap<String, Account>,
    new: &[(String, Option<i64>)],
) {
    let newcomers: Vec<&Account> = new.iter().filter_map(|(key, _)| accounts.get(key)).collect();
    batch.script().insert_accounts(&newcomers);
    let changed: Vec<&Account> = before
        .iter()
        .filter_map(|(key, old)| accounts.get(key).filter(|account| *account != old))
        .collect();
    batch.script().update_accounts(&changed);
    batch.touch(newcomers.iter().chain(&changed).map(|account| Key::User(account.id)));
}

fn newcomer(row: Row, now: Micros) -> Account {
    Account {
        id: UserId(0),
        display_name: row.display_name.unwrap_or_else(|| row.username.clone()),
        username: row.username,
        bio: row.bio.unwrap_or_default(),
        avatar_url: row.avatar_url,
        handle: row.handle,
        url: row.url,
        created_at: row.created_at.unwrap_or(now),
        is_local: false,
        is_deleted: false,
        is_banned: false,
        provisional: row.provisional.unwrap_or(Provisional {
            profile: false,
            born: row.created_at.is_none(),
            name: None,
        }),
    }
}

/// Fills an account that was only named so far. Whatever came from a row of this kind, or was
/// written by its owner, stays.
fn fill(account: &mut Account, row: Row) -> bool {
    if account.is_local {
        return false;
    }
    let before = account.clone();
    let open = row.provisional.clone().unwrap_or_default();
    if open.profile {
        fill_alike(account, &row, open);
        return *account != before;
    }
    if account.provisional.profile {
        account.provisional.profile = false;
        let named = account.provisional.name.take();
        let is_named = named.is_none_or(|(_, name)| name == account.display_name);
        if let Some(name) = row.display_name.filter(|_| is_named) {
            account.display_name = name;
        } else if account.display_name == account.username {
            account.display_name.clone_from(&row.username);
        }
        account.username = row.username;
        if let Some(bio) = row.bio.filter(|_| account.bio.is_empty()) {
            account.bio = bio;
        }
        account.avatar_url = account.avatar_url.take().or(row.avatar_url);
        account.handle = account.handle.take().or(row.handle);
        account.url = account.url.take().or(row.url);
    }
    if let Some(at) = row.created_at.filter(|_| account.provisional.born) {
        account.created_at = if open.born { at.min(account.created_at) } else { at };
        account.provisional.born = open.born;
    }
    *account != before
}

/// Takes over what rows that only named the user say where the row comes from.
fn fill_alike(account: &mut Account, row: &Row, open: Provisional) {
    if let Some(at) = row.created_at.filter(|_| account.provisional.born) {
        account.created_at = at.min(account.created_at);
    }
    if let (Some(given), Some(name), Some(known)) = (open.name, &row.display_name, &account.provisional.name)
        && account.display_name == known.1
        && given > *known
    {
        account.display_name.clone_from(name);
        account.provisional.name = Some(given);
    }
}
