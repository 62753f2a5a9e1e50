//! What documents are measured as.

use super::*;
use async_graphql::parser::parse_query;
use std::time::{Duration, Instant};

/// What the only operation of a document costs, or the error's code, limit and value.
fn cost_with(text: &str, variables: serde_json::Value) -> Result<u64, String> {
    let shape = Shape::of(&crate::graphql::sdl()).unwrap();
    let limits = Limits::default();
    let measured = || -> Result<u64, ServerError> {
        check_size(text, &limits)?;
        check_text(text, &limits)?;
        let document = parse_query(text).unwrap();
        let mut guard = Guard::new(&document, &shape, &limits);
        let mut last = Measured::default();
        for (_, operation) in document.operations.iter() {
            last = guard.measure(&operation.node)?;
        }
        guard.check_fragments()?;
        last.cost(&Variables::from_json(variables), &limits)
    };
    measured().map_err(|error| {
        let extensions = serde_json::to_value(error.extensions.unwrap()).unwrap();
        let part = |name: &str| extensions.get(name).map(ToString::to_string).unwrap_or_default();
        format!("{} {} {}", part("code").trim_matches('"'), part("limit"), part("value"))
    })
}

fn cost(text: &str) -> Result<u64, String> {
    cost_with(text, serde_json::json!({}))
}

/// Fragments of which each spreads the next one twice.
fn nested_fragments(levels: usize, leaf: &str) -> String {
    let mut text = "{viewer{...f0}}".to_owned();
    for level in 0..levels {
        let next = level + 1;
        text += &format!("fragment f{level} on User{{...f{next} ...f{next}}}");
    }
    text + &format!("fragment f{levels} on User{{{leaf}}}")
}

