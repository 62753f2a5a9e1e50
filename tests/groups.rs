//! Groups of every feed against a plain model: the feed's own actions, put together by verb,
//! object and day.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};

use crate::harness::scene::{Person, id};
use crate::harness::{Linnet, chance};

const TIME: &str = "2026-03-0";
const ACTION: &str = "id verb createdAt actor { ... on Node { id } } object { ... on Node { id } }";
const GROUP: &str = "id verb updatedAt actionCount actorCount object { ... on Node { id } }
    actors(first: 100) { ... on Node { id } } actions(first: 100) { nodes { id } }";

/// A feed of everybody's.
const FEEDS: [(&str, &str); 5] = [
    ("USER", "ann"),
    ("USER", "fan3"),
    ("TIMELINE", "reader"),
    ("HASHTAG", "day"),
    ("NOTIFICATION", "ann"),
];

/// A group as the model makes it.
#[derive(Clone, Debug, PartialEq)]
struct Group {
    verb: String,
    object: Value,
    day: String,
    updated_at: Value,
    actions: Vec<Value>,
    actors: Vec<Value>,
}

fn grouped(actions: &[Value]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for action in actions {
        let verb = action["verb"].as_str().unwrap();
        let day = &action["createdAt"].as_str().unwrap()[..10];
        let object = &action["object"]["id"];
        let same = |group: &&mut Group| group.verb == verb && group.day == day && group.object == *object;
        let group = match groups.iter_mut().find(same) {
            Some(group) => group,
            None => {
                groups.push(Group {
                    verb: verb.to_owned(),
                    object: object.clone(),
                    day: day.to_owned(),
                    updated_at: action["createdAt"].clone(),
                    actions: Vec::new(),
                    actors: Vec::new(),
                });
                groups.last_mut().unwrap()
            }
        };
        group.actions.push(action["id"].clone());
        if !group.actors.contains(&action["actor"]["id"]) {
            group.actors.push(action["actor"]["id"].clone());
        }
    }
    groups
}

fn shown(group: &Value) -> Group {
    let ids = |list: &Value| -> Vec<Value> { list.as_array().unwrap().iter().map(|node| node["id"].clone()).collect() };
    let shown = Group {
        verb: group["verb"].as_str().unwrap().to_owned(),
        object: group["object"]["id"].clone(),
        day: group["updatedAt"].as_str().unwrap()[..10].to_owned(),
        updated_at: group["updatedAt"].clone(),
        actions: ids(&group["actions"]["nodes"]),
        actors: ids(&group["actors"]),
    };
    assert_eq!(group["actionCount"], shown.actions.len(), "{group}");
    assert_eq!(group["actorCount"], shown.actors.len(), "{group}");
    shown
}

/// Tweets, likes and retweets over three days, and somebody who follows all of it.
async fn scene(linnet: &Linnet, chance: &mut StdRng) -> Vec<Person> {
    let names = ["ann".to_owned(), "reader".to_owned()];
    let fans = (0..8).map(|fan| format!("fan{fan}"));
    let people = linnet.join_all(names.into_iter().chain(fans)).await;
    let time = |chance: &mut StdRng| {
        let (day, hour, minute) = (
            chance.random_range(1..4),
            chance.random_range(0..24),
            chance.random_range(0..60),
        );
        format!("{TIME}{day}T{hour:02}:{minute:02}:00Z")
    };
    let mut tweets = String::new();
    for tweet in 0..6 {
        // At least one is hers.
        let authors = if tweet == 0 { &["ann"][..] } else { &["ann", "fan0"] };
        let author = authors.choose(chance).unwrap();
        let at = time(chance);
        tweets +=
            &json!({ "id": tweet.to_string(), "username": author, "text": format!("{tweet} #day"), "createdAt": at })
                .to_string();
        tweets += "\n";
    }
    for (number, retweet) in (100..110).zip(0..) {
        let fan = format!("fan{}", retweet % 8);
        let of = chance.random_range(0..3).to_string();
        let row = json!({ "id": number.to_string(), "username": fan, "text": "RT", "retweetOfId": of, "createdAt": time(chance) });
        tweets += &format!("{row}\n");
    }
    linnet.tell(&["import", "tweets", "-"], &tweets).await;
    let mut likes = String::new();
    for fan in 0..8 {
        for tweet in 0..6 {
            if chance.random_bool(0.8) {
                let row =
                    json!({ "username": format!("fan{fan}"), "tweetId": tweet.to_string(), "createdAt": time(chance) });
                likes += &format!("{row}\n");
            }
        }
    }
    linnet.tell(&["import", "likes", "-"], &likes).await;
    let reader = &people[1];
    for person in people.iter().filter(|person| person.name != "reader") {
        let input = json!({ "targetId": person.id, "backfill": 1_000 });
        linnet.act(reader, "follow", input).await;
    }
    linnet.follow(reader, "Hashtag:day").await;
    people
}

