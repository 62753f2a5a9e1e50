//! Every stream by every rule: open ones from the act on, and those that begin behind it.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use super::scene::Scene;
use super::surface::document;
use crate::harness::scene::{Person, all};
use crate::harness::{Linnet, soon};

/// A stream that tells of somebody.
pub struct Stream {
    /// One root field, with its further arguments where `<after>` stands.
    pub query: &'static str,
    /// Whether it is ann's alone.
    is_anns: bool,
}

const fn everybodys(query: &'static str) -> Stream {
    Stream { query, is_anns: false }
}

const fn anns(query: &'static str) -> Stream {
    Stream { query, is_anns: true }
}

/// Each root field of subscriptions stands here, and each group of feeds.
pub const STREAMS: &[Stream] = &[
    everybodys(
        "hashtagStream(hashtag: \"rust\", includeRetweets: true <after>) { kind tweetId retweetedBy { ...user }
            tweet { ...tweet replies { ...tweets } likers { ...users } }
            hashtag { tweets(first: 3) { ...tweets } ...best } wall { slug } }",
    ),
    everybodys(
        "wallStream(slug: \"w\" <after>) { kind tweetId retweetedBy { ...user }
            tweet { ...tweet replies { ...tweets } likers { ...users } }
            wall { tweets(first: 3) { ...tweets } participants { ...users } ...wallsBest } hashtag { name } }",
    ),
    everybodys("feedStream(group: USER, slug: \"cyd\" <after>) { kind action { ...action } feed { ...glance } }"),
    everybodys("feedStream(group: USER, slug: \"bobby\" <after>) { kind action { ...action } feed { ...glance } }"),
    everybodys("feedStream(group: HASHTAG, slug: \"rust\" <after>) { kind action { ...action } feed { ...glance } }"),
    everybodys(
        "feedStream(group: OBJECT, slug: \"repository:acme/x\" <after>) { kind action { ...action } feed { ...glance } }",
    ),
    anns("feedStream(group: TIMELINE, slug: \"ann\" <after>) { kind action { ...action } feed { ...glance } }"),
    anns("feedStream(group: NOTIFICATION, slug: \"ann\" <after>) { kind action { ...action } feed { ...glance } }"),
];

impl Stream {
    fn is_of_bob(&self) -> bool {
        self.query.contains("\"bobby\"")
    }

    /// Who of those who listen may.
    fn is_for(&self, who: Option<&Person>) -> bool {
        !self.is_anns || who.is_some_and(|who| who.name == "ann")
    }
}

/// An open stream.
struct Listener<'s> {
    stream: &'s Stream,
    said: UnboundedReceiver<Value>,
}

/// What one that is open has told, each event by itself.
type Told = Vec<Value>;

impl<'s> Listener<'s> {
    async fn open(scene: &Scene, who: Option<&Person>, stream: &'s Stream, after: Option<&str>) -> Self {
        let mut socket = scene.linnet.websocket(who.map(|who| who.token.as_str())).await;
        let after_it = after.map_or_else(String::new, |after| format!(", after: {}", json!(after)));
        let query = document(&format!(
            "subscription {{ it: {} }}",
            stream.query.replace("<after>", &after_it)
        ));
        socket.subscribe("1", &query).await;
        if after.is_none() {
            socket.quiet().await;
        }
        let said = socket.listen();
        Self { stream, said }
    }

    /// Everything up to what was done last.
    async fn up_to(&mut self, last: &str) -> Told {
        let query = self.stream.query;
        let mut told = Vec::new();
        loop {
            let message = soon(query, self.said.recv()).await;
            let message = message.unwrap_or_else(|| panic!("{query} has ended"));
            let event = message["payload"]["data"]["it"].clone();
            assert!(event.is_object(), "{query}: {message}");
            let text = event["tweet"]["text"]
                .as_str()
                .or(event["action"]["object"]["text"].as_str());
            let is_last = match () {
                () if query.contains("OBJECT") => event["action"]["verb"] == last,
                () if self.stream.is_of_bob() => text == Some(&format!("bobsays {last} #rust @ann")),
                () => text == Some(&format!("{last} #rust @ann")),
            };
            told.push(event);
            if is_last {
                return told;
            }
        }
    }
}

