//! How fast is written.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use super::fake::Fake;
use super::frames::{begin, posts};
use super::{end, hold, jetstream, texts, url, wall};
use crate::harness::{Linnet, until};

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
