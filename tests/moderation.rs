//! Blocks, mutes and bans: who may, what it ends, what it counts, and what comes back.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::scene::{Nobody, PASSWORD, Person, all, id};
use crate::harness::{Linnet, until};

const MUTATIONS: [&str; 4] = ["blockUser", "unblockUser", "muteUser", "unmuteUser"];

fn of(target: &Person) -> Value {
    json!({ "userId": target.id })
}

async fn counts(linnet: &Linnet, tweet: &str, tag: &str, user: &str) -> Value {
    let query = "query($tweet: ID!, $tag: String!, $user: String!) {
        tweet(id: $tweet) { likeCount retweetCount replyCount }
        hashtag(name: $tag) { tweetCount followerCount }
        user(username: $user) { tweetCount followerCount followingCount }
        externalObject(type: \"repository\", key: \"acme/x\") { followerCount }
    }";
    let variables = json!({ "tweet": tweet, "tag": tag, "user": user });
    linnet.ask_with(Nobody, query, variables).await
}

async fn swept(linnet: &Linnet) {
    let file = linnet.file().await;
    until("the end of the sweep", || file.is_swept()).await;
    file.counts_are_right().await;
    file.nothing_is_left_over().await;
}

#[tokio::test]
async fn who_may_block_and_mute_whom() {
    let linnet = Linnet::start().await;
    let (ann, bob) = (linnet.join("ann").await, linnet.join("bob").await);
    let robot = linnet.service("robot").await;
    for mutation in MUTATIONS {
        assert_eq!(linnet.refused(Nobody, mutation, of(&bob)).await, "UNAUTHENTICATED");
        assert_eq!(linnet.refused(robot.as_str(), mutation, of(&bob)).await, "FORBIDDEN");
        assert_eq!(
            linnet.refused(&ann, mutation, of(&ann)).await,
            "BAD_USER_INPUT input.userId"
        );
        for unknown in ["User:999", "Tweet:1", "nonsense", ""] {
            let input = json!({ "userId": unknown });
            assert_eq!(linnet.refused(&ann, mutation, input).await, "NOT_FOUND", "{unknown}");
        }
    }
    for (mutation, blocks, mutes) in [
        ("unblockUser", false, false),
        ("muteUser", false, true),
        ("blockUser", true, true),
        ("blockUser", true, true),
        ("unmuteUser", true, false),
        ("unblockUser", false, false),
        ("unblockUser", false, false),
    ] {
        let user = linnet.to(&ann, mutation, &bob).await;
        let expected = json!({ "id": bob.id, "username": "bob", "viewerIsBlocking": blocks, "viewerIsMuting": mutes });
        assert_eq!(user, expected, "{mutation}");
    }
    for list in ["blockedUsers", "mutedUsers", "bannedUsers"] {
        let answer = linnet
            .graphql(&format!("{{ {list} {{ nodes {{ id }} }} }}"), json!({}), None)
            .await;
        assert_eq!(crate::harness::scene::refusal(&answer), "UNAUTHENTICATED", "{list}");
    }
}

#[tokio::test]
async fn lists_of_hidden_users_have_pages_newest_first() {
    let linnet = Linnet::start().await;
    let ann = linnet.join("ann").await;
    let others = linnet.join_all((0..5).map(|number| format!("other{number}"))).await;
    for (mutation, list) in [("blockUser", "blockedUsers"), ("muteUser", "mutedUsers")] {
        for other in &others {
            linnet.to(&ann, mutation, other).await;
        }
        let query = |arguments: &str| {
            format!(
                "{{ {list}({arguments}) {{ nodes {{ username }} pageInfo {{ hasNextPage hasPreviousPage endCursor }} }} }}"
            )
        };
        let first = linnet.ask(&ann, &query("first: 2")).await[list].clone();
        assert_eq!(all(&first, "username"), ["other4", "other3"]);
        assert_eq!(first["pageInfo"]["hasNextPage"], true);
        let after = first["pageInfo"]["endCursor"].as_str().unwrap();
        let rest = linnet.ask(&ann, &query(&format!("first: 9, after: \"{after}\""))).await[list].clone();
        assert_eq!(all(&rest, "username"), ["other2", "other1", "other0"]);
        assert_eq!(rest["pageInfo"]["hasPreviousPage"], true);
        let bobs = linnet.ask(&others[0], &query("first: 2")).await[list].clone();
        assert_eq!(all(&bobs, "username"), Vec::<String>::new(), "lists are one's own");
    }
}

