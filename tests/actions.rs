//! Adding and removing actions: the rules, who sees them, what deletion leaves of them, and what
//! a page of them costs.

use serde_json::{Value, json};

use crate::harness::scene::{Nobody, PASSWORD, Person, all, id, refusal};
use crate::harness::{Linnet, until};

const ENTITY: &str = "fragment entity on Entity {
    __typename
    ... on User { id username }
    ... on Tweet { id text author { username } }
    ... on Hashtag { id name }
    ... on ExternalObject { id type key name url data followerCount }
    ... on Tombstone { id formerType deletedAt }
}";

const ACTIONS: &str = "nodes { id verb description data public createdAt
    actor { ...entity } object { ...entity } target { ...entity } } pageInfo { hasNextPage }";

fn repository() -> Value {
    json!({ "type": "repository", "key": "acme/x", "name": "x", "url": "https://example.com/acme/x", "data": { "stars": 3 } })
}

async fn add(linnet: &Linnet, who: &Person, input: Value) -> Value {
    linnet.act(who, "addAction", input).await["action"].clone()
}

/// The verbs of a list of actions.
async fn verbs(linnet: &Linnet, token: Option<&str>, owner: &str) -> Vec<String> {
    let query = format!("{{ owner: {owner} {{ actions(first: 100) {{ nodes {{ verb }} }} }} }}");
    let answer = linnet.graphql(&query, json!({}), token).await;
    all(&answer["data"]["owner"]["actions"], "verb")
}

fn of_repository() -> &'static str {
    "externalObject(type: \"repository\", key: \"acme/x\")"
}

#[tokio::test]
async fn what_happens_elsewhere_is_read_back_with_one_query() {
    let mut linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    let service = linnet.service("ci").await;
    for n in 0..30 {
        let bot = json!({ "type": "bot", "key": format!("builder{}", n % 3), "name": "Builder" });
        let branch = json!({ "type": "branch", "key": format!("acme/x:fix-{n}"), "name": format!("fix-{n}") });
        let pushed = json!({ "actor": bot, "verb": "push", "object": branch, "target": repository(),
            "description": "3 commits", "data": { "forced": false } });
        linnet.act(service.as_str(), "addAction", pushed).await;
        let commit = json!({ "type": "commit", "key": format!("c0ffee{n}") });
        let pushed = json!({ "verb": "push", "object": commit, "target": repository() });
        add(&linnet, &alice, pushed).await;
        add(&linnet, &alice, json!({ "verb": "star", "target": repository() })).await;
    }
    let mut costs = Vec::new();
    for size in [3, 90] {
        linnet.restart().await;
        let count = async || linnet.metric("linnet_sql_statements_total").await;
        let before = count().await;
        let query = format!(
            "{{ {} {{ name actions(first: {size}) {{ {ACTIONS} }} }} }} {ENTITY}",
            of_repository()
        );
        let seen = linnet.ask(Nobody, &query).await;
        costs.push(count().await - before);
        let nodes = seen["externalObject"]["actions"]["nodes"].as_array().unwrap().clone();
        assert_eq!(nodes.len(), size);
        let [starred, by_user, by_bot] = &nodes[..3] else {
            panic!()
        };
        assert_eq!((&starred["verb"], &starred["object"]), (&json!("star"), &Value::Null));
        assert_eq!(starred["target"]["data"], json!({ "stars": 3 }));
        assert_eq!(starred["actor"]["username"], "alice");
        assert_eq!(
            (&by_user["object"]["name"], &by_user["object"]["type"]),
            (&json!("c0ffee29"), &json!("commit"))
        );
        assert_eq!(
            by_bot["actor"],
            json!({ "__typename": "ExternalObject", "id": "ExternalObject:bot:builder2",
            "type": "bot", "key": "builder2", "name": "Builder", "url": null, "data": null, "followerCount": 0 })
        );
        assert_eq!(
            (&by_bot["object"]["key"], &by_bot["description"]),
            (&json!("acme/x:fix-29"), &json!("3 commits"))
        );
        assert_eq!(by_bot["data"], json!({ "forced": false }));
    }
    assert!(costs[0] > 0.0 && costs[0] == costs[1], "{costs:?}");
}

