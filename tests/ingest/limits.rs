//! How fast is written, and what an operator sees of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use super::fake::Fake;
use super::frames::{begin, posts, status};
use super::{end, hold, jetstream, texts, url, wall};
use crate::harness::{Linnet, free_port, until};

#[tokio::test]
async fn a_rate_is_held_from_the_first_second_on() {
    let linnet = Linnet::start().await;
    wall(&linnet, "w", json!({ "hashtags": ["rust"] })).await;
    let fake = Fake::start().await;
    fake.send((0..60).map(|n| posts("a", &n.to_string(), "#rust", begin() + n)));
    let begun = Instant::now();
    let child = jetstream(&linnet, &fake, &["--rate", "3/s"]);
    let reader = linnet.anybody();
    until("some seconds", || async {
        let written = texts(&reader).await.len();
        let most = 3.0 * (1.0 + begun.elapsed().as_secs_f64());
        assert!(written as f64 <= most, "{written} after {:?}", begun.elapsed());
        written >= 9
    })
    .await;
    end(child).await;
}

#[tokio::test]
async fn a_pause_ends_with_the_process() {
    let linnet = Linnet::start().await;
    wall(&linnet, "w", json!({ "hashtags": ["rust"] })).await;
    let fake = Fake::start().await;
    fake.send((0..20).map(|n| posts("a", &n.to_string(), "#rust", begin() + n)));
    let child = jetstream(&linnet, &fake, &["--rate", "6/m"]);
    let reader = linnet.anybody();
    until("the first", || async { !texts(&reader).await.is_empty() }).await;
    let asked = Instant::now();
    end(child).await;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    let child = jetstream(&linnet, &fake, &[]);
    until("another line", || async { fake.lines().len() > 1 }).await;
    let all: BTreeMap<_, _> = (0..20)
        .map(|n| (url("a", &n.to_string()), "#rust".to_owned()))
        .collect();
    hold(&linnet, &all).await;
    end(child).await;
}

#[tokio::test]
async fn how_far_behind_a_server_of_mastodon_is_read_is_told() {
    let linnet = Linnet::start().await;
    let fake = Fake::start().await;
    let address = format!("127.0.0.1:{}", free_port());
    let server = fake.url("http");
    let arguments = [
        "ingest",
        "mastodon",
        "--url",
        &server,
        "--hashtag",
        "rust",
        "--metrics",
        &address,
    ];
    let child = linnet.begin(&arguments);
    fake.send([(0, format!("update\n{}", status(7, "ann", "<p>old</p>", &["rust"])))]);
    let reader = linnet.anybody();
    until("the tweet", || async { texts(&reader).await.len() == 1 }).await;
    let told = reqwest::get(format!("http://{address}/metrics")).await.unwrap();
    let told = told.text().await.unwrap();
    let lag = told
        .lines()
        .find_map(|line| line.strip_prefix("linnet_ingest_lag_seconds{source=\"127.0.0.1\"} "));
    let lag: f64 = lag.unwrap_or_else(|| panic!("{told}")).parse().unwrap();
    assert!((590.0..700.0).contains(&lag), "{lag}");
    end(child).await;
}
