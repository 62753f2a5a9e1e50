//! Walls.

mod filling;
mod standing;

pub use filling::Due;
pub(super) use standing::{Hours, Standing, countable};

use super::Store;
use super::bulk::Numbered;
use super::cache::Kept;
use super::dialect::statement;
use super::entity::{columns, wall};
use super::snapshot::{Snapshot, json};
use super::tx::Tx;
use crate::model::outside::{Outside, handle_key};
use crate::model::wall::{Filling, Matcher, Rules};
use crate::model::{Error, Key, Micros, Place, Result, Topic, Tweet, UserId, Wall, WallId};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

impl TryFrom<wall::Model> for Wall {
    type Error = Error;

    fn try_from(row: wall::Model) -> Result<Self> {
        Ok(Self {
            id: WallId(row.id),
            slug: row.slug,
            title: row.title,
            rules: Rules {
                hashtags: list(&row.hashtags)?,
                keywords: list(&row.keywords)?,
                accounts: list(&row.accounts)?,
            },
            created_at: Micros(row.created_at),
            tweet_count: row.tweet_count,
            filling: match row.phase {
                0 => Filling::Done,
                1 => Filling::Emptying(row.position_id),
                _ => Filling::Filling(Place {
                    at: row.position_at,
                    id: row.position_id,
                }),
            },
        })
    }
}

fn list<T: serde::de::DeserializeOwned>(json: &str) -> Result<Vec<T>> {
    serde_json::from_str(json).map_err(Error::internal)
}

/// How a row says how far a wall is: phase and position.
fn parts(filling: Filling) -> (i16, i64, i64) {
    match filling {
        Filling::Done => (0, 0, 0),
        Filling::Emptying(tweet) => (1, 0, tweet),
        Filling::Filling(place) => (2, place.at, place.id),
    }
}

/// A wall's row changes with its topic, so events name that.
impl Kept for Wall {
    type Id = WallId;

    fn key(id: &WallId) -> Key {
        Key::Topic(Topic::wall(*id))
    }

    fn weight(&self) -> usize {
        let texts = |list: &[String]| list.iter().map(|text| text.len() + size_of::<String>()).sum::<usize>();
        let rules = texts(&self.rules.hashtags) + texts(&self.rules.keywords);
        size_of::<Self>() + self.slug.len() + self.title.len() + rules + 8 * self.rules.accounts.len()
    }
}

impl Store {
    /// The walls of these ids, as far as they are there.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn walls(&self, ids: impl IntoIterator<Item = WallId>) -> Result<HashMap<WallId, Arc<Wall>>> {
        let (mut found, missing) = self.caches().get::<Wall>(ids);
        if !missing.is_empty() {
            let snapshot = self.snapshot().await?;
            let read = snapshot.walls(&missing).await?;
            self.caches()
                .put(snapshot.seq(), read.iter().map(|(id, wall)| (*id, wall)));
            found.extend(read);
        }
        Ok(found)
    }

    /// A wall as memory has it.
    #[must_use]
    pub fn cached_wall(&self, id: WallId) -> Option<Arc<Wall>> {
        self.caches().get::<Wall>([id]).0.remove(&id)
    }

    /// The walls of these slugs, which are in normal form.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn walls_named(&self, slugs: &[String]) -> Result<HashMap<String, WallId>> {
        let sql = "SELECT w.slug, w.id FROM {each} JOIN wall w ON w.slug = {value}";
        let rows = self.snapshot().await?.rows(sql, [json(&slugs)]).await?;
        rows.iter()
            .map(|row| Ok((row.try_get_by_index(0)?, WallId(row.try_get_by_index(1)?))))
            .collect()
    }

    /// All walls, the newest first.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn wall_ids(&self) -> Result<Vec<WallId>> {
        let sql = "SELECT id FROM wall ORDER BY created_at DESC, id DESC";
        let rows = self.snapshot().await?.rows(sql, []).await?;
        rows.iter().map(|row| Ok(WallId(row.try_get_by_index(0)?))).collect()
    }
}

impl Snapshot {
    pub(super) async fn walls(&self, ids: &[WallId]) -> Result<HashMap<WallId, Arc<Wall>>> {
        let columns = columns::<wall::Entity>("w");
        let sql = format!("SELECT {columns} FROM {{each}} JOIN wall w ON w.id = {{number}}");
        let rows: Vec<wall::Model> = self.all(&sql, [json(&ids)]).await?;
        rows.into_iter()
            .map(|row| Ok((WallId(row.id), Arc::new(Wall::try_from(row)?))))
            .collect()
    }
}

/// The version of all walls' rules, as a column.
pub(super) const VERSION: &str = "(SELECT version FROM wall_version)";

/// A matcher of all walls as they are now.
pub(super) async fn matcher(conn: &DatabaseTransaction) -> Result<Arc<Matcher>> {
    let sql = format!(
        "SELECT {}, {VERSION} AS version FROM wall w",
        columns::<wall::Entity>("w")
    );
    let rows = conn
        .query_all_raw(statement(conn.get_database_backend(), &sql, []))
        .await?;
    let mut version = 0;
    let mut walls = Vec::with_capacity(rows.len());
    for row in &rows {
        version = row.try_get("", "version")?;
        walls.push(Wall::try_from(wall::Model::from_query_result(row, "")?)?);
    }
    if walls.is_empty() {
        let sql = statement(conn.get_database_backend(), "SELECT version FROM wall_version", []);
        let row = conn.query_one_raw(sql).await?;
        version = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
    }
    let rules = walls.iter().map(|wall| (wall.id, &wall.rules));
    Ok(Arc::new(Matcher::new(version, rules)?))
}

