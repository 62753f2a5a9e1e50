//! What people are told of, and what of it they have seen and read.

use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};

use crate::harness::scene::{Person, all, id, refusal};
use crate::harness::{Linnet, until};

const GROUPS: &str = "{ viewer { notifications { unseenCount unreadCount groups(first: 100) { nodes {
    id verb actionCount actorCount isSeen isRead updatedAt object { ... on Node { id } }
    actors { ... on User { username } } } } } } }";

async fn told(linnet: &Linnet, who: &Person) -> Value {
    linnet.ask(who, GROUPS).await["viewer"]["notifications"].clone()
}

/// Groups in few words: `like 2 cyd,ben`, `*` where it is not seen, `!` where it is not read.
async fn brief(linnet: &Linnet, who: &Person) -> Vec<String> {
    let feed = told(linnet, who).await;
    let groups = feed["groups"]["nodes"].as_array().unwrap();
    let count = |name: &str| groups.iter().filter(|group| group[name] == false).count();
    assert_eq!(feed["unseenCount"], count("isSeen"), "{feed}");
    assert_eq!(feed["unreadCount"], count("isRead"), "{feed}");
    let describe = |group: &Value| {
        let new = if group["isSeen"] == false { "*" } else { "" };
        let unread = if group["isRead"] == false { "!" } else { "" };
        let (verb, actors) = (
            group["verb"].as_str().unwrap(),
            all(&group["actors"], "username").join(","),
        );
        format!("{new}{unread}{verb} {} {actors}", group["actorCount"])
    };
    groups.iter().map(describe).collect()
}

async fn mark(linnet: &Linnet, who: &Person, name: &str, ids: Option<Vec<String>>) -> Value {
    let query = format!("mutation($ids: [ID!]) {{ {name}(ids: $ids) {{ id unseenCount unreadCount }} }}");
    linnet.graphql(&query, json!({ "ids": ids }), Some(&who.token)).await
}

async fn ids(linnet: &Linnet, who: &Person) -> Vec<String> {
    all(&told(linnet, who).await["groups"], "id")
}

#[tokio::test]
async fn notifications_are_their_owners_alone() {
    let linnet = Linnet::start().await;
    let (ann, ben) = (linnet.join("Ann").await, linnet.join("ben").await);
    linnet.follow(&ben, &ann.id).await;
    let group = ids(&linnet, &ann).await.remove(0);
    for query in [
        "{ user(username: \"ann\") { notifications { id } } }",
        "{ feed(group: NOTIFICATION, slug: \"ann\") { id } }",
    ] {
        for token in [Some(ben.token.as_str()), None] {
            let answer = linnet.graphql(query, json!({}), token).await;
            assert_eq!(refusal(&answer), "FORBIDDEN", "{query}");
        }
    }
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let both = json!({ "ids": ["Feed:NOTIFICATION:Ann", group] });
    let seen = linnet.ask_with(&ann, query, both.clone()).await;
    assert_eq!(
        seen["nodes"],
        json!([{ "id": "Feed:NOTIFICATION:Ann" }, { "id": group }])
    );
    let seen = linnet.ask_with(&ben, query, both).await;
    assert_eq!(seen["nodes"], json!([null, null]));
    let same = linnet
        .ask(&ann, "{ feed(group: NOTIFICATION, slug: \"aNN\") { id unseenCount } }")
        .await;
    assert_eq!(same["feed"], json!({ "id": "Feed:NOTIFICATION:Ann", "unseenCount": 1 }));
    let counts = linnet
        .ask(
            &ann,
            "{ viewer { feed { unseenCount unreadCount } timeline { unseenCount } } }",
        )
        .await;
    assert_eq!(counts["viewer"]["feed"], json!({ "unseenCount": 0, "unreadCount": 0 }));
}