#[tokio::test]
async fn a_block_ends_follows_and_keeps_both_apart() {
    let linnet = Linnet::start().await;
    let (ann, bob, cyd) = (
        linnet.join("ann").await,
        linnet.join("bob").await,
        linnet.join("cyd").await,
    );
    let (anns, bobs) = (linnet.tweet(&ann, "by ann").await, linnet.tweet(&bob, "by bob").await);
    linnet.follow(&ann, &bob.id).await;
    linnet.follow(&bob, &ann.id).await;
    linnet
        .act(&bob, "follow", json!({ "targetId": ann.id, "flag": "close" }))
        .await;
    linnet.follow(&cyd, &bob.id).await;
    linnet.to(&ann, "blockUser", &bob).await;

    let query = "{ user(username: \"ann\") { followerCount followingCount followers { nodes { id } }
        close: followers(flag: \"close\") { nodes { id } } feed { actions(verbs: [\"follow\"]) { nodes { id } } } } }";
    let seen = linnet.ask(&cyd, query).await["user"].clone();
    assert_eq!(
        (&seen["followerCount"], &seen["followingCount"]),
        (&json!(0), &json!(0))
    );
    for list in [&seen["followers"], &seen["close"], &seen["feed"]["actions"]] {
        assert_eq!(all(list, "id"), Vec::<String>::new(), "{seen}");
    }
    for (who, target, tweet) in [(&ann, &bob, &bobs), (&bob, &ann, &anns)] {
        let follow = json!({ "targetId": target.id });
        assert_eq!(linnet.refused(who, "follow", follow).await, "FORBIDDEN");
        let reply = json!({ "text": "an answer", "inReplyTo": tweet });
        assert_eq!(linnet.refused(who, "postTweet", reply).await, "FORBIDDEN");
        let text = format!("for @{} and @cyd", target.name);
        let posted = linnet.tweet(who, &text).await;
        let edited = linnet.tweet(who, "nobody").await;
        linnet.edit(who, &edited, &text).await;
        for id in [posted, edited] {
            let query = "query($id: ID!) { tweet(id: $id) { mentions { username } } }";
            let seen = linnet.ask_with(&cyd, query, json!({ "id": id })).await;
            assert_eq!(all(&seen["tweet"]["mentions"], "username"), ["cyd"], "not counted");
        }
    }
    // Whom one blocks is not there for oneself; the other way round one is as public as before.
    for mutation in ["likeTweet", "retweet", "unlikeTweet", "undoRetweet"] {
        assert_eq!(linnet.refused(&ann, mutation, json!({ "id": bobs })).await, "NOT_FOUND");
        linnet.on(&bob, mutation, &anns).await;
    }
    let action = json!({ "verb": "waved", "object": { "id": bob.id } });
    assert_eq!(linnet.refused(&ann, "addAction", action).await, "NOT_FOUND");
    let told = linnet
        .ask(
            &ann,
            "{ viewer { notifications { unseenCount groups { nodes { verb } } actions { nodes { verb } } } } }",
        )
        .await;
    let told = &told["viewer"]["notifications"];
    assert_eq!(
        (&told["unseenCount"], told["groups"]["nodes"].as_array().unwrap().len()),
        (&json!(0), 0)
    );
    assert_eq!(all(&told["actions"], "verb"), Vec::<String>::new());

    linnet.to(&ann, "unblockUser", &bob).await;
    assert_eq!(
        counts(&linnet, &anns, "none", "ann").await["user"]["followerCount"],
        0,
        "they stay ended"
    );
    linnet.follow(&bob, &ann.id).await;
    linnet.reply(&bob, &anns, "hello @ann").await;
    linnet.on(&ann, "likeTweet", &bobs).await;
    swept(&linnet).await;
}

#[tokio::test]
async fn what_a_muted_user_does_is_no_news_and_yesterdays_is_left_out_too() {
    let linnet = Linnet::start().await;
    let [ann, bob, cyd] = [
        linnet.join("ann").await,
        linnet.join("bob").await,
        linnet.join("cyd").await,
    ];
    let tweet = linnet.tweet(&ann, "like me").await;
    linnet.on(&cyd, "likeTweet", &tweet).await;
    linnet.on(&bob, "likeTweet", &tweet).await;
    linnet.follow(&bob, &ann.id).await;
    let query = "{ viewer { notifications { unseenCount unreadCount groups { nodes {
        verb actionCount actorCount isSeen updatedAt actors { ... on User { username } } } } } } }";
    let told = async || linnet.ask(&ann, query).await["viewer"]["notifications"].clone();
    let before = told().await;
    assert_eq!(
        (
            &before["unseenCount"],
            before["groups"]["nodes"].as_array().unwrap().len()
        ),
        (&json!(2), 2)
    );
    linnet.ask(&ann, "mutation { markSeen { id } }").await;

    linnet.to(&ann, "muteUser", &bob).await;
    let muted = told().await;
    assert_eq!(
        (&muted["unseenCount"], &muted["unreadCount"]),
        (&json!(0), &json!(1)),
        "{muted}"
    );
    let group = &muted["groups"]["nodes"][0];
    assert_eq!(
        (&group["verb"], &group["actionCount"], &group["actorCount"]),
        (&json!("like"), &json!(1), &json!(1)),
        "{muted}"
    );
    assert_eq!(all(&group["actors"], "username"), ["cyd"]);
    assert!(
        group["updatedAt"].as_str() < before["groups"]["nodes"][1]["updatedAt"].as_str(),
        "{muted}"
    );

    // What he does makes nothing new that she has seen.
    linnet.on(&bob, "unlikeTweet", &tweet).await;
    linnet.on(&bob, "likeTweet", &tweet).await;
    let later = told().await;
    assert_eq!(
        (&later["unseenCount"], &later["groups"]["nodes"][0]["isSeen"]),
        (&json!(0), &json!(true)),
        "{later}"
    );
    linnet.to(&ann, "unmuteUser", &bob).await;
    let undone = told().await;
    assert_eq!(
        (
            &undone["unseenCount"],
            undone["groups"]["nodes"].as_array().unwrap().len()
        ),
        (&json!(1), 2),
        "{undone}"
    );
    linnet.file().await.counts_are_right().await;
}

