//! Accounts: signing up, sessions, profiles, deletion, and the commands for them.

use serde_json::{Value, json};

use crate::harness::scene::{Nobody, PASSWORD, Person, all, id, person, refusal};
use crate::harness::{Linnet, until};

/// Whether a token still lets somebody in.
async fn lets_in(linnet: &Linnet, token: &str) -> bool {
    let answer = linnet.graphql("{ viewer { id } }", json!({}), Some(token)).await;
    if answer["data"]["viewer"].is_object() {
        return true;
    }
    assert_eq!(refusal(&answer), "UNAUTHENTICATED");
    false
}

async fn log_in(linnet: &Linnet, name: &str, password: &str) -> Value {
    let input = json!({ "username": name, "password": password });
    linnet.attempt(Nobody, "logIn", input).await
}

async fn user(linnet: &Linnet, name: &str) -> Value {
    let query = "query($name: String!) { user(username: $name) {
        username displayName bio avatarUrl isModerator tweetCount followerCount followingCount } }";
    let variables = json!({ "name": name });
    linnet.ask_with(Nobody, query, variables).await["user"].clone()
}

fn stdout(output: &std::process::Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test]
async fn an_account_is_made_by_the_rules() {
    let linnet = Linnet::start().await;
    let made = linnet
        .act(
            Nobody,
            "signUp",
            json!({ "username": "Alice_1", "password": "12345678", "displayName": "Alice 🐦" }),
        )
        .await;
    assert_eq!(made["user"]["username"], "Alice_1");
    assert_eq!(made["user"]["displayName"], "Alice 🐦");
    assert!(lets_in(&linnet, &person(&made).token).await);

    let longest = json!({
        "username": "abcdefghij0123456789",
        "password": "ü".repeat(256),
        "displayName": "é".repeat(50),
    });
    linnet.act(Nobody, "signUp", longest).await;
    let plain = linnet.join("plain").await;
    assert_eq!(user(&linnet, &plain.name).await["displayName"], "plain");

    for (field, value) in [
        ("username", String::new()),
        ("username", "a".repeat(21)),
        ("username", "with space".to_owned()),
        ("username", "dash-ed".to_owned()),
        ("username", "müller".to_owned()),
        ("username", "nul\0".to_owned()),
        ("username", "line\n".to_owned()),
        ("password", "1234567".to_owned()),
        ("password", "x".repeat(257)),
        ("displayName", "x".repeat(51)),
        ("displayName", "nul\0".to_owned()),
    ] {
        let mut input = json!({ "username": "fresh", "password": PASSWORD });
        input[field] = json!(value);
        let refused = linnet.refused(Nobody, "signUp", input).await;
        assert_eq!(refused, format!("BAD_USER_INPUT input.{field}"), "{value:?}");
    }
    assert_eq!(user(&linnet, "fresh").await, Value::Null);
}

#[tokio::test]
async fn a_username_is_taken_in_every_case() {
    let linnet = Linnet::start().await;
    linnet.join("Alice").await;
    for name in ["Alice", "alice", "ALICE"] {
        let input = json!({ "username": name, "password": PASSWORD });
        let refused = linnet.refused(Nobody, "signUp", input).await;
        assert_eq!(refused, "CONFLICT input.username");
        assert_eq!(user(&linnet, name).await["username"], "Alice");
    }
}

