//! What a transaction has still to write, table by table, with multi-row statements.

use super::notification::Notice;
use super::script::Script;
use super::search::document;
use super::tweet::PLACES;
use super::wall::{Hours, Standing};
use crate::model::object::ObjectKey;
use crate::model::{
    Action, ActionId, Deed, Entity, Entry, FollowId, Micros, Place, Reaction, Topic, Tweet, TweetId, UserId,
};
use std::collections::{BTreeMap, BTreeSet};

/// A follow that begins.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of the table")]
pub struct NewFollow {
    pub id: FollowId,
    pub follower: UserId,
    pub target: Entity,
    pub flag: String,
    pub created_at: Micros,
    pub action: Option<ActionId>,
}

/// Rows that are not in their tables yet. Counts are sums of what is to be added.
#[derive(Debug, Default)]
pub struct Stage {
    /// Tweets that are posted, with their authors' names.
    pub(super) tweets: Vec<(Tweet, String)>,
    likes: Vec<(TweetId, UserId, Micros, ActionId)>,
    retweets: Vec<(TweetId, UserId, Micros, ActionId)>,
    pub(super) follows: Vec<NewFollow>,
    pub(super) spans: Vec<(UserId, Topic, Place)>,
    /// Under which key who posted what, and when.
    pub(super) postings: Vec<(UserId, String, TweetId, Micros)>,
    actions: Vec<Action>,
    pub(super) entries: Vec<(Topic, Entry)>,
    /// Posts that come to stand on walls.
    pub(super) standing: Vec<Standing>,
    /// The tweets whose retweets are others now, or that stand where none were counted.
    pub(super) ranked: BTreeSet<TweetId>,
    /// Where and when posts came in.
    pub(super) hours: Hours,
    notices: Vec<Notice>,
    tweet_counts: BTreeMap<TweetId, [i64; 3]>,
    user_counts: BTreeMap<UserId, [i64; 3]>,
    hashtag_counts: BTreeMap<String, [i64; 2]>,
    object_counts: BTreeMap<ObjectKey, i64>,
}

impl Stage {
    /// Adds what another has, behind it.
    pub(super) fn append(&mut self, other: Self) {
        self.tweets.extend(other.tweets);
        self.likes.extend(other.likes);
        self.retweets.extend(other.retweets);
        self.follows.extend(other.follows);
        self.spans.extend(other.spans);
        self.postings.extend(other.postings);
        self.actions.extend(other.actions);
        self.entries.extend(other.entries);
        self.standing.extend(other.standing);
        self.ranked.extend(other.ranked);
        self.hours.extend(other.hours);
        self.notices.extend(other.notices);
        for (id, counts) in other.tweet_counts {
            self.count_tweet(id, counts);
        }
        for (id, counts) in other.user_counts {
            self.count_user(id, counts);
        }
        for (name, counts) in other.hashtag_counts {
            self.count_hashtag(&name, counts);
        }
        for (key, count) in other.object_counts {
            self.count_object(&key, count);
        }
    }

    /// Records an action with its entries, and whom it is told.
    pub fn record(&mut self, deed: &Deed) {
        self.actions.push(deed.action.clone());
        self.enter(&deed.action.actor, deed.entries());
    }

    /// Enters an actor's actions into topics, and tells those whose notifications they are.
    pub fn enter(&mut self, actor: &Entity, entries: Vec<(Topic, Entry)>) {
        let notices = entries
            .iter()
            .filter_map(|(topic, entry)| Notice::of(topic, entry, actor));
        self.notices.extend(notices);
        self.stand(entries);
    }

    /// Likes or retweets a tweet.
    pub(super) fn react(&mut self, reaction: Reaction, row: (TweetId, UserId, Micros, ActionId)) {
        match reaction {
            Reaction::Like => self.likes.push(row),
            Reaction::Retweet => self.retweets.push(row),
        }
    }

    /// Adds to a tweet's likes, retweets and replies.
    pub fn count_tweet(&mut self, id: TweetId, counts: [i64; 3]) {
        let [_, retweets, _] = counts;
        if retweets != 0 {
            self.ranked.insert(id);
        }
        add(self.tweet_counts.entry(id).or_default(), counts);
    }

    /// Adds to a user's tweets, followers and what they follow.
    pub fn count_user(&mut self, id: UserId, counts: [i64; 3]) {
        add(self.user_counts.entry(id).or_default(), counts);
    }

    /// Adds to a hashtag's tweets and followers; it exists from now on.
    pub fn count_hashtag(&mut self, name: &str, counts: [i64; 2]) {
        add(self.hashtag_counts.entry(name.to_owned()).or_default(), counts);
    }

    /// Adds to an external object's followers.
    pub fn count_object(&mut self, key: &ObjectKey, followers: i64) {
        *self.object_counts.entry(key.clone()).or_default() += followers;
    }

