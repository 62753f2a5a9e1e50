//! What an organiser does with a wall, and what is refused.

use serde_json::{Value, json};

use crate::harness::scene::{Nobody, PASSWORD, Person, all, refusal};
use crate::harness::{Linnet, until};

const WALL: &str = "id slug title tweetCount isComplete keywords hashtags { id name tweetCount }
    accounts { username handle url tweetCount }
    tweets { nodes { id text } } posts: tweets(includeRetweets: false) { nodes { id } }
    participants { nodes { username } } topUsers { user { username } tweetCount } topTweets { id retweetCount }";

async fn wall(linnet: &Linnet, slug: &str) -> Value {
    let query = format!("{{ wall(slug: \"{slug}\") {{ {WALL} }} }}");
    linnet.ask(Nobody, &query).await["wall"].take()
}

/// The texts on a wall, in its order.
async fn texts(linnet: &Linnet, slug: &str) -> Vec<String> {
    all(&wall(linnet, slug).await["tweets"], "text")
}

async fn refused(linnet: &Linnet, by: &Person, input: Value) -> String {
    let mut wall = json!({ "slug": "x", "title": "X" });
    wall.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
    linnet.refused(by, "putWall", wall).await
}

#[tokio::test]
async fn a_tweet_belongs_by_hashtag_keyword_or_account() {
    let linnet = Linnet::start().await;
    let (ann, bob) = (linnet.moderator("ann").await, linnet.join("Bob").await);
    let rules =
        json!({ "hashtags": ["#RustConf", "rustconf"], "keywords": ["cafe\u{301}", "STRASSE"], "accounts": ["@bob"] });
    let made = linnet.wall(&ann, "Conf", rules).await;
    assert_eq!(made["slug"], "conf");
    assert_eq!(made["keywords"], json!(["caf\u{e9}", "STRASSE"]));
    assert_eq!(made["hashtags"], json!([{ "name": "rustconf" }]));
    for text in ["#rustCONF", "rustconf", "in the CAFÉ", "strasse", "Straße", "nothing"] {
        linnet.tweet(&ann, text).await;
    }
    linnet.tweet(&bob, "whatever").await;
    let shown = wall(&linnet, "CONF").await;
    let expected = ["whatever", "strasse", "in the CAFÉ", "#rustCONF"];
    assert_eq!(all(&shown["tweets"], "text"), expected);
    assert_eq!((&shown["tweetCount"], &shown["isComplete"]), (&json!(4), &json!(true)));
    assert_eq!(shown["hashtags"][0]["tweetCount"], 1);
    assert_eq!(all(&shown["participants"], "username"), ["Bob", "ann"]);
    let top =
        json!([{ "user": { "username": "ann" }, "tweetCount": 3 }, { "user": { "username": "Bob" }, "tweetCount": 1 }]);
    assert_eq!(shown["topUsers"], top);
    assert_eq!(shown["topTweets"], json!([]));

    let id = shown["id"].as_str().unwrap();
    let node = format!(
        "{{ node(id: \"{id}\") {{ ... on Wall {{ slug title }} }} walls {{ slug }} none: wall(slug: \"a b\") {{ id }} }}"
    );
    let expected =
        json!({ "node": { "slug": "conf", "title": "The wall Conf" }, "walls": [{ "slug": "conf" }], "none": null });
    assert_eq!(linnet.ask(Nobody, &node).await, expected);
    linnet.file().await.counts_are_right().await;
}