#[tokio::test]
async fn without_signing_up_accounts_are_made_by_the_operator() {
    let linnet = Linnet::with(&["--rate-limit", "off", "--sign-up", "off"]).await;
    let input = json!({ "username": "alice", "password": PASSWORD });
    assert_eq!(linnet.refused(Nobody, "signUp", input).await, "FORBIDDEN");

    let made = linnet
        .command_with(&["user", "create", "alice"], "correct horse\n")
        .await;
    assert!(made.status.success(), "{made:?}");
    let alice = person(&log_in(&linnet, "alice", PASSWORD).await["data"]["logIn"]);
    assert!(lets_in(&linnet, &alice.token).await);

    for (name, password) in [("ALICE", PASSWORD), ("bob", "short"), ("no name", PASSWORD)] {
        let made = linnet.command_with(&["user", "create", name], password).await;
        assert_eq!(made.status.code(), Some(1), "{made:?}");
        let said = String::from_utf8(made.stderr).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[tokio::test]
async fn a_wrong_log_in_says_the_same_for_everybody() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    let again = person(&log_in(&linnet, "ALICE", PASSWORD).await["data"]["logIn"]);
    assert_eq!(again.id, alice.id);
    assert_ne!(again.token, alice.token);

    let wrong = log_in(&linnet, "alice", "wrong horse").await;
    let unknown = log_in(&linnet, "nobody", PASSWORD).await;
    assert_eq!(refusal(&wrong), "UNAUTHENTICATED");
    assert_eq!(wrong["errors"][0], unknown["errors"][0]);
    for odd in ["", "nul\0", "no such name ❤", &"x".repeat(10_000)] {
        assert_eq!(log_in(&linnet, odd, PASSWORD).await["errors"][0], wrong["errors"][0]);
        assert_eq!(log_in(&linnet, "alice", odd).await["errors"][0], wrong["errors"][0]);
    }
}

#[tokio::test]
async fn sessions_end_one_by_one() {
    let linnet = Linnet::start().await;
    let first = linnet.join("alice").await;
    let second = person(&log_in(&linnet, "alice", PASSWORD).await["data"]["logIn"]);

    linnet.ask(&first, "mutation { logOut }").await;
    assert!(!lets_in(&linnet, &first.token).await);
    assert!(lets_in(&linnet, &second.token).await);

    let renew = "mutation { renewSession { token expiresAt user { id username } } }";
    let third = person(&linnet.ask(&second, renew).await["renewSession"]);
    assert_eq!(third.id, first.id);
    assert!(!lets_in(&linnet, &second.token).await);
    assert!(lets_in(&linnet, &third.token).await);

    for mutation in [renew, "mutation { logOut }"] {
        let answer = linnet.graphql(mutation, json!({}), None).await;
        assert_eq!(refusal(&answer), "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let linnet = Linnet::start().await;
    let other = linnet.join("alice").await;
    let alice = person(&log_in(&linnet, "alice", PASSWORD).await["data"]["logIn"]);
    for (old, new, field) in [
        ("wrong horse", "battery staple", "password"),
        (PASSWORD, "short", "newPassword"),
        (PASSWORD, &"x".repeat(257), "newPassword"),
    ] {
        let input = json!({ "password": old, "newPassword": new });
        let refused = linnet.refused(&alice, "changePassword", input).await;
        assert_eq!(refused, format!("BAD_USER_INPUT input.{field}"));
    }
    assert!(lets_in(&linnet, &other.token).await);

    let input = json!({ "password": PASSWORD, "newPassword": "battery staple" });
    assert_eq!(linnet.act(&alice, "changePassword", input.clone()).await, true);
    assert!(lets_in(&linnet, &alice.token).await);
    assert!(!lets_in(&linnet, &other.token).await);
    assert_eq!(refusal(&log_in(&linnet, "alice", PASSWORD).await), "UNAUTHENTICATED");
    let new = log_in(&linnet, "alice", "battery staple").await;
    assert!(new["data"]["logIn"]["token"].is_string());
    assert_eq!(linnet.refused(Nobody, "changePassword", input).await, "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_profile_changes_in_what_is_given() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    let change = async |input: Value| linnet.act(&alice, "updateProfile", input).await["user"].clone();

    let picture = "https://example.org/alice.png";
    let full = change(json!({ "displayName": "A. Lice", "bio": "Sings\nat dawn.", "avatarUrl": picture })).await;
    assert_eq!(full["displayName"], "A. Lice");
    assert_eq!(full["bio"], "Sings\nat dawn.");
    assert_eq!(full["avatarUrl"], picture);
    assert_eq!(change(json!({})).await, full);
    assert_eq!(change(json!({ "displayName": null, "bio": null })).await, full);
    assert_eq!(change(json!({ "bio": "" })).await["bio"], "");
    assert_eq!(change(json!({ "displayName": "" })).await["displayName"], "alice");
    assert_eq!(change(json!({ "avatarUrl": null })).await["avatarUrl"], Value::Null);

    let most = json!({ "displayName": "é".repeat(50), "bio": "🐦".repeat(160) });
    assert_eq!(change(most).await["bio"], "🐦".repeat(160));
    for (field, value) in [
        ("displayName", "x".repeat(51)),
        ("displayName", "nul\0".to_owned()),
        ("bio", "x".repeat(161)),
        ("bio", "nul\0".to_owned()),
        ("avatarUrl", "javascript:alert(1)".to_owned()),
        ("avatarUrl", "nul\0".to_owned()),
    ] {
        let refused = linnet.refused(&alice, "updateProfile", json!({ field: value })).await;
        assert_eq!(refused, format!("BAD_USER_INPUT input.{field}"), "{value:?}");
    }
    let refused = linnet.refused(Nobody, "updateProfile", json!({ "bio": "x" })).await;
    assert_eq!(refused, "UNAUTHENTICATED");
    assert_eq!(user(&linnet, "alice").await["displayName"], "é".repeat(50));
}

#[tokio::test]
async fn a_session_ends_with_its_lifetime() {
    let linnet = Linnet::with(&["--rate-limit", "off", "--session-lifetime", "1s"]).await;
    let alice = linnet.join("alice").await;
    let mut socket = linnet.websocket(Some(&alice.token)).await;
    until("the end of the session", async || !lets_in(&linnet, &alice.token).await).await;
    assert_eq!(socket.closed_at_last().await, 4403);
}

#[tokio::test]
async fn without_public_access_one_logs_in_first() {
    let linnet = Linnet::with(&["--rate-limit", "off", "--public-access", "off"]).await;
    let alice = linnet.join("alice").await;
    assert!(log_in(&linnet, "alice", PASSWORD).await["data"]["logIn"].is_object());
    linnet.tweet(&alice, "Only for us").await;
    for query in [
        "{ tweets { nodes { id } } }",
        "{ viewer { id } }",
        "{ eventCursor }",
        "query { ... on Query { tweets { nodes { id } } } }",
        "{ __schema { types { name } } }",
        "mutation { logOut }",
    ] {
        let answer = linnet.graphql(query, json!({}), None).await;
        assert_eq!(refusal(&answer), "UNAUTHENTICATED", "{query}");
        assert!(answer["data"].is_null());
    }
    let tweets = linnet.ask(&alice, "{ tweets { nodes { text } } }").await;
    assert_eq!(all(&tweets["tweets"], "text"), ["Only for us"]);
}

#[tokio::test]
async fn an_operator_makes_tokens_beside_the_server() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("alice").await, linnet.join("bob").await);
    let printed = stdout(&linnet.command(&["token", "create", "BOB", "alice", "bob"]).await);
    let tokens: Vec<&str> = printed.lines().collect();
    assert_eq!(tokens.len(), 3);
    for (token, owner) in tokens.iter().zip([&bob, &alice, &bob]) {
        let viewer = linnet.ask(*token, "{ viewer { id } }").await;
        assert_eq!(id(&viewer["viewer"]), owner.id);
    }
    let failed = linnet.command(&["token", "create", "alice", "nobody"]).await;
    assert_eq!(failed.status.code(), Some(1));
    assert!(failed.stdout.is_empty());
}

#[tokio::test]
async fn a_service_is_no_user() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    let tweet = linnet.tweet(&alice, "Hello").await;
    let printed = stdout(&linnet.command(&["token", "create", "--service", "ci"]).await);
    let service = printed.trim();
    assert_eq!(linnet.ask(service, "{ viewer { id } }").await["viewer"], Value::Null);
    for (mutation, input) in [
        ("postTweet", json!({ "text": "Beep" })),
        ("likeTweet", json!({ "id": tweet })),
        ("retweet", json!({ "id": tweet })),
        ("follow", json!({ "targetId": alice.id })),
        ("updateProfile", json!({ "bio": "Beep" })),
        (
            "changePassword",
            json!({ "password": PASSWORD, "newPassword": "battery staple" }),
        ),
        ("deleteAccount", json!({ "password": PASSWORD })),
        ("editTweet", json!({ "id": tweet, "text": "Beep" })),
        ("deleteTweet", json!({ "id": tweet })),
    ] {
        assert_eq!(
            linnet.refused(service, mutation, input).await,
            "FORBIDDEN",
            "{mutation}"
        );
    }
    linnet.ask(service, "mutation { logOut }").await;
    let answer = linnet.graphql("{ viewer { id } }", json!({}), Some(service)).await;
    assert_eq!(refusal(&answer), "UNAUTHENTICATED");
}

#[tokio::test]
async fn an_operator_promotes_and_sets_passwords_beside_the_server() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    assert_eq!(user(&linnet, "alice").await["isModerator"], false);
    stdout(&linnet.command(&["user", "promote", "Alice"]).await);
    until("the promotion", async || {
        user(&linnet, "alice").await["isModerator"] == true
    })
    .await;

    let set = linnet
        .command_with(&["user", "set-password", "alice"], "battery staple\n")
        .await;
    stdout(&set);
    until("the end of the old session", async || {
        !lets_in(&linnet, &alice.token).await
    })
    .await;
    assert_eq!(refusal(&log_in(&linnet, "alice", PASSWORD).await), "UNAUTHENTICATED");
    assert!(log_in(&linnet, "alice", "battery staple").await["data"]["logIn"].is_object());

    for verb in ["promote", "set-password"] {
        let failed = linnet.command_with(&["user", verb, "nobody"], "battery staple").await;
        assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    }
}

