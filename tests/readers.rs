//! Feeds for readers: what is public, in the forms that readers take, and nothing twice.

use std::path::Path;
use std::process::Stdio;

use http::header::{ACCEPT, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, VARY};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::harness::{Linnet, skip, soon, until};

/// A text that each form has to carry as it is.
const TEXT: &str = "1 < 2 && \"3\" > '1' ]]> <script>alert(1)</script>\nline two \u{1}\u{b} é 🦀 #Café";

/// Before anything was written.
const LONG_AGO: &str = "Thu, 01 Jan 2026 00:00:00 GMT";

async fn get(linnet: &Linnet, path: &str, headers: &[(http::HeaderName, &str)]) -> Response {
    let mut request = linnet.client().get(format!("{}{path}", linnet.url()));
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    soon(path, request.send()).await.unwrap()
}

async fn text(linnet: &Linnet, path: &str) -> String {
    let response = get(linnet, path, &[]).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.text().await.unwrap()
}

fn header(response: &Response, name: &http::HeaderName) -> String {
    let value = response.headers().get(name).unwrap_or_else(|| panic!("no {name}"));
    value.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_form_carries_each_text() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    alice.post("older").await;
    let id = alice.post(TEXT).await;
    let moderator = linnet.moderator("moderator").await;
    linnet.wall(&moderator, "w", json!({ "hashtags": ["café"] })).await;
    let page = format!("{}/tweet/{}", linnet.url(), id.trim_start_matches("Tweet:"));
    for (path, media, shown) in [
        ("/user/alice.json", "application/feed+json", 2),
        ("/user/ALICE.json", "application/feed+json", 2),
        ("/hashtag/caf%C3%A9.json", "application/feed+json", 1),
        ("/wall/w.json", "application/feed+json", 1),
    ] {
        let response = get(&linnet, path, &[]).await;
        assert!(header(&response, &CONTENT_TYPE).starts_with(media), "{path}");
        let feed: Value = response.json().await.unwrap();
        assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
        assert_eq!(feed["items"].as_array().unwrap().len(), shown, "{path}");
        let item = &feed["items"][0];
        assert_eq!(item["content_text"], TEXT);
        assert_eq!(item["tags"], json!(["café"]));
        assert_eq!(item["id"], page.as_str());
        assert_eq!(item["authors"][0]["url"], format!("{}/user/alice", linnet.url()));
    }
    for path in ["/user/alice.rss", "/user/alice.atom"] {
        let body = text(&linnet, path).await;
        assert!(!body.contains("<script>") && !body.contains('\u{1}'), "{path}: {body}");
        assert!(body.contains("&amp;lt;script"), "{path}: {body}");
    }
}

#[tokio::test]
async fn readers_understand_them() {
    if let Some(missing) = missing().await {
        return skip(&format!("feeds in a reader: {missing}"));
    }
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    alice.post("older").await;
    alice.post(TEXT).await;
    for (path, version) in [
        ("/user/alice.rss", "rss20"),
        ("/user/alice.atom", "atom10"),
        ("/hashtag/café.rss", "rss20"),
    ] {
        let read = parse(&text(&linnet, path).await).await;
        assert_eq!(read["wrong"], "", "{path}");
        assert_eq!(read["version"], version);
        let entry = &read["entries"][0];
        let html = entry["html"].as_str().unwrap();
        assert!(
            html.starts_with("1 &lt; 2 &amp;&amp; ") && html.contains("<br"),
            "{path}: {html}"
        );
        assert!(!html.contains("<script"), "{path}: {html}");
        assert_eq!(entry["tags"], json!(["café"]));
        assert_eq!(entry["author"], "alice (@alice)");
        assert!(
            entry["link"]
                .as_str()
                .unwrap()
                .starts_with(&format!("{}/tweet/", linnet.url()))
        );
        assert!(entry["title"].as_str().unwrap().contains("line two"), "{path}: {entry}");
    }
}

#[tokio::test]
async fn nothing_is_sent_twice_to_who_has_it() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let id = alice.post("one #rust").await;
    for path in ["/user/alice.rss", "/hashtag/rust.atom", "/user/alice.json"] {
        let first = get(&linnet, path, &[]).await;
        let tag = header(&first, &ETAG);
        let again = get(&linnet, path, &[(IF_NONE_MATCH, &tag)]).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
        assert_eq!(header(&again, &ETAG), tag);
        assert!(again.bytes().await.unwrap().is_empty());
        let other = get(&linnet, path, &[(IF_NONE_MATCH, "\"other\"")]).await;
        assert_eq!(other.status(), StatusCode::OK, "{path}");
        // One of several tags, and with a date beside it, which then says nothing.
        let both = [
            (IF_NONE_MATCH, format!("\"other\", {tag}")),
            (IF_MODIFIED_SINCE, LONG_AGO.to_owned()),
        ];
        let both: Vec<_> = both
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str()))
            .collect();
        assert_eq!(
            get(&linnet, path, &both).await.status(),
            StatusCode::NOT_MODIFIED,
            "{path}"
        );
    }
    let tag = header(&get(&linnet, "/user/alice.rss", &[]).await, &ETAG);
    alice.edit(&id, "two #rust").await;
    let changed = get(&linnet, "/user/alice.rss", &[(IF_NONE_MATCH, &tag)]).await;
    assert_eq!(changed.status(), StatusCode::OK);
    assert!(changed.text().await.unwrap().contains("two #rust"));
    alice.delete(&id).await;
    assert!(!text(&linnet, "/user/alice.rss").await.contains("two #rust"));
}

