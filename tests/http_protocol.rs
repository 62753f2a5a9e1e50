//! GraphQL over HTTP: methods, media types, limits and statuses.

use std::time::Duration;

use reqwest::header::{ACCEPT, ALLOW, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::request::{body, send};
use crate::harness::{Linnet, soon};

const MODERN: &str = "application/graphql-response+json";

fn header(response: &Response, name: impl reqwest::header::AsHeaderName) -> String {
    let value = response.headers().get(name).map(|value| value.to_str().unwrap());
    value.unwrap_or_default().to_owned()
}

/// The code of the only error, and that there is no data beside it.
async fn code(response: Response) -> Value {
    let body = body(response).await;
    assert_eq!(body.get("data"), None, "{body}");
    body["errors"][0]["extensions"]["code"].clone()
}

#[tokio::test]
async fn the_answer_has_the_media_type_that_was_asked_for() {
    let linnet = Linnet::start().await;
    for (accept, expected) in [
        ("*/*", "application/json; charset=utf-8"),
        ("application/json", "application/json; charset=utf-8"),
        (MODERN, "application/graphql-response+json; charset=utf-8"),
        (
            "application/graphql-response+json, application/json;q=0.9",
            "application/graphql-response+json; charset=utf-8",
        ),
    ] {
        let request = linnet.post().header(ACCEPT, accept);
        let response = send(request.json(&json!({ "query": "{ __typename }" }))).await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, CONTENT_TYPE), expected);
        assert_eq!(body(response).await, json!({ "data": { "__typename": "Query" } }));
    }
    let request = linnet.post().header(ACCEPT, "text/html");
    assert_eq!(
        send(request.json(&json!({ "query": "{ __typename }" }))).await.status(),
        406
    );
}

#[tokio::test]
async fn a_document_that_cannot_be_executed_is_a_bad_request() {
    let linnet = Linnet::start().await;
    for (query, expected) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothingOfThisName }", "GRAPHQL_VALIDATION_FAILED"),
        (
            r#"subscription { hashtagStream(hashtag: "x") { cursor } }"#,
            "GRAPHQL_VALIDATION_FAILED",
        ),
    ] {
        let parameters = json!({ "query": query });
        let response = send(linnet.post().header(ACCEPT, MODERN).json(&parameters)).await;
        assert_eq!(response.status(), 400);
        assert_eq!(code(response).await, expected);
        let response = send(linnet.post().header(ACCEPT, "application/json").json(&parameters)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(code(response).await, expected);
    }
}

