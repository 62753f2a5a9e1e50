//! Posting, editing and deleting tweets.

use super::{Social, acting};
use crate::model::{
    ActionId, Change, Deed, Entity, Error, EventKind, Key, NewEvent, Result, Topic, Tweet, TweetId, UserId, Viewer,
    WallId, text,
};
use crate::store::known::{Brief, Claim};
use crate::store::sweep::Sweep;
use crate::store::tx::Tx;
use std::sync::Arc;
use std::time::Duration;

/// How long a key of a posting is remembered.
pub const IDEMPOTENCY: Duration = Duration::from_secs(24 * 3_600);
/// The most characters of such a key.
const KEY_LENGTH: usize = 255;

/// What is to be posted.
#[derive(Clone, Debug)]
pub struct Post {
    /// As the client wrote it.
    pub text: String,
    /// The tweet that is answered.
    pub in_reply_to: Option<TweetId>,
    /// Names this posting, so that it is done once.
    pub idempotency_key: Option<String>,
}

/// What came of a posting.
#[derive(Clone, Debug)]
pub enum Posted {
    /// A tweet, as it was committed.
    New(Arc<Tweet>),
    /// The tweet that was posted under the same key.
    Before(TweetId),
}

/// A text that was checked, with what it says.
#[derive(Clone)]
struct Draft {
    text: String,
    hashtags: Vec<String>,
    mentions: Vec<String>,
}

impl Draft {
    fn new(text: &str, longest: usize) -> Result<Self> {
        let text = text::normalize(text).into_owned();
        if text.contains('\0') {
            return Err(Error::invalid("input.text", "holds a NUL character"));
        }
        if text.trim().is_empty() {
            return Err(Error::invalid("input.text", "the text is empty"));
        }
        if text::weighted_length(&text) > longest {
            return Err(Error::invalid(
                "input.text",
                format!("longer than {longest} characters"),
            ));
        }
        if !text::is_valid_post(&text, longest) {
            return Err(Error::invalid("input.text", "holds a character that no text may have"));
        }
        let parsed = text::parse(&text);
        Ok(Self {
            text,
            hashtags: parsed.hashtags,
            mentions: parsed.mentions,
        })
    }
}

impl Social {
    /// Posts a tweet or a reply.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `input.text`, [`Error::NotFound`] when the tweet that is answered
    /// is not there, [`Error::Forbidden`] when one of the two authors blocks the other.
    pub async fn post_tweet(&self, viewer: &Viewer, post: Post) -> Result<Posted> {
        let author = viewer.require_user()?;
        if let Some(key) = &post.idempotency_key
            && (key.is_empty() || key.chars().count() > KEY_LENGTH || key.contains('\0'))
        {
            return Err(Error::invalid("input.idempotencyKey", "1 to 255 characters"));
        }
        let draft = Draft::new(&post.text, self.rules.tweet_length)?;
        let brief = Brief {
            users: vec![author],
            tweets: post.in_reply_to.into_iter().collect(),
            names: draft.mentions.clone(),
            by: Some(author),
            claim: post.idempotency_key.clone().map(|key| Claim::Posting(author, key)),
            enters: topics(author, &draft.hashtags).collect(),
            reads: Vec::new(),
        };
        let work = Arc::new((post, draft));
        self.store
            .stage(brief, move |tx| {
                let work = Arc::clone(&work);
                Box::pin(async move { insert(tx, author, &work.0, &work.1).await })
            })
            .await
    }

    /// Changes the text of one's own tweet.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `input.text`, [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn edit_tweet(&self, viewer: &Viewer, id: TweetId, text: &str) -> Result<TweetId> {
        let author = viewer.require_user()?;
        let draft = Draft::new(text, self.rules.tweet_length)?;
        self.store
            .write(move |tx| Box::pin(async move { edit(tx, author, id, draft).await }))
            .await
    }

    /// Deletes one's own tweet.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`].
    pub async fn delete_tweet(&self, viewer: &Viewer, id: TweetId) -> Result<()> {
        let author = viewer.require_user()?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    acting(tx, author).await?;
                    let tweet = own_tweet(tx, author, id).await?;
                    remove(tx, &tweet).await
                })
            })
            .await?;
        self.sweeping.notify_one();
        Ok(())
    }
}

