//! What holds between something and single viewers: whether they like a tweet, or are followed by
//! somebody. It is kept beside the thing, so that what changes the thing forgets it too.

use super::Store;
use super::cache::{Kept, On, State};
use super::snapshot::{Snapshot, json};
use crate::model::{Key, Result, Seq, TweetId, UserId};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// For how many viewers it is kept of one thing.
const VIEWERS: usize = 64;

/// Something that facts are about.
pub trait Subject: Copy + Eq + Hash + 'static {
    /// What holds for a viewer.
    type Fact: Copy;
    /// What events name that change it.
    fn key(self) -> Key;
}

/// What a viewer did with a tweet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reacted {
    /// Whether they like it.
    pub liked: bool,
    /// Whether they retweeted it.
    pub retweeted: bool,
}

impl Subject for TweetId {
    type Fact = Reacted;

    fn key(self) -> Key {
        Key::Tweet(self)
    }
}

/// Whether a user follows a viewer.
impl Subject for UserId {
    type Fact = bool;

    fn key(self) -> Key {
        Key::Follows(self)
    }
}

/// What is known of one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts<S: Subject>(HashMap<UserId, S::Fact>);

impl<S: Subject> Facts<S> {
    /// Of one viewer.
    pub(super) fn of(viewer: UserId, fact: S::Fact) -> Self {
        Self(HashMap::from([(viewer, fact)]))
    }

    /// With what else is known; with too much, without it.
    pub(super) fn with(&self, others: &Self) -> Self {
        let mut all = self.0.clone();
        if all.len() < VIEWERS {
            all.extend(&others.0);
        }
        Self(all)
    }
}

impl<S: Subject> Kept for Facts<S> {
    type Id = S;

    fn key(id: &S) -> Key {
        id.key()
    }

    fn weight(&self) -> usize {
        self.0.capacity() * (size_of::<(UserId, S::Fact)>() + 1)
    }
}

impl Store {
    /// What a viewer did with a tweet, as memory has it.
    #[must_use]
    pub fn cached_reacted(&self, viewer: UserId, tweet: TweetId) -> Option<Reacted> {
        let facts = self.caches().one::<Facts<TweetId>>(&tweet)?;
        facts.0.get(&viewer).copied()
    }

    /// What a viewer did with each of these tweets.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn reacted(&self, viewer: UserId, tweets: &[TweetId]) -> Result<HashMap<TweetId, Reacted>> {
        let snapshot = self.snapshot().await?;
        let found = snapshot.reacted(viewer, tweets).await?;
        self.learn(snapshot.seq(), viewer, &found);
        Ok(found)
    }

    /// Whether a user follows a viewer, as memory has it.
    #[must_use]
    pub fn cached_following(&self, user: UserId, viewer: UserId) -> Option<bool> {
        let facts = self.caches().one::<Facts<UserId>>(&user)?;
        facts.0.get(&viewer).copied()
    }

    /// Which of these users follow a viewer, under the flag `following`.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn following(&self, users: &[UserId], viewer: UserId) -> Result<HashMap<UserId, bool>> {
        let snapshot = self.snapshot().await?;
        let found = snapshot.following(users, viewer).await?;
        self.learn(snapshot.seq(), viewer, &found);
        Ok(found)
    }

    fn learn<S: Subject>(&self, seq: Seq, viewer: UserId, found: &HashMap<S, S::Fact>)
    where
        State: On<Facts<S>>,
    {
        let rows = found
            .iter()
            .map(|(subject, fact)| (*subject, Arc::new(Facts::of(viewer, *fact))));
        self.caches().join(seq, rows, Facts::with);
    }
}

impl Snapshot {
    pub(super) async fn reacted(&self, viewer: UserId, tweets: &[TweetId]) -> Result<HashMap<TweetId, Reacted>> {
        let has = |table: &str| {
            format!(
                "CASE WHEN EXISTS (SELECT 1 FROM {table} r WHERE r.tweet_id = {{number}} AND r.user_id = ?) \
                 THEN 1 ELSE 0 END"
            )
        };
        let sql = format!(
            "SELECT {{pack:x.id, x.liked, x.retweeted}} FROM \
             (SELECT {{number}} AS id, {} AS liked, {} AS retweeted FROM {{each}}) x",
            has("liked"),
            has("retweet"),
        );
        let values = [viewer.0.into(), viewer.0.into(), json(&tweets)];
        let rows: Vec<(TweetId, u8, u8)> = self.packed(&sql, values).await?;
        let found = rows.into_iter().map(|(id, liked, retweeted)| {
            let (liked, retweeted) = (liked == 1, retweeted == 1);
            (id, Reacted { liked, retweeted })
        });
        Ok(found.collect())
    }

    pub(super) async fn following(&self, users: &[UserId], viewer: UserId) -> Result<HashMap<UserId, bool>> {
        let sql = "SELECT {pack:f.follower_id, f.flag} FROM {each} JOIN follow f ON f.follower_id = {number} \
                   AND f.target_kind = 'user' AND f.target_key = ? AND f.flag = 'following'";
        let values = [json(&users), viewer.to_string().into()];
        let rows: Vec<(UserId, String)> = self.packed(sql, values).await?;
        let mut found: HashMap<UserId, bool> = users.iter().map(|user| (*user, false)).collect();
        found.extend(rows.into_iter().map(|(user, _)| (user, true)));
        Ok(found)
    }
}
