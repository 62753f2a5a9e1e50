//! JSON Feed 1.1.

use serde_json::{Value, json};

use super::feed::{Author, Feed, Item};

/// Writes a feed.
pub(super) fn write(feed: &Feed) -> Result<String, String> {
    let mut document = json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "description": feed.description,
        "home_page_url": feed.page,
        "feed_url": format!("{}.json", feed.own),
        "items": feed.items.iter().map(item).collect::<Vec<_>>(),
    });
    set(&mut document, "icon", feed.image.clone());
    Ok(document.to_string())
}

fn item(item: &Item) -> Value {
    let mut value = json!({
        "id": item.page,
        "url": item.url,
        "content_text": item.text,
        "date_published": item.published.to_string(),
        "authors": [author(&item.author)],
        "tags": item.hashtags,
    });
    set(
        &mut value,
        "date_modified",
        item.edited.map(|edited| edited.to_string()),
    );
    set(&mut value, "language", item.language.clone());
    value
}

fn author(author: &Author) -> Value {
    let mut value = json!({ "name": author.name, "url": author.page });
    set(&mut value, "avatar", author.image.clone());
    value
}

/// Sets what is there: nothing in a feed is null.
pub(super) fn set(object: &mut Value, name: &str, value: Option<String>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(name.to_owned(), value.into());
    }
}
