//! What a feed's stream tells: actions that come and go, to those who may see them.

use serde_json::{Value, json};

use crate::harness::scene::{self, Asker, Nobody, Person};
use crate::harness::{Linnet, Socket};

const QUERY: &str = "subscription($group: FeedGroup!, $slug: String!, $after: String) {
    feedStream(group: $group, slug: $slug, after: $after) {
        kind actionId cursor feed { id group slug }
        action { id verb actor { ... on User { username } } object { ... on Tweet { id text } ... on User { username } } }
    }
}";

struct Stream(Socket);

async fn open(linnet: &Linnet, who: impl Asker, group: &str, slug: &str, after: Option<&str>) -> Stream {
    let mut socket = linnet.websocket(who.token()).await;
    let variables = json!({ "group": group, "slug": slug, "after": after });
    let payload = json!({ "query": QUERY, "variables": variables });
    socket
        .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
        .await;
    if after.is_none() {
        socket.quiet().await;
    }
    Stream(socket)
}

async fn refused(linnet: &Linnet, who: impl Asker, group: &str, slug: &str) -> String {
    let mut socket = linnet.websocket(who.token()).await;
    let payload = json!({ "query": QUERY, "variables": { "group": group, "slug": slug } });
    socket
        .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
        .await;
    let message = socket.hear().await;
    assert_eq!(message["type"], "error", "{message}");
    scene::refusal(&json!({ "errors": message["payload"] }))
}

impl Stream {
    async fn next(&mut self) -> Value {
        let message = self.0.hear().await;
        let event = message["payload"]["data"]["feedStream"].clone();
        assert!(event.is_object(), "{message}");
        event
    }

    /// The next event adds an action of this verb; gives its id.
    async fn added(&mut self, verb: &str) -> String {
        let event = self.next().await;
        assert_eq!(
            (&event["kind"], &event["action"]["verb"]),
            (&json!("ADDED"), &json!(verb)),
            "{event}"
        );
        assert_eq!(event["actionId"], event["action"]["id"]);
        event["actionId"].as_str().unwrap().to_owned()
    }

    /// The next event removes this action.
    async fn removed(&mut self, id: &str) {
        let event = self.next().await;
        let told = (&event["kind"], &event["actionId"], &event["action"]);
        assert_eq!(told, (&json!("REMOVED"), &json!(id), &Value::Null), "{event}");
    }
}

async fn people<const N: usize>(linnet: &Linnet, names: [&str; N]) -> [Person; N] {
    let people = linnet.join_all(names.into_iter().map(str::to_owned)).await;
    people.try_into().unwrap()
}

#[tokio::test]
async fn a_users_feed_tells_what_they_do_and_undo() {
    let linnet = Linnet::start().await;
    let [alice, bob] = people(&linnet, ["Alice", "bob"]).await;
    let mut stream = open(&linnet, Nobody, "USER", "aLICE", None).await;

    let tweet = linnet.tweet(&alice, "hello").await;
    let event = stream.next().await;
    assert_eq!(
        (&event["kind"], &event["action"]["object"]["id"]),
        (&json!("ADDED"), &json!(tweet))
    );
    assert_eq!(
        event["feed"],
        json!({ "id": "Feed:USER:Alice", "group": "USER", "slug": "Alice" })
    );
    let posted = event["actionId"].as_str().unwrap().to_owned();

    linnet.on(&alice, "likeTweet", &tweet).await;
    let liked = stream.added("like").await;
    linnet.on(&alice, "retweet", &tweet).await;
    let retweeted = stream.added("retweet").await;
    linnet.follow(&alice, &bob.id).await;
    let followed = stream.added("follow").await;
    linnet.on(&alice, "unlikeTweet", &tweet).await;
    stream.removed(&liked).await;
    linnet.unfollow(&alice, &bob.id).await;
    stream.removed(&followed).await;
    // What others do to hers is theirs, an edit is no action.
    linnet.on(&bob, "likeTweet", &tweet).await;
    linnet.edit(&alice, &tweet, "other #words").await;
    linnet.on(&alice, "deleteTweet", &tweet).await;
    stream.removed(&posted).await;
    stream.removed(&retweeted).await;
}

