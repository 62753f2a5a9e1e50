//! Taking in what was stored before a wall's rules, and taking out what no longer belongs.
//!
//! Tweets are looked through in snapshots, newest first; those that seem to belong are looked at
//! again by the transaction that takes them in, with the position. What changes meanwhile is matched
//! by whoever changes it.

use super::parts;
use crate::model::action::TWEET;
use crate::model::feed::NOBODY;
use crate::model::wall::{Filling, Matcher};
use crate::model::{Deed, Entity, Entry, EntryKind, Micros, Place, Result, Topic, TweetId, UserId, Wall, WallId};
use crate::store::Store;
use crate::store::bulk::ROWS;
use crate::store::entity::{columns, wall};
use crate::store::snapshot::json;
use crate::store::sweep::STEP;
use crate::store::tweet;
use crate::store::tx::Tx;
use sea_orm::QueryResult;
use std::collections::HashSet;
use std::sync::Arc;

/// How many tweets are looked through at once.
const LOOK: i64 = 2_000;

/// A wall that lacks something, and what of it is next.
#[derive(Clone, Debug)]
pub struct Due {
    /// The wall as it is.
    pub wall: Arc<Wall>,
    /// Tweets that seem to belong.
    pub tweets: Vec<TweetId>,
    /// Where it will be when they are looked at.
    pub next: Filling,
}

impl Store {
    /// The oldest wall that lacks something, with what is next.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn due_wall(&self) -> Result<Option<Due>> {
        let snapshot = self.background_snapshot().await?;
        let columns = columns::<wall::Entity>("w");
        let sql = format!("SELECT {columns} FROM wall w WHERE phase <> 0 ORDER BY id LIMIT 1");
        let rows: Vec<wall::Model> = snapshot.all(&sql, []).await?;
        let Some(wall) = rows.into_iter().next().map(Wall::try_from).transpose()? else {
            return Ok(None);
        };
        let wall = Arc::new(wall);
        let due = |tweets, next| {
            Some(Due {
                wall: Arc::clone(&wall),
                tweets,
                next,
            })
        };
        match wall.filling {
            Filling::Done => Ok(None),
            Filling::Emptying(last) => {
                let sql =
                    "SELECT tweet_id FROM wall_tweet WHERE wall_id = ? AND tweet_id > ? ORDER BY tweet_id LIMIT ?";
                let rows = snapshot.rows(sql, [wall.id.0.into(), last.into(), STEP.into()]).await?;
                let tweets: Vec<TweetId> = ids(&rows)?;
                let next = tweets.last().map_or(Filling::NEW, |last| Filling::Emptying(last.0));
                Ok(due(tweets, next))
            }
            Filling::Filling(below) => {
                let matcher = Matcher::new(0, [(wall.id, &wall.rules)])?;
                let sql = "SELECT t.id, t.created_at, t.text, t.author_id, \
                           (SELECT string_agg(h.hashtag, ' ') FROM tweet_hashtag h WHERE h.tweet_id = t.id) \
                           FROM tweet t WHERE t.deleted_at IS NULL AND (t.created_at, t.id) < (?, ?) \
                           ORDER BY t.created_at DESC, t.id DESC LIMIT ?";
                let rows = snapshot
                    .rows(sql, [below.at.into(), below.id.into(), LOOK.into()])
                    .await?;
                let (tweets, last) = matching(&matcher, &rows)?;
                Ok(due(tweets, last.map_or(Filling::Done, Filling::Filling)))
            }
        }
    }
}

fn ids(rows: &[QueryResult]) -> Result<Vec<TweetId>> {
    rows.iter().map(|row| Ok(TweetId(row.try_get_by_index(0)?))).collect()
}

/// Those that belong, at most as many as one transaction takes, and the last that was looked at.
fn matching(matcher: &Matcher, rows: &[QueryResult]) -> Result<(Vec<TweetId>, Option<Place>)> {
    let (mut tweets, mut last) = (Vec::new(), None);
    for row in rows {
        let id: i64 = row.try_get_by_index(0)?;
        let at: i64 = row.try_get_by_index(1)?;
        let text: String = row.try_get_by_index(2)?;
        let author = UserId(row.try_get_by_index(3)?);
        let hashtags: Option<String> = row.try_get_by_index(4)?;
        let hashtags = hashtags.unwrap_or_default();
        let hashtags: Vec<String> = hashtags.split_whitespace().map(ToOwned::to_owned).collect();
        if !matcher.walls_of(&text, &hashtags, Some(author)).is_empty() {
            tweets.push(TweetId(id));
        }
        last = Some(Place { at, id });
        if tweets.len() == ROWS {
            break;
        }
    }
    Ok((tweets, last))
}

