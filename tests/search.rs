//! Search: parts of texts, names and hashtags.

use serde_json::{Value, json};

use crate::harness::scene::{Nobody, Person, all, refusal};
use crate::harness::{Linnet, until};

/// The texts found with these arguments, the newest first.
async fn found(linnet: &Linnet, arguments: Value) -> Vec<String> {
    let query = "query($contains: String, $author: String, $hashtag: String) {
        tweets(contains: $contains, author: $author, hashtag: $hashtag, first: 100) { nodes { text } } }";
    all(&linnet.ask_with(Nobody, query, arguments).await["tweets"], "text")
}

async fn with(linnet: &Linnet, part: &str) -> Vec<String> {
    found(linnet, json!({ "contains": part })).await
}

async fn users(linnet: &Linnet, part: &str) -> Vec<String> {
    let query = "query($part: String!) { users(contains: $part) { nodes { username } } }";
    all(
        &linnet.ask_with(Nobody, query, json!({ "part": part })).await["users"],
        "username",
    )
}

async fn rename(linnet: &Linnet, who: &Person, name: &str) {
    linnet.act(who, "updateProfile", json!({ "displayName": name })).await;
}

#[tokio::test]
async fn a_part_of_a_text_is_found_in_any_case() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    for text in [
        "Straße nach ÅRHUS",
        "ΣΊΣΥΦΟΣ",
        "ПРИВЕТ мир",
        "caf\u{e9} au lait",
        "İstanbul",
        "ǅungla",
    ] {
        linnet.tweet(&alice, text).await;
    }
    for (part, text) in [
        ("straße", "Straße nach ÅRHUS"),
        ("RAßE", "Straße nach ÅRHUS"),
        ("århus", "Straße nach ÅRHUS"),
        ("A\u{30a}RHUS", "Straße nach ÅRHUS"),
        ("e nach Å", "Straße nach ÅRHUS"),
        ("σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("ίσυ", "ΣΊΣΥΦΟΣ"),
        ("привет", "ПРИВЕТ мир"),
        ("МИР", "ПРИВЕТ мир"),
        ("CAFE\u{301}", "caf\u{e9} au lait"),
        ("fé", "caf\u{e9} au lait"),
        ("stanBUL", "İstanbul"),
        ("ǆung", "ǅungla"),
        ("ÅR", "Straße nach ÅRHUS"),
        ("ß", "Straße nach ÅRHUS"),
        ("ПР", "ПРИВЕТ мир"),
    ] {
        assert_eq!(with(&linnet, part).await, [text], "{part}");
    }
    assert_eq!(with(&linnet, "cafes").await, Vec::<String>::new());
    assert_eq!(with(&linnet, "").await.len(), 6);
}

#[tokio::test]
async fn special_characters_stand_for_themselves() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    let texts = [
        "100% sure",
        "snake_case",
        "a \"quoted\" word",
        "it's o'clock",
        "back\\slash",
        "star* and (paren)",
        "family 👨‍👩‍👧 here",
        "two\nlines",
        "colon:text^caret",
        "minus -minus NOT near",
        "plain words only",
    ];
    for text in texts {
        linnet.tweet(&alice, text).await;
    }
    for (part, text) in [
        ("%", Some(0)),
        ("0% s", Some(0)),
        ("_", Some(1)),
        ("ke_c", Some(1)),
        ("\"quoted\"", Some(2)),
        ("\"", Some(2)),
        ("'s o'", Some(3)),
        ("\\", Some(4)),
        ("k\\s", Some(4)),
        ("star*", Some(5)),
        ("(paren)", Some(5)),
        ("👨‍👩‍👧", Some(6)),
        ("👩", Some(6)),
        ("y 👨", Some(6)),
        ("two\nlines", Some(7)),
        ("o\nl", Some(7)),
        ("\n", Some(7)),
        ("text^caret", Some(8)),
        (" -minus NOT", Some(9)),
        ("plain OR snake", None),
        ("words plain", None),
        ("plain*", None),
        ("100_", None),
        ("s%e", None),
        ("snake%case", None),
    ] {
        let expected: Vec<&str> = text.map(|at: usize| texts[at]).into_iter().collect();
        assert_eq!(with(&linnet, part).await, expected, "{part:?}");
    }
}

