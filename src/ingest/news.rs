//! What sources tell, in words that all of them share.

use crate::model::{Micros, text};
use crate::store::bulk::tweet::Identity;
use std::sync::Arc;

/// The most characters of a text; what is longer is cut.
const LONGEST_TEXT: usize = 10_000;
/// The most bytes of an address or a name.
pub(super) const LONGEST_NAME: usize = 2_048;

/// What a source calls something of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Item {
    /// Which source.
    pub source: Arc<str>,
    /// Its name there.
    pub id: String,
}

impl Item {
    pub(super) fn as_key(&self) -> (&str, &str) {
        (&self.source, &self.id)
    }
}

/// Something that a source tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// A post as it is by this version.
    Posted(Box<Post>),
    /// A post or a repost is gone.
    Gone(Item),
    /// Somebody has reposted something.
    Reposted(Box<Repost>),
    /// An account is gone, with all that it wrote.
    AccountGone(String),
    /// What an account is called now, if it is known here.
    Known(Box<Author>),
}

/// A post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Post {
    pub item: Item,
    /// What names it over all sources.
    pub identity: Identity,
    /// Greater for what is newer.
    pub version: String,
    /// Whether somebody wants it; else it only changes what is stored already.
    pub is_wanted: bool,
    pub author: Author,
    /// Normalized, not empty.
    pub text: String,
    pub created_at: Micros,
    pub edited_at: Option<Micros>,
    /// When it was news.
    pub seen_at: Micros,
    /// What the source calls the post that it answers.
    pub in_reply_to: Option<Item>,
    /// By their keys.
    pub hashtags: Vec<String>,
    /// The addresses of the profiles of those who are mentioned.
    pub mentions: Vec<String>,
    pub url: String,
    /// The tag of its language, where the source names it.
    pub language: Option<String>,
}

/// A repost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Repost {
    pub item: Item,
    pub identity: Identity,
    pub version: String,
    /// What the source calls the post that is reposted.
    pub of: Item,
    pub author: Author,
    pub created_at: Micros,
    /// When it was news.
    pub seen_at: Micros,
}

/// An outside account, as far as a source tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Author {
    /// The address of its profile, which names it over all sources.
    pub url: String,
    /// What is always known of its name, and never changes: a DID, or `@alice@example.social`.
    pub name: String,
    pub handle: Option<String>,
    pub display_name: Option<String>,
    pub bio: Option<String>,
    pub avatar_url: Option<String>,
}

/// A text as it is stored; none when nothing is left of it.
pub(super) fn stored(text: &str) -> Option<String> {
    let text: String = text
        .chars()
        .filter(|letter| *letter != '\0')
        .take(LONGEST_TEXT)
        .collect();
    let text = text::normalize(&text).into_owned();
    (!text.trim().is_empty()).then_some(text)
}

/// One line of at most so many characters; none when nothing is left of it.
pub(super) fn line(text: &str, most: usize) -> Option<String> {
    let words: Vec<&str> = text
        .split(|letter: char| letter.is_whitespace() || letter.is_control())
        .collect();
    let text: String = words
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let text: String = text.chars().take(most).collect();
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The keys of hashtags, each once and no more than a tweet has.
pub(super) fn hashtags<'t>(names: impl Iterator<Item = &'t str>) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for key in names.filter_map(text::hashtag_key) {
        if keys.len() < text::MAX_HASHTAGS && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// An address that a browser may be sent to.
pub(super) fn address(url: &str) -> Option<String> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let is_plain = url
        .chars()
        .all(|letter| !letter.is_whitespace() && !letter.is_control());
    (is_web && is_plain && url.len() <= LONGEST_NAME).then(|| url.to_owned())
}
