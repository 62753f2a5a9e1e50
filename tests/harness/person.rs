//! Somebody who writes and reads over one connection, and takes answers only as the contract
//! words them.

use std::time::Duration;

use reqwest::Client;
use serde_json::{Value, json};

use super::{Linnet, soon};

/// An account with its token, or an anonymous reader. Clones share their connections.
#[derive(Clone)]
pub struct Person {
    client: Client,
    url: String,
    pub token: Option<String>,
}

impl Linnet {
    /// Somebody with a new account.
    pub async fn person(&self, username: &str) -> Person {
        self.bearer(&self.sign_up(username).await)
    }

    /// Somebody with a token.
    pub fn bearer(&self, token: &str) -> Person {
        Person {
            token: Some(token.to_owned()),
            ..self.anybody()
        }
    }

    /// Somebody without an account.
    pub fn anybody(&self) -> Person {
        Person {
            client: Client::builder().timeout(Duration::from_secs(15)).build().unwrap(),
            url: format!("{}/graphql", self.url()),
            token: None,
        }
    }
}

impl Person {
    /// The same person at a server that was started again.
    pub fn at(&self, linnet: &Linnet) -> Self {
        Self {
            token: self.token.clone(),
            ..linnet.anybody()
        }
    }

    /// The whole answer, or nothing when the server went away meanwhile.
    pub async fn try_ask(&self, query: &str, variables: Value) -> Option<Value> {
        let body = json!({ "query": query, "variables": variables });
        let mut request = self.client.post(&self.url).json(&body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        request.send().await.ok()?.json().await.ok()
    }

    /// The data of an answer without errors.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        let answer = soon("an answer", self.try_ask(query, variables)).await;
        let mut answer = answer.unwrap_or_else(|| panic!("no answer to {query}"));
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
        answer["data"].take()
    }

    /// What a mutation of the form `name(input: ...)` gives, or the answer's error.
    pub async fn try_write(&self, name: &str, input: Value) -> Option<Result<Value, Value>> {
        let mut answer = self.try_ask(&mutation(name), json!({ "input": input })).await?;
        Some(match answer.get_mut("errors") {
            Some(errors) => Err(errors[0].take()),
            None => Ok(answer["data"][name].take()),
        })
    }

    /// What a mutation gives that must succeed.
    pub async fn write(&self, name: &str, input: Value) -> Value {
        let answer = soon(name, self.try_write(name, input.clone())).await;
        let answer = answer.unwrap_or_else(|| panic!("no answer to {name}({input})"));
        answer.unwrap_or_else(|error| panic!("{name}({input}): {error}"))
    }

    /// Posts and gives the tweet's id.
    pub async fn post(&self, text: &str) -> String {
        id(&self.write("postTweet", json!({ "text": text })).await["tweet"])
    }

    pub async fn edit(&self, id: &str, text: &str) {
        let payload = self.write("editTweet", json!({ "id": id, "text": text })).await;
        assert_eq!(payload["tweet"]["text"], text);
    }

    pub async fn delete(&self, id: &str) {
        self.write("deleteTweet", json!({ "id": id })).await;
    }

    pub async fn retweet(&self, id: &str) {
        self.write("retweet", json!({ "id": id })).await;
    }

    pub async fn like(&self, id: &str) {
        self.write("likeTweet", json!({ "id": id })).await;
    }

    /// Where the event log stands.
    pub async fn cursor(&self) -> String {
        let data = self.ask("{ eventCursor }", json!({})).await;
        data["eventCursor"].as_str().unwrap().to_owned()
    }

    /// All tweets of a hashtag, newest first: ids and texts.
    pub async fn tagged(&self, tag: &str) -> Vec<(String, String)> {
        let tweets = self.all("hashtag(name: $key) { list: tweets", tag, "id text").await;
        let text = |tweet: &Value| tweet["text"].as_str().unwrap().to_owned();
        tweets.iter().map(|tweet| (id(tweet), text(tweet))).collect()
    }

    /// All nodes of a list, page by page. `list` is a field that takes `$key` with a connection
    /// under the alias `list`; its last parenthesis may be open.
    pub async fn all(&self, list: &str, key: &str, selection: &str) -> Vec<Value> {
        let opening = if list.ends_with(',') { "" } else { "(" };
        let query = format!(
            "query($key: String!, $after: String) {{ owner: {list}{opening} first: 100, after: $after) {{
                nodes {{ {selection} }} pageInfo {{ hasNextPage endCursor }}
            }} }} }}"
        );
        let (mut nodes, mut after) = (Vec::new(), Value::Null);
        loop {
            let mut data = self.ask(&query, json!({ "key": key, "after": after })).await;
            let page = data["owner"]["list"].take();
            nodes.extend(page["nodes"].as_array().into_iter().flatten().cloned());
            if page["pageInfo"]["hasNextPage"] != true {
                return nodes;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }
}

/// The global id of an object.
pub fn id(object: &Value) -> String {
    object["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id: {object}"))
        .to_owned()
}

fn mutation(name: &str) -> String {
    const TWEET: &str = "{ tweet { id text likeCount retweetCount replyCount } }";
    let (input, selection) = match name {
        "postTweet" => ("PostTweetInput", TWEET),
        "editTweet" => ("EditTweetInput", TWEET),
        "deleteTweet" => ("DeleteTweetInput", "{ deletedId }"),
        "likeTweet" | "unlikeTweet" | "retweet" | "undoRetweet" => ("TweetRefInput", TWEET),
        "follow" => ("FollowInput", "{ target { ... on Node { id } } }"),
        "unfollow" => ("UnfollowInput", "{ target { ... on Node { id } } }"),
        "updateProfile" => ("UpdateProfileInput", "{ user { id } }"),
        "deleteAccount" => ("DeleteAccountInput", ""),
        other => panic!("no words for {other}"),
    };
    format!("mutation($input: {input}!) {{ {name}(input: $input) {selection} }}")
}