#[tokio::test]
async fn lists_within_lists_cost_by_their_shape() {
    let mut linnet = Linnet::with(&["--query-cost", "1000000", "--query-depth", "20"]).await;
    let alice = linnet.join("alice").await;
    let fans = linnet.join_all((0..3).map(|n| format!("fan{n}"))).await;
    let tweet = linnet.tweet(&alice, "Look #here").await;
    for n in 0..40 {
        let object = json!({ "type": "part", "key": n.to_string(), "name": "Part" });
        for fan in &fans {
            add(
                &linnet,
                fan,
                json!({ "verb": "touch", "object": object, "target": { "id": tweet } }),
            )
            .await;
        }
        let part = json!({ "targetId": format!("ExternalObject:part:{n}"), "flag": "watching" });
        linnet.act(&fans[0], "follow", part).await;
        add(
            &linnet,
            &alice,
            json!({ "verb": "list", "object": object, "target": repository() }),
        )
        .await;
    }
    let mut costs = Vec::new();
    for size in [3, 40] {
        linnet.restart().await;
        let count = async || linnet.metric("linnet_sql_statements_total").await;
        let before = count().await;
        let query = format!(
            "{{ {} {{ actions(first: {size}) {{ nodes {{ object {{ ... on ExternalObject {{ name
                viewerIsFollowing(flag: \"watching\")
                followers(flag: \"watching\", first: 2) {{ edges {{ followedAt node {{ username }} }} }}
                actions(first: 3) {{ edges {{ because {{ ...entity }} node {{ actor {{ ...entity }} target {{
                    ... on Tweet {{ text actions(last: 2) {{ {ACTIONS} }} author {{ actions(first: 2) {{ {ACTIONS} }} }} }}
                }} }} }} pageInfo {{ hasNextPage }} }} }} }} }} }} }} }} {ENTITY}",
            of_repository()
        );
        let seen = linnet.ask(&fans[0], &query).await;
        costs.push(count().await - before);
        let nodes = seen["externalObject"]["actions"]["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), size);
        for node in nodes {
            let object = &node["object"];
            assert_eq!(object["viewerIsFollowing"], true);
            assert_eq!(object["followers"]["edges"][0]["node"]["username"], "fan0");
            assert_eq!(object["actions"]["pageInfo"]["hasNextPage"], true);
            let tweet = &object["actions"]["edges"][1]["node"]["target"];
            assert_eq!(
                all(&tweet["actions"], "verb"),
                ["touch", "tweet"],
                "its posting is the oldest"
            );
        }
    }
    assert!(costs[0] > 0.0 && costs[0] == costs[1], "{costs:?}");
}

