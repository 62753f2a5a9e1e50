//! What a wall's stream tells, and how it ends.

use serde_json::{Value, json};

use crate::harness::scene::Nobody;
use crate::harness::{Linnet, Socket, soon, until};

const QUERY: &str = "subscription($slug: String!, $after: String, $retweets: Boolean! = true) {
    wallStream(slug: $slug, after: $after, includeRetweets: $retweets) {
        kind tweetId cursor tweet { text } retweetedBy { username } hashtag { name } wall { slug tweetCount }
    } }";

/// A wall's stream over a socket of its own.
struct Wall(Socket);

impl Wall {
    async fn open(linnet: &Linnet, variables: Value) -> Self {
        let mut socket = linnet.websocket(None).await;
        let payload = json!({ "query": QUERY, "variables": variables });
        let is_live = variables.get("after").is_none();
        socket
            .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
            .await;
        if is_live {
            socket.quiet().await;
        }
        Self(socket)
    }

    async fn live(linnet: &Linnet, slug: &str) -> Self {
        Self::open(linnet, json!({ "slug": slug })).await
    }

    /// The next event: kind, id, text and the wall's count, with its cursor.
    async fn next(&mut self) -> (Value, String) {
        let mut message = self.0.hear().await;
        let event = message["payload"]["data"]["wallStream"].take();
        assert!(event["kind"].is_string(), "expected an event, not {message}");
        let told = json!([
            event["kind"],
            event["tweetId"],
            event["tweet"]["text"],
            event["wall"]["tweetCount"]
        ]);
        (told, event["cursor"].as_str().unwrap().to_owned())
    }

    async fn tells(&mut self, expected: Value) -> String {
        let (told, cursor) = self.next().await;
        assert_eq!(told, expected);
        cursor
    }
}

#[tokio::test]
async fn tweets_come_change_and_go() {
    let linnet = Linnet::start().await;
    let (ann, bob) = (linnet.moderator("ann").await, linnet.join("bob").await);
    linnet
        .wall(&ann, "w", json!({ "keywords": ["yes"], "accounts": ["bob"] }))
        .await;
    let start = linnet.anybody().cursor().await;
    let mut all = Wall::live(&linnet, "W").await;
    let mut plain = Wall::open(&linnet, json!({ "slug": "w", "retweets": false })).await;
    let one = linnet.tweet(&bob, "by an account").await;
    let two = linnet.tweet(&ann, "no").await;
    linnet.edit(&ann, &two, "yes").await;
    linnet.edit(&ann, &two, "yes, yes").await;
    linnet.on(&ann, "retweet", &one).await;
    linnet.on(&ann, "undoRetweet", &one).await;
    linnet.edit(&ann, &two, "never").await;
    linnet.on(&bob, "deleteTweet", &one).await;
    let expected = [
        json!(["CREATED", one, "by an account"]),
        json!(["CREATED", two, "yes"]),
        json!(["UPDATED", two, "yes, yes"]),
        json!(["RETWEETED", one, "by an account"]),
        json!(["DELETED", two, null]),
        json!(["DELETED", one, null]),
    ];
    for (mut stream, retweets) in [(all, true), (plain, false)] {
        for event in expected.iter().filter(|event| retweets || event[0] != "RETWEETED") {
            let (told, _) = stream.next().await;
            assert_eq!((&told[0], &told[1]), (&event[0], &event[1]), "{told}");
            // A reader that lags is shown no older text than the present one.
            assert!(told[2].is_null() || told[0] != "DELETED", "{told}");
        }
        stream.0.quiet().await;
    }
    // From the log again: in the same order, with what is there today.
    let mut again = Wall::open(&linnet, json!({ "slug": "w", "after": start })).await;
    for event in &expected {
        let (told, _) = again.next().await;
        let text = (event[1] == two && event[0] != "DELETED").then_some("never");
        assert_eq!(told, json!([event[0], event[1], text, 0]));
    }
    all = Wall::live(&linnet, "w").await;
    let three = linnet.tweet(&bob, "three").await;
    let cursor = all.tells(json!(["CREATED", three, "three", 1])).await;
    plain = Wall::open(&linnet, json!({ "slug": "w", "after": cursor })).await;
    let four = linnet.tweet(&bob, "four").await;
    all.tells(json!(["CREATED", four, "four", 2])).await;
    plain.tells(json!(["CREATED", four, "four", 2])).await;
}

#[tokio::test]
async fn a_deleted_account_leaves_the_wall_tweet_by_tweet() {
    let linnet = Linnet::start().await;
    let (ann, bob) = (linnet.moderator("ann").await, linnet.join("bob").await);
    linnet.wall(&ann, "w", json!({ "keywords": ["t"] })).await;
    let mut tweets = Vec::new();
    for n in 0..3 {
        tweets.push(linnet.tweet(&bob, &format!("t{n}")).await);
    }
    let mut stream = Wall::live(&linnet, "w").await;
    linnet
        .act(
            &bob,
            "deleteAccount",
            json!({ "password": crate::harness::scene::PASSWORD }),
        )
        .await;
    let mut gone = Vec::new();
    for _ in 0..3 {
        let (told, _) = stream.next().await;
        assert_eq!(told[0], "DELETED");
        gone.push(told[1].as_str().unwrap().to_owned());
    }
    gone.sort();
    assert_eq!(gone, tweets);
}

