//! What stands on walls: kept with the entries in their topics.

use crate::model::tally::{HOUR, SPANS, Span, hour_of};
use crate::model::{Entry, EntryKind, Micros, Place, Topic, TweetId, UserId, WallId};
use crate::store::script::Script;
use crate::store::stage::Stage;
use crate::store::tally::HASHTAGS;
use std::collections::{BTreeMap, BTreeSet};

/// A post that comes to stand on a wall, or goes.
#[derive(Clone, Debug)]
pub(in crate::store) struct Standing {
    wall: WallId,
    tweet: TweetId,
    author: UserId,
    place: Place,
}

impl Standing {
    fn of((topic, entry): &(Topic, Entry)) -> Option<Self> {
        Some(Self {
            wall: topic.of_wall()?,
            tweet: entry.tweet()?,
            author: entry.actor,
            place: entry.place,
        })
    }
}

/// Whose posts are counted by the hour, and when.
pub(in crate::store) type Hours = BTreeSet<(Topic, i64)>;

/// Notes that a topic's hour changes, if its posts are counted.
fn note(hours: &mut Hours, topic: &Topic, at: i64) {
    if topic.holds_only_posts() {
        hours.insert((topic.clone(), hour_of(at)));
    }
}

impl Stage {
    /// Enters actions into topics, and posts onto walls.
    pub(in crate::store) fn stand(&mut self, entries: Vec<(Topic, Entry)>) {
        self.standing.extend(entries.iter().filter_map(Standing::of));
        self.ranked.extend(
            entries
                .iter()
                .filter(|(topic, _)| topic.of_wall().is_some())
                .filter_map(|(_, entry)| entry.tweet()),
        );
        for (topic, entry) in &entries {
            note(&mut self.hours, topic, entry.place.at);
        }
        self.entries.extend(entries);
    }

    /// Notes that posts came into topics at a time, where others enter them.
    pub fn note_posts(&mut self, topics: &[Topic], at: Micros) {
        topics.iter().for_each(|topic| note(&mut self.hours, topic, at.0));
    }

    /// Gives a tweet its place among those that are retweeted, and on walls, anew.
    pub fn rank(&mut self, tweet: TweetId) {
        self.ranked.insert(tweet);
    }
}

/// How old an entry may be that nobody has counted yet: spans are counted when they have been over
/// for twice as long, so that clocks may differ by it.
const UNCOUNTED: i64 = 5 * 60 * 1_000_000;

/// Up to where spans may be counted that are over by then.
#[must_use]
pub(in crate::store) fn countable(now: Micros) -> i64 {
    now.0 - 2 * UNCOUNTED
}

/// Ranges of topics whose posts have a rank.
const RANKED: &str = "(feed_entry.topic >= 'hashtag:' AND feed_entry.topic < 'hashtag;' \
                      OR feed_entry.topic >= 'wall:' AND feed_entry.topic < 'wall;')";

impl Script {
    /// Puts posts onto walls, counts them, and notes who takes part. They have no retweets yet.
    pub(in crate::store) fn stand(&mut self, standing: &[Standing]) {
        let rows: Vec<_> = standing
            .iter()
            .map(|one| (one.wall, one.tweet, one.author, one.place.at, one.place.id))
            .collect();
        self.each(
            "INSERT INTO wall_tweet (wall_id, tweet_id, author_id, posted_at, posted_id, created_at, action_id) \
             SELECT {int:0}, {int:1}, {int:2}, {int:3}, {int:4}, {int:3}, {int:4} FROM {each}",
            &rows,
        );
        let mut newest: BTreeMap<(WallId, UserId), Place> = BTreeMap::new();
        for one in standing {
            let place = newest.entry((one.wall, one.author)).or_insert(one.place);
            *place = one.place.max(*place);
        }
        let rows: Vec<_> = newest
            .into_iter()
            .map(|((wall, author), place)| (wall, author, place.at, place.id))
            .collect();
        self.each(
            "INSERT INTO participant (wall_id, user_id, created_at, action_id) \
             SELECT {int:0}, {int:1}, {int:2}, {int:3} FROM {each} WHERE TRUE ON CONFLICT (wall_id, user_id) \
             DO UPDATE SET created_at = excluded.created_at, action_id = excluded.action_id \
             WHERE (participant.created_at, participant.action_id) < (excluded.created_at, excluded.action_id)",
            &rows,
        );
        self.count_on_walls(standing, 1);
    }

    fn count_on_walls(&mut self, standing: &[Standing], each: i64) {
        let mut counts: BTreeMap<WallId, i64> = BTreeMap::new();
        for one in standing {
            *counts.entry(one.wall).or_default() += each;
        }
        self.each(
            "UPDATE wall SET tweet_count = tweet_count + d.tweets \
             FROM (SELECT {int:0} AS id, {int:1} AS tweets FROM {each}) d WHERE wall.id = d.id",
            &counts.into_iter().collect::<Vec<_>>(),
        );
    }

