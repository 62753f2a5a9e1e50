//! `kill -9` under load: nothing acknowledged is lost, doubled or miscounted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::harness::{Known, Linnet, Person, id, until};

const TAGS: [&str; 3] = ["red", "green", "blue"];
const NAMES: [&str; 4] = ["ann", "ben", "cleo", "dan"];
const CRASHES: usize = 20;

/// Something that a client asks for.
#[derive(Clone, Debug)]
enum Wish {
    Post { text: String, key: String },
    Reply { text: String, key: String, to: String },
    Edit { id: String, text: String },
    Delete(String),
    Like(String, bool),
    Retweet(String, bool),
    Follow(String, bool),
}

impl Wish {
    /// The mutation and its input.
    fn words(&self) -> (&'static str, Value) {
        let either = |yes: bool, one, other| if yes { one } else { other };
        match self {
            Self::Post { text, key } => ("postTweet", json!({ "text": text, "idempotencyKey": key })),
            Self::Reply { text, key, to } => (
                "postTweet",
                json!({ "text": text, "idempotencyKey": key, "inReplyTo": to }),
            ),
            Self::Edit { id, text } => ("editTweet", json!({ "id": id, "text": text })),
            Self::Delete(id) => ("deleteTweet", json!({ "id": id })),
            Self::Like(id, yes) => (either(*yes, "likeTweet", "unlikeTweet"), json!({ "id": id })),
            Self::Retweet(id, yes) => (either(*yes, "retweet", "undoRetweet"), json!({ "id": id })),
            Self::Follow(id, true) => ("follow", json!({ "targetId": id, "backfill": 1000 })),
            Self::Follow(id, false) => ("unfollow", json!({ "targetId": id })),
        }
    }
}

/// One client: what was acknowledged, and the one wish whose answer did not come.
struct Client {
    person: Person,
    id: String,
    name: &'static str,
    random: StdRng,
    posted: usize,
    tweets: BTreeMap<String, String>,
    likes: BTreeSet<String>,
    retweets: BTreeSet<String>,
    follows: BTreeSet<String>,
    last_post: Option<(Wish, String)>,
    doubt: Option<Wish>,
}

/// What all clients know of each other.
#[derive(Default)]
struct Shared {
    tweets: Mutex<Vec<String>>,
    users: Vec<String>,
    acknowledged: Mutex<usize>,
}

impl Client {
    async fn new(linnet: &Linnet, name: &'static str, seed: u64) -> Self {
        let person = linnet.person(name).await;
        let viewer = person.ask("{ viewer { id } }", json!({})).await;
        Self {
            person,
            id: id(&viewer["viewer"]),
            name,
            random: StdRng::seed_from_u64(seed),
            posted: 0,
            tweets: BTreeMap::new(),
            likes: BTreeSet::new(),
            retweets: BTreeSet::new(),
            follows: BTreeSet::new(),
            last_post: None,
            doubt: None,
        }
    }

    /// Writes until the server is gone.
    async fn work(&mut self, shared: &Shared) {
        loop {
            let wish = self.wish(shared);
            let (name, input) = wish.words();
            self.doubt = Some(wish.clone());
            let Some(answer) = self.person.try_write(name, input).await else {
                return;
            };
            self.doubt = None;
            self.note(wish, answer, shared);
            *shared.acknowledged.lock().unwrap() += 1;
        }
    }

    fn wish(&mut self, shared: &Shared) -> Wish {
        let own = self.tweets.keys().collect::<Vec<_>>();
        let own = own.choose(&mut self.random).map(ToString::to_string);
        let any = shared.tweets.lock().unwrap().choose(&mut self.random).cloned();
        let (Some(own), Some(any)) = (own, any) else {
            return self.posting(None);
        };
        let text = self.text();
        let yes = self.random.random_bool(0.7);
        match self.random.random_range(0..100) {
            0..35 => self.posting(None),
            35..45 => self.posting(Some(any)),
            45..60 => Wish::Edit { id: own, text },
            60..68 => Wish::Delete(own),
            68..82 => Wish::Like(any, yes),
            82..92 => Wish::Retweet(any, yes),
            _ => Wish::Follow(self.somebody(shared), yes),
        }
    }

