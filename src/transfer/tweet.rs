//! Rows of tweets, replies and retweets.

use super::batch::Batch;
use super::fields::{Fields, LONGEST_NAME};
use super::named::{self, DELETED, Named};
use super::{Line, Outcome, Record, retweet};
use crate::model::id::GlobalId;
use crate::model::user::{DISPLAY_NAME_LENGTH, is_username, username_key};
use crate::model::{ActionId, Deed, Entity, Micros, Result as StoreResult, TweetId, UserId, language, text};
use crate::store::bulk::Numbered;
use crate::store::bulk::tweet::{Crowded, Identity, ImportedTweet, Origin};
use crate::store::bulk::unresolved::{Reference, Unresolved};
use crate::store::bulk::user::Account;
use crate::store::tx::Tx;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// The most characters of an imported text.
const LONGEST: usize = 10_000;
/// The most hashtags of a tweet that are counted.
const HASHTAGS: usize = 30;
/// The most mentions of a tweet that are counted.
const MENTIONS: usize = 50;

/// A tweet, a reply or a retweet.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) identity: Identity,
    key: Option<i64>,
    pub(super) action_key: Option<i64>,
    pub(super) username: String,
    display_name: Option<String>,
    pub(crate) text: String,
    pub(crate) created_at: Micros,
    pub(crate) edited_at: Option<Micros>,
    pub(crate) in_reply_to: Option<Identity>,
    pub(super) retweet_of: Option<Identity>,
    origin: Origin,
    pub(crate) url: Option<String>,
    #[serde(default)]
    pub(crate) language: Option<String>,
    pub(crate) hashtags: Vec<String>,
    /// Who is mentioned, with their places among all names in the text.
    pub(crate) mentions: Vec<(usize, String)>,
    /// What was answered and is deleted, with the user who was told of the answer.
    in_reply_to_deleted: Option<(TweetId, Option<String>)>,
}

impl Record for Row {
    fn read(fields: &Fields) -> Result<Self, String> {
        let source = fields.name("source")?.unwrap_or_default();
        let id = fields.required("id")?;
        let text = text_of(fields)?;
        let mut parsed = text::parse(&text);
        parsed.hashtags = given(fields, "hashtagNames", text::hashtag_key)?.unwrap_or(parsed.hashtags);
        parsed.hashtags.truncate(HASHTAGS);
        parsed.mentions.truncate(MENTIONS);
        let mentions = mentions(fields, parsed.mentions)?;
        Ok(Self {
            key: fields.key("key")?,
            action_key: fields.key("actionKey")?,
            username: fields.username("username")?,
            display_name: fields
                .text("displayName", DISPLAY_NAME_LENGTH)?
                .filter(|name| !name.is_empty()),
            text,
            created_at: fields.time("createdAt")?.ok_or("createdAt: missing")?,
            edited_at: fields.time("editedAt")?,
            in_reply_to: reference(fields, "inReplyToId", "inReplyToSource", &source)?,
            retweet_of: reference(fields, "retweetOfId", "retweetOfSource", &source)?,
            origin: Origin {
                likes: fields.count("likes")?,
                retweets: fields.count("retweets")?,
                replies: fields.count("replies")?,
            },
            url: fields.name("url")?,
            language: fields.name("language")?.as_deref().and_then(language::tag),
            hashtags: parsed.hashtags,
            mentions,
            in_reply_to_deleted: deleted_parent(fields)?,
            identity: Identity { id, source },
        })
    }

    fn write<'t>(
        tx: &'t Tx,
        batch: &'t mut Batch,
        rows: Vec<Line<Self>>,
        crowded: &'t mut Crowded,
    ) -> BoxFuture<'t, StoreResult<Outcome>> {
        Box::pin(write(tx, batch, rows, crowded))
    }
}

fn text_of(fields: &Fields) -> Result<String, String> {
    let text = fields.text("text", usize::MAX)?.ok_or("text: missing")?;
    let text = text::normalize(&text).into_owned();
    if text.trim().is_empty() {
        return Err("text: empty".to_owned());
    }
    if text.chars().count() > LONGEST {
        return Err(format!("text: longer than {LONGEST} characters"));
    }
    Ok(text)
}

