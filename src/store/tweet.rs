//! Tweets, with the hashtags and mentions that they carry.

use super::bulk::Numbered;
use super::cache::Kept;
use super::dialect::statement;
use super::entity::{mention, tweet_hashtag};
use super::script::Script;
use super::snapshot::{Snapshot, json};
use super::tx::Tx;
use super::{Store, tombstone};
use crate::model::{ActionId, Entity, Key, Micros, Result, Tweet, TweetId, UserId};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, QueryFilter};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How many places a microsecond has in the text index.
pub(super) const PLACES: i64 = 1_024;

#[derive(FromQueryResult)]
struct Row {
    id: i64,
    author_id: i64,
    text: String,
    created_at: i64,
    edited_at: Option<i64>,
    in_reply_to_id: Option<i64>,
    action_id: i64,
    like_count: i64,
    retweet_count: i64,
    reply_count: i64,
    url: Option<String>,
    language: Option<String>,
    hashtags: Option<String>,
    mentions: Option<String>,
}

impl From<Row> for Tweet {
    fn from(row: Row) -> Self {
        let words = |list: Option<String>| list.unwrap_or_default();
        Self {
            id: TweetId(row.id),
            author: UserId(row.author_id),
            text: row.text,
            created_at: Micros(row.created_at),
            edited_at: row.edited_at.map(Micros),
            in_reply_to: row.in_reply_to_id.map(TweetId),
            action: ActionId(row.action_id),
            like_count: row.like_count,
            retweet_count: row.retweet_count,
            reply_count: row.reply_count,
            url: row.url,
            language: row.language,
            hashtags: words(row.hashtags).split_whitespace().map(str::to_owned).collect(),
            mentions: words(row.mentions)
                .split_whitespace()
                .filter_map(|id| id.parse().ok().map(UserId))
                .collect(),
        }
    }
}

/// A tweet's row with its lists. No hashtag holds a space, so one text carries them.
const SELECT: &str = "SELECT t.id, t.author_id, t.text, t.created_at, t.edited_at, t.in_reply_to_id, t.action_id, \
    t.like_count + COALESCE(t.origin_likes, 0) AS like_count, \
    t.retweet_count + COALESCE(t.origin_retweets, 0) AS retweet_count, \
    t.reply_count + COALESCE(t.origin_replies, 0) AS reply_count, t.url, t.language, \
    (SELECT string_agg(h.hashtag, ' ' ORDER BY h.place) FROM tweet_hashtag h WHERE h.tweet_id = t.id) AS hashtags, \
    (SELECT string_agg(CAST(m.user_id AS TEXT), ' ' ORDER BY m.place) FROM mention m WHERE m.tweet_id = t.id) AS mentions";

impl Kept for Tweet {
    type Id = TweetId;

    fn key(id: &TweetId) -> Key {
        Key::Tweet(*id)
    }

    fn weight(&self) -> usize {
        let tags: usize = self.hashtags.iter().map(|tag| tag.len() + size_of::<String>()).sum();
        size_of::<Self>() + self.text.len() + tags + self.mentions.len() * size_of::<UserId>()
    }
}

impl Store {
    /// A tweet's row as memory has it; nobody has looked whether its author is there.
    #[must_use]
    pub fn cached_tweet_row(&self, id: TweetId) -> Option<Arc<Tweet>> {
        self.caches().one::<Tweet>(&id)
    }

    /// The tweets of these ids, as far as they are there; nobody has looked whether their
    /// authors are.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn tweet_rows(&self, ids: impl IntoIterator<Item = TweetId>) -> Result<HashMap<TweetId, Arc<Tweet>>> {
        let (mut found, missing) = self.caches().get::<Tweet>(ids);
        if !missing.is_empty() {
            let snapshot = self.snapshot().await?;
            let read = snapshot.tweets(&missing).await?;
            self.caches()
                .put(snapshot.seq(), read.iter().map(|(id, tweet)| (*id, tweet)));
            found.extend(read);
        }
        Ok(found)
    }
}

impl Snapshot {
    pub(super) async fn tweets(&self, ids: &[TweetId]) -> Result<HashMap<TweetId, Arc<Tweet>>> {
        read(self.conn(), ids).await
    }
}

/// The tweets of these ids, as far as they are there.
pub(super) async fn read(conn: &DatabaseTransaction, ids: &[TweetId]) -> Result<HashMap<TweetId, Arc<Tweet>>> {
    let sql = format!("{SELECT} FROM {{each}} JOIN tweet t ON t.id = {{number}} WHERE t.deleted_at IS NULL");
    let sql = statement(conn.get_database_backend(), &sql, [json(&ids)]);
    let rows = conn.query_all_raw(sql).await?;
    rows.iter()
        .map(|row| {
            let row = Row::from_query_result(row, "")?;
            Ok((TweetId(row.id), Arc::new(Tweet::from(row))))
        })
        .collect()
}