#[tokio::test]
async fn what_is_gone_or_hidden_is_a_change_without_a_newer_item() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.person("alice").await, linnet.join("bob").await);
    let moderator = linnet.moderator("moderator").await;
    linnet.wall(&moderator, "w", json!({ "hashtags": ["rust"] })).await;
    // From yesterday, so that no date of theirs is of the second that is under way.
    let yesterday = linnet::model::Clock
        .now()
        .before(std::time::Duration::from_secs(24 * 3_600));
    let rows = ["alice", "bob", "cyd"].map(|name| {
        let text = format!("{name} says #rust");
        json!({ "id": name, "username": name, "text": text, "createdAt": yesterday.to_string() }).to_string()
    });
    linnet.tell(&["import", "tweets", "-"], &rows.join("\n")).await;
    let paths = [
        "/hashtag/rust.rss",
        "/hashtag/rust.atom",
        "/wall/w.rss",
        "/wall/w.atom",
        "/wall/w.json",
    ];
    until("the tweets", async || {
        text(&linnet, "/wall/w.json").await.contains("cyd says")
    })
    .await;
    let query = "{ user(username: \"alice\") { tweets { nodes { id } } } }";
    let tweet = alice.ask(query, json!({})).await["user"]["tweets"]["nodes"][0]["id"].clone();
    for gone in ["alice says", "bob says"] {
        let mut before = Vec::new();
        for path in paths {
            let response = get(&linnet, path, &[]).await;
            assert_eq!(response.headers().get("last-modified"), None, "{path}");
            before.push(header(&response, &ETAG));
            assert!(response.text().await.unwrap().contains(gone), "{path}");
        }
        match gone {
            "alice says" => alice.delete(tweet.as_str().unwrap()).await,
            _ => drop(linnet.to(&moderator, "banUser", &bob).await),
        }
        for (path, tag) in paths.into_iter().zip(before) {
            for known in [vec![], vec![(IF_NONE_MATCH, tag.as_str())]] {
                let mut headers = vec![(IF_MODIFIED_SINCE, "Fri, 31 Dec 2100 23:59:59 GMT")];
                headers.extend(known);
                let response = get(&linnet, path, &headers).await;
                assert_eq!(response.status(), StatusCode::OK, "{path}: {headers:?}");
                let body = response.text().await.unwrap();
                assert!(!body.contains(gone) && body.contains("cyd says"), "{path}: {body}");
            }
        }
    }
}

#[tokio::test]
async fn a_walls_feed_has_its_tweets_newest_first_and_no_retweets() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.person("alice").await, linnet.person("bob").await);
    let moderator = linnet.moderator("moderator").await;
    let first = alice.post("the first of #rust").await;
    alice.post("nothing for it").await;
    let rules = json!({ "hashtags": ["rust"], "keywords": ["crab"], "accounts": ["bob"] });
    linnet.wall(&moderator, "Conf-1", rules).await;
    alice.post("a Crab & \"more\"").await;
    bob.post("of bob").await;
    bob.retweet(&first).await;
    let expected = ["of bob", "a Crab & \"more\"", "the first of #rust"];
    let feed: Value = get(&linnet, "/wall/conf-1.json", &[]).await.json().await.unwrap();
    let said = feed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["content_text"].as_str().unwrap());
    assert_eq!(said.collect::<Vec<_>>(), expected);
    assert_eq!(feed["title"], "The wall Conf-1");
    assert_eq!(feed["home_page_url"], format!("{}/wall/conf-1", linnet.url()));
    if let Some(missing) = missing().await {
        return skip(&format!("a wall's feed in a reader: {missing}"));
    }
    for (path, version) in [("/wall/conf-1.rss", "rss20"), ("/wall/CONF-1.atom", "atom10")] {
        let read = parse(&text(&linnet, path).await).await;
        assert_eq!(
            (&read["wrong"], &read["version"]),
            (&json!(""), &json!(version)),
            "{path}"
        );
        assert_eq!(read["title"], "The wall Conf-1");
        let titles = read["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["title"].as_str().unwrap());
        assert_eq!(titles.collect::<Vec<_>>(), expected, "{path}");
    }
}

