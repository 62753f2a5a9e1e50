//! Pages of every kind of list: each is the slice of the whole list that was asked for.

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use crate::harness::scene::{Person, id, refusal};
use crate::harness::{Linnet, chance, number};

/// Every connection, with `@` for the arguments of the page and ROOT for a tweet's id.
const LISTS: [&str; 31] = [
    "user(username: \"hub\") { tweets(@) }",
    "user(username: \"hub\") { likes(@) }",
    "user(username: \"hub\") { followers(@) }",
    "user(username: \"hub\") { following(@) }",
    "user(username: \"hub\") { following(flag: \"watching\", @) }",
    "user(username: \"hub\") { feed { tweets(@) } }",
    "user(username: \"hub\") { feed { tweets(includeRetweets: false, @) } }",
    "user(username: \"hub\") { feed { actions(@) } }",
    "user(username: \"hub\") { feed { actions(verbs: [\"like\", \"retweet\"], @) } }",
    "hashtag(name: \"page\") { tweets(@) }",
    "hashtag(name: \"page\") { followers(@) }",
    "hashtag(name: \"page\") { feed { actions(@) } }",
    "hashtag(name: \"page\") { feed { tweets(@) } }",
    "tweet(id: \"ROOT\") { replies(@) }",
    "tweet(id: \"ROOT\") { likers(@) }",
    "tweet(id: \"ROOT\") { retweeters(@) }",
    "viewer { timeline { tweets(@) } }",
    "viewer { timeline { actions(@) } }",
    "viewer { timeline { actions(verbs: [\"tweet\"], @) } }",
    "viewer { actions(@) }",
    "user(username: \"hub\") { actions(@) }",
    "tweet(id: \"ROOT\") { actions(@) }",
    "externalObject(type: \"book\", key: \"pages\") { actions(@) }",
    "externalObject(type: \"book\", key: \"pages\") { followers(@) }",
    "feed(group: OBJECT, slug: \"book:pages\") { actions(verbs: [\"read\"], @) }",
    "tweets(@)",
    "tweets(contains: \"needle\", @)",
    "tweets(contains: \"ne\", @)",
    "tweets(author: \"hub\", hashtag: \"page\", @)",
    "tweets(contains: \"needle\", author: \"hub\", hashtag: \"page\", @)",
    "users(contains: \"page\", @)",
];

/// A server with long lists, of which much happened at the same time.
struct Crowd {
    linnet: Linnet,
    viewer: Person,
    hub: Person,
    root: String,
    /// The hub's tweets with a hashtag.
    his: Vec<String>,
}

impl Crowd {
    async fn new() -> Self {
        let linnet = Linnet::start().await;
        let (viewer, hub) = (linnet.join("viewer").await, linnet.join("hub").await);
        let pages = linnet.join_all((0..24).map(|n| format!("page{n}"))).await;
        let root = linnet.tweet(&hub, "the root").await;
        let text =
            |n: usize| json!({ "text": format!("{} #page {n}", if n.is_multiple_of(3) { "needle" } else { "straw" }) });
        let ids = |payloads: &[Value]| payloads.iter().map(|payload| id(&payload["tweet"])).collect::<Vec<_>>();
        let both = (0..35).flat_map(|n| [(&hub, "postTweet", text(n)), (&pages[n % 24], "postTweet", text(n + 1))]);
        let posted = ids(&linnet.rush(both.collect()).await);
        let his: Vec<String> = posted.iter().step_by(2).cloned().collect();
        let others = posted.iter().skip(1).step_by(2);

        let book = json!({ "type": "book", "key": "pages" });
        let written = json!({ "verb": "write", "object": book });
        linnet.act(&hub, "addAction", written).await;
        let mut acts = Vec::new();
        let follow = |id: &str| json!({ "targetId": id, "backfill": 1000 });
        for (n, page) in pages.iter().enumerate() {
            let answer = json!({ "text": format!("Answer {n}"), "inReplyTo": root });
            acts.extend([(page, "postTweet", answer.clone()), (page, "postTweet", answer)]);
            acts.extend([
                (page, "likeTweet", json!({ "id": root })),
                (page, "retweet", json!({ "id": root })),
            ]);
            acts.extend([
                (page, "follow", follow(&hub.id)),
                (page, "follow", follow("Hashtag:page")),
                (page, "follow", follow("ExternalObject:book:pages")),
                (
                    page,
                    "addAction",
                    json!({ "verb": "read", "object": book, "target": { "id": root } }),
                ),
                (
                    &viewer,
                    "addAction",
                    json!({ "verb": "lend", "object": book, "target": { "id": page.id } }),
                ),
            ]);
            acts.push((&hub, "follow", follow(&page.id)));
            acts.push((&hub, "follow", json!({ "targetId": page.id, "flag": "watching" })));
            if n > 11 {
                acts.extend([
                    (&viewer, "follow", follow(&page.id)),
                    (page, "follow", follow(&pages[n / 6].id)),
                ]);
            }
        }
        for tweet in others {
            acts.extend(["likeTweet", "retweet"].map(|mutation| (&hub, mutation, json!({ "id": tweet }))));
        }
        acts.extend([
            (&viewer, "follow", follow(&hub.id)),
            (&viewer, "follow", follow("Hashtag:page")),
        ]);
        linnet.rush(acts).await;
        Self {
            linnet,
            viewer,
            hub,
            root,
            his,
        }
    }

