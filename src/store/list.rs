//! Lists in the order of place: read for many owners with one statement.

use super::snapshot::{Snapshot, json};
use crate::model::{Entity, Place, Relation, Result, Topic, TweetId, UserId, WallId};
use serde::de::DeserializeOwned;
use serde_json::Value;

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
    /// Whom a user blocks, by when they began to.
    Blocked,
    /// Whom a user mutes, by when they began to.
    Muted,
    /// All who are banned, by when they were.
    Banned,
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

    /// Whom a user blocks or mutes.
    #[must_use]
    pub fn of_relation(relation: Relation, id: UserId) -> Self {
        Self {
            kind: match relation {
                Relation::Block => ListKind::Blocked,
                Relation::Mute => ListKind::Muted,
            },
            parts: vec![id.to_string()],
        }
    }

    /// All who are banned.
    #[must_use]
    pub fn banned() -> Self {
        Self {
            kind: ListKind::Banned,
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

impl Shape {
    /// How its rows give what stands at a place.
    fn chosen(&self) -> String {
        format!("{} AS kind, CAST({} AS TEXT) AS item", self.kind, self.key)
    }

    fn query<'a>(&'a self, chosen: &'a str) -> Lateral<'a> {
        Lateral {
            table: self.table,
            owner: self.owner,
            id: self.id,
            columns: &["kind", "item"],
            chosen,
        }
    }
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

    /// Whether it lists just whom its viewer hides.
    #[must_use]
    pub fn lists_hidden(self) -> bool {
        matches!(self, Self::Blocked | Self::Muted | Self::Banned)
    }

    fn shape(self) -> Shape {
        let shape = |table, owner, id, kind, key| Shape {
            table,
            owner,
            id,
            kind,
            key,
        };
        let hidden = |table| {
            let owner = "~.user_id = CAST({text:0} AS BIGINT)";
            shape(table, owner, "target_id", "'user'", "x.target_id")
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
            Self::Blocked => hidden("block"),
            Self::Muted => hidden("mute"),
            Self::Banned => shape("ban", "TRUE", "user_id", "'user'", "x.user_id"),
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
        let chosen = shape.chosen();
        let query = shape.query(&chosen);
        let owners: Vec<_> = lists
            .iter()
            .map(|list| {
                let parts = list.parts.iter().map(|part| part.as_str().into());
                owner(stretch.below, stretch.above, parts)
            })
            .collect();
        let mut found = vec![Vec::new(); lists.len()];
        let read = self
            .lateral(&query, &owners, stretch.newest_first, stretch.limit)
            .await?;
        for (list, rows) in read {
            let item = |(at, id, kind, key): (i64, i64, String, String)| {
                let entity = Entity::from_row(&kind, &key)?;
                let place = Place { at, id };
                Some(Item { place, entity })
            };
            if let Some(items) = found.get_mut(list) {
                items.extend(rows.into_iter().filter_map(item));
            }
        }
        sort(&mut found, stretch.newest_first, |item| item.place);
        Ok(found)
    }

    /// For each owner the first rows of its own range of an index, in one statement: which owner,
    /// and its rows as tuples of place and columns.
    pub(super) async fn lateral<T: DeserializeOwned>(
        &self,
        query: &Lateral<'_>,
        owners: &[Vec<Value>],
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<(usize, Vec<T>)>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.packed(&query.sql(newest_first), [json(&owners), limit.into()])
            .await
    }
}

/// Whose range of an index is read: the places between which it lies, both exclusive, and the parts
/// by which the index finds it.
pub(super) fn owner(below: Place, above: Place, parts: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let places = [below.at, below.id, above.at, above.id].map(|n| fit(n).into());
    places.into_iter().chain(parts).collect()
}

/// A number as far as those of JSON go.
pub(super) fn fit(n: i64) -> i64 {
    n.clamp(i64::MIN + 1, i64::MAX - 1)
}

/// How many values of an owner come before its parts.
const PLACES: usize = 4;

/// A range of an index for each owner.
pub(super) struct Lateral<'a> {
    pub table: &'a str,
    /// What finds an owner's rows: `~` stands for the table's alias, `{text:N}` and `{int:N}` for
    /// the owner's parts.
    pub owner: &'a str,
    pub id: &'a str,
    /// What is read beside the places.
    pub columns: &'a [&'a str],
    /// How the table `x` gives these columns.
    pub chosen: &'a str,
}

impl Lateral<'_> {
    /// The owners' parts are taken out of JSON once, as columns of `o`: SQLite would take them out
    /// again for each row that it compares them with. Each range is read by a query of its own,
    /// which ends with the limit.
    fn sql(&self, newest_first: bool) -> String {
        let Self {
            table,
            owner,
            id,
            columns,
            chosen,
        } = self;
        let order = if newest_first { "DESC" } else { "ASC" };
        let (parts, owner) = parts(&owner.replace('~', "x"));
        let columns: String = columns.iter().map(|column| format!(", y.{column}")).collect();
        format!(
            "WITH o AS MATERIALIZED (SELECT k.key AS list, {{int:0}} AS below_at, {{int:1}} AS below_id, {{int:2}} AS above_at, \
             {{int:3}} AS above_id{parts} FROM {{each}}) \
             SELECT {{pack:m.list, {{json:m.items}}}} FROM (SELECT o.list, \
             (SELECT {{pack:y.created_at, y.id{columns}}} FROM (SELECT x.created_at, x.{id} AS id, {chosen} FROM {table} x \
             WHERE {owner} AND (x.created_at, x.{id}) < (o.below_at, o.below_id) \
             AND (x.created_at, x.{id}) > (o.above_at, o.above_id) \
             ORDER BY x.created_at {order}, x.{id} {order} LIMIT ?) y) AS items FROM o) m"
        )
    }
}

