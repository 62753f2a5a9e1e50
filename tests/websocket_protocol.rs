//! The rules of `graphql-transport-ws`, one by one.

use std::cell::Cell;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Linnet, Socket, refused, until};

const SILENT: &str = r#"subscription { hashtagStream(hashtag: "silence") { cursor } }"#;

/// What a server says to a first message on a socket that is not acknowledged.
async fn code_after(linnet: &Linnet, message: Value) -> u16 {
    let mut socket = Socket::open(linnet.address()).await;
    socket.say(message).await;
    socket.closed().await.0
}

/// What a server says to a message on an acknowledged socket.
async fn code_after_init(linnet: &Linnet, message: Message) -> u16 {
    let mut socket = linnet.websocket(None).await;
    socket.send(message).await;
    let (code, reason) = socket.closed().await;
    assert!(reason.len() <= 123, "{reason}");
    code
}

#[tokio::test]
async fn a_socket_that_never_introduces_itself_is_closed() {
    let linnet = Linnet::with(&["--websocket-init-timeout", "200ms"]).await;
    let mut socket = Socket::open(linnet.address()).await;
    assert_eq!(socket.closed().await.0, 4408);

    // A ping is no introduction.
    let mut socket = Socket::open(linnet.address()).await;
    socket.quiet().await;
    assert_eq!(socket.closed().await.0, 4408);
}

#[tokio::test]
async fn an_operation_before_the_acknowledgement_is_unauthorized() {
    let linnet = Linnet::start().await;
    let subscribe = json!({ "id": "1", "type": "subscribe", "payload": { "query": "{ __typename }" } });
    assert_eq!(code_after(&linnet, subscribe).await, 4401);
}

