//! Everything that is kept survives an export and an import, and twice is the same as once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use serde_json::{Value, json};

use crate::harness::scene::{Nobody, PASSWORD, Person, id, person};
use crate::harness::{self, Linnet, postgres, until};

/// All that pages are made of, without the numbers that no page shows, and without what a deleted
/// account was told.
const TABLES: &[&str] = &[
    "id, username, display_name, bio, avatar_url, handle, url, created_at, password_hash, is_moderator, tweet_count, \
     follower_count, following_count FROM users",
    "id, author_id, text, created_at, edited_at, in_reply_to_id, action_id, like_count, retweet_count, reply_count, \
     origin_likes, origin_retweets, origin_replies, url, banned FROM tweet",
    "tweet_id, place, hashtag FROM tweet_hashtag",
    "tweet_id, user_id FROM mention",
    "tweet_id, user_id, created_at, action_id, banned FROM liked",
    "tweet_id, user_id, created_at, action_id, banned FROM retweet",
    "user_id, target_id, created_at FROM block",
    "user_id, target_id, created_at FROM mute",
    "user_id, created_at FROM ban",
    "act, user_id, wall, moderator_id, reason, created_at FROM moderation",
    "name, tweet_count, follower_count FROM hashtag",
    "type, key, name, url, data, follower_count FROM object",
    "id, follower_id, target_kind, target_key, flag, created_at, action_id, follower_banned, target_banned FROM follow",
    "follower_id, topic, from_at, from_id, until_at, until_id, until_action FROM follow_span",
    "id, verb, actor_kind, actor_key, object_kind, object_key, target_kind, target_key, created_at, description, data, \
     public, foreign_id FROM action",
    "topic, kind, created_at, id, verb, actor_id, tweet_id, object, retweets FROM feed_entry WHERE topic NOT LIKE 'notifications:%' \
     OR topic IN (SELECT 'notifications:' || u.id FROM users u)",
    "g.user_id, g.verb, g.object, g.day, g.newest_at, g.newest_id, g.action_count, g.actor_count, \
     g.version > g.seen AND g.version > s.seen, g.version > g.read AND g.version > s.read \
     FROM notification_group g JOIN notification_state s ON s.user_id = g.user_id JOIN users u ON u.id = g.user_id",
    "g.user_id, g.verb, g.object, g.day, a.actor, a.action_count, a.newest_at, a.newest_id, a.banned \
     FROM notification_actor a JOIN notification_group g ON g.id = a.group_id JOIN users u ON u.id = g.user_id",
    "id, slug, title, hashtags, keywords, accounts, created_at, tweet_count, phase FROM wall",
    "wall_id, tweet_id, author_id, posted_at, posted_id, created_at, action_id FROM wall_tweet",
    "wall_id, user_id, created_at, action_id FROM participant",
    "s.user_id, s.unseen_count, s.unread_count FROM notification_state s JOIN users u ON u.id = s.user_id",
    "kind, key, deleted_at FROM tombstone",
    "kind, holder, wanted, wanted_source, external_id, source FROM unresolved",
];

/// Each table's rows as JSON, sorted.
async fn tables(linnet: &Linnet) -> BTreeMap<&'static str, Vec<String>> {
    let db = Database::connect(linnet.reading_url()).await.unwrap();
    let mut tables = BTreeMap::new();
    for table in TABLES {
        let (columns, from) = table.split_once(" FROM ").unwrap();
        let array = match db.get_database_backend() {
            DbBackend::Sqlite => format!("json_array({columns})"),
            _ => format!("CAST(jsonb_build_array({columns}) AS TEXT)"),
        };
        let sql = format!("SELECT {array} FROM {from} ORDER BY 1");
        let statement = Statement::from_string(db.get_database_backend(), sql);
        let rows = db.query_all_raw(statement).await.unwrap();
        let rows = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        tables.insert(*table, rows);
    }
    tables
}

