//! Tweets, with the hashtags and mentions that they carry.

use super::cache::Kept;
use super::entity::{mention, tweet, tweet_hashtag};
use super::snapshot::{Snapshot, json};
use super::writer::Tx;
use super::{Store, tombstone};
use crate::model::{ActionId, Entity, Key, Micros, Result, Tweet, TweetId, UserId};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, Set};
use std::collections::HashMap;
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
    t.reply_count + COALESCE(t.origin_replies, 0) AS reply_count, t.url, \
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

/// What a new tweet is made of.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of `Tweet`")]
pub struct NewTweet {
    pub author: UserId,
    pub author_name: String,
    pub text: String,
    pub in_reply_to: Option<TweetId>,
    pub action: ActionId,
    pub hashtags: Vec<String>,
    pub mentions: Vec<UserId>,
}

impl Store {
    /// A tweet's row as memory has it; nobody has looked whether its author is there.
    #[must_use]
    pub fn cached_tweet_row(&self, id: TweetId) -> Option<Arc<Tweet>> {
        self.caches().get::<Tweet>([id]).0.remove(&id)
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
        let sql = format!("{SELECT} FROM {{each}} JOIN tweet t ON t.id = {{number}} WHERE t.deleted_at IS NULL");
        let rows: Vec<Row> = self.all(&sql, [json(&ids)]).await?;
        Ok(rows
            .into_iter()
            .map(|row| (TweetId(row.id), Arc::new(Tweet::from(row))))
            .collect())
    }
}

impl Tx {
    /// A tweet that is there, with an author who is there.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn tweet(&self, id: TweetId) -> Result<Option<Tweet>> {
        let sql = format!(
            "{SELECT} FROM tweet t JOIN users u ON u.id = t.author_id \
             WHERE t.id = ? AND t.deleted_at IS NULL AND u.deleted_at IS NULL"
        );
        let rows = self.rows(&sql, [id.0.into()]).await?;
        let row = rows.first().map(|row| Row::from_query_result(row, "")).transpose()?;
        Ok(row.map(Tweet::from))
    }

    /// Writes a tweet with its lists, and makes it searchable.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_tweet(&self, new: NewTweet) -> Result<Tweet> {
        let now = self.now();
        let place = now.0 * PLACES;
        // What was written in the same microsecond comes behind; numbers are never given twice.
        let sql = "INSERT INTO tweet (author_id, text, created_at, in_reply_to_id, action_id, position) \
                   SELECT ?, ?, ?, ?, ?, COALESCE((SELECT MAX(position) + 1 FROM tweet WHERE position >= ? AND position < ?), ?) \
                   RETURNING id, position";
        let values = [
            new.author.0.into(),
            new.text.clone().into(),
            now.0.into(),
            new.in_reply_to.map(|id| id.0).into(),
            new.action.0.into(),
            place.into(),
            (place + PLACES).into(),
            place.into(),
        ];
        let rows = self.rows(sql, values).await?;
        let row = rows
            .first()
            .ok_or_else(|| crate::model::Error::internal("no row came back"))?;
        let (id, position): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let tweet = Tweet {
            id: TweetId(id),
            author: new.author,
            text: new.text,
            created_at: now,
            edited_at: None,
            in_reply_to: new.in_reply_to,
            action: new.action,
            like_count: 0,
            retweet_count: 0,
            reply_count: 0,
            url: None,
            hashtags: new.hashtags,
            mentions: new.mentions,
        };
        self.insert_lists(&tweet).await?;
        self.index_tweet(position, &tweet, &new.author_name, false).await?;
        Ok(tweet)
    }

    /// Writes an edited tweet's text and lists.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn update_tweet(&self, tweet: &Tweet, author_name: &str) -> Result<()> {
        let sql = "UPDATE tweet SET text = ?, edited_at = ? WHERE id = ? RETURNING position";
        let edited = tweet.edited_at.map(|at| at.0);
        let rows = self
            .rows(sql, [tweet.text.clone().into(), edited.into(), tweet.id.0.into()])
            .await?;
        self.delete_lists(tweet.id).await?;
        self.insert_lists(tweet).await?;
        if let Some(row) = rows.first() {
            self.index_tweet(row.try_get_by_index(0)?, tweet, author_name, true)
                .await?;
        }
        Ok(())
    }

    async fn insert_lists(&self, tweet: &Tweet) -> Result<()> {
        let tags = tweet
            .hashtags
            .iter()
            .zip(0..)
            .map(|(tag, place)| tweet_hashtag::ActiveModel {
                tweet_id: Set(tweet.id.0),
                place: Set(place),
                hashtag: Set(tag.clone()),
            });
        if !tweet.hashtags.is_empty() {
            tweet_hashtag::Entity::insert_many(tags)
                .exec_without_returning(self.conn())
                .await?;
        }
        let mentions = tweet
            .mentions
            .iter()
            .zip(0..)
            .map(|(user, place)| mention::ActiveModel {
                tweet_id: Set(tweet.id.0),
                place: Set(place),
                user_id: Set(user.0),
            });
        if !tweet.mentions.is_empty() {
            mention::Entity::insert_many(mentions)
                .exec_without_returning(self.conn())
                .await?;
        }
        Ok(())
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

    /// Adds to a tweet's counts.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn count_tweet(&self, id: TweetId, likes: i64, retweets: i64, replies: i64) -> Result<()> {
        let sql = "UPDATE tweet SET like_count = like_count + ?, retweet_count = retweet_count + ?, \
                   reply_count = reply_count + ? WHERE id = ?";
        self.execute(sql, [likes.into(), retweets.into(), replies.into(), id.0.into()])
            .await?;
        Ok(())
    }

    /// The row of a tweet, also of one that is hidden: for the sweep.
    pub(super) async fn tweet_row(&self, id: TweetId) -> Result<Option<tweet::Model>> {
        Ok(tweet::Entity::find_by_id(id.0).one(self.conn()).await?)
    }
}