#[tokio::test]
async fn only_moderators_ban() {
    let linnet = Linnet::start().await;
    let (ann, bob) = (linnet.join("ann").await, linnet.join("bob").await);
    let moderator = linnet.moderator("mod").await;
    for mutation in ["banUser", "unbanUser"] {
        assert_eq!(linnet.refused(Nobody, mutation, of(&bob)).await, "UNAUTHENTICATED");
        assert_eq!(linnet.refused(&ann, mutation, of(&bob)).await, "FORBIDDEN");
        assert_eq!(linnet.refused(&ann, mutation, of(&ann)).await, "FORBIDDEN");
        assert_eq!(
            linnet.refused(&moderator, mutation, of(&moderator)).await,
            "BAD_USER_INPUT input.userId"
        );
        let unknown = json!({ "userId": "User:999" });
        assert_eq!(linnet.refused(&moderator, mutation, unknown).await, "NOT_FOUND");
        let long = json!({ "userId": bob.id, "reason": "x".repeat(1_001) });
        assert_eq!(
            linnet.refused(&moderator, mutation, long).await,
            "BAD_USER_INPUT input.reason"
        );
    }
    let query = "{ bannedUsers { nodes { username } } user(username: \"bob\") { isBanned } }";
    let refused = linnet.graphql(query, json!({}), Some(&ann.token)).await;
    assert_eq!(crate::harness::scene::refusal(&refused), "FORBIDDEN");
    let banned = async || {
        let seen = linnet.ask(&moderator, query).await;
        let names = all(&seen["bannedUsers"], "username");
        assert_eq!(seen["user"]["isBanned"], !names.is_empty(), "{seen}");
        names
    };
    let reason = json!({ "userId": bob.id, "reason": "spam" });
    for _ in 0..2 {
        let answer = linnet.act(&moderator, "banUser", reason.clone()).await;
        assert_eq!(answer["user"], json!({ "id": bob.id, "username": "bob" }));
        assert_eq!(banned().await, ["bob"]);
    }
    for _ in 0..2 {
        linnet.to(&moderator, "unbanUser", &bob).await;
        assert_eq!(banned().await, Vec::<String>::new());
    }
    let file = linnet.file().await;
    let noted = "SELECT id FROM moderation WHERE user_id = 2 AND moderator_id = 3 AND created_at > 0";
    assert_eq!(file.rows(noted).await, 2, "each act once");
    assert_eq!(
        file.rows(&format!("{noted} AND act = 'ban' AND reason = 'spam'")).await,
        1
    );
    assert_eq!(
        file.rows("SELECT id FROM moderation WHERE act = 'promote' AND moderator_id IS NULL")
            .await,
        1
    );
}