#[tokio::test]
async fn a_timeline_tells_what_comes_into_it_for_any_reason() {
    let linnet = Linnet::start().await;
    let [alice, bob, carol, dave] = people(&linnet, ["alice", "bob", "carol", "dave"]).await;
    linnet.follow(&alice, &dave.id).await;
    let mut stream = open(&linnet, &alice, "TIMELINE", "alice", None).await;

    linnet.tweet(&bob, "nobody hears #rust").await;
    // What is followed by the time that an event is told decides: so it has to be told by then.
    linnet.tweet(&dave, "heard").await;
    stream.added("tweet").await;
    linnet.follow(&alice, &bob.id).await;
    linnet.follow(&alice, "Hashtag:rust").await;
    let plain = linnet.tweet(&bob, "hello").await;
    let first = stream.added("tweet").await;
    // It comes in for another reason too, and goes for that one: it stood there all the time.
    linnet.edit(&bob, &plain, "hello #rust").await;
    linnet.edit(&bob, &plain, "hello again").await;

    let stranger = linnet.tweet(&carol, "no tag").await;
    linnet.edit(&carol, &stranger, "with #rust").await;
    let second = stream.added("tweet").await;
    linnet.edit(&carol, &stranger, "without").await;
    stream.removed(&second).await;

    // Her own doing is not in her timeline.
    linnet.tweet(&alice, "mine #rust").await;
    linnet.on(&bob, "deleteTweet", &plain).await;
    stream.removed(&first).await;

    linnet.unfollow(&alice, &bob.id).await;
    linnet.tweet(&bob, "unheard").await;
    let both = linnet.reply(&bob, &stranger, "heard #rust").await;
    let event = stream.next().await;
    assert_eq!(event["action"]["object"]["id"], json!(both), "{event}");
}

#[tokio::test]
async fn notifications_are_told_to_whom_they_are_for() {
    let linnet = Linnet::start().await;
    let [alice, bob] = people(&linnet, ["alice", "bob"]).await;
    let mut stream = open(&linnet, &alice, "NOTIFICATION", "alice", None).await;

    let tweet = linnet.tweet(&alice, "mine @alice").await;
    linnet.on(&alice, "likeTweet", &tweet).await;
    linnet.on(&bob, "likeTweet", &tweet).await;
    let liked = stream.added("like").await;
    linnet.follow(&bob, &alice.id).await;
    stream.added("follow").await;
    let reply = linnet.reply(&bob, &tweet, "to you, @alice").await;
    let replied = stream.added("reply").await;
    let mention = linnet.tweet(&bob, "not yet").await;
    linnet.edit(&bob, &mention, "now @alice").await;
    let mentioned = stream.added("tweet").await;
    linnet.edit(&bob, &mention, "no longer").await;
    stream.removed(&mentioned).await;
    // Edited, the reply is one still.
    linnet.edit(&bob, &reply, "to whom").await;
    linnet.on(&bob, "unlikeTweet", &tweet).await;
    stream.removed(&liked).await;
    linnet.on(&bob, "deleteTweet", &reply).await;
    stream.removed(&replied).await;
}

#[tokio::test]
async fn a_hashtags_feed_tells_of_tweets_alone() {
    let linnet = Linnet::start().await;
    let [alice, bob] = people(&linnet, ["alice", "bob"]).await;
    let mut stream = open(&linnet, Nobody, "HASHTAG", "#Rust", None).await;
    let tweet = linnet.tweet(&alice, "one #rust").await;
    let first = stream.added("tweet").await;
    linnet.on(&bob, "retweet", &tweet).await;
    linnet.edit(&alice, &tweet, "two #rust").await;
    linnet.edit(&alice, &tweet, "three").await;
    stream.removed(&first).await;
}

#[tokio::test]
async fn private_feeds_are_their_owners_alone() {
    let linnet = Linnet::start().await;
    let [_, bob] = people(&linnet, ["alice", "bob"]).await;
    for group in ["TIMELINE", "NOTIFICATION"] {
        assert_eq!(refused(&linnet, &bob, group, "alice").await, "FORBIDDEN");
        assert_eq!(refused(&linnet, Nobody, group, "alice").await, "FORBIDDEN");
    }
    for group in ["USER", "TIMELINE", "NOTIFICATION", "OBJECT"] {
        assert_eq!(refused(&linnet, &bob, group, "nobody").await, "NOT_FOUND", "{group}");
    }
    assert_eq!(
        refused(&linnet, &bob, "HASHTAG", "two words").await,
        "BAD_USER_INPUT slug"
    );
}

#[tokio::test]
async fn a_stream_of_a_feed_goes_on_where_it_was() {
    let mut linnet = Linnet::start().await;
    let [alice, bob] = people(&linnet, ["alice", "bob"]).await;
    linnet.follow(&alice, &bob.id).await;
    let mut stream = open(&linnet, &alice, "TIMELINE", "alice", None).await;
    linnet.tweet(&bob, "zero").await;
    let after = stream.next().await["cursor"].as_str().unwrap().to_owned();
    let gone = linnet.tweet(&bob, "gone").await;
    let kept = linnet.tweet(&bob, "kept").await;
    linnet.on(&bob, "deleteTweet", &gone).await;
    linnet.kill().await;
    linnet.restart().await;

    let mut stream = open(&linnet, &alice, "TIMELINE", "alice", Some(&after)).await;
    let event = stream.next().await;
    assert_eq!(
        (&event["kind"], &event["action"]),
        (&json!("ADDED"), &Value::Null),
        "{event}"
    );
    let id = event["actionId"].as_str().unwrap().to_owned();
    assert_eq!(stream.next().await["action"]["object"]["id"], json!(kept));
    stream.removed(&id).await;
    let live = linnet.tweet(&bob, "live").await;
    assert_eq!(stream.next().await["action"]["object"]["id"], json!(live));
}
