//! Tweets: posting, replies, editing, deletion, likes, retweets and ids.

use serde_json::{Value, json};

use crate::harness::scene::{Nobody, all, id, refusal};
use crate::harness::{Linnet, until};

/// All that one can see of a tweet without its lists.
async fn look(linnet: &Linnet, tweet: &str) -> Value {
    let query = "query($id: ID!) { tweet(id: $id) {
        id text createdAt editedAt url author { username } inReplyTo { id }
        hashtags { name } mentions { username } likeCount retweetCount replyCount } }";
    linnet.ask_with(Nobody, query, json!({ "id": tweet })).await["tweet"].clone()
}

async fn hashtag_count(linnet: &Linnet, name: &str) -> Value {
    let query = "query($name: String!) { hashtag(name: $name) { tweetCount } }";
    let hashtag = linnet.ask_with(Nobody, query, json!({ "name": name })).await;
    hashtag["hashtag"]["tweetCount"].clone()
}

/// The texts of a hashtag's page.
async fn hashtag_page(linnet: &Linnet, name: &str) -> Vec<String> {
    let query = "query($name: String!) { hashtag(name: $name) { tweets { nodes { text } } } }";
    let hashtag = linnet.ask_with(Nobody, query, json!({ "name": name })).await;
    all(&hashtag["hashtag"]["tweets"], "text")
}

#[tokio::test]
async fn a_tweet_says_what_was_written() {
    let linnet = Linnet::start().await;
    let (alice, _) = (linnet.join("alice").await, linnet.join("Bob").await);
    let text = "  Hi @bob @nobody @BOB, cafe\u{301} #Rust #STRASSE #rust\n@alice #1984 ";
    let tweet = look(&linnet, &linnet.tweet(&alice, text).await).await;
    assert_eq!(
        tweet["text"],
        "  Hi @bob @nobody @BOB, caf\u{e9} #Rust #STRASSE #rust\n@alice #1984 "
    );
    assert_eq!(all(&tweet["hashtags"], "name"), ["rust", "strasse"]);
    assert_eq!(all(&tweet["mentions"], "username"), ["Bob", "alice"]);
    assert_eq!(tweet["author"]["username"], "alice");
    for empty in ["editedAt", "inReplyTo", "url"] {
        assert_eq!(tweet[empty], Value::Null);
    }
    let created = tweet["createdAt"].as_str().unwrap();
    assert_eq!(
        (created.len(), &created[19..20], &created[26..]),
        (27, ".", "Z"),
        "{created}"
    );
}

#[tokio::test]
async fn a_text_has_a_length() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    let address = format!("https://example.org/{}", "x".repeat(200));
    for good in [
        "x".repeat(280),
        "あ".repeat(140),
        "👨‍👩‍👧‍👦".repeat(140),
        "e\u{301}".repeat(280),
        format!("{address} {}", "x".repeat(256)),
        "\u{200d}".to_owned() + "x",
        ".".to_owned(),
    ] {
        linnet.tweet(&alice, &good).await;
    }
    for bad in [
        "x".repeat(281),
        "あ".repeat(141),
        "👨‍👩‍👧‍👦".repeat(141),
        format!("{address} {}", "x".repeat(257)),
        String::new(),
        " \n\t ".to_owned(),
        "nul\0".to_owned(),
    ] {
        let refused = linnet.refused(&alice, "postTweet", json!({ "text": bad })).await;
        assert_eq!(refused, "BAD_USER_INPUT input.text", "{bad:?}");
    }
    let refused = linnet.refused(Nobody, "postTweet", json!({ "text": "Hello" })).await;
    assert_eq!(refused, "UNAUTHENTICATED");
}

#[tokio::test]
async fn the_operator_sets_the_length() {
    let linnet = Linnet::with(&["--rate-limit", "off", "--tweet-length", "500"]).await;
    let alice = linnet.join("alice").await;
    let tweet = linnet.tweet(&alice, &"x".repeat(500)).await;
    let longer = "x".repeat(501);
    let refused = linnet.refused(&alice, "postTweet", json!({ "text": longer })).await;
    assert_eq!(refused, "BAD_USER_INPUT input.text");
    let refused = linnet
        .refused(&alice, "editTweet", json!({ "id": tweet, "text": longer }))
        .await;
    assert_eq!(refused, "BAD_USER_INPUT input.text");
}