#[tokio::test]
async fn a_ban_takes_its_user_off_walls_and_out_of_counts() {
    const COUNTS: &str = "{ wall(slug: \"w\") { tweetCount tweets { nodes { text } }
        participants { nodes { username } } topUsers { user { username } tweetCount } topTweets { id } }
        hashtag(name: \"x\") { tweetCount topUsers { user { username } tweetCount } }
        trendingHashtags { name } }";
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("ann").await;
    let (bob, cid) = (linnet.join("bob").await, linnet.join("cid").await);
    linnet.wall(&ann, "w", json!({ "hashtags": ["x"] })).await;
    let first = linnet.tweet(&bob, "one #x #y").await;
    linnet.tweet(&cid, "two #x").await;
    linnet.on(&cid, "retweet", &first).await;
    let before = linnet.ask(Nobody, COUNTS).await;
    assert_eq!(before["wall"]["tweetCount"], 2);
    linnet.to(&ann, "banUser", &bob).await;
    let of_cid = json!([{ "user": { "username": "cid" }, "tweetCount": 1 }]);
    let without = json!({
        "wall": { "tweetCount": 1, "tweets": { "nodes": [{ "text": "two #x" }] },
            "participants": { "nodes": [{ "username": "cid" }] }, "topUsers": of_cid, "topTweets": [] },
        "hashtag": { "tweetCount": 1, "topUsers": of_cid },
        "trendingHashtags": [{ "name": "x" }],
    });
    until("counts without them", async || {
        linnet.ask(Nobody, COUNTS).await == without
    })
    .await;
    linnet.to(&ann, "unbanUser", &bob).await;
    until("counts as before", async || linnet.ask(Nobody, COUNTS).await == before).await;
    linnet.file().await.counts_are_right().await;
}

#[tokio::test]
async fn only_moderators_make_walls() {
    let linnet = Linnet::start().await;
    let (ann, bob) = (linnet.moderator("ann").await, linnet.join("bob").await);
    let service = linnet.service("robot").await;
    let input = json!({ "slug": "x", "title": "X" });
    assert_eq!(
        linnet.refused(Nobody, "putWall", input.clone()).await,
        "UNAUTHENTICATED"
    );
    assert_eq!(linnet.refused(&bob, "putWall", input.clone()).await, "FORBIDDEN");
    assert_eq!(linnet.refused(service.as_str(), "putWall", input).await, "FORBIDDEN");
    linnet.wall(&ann, "x", json!({})).await;
    let delete = "mutation { deleteWall(slug: \"X\") }";
    for (token, code) in [(None, "UNAUTHENTICATED"), (Some(bob.token.as_str()), "FORBIDDEN")] {
        assert_eq!(refusal(&linnet.graphql(delete, json!({}), token).await), code);
    }
    assert_eq!(linnet.ask(&ann, delete).await["deleteWall"], true);
    let again = linnet.graphql(delete, json!({}), Some(&ann.token)).await;
    assert_eq!(refusal(&again), "NOT_FOUND");
    assert_eq!(
        linnet.ask(Nobody, "{ wall(slug: \"x\") { id } walls { id } }").await,
        json!({ "wall": null, "walls": [] })
    );
}

