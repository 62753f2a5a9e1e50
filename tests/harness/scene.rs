//! What people do in a scene, in a word each.

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::{Linnet, until};

/// Somebody with an account.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub name: String,
    pub token: String,
}

/// Nobody in particular.
pub struct Nobody;

/// Who asks.
pub trait Asker {
    fn token(&self) -> Option<&str>;
}

impl Asker for &Person {
    fn token(&self) -> Option<&str> {
        Some(&self.token)
    }
}

impl Asker for Nobody {
    fn token(&self) -> Option<&str> {
        None
    }
}

/// Who has this token.
impl Asker for &str {
    fn token(&self) -> Option<&str> {
        Some(self)
    }
}

/// The password of everybody in every scene.
pub const PASSWORD: &str = "correct horse";

impl Linnet {
    /// Somebody signs up.
    pub async fn join(&self, name: &str) -> Person {
        let input = json!({ "username": name, "password": PASSWORD });
        person(&self.act(Nobody, "signUp", input).await)
    }

    /// Somebody signs up and becomes a moderator.
    pub async fn moderator(&self, name: &str) -> Person {
        let person = self.join(name).await;
        let promoted = self.command(&["user", "promote", name]).await;
        assert!(promoted.status.success(), "{promoted:?}");
        person
    }

    /// Makes or replaces a wall, and waits until it has what belongs.
    pub async fn wall(&self, by: &Person, slug: &str, rules: Value) -> Value {
        let mut input = json!({ "slug": slug, "title": format!("The wall {slug}") });
        input
            .as_object_mut()
            .unwrap()
            .extend(rules.as_object().unwrap().clone());
        let wall = self.act(by, "putWall", input).await["wall"].take();
        let query = format!("{{ wall(slug: \"{slug}\") {{ isComplete }} }}");
        until("the wall's tweets", || async {
            self.ask(Nobody, &query).await["wall"]["isComplete"] == true
        })
        .await;
        wall
    }

    /// The token of a new service.
    pub async fn service(&self, name: &str) -> String {
        let printed = self.command(&["token", "create", "--service", name]).await;
        assert!(printed.status.success(), "{printed:?}");
        String::from_utf8(printed.stdout).unwrap().trim().to_owned()
    }

    /// The data of an answer without errors.
    pub async fn ask(&self, who: impl Asker, query: &str) -> Value {
        self.ask_with(who, query, json!({})).await
    }

    /// The data of an answer without errors, to a query with variables.
    pub async fn ask_with(&self, who: impl Asker, query: &str, variables: Value) -> Value {
        let answer = self.graphql(query, variables, who.token()).await;
        assert_eq!(answer.get("errors"), None, "{query}: {answer}");
        answer["data"].clone()
    }