#[tokio::test]
async fn a_key_posts_once() {
    let mut linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("alice").await, linnet.join("bob").await);
    let post = |text: &str| json!({ "text": text, "idempotencyKey": "k-1" });
    let first = linnet.act(&alice, "postTweet", post("One")).await["tweet"].clone();
    assert_eq!(linnet.act(&alice, "postTweet", post("Two")).await["tweet"], first);
    linnet.restart().await;
    assert_eq!(linnet.act(&alice, "postTweet", post("One")).await["tweet"], first);
    let his = linnet.act(&bob, "postTweet", post("His")).await["tweet"].clone();
    assert_eq!(his["text"], "His");
    let tweets = linnet.ask(Nobody, "{ tweets { nodes { text } } }").await;
    assert_eq!(all(&tweets["tweets"], "text"), ["His", "One"]);

    let both = futures_util::future::join_all((0..8).map(|_| {
        let input = json!({ "text": "Race", "idempotencyKey": "k-2" });
        linnet.act(&alice, "postTweet", input)
    }))
    .await;
    assert!(both.iter().all(|payload| payload == &both[0]), "{both:?}");
}

#[tokio::test]
async fn replies_stand_below_their_tweet() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("alice").await, linnet.join("bob").await);
    let root = linnet.tweet(&alice, "Root").await;
    let one = linnet.reply(&bob, &root, "One").await;
    linnet.reply(&alice, &root, "Two").await;
    linnet.reply(&bob, &one, "Below one").await;
    let query = "query($id: ID!) { tweet(id: $id) { replyCount replies { nodes {
        text replyCount inReplyTo { id } replies { nodes { text } } } } } }";
    let seen = linnet.ask_with(Nobody, query, json!({ "id": root })).await["tweet"].clone();
    assert_eq!(seen["replyCount"], 2);
    assert_eq!(all(&seen["replies"], "text"), ["One", "Two"]);
    let first = &seen["replies"]["nodes"][0];
    assert_eq!(first["inReplyTo"]["id"], root);
    assert_eq!(first["replyCount"], 1);
    assert_eq!(all(&first["replies"], "text"), ["Below one"]);

    let actions = "{ user(username: \"bob\") { feed { actions { nodes {
        verb object { ... on Tweet { text } } target { ... on Tweet { text } } } } } } }";
    let actions = linnet.ask(Nobody, actions).await["user"]["feed"]["actions"]["nodes"].clone();
    let reply = |text: &str, to: &str| json!({ "verb": "reply", "object": { "text": text }, "target": { "text": to } });
    assert_eq!(actions, json!([reply("Below one", "One"), reply("One", "Root")]));

    for missing in ["Tweet:999", "Tweet:x", "nonsense", &bob.id] {
        let input = json!({ "text": "To nobody", "inReplyTo": missing });
        assert_eq!(linnet.refused(&bob, "postTweet", input).await, "NOT_FOUND", "{missing}");
    }
}

#[tokio::test]
async fn an_edit_changes_all_that_the_text_says() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("alice").await, linnet.join("bob").await);
    let tweet = linnet.tweet(&alice, "Old #one #two @bob").await;
    linnet.tweet(&alice, "Other #two").await;
    let before = look(&linnet, &tweet).await;

    let edited = linnet.edit(&alice, &tweet, "New #two #three @alice").await;
    assert!(edited["editedAt"].as_str() > before["createdAt"].as_str(), "{edited}");
    let after = look(&linnet, &tweet).await;
    assert_eq!(after["createdAt"], before["createdAt"]);
    assert_eq!(all(&after["hashtags"], "name"), ["two", "three"]);
    assert_eq!(all(&after["mentions"], "username"), ["alice"]);
    for (name, count) in [("one", 0), ("two", 2), ("three", 1)] {
        assert_eq!(hashtag_count(&linnet, name).await, count, "{name}");
    }
    assert_eq!(hashtag_page(&linnet, "one").await, Vec::<String>::new());
    assert_eq!(
        hashtag_page(&linnet, "two").await,
        ["Other #two", "New #two #three @alice"]
    );
    assert_eq!(hashtag_page(&linnet, "three").await, ["New #two #three @alice"]);

    let same = linnet.edit(&alice, &tweet, "New #two #three @alice").await;
    assert_eq!(same["editedAt"], edited["editedAt"]);

    for (who, id, text, expected) in [
        (&bob, tweet.as_str(), "Mine now", "FORBIDDEN"),
        (&alice, "Tweet:999", "Nothing", "NOT_FOUND"),
        (&alice, "nonsense", "Nothing", "NOT_FOUND"),
        (&alice, &tweet, "", "BAD_USER_INPUT input.text"),
        (&alice, &tweet, &"x".repeat(281), "BAD_USER_INPUT input.text"),
    ] {
        let input = json!({ "id": id, "text": text });
        assert_eq!(linnet.refused(who, "editTweet", input).await, expected);
    }
    let input = json!({ "id": tweet, "text": "Nobody's" });
    assert_eq!(linnet.refused(Nobody, "editTweet", input).await, "UNAUTHENTICATED");
    assert_eq!(look(&linnet, &tweet).await, after);
}

