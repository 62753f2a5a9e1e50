//! HTTP/2 without TLS, as proxies speak it: many requests on one connection, streams among them,
//! and clients that take nothing, or give up.

use bytes::Bytes;
use futures_util::future::join_all;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream};
use http::{Request, Response};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::harness::{Linnet, soon, until};

/// A client's end of a connection.
struct Connection {
    requests: SendRequest<Bytes>,
    ending: JoinHandle<Result<(), h2::Error>>,
}

impl Connection {
    /// Opens one whose answers have windows of this size.
    async fn open(linnet: &Linnet, window: u32) -> Self {
        let stream = TcpStream::connect(linnet.address()).await.unwrap();
        let (requests, connection) = Builder::new()
            .initial_window_size(window)
            .handshake(stream)
            .await
            .unwrap();
        let ending = tokio::spawn(connection);
        Self { requests, ending }
    }

    /// Begins a request.
    async fn post(&mut self, path: &str, body: &Value) -> ResponseFuture {
        let request = Request::post(format!("http://linnet{path}"))
            .header("content-type", "application/json")
            .body(())
            .unwrap();
        let ready = self.requests.clone().ready().await.unwrap();
        self.requests = ready;
        let (answer, mut sending) = self.requests.send_request(request, false).unwrap();
        sending.send_data(body.to_string().into(), true).unwrap();
        answer
    }

    async fn ask(&mut self, query: &str) -> Response<RecvStream> {
        let asking = self.post("/graphql", &json!({ "query": query })).await;
        soon(query, asking).await.unwrap()
    }
}

/// What is left of a body; what was taken makes room for more.
async fn whole(mut body: RecvStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(piece) = soon("a piece", body.data()).await {
        let piece = piece.unwrap();
        body.flow_control().release_capacity(piece.len()).unwrap();
        bytes.extend_from_slice(&piece);
    }
    bytes
}

async fn json_of(answer: Response<RecvStream>) -> Value {
    assert_eq!(answer.status(), 200);
    serde_json::from_slice(&whole(answer.into_body()).await).unwrap()
}

/// Text of a stream until it has what is looked for.
async fn heard(body: &mut RecvStream, sought: &str) {
    let mut text = String::new();
    while !text.contains(sought) {
        let piece = soon(sought, body.data()).await.unwrap().unwrap();
        body.flow_control().release_capacity(piece.len()).unwrap();
        text.push_str(std::str::from_utf8(&piece).unwrap());
    }
}

/// Waits until the server has given up an answer of which nothing is taken.
async fn given_up(body: &mut RecvStream) {
    while let Some(piece) = soon("the end", body.data()).await {
        if let Err(error) = piece {
            assert_eq!(error.reason(), Some(Reason::CANCEL), "{error}");
            return;
        }
    }
    panic!("the answer came to its end");
}

#[tokio::test]
async fn requests_and_streams_share_a_connection() {
    let linnet = Linnet::start().await;
    let ann = linnet.join("ann").await;
    let mut connection = Connection::open(&linnet, 65_535).await;
    let query = "subscription { hashtagStream(hashtag: \"two\") { tweet { text } } }";
    let opening = connection.post("/graphql/stream", &json!({ "query": query })).await;
    let mut events = soon("a stream", opening).await.unwrap().into_body();
    heard(&mut events, ":\n\n").await;
    linnet.tweet(&ann, "over #two").await;
    let mut asking = Vec::new();
    for n in 0..50 {
        let query = format!("{{ n{n}: tweets(first: 1) {{ nodes {{ text }} }} }}");
        asking.push(connection.post("/graphql", &json!({ "query": query })).await);
    }
    for (n, answer) in join_all(asking).await.into_iter().enumerate() {
        let answer = json_of(answer.unwrap()).await;
        assert_eq!(answer["data"][format!("n{n}")]["nodes"][0]["text"], "over #two");
    }
    heard(&mut events, "over #two").await;
}

/// An answer goes in pieces, however small the window of its reader.
#[tokio::test]
async fn long_answers_come_whole() {
    let linnet = Linnet::start().await;
    let ann = linnet.join("ann").await;
    for n in 0..50 {
        linnet.tweet(&ann, &format!("{n} {}", "long ".repeat(50))).await;
    }
    let query = "{ tweets(first: 50) { nodes { text } } again: tweets(first: 50) { nodes { text } } }";
    let plain = linnet.graphql(query, json!({}), None).await;
    for window in [1, 1_000, 65_535] {
        let mut connection = Connection::open(&linnet, window).await;
        assert_eq!(json_of(connection.ask(query).await).await, plain);
    }
}

/// A window that stays shut holds no answer, whatever else the connection does; and who merely waits
/// for an event is left alone.
#[tokio::test]
async fn answers_that_nobody_takes_are_dropped() {
    let linnet = Linnet::with(&["--slow-reader-timeout", "300ms"]).await;
    let ann = linnet.join("ann").await;
    linnet.tweet(&ann, "long enough for a window #two").await;
    let stream = json!({ "query": "subscription { hashtagStream(hashtag: \"two\") { tweet { text } } }" });
    let mut patient = Connection::open(&linnet, 65_535).await;
    let opening = patient.post("/graphql/stream", &stream).await;
    let mut events = soon("a stream", opening).await.unwrap().into_body();
    heard(&mut events, ":\n\n").await;
    // What is not begun, or goes on, is given up by itself: others may be on the connection.
    let mut deaf = Connection::open(&linnet, 0).await;
    let mut held = deaf.ask("{ tweets { nodes { text } } }").await.into_body();
    given_up(&mut held).await;
    let mut deaf = Connection::open(&linnet, 4).await;
    let opening = deaf.post("/graphql/stream", &stream).await;
    let mut held = soon("a stream", opening).await.unwrap().into_body();
    linnet.tweet(&ann, "nobody takes this #two").await;
    given_up(&mut held).await;
    assert_eq!(deaf.ask("{ __typename }").await.status(), 200);
    // What was handed over whole is left where it is, and goes with the connection.
    for window in [1, 20] {
        let mut connection = Connection::open(&linnet, window).await;
        let held = connection.ask("{ tweets { nodes { text } } }").await;
        drop(soon("the end of the connection", connection.ending).await);
        drop(held);
    }
    until("the end of streams", async || {
        linnet.metric("linnet_http_streams").await == 1.0
    })
    .await;
    heard(&mut events, "nobody takes this").await;
}

/// Requests that are given up as soon as they are made cost the server little.
#[tokio::test]
async fn requests_that_are_given_up_hold_nobody_up() {
    let linnet = Linnet::start().await;
    for _ in 0..5 {
        let mut connection = Connection::open(&linnet, 65_535).await;
        for n in 0..400 {
            let Ok(ready) = connection.requests.clone().ready().await else {
                break;
            };
            connection.requests = ready;
            let request = Request::get(format!(
                "http://linnet/graphql?query=%7Btweets%7Bnodes%7Bid%7D%7D%7D&n={n}"
            ));
            let sent = connection.requests.send_request(request.body(()).unwrap(), false);
            let Ok((_, mut sending)) = sent else { break };
            sending.send_reset(Reason::CANCEL);
        }
    }
    let mut connection = Connection::open(&linnet, 65_535).await;
    let answer = json_of(connection.ask("{ __typename }").await).await;
    assert_eq!(answer["data"]["__typename"], "Query");
    drop(connection);
    until("the end of connections", async || {
        linnet.metric("linnet_connections").await <= 1.0
    })
    .await;
}
