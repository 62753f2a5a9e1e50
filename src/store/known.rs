//! What staged mutations say beforehand: what they look up, and what they must have alone.

use super::bulk;
use super::cache::{Caches, Kept, On, State};
use super::dialect::statement;
use super::snapshot::json;
use super::{tweet, user};
use crate::model::{Entity, Hides, Reaction, Result, Topic, Tweet, TweetId, User, UserId};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What a staged mutation is about to do. A mutation that reads or takes what an earlier one of
/// its group writes waits for the next group.
#[derive(Clone, Debug, Default)]
pub struct Brief {
    /// The users that it looks up.
    pub users: Vec<UserId>,
    /// The tweets that it looks up.
    pub tweets: Vec<TweetId>,
    /// The usernames that it looks up, by their keys.
    pub names: Vec<String>,
    /// Who acts upon them, where it matters whether one of them blocks the other.
    pub by: Option<UserId>,
    /// What only one of a group may do.
    pub claim: Option<Claim>,
    /// The topics that it enters something into.
    pub enters: Vec<Topic>,
    /// The topics that it reads.
    pub reads: Vec<Topic>,
}

/// What only one mutation of a group may do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// A user's like or retweet of a tweet.
    Reaction(Reaction, TweetId, UserId),
    /// A user's follow of something under a flag.
    Follow(UserId, Entity, String),
    /// A user's posting under a key.
    Posting(UserId, String),
}

/// What the mutations of a group write.
#[derive(Default)]
pub(super) struct Taken {
    claims: HashSet<Claim>,
    topics: HashSet<Topic>,
}

impl Taken {
    /// Whether a mutation can go with those before it. It counts as one of them from now on,
    /// also when it has to wait: those behind it stay behind it.
    pub fn admits(&mut self, brief: &Brief) -> bool {
        let meets = brief.claim.as_ref().is_some_and(|claim| self.claims.contains(claim));
        let reads = brief.reads.iter().any(|topic| self.topics.contains(topic));
        self.claims.extend(brief.claim.clone());
        self.topics.extend(brief.enters.iter().cloned());
        !meets && !reads
    }
}

/// What was looked up for a group, in one statement of each kind. What is not here is not there.
#[derive(Default)]
pub(super) struct Known {
    pub users: HashMap<UserId, Arc<User>>,
    pub tweets: HashMap<TweetId, Arc<Tweet>>,
    pub names: HashMap<String, UserId>,
    /// The likes and retweets among the claims that stand.
    pub reactions: HashSet<Claim>,
    /// Who blocks whom, of those who act and those whom they act upon.
    pub blocks: HashSet<(UserId, UserId)>,
}

impl Known {
    /// Looks up what mutations are about to. `memory` shows what the tables do.
    pub async fn read(conn: &DatabaseTransaction, memory: Option<&Caches>, briefs: &[&Brief]) -> Result<Self> {
        let mut known = Self {
            tweets: HashMap::new(),
            users: HashMap::new(),
            names: names(conn, briefs).await?,
            reactions: reactions(conn, briefs).await?,
            blocks: HashSet::new(),
        };
        let wanted = briefs.iter().flat_map(|brief| brief.tweets.iter().copied());
        let missing = remembered(memory, wanted, &mut known.tweets);
        if !missing.is_empty() {
            known.tweets.extend(tweet::read(conn, &missing).await?);
        }
        let authors: Vec<UserId> = known.tweets.values().map(|tweet| tweet.author).collect();
        let wanted = briefs
            .iter()
            .flat_map(|brief| brief.users.iter().copied())
            .chain(authors);
        let missing = remembered(memory, wanted, &mut known.users);
        if !missing.is_empty() {
            known.users.extend(user::read(conn, &missing).await?);
        }
        let is_shown = |user: UserId| known.users.get(&user).is_some_and(|user| !user.is_banned);
        known.tweets.retain(|_, tweet| is_shown(tweet.author));
        known.blocks = blocks(conn, memory, known.pairs(briefs)).await?;
        Ok(known)
    }

