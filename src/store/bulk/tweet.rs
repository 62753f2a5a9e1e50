//! Many tweets at once, and their identities outside.

use crate::model::id::GlobalId;
use crate::model::{ActionId, Micros, Result, Tweet, TweetId, UserId};
use crate::store::script::Script;
use crate::store::search::document;
use crate::store::snapshot::json;
use crate::store::tweet::PLACES;
use crate::store::tx::Tx;
use sea_orm::{QueryResult, Value};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What names a row where it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Its name there.
    pub id: String,
    /// Where it came from; empty when that has no name.
    pub source: String,
}

/// What the place of origin counted, or null where it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the counts of `Tweet`")]
pub struct Origin {
    pub likes: Option<i64>,
    pub retweets: Option<i64>,
    pub replies: Option<i64>,
}

/// A tweet to be written.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of `Tweet`")]
pub struct ImportedTweet {
    pub id: TweetId,
    pub identity: Identity,
    pub author: UserId,
    pub author_name: String,
    pub text: String,
    pub created_at: Micros,
    pub edited_at: Option<Micros>,
    pub in_reply_to: Option<TweetId>,
    pub action: ActionId,
    pub origin: Origin,
    pub url: Option<String>,
    pub language: Option<String>,
    pub hashtags: Vec<String>,
    /// With their places among all names in the text.
    pub mentions: Vec<(usize, UserId)>,
}

impl ImportedTweet {
    /// The tweet that it becomes.
    #[must_use]
    pub fn as_tweet(&self) -> Tweet {
        Tweet {
            id: self.id,
            author: self.author,
            text: self.text.clone(),
            created_at: self.created_at,
            edited_at: self.edited_at,
            in_reply_to: self.in_reply_to,
            action: self.action,
            like_count: self.origin.likes.unwrap_or_default(),
            retweet_count: self.origin.retweets.unwrap_or_default(),
            reply_count: self.origin.replies.unwrap_or_default(),
            url: self.url.clone(),
            language: self.language.clone(),
            hashtags: self.hashtags.clone(),
            mentions: self.mentions.iter().map(|(_, user)| *user).collect(),
        }
    }
}

/// The last positions of the times that have more tweets than places, as far as one writer
/// knows: where it goes on without reading past them all again.
#[derive(Debug, Default)]
pub struct Crowded(HashMap<Micros, i64>);

