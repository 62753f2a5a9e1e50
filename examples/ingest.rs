//! Measures what `linnet ingest` takes to follow a Jetstream of 2,000 frames a second for 50 walls
//! of 20 keywords each: `cargo build --release && cargo run --release --example ingest`. Prints the
//! CPU seconds of that process, and then how fast it goes when nobody holds it back.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a measurement fails by panicking"
)]

use futures_util::SinkExt;
use linnet::metrics::Metrics;
use linnet::store::{Options, Store};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::{SeedableRng, seq::IndexedRandom};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::json;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::Message;

const WALLS: usize = 50;
const KEYWORDS: usize = 20;
const A_SECOND: usize = 2_000;
const SECONDS: usize = 15;

/// A word that nobody else has.
fn word(chance: &mut StdRng) -> String {
    (0..7).map(|_| char::from(chance.random_range(b'a'..=b'z'))).collect()
}

/// Frames as a Jetstream sends them: posts of some twenty words, a tenth reposts and a tenth
/// deletions. One post of a hundred has a keyword.
fn frames(chance: &mut StdRng, keywords: &[String], count: usize, from: i64) -> Vec<String> {
    let words: Vec<String> = (0..5_000).map(|_| word(chance)).collect();
    (0..count)
        .map(|number| {
            let did = format!("did:plc:{:0>24}", number % 5_000);
            let micros = from + i64::try_from(number).unwrap() * 500;
            let (operation, collection, record) = match number % 10 {
                0 => {
                    let uri = format!("at://did:plc:{:0>24}/app.bsky.feed.post/k{}", number % 77, number / 2);
                    let record = json!({ "createdAt": "2026-07-04T14:38:08.420Z", "subject": { "uri": uri } });
                    ("create", "app.bsky.feed.repost", Some(record))
                }
                1 => ("delete", "app.bsky.feed.post", None),
                _ => {
                    let mut text: Vec<&str> = (0..20).map(|_| words.choose(chance).unwrap().as_str()).collect();
                    if chance.random_ratio(1, 100) {
                        text[7] = keywords.choose(chance).unwrap();
                    }
                    let record = json!({
                        "$type": "app.bsky.feed.post", "createdAt": "2026-07-04T14:38:08.420Z", "langs": ["en"],
                        "text": text.join(" "),
                    });
                    ("create", "app.bsky.feed.post", Some(record))
                }
            };
            let mut commit = json!({
                "rev": format!("3m{number:0>11}"), "operation": operation, "collection": collection,
                "rkey": format!("k{number}"),
            });
            if let Some(record) = record {
                commit["record"] = record;
            }
            json!({ "did": did, "time_us": micros, "kind": "commit", "commit": commit }).to_string()
        })
        .collect()
}

async fn prepare(path: &str, chance: &mut StdRng) -> (DatabaseConnection, Vec<String>) {
    let options = Options::file(path.to_owned(), 16 << 20);
    drop(Store::open(&options, &Metrics::default()).await.unwrap());
    let db = Database::connect(format!("sqlite://{path}")).await.unwrap();
    let keywords: Vec<String> = (0..WALLS * KEYWORDS).map(|_| word(chance)).collect();
    for (number, words) in keywords.chunks(KEYWORDS).enumerate() {
        let sql = format!(
            "INSERT INTO wall (slug, title, hashtags, keywords, accounts, created_at, phase, position_at, position_id) \
             VALUES ('w{number}', 'w', '[]', '{}', '[]', 0, 0, 0, 0)",
            json!(words)
        );
        db.execute_unprepared(&sql).await.unwrap();
    }
    db.execute_unprepared("UPDATE wall_version SET version = version + 1")
        .await
        .unwrap();
    (db, keywords)
}

fn ingest(path: &str, port: u16) -> Child {
    let program = std::env::current_exe().unwrap();
    let program = program.ancestors().nth(2).unwrap().join("linnet");
    let walls: Vec<String> = (0..WALLS).map(|number| format!("w{number}")).collect();
    Command::new(program)
        .args(["ingest", "jetstream", "--url", &format!("ws://127.0.0.1:{port}")])
        .args([
            "--database-url",
            &format!("sqlite://{path}"),
            "--wall",
            &walls.join(","),
        ])
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// The CPU seconds that a process has taken so far.
fn cpu(process: &Child) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id().unwrap())).unwrap();
    let rest = stat.rsplit(')').next().unwrap();
    let ticks: Vec<f64> = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse().unwrap())
        .collect();
    ticks.iter().sum::<f64>() / 100.0
}

async fn stored(db: &DatabaseConnection) -> i64 {
    let sql = "SELECT COUNT(*) AS n FROM tweet";
    let row = db.query_one_raw(sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, sql));
    row.await.unwrap().unwrap().try_get("", "n").unwrap()
}

/// Sends frames over one line, so many a second, and waits until all that is wanted is stored.
async fn run(name: &str, frames: &[String], a_second: Option<usize>, keywords: &[String], chance: &mut StdRng) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("linnet.db").display().to_string();
    let (db, own) = prepare(&path, chance).await;
    assert_eq!(own.len(), keywords.len());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let process = ingest(&path, listener.local_addr().unwrap().port());
    let (socket, _) = listener.accept().await.unwrap();
    let mut socket = tokio_tungstenite::accept_async(socket).await.unwrap();
    let wanted = frames
        .iter()
        .filter(|frame| own.iter().any(|word| frame.contains(word.as_str())))
        .count();
    let (begun, before) = (Instant::now(), cpu(&process));
    for (number, frame) in frames.iter().enumerate() {
        socket.feed(Message::text(frame.clone())).await.unwrap();
        if number % 20 == 19 {
            socket.flush().await.unwrap();
            if let Some(a_second) = a_second {
                let due = Duration::from_secs_f64(number as f64 / a_second as f64);
                tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
            }
        }
    }
    socket.flush().await.unwrap();
    while stored(&db).await < i64::try_from(wanted).unwrap() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (took, cpu) = (begun.elapsed().as_secs_f64(), cpu(&process) - before);
    println!(
        "{name}: {} frames in {took:.1} s, {wanted} tweets, {cpu:.2} CPU s, {:.0} us a frame",
        frames.len(),
        cpu * 1e6 / frames.len() as f64
    );
}

#[tokio::main]
async fn main() {
    let from = linnet::model::Clock.now().0 - 3_600_000_000;
    let seed = || StdRng::seed_from_u64(7);
    let keywords: Vec<String> = {
        let mut chance = seed();
        (0..WALLS * KEYWORDS).map(|_| word(&mut chance)).collect()
    };
    let mut chance = StdRng::seed_from_u64(8);
    let frames = frames(&mut chance, &keywords, A_SECOND * SECONDS, from);
    run("2,000 a second", &frames, Some(A_SECOND), &keywords, &mut seed()).await;
    run("as fast as it goes", &frames, None, &keywords, &mut seed()).await;
}
