//! Versions of a post that come in another order than they were written.

use std::collections::BTreeMap;

use serde_json::json;

use super::fake::Fake;
use super::frames::{begin, change, post, posts, status};
use super::{end, hold, jetstream, texts, url, wall};
use crate::harness::{Linnet, until};

#[tokio::test]
async fn an_old_text_never_stands_behind_a_newer_one() {
    let linnet = Linnet::start().await;
    wall(&linnet, "w", json!({ "hashtags": ["rust"] })).await;
    let fake = Fake::start().await;
    let child = jetstream(&linnet, &fake, &[]);
    let start = begin();
    let version = |rkey, rev, text: &str, at| {
        let operation = if rev == 1 { "create" } else { "update" };
        change("a", operation, rkey, rev, Some(post(text, start))).frame(start + at)
    };
    let mut expected = BTreeMap::new();
    // What comes behind a mark is not written together with what came before it.
    let mut mark = 0;
    let mut marked = |expected: &mut BTreeMap<String, String>| {
        mark += 1;
        let text = format!("{mark} #rust");
        expected.insert(url("m", &mark.to_string()), text.clone());
        posts("m", &mark.to_string(), &text, start + mark)
    };
    fake.send([
        version("early", 2, "nothing any more", 20),
        version("late", 1, "one #rust", 21),
        version("late", 3, "three #rust", 22),
        marked(&mut expected),
    ]);
    expected.insert(url("a", "late"), "three #rust".to_owned());
    hold(&linnet, &expected).await;
    fake.send([
        version("early", 1, "once about #rust", 10),
        version("late", 2, "two #rust", 11),
        version("late", 1, "one #rust", 12),
        marked(&mut expected),
    ]);
    // It was wanted, and is what it is by now.
    expected.insert(url("a", "early"), "nothing any more".to_owned());
    hold(&linnet, &expected).await;
    end(child).await;
}

#[tokio::test]
async fn an_edit_that_comes_before_its_status_stands() {
    let linnet = Linnet::start().await;
    let fake = Fake::start().await;
    let child = linnet.begin(&["ingest", "mastodon", "--url", &fake.url("http"), "--hashtag", "rust"]);
    let reader = linnet.anybody();
    let mut edited = status(7, "ann", "<p>nothing any more</p>", &[]);
    edited["edited_at"] = "2026-02-13T22:00:00.000Z".into();
    let update = |status| (0, format!("update\n{status}"));
    fake.send([
        (0, format!("status.update\n{edited}")),
        update(status(8, "ann", "<p>mark</p>", &["rust"])),
    ]);
    until("the mark", || async { texts(&reader).await.len() == 1 }).await;
    fake.send([
        update(status(7, "ann", "<p>once</p>", &["rust"])),
        update(status(9, "ann", "<p>mark</p>", &["rust"])),
    ]);
    until("the other mark", || async {
        texts(&reader)
            .await
            .values()
            .filter(|text| text.as_str() == "mark")
            .count()
            == 2
    })
    .await;
    let found = texts(&reader).await.into_values().collect::<Vec<_>>();
    assert!(
        found.contains(&"nothing any more".to_owned()) && found.len() == 3,
        "{found:?}"
    );
    end(child).await;
}