    /// The whole answer to a mutation that has one input.
    pub async fn attempt(&self, who: impl Asker, mutation: &str, input: Value) -> Value {
        let (ty, selection) = match mutation {
            "signUp" => ("SignUpInput", "{ token expiresAt user { id username displayName } }"),
            "logIn" => ("LogInInput", "{ token expiresAt user { id username displayName } }"),
            "updateProfile" => (
                "UpdateProfileInput",
                "{ user { id username displayName bio avatarUrl } }",
            ),
            "changePassword" => ("ChangePasswordInput", ""),
            "deleteAccount" => ("DeleteAccountInput", ""),
            "postTweet" => ("PostTweetInput", "{ tweet { id text } }"),
            "editTweet" => ("EditTweetInput", "{ tweet { id text editedAt } }"),
            "deleteTweet" => ("DeleteTweetInput", "{ deletedId }"),
            "follow" => (
                "FollowInput",
                "{ target { __typename ... on Node { id } } viewer { id followingCount } }",
            ),
            "unfollow" => (
                "UnfollowInput",
                "{ target { __typename ... on Node { id } } viewer { id followingCount } }",
            ),
            "addAction" => (
                "AddActionInput",
                "{ action { id verb public createdAt description data actor { ...entity } object { ...entity }
                    target { ...entity } } }",
            ),
            "removeAction" => ("RemoveActionInput", ""),
            "putWall" => (
                "PutWallInput",
                "{ wall { id slug title keywords hashtags { name } accounts { username handle url tweetCount } tweetCount } }",
            ),
            _ => (
                "TweetRefInput",
                "{ tweet { id likeCount retweetCount viewerHasLiked viewerHasRetweeted } }",
            ),
        };
        let entity =
            "fragment entity on Entity { __typename ... on Node { id } ... on ExternalObject { name url data } }";
        let entity = if selection.contains("...entity") { entity } else { "" };
        let query = format!("mutation($input: {ty}!) {{ {mutation}(input: $input) {selection} }} {entity}");
        self.graphql(&query, json!({ "input": input }), who.token()).await
    }

    /// What a mutation gave that went well.
    pub async fn act(&self, who: impl Asker, mutation: &str, input: Value) -> Value {
        let answer = self.attempt(who, mutation, input.clone()).await;
        assert!(
            answer.get("errors").is_none(),
            "{mutation} {input}: {answer}\n{}",
            self.log()
        );
        answer["data"][mutation].clone()
    }

    /// Why a mutation was refused: `BAD_USER_INPUT input.text`.
    pub async fn refused(&self, who: impl Asker, mutation: &str, input: Value) -> String {
        refusal(&self.attempt(who, mutation, input).await)
    }

    /// Posts, and gives the tweet's id.
    pub async fn tweet(&self, who: &Person, text: &str) -> String {
        let tweet = self.act(who, "postTweet", json!({ "text": text })).await;
        id(&tweet["tweet"])
    }

    /// Posts a reply, and gives its id.
    pub async fn reply(&self, who: &Person, to: &str, text: &str) -> String {
        let input = json!({ "text": text, "inReplyTo": to });
        id(&self.act(who, "postTweet", input).await["tweet"])
    }

    /// Changes a text.
    pub async fn edit(&self, who: &Person, tweet: &str, text: &str) -> Value {
        let input = json!({ "id": tweet, "text": text });
        self.act(who, "editTweet", input).await["tweet"].clone()
    }

    /// `likeTweet`, `unlikeTweet`, `retweet`, `undoRetweet` or `deleteTweet`.
    pub async fn on(&self, who: &Person, mutation: &str, tweet: &str) -> Value {
        self.act(who, mutation, json!({ "id": tweet })).await
    }

    /// Follows a user or a hashtag.
    pub async fn follow(&self, who: &Person, target: &str) -> Value {
        self.act(who, "follow", json!({ "targetId": target })).await
    }

    /// Does many things at once, as they come.
    pub async fn rush(&self, acts: Vec<(&Person, &str, Value)>) -> Vec<Value> {
        stream::iter(acts)
            .map(|(who, mutation, input)| self.act(who, mutation, input))
            .buffered(16)
            .collect()
            .await
    }

    /// Many sign up.
    pub async fn join_all(&self, names: impl Iterator<Item = String>) -> Vec<Person> {
        stream::iter(names)
            .map(async |name| self.join(&name).await)
            .buffered(4)
            .collect()
            .await
    }

    /// Follows no longer.
    pub async fn unfollow(&self, who: &Person, target: &str) -> Value {
        self.act(who, "unfollow", json!({ "targetId": target })).await
    }
}

/// Who was let in.
pub fn person(grant: &Value) -> Person {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Person {
        id: text(&grant["user"]["id"]),
        name: text(&grant["user"]["username"]),
        token: text(&grant["token"]),
    }
}

/// The id of an object.
pub fn id(object: &Value) -> String {
    object["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id: {object}"))
        .to_owned()
}

/// The values of one field of the nodes of a list, which is a connection or an array.
pub fn all(list: &Value, field: &str) -> Vec<String> {
    let items = list.get("nodes").unwrap_or(list).as_array();
    let items = items.unwrap_or_else(|| panic!("no list: {list}"));
    items
        .iter()
        .map(|item| item[field].as_str().unwrap().to_owned())
        .collect()
}

/// The code of the only error of an answer, and the field at fault.
pub fn refusal(answer: &Value) -> String {
    let errors = answer["errors"]
        .as_array()
        .unwrap_or_else(|| panic!("no error: {answer}"));
    assert_eq!(errors.len(), 1, "{answer}");
    let extensions = &errors[0]["extensions"];
    let code = extensions["code"].as_str().unwrap_or("no code");
    match extensions["field"].as_str() {
        Some(field) => format!("{code} {field}"),
        None => code.to_owned(),
    }
}
