//! Options and commands: what is right, and how what is wrong is told.

use std::process::Output;

use rustix::process::Signal;

use crate::harness::request::send;
use crate::harness::{Linnet, Run};

/// The one line on standard error.
fn line(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    assert!(text.starts_with("linnet: "), "{text}");
    text
}

#[tokio::test]
async fn what_is_wrong_ends_with_one_line_and_status_2() {
    for arguments in [
        &["frobnicate"][..],
        &["--frobnicate"],
        &["serve", "--listen", "nowhere"],
        &["--listen", "127.0.0.1:99999"],
        &["--rate-limit", "maybe"],
        &["--rate-writes", "many"],
        &["--rate-passwords", "0/m"],
        &["--trusted-proxies", "example.org"],
        &["--batch", "11"],
        &["--max-requests", "0"],
        &["--query-depth", "0"],
        &["--query-depth", "65"],
        &["--memory", "much"],
        &["--memory", "1KB"],
        &["--session-lifetime", "10"],
        &["--request-timeout", "0s"],
        &["--tweet-length", "0"],
        &["--database-url", "mysql://x"],
        &["--database-url", "sqlite://"],
        &["--broker-url", "carrier-pigeon:"],
        &["--cors-origins", "example.org"],
        &["--log-format", "xml"],
        &["--production", "perhaps"],
        &["token"],
        &["token", "frobnicate"],
        &["token", "create"],
        &["user", "frobnicate", "alice"],
        &["user", "create"],
        &["import", "nouns", "file.ndjson"],
        &["schema", "--frobnicate"],
    ] {
        let output = Run::new(arguments).output().await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        line(&output);
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn variables_are_checked_like_flags() {
    for (name, value) in [
        ("LINNET_LISTEN", "nowhere"),
        ("LINNET_RATE_LIMIT", "maybe"),
        ("LINNET_MEMORY", ""),
        ("LINNET_EVENT_RETENTION", "soon"),
        ("LINNET_LOG", "linnet=loud"),
        ("LINNET_PRODUCTION", "perhaps"),
    ] {
        let output = Run::new(&[]).variable(name, value).output().await;
        assert_eq!(output.status.code(), Some(2), "{name}");
        line(&output);
    }
}

#[tokio::test]
async fn a_flag_wins_over_its_variable() {
    let run = Run::new(&["--listen", "nowhere"]).variable("LINNET_LISTEN", "127.0.0.1:0");
    assert!(line(&run.output().await).contains("nowhere"));
    let folder = tempfile::tempdir().unwrap();
    let missing = format!("sqlite://{}/missing/linnet.db", folder.path().display());
    let run = Run::new(&["migrate", "--database-url", &missing]).variable("LINNET_DATABASE_URL", "mysql://x");
    assert_eq!(run.output().await.status.code(), Some(1));
}

#[tokio::test]
async fn a_database_that_is_out_of_reach_is_named_with_the_cause() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("postgres://linnet:correct-horse@{address}/linnet");
    let output = Run::new(&["migrate", "--database-url", &url]).output().await;
    assert_eq!(output.status.code(), Some(1));
    let line = line(&output);
    let says = |part: &str| line.contains(part);
    assert!(
        says(&address.to_string()) && says("refused") && !says("correct-horse"),
        "{line}"
    );
}

#[tokio::test]
async fn other_failures_end_with_one_line_and_status_1() {
    let linnet = Linnet::start().await;
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/linnet.db", folder.path().display());
    let output = Run::new(&["--listen", linnet.address(), "--database-url", &database])
        .output()
        .await;
    assert_eq!(output.status.code(), Some(1));
    assert!(line(&output).contains(linnet.address()));
}

#[tokio::test]
async fn help_lists_every_option_with_its_default_and_variable() {
    for arguments in [&["help"][..], &["--help"], &["help", "serve"], &["serve", "--help"]] {
        let output = Run::new(arguments)
            .variable("LINNET_DATABASE_URL", "sqlite://secret.db")
            .output()
            .await;
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for (option, default) in [
            ("listen", "127.0.0.1:8000"),
            ("database-url", "sqlite://linnet.db"),
            ("broker-url", "memory:"),
            ("rate-limit", "on"),
            ("rate-cost", "6000000/m"),
            ("rate-writes", "1000/m"),
            ("rate-sign-ups", "500/h"),
            ("rate-passwords", "10/m"),
            ("rate-log-ins", "200/m"),
            ("connections-per-address", "10000"),
            ("trusted-proxies", "none"),
            ("max-requests", "2048"),
            ("batch", "0"),
            ("query-size", "65536"),
            ("query-tokens", "4000"),
            ("query-fields", "5000"),
            ("query-depth", "12"),
            ("query-aliases", "50"),
            ("query-root-fields", "20"),
            ("query-directives", "30"),
            ("query-cost", "10000"),
            ("trusted-documents-mode", "off"),
            ("public-access", "on"),
            ("sign-up", "on"),
            ("session-lifetime", "30d"),
            ("memory", "256MB"),
            ("production", "off"),
            ("cors-origins", "none"),
            ("tweet-length", "280"),
            ("event-retention", "7d"),
            ("request-timeout", "10s"),
            ("websocket-init-timeout", "10s"),
            ("slow-reader-timeout", "10s"),
            ("log-format", "text"),
        ] {
            let variable = format!("LINNET_{}", option.replace('-', "_").to_uppercase());
            assert!(text.contains(&format!("--{option} ")), "{option}");
            assert!(
                text.contains(&format!("[env: {variable}] [default: {default}]")),
                "{option}"
            );
        }
        assert!(!text.contains("secret"), "help shows what variables hold");
    }
    let version = Run::new(&["--version"]).output().await;
    assert!(version.status.success());
}

#[tokio::test]
async fn a_signal_ends_the_server_well() {
    let mut linnet = Linnet::start().await;
    assert_eq!(send(linnet.get("/healthz")).await.status(), 200);
    assert_eq!(linnet.terminate().await.code(), Some(0));
    linnet.restart().await;
    assert_eq!(send(linnet.get("/healthz")).await.status(), 200);
    linnet.kill().await;
    linnet.restart().await;
    linnet.signal(Signal::INT);
}

#[tokio::test]
async fn a_second_server_on_one_file_is_refused() {
    let linnet = Linnet::start().await;
    if !linnet.is_on_a_file() {
        return;
    }
    let output = linnet.command(&["serve", "--listen", "127.0.0.1:0"]).await;
    assert_eq!(output.status.code(), Some(1));
    line(&output);
}

#[tokio::test]
async fn logs_can_be_json_and_hold_no_token() {
    let linnet = Linnet::with(&["--log-format", "json", "--log", "debug"]).await;
    let token = linnet.sign_up("alice").await;
    linnet.websocket(Some(&token)).await.quiet().await;
    let log = linnet.log();
    for line in log.lines() {
        assert!(line.starts_with('{'), "{line}");
    }
    assert!(!log.contains(&token));
    assert!(!log.contains("correct horse"));
}