impl Tx {
    /// The walls that a tweet belongs to.
    #[must_use]
    pub fn walls_of(&self, tweet: &Tweet) -> Vec<WallId> {
        self.walls().walls_of(&tweet.text, &tweet.hashtags, Some(tweet.author))
    }

    /// The wall of a slug in normal form.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn wall_named(&self, slug: &str) -> Result<Option<Wall>> {
        let sql = format!("SELECT {} FROM wall w WHERE slug = ?", columns::<wall::Entity>("w"));
        let rows = self.rows(&sql, [slug.into()]).await?;
        let row = rows.first().map(|row| wall::Model::from_query_result(row, ""));
        row.transpose()?.map(Wall::try_from).transpose()
    }

    /// The walls whose rules name a user.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn walls_naming(&self, user: UserId) -> Result<Vec<Wall>> {
        let sql = format!("SELECT {} FROM wall w ORDER BY id", columns::<wall::Entity>("w"));
        let rows = self.rows(&sql, []).await?;
        let walls = rows.iter().map(|row| wall::Model::from_query_result(row, ""));
        let mut naming = Vec::new();
        for wall in walls {
            let wall = Wall::try_from(wall?)?;
            if wall.rules.accounts.contains(&user) {
                naming.push(wall);
            }
        }
        Ok(naming)
    }

    /// How many walls there are.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn count_walls(&self) -> Result<usize> {
        let rows = self.rows("SELECT COUNT(*) FROM wall", []).await?;
        let count: i64 = rows
            .first()
            .map(|row| row.try_get_by_index(0))
            .transpose()?
            .unwrap_or_default();
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// Numbers for new walls: the ones that they bring along where those are free.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn number_walls(&self, wishes: &[Option<i64>]) -> Result<Vec<WallId>> {
        Ok(self
            .number(Numbered::Walls, wishes)
            .await?
            .into_iter()
            .map(WallId)
            .collect())
    }

    /// Writes a wall, new or in the place of the one with its number. From now on tweets are
    /// matched by its rules.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn put_wall(&self, wall: &Wall) -> Result<()> {
        let sql = "INSERT INTO wall (id, slug, title, hashtags, keywords, accounts, created_at, phase, position_at, \
                   position_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET \
                   title = excluded.title, hashtags = excluded.hashtags, keywords = excluded.keywords, \
                   accounts = excluded.accounts, phase = excluded.phase, position_at = excluded.position_at, \
                   position_id = excluded.position_id";
        let (phase, at, id) = parts(wall.filling);
        let values = [
            wall.id.0.into(),
            wall.slug.as_str().into(),
            wall.title.as_str().into(),
            json(&wall.rules.hashtags),
            json(&wall.rules.keywords),
            json(&wall.rules.accounts),
            wall.created_at.0.into(),
            phase.into(),
            at.into(),
            id.into(),
        ];
        self.execute(sql, values).await?;
        self.match_anew().await
    }

    /// Takes a wall away. What stands on it is left to the sweep.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn delete_wall(&self, id: WallId) -> Result<()> {
        self.execute("DELETE FROM wall WHERE id = ?", [id.0.into()]).await?;
        self.match_anew().await
    }

    /// Makes everybody who matches tweets do it by the rules as they are now.
    async fn match_anew(&self) -> Result<()> {
        self.execute("UPDATE wall_version SET version = version + 1", [])
            .await?;
        self.set_walls(matcher(self.conn()).await?);
        Ok(())
    }

    /// The users who are outside accounts, by the places of these in the list: by the addresses of
    /// their profiles, or else by their handles in any case, rather one whose profile is known.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn outside_users(&self, accounts: &[Outside]) -> Result<HashMap<usize, UserId>> {
        let names: Vec<_> = accounts.iter().map(|one| (handle_key(&one.handle), &one.url)).collect();
        let sql = "SELECT k.key, u.id, 2 FROM {each} JOIN users u ON u.url = {text:1} \
                   WHERE u.deleted_at IS NULL AND u.password_hash IS NULL UNION ALL \
                   SELECT k.key, u.id, CASE WHEN u.url IS NULL THEN 0 ELSE 1 END \
                   FROM {each} JOIN users u ON u.handle IS NOT NULL AND lower(u.handle) = {text:0} \
                   WHERE u.deleted_at IS NULL AND u.password_hash IS NULL";
        let mut found: HashMap<usize, (i32, Reverse<UserId>)> = HashMap::new();
        for row in &self.rows(sql, [json(&names), json(&names)]).await? {
            let place: i64 = row.try_get_by_index(0)?;
            let place = usize::try_from(place).map_err(Error::internal)?;
            // Of several that are as good the oldest.
            let one = (row.try_get_by_index(2)?, Reverse(UserId(row.try_get_by_index(1)?)));
            found
                .entry(place)
                .and_modify(|best| *best = one.max(*best))
                .or_insert(one);
        }
        Ok(found
            .into_iter()
            .map(|(place, (_, Reverse(user)))| (place, user))
            .collect())
    }

    /// Notes which outside account a user is.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn name_outside(&self, user: UserId, account: &Outside) -> Result<()> {
        let sql = "UPDATE users SET handle = ?, url = ? WHERE id = ?";
        self.execute(
            sql,
            [
                account.handle.as_str().into(),
                account.url.clone().into(),
                user.0.into(),
            ],
        )
        .await?;
        Ok(())
    }
}