#[tokio::test]
async fn what_is_wrong_is_refused() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("alice").await, linnet.join("bob").await);
    let service = linnet.service("ci").await;
    let part = || json!({ "type": "part", "key": "1" });
    let ahead = "2199-01-01T00:00:00Z";
    let wrong = |part: Value| json!({ "verb": "see", "object": part });
    let refused = async |token: &str, input: Value| linnet.refused(token, "addAction", input).await;
    for (input, code) in [
        (json!({ "verb": "" }), "BAD_USER_INPUT input.verb"),
        (json!({ "verb": "x".repeat(65) }), "BAD_USER_INPUT input.verb"),
        (json!({ "verb": "a\nb" }), "BAD_USER_INPUT input.verb"),
        (json!({ "verb": "tweet" }), "BAD_USER_INPUT input.verb"),
        (json!({ "verb": "reply" }), "BAD_USER_INPUT input.verb"),
        (json!({ "verb": "retweet" }), "BAD_USER_INPUT input.verb"),
        (json!({ "verb": "like" }), "BAD_USER_INPUT input.verb"),
        (json!({ "verb": "follow" }), "BAD_USER_INPUT input.verb"),
        (wrong(json!({})), "BAD_USER_INPUT input.object"),
        (wrong(json!({ "type": "part" })), "BAD_USER_INPUT input.object"),
        (
            wrong(json!({ "id": bob.id, "type": "part", "key": "1" })),
            "BAD_USER_INPUT input.object",
        ),
        (
            wrong(json!({ "id": bob.id, "name": "Bob" })),
            "BAD_USER_INPUT input.object",
        ),
        (
            wrong(json!({ "type": "a:b", "key": "1" })),
            "BAD_USER_INPUT input.object",
        ),
        (
            wrong(json!({ "type": "part", "key": "" })),
            "BAD_USER_INPUT input.object",
        ),
        (
            wrong(json!({ "type": "part", "key": "1", "name": "" })),
            "BAD_USER_INPUT input.object.name",
        ),
        (
            wrong(json!({ "type": "part", "key": "1", "url": "javascript:1" })),
            "BAD_USER_INPUT input.object.url",
        ),
        (
            wrong(json!({ "type": "part", "key": "1", "data": "x".repeat(16 * 1024) })),
            "BAD_USER_INPUT input.object.data",
        ),
        (json!({ "verb": "see", "target": {} }), "BAD_USER_INPUT input.target"),
        (json!({ "verb": "see", "actor": {} }), "BAD_USER_INPUT input.actor"),
        (
            json!({ "verb": "see", "data": { "x": "y".repeat(16 * 1024) } }),
            "BAD_USER_INPUT input.data",
        ),
        (
            json!({ "verb": "see", "description": "x".repeat(10_001) }),
            "BAD_USER_INPUT input.description",
        ),
        (
            json!({ "verb": "see", "foreignId": "" }),
            "BAD_USER_INPUT input.foreignId",
        ),
        (
            json!({ "verb": "see", "createdAt": ahead }),
            "BAD_USER_INPUT input.createdAt",
        ),
        (json!({ "verb": "see", "actor": { "id": bob.id } }), "FORBIDDEN"),
        (json!({ "verb": "see", "actor": part() }), "FORBIDDEN"),
        (wrong(json!({ "id": "User:999" })), "NOT_FOUND"),
        (wrong(json!({ "id": "Tweet:999" })), "NOT_FOUND"),
        (wrong(json!({ "id": "Hashtag:unheard" })), "NOT_FOUND"),
        (wrong(json!({ "id": "ExternalObject:part:unheard" })), "NOT_FOUND"),
        (wrong(json!({ "id": "Action:1" })), "NOT_FOUND"),
        (wrong(json!({ "id": "nothing" })), "NOT_FOUND"),
    ] {
        assert_eq!(refused(&alice.token, input.clone()).await, code, "{input}");
    }
    let answer = linnet.attempt(Nobody, "addAction", json!({ "verb": "see" })).await;
    assert_eq!(refusal(&answer), "UNAUTHENTICATED");
    assert_eq!(
        refused(&service, json!({ "verb": "see" })).await,
        "BAD_USER_INPUT input.actor"
    );
    let unheard = json!({ "verb": "see", "actor": { "id": "User:999" } });
    assert_eq!(refused(&service, unheard).await, "NOT_FOUND");
    // What was refused has left nothing.
    assert_eq!(verbs(&linnet, None, "user(username: \"alice\")").await, [""; 0]);
    assert_eq!(
        linnet
            .ask(Nobody, "{ externalObject(type: \"part\", key: \"1\") { id } }")
            .await["externalObject"],
        Value::Null
    );

    let nested = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let query = format!("mutation {{ addAction(input: {{ verb: \"nest\", data: {nested} }}) {{ action {{ id }} }} }}");
    let answer = linnet.graphql(&query, json!({}), Some(&alice.token)).await;
    assert!(answer["errors"].is_array(), "{answer}");
    // As much as there may be.
    let most = json!({ "verb": "v".repeat(64), "data": "x".repeat(16 * 1024 - 2), "description": "d".repeat(10_000) });
    let added = add(&linnet, &alice, most.clone()).await;
    assert_eq!(
        (&added["data"], &added["description"]),
        (&most["data"], &most["description"])
    );
    assert_eq!(linnet.log().matches("ERROR").count(), 0, "{}", linnet.log());
}

