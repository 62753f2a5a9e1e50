//! Every surface by every rule, for everybody: nothing of who is hidden shows to whom it must not,
//! others see all as before, and once it is undone everything is as it was.

mod scene;
mod streams;
mod surface;

use serde_json::{Value, json};

use crate::harness::Linnet;
use crate::harness::scene::Person;
use scene::{Scene, Seen, without_counts};
use surface::{SURFACES, Shows, Surface};

fn of(shows: &[Shows]) -> Vec<&'static str> {
    let surfaces = SURFACES.iter().filter(|surface| shows.contains(&surface.shows));
    let mut names: Vec<_> = surfaces.map(|surface| surface.name).collect();
    names.sort_unstable();
    names
}

fn named(name: &str) -> &'static Surface {
    SURFACES.iter().find(|surface| surface.name == name).unwrap()
}

/// What of bob shows where nothing is hidden: all to users; to ann, of whom he has liked something,
/// the group of that too.
fn everything_to(who: Option<&Person>) -> Vec<&'static str> {
    let mut names = of(match who {
        Some(_) => &[Shows::Everybody, Shows::Ranked, Shows::Users, Shows::Own],
        None => &[Shows::Everybody, Shows::Ranked],
    });
    names.retain(|name| *name != "his group's node" || who.is_some_and(|who| who.name == "ann"));
    names
}

/// The surfaces of which each is the same, whoever looks.
fn same(seen: &Seen, as_before: &Seen, shows: &[Shows], why: &str) {
    for name in of(shows) {
        assert_eq!(seen[name], as_before[name], "{name}: {why}");
    }
}

const ALL: &[Shows] = &[Shows::Everybody, Shows::Ranked, Shows::Names, Shows::Users, Shows::Own];

#[tokio::test]
async fn a_block_hides_everything_from_the_one_who_blocks_and_nothing_from_others() {
    let scene = Scene::new().await;
    let everybody = [
        Some(&scene.ann),
        Some(&scene.bob),
        Some(&scene.cyd),
        Some(&scene.moderator),
        None,
    ];
    let mut before = Vec::new();
    for who in everybody {
        let seen = scene.seen(who).await;
        assert_eq!(
            scene.shows(&seen),
            everything_to(who),
            "of bob, to {:?}",
            who.map(|who| &who.name)
        );
        before.push(seen);
    }
    let read = scene.read().await;
    scene.linnet.to(&scene.ann, "blockUser", &scene.bob).await;
    let seen = scene.seen(Some(&scene.ann)).await;
    assert_eq!(scene.shows(&seen), Vec::<&str>::new(), "{seen:?}");
    same(&seen, &before[0], &[Shows::Names], "hashtags are nobody's");
    for (who, before) in everybody.into_iter().zip(&before).skip(1) {
        same(
            &scene.seen(who).await,
            before,
            ALL,
            &format!("to {:?}", who.map(|who| &who.name)),
        );
    }
    assert_eq!(scene.read().await, read, "strangers read on");
    let list =
        "{ blockedUsers { nodes { displayName viewerIsBlocking tweets { nodes { id } pageInfo { hasNextPage } } } } }";
    let listed = scene.linnet.ask(&scene.ann, list).await["blockedUsers"]["nodes"][0].clone();
    let nothing = json!({ "nodes": [], "pageInfo": { "hasNextPage": false } });
    let expected = json!({ "displayName": "THEBOB", "viewerIsBlocking": true, "tweets": nothing });
    assert_eq!(listed, expected, "he is in the list, and nothing that he wrote");
    scene.linnet.to(&scene.ann, "unblockUser", &scene.bob).await;
    same(&scene.seen(Some(&scene.ann)).await, &before[0], ALL, "undone");
    // Who is blocked sees on what is public.
    scene.linnet.to(&scene.bob, "blockUser", &scene.ann).await;
    for (who, before) in everybody.into_iter().zip(&before) {
        if who.is_none_or(|who| who.name != "bobby") {
            same(&scene.seen(who).await, before, ALL, "blocked by him");
        }
    }
}