/// Compares tables, and tells only what differs.
fn same(found: &BTreeMap<&str, Vec<String>>, expected: &BTreeMap<&str, Vec<String>>) {
    for (table, expected) in expected {
        let found = &found[table];
        let only = |a: &[String], b: &[String]| -> Vec<String> {
            a.iter().filter(|row| !b.contains(row)).take(5).cloned().collect()
        };
        assert_eq!(only(found, expected), only(expected, found), "{table}");
        assert_eq!(found.len(), expected.len(), "{table}");
    }
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

async fn export(linnet: &Linnet, folder: &Path, options: &[&str]) -> BTreeMap<String, String> {
    let folder_name = folder.to_str().unwrap();
    linnet.tell(&[&["export", folder_name], options].concat(), "").await;
    files(folder)
}

async fn bring(linnet: &Linnet, kind: &str, rows: &[Value]) {
    let rows: Vec<String> = rows.iter().map(Value::to_string).collect();
    linnet.tell(&["import", kind, "-"], &rows.join("\n")).await;
}

/// What the pages of some users show, with all ids and cursors.
async fn pages(linnet: &Linnet, tags: &[&str]) -> Vec<Value> {
    const QUERY: &str = "query($tag: String!) {
        viewer {
            id username displayName bio tweetCount followerCount followingCount createdAt
            timeline { ...feed }
            feed { ...feed }
            likes(first: 50) { edges { cursor node { id } } }
            followers(first: 50) { edges { cursor node { ... on Node { id } } } }
            following(first: 50) { edges { cursor node { ... on Node { id } } } }
        }
        hashtag(name: $tag) { id tweetCount followerCount feed { ...feed } topTweets { id } }
        walls { id slug title tweetCount keywords hashtags { id } accounts { id handle } topTweets { id }
            topUsers { tweetCount user { id } } tweets(first: 50) { edges { cursor node { id } } }
            participants(first: 50) { edges { cursor node { id } } } }
    }
    fragment feed on Feed {
        id
        actions(first: 100) { edges { cursor node {
            id verb createdAt object { ... on Node { id } __typename } target { __typename ... on Node { id } }
        } } }
        tweets(first: 100) { edges { cursor node {
            id text createdAt editedAt url likeCount retweetCount replyCount hashtags { name } mentions { username }
            author { username } inReplyTo { id }
            replies(first: 20) { edges { cursor node { id } } }
            likers(first: 20) { edges { cursor node { id } } }
            retweeters(first: 20) { edges { cursor node { id } } }
        } } }
    }";
    let mut pages = Vec::new();
    for (name, tag) in ["ann", "bob", "cyd", "outsider"].iter().zip(tags) {
        let output = linnet.tell(&["token", "create", name], "").await;
        let token = String::from_utf8(output.stdout).unwrap();
        pages.push(linnet.ask_with(token.trim(), QUERY, json!({ "tag": tag })).await);
    }
    pages
}

