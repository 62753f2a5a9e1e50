//! Posted text: its form, its length, and the hashtags, mentions and URLs in it.
//!
//! The rules are those of [twitter-text] 3 and its conformance suite. Every function here is linear
//! in the text, whatever the text holds: nothing backtracks.
//!
//! [twitter-text]: https://github.com/twitter/twitter-text

mod emoji;
mod hashtag;
mod length;
mod mention;
mod tld;
mod url;

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};

pub use hashtag::hashtag_key;
pub use length::{Invalid, is_valid_post, verdict, weighted_length};
pub use mention::is_username;

/// The most hashtags counted in one text, repetitions aside; later ones are not stored.
pub const MAX_HASHTAGS: usize = 30;

/// The most mentions counted in one text, repetitions aside; later ones are not stored.
pub const MAX_MENTIONS: usize = 50;

/// A hashtag, a mention or a URL, and where it stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entity<'a> {
    /// The name as written, without `#` or `@`; for a URL all of it.
    pub name: &'a str,
    /// Where it begins, its `#` or `@` included, in code points.
    pub start: usize,
    /// Where it ends, exclusive, in code points.
    pub end: usize,
}

/// The names a text is found under.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// [Keys](hashtag_key) of the hashtags in order of first appearance, each once, at most
    /// [`MAX_HASHTAGS`].
    pub hashtags: Vec<String>,
    /// Lower-case usernames mentioned in order of first appearance, each once, at most
    /// [`MAX_MENTIONS`].
    pub mentions: Vec<String>,
}

/// The text in Unicode NFC, the form in which texts are stored, searched and measured.
pub fn normalize(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// A text by which others are compared where case does not matter: lower case, with one small sigma
/// wherever it stands in a word.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_lowercase().replace('ς', "σ")
}

/// The hashtags and mentions to store with a text, which should be [normalized](normalize).
pub fn parse(text: &str) -> Parsed {
    let (hashtags, mentions) = (hashtag::spans(text), mention::spans(text));
    if hashtags.is_empty() && mentions.is_empty() {
        return Parsed::default();
    }
    let urls = url::spans(text);
    let names = |spans: Vec<Span>| outside(&urls, spans).into_iter().map(|span| span.name(text));
    Parsed {
        hashtags: distinct(names(hashtags).filter_map(hashtag_key), MAX_HASHTAGS),
        mentions: distinct(names(mentions).map(str::to_ascii_lowercase), MAX_MENTIONS),
    }
}

/// The hashtags of a text, except those inside its URLs.
pub fn hashtags(text: &str) -> Vec<Entity<'_>> {
    entities(text, outside(&url::spans(text), hashtag::spans(text)))
}

/// The users mentioned in a text, except those inside its URLs. Of a list (`@user/list`) the user
/// counts as mentioned.
pub fn mentions(text: &str) -> Vec<Entity<'_>> {
    entities(text, outside(&url::spans(text), mention::spans(text)))
}

/// The URLs of a text, with `http://` or `https://` or without.
pub fn urls(text: &str) -> Vec<Entity<'_>> {
    entities(text, url::spans(text))
}

/// Where an entity stands, in bytes.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    /// Where its name begins: after the `#` or `@`.
    name: usize,
    end: usize,
}

impl Span {
    fn name(self, text: &str) -> &str {
        text.get(self.name..self.end).unwrap_or_default()
    }
}

/// Of the spans those that overlap no URL. As in twitter-text the entity that begins first wins: a
/// URL that begins inside a hashtag hides nothing.
fn outside(urls: &[Span], mut spans: Vec<Span>) -> Vec<Span> {
    let mut urls = urls.iter().peekable();
    let mut free = 0;
    spans.retain(|span| {
        while let Some(url) = urls.next_if(|url| url.start < span.start) {
            if url.start >= free {
                free = url.end;
            }
        }
        let kept = span.start >= free;
        if kept {
            free = span.end;
        }
        kept
    });
    spans
}

fn entities(text: &str, spans: Vec<Span>) -> Vec<Entity<'_>> {
    let (mut byte, mut point) = (0, 0);
    let mut points_to = |next: usize| {
        point += text.get(byte..next).unwrap_or_default().chars().count();
        byte = next;
        point
    };
    spans
        .into_iter()
        .map(|span| Entity {
            name: span.name(text),
            start: points_to(span.start),
            end: points_to(span.end),
        })
        .collect()
}

/// The first `limit` different names. Linear because `limit` is small.
fn distinct(names: impl Iterator<Item = String>, limit: usize) -> Vec<String> {
    let mut kept = Vec::new();
    for name in names {
        if kept.len() == limit {
            break;
        }
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}

/// The next `#` or `@`, in its ASCII or its full-width form, at or after `from`: where it begins and
/// ends, in bytes.
fn next_sigil(text: &str, from: usize, sigils: [char; 2]) -> Option<(usize, usize)> {
    let (offset, sigil) = tail(text, from).match_indices(sigils).next()?;
    Some((from + offset, from + offset + sigil.len()))
}

fn tail(text: &str, from: usize) -> &str {
    text.get(from..).unwrap_or_default()
}

fn char_at(text: &str, at: usize) -> Option<char> {
    tail(text, at).chars().next()
}

fn char_before(text: &str, at: usize) -> Option<char> {
    text.get(..at)?.chars().next_back()
}