#[tokio::test]
async fn an_unedited_tweet_was_never_edited() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    let tweet = linnet.tweet(&alice, "caf\u{e9}").await;
    let same = linnet.edit(&alice, &tweet, "cafe\u{301}").await;
    assert_eq!(same["editedAt"], Value::Null);
}

#[tokio::test]
async fn a_deleted_tweet_leaves_its_replies() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("alice").await, linnet.join("bob").await);
    let root = linnet.tweet(&alice, "Root #gone").await;
    let middle = linnet.reply(&bob, &root, "Middle #gone").await;
    let leaf = linnet.reply(&alice, &middle, "Leaf").await;
    linnet.on(&alice, "likeTweet", &middle).await;
    linnet.on(&alice, "retweet", &middle).await;

    let input = json!({ "id": middle });
    assert_eq!(linnet.refused(&alice, "deleteTweet", input.clone()).await, "FORBIDDEN");
    assert_eq!(
        linnet.refused(Nobody, "deleteTweet", input.clone()).await,
        "UNAUTHENTICATED"
    );
    let deleted = linnet.on(&bob, "deleteTweet", &middle).await;
    assert_eq!(deleted, json!({ "deletedId": middle }));

    assert_eq!(look(&linnet, &middle).await, Value::Null);
    let seen = look(&linnet, &leaf).await;
    assert_eq!((&seen["text"], &seen["inReplyTo"]), (&json!("Leaf"), &Value::Null));
    assert_eq!(look(&linnet, &root).await["replyCount"], 0);
    assert_eq!(hashtag_count(&linnet, "gone").await, 1);

    let query = "{ user(username: \"alice\") { tweetCount likes { nodes { id } } feed { actions { nodes {
        verb target { __typename ... on Tombstone { id formerType deletedAt } } } } } } }";
    let hers = linnet.ask(Nobody, query).await["user"].clone();
    assert_eq!(hers["likes"]["nodes"], json!([]));
    let actions = &hers["feed"]["actions"];
    assert_eq!(all(actions, "verb"), ["reply", "tweet"]);
    let tombstone = &actions["nodes"][0]["target"];
    assert_eq!(tombstone["id"], middle);
    assert_eq!(tombstone["formerType"], "Tweet");
    assert!(tombstone["deletedAt"].is_string());

    for mutation in ["deleteTweet", "likeTweet", "unlikeTweet", "retweet", "undoRetweet"] {
        assert_eq!(
            linnet.refused(&bob, mutation, input.clone()).await,
            "NOT_FOUND",
            "{mutation}"
        );
    }
    let reply = json!({ "text": "Too late", "inReplyTo": middle });
    assert_eq!(linnet.refused(&bob, "postTweet", reply).await, "NOT_FOUND");
}

