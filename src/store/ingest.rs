//! What outside sources have brought: how far each was followed, and what they call the tweets
//! that came from them.

use super::Store;
use super::bulk::tweet::Identity;
use super::script::Script;
use super::snapshot::json;
use super::tx::Tx;
use crate::model::outside::handle_key;
use crate::model::wall::Rules;
use crate::model::{Error, Micros, Result, TweetId, UserId};
use sea_orm::QueryResult;
use std::collections::{BTreeSet, HashMap, HashSet};

/// How many of the items that are gone one transaction forgets.
const FORGET: i64 = 100;

/// What a source calls something, with the source.
pub type Item<'i> = (&'i str, &'i str);

/// What is known of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingested {
    /// The tweet that it is, or that it retweets.
    pub tweet: TweetId,
    /// The tweet's name over all sources, while it is there.
    pub identity: Option<Identity>,
    /// Who retweets it, where it is a retweet.
    pub retweeter: Option<UserId>,
    /// The newest version that was taken.
    pub version: String,
    /// Whether the source has deleted it.
    pub is_gone: bool,
}

/// An item that was taken.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'i> {
    /// What its source calls it.
    pub item: Item<'i>,
    /// The newest version that was taken.
    pub version: &'i str,
    /// The tweet or retweet that it became.
    pub identity: &'i Identity,
}

/// How far a part of a source was followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The source.
    pub source: String,
    /// The wall or the hashtag that it was followed for.
    pub part: String,
    /// The position; of two the longer one is further, of two as long the greater one.
    pub position: String,
}

/// What walls want of the outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The walls that are there, with their hashtags and keywords.
    pub walls: Vec<(String, Rules)>,
    /// The addresses of the profiles of their accounts.
    pub profiles: HashSet<String>,
    /// The handles of those of their accounts whose profiles are not known.
    pub handles: HashSet<String>,
    /// The addresses of the profiles of which nothing but a DID is known.
    pub nameless: HashSet<String>,
    /// The handles of those of the Fediverse, by their keys.
    pub fediverse: BTreeSet<String>,
}

impl Wanted {
    /// The walls that are there.
    pub fn slugs(&self) -> impl Iterator<Item = &String> {
        self.walls.iter().map(|(slug, _)| slug)
    }
}

impl Store {
    /// What walls want, given by their slugs.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn wanted_by(&self, slugs: &[String]) -> Result<Wanted> {
        let snapshot = self.background_snapshot().await?;
        let sql = "SELECT w.slug, w.hashtags, w.keywords, w.accounts FROM {each} JOIN wall w ON w.slug = {value}";
        let list = |row: &QueryResult, column| -> Result<String> { Ok(row.try_get_by_index(column)?) };
        let mut wanted = Wanted::default();
        for row in &snapshot.rows(sql, [json(&slugs)]).await? {
            let rules = Rules {
                hashtags: serde_json::from_str(&list(row, 1)?).map_err(Error::internal)?,
                keywords: serde_json::from_str(&list(row, 2)?).map_err(Error::internal)?,
                accounts: serde_json::from_str(&list(row, 3)?).map_err(Error::internal)?,
            };
            wanted.walls.push((row.try_get_by_index(0)?, rules));
        }
        let accounts = wanted.walls.iter().flat_map(|(_, rules)| &rules.accounts);
        let accounts: HashSet<UserId> = accounts.copied().collect();
        let sql = "SELECT u.url, u.handle FROM {each} JOIN users u ON u.id = {number} WHERE u.deleted_at IS NULL";
        for row in &snapshot.rows(sql, [json(&accounts)]).await? {
            let handle: Option<String> = row.try_get_by_index(1)?;
            let lasting = handle.iter().filter(|handle| handle.starts_with('@'));
            wanted.fediverse.extend(lasting.map(|handle| handle_key(handle)));
            match row.try_get_by_index::<Option<String>>(0)? {
                Some(url) => {
                    if handle.is_some_and(|handle| handle.starts_with("did:")) {
                        wanted.nameless.insert(url.clone());
                    }
                    wanted.profiles.insert(url);
                }
                None => wanted.handles.extend(handle),
            }
        }
        Ok(wanted)
    }

    /// How far a source was followed, by its parts.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn ingest_positions(&self, source: &str) -> Result<HashMap<String, String>> {
        let snapshot = self.background_snapshot().await?;
        let sql = "SELECT part, position FROM ingest_position WHERE source = ?";
        let rows = snapshot.rows(sql, [source.into()]).await?;
        rows.iter()
            .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)))
            .collect()
    }

    /// Which of these items were taken, by their place in the list.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn items_taken(&self, items: &[Item<'_>]) -> Result<HashSet<usize>> {
        if items.is_empty() {
            return Ok(HashSet::new());
        }
        let snapshot = self.background_snapshot().await?;
        let sql = "SELECT k.key FROM {each} JOIN ingested i ON i.source = {text:0} AND i.item = {text:1}";
        super::bulk::places(&snapshot.rows(sql, [json(&items)]).await?)
    }

    /// Which of these profiles are those of users, who are there or being deleted, by their place in
    /// the list: by their addresses, or because somebody goes by the handle of which this is the key.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn profiles_known(&self, profiles: &[(&str, Option<String>)]) -> Result<HashSet<usize>> {
        if profiles.is_empty() {
            return Ok(HashSet::new());
        }
        let snapshot = self.background_snapshot().await?;
        let sql = "SELECT k.key FROM {each} JOIN users u ON u.url = {text:0} UNION ALL \
                   SELECT k.key FROM {each} JOIN users u ON u.handle IS NOT NULL AND lower(u.handle) = {text:1} \
                   AND u.password_hash IS NULL";
        super::bulk::places(&snapshot.rows(sql, [json(&profiles), json(&profiles)]).await?)
    }
}

