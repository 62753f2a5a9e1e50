//! How many SQL statements a page takes: its shape decides, never the lengths of its lists.

use serde_json::{Value, json};

use crate::harness::Linnet;
use crate::harness::scene::{Asker, Person, id};

/// Every field of a tweet, with one level of what it refers to.
const TWEET: &str = "id text createdAt editedAt url likeCount retweetCount replyCount
    viewerHasLiked viewerHasRetweeted
    author { id username displayName bio avatarUrl tweetCount followerCount followingCount
        viewerIsFollowing followsViewer }
    hashtags { id name tweetCount followerCount viewerIsFollowing }
    mentions { id username viewerIsFollowing followsViewer }
    inReplyTo { id text author { id username } hashtags { name } }";

/// Connections within a list.
const NESTED: &str = "id
    replies(first: 3) { nodes { id text author { username } hashtags { name tweetCount } } pageInfo { hasNextPage } }
    likers(first: 3) { nodes { id username viewerIsFollowing } pageInfo { hasNextPage } }
    retweeters(last: 2) { nodes { username } pageInfo { hasPreviousPage } }";

/// Connections of others who stand in the list again: what one of them brings into memory, the
/// next need not read, so the number has a bound and no more.
const DEEP: &str = "id
    author { username tweets(first: 2) { nodes { text } } followers(first: 2) { nodes { username } }
        following(first: 2) { nodes { ... on User { username } ... on Hashtag { name } } }
        likes(first: 2) { nodes { text } } feed { tweets(first: 2) { nodes { text } } } }
    hashtags { tweets(first: 2) { nodes { text author { username } } } feed { actions(first: 2) { nodes { verb } } } }";

/// The most statements that take a page with those.
const DEEPEST: u64 = 64;

const ACTION: &str = "id verb createdAt
    actor { ... on User { id username } }
    object { ... on Tweet { id text author { username } hashtags { name } } }
    target { ... on Tweet { id text author { username } hashtags { name } } }";

/// A group with whom and what it names.
const GROUP: &str = "id verb actorCount actionCount isSeen isRead
    actors(first: 3) { ... on User { id username } }
    actions(first: 2) { nodes { id createdAt } }
    object { ... on Tweet { id text author { username } hashtags { name } inReplyTo { text author { username } } } }";

/// Every tweet of five writers is alike: two hashtags, a mention, an answer to another, with
/// three answers and three likers.
async fn uniform() -> (Linnet, Person) {
    let linnet = Linnet::start().await;
    let reader = linnet.join("reader").await;
    let writers = linnet.join_all((0..5).map(|n| format!("writer{n}"))).await;
    let fans = linnet.join_all((0..3).map(|n| format!("fan{n}"))).await;
    let ids = |payloads: &[Value]| payloads.iter().map(|payload| id(&payload["tweet"])).collect::<Vec<_>>();
    let mut roots = Vec::new();
    for fan in &fans {
        roots.push(linnet.tweet(fan, "Discuss #root").await);
    }
    let text = "Mine #one #two @reader";
    let posts = (0..105).map(|n| {
        let input = json!({ "text": format!("{n}. {text}"), "inReplyTo": roots[n % 3] });
        (&writers[n % 5], "postTweet", input)
    });
    let tweets = ids(&linnet.rush(posts.collect()).await);
    let mut acts = Vec::new();
    for tweet in &tweets {
        for fan in &fans {
            acts.push((fan, "likeTweet", json!({ "id": tweet })));
            let answer = json!({ "text": "Yes #three #four @writer0", "inReplyTo": tweet });
            acts.push((fan, "postTweet", answer));
        }
        acts.push((&fans[0], "retweet", json!({ "id": tweet })));
    }
    for writer in &writers {
        acts.push((&reader, "follow", json!({ "targetId": writer.id, "backfill": 1000 })));
        acts.push((writer, "follow", json!({ "targetId": fans[0].id })));
        acts.push((writer, "follow", json!({ "targetId": "Hashtag:one" })));
        acts.push((writer, "likeTweet", json!({ "id": roots[0] })));
    }
    linnet.rush(acts).await;
    (linnet, reader)
}

/// How many statements an operation takes, and its answer.
async fn statements(linnet: &Linnet, who: impl Asker, query: &str) -> (u64, Value) {
    let count = async || linnet.metric("linnet_sql_statements_total").await;
    let before = count().await;
    let data = linnet.ask(who, query).await;
    let statements = count().await - before;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number")]
    (statements as u64, data)
}

/// How many statements a query takes, and how many items the innermost first list has.
async fn cost(linnet: &Linnet, who: impl Asker, query: &str) -> (u64, usize) {
    let (statements, data) = statements(linnet, who, query).await;
    let mut list = &data;
    while let Some(object) = list.as_object() {
        list = object.values().next().unwrap();
    }
    (statements, list.as_array().unwrap().len())
}

/// The pages, with `@` for the arguments and `$` for the selection.
const PAGES: [&str; 6] = [
    "viewer { timeline { tweets(@) { nodes { $ } } } }",
    "hashtag(name: \"one\") { tweets(@) { nodes { $ } } }",
    "user(username: \"fan0\") { tweets(@) { nodes { $ } } }",
    "user(username: \"fan0\") { likes(@) { nodes { $ } } }",
    "tweets(contains: \"mine\", @) { nodes { $ } }",
    "tweets(@) { nodes { $ } }",
];

