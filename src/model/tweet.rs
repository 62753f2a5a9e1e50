//! Tweets.

use super::{ActionId, Micros, TweetId, UserId};

/// A tweet with what every page of tweets needs of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the API's `Tweet`")]
pub struct Tweet {
    pub id: TweetId,
    pub author: UserId,
    pub text: String,
    pub created_at: Micros,
    pub edited_at: Option<Micros>,
    pub in_reply_to: Option<TweetId>,
    /// The action that records the posting.
    pub action: ActionId,
    /// With what the origin counted.
    pub like_count: i64,
    /// With what the origin counted.
    pub retweet_count: i64,
    /// With what the origin counted.
    pub reply_count: i64,
    pub url: Option<String>,
    pub language: Option<String>,
    /// Canonical names, in order of first appearance.
    pub hashtags: Vec<String>,
    /// In order of first appearance.
    pub mentions: Vec<UserId>,
}