/// All streams that somebody may open.
async fn open(
    scene: &Scene,
    who: Option<&Person>,
    after: Option<&str>,
    which: impl Fn(&Stream) -> bool,
) -> Vec<Listener<'static>> {
    let mut listeners = Vec::new();
    for stream in STREAMS.iter().filter(|stream| stream.is_for(who) && which(stream)) {
        listeners.push(Listener::open(scene, who, stream, after).await);
    }
    listeners
}

/// What bob and others do, of which every stream tells, and then the end.
async fn happens(scene: &Scene, last: &str) {
    let (linnet, bob, cyd) = (&scene.linnet, &scene.bob, &scene.cyd);
    let cyds = linnet.tweet(cyd, "cyd says more #rust").await;
    linnet.on(bob, "retweet", &cyds).await;
    let pushed = json!({ "verb": "pushed", "object": { "type": "repository", "key": "acme/x" } });
    linnet.act(bob, "addAction", pushed).await;
    let says = linnet.tweet(bob, &format!("bobsays {last} #rust @ann")).await;
    linnet.on(cyd, "retweet", &says).await;
    linnet.on(cyd, "likeTweet", &says).await;
    linnet.reply(cyd, &says, "to him #rust").await;
    ends(scene, last).await;
}

/// What cyd does last, and every stream but bob's own tells: it is nobody's business but hers.
async fn ends(scene: &Scene, last: &str) {
    let (linnet, cyd) = (&scene.linnet, &scene.cyd);
    let object = json!({ "verb": last, "object": { "type": "repository", "key": "acme/x" } });
    linnet.act(cyd, "addAction", object).await;
    linnet.tweet(cyd, &format!("{last} #rust @ann")).await;
}

/// Whether an event is of his doing: his tweet, his retweet, his action, or what only repeats his tweet.
fn is_his(scene: &Scene, event: &Value) -> bool {
    let (id, action) = (json!(scene.bob.id), &event["action"]);
    let repeats = ["tweet", "reply", "retweet", "like"]
        .iter()
        .any(|verb| action["verb"] == *verb);
    [
        &event["tweet"]["author"]["id"],
        &event["retweetedBy"]["id"],
        &action["actor"]["id"],
    ]
    .contains(&&id)
        || (repeats && action["object"]["author"]["id"] == id)
}

fn count(told: &[Value], is: impl Fn(&Value) -> bool) -> usize {
    told.iter().filter(|event| is(event)).count()
}

