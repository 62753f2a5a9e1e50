//! The most retweeted posts of topics.

use super::snapshot::{Snapshot, json};
use crate::model::{Micros, Result, Topic, TweetId};

/// How many of the most retweeted are looked through for those since a time. Where they are not
/// enough, what was posted since is so little that it is read itself.
const LOOK: i64 = 5_000;

/// A post with its rank: how often it was retweeted, then the newer one first.
type Ranked = (i64, i64, i64, TweetId);

/// A topic, and since when.
pub type Asked = (Topic, Option<Micros>);

impl Snapshot {
    /// The most retweeted posts of topics since times, each topic's best `limit` in their order, in two
    /// statements whatever their number.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn most_retweeted(&self, asked: &[Asked], limit: usize) -> Result<Vec<Vec<TweetId>>> {
        let keys: Vec<_> = asked
            .iter()
            .enumerate()
            .map(|(place, (topic, since))| (topic.as_str(), since.unwrap_or(Micros::MIN), place))
            .collect();
        let by_rank = "SELECT r.* FROM (SELECT x.retweets, x.created_at, x.id, x.tweet_id FROM feed_entry x \
                       WHERE x.topic = {text:0} AND x.retweets > 0 \
                       ORDER BY x.retweets DESC, x.created_at DESC, x.id DESC LIMIT ?) r WHERE r.created_at >= {int:1}";
        let mut found = vec![Vec::new(); asked.len()];
        self.ranked(&mut found, by_rank, &keys, LOOK, limit).await?;
        let short: Vec<_> = keys
            .into_iter()
            .filter(|(_, since, place)| *since > Micros::MIN && found.get(*place).is_some_and(|all| all.len() < limit))
            .collect();
        let by_time = "SELECT r.* FROM (SELECT x.retweets, x.created_at, x.id, x.tweet_id FROM feed_entry x \
                       WHERE x.topic = {text:0} AND x.kind = 0 AND x.created_at >= {int:1} LIMIT ?) r \
                       WHERE r.retweets > 0";
        for (.., place) in &short {
            if let Some(all) = found.get_mut(*place) {
                all.clear();
            }
        }
        self.ranked(&mut found, by_time, &short, i64::MAX, limit).await?;
        Ok(found
            .into_iter()
            .map(|all| all.into_iter().map(|(.., tweet)| tweet).collect())
            .collect())
    }

    async fn ranked(
        &self,
        found: &mut [Vec<Ranked>],
        posts: &str,
        asked: &[(&str, Micros, usize)],
        look: i64,
        limit: usize,
    ) -> Result<()> {
        let sql = format!(
            "SELECT {{int:2}}, (SELECT string_agg(CAST(s.retweets AS TEXT) || ' ' || CAST(s.created_at AS TEXT) || ' ' || \
             CAST(s.id AS TEXT) || ' ' || CAST(s.tweet_id AS TEXT), ' ') FROM (SELECT p.* FROM ({posts}) p \
             ORDER BY p.retweets DESC, p.created_at DESC, p.id DESC LIMIT ?) s) FROM {{each}}"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = [look.into(), limit.into(), json(&asked)];
        for row in &self.rows(&sql, values).await? {
            let place: i64 = row.try_get_by_index(0)?;
            let text: Option<String> = row.try_get_by_index(1)?;
            let numbers: Vec<i64> = text
                .unwrap_or_default()
                .split(' ')
                .filter_map(|number| number.parse().ok())
                .collect();
            let mut ranked: Vec<Ranked> = numbers
                .as_chunks::<4>()
                .0
                .iter()
                .map(|[retweets, at, id, tweet]| (*retweets, *at, *id, TweetId(*tweet)))
                .collect();
            ranked.sort_unstable_by(|a, b| b.cmp(a));
            if let Some(slot) = usize::try_from(place).ok().and_then(|place| found.get_mut(place)) {
                *slot = ranked;
            }
        }
        Ok(())
    }
}
