//! Hashtags.

/// A hashtag that has been used or followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashtag {
    /// Canonical: NFC, lower case, without the `#`.
    pub name: String,
    /// Tweets that carry it now.
    pub tweet_count: i64,
    /// Users who follow it.
    pub follower_count: i64,
}
