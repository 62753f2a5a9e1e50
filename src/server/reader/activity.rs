//! A user's public actions as ActivityStreams 2.0.

use http::StatusCode;
use serde_json::{Value, json};

use super::absent;
use super::feed::{encoded, html, tweet_page};
use super::json::set;
use crate::server::answer::Problem;

/// What is asked for: one page of the user's feed, which holds what is public alone.
pub(super) const DOCUMENT: &str = "query($name: String!, $after: String) { owner: user(username: $name) {
    ...person feed { actions(first: 30, after: $after) {
        nodes { id verb description createdAt object { ...entity } target { ...entity } }
        pageInfo { hasNextPage endCursor } } } } }
  fragment person on User { username displayName bio avatarUrl url }
  fragment entity on Entity { __typename
    ... on User { ...person }
    ... on Tweet { id text createdAt editedAt url language author { username } hashtags { name } inReplyTo { id } }
    ... on Hashtag { name }
    ... on ExternalObject { id type key name url }
    ... on Tombstone { id formerType deletedAt } }";

/// Writes a page of actions, behind a cursor or from the newest on.
pub(super) fn render(site: &str, data: Value, after: Option<&str>) -> Result<String, Problem> {
    let owner = data.get("owner").filter(|owner| !owner.is_null()).ok_or_else(absent)?;
    let unread = || Problem::internal(StatusCode::INTERNAL_SERVER_ERROR);
    let actions = owner.pointer("/feed/actions").ok_or_else(unread)?;
    let nodes = actions.get("nodes").and_then(Value::as_array).ok_or_else(unread)?;
    let own = format!("{site}/user/{}", text(owner, "username"));
    let page = |cursor: &str| format!("{own}?after={}", encoded(cursor));
    let mut document = json!({
        "@context": "https://www.w3.org/ns/activitystreams",
        "id": after.map_or_else(|| own.clone(), page),
        "type": "OrderedCollectionPage",
        "partOf": own,
        "attributedTo": person(site, owner),
        "orderedItems": nodes.iter().map(|action| activity(site, &own, action)).collect::<Vec<_>>(),
    });
    let info = actions.get("pageInfo").unwrap_or(&Value::Null);
    if info.get("hasNextPage") == Some(&Value::Bool(true)) {
        set(&mut document, "next", Some(page(text(info, "endCursor"))));
    }
    Ok(document.to_string())
}

/// An action in the words of the vocabulary; a verb that it does not know keeps its own.
fn activity(site: &str, actor: &str, action: &Value) -> Value {
    let verb = text(action, "verb");
    let kind = match verb {
        "tweet" | "reply" => "Create",
        "retweet" => "Announce",
        "like" => "Like",
        "follow" => "Follow",
        _ => "Activity",
    };
    let mut activity = json!({
        "id": format!("{actor}#{}", text(action, "id")),
        "type": kind,
        "actor": actor,
        "published": text(action, "createdAt"),
        "to": "https://www.w3.org/ns/activitystreams#Public",
    });
    if kind == "Activity" {
        set(&mut activity, "name", Some(verb.to_owned()));
    }
    set(&mut activity, "summary", given(action, "description"));
    let parts = [("object", "object"), ("target", "target")];
    // What a reply answers stands in the reply itself.
    for (name, part) in parts
        .into_iter()
        .filter(|(name, _)| *name == "object" || kind != "Create")
    {
        let entity = action.get(part).filter(|entity| !entity.is_null());
        if let (Some(entity), Some(members)) = (entity, activity.as_object_mut()) {
            members.insert(name.to_owned(), object(site, entity));
        }
    }
    activity
}

fn object(site: &str, entity: &Value) -> Value {
    let id = text(entity, "id");
    match text(entity, "__typename") {
        "User" => person(site, entity),
        "Tweet" => note(site, entity),
        "Hashtag" => {
            let name = text(entity, "name");
            json!({ "type": "Object", "id": format!("{site}/hashtag/{}", encoded(name)), "name": format!("#{name}") })
        }
        "Tombstone" => json!({
            "type": "Tombstone", "formerType": text(entity, "formerType"), "deleted": text(entity, "deletedAt"),
        }),
        _ => {
            let mut object = json!({
                "type": "Object", "id": format!("urn:linnet:{}", encoded(id)), "name": text(entity, "name"),
            });
            set(&mut object, "url", given(entity, "url"));
            object
        }
    }
}

fn person(site: &str, user: &Value) -> Value {
    let own = format!("{site}/user/{}", text(user, "username"));
    let mut person = json!({
        "type": "Person", "id": own, "preferredUsername": text(user, "username"), "name": text(user, "displayName"),
    });
    set(&mut person, "summary", given(user, "bio").map(|bio| html(&bio)));
    set(&mut person, "url", given(user, "url"));
    set(&mut person, "icon", given(user, "avatarUrl"));
    person
}

fn note(site: &str, tweet: &Value) -> Value {
    let author = tweet.get("author").unwrap_or(&Value::Null);
    let page = tweet_page(site, text(tweet, "id"));
    let tags = tweet.get("hashtags").and_then(Value::as_array).into_iter().flatten();
    let tags = tags.map(|tag| {
        let name = text(tag, "name");
        json!({ "type": "Hashtag", "href": format!("{site}/hashtag/{}", encoded(name)), "name": format!("#{name}") })
    });
    let mut note = json!({
        "type": "Note", "id": page, "content": html(text(tweet, "text")), "published": text(tweet, "createdAt"),
        "attributedTo": format!("{site}/user/{}", text(author, "username")), "tag": tags.collect::<Vec<_>>(),
        "url": given(tweet, "url").unwrap_or_else(|| page.clone()),
        "to": "https://www.w3.org/ns/activitystreams#Public",
    });
    set(&mut note, "updated", given(tweet, "editedAt"));
    if let Some(language) = given(tweet, "language") {
        let content = json!({ language: html(text(tweet, "text")) });
        note.as_object_mut()
            .map(|members| members.insert("contentMap".to_owned(), content));
    }
    let parent = tweet.get("inReplyTo").filter(|parent| !parent.is_null());
    set(
        &mut note,
        "inReplyTo",
        parent.map(|parent| tweet_page(site, text(parent, "id"))),
    );
    note
}

fn text<'v>(object: &'v Value, name: &str) -> &'v str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A text that is there and not empty.
fn given(object: &Value, name: &str) -> Option<String> {
    Some(text(object, name))
        .filter(|text| !text.is_empty())
        .map(ToOwned::to_owned)
}