const LOG: &str = "nodes { act wall byOperator reason createdAt user { username isBanned } moderator { username } }
    pageInfo { hasNextPage hasPreviousPage endCursor }";

/// The trail as a moderator reads it: what was done, to whom or what, by whom, and why.
async fn trail(linnet: &Linnet, who: &str, arguments: &str) -> Vec<Value> {
    let query = format!("{{ moderationLog{arguments} {{ {LOG} }} }}");
    let log = linnet.ask(who, &query).await["moderationLog"].take();
    let nodes = log["nodes"].as_array().unwrap().iter();
    let by = |act: &Value| match act["byOperator"].as_bool().unwrap() {
        true => json!("the operator"),
        false => act["moderator"]["username"].clone(),
    };
    let to = |act: &Value| match &act["wall"] {
        Value::Null => act["user"]["username"].clone(),
        wall => wall.clone(),
    };
    nodes
        .map(|act| json!([act["act"], to(act), by(act), act["reason"]]))
        .collect()
}

#[tokio::test]
async fn the_trail_tells_moderators_who_did_what_to_whom_and_why() {
    let linnet = Linnet::start().await;
    let (ann, bob) = (linnet.join("ann").await, linnet.join("bob").await);
    let [moderator, other] = [linnet.moderator("mod").await, linnet.moderator("other").await];
    let robot = linnet.service("robot").await;
    linnet.wall(&moderator, "W", json!({ "hashtags": ["rust"] })).await;
    linnet
        .act(&other, "banUser", json!({ "userId": bob.id, "reason": "spam, again" }))
        .await;
    linnet.to(&moderator, "unbanUser", &bob).await;
    // Whomever a moderator blocks, the trail has them.
    linnet.to(&moderator, "blockUser", &bob).await;
    linnet.tell(&["user", "ban", "bob", "--reason", "by \"law\""], "").await;
    linnet
        .tell(&["user", "ban", "bob", "--reason", "nothing changes"], "")
        .await;
    linnet.tell(&["user", "set-password", "ann"], "another password").await;
    linnet.ask(&other, "mutation { deleteWall(slug: \"w\") }").await;
    // What is refused is not done.
    let ban = json!({ "userId": ann.id, "reason": "x".repeat(1_001) });
    linnet.refused(&moderator, "banUser", ban).await;
    let wall = json!({ "slug": "no", "title": "no", "accounts": ["nobody"] });
    linnet.refused(&moderator, "putWall", wall).await;
    let long = linnet
        .command(&["user", "ban", "ann", "--reason", &"x".repeat(1_001)])
        .await;
    assert_eq!(long.status.code(), Some(1), "{long:?}");

    let expected = [
        json!(["deleteWall", "w", "other", null]),
        json!(["setPassword", "ann", "the operator", null]),
        json!(["ban", "bob", "the operator", "by \"law\""]),
        json!(["unban", "bob", "mod", null]),
        json!(["ban", "bob", "other", "spam, again"]),
        json!(["putWall", "w", "mod", null]),
        json!(["promote", "other", "the operator", null]),
        json!(["promote", "mod", "the operator", null]),
    ];
    assert_eq!(trail(&linnet, &moderator.token, "").await, expected);
    let of_bob = format!("(userId: \"{}\")", bob.id);
    assert_eq!(trail(&linnet, &moderator.token, &of_bob).await, expected[2..5]);
    assert_eq!(
        trail(&linnet, &moderator.token, "(userId: \"Tweet:1\")").await,
        Vec::<Value>::new()
    );
    let mut read = Vec::new();
    let mut after = String::new();
    loop {
        let query = format!("{{ moderationLog(first: 3{after}) {{ {LOG} }} }}");
        let page = linnet.ask(&other, &query).await["moderationLog"].take();
        let arguments = format!("(first: 3{after})");
        read.extend(trail(&linnet, &other.token, &arguments).await);
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = format!(", after: {}", page["pageInfo"]["endCursor"]);
    }
    assert_eq!(read, expected, "page by page");
    assert_eq!(trail(&linnet, &other.token, "(last: 2)").await, expected[6..]);

    let query = format!("{{ moderationLog {{ {LOG} }} }}");
    for (token, code) in [
        (None, "UNAUTHENTICATED"),
        (Some(&robot), "FORBIDDEN"),
        (Some(&linnet.join("cyd").await.token), "FORBIDDEN"),
    ] {
        let answer = linnet.graphql(&query, json!({}), token.map(String::as_str)).await;
        assert_eq!(crate::harness::scene::refusal(&answer), code);
    }
    // Who leaves takes their name along, and not what they did.
    linnet
        .act(&other, "deleteAccount", json!({ "password": PASSWORD }))
        .await;
    let left = trail(&linnet, &moderator.token, "").await;
    assert_eq!(left[0], json!(["deleteWall", "w", null, null]));
    assert_eq!(left[4], json!(["ban", "bob", null, "spam, again"]));
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().display().to_string();
    linnet.tell(&["export", &folder], "").await;
    let copy = Linnet::start().await;
    for _ in 0..2 {
        copy.tell(&["import", &folder], "").await;
        let token = copy.tell(&["token", "create", "mod"], "").await.stdout;
        let token = String::from_utf8(token).unwrap();
        let copied: Vec<Value> = left.iter().filter(|act| act[1] != Value::Null).cloned().collect();
        assert_eq!(trail(&copy, token.trim(), "").await, copied, "in a copy");
    }
}