/// A scene in which everything that two can have to do with each other has happened.
struct Ties {
    alice: Person,
    bob: Person,
    /// By Alice, with #rust, liked, retweeted and answered by Bob.
    hers: String,
    /// By Bob, with #rust, liked, retweeted and answered by Alice.
    his: String,
    /// Bob's answer to hers.
    answer: String,
    /// By Bob, mentioning Alice.
    mention: String,
}

async fn ties(linnet: &Linnet) -> Ties {
    let (alice, bob) = (linnet.join("alice").await, linnet.join("bob").await);
    linnet.follow(&alice, &bob.id).await;
    linnet.follow(&alice, "Hashtag:rust").await;
    linnet.follow(&bob, &alice.id).await;
    let hers = linnet.tweet(&alice, "Mine #rust #only").await;
    let his = linnet.tweet(&bob, "His #rust").await;
    for (who, tweet) in [(&alice, &his), (&bob, &hers)] {
        linnet.on(who, "likeTweet", tweet).await;
        linnet.on(who, "retweet", tweet).await;
    }
    linnet.reply(&alice, &his, "Her answer #rust").await;
    let answer = linnet.reply(&bob, &hers, "His answer").await;
    let mention = linnet.tweet(&bob, "Dear @alice").await;
    Ties {
        alice,
        bob,
        hers,
        his,
        answer,
        mention,
    }
}

