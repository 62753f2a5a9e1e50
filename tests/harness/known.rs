//! What a client knows of a hashtag from its events alone.

use std::collections::BTreeMap;

use super::{Event, Linnet, Person, Stream};

/// A hashtag's tweets, ids and texts, as its stream told them.
pub struct Known {
    tag: &'static str,
    stream: Stream,
    cursor: String,
    tweets: BTreeMap<String, String>,
}

impl Known {
    /// Begins with a hashtag that has no tweet.
    pub async fn new(linnet: &Linnet, tag: &'static str) -> Self {
        let cursor = linnet.anybody().cursor().await;
        Self {
            tag,
            stream: linnet.stream_after(tag, &cursor).await,
            cursor,
            tweets: BTreeMap::new(),
        }
    }

    /// Comes back over another socket, behind the last event.
    pub async fn resume(&mut self, linnet: &Linnet) {
        self.stream = linnet.stream_after(self.tag, &self.cursor).await;
    }

    /// Takes events until this is what the hashtag holds.
    pub async fn catch_up(&mut self, reader: &Person) {
        let shown: BTreeMap<_, _> = reader.tagged(self.tag).await.into_iter().collect();
        while self.tweets != shown {
            let event = self.stream.next().await;
            self.fold(event);
        }
    }

    /// Takes events until the server goes.
    pub async fn listen(&mut self) {
        while let Some(event) = self.stream.try_next().await {
            self.fold(event);
        }
    }

    fn fold(&mut self, event: Event) {
        let old = match (event.kind.as_str(), event.text) {
            ("DELETED", None) => self.tweets.remove(&event.id),
            // Gone since: its DELETED is still to come.
            (_, None) => self.tweets.insert(event.id, String::new()),
            (_, Some(text)) => self.tweets.insert(event.id, text),
        };
        assert_eq!(old.is_none(), event.kind == "CREATED", "{}: {}", self.tag, event.kind);
        self.cursor = event.cursor;
    }
}