    /// A text that nobody else has.
    fn text(&mut self) -> String {
        self.posted += 1;
        let tag = TAGS.choose(&mut self.random).unwrap();
        format!("{} {} #{tag}", self.name, self.posted)
    }

    fn posting(&mut self, to: Option<String>) -> Wish {
        let (text, key) = (self.text(), format!("key {}", self.posted));
        match to {
            Some(to) => Wish::Reply { text, key, to },
            None => Wish::Post { text, key },
        }
    }

    /// A hashtag or another user.
    fn somebody(&mut self, shared: &Shared) -> String {
        let others = shared.users.iter().filter(|id| **id != self.id).cloned();
        let tags = TAGS.iter().map(|tag| format!("Hashtag:{tag}"));
        let all: Vec<_> = others.chain(tags).collect();
        all.choose(&mut self.random).unwrap().clone()
    }

    /// Notes an answer. A tweet that is already gone is the only reason to refuse.
    fn note(&mut self, wish: Wish, answer: Result<Value, Value>, shared: &Shared) {
        let toggle = |set: &mut BTreeSet<String>, id, yes| if yes { set.insert(id) } else { set.remove(&id) };
        match (&answer, wish) {
            (Ok(payload), wish @ (Wish::Post { .. } | Wish::Reply { .. })) => {
                let tweet = id(&payload["tweet"]);
                let text = payload["tweet"]["text"].as_str().unwrap();
                self.tweets.insert(tweet.clone(), text.to_owned());
                shared.tweets.lock().unwrap().push(tweet.clone());
                self.last_post = Some((wish, tweet));
            }
            (Ok(_), Wish::Edit { id, text }) => drop(self.tweets.insert(id, text)),
            (Ok(_), Wish::Like(id, yes)) => drop(toggle(&mut self.likes, id, yes)),
            (Ok(_), Wish::Retweet(id, yes)) => drop(toggle(&mut self.retweets, id, yes)),
            (Ok(_), Wish::Follow(id, yes)) => drop(toggle(&mut self.follows, id, yes)),
            (_, Wish::Delete(id)) => drop(self.tweets.remove(&id)),
            (Err(_), _) => {}
        }
        if let Err(error) = answer {
            assert_eq!(error["extensions"]["code"], "NOT_FOUND", "{error}");
        }
    }

    /// Back at the server: asks again for what was not answered, and for what was.
    async fn retry(&mut self, linnet: &Linnet, shared: &Shared) {
        self.person = self.person.at(linnet);
        if let Some(wish) = self.doubt.take() {
            let (name, input) = wish.words();
            let answer = self.person.try_write(name, input).await.unwrap();
            self.note(wish, answer, shared);
        }
        if let Some((wish, tweet)) = self.last_post.clone()
            && self.tweets.contains_key(&tweet)
        {
            let (name, input) = wish.words();
            assert_eq!(id(&self.person.write(name, input).await["tweet"]), tweet);
        }
    }

    /// Checks the client's own rows: all that was acknowledged, nothing else, nothing twice.
    async fn own_rows_are_right(&self, alive: &BTreeSet<&String>) {
        let own = self
            .person
            .all("user(username: $key) { list: tweets", self.name, "id text")
            .await;
        let shown: Vec<_> = own
            .iter()
            .map(|tweet| (id(tweet), tweet["text"].as_str().unwrap()))
            .collect();
        assert_eq!(shown.len(), self.tweets.len(), "{}", self.name);
        for (id, text) in shown {
            assert_eq!(self.tweets.get(&id).map(String::as_str), Some(text), "{id}");
        }
        let likes = self
            .person
            .all("user(username: $key) { list: likes", self.name, "id")
            .await;
        let expected: Vec<_> = self.likes.iter().filter(|id| alive.contains(id)).cloned().collect();
        assert_eq!(sorted(likes.iter().map(id)), expected);
        let following = self
            .person
            .all(
                "user(username: $key) { list: following",
                self.name,
                "... on Node { id }",
            )
            .await;
        assert_eq!(
            sorted(following.iter().map(id)),
            Vec::from_iter(self.follows.iter().cloned())
        );
    }

