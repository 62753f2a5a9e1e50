//! Traces: which spans there are, what belongs to what, and that nothing of anybody's is in them.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use parking_lot::Mutex;
use prost::Message as _;
use reqwest::RequestBuilder;
use serde_json::json;
use tokio::net::TcpListener;

use crate::harness::request::{body, send};
use crate::harness::{Linnet, Socket, until};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
const STREAM: &str = r#"subscription { hashtagStream(hashtag: "rust") { tweet { id author { username } } } }"#;

/// Takes what is exported, as a collector would.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Bytes>>>);

impl Collector {
    /// Starts one, and gives its address.
    async fn start() -> (Self, String) {
        let collector = Self::default();
        let router = Router::new()
            .route("/v1/traces", post(take))
            .with_state(collector.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (collector, url)
    }

    fn spans(&self) -> Vec<Span> {
        let exports = self.0.lock().clone();
        let decoded = exports
            .into_iter()
            .map(|bytes| ExportTraceServiceRequest::decode(bytes).unwrap());
        decoded
            .flat_map(|export| export.resource_spans)
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .collect()
    }

    /// The spans of a name that begins so.
    fn named(&self, name: &str) -> Vec<Span> {
        let mut spans = self.spans();
        spans.retain(|span| span.name.starts_with(name));
        spans
    }

    fn below(&self, parent: &Span) -> Vec<Span> {
        let mut spans = self.spans();
        spans.retain(|span| span.parent_span_id == parent.span_id && span.trace_id == parent.trace_id);
        spans
    }
}

async fn take(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) -> (StatusCode, Vec<u8>) {
    if headers["content-type"] != "application/x-protobuf" {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, Vec::new());
    }
    collector.0.lock().push(body);
    (StatusCode::OK, ExportTraceServiceResponse::default().encode_to_vec())
}

