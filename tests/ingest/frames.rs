//! Frames as sources send them.

use serde_json::{Value, json};

use super::fake::Frame;

/// When the first frame is from: some minutes ago, so that no cursor lies ahead.
pub fn begin() -> i64 {
    linnet::model::Clock.now().0 - 600_000_000
}

fn time(micros: i64) -> String {
    let time = jiff::Timestamp::from_microsecond(micros).unwrap();
    format!("{time:.3}")
}

/// A DID by a letter.
pub fn did(name: &str) -> String {
    format!("did:plc:{name:a>24}")
}

/// The address of a post.
pub fn at(name: &str, rkey: &str) -> String {
    format!("at://{}/app.bsky.feed.post/{rkey}", did(name))
}

/// A post's record.
pub fn post(text: &str, micros: i64) -> Value {
    let mut facets = Vec::new();
    for (start, _) in text.match_indices('#') {
        let tag: String = text[start + 1..]
            .chars()
            .take_while(|letter| letter.is_alphanumeric())
            .collect();
        facets.push(json!({
            "index": { "byteStart": start, "byteEnd": start + 1 + tag.len() },
            "features": [{ "$type": "app.bsky.richtext.facet#tag", "tag": tag }],
        }));
    }
    json!({ "$type": "app.bsky.feed.post", "text": text, "createdAt": time(micros), "langs": ["en"], "facets": facets })
}

/// A repost's record.
pub fn repost(of: &str, micros: i64) -> Value {
    json!({ "$type": "app.bsky.feed.repost", "createdAt": time(micros), "subject": { "uri": of, "cid": "c" } })
}

/// What happened in a repository.
#[derive(Clone)]
pub struct Commit<'c> {
    pub name: &'c str,
    pub operation: &'c str,
    pub collection: &'c str,
    pub rkey: &'c str,
    /// Orders what happens to a record.
    pub rev: usize,
    pub record: Option<Value>,
}

impl Commit<'_> {
    fn rev(&self) -> String {
        format!("{:0>13}", format!("3m{}", self.rev))
    }

    /// As the first version of Jetstream sends it.
    pub fn frame(&self, micros: i64) -> Frame {
        let mut commit = json!({
            "rev": self.rev(), "operation": self.operation, "collection": self.collection, "rkey": self.rkey,
        });
        if let Some(record) = &self.record {
            commit["record"] = record.clone();
            commit["cid"] = "c".into();
        }
        let frame = json!({ "did": did(self.name), "time_us": micros, "kind": "commit", "commit": commit });
        (micros, frame.to_string())
    }

    /// As the second version sends it, under a number.
    pub fn second(&self, seq: i64, micros: i64) -> Frame {
        let payload = json!({
            "$type": "network.bsky.jetstream.subscribeEvents#commit", "seq": seq, "did": did(self.name),
            "time": format!("{:.6}", jiff::Timestamp::from_microsecond(micros).unwrap()), "rev": self.rev(),
            "operation": self.operation, "collection": self.collection, "rkey": self.rkey, "cid": "c",
            "record": self.record,
        });
        (seq, json!({ "$type": "message", "payload": payload }).to_string())
    }
}

/// Somebody posts.
pub fn posts(name: &str, rkey: &str, text: &str, micros: i64) -> Frame {
    change(name, "create", rkey, 1, Some(post(text, micros))).frame(micros)
}

/// What happens to a post.
pub fn change<'c>(name: &'c str, operation: &'c str, rkey: &'c str, rev: usize, record: Option<Value>) -> Commit<'c> {
    Commit {
        name,
        operation,
        collection: "app.bsky.feed.post",
        rkey,
        rev,
        record,
    }
}

/// An account has another handle.
pub fn identity(name: &str, handle: &str, micros: i64) -> Frame {
    let frame = json!({
        "did": did(name), "time_us": micros, "kind": "identity",
        "identity": { "did": did(name), "handle": handle, "seq": 1, "time": time(micros) },
    });
    (micros, frame.to_string())
}

/// An account is no longer active.
pub fn ended(name: &str, status: &str, micros: i64) -> Frame {
    let frame = json!({
        "did": did(name), "time_us": micros, "kind": "account",
        "account": { "active": false, "status": status, "did": did(name), "seq": 1, "time": time(micros) },
    });
    (micros, frame.to_string())
}

/// A status of Mastodon, by an account of the server itself or, with `@`, of another.
pub fn status(id: u64, acct: &str, content: &str, tags: &[&str]) -> Value {
    let (user, host) = acct.split_once('@').unwrap_or((acct, "example.social"));
    let tags: Vec<Value> = tags
        .iter()
        .map(|tag| json!({ "name": tag, "url": "https://x" }))
        .collect();
    json!({
        "id": id.to_string(), "uri": format!("https://{host}/users/{user}/statuses/{id}"),
        "url": format!("https://{host}/@{user}/{id}"), "created_at": time(begin() + id as i64 * 1_000),
        "edited_at": null, "visibility": "public", "language": "en", "spoiler_text": "", "content": content,
        "in_reply_to_id": null, "reblog": null, "tags": tags, "mentions": [],
        "account": {
            "id": "1", "username": user, "acct": acct, "url": format!("https://{host}/@{user}"),
            "display_name": format!("{user} of {host}"), "note": "<p>I walk <b>funny</b></p>",
            "avatar": format!("https://{host}/{user}.png"),
        },
    })
}