#[tokio::test]
async fn who_comes_back_is_told_of_answers_that_were_edited_meanwhile() {
    let linnet = Linnet::start().await;
    let (ann, bob) = (linnet.join("ann").await, linnet.join("bob").await);
    let moderator = linnet.moderator("mod").await;
    let question = linnet.tweet(&bob, "a question").await;
    let answer = linnet.reply(&ann, &question, "an answer for @bob").await;
    linnet.to(&moderator, "banUser", &bob).await;
    linnet.edit(&ann, &answer, "an answer").await;
    linnet.to(&moderator, "unbanUser", &bob).await;
    let bob = crate::harness::scene::person(
        &linnet
            .act(
                Nobody,
                "logIn",
                json!({ "username": "bob", "password": crate::harness::scene::PASSWORD }),
            )
            .await,
    );
    let told = linnet
        .ask(
            &bob,
            "{ viewer { notifications { actions { nodes { object { ... on Tweet { text } } } } } } }",
        )
        .await;
    let told = &told["viewer"]["notifications"]["actions"]["nodes"];
    assert_eq!(told, &json!([{ "object": { "text": "an answer" } }]));
}

#[tokio::test]
async fn a_ban_ends_sessions_at_once() {
    let linnet = Linnet::start().await;
    let (bob, moderator) = (linnet.join("bob").await, linnet.moderator("mod").await);
    let mut socket = linnet.websocket(Some(&bob.token)).await;
    socket
        .subscribe("1", "subscription { hashtagStream(hashtag: \"rust\") { kind } }")
        .await;
    socket.quiet().await;
    linnet.to(&moderator, "banUser", &bob).await;
    let banned = Instant::now();
    assert_eq!(socket.closed_at_last().await, 4403);
    assert!(banned.elapsed() < Duration::from_secs(5), "{:?}", banned.elapsed());

    let request = linnet.post().bearer_auth(&bob.token);
    let answer = crate::harness::request::send(request.json(&json!({ "query": "{ viewer { id } }" }))).await;
    assert_eq!(answer.status(), 401);
    let log_in = json!({ "username": "bob", "password": PASSWORD });
    assert_eq!(linnet.refused(Nobody, "logIn", log_in.clone()).await, "FORBIDDEN");
    let wrong = json!({ "username": "bob", "password": "something else" });
    assert_eq!(linnet.refused(Nobody, "logIn", wrong).await, "UNAUTHENTICATED");
    let sign_up = json!({ "username": "BOB", "password": PASSWORD });
    assert_eq!(
        linnet.refused(Nobody, "signUp", sign_up).await,
        "CONFLICT input.username"
    );
    let token = linnet.command(&["token", "create", "bob"]).await;
    assert_eq!(token.status.code(), Some(1));

    let robot = linnet.service("robot").await;
    let action = json!({ "actor": { "id": bob.id }, "verb": "waved" });
    assert_eq!(
        linnet.refused(robot.as_str(), "addAction", action.clone()).await,
        "FORBIDDEN"
    );
    let follow = json!({ "targetId": bob.id });
    assert_eq!(linnet.refused(&moderator, "follow", follow).await, "NOT_FOUND");
    linnet.to(&moderator, "unbanUser", &bob).await;
    linnet.act(Nobody, "logIn", log_in).await;
    linnet.act(robot.as_str(), "addAction", action).await;
}

