//! What is limited by user and by address, and that honest use is not.

use futures_util::future::join_all;
use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::harness::request::{body, send};
use crate::harness::{Linnet, Socket, soon, until};

const POST: &str = "mutation($input: PostTweetInput!) { postTweet(input: $input) { tweet { id } } }";
const LOG_IN: &str = "mutation($input: LogInInput!) { logIn(input: $input) { token } }";
const SIGN_UP: &str = "mutation($input: SignUpInput!) { signUp(input: $input) { token } }";

fn limited(answer: &Value) -> bool {
    let extensions = &answer["errors"][0]["extensions"];
    let limited = extensions["code"] == "RATE_LIMITED";
    if limited {
        assert!(
            extensions["retryAfter"].as_u64().is_some_and(|seconds| seconds > 0),
            "{answer}"
        );
    }
    limited
}

async fn post(linnet: &Linnet, token: &str, text: &str) -> Value {
    linnet
        .graphql(POST, json!({ "input": { "text": text } }), Some(token))
        .await
}

async fn log_in(linnet: &Linnet, username: &str, password: &str) -> Value {
    let input = json!({ "username": username, "password": password });
    linnet.graphql(LOG_IN, json!({ "input": input }), None).await
}

#[tokio::test]
async fn honest_use_meets_no_limit() {
    let linnet = Linnet::with(&[]).await;
    let tokens = join_all((0..40).map(|n| {
        let linnet = &linnet;
        async move { linnet.sign_up(&format!("user{n}")).await }
    }))
    .await;
    // A bot that posts what it has, a page that asks again and again, and many who listen.
    for number in 0..300 {
        let answer = post(&linnet, &tokens[0], &format!("number {number} #bot")).await;
        assert!(answer.get("errors").is_none(), "{answer}");
    }
    let query = "{ hashtag(name: \"bot\") { tweets(first: 100) { nodes { text author { username } } } } }";
    for _ in 0..50 {
        let answers = join_all((0..10).map(|_| linnet.graphql(query, json!({}), None))).await;
        assert!(answers.iter().all(|answer| answer.get("errors").is_none()));
    }
    let sockets = join_all((0..300).map(|_| linnet.websocket(None))).await;
    assert_eq!(sockets.len(), 300);
    for _ in 0..25 {
        assert!(log_in(&linnet, "user1", "correct horse").await.get("errors").is_none());
    }
}

#[tokio::test]
async fn one_writes_so_much_and_others_are_not_held_up() {
    let linnet = Linnet::with(&["--rate-writes", "20/h"]).await;
    let (alice, bob) = (linnet.sign_up("alice").await, linnet.sign_up("bob").await);
    for number in 0..20 {
        assert!(!limited(&post(&linnet, &alice, &format!("{number}")).await));
    }
    let refused = linnet
        .post()
        .bearer_auth(&alice)
        .header("accept", "application/graphql-response+json")
        .json(&json!({ "query": POST, "variables": { "input": { "text": "one more" } } }));
    let refused = send(refused).await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=180).contains(&wait), "{wait}");
    assert!(limited(&body(refused).await));
    assert!(!limited(&post(&linnet, &bob, "not I").await));
    let answer = linnet
        .graphql("{ viewer { tweetCount } }", json!({}), Some(&alice))
        .await;
    assert_eq!(answer["data"]["viewer"]["tweetCount"], 20, "{answer}");
    // Many in one request are many.
    let many: String = (0..15)
        .map(|n| format!("p{n}: postTweet(input: {{ text: \"{n}\" }}) {{ tweet {{ id }} }} "))
        .collect();
    let many = format!("mutation {{ {many} }}");
    assert!(!limited(&linnet.graphql(&many, json!({}), Some(&bob)).await));
    assert!(limited(&linnet.graphql(&many, json!({}), Some(&bob)).await));
    assert!(linnet.metric("linnet_rate_limited_total").await >= 2.0);
}