fn asker<'p>(people: &'p [Person], slug: &str) -> &'p Person {
    people.iter().find(|person| person.name == slug).unwrap_or(&people[1])
}

async fn actions(linnet: &Linnet, who: &Person, group: &str, slug: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), Value::Null);
    loop {
        let query = format!(
            "query($g: FeedGroup!, $s: String!, $after: String) {{ feed(group: $g, slug: $s) {{
                actions(first: 100, after: $after) {{ nodes {{ {ACTION} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
        );
        let data = linnet
            .ask_with(who, &query, json!({ "g": group, "s": slug, "after": after }))
            .await;
        let page = &data["feed"]["actions"];
        all.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] != true {
            return all;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

async fn page(linnet: &Linnet, who: &Person, (group, slug): (&str, &str), window: &Value) -> Value {
    let query = format!(
        "query($g: FeedGroup!, $s: String!, $first: Int, $after: String, $last: Int, $before: String) {{
            feed(group: $g, slug: $s) {{ groups(first: $first, after: $after, last: $last, before: $before) {{
                edges {{ cursor node {{ {GROUP} }} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
        }} }} }}"
    );
    let mut variables = json!({ "g": group, "s": slug });
    for (name, value) in window.as_object().unwrap() {
        variables[name] = value.clone();
    }
    linnet.ask_with(who, &query, variables).await["feed"]["groups"].clone()
}

/// All pages of a size, in one direction, are slices of the whole.
async fn walk(linnet: &Linnet, who: &Person, feed: (&str, &str), expected: &[Group], size: usize, forward: bool) {
    let (mut from, mut cursor) = (0, Value::Null);
    loop {
        let window = match forward {
            true => json!({ "first": size, "after": cursor }),
            false => json!({ "last": size, "before": cursor }),
        };
        let page = page(linnet, who, feed, &window).await;
        let edges = page["edges"].as_array().unwrap();
        let found: Vec<Group> = edges.iter().map(|edge| shown(&edge["node"])).collect();
        let to = (from + size).min(expected.len());
        let slice = match forward {
            true => &expected[from..to],
            false => &expected[expected.len() - to..expected.len() - from],
        };
        assert_eq!(found, slice, "{feed:?} {window}");
        let (behind, before) = (to < expected.len(), from > 0);
        let (next, previous) = if forward { (behind, before) } else { (before, behind) };
        assert_eq!(page["pageInfo"]["hasNextPage"], next, "{feed:?} {window}");
        assert_eq!(page["pageInfo"]["hasPreviousPage"], previous, "{feed:?} {window}");
        if to == expected.len() {
            return;
        }
        from = to;
        cursor = page["pageInfo"][if forward { "endCursor" } else { "startCursor" }].clone();
    }
}

#[tokio::test]
async fn groups_are_the_feeds_actions_put_together() {
    let linnet = Linnet::with(&["--query-cost", "1000000"]).await;
    let mut chance = chance();
    let people = scene(&linnet, &mut chance).await;
    for turn in 0..2 {
        for feed in FEEDS {
            let who = asker(&people, feed.1);
            let expected = grouped(&actions(&linnet, who, feed.0, feed.1).await);
            assert!(!expected.is_empty(), "{feed:?}");
            for size in [1, 3, 50] {
                walk(&linnet, who, feed, &expected, size, true).await;
                walk(&linnet, who, feed, &expected, size, false).await;
            }
        }
        if turn == 0 {
            something_more(&linnet, &people).await;
        }
    }
    let file = linnet.file().await;
    file.counts_are_right().await;
}

/// Likes of today, one of them taken back, and a tweet that goes.
async fn something_more(linnet: &Linnet, people: &[Person]) {
    let tweet = linnet.tweet(&people[0], "today #day").await;
    let other = linnet.tweet(&people[0], "gone soon #day").await;
    for person in &people[2..6] {
        linnet.on(person, "likeTweet", &tweet).await;
        linnet.on(person, "likeTweet", &other).await;
        linnet.on(person, "retweet", &tweet).await;
    }
    linnet.on(&people[3], "unlikeTweet", &tweet).await;
    linnet.on(&people[0], "deleteTweet", &other).await;
}

/// Once an account is deleted, nothing of it is counted, whether it is swept away yet or not.
#[tokio::test]
async fn who_is_deleted_stands_in_no_group() {
    let linnet = Linnet::start().await;
    let mut chance = chance();
    let people = scene(&linnet, &mut chance).await;
    for gone in [6, 7, 2] {
        linnet
            .act(&people[gone], "deleteAccount", json!({ "password": "correct horse" }))
            .await;
        for feed in FEEDS {
            let who = asker(&people, feed.1);
            let expected = grouped(&actions(&linnet, who, feed.0, feed.1).await);
            walk(&linnet, who, feed, &expected, 4, true).await;
        }
    }
}

/// A group's id is good as long as one may see it.
#[tokio::test]
async fn a_group_is_a_node() {
    let linnet = Linnet::start().await;
    let people = scene(&linnet, &mut chance()).await;
    for feed in FEEDS {
        let who = asker(&people, feed.1);
        let page = page(&linnet, who, feed, &json!({ "first": 4 })).await;
        for edge in page["edges"].as_array().unwrap() {
            let group = &edge["node"];
            let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on ActionGroup {{ {GROUP} }} }} }}");
            let ask = |who: Person| {
                let (query, variables) = (query.clone(), json!({ "id": id(group) }));
                let linnet = &linnet;
                async move { linnet.ask_with(&who, &query, variables).await["node"].clone() }
            };
            assert_eq!(ask(who.clone()).await, *group, "{feed:?}");
            let stranger = &people[9];
            let private = ["TIMELINE", "NOTIFICATION"].contains(&feed.0);
            assert_eq!(ask(stranger.clone()).await.is_null(), private, "{feed:?}");
        }
    }
    for bad in ["ActionGroup:", "ActionGroup:x", "ActionGroup:WyJVU0VSIl0"] {
        let data = linnet
            .ask_with(
                &people[0],
                "query($id: ID!) { node(id: $id) { id } }",
                json!({ "id": bad }),
            )
            .await;
        assert_eq!(data["node"], Value::Null, "{bad}");
    }
}

/// Beyond a thousand actions a group's counts stay.
#[tokio::test]
async fn counts_are_exact_up_to_a_thousand() {
    let linnet = Linnet::start().await;
    let ann = linnet.join("ann").await;
    let reader = linnet.join("reader").await;
    let mut rows =
        json!({ "id": "1", "username": "ann", "text": "x", "createdAt": "2026-03-01T00:00:00Z" }).to_string();
    rows += "\n";
    linnet.tell(&["import", "tweets", "-"], &rows).await;
    let like = |fan: usize| {
        let row = json!({ "username": format!("f{fan}"), "tweetId": "1", "createdAt": format!("2026-03-02T00:{:02}:{:02}Z", fan / 60, fan % 60) });
        format!("{row}\n")
    };
    let follow = |fan: usize| format!("{}\n", json!({ "follower": "reader", "followee": format!("f{fan}") }));
    for (count, from) in [(999, 0), (1_000, 999), (1_001, 1_000), (1_300, 1_001)] {
        linnet
            .tell(&["import", "likes", "-"], &(from..count).map(like).collect::<String>())
            .await;
        linnet
            .tell(
                &["import", "follows", "-"],
                &(from..count).map(follow).collect::<String>(),
            )
            .await;
        let told = page(&linnet, &ann, ("NOTIFICATION", "ann"), &json!({ "first": 1 })).await;
        assert_eq!(told["edges"][0]["node"]["actorCount"], count);
        let read = page(&linnet, &reader, ("TIMELINE", "reader"), &json!({ "first": 1 })).await;
        let group = &read["edges"][0]["node"];
        assert_eq!(
            (&group["actionCount"], &group["actorCount"]),
            (&json!(count.min(1_000)), &json!(count.min(1_000)))
        );
        assert_eq!(read["pageInfo"]["hasNextPage"], false);
    }
}

/// A group of more actions than a page reads ends it short; the next page goes on.
#[tokio::test]
async fn a_page_may_end_short_after_ten_thousand_actions() {
    const MANY: [&str; 2] = [
        "INSERT INTO action (id, verb, actor_kind, actor_key, object_kind, object_key, created_at) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10050) \
         SELECT 1000 + i, 'watch', 'user', '1', 'user', '1', 4070908800000000 + i FROM n",
        "INSERT INTO feed_entry (topic, kind, created_at, id, verb, actor_id, tweet_id, object) \
         SELECT 'user:1', 2, created_at, id, verb, 1, NULL, 'user:1' FROM action WHERE id > 1000",
    ];
    let mut linnet = Linnet::start().await;
    let ann = linnet.join("ann").await;
    linnet.tweet(&ann, "first").await;
    linnet.terminate().await;
    let file = Database::connect(linnet.database_url()).await.unwrap();
    for sql in MANY {
        file.execute_unprepared(sql).await.unwrap();
    }
    file.close().await.unwrap();
    linnet.restart().await;
    let query = "query($after: String) { viewer { feed { groups(first: 5, after: $after) {
        nodes { verb actionCount actorCount } pageInfo { hasNextPage hasPreviousPage endCursor } } } } }";
    let first = linnet.ask_with(&ann, query, json!({})).await["viewer"]["feed"]["groups"].clone();
    assert_eq!(
        first["nodes"],
        json!([{ "verb": "watch", "actionCount": 1_000, "actorCount": 1 }])
    );
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let after = json!({ "after": first["pageInfo"]["endCursor"] });
    let second = linnet.ask_with(&ann, query, after).await["viewer"]["feed"]["groups"].clone();
    assert_eq!(
        second["nodes"],
        json!([{ "verb": "tweet", "actionCount": 1, "actorCount": 1 }])
    );
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
    assert_eq!(second["pageInfo"]["hasPreviousPage"], true);
}