/// Who is mentioned, with their places among all names in the text, or behind them: those in the
/// text, unless the row says who.
fn mentions(fields: &Fields, parsed: Vec<String>) -> Result<Vec<(usize, String)>, String> {
    let key = |name: &str| is_username(name).then(|| username_key(name));
    let Some(meant) = given(fields, "mentions", key)? else {
        return Ok(parsed.into_iter().enumerate().collect());
    };
    let beside = meant.iter().filter(|name| !parsed.contains(name)).cloned();
    let names: Vec<String> = parsed.iter().cloned().chain(beside).collect();
    let names = names.into_iter().enumerate();
    Ok(names.filter(|(_, name)| meant.contains(name)).take(MENTIONS).collect())
}

/// A list of names that a row gives, by the keys of those that are names, each once.
fn given(
    fields: &Fields,
    name: &'static str,
    key: impl Fn(&str) -> Option<String>,
) -> Result<Option<Vec<String>>, String> {
    let Some(list) = fields.json(name)? else {
        return Ok(None);
    };
    let list: Vec<String> = serde_json::from_value(list).map_err(|_| format!("{name}: not a list of names"))?;
    let mut names: Vec<String> = Vec::new();
    for name in list.iter().filter_map(|one| key(one)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(Some(names))
}

fn deleted_parent(fields: &Fields) -> Result<Option<(TweetId, Option<String>)>, String> {
    match fields.name("inReplyToDeletedId")?.map(|id| GlobalId::parse(&id)) {
        None => Ok(None),
        Some(Some(GlobalId::Tweet(id))) => {
            let told = fields
                .has("inReplyToUsername")
                .then(|| fields.username("inReplyToUsername"));
            Ok(Some((id, told.transpose()?)))
        }
        Some(_) => Err("inReplyToDeletedId: not the id of a tweet".to_owned()),
    }
}

/// What a field refers to, in the source that stands beside it or else in the row's own.
pub(super) fn reference(
    fields: &Fields,
    id: &'static str,
    beside: &'static str,
    own: &str,
) -> Result<Option<Identity>, String> {
    let source = fields.text(beside, LONGEST_NAME)?.unwrap_or_else(|| own.to_owned());
    Ok(fields.name(id)?.map(|id| Identity { id, source }))
}

async fn write(tx: &Tx, batch: &mut Batch, rows: Vec<Line<Row>>, crowded: &mut Crowded) -> StoreResult<Outcome> {
    let mut outcome = Outcome::default();
    let rows = unknown(tx, rows).await?;
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(line, row)| (line, row.in_the_past(batch)))
        .collect();
    let accounts = named::accounts(tx, batch, rows.iter().map(|(_, row)| row.named())).await?;
    let (mut tweets, mut retweets) = (Vec::new(), Vec::new());
    for (line, row) in rows {
        match row.author(&accounts) {
            None => outcome.bad.push((line, format!("username: {DELETED}"))),
            Some(author) if row.retweet_of.is_some() => retweets.push((author.id, row)),
            Some(_) => tweets.push(row),
        }
    }
    outcome.changed += tweets.len() as u64;
    insert(tx, batch, tweets, &accounts, crowded).await?;
    if !retweets.is_empty() {
        batch.flush(tx).await?;
        outcome.changed += retweet::write(tx, batch, retweets).await?;
    }
    Ok(outcome)
}

/// The rows that were never imported, each once.
async fn unknown(tx: &Tx, rows: Vec<Line<Row>>) -> StoreResult<Vec<Line<Row>>> {
    let identities: Vec<&Identity> = rows.iter().map(|(_, row)| &row.identity).collect();
    let mut known = tx.known_identities(&identities).await?;
    let (places, claimed) = claims(&rows, Row::tweet_claim);
    let own = tx.own_tweets(&claimed).await?;
    known.extend(own.into_iter().filter_map(|n| places.get(n)));
    let (places, claimed) = claims(&rows, Row::retweet_claim);
    let own = tx.own_retweets(&claimed).await?;
    known.extend(own.into_iter().filter_map(|n| places.get(n)));
    let mut seen = HashSet::new();
    let fresh: Vec<bool> = identities
        .iter()
        .enumerate()
        .map(|(place, identity)| seen.insert(*identity) && !known.contains(&place))
        .collect();
    let rows = rows.into_iter().zip(fresh);
    Ok(rows.filter_map(|(row, fresh)| fresh.then_some(row)).collect())
}

/// By what rows are recognised that tell of something that was done here, with their places.
fn claims<C>(rows: &[Line<Row>], claim: impl Fn(&Row) -> Option<C>) -> (Vec<usize>, Vec<C>) {
    let rows = rows.iter().enumerate();
    rows.filter_map(|(place, (_, row))| claim(row).map(|claim| (place, claim)))
        .unzip()
}

