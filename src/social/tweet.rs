//! Posting, editing and deleting tweets.

use super::{Social, entry};
use crate::model::action::{REPLY, TWEET};
use crate::model::{
    ActionId, Change, Entity, Error, EventKind, Key, NewEvent, Result, Topic, Tweet, TweetId, User, UserId, Viewer,
    text,
};
use crate::store::sweep::Sweep;
use crate::store::tweet::NewTweet;
use crate::store::writer::Tx;
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

/// A text that was checked, with what it says.
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
    /// is not there.
    pub async fn post_tweet(&self, viewer: &Viewer, post: Post) -> Result<TweetId> {
        let author = viewer.require_user()?;
        if let Some(key) = &post.idempotency_key
            && (key.is_empty() || key.chars().count() > KEY_LENGTH || key.contains('\0'))
        {
            return Err(Error::invalid("input.idempotencyKey", "1 to 255 characters"));
        }
        let draft = Draft::new(&post.text, self.rules.tweet_length)?;
        self.store
            .write(move |tx| {
                Box::pin(async move {
                    let author = author_of(tx, author).await?;
                    if let Some(key) = &post.idempotency_key {
                        let since = tx.now().before(IDEMPOTENCY);
                        if let Some(posted) = tx.posted_under(author.id, key, since).await? {
                            return Ok(posted);
                        }
                    }
                    let id = insert(tx, &author, draft, post.in_reply_to).await?;
                    if let Some(key) = &post.idempotency_key {
                        tx.remember_post(author.id, key, id).await?;
                    }
                    Ok(id)
                })
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
                    let tweet = own_tweet(tx, author, id).await?;
                    let gone = Gone {
                        id,
                        author,
                        action: tweet.action,
                        in_reply_to: tweet.in_reply_to,
                        hashtags: tweet.hashtags,
                    };
                    remove(tx, gone).await
                })
            })
            .await?;
        self.sweeping.notify_one();
        Ok(())
    }
}

async fn author_of(tx: &Tx, id: UserId) -> Result<User> {
    tx.user(id)
        .await?
        .ok_or(Error::Unauthenticated("the account is deleted"))
}

async fn own_tweet(tx: &Tx, author: UserId, id: TweetId) -> Result<Tweet> {
    let tweet = tx.tweet(id).await?.ok_or(Error::NotFound("tweet"))?;
    if tweet.author == author {
        return Ok(tweet);
    }
    Err(Error::Forbidden("only the author may do that"))
}

/// The users whom a text mentions and who are there, in its order.
async fn mentioned(tx: &Tx, names: &[String]) -> Result<Vec<UserId>> {
    let known = tx.users_named(names).await?;
    Ok(names.iter().filter_map(|name| known.get(name).copied()).collect())
}

async fn insert(tx: &Tx, author: &User, draft: Draft, in_reply_to: Option<TweetId>) -> Result<TweetId> {
    let parent = match in_reply_to {
        Some(id) => Some(tx.tweet(id).await?.ok_or(Error::NotFound("tweet"))?),
        None => None,
    };
    let target = parent.as_ref().map(|parent| Entity::Tweet(parent.id));
    let verb = if parent.is_some() { REPLY } else { TWEET };
    let action = tx
        .insert_action(&Entity::User(author.id), verb, None, target.as_ref())
        .await?;
    let mentions = mentioned(tx, &draft.mentions).await?;
    let tweet = tx
        .insert_tweet(NewTweet {
            author: author.id,
            author_name: author.username.clone(),
            text: draft.text,
            in_reply_to,
            action,
            hashtags: draft.hashtags,
            mentions,
        })
        .await?;
    tx.set_action_object(action, &Entity::Tweet(tweet.id)).await?;
    tx.count_hashtags(&tweet.hashtags, 1).await?;
    tx.count_user(author.id, 1, 0, 0).await?;
    if let Some(parent) = &parent {
        tx.count_tweet(parent.id, 0, 0, 1).await?;
    }
    let entry = entry(tweet.created_at, action, verb, author.id, Some(tweet.id));
    let topics: Vec<Topic> = topics(author.id, &tweet.hashtags).collect();
    let mut event = about(tweet.id, action, author.id);
    event.topics = topics.iter().map(|topic| (topic.clone(), Change::Created)).collect();
    event.added = topics.into_iter().map(|topic| (topic, entry.clone())).collect();
    event.keys = touched(author.id, parent.map(|parent| parent.id), &tweet.hashtags);
    tx.insert_entries(&event.added).await?;
    tracing::debug!(tweet = %tweet.id, author = %author.username, "new tweet");
    tx.emit(event);
    Ok(tweet.id)
}