async fn own_tweet(tx: &Tx, author: UserId, id: TweetId) -> Result<Arc<Tweet>> {
    let tweet = tx.tweet(id).await?.ok_or(Error::NotFound("tweet"))?;
    if tweet.author == author {
        return Ok(tweet);
    }
    Err(Error::Forbidden("only the author may do that"))
}

/// The users whom a text mentions and who are there, in its order. Where one of two blocks the
/// other, neither can mention the other.
async fn mentioned(tx: &Tx, author: UserId, names: &[String]) -> Result<Vec<UserId>> {
    let known = tx.users_named(names).await?;
    let mut mentioned = Vec::new();
    for user in names.iter().filter_map(|name| known.get(name).copied()) {
        if !tx.are_apart(author, user).await? {
            mentioned.push(user);
        }
    }
    Ok(mentioned)
}

async fn insert(tx: &Tx, author: UserId, post: &Post, draft: &Draft) -> Result<Posted> {
    let author = acting(tx, author).await?;
    if let Some(key) = &post.idempotency_key {
        let since = tx.now().before(IDEMPOTENCY);
        if let Some(posted) = tx.posted_under(author.id, key, since).await? {
            return Ok(Posted::Before(posted));
        }
    }
    let parent = match post.in_reply_to {
        Some(id) => Some(tx.tweet(id).await?.ok_or(Error::NotFound("tweet"))?),
        None => None,
    };
    if let Some(parent) = &parent
        && tx.are_apart(author.id, parent.author).await?
    {
        return Err(Error::Forbidden("one of you blocks the other"));
    }
    let (id, action) = (tx.next_tweet().await?, tx.next_action().await?);
    let tweet = Tweet {
        id,
        author: author.id,
        text: draft.text.clone(),
        created_at: tx.now(),
        edited_at: None,
        in_reply_to: post.in_reply_to,
        action,
        like_count: 0,
        retweet_count: 0,
        reply_count: 0,
        url: None,
        language: None,
        hashtags: draft.hashtags.clone(),
        mentions: mentioned(tx, author.id, &draft.mentions).await?,
    };
    tx.insert_tweet(&tweet, &author.username).await?;
    if let Some(key) = &post.idempotency_key {
        tx.remember_post(author.id, key, id).await?;
    }
    let answered = parent.as_ref().map(|parent| parent.author);
    let keys = touched(author.id, post.in_reply_to, &draft.hashtags);
    let deed = Deed::posting(&tweet, answered).on_walls(&tx.walls_of(&tweet));
    tx.record(&deed.touching(keys)).await?;
    tracing::debug!(tweet = %id, author = %author.username, "new tweet");
    Ok(Posted::New(Arc::new(tweet)))
}

async fn edit(tx: &Tx, author: UserId, id: TweetId, draft: Draft) -> Result<TweetId> {
    let author = acting(tx, author).await?;
    let old = own_tweet(tx, author.id, id).await?;
    if old.text == draft.text {
        return Ok(id);
    }
    let mut tweet = Tweet::clone(&old);
    tweet.text = draft.text;
    tweet.edited_at = Some(tx.now());
    tweet.mentions = mentioned(tx, author.id, &draft.mentions).await?;
    tweet.hashtags = draft.hashtags;
    rewrite(tx, &author.username, &old, tweet).await?;
    Ok(id)
}