#[tokio::test]
async fn who_listens_to_a_wall_in_any_case_is_one_group() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("ann").await;
    linnet.wall(&ann, "conf", json!({ "keywords": ["t"] })).await;
    let mut streams = Vec::new();
    for slug in ["conf", "CONF", "Conf"] {
        streams.push(Wall::live(&linnet, slug).await);
    }
    let before = linnet.metric("linnet_executions_total").await;
    let tweet = linnet.tweet(&ann, "t").await;
    for stream in &mut streams {
        stream.tells(json!(["CREATED", tweet, "t", 1])).await;
    }
    assert_eq!(linnet.metric("linnet_executions_total").await, before + 1.0);
}

#[tokio::test]
async fn what_is_stored_comes_in_without_events() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("ann").await;
    for n in 0..20 {
        linnet.tweet(&ann, &format!("old t{n}")).await;
    }
    linnet.wall(&ann, "w", json!({})).await;
    let mut stream = Wall::live(&linnet, "w").await;
    linnet.wall(&ann, "w", json!({ "keywords": ["old"] })).await;
    linnet.wall(&ann, "w", json!({ "keywords": ["new"] })).await;
    let new = linnet.tweet(&ann, "new").await;
    stream.tells(json!(["CREATED", new, "new", 1])).await;
}

#[tokio::test]
async fn there_is_no_stream_of_no_wall() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("ann").await;
    for slug in ["none", "", "a b"] {
        let mut socket = linnet.websocket(None).await;
        let payload = json!({ "query": QUERY, "variables": { "slug": slug } });
        socket
            .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
            .await;
        let told = socket.hear().await;
        assert_eq!(told["type"], "error", "{told}");
        assert_eq!(told["payload"][0]["extensions"]["code"], "NOT_FOUND", "{told}");
    }
    linnet.wall(&ann, "w", json!({})).await;
    let mut wrong = Wall::open(&linnet, json!({ "slug": "w", "after": "?" })).await;
    let told = wrong.0.hear().await;
    assert_eq!(told["payload"][0]["extensions"]["code"], "BAD_USER_INPUT", "{told}");
}

#[tokio::test]
async fn a_deleted_wall_completes_its_streams_everywhere() {
    let linnet = Linnet::start().await;
    let ann = linnet.moderator("ann").await;
    linnet.wall(&ann, "w", json!({ "keywords": ["t"] })).await;
    linnet.wall(&ann, "stays", json!({ "keywords": ["t"] })).await;
    let start = linnet.anybody().cursor().await;
    let mut socket = Wall::live(&linnet, "w").await;
    let mut other = Wall::live(&linnet, "stays").await;
    let mut personal = linnet.websocket(Some(&ann.token)).await;
    let query = "subscription { wallStream(slug: \"w\") { tweet { viewerHasLiked } } }";
    personal.subscribe("p", query).await;
    personal.quiet().await;
    let body = json!({ "query": "subscription { wallStream(slug: \"w\") { kind } }" });
    let request = || {
        linnet
            .client()
            .post(format!("{}/graphql/stream", linnet.url()))
            .json(&body)
    };
    let events = request().header("accept", "text/event-stream").send().await.unwrap();
    let parts = linnet.client().post(format!("{}/graphql", linnet.url())).json(&body);
    let accept = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json";
    let parts = parts.header("accept", accept).send().await.unwrap();
    until("all subscriptions", || async {
        linnet.metric("linnet_subscriptions").await == 5.0
    })
    .await;

    let last = linnet.tweet(&ann, "t").await;
    linnet.ask(&ann, "mutation { deleteWall(slug: \"w\") }").await;
    let told = socket.0.hear().await;
    assert_eq!(told["payload"]["data"]["wallStream"]["tweetId"], last, "{told}");
    assert_eq!(socket.0.hear().await, json!({ "type": "complete", "id": "1" }));
    assert_eq!(personal.hear().await["type"], "next");
    assert_eq!(personal.hear().await, json!({ "type": "complete", "id": "p" }));
    let events = soon("the end", events.text()).await.unwrap();
    assert!(
        events.ends_with("event: complete\ndata: \n\n") && !events.contains("errors"),
        "{events}"
    );
    let parts = soon("the end", parts.text()).await.unwrap();
    assert!(
        parts.trim_end().ends_with("--graphql--") && !parts.contains("errors"),
        "{parts}"
    );
    other.tells(json!(["CREATED", last, "t", 1])).await;
    other.0.quiet().await;
    // The socket is good for more; the wall is not there, and one of its name begins anew.
    socket
        .0
        .subscribe("2", "subscription { wallStream(slug: \"w\") { kind } }")
        .await;
    assert_eq!(socket.0.hear().await["payload"][0]["extensions"]["code"], "NOT_FOUND");
    linnet.wall(&ann, "w", json!({ "keywords": ["t"] })).await;
    let mut anew = Wall::open(&linnet, json!({ "slug": "w", "after": start })).await;
    let tweet = linnet.tweet(&ann, "t again").await;
    anew.tells(json!(["CREATED", tweet, "t again", 2])).await;
    assert_eq!(
        linnet.ask(Nobody, "{ walls { slug } }").await["walls"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}