    /// Who did what to which tweet, as the client's timeline shows it.
    async fn timeline(&self) -> Vec<(String, String, String)> {
        let list = r#"feed(group: TIMELINE, slug: $key) { list: actions(verbs: ["tweet", "reply", "like", "retweet"],"#;
        let actions = self
            .person
            .all(
                list,
                self.name,
                "verb actor { ... on Node { id } } object { ... on Node { id } }",
            )
            .await;
        let verb = |action: &Value| match action["verb"].as_str().unwrap() {
            "reply" => "tweet".to_owned(),
            verb => verb.to_owned(),
        };
        sorted(
            actions
                .iter()
                .map(|action| (id(&action["actor"]), verb(action), id(&action["object"]))),
        )
    }

    /// What the timeline has to show: everything that those who are followed did.
    fn expected_timeline(&self, clients: &[Client], alive: &BTreeSet<&String>) -> Vec<(String, String, String)> {
        let mut expected = BTreeSet::new();
        for other in clients.iter().filter(|other| other.id != self.id) {
            let mut add = |verb: &str, tweet: &String| {
                expected.insert((other.id.clone(), verb.to_owned(), tweet.clone()));
            };
            let followed = self.follows.contains(&other.id);
            let tagged = |text: &str| {
                let tag = text.rsplit('#').next().unwrap();
                self.follows.contains(&format!("Hashtag:{tag}"))
            };
            let tweets = other.tweets.iter().filter(|(_, text)| followed || tagged(text));
            tweets.for_each(|(tweet, _)| add("tweet", tweet));
            let alive = |tweet: &&String| followed && alive.contains(tweet);
            other.likes.iter().filter(alive).for_each(|tweet| add("like", tweet));
            other
                .retweets
                .iter()
                .filter(alive)
                .for_each(|tweet| add("retweet", tweet));
        }
        Vec::from_iter(expected)
    }
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items = Vec::from_iter(items);
    items.sort_unstable();
    items
}

/// The server dies once this many writes more are acknowledged, whatever is under way.
async fn crash(linnet: &mut Linnet, shared: &Shared, writes: usize) {
    let end = *shared.acknowledged.lock().unwrap() + writes;
    until("writes", || async { *shared.acknowledged.lock().unwrap() >= end }).await;
    linnet.kill().await;
}