#[tokio::test]
async fn only_one_introduction_is_taken() {
    let linnet = Linnet::start().await;
    let again = Message::text(r#"{"type":"connection_init"}"#);
    assert_eq!(code_after_init(&linnet, again).await, 4429);
}

#[tokio::test]
async fn tokens_come_with_the_introduction() {
    let linnet = Linnet::start().await;
    let token = linnet.sign_up("alice").await;
    for name in ["Authorization", "authorization", "AUTHORIZATION"] {
        let mut socket = Socket::open(linnet.address()).await;
        socket
            .say(json!({ "type": "connection_init", "payload": { name: format!("Bearer {token}") } }))
            .await;
        assert_eq!(socket.hear().await["type"], "connection_ack");
        socket.subscribe("1", "{ viewer { username } }").await;
        assert_eq!(socket.hear().await["payload"]["data"]["viewer"]["username"], "alice");
    }
}

#[tokio::test]
async fn a_bad_token_is_never_anonymous() {
    let linnet = Linnet::start().await;
    for value in [
        json!("Bearer unknown"),
        json!("Basic YTpi"),
        json!("Bearer "),
        json!(""),
        json!(7),
        Value::Null,
    ] {
        let init = json!({ "type": "connection_init", "payload": { "Authorization": value } });
        assert_eq!(code_after(&linnet, init.clone()).await, 4403, "{init}");
    }
}

#[tokio::test]
async fn a_socket_ends_with_its_session() {
    let linnet = Linnet::start().await;
    let token = linnet.sign_up("alice").await;
    let mut socket = linnet.websocket(Some(&token)).await;
    socket.subscribe("1", SILENT).await;
    socket.quiet().await;
    let mut other = linnet.websocket(None).await;
    let answer = linnet.graphql("mutation { logOut }", json!({}), Some(&token)).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    assert_eq!(socket.closed().await.0, 4403);
    other.quiet().await;
}

#[tokio::test]
async fn malformed_messages_close_the_socket() {
    let linnet = Linnet::start().await;
    let long_type = json!({ "type": "x".repeat(500) }).to_string();
    let long_id = json!({ "id": "x".repeat(129), "type": "complete" }).to_string();
    for text in [
        "",
        "nonsense",
        "[]",
        "null",
        "{}",
        r#"{"type":7}"#,
        long_type.as_str(),
        // of the protocol's predecessor
        r#"{"id":"1","type":"start","payload":{"query":"{ __typename }"}}"#,
        r#"{"type":"connection_terminate"}"#,
        r#"{"id":"1","type":"stop"}"#,
        // what only a server says
        r#"{"type":"connection_ack"}"#,
        r#"{"id":"1","type":"next","payload":{}}"#,
        r#"{"type":"ping","payload":"text"}"#,
        r#"{"type":"pong","payload":[]}"#,
        r#"{"id":"1","type":"subscribe"}"#,
        r#"{"id":"1","type":"subscribe","payload":"{ __typename }"}"#,
        r#"{"id":"1","type":"subscribe","payload":{}}"#,
        r#"{"id":"1","type":"subscribe","payload":{"query":7}}"#,
        r#"{"id":"1","type":"subscribe","payload":{"query":"{ __typename }","variables":[]}}"#,
        r#"{"id":"1","type":"subscribe","payload":{"query":"{ __typename }","operationName":7}}"#,
        r#"{"id":"","type":"subscribe","payload":{"query":"{ __typename }"}}"#,
        r#"{"id":7,"type":"subscribe","payload":{"query":"{ __typename }"}}"#,
        r#"{"type":"subscribe","payload":{"query":"{ __typename }"}}"#,
        r#"{"type":"complete"}"#,
        long_id.as_str(),
    ] {
        assert_eq!(code_after_init(&linnet, Message::text(text)).await, 4400, "{text}");
    }
    let binary = Message::binary(&br#"{"type":"ping"}"#[..]);
    assert_eq!(code_after_init(&linnet, binary).await, 4400);
    for payload in [json!("text"), json!([]), json!(7)] {
        let init = json!({ "type": "connection_init", "payload": payload });
        assert_eq!(code_after(&linnet, init).await, 4400);
    }
}

#[tokio::test]
async fn messages_have_a_limit() {
    let linnet = Linnet::start().await;
    let large = json!({ "type": "ping", "payload": { "x": "x".repeat(70_000) } });
    assert_eq!(code_after_init(&linnet, Message::text(large.to_string())).await, 1009);
}

#[tokio::test]
async fn pings_are_answered_before_and_after_the_introduction() {
    let linnet = Linnet::start().await;
    let mut socket = Socket::open(linnet.address()).await;
    socket.quiet().await;
    socket.init(None).await;
    socket.say(json!({ "type": "ping" })).await;
    assert_eq!(socket.hear().await, json!({ "type": "pong" }));
    socket.say(json!({ "type": "pong", "payload": { "any": 1 } })).await;
    socket.quiet().await;
}

#[tokio::test]
async fn a_query_gives_one_result_and_completes() {
    let linnet = Linnet::start().await;
    let mut socket = linnet.websocket(None).await;
    socket.subscribe("q", "{ __typename }").await;
    let result = json!({ "id": "q", "type": "next", "payload": { "data": { "__typename": "Query" } } });
    assert_eq!(socket.hear().await, result);
    assert_eq!(socket.hear().await, json!({ "id": "q", "type": "complete" }));
    // The id is free again.
    socket.subscribe("q", "{ __typename }").await;
    assert_eq!(socket.hear().await, result);
    assert_eq!(socket.hear().await["type"], "complete");
    socket.quiet().await;
}

#[tokio::test]
async fn a_request_takes_an_operation_name_and_variables() {
    let linnet = Linnet::start().await;
    let mut socket = linnet.websocket(None).await;
    let payload = json!({
        "query": "query A { a: viewer { id } } query B($yes: Boolean!) { b: viewer @include(if: $yes) { id } }",
        "operationName": "B",
        "variables": { "yes": true },
        "extensions": {},
    });
    socket
        .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
        .await;
    assert_eq!(socket.hear().await["payload"]["data"], json!({ "b": null }));
}

#[tokio::test]
async fn mutations_are_executed_too() {
    let linnet = Linnet::start().await;
    let mut socket = linnet.websocket(None).await;
    let query = r#"mutation { signUp(input: { username: "bob", password: "correct horse" }) { user { username } } }"#;
    socket.subscribe("m", query).await;
    assert_eq!(
        socket.hear().await["payload"]["data"]["signUp"]["user"]["username"],
        "bob"
    );
    assert_eq!(socket.hear().await["type"], "complete");
}

#[tokio::test]
async fn what_cannot_be_executed_is_an_error_and_nothing_more() {
    let linnet = Linnet::start().await;
    let mut socket = linnet.websocket(None).await;
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{ nothingOfThisName }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nothingOfThisName }", "GRAPHQL_VALIDATION_FAILED"),
    ] {
        socket.subscribe("1", query).await;
        let error = socket.hear().await;
        assert_eq!(
            (&error["id"], &error["type"]),
            (&json!("1"), &json!("error")),
            "{error}"
        );
        assert_eq!(error["payload"][0]["extensions"]["code"], code, "{error}");
        // Nothing follows, and the id is free again.
        socket.quiet().await;
    }
}