/// What somebody types who has never made a wall.
#[tokio::test]
async fn what_is_wrong_is_named() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("ann").await;
    let many = |n: usize| -> Vec<String> { (0..n).map(|n| format!("word{n}")).collect() };
    for (input, why) in [
        (json!({ "slug": "" }), "BAD_USER_INPUT input.slug"),
        (json!({ "slug": "Euro Python" }), "BAD_USER_INPUT input.slug"),
        (json!({ "slug": "größe" }), "BAD_USER_INPUT input.slug"),
        (json!({ "slug": "x".repeat(65) }), "BAD_USER_INPUT input.slug"),
        (json!({ "title": " " }), "BAD_USER_INPUT input.title"),
        (json!({ "title": "x".repeat(101) }), "BAD_USER_INPUT input.title"),
        (json!({ "hashtags": ["two words"] }), "BAD_USER_INPUT input.hashtags"),
        (json!({ "hashtags": ["#"] }), "BAD_USER_INPUT input.hashtags"),
        (json!({ "hashtags": many(51) }), "BAD_USER_INPUT input.hashtags"),
        (json!({ "keywords": [" "] }), "BAD_USER_INPUT input.keywords"),
        (
            json!({ "keywords": ["x".repeat(101)] }),
            "BAD_USER_INPUT input.keywords",
        ),
        (json!({ "keywords": many(51) }), "BAD_USER_INPUT input.keywords"),
        (json!({ "accounts": ["nobody"] }), "NOT_FOUND input.accounts"),
        (json!({ "accounts": ["ann", "@nobody"] }), "NOT_FOUND input.accounts"),
        (json!({ "accounts": ["two words"] }), "BAD_USER_INPUT input.accounts"),
        (json!({ "accounts": ["did:plc:"] }), "BAD_USER_INPUT input.accounts"),
        (json!({ "accounts": many(1_001) }), "BAD_USER_INPUT input.accounts"),
    ] {
        assert_eq!(refused(&linnet, &ann, input.clone()).await, why, "{input}");
    }
    linnet.wall(&ann, "x", json!({})).await;
    for (query, why) in [
        (
            "{ wall(slug: \"x\") { topUsers(first: 0) { tweetCount } } }",
            "BAD_USER_INPUT first",
        ),
        (
            "{ wall(slug: \"x\") { topTweets(first: 101) { id } } }",
            "BAD_USER_INPUT first",
        ),
        (
            "{ wall(slug: \"x\") { tweets(first: 1, last: 1) { nodes { id } } } }",
            "BAD_USER_INPUT last",
        ),
        (
            "{ wall(slug: \"x\") { participants(after: \"?\") { nodes { id } } } }",
            "BAD_USER_INPUT after",
        ),
        ("{ trendingHashtags(first: -1) { name } }", "BAD_USER_INPUT first"),
        ("{ risingHashtags(first: 1000) { name } }", "BAD_USER_INPUT first"),
    ] {
        assert_eq!(refusal(&linnet.graphql(query, json!({}), None).await), why, "{query}");
    }
    let since = linnet
        .graphql("{ trendingHashtags(since: \"yesterday\") { name } }", json!({}), None)
        .await;
    assert!(since["errors"][0]["extensions"]["code"].is_string(), "{since}");
    assert_eq!(
        linnet.ask(Nobody, "{ walls { slug } }").await,
        json!({ "walls": [{ "slug": "x" }] })
    );
}

#[tokio::test]
async fn outside_accounts_become_users_at_once() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("ann").await;
    let names = json!({ "accounts": ["@far@Example.Social", "sky.bsky.social", "did:plc:z72i7hdynmk6r22z27h6tvur"] });
    let made = linnet.wall(&ann, "out", names.clone()).await;
    let accounts = made["accounts"].as_array().unwrap();
    let told: Vec<(&str, Value)> = accounts
        .iter()
        .map(|account| (account["handle"].as_str().unwrap(), account["url"].clone()))
        .collect();
    let did = "did:plc:z72i7hdynmk6r22z27h6tvur";
    assert_eq!(
        told,
        [
            ("@far@example.social", json!("https://example.social/@far")),
            ("sky.bsky.social", Value::Null),
            (did, json!(format!("https://bsky.app/profile/{did}"))),
        ]
    );
    assert!(accounts.iter().all(|account| account["tweetCount"] == 0));
    // They are found again, by another wall too.
    assert_eq!(
        linnet.wall(&ann, "out", names.clone()).await["accounts"],
        made["accounts"]
    );
    assert_eq!(linnet.wall(&ann, "more", names).await["accounts"], made["accounts"]);
}

#[tokio::test]
async fn what_is_stored_comes_in_and_what_no_longer_belongs_goes() {
    let linnet = Linnet::start().await;
    let (ann, bob) = (linnet.moderator("ann").await, linnet.join("bob").await);
    for text in ["one #a", "two #b", "three #a #b", "four"] {
        linnet.tweet(&bob, text).await;
    }
    linnet.wall(&ann, "w", json!({ "hashtags": ["a"] })).await;
    assert_eq!(texts(&linnet, "w").await, ["three #a #b", "one #a"]);
    let id = wall(&linnet, "w").await["id"].clone();
    linnet
        .wall(&ann, "w", json!({ "hashtags": ["b"], "keywords": ["four"] }))
        .await;
    assert_eq!(texts(&linnet, "w").await, ["four", "three #a #b", "two #b"]);
    let shown = wall(&linnet, "w").await;
    assert_eq!((&shown["id"], &shown["tweetCount"]), (&id, &json!(3)));
    linnet.wall(&ann, "w", json!({})).await;
    let shown = wall(&linnet, "w").await;
    assert_eq!(
        (&shown["tweetCount"], &shown["participants"]["nodes"]),
        (&json!(0), &json!([]))
    );
    linnet.file().await.counts_are_right().await;
}