impl Row {
    /// A row that says only who did something, and when.
    pub(crate) fn new(identity: Identity, username: String, created_at: Micros) -> Self {
        Self {
            identity,
            key: None,
            action_key: None,
            username,
            display_name: None,
            text: String::new(),
            created_at,
            edited_at: None,
            in_reply_to: None,
            retweet_of: None,
            origin: Origin::default(),
            url: None,
            language: None,
            hashtags: Vec::new(),
            mentions: Vec::new(),
            in_reply_to_deleted: None,
        }
    }

    fn in_the_past(mut self, batch: &Batch) -> Self {
        self.created_at = batch.past(self.created_at);
        self.edited_at = self.edited_at.map(|at| batch.past(at));
        self
    }

    pub(super) fn named(&self) -> Named<'_> {
        Named {
            username: &self.username,
            display_name: self.display_name.as_deref(),
            at: self.created_at,
        }
    }

    /// Who wrote it, unless that account is being deleted.
    fn author<'a>(&self, accounts: &'a HashMap<String, Account>) -> Option<&'a Account> {
        accounts
            .get(&username_key(&self.username))
            .filter(|account| !account.is_deleted)
    }

    /// By what a tweet that was posted here is recognised.
    fn tweet_claim(&self) -> Option<(TweetId, String, Micros)> {
        match GlobalId::parse(&self.identity.id) {
            Some(GlobalId::Tweet(id)) => Some((id, username_key(&self.username), self.created_at)),
            _ => None,
        }
    }

    /// By what a retweet that was done here is recognised.
    fn retweet_claim(&self) -> Option<(ActionId, String, Micros)> {
        match GlobalId::parse(&self.identity.id) {
            Some(GlobalId::Action(id)) => Some((id, username_key(&self.username), self.created_at)),
            _ => None,
        }
    }

    /// As a tweet, where what it retweets never came.
    pub(super) fn into_tweet(mut self) -> Self {
        self.retweet_of = None;
        self
    }
}

/// Writes tweets that are new.
pub(crate) async fn insert(
    tx: &Tx,
    batch: &mut Batch,
    rows: Vec<Row>,
    accounts: &HashMap<String, Account>,
    crowded: &mut Crowded,
) -> StoreResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = rows.iter().map(|row| row.key).collect();
    let ids = tx.number(Numbered::Tweets, &keys).await?;
    let keys: Vec<_> = rows.iter().map(|row| row.action_key).collect();
    let actions = tx.number(Numbered::Actions, &keys).await?;
    let (parents, told) = parents(tx, &rows, &ids).await?;
    let mut authors = tx.authors_of(parents.iter().flatten().copied()).await?;
    authors.extend(
        rows.iter()
            .zip(&ids)
            .filter_map(|(row, id)| Some((TweetId(*id), row.author(accounts)?.id))),
    );
    authors.extend(told);
    let names: HashSet<&String> = rows
        .iter()
        .flat_map(|row| &row.mentions)
        .map(|(_, name)| name)
        .collect();
    let users = tx.users_named(&names.into_iter().cloned().collect::<Vec<_>>()).await?;
    let mut tweets = Vec::with_capacity(rows.len());
    let mut open = Vec::new();
    for (((row, id), action), parent) in rows.into_iter().zip(ids).zip(actions).zip(parents) {
        let Some(author) = row.author(accounts) else { continue };
        let id = TweetId(id);
        open.extend(row.unresolved(id, parent, &users));
        tweets.push(row.into_imported(id, ActionId(action), author, parent, &users));
    }
    let positions = tx.positions(&tweets, crowded).await?;
    batch.script().insert_tweets(&tweets, &positions);
    batch.script().insert_unresolved(&open);
    let note_all = |batch: &mut Batch| {
        for tweet in &tweets {
            let answered = tweet.in_reply_to.and_then(|parent| authors.get(&parent).copied());
            note(tx, batch, tweet, answered);
        }
    };
    batch.run_while(tx, note_all).await
}

/// What each row answers.
type Parents = Vec<Option<TweetId>>;

