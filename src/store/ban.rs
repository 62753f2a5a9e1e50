//! Bans: who is hidden from all but moderators, and how counts come to leave them out.
//!
//! The ban's row hides at once. The counts follow in the background: each row that counts for
//! somebody else says whether it is left out by now, so a sweep makes that what the ban's row says,
//! wherever an earlier one has stopped, and whoever takes such a row away knows what it counted.

use super::follow::count_follower;
use super::script::Script;
use super::sweep::STEP;
use super::tx::Tx;
use crate::model::{
    Change, Entity, EventKind, Key, Micros, NewEvent, Place, Reaction, Result, Topic, Tweet, TweetId, UserId,
};
use sea_orm::{QueryResult, Value};

/// How many tweets a step looks at: each may have many hashtags.
const TWEETS: i64 = STEP / 5;

/// Which rows a sweep looks at, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Likes,
    Retweets,
    Tweets,
    Following,
    Followers,
    Notices,
}

impl Phase {
    const ALL: [Self; 6] = [
        Self::Likes,
        Self::Retweets,
        Self::Tweets,
        Self::Following,
        Self::Followers,
        Self::Notices,
    ];

    /// The user's rows behind a place: where they stand, whether counts leave them out, and what
    /// they are about.
    fn sql(self) -> &'static str {
        match self {
            Self::Likes => {
                "SELECT created_at AS place_at, action_id AS place_id, banned, tweet_id FROM liked \
                 WHERE user_id = ? AND (created_at, action_id) > (?, ?) ORDER BY created_at, action_id LIMIT ?"
            }
            Self::Retweets => {
                "SELECT action_id AS place_at, tweet_id AS place_id, banned, tweet_id FROM retweet \
                 WHERE user_id = ? AND (action_id, tweet_id) > (?, ?) ORDER BY action_id, tweet_id LIMIT ?"
            }
            Self::Tweets => {
                "SELECT x.created_at AS place_at, x.id AS place_id, t.banned, x.tweet_id FROM feed_entry x \
                 JOIN tweet t ON t.id = x.tweet_id WHERE x.topic = ? AND x.kind = 0 \
                 AND (x.created_at, x.id) > (?, ?) ORDER BY x.created_at, x.id LIMIT ?"
            }
            Self::Following => {
                "SELECT created_at AS place_at, id AS place_id, follower_banned AS banned, target_kind AS kind, \
                 target_key AS item FROM follow WHERE follower_id = ? AND flag = 'following' \
                 AND (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?"
            }
            Self::Followers => {
                "SELECT created_at AS place_at, id AS place_id, target_banned AS banned, 'user' AS kind, \
                 CAST(follower_id AS TEXT) AS item FROM follow WHERE target_kind = 'user' AND target_key = ? \
                 AND flag = 'following' AND (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?"
            }
            Self::Notices => {
                "SELECT user_id AS place_at, group_id AS place_id, banned FROM notification_actor WHERE actor = ? \
                 AND (user_id, group_id) > (?, ?) ORDER BY user_id, group_id LIMIT ?"
            }
        }
    }

    /// What finds the user's rows.
    fn owner(self, user: UserId) -> Value {
        match self {
            Self::Likes | Self::Retweets | Self::Following => user.0.into(),
            Self::Tweets => Topic::user(user).as_str().into(),
            Self::Followers => user.to_string().into(),
            Self::Notices => Entity::User(user).to_string().into(),
        }
    }

    fn limit(self) -> i64 {
        if self == Self::Tweets { TWEETS } else { STEP }
    }

    /// Notes whether counts leave rows out.
    fn mark(self) -> &'static str {
        match self {
            Self::Likes => {
                "UPDATE liked SET banned = ? WHERE user_id = ? AND tweet_id IN (SELECT {number} FROM {each})"
            }
            Self::Retweets => {
                "UPDATE retweet SET banned = ? WHERE user_id = ? AND tweet_id IN (SELECT {number} FROM {each})"
            }
            Self::Tweets => "UPDATE tweet SET banned = ? WHERE author_id = ? AND id IN (SELECT {number} FROM {each})",
            Self::Following => {
                "UPDATE follow SET follower_banned = ? WHERE follower_id = ? AND id IN (SELECT {number} FROM {each})"
            }
            Self::Followers => {
                "UPDATE follow SET target_banned = ? WHERE target_kind = 'user' AND target_key = ? \
                 AND id IN (SELECT {number} FROM {each})"
            }
            Self::Notices => {
                "UPDATE notification_actor SET banned = ? WHERE actor = ? AND group_id IN (SELECT {number} FROM {each})"
            }
        }
    }

    /// By what a row is found to be marked.
    fn key(self) -> &'static str {
        match self {
            Self::Likes | Self::Retweets | Self::Tweets => "tweet_id",
            Self::Following | Self::Followers | Self::Notices => "place_id",
        }
    }
}

/// How far a sweep has come.
struct Progress {
    phase: usize,
    place: Place,
    since: Micros,
}