#[tokio::test]
async fn passwords_are_not_guessed_by_the_dozen() {
    let linnet = Linnet::with(&[]).await;
    linnet.sign_up("alice").await;
    linnet.sign_up("bob").await;
    let guess = r#"logIn(input: { username: "ALICE", password: "a guess" }) { token }"#;
    let guesses: String = (0..15).map(|n| format!("g{n}: {guess} ")).collect();
    let answer = linnet
        .graphql(&format!("mutation {{ {guesses} }}"), json!({}), None)
        .await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer}");
    let mut refused = 0;
    for number in 0..15 {
        let answer = log_in(&linnet, "alice", &format!("guess {number}")).await;
        let wrong = answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED";
        assert!(wrong || limited(&answer), "{answer}");
        refused += usize::from(limited(&answer));
    }
    assert!(refused >= 5, "{refused}");
    // Nobody is let in meanwhile, and it is the account that is closed, not the address.
    assert!(limited(&log_in(&linnet, "alice", "correct horse").await));
    assert!(log_in(&linnet, "bob", "correct horse").await.get("errors").is_none());
    // For a name that nobody has it is the same: the answers tell nothing.
    let mut strangers = 0;
    for _ in 0..12 {
        strangers += usize::from(limited(&log_in(&linnet, "nobody", "a guess").await));
    }
    assert!(strangers > 0);
}

#[tokio::test]
async fn a_stolen_token_does_not_find_out_the_password() {
    let linnet = Linnet::with(&["--rate-passwords", "3/h"]).await;
    let token = linnet.sign_up("alice").await;
    let delete = "mutation($p: String!) { deleteAccount(input: { password: $p }) }";
    for _ in 0..3 {
        let answer = linnet.graphql(delete, json!({ "p": "a guess" }), Some(&token)).await;
        assert_eq!(answer["errors"][0]["extensions"]["field"], "input.password");
    }
    assert!(limited(
        &linnet
            .graphql(delete, json!({ "p": "correct horse" }), Some(&token))
            .await
    ));
}

#[tokio::test]
async fn an_address_makes_so_many_accounts_and_attempts() {
    let linnet = Linnet::with(&[
        "--rate-sign-ups",
        "3/h",
        "--rate-log-ins",
        "4/h",
        "--trusted-proxies",
        "127.0.0.0/8",
    ])
    .await;
    let from = async |address: &str, query: &str, input: Value| {
        let request = linnet.post().header("x-forwarded-for", address);
        let request = request.json(&json!({ "query": query, "variables": { "input": input } }));
        body(send(request).await).await
    };
    let sign_up = async |address: &str, username: &str| {
        limited(
            &from(
                address,
                SIGN_UP,
                json!({ "username": username, "password": "correct horse" }),
            )
            .await,
        )
    };
    for name in ["a", "b", "c"] {
        assert!(!sign_up("192.0.2.1", name).await);
    }
    assert!(sign_up("192.0.2.1", "d").await);
    let again = json!({ "query": SIGN_UP, "variables": { "input": { "username": "d", "password": "correct horse" } } });
    let refused = send(linnet.post().header("x-forwarded-for", "192.0.2.1").json(&again)).await;
    let wait: u64 = refused.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert_eq!(body(refused).await["errors"][0]["extensions"]["retryAfter"], wait);
    assert!(
        sign_up("203.0.113.1, 192.0.2.1", "e").await,
        "what stands before the proxy's own word counts for nothing"
    );
    assert!(!sign_up("192.0.2.2", "f").await);
    for name in ["a", "b", "c", "f"] {
        assert!(!limited(
            &from(
                "192.0.2.3",
                LOG_IN,
                json!({ "username": name, "password": "correct horse" })
            )
            .await
        ));
    }
    assert!(limited(
        &from(
            "192.0.2.3",
            LOG_IN,
            json!({ "username": "a", "password": "correct horse" })
        )
        .await
    ));
}

#[tokio::test]
async fn what_a_client_says_of_its_address_counts_for_nothing() {
    let linnet = Linnet::with(&["--rate-sign-ups", "2/h"]).await;
    let mut refused = false;
    for number in 0..3 {
        let input = json!({ "username": format!("user{number}"), "password": "correct horse" });
        let request = linnet.post().header("x-forwarded-for", format!("192.0.2.{number}"));
        let request = request.json(&json!({ "query": SIGN_UP, "variables": { "input": input } }));
        refused = limited(&body(send(request).await).await);
    }
    assert!(refused);
}