    /// The statements that write everything. `walls`: whether there are any.
    pub fn into_script(self, now: Micros, walls: bool) -> Script {
        let mut script = Script::default();
        script.post(&self.tweets);
        script.insert_likes(&self.likes);
        script.retweet(&self.retweets);
        script.insert_follows(&self.follows);
        script.open_spans(&self.spans);
        script.remember_postings(&self.postings);
        script.insert_actions(&self.actions);
        script.insert_entries(&self.entries);
        script.notify(&self.notices);
        script.count_tweets(&self.tweet_counts.into_iter().collect::<Vec<_>>());
        script.count_users(&self.user_counts.into_iter().collect::<Vec<_>>());
        let hashtags = self.hashtag_counts.into_iter();
        let hashtags: Vec<_> = hashtags
            .map(|(name, [tweets, followers])| (name, tweets, followers))
            .collect();
        script.count_hashtags(now, &hashtags);
        let objects = self.object_counts.into_iter();
        let objects: Vec<_> = objects.map(|(key, count)| (key.kind, key.key, count)).collect();
        script.count_objects(&objects);
        script.stand(&self.standing);
        let ranked: Vec<TweetId> = self.ranked.into_iter().collect();
        script.rank(&ranked);
        if walls {
            script.place(&ranked);
        }
        script.recount(&self.hours, now);
        script
    }
}

fn add<const N: usize>(sums: &mut [i64; N], counts: [i64; N]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count;
    }
}

impl Script {
    /// Writes posted tweets with their lists, and makes them searchable.
    fn post(&mut self, tweets: &[(Tweet, String)]) {
        let rows: Vec<_> = tweets
            .iter()
            .map(|(new, _)| {
                let place = new.created_at.0 * PLACES;
                let (id, author, text) = (new.id, new.author, &new.text);
                (
                    id,
                    author,
                    text,
                    new.created_at,
                    new.in_reply_to,
                    new.action,
                    place,
                    place + PLACES,
                )
            })
            .collect();
        // What was written in the same microsecond comes behind; numbers are never given twice.
        self.each(
            "INSERT INTO tweet (id, author_id, text, created_at, in_reply_to_id, action_id, position) \
             SELECT {int:0}, {int:1}, {text:2}, {int:3}, {int:4}, {int:5}, COALESCE((SELECT MAX(t.position) + 1 \
             FROM tweet t WHERE t.position >= {int:6} AND t.position < {int:7}), {int:6}) FROM {each}",
            &rows,
        );
        let tags: Vec<_> = tweets
            .iter()
            .flat_map(|(new, _)| {
                new.hashtags
                    .iter()
                    .zip(0_usize..)
                    .map(|(tag, place)| (new.id, place, tag))
            })
            .collect();
        self.insert_tags(&tags);
        let mentions: Vec<_> = tweets
            .iter()
            .flat_map(|(new, _)| {
                new.mentions
                    .iter()
                    .zip(0_usize..)
                    .map(|(user, place)| (new.id, place, *user))
            })
            .collect();
        self.insert_mentions(&mentions);
        let documents: Vec<_> = tweets
            .iter()
            .map(|(new, author)| {
                let (text, facets) = document(&new.text, &new.hashtags, author);
                (new.id, text, facets)
            })
            .collect();
        self.each(
            "INSERT INTO tweet_search (rowid, text, facets) SELECT t.position, {text:1}, {text:2} \
             FROM {each} JOIN tweet t ON t.id = {int:0} ORDER BY t.position",
            &documents,
        );
    }

    fn retweet(&mut self, rows: &[(TweetId, UserId, Micros, ActionId)]) {
        self.each(
            "INSERT INTO retweet (tweet_id, user_id, created_at, action_id) \
             SELECT {int:0}, {int:1}, {int:2}, {int:3} FROM {each}",
            rows,
        );
    }

    fn open_spans(&mut self, spans: &[(UserId, Topic, Place)]) {
        let rows: Vec<_> = spans
            .iter()
            .map(|(follower, topic, from)| (follower, topic, from.at, from.id))
            .collect();
        self.each(
            "INSERT INTO follow_span (follower_id, topic, from_at, from_id) \
             SELECT {int:0}, {text:1}, {int:2}, {int:3} FROM {each}",
            &rows,
        );
    }

    fn remember_postings(&mut self, postings: &[(UserId, String, TweetId, Micros)]) {
        self.each(
            "INSERT INTO idempotency (user_id, key, tweet_id, created_at) \
             SELECT {int:0}, {text:1}, {int:2}, {int:3} FROM {each} WHERE TRUE \
             ON CONFLICT (user_id, key) DO UPDATE SET tweet_id = excluded.tweet_id, created_at = excluded.created_at",
            postings,
        );
    }

    fn count_objects(&mut self, counts: &[(String, String, i64)]) {
        self.each(
            "UPDATE object SET follower_count = follower_count + d.followers \
             FROM (SELECT {text:0} AS type, {text:1} AS key, {int:2} AS followers FROM {each}) d \
             WHERE object.type = d.type AND object.key = d.key",
            counts,
        );
    }
}
