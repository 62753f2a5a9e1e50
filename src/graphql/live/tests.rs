//! Who shares executions: viewers who hide somebody, and fields of a wrong class, which no client
//! reaches.

use super::*;
use crate::delivery::{groups, pump};
use crate::graphql::guard::Limits;
use crate::graphql::persisted::Trusted;
use crate::graphql::{Api, Options, Outcome};
use crate::social::Rules;
use crate::store::{self, Store};
use serde_json::{Value, json};
use std::future::poll_fn;
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

struct Place {
    api: Api,
    metrics: Metrics,
    _folder: TempDir,
}

/// A server without transports, in which these fields count as public.
async fn place(is_public: fn(&str) -> bool) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("linnet.db").to_string_lossy().into_owned();
    let metrics = Metrics::default();
    let memory = 1 << 20;
    let store = Store::open(&store::Options::file(path, memory), &metrics)
        .await
        .unwrap();
    let followers = Followers::default();
    tokio::spawn(pump::run(store.clone(), followers.clone(), CancellationToken::new()));
    let rules = Rules {
        tweet_length: 280,
        session_lifetime: Duration::from_secs(3600),
        sign_up: true,
    };
    let groups = groups::Options {
        memory,
        limit_walks: true,
    };
    let options = Options {
        public_access: true,
        production: false,
        groups,
        limits: Limits::default(),
        rates: None,
        documents: 1 << 20,
        trusted: Trusted::default(),
    };
    let mut api = Api::new(Social::new(store, rules), followers, None, metrics.clone(), options);
    let inner = Arc::get_mut(&mut api.live.0).unwrap();
    inner.is_public = is_public;
    Place {
        api,
        metrics,
        _folder: folder,
    }
}

fn caller(viewer: Viewer) -> Caller {
    Caller {
        viewer,
        request_id: "test".into(),
        address: None,
    }
}

impl Place {
    async fn ask(&self, query: &str, variables: Value, viewer: &Viewer) -> Value {
        let request = Operation::new(query).variables(Variables::from_json(variables));
        let caller = caller(viewer.clone());
        let asked = self.api.ask(request, &caller).unwrap();
        let Outcome::Executed(response) = self.api.execute(asked, caller).await else {
            panic!("{query} was refused");
        };
        assert!(response.errors.is_empty(), "{:?}", response.errors);
        serde_json::to_value(response.data).unwrap()
    }

    async fn viewer(&self, name: &str) -> Viewer {
        let input = json!({ "input": { "username": name, "password": "correct horse" } });
        let query = "mutation($input: SignUpInput!) { signUp(input: $input) { token } }";
        let answer = self.ask(query, input, &Viewer::Anonymous).await;
        let token = answer["signUp"]["token"].as_str();
        self.api.authenticate(token).await.unwrap()
    }

    async fn post(&self, viewer: &Viewer, text: &str, in_reply_to: Option<&str>) -> String {
        let query = "mutation($input: PostTweetInput!) { postTweet(input: $input) { tweet { id } } }";
        let input = json!({ "input": { "text": text, "inReplyTo": in_reply_to } });
        let answer = self.ask(query, input, viewer).await;
        answer["postTweet"]["tweet"]["id"].as_str().unwrap().to_owned()
    }

    async fn subscribe(&self, selection: &str, viewer: &Viewer) -> Subscription {
        let query = format!("subscription {{ hashtagStream(hashtag: \"rust\") {{ {selection} }} }}");
        let caller = caller(viewer.clone());
        let asked = self.api.ask(Operation::new(query), &caller).unwrap();
        let opening = self.api.subscribe(asked, caller, None);
        opening.await.unwrap_or_else(|refused| panic!("{:?}", refused.errors))
    }
}