#[tokio::test]
async fn an_object_is_as_it_was_last_told_of() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    let tell = async |change: Value| {
        let mut object = json!({ "type": "part", "key": "a:b" });
        object
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let added = add(&linnet, &alice, json!({ "verb": "see", "object": object })).await;
        // In the answer, and for whoever looks.
        let query =
            "{ externalObject(type: \"part\", key: \"a:b\") { id type key name url data feed { id slug group } } }";
        let seen = linnet.ask(Nobody, query).await["externalObject"].clone();
        for field in ["id", "name", "url", "data"] {
            assert_eq!(seen[field], added["object"][field], "{field}");
        }
        seen
    };
    let seen = tell(json!({})).await;
    assert_eq!(
        seen,
        json!({ "id": "ExternalObject:part:a:b", "type": "part", "key": "a:b", "name": "a:b",
        "url": null, "data": null, "feed": { "id": "Feed:OBJECT:part:a:b", "slug": "part:a:b", "group": "OBJECT" } })
    );
    let told = |seen: &Value| json!([seen["name"], seen["url"], seen["data"]]);
    let url = "https://example.com/ab";
    let seen = tell(json!({ "name": "Ab", "url": url, "data": { "z": [1, null], "a": 1.5 } })).await;
    assert_eq!(told(&seen), json!(["Ab", url, { "z": [1, null], "a": 1.5 }]));
    assert_eq!(told(&tell(json!({})).await), told(&seen), "what is left out stays");
    let seen = tell(json!({ "name": "Abc" })).await;
    assert_eq!(told(&seen), json!(["Abc", url, { "z": [1, null], "a": 1.5 }]));
    assert_eq!(
        told(&tell(json!({ "url": null, "data": 7 })).await),
        json!(["Abc", null, 7])
    );

    let ids = json!({ "ids": ["ExternalObject:part:a:b", "Feed:OBJECT:part:a:b", "ExternalObject:part:c", "ExternalObject:part", "Feed:OBJECT:part:c"] });
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Feed { actions(first: 100) { nodes { verb } } } } }";
    let nodes = linnet.ask_with(Nobody, query, ids).await["nodes"].clone();
    assert_eq!(
        nodes[0],
        json!({ "__typename": "ExternalObject", "id": "ExternalObject:part:a:b" })
    );
    assert_eq!(all(&nodes[1]["actions"], "verb").len(), 5);
    assert_eq!(nodes.as_array().unwrap()[2..], [Value::Null, Value::Null, Value::Null]);
}

#[tokio::test]
async fn the_same_action_is_recorded_once() {
    let linnet = Linnet::start().await;
    let alice = linnet.join("alice").await;
    let service = linnet.service("ci").await;
    let star = |n: i64| json!({ "verb": "star", "object": { "type": "part", "key": "1", "name": n.to_string() }, "foreignId": "f", "data": n });
    let mut own = star(1);
    own["actor"] = json!({ "id": alice.id });
    let first = add(&linnet, &alice, own).await;
    let again = add(&linnet, &alice, star(2)).await;
    assert_eq!(first, again);
    assert_eq!(again["object"]["name"], "1", "nothing changes");
    let mut watch = star(3);
    watch["verb"] = json!("watch");
    assert_ne!(add(&linnet, &alice, watch).await["id"], first["id"]);
    let mut by = star(4);
    by["actor"] = json!({ "type": "bot", "key": "b" });
    let others = linnet.act(service.as_str(), "addAction", by.clone()).await;
    assert_ne!(id(&others["action"]), id(&first));
    by["actor"] = json!({ "id": alice.id });
    let same = linnet.act(service.as_str(), "addAction", by).await;
    assert_eq!(id(&same["action"]), id(&first), "whoever names the actor");
    linnet.act(&alice, "removeAction", json!({ "id": first["id"] })).await;
    assert_ne!(id(&add(&linnet, &alice, star(5)).await), id(&first));
}