    /// Those who act with those whom they act upon, also the other way round where that matters.
    fn pairs(&self, briefs: &[&Brief]) -> HashSet<(UserId, UserId)> {
        let mut pairs = HashSet::new();
        for brief in briefs {
            let Some(by) = brief.by else { continue };
            let authors = brief.tweets.iter().filter_map(|id| self.tweets.get(id));
            let named = brief.names.iter().filter_map(|name| self.names.get(name).copied());
            let others = authors.map(|tweet| tweet.author).chain(named);
            // Who blocks somebody is kept from their tweets, not the other way round.
            let is_mutual = !matches!(brief.claim, Some(Claim::Reaction(..)));
            for other in others.chain(brief.users.iter().copied()).filter(|other| *other != by) {
                pairs.insert((by, other));
                pairs.extend(is_mutual.then_some((other, by)));
            }
        }
        pairs
    }
}

/// Takes what memory has. Returns the others.
fn remembered<V: Kept>(
    memory: Option<&Caches>,
    wanted: impl Iterator<Item = V::Id>,
    known: &mut HashMap<V::Id, Arc<V>>,
) -> Vec<V::Id>
where
    State: On<V>,
{
    let distinct: HashSet<V::Id> = wanted.collect();
    let Some(memory) = memory else {
        return distinct.into_iter().collect();
    };
    let (found, missing) = memory.get::<V>(distinct);
    known.extend(found);
    missing
}

async fn names(conn: &DatabaseTransaction, briefs: &[&Brief]) -> Result<HashMap<String, UserId>> {
    let names: HashSet<&String> = briefs.iter().flat_map(|brief| &brief.names).collect();
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = "SELECT u.username_key, u.id FROM {each} JOIN users u ON u.username_key = {value} \
               WHERE u.deleted_at IS NULL";
    let sql = statement(conn.get_database_backend(), sql, [json(&names)]);
    let rows = conn.query_all_raw(sql).await?;
    rows.iter()
        .map(|row| Ok((row.try_get_by_index(0)?, UserId(row.try_get_by_index(1)?))))
        .collect()
}

/// Which of these pairs are of somebody who blocks the other.
async fn blocks(
    conn: &DatabaseTransaction,
    memory: Option<&Caches>,
    mut pairs: HashSet<(UserId, UserId)>,
) -> Result<HashSet<(UserId, UserId)>> {
    let mut standing = HashSet::new();
    if let Some(memory) = memory {
        let (known, _) = memory.get::<Hides>(pairs.iter().map(|(user, _)| *user));
        pairs.retain(|(user, target)| match known.get(user) {
            Some(hides) => {
                standing.extend(hides.blocked.contains(target).then_some((*user, *target)));
                false
            }
            None => true,
        });
    }
    if pairs.is_empty() {
        return Ok(standing);
    }
    let sql = "SELECT b.user_id, b.target_id FROM {each} JOIN block b ON b.user_id = {int:0} AND b.target_id = {int:1}";
    let sql = statement(conn.get_database_backend(), sql, [json(&pairs)]);
    for row in &conn.query_all_raw(sql).await? {
        standing.insert((UserId(row.try_get_by_index(0)?), UserId(row.try_get_by_index(1)?)));
    }
    Ok(standing)
}

async fn reactions(conn: &DatabaseTransaction, briefs: &[&Brief]) -> Result<HashSet<Claim>> {
    let mut standing = HashSet::new();
    for reaction in Reaction::ALL {
        let pairs: Vec<(TweetId, UserId)> = briefs
            .iter()
            .filter_map(|brief| match &brief.claim {
                Some(Claim::Reaction(of, tweet, user)) if *of == reaction => Some((*tweet, *user)),
                _ => None,
            })
            .collect();
        if pairs.is_empty() {
            continue;
        }
        let sql = format!(
            "SELECT k.key FROM {{each}} JOIN {} l ON l.tweet_id = {{int:0}} AND l.user_id = {{int:1}}",
            super::reaction::table(reaction)
        );
        let sql = statement(conn.get_database_backend(), &sql, [json(&pairs)]);
        for place in bulk::places(&conn.query_all_raw(sql).await?)? {
            let pair = pairs.get(place);
            standing.extend(pair.map(|(tweet, user)| Claim::Reaction(reaction, *tweet, *user)));
        }
    }
    Ok(standing)
}