#[tokio::test]
async fn malformed_parameters_are_a_bad_request() {
    let linnet = Linnet::start().await;
    for parameters in [
        "nonsense",
        "{",
        "null",
        "{}",
        r#"{"query":7}"#,
        r#"{"query":"{ __typename }","variables":[]}"#,
        r#"{"query":"{ __typename }","operationName":7}"#,
        r#"{"query":"{ __typename }","extensions":"x"}"#,
        r#"[{"query":"{ __typename }"}]"#,
    ] {
        let request = linnet.post().header(CONTENT_TYPE, "application/json");
        let response = send(request.body(parameters)).await;
        assert_eq!(response.status(), 400, "{parameters}");
        assert_eq!(code(response).await, "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn what_a_plain_form_can_send_is_refused() {
    let linnet = Linnet::start().await;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=latin1",
        "",
    ] {
        let mut request = linnet.post().body(r#"{"query":"mutation { logOut }"}"#);
        if !content_type.is_empty() {
            request = request.header(CONTENT_TYPE, content_type);
        }
        assert_eq!(send(request).await.status(), 415, "{content_type}");
    }
}

#[tokio::test]
async fn queries_go_by_get() {
    let linnet = Linnet::start().await;
    let query = [
        (
            "query",
            "query A { a: viewer { id } } query B($yes: Boolean!) { b: viewer @include(if: $yes) { id } }",
        ),
        ("operationName", "B"),
        ("variables", r#"{"yes":true}"#),
        ("extensions", "{}"),
    ];
    let mut address = reqwest::Url::parse(&format!("{}/graphql", linnet.url())).unwrap();
    address.query_pairs_mut().extend_pairs(query);
    let response = send(Client::new().get(address)).await;
    assert_eq!(body(response).await, json!({ "data": { "b": null } }));
    for wrong in ["", "?query=%7B__typename%7D&variables=nonsense", "?operationName=A"] {
        assert_eq!(send(linnet.get(&format!("/graphql{wrong}"))).await.status(), 400);
    }
}

#[tokio::test]
async fn nothing_changes_by_get() {
    let linnet = Linnet::start().await;
    let query = "mutation%20%7B%20logOut%20%7D";
    let response = send(linnet.get(&format!("/graphql?query={query}"))).await;
    assert_eq!(response.status(), 405);
    assert_eq!(header(&response, ALLOW), "POST");
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let response = send(Client::new().request(method, format!("{}/graphql", linnet.url()))).await;
        assert_eq!(response.status(), 405);
        assert!(header(&response, ALLOW).contains("POST"));
    }
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let linnet = Linnet::start().await;
    let query = format!("{{ __typename }} #{}", "x".repeat(1_100_000));
    let response = send(linnet.post().json(&json!({ "query": query }))).await;
    assert_eq!(response.status(), 413);
    assert_eq!(code(response).await, "BAD_USER_INPUT");
}

#[tokio::test]
async fn a_body_without_a_length_has_the_limit_too() {
    let linnet = Linnet::start().await;
    let mut stream = TcpStream::connect(linnet.address()).await.unwrap();
    let head = "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
        transfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
    for _ in 0..17 {
        stream.write_all(chunk.as_bytes()).await.unwrap();
    }
    // The body has no end, and still there is an answer.
    let mut answer = [0; 12];
    soon("an answer", stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn a_bad_token_is_refused() {
    let linnet = Linnet::start().await;
    for value in ["Bearer unknown", "Basic YTpi", "Bearer", "unknown", ""] {
        let request = linnet.post().header(AUTHORIZATION, value);
        let response = send(request.json(&json!({ "query": "{ __typename }" }))).await;
        assert_eq!(response.status(), 401, "{value}");
        assert_eq!(code(response).await, "UNAUTHENTICATED");
    }
    let token = linnet.sign_up("alice").await;
    let answer = linnet.graphql("{ viewer { username } }", json!({}), Some(&token)).await;
    assert_eq!(answer, json!({ "data": { "viewer": { "username": "alice" } } }));
    let answer = linnet.graphql("{ viewer { username } }", json!({}), None).await;
    assert_eq!(answer, json!({ "data": { "viewer": null } }));
}

#[tokio::test]
async fn every_answer_has_an_id() {
    let linnet = Linnet::start().await;
    for path in ["/healthz", "/nothing/here", "/graphql", "/"] {
        assert!(
            !header(&send(linnet.get(path)).await, "x-request-id").is_empty(),
            "{path}"
        );
    }
    let own = send(linnet.get("/healthz").header("x-request-id", "mine-1.2_3")).await;
    assert_eq!(header(&own, "x-request-id"), "mine-1.2_3");
    for other in ["with space", &"x".repeat(65), "<script>"] {
        let response = send(linnet.get("/healthz").header("x-request-id", other)).await;
        assert_ne!(header(&response, "x-request-id"), other);
    }
}

#[tokio::test]
async fn health_and_metrics_are_shown() {
    let linnet = Linnet::start().await;
    assert_eq!(send(linnet.get("/healthz")).await.status(), 200);
    let ready = send(linnet.get("/readyz")).await;
    assert_eq!(ready.status(), 200);
    assert_eq!(body(ready).await["parts"], json!({ "database": "ok", "broker": "ok" }));
    let metrics = send(linnet.get("/metrics")).await;
    assert!(header(&metrics, CONTENT_TYPE).starts_with("text/plain"));
    let text = metrics.text().await.unwrap();
    for name in [
        "linnet_sql_statements_total ",
        "linnet_subscriptions ",
        "linnet_groups ",
        "linnet_executions_total ",
        "linnet_frames_total ",
    ] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{name}");
    }
}

/// Every path of the app, and what is no path of it.
const PAGES: &[&str] = &[
    "/",
    "/log-in",
    "/sign-up",
    "/search?q=rust",
    "/notifications",
    "/settings",
    "/tweet/1",
    "/user/alice",
    "/user/alice/likes",
    "/hashtag/stra%C3%9Fe",
    "/wall/rustconf?projector",
];

#[tokio::test]
async fn the_app_is_one_page_under_all_its_paths() {
    for options in [&[][..], &["--production"], &["--public-access", "off"]] {
        let linnet = Linnet::with(options).await;
        let home = send(linnet.get("/")).await.text().await.unwrap();
        for path in PAGES {
            let page = send(linnet.get(path)).await;
            assert_eq!(page.status(), 200, "{path}");
            assert_eq!(header(&page, "content-type"), "text/html; charset=utf-8");
            assert_eq!(header(&page, "cache-control"), "no-cache");
            assert_eq!(without_feeds(&page.text().await.unwrap()), home, "{path}");
        }
        for path in [
            "/nothing",
            "/user",
            "/user/alice/likes/all",
            "/index.html",
            "/assets/none.js",
        ] {
            assert_eq!(send(linnet.get(path)).await.status(), 404, "{path}");
        }
    }
}

/// A page without the links to its feeds.
fn without_feeds(page: &str) -> String {
    let mut parts = page.split("<link rel=\"alternate\"");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |page, part| {
        page + part.split_once("/>").expect("a link that ends").1
    })
}

#[tokio::test]
async fn pages_allow_nothing_from_elsewhere() {
    let linnet = Linnet::start().await;
    for path in ["/", "/wall/rustconf", "/graphiql"] {
        let page = send(linnet.get(path)).await;
        let policy = header(&page, "content-security-policy");
        assert!(policy.starts_with("default-src 'self';"), "{path}: {policy}");
        for word in ["http", "ws:", "wss:", "*", "unsafe-eval", "script-src"] {
            assert!(!policy.contains(word), "{path}: {policy}");
        }
        assert_eq!(policy.contains("unsafe-inline"), path == "/graphiql", "{policy}");
        assert_eq!(header(&page, "x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn the_page_says_what_the_operator_decided() {
    let mut tags = Vec::new();
    for (options, length, sign_up) in [
        (&[][..], 280, "on"),
        (&["--tweet-length", "500"], 500, "on"),
        (&["--tweet-length", "500", "--sign-up", "off"], 500, "off"),
    ] {
        let linnet = Linnet::with(options).await;
        let page = send(linnet.get("/wall/rustconf")).await;
        let tag = header(&page, "etag");
        let text = page.text().await.unwrap();
        for element in [
            format!("<meta name=\"tweet-length\" content=\"{length}\" />"),
            format!("<meta name=\"sign-up\" content=\"{sign_up}\" />"),
        ] {
            assert_eq!(text.matches(&element).count(), 1, "{element} {text}");
        }
        assert!(!tags.contains(&tag), "another page has another tag");
        let again = send(linnet.get("/wall/rustconf").header("if-none-match", &tag)).await;
        assert_eq!(again.status(), 304);
        tags.push(tag);
    }
}

#[tokio::test]
async fn what_pages_are_made_of_is_kept_for_good() {
    let linnet = Linnet::start().await;
    for path in ["/", "/graphiql"] {
        let page = send(linnet.get(path)).await;
        let tag = header(&page, "etag");
        let text = page.text().await.unwrap();
        let again = send(linnet.get(path).header("if-none-match", tag)).await;
        assert_eq!(again.status(), 304, "{path}");
        let assets: Vec<_> = text.split('"').filter(|part| part.starts_with("/assets/")).collect();
        assert!(assets.len() > 3, "{text}");
        for asset in assets {
            let file = send(linnet.get(asset)).await;
            assert_eq!(file.status(), 200, "{asset}");
            assert_eq!(header(&file, "cache-control"), "public, max-age=31536000, immutable");
        }
    }
}

#[tokio::test]
async fn what_is_for_those_who_explore_is_served_outside_production_only() {
    let misspelt = "{ tweeets { nodes { id } } }";
    let linnet = Linnet::start().await;
    assert_eq!(send(linnet.get("/graphiql")).await.status(), 200);
    let hint = linnet.graphql(misspelt, json!({}), None).await;
    assert!(hint.to_string().contains("Did you mean"), "{hint}");

    let linnet = Linnet::with(&["--production"]).await;
    assert_eq!(send(linnet.get("/graphiql")).await.status(), 404);
    let answer = linnet
        .graphql("{ __schema { queryType { name } } }", json!({}), None)
        .await;
    assert!(answer["data"]["__schema"].is_null(), "{answer}");
    let hint = linnet.graphql(misspelt, json!({}), None).await;
    assert!(!hint.to_string().contains("Did you mean"), "{hint}");
    let answer = linnet.graphql("{ __typename }", json!({}), None).await;
    assert_eq!(answer["data"]["__typename"], "Query");
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read_answers() {
    let linnet = Linnet::with(&["--cors-origins", "https://a.example,https://b.example"]).await;
    let preflight = |origin: &'static str| {
        let request = Client::new().request(Method::OPTIONS, format!("{}/graphql", linnet.url()));
        send(
            request
                .header("origin", origin)
                .header("access-control-request-method", "POST"),
        )
    };
    let allowed = preflight("https://b.example").await;
    assert_eq!(allowed.status(), 204);
    assert_eq!(header(&allowed, "access-control-allow-origin"), "https://b.example");
    assert!(header(&allowed, "access-control-allow-headers").contains("authorization"));
    let refused = preflight("https://evil.example").await;
    assert_eq!(header(&refused, "access-control-allow-origin"), "");

    let linnet = Linnet::start().await;
    let answer = send(linnet.get("/healthz").header("origin", "https://a.example")).await;
    assert_eq!(header(&answer, "access-control-allow-origin"), "");
}

#[tokio::test]
async fn http_2_is_spoken_without_tls() {
    let linnet = Linnet::start().await;
    let mut stream = TcpStream::connect(linnet.address()).await.unwrap();
    let empty_settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&empty_settings).await.unwrap();
    let mut frame = [0; 9];
    soon("settings", stream.read_exact(&mut frame)).await.unwrap();
    assert_eq!(frame[3], 4, "the first frame has the server's settings");
}

#[tokio::test]
async fn a_head_that_never_ends_is_cut() {
    let linnet = Linnet::start().await;
    let cut = async |beginning: &str| {
        let mut stream = TcpStream::connect(linnet.address()).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        soon(beginning, stream.read_to_end(&mut rest)).await.ok();
    };
    tokio::join!(cut(""), cut("P"), cut("GET /healthz HTTP/1.1\r\nx:"));
}

#[tokio::test]
async fn a_request_has_its_time() {
    let linnet = Linnet::with(&["--request-timeout", "300ms"]).await;
    let mut stream = TcpStream::connect(linnet.address()).await.unwrap();
    let head = "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    soon("an answer", stream.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 503");
}

#[tokio::test]
async fn requests_under_way_are_finished_at_the_end() {
    let mut linnet = Linnet::start().await;
    let mut stream = TcpStream::connect(linnet.address()).await.unwrap();
    let query = r#"{"query":"{ __typename }"}"#;
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        query.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The head was read once the server counts the connection and answers another one.
    send(linnet.get("/healthz")).await;
    let (status, answer) = tokio::join!(linnet.terminate(), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stream.write_all(query.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    });
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(status.success());
}