#[tokio::test]
async fn liking_and_retweeting_count_once() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("alice").await, linnet.join("bob").await);
    let tweet = linnet.tweet(&alice, "Like me").await;
    for (does, undoes, count, flag, verb) in [
        ("likeTweet", "unlikeTweet", "likeCount", "viewerHasLiked", "like"),
        (
            "retweet",
            "undoRetweet",
            "retweetCount",
            "viewerHasRetweeted",
            "retweet",
        ),
    ] {
        let actions = format!("{{ viewer {{ feed {{ actions(verbs: [\"{verb}\"]) {{ nodes {{ verb }} }} }} }} }}");
        let actions = async || all(&linnet.ask(&bob, &actions).await["viewer"]["feed"]["actions"], "verb").len();
        for round in 0..2 {
            for _ in 0..2 {
                let seen = linnet.on(&bob, does, &tweet).await["tweet"].clone();
                assert_eq!((&seen[count], &seen[flag]), (&json!(1), &json!(true)), "{does} {round}");
                assert_eq!(actions().await, 1);
            }
            for _ in 0..2 {
                let seen = linnet.on(&bob, undoes, &tweet).await["tweet"].clone();
                assert_eq!(
                    (&seen[count], &seen[flag]),
                    (&json!(0), &json!(false)),
                    "{undoes} {round}"
                );
                assert_eq!(actions().await, 0);
            }
        }
        let own = linnet.on(&alice, does, &tweet).await["tweet"].clone();
        assert_eq!(own[count], 1);
        let query = format!("query($id: ID!) {{ tweet(id: $id) {{ {flag} }} }}");
        for (flagged, who) in [(true, alice.token.as_str()), (false, &bob.token)] {
            let seen = linnet.ask_with(who, &query, json!({ "id": tweet })).await;
            assert_eq!(seen["tweet"][flag], flagged);
        }
        let seen = linnet.ask_with(Nobody, &query, json!({ "id": tweet })).await;
        assert_eq!(seen["tweet"][flag], false);
        for mutation in [does, undoes] {
            let input = json!({ "id": tweet });
            assert_eq!(linnet.refused(Nobody, mutation, input).await, "UNAUTHENTICATED");
            for missing in ["Tweet:999", "Hashtag:x", ""] {
                let input = json!({ "id": missing });
                assert_eq!(linnet.refused(&bob, mutation, input).await, "NOT_FOUND");
            }
        }
    }
}

#[tokio::test]
async fn the_newest_like_and_retweet_come_first() {
    let linnet = Linnet::start().await;
    let mut people = Vec::new();
    for name in ["alice", "bob", "carol"] {
        people.push(linnet.join(name).await);
    }
    let old = linnet.tweet(&people[0], "Old").await;
    let new = linnet.tweet(&people[0], "New").await;
    for at in [1, 0, 2] {
        linnet.on(&people[at], "likeTweet", &old).await;
        linnet.on(&people[at], "retweet", &old).await;
    }
    linnet.on(&people[0], "unlikeTweet", &old).await;
    linnet.on(&people[0], "likeTweet", &new).await;
    linnet.on(&people[0], "likeTweet", &old).await;
    let query = "query($id: ID!) {
        tweet(id: $id) { likers { nodes { username } } retweeters { nodes { username } } }
        user(username: \"alice\") { likes { nodes { text } } }
    }";
    let seen = linnet.ask_with(Nobody, query, json!({ "id": old })).await;
    assert_eq!(all(&seen["tweet"]["likers"], "username"), ["alice", "carol", "bob"]);
    assert_eq!(all(&seen["tweet"]["retweeters"], "username"), ["carol", "alice", "bob"]);
    assert_eq!(all(&seen["user"]["likes"], "text"), ["Old", "New"]);
}

#[tokio::test]
async fn a_hashtag_exists_from_its_first_use_or_follow_on() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    let query = "query($name: String!) {
        hashtag(name: $name) { id name tweetCount followerCount feed { id group slug } }
        feed(group: HASHTAG, slug: $name) { id }
    }";
    let look = async |name: &str| linnet.ask_with(Nobody, query, json!({ "name": name })).await;
    for never in ["used", "followed", "", "#", "not a tag"] {
        assert_eq!(look(never).await, json!({ "hashtag": null, "feed": null }), "{never}");
    }

    let tweet = linnet.tweet(&alice, "First #Used").await;
    linnet.on(&alice, "deleteTweet", &tweet).await;
    let followed = linnet.follow(&alice, "Hashtag:Followed").await;
    assert_eq!(
        followed["target"],
        json!({ "__typename": "Hashtag", "id": "Hashtag:followed" })
    );
    linnet.unfollow(&alice, "Hashtag:followed").await;
    for (asked, name) in [
        ("#USED", "used"),
        ("used", "used"),
        ("＃Followed", "followed"),
        ("followed", "followed"),
    ] {
        let seen = look(asked).await;
        let feed = format!("Feed:HASHTAG:{name}");
        let expected = json!({
            "id": format!("Hashtag:{name}"), "name": name, "tweetCount": 0, "followerCount": 0,
            "feed": { "id": feed, "group": "HASHTAG", "slug": name },
        });
        assert_eq!(seen, json!({ "hashtag": expected, "feed": { "id": feed } }), "{asked}");
    }

    linnet.tweet(&alice, "#Straße").await;
    assert_eq!(hashtag_count(&linnet, "STRASSE").await, Value::Null);
    assert_eq!(hashtag_count(&linnet, "STRAßE").await, 1);
    linnet.tweet(&alice, "#Caf\u{e9}").await;
    assert_eq!(hashtag_count(&linnet, "#CAFE\u{301}").await, 1);
}

