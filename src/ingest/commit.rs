//! Facts as rows: one transaction.

use super::account;
use super::facts::Facts;
use super::namesake;
use super::news::{Item, Post, Repost};
use crate::model::user::username_key;
use crate::model::{Reaction, Result, Tweet, TweetId, UserId};
use crate::social::{account::hide, reaction::undo, tweet};
use crate::store::Store;
use crate::store::bulk::tweet::{Crowded, Identity};
use crate::store::bulk::user::Account;
use crate::store::ingest::{Followed, Ingested, Taken};
use crate::store::tx::Tx;
use crate::transfer::batch::Batch;
use crate::transfer::retweet;
use crate::transfer::tweet::{self as rows, Row};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// How long the end of an item is remembered: longer than any source sends again what was.
const MEMORY: Duration = Duration::from_secs(7 * 24 * 3_600);

/// What a transaction came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub posted: u64,
    pub edited: u64,
    pub deleted: u64,
    pub reposted: u64,
    /// Of authors from whom nothing is taken.
    pub unwelcome: u64,
    /// What could not be written.
    pub failed: u64,
    /// The profiles of new users.
    pub newcomers: Vec<String>,
}

impl Written {
    pub(super) fn add(&mut self, other: Self) {
        self.posted += other.posted;
        self.edited += other.edited;
        self.deleted += other.deleted;
        self.reposted += other.reposted;
        self.unwelcome += other.unwelcome;
        self.failed += other.failed;
        self.newcomers.extend(other.newcomers);
    }
}

/// Leaves of the facts what is wanted, or concerns what is stored.
pub(super) async fn narrow(store: &Store, facts: &mut Facts) -> Result<()> {
    let known = items_known(store, facts).await?;
    let profiles = profiles_known(store, facts).await?;
    let posted: HashSet<Item> = facts.posts.iter().map(|post| post.item.clone()).collect();
    let authors: HashSet<String> = facts.posts.iter().map(|post| post.author.url.clone()).collect();
    facts.posts.retain(|post| post.is_wanted || known.contains(&post.item));
    let reposts = &mut facts.reposts;
    reposts.retain(|repost| known.contains(&repost.of) || posted.contains(&repost.of));
    facts.gone.retain(|item| known.contains(item));
    facts.accounts_gone.retain(|url| profiles.contains(url));
    let is_somebody = |url: &String| profiles.contains(url) || authors.contains(url);
    facts.authors.retain(|author| is_somebody(&author.url));
    Ok(())
}

/// The items that were taken, of those that only matter where they were.
async fn items_known(store: &Store, facts: &Facts) -> Result<HashSet<Item>> {
    let unwanted = facts.posts.iter().filter(|post| !post.is_wanted).map(|post| &post.item);
    let reposted = facts.reposts.iter().map(|repost| &repost.of);
    let items: Vec<&Item> = unwanted.chain(reposted).chain(&facts.gone).collect();
    let keys: Vec<_> = items.iter().map(|item| item.as_key()).collect();
    let taken = store.items_taken(&keys).await?.into_iter();
    Ok(taken.filter_map(|place| items.get(place).copied().cloned()).collect())
}

/// The profiles that users have, of those of whom something is told.
async fn profiles_known(store: &Store, facts: &Facts) -> Result<HashSet<String>> {
    let gone = facts.accounts_gone.iter().map(|url| (url.as_str(), None));
    let named = facts.authors.iter().map(|one| (one.url.as_str(), namesake::key(one)));
    let profiles: Vec<_> = gone.chain(named).collect();
    let known = store.profiles_known(&profiles).await?.into_iter();
    Ok(known
        .filter_map(|place| profiles.get(place).map(|(url, _)| (*url).to_owned()))
        .collect())
}

/// Writes facts and positions.
pub(super) async fn write(tx: &Tx, facts: &Facts, reached: &[Followed], crowded: &mut Crowded) -> Result<Written> {
    let mut batch = Batch::told_as_of(tx, facts.begun().unwrap_or(tx.now()));
    let mut written = Written::default();
    account::known(tx, &mut batch, facts.authors.iter()).await?;
    let known = Known::read(tx, facts).await?;
    let (new, newer): (Vec<&Post>, Vec<&Post>) = facts
        .posts
        .iter()
        .filter(|post| known.is_news(post))
        .partition(|post| !known.0.contains_key(&post.item));
    post(tx, &mut batch, new, &known, crowded, &mut written).await?;
    if written.posted > 0 {
        // Some of whom more is told than their posts do may have become users with these.
        account::known(tx, &mut batch, facts.authors.iter()).await?;
    }
    repost(tx, &mut batch, &facts.reposts, &mut written).await?;
    edit(tx, &mut batch, newer, &known, &mut written).await?;
    delete(tx, &mut batch, &facts.gone, &mut written).await?;
    let gone: Vec<&str> = facts.accounts_gone.iter().map(String::as_str).collect();
    if !gone.is_empty() {
        for account in tx
            .accounts_at(&gone)
            .await?
            .values()
            .filter(|account| !account.is_deleted)
        {
            hide(tx, account.id).await?;
        }
    }
    let stillborn: Vec<_> = facts.stillborn.iter().map(Item::as_key).collect();
    batch.script().note_stillborn(&stillborn, tx.now());
    batch.script().set_ingest_positions(reached);
    batch.finish(tx).await?;
    Ok(written)
}