#[test]
fn objects_cost_and_lists_multiply() {
    assert_eq!(cost("{ __typename }"), Ok(1));
    assert_eq!(cost("{ viewer { username bio } }"), Ok(1));
    assert_eq!(cost("{ tweets { nodes { text } } }"), Ok(10));
    assert_eq!(
        cost("{ tweets(first: 100) { nodes { text author { username } } } }"),
        Ok(200)
    );
    assert_eq!(
        cost("{ tweets(last: 7) { edges { node { text author { id } } cursor } } }"),
        Ok(14)
    );
    assert_eq!(cost("{ tweets(first: 7) { pageInfo { hasNextPage } } }"), Ok(7));
    assert_eq!(cost(r#"{ hashtags(prefix: "a", first: 3) { name } }"#), Ok(3));
    assert_eq!(cost(r#"{ nodes(ids: ["a", "b"]) { id } }"#), Ok(2));
    assert_eq!(
        cost("{ tweets(first: 100) { nodes { replies(first: 100) { nodes { id } } } } }"),
        Err("QUERY_TOO_COMPLEX 10000 10100".to_owned())
    );
    // What is larger than any page is refused where it is read.
    assert_eq!(cost("{ tweets(first: 1000000) { nodes { id } } }"), Ok(100));
    assert_eq!(cost("{ tweets(first: -1) { nodes { id } } }"), Ok(1));
}

#[test]
fn variables_are_factors() {
    let query = "query($n: Int, $l: Int) { tweets(first: $n, last: $l) { nodes { author { tweets(first: $n) { nodes { id } } } } } }";
    let with = |variables| cost_with(query, variables);
    assert_eq!(with(serde_json::json!({ "n": 20 })), Ok(20 * (2 + 20)));
    assert_eq!(with(serde_json::json!({ "l": 5 })), Ok(5 * (2 + 10)));
    assert_eq!(with(serde_json::json!({ "n": null })), Ok(10 * (2 + 10)));
    assert_eq!(
        with(serde_json::json!({ "n": 100 })),
        Err("QUERY_TOO_COMPLEX 10000 10200".to_owned())
    );
    let fragments = "query($n: Int) { tweets(first: 2) { nodes { ...A ...A } } }
        fragment A on Tweet { ...B likers(first: $n) { nodes { id } } } fragment B on Tweet { replies(first: $n) { nodes { id } } }";
    assert_eq!(
        cost_with(fragments, serde_json::json!({ "n": 3 })),
        Ok(2 * (1 + 2 * (3 + 3)))
    );
    let ids = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    assert_eq!(cost_with(ids, serde_json::json!({ "ids": ["a", "b", "c"] })), Ok(3));
}

#[test]
fn fields_count_beside_objects() {
    let scalars = "text ".repeat(1_000);
    let query = format!("{{ tweets(first: 100) {{ nodes {{ replies(first: 90) {{ nodes {{ {scalars} }} }} }} }} }}");
    assert!(cost(&query).unwrap_err().starts_with("QUERY_TOO_COMPLEX 200000 "));
}

#[test]
fn operations_share_the_fields_of_their_document() {
    let bomb = nested_fragments(10, "username").replace("{viewer{...f0}}", "");
    let operations = |count: usize| {
        (0..count)
            .map(|n| format!("query q{n}{{viewer{{...f0}}}}"))
            .collect::<String>()
    };
    assert_eq!(cost(&(bomb.clone() + &operations(2))), Ok(51));
    let refused = cost(&(bomb + &operations(300))).unwrap_err();
    assert!(refused.starts_with("QUERY_TOO_COMPLEX 5000 "), "{refused}");
}

#[test]
fn nested_fragments_are_measured_once() {
    let begin = Instant::now();
    for levels in [24, 50] {
        for leaf in ["username", "nothing", "tweets(first: 1) { nodes { id } }"] {
            let text = nested_fragments(levels, leaf);
            assert!(text.len() < 1024 || levels > 24);
            let refused = cost(&text).unwrap_err();
            assert!(refused.starts_with("QUERY_TOO_COMPLEX 5000 "), "{refused}");
        }
    }
    let shape = "query($n: Int) { viewer { ...f0 } }";
    let varying = nested_fragments(24, "tweets(first: $n) { nodes { id } }").replace("{viewer{...f0}}", shape);
    assert!(cost(&varying).is_err());
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}

#[test]
fn circles_and_chains_of_fragments_end() {
    let circle = "{ viewer { ...A } } fragment A on User { ...B } fragment B on User { ...A }";
    assert!(cost(circle).unwrap_err().starts_with("GRAPHQL_VALIDATION_FAILED"));
    let unused = "{ viewer { id } } fragment A on User { ...A }";
    assert!(cost(unused).unwrap_err().starts_with("GRAPHQL_VALIDATION_FAILED"));
    let chain = |length: usize| {
        let links = (0..length).map(|n| format!("fragment f{n} on User {{ ...f{} }}", n + 1));
        let links: String = links.collect();
        format!("{links} fragment f{length} on User {{ id }} {{ viewer {{ ...f0 }} }}")
    };
    assert_eq!(cost(&chain(50)), Ok(1));
    for length in [70, 400] {
        assert!(cost(&chain(length)).unwrap_err().starts_with("QUERY_TOO_DEEP 64 "));
    }
    // What was measured near the root counts where it is spread.
    let parts: String = (0..6)
        .map(|part| {
            let links: String = (0..10)
                .map(|n| format!("fragment p{part}x{n} on User {{ ...p{part}x{} }}", n + 1))
                .collect();
            format!("{links} fragment p{part}x10 on User {{ ...p{}x0 }}", part + 1)
        })
        .collect();
    let spread = format!(
        "{{ viewer {{ ...p6x0 ...p5x0 ...p4x0 ...p3x0 ...p2x0 ...p1x0 ...p0x0 }} }} {parts} fragment p6x0 on User {{ id }}"
    );
    assert!(cost(&spread).unwrap_err().starts_with("QUERY_TOO_DEEP 64 "));
}

#[test]
fn every_limit_has_its_code() {
    let deep = |levels: usize| {
        let (open, close) = ("inReplyTo { ".repeat(levels), " }".repeat(levels));
        format!(r#"{{ tweet(id: "x") {{ {open} id {close} }} }}"#)
    };
    assert!(cost(&deep(10)).is_ok());
    assert_eq!(cost(&deep(11)).unwrap_err(), "QUERY_TOO_DEEP 12 13");
    assert_eq!(cost(&deep(200)).unwrap_err(), "QUERY_TOO_DEEP 64 202");
    let aliases = |count: usize| (0..count).map(|n| format!("a{n}: username ")).collect::<String>();
    assert!(cost(&format!("{{ viewer {{ {} }} }}", aliases(50))).is_ok());
    let over = cost(&format!("{{ viewer {{ {} }} }}", aliases(51)));
    assert_eq!(over.unwrap_err(), "QUERY_TOO_COMPLEX 50 51");
    let roots = |count: usize| (0..count).map(|n| format!("a{n}: eventCursor ")).collect::<String>();
    assert!(cost(&format!("{{ {} }}", roots(20))).is_ok());
    assert_eq!(
        cost(&format!("{{ {} }}", roots(21))).unwrap_err(),
        "QUERY_TOO_COMPLEX 20 21"
    );
    let spread =
        "{ ...R ...R } fragment R on Query { eventCursor a: eventCursor b: eventCursor c: eventCursor d: eventCursor
        e: eventCursor f: eventCursor g: eventCursor h: eventCursor i: eventCursor j: eventCursor }";
    assert_eq!(cost(spread).unwrap_err(), "QUERY_TOO_COMPLEX 20 22");
    let directives = format!("{{ viewer {{ id {} }} }}", "@skip(if: false)".repeat(31));
    assert_eq!(cost(&directives).unwrap_err(), "QUERY_TOO_COMPLEX 30 31");
    let two = r#"subscription { a: hashtagStream(hashtag: "x") { kind } b: hashtagStream(hashtag: "y") { kind } }"#;
    assert!(cost(two).unwrap_err().starts_with("GRAPHQL_VALIDATION_FAILED"));
    let tokens = "{ viewer { ".to_owned() + &"id ".repeat(4_000) + "} }";
    assert_eq!(cost(&tokens).unwrap_err(), "QUERY_TOO_COMPLEX 4000 4005");
    let long = format!("{{ viewer {{ id }} }} # {}", "x".repeat(70_000));
    assert!(cost(&long).unwrap_err().starts_with("QUERY_TOO_COMPLEX 65536 "));
    let list = format!("{{ nodes(ids: {}{}) {{ id }} }}", "[".repeat(500), "]".repeat(500));
    assert_eq!(cost(&list).unwrap_err(), "QUERY_TOO_DEEP 64 502");
}

#[test]
fn introspection_has_limits_of_its_own() {
    let standard = include_str!("../../../tests/data/introspection.graphql");
    assert!(cost(standard).is_ok());
    let circle = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";
    assert_eq!(cost(circle).unwrap_err(), "QUERY_TOO_DEEP 2 3");
    let deep = format!(
        "{{ __type(name: \"A\") {{ {} name {} }} }}",
        "ofType { ".repeat(20),
        " }".repeat(20)
    );
    assert_eq!(cost(&deep).unwrap_err(), "QUERY_TOO_DEEP 20 22");
    let once = "a: __schema { types { fields { args { type { name } } } } }";
    assert!(cost(&format!("{{ {once} }}")).is_ok());
    let often: String = (0..20)
        .map(|n| format!("a{n}: __schema {{ types {{ fields {{ args {{ name }} }} }} }} "))
        .collect();
    assert!(
        cost(&format!("{{ {often} }}"))
            .unwrap_err()
            .starts_with("QUERY_TOO_COMPLEX 20000 ")
    );
}