/// Bob's doing, of every kind that counts for others.
async fn busy(linnet: &Linnet, ann: &Person, bob: &Person) -> String {
    let tweet = linnet.tweet(ann, "#rust by ann").await;
    let object = json!({ "verb": "made", "object": { "type": "repository", "key": "acme/x" } });
    linnet.act(ann, "addAction", object).await;
    for mutation in ["likeTweet", "retweet"] {
        linnet.on(bob, mutation, &tweet).await;
    }
    linnet.reply(bob, &tweet, "#rust by @ann and bob").await;
    for target in [ann.id.as_str(), "Hashtag:rust", "ExternalObject:repository:acme/x"] {
        linnet.follow(bob, target).await;
    }
    linnet.follow(ann, &bob.id).await;
    tweet
}

#[tokio::test]
async fn counts_leave_out_who_is_banned_and_come_back() {
    let linnet = Linnet::start().await;
    let (ann, bob) = (linnet.join("ann").await, linnet.join("bob").await);
    let moderator = linnet.moderator("mod").await;
    let tweet = busy(&linnet, &ann, &bob).await;
    let before = counts(&linnet, &tweet, "rust", "ann").await;
    let expected = json!({
        "tweet": { "likeCount": 1, "retweetCount": 1, "replyCount": 1 },
        "hashtag": { "tweetCount": 2, "followerCount": 1 },
        "user": { "tweetCount": 1, "followerCount": 1, "followingCount": 1 },
        "externalObject": { "followerCount": 1 },
    });
    assert_eq!(before, expected);
    let without = json!({
        "tweet": { "likeCount": 0, "retweetCount": 0, "replyCount": 0 },
        "hashtag": { "tweetCount": 1, "followerCount": 0 },
        "user": { "tweetCount": 1, "followerCount": 0, "followingCount": 0 },
        "externalObject": { "followerCount": 0 },
    });
    for _ in 0..2 {
        linnet.to(&moderator, "banUser", &bob).await;
        until("the counts without him", async || {
            counts(&linnet, &tweet, "rust", "ann").await == without
        })
        .await;
        swept(&linnet).await;
        linnet.to(&moderator, "unbanUser", &bob).await;
        until("the counts with him", async || {
            counts(&linnet, &tweet, "rust", "ann").await == before
        })
        .await;
        swept(&linnet).await;
    }
}

#[tokio::test]
async fn bans_and_their_ends_meet_what_is_done_meanwhile() {
    let linnet = Linnet::start().await;
    let (ann, bob) = (linnet.join("ann").await, linnet.join("bob").await);
    let moderator = linnet.moderator("mod").await;
    let first = busy(&linnet, &ann, &bob).await;
    let rows: Vec<String> = (0..1_200)
        .map(|number| {
            json!({ "id": number.to_string(), "username": "bob", "createdAt": "2020-01-01T00:00:00Z",
                "text": format!("n{number} #many") })
            .to_string()
        })
        .collect();
    linnet.tell(&["import", "tweets", "-"], &rows.join("\n")).await;
    for round in 0..3 {
        linnet.to(&moderator, "banUser", &bob).await;
        // Rows of somebody who is banned come in.
        let row = json!({ "id": format!("late{round}"), "username": "bob", "createdAt": "2021-01-01T00:00:00Z", "text": "late #many @ann", "inReplyToId": first });
        linnet.tell(&["import", "tweets", "-"], &row.to_string()).await;
        linnet.to(&moderator, "unbanUser", &bob).await;
        let token = linnet.tell(&["token", "create", "bob"], "").await;
        let token = String::from_utf8(token.stdout).unwrap();
        let bob = Person {
            token: token.trim().to_owned(),
            ..bob.clone()
        };
        linnet
            .on(&bob, if round == 1 { "likeTweet" } else { "unlikeTweet" }, &first)
            .await;
        let seen = linnet
            .ask(
                &bob,
                "{ user(username: \"bob\") { tweets(first: 2) { nodes { id } } } }",
            )
            .await;
        for tweet in all(&seen["user"]["tweets"], "id") {
            linnet.on(&bob, "deleteTweet", &tweet).await;
        }
        linnet.act(&ann, "unfollow", of_target(&bob)).await;
        linnet.follow(&ann, &bob.id).await;
    }
    swept(&linnet).await;
    let row = |id: &str, name: &str, to: Option<&str>| {
        json!({ "id": id, "username": name, "createdAt": "2022-01-01T00:00:00Z", "text": "@ann", "inReplyToId": to })
            .to_string()
    };
    let waiting = row("waiting", "bob", Some("coming"));
    linnet.tell(&["import", "tweets", "-"], &waiting).await;
    linnet.to(&moderator, "banUser", &bob).await;
    swept(&linnet).await;
    // What he answered comes when he is banned already.
    linnet
        .tell(&["import", "tweets", "-"], &row("coming", "ann", None))
        .await;
    swept(&linnet).await;
    linnet.to(&moderator, "unbanUser", &bob).await;
    swept(&linnet).await;
}