#[tokio::test]
async fn a_private_action_is_its_actors_alone() {
    let linnet = Linnet::start().await;
    let (alice, bob, cyd) = (
        linnet.join("alice").await,
        linnet.join("bob").await,
        linnet.join("cyd").await,
    );
    let service = linnet.service("ci").await;
    let tweet = linnet.tweet(&bob, "Hello #rust").await;
    linnet.follow(&cyd, &alice.id).await;
    add(
        &linnet,
        &alice,
        json!({ "verb": "note", "object": { "type": "part", "key": "1" } }),
    )
    .await;
    linnet.follow(&cyd, "ExternalObject:part:1").await;
    let secret =
        |object: Value, target: Value| json!({ "verb": "secret", "object": object, "target": target, "public": false });
    let mut ids = Vec::new();
    for (object, target) in [
        (json!({ "id": "ExternalObject:part:1" }), json!({ "id": bob.id })),
        (json!({ "id": tweet }), Value::Null),
        (json!({ "id": alice.id }), json!({ "id": "Hashtag:rust" })),
    ] {
        let action = add(&linnet, &alice, secret(object, target)).await;
        assert_eq!(action["public"], false);
        ids.push(id(&action));
    }
    let bot = json!({ "type": "bot", "key": "b" });
    let silent = json!({ "actor": bot, "verb": "secret", "object": { "type": "part", "key": "1" }, "target": { "id": bob.id }, "public": false });
    let silent = id(&linnet.act(service.as_str(), "addAction", silent).await["action"]);
    let surfaces = format!(
        "{{ user(username: \"alice\") {{ feed {{ {list} }} {list} }} bob: user(username: \"bob\") {{ feed {{ {list} }} {list} }}
            by_slug: feed(group: USER, slug: \"Alice\") {{ {list} only: actions(verbs: [\"secret\"]) {{ nodes {{ verb }} }} }}
            node(id: \"Feed:USER:alice\") {{ ... on Feed {{ {list} }} }}
            viewer {{ timeline {{ {list} }} feed {{ {list} }} {list} }} tweet(id: \"{tweet}\") {{ {list} }}
            hashtag(name: \"rust\") {{ feed {{ {list} }} }} externalObject(type: \"part\", key: \"1\") {{ feed {{ {list} }} {list} }} }}",
        list = "actions(first: 100) { nodes { verb } }"
    );
    let nodes = json!({ "ids": [ids[0], ids[1], ids[2], silent] });
    let look = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    for token in [None, Some(bob.token.as_str()), Some(&cyd.token), Some(&service)] {
        let seen = linnet.graphql(&surfaces, json!({}), token).await;
        assert!(seen.get("errors").is_none(), "{seen}");
        assert!(!seen.to_string().contains("secret\""), "{seen}");
        assert!(seen.to_string().contains("note"), "{seen}");
        let seen = linnet.graphql(look, nodes.clone(), token).await;
        assert_eq!(seen["data"]["nodes"], json!([null, null, null, null]));
        if let Some(token) = token {
            let told = "{ viewer { username } }";
            let name = linnet.graphql(told, json!({}), Some(token)).await["data"]["viewer"]["username"].clone();
            if let Some(name) = name.as_str() {
                let told = verbs(
                    &linnet,
                    Some(token),
                    &format!("feed(group: NOTIFICATION, slug: \"{name}\")"),
                )
                .await;
                assert!(!told.contains(&"secret".to_owned()), "{told:?}");
            }
        }
    }
    let own = linnet.ask(&alice, &surfaces).await;
    for feed in [
        &own["user"]["feed"],
        &own["viewer"]["feed"],
        &own["by_slug"],
        &own["node"],
    ] {
        assert_eq!(all(&feed["actions"], "verb"), ["secret", "secret", "secret", "note"]);
    }
    assert_eq!(all(&own["by_slug"]["only"], "verb").len(), 3);
    for list in [
        &own["user"],
        &own["viewer"],
        &own["externalObject"],
        &own["externalObject"]["feed"],
    ] {
        assert!(!all(&list["actions"], "verb").contains(&"secret".to_owned()), "{list}");
    }
    let seen = linnet.graphql(look, nodes, Some(&alice.token)).await;
    assert_eq!(seen["data"]["nodes"][3], Value::Null, "what no user did is nobody's");
    let own: Vec<String> = (0..3).map(|at| id(&seen["data"]["nodes"][at])).collect();
    assert_eq!(own, ids);
    // Nobody is told by a refusal either.
    let remove = async |token: &str, id: &str| linnet.refused(token, "removeAction", json!({ "id": id })).await;
    assert_eq!(remove(&bob.token, &ids[0]).await, "NOT_FOUND");
    linnet.act(&alice, "removeAction", json!({ "id": ids[0] })).await;
    linnet
        .act(service.as_str(), "removeAction", json!({ "id": ids[1] }))
        .await;
    assert_eq!(
        verbs(&linnet, Some(&alice.token), "feed(group: USER, slug: \"alice\")").await,
        ["secret", "note"]
    );
}

#[tokio::test]
async fn an_action_is_removed_by_its_actor_or_a_service() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("alice").await, linnet.join("bob").await);
    let service = linnet.service("ci").await;
    let star = json!({ "verb": "star", "object": repository(), "target": { "id": bob.id } });
    let star = id(&add(&linnet, &alice, star).await);
    linnet.follow(&bob, "ExternalObject:repository:acme/x").await;
    let told = "feed(group: NOTIFICATION, slug: \"bob\")";
    assert_eq!(verbs(&linnet, Some(&bob.token), told).await, ["star"]);
    let remove = async |token: &str, id: &str| linnet.refused(token, "removeAction", json!({ "id": id })).await;
    assert_eq!(remove(&bob.token, &star).await, "FORBIDDEN");
    let answer = linnet.attempt(Nobody, "removeAction", json!({ "id": star })).await;
    assert_eq!(refusal(&answer), "UNAUTHENTICATED");
    for unknown in ["Action:999", "Tweet:1", "x"] {
        assert_eq!(remove(&alice.token, unknown).await, "NOT_FOUND");
    }
    let feed = linnet
        .ask(&bob, "{ viewer { feed { actions { nodes { id } } } } }")
        .await;
    let follow = all(&feed["viewer"]["feed"]["actions"], "id").remove(0);
    for token in [&bob.token, &service] {
        assert_eq!(remove(token, &follow).await, "BAD_USER_INPUT input.id");
    }
    assert_eq!(linnet.act(&alice, "removeAction", json!({ "id": star })).await, true);
    assert_eq!(remove(&alice.token, &star).await, "NOT_FOUND");
    assert_eq!(verbs(&linnet, None, of_repository()).await, ["follow"]);
    assert_eq!(verbs(&linnet, Some(&bob.token), told).await, [""; 0]);
    assert_eq!(
        verbs(&linnet, Some(&bob.token), "feed(group: TIMELINE, slug: \"bob\")").await,
        [""; 0]
    );
}

#[tokio::test]
async fn deletion_takes_what_somebody_did_and_leaves_tombstones() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("alice").await, linnet.join("bob").await);
    let tweet = linnet.tweet(&alice, "Hello").await;
    linnet.on(&bob, "likeTweet", &tweet).await;
    add(
        &linnet,
        &bob,
        json!({ "verb": "cite", "object": { "id": tweet }, "target": repository() }),
    )
    .await;
    add(
        &linnet,
        &bob,
        json!({ "verb": "praise", "object": { "id": alice.id }, "target": repository() }),
    )
    .await;
    let mut ids = Vec::new();
    for public in [true, false] {
        let star = json!({ "verb": "star", "object": repository(), "public": public });
        ids.push(id(&add(&linnet, &alice, star).await));
    }
    let notes = (0..520).map(|n| {
        (
            &alice,
            "addAction",
            json!({ "verb": "note", "description": n.to_string(), "public": false }),
        )
    });
    linnet.rush(notes.collect()).await;
    linnet.follow(&alice, "ExternalObject:repository:acme/x").await;
    linnet.on(&alice, "deleteTweet", &tweet).await;
    let list = format!(
        "{{ {} {{ followerCount actions {{ {ACTIONS} }} }} }} {ENTITY}",
        of_repository()
    );
    let seen = linnet.ask(Nobody, &list).await["externalObject"].clone();
    assert_eq!(all(&seen["actions"], "verb"), ["follow", "star", "praise", "cite"]);
    let gone = &seen["actions"]["nodes"][3]["object"];
    assert_eq!(
        (&gone["__typename"], &gone["formerType"], &gone["id"]),
        (&json!("Tombstone"), &json!("Tweet"), &json!(tweet))
    );
    assert_eq!(
        verbs(&linnet, None, "user(username: \"bob\")").await,
        ["praise", "cite"],
        "a like goes with its tweet"
    );

    linnet
        .act(&alice, "deleteAccount", json!({ "password": PASSWORD }))
        .await;
    let seen = linnet.ask(Nobody, &list).await["externalObject"].clone();
    assert_eq!(all(&seen["actions"], "verb"), ["praise", "cite"], "at once");
    let gone = &seen["actions"]["nodes"][0]["object"];
    assert_eq!(
        (&gone["__typename"], &gone["formerType"], &gone["id"]),
        (&json!("Tombstone"), &json!("User"), &json!(alice.id))
    );
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    assert_eq!(
        linnet.ask_with(&bob, query, json!({ "ids": ids })).await["nodes"],
        json!([null, null])
    );
    let file = linnet.file().await;
    until("the rows to go", async || file.is_swept().await).await;
    file.nothing_is_left_over().await;
    file.counts_are_right().await;
    let left = format!(
        "SELECT id FROM action WHERE actor_key = '{}'",
        alice.id.trim_start_matches("User:")
    );
    assert_eq!(file.rows(&left).await, 0);
    let seen = linnet.ask(Nobody, &list).await["externalObject"].clone();
    assert_eq!(
        (&seen["followerCount"], all(&seen["actions"], "verb").len()),
        (&json!(0), 2),
        "what they touched stays"
    );
}

