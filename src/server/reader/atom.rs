//! Atom 1.0.

use jiff::Timestamp;
use quick_xml::se::to_string;
use serde::Serialize;

use super::feed::{self, xml};

#[derive(Serialize)]
#[serde(rename = "feed")]
struct Feed {
    #[serde(rename = "@xmlns")]
    namespace: &'static str,
    #[serde(rename = "@xmlns:thr")]
    threads: &'static str,
    id: String,
    title: String,
    subtitle: String,
    updated: String,
    link: Vec<Link>,
    generator: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo: Option<String>,
    author: Author,
    entry: Vec<Entry>,
}

#[derive(Serialize)]
struct Link {
    #[serde(rename = "@rel")]
    rel: &'static str,
    #[serde(rename = "@type")]
    media: &'static str,
    #[serde(rename = "@href")]
    href: String,
}

#[derive(Serialize)]
struct Author {
    name: String,
    uri: String,
}

#[derive(Serialize)]
struct Entry {
    #[serde(rename = "@xml:lang", skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    id: String,
    title: String,
    published: String,
    updated: String,
    link: Link,
    author: Author,
    category: Vec<Category>,
    #[serde(rename = "thr:in-reply-to", skip_serializing_if = "Option::is_none")]
    in_reply_to: Option<Answered>,
    content: Content,
}

#[derive(Serialize)]
struct Category {
    #[serde(rename = "@term")]
    term: String,
}

#[derive(Serialize)]
struct Answered {
    #[serde(rename = "@ref")]
    id: String,
    #[serde(rename = "@href")]
    href: String,
}

#[derive(Serialize)]
struct Content {
    #[serde(rename = "@type")]
    media: &'static str,
    #[serde(rename = "$text")]
    html: String,
}

/// Writes a feed.
pub(super) fn write(feed: &feed::Feed) -> Result<String, String> {
    let own = format!("{}.atom", feed.own);
    let atom = Feed {
        namespace: "http://www.w3.org/2005/Atom",
        threads: "http://purl.org/syndication/thread/1.0",
        id: own.clone(),
        title: xml(&feed.title),
        subtitle: xml(&feed.description),
        updated: feed.updated().unwrap_or(Timestamp::UNIX_EPOCH).to_string(),
        link: vec![
            link("self", "application/atom+xml", own),
            link("alternate", "text/html", feed.page.clone()),
        ],
        generator: "Linnet",
        logo: feed.image.as_deref().map(xml),
        author: Author {
            name: xml(&feed.title),
            uri: feed.page.clone(),
        },
        entry: feed.items.iter().map(entry).collect(),
    };
    let body = to_string(&atom).map_err(|error| error.to_string())?;
    Ok(format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{body}"))
}

fn entry(item: &feed::Item) -> Entry {
    Entry {
        language: item.language.clone(),
        id: item.page.clone(),
        title: xml(&item.title()),
        published: item.published.to_string(),
        updated: item.updated().to_string(),
        link: link("alternate", "text/html", xml(&item.url)),
        author: Author {
            name: xml(&format!("{} (@{})", item.author.name, item.author.username)),
            uri: item.author.page.clone(),
        },
        category: item
            .hashtags
            .iter()
            .map(|term| Category { term: term.clone() })
            .collect(),
        in_reply_to: item.in_reply_to.as_ref().map(|parent| Answered {
            id: xml(parent),
            href: xml(parent),
        }),
        content: Content {
            media: "html",
            html: xml(&item.html()),
        },
    }
}

fn link(rel: &'static str, media: &'static str, href: String) -> Link {
    Link { rel, media, href }
}
