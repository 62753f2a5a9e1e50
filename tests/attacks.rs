//! What strangers try to bring the server down with. Every item is thrown at a running server,
//! which has the limits that it has by default; afterwards it serves, and has its memory back.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::request::{body, send};
use crate::harness::{Linnet, Socket, skip, soon, until};

/// How much more a server may hold after an attack than before it.
const MEMORY: u64 = 5 << 20;

/// How long a refusal may take.
const AT_ONCE: Duration = Duration::from_millis(20);

/// Fragments of which each spreads the next one twice: under a kilobyte, and 2^levels fields.
fn nested_fragments(levels: usize, root: &str, on: &str, leaf: &str) -> String {
    let fragments = (0..levels).map(|n| format!("fragment f{n} on {on}{{...f{m} ...f{m}}}", m = n + 1));
    format!(
        "{root}{}fragment f{levels} on {on}{{{leaf}}}",
        fragments.collect::<String>()
    )
}

fn nested(open: &str, close: &str, levels: usize) -> String {
    open.repeat(levels) + &close.repeat(levels)
}

/// Documents that must not be executed, with the code of their refusal.
fn documents() -> Vec<(&'static str, String, &'static str)> {
    let many = |count: usize, field: &str| (0..count).map(|n| format!("a{n}: {field} ")).collect::<String>();
    let bomb = |leaf| nested_fragments(24, "{viewer{...f0}}", "User", leaf);
    let try_log_in = r#"logIn(input: { username: "alice", password: "guess" }) { token }"#;
    let replies = "replies(first: 100) { nodes { ".repeat(4);
    vec![
        ("nested fragments", bomb("username"), "QUERY_TOO_COMPLEX"),
        ("nested fragments, invalid", bomb("nothing"), "QUERY_TOO_COMPLEX"),
        (
            "nested fragments, unused",
            nested_fragments(24, "{eventCursor}", "User", "id"),
            "QUERY_TOO_COMPLEX",
        ),
        (
            "a circle",
            "{viewer{...a}} fragment a on User{...b} fragment b on User{...a}".to_owned(),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            "a deep selection",
            format!("{{ viewer {} }}", nested("{ timeline ", "}", 50)),
            "QUERY_TOO_DEEP",
        ),
        ("a very deep selection", nested("{a", "}", 20_000), "QUERY_TOO_COMPLEX"),
        (
            "deep inline fragments",
            format!("{{ viewer {{ {} id {} }} }}", "... { ".repeat(70), "}".repeat(70)),
            "QUERY_TOO_DEEP",
        ),
        (
            "a deep list",
            format!("{{ nodes(ids: {}) {{ id }} }}", nested("[", "]", 1_900)),
            "QUERY_TOO_DEEP",
        ),
        (
            "a deep type",
            format!("query($a: {}) {{ eventCursor }}", nested("[", "]", 1_900)),
            "QUERY_TOO_DEEP",
        ),
        ("an open end", "{".repeat(1_000), "QUERY_TOO_DEEP"),
        (
            "tokens",
            format!("{{ viewer {{ {} }} }}", "id ".repeat(20_000)),
            "QUERY_TOO_COMPLEX",
        ),
        (
            "a comment",
            format!("{{ eventCursor }} # {}", "x".repeat(200_000)),
            "QUERY_TOO_COMPLEX",
        ),
        (
            "aliases",
            format!("{{ viewer {{ {} }} }}", many(500, "username")),
            "QUERY_TOO_COMPLEX",
        ),
        (
            "roots",
            format!("{{ {} }}", many(40, "eventCursor")),
            "QUERY_TOO_COMPLEX",
        ),
        (
            "log-ins",
            format!("mutation {{ {} }}", many(100, try_log_in)),
            "QUERY_TOO_COMPLEX",
        ),
        (
            "directives",
            format!("{{ eventCursor {} }}", "@skip(if: false)".repeat(500)),
            "QUERY_TOO_COMPLEX",
        ),
        (
            "lists of lists",
            format!(
                "{{ tweets(first: 100) {{ nodes {{ {replies} id {} }} }} }}",
                "} }".repeat(4)
            ),
            "QUERY_TOO_COMPLEX",
        ),
        (
            "fields",
            format!(
                "{{ tweets(first: 100) {{ nodes {{ replies(first: 90) {{ nodes {{ {} }} }} }} }} }}",
                "text ".repeat(3_000)
            ),
            "QUERY_TOO_COMPLEX",
        ),
        (
            "circular introspection",
            format!("{{ __schema {{ types {} }} }}", nested("{ fields { type ", "} }", 5)),
            "QUERY_TOO_DEEP",
        ),
        (
            "introspection again and again",
            format!(
                "{{ {} }}",
                many(20, "__schema { types { fields { args { type { name } } } } }")
            ),
            "QUERY_TOO_COMPLEX",
        ),
        (
            "unknown fields",
            format!("{{ {} }}", (0..19).map(|n| format!("tweet{n} ")).collect::<String>()),
            "GRAPHQL_VALIDATION_FAILED",
        ),
    ]
}