async fn edit(tx: &Tx, author: UserId, id: TweetId, draft: Draft) -> Result<TweetId> {
    let author = author_of(tx, author).await?;
    let old = own_tweet(tx, author.id, id).await?;
    if old.text == draft.text {
        return Ok(id);
    }
    let mut tweet = old.clone();
    tweet.text = draft.text;
    tweet.edited_at = Some(tx.now());
    tweet.mentions = mentioned(tx, &draft.mentions).await?;
    tweet.hashtags = draft.hashtags;
    tx.update_tweet(&tweet, &author.username).await?;

    let came: Vec<_> = tweet
        .hashtags
        .iter()
        .filter(|tag| !old.hashtags.contains(tag))
        .cloned()
        .collect();
    let went: Vec<_> = old
        .hashtags
        .iter()
        .filter(|tag| !tweet.hashtags.contains(tag))
        .cloned()
        .collect();
    tx.count_hashtags(&came, 1).await?;
    tx.count_hashtags(&went, -1).await?;
    let verb = if old.in_reply_to.is_some() { REPLY } else { TWEET };
    let entry = entry(tweet.created_at, tweet.action, verb, author.id, Some(id));

    let mut event = about(id, tweet.action, author.id);
    event.topics.push((Topic::user(author.id), Change::Updated));
    for tag in &tweet.hashtags {
        let change = if came.contains(tag) {
            Change::Created
        } else {
            Change::Updated
        };
        event.topics.push((Topic::hashtag(tag), change));
    }
    event
        .topics
        .extend(went.iter().map(|tag| (Topic::hashtag(tag), Change::Deleted)));
    event.added = came.iter().map(|tag| (Topic::hashtag(tag), entry.clone())).collect();
    event.removed = went.iter().map(|tag| (Topic::hashtag(tag), entry.clone())).collect();
    event.keys = vec![Key::Tweet(id)];
    event.keys.extend(came.into_iter().chain(went).map(Key::Hashtag));
    tx.insert_entries(&event.added).await?;
    tx.delete_entries(&event.removed).await?;
    tx.emit(event);
    Ok(id)
}

/// What is needed to take a tweet away.
pub(super) struct Gone {
    pub id: TweetId,
    pub author: UserId,
    pub action: ActionId,
    pub in_reply_to: Option<TweetId>,
    pub hashtags: Vec<String>,
}

/// Hides a tweet with its action and entries, and leaves the rest to the sweep.
pub(super) async fn remove(tx: &Tx, tweet: Gone) -> Result<()> {
    tx.hide_tweet(tweet.id).await?;
    tx.insert_sweep(Sweep::Tweet(tweet.id)).await?;
    tx.count_hashtags(&tweet.hashtags, -1).await?;
    tx.count_user(tweet.author, -1, 0, 0).await?;
    if let Some(parent) = tweet.in_reply_to {
        tx.count_tweet(parent, 0, 0, -1).await?;
    }
    let mut event = about(tweet.id, tweet.action, tweet.author);
    event.topics = topics(tweet.author, &tweet.hashtags)
        .map(|topic| (topic, Change::Deleted))
        .collect();
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
