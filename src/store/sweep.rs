//! Takes away the rows of what is hidden already, a bounded number at a time.
//!
//! A sweep is a row until its work is done, and each step is one transaction: a crash anywhere
//! repeats a step's question, never its effect.

use super::entity::{columns, sweep};
use super::reaction::{counts, table};
use super::snapshot::json;
use super::tx::Tx;
use crate::model::{
    ActionId, Change, Error, EventKind, Key, NewEvent, ObjectKey, Reaction, Result, Topic, TweetId, UserId, WallId,
};
use sea_orm::EntityTrait;
use std::collections::BTreeMap;

/// How many rows a step takes away at the most.
pub const STEP: i64 = 500;

/// What a sweep takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sweep {
    /// What a deleted tweet leaves: its row, likes and retweets.
    Tweet(TweetId),
    /// What a deleted user leaves: everything that they did, and that was done to them.
    User(UserId),
    /// What counts have of somebody who is banned, or no longer.
    Ban(UserId),
    /// What stood on a deleted wall.
    Wall(WallId),
}

impl Sweep {
    fn parts(self) -> (&'static str, i64) {
        match self {
            Self::Tweet(id) => ("tweet", id.0),
            Self::User(id) => ("user", id.0),
            Self::Ban(id) => ("ban", id.0),
            Self::Wall(id) => ("wall", id.0),
        }
    }
}

impl super::Store {
    /// The oldest sweeps.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn sweeps(&self) -> Result<Vec<Sweep>> {
        let snapshot = self.background_snapshot().await?;
        let columns = columns::<sweep::Entity>("s");
        let sql = format!("SELECT {columns} FROM sweep s ORDER BY created_at, kind, key LIMIT 100");
        let rows: Vec<sweep::Model> = snapshot.all(&sql, []).await?;
        Ok(rows
            .into_iter()
            .map(|row| match row.kind.as_str() {
                "tweet" => Sweep::Tweet(TweetId(row.key)),
                "ban" => Sweep::Ban(UserId(row.key)),
                "wall" => Sweep::Wall(WallId(row.key)),
                _ => Sweep::User(UserId(row.key)),
            })
            .collect())
    }
}