#[tokio::test]
async fn a_ban_hides_everything_from_all_but_moderators_until_it_is_undone() {
    let scene = Scene::new().await;
    let everybody = [Some(&scene.ann), Some(&scene.cyd), Some(&scene.moderator), None];
    let mut before = Vec::new();
    for who in everybody {
        before.push(scene.seen(who).await);
    }
    let read = scene.read().await;
    for (path, (status, text)) in &read {
        assert!(*status == 200 && scene.is_marked(text), "{path}: {text}");
    }
    for round in 0..2 {
        scene.linnet.to(&scene.moderator, "banUser", &scene.bob).await;
        // At once, and when counts have followed.
        for is_swept in [false, true] {
            for who in [Some(&scene.ann), Some(&scene.cyd), None] {
                let seen = scene.seen(who).await;
                assert_eq!(scene.shows(&seen), Vec::<&str>::new(), "round {round}: {seen:?}");
            }
            for (path, (status, text)) in scene.read().await {
                assert_eq!(status, if path.contains("bobby") { 404 } else { 200 }, "{path}");
                assert!(!scene.is_marked(&text), "{path}: {text}");
            }
            let seen = scene.seen(Some(&scene.moderator)).await;
            for name in of(&[Shows::Everybody, Shows::Users, Shows::Own]) {
                let (seen, whole) = (without_counts(&seen[name]), without_counts(&before[2][name]));
                assert_eq!(seen, whole, "{name} as a moderator sees it");
            }
            if !is_swept {
                scene.swept().await;
            }
        }
        for name in of(&[Shows::Names]) {
            for (who, before) in everybody.into_iter().zip(&before) {
                let seen = scene.sees(who, named(name)).await.to_string();
                assert!(before[name].to_string().contains("bobonly"), "{name}: {before:?}");
                assert!(!seen.contains("bobonly"), "what he alone has used, in {name}: {seen}");
            }
        }
        scene.linnet.to(&scene.moderator, "unbanUser", &scene.bob).await;
        for (who, before) in everybody.into_iter().zip(&before) {
            let seen = scene.seen(who).await;
            for name in of(&[Shows::Everybody, Shows::Users, Shows::Own]) {
                assert_eq!(without_counts(&seen[name]), without_counts(&before[name]), "{name}");
            }
        }
        scene.swept().await;
        for (who, before) in everybody.into_iter().zip(&before) {
            same(
                &scene.seen(who).await,
                before,
                ALL,
                &format!("undone: {:?}", who.map(|who| &who.name)),
            );
        }
        assert_eq!(scene.read().await, read, "undone");
    }
}

