//! RSS 2.0.

use jiff::{Timestamp, fmt::rfc2822};
use quick_xml::se::to_string;
use serde::Serialize;

use super::feed::{self, Feed, xml};

#[derive(Serialize)]
#[serde(rename = "rss")]
struct Rss {
    #[serde(rename = "@version")]
    version: &'static str,
    #[serde(rename = "@xmlns:atom")]
    atom: &'static str,
    #[serde(rename = "@xmlns:dc")]
    dublin_core: &'static str,
    channel: Channel,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Channel {
    title: String,
    link: String,
    description: String,
    #[serde(rename = "atom:link")]
    own: Own,
    generator: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_build_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Image>,
    item: Vec<Item>,
}

#[derive(Serialize)]
struct Own {
    #[serde(rename = "@href")]
    href: String,
    #[serde(rename = "@rel")]
    rel: &'static str,
    #[serde(rename = "@type")]
    media: &'static str,
}

#[derive(Serialize)]
struct Image {
    url: String,
    title: String,
    link: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    title: String,
    link: String,
    guid: Guid,
    pub_date: String,
    #[serde(rename = "dc:creator")]
    creator: String,
    #[serde(rename = "dc:language", skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    category: Vec<String>,
    description: String,
}

#[derive(Serialize)]
struct Guid {
    #[serde(rename = "@isPermaLink")]
    is_address: bool,
    #[serde(rename = "$text")]
    id: String,
}

/// Writes a feed.
pub(super) fn write(feed: &Feed) -> Result<String, String> {
    let rss = Rss {
        version: "2.0",
        atom: "http://www.w3.org/2005/Atom",
        dublin_core: "http://purl.org/dc/elements/1.1/",
        channel: Channel {
            title: xml(&feed.title),
            link: feed.page.clone(),
            description: xml(&feed.description),
            own: Own {
                href: format!("{}.rss", feed.own),
                rel: "self",
                media: "application/rss+xml",
            },
            generator: "Linnet",
            last_build_date: feed.updated().map(date).transpose()?,
            image: feed.image.as_ref().map(|image| Image {
                url: xml(image),
                title: xml(&feed.title),
                link: feed.page.clone(),
            }),
            item: feed.items.iter().map(item).collect::<Result<_, _>>()?,
        },
    };
    let body = to_string(&rss).map_err(|error| error.to_string())?;
    Ok(format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{body}"))
}

fn item(item: &feed::Item) -> Result<Item, String> {
    Ok(Item {
        title: xml(&item.title()),
        link: xml(&item.url),
        guid: Guid {
            is_address: false,
            id: item.page.clone(),
        },
        pub_date: date(item.published)?,
        creator: xml(&format!("{} (@{})", item.author.name, item.author.username)),
        language: item.language.clone(),
        category: item.hashtags.clone(),
        description: xml(&item.html()),
    })
}

fn date(time: Timestamp) -> Result<String, String> {
    let printer = rfc2822::DateTimePrinter::new();
    printer.timestamp_to_string(&time).map_err(|error| error.to_string())
}
