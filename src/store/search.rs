//! Part-of-text search: trigrams, of texts in lower case.
//!
//! A tweet's row number in the index is its position, which grows with its time, so matches
//! come newest first and a page reads no more than it shows. Beside the text stand its facets,
//! the author and the hashtags, so that all of them are matched by the index together.

use super::Store;
use super::snapshot::Snapshot;
use super::tweet::PLACES;
use super::tx::Tx;
use crate::model::text::fold;
use crate::model::user::username_key;
use crate::model::{Place, Result, Tweet, TweetId, User, UserId};
use sea_orm::{ConnectionTrait, DbBackend, Value};

/// The fewest characters that the index can look for.
pub const SHORTEST: usize = 3;

/// How many tweets are looked through, in their order, before the index is asked on PostgreSQL: it
/// gives all matches of a text at once and in no order. What is in many tweets is found so, and what is
/// in few of them is no work for the index.
const LOOK: i64 = 2_000;

/// What a tweet must have to be found.
#[derive(Clone, Debug, Default)]
pub struct TweetQuery {
    /// A part of the text, at least three characters.
    pub contains: Option<String>,
    /// The author's username.
    pub author: Option<String>,
    /// A hashtag's canonical name.
    pub hashtag: Option<String>,
}

fn author_facet(username: &str) -> String {
    format!("\u{2}@{}\u{3}", username_key(username))
}

fn hashtag_facet(name: &str) -> String {
    format!("\u{2}#{name}\u{3}")
}

fn facets(hashtags: &[String], author: &str) -> String {
    let tags = hashtags.iter().map(|tag| hashtag_facet(tag));
    std::iter::once(author_facet(author)).chain(tags).collect()
}

/// What the index has of a tweet: its text and its facets.
pub(super) fn document(text: &str, hashtags: &[String], author: &str) -> (String, String) {
    (fold(text), facets(hashtags, author))
}

pub(super) fn names(username: &str, display_name: &str) -> String {
    format!("{}\n{}", fold(username), fold(display_name))
}

impl TweetQuery {
    fn expression(&self) -> String {
        let phrase = |column: &str, text: &str| format!("{column}:\"{}\"", text.replace('"', "\"\""));
        let text = self.contains.as_deref().map(|part| phrase("text", &fold(part)));
        let author = self.author.as_deref().map(|name| phrase("facets", &author_facet(name)));
        let tag = self
            .hashtag
            .as_deref()
            .map(|name| phrase("facets", &hashtag_facet(name)));
        let all: Vec<String> = [text, author, tag].into_iter().flatten().collect();
        all.join(" AND ")
    }

    fn condition(&self, backend: DbBackend) -> (String, Vec<Value>) {
        if backend == DbBackend::Sqlite {
            return ("s.tweet_search MATCH ?".to_owned(), vec![self.expression().into()]);
        }
        let text = self.contains.as_deref().map(|part| ("s.text", fold(part)));
        let author = self.author.as_deref().map(|name| ("s.facets", author_facet(name)));
        let tag = self.hashtag.as_deref().map(|name| ("s.facets", hashtag_facet(name)));
        let all = [text, author, tag].into_iter().flatten();
        let (terms, values): (Vec<_>, Vec<Value>) = all
            .map(|(column, text)| (format!("{column} LIKE ? ESCAPE '\\'"), like(&text).into()))
            .unzip();
        (terms.join(" AND "), values)
    }
}