/// What Bob can see of everything.
async fn bobs_view(linnet: &Linnet, ties: &Ties) -> Value {
    let query = "query($alice: ID!, $hers: ID!, $his: ID!, $answer: ID!, $mention: ID!) {
        user(username: \"alice\") { id }
        node(id: $alice) { id }
        feed(group: USER, slug: \"alice\") { id }
        hers: tweet(id: $hers) { id }
        his: tweet(id: $his) {
            likers { nodes { id } } retweeters { nodes { id } } replies { nodes { id } }
        }
        answer: tweet(id: $answer) { text inReplyTo { id } }
        mention: tweet(id: $mention) { text mentions { id } }
        rust: hashtag(name: \"rust\") { tweets { nodes { id } } followers { nodes { id } } }
        only: hashtag(name: \"only\") { name tweets { nodes { id } } }
        tweets { nodes { id } }
        found: tweets(contains: \"Mine\") { nodes { id } }
        users(contains: \"ali\") { nodes { id } }
        viewer {
            followers { nodes { id } }
            following { nodes { ... on Node { id } } }
            likes { nodes { id } }
            tweets { nodes { id } }
            timeline { tweets { nodes { id } } actions { nodes { id } } }
            feed { actions { nodes { verb target { __typename ... on Tombstone { id formerType } } } } }
        }
    }";
    let variables = json!({
        "alice": ties.alice.id, "hers": ties.hers, "his": ties.his, "answer": ties.answer, "mention": ties.mention,
    });
    linnet.ask_with(&ties.bob, query, variables).await
}

/// The counts that others have through Alice.
async fn counts(linnet: &Linnet, ties: &Ties) -> Value {
    let query = "query($his: ID!) {
        tweet(id: $his) { likeCount retweetCount replyCount }
        user(username: \"bob\") { tweetCount followerCount followingCount }
        rust: hashtag(name: \"rust\") { tweetCount followerCount }
        only: hashtag(name: \"only\") { tweetCount }
    }";
    linnet.ask_with(Nobody, query, json!({ "his": ties.his })).await
}

#[tokio::test]
async fn nothing_of_a_deleted_account_can_be_read() {
    let linnet = Linnet::start().await;
    let ties = ties(&linnet).await;
    let wrong = json!({ "password": "wrong horse" });
    let refused = linnet.refused(&ties.alice, "deleteAccount", wrong).await;
    assert_eq!(refused, "BAD_USER_INPUT input.password");
    bobs_view(&linnet, &ties).await;

    linnet
        .act(&ties.alice, "deleteAccount", json!({ "password": PASSWORD }))
        .await;
    let tombstone = json!({ "__typename": "Tombstone", "id": ties.hers, "formerType": "Tweet" });
    let nothing = json!({ "nodes": [] });
    let his: Vec<Value> = [&ties.mention, &ties.answer, &ties.his]
        .iter()
        .map(|id| json!({ "id": id }))
        .collect();
    let expected = json!({
        "user": null,
        "node": null,
        "feed": null,
        "hers": null,
        "his": { "likers": nothing, "retweeters": nothing, "replies": nothing },
        "answer": { "text": "His answer", "inReplyTo": null },
        "mention": { "text": "Dear @alice", "mentions": [] },
        "rust": { "tweets": { "nodes": [{ "id": ties.his }] }, "followers": nothing },
        "only": { "name": "only", "tweets": nothing },
        "tweets": { "nodes": his },
        "found": nothing,
        "users": nothing,
        "viewer": {
            "followers": nothing,
            "following": nothing,
            "likes": nothing,
            "tweets": { "nodes": his },
            "timeline": { "tweets": nothing, "actions": nothing },
            "feed": { "actions": { "nodes": [
                { "verb": "tweet", "target": null },
                { "verb": "reply", "target": tombstone },
                { "verb": "tweet", "target": null },
            ] } },
        },
    });
    assert_eq!(bobs_view(&linnet, &ties).await, expected);
    assert!(!lets_in(&linnet, &ties.alice.token).await);
    let wrong = log_in(&linnet, "nobody", PASSWORD).await;
    assert_eq!(log_in(&linnet, "alice", PASSWORD).await["errors"], wrong["errors"]);

    let recount = json!({
        "tweet": { "likeCount": 0, "retweetCount": 0, "replyCount": 0 },
        "user": { "tweetCount": 3, "followerCount": 0, "followingCount": 0 },
        "rust": { "tweetCount": 1, "followerCount": 0 },
        "only": { "tweetCount": 0 },
    });
    until("the recount", async || counts(&linnet, &ties).await == recount).await;
    assert_eq!(bobs_view(&linnet, &ties).await, expected);
}

#[tokio::test]
async fn a_deleted_account_tells_its_hashtags() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    let tweets = [
        linnet.tweet(&alice, "One #rust").await,
        linnet.tweet(&alice, "Two #rust").await,
    ];
    let mut socket = linnet.websocket(None).await;
    let query = "subscription { hashtagStream(hashtag: \"rust\") { kind tweetId tweet { id } } }";
    socket.subscribe("s", query).await;
    socket.quiet().await;
    linnet
        .act(&alice, "deleteAccount", json!({ "password": PASSWORD }))
        .await;
    let mut gone = Vec::new();
    for _ in &tweets {
        let event = socket.hear().await["payload"]["data"]["hashtagStream"].clone();
        assert_eq!(event["kind"], "DELETED");
        assert_eq!(event["tweet"], Value::Null);
        gone.push(event["tweetId"].as_str().unwrap().to_owned());
    }
    gone.sort();
    let mut expected = tweets.to_vec();
    expected.sort();
    assert_eq!(gone, expected);
}