    /// Takes posts off walls whose entries went, and forgets what was counted of their hours.
    pub(in crate::store) fn leave(&mut self, entries: &[(Topic, Entry)]) {
        let posts = entries.iter().filter(|(_, entry)| entry.kind == EntryKind::Post);
        let mut hours = Hours::new();
        posts
            .clone()
            .for_each(|(topic, entry)| note(&mut hours, topic, entry.place.at));
        self.forget_counts(&hours);
        let standing: Vec<Standing> = posts.filter_map(Standing::of).collect();
        let rows: Vec<_> = standing.iter().map(|one| (one.wall, one.tweet)).collect();
        self.each(
            "DELETE FROM wall_tweet WHERE (wall_id, tweet_id) IN (SELECT {int:0}, {int:1} FROM {each})",
            &rows,
        );
        let authors: BTreeSet<_> = standing.iter().map(|one| (one.wall, one.author)).collect();
        let authors: Vec<_> = authors.into_iter().collect();
        self.each(
            "DELETE FROM participant WHERE (wall_id, user_id) IN (SELECT {int:0}, {int:1} FROM {each})",
            &authors,
        );
        self.each(
            "INSERT INTO participant (wall_id, user_id, created_at, action_id) \
             SELECT w.wall_id, w.author_id, w.posted_at, w.posted_id FROM {each} \
             CROSS JOIN wall_tweet w WHERE w.wall_id = {int:0} AND w.author_id = {int:1} \
             AND (w.posted_at, w.posted_id) IN (SELECT y.posted_at, y.posted_id FROM wall_tweet y \
             WHERE y.wall_id = {int:0} AND y.author_id = {int:1} ORDER BY y.posted_at DESC, y.posted_id DESC LIMIT 1)",
            &authors,
        );
        self.count_on_walls(&standing, -1);
    }

    /// Gives tweets their ranks among those that are retweeted, as their rows have it.
    pub(in crate::store) fn rank(&mut self, tweets: &[TweetId]) {
        self.each(
            format!(
                "UPDATE feed_entry SET retweets = n.retweets FROM \
                 (SELECT t.action_id, t.retweet_count + COALESCE(t.origin_retweets, 0) AS retweets \
                 FROM {{each}} JOIN tweet t ON t.id = {{number}}) n \
                 WHERE feed_entry.id = n.action_id AND feed_entry.kind = 0 AND {RANKED} \
                 AND feed_entry.retweets <> n.retweets"
            ),
            tweets,
        );
    }

    /// Moves tweets on walls to their newest retweets.
    pub(in crate::store) fn place(&mut self, tweets: &[TweetId]) {
        let newest = |column: &str, posted: &str| {
            format!(
                "COALESCE((SELECT r.{column} FROM retweet r JOIN users u ON u.id = r.user_id \
                 WHERE r.tweet_id = w.tweet_id AND u.deleted_at IS NULL \
                 AND (r.created_at, r.action_id) > (w.posted_at, w.posted_id) \
                 ORDER BY r.created_at DESC, r.action_id DESC LIMIT 1), w.{posted}) AS {column}"
            )
        };
        self.each(
            format!(
                "UPDATE wall_tweet SET created_at = n.created_at, action_id = n.action_id FROM \
                 (SELECT w.wall_id, w.tweet_id, {}, {} FROM {{each}} JOIN wall_tweet w ON w.tweet_id = {{number}}) n \
                 WHERE wall_tweet.wall_id = n.wall_id AND wall_tweet.tweet_id = n.tweet_id",
                newest("created_at", "posted_at"),
                newest("action_id", "posted_id"),
            ),
            tweets,
        );
    }

    /// Forgets what was counted of hours that are over: posts come in that nobody has counted.
    pub(in crate::store) fn recount(&mut self, hours: &Hours, now: Micros) {
        let is_old = |hour: i64| hour * HOUR + HOUR <= now.0 - UNCOUNTED;
        let old: Hours = hours.iter().filter(|(_, hour)| is_old(*hour)).cloned().collect();
        self.forget_counts(&old);
    }

    fn forget_counts(&mut self, hours: &Hours) {
        let mut spans = BTreeSet::new();
        for (topic, hour) in hours {
            let all = topic.of_wall().is_none().then_some(HASHTAGS);
            for name in all.into_iter().chain([topic.as_str()]) {
                let around = SPANS.iter().map(|length| Span::around(*length, *hour));
                spans.extend(around.map(|span| (name, span.hours, span.start)));
            }
        }
        self.each(
            "DELETE FROM tally WHERE (topic, hours, start) IN (SELECT {text:0}, {int:1}, {int:2} FROM {each})",
            &spans.into_iter().collect::<Vec<_>>(),
        );
    }
}