/// A pattern that matches a part of a text, literally.
fn like(part: &str) -> String {
    let escaped = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// Where a microsecond begins in the index, exclusive.
fn begin(at: i64) -> i64 {
    at.saturating_mul(PLACES).saturating_sub(1)
}

/// Where a microsecond ends in the index, exclusive.
fn end(at: i64) -> i64 {
    at.saturating_add(1).saturating_mul(PLACES)
}

/// One match: where the tweet stands, and which it is.
pub type Match = (Place, TweetId);

impl Snapshot {
    /// The matches between two places, from the newer or the older end. Where a place's tweet is
    /// gone, others of its microsecond may come along.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn search_tweets(
        &self,
        query: &TweetQuery,
        newer: Option<Place>,
        older: Option<Place>,
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<Match>> {
        let backend = self.conn().get_database_backend();
        let (condition, mut values) = query.condition(backend);
        let order = if newest_first { "DESC" } else { "ASC" };
        // The cursor's tweet tells its position. Where it is gone, its microsecond is read whole.
        let newer_bound = newer.map_or(i64::MAX, |place| end(place.at));
        let older_bound = older.map_or(i64::MIN, |place| begin(place.at));
        let position = "(SELECT position FROM tweet WHERE id = ? AND created_at = ?)";
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let gone = Place { at: 0, id: 0 };
        let (high, low) = (newer.unwrap_or(gone), older.unwrap_or(gone));
        let bounds = [high.id, high.at, newer_bound, low.id, low.at, older_bound].map(Value::from);
        let range = |row: &str| format!("{row} < COALESCE({position}, ?) AND {row} > COALESCE({position}, ?)");
        let sorted = format!("ORDER BY s.rowid {order} LIMIT ?");
        let found = "SELECT t.created_at, t.id FROM";
        if backend == DbBackend::Sqlite {
            let sql = format!(
                "{found} tweet_search s JOIN tweet t ON t.position = s.rowid WHERE {condition} AND {} {sorted}",
                range("s.rowid")
            );
            values.extend(bounds.into_iter().chain([most.into()]));
            return self.matches(&sql, values).await;
        }
        let sql = format!(
            "{found} (SELECT s.* FROM tweet_search s WHERE {} {sorted}) s JOIN tweet t ON t.position = s.rowid \
             WHERE {condition} {sorted}",
            range("s.rowid")
        );
        let near = bounds.iter().cloned().chain([LOOK.into()]);
        let near = near.chain(values.iter().cloned()).chain([most.into()]).collect();
        let near = self.matches(&sql, near).await?;
        if near.len() >= limit {
            return Ok(near);
        }
        // The sum keeps the range from being taken for the way to the rows.
        let sql = format!(
            "WITH s AS MATERIALIZED (SELECT s.rowid FROM tweet_search s WHERE {condition} AND {}) \
             {found} s JOIN tweet t ON t.position = s.rowid {sorted}",
            range("s.rowid + 0")
        );
        values.extend(bounds.into_iter().chain([most.into()]));
        self.matches(&sql, values).await
    }

    async fn matches(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Match>> {
        let rows = self.rows(sql, values).await?;
        rows.iter()
            .map(|row| {
                let (at, id) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                Ok((Place { at, id }, TweetId(id)))
            })
            .collect()
    }

    /// Users whose username or display name contains a text, the most followed first, between
    /// two places ordered by that count.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn search_users(
        &self,
        contains: &str,
        more: Option<Place>,
        fewer: Option<Place>,
        most_first: bool,
        limit: usize,
    ) -> Result<Vec<(Place, UserId)>> {
        let part = fold(contains);
        let backend = self.conn().get_database_backend();
        let indexed = part.chars().count() >= SHORTEST;
        let (condition, value): (&str, Value) = match (indexed, backend) {
            (true, DbBackend::Sqlite) => (
                "u.id IN (SELECT rowid FROM user_search WHERE user_search MATCH ?)",
                format!("\"{}\"", part.replace('"', "\"\"")).into(),
            ),
            (true, _) => (
                "u.id IN (SELECT rowid FROM user_search WHERE names LIKE ? ESCAPE '\\')",
                like(&part).into(),
            ),
            (false, _) => ("u.names LIKE ? ESCAPE '\\'", like(&part).into()),
        };
        let order = if most_first { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT u.follower_count, u.id FROM users u WHERE {condition} AND u.deleted_at IS NULL \
             AND (u.follower_count, u.id) < (?, ?) AND (u.follower_count, u.id) > (?, ?) \
             ORDER BY u.follower_count {order}, u.id {order} LIMIT ?"
        );
        let (most, least) = (more.unwrap_or(Place::NEWEST), fewer.unwrap_or(Place::OLDEST));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut values = vec![value];
        values.extend([most.at, most.id, least.at, least.id, limit].map(Value::from));
        let rows = self.rows(&sql, values).await?;
        rows.iter()
            .map(|row| {
                let (at, id) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                Ok((Place { at, id }, UserId(id)))
            })
            .collect()
    }
}

impl Store {
    /// Where search can begin to look: whether a text is long enough for the index.
    #[must_use]
    pub fn is_searchable(&self, part: &str) -> bool {
        fold(part).chars().count() >= SHORTEST
    }
}

impl Tx {
    pub(super) async fn index_tweet(&self, position: i64, tweet: &Tweet, author: &str, again: bool) -> Result<()> {
        if again {
            self.execute("DELETE FROM tweet_search WHERE rowid = ?", [position.into()])
                .await?;
        }
        let (text, facets) = document(&tweet.text, &tweet.hashtags, author);
        let sql = "INSERT INTO tweet_search (rowid, text, facets) VALUES (?, ?, ?)";
        self.execute(sql, [position.into(), text.into(), facets.into()]).await?;
        Ok(())
    }

    pub(super) async fn index_user(&self, user: &User, again: bool) -> Result<()> {
        if again {
            self.execute("DELETE FROM user_search WHERE rowid = ?", [user.id.0.into()])
                .await?;
        }
        let sql = "INSERT INTO user_search (rowid, names) VALUES (?, ?)";
        self.execute(
            sql,
            [user.id.0.into(), names(&user.username, &user.display_name).into()],
        )
        .await?;
        Ok(())
    }
}