#[tokio::test]
async fn a_page_looks_past_many_and_ends_short_behind_too_many() {
    let linnet = Linnet::start().await;
    let ann = linnet.join("ann").await;
    let row = |number: i32, name: &str| {
        let at = format!("2020-01-01T00:{:02}:{:02}Z", number / 60, number % 60);
        json!({ "id": format!("{name}{number}"), "username": name, "text": "#rust", "createdAt": at }).to_string()
    };
    let mut rows: Vec<String> = (10..310).map(|number| row(number, "some")).collect();
    rows.extend((400..2_000).map(|number| row(number, "many")));
    rows.extend([1, 2, 320, 350, 2_100].map(|number| row(number, "other")));
    linnet.tell(&["import", "tweets", "-"], &rows.join("\n")).await;
    let query = "query($after: String, $before: String, $first: Int, $last: Int) { hashtag(name: \"rust\") {
        tweets(first: $first, last: $last, after: $after, before: $before) {
            nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }";
    let ask = async |variables: Value| linnet.ask_with(&ann, query, variables).await["hashtag"]["tweets"].clone();
    linnet.tell(&["user", "ban", "some"], "").await;
    linnet.tell(&["user", "ban", "many"], "").await;
    until("the bans", async || {
        ask(json!({ "first": 1 })).await["nodes"].as_array().unwrap().len() == 1
    })
    .await;

    let (mut found, mut pages, mut after) = (Vec::new(), 0, Value::Null);
    loop {
        let page = ask(json!({ "first": 3, "after": after })).await;
        found.extend(all(&page, "id"));
        pages += 1;
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        assert!(after.is_string(), "{page}");
    }
    assert_eq!((found.len(), pages), (5, 3), "{found:?}");
    // Fewer are looked past from either side, with exact ends.
    let tail = ask(json!({ "last": 3 })).await;
    assert_eq!(all(&tail, "id"), found[2..]);
    assert_eq!(tail["pageInfo"]["hasPreviousPage"], true);
    let before = linnet.metric("linnet_sql_statements_total").await;
    ask(json!({ "last": 4 })).await;
    let cost = linnet.metric("linnet_sql_statements_total").await - before;
    assert!(cost < 20.0, "{cost} statements");
}

fn of_target(target: &Person) -> Value {
    json!({ "targetId": target.id })
}