async fn next(subscription: &mut Subscription) -> Value {
    let next = poll_fn(|cx| subscription.poll_next(cx));
    match tokio::time::timeout(Duration::from_secs(10), next).await.unwrap() {
        Next::Frame(frame) => {
            let mut told: Value = serde_json::from_str(&frame.payload).unwrap();
            told["data"]["hashtagStream"].take()
        }
        Next::Ended(why) => panic!("{:?}", why.errors),
        Next::Over => panic!("the hashtag is over"),
    }
}

#[tokio::test]
async fn who_asks_for_the_viewer_behind_a_public_field_gets_no_shared_frame() {
    let place = place(|_| true).await;
    let (alice, bob) = (place.viewer("alice").await, place.viewer("bob").await);
    let selection = "tweet { id viewerHasLiked }";
    let mut streams = Vec::new();
    for viewer in [&alice, &bob, &bob, &Viewer::Anonymous] {
        streams.push(place.subscribe(selection, viewer).await);
    }
    assert_eq!(place.metrics.groups.get(), 1, "it seems public");
    let id = place.post(&alice, "#rust", None).await;
    let like = "mutation($input: TweetRefInput!) { likeTweet(input: $input) { tweet { id } } }";
    place.ask(like, json!({ "input": { "id": id } }), &bob).await;
    for (stream, likes) in streams.iter_mut().zip([false, true, true, false]) {
        assert_eq!(
            next(stream).await,
            json!({ "tweet": { "id": id, "viewerHasLiked": likes } })
        );
    }
    assert_eq!(place.metrics.group_partings.get(), 1);
    assert_eq!(place.metrics.groups.get(), 3);
    // Once found out, it is never shared again.
    let late = place.subscribe(selection, &alice).await;
    assert_eq!(place.metrics.groups.get(), 3);
    drop((streams, late));
    assert_eq!(place.metrics.groups.get(), 0);
    assert_eq!(place.metrics.subscriptions.get(), 0);
}

#[tokio::test]
async fn whom_a_viewer_hides_is_hidden_from_that_viewer_alone() {
    let place = place(class::is_public).await;
    let mut people = Vec::new();
    for name in ["alice", "bob", "cleo", "dora"] {
        people.push(place.viewer(name).await);
    }
    let [alice, bob, cleo, dora] = people.try_into().unwrap();
    for (mutation, target) in [("blockUser", &bob), ("muteUser", &cleo)] {
        let query = format!("mutation($input: UserRefInput!) {{ {mutation}(input: $input) {{ user {{ id }} }} }}");
        let id = format!("User:{}", target.user().unwrap());
        place.ask(&query, json!({ "input": { "userId": id } }), &alice).await;
    }
    let selection = "tweetId tweet { text inReplyTo { text author { username } } }";
    let mut alices = place.subscribe(selection, &alice).await;
    let mut doras = place.subscribe(selection, &dora).await;
    assert_eq!(place.metrics.groups.get(), 1, "rules of a viewer are no audience");
    let before = place.metrics.executions.get();

    let by_bob = place.post(&bob, "bob #rust", None).await;
    let by_cleo = place.post(&cleo, "cleo #rust", None).await;
    let to_bob = place.post(&dora, "to bob #rust", Some(&by_bob)).await;
    let to_cleo = place.post(&dora, "to cleo #rust", Some(&by_cleo)).await;
    for id in [&by_bob, &by_cleo, &to_bob, &to_cleo] {
        assert_eq!(next(&mut doras).await["tweetId"], **id);
    }
    // Nothing by the two; where bob appears in it, an execution of alice's own.
    let told = next(&mut alices).await;
    assert_eq!(
        (&told["tweetId"], &told["tweet"]["inReplyTo"]),
        (&json!(to_bob), &Value::Null)
    );
    let told = next(&mut alices).await;
    assert_eq!(
        (&told["tweetId"], &told["tweet"]["inReplyTo"]["text"]),
        (&json!(to_cleo), &json!("cleo #rust"))
    );
    assert_eq!(place.metrics.executions.get() - before, 4 + 1);
}