/// Gives a tweet another text, with what stands in that.
pub(crate) async fn rewrite(tx: &Tx, author: &str, old: &Tweet, tweet: Tweet) -> Result<()> {
    tx.update_tweet(&tweet, author).await?;
    let (came, went) = (
        without(&tweet.hashtags, &old.hashtags),
        without(&old.hashtags, &tweet.hashtags),
    );
    let counted = i64::from(tx.uncounted(&[tweet.id]).await?.is_empty());
    tx.count_hashtags(&came, counted).await?;
    tx.count_hashtags(&went, -counted).await?;
    // A ban of whoever is answered hides them for a while, and changes nothing of what they are told.
    let parent = match old.in_reply_to {
        Some(id) => tx.tweets_as_they_are(&[id]).await?.get(&id).map(|parent| parent.author),
        None => None,
    };
    // Whoever was told of an answer to a tweet that is gone since was told all the same.
    let standing = tx.topics_of(tweet.action).await?;
    let walls: Vec<WallId> = standing.iter().filter_map(Topic::of_wall).collect();
    let before = Deed::posting(old, parent).on_walls(&walls);
    let after = Deed::posting(&tweet, parent).on_walls(&tx.walls_of(&tweet));
    let entry = after.entry();
    let mut event = about(tweet.id, tweet.action, tweet.author);
    for topic in &after.topics {
        let stood = standing.contains(topic);
        event.tell([(topic.clone(), if stood { Change::Updated } else { Change::Created })]);
    }
    let mut gone = without(&before.topics, &after.topics);
    gone.retain(|topic| standing.contains(topic));
    event.tell(gone.iter().map(|topic| (topic.clone(), Change::Deleted)));
    let new = without(&after.topics, &standing);
    event.added = new.into_iter().map(|topic| (topic, entry.clone())).collect();
    event.removed = gone.into_iter().map(|topic| (topic, entry.clone())).collect();
    event.keys = vec![Key::Tweet(tweet.id)];
    event.keys.extend(came.into_iter().chain(went).map(Key::Hashtag));
    let actor = Entity::User(tweet.author);
    tx.delete_entries(&actor, &event.removed).await?;
    tx.insert_entries(&actor, &event.added).await?;
    tx.emit(event);
    Ok(())
}

/// What of one list is not in another.
fn without<T: Clone + PartialEq>(list: &[T], other: &[T]) -> Vec<T> {
    list.iter().filter(|one| !other.contains(one)).cloned().collect()
}

/// Hides a tweet with its action and entries, and leaves the rest to the sweep.
pub(crate) async fn remove(tx: &Tx, tweet: &Tweet) -> Result<()> {
    tx.hide_tweet(tweet.id).await?;
    tx.hide_groups_about(&Entity::Tweet(tweet.id)).await?;
    tx.insert_sweep(Sweep::Tweet(tweet.id)).await?;
    let counted = i64::from(tx.uncounted(&[tweet.id]).await?.is_empty());
    tx.count_hashtags(&tweet.hashtags, -counted).await?;
    tx.count_user(tweet.author, [-1, 0, 0]).await?;
    if let Some(parent) = tweet.in_reply_to {
        tx.count_tweet(parent, [0, 0, -counted]).await?;
    }
    let mut event = about(tweet.id, tweet.action, tweet.author);
    event.keys = touched(tweet.author, tweet.in_reply_to, &tweet.hashtags);
    event.keys.push(Key::Tweet(tweet.id));
    tx.retract(event, &[tweet.action]).await
}

fn about(tweet: TweetId, action: ActionId, author: UserId) -> NewEvent {
    let mut event = NewEvent::new(EventKind::Tweet);
    event.tweet = Some(tweet);
    event.action = Some(action);
    event.actor = Some(author);
    event
}

/// The topics that a tweet stands in.
fn topics(author: UserId, hashtags: &[String]) -> impl Iterator<Item = Topic> {
    std::iter::once(Topic::user(author)).chain(hashtags.iter().map(|tag| Topic::hashtag(tag)))
}

/// The rows whose counts a tweet changes.
fn touched(author: UserId, parent: Option<TweetId>, hashtags: &[String]) -> Vec<Key> {
    let tags = hashtags.iter().cloned().map(Key::Hashtag);
    std::iter::once(Key::User(author))
        .chain(parent.map(Key::Tweet))
        .chain(tags)
        .collect()
}