/// The parts that a condition names, as columns of the owners, and the condition by these columns.
fn parts(condition: &str) -> (String, String) {
    let (mut columns, mut named) = (String::new(), String::new());
    let mut rest = condition;
    while let Some((before, (kind, place, after))) = word(rest) {
        let column = format!(", {{{kind}:{}}} AS part_{place}", PLACES + place);
        if !columns.contains(&column) {
            columns.push_str(&column);
        }
        named.push_str(&format!("{before}o.part_{place}"));
        rest = after;
    }
    (columns, named + rest)
}

/// The first word of a text: what stands before it, its kind and place, and what stands behind it.
fn word(text: &str) -> Option<(&str, (&str, usize, &str))> {
    let (before, word) = text.split_once('{')?;
    let (word, after) = word.split_once('}')?;
    let (kind, place) = word.split_once(':')?;
    Some((before, (kind, place.parse().ok()?, after)))
}

pub(super) fn sort<T>(lists: &mut [Vec<T>], newest_first: bool, place: impl Fn(&T) -> Place) {
    for list in lists {
        list.sort_unstable_by_key(|item| place(item));
        if newest_first {
            list.reverse();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;
    use crate::store::{Options, Store};

    const KINDS: [ListKind; 13] = [
        ListKind::Replies,
        ListKind::Likers,
        ListKind::Retweeters,
        ListKind::Likes,
        ListKind::Followers,
        ListKind::Following,
        ListKind::Tweets,
        ListKind::Blocked,
        ListKind::Muted,
        ListKind::Banned,
        ListKind::WallTweets,
        ListKind::WallPosts,
        ListKind::Participants,
    ];

    /// How SQLite goes about a lateral query.
    async fn plan(snapshot: &Snapshot, query: &Lateral<'_>, newest_first: bool) -> Vec<String> {
        let sql = format!("EXPLAIN QUERY PLAN {}", query.sql(newest_first));
        let rows = snapshot.rows(&sql, ["[]".into(), 1.into()]).await.unwrap();
        rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect()
    }

    #[tokio::test]
    async fn a_range_is_found_by_its_index_and_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("linnet.db").display().to_string();
        let store = Store::open(&Options::file(path, 1 << 20), &Metrics::default())
            .await
            .unwrap();
        let snapshot = store.snapshot().await.unwrap();
        for kind in KINDS {
            let shape = kind.shape();
            let chosen = shape.chosen();
            let query = shape.query(&chosen);
            for newest_first in [true, false] {
                let plan = plan(&snapshot, &query, newest_first).await;
                let of_table: Vec<_> = plan.iter().filter(|step| step.contains(" x ")).collect();
                let is_found = |step: &str| step.starts_with("SEARCH") && step.contains("created_at");
                assert!(
                    matches!(of_table.as_slice(), [one] if is_found(one)),
                    "{kind:?}: {plan:#?}"
                );
                assert!(
                    !plan.iter().any(|step| step.contains("TEMP B-TREE")),
                    "{kind:?}: {plan:#?}"
                );
            }
        }
    }
}