#[tokio::test]
async fn edits_and_deletions_move_tweets() {
    let linnet = Linnet::start().await;
    let (ann, bob) = (linnet.moderator("ann").await, linnet.join("bob").await);
    linnet.wall(&ann, "w", json!({ "keywords": ["yes"] })).await;
    let (one, two) = (linnet.tweet(&bob, "yes").await, linnet.tweet(&ann, "no").await);
    linnet.on(&ann, "retweet", &two).await;
    linnet.edit(&bob, &one, "no").await;
    linnet.edit(&ann, &two, "oh YES").await;
    let shown = wall(&linnet, "w").await;
    assert_eq!(all(&shown["tweets"], "text"), ["oh YES"]);
    assert_eq!(all(&shown["participants"], "username"), ["ann"]);
    assert_eq!(shown["topTweets"], json!([{ "id": two, "retweetCount": 1 }]));
    linnet.on(&ann, "deleteTweet", &two).await;
    let shown = wall(&linnet, "w").await;
    assert_eq!(
        (&shown["tweetCount"], &shown["participants"]["nodes"]),
        (&json!(0), &json!([]))
    );
    linnet.tweet(&bob, "yes again").await;
    linnet.act(&bob, "deleteAccount", json!({ "password": PASSWORD })).await;
    assert_eq!(texts(&linnet, "w").await, [""; 0]);
    let file = linnet.file().await;
    until("the end of the sweep", || file.is_swept()).await;
    assert_eq!(wall(&linnet, "w").await["tweetCount"], 0);
    file.counts_are_right().await;
    file.nothing_is_left_over().await;
}

#[tokio::test]
async fn a_retweeted_tweet_moves_to_the_front_once() {
    let linnet = Linnet::start().await;
    let (ann, bob) = (linnet.moderator("ann").await, linnet.join("bob").await);
    linnet.wall(&ann, "w", json!({ "accounts": ["bob"] })).await;
    let mut ids = Vec::new();
    for text in ["1", "2", "3"] {
        ids.push(linnet.tweet(&bob, text).await);
    }
    linnet.on(&ann, "retweet", &ids[0]).await;
    linnet.on(&bob, "retweet", &ids[0]).await;
    linnet.on(&ann, "retweet", &ids[1]).await;
    assert_eq!(texts(&linnet, "w").await, ["2", "1", "3"]);
    let shown = wall(&linnet, "w").await;
    let order = |list: &[usize]| -> Vec<String> { list.iter().map(|n| ids[*n].clone()).collect() };
    assert_eq!(all(&shown["posts"], "id"), order(&[2, 1, 0]));
    assert_eq!(shown["tweetCount"], 3);
    let top = json!([{ "id": ids[0], "retweetCount": 2 }, { "id": ids[1], "retweetCount": 1 }]);
    assert_eq!(shown["topTweets"], top);
    linnet.on(&ann, "undoRetweet", &ids[1]).await;
    assert_eq!(texts(&linnet, "w").await, ["1", "3", "2"]);
    linnet.on(&bob, "undoRetweet", &ids[0]).await;
    linnet.on(&ann, "undoRetweet", &ids[0]).await;
    assert_eq!(texts(&linnet, "w").await, ["3", "2", "1"]);
    linnet.file().await.counts_are_right().await;
}

