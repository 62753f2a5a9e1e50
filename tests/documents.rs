//! Documents are prepared once, and may be named by their hash.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::Linnet;
use crate::harness::request::{body, send};

const QUERY: &str = "query Q($yes: Boolean!) { viewer @include(if: $yes) { id } __typename }";

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn by_hash(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

async fn post(linnet: &Linnet, request: Value) -> Value {
    body(send(linnet.post().json(&request)).await).await
}

async fn get(linnet: &Linnet, extensions: &Value, variables: Value) -> Value {
    let parameters = [
        ("extensions", extensions.to_string()),
        ("variables", variables.to_string()),
    ];
    let address = reqwest::Url::parse_with_params(&format!("{}/graphql", linnet.url()), parameters);
    body(send(linnet.client().get(address.unwrap())).await).await
}

fn code(answer: &Value) -> &Value {
    &answer["errors"][0]["extensions"]["code"]
}

#[tokio::test]
async fn a_document_is_read_once() {
    let linnet = Linnet::start().await;
    let counts = async || {
        let hits = linnet.metric("linnet_document_hits_total").await;
        let misses = linnet.metric("linnet_document_misses_total").await;
        (hits, misses, linnet.metric("linnet_documents").await)
    };
    assert_eq!(counts().await, (0.0, 0.0, 0.0));
    for (n, yes) in [true, false, true].into_iter().enumerate() {
        let answer = linnet.graphql(QUERY, json!({ "yes": yes }), None).await;
        assert_eq!(answer["data"].get("viewer").is_some(), yes);
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let hits = n as f64;
        assert_eq!(counts().await, (hits, 1.0, 1.0));
    }
    // What is refused is remembered too.
    for _ in 0..3 {
        let answer = linnet.graphql("{ nothing }", json!({}), None).await;
        assert_eq!(code(&answer), "GRAPHQL_VALIDATION_FAILED");
    }
    assert_eq!(counts().await, (4.0, 2.0, 2.0));
}

#[tokio::test]
async fn variables_are_looked_at_each_time() {
    let linnet = Linnet::start().await;
    let query = "query($name: String!, $first: Int = 2, $group: FeedGroup) {
        hashtag(name: $name) { tweets(first: $first) { nodes { id } } } feed(group: $group, slug: \"x\") { id } }";
    let query = query.replace("$group: FeedGroup", "$group: FeedGroup!");
    let right = json!({ "name": "a", "group": "USER" });
    for _ in 0..2 {
        let answer = linnet.graphql(&query, right.clone(), None).await;
        assert_eq!(answer, json!({ "data": { "hashtag": null, "feed": null } }));
        for (name, wrong) in [
            ("name", json!(7)),
            ("name", json!(null)),
            ("name", json!(["a"])),
            ("first", json!("2")),
            ("first", json!(2.5)),
            ("first", json!(true)),
            ("first", json!([2])),
            ("group", json!("NOBODY")),
            ("group", json!(1)),
        ] {
            let mut variables = right.clone();
            variables[name] = wrong.clone();
            let answer = linnet.graphql(&query, variables, None).await;
            assert_eq!(code(&answer), "GRAPHQL_VALIDATION_FAILED", "{name} {wrong}: {answer}");
            assert_eq!(answer.get("data"), None);
        }
    }
    let query = "mutation($input: FollowInput!) { follow(input: $input) { viewer { id } } }";
    for (input, expected) in [
        (json!({ "targetId": "User:1" }), "UNAUTHENTICATED"),
        (
            json!({ "targetId": "User:1", "backfill": null }),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            json!({ "targetId": "User:1", "backfill": "1" }),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (json!({ "targetId": "User:1", "other": 1 }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "flag": "x" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!("User:1"), "BAD_USER_INPUT"),
        (json!([]), "BAD_USER_INPUT"),
        (json!(null), "GRAPHQL_VALIDATION_FAILED"),
    ] {
        let answer = linnet.graphql(query, json!({ "input": input }), None).await;
        assert_eq!(code(&answer), expected, "{input}: {answer}");
    }
}

#[tokio::test]
async fn clients_register_documents_as_apollo_does() {
    let linnet = Linnet::start().await;
    let (extensions, variables) = (by_hash(&hash(QUERY)), json!({ "yes": false }));
    let unknown = post(&linnet, json!({ "extensions": extensions, "variables": variables })).await;
    assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound");
    assert_eq!(code(&unknown), "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(
        code(&get(&linnet, &extensions, variables.clone()).await),
        "PERSISTED_QUERY_NOT_FOUND"
    );

    let known = json!({ "data": { "__typename": "Query" } });
    let register = json!({ "query": QUERY, "extensions": extensions, "variables": variables });
    assert_eq!(post(&linnet, register).await, known);
    let named = json!({ "extensions": extensions, "variables": variables, "operationName": "Q" });
    assert_eq!(post(&linnet, named).await, known);
    assert_eq!(get(&linnet, &extensions, variables.clone()).await, known);
    let mut socket = linnet.websocket(None).await;
    let payload = json!({ "extensions": extensions, "variables": variables });
    socket
        .say(json!({ "id": "1", "type": "subscribe", "payload": payload }))
        .await;
    assert_eq!(socket.hear().await["payload"], known);

    let wrong = json!({ "query": "{ __typename }", "extensions": extensions });
    assert_eq!(code(&post(&linnet, wrong).await), "BAD_USER_INPUT");
    for persisted in [
        json!({ "version": 2, "sha256Hash": hash(QUERY) }),
        json!({ "sha256Hash": hash(QUERY) }),
        json!({ "version": 1 }),
        json!({ "version": 1, "sha256Hash": 7 }),
        json!({ "version": 1, "sha256Hash": "" }),
        json!("x"),
    ] {
        let request = json!({ "query": QUERY, "extensions": { "persistedQuery": persisted } });
        assert_eq!(code(&post(&linnet, request).await), "BAD_USER_INPUT", "{persisted}");
    }
    let odd = json!({ "extensions": by_hash("no hash at all") });
    assert_eq!(code(&post(&linnet, odd).await), "PERSISTED_QUERY_NOT_FOUND");
}

#[tokio::test]
async fn nothing_changes_by_get_with_a_hash_either() {
    let linnet = Linnet::start().await;
    let mutation = "mutation { logOut }";
    let extensions = by_hash(&hash(mutation));
    post(&linnet, json!({ "query": mutation, "extensions": extensions })).await;
    let address = format!("{}/graphql", linnet.url());
    let address = reqwest::Url::parse_with_params(&address, [("extensions", extensions.to_string())]);
    assert_eq!(send(linnet.client().get(address.unwrap())).await.status(), 405);
}

#[tokio::test]
async fn only_trusted_documents_are_executed_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.json");
    let apollo = json!({ "format": "apollo-persisted-query-manifest", "version": 1, "operations": [
        { "id": "plain-id", "name": "Q", "type": "query", "body": "{ __typename }" }] });
    let plain = json!({ hash(QUERY): QUERY, "plain-id": "{ __typename }" });
    let known = json!({ "data": { "__typename": "Query" } });
    for manifest in [apollo, plain] {
        std::fs::write(&path, manifest.to_string()).unwrap();
        let file = path.to_str().unwrap();
        let start = async |mode: &'static str| {
            Linnet::with(&["--trusted-documents", file, "--trusted-documents-mode", mode]).await
        };
        for mode in ["off", "log", "enforce"] {
            let linnet = start(mode).await;
            assert_eq!(post(&linnet, json!({ "extensions": by_hash("plain-id") })).await, known);
            assert_eq!(post(&linnet, json!({ "query": "{ __typename }" })).await, known);
            let both = json!({ "query": "{ __typename }", "extensions": by_hash("plain-id") });
            assert_eq!(post(&linnet, both).await, known);

            let other = "{ eventCursor }";
            let answer = post(&linnet, json!({ "query": other })).await;
            let registered = post(&linnet, json!({ "query": other, "extensions": by_hash(&hash(other)) })).await;
            let unknown = post(&linnet, json!({ "extensions": by_hash(&hash(other)) })).await;
            if mode == "enforce" {
                assert_eq!(
                    (code(&answer), code(&registered)),
                    (&json!("FORBIDDEN"), &json!("FORBIDDEN"))
                );
                assert_eq!(code(&unknown), "PERSISTED_QUERY_NOT_FOUND");
                let mut socket = linnet.websocket(None).await;
                socket.subscribe("1", other).await;
                assert_eq!(socket.hear().await["payload"][0]["extensions"]["code"], "FORBIDDEN");
            } else {
                for answer in [answer, registered, unknown] {
                    assert!(answer["data"]["eventCursor"].is_string(), "{answer}");
                }
            }
            assert_eq!(linnet.log().contains(&hash(other)), mode == "log");
        }
    }
}

#[tokio::test]
async fn the_operator_is_told_of_trusted_documents_that_will_be_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.json");
    let manifest = json!({ "right": "{ __typename }", "wrong": "{ nothing }" });
    std::fs::write(&path, manifest.to_string()).unwrap();
    let linnet = Linnet::with(&["--trusted-documents", path.to_str().unwrap()]).await;
    assert_eq!(
        code(&post(&linnet, json!({ "extensions": by_hash("wrong") })).await),
        "GRAPHQL_VALIDATION_FAILED"
    );
    let log = linnet.log();
    assert!(
        log.contains("will be refused") && log.contains("wrong") && !log.contains("right"),
        "{log}"
    );
}

#[tokio::test]
async fn a_manifest_that_cannot_be_read_ends_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("manifest.json");
    let file = path.to_str().unwrap();
    let database = format!("sqlite://{}/linnet.db", folder.path().display());
    let run = async |arguments: &[&str]| {
        let arguments = [&["--database-url", &database, "--listen", "127.0.0.1:0"], arguments].concat();
        crate::harness::Run::new(&arguments).output().await.status.code()
    };
    assert_eq!(run(&["--trusted-documents", file]).await, Some(1));
    std::fs::write(&path, "[1]").unwrap();
    assert_eq!(run(&["--trusted-documents", file]).await, Some(1));
    assert_eq!(run(&["--trusted-documents-mode", "enforce"]).await, Some(2));
    assert_eq!(run(&["--trusted-documents-mode", "maybe"]).await, Some(2));
}