/// What people do and undo, and what is imported beside it.
async fn live(linnet: &Linnet) {
    let [ann, bob, cyd] = [
        linnet.join("ann").await,
        linnet.join("Bob").await,
        linnet.join("cyd").await,
    ];
    let gone = linnet.join("gone").await;
    let profile = json!({ "displayName": "Ann A.", "bio": "likes birds" });
    linnet.act(&ann, "updateProfile", profile).await;
    bring(linnet, "tweets", &outside()).await;

    let first = linnet.tweet(&ann, "Hello #rust, @bob and @later").await;
    let promoted = linnet.command(&["user", "promote", "ann"]).await;
    assert!(promoted.status.success(), "{promoted:?}");
    linnet.wall(&ann, "lost", json!({})).await;
    let wall = json!({ "hashtags": ["rust"], "keywords": ["Answer"], "accounts": ["cyd", "@far@example.social"] });
    linnet.wall(&ann, "wall", wall).await;
    linnet.wall(&ann, "other", json!({ "accounts": ["bob"] })).await;
    linnet.ask(&ann, "mutation { deleteWall(slug: \"lost\") }").await;
    // Whom a text names comes too late to be mentioned by it.
    linnet.join("later").await;
    let answer = linnet.reply(&bob, &first, "Hi @ann #rust #answers").await;
    let edited = linnet.tweet(&cyd, "first #draft").await;
    linnet.edit(&cyd, &edited, "second #final @bob").await;
    for (who, what) in [(&bob, &first), (&cyd, &first), (&ann, &answer), (&gone, &first)] {
        linnet.on(who, "likeTweet", what).await;
    }
    linnet.on(&cyd, "retweet", &first).await;
    linnet.on(&ann, "retweet", &edited).await;

    // Of what is deleted, answers stay.
    let lost = linnet.tweet(&ann, "this goes away").await;
    linnet.reply(&bob, &lost, "an answer to nothing").await;
    linnet.reply(&cyd, &lost, "@ann another").await;
    let orphan = linnet.tweet(&gone, "goes with its author #bare").await;
    linnet.reply(&ann, &orphan, "still here").await;

    follow(linnet, &cyd, &ann.id, 1).await;
    follow(linnet, &bob, "Hashtag:rust", 50).await;
    follow(linnet, &ann, "Hashtag:rust", 0).await;
    follow(linnet, &ann, &gone.id, 50).await;
    follow(linnet, &gone, &ann.id, 50).await;
    let flag = json!({ "targetId": bob.id, "flag": "close" });
    linnet.act(&ann, "follow", flag).await;
    end(linnet, &bob, "Hashtag:rust").await;
    linnet.tweet(&ann, "not for bob #rust").await;
    follow(linnet, &bob, "Hashtag:rust", 0).await;
    follow(linnet, &ann, &bob.id, 2).await;
    end(linnet, &ann, &bob.id).await;
    linnet.tweet(&bob, "after the end #rust").await;

    bring(linnet, "actions", &actions(&first, &lost)).await;
    bring(linnet, "follows", &[
        json!({ "follower": "ann", "followee": { "type": "repository", "id": "acme/x" }, "createdAt": "2020-01-01T00:00:00Z" }),
        json!({ "follower": "cyd", "followee": { "type": "lonely", "id": "nothing happened" } }),
    ])
    .await;
    linnet.on(&ann, "deleteTweet", &lost).await;
    linnet
        .act(&gone, "deleteAccount", json!({ "password": PASSWORD }))
        .await;
    moderate(linnet, &ann, &first, [&bob, &cyd]).await;
    let last = linnet.tweet(&ann, "its number is not given again").await;
    linnet.on(&ann, "deleteTweet", &last).await;
    let file = linnet.file().await;
    until("the end of the sweep", || file.is_swept()).await;
}

/// Some hide others, and somebody is banned of whom every kind of thing counts.
async fn moderate(linnet: &Linnet, ann: &Person, tweet: &str, [bob, cyd]: [&Person; 2]) {
    let (dan, keeper) = (linnet.join("dan").await, linnet.moderator("keeper").await);
    linnet.reply(&dan, tweet, "@ann #rust by dan").await;
    linnet.on(&dan, "likeTweet", tweet).await;
    linnet.on(&dan, "retweet", tweet).await;
    follow(linnet, &dan, &ann.id, 1).await;
    follow(linnet, &dan, "Hashtag:rust", 1).await;
    follow(linnet, ann, &dan.id, 1).await;
    linnet.to(bob, "muteUser", cyd).await;
    linnet.to(cyd, "blockUser", bob).await;
    let ban = json!({ "userId": dan.id, "reason": "no birds" });
    linnet.act(&keeper, "banUser", ban.clone()).await;
    linnet.act(&keeper, "unbanUser", ban.clone()).await;
    linnet.act(&keeper, "banUser", ban).await;
    linnet.wall(&keeper, "short", json!({ "keywords": ["short"] })).await;
    linnet.ask(&keeper, "mutation { deleteWall(slug: \"short\") }").await;
}

