//! A reconnect storm: many subscribers lose their sockets, miss some events, and all come back at
//! once behind the last event that each has heard.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::fanout::document;
use crate::line::{Line, Transport, Wish, open, parse};
use crate::server::{Server, megabytes, random_name, string};

pub async fn run(server: &Server, count: usize, missed: usize) -> Value {
    let tag = random_name();
    let document = document(&tag, "id text createdAt author { id username displayName }");
    let wish = |after| Wish::of_anybody(&document, after);
    let author = server.sign_up().await;
    let cursor = server.cursor().await;
    let mut lines = open(server, Transport::WebSocket, (0..count).map(|_| wish(&cursor))).await;
    server.post(&author, &format!("before #{tag}"), None).await;
    let heard = join_all(lines.iter_mut().map(Line::event)).await;
    let cursors: Vec<_> = heard.iter().map(|event| string(&parse(event)["cursor"])).collect();
    drop(lines);
    while server.metric("linnet_websockets").await > 0.0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let mut posted = Vec::new();
    for number in 0..missed {
        let text = format!("{number} {} #{tag}", "x".repeat(150));
        posted.push(server.post(&author, &text, None).await["id"].take());
    }
    let executions = server.metric("linnet_executions_total").await;
    let before = server.used();
    let begin = Instant::now();
    let mut lines = open(server, Transport::WebSocket, cursors.iter().map(|cursor| wish(cursor))).await;
    let connected = begin.elapsed();
    let mut waits: Vec<_> = join_all(lines.iter_mut().map(async |line| {
        for id in &posted {
            assert_eq!(parse(&line.event().await)["tweetId"], *id);
        }
        begin.elapsed()
    }))
    .await;
    waits.sort_unstable();
    let after = server.used();
    json!({
        "subscribers": count,
        "missed": missed,
        "deliveries": count * missed,
        "executions": server.metric("linnet_executions_total").await - executions,
        "connected_s": connected.as_secs_f64(),
        "median_s": waits[count / 2].as_secs_f64(),
        "last_s": waits[count - 1].as_secs_f64(),
        "server_cpu_s": after.cpu - before.cpu,
        "server_cpu_us_per_delivery": (after.cpu - before.cpu) * 1e6 / (count * missed) as f64,
        "server_rss_mb": megabytes(after.resident as f64),
    })
}
