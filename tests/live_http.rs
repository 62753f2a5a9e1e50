//! Streams over HTTP: server-sent events, and answers in parts.

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::harness::request::send;
use crate::harness::{Linnet, Person, soon, until};

const QUERY: &str = "subscription($hashtag: String! = \"rust\", $after: String) {
    hashtagStream(hashtag: $hashtag, after: $after) { kind tweetId cursor tweet { text } } }";
const APOLLO: &str = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json";

/// A body that is read as it comes.
struct Body {
    response: Response,
    read: String,
}

impl Body {
    async fn of(request: RequestBuilder) -> Self {
        Self {
            response: send(request).await,
            read: String::new(),
        }
    }

    fn header(&self, name: &str) -> &str {
        self.response.headers()[name].to_str().unwrap()
    }

    /// What comes up to and with this.
    async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some((found, rest)) = self.read.split_once(end) {
                let found = format!("{found}{end}");
                self.read = rest.to_owned();
                return found;
            }
            let chunk = soon("a chunk", self.response.chunk()).await.unwrap();
            let chunk = chunk.unwrap_or_else(|| panic!("it ended with {:?}", self.read));
            self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Everything else, to the end.
    async fn rest(mut self) -> String {
        while let Ok(Some(chunk)) = soon("the end", self.response.chunk()).await {
            self.read.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        self.read
    }

    /// The next event of a stream: its id and what it tells.
    async fn event(&mut self) -> (String, Value) {
        let text = loop {
            let text = self.until("\n\n").await;
            if !text.starts_with(':') {
                break text;
            }
        };
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("event: next"), "{text}");
        let id = lines.next().and_then(|line| line.strip_prefix("id: ")).unwrap();
        let data = lines.next().and_then(|line| line.strip_prefix("data: ")).unwrap();
        let mut data: Value = serde_json::from_str(data).unwrap();
        (id.to_owned(), data["data"]["hashtagStream"].take())
    }
}

fn sse(linnet: &Linnet, query: &str, variables: Value) -> RequestBuilder {
    let url = format!("{}/graphql/stream", linnet.url());
    let request = linnet.client().post(url).header("accept", "text/event-stream");
    request.json(&json!({ "query": query, "variables": variables }))
}

fn parts(linnet: &Linnet, query: &str, variables: Value) -> RequestBuilder {
    let request = linnet.post().header("accept", APOLLO);
    request.json(&json!({ "query": query, "variables": variables }))
}

async fn posted(person: &Person, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        ids.push(person.post(&format!("{number} #rust")).await);
    }
    ids
}

#[tokio::test]
async fn events_are_sent_with_their_cursors() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let mut stream = Body::of(sse(&linnet, QUERY, json!({}))).await;
    assert_eq!(stream.response.status(), 200);
    assert_eq!(stream.header("content-type"), "text/event-stream; charset=utf-8");
    assert_eq!(stream.header("cache-control"), "no-cache");
    let id = alice.post("one\ntwo #rust").await;
    let (cursor, event) = stream.event().await;
    assert_eq!(event["tweetId"], *id);
    assert_eq!(event["tweet"]["text"], "one\ntwo #rust");
    assert_eq!(event["cursor"], *cursor);
    assert_eq!(linnet.metric("linnet_http_streams").await, 1.0);
    drop(stream);
    until("the stream is forgotten", || async {
        linnet.metric("linnet_http_streams").await == 0.0 && linnet.metric("linnet_subscriptions").await == 0.0
    })
    .await;
}

#[tokio::test]
async fn a_browser_comes_back_with_the_last_id() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let mut stream = Body::of(sse(&linnet, QUERY, json!({}))).await;
    let ids = posted(&alice, 5).await;
    let (first, _) = stream.event().await;
    drop(stream);
    // Its address still has the `after` that it began with.
    let url = reqwest::Url::parse_with_params(
        &format!("{}/graphql/stream", linnet.url()),
        &[("query", QUERY), ("variables", &json!({ "after": null }).to_string())],
    );
    let request = linnet.client().get(url.unwrap()).header("last-event-id", first);
    let mut stream = Body::of(request).await;
    for id in &ids[1..] {
        assert_eq!(stream.event().await.1["tweetId"], **id);
    }
}