impl Tx {
    /// Which of these identities are those of tweets, retweets or retweets that wait, by their
    /// place in the list.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn known_identities(&self, identities: &[&Identity]) -> Result<HashSet<usize>> {
        let sql = "SELECT k.key, t.source FROM {each} JOIN tweet t ON t.external_id = {value} UNION ALL \
                   SELECT k.key, r.source FROM {each} JOIN retweet r ON r.external_id = {value} UNION ALL \
                   SELECT k.key, w.source FROM {each} JOIN unresolved w \
                   ON w.external_id = {value} AND w.kind = 'retweet'";
        let ids = ids(identities);
        let mut known = HashSet::new();
        for row in &self.rows(sql, [ids.clone(), ids.clone(), ids]).await? {
            let (place, source): (usize, String) = (super::place(row)?, row.try_get_by_index(1)?);
            if identities.get(place).is_some_and(|identity| identity.source == source) {
                known.insert(place);
            }
        }
        Ok(known)
    }

    /// Which of these tweets were posted here at that time by that user, by their place in the
    /// list.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn own_tweets(&self, tweets: &[(TweetId, String, Micros)]) -> Result<HashSet<usize>> {
        if tweets.is_empty() {
            return Ok(HashSet::new());
        }
        let sql = "SELECT k.key FROM {each} JOIN tweet t ON t.id = {int:0} JOIN users u ON u.id = t.author_id \
                   WHERE t.external_id IS NULL AND u.username_key = {text:1} AND t.created_at = {int:2}";
        super::places(&self.rows(sql, [json(&tweets)]).await?)
    }

    /// The tweets that identities name, by their place in the list: tweets that are there, and
    /// what retweets of that name retweet.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn tweets_identified(&self, wanted: &[&Identity]) -> Result<HashMap<usize, TweetId>> {
        let mut found = self.candidates(wanted).await?;
        let source = |one: &Candidate| wanted.get(one.place).map(|wanted| wanted.source.as_str());
        found.retain(|one| source(one) == Some(one.source.as_str()));
        Ok(best(found))
    }

    /// As [`Tx::tweets_identified`], and also in every source where `wanted` names none, and by
    /// the numbers that tweets have here.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn tweets_meant(&self, wanted: &[&Identity]) -> Result<HashMap<usize, TweetId>> {
        let mut found = self.candidates(wanted).await?;
        let source = |one: &Candidate| wanted.get(one.place).map(|wanted| wanted.source.as_str());
        found.retain(|one| source(one).is_some_and(|source| source.is_empty() || source == one.source));
        found.extend(self.numbered_here(wanted).await?);
        Ok(best(found))
    }

    /// The tweets of these names in every source.
    async fn candidates(&self, wanted: &[&Identity]) -> Result<Vec<Candidate>> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT k.key, t.id, t.source FROM {{each}} JOIN tweet t ON t.external_id = {{value}} {ALIVE} UNION ALL \
             SELECT k.key, t.id, r.source FROM {{each}} JOIN retweet r ON r.external_id = {{value}} \
             JOIN tweet t ON t.id = r.tweet_id {ALIVE}"
        );
        let ids = ids(wanted);
        let rows = self.rows(&sql, [ids.clone(), ids]).await?;
        rows.iter().map(Candidate::from_row).collect()
    }

    /// The tweets that `Tweet:KEY` names.
    async fn numbered_here(&self, wanted: &[&Identity]) -> Result<Vec<Candidate>> {
        let keys: Vec<_> = wanted
            .iter()
            .enumerate()
            .filter_map(|(place, one)| match GlobalId::parse(&one.id) {
                Some(GlobalId::Tweet(id)) => Some((place, id)),
                _ => None,
            })
            .collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        // Between the sourceless, `\u{1}` being before every other source, and the others.
        let sql = format!("SELECT {{int:0}}, t.id, '\u{1}' FROM {{each}} JOIN tweet t ON t.id = {{int:1}} {ALIVE}");
        let rows = self.rows(&sql, [json(&keys)]).await?;
        rows.iter().map(Candidate::from_row).collect()
    }

    /// Places in the text index, in the order of time and number: behind what stands there.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn positions(&self, tweets: &[ImportedTweet], crowded: &mut Crowded) -> Result<Vec<i64>> {
        let mut times: BTreeMap<Micros, Vec<(TweetId, usize)>> = BTreeMap::new();
        for (place, tweet) in tweets.iter().enumerate() {
            times.entry(tweet.created_at).or_default().push((tweet.id, place));
        }
        let bases: Vec<i64> = times.keys().copied().map(base).collect();
        let sql = "SELECT {pack:m.key, m.last} FROM (SELECT k.key, (SELECT MAX(t.position) FROM tweet t \
                   WHERE t.position >= {number} AND t.position < {number} + ?) AS last FROM {each}) m \
                   WHERE m.last IS NOT NULL";
        let last: Vec<(usize, i64)> = self.packed(sql, [PLACES.into(), json(&bases)]).await?;
        let last: HashMap<usize, i64> = last.into_iter().collect();
        let mut positions = vec![0; tweets.len()];
        let mut next = i64::MIN;
        for (n, ((at, mut group), base)) in times.into_iter().zip(bases).enumerate() {
            group.sort_unstable();
            let from = last.get(&n).map_or(base, |last| last + 1);
            let from = crowded.0.get(&at).map_or(from, |last| from.max(last + 1)).max(next);
            let free = self.free_positions(from, base + PLACES, group.len()).await?;
            next = free.last().map_or(next, |last| last + 1);
            if next > base + PLACES {
                crowded.0.insert(at, next - 1);
            }
            for ((_, place), position) in group.into_iter().zip(free) {
                if let Some(slot) = positions.get_mut(place) {
                    *slot = position;
                }
            }
        }
        Ok(positions)
    }

    /// The first free positions from `from` on; all of them are free before `full`.
    async fn free_positions(&self, mut from: i64, full: i64, count: usize) -> Result<Vec<i64>> {
        let mut free = Vec::with_capacity(count);
        while free.len() < count {
            let mut end = full;
            if from >= full {
                from = self.first_free(from).await?;
                end = self.first_taken(from).await?;
            }
            free.extend((from..end).take(count - free.len()));
            from = end;
        }
        Ok(free)
    }

    async fn first_free(&self, from: i64) -> Result<i64> {
        if self.first_taken(from).await? != from {
            return Ok(from);
        }
        let sql = "SELECT t.position + 1 FROM tweet t WHERE t.position >= ? \
                   AND NOT EXISTS (SELECT 1 FROM tweet n WHERE n.position = t.position + 1) \
                   ORDER BY t.position LIMIT 1";
        let rows = self.rows(sql, [from.into()]).await?;
        Ok(rows
            .first()
            .map(|row| row.try_get_by_index(0))
            .transpose()?
            .unwrap_or(from))
    }

    async fn first_taken(&self, from: i64) -> Result<i64> {
        let rows = self
            .rows("SELECT MIN(position) FROM tweet WHERE position >= ?", [from.into()])
            .await?;
        let taken: Option<i64> = rows.first().map(|row| row.try_get_by_index(0)).transpose()?.flatten();
        Ok(taken.unwrap_or(i64::MAX))
    }

    /// The actions that recorded tweets which are there and answer nothing.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn answerless(&self, tweets: &[TweetId]) -> Result<HashMap<TweetId, ActionId>> {
        let sql = "SELECT t.id, t.action_id FROM {each} JOIN tweet t ON t.id = {number} \
                   WHERE t.deleted_at IS NULL AND t.in_reply_to_id IS NULL";
        let rows = self.rows(sql, [json(&tweets)]).await?;
        rows.iter()
            .map(|row| Ok((TweetId(row.try_get_by_index(0)?), ActionId(row.try_get_by_index(1)?))))
            .collect()
    }

    /// Which of these tweets are there.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn tweets_there(&self, ids: &[TweetId]) -> Result<HashSet<TweetId>> {
        let sql = "SELECT t.id FROM {each} JOIN tweet t ON t.id = {number} WHERE t.deleted_at IS NULL";
        let rows = self.rows(sql, [json(&ids)]).await?;
        rows.iter().map(|row| Ok(TweetId(row.try_get_by_index(0)?))).collect()
    }

    /// The actions that recorded tweets.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn actions_of_tweets(&self, tweets: &[TweetId]) -> Result<Vec<ActionId>> {
        let sql = "SELECT t.action_id FROM {each} JOIN tweet t ON t.id = {number}";
        let rows = self.rows(sql, [json(&tweets)]).await?;
        rows.iter().map(|row| Ok(ActionId(row.try_get_by_index(0)?))).collect()
    }

    /// Who wrote tweets.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn authors_of(&self, tweets: impl Iterator<Item = TweetId>) -> Result<HashMap<TweetId, UserId>> {
        let tweets: HashSet<TweetId> = tweets.collect();
        if tweets.is_empty() {
            return Ok(HashMap::new());
        }
        let sql = "SELECT t.id, t.author_id FROM {each} JOIN tweet t ON t.id = {number}";
        let rows = self.rows(sql, [json(&tweets)]).await?;
        rows.iter()
            .map(|row| Ok((TweetId(row.try_get_by_index(0)?), UserId(row.try_get_by_index(1)?))))
            .collect()
    }

    /// The hashtags of tweets, in their order.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn hashtags_of(&self, tweets: &[TweetId]) -> Result<HashMap<TweetId, Vec<String>>> {
        let mut found: HashMap<TweetId, Vec<String>> = HashMap::new();
        if tweets.is_empty() {
            return Ok(found);
        }
        let sql = "SELECT h.tweet_id, h.hashtag FROM {each} JOIN tweet_hashtag h ON h.tweet_id = {number} \
                   ORDER BY h.tweet_id, h.place";
        for row in &self.rows(sql, [json(&tweets)]).await? {
            let tags = found.entry(TweetId(row.try_get_by_index(0)?)).or_default();
            tags.push(row.try_get_by_index(1)?);
        }
        Ok(found)
    }
}