#[tokio::test]
async fn actions_are_activities_page_by_page() {
    let linnet = Linnet::start().await;
    let (alice, bob) = (linnet.person("alice").await, linnet.person("bob").await);
    let first = alice.post("first #rust").await;
    let theirs = bob.post("by bob").await;
    alice.like(&theirs).await;
    alice.retweet(&theirs).await;
    alice
        .write("postTweet", json!({ "text": "yes", "inReplyTo": theirs }))
        .await;
    alice.write("follow", json!({ "targetId": "User:2" })).await;
    let query = "mutation($input: AddActionInput!) { addAction(input: $input) { action { id } } }";
    for public in [true, false] {
        let object = json!({ "type": "repository", "key": format!("acme/{public}"), "url": "https://example.org/r" });
        let input = json!({ "verb": "starred", "public": public, "object": object });
        alice.ask(query, json!({ "input": input })).await;
    }
    for number in 0..40 {
        alice.post(&format!("more {number}")).await;
    }
    let mut address = format!("{}/user/alice", linnet.url());
    let mut items = Vec::new();
    loop {
        let path = address.trim_start_matches(linnet.url()).to_owned();
        let response = get(&linnet, &path, &[(ACCEPT, "application/activity+json")]).await;
        assert!(header(&response, &CONTENT_TYPE).starts_with("application/activity+json"));
        assert!(header(&response, &VARY).to_lowercase().contains("accept"));
        let page: Value = response.json().await.unwrap();
        assert_eq!(page["@context"], "https://www.w3.org/ns/activitystreams");
        assert_eq!(page["type"], "OrderedCollectionPage");
        items.extend(page["orderedItems"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut address),
            None => break,
        }
    }
    let kinds: Vec<&str> = items.iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[..40], ["Create"; 40]);
    assert_eq!(
        kinds[40..],
        ["Activity", "Follow", "Create", "Announce", "Like", "Create"]
    );
    assert_eq!(items[40]["name"], "starred");
    assert_eq!(items[40]["object"]["url"], "https://example.org/r");
    assert!(
        !items.iter().any(|item| item.to_string().contains("acme/false")),
        "private ones are nobody's"
    );
    assert_eq!(items[42]["object"]["inReplyTo"], items[43]["object"]["id"]);
    assert_eq!(items[45]["object"]["content"], "first #rust");
    assert!(
        items[45]["object"]["id"]
            .as_str()
            .unwrap()
            .ends_with(first.trim_start_matches("Tweet:"))
    );
}

#[tokio::test]
async fn what_is_not_there_or_not_public_is_not_shown() {
    let linnet = Linnet::start().await;
    linnet.sign_up("alice").await;
    for path in [
        "/user/nobody.rss",
        "/hashtag/unused.atom",
        "/wall/none.json",
        "/user/a%2Fb.rss",
    ] {
        assert_eq!(get(&linnet, path, &[]).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let unread = get(&linnet, "/user/nobody", &[(ACCEPT, "application/activity+json")]).await;
    assert_eq!(unread.status(), StatusCode::NOT_FOUND);
    let wrong = get(&linnet, "/user/alice?after=x", &[(ACCEPT, "application/activity+json")]).await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    let empty: Value = get(&linnet, "/user/alice.json", &[]).await.json().await.unwrap();
    assert_eq!(empty["items"], json!([]));

    let closed = Linnet::with(&["--public-access", "off"]).await;
    closed.sign_up("alice").await;
    for path in ["/user/alice.rss", "/user/alice.json", "/hashtag/rust.atom"] {
        assert_eq!(
            get(&closed, path, &[]).await.status(),
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_proxys_word_makes_addresses_safe() {
    let linnet = Linnet::with(&["--rate-limit", "off", "--trusted-proxies", "127.0.0.1"]).await;
    linnet.person("alice").await.post("one").await;
    let proto = http::HeaderName::from_static("x-forwarded-proto");
    let host = (http::header::HOST, "linnet.example");
    let feed: Value = get(&linnet, "/user/alice.json", &[host.clone(), (proto, "https")])
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(feed["home_page_url"], "https://linnet.example/user/alice");
    let feed: Value = get(&linnet, "/user/alice.json", &[host]).await.json().await.unwrap();
    assert_eq!(feed["home_page_url"], "http://linnet.example/user/alice");
}

#[tokio::test]
async fn documents_of_the_servers_own_need_no_trust() {
    let manifest = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(manifest.path(), "{}").unwrap();
    let path = manifest.path().display().to_string();
    let linnet = Linnet::with(&["--trusted-documents", &path, "--trusted-documents-mode", "enforce"]).await;
    linnet.tell(&["user", "create", "alice"], "password").await;
    until("a feed", || async {
        get(&linnet, "/user/alice.rss", &[]).await.status() == StatusCode::OK
    })
    .await;
}

/// What this machine lacks to read a feed as readers do.
async fn missing() -> Option<&'static str> {
    let python = Command::new("python3")
        .args(["-c", "import feedparser"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    (!python.is_ok_and(|status| status.success())).then_some("python3 has no feedparser")
}

/// What a reader gets of a feed.
async fn parse(feed: &str) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers/parse.py");
    let mut child = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(feed.as_bytes()).await.unwrap();
    drop(input);
    let output = soon("a reader", child.wait_with_output()).await.unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}