#[tokio::test]
async fn an_id_can_be_used_once_at_a_time() {
    let linnet = Linnet::start().await;
    let mut socket = linnet.websocket(None).await;
    socket.subscribe("1", SILENT).await;
    socket.subscribe("1", SILENT).await;
    let (code, reason) = socket.closed().await;
    assert_eq!(code, 4409);
    assert!(reason.len() <= 123);
}

#[tokio::test]
async fn complete_ends_an_operation_without_an_echo() {
    let linnet = Linnet::start().await;
    let mut socket = linnet.websocket(None).await;
    socket.subscribe("1", SILENT).await;
    socket.quiet().await;
    socket.complete("1").await;
    socket.quiet().await;
    socket.complete("1").await;
    socket.complete("never heard of").await;
    socket.quiet().await;
    socket.subscribe("1", SILENT).await;
    socket.quiet().await;
}

#[tokio::test]
async fn one_subscription_too_many_is_refused_alone() {
    let linnet = Linnet::start().await;
    let mut socket = linnet.websocket(None).await;
    for id in 0..100 {
        socket.subscribe(&id.to_string(), SILENT).await;
    }
    socket.quiet().await;
    socket.subscribe("100", SILENT).await;
    let error = socket.hear().await;
    assert_eq!(
        (&error["id"], &error["type"]),
        (&json!("100"), &json!("error")),
        "{error}"
    );

    // Queries still go, and a place is free once a subscription ends.
    socket.subscribe("q", "{ __typename }").await;
    assert_eq!(socket.hear().await["type"], "next");
    assert_eq!(socket.hear().await["type"], "complete");
    socket.complete("7").await;
    socket.subscribe("100", SILENT).await;
    socket.quiet().await;
}

#[tokio::test]
async fn the_subprotocol_is_required() {
    let linnet = Linnet::start().await;
    let address = linnet.address();
    assert_eq!(refused(Socket::try_open(address, &[]).await), 400);
    let unknown = [("sec-websocket-protocol", "graphql-ws")];
    assert_eq!(refused(Socket::try_open(address, &unknown).await), 400);
    let both = [("sec-websocket-protocol", "graphql-ws, graphql-transport-ws")];
    let mut socket = Socket::try_open(address, &both).await.unwrap();
    socket.init(None).await;
}

#[tokio::test]
async fn pages_of_other_origins_may_not_connect() {
    let linnet = Linnet::with(&["--cors-origins", "https://friend.example"]).await;
    let address = linnet.address();
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(
            refused(Socket::open_with(address, "origin", origin).await),
            403,
            "{origin}"
        );
    }
    for origin in [linnet.url(), "https://friend.example"] {
        let mut socket = Socket::open_with(address, "origin", origin).await.unwrap();
        socket.init(None).await;
    }
}

#[tokio::test]
async fn a_bad_token_in_the_handshake_is_refused() {
    let linnet = Linnet::start().await;
    let header = Socket::open_with(linnet.address(), "authorization", "Bearer unknown").await;
    assert_eq!(refused(header), 401);
}