#[tokio::test]
async fn what_is_new_is_unseen_until_it_is_marked() {
    let linnet = Linnet::start().await;
    let (ann, ben, cyd) = (
        linnet.join("ann").await,
        linnet.join("ben").await,
        linnet.join("cyd").await,
    );
    let tweet = linnet.tweet(&ann, "hello @ann").await;
    assert_eq!(
        brief(&linnet, &ann).await,
        Vec::<String>::new(),
        "nobody is told of themselves"
    );
    linnet.on(&ann, "likeTweet", &tweet).await;
    linnet.on(&ben, "likeTweet", &tweet).await;
    linnet.on(&cyd, "likeTweet", &tweet).await;
    linnet.follow(&ben, &ann.id).await;
    assert_eq!(brief(&linnet, &ann).await, ["*!follow 1 ben", "*!like 2 cyd,ben"]);
    let answer = mark(&linnet, &ann, "markSeen", None).await;
    assert_eq!(
        answer["data"]["markSeen"],
        json!({ "id": "Feed:NOTIFICATION:ann", "unseenCount": 0, "unreadCount": 2 })
    );
    assert_eq!(brief(&linnet, &ann).await, ["!follow 1 ben", "!like 2 cyd,ben"]);
    linnet.reply(&cyd, &tweet, "@ann hi").await;
    let first = ids(&linnet, &ann).await.remove(2);
    let answer = mark(&linnet, &ann, "markRead", Some(vec![first.clone(), first])).await;
    assert_eq!(answer["data"]["markRead"]["unreadCount"], 2);
    assert_eq!(
        brief(&linnet, &ann).await,
        ["*!reply 1 cyd", "!follow 1 ben", "like 2 cyd,ben"]
    );
    let dan = linnet.join("dan").await;
    linnet.on(&dan, "likeTweet", &tweet).await;
    assert_eq!(
        brief(&linnet, &ann).await,
        ["*!like 3 dan,cyd,ben", "*!reply 1 cyd", "!follow 1 ben"]
    );
    mark(&linnet, &ann, "markRead", None).await;
    assert_eq!(
        brief(&linnet, &ann).await,
        ["like 3 dan,cyd,ben", "reply 1 cyd", "follow 1 ben"]
    );
    linnet.on(&dan, "unlikeTweet", &tweet).await;
    assert_eq!(
        brief(&linnet, &ann).await,
        ["reply 1 cyd", "follow 1 ben", "like 2 cyd,ben"]
    );
    linnet.file().await.counts_are_right().await;
}

#[tokio::test]
async fn only_ones_own_groups_can_be_marked() {
    let linnet = Linnet::start().await;
    let (ann, ben) = (linnet.join("ann").await, linnet.join("ben").await);
    linnet.follow(&ben, &ann.id).await;
    linnet.follow(&ann, &ben.id).await;
    let own = ids(&linnet, &ann).await.remove(0);
    let foreign = ids(&linnet, &ben).await.remove(0);
    let of_user = linnet
        .ask(&ann, "{ viewer { feed { groups { nodes { id } } } } }")
        .await;
    let of_user = all(&of_user["viewer"]["feed"]["groups"], "id").remove(0);
    for bad in [
        foreign,
        of_user,
        "ActionGroup:x".to_owned(),
        ann.id.clone(),
        String::new(),
    ] {
        for name in ["markSeen", "markRead"] {
            let answer = mark(&linnet, &ann, name, Some(vec![own.clone(), bad.clone()])).await;
            assert_eq!(refusal(&answer), "NOT_FOUND", "{bad}");
        }
    }
    assert_eq!(brief(&linnet, &ann).await, ["*!follow 1 ben"], "nothing was marked");
    let answer = mark(&linnet, &ann, "markSeen", Some(Vec::new())).await;
    assert_eq!(answer["data"]["markSeen"]["unseenCount"], 1);
    let answer = linnet.graphql("mutation { markSeen { id } }", json!({}), None).await;
    assert_eq!(refusal(&answer), "UNAUTHENTICATED");
}

#[tokio::test]
async fn edits_notify_and_take_back() {
    let linnet = Linnet::start().await;
    let (ann, ben) = (linnet.join("ann").await, linnet.join("ben").await);
    let tweet = linnet.tweet(&ben, "nobody").await;
    linnet.edit(&ben, &tweet, "hi @ann").await;
    assert_eq!(brief(&linnet, &ann).await, ["*!tweet 1 ben"]);
    linnet.edit(&ben, &tweet, "hi there @ann").await;
    mark(&linnet, &ann, "markSeen", None).await;
    linnet.edit(&ben, &tweet, "hi").await;
    assert_eq!(brief(&linnet, &ann).await, Vec::<String>::new());
    // The tweet that was answered is gone; its author was told all the same, and is mentioned now.
    let question = linnet.tweet(&ann, "well?").await;
    let answer = linnet.reply(&ben, &question, "well").await;
    linnet.on(&ann, "deleteTweet", &question).await;
    linnet.edit(&ben, &answer, "well @ann").await;
    assert_eq!(brief(&linnet, &ann).await, ["*!reply 1 ben"]);
    linnet.file().await.counts_are_right().await;
}

