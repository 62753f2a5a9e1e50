//! Lists in the order of place: read for many owners with one statement.

use super::snapshot::{Snapshot, json};
use crate::model::{Entity, Place, Result, Topic, TweetId, UserId, WallId};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Value};

/// Which list of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListKind {
    /// A tweet's replies, by when they were posted.
    Replies,
    /// Who likes a tweet, by when they did.
    Likers,
    /// Who retweeted a tweet, by when they did.
    Retweeters,
    /// What a user likes, by when they did.
    Likes,
    /// Who follows something, by when they did.
    Followers,
    /// What a user follows, by when they did.
    Following,
    /// All tweets.
    Tweets,
    /// A wall's tweets, each at its newest retweet.
    WallTweets,
    /// A wall's tweets, by when they were posted.
    WallPosts,
    /// Who wrote on a wall, by their newest tweet there.
    Participants,
}

/// A list of an owner.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct List {
    /// Which.
    pub kind: ListKind,
    /// Whose, in the parts by which the kind's index finds it.
    parts: Vec<String>,
}

impl List {
    /// A list of a tweet.
    #[must_use]
    pub fn of_tweet(kind: ListKind, id: TweetId) -> Self {
        let parts = vec![id.to_string()];
        Self { kind, parts }
    }

    /// The likes of a user.
    #[must_use]
    pub fn likes(id: UserId) -> Self {
        let parts = vec![id.to_string()];
        Self {
            kind: ListKind::Likes,
            parts,
        }
    }

    /// The followers of something, under a flag.
    #[must_use]
    pub fn followers(target: &Entity, flag: &str) -> Self {
        Self {
            kind: ListKind::Followers,
            parts: vec![target.kind().to_owned(), target.key(), flag.to_owned()],
        }
    }

    /// What a user follows, under a flag.
    #[must_use]
    pub fn following(id: UserId, flag: &str) -> Self {
        Self {
            kind: ListKind::Following,
            parts: vec![id.to_string(), flag.to_owned()],
        }
    }

    /// A list of a wall.
    #[must_use]
    pub fn of_wall(kind: ListKind, id: WallId) -> Self {
        let part = match kind {
            ListKind::WallPosts => Topic::wall(id).to_string(),
            _ => id.to_string(),
        };
        let parts = vec![part];
        Self { kind, parts }
    }

    /// All tweets.
    #[must_use]
    pub fn tweets() -> Self {
        Self {
            kind: ListKind::Tweets,
            parts: Vec::new(),
        }
    }
}

/// What stands at a place of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// Where.
    pub place: Place,
    /// What: a user, a tweet or a hashtag.
    pub entity: Entity,
}

/// A stretch of a list to be read.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// Older than this place, exclusive.
    pub below: Place,
    /// Newer than this place, exclusive.
    pub above: Place,
    /// Whether the newest come first.
    pub newest_first: bool,
    /// How many at the most, of each list.
    pub limit: usize,
}

/// How a kind is found and what its rows are.
struct Shape {
    table: &'static str,
    /// What finds an owner's rows; `~` stands for the table's alias.
    owner: &'static str,
    id: &'static str,
    kind: &'static str,
    key: &'static str,
}

impl ListKind {
    /// Whether tweets stand in it.
    #[must_use]
    pub fn holds_tweets(self) -> bool {
        matches!(
            self,
            Self::Replies | Self::Likes | Self::Tweets | Self::WallTweets | Self::WallPosts
        )
    }

    fn shape(self) -> Shape {
        let shape = |table, owner, id, kind, key| Shape {
            table,
            owner,
            id,
            kind,
            key,
        };
        match self {
            Self::Replies => shape(
                "tweet",
                "~.in_reply_to_id = CAST({text:0} AS BIGINT) AND ~.deleted_at IS NULL",
                "id",
                "'tweet'",
                "x.id",
            ),
            Self::Likers => shape(
                "liked",
                "~.tweet_id = CAST({text:0} AS BIGINT)",
                "action_id",
                "'user'",
                "x.user_id",
            ),
            Self::Retweeters => shape(
                "retweet",
                "~.tweet_id = CAST({text:0} AS BIGINT)",
                "action_id",
                "'user'",
                "x.user_id",
            ),
            Self::Likes => shape(
                "liked",
                "~.user_id = CAST({text:0} AS BIGINT)",
                "action_id",
                "'tweet'",
                "x.tweet_id",
            ),
            Self::Followers => shape(
                "follow",
                "~.target_kind = {text:0} AND ~.target_key = {text:1} AND ~.flag = {text:2}",
                "id",
                "'user'",
                "x.follower_id",
            ),
            Self::Following => shape(
                "follow",
                "~.follower_id = CAST({text:0} AS BIGINT) AND ~.flag = {text:1}",
                "id",
                "x.target_kind",
                "x.target_key",
            ),
            Self::Tweets => shape("tweet", "~.deleted_at IS NULL", "id", "'tweet'", "x.id"),
            Self::WallTweets => shape(
                "wall_tweet",
                "~.wall_id = CAST({text:0} AS BIGINT)",
                "action_id",
                "'tweet'",
                "x.tweet_id",
            ),
            Self::WallPosts => shape(
                "feed_entry",
                "~.topic = {text:0} AND ~.kind = 0",
                "id",
                "'tweet'",
                "x.tweet_id",
            ),
            Self::Participants => shape(
                "participant",
                "~.wall_id = CAST({text:0} AS BIGINT)",
                "action_id",
                "'user'",
                "x.user_id",
            ),
        }
    }
}