/// All ids of a list of a wall, page by page, forward or backward.
async fn walk(linnet: &Linnet, list: &str, size: usize, backward: bool) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let window = match backward {
            true => format!("last: {size}, before: $cursor"),
            false => format!("first: {size}, after: $cursor"),
        };
        let query = format!(
            "query($cursor: String) {{ wall(slug: \"w\") {{ list: {}{window}) {{ nodes {{ id }}
                pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }} }}",
            list
        );
        let page = linnet.ask_with(Nobody, &query, json!({ "cursor": cursor })).await["wall"]["list"].take();
        let nodes = all(&page, "id");
        let info = &page["pageInfo"];
        if backward {
            ids.splice(0..0, nodes);
        } else {
            ids.extend(nodes);
        }
        let (more, next) = match backward {
            true => ("hasPreviousPage", "startCursor"),
            false => ("hasNextPage", "endCursor"),
        };
        if info[more] != true {
            return ids;
        }
        cursor = info[next].clone();
    }
}

#[tokio::test]
async fn pages_are_slices_of_the_whole() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("ann").await;
    let people = linnet.join_all((0..7).map(|n| format!("p{n}"))).await;
    linnet.wall(&ann, "w", json!({ "keywords": ["t"] })).await;
    let mut ids = Vec::new();
    for n in 0..15 {
        ids.push(linnet.tweet(&people[n * 3 % 7], &format!("t{n}")).await);
    }
    for n in [3, 9, 3, 14, 0] {
        linnet.on(&people[n % 7], "retweet", &ids[n]).await;
    }
    for list in ["tweets(", "tweets(includeRetweets: false, ", "participants("] {
        let whole = walk(&linnet, list, 100, false).await;
        assert_eq!(whole.len(), if list == "participants(" { 7 } else { 15 });
        for size in [1, 2, 7] {
            assert_eq!(walk(&linnet, list, size, false).await, whole, "{list} {size}");
            assert_eq!(walk(&linnet, list, size, true).await, whole, "{list} {size} backward");
        }
    }
}

#[tokio::test]
async fn a_deleted_wall_leaves_nothing() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("ann").await;
    linnet.wall(&ann, "w", json!({ "keywords": ["t"] })).await;
    let id = wall(&linnet, "w").await["id"].clone();
    for n in 0..30 {
        linnet.tweet(&ann, &format!("t{n}")).await;
    }
    linnet.ask(&ann, "mutation { deleteWall(slug: \"w\") }").await;
    let node = format!("{{ node(id: {id}) {{ id }} wall(slug: \"w\") {{ id }} }}");
    assert_eq!(linnet.ask(Nobody, &node).await, json!({ "node": null, "wall": null }));
    linnet.tweet(&ann, "t after").await;
    let file = linnet.file().await;
    until("the end of the sweep", || file.is_swept()).await;
    file.nothing_is_left_over().await;
    // Another wall of that name is another wall.
    linnet.wall(&ann, "w", json!({ "keywords": ["t1"] })).await;
    let shown = wall(&linnet, "w").await;
    assert_ne!(shown["id"], id);
    assert_eq!(shown["tweetCount"], 11);
}

#[tokio::test]
async fn imported_tweets_are_matched_as_they_come() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("ann").await;
    linnet
        .wall(
            &ann,
            "w",
            json!({ "hashtags": ["rust"], "accounts": ["@out@example.social"] }),
        )
        .await;
    let rows = [
        json!({ "id": "1", "username": "old", "text": "one #rust", "createdAt": "2020-01-01T00:00:00Z", "retweets": 5 }),
        json!({ "id": "2", "username": "old", "text": "two", "createdAt": "2020-01-02T00:00:00Z" }),
        json!({ "id": "3", "username": "other", "text": "three #RUST", "createdAt": "2020-01-03T00:00:00Z", "inReplyToId": "4" }),
        json!({ "id": "5", "username": "other", "text": "RT", "createdAt": "2020-01-05T00:00:00Z", "retweetOfId": "1" }),
        json!({ "id": "4", "username": "old", "text": "four #rust", "createdAt": "2020-01-02T12:00:00Z" }),
    ];
    let rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
    linnet.tell(&["import", "tweets", "-"], &rows.join("\n")).await;
    until("what was imported", || async {
        wall(&linnet, "w").await["tweetCount"] == 3
    })
    .await;
    assert_eq!(texts(&linnet, "w").await, ["one #rust", "three #RUST", "four #rust"]);
    let top = wall(&linnet, "w").await["topTweets"].take();
    assert_eq!(top[0]["retweetCount"], 6);
    linnet.file().await.counts_are_right().await;
}

