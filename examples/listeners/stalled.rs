//! One of many subscribers stops reading while events flow: whether the others have theirs later,
//! what the server keeps for it, and whether it has everything in the end.
//!
//! Halves with and without a reader that stalls take turns. Latency is counted from the sending of
//! a posting: its answer may be read after the event, as both come in over one thread.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hasher};
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all, join3};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use crate::fanout::document;
use crate::line::{Line, Socket, Transport, Wish, in_time, open, parse};
use crate::server::{Server, User, megabytes, random_name, string};

/// How many postings wait for their answers at once.
const AT_ONCE: usize = 8;

#[derive(clap::Args)]
pub struct Options {
    #[arg(long, default_value_t = 1_000)]
    subscribers: usize,
    /// Pairs of a half with a reader that stalls and one without.
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// Events of each half. The system keeps several hundred before the server notices anything, and
    /// ten seconds later it loses patience: a half should be longer than both.
    #[arg(long, default_value_t = 2_000)]
    events: usize,
    /// The most postings a second, so that both halves of a pair have the same load.
    #[arg(long, default_value_t = 80)]
    rate: u32,
}

struct Run<'a> {
    server: &'a Server,
    options: &'a Options,
    author: User,
    tag: String,
    others: Vec<Line>,
    sleeper: Sleeper,
}

/// What a half has shown.
struct Half {
    p99: Duration,
    postings_per_second: f64,
    /// The server's memory at the beginning and at its most.
    begun: u64,
    peak: u64,
    caught_up: Duration,
}

/// What a subscriber has heard.
#[derive(Default)]
struct Heard {
    at: Vec<Instant>,
    /// Of all messages, in their order.
    digest: DefaultHasher,
}

impl Heard {
    fn note(&mut self, message: &[u8]) {
        self.at.push(Instant::now());
        self.digest.write(message);
    }
}

/// The one that sometimes does not read, and otherwise always comes back.
struct Sleeper {
    socket: Socket,
    document: String,
    cursor: String,
    /// With which codes the server has closed its sockets.
    closes: Vec<Option<u16>>,
}

impl Sleeper {
    /// Reads so many events, on as many sockets as it takes, and gives them parsed too.
    async fn hear(&mut self, server: &Server, count: usize) -> (Heard, Vec<Value>) {
        let (mut heard, mut events) = (Heard::default(), Vec::new());
        while events.len() < count {
            match in_time(self.socket.event()).await {
                Ok(message) => {
                    heard.note(&message);
                    let event = parse(&message);
                    self.cursor = string(&event["cursor"]);
                    events.push(event);
                }
                Err(code) => {
                    self.closes.push(code);
                    let wish = Wish::of_anybody(&self.document, &self.cursor);
                    self.socket = Socket::open(server, wish).await;
                }
            }
        }
        (heard, events)
    }
}

pub async fn run(server: &Server, options: &Options) -> Value {
    let mut run = Run::begin(server, options).await;
    // The first postings find cold caches.
    run.half(false, options.events.min(100)).await;
    let begun = server.used().resident;
    let (mut ratios, mut peak) = (Vec::new(), begun);
    for pair in 0..options.pairs {
        // Whoever comes second has the larger database.
        let with_first = pair % 2 == 0;
        let first = run.half(with_first, options.events).await;
        let second = run.half(!with_first, options.events).await;
        let (with, without) = if with_first { (first, second) } else { (second, first) };
        println!("{}", json!({ "with": with.shown(), "without": without.shown() }));
        ratios.push(with.p99.div_duration_f64(without.p99));
        peak = peak.max(with.peak).max(without.peak);
    }
    ratios.sort_by(f64::total_cmp);
    json!({
        "subscribers": options.subscribers,
        "events": 2 * options.pairs * options.events,
        "p99_ratio": ratios[ratios.len() / 2],
        "growth_mb": megabytes((peak - begun) as f64),
        "closed_with": run.sleeper.closes,
    })
}

impl Half {
    fn shown(&self) -> Value {
        json!({
            "p99_ms": self.p99.as_secs_f64() * 1e3,
            "postings_per_second": self.postings_per_second,
            "growth_mb": megabytes(self.peak.saturating_sub(self.begun) as f64),
            "caught_up_s": self.caught_up.as_secs_f64(),
        })
    }
}