#[tokio::test]
async fn every_object_has_a_global_id() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    let tweet = linnet.tweet(&alice, "Look #here").await;
    let query = "{ viewer { feed { id actions { nodes { id } } } timeline { id } } }";
    let seen = linnet.ask(&alice, query).await["viewer"].clone();
    let ids = [
        alice.id.clone(),
        "Tweet:999".to_owned(),
        tweet.clone(),
        "Hashtag:here".to_owned(),
        id(&seen["feed"]),
        id(&seen["feed"]["actions"]["nodes"][0]),
        tweet.clone(),
        id(&seen["timeline"]),
        String::new(),
        "nonsense".to_owned(),
        "Tweet:x".to_owned(),
        "Tweet:-1".to_owned(),
        "Tweet:99999999999999999999".to_owned(),
        "Hashtag:nowhere".to_owned(),
        "Feed:USER:nobody".to_owned(),
        "Unknown:1".to_owned(),
    ];
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
    let nodes = linnet.ask_with(&alice, query, json!({ "ids": ids })).await["nodes"].clone();
    let types = ["User", "", "Tweet", "Hashtag", "Feed", "Action", "Tweet", "Feed"];
    for (at, id) in ids.iter().enumerate() {
        let expected = match types.get(at) {
            Some(ty) if !ty.is_empty() => json!({ "__typename": ty, "id": id }),
            _ => Value::Null,
        };
        assert_eq!(nodes[at], expected, "{id}");
        let query = "query($id: ID!) { node(id: $id) { __typename id } }";
        assert_eq!(
            linnet.ask_with(&alice, query, json!({ "id": id })).await["node"],
            expected
        );
    }

    let most = vec![tweet.clone(); 100];
    let nodes = linnet.ask_with(Nobody, query, json!({ "ids": most })).await;
    assert_eq!(all(&nodes["nodes"], "id"), most);
    let more = vec![tweet.clone(); 101];
    let answer = linnet.graphql(query, json!({ "ids": more }), None).await;
    assert_eq!(refusal(&answer), "BAD_USER_INPUT ids");
    assert_eq!(
        linnet.ask_with(Nobody, query, json!({ "ids": [] })).await["nodes"],
        json!([])
    );

    let query = "query($id: ID!) { tweet(id: $id) { id } }";
    for id in [alice.id.as_str(), "Hashtag:here", "7", "", "Tweet:", "tweet:1"] {
        assert_eq!(
            linnet.ask_with(Nobody, query, json!({ "id": id })).await["tweet"],
            Value::Null
        );
    }
}

