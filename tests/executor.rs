//! What the specification says about execution: order of keys, errors and nulls.

use serde_json::{Value, json};

use crate::harness::Linnet;
use crate::harness::scene::refusal;

/// The keys of an object, in their order.
fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn keys_stand_as_they_were_selected() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    linnet.tweet(&alice, "Hello #rust").await;
    let query = "query {
        slow: tweets { nodes { author { username tweets { nodes { text id } } } id } }
        fast: __typename
        ...More
        viewer { timeline { id } id ... on User { username } feed { slug } createdAt }
    }
    fragment More on Query { tag: hashtag(name: \"rust\") { name id } fast: __typename eventCursor }";
    let data = linnet.ask(&alice, query).await;
    assert_eq!(keys(&data), ["slow", "fast", "tag", "eventCursor", "viewer"]);
    let tweet = &data["slow"]["nodes"][0];
    assert_eq!(keys(tweet), ["author", "id"]);
    assert_eq!(keys(&tweet["author"]), ["username", "tweets"]);
    assert_eq!(keys(&tweet["author"]["tweets"]["nodes"][0]), ["text", "id"]);
    assert_eq!(
        keys(&data["viewer"]),
        ["timeline", "id", "username", "feed", "createdAt"]
    );
}

/// A row's plain fields are taken at once, unless something stands among them that has to wait:
/// both ways give the same bytes.
#[tokio::test]
async fn what_is_known_at_once_is_the_same() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    linnet.tweet(&alice, "Hello #rust").await;
    let user = "id name: username displayName bio avatarUrl createdAt tweetCount followerCount followingCount";
    let tweet = format!("id text createdAt editedAt likeCount retweetCount replyCount url author {{ {user} }}");
    let asked = async |selection: &str| {
        let query = format!(
            "{{ tweets {{ nodes {{ {selection} }} edges {{ node {{ {selection} }} }} }}
               users(contains: \"ali\") {{ nodes {{ {user} }} }} }}"
        );
        linnet.ask(&alice, &query).await.to_string()
    };
    let at_once = asked(&tweet).await;
    assert!(at_once.contains(r#""name":"alice""#), "{at_once}");
    for other in [
        tweet.replace("text", "text @include(if: true)"),
        tweet.replace("text", "...{ text }"),
        format!("{tweet} text author {{ id name: username }}"),
    ] {
        assert_eq!(asked(&other).await, at_once, "{other}");
    }
}

#[tokio::test]
async fn mutations_go_one_after_the_other() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    let query = "mutation {
        c: postTweet(input: { text: \"Third, but first\" }) { tweet { text author { tweetCount } } }
        bad: postTweet(input: { text: \"\" }) { tweet { id } }
        a: postTweet(input: { text: \"Second\" }) { tweet { text author { tweetCount } } }
    }";
    let answer = linnet.graphql(query, json!({}), Some(&alice.token)).await;
    assert_eq!(refusal(&answer), "BAD_USER_INPUT input.text");
    assert_eq!(answer["errors"][0]["path"], json!(["bad"]));
    // `bad` can't be null, so nothing is answered; what was done before it stands.
    assert_eq!(answer["data"], Value::Null);
    let tweets = linnet.ask(&alice, "{ tweets { nodes { text } } }").await;
    let texts = crate::harness::scene::all(&tweets["tweets"], "text");
    assert_eq!(texts.last().unwrap(), "Third, but first");

    let query = "mutation {
        c: postTweet(input: { text: \"3\" }) { tweet { author { tweetCount } } }
        a: postTweet(input: { text: \"4\" }) { tweet { author { tweetCount } } }
    }";
    let data = linnet.ask(&alice, query).await;
    assert_eq!(keys(&data), ["c", "a"]);
    let count = |key: &str| data[key]["tweet"]["author"]["tweetCount"].as_u64().unwrap();
    assert_eq!(count("c") + 1, count("a"));
}

#[tokio::test]
async fn an_error_takes_the_nearest_that_may_be_null() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("alice").await, linnet.join("bob").await);
    linnet.tweet(&alice, "Hello").await;

    let query = "{ user(username: \"alice\") { username timeline { id } displayName } other: __typename }";
    let answer = linnet.graphql(query, json!({}), Some(&bob.token)).await;
    assert_eq!(refusal(&answer), "FORBIDDEN");
    assert_eq!(answer["errors"][0]["path"], json!(["user", "timeline"]));
    let user = json!({ "username": "alice", "timeline": null, "displayName": "alice" });
    assert_eq!(answer["data"], json!({ "user": user, "other": "Query" }));

    let query = "{ user(username: \"alice\") { username tweets(first: 0) { nodes { id } } } other: __typename }";
    let answer = linnet.graphql(query, json!({}), None).await;
    assert_eq!(refusal(&answer), "BAD_USER_INPUT first");
    assert_eq!(answer["errors"][0]["path"], json!(["user", "tweets"]));
    assert_eq!(answer["data"], json!({ "user": null, "other": "Query" }));

    let query = "{ tweet(id: \"Tweet:1\") { text author { tweets(last: 500) { nodes { id } } } } other: __typename }";
    let answer = linnet.graphql(query, json!({}), None).await;
    assert_eq!(answer["errors"][0]["path"], json!(["tweet", "author", "tweets"]));
    assert_eq!(answer["data"], json!({ "tweet": null, "other": "Query" }));

    let query = "{ nodes(ids: [\"Tweet:1\", \"Hashtag:x\", \"Tweet:1\"]) { ... on Tweet { likers(first: 0) { nodes { id } } } } }";
    let answer = linnet.graphql(query, json!({}), None).await;
    assert_eq!(answer["data"], json!({ "nodes": [null, null, null] }));
    let paths: Vec<&Value> = answer["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["path"])
        .collect();
    for at in [0, 2] {
        assert!(paths.contains(&&json!(["nodes", at, "likers"])), "{paths:?}");
    }
}

#[tokio::test]
async fn directives_and_variables_decide() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    let query = "query($yes: Boolean! = true, $no: Boolean = false, $name: String! = \"alice\") {
        user(username: $name) { id @skip(if: $yes) username @include(if: $yes) ... @include(if: $no) { bio } }
    }";
    let data = linnet.ask(&alice, query).await;
    assert_eq!(data, json!({ "user": { "username": "alice" } }));
    for (query, variables) in [
        ("query($name: String!) { user(username: $name) { id } }", json!({})),
        (
            "query($name: String!) { user(username: $name) { id } }",
            json!({ "name": null }),
        ),
        (
            "query($name: String!) { user(username: $name) { id } }",
            json!({ "name": 7 }),
        ),
        (
            "query($first: Int) { tweets(first: $first) { nodes { id } } }",
            json!({ "first": "7" }),
        ),
        (
            "query($first: Int) { tweets(first: $first) { nodes { id } } }",
            json!({ "first": 3_000_000_000_u64 }),
        ),
    ] {
        let answer = linnet.graphql(query, variables.clone(), None).await;
        let code = refusal(&answer);
        let codes = [
            "BAD_USER_INPUT username",
            "BAD_USER_INPUT first",
            "GRAPHQL_VALIDATION_FAILED",
        ];
        assert!(codes.contains(&code.as_str()), "{query} {variables}: {answer}");
    }
}

/// What no type can hold is named like what a rule refuses.
#[tokio::test]
async fn what_is_malformed_is_named() {
    let linnet = Linnet::start().await;
    for (query, variables, field) in [
        ("{ tweets(first: 101) { nodes { id } } }", json!({}), "first"),
        ("{ tweets(first: 2147483648) { nodes { id } } }", json!({}), "first"),
        (
            "query($n: Int) { user(username: \"a\") { id } t: tweets(last: $n) { nodes { id } } }",
            json!({ "n": 2_147_483_648_i64 }),
            "last",
        ),
        (
            "{ trendingHashtags(since: \"yesterday\") { name } }",
            json!({}),
            "since",
        ),
        (
            "query($s: DateTime) { ...T } fragment T on Query { trendingHashtags(since: $s) { name } }",
            json!({ "s": "2024-13-01T00:00:00Z" }),
            "since",
        ),
    ] {
        let answer = linnet.graphql(query, variables, None).await;
        let extensions = &answer["errors"][0]["extensions"];
        assert_eq!(extensions["code"], "BAD_USER_INPUT", "{query}: {answer}");
        assert_eq!(extensions["field"], field, "{query}: {answer}");
    }
}