    fn list<'a>(&'a self, name: &'a str) -> List<'a> {
        List::new(&self.linnet, &self.viewer, name, &self.root)
    }
}

/// One list, as a viewer pages through it.
struct List<'a> {
    linnet: &'a Linnet,
    viewer: &'a Person,
    query: String,
    name: &'a str,
}

/// An item: its cursor and its id.
type Item = (String, String);

impl<'a> List<'a> {
    fn new(linnet: &'a Linnet, viewer: &'a Person, name: &'a str, root: &str) -> Self {
        let page = "first: $first, after: $after, last: $last, before: $before) {
            edges { cursor node { ... on Node { id } } }
            nodes { ... on Node { id } }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }";
        let list = name.replace("@)", page).replace("ROOT", root);
        let query = format!("query($first: Int, $after: String, $last: Int, $before: String) {{ {list} }}");
        Self {
            linnet,
            viewer,
            query,
            name,
        }
    }

    async fn answer(&self, window: &Value) -> Value {
        self.linnet
            .graphql(&self.query, window.clone(), Some(&self.viewer.token))
            .await
    }

    /// A page, and that what it says in several places agrees.
    async fn page(&self, window: &Value) -> (Vec<Item>, bool, bool) {
        let answer = self.answer(window).await;
        assert_eq!(answer.get("errors"), None, "{} {window}: {answer}", self.name);
        let mut page = &answer["data"];
        while page.get("pageInfo").is_none() {
            page = page.as_object().and_then(|object| object.values().next()).unwrap();
        }
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let edges = page["edges"].as_array().unwrap();
        let items: Vec<Item> = edges
            .iter()
            .map(|edge| (text(&edge["cursor"]), text(&edge["node"]["id"])))
            .collect();
        let nodes: Vec<&Value> = edges.iter().map(|edge| &edge["node"]).collect();
        assert_eq!(json!(nodes), page["nodes"]);
        let info = &page["pageInfo"];
        let end = |item: Option<&Item>| json!(item.map(|item| &item.0));
        assert_eq!(info["startCursor"], end(items.first()), "{} {window}", self.name);
        assert_eq!(info["endCursor"], end(items.last()), "{} {window}", self.name);
        (
            items,
            info["hasPreviousPage"].as_bool().unwrap(),
            info["hasNextPage"].as_bool().unwrap(),
        )
    }

    /// The whole list, page by page.
    async fn walk(&self, size: usize, forward: bool) -> Vec<Item> {
        let mut whole: Vec<Item> = Vec::new();
        let mut window = if forward {
            json!({ "first": size })
        } else {
            json!({ "last": size })
        };
        loop {
            let (items, previous, next) = self.page(&window).await;
            let begins = whole.is_empty();
            if forward {
                assert_eq!(previous, !begins, "{}", self.name);
                whole.extend(items);
                window["after"] = json!(whole.last().map(|item| &item.0));
            } else {
                assert_eq!(next, !begins, "{}", self.name);
                whole.splice(0..0, items);
                window["before"] = json!(whole.first().map(|item| &item.0));
            }
            if !(if forward { next } else { previous }) {
                return whole;
            }
            assert!(whole.len() < 1_000, "{} never ends", self.name);
        }
    }
}