/// What is known of the items that facts name.
struct Known(HashMap<Item, Ingested>);

impl Known {
    async fn read(tx: &Tx, facts: &Facts) -> Result<Self> {
        let posts = facts.posts.iter();
        let items = posts.flat_map(|post| std::iter::once(&post.item).chain(&post.in_reply_to));
        Self::of(tx, items.collect()).await
    }

    async fn of(tx: &Tx, items: Vec<&Item>) -> Result<Self> {
        let keys: Vec<_> = items.iter().map(|item| item.as_key()).collect();
        let found = tx.ingested(&keys).await?;
        let found = found.into_iter();
        let named = found.filter_map(|(place, known)| items.get(place).map(|item| ((*item).clone(), known)));
        Ok(Self(named.collect()))
    }

    /// Whether this is a version of the post that nobody has taken.
    fn is_news(&self, post: &Post) -> bool {
        match self.0.get(&post.item) {
            Some(known) => !known.is_gone && known.retweeter.is_none() && post.version > known.version,
            None => post.is_wanted,
        }
    }

    /// The name over all sources of what a post answers, if that is there or comes with it.
    fn parent(&self, post: &Post, beside: &HashMap<&Item, &Identity>) -> Option<Identity> {
        let parent = post.in_reply_to.as_ref()?;
        let stored = self.0.get(parent).and_then(|known| known.identity.clone());
        stored.or_else(|| beside.get(parent).copied().cloned())
    }
}

/// Whether anything is taken from an account.
fn is_welcome(account: &Account) -> bool {
    !account.is_deleted && !account.is_banned
}

/// Writes posts that are new, each once however many sources bring it.
async fn post(
    tx: &Tx,
    batch: &mut Batch,
    posts: Vec<&Post>,
    known: &Known,
    crowded: &mut Crowded,
    written: &mut Written,
) -> Result<()> {
    if posts.is_empty() {
        return Ok(());
    }
    let identities: Vec<&Identity> = posts.iter().map(|post| &post.identity).collect();
    let stored = tx.known_identities(&identities).await?;
    let mut seen = HashSet::new();
    let fresh = posts.iter().enumerate();
    let fresh = fresh.filter(|(place, post)| seen.insert(&post.identity) && !stored.contains(place));
    let mut fresh: Vec<&Post> = fresh.map(|(_, post)| *post).collect();
    // Lists are ordered by time and then by number.
    fresh.sort_by_key(|post| post.created_at);
    let authors: Vec<_> = fresh
        .iter()
        .map(|post| (&post.author, batch.past(post.created_at)))
        .collect();
    let (users, newcomers) = account::users(tx, batch, &authors).await?;
    let before = fresh.len();
    fresh.retain(|post| users.get(&post.author.url).is_some_and(is_welcome));
    written.unwelcome += (before - fresh.len()) as u64;
    written.posted += fresh.len() as u64;
    written.newcomers.extend(newcomers);

    let beside: HashMap<&Item, &Identity> = fresh.iter().map(|post| (&post.item, &post.identity)).collect();
    let mentioned = mentioned(tx, &fresh).await?;
    let rows = fresh.iter().filter_map(|post| {
        let author = users.get(&post.author.url)?;
        let created_at = batch.past(post.created_at);
        let mentions = post.mentions.iter().enumerate();
        let mentions = mentions.filter_map(|(place, url)| Some((place, username_key(&mentioned.get(url)?.username))));
        let mut row = Row::new(post.identity.clone(), author.username.clone(), created_at);
        row.text.clone_from(&post.text);
        row.edited_at = post.edited_at.map(|at| batch.past(at));
        row.in_reply_to = known.parent(post, &beside);
        row.url = Some(post.url.clone());
        row.language.clone_from(&post.language);
        row.hashtags.clone_from(&post.hashtags);
        row.mentions = mentions.collect();
        Some(row)
    });
    let rows: Vec<Row> = rows.collect();
    let by_name = users
        .into_values()
        .map(|account| (username_key(&account.username), account));
    rows::insert(tx, batch, rows, &by_name.collect(), crowded).await?;
    batch
        .script()
        .note_tweets(&posts.into_iter().map(taken).collect::<Vec<_>>());
    batch.flush(tx).await
}