/// What each row answers, as far as it is there or comes with it, or is known to be deleted; with
/// the users who wrote what is deleted.
async fn parents(tx: &Tx, rows: &[Row], ids: &[i64]) -> StoreResult<(Parents, HashMap<TweetId, UserId>)> {
    let here: HashMap<&Identity, i64> = rows.iter().map(|row| &row.identity).zip(ids.iter().copied()).collect();
    let wanted: Vec<&Identity> = rows.iter().filter_map(|row| row.in_reply_to.as_ref()).collect();
    let found = tx.tweets_identified(&wanted).await?;
    let found: HashMap<&Identity, TweetId> = found
        .into_iter()
        .filter_map(|(place, id)| wanted.get(place).map(|wanted| (*wanted, id)))
        .collect();
    let parent = |row: &Row, id: i64| {
        let wanted = row.in_reply_to.as_ref()?;
        let beside = here.get(wanted).filter(|parent| **parent != id).map(|id| TweetId(*id));
        found.get(wanted).copied().or(beside)
    };
    let (gone, told) = gone(tx, rows).await?;
    let gone = |row: &Row| {
        row.in_reply_to_deleted
            .as_ref()
            .map(|(id, _)| *id)
            .filter(|id| gone.contains(id))
    };
    let parents = rows.iter().zip(ids);
    let parents = parents.map(|(row, id)| parent(row, *id).or_else(|| gone(row)));
    Ok((parents.collect(), told))
}

/// The deleted tweets that rows answer, and whose they were.
async fn gone(tx: &Tx, rows: &[Row]) -> StoreResult<(HashSet<TweetId>, HashMap<TweetId, UserId>)> {
    let deleted = || rows.iter().filter_map(|row| row.in_reply_to_deleted.as_ref());
    let entities: Vec<Entity> = deleted().map(|(id, _)| Entity::Tweet(*id)).collect();
    let buried = tx.buried(&entities.iter().collect::<Vec<_>>()).await?;
    let names: Vec<String> = deleted()
        .filter_map(|(_, name)| name.as_deref().map(username_key))
        .collect();
    let users = tx.users_named(&names).await?;
    let told = deleted().filter_map(|(id, name)| Some((*id, *users.get(&username_key(name.as_deref()?))?)));
    Ok((buried.iter().filter_map(Entity::tweet).collect(), told.collect()))
}

impl Row {
    /// What the tweet refers to and is not there.
    fn unresolved(&self, id: TweetId, parent: Option<TweetId>, users: &HashMap<String, UserId>) -> Vec<Unresolved> {
        let open = |reference, wanted, body| Unresolved {
            reference,
            holder: id.0,
            wanted,
            own: Identity::default(),
            body,
        };
        let reply = self.in_reply_to.clone().filter(|_| parent.is_none());
        let reply = reply.map(|wanted| open(Reference::Reply, wanted, String::new()));
        let mentions = self.mentions.iter();
        let mentions = mentions
            .filter(|(_, name)| !users.contains_key(name))
            .map(|(place, name)| {
                let wanted = Identity {
                    id: name.clone(),
                    source: String::new(),
                };
                open(Reference::Mention, wanted, place.to_string())
            });
        reply.into_iter().chain(mentions).collect()
    }

    fn into_imported(
        self,
        id: TweetId,
        action: ActionId,
        author: &Account,
        in_reply_to: Option<TweetId>,
        users: &HashMap<String, UserId>,
    ) -> ImportedTweet {
        let mentions = self.mentions.iter();
        ImportedTweet {
            id,
            identity: self.identity,
            author: author.id,
            author_name: author.username.clone(),
            text: self.text,
            created_at: self.created_at,
            edited_at: self.edited_at,
            in_reply_to,
            action,
            origin: self.origin,
            url: self.url,
            language: self.language,
            hashtags: self.hashtags,
            mentions: mentions
                .filter_map(|(place, name)| users.get(name).map(|user| (*place, *user)))
                .collect(),
        }
    }
}

/// Notes what a new tweet adds, whoever wrote what it answers.
fn note(tx: &Tx, batch: &mut Batch, tweet: &ImportedTweet, answered: Option<UserId>) {
    let posted = tweet.as_tweet();
    batch.record_beside(&Deed::posting(&posted, answered).on_walls(&tx.walls_of(&posted)));
    batch.count_user(tweet.author, [1, 0, 0]);
    for tag in &tweet.hashtags {
        batch.count_hashtag(tag, [1, 0]);
    }
    // What is deleted has no row to count in.
    if let Some(parent) = tweet.in_reply_to {
        batch.count_tweet(parent, [0, 0, 1]);
    }
}
