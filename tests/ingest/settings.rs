//! What a file of sources says beside them.

use std::io::Write;

use tempfile::NamedTempFile;

use super::fake::Fake;
use super::frames::{begin, posts};
use super::{end, texts, wall};
use crate::harness::{Linnet, free_port, until};
use serde_json::json;

fn file(text: &str) -> (NamedTempFile, String) {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let path = file.path().display().to_string();
    (file, path)
}

#[tokio::test]
async fn a_file_says_what_is_not_typed() {
    let linnet = Linnet::start().await;
    wall(&linnet, "w", json!({ "hashtags": ["rust"] })).await;
    let fake = Fake::start().await;
    fake.send((0..20).map(|n| posts("a", &n.to_string(), "#rust", begin() + n)));
    let address = format!("127.0.0.1:{}", free_port());
    let (_file, path) = file(&format!(
        "rate = \"1/h\"\nmetrics = \"{address}\"\nlog-format = \"json\"\n\
         [[jetstream]]\nurl = \"{}\"\nwalls = [\"w\"]\n",
        fake.url("ws")
    ));
    let written = async || {
        let told = reqwest::get(format!("http://{address}/metrics")).await.ok()?;
        let told = told.text().await.ok()?;
        let name = "linnet_ingest_written_total{what=\"tweets\"} ";
        told.lines()
            .find_map(|line| line.strip_prefix(name))
            .map(ToOwned::to_owned)
    };
    let child = linnet.begin(&["ingest", "--config", &path]);
    until("the first", || async { written().await.as_deref() == Some("1") }).await;
    let reader = linnet.anybody();
    assert_eq!(texts(&reader).await.len(), 1, "an hour's worth");
    end(child).await;
    let (_file, other) = file(&format!(
        "rate = \"1/h\"\n[[jetstream]]\nurl = \"{}\"\nwalls = [\"w\"]\n",
        fake.url("ws")
    ));
    fake.send((20..40).map(|n| posts("a", &n.to_string(), "#rust", begin() + n)));
    let child = linnet.begin(&["ingest", "--config", &other, "--rate", "1000/s"]);
    until("all", || async { texts(&reader).await.len() == 40 }).await;
    end(child).await;
}

#[tokio::test]
async fn what_is_wrong_in_a_file_is_told_with_its_line() {
    let linnet = Linnet::start().await;
    for (text, reason) in [
        ("profiles = \"https://x\"\nrate = \"often\"\n", "line 2: a rate is"),
        (
            "\n[[jetstream]]\nurl = \"http://x\"\nwalls = [\"w\"]\n",
            "line 3: `http://x` is not",
        ),
        (
            "[[mastodon]]\nurl = \"http://x\"\nhashtags = []\n",
            "line 2: http://x/ names nothing",
        ),
        ("[[mastodon]\n", "line 1: "),
    ] {
        let (_file, path) = file(text);
        let output = linnet.command(&["ingest", "--config", &path]).await;
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(&format!("{path}: {reason}")), "{told}");
        assert_eq!(told.trim_end().lines().count(), 1, "{told}");
    }
}