impl Tx {
    /// A tweet that is there, with an author who is there and not banned.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn tweet(&self, id: TweetId) -> Result<Option<Arc<Tweet>>> {
        if let Some(known) = self.known() {
            return Ok(known.tweets.get(&id).cloned());
        }
        let sql = format!(
            "{SELECT} FROM tweet t JOIN users u ON u.id = t.author_id \
             WHERE t.id = ? AND t.deleted_at IS NULL AND u.deleted_at IS NULL \
             AND NOT EXISTS (SELECT 1 FROM ban b WHERE b.user_id = u.id)"
        );
        let rows = self.rows(&sql, [id.0.into()]).await?;
        let row = rows.first().map(|row| Row::from_query_result(row, "")).transpose()?;
        Ok(row.map(|row| Arc::new(Tweet::from(row))))
    }

    /// A number for a new tweet.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn next_tweet(&self) -> Result<TweetId> {
        Ok(TweetId(self.next(Numbered::Tweets).await?))
    }

    /// Writes a tweet with its lists, makes it searchable, and counts it.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_tweet(&self, tweet: &Tweet, author_name: &str) -> Result<()> {
        self.put(|stage| {
            stage.count_user(tweet.author, [1, 0, 0]);
            for tag in &tweet.hashtags {
                stage.count_hashtag(tag, [1, 0]);
            }
            if let Some(parent) = tweet.in_reply_to {
                stage.count_tweet(parent, [0, 0, 1]);
            }
            stage.tweets.push((tweet.clone(), author_name.to_owned()));
        })
        .await
    }

    /// Writes an edited tweet's text and lists.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn update_tweet(&self, tweet: &Tweet, author_name: &str) -> Result<()> {
        let sql = "UPDATE tweet SET text = ?, edited_at = ?, language = ? WHERE id = ? RETURNING position";
        let edited = tweet.edited_at.map(|at| at.0);
        let values = [
            tweet.text.clone().into(),
            edited.into(),
            tweet.language.clone().into(),
            tweet.id.0.into(),
        ];
        let rows = self.rows(sql, values).await?;
        self.delete_lists(tweet.id).await?;
        self.insert_lists(tweet).await?;
        if let Some(row) = rows.first() {
            self.index_tweet(row.try_get_by_index(0)?, tweet, author_name, true)
                .await?;
        }
        Ok(())
    }

    async fn insert_lists(&self, tweet: &Tweet) -> Result<()> {
        let mut script = Script::default();
        let tags = tweet.hashtags.iter().zip(0_usize..);
        script.insert_tags(&tags.map(|(tag, place)| (tweet.id, place, tag)).collect::<Vec<_>>());
        let mentions = tweet.mentions.iter().zip(0_usize..);
        script.insert_mentions(
            &mentions
                .map(|(user, place)| (tweet.id, place, *user))
                .collect::<Vec<_>>(),
        );
        self.run(script).await
    }

    pub(super) async fn delete_lists(&self, id: TweetId) -> Result<()> {
        tweet_hashtag::Entity::delete_many()
            .filter(tweet_hashtag::Column::TweetId.eq(id.0))
            .exec(self.conn())
            .await?;
        mention::Entity::delete_many()
            .filter(mention::Column::TweetId.eq(id.0))
            .exec(self.conn())
            .await?;
        // An imported text may name users who have not come yet.
        self.execute(
            "DELETE FROM unresolved WHERE kind = 'mention' AND holder = ?",
            [id.0.into()],
        )
        .await?;
        Ok(())
    }

    /// Hides a tweet; the sweep takes its row, likes and retweets away.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn hide_tweet(&self, id: TweetId) -> Result<()> {
        let sql = "UPDATE tweet SET deleted_at = ? WHERE id = ? RETURNING position";
        let rows = self.rows(sql, [self.now().0.into(), id.0.into()]).await?;
        if let Some(row) = rows.first() {
            let position: i64 = row.try_get_by_index(0)?;
            self.execute("DELETE FROM tweet_search WHERE rowid = ?", [position.into()])
                .await?;
        }
        tombstone::bury(self, &Entity::Tweet(id)).await
    }

    /// Adds to a tweet's likes, retweets and replies.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn count_tweet(&self, id: TweetId, counts: [i64; 3]) -> Result<()> {
        self.put(|stage| stage.count_tweet(id, counts)).await
    }

    /// Which of these tweets the counts of their hashtags, and of the tweets that they answer, leave
    /// out: their author is banned, or was and counts are still being looked at.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn uncounted(&self, tweets: &[TweetId]) -> Result<HashSet<TweetId>> {
        let sql = "SELECT t.id FROM {each} JOIN tweet t ON t.id = {number} WHERE t.banned";
        let rows = self.rows(sql, [json(&tweets)]).await?;
        rows.iter().map(|row| Ok(TweetId(row.try_get_by_index(0)?))).collect()
    }

    /// The tweets that are there, whether their authors are or not.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn tweets_as_they_are(&self, ids: &[TweetId]) -> Result<HashMap<TweetId, Arc<Tweet>>> {
        read(self.conn(), ids).await
    }
}