fn code(answer: &Value) -> &Value {
    assert_eq!(answer.get("data"), None, "{answer}");
    &answer["errors"][0]["extensions"]["code"]
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks that it answers, and that nothing of what was done to it is left.
async fn serves_as_before(linnet: &Linnet, memory: Option<u64>) {
    let answer = linnet.graphql("{ eventCursor }", json!({}), None).await;
    assert!(answer["data"]["eventCursor"].is_string(), "{answer}");
    for gauge in ["linnet_websockets", "linnet_subscriptions"] {
        until(gauge, async || linnet.metric(gauge).await == 0.0).await;
    }
    let (Some(before), Some(_)) = (memory, linnet.memory()) else {
        return skip("this system does not tell what a process holds");
    };
    until("memory back", async || linnet.memory().unwrap() < before + MEMORY).await;
}

/// Checks that an attack leaves nothing that the one before it did not: what the allocator keeps
/// for the next time is no leak.
fn no_growth(held: &[Option<u64>], allowance: u64) {
    match (held.get(1).copied().flatten(), held.last().copied().flatten()) {
        (Some(before), Some(afterwards)) => assert!(afterwards < before + allowance, "{held:?}"),
        _ => skip("this system does not tell what a process holds"),
    }
}

/// A server that has done a little of everything, so that it holds what it needs.
async fn warm() -> (Linnet, Option<u64>) {
    let linnet = Linnet::with(&[]).await;
    let standard = include_str!("data/introspection.graphql");
    for _ in 0..3 {
        assert!(linnet.graphql(standard, json!({}), None).await.get("errors").is_none());
        linnet.graphql("{ nothing }", json!({}), None).await;
        linnet.websocket(None).await.quiet().await;
    }
    let memory = linnet.memory();
    (linnet, memory)
}

#[tokio::test]
async fn documents_are_refused_at_once_over_every_way() {
    let (linnet, memory) = warm().await;
    let mut socket = linnet.websocket(None).await;
    for (name, text, expected) in documents() {
        let answer = linnet.graphql(&text, json!({}), None).await;
        assert_eq!(code(&answer), expected, "{name}: {answer}");
        if matches!(expected, "QUERY_TOO_DEEP" | "QUERY_TOO_COMPLEX") {
            let extensions = &answer["errors"][0]["extensions"];
            assert!(
                extensions["value"].as_u64() > extensions["limit"].as_u64(),
                "{name}: {answer}"
            );
        }
        // As the registration of a persisted query, which is remembered as refused.
        let extension = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash(&text) } });
        let registered = linnet.post().json(&json!({ "query": text, "extensions": extension }));
        assert_eq!(code(&body(send(registered).await).await), expected, "{name}");
        let by_hash = linnet.post().json(&json!({ "extensions": extension }));
        // What is far too long is not even remembered.
        let remembered = if text.len() > 65_536 {
            "PERSISTED_QUERY_NOT_FOUND"
        } else {
            expected
        };
        assert_eq!(code(&body(send(by_hash).await).await), remembered, "{name}");
        // As a stream, and as one in parts.
        let events = linnet.post_to("/graphql/stream").json(&json!({ "query": text }));
        let events = send(events).await.text().await.unwrap();
        assert!(events.contains(&format!("\"code\":\"{expected}\"")), "{name}: {events}");
        let parts = linnet.post().header(ACCEPT, "multipart/mixed;subscriptionSpec=1.0");
        let parts = send(parts.json(&json!({ "query": text }))).await;
        assert_eq!(code(&body(parts).await), expected, "{name}");
        if text.len() < 50_000 {
            socket.subscribe("1", &text).await;
            let message = socket.hear().await;
            assert_eq!(message["type"], "error", "{name}: {message}");
            assert_eq!(message["payload"][0]["extensions"]["code"], expected, "{name}");
        }
        if text.len() < 8_000 {
            let address = reqwest::Url::parse_with_params(&format!("{}/graphql", linnet.url()), [("query", &text)]);
            let answer = send(linnet.client().get(address.unwrap())).await;
            assert_eq!(code(&body(answer).await), expected, "{name}");
        }
    }
    drop(socket);
    serves_as_before(&linnet, memory).await;
}