/// What is known of a list: all that ever stood in it, and what still does.
struct Known {
    places: Vec<Item>,
    stands: Vec<bool>,
}

impl Known {
    /// What a window of the list holds, and whether something lies before and behind it. The
    /// latter is left open for windows that end before they begin.
    fn page(&self, after: Option<usize>, before: Option<usize>, size: usize, from_end: bool) -> Page {
        let begin = after.map_or(0, |after| after + 1);
        let end = before.unwrap_or(self.places.len());
        let mut within: Vec<usize> = (begin..end).filter(|at| self.stands[*at]).collect();
        let over = within.len().saturating_sub(size);
        if from_end {
            within.drain(..over);
        } else {
            within.truncate(size);
        }
        let first = within.first().copied().unwrap_or(begin);
        let last = within.last().map_or(begin, |last| last + 1);
        let items = within.iter().map(|at| self.places[*at].clone()).collect();
        let around = (begin <= end && (begin == end || !within.is_empty() || after.is_none() || before.is_none()))
            .then(|| {
                let before = (0..first).any(|at| self.stands[at]);
                let behind = (last..self.places.len()).any(|at| self.stands[at]);
                (before, behind)
            });
        Page { items, around }
    }
}

struct Page {
    items: Vec<Item>,
    around: Option<(bool, bool)>,
}

async fn compare(list: &List<'_>, known: &Known, chance: &mut StdRng, windows: u64) {
    for _ in 0..windows {
        let mut cursor = || {
            chance
                .random_bool(0.6)
                .then(|| chance.random_range(0..known.places.len()))
        };
        let (after, before) = (cursor(), cursor());
        let (size, from_end) = (chance.random_range(1..=30), chance.random());
        let cursor = |at: Option<usize>| at.map(|at| &known.places[at].0);
        let size_of = if from_end { "last" } else { "first" };
        let window = json!({ size_of: size, "after": cursor(after), "before": cursor(before) });
        let expected = known.page(after, before, size, from_end);
        let (items, previous, next) = list.page(&window).await;
        let place = format!("{} {size_of} {size} after {after:?} before {before:?}", list.name);
        assert_eq!(items, expected.items, "{place}");
        if let Some(around) = expected.around {
            assert_eq!((previous, next), around, "{place}: what lies before and behind");
        }
    }
}

#[tokio::test]
async fn every_page_is_a_slice_of_its_list() {
    let mut crowd = Crowd::new().await;
    let mut chance = chance();
    let windows = number("LINNET_TEST_WINDOWS", 12);
    let mut all = Vec::new();
    for name in LISTS {
        let list = crowd.list(name);
        let places = list.walk(100, true).await;
        assert!(places.len() > 10, "{name}: {}", places.len());
        for forward in [true, false] {
            let size = chance.random_range(1..20);
            assert_eq!(list.walk(size, forward).await, places, "{name} by {size}");
        }
        let stands = vec![true; places.len()];
        let known = Known { places, stands };
        compare(&list, &known, &mut chance, windows).await;
        all.push(known);
    }

    // Cursors stay good when their items are gone, and after a restart.
    for at in [0, 3, 4, 5, 6, 20, 33, 34] {
        crowd.linnet.on(&crowd.hub, "deleteTweet", &crowd.his[at]).await;
    }
    crowd.linnet.restart().await;
    for (name, mut known) in LISTS.into_iter().zip(all) {
        let list = crowd.list(name);
        let now = list.walk(100, true).await;
        known.stands = known.places.iter().map(|item| now.contains(item)).collect();
        let left: Vec<&Item> = known.places.iter().filter(|item| now.contains(item)).collect();
        assert_eq!(left, now.iter().collect::<Vec<_>>(), "{name}");
        compare(&list, &known, &mut chance, windows).await;
    }
}