#[tokio::test]
async fn lists_of_who_is_hidden_show_them_and_nobody_else_has_them() {
    let scene = Scene::new().await;
    let (linnet, ann, bob) = (&scene.linnet, &scene.ann, &scene.bob);
    let lists = [
        (ann, "blockUser", "unblockUser", "blocked users"),
        (ann, "muteUser", "unmuteUser", "muted users"),
        (&scene.moderator, "banUser", "unbanUser", "banned users"),
    ];
    assert_eq!(lists.len(), of(&[Shows::Hidden]).len());
    for (by, mutation, undone, list) in lists {
        let is_listed = async |who: &Person, list: &str| {
            let seen = scene.sees(Some(who), named(list)).await;
            seen["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .any(|user| user["id"] == json!(bob.id))
        };
        for is_hidden in [false, true, false] {
            if is_hidden {
                linnet.to(by, mutation, bob).await;
            }
            for other in ["blocked users", "muted users"] {
                assert_eq!(
                    is_listed(ann, other).await,
                    is_hidden && other == list,
                    "{mutation}: {other}"
                );
                assert!(!is_listed(&scene.cyd, other).await, "{mutation}: {other}");
            }
            let is_banned = is_listed(&scene.moderator, "banned users").await;
            assert_eq!(is_banned, is_hidden && list == "banned users", "{mutation}");
            if is_hidden {
                linnet.to(by, undone, bob).await;
            }
        }
    }
}

#[tokio::test]
async fn a_mute_leaves_what_he_does_out_of_ones_own_lists_and_of_nothing_else() {
    let scene = Scene::new().await;
    let (ann, bob) = (&scene.ann, &scene.bob);
    scene.linnet.follow(ann, &bob.id).await;
    let before = scene.seen(Some(ann)).await;
    let others = scene.seen(Some(&scene.cyd)).await;
    let read = scene.read().await;
    scene.linnet.to(ann, "muteUser", bob).await;
    let seen = scene.seen(Some(ann)).await;
    same(&scene.seen(Some(&scene.cyd)).await, &others, ALL, "to others");
    assert_eq!(scene.read().await, read);
    // Within what others do he may appear, and everything else is as it was.
    same(
        &seen,
        &before,
        &[Shows::Everybody, Shows::Ranked, Shows::Names, Shows::Users],
        "muted",
    );
    let his = |row: &Value| is_his(&bob.id, row);
    for feed in ["timeline", "notifications"] {
        assert!(rows(&before[feed][feed]).iter().any(his), "{feed}");
        let left = rows(&seen[feed][feed]);
        assert!(!left.is_empty() && !left.iter().any(his), "{feed}: {left:?}");
    }
    assert_eq!(seen["his group's node"], Value::Null, "nobody is left in it");
    scene.linnet.to(ann, "unmuteUser", bob).await;
    same(&scene.seen(Some(ann)).await, &before, ALL, "undone");
}

/// What stands in a feed: who did what, and who wrote what it was done to.
fn rows(feed: &Value) -> Vec<Value> {
    let nodes = |list: &str| feed[list]["nodes"].as_array().unwrap().clone();
    let in_groups = nodes("groups")
        .into_iter()
        .flat_map(|group| group["actions"]["nodes"].as_array().unwrap().clone());
    let actions = ["actions", "likes", "newest"]
        .into_iter()
        .flat_map(nodes)
        .chain(in_groups);
    let by = actions.map(|action| json!([action["actor"]["id"], action["verb"], action["object"]["author"]["id"]]));
    let tweets = ["tweets", "posts"].into_iter().flat_map(nodes);
    by.chain(tweets.map(|tweet| json!([tweet["author"]["id"], "tweets", null])))
        .collect()
}

fn is_his(id: &str, row: &Value) -> bool {
    let repeats = ["like", "retweet", "tweet", "reply", "tweets"].contains(&row[1].as_str().unwrap());
    row[0] == id || (repeats && row[2] == id)
}

#[tokio::test]
async fn a_reader_who_lags_hears_no_more_of_whom_they_block() {
    const TWEETS: usize = 3_000;
    let options = [
        "--rate-limit",
        "off",
        "--slow-reader-timeout",
        "60s",
        "--query-cost",
        "1000000",
    ];
    let linnet = Linnet::with(&options).await;
    let [ann, bob] = [linnet.join("ann").await, linnet.join("bobby").await];
    let mut socket = linnet.websocket(Some(&ann.token)).await;
    let words: String = (0..12).map(|number| format!("t{number}: text ")).collect();
    let query = format!("subscription {{ hashtagStream(hashtag: \"rust\") {{ tweetId tweet {{ {words} }} }} }}");
    socket.subscribe("1", &query).await;
    socket.quiet().await;
    let now = linnet::model::Clock.now().to_string();
    let rows = (0..TWEETS).map(|number| {
        let text = format!("{number} #rust {}", "bobsays ".repeat(100));
        json!({ "id": number.to_string(), "username": "bobby", "text": text, "createdAt": now }).to_string()
    });
    linnet
        .tell(&["import", "tweets", "-"], &rows.collect::<Vec<_>>().join("\n"))
        .await;
    linnet.to(&ann, "blockUser", &bob).await;
    let last = json!({ "id": "last", "username": "cyd", "text": "the end #rust", "createdAt": now }).to_string();
    linnet.tell(&["import", "tweets", "-"], &last).await;
    let mut heard = 0;
    loop {
        let message = socket.hear().await;
        let text = message["payload"]["data"]["hashtagStream"]["tweet"]["t0"]
            .as_str()
            .unwrap()
            .to_owned();
        if text.starts_with("the end") {
            break;
        }
        heard += 1;
    }
    // What was on the wire before is not taken back.
    assert!(heard < TWEETS / 2, "{heard} of {TWEETS}");
}
