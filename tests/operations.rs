//! What operators are given: each metric is explained, the dashboard asks for what there is, and
//! the files that run Linnet fit together.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::request::send;
use crate::harness::{Linnet, Run, Socket, until};

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Every word in a text that is the name of a metric.
fn named(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter| !is_part(letter));
    words
        .filter(|word| word.starts_with("linnet_"))
        .map(ToOwned::to_owned)
        .collect()
}

/// The metrics that a table of the guide is about.
fn explained() -> BTreeSet<String> {
    let guide = file("docs/OPERATIONS.md");
    let rows = guide.lines().filter_map(|line| line.strip_prefix("| `linnet_"));
    rows.map(|row| format!("linnet_{}", row.split('`').next().unwrap()))
        .collect()
}

/// The metrics of an answer, as samples are named but for the parts of histograms.
fn shown(text: &str) -> BTreeSet<String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .map(|line| {
            let (name, kind) = line.split_once(' ').unwrap();
            match kind {
                "counter" => format!("{name}_total"),
                _ => name.to_owned(),
            }
        })
        .collect()
}

async fn metrics_of_a_server() -> BTreeSet<String> {
    let linnet = Linnet::start().await;
    // What has labels is shown from its first time on.
    send(linnet.get("/healthz")).await;
    let mut socket = Socket::open(linnet.address()).await;
    socket.say(json!({ "type": "nonsense" })).await;
    socket.closed_at_last().await;
    until("a close to be counted", || async {
        linnet.metric("linnet_websocket_closes_total{code=\"4400\"}").await > 0.0
    })
    .await;
    shown(&send(linnet.get("/metrics")).await.text().await.unwrap())
}

#[tokio::test]
async fn every_metric_is_explained_and_none_that_there_is_not() {
    let explained = explained();
    let (of_ingestion, of_servers): (BTreeSet<_>, BTreeSet<_>) = explained
        .into_iter()
        .partition(|name| name.starts_with("linnet_ingest_"));
    assert_eq!(of_servers, metrics_of_a_server().await);
    // Those of ingestion have a label each, so they are shown once there is a source.
    let source = file("src/ingest/metrics.rs");
    for name in of_ingestion {
        let short = name.trim_start_matches("linnet_ingest_").trim_end_matches("_total");
        assert!(source.contains(&format!("\"{short}\"")), "{name}");
    }
}

#[tokio::test]
async fn the_dashboard_asks_for_metrics_that_there_are() {
    let dashboard: Value = serde_json::from_str(&file("packaging/grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let asked: Vec<_> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().cloned().unwrap_or_default())
        .map(|target| target["expr"].as_str().unwrap().to_owned())
        .collect();
    assert!(asked.len() > 20);
    let mut known = explained();
    for name in known.clone().iter().filter(|name| name.ends_with("_seconds")) {
        known.insert(format!("{name}_bucket"));
    }
    for question in &asked {
        for name in named(question) {
            assert!(known.contains(&name), "{name} in {question}");
        }
    }
    // And it shows all that there is.
    let all = named(&asked.join(" "));
    for name in explained() {
        assert!(all.iter().any(|one| one.starts_with(&name)), "{name} is on no panel");
    }
}

#[test]
fn the_files_that_run_it_name_options_that_there_are() {
    let config = file("src/config.rs") + &file("src/config/trace.rs");
    let image = file("Dockerfile");
    let compose = file("compose.yaml");
    let unit = file("packaging/linnet.service");
    for (name, text) in [("Dockerfile", &image), ("compose.yaml", &compose), ("unit", &unit)] {
        let words = text.split(|letter: char| !letter.is_ascii_uppercase() && letter != '_');
        let options = words.filter(|word| word.starts_with("LINNET_") && word.len() > "LINNET_".len());
        for option in options.filter(|option| *option != "LINNET_PASSWORD") {
            assert!(config.contains(&format!("\"{option}\"")), "{option} in {name}");
        }
    }
    for line in image.lines().filter(|line| line.starts_with("FROM ")) {
        let tag = line
            .split_whitespace()
            .nth(1)
            .unwrap()
            .split_once(':')
            .map(|(_, tag)| tag);
        assert!(tag.is_some_and(|tag| tag != "latest"), "{line}");
    }
}

#[tokio::test]
async fn health_asks_the_server_whether_it_can_serve() {
    let mut linnet = Linnet::start().await;
    let address = linnet.address().to_owned();
    let health = || Run::new(&["health"]).variable("LINNET_LISTEN", &address).output();
    assert!(health().await.status.success());
    linnet.terminate().await;
    let output = health().await;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("linnet: no server answers at "), "{said}");
}