#[tokio::test]
async fn a_bomb_costs_neither_time_nor_memory() {
    let (linnet, memory) = warm().await;
    let mut best = Duration::MAX;
    for number in 0..10 {
        // Each is another text, so that none is known from the last time.
        let text = nested_fragments(24, &format!("query q{number}{{viewer{{...f0}}}}"), "User", "id");
        assert!(text.len() < 1_024, "{}", text.len());
        let begin = Instant::now();
        let answer = linnet.graphql(&text, json!({}), None).await;
        best = best.min(begin.elapsed());
        assert_eq!(code(&answer), "QUERY_TOO_COMPLEX");
    }
    assert!(best < AT_ONCE, "{best:?}");
    serves_as_before(&linnet, memory).await;
}

#[tokio::test]
async fn a_refusal_is_short() {
    let linnet = Linnet::with(&[]).await;
    let names: String = (0..3_000).map(|n| format!("nothing{n} ")).collect();
    for text in [
        format!("{{ viewer {{ username(a: \"{}\" }} }}", "x".repeat(60_000)),
        format!("{{ viewer {{ {names} }} }}"),
    ] {
        let answer = linnet.graphql(&text, json!({}), None).await;
        assert!(answer["errors"][0]["locations"].is_array(), "{answer}");
        assert!(answer.to_string().len() < 8_000, "{}", answer.to_string().len());
    }
}

#[tokio::test]
async fn variables_multiply_too() {
    let linnet = Linnet::with(&[]).await;
    let query = "query($n: Int) { tweets(first: $n) { nodes { replies(first: $n) { nodes { likers(first: $n) { nodes { id } } } } } } }";
    let answer = linnet.graphql(query, json!({ "n": 5 }), None).await;
    assert!(answer["data"].is_object(), "{answer}");
    let answer = linnet.graphql(query, json!({ "n": 100 }), None).await;
    assert_eq!(code(&answer), "QUERY_TOO_COMPLEX");
    assert_eq!(answer["errors"][0]["extensions"]["limit"], 10_000);
    // A page that is too large is the fault of its argument, not of the cost.
    let answer = linnet
        .graphql("{ tweets(first: 1000000) { nodes { id } } }", json!({}), None)
        .await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    assert_eq!(answer["errors"][0]["extensions"]["field"], "first");
}

#[tokio::test]
async fn limits_are_the_operators() {
    let linnet = Linnet::with(&["--query-depth", "3", "--query-cost", "50"]).await;
    let answer = linnet
        .graphql(
            "{ viewer { feed { owner: id } timeline { actions { nodes { id } } } } }",
            json!({}),
            None,
        )
        .await;
    assert_eq!(code(&answer), "QUERY_TOO_DEEP");
    assert_eq!(answer["errors"][0]["extensions"]["limit"], 3);
    let answer = linnet
        .graphql("{ tweets(first: 51) { nodes { id } } }", json!({}), None)
        .await;
    assert_eq!(code(&answer), "QUERY_TOO_COMPLEX");
    assert_eq!(answer["errors"][0]["extensions"]["value"], 51);
}

#[tokio::test]
async fn ordinary_documents_pass() {
    let linnet = Linnet::with(&[]).await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder.join("playground/queries")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "graphql") {
            texts.push(std::fs::read_to_string(path).unwrap());
        }
    }
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let blocks = readme.split("```graphql\n").skip(1);
    texts.extend(blocks.map(|block| block.split("```").next().unwrap().to_owned()));
    assert!(texts.len() > 10);
    texts.push(include_str!("data/introspection.graphql").to_owned());
    texts.push(
        "{ hashtag(name: \"a\") { feed { actions(first: 100) { edges { node { verb actor { ... on User { username } }
            object { ... on Tweet { text author { username displayName } hashtags { name } mentions { username }
            replies(first: 5) { nodes { text author { username } } } likers(first: 3) { nodes { username } } } } } } } } } }"
            .to_owned(),
    );
    let mut socket = linnet.websocket(None).await;
    for text in texts {
        // With variables that fit, or without them: what is refused then is not the document.
        socket.subscribe("1", &text).await;
        socket.complete("1").await;
        socket
            .quiet_after(|message| {
                let code = &message["payload"][0]["extensions"]["code"];
                assert!(
                    !code.as_str().is_some_and(|code| code.starts_with("QUERY_")),
                    "{text}: {message}"
                );
            })
            .await;
    }
}

