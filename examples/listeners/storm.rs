//! A reconnect storm: many subscribers lose their sockets, each at a moment of its own, and all come
//! back at once behind the last event that each has heard.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::fanout::document;
use crate::line::{Transport, Wish, open, parse};
use crate::server::{Server, megabytes, random_name, string};

/// How many postings may be on the way to somebody.
const AHEAD: usize = 4;

pub async fn run(server: &Server, count: usize, events: usize) -> Value {
    let tag = random_name();
    let document = document(&tag, "id text createdAt author { id username displayName }");
    let wish = |after| Wish::of_anybody(&document, after);
    // How many events a subscriber hears before it is cut off: the first none, the last all of them.
    let heard = |subscriber: usize| subscriber * events / (count - 1).max(1);
    let author = server.sign_up().await;
    let cursor = server.cursor().await;
    let lines = open(server, Transport::WebSocket, (0..count).map(|_| wish(&cursor))).await;
    // The slowest sets the pace: nobody may fall behind so far that the server gives them up.
    let pace = Semaphore::new(AHEAD);
    let listening = |event| (0..count).filter(|&subscriber| heard(subscriber) >= event).count();
    let waiting: Vec<_> = (0..=events).map(|event| Cell::new(listening(event))).collect();
    let posting = async {
        let mut posted = Vec::new();
        for number in 0..=events {
            pace.acquire().await.unwrap().forget();
            let text = format!("{number} {} #{tag}", "x".repeat(150));
            posted.push(server.post(&author, &text, None).await["id"].take());
        }
        posted.split_off(1)
    };
    let hearing = lines.into_iter().enumerate().map(async |(subscriber, mut line)| {
        let mut last = Bytes::new();
        for waiting in &waiting[..=heard(subscriber)] {
            last = line.event().await;
            waiting.update(|waiting| waiting - 1);
            pace.add_permits(usize::from(waiting.get() == 0));
        }
        string(&parse(&last)["cursor"])
    });
    let (posted, cursors) = join(posting, join_all(hearing)).await;
    while server.metric("linnet_websockets").await > 0.0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let executions = server.metric("linnet_executions_total").await;
    let before = server.used();
    let begin = Instant::now();
    let mut lines = open(server, Transport::WebSocket, cursors.iter().map(|cursor| wish(cursor))).await;
    let connected = begin.elapsed();
    let mut waits: Vec<_> = join_all(lines.iter_mut().enumerate().map(async |(subscriber, line)| {
        for id in &posted[heard(subscriber)..] {
            assert_eq!(parse(&line.event().await)["tweetId"], *id);
        }
        begin.elapsed()
    }))
    .await;
    waits.sort_unstable();
    let after = server.used();
    let deliveries: usize = (0..count).map(|subscriber| events - heard(subscriber)).sum();
    json!({
        "subscribers": count,
        "events": events,
        "deliveries": deliveries,
        "executions": server.metric("linnet_executions_total").await - executions,
        "connected_s": connected.as_secs_f64(),
        "median_s": waits[count / 2].as_secs_f64(),
        "last_s": waits[count - 1].as_secs_f64(),
        "server_cpu_s": after.cpu - before.cpu,
        "server_cpu_us_per_delivery": (after.cpu - before.cpu) * 1e6 / deliveries as f64,
        "server_rss_mb": megabytes(after.resident as f64),
    })
}