impl Tx {
    /// Notes that something hidden is to be swept away.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn insert_sweep(&self, sweep: Sweep) -> Result<()> {
        let (kind, key) = sweep.parts();
        let sql = "INSERT INTO sweep (kind, key, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
        self.execute(sql, [kind.into(), key.into(), self.now().0.into()])
            .await?;
        Ok(())
    }

    /// Ends a sweep, with the row of what was hidden.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn finish_sweep(&self, sweep: Sweep) -> Result<()> {
        let (kind, key) = sweep.parts();
        match sweep {
            Sweep::Tweet(id) => {
                self.delete_lists(id).await?;
                self.execute("DELETE FROM tweet WHERE id = ?", [key.into()]).await?;
            }
            Sweep::User(_) => {
                self.execute("DELETE FROM idempotency WHERE user_id = ?", [key.into()])
                    .await?;
                self.execute("DELETE FROM users WHERE id = ?", [key.into()]).await?;
            }
            Sweep::Ban(_) | Sweep::Wall(_) => {}
        }
        sweep::Entity::delete_by_id((kind.to_owned(), key))
            .exec(self.conn())
            .await?;
        Ok(())
    }

    /// Takes away a step's number of a tweet's or a user's likes or retweets, with their actions
    /// and entries. Returns how many. A wall has none.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn sweep_reactions(&self, of: Sweep, reaction: Reaction) -> Result<usize> {
        let table = table(reaction);
        let (column, key) = match of {
            Sweep::Tweet(id) => ("tweet_id", id.0),
            Sweep::User(id) | Sweep::Ban(id) => ("user_id", id.0),
            Sweep::Wall(_) => return Ok(0),
        };
        let sql = format!(
            "DELETE FROM {table} WHERE (tweet_id, user_id) IN \
             (SELECT tweet_id, user_id FROM {table} WHERE {column} = ? LIMIT ?) RETURNING tweet_id, action_id, banned"
        );
        let rows = self.rows(&sql, [key.into(), STEP.into()]).await?;
        let mut tweets = Vec::with_capacity(rows.len());
        let mut actions = Vec::with_capacity(rows.len());
        for row in &rows {
            if !row.try_get_by_index::<bool>(2)? {
                tweets.push(TweetId(row.try_get_by_index(0)?));
            }
            actions.push(ActionId(row.try_get_by_index(1)?));
        }
        if actions.is_empty() {
            return Ok(0);
        }
        if matches!(of, Sweep::User(_)) {
            self.put(|stage| {
                tweets
                    .iter()
                    .for_each(|tweet| stage.count_tweet(*tweet, counts(reaction, -1)))
            })
            .await?;
        }
        let keys = tweets.iter().copied().map(Key::Tweet).collect();
        self.retract_each(reaction.event(), keys, &actions).await?;
        Ok(actions.len())
    }

    /// Takes away a step's number of what a deleted user followed. Returns how many.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn sweep_following(&self, user: UserId) -> Result<usize> {
        let sql = "DELETE FROM follow WHERE id IN (SELECT id FROM follow WHERE follower_id = ? LIMIT ?) \
                   RETURNING target_kind, target_key, flag, action_id, follower_banned";
        let rows = self.rows(sql, [user.0.into(), STEP.into()]).await?;
        let (mut users, mut tags, mut objects, mut actions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for row in &rows {
            let (kind, key): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            let flag: String = row.try_get_by_index(2)?;
            actions.extend(row.try_get_by_index::<Option<i64>>(3)?.map(ActionId));
            if flag != super::follow::FOLLOWING || row.try_get_by_index(4)? {
                continue;
            }
            match kind.as_str() {
                "user" => users.push(UserId(key.parse().map_err(Error::internal)?)),
                "object" => objects.extend(ObjectKey::parse(&key)),
                _ => tags.push(key),
            }
        }
        let sql = "UPDATE users SET follower_count = follower_count - 1 WHERE id IN (SELECT {number} FROM {each})";
        self.execute(sql, [json(&users)]).await?;
        let sql = "UPDATE hashtag SET follower_count = follower_count - 1 WHERE name IN (SELECT {value} FROM {each})";
        self.execute(sql, [json(&tags)]).await?;
        self.execute("DELETE FROM follow_span WHERE follower_id = ?", [user.0.into()])
            .await?;
        self.put(|stage| objects.iter().for_each(|key| stage.count_object(key, -1)))
            .await?;
        let mut keys = vec![Key::Follows(user)];
        keys.extend(users.into_iter().map(Key::User));
        keys.extend(tags.into_iter().map(Key::Hashtag));
        keys.extend(objects.into_iter().map(Key::Object));
        self.retract_each(EventKind::Follow, keys, &actions).await?;
        Ok(rows.len())
    }

    /// Takes away a step's number of those who followed a deleted user. Returns how many.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn sweep_followers(&self, user: UserId) -> Result<usize> {
        let sql = "DELETE FROM follow WHERE id IN (SELECT id FROM follow WHERE target_kind = 'user' AND target_key = ? LIMIT ?) \
                   RETURNING follower_id, flag, action_id, target_banned";
        let rows = self.rows(sql, [user.to_string().into(), STEP.into()]).await?;
        let (mut counted, mut all, mut actions) = (Vec::new(), Vec::new(), Vec::new());
        for row in &rows {
            let follower = UserId(row.try_get_by_index(0)?);
            all.push(follower);
            if row.try_get_by_index::<String>(1)? == super::follow::FOLLOWING && !row.try_get_by_index(3)? {
                counted.push(follower);
            }
            actions.extend(row.try_get_by_index::<Option<i64>>(2)?.map(ActionId));
        }
        let sql = "UPDATE users SET following_count = following_count - 1 WHERE id IN (SELECT {number} FROM {each})";
        self.execute(sql, [json(&counted)]).await?;
        let sql = "DELETE FROM follow_span WHERE topic = ? AND follower_id IN (SELECT {number} FROM {each})";
        self.execute(sql, [Topic::user(user).as_str().into(), json(&all)])
            .await?;
        let keys = all.iter().flat_map(|id| [Key::User(*id), Key::Follows(*id)]).collect();
        self.retract_each(EventKind::Follow, keys, &actions).await?;
        Ok(rows.len())
    }

    /// Takes away a step's number of mentions of a deleted user. Returns how many.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn sweep_mentions(&self, user: UserId) -> Result<usize> {
        let sql = "DELETE FROM mention WHERE (tweet_id, place) IN \
                   (SELECT tweet_id, place FROM mention WHERE user_id = ? LIMIT ?) RETURNING tweet_id";
        let rows = self.rows(sql, [user.0.into(), STEP.into()]).await?;
        let mut event = NewEvent::new(EventKind::Tweet);
        for row in &rows {
            event.keys.push(Key::Tweet(TweetId(row.try_get_by_index(0)?)));
        }
        if !rows.is_empty() {
            self.emit(event);
        }
        Ok(rows.len())
    }

    /// Takes away a step's number of what a deleted user was told of. Returns how many.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn sweep_notifications(&self, user: UserId) -> Result<u64> {
        let entries = "DELETE FROM feed_entry WHERE (topic, kind, created_at, id) IN \
                       (SELECT topic, kind, created_at, id FROM feed_entry WHERE topic = ? LIMIT ?)";
        let topic = Topic::notifications(user);
        let gone = self.execute(entries, [topic.as_str().into(), STEP.into()]).await?;
        if gone > 0 {
            return Ok(gone);
        }
        let actors = "DELETE FROM notification_actor WHERE (group_id, actor) IN (SELECT a.group_id, a.actor \
                      FROM notification_group g JOIN notification_actor a ON a.group_id = g.id WHERE g.user_id = ? LIMIT ?)";
        let gone = self.execute(actors, [user.0.into(), STEP.into()]).await?;
        if gone > 0 {
            return Ok(gone);
        }
        let groups = "DELETE FROM notification_group WHERE id IN \
                      (SELECT id FROM notification_group WHERE user_id = ? LIMIT ?)";
        let gone = self.execute(groups, [user.0.into(), STEP.into()]).await?;
        if gone > 0 {
            return Ok(gone);
        }
        self.execute("DELETE FROM notification_state WHERE user_id = ?", [user.0.into()])
            .await
    }

    /// Some of a deleted user's tweets that are not hidden yet.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn tweets_to_sweep(&self, user: UserId, limit: i64) -> Result<Vec<TweetId>> {
        let sql = "SELECT tweet_id FROM feed_entry WHERE topic = ? AND kind = 0 LIMIT ?";
        let rows = self
            .rows(sql, [Topic::user(user).as_str().into(), limit.into()])
            .await?;
        rows.iter().map(|row| Ok(TweetId(row.try_get_by_index(0)?))).collect()
    }

    /// Takes away a step's number of what is left of a deleted user's actions, private ones too.
    /// Returns how many.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn sweep_actions(&self, user: UserId) -> Result<usize> {
        let sql = "SELECT id FROM feed_entry WHERE topic IN (?, ?) LIMIT ?";
        let (open, private) = (Topic::user(user), Topic::private(user));
        let values = [open.as_str().into(), private.as_str().into(), STEP.into()];
        let rows = self.rows(sql, values).await?;
        let actions = rows.iter().map(|row| Ok(ActionId(row.try_get_by_index(0)?)));
        let actions: Vec<ActionId> = actions.collect::<Result<_>>()?;
        if !actions.is_empty() {
            self.retract_each(EventKind::Action, Vec::new(), &actions).await?;
        }
        Ok(actions.len())
    }

    /// Takes an action back with its entries, and says so in an event.
    ///
    /// # Errors
    /// [`Error::Internal`] when the database fails.
    pub async fn retract(&self, mut event: NewEvent, actions: &[ActionId]) -> Result<()> {
        event.removed = self.delete_actions(actions).await?;
        let topics: Vec<Topic> = event.removed.iter().map(|(topic, _)| topic.clone()).collect();
        event.tell(topics.into_iter().map(|topic| (topic, Change::Deleted)));
        self.emit(event);
        Ok(())
    }

    /// Takes actions back with their entries, and says so in an event for each. The first of
    /// them names the rows that changed.
    async fn retract_each(&self, kind: EventKind, keys: Vec<Key>, actions: &[ActionId]) -> Result<()> {
        let mut events: BTreeMap<i64, NewEvent> = BTreeMap::new();
        for (topic, entry) in self.delete_actions(actions).await? {
            let event = events.entry(entry.place.id).or_insert_with(|| NewEvent::new(kind));
            event.action = Some(entry.action());
            event.actor = Some(entry.actor);
            event.tell([(topic.clone(), Change::Deleted)]);
            event.removed.push((topic, entry));
        }
        let mut rows = NewEvent::new(kind);
        rows.keys = keys;
        self.emit(rows);
        events.into_values().for_each(|event| self.emit(event));
        Ok(())
    }
}