async fn everything_is_right(linnet: &Linnet, clients: &[Client], known: &mut [Known]) {
    let alive: BTreeSet<_> = clients.iter().flat_map(|client| client.tweets.keys()).collect();
    for client in clients {
        client.own_rows_are_right(&alive).await;
        let expected = client.expected_timeline(clients, &alive);
        assert_eq!(client.timeline().await, expected, "{}", client.name);
    }
    for known in known {
        known.resume(linnet).await;
        known.catch_up(&linnet.anybody()).await;
    }
    linnet.file().await.counts_are_right().await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_or_doubled() {
    let seed = std::env::var("SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut linnet = Linnet::start().await;
    let mut clients = join_all(NAMES.map(|name| Client::new(&linnet, name, random.random()))).await;
    let mut known = join_all(TAGS.map(|tag| Known::new(&linnet, tag))).await;
    let shared = Shared {
        users: clients.iter().map(|client| client.id.clone()).collect(),
        ..Shared::default()
    };
    for _ in 0..CRASHES {
        let working = join_all(clients.iter_mut().map(|client| client.work(&shared)));
        let listening = join_all(known.iter_mut().map(Known::listen));
        let writes = random.random_range(10..100);
        tokio::join!(crash(&mut linnet, &shared, writes), working, listening);
        linnet.restart().await;
        join_all(clients.iter_mut().map(|client| client.retry(&linnet, &shared))).await;
        everything_is_right(&linnet, &clients, &mut known).await;
    }
    println!(
        "{} writes, {} tweets left",
        shared.acknowledged.into_inner().unwrap(),
        linnet.file().await.rows("SELECT id FROM tweet").await
    );
    let file = linnet.file().await;
    until("everything deleted is swept", || file.is_swept()).await;
    file.nothing_is_left_over().await;
    file.counts_are_right().await;
}

#[tokio::test]
async fn a_key_posts_once_however_often_it_is_sent() {
    let mut linnet = Linnet::start().await;
    let (mut ann, ben) = (linnet.person("ann").await, linnet.person("ben").await);
    let input = json!({ "text": "once", "idempotencyKey": "k" });
    let sent = join_all((0..16).map(|_| ann.write("postTweet", input.clone()))).await;
    let first = id(&sent[0]["tweet"]);
    assert!(sent.iter().all(|payload| id(&payload["tweet"]) == first), "{sent:?}");
    // Of the same user only, whatever the text, and over a crash.
    assert_ne!(id(&ben.write("postTweet", input).await["tweet"]), first);
    linnet.kill().await;
    linnet.restart().await;
    ann = ann.at(&linnet);
    let other = json!({ "text": "another", "idempotencyKey": "k" });
    let again = ann.write("postTweet", other).await;
    assert_eq!((id(&again["tweet"]), &again["tweet"]["text"]), (first, &json!("once")));
}

#[tokio::test]
async fn deletions_go_on_after_a_crash() {
    const TWEETS: usize = 150;
    let mut linnet = Linnet::start().await;
    let people = join_all(NAMES.map(|name| linnet.person(name))).await;
    let [leaving, others @ ..] = people.as_slice() else {
        unreachable!()
    };
    let mut tweets = Vec::new();
    for number in 0..TWEETS {
        tweets.push(leaving.post(&format!("{number} #red")).await);
    }
    let stays = others[0].post("stays #red").await;
    leaving.like(&stays).await;
    join_all(others.iter().map(|other| async {
        for tweet in &tweets {
            other.like(tweet).await;
        }
    }))
    .await;
    let cursor = leaving.cursor().await;
    leaving
        .write("deleteAccount", json!({ "password": "correct horse" }))
        .await;

    let mut gone = Vec::new();
    let mut after = cursor;
    for _ in 0..4 {
        linnet.kill().await;
        linnet.restart().await;
        let reader = linnet.anybody();
        assert_eq!(reader.tagged("red").await, [(stays.clone(), "stays #red".to_owned())]);
        let mut stream = linnet.stream_after("red", &after).await;
        for event in stream.take((TWEETS - gone.len()).min(40)).await {
            assert_eq!(event.seen().0, "DELETED");
            after = event.cursor;
            gone.push(event.id);
        }
    }
    tweets.sort_unstable();
    assert_eq!(sorted(gone.into_iter()), tweets);
    let file = linnet.file().await;
    until("everything deleted is swept", || file.is_swept()).await;
    file.nothing_is_left_over().await;
    file.counts_are_right().await;
}

#[tokio::test]
async fn an_import_that_was_killed_is_repeated() {
    const ROWS: usize = 4_000;
    let linnet = Linnet::start().await;
    let reader = linnet.anybody();
    let row = |index: usize| {
        let reply = index.checked_sub(1).map(|before| before.to_string());
        json!({
            "id": index.to_string(), "username": NAMES[index % NAMES.len()], "inReplyToId": reply,
            "text": format!("{index} #red @{}", NAMES[0]), "createdAt": format!("2020-01-01T00:{:02}:{:02}Z", index / 60, index % 60),
        })
    };
    let rows: String = (0..ROWS).map(|index| format!("{}\n", row(index % 3_600))).collect();
    let path = linnet.folder().join("rows.ndjson").display().to_string();
    std::fs::write(&path, rows).unwrap();
    let count = || async {
        let data = reader
            .ask(r#"{ hashtag(name: "red") { tweetCount } }"#, json!({}))
            .await;
        data["hashtag"]["tweetCount"].as_u64().unwrap_or(0)
    };
    for least in [200, 900, 1_800] {
        let mut import = linnet.begin(&["import", "tweets", &path]);
        until("some rows", || async { count().await >= least }).await;
        import.kill().await.unwrap();
        linnet.file().await.counts_are_right().await;
    }
    for _ in 0..2 {
        linnet.tell(&["import", "tweets", &path], "").await;
        until("all rows", || async { count().await == 3_600 }).await;
    }
    let file = linnet.file().await;
    file.counts_are_right().await;
    file.nothing_is_left_over().await;
    assert_eq!(file.rows("SELECT id FROM tweet WHERE in_reply_to_id IS NULL").await, 1);
}
