//! The language of what comes from outside.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::fake::Fake;
use super::frames::{begin, change, post, status};
use super::{end, jetstream, tweets, wall};
use crate::harness::{Linnet, Person, until};

/// The languages of all tweets, by their texts.
async fn languages(reader: &Person) -> BTreeMap<String, Value> {
    let query = "{ tweets(first: 100) { nodes { text language } } }";
    let mut answer = reader.ask(query, json!({})).await;
    let nodes = answer["tweets"]["nodes"].take();
    let nodes = nodes.as_array().unwrap().iter();
    nodes
        .map(|tweet| (tweet["text"].as_str().unwrap().to_owned(), tweet["language"].clone()))
        .collect()
}

#[tokio::test]
async fn a_language_goes_where_its_text_goes() {
    let linnet = Linnet::start().await;
    wall(&linnet, "w", json!({ "hashtags": ["rust"] })).await;
    let (sky, server) = (Fake::start().await, Fake::start().await);
    let one = jetstream(&linnet, &sky, &[]);
    let two = linnet.begin(&["ingest", "mastodon", "--url", &server.url("http"), "--hashtag", "rust"]);
    let start = begin();
    let written = |rkey, rev, text: &str, langs: Value| {
        let mut record = post(text, start);
        record["langs"] = langs;
        change("a", if rev == 1 { "create" } else { "update" }, rkey, rev, Some(record)).frame(start + rev as i64)
    };
    sky.send([
        written("1", 1, "german #rust", json!(["de-DE", "en"])),
        written("2", 1, "none #rust", json!([])),
        written("3", 1, "no language #rust", json!(["not a language"])),
        written("4", 1, "first #rust", json!(["fr"])),
        written("4", 2, "edited #rust", json!(["pt-BR"])),
    ]);
    let mut japanese = status(7, "ann", "<p>japanese</p>", &["rust"]);
    japanese["language"] = "ja".into();
    let mut silent = status(8, "ann", "<p>silent</p>", &["rust"]);
    silent["language"] = Value::Null;
    server.send([japanese, silent].map(|status| (0, format!("update\n{status}"))));
    let reader = linnet.anybody();
    until("all", || async {
        let found = languages(&reader).await;
        found.len() == 6 && found.contains_key("edited #rust")
    })
    .await;
    let expected = json!({
        "german #rust": "de-DE", "none #rust": null, "no language #rust": null, "edited #rust": "pt-BR",
        "japanese": "ja", "silent": null,
    });
    assert_eq!(json!(languages(&reader).await), expected);
    end(one).await;
    end(two).await;

    let all = tweets(&reader).await;
    let german = all.iter().find(|tweet| tweet["text"] == "german #rust").unwrap();
    let author = german["author"]["username"].as_str().unwrap();
    let told = |kind: &str| format!("{}/user/{author}.{kind}", linnet.url());
    let feed: Value = reqwest::get(told("json")).await.unwrap().json().await.unwrap();
    let items = feed["items"].as_array().unwrap();
    let item = |text: &str| items.iter().find(|item| item["content_text"] == text).unwrap();
    assert_eq!(item("german #rust")["language"], "de-DE");
    assert!(item("none #rust").get("language").is_none());
    let asked = reqwest::Client::new()
        .get(format!("{}/user/{author}", linnet.url()))
        .header("accept", "application/activity+json");
    let page: Value = asked.send().await.unwrap().json().await.unwrap();
    let notes: Vec<&Value> = page["orderedItems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["object"])
        .collect();
    let german = notes
        .iter()
        .find(|note| note["content"].to_string().contains("german"))
        .unwrap();
    assert_eq!(german["contentMap"], json!({ "de-DE": german["content"] }));
    let none = notes
        .iter()
        .find(|note| note["content"].to_string().contains("none"))
        .unwrap();
    assert!(none.get("contentMap").is_none());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all").display().to_string();
    linnet.tell(&["export", &path], "").await;
    let other = Linnet::start().await;
    other.tell(&["import", &path], "").await;
    let reader = other.anybody();
    until("the import", || async { languages(&reader).await.len() == 6 }).await;
    assert_eq!(json!(languages(&reader).await), expected);
    let again = folder.path().join("again").display().to_string();
    other.tell(&["export", &again], "").await;
    let rows = |path: &str| std::fs::read_to_string(format!("{path}/tweets.ndjson")).unwrap();
    assert_eq!(rows(&path), rows(&again));
}