impl Script {
    /// Writes tweets at their positions with their lists, actions and entries, and makes them
    /// searchable.
    pub fn insert_tweets(&mut self, tweets: &[ImportedTweet], positions: &[i64]) {
        self.rows(
            "tweet (id, author_id, text, created_at, edited_at, position, in_reply_to_id, action_id, origin_likes, \
             origin_retweets, origin_replies, source, external_id, url, language)",
            tweets.iter().zip(positions).map(|(tweet, at)| row(tweet, *at)),
        );
        let tags: Vec<_> = tweets
            .iter()
            .flat_map(|tweet| {
                tweet
                    .hashtags
                    .iter()
                    .enumerate()
                    .map(|(place, tag)| (tweet.id, place, tag))
            })
            .collect();
        self.insert_tags(&tags);
        let mentions: Vec<_> = tweets
            .iter()
            .flat_map(|tweet| tweet.mentions.iter().map(|(place, user)| (tweet.id, *place, *user)))
            .collect();
        self.insert_mentions(&mentions);
        self.index_tweets(tweets, positions);
        self.record_tweets(&tweets.iter().map(|tweet| tweet.id).collect::<Vec<_>>());
    }

    /// Records the actions of new tweets, and enters them into the topics of their authors and
    /// hashtags: from their rows, which costs less than to send it all again.
    fn record_tweets(&mut self, tweets: &[TweetId]) {
        self.each(
            "INSERT INTO action (id, verb, actor_kind, actor_key, object_kind, object_key, target_kind, target_key, \
             created_at) SELECT t.action_id, CASE WHEN t.in_reply_to_id IS NULL THEN 'tweet' ELSE 'reply' END, \
             'user', CAST(t.author_id AS TEXT), 'tweet', CAST(t.id AS TEXT), \
             CASE WHEN t.in_reply_to_id IS NOT NULL THEN 'tweet' END, CAST(t.in_reply_to_id AS TEXT), t.created_at \
             FROM {each} JOIN tweet t ON t.id = {number}",
            tweets,
        );
        self.each(
            "INSERT INTO feed_entry (topic, kind, created_at, id, verb, actor_id, tweet_id) \
             SELECT 'user:' || t.author_id, 0, t.created_at, t.action_id, \
             CASE WHEN t.in_reply_to_id IS NULL THEN 'tweet' ELSE 'reply' END, t.author_id, t.id \
             FROM {each} JOIN tweet t ON t.id = {number}",
            tweets,
        );
        self.each(
            "INSERT INTO feed_entry (topic, kind, created_at, id, verb, actor_id, tweet_id, retweets) \
             SELECT 'hashtag:' || h.hashtag, 0, t.created_at, t.action_id, \
             CASE WHEN t.in_reply_to_id IS NULL THEN 'tweet' ELSE 'reply' END, t.author_id, t.id, \
             COALESCE(t.origin_retweets, 0) \
             FROM {each} JOIN tweet t ON t.id = {number} JOIN tweet_hashtag h ON h.tweet_id = t.id",
            tweets,
        );
    }

