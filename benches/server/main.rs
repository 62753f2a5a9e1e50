//! Measures the server against the bars that it must keep, each as a ratio in one run:
//! `cargo bench --bench server`. Requests go over loopback to a server that is the release build,
//! with the limits for strangers off and everything else as it comes.
//!
//! `cargo bench --bench server -- --reference FOLDER` measures beside it, in turns, what it is held
//! against: `naive`, the usual way to write such a server, and `ceiling-sql`, the same pages without
//! GraphQL and without accounts, whose programs lie in that folder. `--seconds N` is how long each
//! turn takes, `--turns N` how many each has.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a measurement fails by panicking"
)]

mod data;
mod load;
mod process;

use data::Data;
use load::{Load, Seen};
use process::Server;
use std::path::PathBuf;
use std::time::Duration;

const HOME: &str = "query Home { viewer { timeline { tweets(first: 20) { nodes {
    id text createdAt likeCount author { id username displayName } } } } } }";
const TAG: &str = "query Tag($tag: String!) { hashtag(name: $tag) { tweets(first: 20) { nodes {
    id text createdAt likeCount author { id username displayName } } } } }";
const POST: &str = "mutation Post($input: PostTweetInput!) { postTweet(input: $input) { tweet { id } } }";

const NAIVE_HOME: &str = "query Home($viewer: ID!) { homeTimeline(viewer: $viewer, first: 20) {
    id text createdAt likeCount author { id username displayName } } }";
const NAIVE_TAG: &str = "query Tag($tag: String!) { hashtagFeed(tag: $tag, first: 20) {
    id text createdAt likeCount author { id username displayName } } }";
const NAIVE_POST: &str =
    "mutation Post($author: ID!, $text: String!) { postTweet(author: $author, text: $text) { id } }";

/// How many ask at once.
const CONNECTIONS: usize = 32;
/// How many users' timelines are asked for, and of how many hashtags the pages.
const VIEWERS: usize = 2_000;
const TAGS: usize = 500;
/// How many postings a second come in while the timelines' slowest answers are looked at.
const POSTINGS: f64 = 50.0;

/// What is asked for.
#[derive(Clone, Copy)]
enum Page {
    Home,
    Tag,
    Post,
}

struct Options {
    reference: Option<PathBuf>,
    turn: Duration,
    turns: usize,
}

fn options() -> Options {
    let words: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        Some(words.get(at + 1).expect("a value").clone())
    };
    let number = |name: &str, default: u64| value(name).map_or(default, |value| value.parse().expect("a number"));
    Options {
        reference: value("--reference").map(PathBuf::from),
        turn: Duration::from_secs(number("--seconds", 3)),
        turns: usize::try_from(number("--turns", 5)).unwrap(),
    }
}

/// A server with what it is asked.
struct Side {
    name: &'static str,
    server: Server,
    /// How a request reads, of the page and a number from which everything is drawn.
    request: fn(&Data, Page, usize) -> String,
}

fn linnet(data: &Data, page: Page, n: usize) -> String {
    let tag = |n: usize| format!("tag{}", n % TAGS);
    let (query, variables) = match page {
        Page::Home => (HOME, serde_json::json!({})),
        Page::Tag => (TAG, serde_json::json!({ "tag": tag(n) })),
        Page::Post => (
            POST,
            serde_json::json!({ "input": { "text": data::posting(n, &tag(n), &tag(n * 7 + 1)) } }),
        ),
    };
    let body = serde_json::json!({ "query": query, "variables": variables });
    load::request(&body.to_string(), Some(&data.tokens[n % VIEWERS]))
}

fn reference(data: &Data, page: Page, n: usize) -> String {
    let tag = |n: usize| format!("tag{}", n % TAGS);
    let viewer = data.viewers[n % VIEWERS].to_string();
    let (query, variables) = match page {
        Page::Home => (NAIVE_HOME, serde_json::json!({ "viewer": viewer })),
        Page::Tag => (NAIVE_TAG, serde_json::json!({ "tag": tag(n) })),
        Page::Post => (
            NAIVE_POST,
            serde_json::json!({ "author": viewer, "text": data::posting(n, &tag(n), &tag(n * 7 + 1)) }),
        ),
    };
    load::request(
        &serde_json::json!({ "query": query, "variables": variables }).to_string(),
        None,
    )
}