impl Tx {
    /// What is known of these items, by their place in the list.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn ingested(&self, items: &[Item<'_>]) -> Result<HashMap<usize, Ingested>> {
        if items.is_empty() {
            return Ok(HashMap::new());
        }
        let sql = "SELECT k.key, i.tweet_id, i.version, i.gone_at, t.external_id, t.source, i.retweeter_id FROM {each} \
                   JOIN ingested i ON i.source = {text:0} AND i.item = {text:1} \
                   LEFT JOIN tweet t ON t.id = i.tweet_id AND t.deleted_at IS NULL";
        let rows = self.rows(sql, [json(&items)]).await?;
        rows.iter()
            .map(|row| {
                let id: Option<String> = row.try_get_by_index(4)?;
                let source: Option<String> = row.try_get_by_index(5)?;
                let known = Ingested {
                    tweet: TweetId(row.try_get_by_index(1)?),
                    identity: id.zip(source).map(|(id, source)| Identity { id, source }),
                    retweeter: row.try_get_by_index::<Option<i64>>(6)?.map(UserId),
                    version: row.try_get_by_index(2)?,
                    is_gone: row.try_get_by_index::<Option<i64>>(3)?.is_some(),
                };
                Ok((super::bulk::place(row)?, known))
            })
            .collect()
    }

    /// Forgets some of the items that went before a time.
    ///
    /// # Errors
    /// [`crate::model::Error::Internal`] when the database fails.
    pub async fn forget_items_gone(&self, before: Micros) -> Result<u64> {
        let sql = "DELETE FROM ingested WHERE (source, item) IN \
                   (SELECT source, item FROM ingested WHERE gone_at < ? LIMIT ?)";
        self.execute(sql, [before.0.into(), FORGET.into()]).await
    }
}

impl Script {
    /// Notes items that became tweets, and which version of them was taken.
    pub fn note_tweets(&mut self, taken: &[Taken<'_>]) {
        self.each(
            "INSERT INTO ingested (source, item, tweet_id, version) SELECT {text:0}, {text:1}, t.id, {text:2} \
             FROM {each} JOIN tweet t ON t.external_id = {text:3} AND t.source = {text:4} \
             WHERE TRUE ON CONFLICT (source, item) DO UPDATE SET version = excluded.version",
            &rows(taken),
        );
    }

    /// Notes items that became retweets.
    pub fn note_retweets(&mut self, taken: &[Taken<'_>]) {
        self.each(
            "INSERT INTO ingested (source, item, tweet_id, retweeter_id, version) \
             SELECT {text:0}, {text:1}, r.tweet_id, r.user_id, {text:2} \
             FROM {each} JOIN retweet r ON r.external_id = {text:3} AND r.source = {text:4} \
             WHERE TRUE ON CONFLICT (source, item) DO UPDATE SET version = excluded.version",
            &rows(taken),
        );
    }

    /// Notes that items have gone before they became anything.
    pub fn note_stillborn(&mut self, items: &[Item<'_>], at: Micros) {
        self.each_with(
            "INSERT INTO ingested (gone_at, source, item, tweet_id, version) SELECT ?, {text:0}, {text:1}, 0, '' \
             FROM {each} WHERE TRUE ON CONFLICT DO NOTHING",
            [at.0.into()],
            items,
        );
    }

    /// Notes that items have gone.
    pub fn note_gone(&mut self, items: &[Item<'_>], at: Micros) {
        self.each_with(
            "UPDATE ingested SET gone_at = ? WHERE (source, item) IN (SELECT {text:0}, {text:1} FROM {each})",
            [at.0.into()],
            items,
        );
    }

    /// Notes how far sources were followed; what is behind what is known changes nothing.
    pub fn set_ingest_positions(&mut self, followed: &[Followed]) {
        let rows: Vec<_> = followed
            .iter()
            .map(|one| (&one.source, &one.part, &one.position))
            .collect();
        self.each(
            "INSERT INTO ingest_position (source, part, position) SELECT {text:0}, {text:1}, {text:2} FROM {each} \
             WHERE TRUE ON CONFLICT (source, part) DO UPDATE SET position = excluded.position \
             WHERE (length(excluded.position), excluded.position) > \
             (length(ingest_position.position), ingest_position.position)",
            &rows,
        );
    }
}

fn rows<'i>(taken: &[Taken<'i>]) -> Vec<(&'i str, &'i str, &'i str, &'i str, &'i str)> {
    taken
        .iter()
        .map(|one| {
            let Identity { id, source } = one.identity;
            (one.item.0, one.item.1, one.version, id.as_str(), source.as_str())
        })
        .collect()
}