#[tokio::test]
async fn what_has_one_result_completes() {
    let linnet = Linnet::start().await;
    for (query, result) in [
        ("{ __typename }", json!({ "data": { "__typename": "Query" } })),
        ("mutation { logOut }", Value::Null),
        ("subscription { nothing }", Value::Null),
        ("{", Value::Null),
        (
            r#"subscription { hashtagStream(hashtag: "no tag") { kind } }"#,
            Value::Null,
        ),
    ] {
        let body = Body::of(sse(&linnet, query, json!({}))).await;
        assert_eq!(body.response.status(), 200, "{query}");
        let text = body.rest().await;
        let data = text
            .strip_prefix("event: next\ndata: ")
            .and_then(|text| text.strip_suffix("\n\nevent: complete\ndata: \n\n"));
        let told: Value = serde_json::from_str(data.unwrap_or_else(|| panic!("{text}"))).unwrap();
        match result {
            Value::Null => assert!(told["errors"][0]["extensions"]["code"].is_string(), "{told}"),
            result => assert_eq!(told, result),
        }
    }
}

#[tokio::test]
async fn a_cursor_that_is_none_is_refused() {
    let linnet = Linnet::start().await;
    for (id, code) in [("nonsense", "BAD_USER_INPUT"), ("AgAAAAAAAAB7AAAAAA", "CURSOR_EXPIRED")] {
        let request = sse(&linnet, QUERY, json!({})).header("last-event-id", id);
        let text = Body::of(request).await.rest().await;
        assert!(text.contains(code), "{text}");
        assert!(text.ends_with("event: complete\ndata: \n\n"), "{text}");
    }
}

#[tokio::test]
async fn a_stream_is_asked_for_as_http_has_it() {
    let linnet = Linnet::start().await;
    let url = format!("{}/graphql/stream", linnet.url());
    let client = linnet.client();
    let stream = |request: RequestBuilder| request.header("accept", "text/event-stream");
    let body = json!({ "query": QUERY });
    for (request, status) in [
        (client.post(&url).header("accept", "application/json").json(&body), 406),
        (stream(client.post(&url)).body(body.to_string()), 415),
        (stream(client.post(&url)).json(&json!([body])), 400),
        (stream(client.get(format!("{url}?query=mutation%7BlogOut%7D"))), 405),
        (stream(client.put(&url)), 405),
        (stream(client.delete(&url)), 405),
        (stream(client.post(&url)).json(&body).bearer_auth("unknown"), 401),
    ] {
        let request = request.build().unwrap();
        let what = format!("{} {:?}", request.method(), request.headers());
        assert_eq!(client.execute(request).await.unwrap().status(), status, "{what}");
    }
}

#[tokio::test]
async fn a_stream_ends_with_its_session_and_its_server() {
    let mut linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let token = alice.token.clone().unwrap();
    let ending = Body::of(sse(&linnet, QUERY, json!({})).bearer_auth(&token)).await;
    let ending_parts = Body::of(parts(&linnet, QUERY, json!({})).bearer_auth(&token)).await;
    let staying = Body::of(sse(&linnet, QUERY, json!({}))).await;
    let staying_parts = Body::of(parts(&linnet, QUERY, json!({}))).await;
    alice.ask("mutation { logOut }", json!({})).await;
    assert!(ending.rest().await.contains("UNAUTHENTICATED"));
    assert!(ending_parts.rest().await.contains("UNAUTHENTICATED"));
    let bob = linnet.person("bob").await;
    let id = bob.post("#rust").await;
    let (status, text, text_of_parts) = tokio::join!(linnet.terminate(), staying.rest(), staying_parts.rest());
    assert!(status.success());
    for text in [text, text_of_parts] {
        assert!(text.contains(&id), "{text}");
        assert!(!text.contains("complete") && !text.contains("--graphql--"), "{text}");
    }
}