#[tokio::test]
async fn lists_are_newest_first_and_replies_oldest_first() {
    let crowd = Crowd::new().await;
    let query = "query($root: ID!) {
        tweets(first: 100) { nodes { id createdAt } }
        user(username: \"hub\") { tweets(first: 100) { nodes { id createdAt } } }
        hashtag(name: \"page\") { tweets(first: 100) { nodes { id createdAt } } }
        viewer { timeline { actions(first: 100) { nodes { id createdAt } } } }
        tweet(id: $root) { replies(first: 100) { nodes { id createdAt } } }
    }";
    let seen = crowd
        .linnet
        .ask_with(&crowd.viewer, query, json!({ "root": crowd.root }))
        .await;
    let places = |list: &Value| -> Vec<(String, u64)> {
        let place = |node: &Value| {
            let id = node["id"].as_str().unwrap().split_once(':').unwrap().1;
            (node["createdAt"].as_str().unwrap().to_owned(), id.parse().unwrap())
        };
        list["nodes"].as_array().unwrap().iter().map(place).collect()
    };
    for list in [
        &seen["tweets"],
        &seen["user"]["tweets"],
        &seen["hashtag"]["tweets"],
        &seen["viewer"]["timeline"]["actions"],
    ] {
        let places = places(list);
        assert!(places.len() > 30);
        assert!(places.is_sorted_by(|newer, older| newer > older), "{places:?}");
    }
    let replies = places(&seen["tweet"]["replies"]);
    assert_eq!(replies.len(), 48);
    assert!(replies.is_sorted_by(|older, newer| older < newer), "{replies:?}");

    let query = "{
        user(username: \"hub\") {
            followers(first: 100) { edges { followedAt } } following(first: 100) { edges { followedAt } }
        }
        users(contains: \"page\", first: 100) { nodes { followerCount } }
    }";
    let seen = crowd.linnet.ask(&crowd.viewer, query).await;
    for (list, count) in [("followers", 25), ("following", 24)] {
        let edges = seen["user"][list]["edges"].as_array().unwrap();
        let times: Vec<&str> = edges.iter().map(|edge| edge["followedAt"].as_str().unwrap()).collect();
        assert_eq!(times.len(), count);
        assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
    }
    let users = seen["users"]["nodes"].as_array().unwrap();
    let counts: Vec<u64> = users
        .iter()
        .map(|user| user["followerCount"].as_u64().unwrap())
        .collect();
    assert!(counts.is_sorted_by(|more, fewer| more >= fewer), "{counts:?}");
}

#[tokio::test]
async fn a_page_has_its_limits() {
    let crowd = Crowd::new().await;
    for name in LISTS {
        let list = crowd.list(name);
        for (window, field) in [
            (json!({ "first": 0 }), "first"),
            (json!({ "first": -1 }), "first"),
            (json!({ "first": 101 }), "first"),
            (json!({ "last": 0 }), "last"),
            (json!({ "last": -1 }), "last"),
            (json!({ "last": 101 }), "last"),
            (json!({ "first": 1, "last": 1 }), "last"),
            (json!({ "after": "" }), "after"),
            (json!({ "after": "nonsense" }), "after"),
            (json!({ "before": "AAAA" }), "before"),
            (json!({ "last": 5, "before": "🐦" }), "before"),
        ] {
            let refused = refusal(&list.answer(&window).await);
            assert_eq!(refused, format!("BAD_USER_INPUT {field}"), "{name} {window}");
        }
        let (whole, ..) = list.page(&json!({ "first": 100 })).await;
        let (items, previous, next) = list.page(&json!({})).await;
        assert_eq!(items, whole[..20.min(whole.len())], "{name}");
        assert_eq!((previous, next), (false, whole.len() > 20), "{name}");
    }
}
