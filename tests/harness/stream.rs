//! One hashtag's stream over a socket of its own.

use serde_json::{Value, json};

use super::{Linnet, Socket};

const QUERY: &str = "subscription($hashtag: String!, $after: String, $retweets: Boolean! = false) {
    hashtagStream(hashtag: $hashtag, after: $after, includeRetweets: $retweets) {
        kind tweetId cursor tweet { id text } retweetedBy { username } hashtag { name tweetCount }
    }
}";

/// An open subscription to `hashtagStream`.
pub struct Stream {
    socket: Socket,
}

/// An event, as a client sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub kind: String,
    pub id: String,
    pub cursor: String,
    pub text: Option<String>,
    pub retweeted_by: Option<String>,
    /// The hashtag's count of tweets, if it exists.
    pub count: Option<i64>,
}

impl Event {
    /// What is mostly compared: kind, id and text.
    pub fn seen(&self) -> (&str, &str, Option<&str>) {
        (&self.kind, &self.id, self.text.as_deref())
    }
}

impl Linnet {
    /// A stream from now on.
    pub async fn stream(&self, hashtag: &str) -> Stream {
        self.stream_with(json!({ "hashtag": hashtag })).await
    }

    /// A stream with what has happened since a cursor.
    pub async fn stream_after(&self, hashtag: &str, after: &str) -> Stream {
        self.stream_with(json!({ "hashtag": hashtag, "after": after })).await
    }

    /// A stream with any arguments.
    pub async fn stream_with(&self, variables: Value) -> Stream {
        let mut socket = self.websocket(None).await;
        let live = variables.get("after").is_none();
        let payload = json!({ "query": QUERY, "variables": variables });
        socket
            .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
            .await;
        if live {
            // Nothing that comes after the answer is missed.
            socket.quiet().await;
        }
        Stream { socket }
    }
}

impl Stream {
    /// The next event.
    pub async fn next(&mut self) -> Event {
        let message = self.socket.hear().await;
        event(&message).unwrap_or_else(|| panic!("expected an event, not {message}"))
    }

    /// The next events.
    pub async fn take(&mut self, number: usize) -> Vec<Event> {
        let mut events = Vec::with_capacity(number);
        for _ in 0..number {
            events.push(self.next().await);
        }
        events
    }

    /// The next event, or nothing when the server has gone.
    pub async fn try_next(&mut self) -> Option<Event> {
        let message = self.socket.try_hear().await?;
        Some(event(&message).unwrap_or_else(|| panic!("expected an event, not {message}")))
    }

    /// What the stream begins with: an event, or the extensions of the error that refuses it.
    pub async fn begin(&mut self) -> Result<Event, Value> {
        let message = self.socket.hear().await;
        match event(&message) {
            Some(event) => Ok(event),
            None if message["type"] == "error" => Err(message["payload"][0]["extensions"].clone()),
            None => panic!("expected an event or an error, not {message}"),
        }
    }

    /// The extensions of the error that refuses the stream.
    pub async fn refused(&mut self) -> Value {
        self.begin().await.expect_err("the stream should be refused")
    }

    /// The code with which the server closes the socket, after what else it sends.
    pub async fn closed(mut self) -> u16 {
        self.socket.closed_at_last().await
    }
}

fn event(message: &Value) -> Option<Event> {
    let event = message["payload"]["data"].get("hashtagStream")?;
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    Some(Event {
        kind: text(&event["kind"])?,
        id: text(&event["tweetId"])?,
        cursor: text(&event["cursor"])?,
        text: text(&event["tweet"]["text"]),
        retweeted_by: text(&event["retweetedBy"]["username"]),
        count: event["hashtag"]["tweetCount"].as_i64(),
    })
}