fn taken(post: &Post) -> Taken<'_> {
    Taken {
        item: post.item.as_key(),
        version: &post.version,
        identity: &post.identity,
    }
}

/// The users whom posts mention, by the addresses of their profiles.
async fn mentioned(tx: &Tx, posts: &[&Post]) -> Result<HashMap<String, Account>> {
    let urls: HashSet<&str> = posts
        .iter()
        .flat_map(|post| &post.mentions)
        .map(String::as_str)
        .collect();
    if urls.is_empty() {
        return Ok(HashMap::new());
    }
    let mut users = tx.accounts_at(&urls.into_iter().collect::<Vec<_>>()).await?;
    users.retain(|_, account| !account.is_deleted);
    Ok(users)
}

/// Writes reposts of what is there as retweets.
async fn repost(tx: &Tx, batch: &mut Batch, reposts: &[Repost], written: &mut Written) -> Result<()> {
    if reposts.is_empty() {
        return Ok(());
    }
    let known = Known::of(
        tx,
        reposts.iter().flat_map(|repost| [&repost.item, &repost.of]).collect(),
    )
    .await?;
    let target = |repost: &Repost| {
        let of = known
            .0
            .get(&repost.of)
            .filter(|of| of.identity.is_some() && of.retweeter.is_none())?;
        (!known.0.contains_key(&repost.item)).then_some(of.tweet)
    };
    let new: Vec<(TweetId, &Repost)> = reposts.iter().filter_map(|one| Some((target(one)?, one))).collect();
    let authors: Vec<_> = new
        .iter()
        .map(|(_, one)| (&one.author, batch.past(one.created_at)))
        .collect();
    let (users, newcomers) = account::users(tx, batch, &authors).await?;
    written.newcomers.extend(newcomers);
    let rows = new.iter().filter_map(|(tweet, one)| {
        let user = users.get(&one.author.url).filter(|account| is_welcome(account))?;
        let row = Row::new(one.identity.clone(), user.username.clone(), batch.past(one.created_at));
        Some((*tweet, user.id, row))
    });
    let rows: Vec<(TweetId, UserId, Row)> = rows.collect();
    written.unwelcome += (new.len() - rows.len()) as u64;
    written.reposted += retweet::insert(tx, batch, rows).await?;
    let taken = new.iter().map(|(_, one)| Taken {
        item: one.item.as_key(),
        version: &one.version,
        identity: &one.identity,
    });
    batch.script().note_retweets(&taken.collect::<Vec<_>>());
    batch.flush(tx).await
}

/// Gives tweets the texts that their posts have by now.
async fn edit(tx: &Tx, batch: &mut Batch, posts: Vec<&Post>, known: &Known, written: &mut Written) -> Result<()> {
    let mentioned = mentioned(tx, &posts).await?;
    for post in &posts {
        let Some(known) = known.0.get(&post.item) else {
            continue;
        };
        let Some(old) = tx.tweet(known.tweet).await? else {
            continue;
        };
        let Some(author) = tx.user(old.author).await? else {
            continue;
        };
        if old.text == post.text && old.hashtags == post.hashtags {
            continue;
        }
        let new = Tweet {
            text: post.text.clone(),
            edited_at: Some(batch.past(post.edited_at.unwrap_or(tx.now()))),
            language: post.language.clone(),
            hashtags: post.hashtags.clone(),
            mentions: post
                .mentions
                .iter()
                .filter_map(|url| Some(mentioned.get(url)?.id))
                .collect(),
            ..Tweet::clone(&old)
        };
        tweet::rewrite(tx, &author.username, &old, new).await?;
        written.edited += 1;
    }
    account::known(tx, batch, posts.iter().map(|post| &post.author)).await?;
    batch
        .script()
        .note_tweets(&posts.into_iter().map(taken).collect::<Vec<_>>());
    Ok(())
}

/// Takes away what its source has deleted.
async fn delete(tx: &Tx, batch: &mut Batch, items: &[Item], written: &mut Written) -> Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    let known = Known::of(tx, items.iter().collect()).await?;
    for one in known.0.values().filter(|one| !one.is_gone) {
        let Some(tweet) = tx.tweet(one.tweet).await? else {
            continue;
        };
        match one.retweeter {
            Some(user) => undo(tx, Reaction::Retweet, tweet.id, user).await?,
            None => tweet::remove(tx, &tweet).await?,
        }
        written.deleted += 1;
    }
    let gone: Vec<_> = items.iter().map(Item::as_key).collect();
    batch.script().note_gone(&gone, tx.now());
    tx.forget_items_gone(tx.now().before(MEMORY)).await?;
    Ok(())
}
