//! Rows of walls.

use super::batch::Batch;
use super::fields::Fields;
use super::named::{self, Named};
use super::{Line, Outcome, Record};
use crate::model::user::{check_username, username_key};
use crate::model::wall::{self, Filling, Rules, TITLE_LENGTH, WALLS, slug_key};
use crate::model::{Error, Key, Micros, Result as StoreResult, Topic, Wall, WallId};
use crate::store::bulk::tweet::Crowded;
use crate::store::tx::Tx;
use futures_util::future::BoxFuture;

/// A wall.
#[derive(Clone)]
pub(super) struct Row {
    key: Option<i64>,
    slug: String,
    title: String,
    hashtags: Vec<String>,
    keywords: Vec<String>,
    /// Usernames.
    accounts: Vec<String>,
    created_at: Option<Micros>,
}

impl Record for Row {
    fn read(fields: &Fields) -> Result<Self, String> {
        let slug = fields.required("slug")?;
        let title = fields.text("title", TITLE_LENGTH)?.unwrap_or_default();
        let accounts = list(fields, "accounts")?;
        for name in &accounts {
            check_username("accounts", name).map_err(|error| format!("accounts: {error}"))?;
        }
        Ok(Self {
            key: fields.key("key")?,
            slug: slug_key(&slug).ok_or("slug: 1 to 64 of [a-z0-9_-]")?,
            title: Some(title)
                .filter(|title| !title.trim().is_empty())
                .ok_or("title: missing")?,
            hashtags: wall::hashtags("hashtags", &list(fields, "hashtags")?).map_err(|error| said(&error))?,
            keywords: wall::keywords("keywords", &list(fields, "keywords")?).map_err(|error| said(&error))?,
            accounts: wall::at_most("accounts", "accounts", wall::ACCOUNTS, accounts).map_err(|error| said(&error))?,
            created_at: fields.time("createdAt")?,
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

fn said(error: &Error) -> String {
    match error {
        Error::Invalid { field, reason } => format!("{field}: {reason}"),
        error => error.to_string(),
    }
}

fn list(fields: &Fields, name: &'static str) -> Result<Vec<String>, String> {
    let given = fields.json(name)?.map(serde_json::from_value).transpose();
    let given = given.map_err(|_| format!("{name}: not a list of texts"))?;
    Ok(given.unwrap_or_default())
}

async fn write(tx: &Tx, batch: &mut Batch, rows: Vec<Line<Row>>) -> StoreResult<Outcome> {
    let mut outcome = Outcome::default();
    for (line, row) in rows {
        if tx.wall_named(&row.slug).await?.is_some() {
            continue;
        }
        if tx.count_walls().await? >= WALLS {
            outcome
                .bad
                .push((line, format!("there are {WALLS} walls, and no more")));
            continue;
        }
        let id = insert(tx, batch, row).await?;
        batch.touch([Key::Topic(Topic::wall(id))]);
        outcome.changed += 1;
    }
    Ok(outcome)
}

async fn insert(tx: &Tx, batch: &mut Batch, row: Row) -> StoreResult<WallId> {
    let created_at = row.created_at.map_or(tx.now(), |at| batch.past(at));
    let named = row.accounts.iter().map(|username| Named {
        username,
        display_name: None,
        at: created_at,
    });
    let users = named::accounts(tx, batch, named).await?;
    let mut accounts = Vec::with_capacity(row.accounts.len());
    for user in row.accounts.iter().filter_map(|name| users.get(&username_key(name))) {
        if !user.is_deleted && !accounts.contains(&user.id) {
            accounts.push(user.id);
        }
    }
    let ids = tx.number_walls(&[row.key]).await?;
    let wall = Wall {
        id: ids
            .into_iter()
            .next()
            .ok_or_else(|| Error::internal("no number came back"))?,
        slug: row.slug,
        title: row.title,
        rules: Rules {
            hashtags: row.hashtags,
            keywords: row.keywords,
            accounts,
        },
        created_at,
        tweet_count: 0,
        filling: Filling::NEW,
    };
    tx.put_wall(&wall).await?;
    Ok(wall.id)
}