impl Tx {
    /// Takes a step of a wall that lacks something: what belongs of the tweets comes to stand on it,
    /// what does not goes. False when the wall is another meanwhile.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn fill_wall(&self, due: &Due) -> Result<bool> {
        let wall = &due.wall;
        let (phase, at, id) = parts(due.next);
        let (old_phase, old_at, old_id) = parts(wall.filling);
        let sql = "UPDATE wall SET phase = ?, position_at = ?, position_id = ? \
                   WHERE id = ? AND phase = ? AND position_at = ? AND position_id = ?";
        let moved = [phase.into(), at.into(), id.into()];
        let from = [wall.id.0.into(), old_phase.into(), old_at.into(), old_id.into()];
        if self.execute(sql, moved.into_iter().chain(from)).await? == 0 {
            return Ok(false);
        }
        let tweets = tweet::read(self.conn(), &due.tweets).await?;
        let belongs = |id: &TweetId| {
            tweets
                .get(id)
                .is_some_and(|tweet| self.walls_of(tweet).contains(&wall.id))
        };
        let standing = self.standing(wall.id, &due.tweets).await?;
        if matches!(wall.filling, Filling::Emptying(_)) {
            let gone: Vec<_> = standing
                .into_iter()
                .filter(|(id, _)| !belongs(id))
                .map(|(_, entry)| entry)
                .collect();
            // Walls are no notifications, so it makes no difference who posted.
            self.delete_entries(&Entity::User(NOBODY), &gone).await?;
            return Ok(true);
        }
        let standing: HashSet<TweetId> = standing.into_iter().map(|(id, _)| id).collect();
        let new = due.tweets.iter().filter(|id| belongs(id) && !standing.contains(id));
        let topic = Topic::wall(wall.id);
        let entries = new.filter_map(|id| Some((topic.clone(), Deed::posting(tweets.get(id)?, None).entry())));
        let entries = entries.collect();
        self.put(|stage| stage.stand(entries)).await?;
        Ok(true)
    }

    /// Those of tweets that stand on a wall, with their entries there.
    async fn standing(&self, wall: WallId, tweets: &[TweetId]) -> Result<Vec<(TweetId, (Topic, Entry))>> {
        let sql = "SELECT w.tweet_id, w.author_id, w.posted_at, w.posted_id FROM {each} \
                   JOIN wall_tweet w ON w.wall_id = ? AND w.tweet_id = {number}";
        let rows = self.rows(sql, [json(&tweets), wall.0.into()]).await?;
        rows.iter()
            .map(|row| {
                let tweet = TweetId(row.try_get_by_index(0)?);
                let entry = Entry {
                    place: Place::new(Micros(row.try_get_by_index(2)?), row.try_get_by_index(3)?),
                    kind: EntryKind::Post,
                    verb: TWEET.into(),
                    actor: UserId(row.try_get_by_index(1)?),
                    object: Some(Entity::Tweet(tweet)),
                };
                Ok((tweet, (Topic::wall(wall), entry)))
            })
            .collect()
    }

    /// Takes away a step's number of what stood on a wall that is no more. Returns how many.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn sweep_wall(&self, wall: WallId) -> Result<u64> {
        let topic = Topic::wall(wall);
        let sql = "DELETE FROM wall_tweet WHERE (wall_id, tweet_id) IN \
                   (SELECT wall_id, tweet_id FROM wall_tweet WHERE wall_id = ? LIMIT ?)";
        let mut gone = self.execute(sql, [wall.0.into(), STEP.into()]).await?;
        if gone == 0 {
            let sql = "DELETE FROM feed_entry WHERE (topic, kind, created_at, id) IN \
                       (SELECT topic, kind, created_at, id FROM feed_entry WHERE topic = ? LIMIT ?)";
            gone = self.execute(sql, [topic.as_str().into(), STEP.into()]).await?;
        }
        if gone == 0 {
            let sql = "DELETE FROM participant WHERE (wall_id, user_id) IN \
                       (SELECT wall_id, user_id FROM participant WHERE wall_id = ? LIMIT ?)";
            gone = self.execute(sql, [wall.0.into(), STEP.into()]).await?;
        }
        if gone == 0 {
            let sql = "DELETE FROM tally WHERE (topic, hours, start) IN \
                       (SELECT topic, hours, start FROM tally WHERE topic = ? LIMIT ?)";
            gone = self.execute(sql, [topic.as_str().into(), STEP.into()]).await?;
        }
        Ok(gone)
    }
}