#[tokio::test]
async fn parts_are_as_apollo_reads_them() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    for accept in [APOLLO, r#"multipart/mixed; subscriptionSpec="1.0", application/json"#] {
        let request = linnet.post().header("accept", accept).json(&json!({ "query": QUERY }));
        let mut body = Body::of(request).await;
        let media = r#"multipart/mixed;boundary="graphql";subscriptionSpec=1.0"#;
        assert_eq!(body.header("content-type"), media);
        assert_eq!(body.until("--graphql").await, "\r\n--graphql");
        let id = alice.post("#rust").await;
        let part = body.until("\r\n--graphql").await;
        let json = part
            .strip_prefix("\r\ncontent-type: application/json\r\n\r\n")
            .and_then(|part| part.strip_suffix("\r\n--graphql"));
        let json: Value = serde_json::from_str(json.unwrap_or_else(|| panic!("{part}"))).unwrap();
        assert_eq!(json["payload"]["data"]["hashtagStream"]["tweetId"], *id);
        // A sign of life.
        let part = body.until("\r\n--graphql").await;
        assert_eq!(part, "\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql");
    }
}

#[tokio::test]
async fn what_is_no_stream_is_answered_in_one_part() {
    let linnet = Linnet::start().await;
    for (query, found) in [
        ("{ __typename }", r#"{"data":{"__typename":"Query"}}"#),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        for accept in [APOLLO, "multipart/mixed;subscriptionSpec=1.0"] {
            let request = linnet.post().header("accept", accept).json(&json!({ "query": query }));
            let body = Body::of(request).await;
            assert_eq!(body.response.status(), 200);
            assert_eq!(body.header("content-type"), "application/json; charset=utf-8");
            assert!(body.rest().await.contains(found));
        }
    }
    // Other kinds of parts are not spoken here.
    let request = linnet.post().header("accept", "multipart/mixed;deferSpec=20220824");
    let body = Body::of(request.json(&json!({ "query": "{ __typename }" }))).await;
    assert_eq!(body.response.status(), 406);
}

#[tokio::test]
async fn all_transports_share_executions() {
    let linnet = Linnet::start().await;
    let alice = linnet.person("alice").await;
    let mut stream = Body::of(sse(&linnet, QUERY, json!({}))).await;
    let mut in_parts = Body::of(parts(&linnet, QUERY, json!({}))).await;
    let mut socket = linnet.websocket(None).await;
    socket
        .say(json!({ "id": "1", "type": "subscribe", "payload": { "query": QUERY } }))
        .await;
    socket.quiet().await;
    assert_eq!(linnet.metric("linnet_groups").await, 1.0);
    let id = alice.post("#rust").await;
    let (_, event) = stream.event().await;
    assert_eq!(event["tweetId"], *id);
    let event = event.to_string();
    while !in_parts.until("--graphql").await.contains(&event) {}
    assert_eq!(
        socket.hear().await["payload"]["data"]["hashtagStream"].to_string(),
        event
    );
    assert_eq!(linnet.metric("linnet_executions_total").await, 1.0);
    assert_eq!(linnet.metric("linnet_frames_total").await, 3.0);
}

#[tokio::test]
async fn a_slow_reader_is_cut_and_resumes() {
    let linnet = Linnet::with(&[
        "--query-aliases",
        "100",
        "--rate-limit",
        "off",
        "--slow-reader-timeout",
        "500ms",
    ])
    .await;
    let alice = linnet.person("alice").await;
    let texts: String = (0..100).map(|n| format!("t{n}: text ")).collect();
    let query = format!("subscription {{ hashtagStream(hashtag: \"rust\") {{ tweetId tweet {{ {texts} }} }} }}");
    let body = json!({ "query": query }).to_string();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    let mut slow = socket.connect(linnet.address().parse().unwrap()).await.unwrap();
    let head = format!(
        "POST /graphql/stream HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    slow.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    until("the stream is open", || async {
        linnet.metric("linnet_subscriptions").await == 1.0
    })
    .await;
    let mut ids = vec![alice.post("first #rust").await];
    let mut text = String::new();
    let cursor = loop {
        let mut buffer = [0; 4096];
        let length = soon("the first event", slow.read(&mut buffer)).await.unwrap();
        text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        if let Some((cursor, _)) = text.split_once("\nid: ").and_then(|(_, rest)| rest.split_once('\n')) {
            break cursor.to_owned();
        }
    };
    for number in 0..60 {
        ids.push(alice.post(&format!("{number} #rust {}", "x".repeat(200))).await);
    }
    until("the stream is cut", || async {
        linnet.metric("linnet_subscriptions").await == 0.0
    })
    .await;
    let mut stream = Body::of(sse(&linnet, &query, json!({})).header("last-event-id", cursor)).await;
    for id in &ids[1..] {
        assert_eq!(stream.event().await.1["tweetId"], **id);
    }
}