impl Snapshot {
    /// The items of lists of one kind, each list's in the stretch's order.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn lists(&self, kind: ListKind, lists: &[&List], stretch: Stretch) -> Result<Vec<Vec<Item>>> {
        let shape = kind.shape();
        let columns = format!("{} AS kind, CAST({} AS TEXT) AS item", shape.kind, shape.key);
        let query = Lateral {
            table: shape.table,
            owner: shape.owner,
            id: shape.id,
            columns: &columns,
        };
        let owners: Vec<&[String]> = lists.iter().map(|list| list.parts.as_slice()).collect();
        let rows = self.lateral(&query, json(&owners), stretch).await?;
        let mut found = vec![Vec::new(); lists.len()];
        for row in &rows {
            let (list, place) = head(row)?;
            let (kind, key): (String, String) = (row.try_get("", "kind")?, row.try_get("", "item")?);
            if let (Some(items), Some(entity)) = (found.get_mut(list), Entity::from_row(&kind, &key)) {
                items.push(Item { place, entity });
            }
        }
        sort(&mut found, stretch.newest_first, |item| item.place);
        Ok(found)
    }

    /// For each row of `k`, the first rows of its own range of an index, in one statement.
    pub(super) async fn lateral(
        &self,
        query: &Lateral<'_>,
        owners: Value,
        stretch: Stretch,
    ) -> Result<Vec<QueryResult>> {
        let sql = query.sql(self.conn().get_database_backend(), stretch.newest_first);
        let limit = i64::try_from(stretch.limit).unwrap_or(i64::MAX);
        let (below, above) = (stretch.below, stretch.above);
        let bounds = [below.at, below.id, above.at, above.id, limit].map(Value::from);
        self.rows(&sql, std::iter::once(owners).chain(bounds)).await
    }
}

/// A range of an index for each owner.
pub(super) struct Lateral<'a> {
    pub table: &'a str,
    pub owner: &'a str,
    pub id: &'a str,
    pub columns: &'a str,
}

impl Lateral<'_> {
    fn sql(&self, backend: DbBackend, newest_first: bool) -> String {
        let Self {
            table,
            owner,
            id,
            columns,
        } = self;
        let order = if newest_first { "DESC" } else { "ASC" };
        let range = |alias: &str| {
            let owner = owner.replace('~', alias);
            format!(
                "FROM {table} {alias} WHERE {owner} AND ({alias}.created_at, {alias}.{id}) < (?, ?) \
                 AND ({alias}.created_at, {alias}.{id}) > (?, ?) \
                 ORDER BY {alias}.created_at {order}, {alias}.{id} {order} LIMIT ?"
            )
        };
        let columns = format!("k.key AS list, x.created_at AS place_at, x.{id} AS place_id, {columns}");
        match backend {
            // SQLite has no LATERAL, but lets the rows be named by a correlated query.
            DbBackend::Sqlite => format!(
                "SELECT {columns} FROM {{each}} CROSS JOIN {table} x WHERE {} AND (x.created_at, x.{id}) IN \
                 (SELECT y.created_at, y.{id} {})",
                owner.replace('~', "x"),
                range("y")
            ),
            _ => format!(
                "SELECT {columns} FROM {{each}} CROSS JOIN LATERAL (SELECT x.* {}) x",
                range("x")
            ),
        }
    }
}

/// Which owner a row is for, and its place.
pub(super) fn head(row: &QueryResult) -> Result<(usize, Place)> {
    let list: i64 = row.try_get("", "list")?;
    let place = Place {
        at: row.try_get("", "place_at")?,
        id: row.try_get("", "place_id")?,
    };
    Ok((usize::try_from(list).unwrap_or(usize::MAX), place))
}

pub(super) fn sort<T>(lists: &mut [Vec<T>], newest_first: bool, place: impl Fn(&T) -> Place) {
    for list in lists {
        list.sort_unstable_by_key(|item| place(item));
        if newest_first {
            list.reverse();
        }
    }
}
