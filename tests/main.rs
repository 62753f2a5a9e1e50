//! Linnet from outside: the program is started, and spoken to over HTTP and WebSocket.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod layering; // the direction of imports
mod schema; // schema.graphql is what the program prints, and holds the contract
mod text; // hashtags, mentions, URLs and lengths, by twitter-text's own cases
