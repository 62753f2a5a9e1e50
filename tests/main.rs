//! Linnet from outside: the program is started, and spoken to over HTTP and WebSocket.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod harness;

mod caches; // whoever saw something new is never shown something older
mod clients; // the real JavaScript clients: audits, graphql-ws, Apollo, GraphiQL in a browser
mod config; // options and commands: what is right, and how what is wrong is told
mod crash; // kill -9 under load: nothing acknowledged is lost, doubled or miscounted
mod hashtag_streams; // what a hashtag's stream tells, in which order, and since when
mod http_protocol; // GraphQL over HTTP: methods, media types, limits and statuses
mod import; // bulk import: order, repetition, bad rows, counters
mod layering; // the direction of imports
mod processes; // commands beside a running server, a second server, and the end of one
mod resuming; // readers that come back, or lag, miss nothing and get nothing twice
mod schema; // schema.graphql is what the program prints, and holds the contract
mod text; // hashtags, mentions, URLs and lengths, by twitter-text's own cases
mod websocket_protocol; // the rules of graphql-transport-ws, one by one