#[tokio::test]
async fn deep_json_is_no_request() {
    let (linnet, memory) = warm().await;
    for payload in [
        nested("[", "]", 200_000),
        format!(
            r#"{{"query":"{{ eventCursor }}","variables":{}}}"#,
            nested(r#"{"a":"#, "}", 100_000)
        ),
        format!(
            r#"{{"query":"{{ eventCursor }}","extensions":{{"a":{}}}}}"#,
            nested("[", "]", 100_000)
        ),
    ] {
        let request = linnet
            .post()
            .header(CONTENT_TYPE, "application/json")
            .body(payload.clone());
        assert_eq!(send(request).await.status(), 400);
        if payload.len() < 60_000 {
            let mut socket = linnet.websocket(None).await;
            let message = format!(r#"{{"type":"subscribe","id":"1","payload":{payload}}}"#);
            socket.send(Message::text(message)).await;
            assert_eq!(socket.closed_at_last().await, 4400);
        }
    }
    serves_as_before(&linnet, memory).await;
}

#[tokio::test]
async fn an_array_is_no_request_unless_it_may_be() {
    let linnet = Linnet::start().await;
    let operations = |count: usize| Value::from(vec![json!({ "query": "{ __typename }" }); count]);
    for count in [1, 2_000] {
        let refused = send(linnet.post().json(&operations(count))).await;
        assert_eq!(refused.status(), 400);
        assert_eq!(code(&body(refused).await), "BAD_USER_INPUT");
    }
    let linnet = Linnet::with(&["--batch", "3"]).await;
    let one = json!({ "data": { "__typename": "Query" } });
    assert_eq!(
        body(send(linnet.post().json(&operations(3))).await).await,
        json!([one, one, one])
    );
    assert_eq!(send(linnet.post().json(&operations(4))).await.status(), 400);
    assert_eq!(send(linnet.post().json(&json!([]))).await.status(), 400);
    assert_eq!(body(send(linnet.post().json(&operations(1)[0])).await).await, one);
    let mixed = json!([{ "query": "{" }, { "query": "mutation { logOut }" }]);
    let answers = body(send(linnet.post().json(&mixed)).await).await;
    assert_eq!(code(&answers[0]), "GRAPHQL_PARSE_FAILED");
    assert_eq!(answers[1]["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}

/// A request whose body does not come.
async fn half_a_request(linnet: &Linnet, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(linnet.address()).await.unwrap();
    let head = "HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    stream
        .write_all(format!("POST {path} {head}").as_bytes())
        .await
        .unwrap();
    stream
}

#[tokio::test]
async fn more_requests_than_it_bears_are_told_to_come_again() {
    for path in ["/graphql", "/graphql/stream"] {
        told_to_come_again(path).await;
    }
}

async fn told_to_come_again(path: &str) {
    let linnet = Linnet::with(&["--max-requests", "3"]).await;
    let ann = linnet.sign_up("ann").await;
    let asked = |query: &str| linnet.post_to(path).json(&json!({ "query": query }));
    // Who writes waits until the other who writes is done, in a place.
    let held = linnet.hold().await;
    let write = "mutation { postTweet(input: { text: \"at last\" }) { tweet { text } } }";
    let waiting = join_all((0..4).map(|_| send(asked(write).bearer_auth(&ann))));
    let shed = async {
        until("an overload", async || linnet.metric("linnet_shed_total").await > 0.0).await;
        let refused = send(asked("{ __typename }")).await;
        assert_eq!(refused.headers()[RETRY_AFTER], "1");
        let refused = body(refused).await;
        assert_eq!(code(&refused), "RATE_LIMITED");
        assert_eq!(refused["errors"][0]["extensions"]["retryAfter"], 1);
        // Who watches over it is still answered.
        assert_eq!(send(linnet.get("/readyz")).await.status(), 200);
        drop(held);
    };
    let (answers, ()) = tokio::join!(waiting, shed);
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 503]);
    assert_eq!(send(asked("{ __typename }")).await.status(), 200);
}

/// A body that does not come takes no place of those that are executed, and few of its own kind
/// belong to one address.
#[tokio::test]
async fn who_sends_slowly_waits_among_others_who_do() {
    let options = [
        "--max-requests",
        "16",
        "--request-timeout",
        "4s",
        "--trusted-proxies",
        "127.0.0.1",
    ];
    let linnet = Linnet::with(&options).await;
    for path in ["/graphql", "/graphql/stream"] {
        let before = linnet.metric("linnet_shed_total").await;
        let from = async |address: &str| {
            let path = format!("{path} HTTP/1.1\r\nx-forwarded-for: {address}\r\nignored:");
            half_a_request(&linnet, &path).await
        };
        let mut greedy = join_all((0..5).map(|_| from("192.0.2.1"))).await;
        let mut other = from("192.0.2.2").await;
        until("the end of three", async || {
            linnet.metric("linnet_shed_total").await == before + 3.0
        })
        .await;
        // Nobody else waits for any of it.
        let answer = linnet.graphql("{ __typename }", json!({}), None).await;
        assert_eq!(answer["data"]["__typename"], "Query");
        other.write_all(&[b' '; 98]).await.unwrap();
        other.write_all(b"}").await.unwrap();
        let mut answer = [0; 12];
        soon("an answer", other.read_exact(&mut answer)).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 400", "its body came, and has no query");
        for stream in &mut greedy {
            soon("an answer", stream.read_exact(&mut answer)).await.unwrap();
            assert_eq!(&answer, b"HTTP/1.1 503");
        }
    }
}

/// Few objects, each with long names or long texts many times.
#[tokio::test]
async fn an_answer_has_an_end() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    for n in 0..30 {
        alice.post(&format!("{n} {}", "👩‍👩‍👧‍👦".repeat(120))).await;
    }
    let of_all = |inner: &str| {
        format!("{{ tweets(first: 100) {{ nodes {{ author {{ tweets(first: 98) {{ nodes {{ {inner} }} }} }} }} }} }}")
    };
    let avatar = format!("https://example.org/{}", "a".repeat(2_000));
    alice.write("updateProfile", json!({ "avatarUrl": avatar })).await;
    let fifteen = |field: &str| (0..15).map(|n| format!("t{n}: {field} ")).collect::<String>();
    let (names, content) = ("bytes in names", "the answer is larger");
    let long = format!("{}: id", "a".repeat(2_000));
    for (selected, reason) in [
        (long, names),
        // Written at once, and as values.
        (fifteen("text"), content),
        (fifteen("text") + "viewerHasLiked", content),
        (format!("author {{ {} isModerator }}", fifteen("avatarUrl")), content),
    ] {
        // The static cost of authors leaves room for fewer.
        let query = of_all(&selected).replace("98", if selected.contains("author") { "48" } else { "98" });
        let before = linnet.memory();
        let answer = linnet.graphql(&query, json!({}), None).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "QUERY_TOO_COMPLEX");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(reason), "{message}");
        let after = linnet.memory();
        let most = before.map(|before| before + 20 * MEMORY);
        assert!(after <= most, "{before:?} before, {after:?} after");
    }
    assert_eq!(
        linnet.graphql("{ __typename }", json!({}), None).await["data"]["__typename"],
        "Query"
    );
}