#[tokio::test]
async fn a_feed_has_one_id_however_one_came_to_it() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("Alice").await, linnet.join("bob").await);
    let query = "{
        feed(group: USER, slug: \"aLICE\") { id group slug }
        user(username: \"alice\") { feed { id group slug } }
        nobody: feed(group: USER, slug: \"nobody\") { id }
    }";
    let seen = linnet.ask(Nobody, query).await;
    assert_eq!(seen["feed"], seen["user"]["feed"]);
    assert_eq!(seen["nobody"], Value::Null);
    let query = "{ feed(group: TIMELINE, slug: \"alice\") { id } viewer { timeline { id group } } }";
    let seen = linnet.ask(&alice, query).await;
    assert_eq!(seen["feed"]["id"], seen["viewer"]["timeline"]["id"]);

    let timeline = id(&seen["feed"]);
    let query = "query($id: ID!) { node(id: $id) { id } }";
    for who in [Some(bob.token.as_str()), None] {
        let answer = linnet.graphql(query, json!({ "id": timeline }), who).await;
        assert_eq!(answer, json!({ "data": { "node": null } }));
        let query = "{ feed(group: TIMELINE, slug: \"alice\") { id } }";
        let answer = linnet.graphql(query, json!({}), who).await;
        assert_eq!(answer["data"], json!({ "feed": null }));
        assert_eq!(refusal(&answer), "FORBIDDEN");
    }
}

#[tokio::test]
async fn following_is_counted_and_shown() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("alice").await, linnet.join("bob").await);
    let tweet = linnet.tweet(&bob, "Hello #rust").await;
    for target in [bob.id.as_str(), "Hashtag:rust", bob.id.as_str()] {
        linnet.follow(&alice, target).await;
    }
    let query = "{
        viewer { followingCount following { nodes { __typename ... on Node { id } } edges { followedAt } }
            feed { actions { nodes { verb object { ... on Node { id } } } } } }
        user(username: \"bob\") { followerCount viewerIsFollowing followsViewer followers { nodes { username } } }
        hashtag(name: \"rust\") { followerCount viewerIsFollowing followers { nodes { username } } }
    }";
    let seen = linnet.ask(&alice, query).await;
    assert_eq!(seen["viewer"]["followingCount"], 2);
    assert_eq!(all(&seen["viewer"]["following"], "id"), ["Hashtag:rust", &bob.id]);
    assert_eq!(all(&seen["viewer"]["feed"]["actions"], "verb"), ["follow", "follow"]);
    for followed in ["user", "hashtag"] {
        assert_eq!(seen[followed]["followerCount"], 1);
        assert_eq!(seen[followed]["viewerIsFollowing"], true);
        assert_eq!(all(&seen[followed]["followers"], "username"), ["alice"]);
    }
    assert_eq!(seen["user"]["followsViewer"], false);
    let back = "{ user(username: \"alice\") { followsViewer viewerIsFollowing } }";
    let back = linnet.ask(&bob, back).await;
    assert_eq!(
        back["user"],
        json!({ "followsViewer": true, "viewerIsFollowing": false })
    );

    for (input, expected) in [
        (json!({ "targetId": alice.id }), "BAD_USER_INPUT input.targetId"),
        (json!({ "targetId": tweet }), "BAD_USER_INPUT input.targetId"),
        (json!({ "targetId": "User:999" }), "NOT_FOUND"),
        (json!({ "targetId": "nonsense" }), "NOT_FOUND"),
        (json!({ "targetId": "Hashtag:not a tag" }), "NOT_FOUND"),
        (
            json!({ "targetId": bob.id, "backfill": -1 }),
            "BAD_USER_INPUT input.backfill",
        ),
        (
            json!({ "targetId": bob.id, "backfill": 1_001 }),
            "BAD_USER_INPUT input.backfill",
        ),
        (json!({ "targetId": bob.id, "flag": "" }), "BAD_USER_INPUT input.flag"),
        (
            json!({ "targetId": bob.id, "flag": "x".repeat(65) }),
            "BAD_USER_INPUT input.flag",
        ),
    ] {
        assert_eq!(
            linnet.refused(&alice, "follow", input.clone()).await,
            expected,
            "{input}"
        );
    }
    for _ in 0..2 {
        let after = linnet.unfollow(&alice, &bob.id).await;
        assert_eq!(after["viewer"]["followingCount"], 1);
    }
    linnet.unfollow(&alice, "Hashtag:rust").await;
    let seen = linnet.ask(&alice, query).await;
    assert_eq!(seen["viewer"]["feed"]["actions"]["nodes"], json!([]));
    assert_eq!(seen["user"]["followerCount"], 0);
    assert_eq!(seen["hashtag"]["followerCount"], 0);
}

#[tokio::test]
async fn another_flag_is_another_list() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("alice").await, linnet.join("bob").await);
    linnet.tweet(&bob, "Hello").await;
    let input = json!({ "targetId": bob.id, "flag": "watching" });
    linnet.act(&alice, "follow", input.clone()).await;
    let query = "{ viewer { followingCount timeline { actions { nodes { id } } } feed { actions { nodes { id } } }
        following { nodes { ... on User { username } } }
        watching: following(flag: \"watching\") { nodes { ... on User { username } } } } }";
    let seen = linnet.ask(&alice, query).await["viewer"].clone();
    assert_eq!(seen["followingCount"], 0);
    assert_eq!(all(&seen["watching"], "username"), ["bob"]);
    for empty in [
        &seen["following"],
        &seen["timeline"]["actions"],
        &seen["feed"]["actions"],
    ] {
        assert_eq!(empty["nodes"], json!([]));
    }
    linnet.act(&alice, "unfollow", input).await;
    let seen = linnet.ask(&alice, query).await["viewer"].clone();
    assert_eq!(seen["watching"]["nodes"], json!([]));
}

#[tokio::test]
async fn what_is_answered_survives_a_power_cut() {
    let mut linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    let tweet = linnet.tweet(&alice, "Durable #rust").await;
    linnet.on(&alice, "likeTweet", &tweet).await;
    let before = look(&linnet, &tweet).await;
    linnet.kill().await;
    linnet.restart().await;
    assert_eq!(look(&linnet, &tweet).await, before);
    until("the session", async || {
        linnet.ask(&alice, "{ viewer { id } }").await["viewer"]["id"] == alice.id
    })
    .await;
}