    /// Adds hashtags to tweets: which, at what place.
    pub(in crate::store) fn insert_tags(&mut self, tags: &[(TweetId, usize, &String)]) {
        self.each(
            "INSERT INTO tweet_hashtag (tweet_id, place, hashtag) SELECT {int:0}, {int:1}, {text:2} FROM {each}",
            tags,
        );
    }

    /// Adds mentions to tweets: which, at what place, of whom.
    pub fn insert_mentions(&mut self, mentions: &[(TweetId, usize, UserId)]) {
        self.each(
            "INSERT INTO mention (tweet_id, place, user_id) SELECT {int:0}, {int:1}, {int:2} FROM {each} \
             WHERE TRUE ON CONFLICT DO NOTHING",
            mentions,
        );
    }

    fn index_tweets(&mut self, tweets: &[ImportedTweet], positions: &[i64]) {
        let mut documents: Vec<_> = tweets
            .iter()
            .zip(positions)
            .map(|(tweet, position)| {
                let (text, facets) = document(&tweet.text, &tweet.hashtags, &tweet.author_name);
                (*position, text, facets)
            })
            .collect();
        // The index writes out what it holds when a row number is not above the last, and before
        // each further statement: so one statement, in their order.
        documents.sort_unstable_by_key(|document| document.0);
        self.rows(
            "tweet_search (rowid, text, facets)",
            documents
                .into_iter()
                .map(|(position, text, facets)| [position.into(), text.into(), facets.into()]),
        );
    }