#[tokio::test]
async fn a_command_bans_beside_a_running_server() {
    let mut linnet = Linnet::start().await;
    let (ann, bob) = (linnet.join("ann").await, linnet.join("bob").await);
    let tweet = busy(&linnet, &ann, &bob).await;
    let query = "{ user(username: \"bob\") { id } hashtag(name: \"rust\") { tweets { nodes { id } } } }";
    let is_there = async || linnet.ask(&ann, query).await["user"].is_object();
    assert!(is_there().await);
    let mut socket = linnet.websocket(Some(&bob.token)).await;
    linnet.tell(&["user", "ban", "BOB"], "").await;
    until("the ban", async || !is_there().await).await;
    assert_eq!(socket.closed_at_last().await, 4403);
    assert_eq!(
        counts(&linnet, &tweet, "rust", "ann").await["tweet"]["likeCount"],
        0,
        "the command waits for counts"
    );
    let log_in = json!({ "username": "bob", "password": PASSWORD });
    assert_eq!(linnet.refused(Nobody, "logIn", log_in.clone()).await, "FORBIDDEN");
    linnet.restart().await;
    assert_eq!(linnet.refused(Nobody, "logIn", log_in).await, "FORBIDDEN");
    linnet.tell(&["user", "unban", "bob"], "").await;
    until("the end of it", async || {
        linnet.ask(&ann, query).await["user"].is_object()
    })
    .await;
    swept(&linnet).await;
    let file = linnet.file().await;
    assert_eq!(
        file.rows("SELECT id FROM moderation WHERE moderator_id IS NULL").await,
        2
    );
    let unknown = linnet.command(&["user", "ban", "nobody"]).await;
    assert_eq!(unknown.status.code(), Some(1));
}

#[tokio::test]
async fn a_hashtags_stream_tells_of_a_ban_and_its_end() {
    let linnet = Linnet::start().await;
    let (ann, bob) = (linnet.join("ann").await, linnet.join("bob").await);
    let moderator = linnet.moderator("mod").await;
    let old = json!({ "id": "old", "username": "bob", "text": "long ago #rust", "createdAt": "2020-01-01T00:00:00Z" });
    linnet.tell(&["import", "tweets", "-"], &old.to_string()).await;
    let cursor = linnet.anybody().cursor().await;
    let mut tweets = Vec::new();
    for number in 0..3 {
        tweets.push(linnet.tweet(&bob, &format!("{number} #rust #other")).await);
    }
    linnet.tweet(&bob, "without").await;
    let anns = linnet.tweet(&ann, "by ann #rust").await;
    let mut stream = linnet.stream_after("rust", &cursor).await;
    let told = stream.take(4).await;
    assert!(
        told.iter().all(|event| event.kind == "CREATED" && event.text.is_some()),
        "{told:?}"
    );

    linnet.to(&moderator, "banUser", &bob).await;
    let gone = stream.take(3).await;
    let seen: Vec<_> = gone
        .iter()
        .map(|event| (event.kind.as_str(), event.id.as_str()))
        .collect();
    assert_eq!(
        seen,
        tweets.iter().map(|id| ("DELETED", id.as_str())).collect::<Vec<_>>()
    );
    // Who comes back hears that they were there, and no word of them.
    let mut late = linnet.stream_after("rust", &cursor).await;
    let told = late.take(7).await;
    let texts: Vec<_> = told
        .iter()
        .filter(|event| event.text.is_some())
        .map(|event| event.id.as_str())
        .collect();
    assert_eq!(texts, [anns.as_str()]);

    linnet.to(&moderator, "unbanUser", &bob).await;
    for stream in [&mut stream, &mut late] {
        let back = stream.take(3).await;
        let seen: Vec<_> = back
            .iter()
            .map(|event| (event.kind.as_str(), event.id.as_str()))
            .collect();
        assert_eq!(
            seen,
            tweets.iter().map(|id| ("CREATED", id.as_str())).collect::<Vec<_>>()
        );
        assert!(back.iter().all(|event| event.text.is_some()));
    }
    swept(&linnet).await;
}

#[tokio::test]
async fn who_goes_takes_blocks_and_mutes_along() {
    let linnet = Linnet::start().await;
    let [ann, bob, cyd] = [
        linnet.join("ann").await,
        linnet.join("bob").await,
        linnet.join("cyd").await,
    ];
    linnet.to(&ann, "blockUser", &bob).await;
    linnet.to(&bob, "muteUser", &cyd).await;
    linnet.to(&cyd, "muteUser", &bob).await;
    linnet.act(&bob, "deleteAccount", json!({ "password": PASSWORD })).await;
    let seen = linnet.ask(&ann, "{ blockedUsers { nodes { id } } }").await;
    assert_eq!(all(&seen["blockedUsers"], "id"), Vec::<String>::new());
    swept(&linnet).await;
    assert_eq!(linnet.refused(&ann, "unblockUser", of(&bob)).await, "NOT_FOUND");
    let again = linnet.join("bobby").await;
    assert_ne!(id(&json!({ "id": again.id })), bob.id);
}