#[tokio::test]
async fn many_walls_cost_as_many_statements_as_one() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("ann").await;
    let query = format!("{{ walls {{ {WALL} }} }}");
    let mut costs = Vec::new();
    for walls in 1..5 {
        linnet
            .wall(
                &ann,
                &format!("w{walls}"),
                json!({ "keywords": ["t"], "accounts": ["ann"] }),
            )
            .await;
        for n in 0..5 {
            let tweet = linnet.tweet(&ann, &format!("t{n} #a #b")).await;
            linnet.on(&ann, "retweet", &tweet).await;
        }
        let before = linnet.metric("linnet_sql_statements_total").await;
        let shown = linnet.ask(Nobody, &query).await;
        assert_eq!(shown["walls"].as_array().unwrap().len(), walls);
        costs.push(linnet.metric("linnet_sql_statements_total").await - before);
    }
    assert!(costs[1..].iter().all(|cost| *cost <= costs[1]), "{costs:?}");
}

/// How far a wall says that it is.
#[derive(Debug)]
struct Progress {
    is_complete: bool,
    since: Option<String>,
    count: usize,
}

/// What a wall says from the moment on when it is put until it has everything.
async fn progress(linnet: &Linnet, by: &Person, hashtag: &str) -> Vec<Progress> {
    let input = json!({ "slug": "w", "title": "W", "hashtags": [hashtag] });
    linnet.act(by, "putWall", input).await;
    let query = "{ wall(slug: \"w\") { isComplete completeSince tweetCount } }";
    let mut told: Vec<Progress> = Vec::new();
    while told.last().is_none_or(|last| !last.is_complete) {
        let wall = linnet.ask(Nobody, query).await["wall"].take();
        told.push(Progress {
            is_complete: wall["isComplete"].as_bool().unwrap(),
            since: wall["completeSince"].as_str().map(ToOwned::to_owned),
            count: usize::try_from(wall["tweetCount"].as_u64().unwrap()).unwrap(),
        });
    }
    told
}

#[tokio::test]
async fn a_wall_tells_since_when_it_has_everything() {
    const TWEETS: usize = 4_000;
    let linnet = Linnet::with(&["--rate-limit", "off"]).await;
    let ann = linnet.moderator("ann").await;
    // Many of one moment: more than are taken in at once.
    let at = |number: usize| format!("2024-01-01T00:00:{:02}.000000Z", number / 700);
    let rows = (0..TWEETS).map(|number| {
        let text = if number % 4 == 0 { "#rust" } else { "#rust #odd" };
        json!({ "id": number.to_string(), "username": "u", "text": text, "createdAt": at(number) }).to_string()
    });
    let rows = rows.collect::<Vec<_>>().join("\n");
    linnet.tell(&["import", "tweets", "-"], &rows).await;
    for (hashtag, belong) in [
        ("rust", (0..TWEETS).collect::<Vec<_>>()),
        ("odd", (0..TWEETS).filter(|n| n % 4 != 0).collect()),
    ] {
        let told = progress(&linnet, &ann, hashtag).await;
        let (last, before) = told.split_last().unwrap();
        assert_eq!((&last.since, last.count), (&None, belong.len()), "{hashtag}");
        let since: Vec<(&str, usize)> = before
            .iter()
            .filter_map(|one| Some((one.since.as_deref()?, one.count)))
            .collect();
        assert!(since.len() > 1, "{hashtag}: {told:?}");
        assert!(since.is_sorted_by(|a, b| a.0 >= b.0), "it goes back in time: {since:?}");
        for (since, count) in since {
            let due = belong.iter().filter(|number| at(**number).as_str() >= since).count();
            assert!(count >= due, "{hashtag}: {count} of {due} since {since}");
        }
        // By other rules before: first what no longer belongs is taken out.
        let is_emptied = before.iter().any(|one| one.since.is_none() && one.count > belong.len());
        assert_eq!(is_emptied, hashtag == "odd", "{told:?}");
    }
}