#[tokio::test]
async fn operations_are_charged_by_what_they_cost() {
    let linnet = Linnet::with(&["--rate-cost", "1050/h"]).await;
    let dear = "{ tweets(first: 100) { nodes { author { id } } } }";
    // The document is read once, which costs its tokens.
    for _ in 0..5 {
        assert!(!limited(&linnet.graphql(dear, json!({}), None).await));
    }
    assert!(limited(&linnet.graphql(dear, json!({}), None).await));
    let mut socket = linnet.websocket(None).await;
    socket.subscribe("1", dear).await;
    let message = socket.hear().await;
    assert_eq!(message["type"], "error");
    assert_eq!(message["payload"][0]["extensions"]["code"], "RATE_LIMITED");
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let linnet = Linnet::with(&["--connections-per-address", "5"]).await;
    let sockets = join_all((0..5).map(|_| linnet.websocket(None))).await;
    let mut refused = String::new();
    let mut stream = TcpStream::connect(linnet.address()).await.unwrap();
    soon("an answer", stream.read_to_string(&mut refused)).await.unwrap();
    assert!(refused.starts_with("HTTP/1.1 429 "), "{refused}");
    let (head, answer) = refused.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("retry-after: 10"), "{head}");
    let answer: Value = serde_json::from_str(answer).unwrap();
    assert!(limited(&answer), "{answer}");
    drop(sockets);
    until("a place", async || {
        let answer = reqwest::Client::new()
            .get(format!("{}/healthz", linnet.url()))
            .send()
            .await;
        answer.is_ok_and(|answer| answer.status() == 200)
    })
    .await;
}

/// Behind a proxy each client has so many streams, of whatever kind, and so has each user from
/// wherever they come.
#[tokio::test]
async fn a_client_has_so_many_streams() {
    let options = ["--connections-per-address", "3", "--trusted-proxies", "127.0.0.1"];
    let linnet = Linnet::with(&options).await;
    let ann = linnet.sign_up("ann").await;
    let stream = json!({ "query": "subscription { hashtagStream(hashtag: \"x\") { kind } }" });
    let open = async |address: &str, token: Option<&str>| {
        let request = linnet.post_to("/graphql/stream").header("x-forwarded-for", address);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        send(request.json(&stream)).await
    };
    let socket = async |address: &str| Socket::open_with(linnet.address(), "x-forwarded-for", address).await;
    let mut streams = vec![open("192.0.2.1", None).await, open("192.0.2.1", None).await];
    let sockets = socket("192.0.2.1").await.unwrap();
    let refused = open("192.0.2.1", None).await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()[RETRY_AFTER]),
        (429, &"10".parse().unwrap())
    );
    assert!(limited(&body(refused).await));
    assert!(socket("192.0.2.1").await.is_err());
    // Others behind the same proxy are not held up, and one user is one wherever from.
    for n in 2..5 {
        let opened = open(&format!("192.0.2.{n}"), Some(&ann)).await;
        assert_eq!(opened.status(), 200);
        streams.push(opened);
    }
    assert_eq!(open("192.0.2.5", Some(&ann)).await.status(), 429);
    let mut late = socket("192.0.2.5").await.unwrap();
    late.say(json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {ann}") } }))
        .await;
    assert_eq!(late.closed_at_last().await, 1013);
    drop((streams, sockets));
    until("a place", async || open("192.0.2.1", Some(&ann)).await.status() == 200).await;
}

/// An address of IPv6 is trusted for itself, though clients are counted by their networks.
#[tokio::test]
async fn a_proxy_of_ipv6_is_believed() {
    let linnet = Linnet::with(&[
        "--listen",
        "[::1]:0",
        "--trusted-proxies",
        "::1",
        "--rate-sign-ups",
        "1/h",
    ])
    .await;
    for number in 0..3 {
        let input = json!({ "username": format!("user{number}"), "password": "correct horse" });
        let request = linnet.post().header("x-forwarded-for", format!("192.0.2.{number}"));
        let request = request.json(&json!({ "query": SIGN_UP, "variables": { "input": input } }));
        let answer = body(send(request).await).await;
        assert!(!limited(&answer), "{answer}");
    }
}

#[tokio::test]
async fn off_turns_all_of_them_off() {
    let low = [
        "--rate-writes",
        "1/d",
        "--rate-cost",
        "1/d",
        "--rate-sign-ups",
        "1/d",
        "--rate-passwords",
        "1/d",
    ];
    let more = [
        "--rate-log-ins",
        "1/d",
        "--connections-per-address",
        "1",
        "--rate-limit",
        "off",
    ];
    let linnet = Linnet::with(&[&low[..], &more[..]].concat()).await;
    let (alice, _) = (linnet.sign_up("alice").await, linnet.sign_up("bob").await);
    for number in 0..5 {
        assert!(
            post(&linnet, &alice, &format!("{number}"))
                .await
                .get("errors")
                .is_none()
        );
        let wrong = log_in(&linnet, "alice", "a guess").await;
        assert_eq!(wrong["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    }
    let sockets = join_all((0..5).map(|_| linnet.websocket(None))).await;
    assert_eq!(sockets.len(), 5);
}
