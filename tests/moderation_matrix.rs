//! Every surface by every rule, for everybody: nothing of who is hidden shows to whom it must not,
//! others see all as before, and once it is undone everything is as it was.

use serde_json::{Value, json};

use crate::harness::scene::{Nobody, Person};
use crate::harness::{Linnet, Socket, until};

const FRAGMENTS: &str = "
    fragment U on User { id displayName bio tweetCount }
    fragment T on Tweet { id text author { ...U } mentions { ...U } inReplyTo { id text author { ...U } } }
    fragment E on Entity { __typename ... on User { ...U } ... on Tweet { ...T } ... on Hashtag { name } ... on Tombstone { id } }
    fragment A on Action { id verb actor { ...E } object { ...E } target { ...E } }
    fragment G on ActionGroup { verb object { ...E } actors(first: 10) { ...E } actions { nodes { ...A } } }
    fragment F on Feed { actions(first: 50) { nodes { ...A } } tweets(first: 50) { nodes { ...T } }
        posts: tweets(first: 50, includeRetweets: false) { nodes { ...T } }
        likes: actions(first: 50, verbs: [\"like\"]) { nodes { ...A } }
        newest: actions(last: 3) { nodes { ...A } }
        groups(first: 50) { nodes { ...G } } }";

/// Every surface on which anything of a user can show.
const SURFACES: &str = "query($user: ID!, $tweet: ID!, $action: ID!, $other: ID!, $name: String!, $slug: String!) {
    asNode: node(id: $user) { ...N }
    tweetNode: node(id: $tweet) { ...N }
    actionNode: node(id: $action) { ... on Action { ...A } }
    feedNode: node(id: $slug) { ... on Feed { ...F } }
    nodes(ids: [$user, $tweet, $action]) { __typename id }
    user(username: $name) { ...U tweets { nodes { ...T } } }
    tweet(id: $tweet) { ...T }
    found: users(contains: \"bobby\") { nodes { ...U } }
    searched: tweets(contains: \"bobsays\") { nodes { ...T } }
    short: tweets(contains: \"bo\") { nodes { ...T } }
    written: tweets(author: $name) { nodes { ...T } pageInfo { hasNextPage } }
    tagged: tweets(hashtag: \"rust\") { nodes { ...T } }
    all: tweets(first: 50) { nodes { ...T } }
    feed(group: USER, slug: $name) { ...F }
    hashtag(name: \"rust\") { tweets { nodes { ...T } } followers { nodes { ...U } } feed { ...F } }
    externalObject(type: \"repository\", key: \"acme/x\") { followers { nodes { ...U } } actions { nodes { ...A } } feed { ...F } }
    talk: tweet(id: $other) { ...T replies { nodes { ...T } } likers { nodes { ...U } } retweeters { nodes { ...U } }
        actions(first: 50) { nodes { ...A } } }
    others: user(username: \"cyd\") { ...U tweets { nodes { ...T } } likes { nodes { ...T } } feed { ...F }
        followers { nodes { ...U } } following { nodes { ...E } } actions(first: 50) { nodes { ...A } } }
    viewer { timeline { ...F why: actions(first: 50) { edges { because { ...E } } } }
        notifications { ...F } feed { ...F }
        followers { nodes { ...U } } following { nodes { ...E } } likes { nodes { ...T } } actions(first: 50) { nodes { ...A } } }
}";
const NODE: &str = "fragment N on Node { __typename id ... on User { ...U } ... on Tweet { ...T } }";

/// Somebody of whom every kind of thing is somewhere, and those who may or may not see it.
struct Scene {
    linnet: Linnet,
    bob: Person,
    ann: Person,
    cyd: Person,
    moderator: Person,
    variables: Value,
    /// What shows that something is bob's.
    marks: Vec<String>,
}

impl Scene {
    async fn new() -> Self {
        let linnet = Linnet::with(&[
            "--rate-limit",
            "off",
            "--query-cost",
            "100000000",
            "--query-fields",
            "100000",
        ])
        .await;
        let [ann, bob, cyd] = [
            linnet.join("ann").await,
            linnet.join("bobby").await,
            linnet.join("cyd").await,
        ];
        let moderator = linnet.moderator("mod").await;
        let profile = json!({ "displayName": "THEBOB", "bio": "BIOBOB" });
        linnet.act(&bob, "updateProfile", profile).await;
        let object = json!({ "type": "repository", "key": "acme/x" });

        let anns = linnet.tweet(&ann, "ann says #rust").await;
        let cyds = linnet.tweet(&cyd, "cyd says #rust").await;
        let own = linnet.tweet(&bob, "bobsays #rust with @ann and @cyd").await;
        let mut tweets = vec![own.clone()];
        for to in [&anns, &cyds] {
            tweets.push(linnet.reply(&bob, to, "bobsays so #rust").await);
            linnet.on(&bob, "likeTweet", to).await;
            linnet.on(&bob, "retweet", to).await;
        }
        linnet.reply(&cyd, &own, "cyd answers #rust").await;
        linnet.on(&cyd, "likeTweet", &own).await;
        linnet.on(&cyd, "retweet", &own).await;
        let pushed = json!({ "verb": "pushed", "object": object, "target": { "id": cyd.id } });
        let action = linnet.act(&bob, "addAction", pushed).await["action"]["id"].clone();
        let thanked = json!({ "verb": "thanked", "object": { "id": bob.id }, "target": { "id": ann.id } });
        linnet.act(&cyd, "addAction", thanked).await;
        let about = json!({ "verb": "quoted", "object": { "id": own }, "target": object });
        linnet.act(&cyd, "addAction", about).await;
        for target in ["Hashtag:rust", "ExternalObject:repository:acme/x", &cyd.id] {
            linnet.follow(&bob, target).await;
        }
        for target in ["Hashtag:rust", "ExternalObject:repository:acme/x", &cyd.id] {
            linnet.follow(&ann, target).await;
        }
        linnet.follow(&cyd, &bob.id).await;
        linnet.on(&ann, "likeTweet", &tweets[1]).await;
        linnet.on(&moderator, "retweet", &tweets[2]).await;
        let mut marks = vec!["THEBOB".to_owned(), "BIOBOB".to_owned(), "bobsays".to_owned()];
        marks.extend(tweets.iter().map(|tweet| format!("\"{tweet}\"")));
        marks.extend([format!("\"{}\"", bob.id), action.to_string()]);
        let variables = json!({ "user": bob.id, "tweet": own, "action": action, "other": cyds, "name": "bobby",
            "slug": "Feed:USER:bobby" });
        Self {
            linnet,
            bob,
            ann,
            cyd,
            moderator,
            variables,
            marks,
        }
    }

    /// All surfaces as somebody sees them.
    async fn seen(&self, who: Option<&Person>) -> Value {
        let query = format!("{SURFACES} {NODE} {FRAGMENTS}");
        match who {
            Some(person) => self.linnet.ask_with(person, &query, self.variables.clone()).await,
            None => self.linnet.ask_with(Nobody, &query, self.variables.clone()).await,
        }
    }

    /// On which surfaces something of bob shows.
    fn shows(&self, seen: &Value) -> Vec<String> {
        let surfaces = seen.as_object().unwrap().iter();
        let shown = surfaces.filter(|(_, seen)| {
            let text = seen.to_string();
            self.marks.iter().any(|mark| text.contains(mark))
        });
        shown.map(|(surface, _)| surface.clone()).collect()
    }

    async fn swept(&self) {
        let file = self.linnet.file().await;
        until("the end of the sweep", || file.is_swept()).await;
        file.counts_are_right().await;
    }
}

/// Every surface but one's own, which a stranger does not have.
fn everywhere(seen: &Value) -> Vec<String> {
    let surfaces = seen.as_object().unwrap().keys();
    surfaces.cloned().collect()
}

fn without_counts(mut seen: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("tweetCount");
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut seen);
    seen
}

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
        let mut expected = everywhere(&seen);
        expected.retain(|surface| surface != "viewer" || who.is_some());
        // A moderator who follows nobody has nothing of bob in their own lists but a retweet.
        assert_eq!(scene.shows(&seen), expected, "the scene has something on every surface");
        before.push(seen);
    }
    scene.linnet.to(&scene.ann, "blockUser", &scene.bob).await;
    let seen = scene.seen(Some(&scene.ann)).await;
    assert_eq!(scene.shows(&seen), Vec::<String>::new(), "{seen}");
    assert_eq!(seen["written"]["pageInfo"]["hasNextPage"], false);
    for (who, before) in everybody.into_iter().zip(&before).skip(1) {
        assert_eq!(scene.seen(who).await, *before, "{:?}", who.map(|who| &who.name));
    }
    let list =
        "{ blockedUsers { nodes { displayName viewerIsBlocking tweets { nodes { id } pageInfo { hasNextPage } } } } }";
    let listed = scene.linnet.ask(&scene.ann, list).await["blockedUsers"]["nodes"][0].clone();
    assert_eq!(
        (&listed["displayName"], &listed["viewerIsBlocking"]),
        (&json!("THEBOB"), &json!(true))
    );
    assert_eq!(
        listed["tweets"],
        json!({ "nodes": [], "pageInfo": { "hasNextPage": false } })
    );
    scene.linnet.to(&scene.ann, "unblockUser", &scene.bob).await;
    assert_eq!(scene.seen(Some(&scene.ann)).await, before[0], "undone");
}

#[tokio::test]
async fn a_ban_hides_everything_from_all_but_moderators_until_it_is_undone() {
    let scene = Scene::new().await;
    let everybody = [Some(&scene.ann), Some(&scene.cyd), Some(&scene.moderator), None];
    let mut before = Vec::new();
    for who in everybody {
        before.push(scene.seen(who).await);
    }
    for round in 0..2 {
        scene.linnet.to(&scene.moderator, "banUser", &scene.bob).await;
        // At once, and when counts have followed.
        for _ in 0..2 {
            for who in [Some(&scene.ann), Some(&scene.cyd), None] {
                let seen = scene.seen(who).await;
                assert_eq!(scene.shows(&seen), Vec::<String>::new(), "round {round}: {seen}");
            }
            let seen = without_counts(scene.seen(Some(&scene.moderator)).await);
            let whole = without_counts(before[2].clone());
            for (surface, whole) in whole.as_object().unwrap() {
                assert_eq!(seen[surface], *whole, "{surface} as a moderator sees it");
            }
            scene.swept().await;
        }
        scene.linnet.to(&scene.moderator, "unbanUser", &scene.bob).await;
        for (who, before) in everybody.into_iter().zip(&before) {
            assert_eq!(without_counts(scene.seen(who).await), without_counts(before.clone()));
        }
        scene.swept().await;
        for (who, before) in everybody.into_iter().zip(&before) {
            assert_eq!(scene.seen(who).await, *before, "undone: {:?}", who.map(|who| &who.name));
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
    scene.linnet.to(ann, "muteUser", bob).await;
    let mut seen = scene.seen(Some(ann)).await;
    assert_eq!(scene.seen(Some(&scene.cyd)).await, others);
    let lists = |feed: &Value| -> Vec<Value> {
        let nodes = |list: &str| feed[list]["nodes"].as_array().unwrap().clone();
        let in_groups = nodes("groups")
            .into_iter()
            .flat_map(|group| group["actions"]["nodes"].as_array().unwrap().clone());
        let actions = ["actions", "likes", "newest"]
            .into_iter()
            .flat_map(nodes)
            .chain(in_groups);
        let by = actions.map(|action| json!([action["actor"]["id"], action["verb"], action["object"]["author"]["id"]]));
        let tweets = ["tweets", "posts"]
            .into_iter()
            .flat_map(nodes)
            .map(|tweet| json!([tweet["author"]["id"], "tweets", null]));
        by.chain(tweets).collect()
    };
    let is_his = |row: &Value| {
        let repeats = ["like", "retweet", "tweet", "reply", "tweets"].contains(&row[1].as_str().unwrap());
        row[0] == json!(bob.id) || (repeats && row[2] == json!(bob.id))
    };
    for feed in ["timeline", "notifications"] {
        assert!(lists(&before["viewer"][feed]).iter().any(is_his), "{feed}");
        let left = lists(&seen["viewer"][feed]);
        assert!(!left.is_empty() && !left.iter().any(is_his), "{feed}: {left:?}");
        seen["viewer"][feed] = before["viewer"][feed].clone();
    }
    // Within what others do he may appear, and everything else is as it was.
    assert_eq!(seen, before);
    scene.linnet.to(ann, "unmuteUser", bob).await;
    assert_eq!(scene.seen(Some(ann)).await, before, "undone");
}

const STREAM: &str =
    "kind tweetId tweet { ...T replies { nodes { ...T } } likers { nodes { ...U } } } retweetedBy { ...U }";

async fn open(scene: &Scene, who: Option<&Person>, after: Option<&str>) -> Socket {
    let mut socket = scene.linnet.websocket(who.map(|who| who.token.as_str())).await;
    let query = format!(
        "subscription($after: String) {{ hashtagStream(hashtag: \"rust\", includeRetweets: true, after: $after) {{ {STREAM} }} }}
         fragment U on User {{ id displayName }}
         fragment T on Tweet {{ id text author {{ ...U }} mentions {{ ...U }} inReplyTo {{ id text author {{ ...U }} }} }}"
    );
    let payload = json!({ "query": query, "variables": { "after": after } });
    socket
        .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
        .await;
    if after.is_none() {
        socket.quiet().await;
    }
    socket
}

/// Everything that a stream says up to a tweet.
async fn up_to(socket: &mut Socket, tweet: &str) -> Vec<Value> {
    let mut told = Vec::new();
    loop {
        let message = socket.hear().await;
        let event = message["payload"]["data"]["hashtagStream"].clone();
        assert!(event.is_object(), "{message}");
        let is_last = event["tweetId"] == tweet;
        told.push(event);
        if is_last {
            return told;
        }
    }
}

/// What bob and others do under a hashtag; the last tweet is nobody's business but cyd's.
async fn happens(scene: &Scene) -> String {
    let (linnet, bob, cyd) = (&scene.linnet, &scene.bob, &scene.cyd);
    let says = linnet.tweet(bob, "bobsays more #rust").await;
    let cyds = linnet.tweet(cyd, "cyd says more #rust").await;
    linnet.on(bob, "retweet", &cyds).await;
    linnet.on(cyd, "retweet", &says).await;
    linnet.reply(cyd, &says, "to him #rust").await;
    linnet.tweet(cyd, "the end #rust").await
}

#[tokio::test]
async fn open_streams_tell_the_one_who_blocks_nothing_from_then_on() {
    let scene = Scene::new().await;
    let cursor = scene.linnet.anybody().cursor().await;
    let mut anns = open(&scene, Some(&scene.ann), None).await;
    let mut cyds = open(&scene, Some(&scene.cyd), None).await;
    let last = happens(&scene).await;
    let shows = |told: &[Value]| {
        told.iter()
            .filter(|event| !scene.shows(&json!({ "it": event })).is_empty())
            .count()
    };
    assert!(shows(&up_to(&mut anns, &last).await) >= 4);
    up_to(&mut cyds, &last).await;
    for (mutation, undone) in [("blockUser", "unblockUser"), ("muteUser", "unmuteUser")] {
        scene.linnet.to(&scene.ann, mutation, &scene.bob).await;
        let last = happens(&scene).await;
        let told = up_to(&mut anns, &last).await;
        assert_eq!(up_to(&mut cyds, &last).await.len(), 6, "others hear everything");
        let behind = up_to(&mut open(&scene, Some(&scene.ann), Some(&cursor)).await, &last).await;
        for told in [told, behind] {
            assert!(told.len() >= 3, "what others do is told: {told:?}");
            let his = |event: &&Value| {
                event["tweet"]["author"]["id"] == json!(scene.bob.id)
                    || event["retweetedBy"]["id"] == json!(scene.bob.id)
            };
            assert_eq!(told.iter().filter(his).count(), 0, "{mutation}: {told:?}");
            // Within what others do a muted user may appear, one who is blocked may not.
            assert_eq!(shows(&told) == 0, mutation == "blockUser", "{told:?}");
        }
        scene.linnet.to(&scene.ann, undone, &scene.bob).await;
    }
    let last = happens(&scene).await;
    assert!(shows(&up_to(&mut anns, &last).await) >= 4, "undone");
}

#[tokio::test]
async fn streams_tell_nobody_anything_of_who_is_banned() {
    let scene = Scene::new().await;
    let cursor = scene.linnet.anybody().cursor().await;
    let mut before = open(&scene, None, Some(&cursor)).await;
    let last = happens(&scene).await;
    up_to(&mut before, &last).await;
    // A frame of all this is in memory; whoever comes later does not get it.
    scene.linnet.to(&scene.moderator, "banUser", &scene.bob).await;
    let says = |told: &[Value]| {
        let words = json!(told).to_string();
        ["THEBOB", "bobsays"].iter().any(|mark| words.contains(mark))
    };
    for who in [None, Some(&scene.ann), Some(&scene.cyd)] {
        let told = up_to(&mut open(&scene, who, Some(&cursor)).await, &last).await;
        assert!(told.len() >= 4 && !says(&told), "{told:?}");
        let retweets = told
            .iter()
            .filter(|event| event["kind"] == "RETWEETED" && event["retweetedBy"].is_null());
        assert_eq!(retweets.count(), 0, "{told:?}");
    }
    scene.linnet.to(&scene.moderator, "unbanUser", &scene.bob).await;
    let told = up_to(&mut open(&scene, None, Some(&cursor)).await, &last).await;
    assert!(says(&told), "{told:?}");
}

#[tokio::test]
async fn ones_own_feeds_streams_leave_out_whom_one_hides() {
    let scene = Scene::new().await;
    let (linnet, ann, bob, cyd) = (&scene.linnet, &scene.ann, &scene.bob, &scene.cyd);
    linnet.follow(ann, &bob.id).await;
    for mutation in ["muteUser", "blockUser"] {
        let mut streams = Vec::new();
        for group in ["TIMELINE", "NOTIFICATION"] {
            let mut socket = linnet.websocket(Some(&ann.token)).await;
            let query = format!(
                "subscription {{ feedStream(group: {group}, slug: \"ann\") {{ kind action {{ verb actor {{ ... on User {{ id }} }} object {{ ... on Tweet {{ text }} }} }} }} }}"
            );
            socket.subscribe("1", &query).await;
            socket.quiet().await;
            streams.push(socket);
        }
        linnet.to(ann, mutation, bob).await;
        let his = linnet.tweet(bob, "bobsays hello @ann #rust").await;
        linnet.on(cyd, "retweet", &his).await;
        linnet.on(cyd, "likeTweet", &his).await;
        let last = linnet.tweet(cyd, &format!("{mutation}: hello @ann")).await;
        for socket in &mut streams {
            let told = socket.hear().await;
            let action = &told["payload"]["data"]["feedStream"]["action"];
            assert_eq!(
                action["object"]["text"],
                format!("{mutation}: hello @ann"),
                "{last}: {told}"
            );
        }
    }
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