#[tokio::test]
async fn a_client_that_vanishes_is_no_mistake_of_its_protocol() {
    let linnet = Linnet::start().await;
    let open = async || linnet.metric("linnet_websockets").await;
    let socket = linnet.websocket(None).await;
    until("the socket is open", || async { open().await == 1.0 }).await;
    drop(socket);
    until("the server sees it gone", || async { open().await == 0.0 }).await;
    let malformed = r#"linnet_websocket_closes_total{code="1002"}"#;
    assert_eq!(linnet.metric(malformed).await, 0.0);
}

#[tokio::test]
async fn a_slow_reader_is_closed_and_hears_why() {
    let linnet = Linnet::with(&["--slow-reader-timeout", "500ms"]).await;
    let mut socket = linnet.websocket(None).await;
    let mut other = linnet.websocket(None).await;
    // Answers of which none is read: more than the buffers on the way hold.
    let ping = json!({ "type": "ping", "payload": { "x": "x".repeat(60_000) } });
    for _ in 0..40 {
        socket.say(ping.clone()).await;
    }
    until("the server gives up", || async {
        linnet.metric(r#"linnet_websocket_closes_total{code="1013"}"#).await > 0.0
    })
    .await;
    assert_eq!(socket.closed_at_last().await, 1013);
    other.quiet().await;
}

#[tokio::test]
async fn a_slow_reader_that_goes_on_is_left_alone() {
    let linnet = Linnet::with(&["--slow-reader-timeout", "1s"]).await;
    let mut socket = linnet.websocket(None).await;
    let ping = json!({ "type": "ping", "payload": { "x": "x".repeat(60_000) } });
    for _ in 0..40 {
        socket.say(ping.clone()).await;
    }
    for _ in 0..40 {
        assert_eq!(socket.hear().await["type"], "pong");
    }
    socket.quiet().await;
}

#[tokio::test]
async fn the_end_of_the_server_is_told_without_complete() {
    let mut linnet = Linnet::start().await;
    let mut socket = linnet.websocket(None).await;
    socket.subscribe("1", SILENT).await;
    socket.quiet().await;
    let (status, (code, _)) = tokio::join!(linnet.terminate(), socket.closed());
    assert_eq!(code, 1001);
    assert!(status.success());
}

#[tokio::test]
async fn nothing_is_left_of_a_socket_that_is_gone() {
    let linnet = Linnet::start().await;
    let mut socket = linnet.websocket(None).await;
    socket.subscribe("1", SILENT).await;
    socket.quiet().await;
    assert!(linnet.metric("linnet_websockets").await > 0.0);
    drop(socket);
    until("the socket is forgotten", || async {
        linnet.metric("linnet_websockets").await == 0.0 && linnet.metric("linnet_subscriptions").await == 0.0
    })
    .await;
}

/// The server's own pings tell a peer that is only quiet, or has much to read before them, from one
/// that is gone.
#[tokio::test]
async fn who_does_not_answer_pings_is_cut() {
    let linnet = Linnet::start().await;
    let author = linnet.person("ann").await;
    let mut there = linnet.websocket(None).await;
    let mut behind = linnet.websocket(None).await;
    behind.subscribe("1", SILENT).await;
    behind.quiet().await;
    let gone = linnet.websocket(None).await;
    there.pinged().await;
    // Whatever a peer sends is an answer.
    there.say(json!({ "type": "ping" })).await;
    assert_eq!(there.hear().await["type"], "pong");
    let posted = Cell::new(0);
    until("the end of the one that is gone", async || {
        author.post("once more #silence").await;
        posted.update(|posted| posted + 1);
        linnet.metric("linnet_websockets").await == 2.0
    })
    .await;
    for _ in 0..posted.get() {
        assert_eq!(behind.hear().await["type"], "next");
    }
    behind.quiet().await;
    there.subscribe("1", "{ __typename }").await;
    assert_eq!(there.hear().await["type"], "next");
    drop(gone);
}