fn text(span: &Span, name: &str) -> String {
    let attribute = span.attributes.iter().find(|attribute| attribute.key == name);
    match attribute.and_then(|attribute| attribute.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{}: {name} is {other:?}", span.name),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn traced(url: &str, options: &[&str]) -> Linnet {
    let mut all = vec!["--rate-limit", "off", "--otlp-endpoint", url];
    all.extend(options);
    Linnet::with(&all).await
}

/// A look-up that the database is asked for, as part of a trace.
fn ask(linnet: &Linnet, sampled: bool) -> RequestBuilder {
    let flags = if sampled { "01" } else { "00" };
    let query = json!({ "query": r#"{ user(username: "nobody") { id } }"# });
    let parent = format!("00-{TRACE}-{PARENT}-{flags}");
    linnet.post().json(&query).header("traceparent", parent)
}

#[tokio::test]
async fn a_request_is_part_of_the_trace_that_it_names_and_its_statements_of_it() {
    let (collector, url) = Collector::start().await;
    let mut linnet = traced(&url, &[]).await;
    body(send(ask(&linnet, true)).await).await;
    send(linnet.get("/healthz")).await;
    send(linnet.get("/metrics")).await;
    assert!(linnet.terminate().await.success());

    let requests: Vec<_> = collector.spans().into_iter().filter(|span| span.kind == 2).collect();
    let [request] = &requests[..] else {
        panic!("one request is traced, not {requests:?}");
    };
    assert_eq!(request.name, "POST /graphql");
    assert_eq!(hex(&request.trace_id), TRACE);
    assert_eq!(hex(&request.parent_span_id), PARENT);
    assert_eq!(text(request, "http.request.method"), "POST");
    assert_eq!(text(request, "http.route"), "/graphql");
    assert_eq!(text(request, "http.response.status_code"), "200");
    assert_eq!(text(request, "graphql.operation.type"), "query");
    let statements = collector.below(request);
    assert!(!statements.is_empty());
    for statement in statements {
        assert!(statement.name.starts_with("SELECT"), "{}", statement.name);
        assert_eq!(text(&statement, "db.system.name"), "sqlite");
        assert!(text(&statement, "db.query.text").starts_with("SELECT "));
        assert!(statement.start_time_unix_nano <= statement.end_time_unix_nano);
        assert!(statement.end_time_unix_nano <= request.end_time_unix_nano);
    }
}

#[tokio::test]
async fn a_mutation_has_its_commit_and_all_subscribers_one_execution() {
    let (collector, url) = Collector::start().await;
    let mut linnet = traced(&url, &[]).await;
    let alice = linnet.person("alicewonder").await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        let mut socket = linnet.websocket(None).await;
        socket.subscribe("1", STREAM).await;
        socket.quiet().await;
        sockets.push(socket);
    }
    alice.post("a secret about #rust").await;
    for socket in &mut sockets {
        assert_eq!(socket.hear().await["type"], "next");
    }
    assert!(linnet.terminate().await.success());

    assert_eq!(collector.named("execution").len(), 1);
    let opened = collector.named("graphql-transport-ws");
    assert_eq!(opened.len(), 3);
    assert_eq!(text(&opened[0], "graphql.operation.type"), "subscription");
    let mut requests = collector.named("POST /graphql");
    requests.sort_by_key(|request| request.start_time_unix_nano);
    let posting = requests.last().unwrap();
    assert_eq!(text(posting, "graphql.operation.type"), "mutation");
    let below = collector.below(posting);
    let commit = below.iter().find(|span| span.name == "commit").expect("a commit");
    let written = collector.below(commit);
    let writes = |span: &Span| text(span, "db.query.text").contains("INSERT INTO tweet ");
    assert!(written.iter().any(writes), "{written:?}");
}

#[tokio::test]
async fn nothing_of_anybodys_is_in_a_span() {
    let (collector, url) = Collector::start().await;
    let mut linnet = traced(&url, &[]).await;
    let alice = linnet.person("alicewonder").await;
    let id = alice.post("a confidential thing #hushhush").await;
    let page =
        r#"query Confidential($tag: String!) { hashtag(name: $tag) { tweets { nodes { text author { bio } } } } }"#;
    alice.ask(page, json!({ "tag": "hushhush" })).await;
    alice
        .ask(
            r#"{ user(username: "alicewonder") { tweets { nodes { id } } } }"#,
            json!({}),
        )
        .await;
    alice
        .ask("query($id: ID!) { node(id: $id) { id } }", json!({ "id": id }))
        .await;
    let sign_up = linnet.post().json(&json!({ "query": "{ nonsense }" }));
    send(sign_up.header("x-request-id", "confidential")).await;
    send(linnet.get("/user/alicewonder?confidential=1")).await;
    assert!(linnet.terminate().await.success());

    assert!(collector.spans().len() > 20);
    let token = alice.token.as_deref().unwrap();
    for export in collector.0.lock().iter() {
        let export = String::from_utf8_lossy(export).to_lowercase();
        for secret in ["alicewonder", "confidential", "hushhush", "correct horse", token] {
            assert!(!export.contains(&secret.to_lowercase()), "{secret}");
        }
    }
}

#[tokio::test]
async fn strangers_do_not_decide_what_is_traced_and_proxies_do() {
    let (collector, url) = Collector::start().await;
    let mut linnet = traced(&url, &["--trace-ratio", "0"]).await;
    body(send(ask(&linnet, true)).await).await;
    assert!(linnet.terminate().await.success());
    assert_eq!(collector.spans(), []);

    let mut linnet = traced(&url, &["--trace-ratio", "0", "--trusted-proxies", "127.0.0.1"]).await;
    body(send(ask(&linnet, true)).await).await;
    assert!(linnet.terminate().await.success());
    assert_eq!(collector.named("POST /graphql").len(), 1);

    let mut linnet = traced(&url, &[]).await;
    body(send(ask(&linnet, false)).await).await;
    assert!(linnet.terminate().await.success());
    assert_eq!(collector.named("POST /graphql").len(), 1);
}

#[tokio::test]
async fn log_lines_name_the_trace() {
    let (_, url) = Collector::start().await;
    let linnet = traced(&url, &["--log", "linnet=debug", "--request-timeout", "1ms"]).await;
    // Some request takes longer than a millisecond, and is logged.
    until("a warning", || async {
        body(send(ask(&linnet, true)).await).await;
        linnet.log().contains(TRACE)
    })
    .await;
}

#[tokio::test]
async fn a_collector_that_is_silent_or_gone_holds_nobody_up() {
    // It takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("http://{}", silent.local_addr().unwrap());
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone_url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    for url in [silent_url, gone_url] {
        let mut linnet = traced(&url, &[]).await;
        let alice = linnet.person("alice").await;
        for number in 0..20 {
            alice.post(&format!("{number}")).await;
        }
        let mut socket = Socket::open(linnet.address()).await;
        socket.init(None).await;
        let begin = Instant::now();
        assert!(linnet.terminate().await.success());
        assert!(begin.elapsed().as_secs() < 10);
    }
}
