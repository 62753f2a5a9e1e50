//! `linnet doctor`: what it finds, what it says to do, how it ends, and that it changes nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::time::SystemTime;

use sea_orm::{ConnectionTrait, Database};
use tokio::net::TcpListener;

use crate::harness::{self, Linnet, Run};

/// A server on a file, whatever the suite runs on: it is files that are looked at here.
async fn on_a_file() -> Linnet {
    let file = harness::Database::File(tempfile::tempdir().unwrap());
    Linnet::at(Arc::new(file), &[]).await
}

/// Runs it on a database, beside no server unless options say where one is.
async fn doctor(database: &str, options: &[&str]) -> Output {
    let mut arguments = vec!["doctor", "--database-url", database];
    arguments.extend(options);
    if !options.contains(&"--listen") {
        arguments.extend(["--listen", "127.0.0.1:0"]);
    }
    Run::new(&arguments).output().await
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The one line about something.
fn line<'s>(said: &'s str, about: &str) -> &'s str {
    let mut lines = said.lines().filter(|line| {
        line.split_once(' ')
            .unwrap()
            .1
            .trim_start()
            .starts_with(&format!("{about}: "))
    });
    let line = lines.next().unwrap_or_else(|| panic!("nothing about {about}:\n{said}"));
    assert_eq!(lines.next(), None, "{said}");
    line
}

/// The files of a folder, with when and what was written last.
fn files(folder: &Path) -> BTreeMap<String, (SystemTime, Vec<u8>)> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let changed = entry.metadata().unwrap().modified().unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, (changed, fs::read(entry.path()).unwrap()))
        })
        .collect()
}

fn folder(linnet: &Linnet) -> std::path::PathBuf {
    Path::new(&linnet.database_path()).parent().unwrap().to_owned()
}

async fn change(linnet: &Linnet, sql: &str) {
    let url = format!("sqlite://{}", linnet.database_path());
    let db = Database::connect(url).await.unwrap();
    db.execute_unprepared(sql).await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn all_is_well_beside_a_server_and_without_one() {
    let mut linnet = on_a_file().await;
    linnet.person("alice").await.post("hello").await;
    let output = doctor(&linnet.database_url(), &["--listen", linnet.address()]).await;
    let told = said(&output);
    assert!(output.status.success(), "{told}");
    assert!(!told.contains("failed"), "{told}");
    for about in [
        "configuration",
        "file descriptors",
        "memory",
        "database",
        "schema",
        "integrity",
        "clock",
        "write-ahead log",
        "disk",
        "server",
        "broker",
    ] {
        line(&told, about);
    }
    assert!(line(&told, "database").contains("a server has open"), "{told}");
    assert!(
        line(&told, "server").starts_with("ok       server: answers at "),
        "{told}"
    );

    linnet.terminate().await;
    let before = files(&folder(&linnet));
    let output = doctor(&linnet.database_url(), &[]).await;
    let told = said(&output);
    assert!(output.status.success(), "{told}");
    assert!(line(&told, "database").contains("no server has open"), "{told}");
    assert!(line(&told, "server").contains("none runs"), "{told}");
    assert_eq!(files(&folder(&linnet)), before);
    linnet.restart().await;
}

#[tokio::test]
async fn a_database_that_is_not_there_yet_is_not_made() {
    let place = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/linnet.db", place.path().display());
    let output = doctor(&database, &[]).await;
    assert!(output.status.success());
    assert!(line(&said(&output), "database").starts_with("warning"));
    assert_eq!(files(place.path()).len(), 0);

    let nowhere = format!("sqlite://{}/nowhere/linnet.db", place.path().display());
    let output = doctor(&nowhere, &[]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(line(&said(&output), "database").starts_with("failed"));
}

#[tokio::test]
async fn a_damaged_file_and_one_of_another_version_are_told() {
    let mut linnet = on_a_file().await;
    let alice = linnet.person("alice").await;
    for number in 0..200 {
        alice.post(&format!("{number} #rust")).await;
    }
    linnet.terminate().await;
    change(
        &linnet,
        "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29991231_000001_future', 0)",
    )
    .await;
    let output = doctor(&linnet.database_url(), &[]).await;
    assert_eq!(output.status.code(), Some(1));
    let told = said(&output);
    assert!(
        line(&told, "schema").starts_with("failed   schema: made by a newer version"),
        "{told}"
    );

    change(
        &linnet,
        "DELETE FROM seaql_migrations WHERE version LIKE '%future' OR version LIKE '%ingest'",
    )
    .await;
    let output = doctor(&linnet.database_url(), &[]).await;
    let told = said(&output);
    assert!(output.status.success(), "{told}");
    assert!(line(&told, "schema").starts_with("warning  schema: 1 steps"), "{told}");

    let mut bytes = fs::read(linnet.database_path()).unwrap();
    for page in bytes.chunks_mut(4096).skip(4).step_by(3) {
        page[..512].fill(0xA5);
    }
    fs::write(linnet.database_path(), bytes).unwrap();
    let output = doctor(&linnet.database_url(), &[]).await;
    assert_eq!(output.status.code(), Some(1));
    let told = said(&output);
    assert!(line(&told, "integrity").starts_with("failed"), "{told}");
    assert!(line(&told, "integrity").contains("restore"), "{told}");
}

#[tokio::test]
async fn a_clock_behind_the_newest_event_is_told() {
    let mut linnet = on_a_file().await;
    linnet.terminate().await;
    // An hour from now, as somebody with a wrong clock would have written it.
    change(&linnet, "UPDATE event SET created_at = created_at + 3600000000").await;
    let output = doctor(&linnet.database_url(), &[]).await;
    assert_eq!(output.status.code(), Some(1));
    let told = said(&output);
    assert!(line(&told, "clock").starts_with("failed"), "{told}");
    assert!(line(&told, "clock").contains("synchronise"), "{told}");
}

#[tokio::test]
async fn what_is_configured_is_held_against_the_machine() {
    let place = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/linnet.db", place.path().display());
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let manifest = place.path().join("nothing.json").display().to_string();
    for (options, about, begins) in [
        ("--memory 8000GB".to_owned(), "memory", "failed"),
        ("--rate-limit off".to_owned(), "configuration", "warning"),
        ("--trusted-proxies 0.0.0.0/0".to_owned(), "configuration", "failed"),
        (format!("--trusted-documents {manifest}"), "configuration", "failed"),
        (format!("--listen {address}"), "server", "failed"),
        ("--listen 0.0.0.0:0".to_owned(), "configuration", "warning"),
        ("--otlp-endpoint http://127.0.0.1:9".to_owned(), "traces", "warning"),
        (format!("--otlp-endpoint http://{address}"), "traces", "ok"),
    ] {
        let options: Vec<_> = options.split(' ').collect();
        let output = doctor(&database, &options).await;
        let told = said(&output);
        let line = line(&told, about);
        assert!(line.starts_with(begins), "{options:?}: {line}");
        assert_eq!(output.status.success(), begins != "failed", "{options:?}\n{told}");
    }
}

#[tokio::test]
async fn what_answers_where_the_server_is_to_listen_is_told() {
    let place = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/linnet.db", place.path().display());
    let other = axum::Router::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, other).await });
    let output = doctor(&database, &["--listen", &address]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(line(&said(&output), "server").starts_with("failed"));
}

#[tokio::test]
async fn bad_options_end_with_2() {
    for arguments in [
        &["doctor", "--memory", "much"][..],
        &["doctor", "--frobnicate"],
        &["doctor", "--trace-ratio", "2"],
    ] {
        let output = Run::new(arguments).output().await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
    }
}