fn query(page: &str, size: usize, selection: &str) -> String {
    let list = page.replace('@', &format!("first: {size}")).replace('$', selection);
    format!("{{ {list} }}")
}

#[tokio::test]
async fn a_cold_page_costs_by_its_shape() {
    let (mut linnet, reader) = uniform().await;
    for selection in [TWEET, NESTED, DEEP] {
        for page in PAGES {
            let mut costs = Vec::new();
            for size in [2, 100] {
                linnet.restart().await;
                let (statements, length) = cost(&linnet, &reader, &query(page, size, selection)).await;
                assert_eq!(length, size, "{page}");
                costs.push(statements);
            }
            let is_right = if selection == DEEP {
                costs.iter().all(|cost| (1..=DEEPEST).contains(cost))
            } else {
                costs[0] > 0 && costs[0] == costs[1]
            };
            assert!(is_right, "{page} {selection}: {costs:?}");
        }
    }
}

#[tokio::test]
async fn cold_actions_cost_by_their_shape() {
    let (mut linnet, reader) = uniform().await;
    for page in [
        "viewer { timeline { actions(verbs: [\"reply\"], @) { nodes { $ } } } }",
        "hashtag(name: \"one\") { feed { actions(@) { nodes { $ } } } }",
        "user(username: \"fan0\") { feed { actions(verbs: [\"like\"], @) { nodes { $ } } } }",
    ] {
        let mut costs = Vec::new();
        for size in [2, 100] {
            linnet.restart().await;
            let (statements, length) = cost(&linnet, &reader, &query(page, size, ACTION)).await;
            assert_eq!(length, size, "{page}");
            costs.push(statements);
        }
        assert!(costs[0] > 0 && costs[0] == costs[1], "{page}: {costs:?}");
    }
}

#[tokio::test]
async fn cold_groups_cost_by_their_shape() {
    let (mut linnet, reader) = uniform().await;
    for (page, most) in [
        ("user(username: \"fan0\") { feed { groups(@) { nodes { $ } } } }", 100),
        ("hashtag(name: \"one\") { feed { groups(@) { nodes { $ } } } }", 100),
        ("viewer { timeline { groups(@) { nodes { $ } } } }", 100),
        ("user(username: \"writer0\") { feed { groups(@) { nodes { $ } } } }", 20),
        ("viewer { notifications { groups(@) { nodes { $ } } } }", 50),
    ] {
        let mut costs = Vec::new();
        // Both have groups of every kind.
        for size in [most / 5, most] {
            linnet.restart().await;
            let (statements, length) = cost(&linnet, &reader, &query(page, size, GROUP)).await;
            assert_eq!(length, size, "{page}");
            costs.push(statements);
        }
        assert!(costs[0] > 0 && costs[0] == costs[1], "{page}: {costs:?}");
    }
}

/// The group of the mutation reads what it has changed, for the answers and the subscribers.
#[tokio::test]
async fn what_was_just_written_is_shown_from_memory() {
    let linnet = Linnet::start().await;
    let (ann, bob) = (linnet.join("ann").await, linnet.join("bob").await);
    let shown = "tweet { id text likeCount author { username tweetCount } hashtags { name tweetCount } \
                 mentions { username } }";
    let post = format!("mutation {{ postTweet(input: {{ text: \"Hello #one #two @bob\" }}) {{ {shown} }} }}");
    let mut costs = Vec::new();
    for _ in 0..3 {
        let (posting, _) = statements(&linnet, &ann, &post).await;
        let tweet = linnet.tweet(&ann, "Hello #one").await;
        let like = format!("mutation {{ likeTweet(input: {{ id: \"{tweet}\" }}) {{ {shown} }} }}");
        let (liking, _) = statements(&linnet, &bob, &like).await;
        costs.push((posting, liking));
    }
    // What the mutations themselves look up.
    let (posting, liking) = costs[2];
    assert!(posting <= 2 && liking <= 3, "{costs:?}");
}

#[tokio::test]
async fn a_warm_page_costs_next_to_nothing() {
    let (linnet, reader) = uniform().await;
    for page in &PAGES[..2] {
        for size in [2, 100] {
            let query = query(page, size, TWEET);
            cost(&linnet, &reader, &query).await;
            let mut costs = Vec::new();
            for _ in 0..3 {
                costs.push(cost(&linnet, &reader, &query).await.0);
            }
            assert_eq!(costs[0], 0, "{page} {size}: {costs:?}");
            assert!(costs.iter().all(|cost| cost == &costs[0]), "{page} {size}: {costs:?}");
        }
    }
}

#[tokio::test]
async fn everybody_is_answered_when_many_ask_at_once() {
    let (linnet, reader) = uniform().await;
    let asking = (0..60).map(async |n| {
        if n % 3 == 0 {
            linnet.tweet(&reader, "Me too #one").await;
        } else {
            linnet.ask(&reader, &query(PAGES[n % 2], 40, NESTED)).await;
        }
    });
    futures_util::future::join_all(asking).await;
}