impl<'a> Run<'a> {
    async fn begin(server: &'a Server, options: &'a Options) -> Self {
        let tag = random_name();
        let document = document(&tag, "id text createdAt author { id username displayName }");
        let author = server.sign_up().await;
        server.rest().await;
        let cursor = server.cursor().await;
        let wishes = (1..options.subscribers).map(|_| Wish::of_anybody(&document, &cursor));
        let others = open(server, Transport::WebSocket, wishes).await;
        let socket = Socket::open(server, Wish::of_anybody(&document, &cursor)).await;
        let closes = Vec::new();
        Self {
            server,
            options,
            author,
            tag,
            others,
            sleeper: Sleeper {
                socket,
                document,
                cursor,
                closes,
            },
        }
    }

    /// Posts while the others listen, and the sleeper too, unless it stalls: then it reads when
    /// everybody else has heard everything.
    async fn half(&mut self, stalls: bool, count: usize) -> Half {
        let server = self.server;
        let begun = server.used().resident;
        let hearing: Vec<_> = self
            .others
            .drain(..)
            .map(|line| tokio::spawn(hear(line, count)))
            .collect();
        let posting = post(server, &self.author, &self.tag, count, self.options.rate);
        let catching = self.sleeper.hear(server, count);
        let hearing = join_all(hearing);
        let (posted, others, (own, events), caught_up) = if stalls {
            let (posted, others) = join(posting, hearing).await;
            let begin = Instant::now();
            (posted, others, catching.await, begin.elapsed())
        } else {
            let (posted, others, own) = join3(posting, hearing, catching).await;
            (posted, others, own, Duration::ZERO)
        };
        let peak = posted.peak.max(server.used().resident);
        let sent = posted.in_order_of(&events);
        let digest = own.digest.finish();
        let mut waits = Vec::with_capacity(count * others.len());
        for other in others {
            let (line, heard) = other.unwrap();
            assert_eq!(heard.digest.finish(), digest, "not what the sleeper got");
            waits.extend(heard.at.iter().zip(&sent).map(|(at, sent)| at.duration_since(*sent)));
            self.others.push(line);
        }
        let place = waits.len() * 99 / 100;
        Half {
            p99: *waits.select_nth_unstable(place).1,
            postings_per_second: count as f64 / posted.took.as_secs_f64(),
            begun,
            peak,
            caught_up,
        }
    }
}

async fn hear(mut line: Line, count: usize) -> (Line, Heard) {
    let mut heard = Heard::default();
    for _ in 0..count {
        heard.note(&line.event().await);
    }
    (line, heard)
}

struct Posted {
    /// When each was sent, and its tweet, in the order of their numbers.
    sent: Vec<(Instant, Value)>,
    took: Duration,
    /// The most memory that the server had.
    peak: u64,
}

impl Posted {
    /// When what these events tell of was sent: each posting has one event.
    fn in_order_of(&self, events: &[Value]) -> Vec<Instant> {
        let mut left: Vec<_> = self.sent.iter().map(Some).collect();
        let sent = events.iter().map(|event| {
            let text = string(&event["tweet"]["text"]);
            let number: usize = text.split(' ').next().unwrap().parse().unwrap();
            let (sent, tweet) = left[number].take().expect("an event that has not come before");
            assert_eq!(event["tweetId"], tweet["id"]);
            *sent
        });
        let sent = sent.collect();
        assert!(left.iter().all(Option::is_none), "events are missing");
        sent
    }
}

/// Posts as fast as the server takes it, up to a rate.
async fn post(server: &Server, author: &User, tag: &str, count: usize, rate: u32) -> Posted {
    let begin = Instant::now();
    let peak = Cell::new(server.used().resident);
    let posting = (0..count).map(async |number| {
        tokio::time::sleep_until((begin + Duration::from_secs(1) * number as u32 / rate).into()).await;
        let sent = Instant::now();
        let text = format!("{number} {} #{tag}", "x".repeat(180));
        let tweet = server.post(author, &text, None).await;
        peak.set(server.used().resident.max(peak.get()));
        (sent, tweet)
    });
    let sent = stream::iter(posting).buffered(AT_ONCE).collect().await;
    let took = begin.elapsed();
    let peak = peak.get();
    Posted { sent, took, peak }
}