#[tokio::test]
async fn many_slow_bodies_hold_nobody_up() {
    let (linnet, _) = warm().await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let slow = join_all((0..500).map(|_| half_a_request(&linnet, "/graphql"))).await;
        let begin = Instant::now();
        let answer = linnet.graphql("{ __typename }", json!({}), None).await;
        assert_eq!(answer["data"]["__typename"], "Query");
        assert!(begin.elapsed() < Duration::from_secs(2));
        drop(slow);
        until("the end of connections", async || {
            linnet.metric("linnet_connections").await < 10.0
        })
        .await;
        held.push(linnet.memory());
    }
    no_growth(&held, 4 * MEMORY);
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_dropped() {
    let linnet = Linnet::with(&["--slow-reader-timeout", "300ms"]).await;
    let page = send(linnet.get("/graphiql")).await.text().await.unwrap();
    let script = page
        .split('"')
        .find(|part| part.contains("/editor-"))
        .expect("a script");
    let mut stream = TcpStream::connect(linnet.address()).await.unwrap();
    let get = format!("GET {script} HTTP/1.1\r\nhost: x\r\n\r\n").repeat(20);
    stream.write_all(get.as_bytes()).await.unwrap();
    // The answers fill the buffers on the way, and nobody reads.
    until("the answers", async || linnet.metric("linnet_connections").await >= 2.0).await;
    until("the end", async || linnet.metric("linnet_connections").await < 2.0).await;
    drop(stream);
}

