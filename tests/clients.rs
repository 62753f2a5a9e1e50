//! The real JavaScript clients and browsers against a running server. Each script in
//! `clients/` is told the server's address, prints a line for every check and
//! ends with status 0 when all went well.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::harness::{Linnet, skip};

const DEADLINE: Duration = Duration::from_secs(240);

/// The scripts that need a browser.
const BROWSERS: &[&str] = &[
    "app.mjs",
    "closed.mjs",
    "errors.mjs",
    "feeds.mjs",
    "graphiql.mjs",
    "kept.mjs",
    "order.mjs",
    "pages.mjs",
    "people.mjs",
    "texts.mjs",
    "wall.mjs",
    "wall-breaks.mjs",
];

#[tokio::test]
async fn graphql_over_http_audit() {
    run("audit.mjs").await;
}

#[tokio::test]
async fn graphql_ws_client() {
    run("graphql-ws.mjs").await;
}

#[tokio::test]
async fn apollo_client() {
    run("apollo.mjs").await;
}

#[tokio::test]
async fn graphql_sse_client() {
    run("graphql-sse.mjs").await;
}

#[tokio::test]
async fn streams_are_resumed_over_each_transport() {
    run("resume.mjs").await;
}

#[tokio::test]
async fn apollo_persisted_queries() {
    run("persisted.mjs").await;
}

#[tokio::test]
async fn graphiql_in_a_browser() {
    run("graphiql.mjs").await;
}

#[tokio::test]
async fn the_app_in_a_browser() {
    run("app.mjs").await;
}

#[tokio::test]
async fn the_app_keeps_what_one_is_at() {
    run("kept.mjs").await;
}

#[tokio::test]
async fn hiding_people_in_the_app() {
    run("people.mjs").await;
}

#[tokio::test]
async fn every_page_of_the_app_on_every_screen() {
    run("pages.mjs").await;
}

#[tokio::test]
async fn the_app_of_a_closed_house() {
    run("closed.mjs").await;
}

#[tokio::test]
async fn the_app_reads_texts_as_the_server_does() {
    run("texts.mjs").await;
}

#[tokio::test]
async fn live_walls_in_a_browser() {
    run("wall.mjs").await;
}

#[tokio::test]
async fn the_app_tells_what_goes_wrong() {
    run("errors.mjs").await;
}

#[tokio::test]
async fn pages_name_their_feeds() {
    run("feeds.mjs").await;
}

#[tokio::test]
async fn keeping_order_on_live_walls() {
    run("order.mjs").await;
}

#[tokio::test]
async fn live_walls_when_things_break() {
    run("wall-breaks.mjs").await;
}

/// What `docs/CLIENTS.md` quotes, under a first line that names the file, stands there.
#[test]
fn the_documentation_quotes_the_app() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/CLIENTS.md")).unwrap();
    let mut quotes = 0;
    for block in text.split("```").skip(1).step_by(2) {
        let mut lines = block.lines().skip(1).map(str::trim).filter(|line| !line.is_empty());
        let Some((_, path)) = lines.next().and_then(|line| line.split_once(" playground/src/")) else {
            continue;
        };
        let source = std::fs::read_to_string(root.join("playground/src").join(path)).unwrap();
        let mut source = source.lines().map(str::trim);
        for line in lines {
            assert!(source.any(|own| own == line), "{path} has no such line here: {line}");
            quotes += 1;
        }
    }
    assert!(quotes > 30, "{quotes}");
}

/// What browsers get weighs less than 3 MB, and the app does not load GraphiQL's part of it.
#[test]
fn the_pages_are_small() {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("playground/dist");
    let files = ["", "assets"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(dist.join(folder)).unwrap());
    let bytes: u64 = files
        .map(|file| file.unwrap().metadata().unwrap())
        .filter(std::fs::Metadata::is_file)
        .map(|file| file.len())
        .sum();
    assert!((100_000..3_000_000).contains(&bytes), "{bytes}");
    let app = std::fs::read_to_string(dist.join("index.html")).unwrap();
    let graphiql = std::fs::read_to_string(dist.join("graphiql.html")).unwrap();
    assert!(graphiql.contains("/assets/editor-") && !app.contains("/assets/editor-"));
}

/// Runs one script against a server of its own.
async fn run(script: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    if let Some(missing) = missing(&folder, script).await {
        return skip(&format!("{script}: {missing}"));
    }

    let mut ended = attempt(&folder, script).await;
    if let Err(reason) = &ended
        && BROWSERS.contains(&script)
    {
        // Where a browser is starved of its core it may stumble once; what is wrong is so twice.
        writeln!(std::io::stderr(), "once more: {reason}").ok();
        ended = attempt(&folder, script).await;
    }
    ended.unwrap_or_else(|reason| panic!("{reason}"));
}

/// Runs one script against a server of its own; an error has what it printed.
async fn attempt(folder: &Path, script: &str) -> Result<(), String> {
    let server = Linnet::start().await;
    let child = Command::new("node")
        .arg(folder.join(script))
        .arg(server.url())
        .env("LINNET_PROGRAM", env!("CARGO_BIN_EXE_linnet"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let Output { status, stdout, stderr } = match timeout(DEADLINE, child).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(format!("{script} could not be run: {error}")),
        Err(_) => return Err(format!("{script} did not end within {DEADLINE:?}")),
    };
    let printed = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    match status.success() {
        true => Ok(()),
        false => Err(format!("{script} ended with {status}\n{}", printed.concat())),
    }
}

/// What this machine lacks to run the script.
async fn missing(folder: &Path, script: &str) -> Option<String> {
    let node = Command::new("node")
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .await;
    if !node.is_ok_and(|output| output.status.success()) {
        return Some("node is not installed".to_owned());
    }
    if !folder.join("node_modules").is_dir() {
        return Some("run `npm ci` in tests/clients first".to_owned());
    }
    if BROWSERS.contains(&script) {
        let browser = std::env::var_os("CHROMIUM").map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from);
        if !browser.exists() {
            return Some(format!("{} is not installed", browser.display()));
        }
    }
    None
}