#[tokio::test]
async fn what_no_text_can_hold_is_refused() {
    let linnet = Linnet::start().await;
    for (query, field) in [
        ("tweets(contains: $part) { nodes { id } }", "contains"),
        ("users(contains: $part) { nodes { id } }", "contains"),
        ("hashtags(prefix: $part) { id }", "prefix"),
    ] {
        for part in ["nul\0".to_owned(), "x".repeat(1_001)] {
            let query = format!("query($part: String!) {{ {query} }}");
            let answer = linnet.graphql(&query, json!({ "part": part }), None).await;
            assert_eq!(refusal(&answer), format!("BAD_USER_INPUT {field}"));
        }
    }
}

#[tokio::test]
async fn filters_work_together() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("Alice").await, linnet.join("bob").await);
    linnet.tweet(&alice, "one needle #rust").await;
    linnet.tweet(&alice, "two straw #rust").await;
    linnet.tweet(&alice, "three needle").await;
    linnet.tweet(&bob, "four needle #Rust #straße").await;
    for (arguments, expected) in [
        (json!({}), vec!["four", "three", "two", "one"]),
        (json!({ "author": "aLICE" }), vec!["three", "two", "one"]),
        (json!({ "hashtag": "#RUST" }), vec!["four", "two", "one"]),
        (json!({ "hashtag": "STRAßE" }), vec!["four"]),
        (json!({ "author": "alice", "hashtag": "rust" }), vec!["two", "one"]),
        (json!({ "author": "alice", "contains": "NEEDLE" }), vec!["three", "one"]),
        (json!({ "author": "alice", "contains": "NE" }), vec!["three", "one"]),
        (json!({ "hashtag": "rust", "contains": "needle" }), vec!["four", "one"]),
        (json!({ "hashtag": "rust", "contains": "ne" }), vec!["four", "one"]),
        (
            json!({ "author": "alice", "hashtag": "rust", "contains": "needle" }),
            vec!["one"],
        ),
        (
            json!({ "author": "alice", "hashtag": "rust", "contains": "ee" }),
            vec!["one"],
        ),
        (
            json!({ "author": "alice", "hashtag": "rust", "contains": "nothing" }),
            vec![],
        ),
        (json!({ "author": "nobody" }), vec![]),
        (json!({ "author": "alice\" OR text:\"needle" }), vec![]),
        (json!({ "author": "ali" }), vec![]),
        (json!({ "hashtag": "rus" }), vec![]),
        (json!({ "hashtag": "not a tag" }), vec![]),
        (json!({ "hashtag": "", "contains": "needle" }), vec![]),
    ] {
        let texts = found(&linnet, arguments.clone()).await;
        let words: Vec<&str> = texts.iter().filter_map(|text| text.split(' ').next()).collect();
        assert_eq!(words, expected, "{arguments}");
    }
}

#[tokio::test]
async fn what_was_edited_or_deleted_is_found_no_more() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    let edited = linnet.tweet(&alice, "before the edit zz").await;
    let deleted = linnet.tweet(&alice, "before the deletion zz").await;
    assert_eq!(with(&linnet, "before the").await.len(), 2);
    linnet.edit(&alice, &edited, "after the edit qq").await;
    linnet.on(&alice, "deleteTweet", &deleted).await;
    for (part, count) in [("before", 0), ("zz", 0), ("after the edit", 1), ("qq", 1), ("edit", 1)] {
        assert_eq!(with(&linnet, part).await.len(), count, "{part}");
    }
}