#[tokio::test]
async fn answers_are_compressed_where_that_is_asked_for() {
    let linnet = Linnet::start().await;
    let standard = json!({ "query": include_str!("data/introspection.graphql") });
    let plain = send(linnet.post().json(&standard)).await;
    assert!(!plain.headers().contains_key(CONTENT_ENCODING));
    let plain = plain.bytes().await.unwrap();
    for (accepted, encoding) in [("gzip", "gzip"), ("gzip, br, zstd", "zstd")] {
        let packed = send(linnet.post().header(ACCEPT_ENCODING, accepted).json(&standard)).await;
        assert_eq!(packed.headers()[CONTENT_ENCODING], encoding);
        assert_eq!(packed.headers()["vary"], "accept-encoding");
        let packed = packed.bytes().await.unwrap();
        assert!(packed.len() < plain.len() / 4);
        let mut unpacked = Vec::new();
        if encoding == "gzip" {
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut unpacked).unwrap();
        } else {
            unpacked = zstd::decode_all(&packed[..]).unwrap();
        }
        assert_eq!(unpacked, plain);
    }
    let small = linnet.post().header(ACCEPT_ENCODING, "gzip");
    let small = send(small.json(&json!({ "query": "{ __typename }" }))).await;
    assert!(!small.headers().contains_key(CONTENT_ENCODING));
}

#[tokio::test]
async fn everything_at_once_and_it_still_serves() {
    let (server, _) = warm().await;
    let linnet = &server;
    let alice = linnet.sign_up("alice").await;
    let attacks = documents();
    let mut held = Vec::new();
    for round in 0..4 {
        let documents = join_all(attacks.iter().map(|(_, text, _)| async move {
            // Another text each time: nothing is known of it.
            linnet.graphql(&format!("{text} # {round}"), json!({}), None).await
        }));
        let sockets = join_all((0..50).map(|_| async {
            let mut socket = linnet.websocket(None).await;
            for id in 0..100 {
                let id = id.to_string();
                socket
                    .subscribe(&id, r#"subscription { hashtagStream(hashtag: "x") { kind } }"#)
                    .await;
            }
            socket.quiet().await;
        }));
        let garbage = join_all((0..100).map(|number| async move {
            let mut socket = Socket::open(linnet.address()).await;
            let message = match number % 3 {
                0 => Message::text("{".repeat(10_000)),
                1 => Message::binary(vec![0xFF; 10_000]),
                _ => Message::text(json!({ "type": "x".repeat(500) }).to_string()),
            };
            socket.send(message).await;
            socket.closed_at_last().await
        }));
        let honest = async {
            for number in 0..10 {
                let input = json!({ "input": { "text": format!("still here {number}") } });
                let query = "mutation($input: PostTweetInput!) { postTweet(input: $input) { tweet { id } } }";
                let answer = linnet.graphql(query, input, Some(&alice)).await;
                assert!(answer.get("errors").is_none(), "{answer}");
            }
        };
        let (_, _, closes, ()) = tokio::join!(documents, sockets, garbage, honest);
        assert!(closes.iter().all(|code| *code == 4400), "{closes:?}");
        for gauge in ["linnet_websockets", "linnet_subscriptions"] {
            until(gauge, async || linnet.metric(gauge).await == 0.0).await;
        }
        held.push(linnet.memory());
    }
    let answer = linnet
        .graphql("{ tweets(first: 100) { nodes { text } } }", json!({}), None)
        .await;
    assert_eq!(answer["data"]["tweets"]["nodes"].as_array().unwrap().len(), 40);
    // Each round opens 5,000 streams, which hold some kilobytes each.
    no_growth(&held, 32 << 20);
}