impl Side {
    fn load<'d>(&self, data: &'d Data, page: Page) -> Load<'d> {
        let request = self.request;
        Load {
            address: self.server.address,
            request: Box::new(move |n| request(data, page, n)),
            rows: match page {
                Page::Home | Page::Tag => Some(20),
                Page::Post => None,
            },
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Asks all sides in turns, and gives the medians of each.
async fn measured(options: &Options, data: &Data, sides: &[Side], page: Page) -> Vec<Seen> {
    let mut turns: Vec<Vec<Seen>> = sides.iter().map(|_| Vec::new()).collect();
    for _ in 0..options.turns {
        for (side, turns) in sides.iter().zip(&mut turns) {
            let before = side.server.usage().cpu;
            let mut seen = side.load(data, page).closed(CONNECTIONS, options.turn).await;
            seen.cpu = (side.server.usage().cpu - before) / seen.requests;
            turns.push(seen);
        }
    }
    let of = |turns: &[Seen], value: fn(&Seen) -> f64| median(turns.iter().map(value).collect());
    turns
        .iter()
        .map(|turns| Seen {
            requests: of(turns, |seen| seen.requests),
            per_second: of(turns, |seen| seen.per_second),
            median: of(turns, |seen| seen.median),
            slow: of(turns, |seen| seen.slow),
            cpu: of(turns, |seen| seen.cpu),
        })
        .collect()
}

fn tell(what: &str, sides: &[Side], seen: &[Seen]) {
    for (side, seen) in sides.iter().zip(seen) {
        println!(
            "{what:16} {:12} {:8.0} a second, {:7.1} µs of CPU, median {:6.2} ms, p99 {:7.2} ms",
            side.name,
            seen.per_second,
            seen.cpu * 1e6,
            seen.median * 1e3,
            seen.slow * 1e3,
        );
    }
}

fn bar(what: &str, measured: f64, bar: f64) {
    let verdict = if measured <= bar { "" } else { "  MISSED" };
    println!("{what:60} {measured:8.2}  (bar {bar:.2}){verdict}");
}

/// Holds Linnet, the first side, against the others.
fn hold(what: &str, seen: &[Seen], of_naive: f64) {
    if let [own, naive, ceiling] = seen {
        bar(&format!("{what}: CPU of naive's"), own.cpu / naive.cpu, of_naive);
        bar(&format!("{what}: CPU of the ceiling's"), own.cpu / ceiling.cpu, 4.0);
    }
}

/// The slowest answers of timelines while others post.
async fn beside_postings(options: &Options, data: &Data, side: &Side) {
    let postings = side.load(data, Page::Post);
    let home = side.load(data, Page::Home);
    let time = options.turn * 3;
    let (seen, _) = tokio::join!(home.closed(CONNECTIONS, time), postings.paced(POSTINGS, time));
    println!(
        "timelines beside {POSTINGS} postings a second: median {:.2} ms",
        seen.median * 1e3
    );
    bar(
        "p99 of timelines beside postings, of their median",
        seen.slow / seen.median,
        4.0,
    );
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // `cargo test --benches` only has to see it build.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let options = options();
    let folder = tempfile::tempdir().unwrap();
    process::keep_to_core(1);
    let data = data::seed(folder.path()).await;
    let mut sides = vec![Side {
        name: "linnet",
        server: Server::linnet(&data.database),
        request: linnet,
    }];
    if let Some(programs) = &options.reference {
        let database = process::prepare(programs, folder.path());
        sides.push(Side {
            name: "naive",
            server: Server::naive(programs, &database),
            request: reference,
        });
        sides.push(Side {
            name: "ceiling-sql",
            server: Server::ceiling(programs, &database),
            request: reference,
        });
    }
    for side in &sides {
        // Each timeline and each hashtag's page once: a server that has run for a while is measured.
        side.load(&data, Page::Home).once(VIEWERS).await;
        side.load(&data, Page::Tag).once(TAGS).await;
    }
    for (page, what, of_naive) in [
        (Page::Home, "home timeline", 0.25),
        (Page::Tag, "hashtag page", 1.0 / 3.0),
    ] {
        let seen = measured(&options, &data, &sides, page).await;
        tell(what, &sides, &seen);
        hold(what, &seen, of_naive);
    }
    beside_postings(&options, &data, &sides[0]).await;
    // The ceiling would need a copy of its own to write to.
    sides.truncate(2);
    let seen = measured(&options, &data, &sides, Page::Post).await;
    tell("posting", &sides, &seen);
    if let [own, naive] = seen.as_slice() {
        bar(
            "posting: naive's throughput of Linnet's",
            naive.per_second / own.per_second,
            1.0,
        );
    }
    let usage = sides[0].server.usage();
    bar("resident memory, MB", usage.resident / 1e6, 300.0);
    println!("of which the process's own: {:.0} MB", usage.own / 1e6);
}