async fn follow(linnet: &Linnet, who: &Person, target: &str, backfill: u32) {
    linnet
        .act(who, "follow", json!({ "targetId": target, "backfill": backfill }))
        .await;
}

/// Follows no longer, and keeps what came.
async fn end(linnet: &Linnet, who: &Person, target: &str) {
    linnet
        .act(who, "unfollow", json!({ "targetId": target, "keepHistory": true }))
        .await;
}

/// Tweets of other places: with counts, in conversations, and waiting for what has not come.
fn outside() -> Vec<Value> {
    let row = |id: &str, user: &str, text: &str, more: Value| {
        let mut row =
            json!({ "id": id, "source": "x", "username": user, "text": text, "createdAt": "2020-05-01T00:00:00Z" });
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    vec![
        row(
            "1",
            "outsider",
            "old #rust @ann",
            json!({ "likes": 7, "replies": 2, "url": "https://x.example/1", "displayName": "Out" }),
        ),
        row(
            "2",
            "other",
            "@outsider yes",
            json!({ "inReplyToId": "1", "editedAt": "2020-05-02T00:00:00Z" }),
        ),
        row(
            "3",
            "other",
            "RT",
            json!({ "retweetOfId": "1", "createdAt": "2020-05-03T00:00:00Z" }),
        ),
        row(
            "4",
            "other",
            "@stranger @outsider hm",
            json!({ "inReplyToId": "never" }),
        ),
        row(
            "1",
            "outsider",
            "the same name elsewhere",
            json!({ "source": "y", "username": "namesake" }),
        ),
    ]
}

fn actions(known: &str, lost: &str) -> Vec<Value> {
    let repository = json!({ "type": "repository", "id": "acme/x", "name": "X", "url": "https://acme.example/x", "data": { "b": 1, "a": [1.5, null] } });
    vec![
        json!({ "id": "p1", "actor": { "type": "user", "id": "ann" }, "verb": "push", "object": repository, "timestamp": "2020-01-02T00:00:00Z", "description": "three commits", "data": { "commits": 3 } }),
        json!({ "actor": { "type": "bot", "id": "ci" }, "verb": "build", "object": { "type": "run", "id": "7" }, "target": repository }),
        json!({ "id": "p2", "actor": { "type": "user", "id": "cyd" }, "verb": "note", "object": { "tweetId": known }, "public": false, "foreignId": "n1", "timestamp": "2021-01-02T00:00:00Z" }),
        json!({ "actor": { "type": "user", "id": "cyd" }, "verb": "quote", "object": { "tweetId": lost }, "target": { "type": "user", "id": "gone" }, "timestamp": "2021-01-03T00:00:00Z" }),
        json!({ "actor": { "type": "user", "id": "Bob" }, "verb": "star", "object": { "hashtag": "Rust" }, "target": { "type": "user", "id": "ann" }, "timestamp": "2021-01-03T00:00:00Z" }),
    ]
}

/// Marks the newest and the oldest notifications of ann, as an earlier export might have.
async fn see(linnet: &Linnet) {
    let db = Database::connect(linnet.reading_url()).await.unwrap();
    let sql = "SELECT g.verb || ' ' || g.object || ' ' || g.action_count || ' ' || g.newest_at FROM notification_group g \
               JOIN users u ON u.id = g.user_id WHERE u.username = 'ann' AND g.object LIKE 'tweet:%' ORDER BY g.newest_at";
    let rows = db
        .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
        .unwrap();
    let groups: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    assert!(groups.len() > 2, "{groups:?}");
    let mark = |group: &str, read: bool| {
        let parts: Vec<&str> = group.split(' ').collect();
        let at = linnet::model::Micros(parts[3].parse().unwrap()).to_string();
        let tweet = parts[1].replace("tweet:", "Tweet:");
        json!({ "username": "ann", "verb": parts[0], "object": { "tweetId": tweet }, "updatedAt": at,
                "actionCount": parts[2].parse::<i64>().unwrap(), "seen": true, "read": read })
    };
    let marks = [mark(&groups[0], true), mark(groups.last().unwrap(), false)];
    bring(linnet, "marks", &marks).await;
}

const TAGS: [&str; 4] = ["rust", "answers", "bare", "final"];

#[tokio::test]
async fn everything_survives_an_export() {
    let here = Linnet::with(&["--query-cost", "1000000"]).await;
    live(&here).await;
    see(&here).await;
    let (before, shown) = (tables(&here).await, pages(&here, &TAGS).await);
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let exported = export(&here, &place("first"), &["--with-passwords"]).await;
    for name in [
        "users",
        "walls",
        "tweets",
        "follows",
        "likes",
        "actions",
        "relations",
        "marks",
    ] {
        assert!(
            exported[&format!("{name}.ndjson")].lines().count() > 1,
            "{name}: {exported:?}"
        );
    }

    let there = Linnet::with(&["--query-cost", "1000000"]).await;
    there.tell(&["import", place("first").to_str().unwrap()], "").await;
    same(&tables(&there).await, &before);
    let again = pages(&there, &TAGS).await;
    for (again, shown) in again.iter().zip(&shown) {
        assert_eq!(again, shown);
    }
    assert_eq!(export(&there, &place("second"), &["--with-passwords"]).await, exported);
    let log_in = json!({ "username": "ann", "password": PASSWORD });
    let ann = person(&there.act(Nobody, "logIn", log_in.clone()).await);
    let next = there.tweet(&ann, "next").await;

    here.tell(&["import", place("first").to_str().unwrap()], "").await;
    same(&tables(&here).await, &before);
    assert_eq!(export(&here, &place("third"), &["--with-passwords"]).await, exported);
    let ann = person(&here.act(Nobody, "logIn", log_in).await);
    assert_eq!(here.tweet(&ann, "next").await, next);
}

#[tokio::test]
async fn everything_moves_from_a_file_to_postgresql() {
    if !postgres::is_there() {
        return;
    }
    let options = ["--query-cost", "1000000"];
    let file = harness::Database::File(tempfile::tempdir().unwrap());
    let here = Linnet::at(Arc::new(file), &options).await;
    live(&here).await;
    see(&here).await;
    let shown = pages(&here, &TAGS).await;
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let exported = export(&here, &place("first"), &["--with-passwords"]).await;

    let database = harness::Database::Postgres(postgres::Database::new());
    let there = Linnet::at(Arc::new(database), &options).await;
    there.tell(&["import", place("first").to_str().unwrap()], "").await;
    let again = pages(&there, &TAGS).await;
    for (again, shown) in again.iter().zip(&shown) {
        assert_eq!(again, shown);
    }
    assert_eq!(export(&there, &place("second"), &["--with-passwords"]).await, exported);
}

#[tokio::test]
async fn an_export_is_whole_or_refused() {
    let linnet = Linnet::start().await;
    let ann = linnet.join("ann").await;
    let tweet = linnet.tweet(&ann, "hello").await;
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("deep/new");
    let exported = export(&linnet, &dir, &[]).await;
    let user: Value = serde_json::from_str(&exported["users.ndjson"]).unwrap();
    assert_eq!(
        (&user["username"], &user["passwordHash"]),
        (&json!("ann"), &Value::Null)
    );
    let row: Value = serde_json::from_str(&exported["tweets.ndjson"]).unwrap();
    assert_eq!((&row["id"], &row["username"]), (&json!(tweet), &json!("ann")));
    assert_eq!(exported["actions.ndjson"], "");

    let refused = linnet.command(&["export", dir.to_str().unwrap()]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(String::from_utf8(refused.stderr).unwrap().lines().count(), 1);
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let nothing = linnet.command(&["import", empty.to_str().unwrap()]).await;
    assert_eq!(nothing.status.code(), Some(1));
    assert_eq!(files(&dir), exported);
    assert_eq!(
        id(&linnet.act(&ann, "likeTweet", json!({ "id": tweet })).await["tweet"]),
        tweet
    );
}
