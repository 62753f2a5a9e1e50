//! Mastodon's statuses as news.

use crate::ingest::html;
use crate::ingest::news::{Author, Item, News, Post, Repost, address, hashtags, line, stored};
use crate::model::user::{AVATAR_URL_LENGTH, BIO_LENGTH, DISPLAY_NAME_LENGTH};
use crate::model::{Micros, language, text};
use crate::store::bulk::tweet::Identity;
use serde::Deserialize;
use std::sync::Arc;

/// What the network is called among sources.
const SOURCE: &str = "mastodon";

/// A status that can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A status, as far as it is of use here.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub id: String,
    uri: String,
    url: Option<String>,
    created_at: String,
    edited_at: Option<String>,
    visibility: String,
    #[serde(default)]
    spoiler_text: String,
    content: String,
    language: Option<String>,
    in_reply_to_id: Option<String>,
    reblog: Option<Box<Status>>,
    account: Account,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    mentions: Vec<Mention>,
}

/// An account, as far as it is of use here.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    #[serde(default)]
    id: String,
    username: String,
    acct: String,
    url: String,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    note: String,
    avatar: Option<String>,
}

impl Account {
    /// What the server calls it, and who it is.
    pub(super) fn identity(self) -> Option<(String, Author)> {
        let author = author(&self)?;
        is_id(&self.id).then_some((self.id, author))
    }
}

/// Whether a server may have given this id.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.chars().all(|letter| letter.is_ascii_alphanumeric())
}

#[derive(Debug, Deserialize)]
struct Tag {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Mention {
    url: String,
}

/// What a status tells: a post, or somebody's boost of one. Nothing of what is not public.
pub(super) fn news(
    source: &Arc<str>,
    status: Status,
    is_wanted: impl Fn(&[String]) -> bool,
) -> Result<Option<News>, Malformed> {
    if !["public", "unlisted"].contains(&status.visibility.as_str()) {
        return Ok(None);
    }
    let item = |id: &str| Item {
        source: Arc::clone(source),
        id: id.to_owned(),
    };
    let identity = Identity {
        id: address(&status.uri).ok_or(Malformed)?,
        source: SOURCE.to_owned(),
    };
    let created_at = Micros::parse(&status.created_at).ok_or(Malformed)?;
    let edited_at = status.edited_at.as_deref().and_then(Micros::parse);
    let version = status.edited_at.unwrap_or_default();
    let author = author(&status.account).ok_or(Malformed)?;
    if let Some(boosted) = status.reblog {
        return Ok(Some(News::Reposted(Box::new(Repost {
            item: item(&status.id),
            of: item(&boosted.id),
            identity,
            version,
            author,
            created_at,
            seen_at: created_at,
        }))));
    }
    let Some(text) = stored(&with_warning(&status.spoiler_text, &status.content)) else {
        return Ok(None);
    };
    let hashtags = hashtags(status.tags.iter().map(|tag| tag.name.as_str()));
    let url = status.url.as_deref().and_then(address);
    let mut mentions: Vec<String> = Vec::new();
    for url in status.mentions.iter().filter_map(|one| address(&one.url)) {
        if mentions.len() < text::MAX_MENTIONS && !mentions.contains(&url) {
            mentions.push(url);
        }
    }
    Ok(Some(News::Posted(Box::new(Post {
        item: item(&status.id),
        url: url.unwrap_or_else(|| identity.id.clone()),
        language: status.language.as_deref().and_then(language::tag),
        is_wanted: is_wanted(&hashtags),
        in_reply_to: status.in_reply_to_id.as_deref().map(item),
        seen_at: created_at,
        identity,
        version,
        author,
        text,
        created_at,
        edited_at,
        hashtags,
        mentions,
    }))))
}

/// What its author warns of stands before a text.
fn with_warning(warning: &str, content: &str) -> String {
    let content = html::to_text(content);
    match warning.trim() {
        "" => content,
        warning => format!("{warning}\n\n{content}"),
    }
}

/// Who an account is. A server leaves its own name out of those of its own accounts.
fn author(account: &Account) -> Option<Author> {
    let url = address(&account.url)?;
    let host = url.split('/').nth(2)?;
    let name = match account.acct.contains('@') {
        true => format!("@{}", account.acct),
        false => format!("@{}@{host}", account.acct),
    };
    Some(Author {
        handle: line(&name, BIO_LENGTH),
        display_name: line(&account.display_name, DISPLAY_NAME_LENGTH)
            .or_else(|| line(&account.username, DISPLAY_NAME_LENGTH)),
        bio: Some(line(&html::to_text(&account.note), BIO_LENGTH).unwrap_or_default()),
        avatar_url: account
            .avatar
            .as_deref()
            .and_then(address)
            .filter(|url| url.len() <= AVATAR_URL_LENGTH),
        name,
        url,
    })
}
