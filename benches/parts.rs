//! What the parts cost, each by itself and in the process: `cargo bench --bench parts`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a measurement fails by panicking"
)]

use async_graphql::{Request, Variables};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use futures_util::future::{join_all, poll_fn};
use linnet::broker::Followers;
use linnet::delivery::{groups, pump};
use linnet::graphql::guard::Limits;
use linnet::graphql::live::{Next, Subscription};
use linnet::graphql::persisted::Trusted;
use linnet::graphql::{Api, Asked, Caller, Options, Outcome};
use linnet::metrics::Metrics;
use linnet::model::{Sight, UserId, Viewer, Window, text};
use linnet::reading::feed::{FeedKey, Tweets};
use linnet::reading::page::pages;
use linnet::social::tweet::Post;
use linnet::social::{Rules, Social};
use linnet::store::{self, Store};
use std::sync::LazyLock;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// How many post at once.
const POSTERS: usize = 32;

/// An installation: alice has written 40 tweets with #rust, and bob follows her.
struct Scene {
    runtime: Runtime,
    api: Api,
    social: Social,
    alice: Viewer,
    bob: UserId,
    _folder: TempDir,
}

static SCENE: LazyLock<Scene> = LazyLock::new(Scene::new);

fn main() {
    // `cargo test --benches` only has to see it build.
    if std::env::args().any(|word| word == "--bench") {
        divan::main();
    }
}

impl Scene {
    fn new() -> Self {
        let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
        let (api, social) = runtime.block_on(open(&folder));
        let ask = |text: &str, caller: Caller| -> serde_json::Value {
            let asked = api.ask(Request::new(text), &caller).unwrap();
            let answer = runtime.block_on(api.answer(asked, caller)).unwrap();
            serde_json::from_slice(&answer.json.unwrap()).unwrap()
        };
        let join = |name: &str| {
            let text = format!(
                "mutation {{ signUp(input: {{ username: \"{name}\", password: \"correct horse\" }}) {{ token }} }}"
            );
            let token = ask(&text, caller(Viewer::Anonymous))["data"]["signUp"]["token"].clone();
            runtime.block_on(api.authenticate(token.as_str())).unwrap()
        };
        let (alice, bob) = (join("alice"), join("bob"));
        for n in 0..40 {
            runtime.block_on(post(
                &social,
                &alice,
                format!("tweet {n} of some length, about #rust and @bob"),
            ));
        }
        ask(
            "mutation { follow(input: { targetId: \"User:1\", backfill: 100 }) { viewer { id } } }",
            caller(bob.clone()),
        );
        let bob = bob.user().unwrap();
        Self {
            runtime,
            api,
            social,
            alice,
            bob,
            _folder: folder,
        }
    }
}

async fn open(folder: &TempDir) -> (Api, Social) {
    let metrics = Metrics::default();
    let path = folder.path().join("linnet.db").display().to_string();
    let store = Store::open(&store::Options::file(path, 64 << 20), &metrics)
        .await
        .unwrap();
    let followers = Followers::default();
    tokio::spawn(pump::run(store.clone(), followers.clone(), CancellationToken::new()));
    let social = Social::new(store, Rules::default());
    let options = Options {
        public_access: true,
        production: false,
        groups: groups::Options {
            memory: 16 << 20,
            limit_walks: false,
        },
        limits: Limits::default(),
        rates: None,
        documents: 1 << 20,
        trusted: Trusted::default(),
    };
    (Api::new(social.clone(), followers, None, metrics, options), social)
}

fn caller(viewer: Viewer) -> Caller {
    Caller {
        viewer,
        request_id: "".into(),
        address: None,
    }
}

async fn post(social: &Social, viewer: &Viewer, text: String) {
    let post = Post {
        text,
        in_reply_to: None,
        idempotency_key: None,
    };
    social.post_tweet(viewer, post).await.unwrap();
}

/// Hashtags and mentions of a text of 280 characters, and its weighted length.
#[divan::bench(args = ["words", "entities", "emoji"])]
fn text(bencher: Bencher<'_, '_>, kind: &str) {
    let piece = match kind {
        "entities" => "about #rust, #graphql by @alice and @bob: https://example.org/a?b=c ",
        "emoji" => "👩‍👩‍👧‍👦 🏳️‍🌈 日本語 #日本語 ",
        _ => "plain words and nothing else in them, ",
    };
    let text: String = piece.chars().cycle().take(280).collect();
    bencher.bench(|| (text::parse(black_box(&text)), text::weighted_length(black_box(&text))));
}