#[tokio::test]
async fn the_most_followed_users_come_first() {
    let linnet = Linnet::start().await;
    let people = linnet
        .join_all(["anna", "Hanna", "joanna", "x_100"].map(str::to_owned).into_iter())
        .await;
    let [anna, hanna, joanna, x] = &people[..] else {
        panic!()
    };
    for (who, whom) in [(anna, joanna), (x, joanna), (x, hanna)] {
        linnet.follow(who, &whom.id).await;
    }
    assert_eq!(users(&linnet, "ANN").await, ["joanna", "Hanna", "anna"]);
    assert_eq!(users(&linnet, "han").await, ["Hanna"]);
    linnet.follow(joanna, &anna.id).await;
    linnet.follow(hanna, &anna.id).await;
    linnet.follow(x, &anna.id).await;
    assert_eq!(users(&linnet, "ann").await, ["anna", "joanna", "Hanna"]);
    linnet.unfollow(x, &joanna.id).await;
    linnet.unfollow(anna, &joanna.id).await;
    assert_eq!(users(&linnet, "ann").await, ["anna", "Hanna", "joanna"]);

    rename(&linnet, x, "Élodie \"50%\" Ñandú").await;
    for part in ["élodie", "E\u{301}LODIE", "ñan", "50%", "\"50", "é", "_1", "X_100", "%"] {
        assert_eq!(users(&linnet, part).await, ["x_100"], "{part}");
    }
    for part in ["x-100", "anna%", "a_na", "nobody"] {
        assert_eq!(users(&linnet, part).await, Vec::<String>::new(), "{part}");
    }
    rename(&linnet, x, "").await;
    assert_eq!(users(&linnet, "élodie").await, Vec::<String>::new());
    assert_eq!(users(&linnet, "n").await, ["anna", "Hanna", "joanna"]);
}

#[tokio::test]
async fn the_most_used_hashtags_come_first() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    for text in [
        "#Rust #Ruby",
        "#rust #rustfest",
        "#rust #ruby",
        "#Straße",
        "#o_100",
        "#\u{e9}t\u{e9}",
    ] {
        linnet.tweet(&alice, text).await;
    }
    let hashtags = async |prefix: &str| {
        let query = "query($prefix: String!) { hashtags(prefix: $prefix) { name } }";
        let found = linnet.ask_with(Nobody, query, json!({ "prefix": prefix })).await;
        all(&found["hashtags"], "name")
    };
    for (prefix, expected) in [
        ("ru", vec!["rust", "ruby", "rustfest"]),
        ("#RUST", vec!["rust", "rustfest"]),
        ("rustf", vec!["rustfest"]),
        ("ust", vec![]),
        ("STRAßE", vec!["straße"]),
        ("o_", vec!["o_100"]),
        ("o%", vec![]),
        ("r%", vec![]),
        ("r_b", vec![]),
        ("E\u{301}T", vec!["\u{e9}t\u{e9}"]),
        ("\"", vec![]),
    ] {
        assert_eq!(hashtags(prefix).await, expected, "{prefix}");
    }
    assert_eq!(hashtags("").await.len(), 6);
    for first in [0, -1, 101] {
        let query = format!("{{ hashtags(prefix: \"r\", first: {first}) {{ name }} }}");
        let answer = linnet.graphql(&query, json!({}), None).await;
        assert_eq!(refusal(&answer), "BAD_USER_INPUT first");
    }
    let one = linnet
        .ask(Nobody, "{ hashtags(prefix: \"r\", first: 1) { name } }")
        .await;
    assert_eq!(all(&one["hashtags"], "name"), ["rust"]);
}

#[tokio::test]
async fn hashtags_that_nobody_uses_any_more_are_not_found() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("alice").await, linnet.join("bob").await);
    let moderator = linnet.moderator("mod").await;
    let gone = linnet.tweet(&alice, "#gone #gonedown").await;
    linnet.tweet(&bob, "#gonebad").await;
    linnet.follow(&alice, "Hashtag:gonedown").await;
    linnet.on(&alice, "deleteTweet", &gone).await;
    let found = async || {
        let found = linnet.ask(Nobody, "{ hashtags(prefix: \"gone\") { name } }").await;
        all(&found["hashtags"], "name")
    };
    assert_eq!(found().await, ["gonebad", "gonedown"]);
    linnet.to(&moderator, "banUser", &bob).await;
    until("the counts without him", async || found().await == ["gonedown"]).await;
    linnet.to(&moderator, "unbanUser", &bob).await;
    until("the counts with him", async || found().await == ["gonebad", "gonedown"]).await;
}