/// All that is heard up to what was done last, by each.
async fn hear(listeners: &mut [Listener<'_>], last: &str) -> Vec<(&'static str, Told)> {
    let hear = async |listener: &mut Listener<'_>| (listener.stream.query, listener.up_to(last).await);
    join_all(listeners.iter_mut().map(hear)).await
}

#[tokio::test]
async fn open_streams_tell_the_one_who_hides_somebody_nothing_of_his_from_then_on() {
    let scene = Scene::new().await;
    let cursor = scene.linnet.anybody().cursor().await;
    let (ann, bob) = (&scene.ann, &scene.bob);
    let others = |stream: &Stream| !stream.is_of_bob();
    let his = |event: &Value| is_his(&scene, event);
    let mut anns = open(&scene, Some(ann), None, |_| true).await;
    let mut cyds = open(&scene, Some(&scene.cyd), None, |_| true).await;
    happens(&scene, "before").await;
    for (query, told) in hear(&mut anns, "before").await {
        assert!(count(&told, his) > 0, "{query}");
    }
    let before = hear(&mut cyds, "before").await;
    for (mutation, undone) in [("blockUser", "unblockUser"), ("muteUser", "unmuteUser")] {
        scene.linnet.to(ann, mutation, bob).await;
        happens(&scene, mutation).await;
        for ((query, told), (_, before)) in hear(&mut cyds, mutation).await.iter().zip(&before) {
            assert_eq!(told.len(), before.len(), "others hear everything: {query}");
        }
        // His own stream is not heard before he may be seen again.
        let (mut hers, mut of_him): (Vec<_>, Vec<_>) = anns.into_iter().partition(|listener| others(listener.stream));
        let mut behind = open(&scene, Some(ann), Some(&cursor), others).await;
        let told = hear(&mut hers, mutation).await;
        for (query, told) in told.into_iter().chain(hear(&mut behind, mutation).await) {
            assert_eq!(count(&told, his), 0, "{mutation}: {query}: {told:?}");
            // Within what others do a muted user may appear, one who is blocked may not.
            let shows = count(&told, |event| scene.is_marked(&event.to_string()));
            assert!(shows == 0 || mutation == "muteUser", "{query}: {told:?}");
        }
        scene.linnet.to(ann, undone, bob).await;
        happens(&scene, undone).await;
        for (query, told) in hear(&mut hers, undone).await {
            assert!(count(&told, his) > 0, "{query}");
        }
        for (query, told) in hear(&mut of_him, undone).await {
            let hidden = count(&told, |event| {
                event["action"].to_string().contains(&format!("bobsays {mutation}"))
            });
            assert!(hidden == 0 && count(&told, his) > 0, "{query}: {told:?}");
        }
        anns = hers.into_iter().chain(of_him).collect();
        hear(&mut cyds, undone).await;
    }
}

#[tokio::test]
async fn streams_tell_nobody_anything_of_who_is_banned() {
    let mut scene = Scene::new().await;
    let cursor = scene.linnet.anybody().cursor().await;
    let others = |stream: &Stream| !stream.is_of_bob();
    let listeners = async |scene: &Scene, after: Option<&str>| {
        let mut listeners = Vec::new();
        for who in [None, Some(&scene.ann), Some(&scene.cyd)] {
            listeners.extend(open(scene, who, after, others).await);
        }
        listeners
    };
    let mut live = listeners(&scene, None).await;
    let mut of_him = open(&scene, None, None, Stream::is_of_bob).await;
    happens(&scene, "before").await;
    for (query, told) in hear(&mut live, "before").await {
        assert!(count(&told, |event| scene.is_marked(&event.to_string())) > 0, "{query}");
    }
    // Frames of all this are in memory; whoever comes later does not get them.
    scene.linnet.to(&scene.moderator, "banUser", &scene.bob).await;
    ends(&scene, "banned").await;
    let mut behind = listeners(&scene, Some(&cursor)).await;
    let told = hear(&mut live, "banned").await;
    for (query, told) in told.into_iter().chain(hear(&mut behind, "banned").await) {
        for event in told {
            // That his tweets are gone is told by their ids.
            let words = match event["kind"].as_str() {
                Some("DELETED") => event["tweet"].to_string(),
                _ => event.to_string(),
            };
            let says = ["THEBOB", "BIOBOB", "bobsays"].iter().any(|mark| words.contains(mark));
            assert!(!says && !is_his(&scene, &event), "{query}: {event}");
            assert!(
                event["kind"] != "RETWEETED" || !event["retweetedBy"].is_null(),
                "{query}: {event}"
            );
        }
    }
    scene.swept().await;
    scene.linnet.to(&scene.moderator, "unbanUser", &scene.bob).await;
    scene.bob_returns().await;
    scene.swept().await;
    happens(&scene, "unbanned").await;
    live.extend(listeners(&scene, Some(&cursor)).await);
    live.append(&mut of_him);
    for (query, told) in hear(&mut live, "unbanned").await {
        assert!(count(&told, |event| is_his(&scene, event)) > 0, "{query}: {told:?}");
    }
}

#[tokio::test]
async fn groups_of_nobody_but_who_is_blocked_are_not_told() {
    let linnet = Linnet::start().await;
    let [ann, bob, cyd] = [
        linnet.join("ann").await,
        linnet.join("bob").await,
        linnet.join("cyd").await,
    ];
    let does = async |who: &Person, verb: &str| {
        let object = json!({ "type": "repository", "key": "acme/x" });
        linnet
            .act(who, "addAction", json!({ "verb": verb, "object": object }))
            .await;
    };
    does(&bob, "pushed").await;
    linnet.to(&ann, "blockUser", &bob).await;
    let mut sockets = Vec::new();
    for token in [None, Some(ann.token.as_str())] {
        let mut socket = linnet.websocket(token).await;
        let stream = "feedStream(group: OBJECT, slug: \"repository:acme/x\") { feed { groups { nodes { verb } } } }";
        socket.subscribe("1", &format!("subscription {{ {stream} }}")).await;
        socket.quiet().await;
        sockets.push(socket);
    }
    does(&cyd, "starred").await;
    for (socket, expected) in sockets.iter_mut().zip([vec!["starred", "pushed"], vec!["starred"]]) {
        let told = socket.hear().await["payload"]["data"]["feedStream"]["feed"]["groups"].take();
        assert_eq!(all(&told, "verb"), expected);
    }
}