const FIELDS: [&str; 8] = [
    "id",
    "text",
    "createdAt",
    "likeCount",
    "replyCount",
    "retweetCount",
    "editedAt",
    "url",
];

/// A warm hashtag page of 20 tweets, with so many fields each.
fn asked(fields: usize) -> Asked {
    let fields = FIELDS[..fields].join(" ");
    let text = format!(
        "query Tag($tag: String!) {{ hashtag(name: $tag) {{ tweets(first: 20) {{ nodes {{ {fields} }} }} }} }}"
    );
    let variables = Variables::from_json(serde_json::json!({ "tag": "rust" }));
    SCENE
        .api
        .ask(Request::new(text).variables(variables), &caller(Viewer::Anonymous))
        .unwrap()
}

/// Such a page, from the document's text to JSON.
#[divan::bench(args = [1, 2, 4, 8])]
fn execution(bencher: Bencher<'_, '_>, fields: usize) {
    let scene = &*SCENE;
    bencher.bench(|| {
        let answer = scene
            .runtime
            .block_on(scene.api.answer(asked(fields), caller(Viewer::Anonymous)));
        answer.unwrap().json.unwrap()
    });
}

/// The same, where the executor makes a value of each field first.
#[divan::bench(args = [1, 2, 4, 8])]
fn execution_by_values(bencher: Bencher<'_, '_>, fields: usize) {
    let scene = &*SCENE;
    bencher.bench(|| {
        let outcome = scene
            .runtime
            .block_on(scene.api.execute(asked(fields), caller(Viewer::Anonymous)));
        let Outcome::Executed(result) = outcome else {
            panic!("{outcome:?}")
        };
        serde_json::to_vec(&result).unwrap()
    });
}

/// The ids of the first 20 tweets, from memory.
#[divan::bench(args = ["timeline", "hashtag", "user"])]
fn page(bencher: Bencher<'_, '_>, kind: &str) {
    let scene = &*SCENE;
    let feed = match kind {
        "timeline" => FeedKey::Timeline(scene.bob),
        "hashtag" => FeedKey::Hashtag("rust".to_owned()),
        _ => FeedKey::User(UserId(1)),
    };
    let (store, sight) = (scene.social.store(), Sight::default());
    bencher.bench(|| {
        scene.runtime.block_on(async {
            let source = Tweets::new(store, &sight, std::slice::from_ref(&feed), true)
                .await
                .unwrap();
            let window = Window::new(Some(20), None, None, None).unwrap();
            assert_eq!(pages(&source, window).await.unwrap()[0].items.len(), 20);
        });
    });
}

/// Postings of two hashtags, 32 at once, on disk when they are answered.
#[divan::bench]
fn posting(bencher: Bencher<'_, '_>) {
    let scene = &*SCENE;
    bencher.counter(ItemsCount::new(POSTERS)).bench(|| {
        let posting = |n: usize| {
            post(
                &scene.social,
                &scene.alice,
                format!("#bench #posting {n} {}", rand::random::<u64>()),
            )
        };
        scene.runtime.block_on(join_all((0..POSTERS).map(posting)));
    });
}

/// One posting to so many subscribers of one group, from the mutation until the last has its frame.
#[divan::bench(args = [1, 100, 10_000])]
fn fan_out(bencher: Bencher<'_, '_>, subscribers: usize) {
    let scene = &*SCENE;
    let mut listening: Vec<Subscription> = scene.runtime.block_on(join_all((0..subscribers).map(async |_| {
        let text = "subscription { hashtagStream(hashtag: \"fanned\") { kind tweet { id text author { username } } } }";
        let asked = scene.api.ask(Request::new(text), &caller(Viewer::Anonymous)).unwrap();
        scene
            .api
            .subscribe(asked, caller(Viewer::Anonymous), None)
            .await
            .unwrap()
    })));
    bencher.counter(ItemsCount::new(subscribers)).bench_local(|| {
        scene.runtime.block_on(async {
            let text = format!("#fanned {}", rand::random::<u64>());
            let heard = join_all(listening.iter_mut().map(|one| poll_fn(|cx| one.poll_next(cx))));
            let (frames, ()) = tokio::join!(heard, post(&scene.social, &scene.alice, text));
            assert!(frames.iter().all(|next| matches!(next, Next::Frame(_))));
        });
    });
}