    /// Makes tweets answers to others: which, by what action, to which.
    pub fn set_parents(&mut self, answers: &[(TweetId, ActionId, TweetId)]) {
        self.each(
            "UPDATE tweet SET in_reply_to_id = d.parent \
             FROM (SELECT {int:0} AS id, {int:2} AS parent FROM {each}) d WHERE tweet.id = d.id",
            answers,
        );
        self.each(
            "UPDATE action SET verb = 'reply', target_kind = 'tweet', target_key = d.parent \
             FROM (SELECT {int:1} AS id, {text:2} AS parent FROM {each}) d WHERE action.id = d.id",
            answers,
        );
        self.each(
            "UPDATE feed_entry SET verb = 'reply' WHERE id IN (SELECT {int:1} FROM {each})",
            answers,
        );
    }

    /// Adds to the counts of tweets: likes, retweets, replies.
    pub fn count_tweets(&mut self, counts: &[(TweetId, [i64; 3])]) {
        let rows: Vec<_> = counts.iter().map(|(id, [a, b, c])| (id, a, b, c)).collect();
        self.each(
            "UPDATE tweet SET like_count = like_count + d.likes, retweet_count = retweet_count + d.retweets, \
             reply_count = reply_count + d.replies \
             FROM (SELECT {int:0} AS id, {int:1} AS likes, {int:2} AS retweets, {int:3} AS replies FROM {each}) d \
             WHERE tweet.id = d.id",
            &rows,
        );
    }
}

const ALIVE: &str =
    "AND t.deleted_at IS NULL AND EXISTS (SELECT 1 FROM users u WHERE u.id = t.author_id AND u.deleted_at IS NULL)";

/// The names alone: a list of plain texts is read much faster than one of pairs.
fn ids(identities: &[&Identity]) -> Value {
    json(&identities.iter().map(|one| &one.id).collect::<Vec<_>>())
}

struct Candidate {
    place: usize,
    tweet: TweetId,
    source: String,
}

impl Candidate {
    fn from_row(row: &QueryResult) -> Result<Self> {
        Ok(Self {
            place: super::place(row)?,
            tweet: TweetId(row.try_get_by_index(1)?),
            source: row.try_get_by_index(2)?,
        })
    }
}

/// Of several that a name can mean, always the same: that without a source, else that of the
/// first source by name.
fn best(mut candidates: Vec<Candidate>) -> HashMap<usize, TweetId> {
    candidates.sort_unstable_by(|a, b| (b.place, &b.source, b.tweet).cmp(&(a.place, &a.source, a.tweet)));
    candidates.into_iter().map(|one| (one.place, one.tweet)).collect()
}

/// The first position of a time, as far as the numbers go: times before 1685 share one.
fn base(at: Micros) -> i64 {
    let most = i64::MAX / PLACES - 1;
    at.0.clamp(-most, most) * PLACES
}

fn row(tweet: &ImportedTweet, position: i64) -> [Value; 15] {
    [
        tweet.id.0.into(),
        tweet.author.0.into(),
        tweet.text.as_str().into(),
        tweet.created_at.0.into(),
        tweet.edited_at.map(|at| at.0).into(),
        position.into(),
        tweet.in_reply_to.map(|id| id.0).into(),
        tweet.action.0.into(),
        tweet.origin.likes.into(),
        tweet.origin.retweets.into(),
        tweet.origin.replies.into(),
        tweet.identity.source.as_str().into(),
        tweet.identity.id.as_str().into(),
        tweet.url.clone().into(),
        tweet.language.clone().into(),
    ]
}