impl Tx {
    /// Hides a user from all but moderators. False when they were already.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn insert_ban(&self, user: UserId, at: Micros) -> Result<bool> {
        let sql = "INSERT INTO ban (user_id, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING";
        Ok(self.execute(sql, [user.0.into(), at.0.into()]).await? > 0)
    }

    /// Shows a user again. Since when they were banned; none when they were not.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn delete_ban(&self, user: UserId) -> Result<Option<Micros>> {
        let sql = "DELETE FROM ban WHERE user_id = ? RETURNING created_at";
        let rows = self.rows(sql, [user.0.into()]).await?;
        Ok(rows.first().map(|row| row.try_get_by_index(0)).transpose()?.map(Micros))
    }

    /// Has the counts of what these users did looked at, from the beginning. Streams are told of
    /// tweets from `since` on that come or go.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn sweep_bans_of(&self, users: &[UserId], since: Micros) -> Result<()> {
        let sql = "INSERT INTO sweep (kind, key, created_at, position_at, position_id, since) \
                   SELECT 'ban', {number}, ?, ?, ?, ? FROM {each} WHERE TRUE ON CONFLICT (kind, key) DO UPDATE SET \
                   phase = 0, position_at = excluded.position_at, position_id = excluded.position_id, \
                   since = CASE WHEN excluded.since < sweep.since THEN excluded.since ELSE sweep.since END";
        let numbers = [self.now().0, i64::MIN, i64::MIN, since.0].map(Value::from);
        let values = numbers.into_iter().chain([super::snapshot::json(&users)]);
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Which of these users are banned.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn banned_among(&self, users: &[UserId]) -> Result<Vec<UserId>> {
        let sql = "SELECT b.user_id FROM {each} JOIN ban b ON b.user_id = {number}";
        let rows = self.rows(sql, [super::snapshot::json(&users)]).await?;
        rows.iter().map(|row| Ok(UserId(row.try_get_by_index(0)?))).collect()
    }

    /// Makes counts leave out, or count again, a step's number of what a user did. False when
    /// nothing is left.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn sweep_ban(&self, user: UserId) -> Result<bool> {
        let Some(progress) = self.ban_progress(user).await? else {
            return Ok(false);
        };
        let Some(phase) = Phase::ALL.get(progress.phase).copied() else {
            return Ok(false);
        };
        let is_banned = !self.banned_among(&[user]).await?.is_empty();
        let place = progress.place;
        let values = [
            phase.owner(user),
            place.at.into(),
            place.id.into(),
            phase.limit().into(),
        ];
        let rows = self.rows(phase.sql(), values).await?;
        let mut wrong = Vec::new();
        for row in &rows {
            if row.try_get::<bool>("", "banned")? != is_banned {
                wrong.push(row);
            }
        }
        if !wrong.is_empty() {
            let keys: Vec<i64> = wrong
                .iter()
                .map(|row| Ok(row.try_get("", phase.key())?))
                .collect::<Result<_>>()?;
            let mark = [
                is_banned.into(),
                if phase == Phase::Tweets {
                    user.0.into()
                } else {
                    phase.owner(user)
                },
                super::snapshot::json(&keys),
            ];
            self.execute(phase.mark(), mark).await?;
            self.recount_ban(phase, &wrong, is_banned, progress.since).await?;
        }
        self.advance_ban(user, &progress, &rows, phase.limit()).await?;
        Ok(true)
    }

    async fn ban_progress(&self, user: UserId) -> Result<Option<Progress>> {
        let sql = "SELECT phase, position_at, position_id, since FROM sweep WHERE kind = 'ban' AND key = ?";
        let rows = self.rows(sql, [user.0.into()]).await?;
        let progress = |row: &QueryResult| -> Result<Progress> {
            Ok(Progress {
                phase: usize::try_from(row.try_get::<i64>("", "phase")?).unwrap_or(usize::MAX),
                place: Place {
                    at: row.try_get("", "position_at")?,
                    id: row.try_get("", "position_id")?,
                },
                since: Micros(row.try_get("", "since")?),
            })
        };
        rows.first().map(progress).transpose()
    }

    async fn advance_ban(&self, user: UserId, progress: &Progress, rows: &[QueryResult], limit: i64) -> Result<()> {
        let is_full = i64::try_from(rows.len()).is_ok_and(|read| read >= limit);
        let (phase, at, id): (i64, i64, i64) = match rows.last().filter(|_| is_full) {
            Some(last) => (0, last.try_get("", "place_at")?, last.try_get("", "place_id")?),
            None => (1, i64::MIN, i64::MIN),
        };
        let phase = phase + i64::try_from(progress.phase).unwrap_or(i64::MAX - 1);
        let sql = "UPDATE sweep SET phase = ?, position_at = ?, position_id = ? WHERE kind = 'ban' AND key = ?";
        let values = [phase, at, id, user.0].map(Value::from);
        self.execute(sql, values).await?;
        Ok(())
    }

    /// Takes rows out of what counts them, or puts them in again, and says so.
    async fn recount_ban(&self, phase: Phase, rows: &[&QueryResult], is_banned: bool, since: Micros) -> Result<()> {
        let n = if is_banned { -1 } else { 1 };
        match phase {
            Phase::Likes => self.recount_reactions(Reaction::Like, rows, n).await,
            Phase::Retweets => self.recount_reactions(Reaction::Retweet, rows, n).await,
            Phase::Tweets => self.recount_tweets(rows, is_banned, since).await,
            Phase::Following => self.recount_targets(rows, n).await,
            Phase::Followers => self.recount_followers(rows, n).await,
            Phase::Notices => Ok(()),
        }
    }

    async fn recount_reactions(&self, reaction: Reaction, rows: &[&QueryResult], n: i64) -> Result<()> {
        let tweets = tweets(rows)?;
        self.put(|stage| {
            for id in &tweets {
                stage.count_tweet(*id, super::reaction::counts(reaction, n));
                if reaction == Reaction::Retweet {
                    stage.rank(*id);
                }
            }
        })
        .await?;
        self.touch(tweets.into_iter().map(Key::Tweet).collect());
        Ok(())
    }

    async fn recount_tweets(&self, rows: &[&QueryResult], is_banned: bool, since: Micros) -> Result<()> {
        let (n, change) = match is_banned {
            true => (-1, Change::Deleted),
            false => (1, Change::Created),
        };
        let ids = tweets(rows)?;
        let walls = self.standing_on(&ids).await?;
        let tweets = self.tweets_as_they_are(&ids).await?;
        let mut tweets: Vec<&Tweet> = tweets.values().map(|tweet| &**tweet).collect();
        tweets.sort_by_key(|tweet| (tweet.created_at, tweet.id));
        // Where it stands that streams and counts tell of.
        let topics = |tweet: &Tweet| -> Vec<Topic> {
            let walls = walls.get(&tweet.id).into_iter().flatten();
            let tags = tweet.hashtags.iter().map(|tag| Topic::hashtag(tag));
            tags.chain(walls.map(|wall| Topic::wall(*wall))).collect()
        };
        let mut script = Script::default();
        script.leave_out(&ids, is_banned);
        self.run(script).await?;
        self.put(|stage| {
            for tweet in &tweets {
                stage.note_posts(&topics(tweet), tweet.created_at);
                for tag in &tweet.hashtags {
                    stage.count_hashtag(tag, [n, 0]);
                }
                if let Some(parent) = tweet.in_reply_to {
                    stage.count_tweet(parent, [0, 0, n]);
                }
            }
        })
        .await?;
        let tags = tweets.iter().flat_map(|tweet| tweet.hashtags.iter().cloned());
        let parents = tweets.iter().filter_map(|tweet| tweet.in_reply_to);
        let walls = walls.values().flatten().map(|wall| Key::Topic(Topic::wall(*wall)));
        let keys = tags.map(Key::Hashtag).chain(parents.map(Key::Tweet)).chain(walls);
        self.touch(keys.collect());
        for tweet in tweets.iter().filter(|tweet| tweet.created_at >= since) {
            let mut event = NewEvent::new(EventKind::Tweet);
            event.tweet = Some(tweet.id);
            event.action = Some(tweet.action);
            event.actor = Some(tweet.author);
            event.tell(topics(tweet).into_iter().map(|topic| (topic, change)));
            if !event.topics.is_empty() {
                self.emit(event);
            }
        }
        Ok(())
    }

    async fn recount_targets(&self, rows: &[&QueryResult], n: i64) -> Result<()> {
        let targets = entities(rows)?;
        self.put(|stage| {
            for target in &targets {
                count_follower(stage, target, n);
            }
        })
        .await?;
        self.touch(targets.iter().filter_map(Key::counting_follows_of).collect());
        Ok(())
    }

    async fn recount_followers(&self, rows: &[&QueryResult], n: i64) -> Result<()> {
        let followers: Vec<UserId> = entities(rows)?.iter().filter_map(Entity::user).collect();
        self.put(|stage| followers.iter().for_each(|id| stage.count_user(*id, [0, 0, n])))
            .await?;
        self.touch(followers.into_iter().map(Key::User).collect());
        Ok(())
    }

    /// Names rows that changed and that no stream tells of.
    fn touch(&self, keys: Vec<Key>) {
        let mut event = NewEvent::new(EventKind::Import);
        event.keys = keys;
        self.emit(event);
    }
}

fn tweets(rows: &[&QueryResult]) -> Result<Vec<TweetId>> {
    rows.iter()
        .map(|row| Ok(TweetId(row.try_get("", "tweet_id")?)))
        .collect()
}

fn entities(rows: &[&QueryResult]) -> Result<Vec<Entity>> {
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let (kind, key): (String, String) = (row.try_get("", "kind")?, row.try_get("", "item")?);
        found.extend(Entity::from_row(&kind, &key));
    }
    Ok(found)
}

impl super::Store {
    /// Some of the users whose counts a ban, or its end, is still making right.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn bans_to_sweep(&self) -> Result<Vec<UserId>> {
        let snapshot = self.background_snapshot().await?;
        let sql = "SELECT key FROM sweep WHERE kind = 'ban' ORDER BY key LIMIT 100";
        let rows = snapshot.rows(sql, []).await?;
        rows.iter().map(|row| Ok(UserId(row.try_get_by_index(0)?))).collect()
    }
}