#[tokio::test]
async fn an_object_is_followed_under_any_flag() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("alice").await, linnet.join("bob").await);
    add(&linnet, &alice, json!({ "verb": "open", "object": repository() })).await;
    let target = "ExternalObject:repository:acme/x";
    let unknown = json!({ "targetId": "ExternalObject:repository:none" });
    assert_eq!(linnet.refused(&bob, "follow", unknown).await, "NOT_FOUND");
    let followed = linnet.follow(&bob, target).await;
    assert_eq!(
        followed["target"],
        json!({ "__typename": "ExternalObject", "id": target })
    );
    assert_eq!(followed["viewer"]["followingCount"], 1);
    linnet
        .act(&bob, "follow", json!({ "targetId": target, "flag": "watching" }))
        .await;
    linnet
        .act(&alice, "follow", json!({ "targetId": target, "flag": "watching" }))
        .await;
    let query = format!(
        "{{ {} {{ followerCount viewerIsFollowing watching: viewerIsFollowing(flag: \"watching\") other: viewerIsFollowing(flag: \"x\")
            followers {{ edges {{ followedAt node {{ username }} }} nodes {{ username }} }}
            watchers: followers(flag: \"watching\", first: 1) {{ nodes {{ username }} pageInfo {{ hasNextPage }} }} }}
            viewer {{ following {{ edges {{ followedAt }} nodes {{ ...entity }} }} watched: following(flag: \"watching\") {{ nodes {{ ...entity }} }} }} }} {ENTITY}",
        of_repository()
    );
    let seen = linnet.ask(&bob, &query).await;
    let object = &seen["externalObject"];
    assert_eq!(
        json!([
            object["followerCount"],
            object["viewerIsFollowing"],
            object["watching"],
            object["other"]
        ]),
        json!([1, true, true, false])
    );
    assert_eq!(all(&object["followers"], "username"), ["bob"]);
    assert_eq!(all(&object["watchers"], "username"), ["alice"]);
    assert_eq!(object["watchers"]["pageInfo"]["hasNextPage"], true);
    for list in ["following", "watched"] {
        assert_eq!(seen["viewer"][list]["nodes"][0]["name"], "x");
    }
    assert_eq!(
        seen["viewer"]["following"]["edges"][0]["followedAt"],
        object["followers"]["edges"][0]["followedAt"]
    );
    let open = linnet
        .graphql(
            &query.replace("viewer {", "viewer: user(username: \"bob\") {"),
            json!({}),
            None,
        )
        .await;
    let open = &open["data"]["externalObject"];
    assert_eq!(
        json!([open["viewerIsFollowing"], open["watching"]]),
        json!([false, false])
    );
    let long = format!(
        "{{ {} {{ viewerIsFollowing(flag: \"{}\") }} }}",
        of_repository(),
        "x".repeat(65)
    );
    assert_eq!(
        refusal(&linnet.graphql(&long, json!({}), None).await),
        "BAD_USER_INPUT flag"
    );
    linnet.unfollow(&bob, target).await;
    let seen = linnet.ask(&bob, &query).await;
    let object = &seen["externalObject"];
    assert_eq!(
        json!([object["followerCount"], object["viewerIsFollowing"], object["watching"]]),
        json!([0, false, true])
    );
}

#[tokio::test]
async fn a_backdated_action_stands_in_its_place() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.join("alice").await, linnet.join("bob").await);
    let at = |verb: &str, time: &str| json!({ "verb": verb, "object": repository(), "target": { "id": bob.id }, "createdAt": time });
    for (verb, time) in [
        ("c", "2024-05-01T00:00:00Z"),
        ("a", "2024-03-01T12:00:00+02:00"),
        ("b", "2024-04-01T00:00:00.000001Z"),
    ] {
        add(&linnet, &alice, at(verb, time)).await;
    }
    add(
        &linnet,
        &alice,
        json!({ "verb": "d", "object": repository(), "target": { "id": bob.id } }),
    )
    .await;
    for list in [
        of_repository(),
        "user(username: \"bob\")",
        "feed(group: USER, slug: \"alice\")",
        "feed(group: OBJECT, slug: \"repository:acme/x\")",
    ] {
        assert_eq!(verbs(&linnet, None, list).await, ["d", "c", "b", "a"], "{list}");
    }
    let told = verbs(&linnet, Some(&bob.token), "feed(group: NOTIFICATION, slug: \"bob\")").await;
    assert_eq!(told, ["d", "c", "b", "a"]);
}
