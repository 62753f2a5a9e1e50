//! Records of Bluesky's repositories as news.

use super::frame::{Commit, Malformed, Operation, is_did};
use crate::ingest::news::{Author, Item, News, Post, Repost, hashtags, stored};
use crate::model::{Micros, language, text};
use crate::store::bulk::tweet::Identity;
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::Arc;

/// What the network is called among sources.
pub(in crate::ingest) const SOURCE: &str = "bluesky";
pub(super) const POST: &str = "app.bsky.feed.post";
pub(super) const REPOST: &str = "app.bsky.feed.repost";

#[derive(Deserialize)]
struct Written<'r> {
    #[serde(borrow)]
    text: Cow<'r, str>,
    #[serde(rename = "createdAt", borrow)]
    created_at: Option<Cow<'r, str>>,
    #[serde(default)]
    facets: Vec<Facet>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    langs: Vec<String>,
    reply: Option<Reply>,
}

#[derive(Deserialize)]
struct Facet {
    index: Range,
    #[serde(default)]
    features: Vec<Feature>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Range {
    byte_start: i64,
    byte_end: i64,
}

#[derive(Deserialize)]
struct Feature {
    #[serde(rename = "$type")]
    kind: String,
    tag: Option<String>,
    did: Option<String>,
}

#[derive(Deserialize)]
struct Reply {
    parent: Subject,
}

#[derive(Deserialize)]
struct Subject {
    uri: String,
}

#[derive(Deserialize)]
struct Shared<'r> {
    subject: Subject,
    #[serde(rename = "createdAt", borrow)]
    created_at: Option<Cow<'r, str>>,
}

/// What a commit tells; nothing where nobody here needs to know. Whether a post is wanted is for
/// the caller to say.
pub(super) fn news(
    source: &Arc<str>,
    did: &str,
    seen_at: Micros,
    commit: Commit<'_>,
) -> Result<Option<News>, Malformed> {
    if commit.collection != POST && commit.collection != REPOST {
        return Ok(None);
    }
    let item = Item {
        source: Arc::clone(source),
        id: format!("at://{did}/{}/{}", commit.collection, commit.rkey),
    };
    let version = commit.rev;
    let record = match (commit.operation, commit.record) {
        (Operation::Delete, _) => return Ok(Some(News::Gone(item))),
        (_, Some(record)) => record,
        (_, None) => return Err(Malformed),
    };
    let identity = Identity {
        id: item.id.clone(),
        source: source.to_string(),
    };
    let at = |claimed: Option<&str>| claimed.and_then(Micros::parse).unwrap_or(seen_at);
    if commit.collection == REPOST {
        let shared: Shared = serde_json::from_str(record).map_err(|_| Malformed)?;
        return Ok(Some(News::Reposted(Box::new(Repost {
            of: post_item(source, &shared.subject.uri).ok_or(Malformed)?,
            author: author(did),
            created_at: at(shared.created_at.as_deref()),
            seen_at,
            identity,
            version,
            item,
        }))));
    }
    let written: Written = serde_json::from_str(record).map_err(|_| Malformed)?;
    let Some(text) = stored(&written.text) else {
        return Ok(None);
    };
    let facets = facets(&written.text, &written.facets);
    let tags = facets.iter().filter_map(|one| one.tag.as_deref());
    let mentions = facets.iter().filter_map(|one| one.did.as_deref());
    let mut mentioned: Vec<String> = Vec::new();
    for url in mentions.filter(|did| is_did(did)).map(profile) {
        if mentioned.len() < text::MAX_MENTIONS && !mentioned.contains(&url) {
            mentioned.push(url);
        }
    }
    let is_edit = commit.operation == Operation::Update;
    Ok(Some(News::Posted(Box::new(Post {
        url: format!("{}/post/{}", profile(did), commit.rkey),
        author: author(did),
        created_at: at(written.created_at.as_deref()),
        edited_at: is_edit.then_some(seen_at),
        seen_at,
        in_reply_to: written.reply.and_then(|reply| post_item(source, &reply.parent.uri)),
        language: written.langs.iter().find_map(|name| language::tag(name)),
        hashtags: hashtags(tags.chain(written.tags.iter().map(String::as_str))),
        mentions: mentioned,
        is_wanted: false,
        text,
        identity,
        version,
        item,
    }))))
}

/// The features of a text in its order. Offsets come from clients: those that are beside the text,
/// or within a letter, name nothing.
fn facets<'f>(text: &str, facets: &'f [Facet]) -> Vec<&'f Feature> {
    let within = |facet: &Facet| {
        let start = usize::try_from(facet.index.byte_start).ok();
        let end = usize::try_from(facet.index.byte_end).ok();
        start
            .zip(end)
            .is_some_and(|(start, end)| start < end && text.get(start..end).is_some())
    };
    let mut kept: Vec<&Facet> = facets.iter().filter(|facet| within(facet)).collect();
    kept.sort_by_key(|facet| facet.index.byte_start);
    let features = kept.into_iter().flat_map(|facet| &facet.features);
    features
        .filter(|one| one.kind.ends_with("#tag") || one.kind.ends_with("#mention"))
        .collect()
}

/// The post at an address, if it is one's.
fn post_item(source: &Arc<str>, uri: &str) -> Option<Item> {
    let (did, rest) = uri.strip_prefix("at://")?.split_once('/')?;
    (is_did(did) && rest.starts_with(POST)).then(|| Item {
        source: Arc::clone(source),
        id: uri.to_owned(),
    })
}

/// Where profiles are.
const PROFILES: &str = "https://bsky.app/profile/";

/// The address of a profile.
pub(in crate::ingest) fn profile(did: &str) -> String {
    format!("{PROFILES}{did}")
}

/// Whose profile an address is; nobody's of another network.
pub(in crate::ingest) fn did_of(profile: &str) -> Option<&str> {
    profile.strip_prefix(PROFILES)
}

/// An account of which nothing but its DID is known.
pub(in crate::ingest) fn author(did: &str) -> Author {
    Author {
        url: profile(did),
        name: did.to_owned(),
        handle: None,
        display_name: None,
        bio: None,
        avatar_url: None,
    }
}