#[tokio::test]
async fn what_is_deleted_is_told_no_more() {
    let linnet = Linnet::start().await;
    let (ann, ben, cyd) = (
        linnet.join("ann").await,
        linnet.join("ben").await,
        linnet.join("cyd").await,
    );
    let (kept, gone) = (linnet.tweet(&ann, "kept").await, linnet.tweet(&ann, "gone").await);
    for who in [&ben, &cyd] {
        linnet.on(who, "likeTweet", &kept).await;
        linnet.on(who, "likeTweet", &gone).await;
        linnet.on(who, "retweet", &gone).await;
    }
    linnet.tweet(&ben, "@ann @cyd").await;
    linnet.follow(&ben, &ann.id).await;
    linnet.on(&ann, "deleteTweet", &gone).await;
    assert_eq!(
        brief(&linnet, &ann).await,
        ["*!follow 1 ben", "*!tweet 1 ben", "*!like 2 cyd,ben"]
    );
    let hidden = ids(&linnet, &ann).await;
    linnet
        .act(&ben, "deleteAccount", json!({ "password": "correct horse" }))
        .await;
    assert_eq!(brief(&linnet, &ann).await, ["*!like 1 cyd"]);
    let answer = mark(&linnet, &ann, "markSeen", Some(vec![hidden[0].clone()])).await;
    assert_eq!(refusal(&answer), "NOT_FOUND");
    linnet
        .act(&cyd, "deleteAccount", json!({ "password": "correct horse" }))
        .await;
    assert_eq!(brief(&linnet, &ann).await, Vec::<String>::new());
    let file = linnet.file().await;
    until("the end of the sweeps", || file.is_swept()).await;
    assert_eq!(brief(&linnet, &ann).await, Vec::<String>::new());
    file.counts_are_right().await;
    file.nothing_is_left_over().await;
    assert_eq!(file.rows("SELECT id FROM notification_group").await, 0);
}

/// A change of the rule makes entries and groups anew; what was seen stays seen.
#[tokio::test]
async fn migrate_makes_them_anew() {
    let mut linnet = Linnet::start().await;
    let (ann, ben, cyd) = (
        linnet.join("ann").await,
        linnet.join("ben").await,
        linnet.join("cyd").await,
    );
    let tweet = linnet.tweet(&ann, "hello").await;
    for who in [&ben, &cyd] {
        linnet.on(who, "likeTweet", &tweet).await;
        linnet.on(who, "retweet", &tweet).await;
        linnet.follow(who, &ann.id).await;
    }
    linnet.reply(&cyd, &tweet, "hi @ben").await;
    linnet.tweet(&ben, "@ann @cyd").await;
    mark(&linnet, &ann, "markRead", Some(ids(&linnet, &ann).await.split_off(2))).await;
    let people = [&ann, &ben, &cyd];
    let mut expected = Vec::new();
    for who in people {
        expected.push(told(&linnet, who).await);
    }
    let spoils = [
        "UPDATE notification_group SET action_count = 7, actor_count = 9, newest_at = 1",
        "DELETE FROM notification_actor WHERE actor <> 'user:1'",
        "UPDATE notification_state SET unseen_count = 40, unread_count = -2",
        "DELETE FROM feed_entry WHERE topic = 'notifications:1' AND verb IN ('like', 'tweet')",
        "INSERT INTO feed_entry (topic, kind, created_at, id, verb, actor_id, tweet_id, object) \
         SELECT 'notifications:2', kind, created_at, id, verb, actor_id, tweet_id, object \
         FROM feed_entry WHERE topic = 'notifications:1' AND verb = 'retweet'",
        "UPDATE notification_group SET hidden = TRUE",
    ];
    for by_server in [false, true] {
        linnet.terminate().await;
        let file = Database::connect(linnet.database_url()).await.unwrap();
        for spoil in spoils {
            file.execute_unprepared(spoil).await.unwrap();
        }
        file.execute_unprepared("UPDATE derived SET rule = 0").await.unwrap();
        file.close().await.unwrap();
        if !by_server {
            linnet.tell(&["migrate"], "").await;
        }
        linnet.restart().await;
        let file = linnet.file().await;
        until("the rebuilding", async || {
            file.rows("SELECT 1 FROM derived WHERE rule > 0 AND phase = 0").await == 1
        })
        .await;
        for (who, expected) in people.iter().zip(&expected) {
            assert_eq!(told(&linnet, who).await, *expected, "{}", who.name);
        }
        file.counts_are_right().await;
    }
    // Groups that had no row are made, and count as seen.
    linnet.terminate().await;
    let file = Database::connect(linnet.database_url()).await.unwrap();
    for table in ["notification_group", "notification_actor", "notification_state"] {
        file.execute_unprepared(&format!("DELETE FROM {table}")).await.unwrap();
    }
    file.execute_unprepared("UPDATE derived SET rule = 0").await.unwrap();
    file.close().await.unwrap();
    linnet.tell(&["migrate"], "").await;
    linnet.restart().await;
    let groups = told(&linnet, &ann).await;
    assert_eq!(groups["unseenCount"], 0);
    assert_eq!(all(&groups["groups"], "id"), all(&expected[0]["groups"], "id"));
    let like = linnet.join("dan").await;
    linnet.on(&like, "likeTweet", &tweet).await;
    assert_eq!(brief(&linnet, &ann).await[0], "*!like 3 dan,cyd,ben");
    linnet.file().await.counts_are_right().await;
    assert_eq!(
        id(&groups["groups"]["nodes"][0]),
        id(&expected[0]["groups"]["nodes"][0])
    );
}
